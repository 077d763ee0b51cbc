//! Whole worlds, told in files: `operator/tests/scenarios/*.yaml`, each with a snapshot of its plan.
//!
//! A file says how the world came about, in steps, and what is wanted now. To add a case, add a file, run the test with
//! `INSTA_UPDATE=always`, and read the snapshot.

use std::path::Path;

use photogallery_crds::PhotoGallerySpec;
use serde::Deserialize;

use super::drive::{absent, converge, once, present, run, with_new_release};
use super::edits::edit;
use super::fake_cloud::{FakeCloud, Slow, World};
use super::galleries::summer;
use crate::gallery::{DataPolicy, Gallery, Goal};
use crate::plan_command;
use crate::reconcile::{look, preflight};

/// A file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What it shows.
    about: String,
    /// How the world came about; an empty account before the first step. Besides edits (see `edits.rs`):
    ///
    /// - `in sync`: a gallery with title and region alone is made, as `photos/summer`;
    /// - `full of roles`: from now on the account takes no more than are there;
    /// - `slow distribution`: from now on distributions take their time;
    /// - `new release`: an operator with other functions and another site takes over;
    /// - `new uid`: the object was made anew;
    /// - `one reconcile`: of the goal;
    /// - `reached`: the goal is;
    /// - `deleted and retained`: the gallery is, completely.
    #[serde(default)]
    world: Vec<String>,
    /// What the spec says now.
    spec: PhotoGallerySpec,
    /// `Present` unless it says otherwise.
    #[serde(default)]
    goal: Wanted,
}

#[derive(Clone, Copy, Default, Deserialize)]
enum Wanted {
    #[default]
    Present,
    Delete,
    Retain,
}

impl Scenario {
    fn goal(&self, gallery: &Gallery) -> Goal {
        let gallery = Gallery { spec: self.spec.clone(), ..gallery.clone() };
        match self.goal {
            Wanted::Present => present(&gallery),
            Wanted::Delete => absent(&gallery, DataPolicy::Delete),
            Wanted::Retain => absent(&gallery, DataPolicy::Retain),
        }
    }

    async fn plan(&self) -> String {
        let (cloud, mut gallery) = (FakeCloud::new(World::default()), summer());
        for step in &self.world {
            match step.as_str() {
                "in sync" => drop(converge(&cloud, &present(&gallery)).await),
                "full of roles" => cloud.edit(|world| world.quotas.roles = world.roles.len()),
                "slow distribution" => {
                    cloud.edit(|world| world.slow = Slow { distribution: 9, ..world.slow });
                }
                "new release" => gallery = with_new_release(&gallery),
                "new uid" => gallery.identity.uid = "another-uid".into(),
                "one reconcile" => drop(once(&cloud, &self.goal(&gallery)).await),
                "reached" => drop(converge(&cloud, &self.goal(&gallery)).await),
                "deleted and retained" => drop(converge(&cloud, &absent(&gallery, DataPolicy::Retain)).await),
                name => cloud.edit(|world| edit(world, &gallery.identity, name)),
            }
        }
        let goal = self.goal(&gallery);
        let mut outcome = look(&cloud, &goal).await;
        preflight(&cloud, &goal, &mut outcome).await;
        plan_command::describe(&goal, &outcome.plan, &outcome.preflight)
    }
}

#[test]
fn every_scenario_leads_to_its_plan() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(files.len() >= 12, "scenarios are missing");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let scenario: Scenario =
            serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        settings.set_description(scenario.about.clone());
        settings.bind(|| insta::assert_snapshot!(name, run(scenario.plan())));
    }
}
