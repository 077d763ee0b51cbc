//! Writes the `CustomResourceDefinition` to `crds/photogalleries.yaml` and into the chart. Run by `make generate`.

use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let yaml = photogallery_crds::crd_yaml()?;
    for file in photogallery_crds::GENERATED {
        fs::write(root.join(file), &yaml).map_err(|error| format!("failed to write {file}: {error}"))?;
        println!("wrote {file}");
    }
    Ok(())
}
