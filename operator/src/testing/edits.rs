//! What others do to a gallery's resources: by name, so that scenario files and generated histories share them.

mod others;

use functions_core::contract::FunctionName;
use serde_json::json;

use crate::gallery::Identity;
use crate::graph::{BucketRole, ResourceId};
use crate::names::{TAG_SITE, Tags};
use crate::resources::distribution::{Origin, SITE};
use crate::resources::function::{self, Activity};
use crate::resources::notification::{Entry, ID};
use crate::resources::permission::{STATEMENT, Statement};
use crate::resources::rest_api::Setting;
use crate::resources::stage::Extra;
use crate::resources::table::{self, Index, Status};
use crate::testing::fake_cloud::World;
use crate::testing::fake_cloud::parts::{Bucket, Deployment, Distribution, Function, RestApi, Role};

/// One edit. Where there is nothing to edit, it does nothing.
type Edit = fn(&mut World, &Identity);

const LIST: FunctionName = FunctionName::List;

/// Changes that leave the resource where it is.
const CHANGES: &[(&str, Edit)] = &[
    ("open bucket/photos", |world, id| {
        with_bucket(world, id, BucketRole::Photos, |it| it.observed.unblocked.extend(["BlockPublicPolicy"]));
    }),
    ("encrypt bucket/photos with another key", |world, id| {
        with_bucket(world, id, BucketRole::Photos, |it| {
            it.observed.encryption = Some("aws:kms arn:key".into());
        });
    }),
    ("allow access control lists on bucket/frontend", |world, id| {
        with_bucket(world, id, BucketRole::Frontend, |it| it.observed.ownership = None);
    }),
    ("let others into bucket/photos by an access control list", |world, id| {
        with_bucket(world, id, BucketRole::Photos, |it| {
            it.observed.ownership = Some("ObjectWriter".into());
            it.lets_others_in = true;
        });
    }),
    ("remove the lifecycle of bucket/thumbnails", |world, id| {
        with_bucket(world, id, BucketRole::Thumbnails, |it| it.observed.lifecycle.clear());
    }),
    ("tag bucket/photos with cost=7", |world, id| {
        with_bucket(world, id, BucketRole::Photos, |it| {
            drop(it.observed.tags.insert("cost".into(), "7".into()));
        });
    }),
    ("change bucket-policy/photos", |world, id| {
        with_bucket(world, id, BucketRole::Photos, |it| it.policy = Some(json!({"Statement": []})));
    }),
    ("let any page upload", |world, id| {
        with_bucket(world, id, BucketRole::Photos, |it| {
            for rule in it.cors.iter_mut().flatten() {
                rule.origins.insert("*".into());
            }
        });
    }),
    ("add a notification", |world, id| {
        with_bucket(world, id, BucketRole::Photos, |it| {
            drop(it.notifications.insert("other".into(), entry("arn:other")));
        });
    }),
    ("tell another function of uploads", |world, id| {
        with_bucket(world, id, BucketRole::Photos, |it| {
            drop(it.notifications.insert(ID.into(), entry("arn:other")));
        });
    }),
    ("change the page", |world, id| {
        with_bucket(world, id, BucketRole::Frontend, |it| {
            drop(it.objects.insert("index.html".into(), "other".into()));
        });
    }),
    ("serve the page as text", |world, id| {
        with_bucket(world, id, BucketRole::Frontend, |it| {
            if let Some(page) = it.objects.get_mut("index.html") {
                page.headers.insert("content-type".into(), "text/plain".into());
            }
        });
    }),
    ("replace the zips", |world, id| {
        with_bucket(world, id, BucketRole::Artefacts, |it| {
            it.objects.values_mut().for_each(|zip| *zip = "other".into());
        });
    }),
    ("add a file to the site", |world, id| {
        with_bucket(world, id, BucketRole::Frontend, |it| {
            drop(it.objects.insert("old.js".into(), "old".into()));
        });
    }),
    ("remove a file of the site", |world, id| {
        with_bucket(world, id, BucketRole::Frontend, |it| drop(it.objects.pop_first()));
    }),
    ("add photos", |world, id| {
        with_bucket(world, id, BucketRole::Photos, |it| {
            it.objects.extend(["photos/1", "photos/2", "incoming/3"].map(|key| (key.into(), "photo".into())));
        });
        with_bucket(world, id, BucketRole::Thumbnails, |it| {
            drop(it.objects.insert("1.jpg".into(), "thumbnail".into()));
        });
    }),
    ("turn off recovery of the table", |world, id| with_table(world, id, |it| it.has_recovery = false)),
    ("remove the index of the table", |world, id| with_table(world, id, |it| it.index = Index::Missing)),
    ("replace the index of the table", |world, id| {
        with_table(world, id, |it| it.index = Index::Other("photoId, KEYS_ONLY attributes".into()));
    }),
    ("provision the table", |world, id| with_table(world, id, |it| it.is_on_demand = false)),
    ("protect the table", |world, id| with_table(world, id, |it| it.is_protected = true)),
    ("keep logs of list for ever", |world, id| {
        world.log_groups.entry(id.log_group(LIST)).and_modify(|it| it.retention_days = None);
    }),
    ("change role/list policy", |world, id| {
        with_role(world, id, |it| drop(it.policies.insert("photogallery".into(), json!({}))));
    }),
    ("change role/list trust", |world, id| with_role(world, id, |it| it.trust = json!({}))),
    ("take the boundary off role/list", |world, id| with_role(world, id, |it| it.boundary = None)),
    ("add a policy to role/list", |world, id| {
        with_role(world, id, |it| drop(it.policies.insert("other".into(), json!({}))));
    }),
    ("attach a policy to role/list", |world, id| {
        with_role(world, id, |it| it.attached.push("arn:other".into()));
    }),
    ("tag role/list with cost=7", |world, id| {
        with_role(world, id, |it| drop(it.tags.insert("cost".into(), "7".into())));
    }),
    ("change the environment of function/list", |world, id| {
        with_function(world, id, |it| {
            it.observed.configuration.environment.insert("LOG".into(), "debug".into());
        });
    }),
    ("change the code of function/list", |world, id| {
        with_function(world, id, |it| it.observed.code_sha256 = "other".into());
    }),
    ("change code and memory of function/list", |world, id| {
        with_function(world, id, |it| {
            it.observed.code_sha256 = "other".into();
            it.observed.configuration.memory_mib = 1;
        });
    }),
    ("add a layer to function/list", |world, id| {
        with_function(world, id, |it| {
            drop(it.observed.extras.insert(function::Extra::Layers, "arn:layer".into()));
        });
    }),
    ("reserve concurrency of function/list", |world, id| {
        with_function(world, id, |it| it.observed.reserved_concurrency = Some(0));
    }),
    ("break function/list", |world, id| {
        with_function(world, id, |it| {
            if it.observed.activity == Activity::Active {
                it.observed.activity = Activity::Failed("InternalError".into());
            }
        });
    }),
    ("let another REST API invoke function/list", |world, id| {
        with_function(world, id, |it| {
            if let Some(statement) = it.statements.get_mut(STATEMENT) {
                statement.source_arn = "arn:aws:execute-api:other".into();
            }
        });
    }),
    ("add a permission to function/list", |world, id| {
        with_function(world, id, |it| {
            let statement = it.statements.get(STATEMENT).cloned();
            it.statements.extend(statement.map(|statement| ("other".to_owned(), statement)));
        });
    }),
    ("let another bucket invoke function/thumbnail", |world, id| {
        with_statement(world, id, |it| it.source_arn = "arn:aws:s3:::other".into());
    }),
    ("let the bucket of another account invoke function/thumbnail", |world, id| {
        with_statement(world, id, |it| it.source_account = "999999999999".into());
    }),
    ("let nobody invoke function/thumbnail", |world, id| {
        with_statement(world, id, |it| it.effect = "Deny".into());
    }),
    ("forget the routes of the REST API", |world, id| {
        with_api(world, id, |it| it.description = "by hand".into());
    }),
    ("close the REST API", |world, id| {
        with_api(world, id, |it| drop(it.settings.insert(Setting::OwnAddress, "off".into())));
    }),
    ("put a policy on the REST API", |world, id| {
        with_api(world, id, |it| drop(it.settings.insert(Setting::Policy, "Deny execute-api:Invoke".into())));
    }),
    ("answer GET /photos otherwise", |world, id| {
        with_api(world, id, |it| drop(it.routes.insert("GET /photos".into(), "MOCK".into())));
    }),
    ("answer GET /photos otherwise and deploy that", |world, id| {
        with_api(world, id, |it| {
            it.routes.insert("GET /photos".into(), "MOCK".into());
            let (id, text) = ("theirs".to_owned(), "theirs".to_owned());
            it.deployments = vec![Deployment { id: id.clone(), description: text, snapshot: String::new() }];
            it.stage.iter_mut().for_each(|stage| stage.deployment.clone_from(&id));
        });
    }),
    ("put a canary on the stage", |world, id| {
        with_api(world, id, |it| {
            let stage = it.stage.iter_mut();
            stage.for_each(|stage| drop(stage.extras.insert(Extra::Canary, "50 % to theirs".into())));
        });
    }),
    ("rename the REST API", |world, id| with_api(world, id, |it| it.name = "other".into())),
    ("make a second REST API", |world, id| {
        if world.rest_apis.values().any(|api| is_ours(id, &api.tags)) {
            let api = RestApi { made: 1_000_000, tags: id.owner_tags(), ..RestApi::default() };
            world.rest_apis.insert("second".into(), api);
        }
    }),
    ("deploy the REST API by hand", |world, id| {
        with_api(world, id, |it| {
            let (id, text) = ("by-hand".to_owned(), "kept by somebody".to_owned());
            if it.deployments.iter().all(|deployment| deployment.id != id) {
                it.deployments.push(Deployment { id, description: text, snapshot: String::new() });
            }
        });
    }),
    ("unthrottle the stage", |world, id| {
        with_api(world, id, |it| it.stage.iter_mut().for_each(|stage| stage.throttle = None));
    }),
    ("serve older routes", |world, id| {
        with_api(world, id, |it| {
            let (id, description) = ("older".to_owned(), "0".repeat(64));
            if let Some(stage) = &mut it.stage {
                stage.deployment.clone_from(&id);
                it.deployments.retain(|deployment| deployment.id != id);
                it.deployments.insert(0, Deployment { id, description, snapshot: String::new() });
            }
        });
    }),
    ("serve another deployment", |world, id| {
        with_api(world, id, |it| {
            if it.deployments.iter().any(|deployment| deployment.id == "by-hand") {
                it.stage.iter_mut().for_each(|stage| stage.deployment = "by-hand".into());
            }
        });
    }),
    ("disable the distribution", |world, id| with_distribution(world, id, |it| it.config.enabled = false)),
    ("comment on the distribution", |world, id| {
        with_distribution(world, id, |it| it.config.comment = "mine".into());
    }),
    ("unsign the distribution's requests", |world, id| {
        with_distribution(world, id, |it| {
            if let Some(Origin::Bucket { access_control, .. }) = it.config.origins.get_mut(SITE) {
                access_control.clear();
            }
        });
    }),
    ("put a web ACL on the distribution", |world, id| {
        with_distribution(world, id, |it| drop(it.others.insert("web ACL".into(), "arn:acl".into())));
    }),
    ("sign the bucket's requests otherwise", |world, id| {
        let name = id.installation.origin_access_control();
        let all = world.origin_access_controls.values_mut().filter(|control| control.name == name);
        all.for_each(|control| control.behavior = "never".into());
    }),
    ("track visitors", |world, id| {
        let name = crate::resources::response_headers_policy::name(id);
        let all = world.response_headers_policies.values_mut().filter(|policy| policy.name == name);
        all.for_each(|policy| drop(policy.headers.others.insert("x-tracking".into(), "on".into())));
    }),
];

/// Names of all edits that leave no trace once the gallery is in sync again, or that nobody undoes.
pub(crate) fn names() -> Vec<String> {
    let removals = ResourceId::all().map(|id| format!("remove {id}"));
    removals.chain(CHANGES.iter().map(|(name, _)| (*name).to_owned())).collect()
}

/// Carries out an edit: one of [`CHANGES`], `remove <resource>`, or `foreign <resource>`, which puts somebody else's in its
/// place.
pub(crate) fn edit(world: &mut World, gallery: &Identity, name: &str) {
    if let Some((_, edit)) = CHANGES.iter().find(|(known, _)| *known == name) {
        return edit(world, gallery);
    }
    let resource = |text: &str| ResourceId::all().find(|id| id.to_string() == text);
    match name.split_once(' ').and_then(|(verb, rest)| Some((verb, resource(rest)?))) {
        Some(("remove", id)) => remove(world, gallery, id),
        Some(("foreign", id)) => others::foreign(world, gallery, id),
        _ => panic!("no edit is called {name:?}; there are {:#?}", names()),
    }
}

/// What a person with all rights can remove. What AWS would not let them is left alone.
fn remove(world: &mut World, gallery: &Identity, id: ResourceId) {
    match id {
        ResourceId::OriginAccessControl => {
            if world.distributions.is_empty() {
                let name = gallery.installation.origin_access_control();
                world.origin_access_controls.retain(|_, control| control.name != name);
            }
        }
        ResourceId::ResponseHeadersPolicy => {
            if world.distributions.is_empty() {
                world.response_headers_policies.clear();
            }
        }
        ResourceId::Bucket(role) => drop(world.buckets.remove(&gallery.bucket(role))),
        ResourceId::Table => drop(world.tables.remove(&gallery.table())),
        ResourceId::LogGroup(name) => drop(world.log_groups.remove(&gallery.log_group(name))),
        ResourceId::Role(name) => drop(world.roles.remove(&gallery.role(name))),
        ResourceId::RestApi => world.rest_apis.retain(|_, api| !is_ours(gallery, &api.tags)),
        ResourceId::Deployment => with_api(world, gallery, |it| {
            let live = it.stage.as_ref().map(|stage| stage.deployment.clone());
            it.deployments.retain(|deployment| Some(&deployment.id) == live.as_ref());
        }),
        ResourceId::Stage => with_api(world, gallery, |it| it.stage = None),
        ResourceId::Distribution => world.distributions.retain(|_, found| !is_ours(gallery, &found.tags)),
        ResourceId::BucketPolicy(role) => with_bucket(world, gallery, role, |it| it.policy = None),
        ResourceId::UploadCors => with_bucket(world, gallery, BucketRole::Photos, |it| it.cors = None),
        ResourceId::Artefacts => with_bucket(world, gallery, BucketRole::Artefacts, |it| it.objects.clear()),
        ResourceId::Function(name) => drop(world.functions.remove(&gallery.function(name))),
        ResourceId::Permission(name) => {
            if let Some(found) = world.functions.get_mut(&gallery.function(name)) {
                found.statements.remove(STATEMENT);
            }
        }
        ResourceId::Notification => {
            with_bucket(world, gallery, BucketRole::Photos, |it| drop(it.notifications.remove(ID)));
        }
        ResourceId::Site => with_bucket(world, gallery, BucketRole::Frontend, |it| it.objects.clear()),
        ResourceId::Invalidation => with_distribution(world, gallery, |it| drop(it.tags.remove(TAG_SITE))),
    }
}

fn entry(function: &str) -> Entry {
    Entry {
        function: function.into(),
        events: vec!["s3:ObjectRemoved:*".into()],
        prefix: "x".into(),
        suffix: "y".into(),
    }
}

fn is_ours(gallery: &Identity, tags: &Tags) -> bool {
    gallery.ownership(tags) == crate::ownership::Ownership::Ours
}

fn with_bucket(world: &mut World, gallery: &Identity, role: BucketRole, edit: impl FnOnce(&mut Bucket)) {
    if let Some(found) = world.buckets.get_mut(&gallery.bucket(role)) {
        edit(found);
    }
}

fn with_table(world: &mut World, gallery: &Identity, edit: impl FnOnce(&mut table::Observed)) {
    // A table that is busy takes nothing from anybody.
    let found =
        world.tables.get_mut(&gallery.table()).filter(|found| found.observed.status == Status::Active);
    if let Some(found) = found {
        edit(&mut found.observed);
    }
}

fn with_role(world: &mut World, gallery: &Identity, edit: impl FnOnce(&mut Role)) {
    if let Some(found) = world.roles.get_mut(&gallery.role(LIST)) {
        edit(found);
    }
}

fn with_function(world: &mut World, gallery: &Identity, edit: impl FnOnce(&mut Function)) {
    if let Some(found) = world.functions.get_mut(&gallery.function(LIST)) {
        edit(found);
        found.revision += 1;
    }
}

fn with_statement(world: &mut World, gallery: &Identity, edit: impl FnOnce(&mut Statement)) {
    let function = world.functions.get_mut(&gallery.function(FunctionName::Thumbnail));
    if let Some(statement) = function.and_then(|found| found.statements.get_mut(STATEMENT)) {
        edit(statement);
    }
}

fn with_api(world: &mut World, gallery: &Identity, edit: impl FnOnce(&mut RestApi)) {
    if let Some(found) = world.rest_apis.values_mut().find(|api| is_ours(gallery, &api.tags)) {
        edit(found);
    }
}

fn with_distribution(world: &mut World, gallery: &Identity, edit: impl FnOnce(&mut Distribution)) {
    if let Some(found) = world.distributions.values_mut().find(|found| is_ours(gallery, &found.tags)) {
        edit(found);
        found.version += 1;
    }
}
