//! The checked-in definitions are what the types say, and small enough.

use std::{fs, path::Path};

use photogallery_crds::{GENERATED, crd_yaml};

/// What `kubectl apply` can keep in its annotation is 256 KiB; we keep well below, for those who read it.
const SIZE_LIMIT: usize = 64 * 1024;

#[test]
fn checked_in_definitions_are_generated_from_the_types() {
    let expected = crd_yaml().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in GENERATED {
        let actual = fs::read_to_string(root.join(file)).unwrap_or_default();
        assert!(actual == expected, "{file} is not what the types say; run `make generate`");
    }
}

#[test]
fn the_definition_is_small() {
    let size = crd_yaml().unwrap().len();
    assert!(size < SIZE_LIMIT, "the definition has {size} bytes, the limit is {SIZE_LIMIT}");
}
