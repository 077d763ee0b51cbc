//! What we want and what differs, one file per AWS kind, all of it pure.
//!
//! Every kind has the same shape, [`Kind`]; [`visit`] leads from a [`ResourceId`] to its kind. The other half, the calls,
//! stands under the same file names in `crate::aws`.

pub(crate) mod after;
pub mod artefacts;
pub mod bucket;
pub mod bucket_policy;
pub mod deployment;
pub mod distribution;
pub mod document;
pub mod function;
pub mod invalidation;
pub mod log_group;
pub mod notification;
pub mod origin_access_control;
pub mod permission;
pub mod response_headers_policy;
pub mod rest_api;
pub mod role;
pub mod site;
pub mod stage;
pub mod table;
pub mod upload_cors;

use std::fmt::{self, Debug};
use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use functions_core::contract::FunctionName;

pub use after::After;

use crate::cloud::{Answer, Observed};
use crate::gallery::{DataPolicy, Gallery};
use crate::graph::{BucketRole, ResourceId};
use crate::names;

/// The decisions about one AWS kind.
pub trait Kind {
    /// Tells the gallery's resources of this kind apart; `()` where it has one.
    type Key: Copy;
    /// The fields that the operator owns, and no others.
    type Desired: Clone + Debug + PartialEq;
    /// What AWS reports, in the same vocabulary, plus what AWS assigned.
    type Observed: Clone + Debug + PartialEq;
    /// One AWS call as data.
    type Change: Clone + Debug + PartialEq;

    /// What should be there. `None` until every identity that AWS assigns and that it needs has been observed.
    fn desired(key: Self::Key, gallery: &Gallery, seen: &Observed) -> Option<Self::Desired>;

    /// The calls that turn `seen` into `want`, in order; none when it is up to date.
    fn update(want: &Self::Desired, seen: Option<&Self::Observed>) -> Vec<Step<Self::Change>>;

    /// The calls that remove it, in order; none when AWS is still at work, or when `data` says that it stays and it is
    /// marked so already (then [`Kind::stays`] is true).
    fn delete(key: Self::Key, seen: &Self::Observed, data: DataPolicy) -> Vec<Step<Self::Change>>;

    /// Is this data that outlives its gallery, and marked so?
    fn stays(_key: Self::Key, _seen: &Self::Observed, _data: DataPolicy) -> bool {
        false
    }

    /// How far AWS is with it.
    fn state(_seen: &Self::Observed) -> State {
        State::Ready
    }

    /// What it is after a call that AWS has answered with yes.
    fn after(
        _seen: Option<&Self::Observed>,
        _change: &Self::Change,
        _answer: &Answer,
    ) -> After<Self::Observed> {
        After::Unknown
    }

    /// Its ARN or other identity, for the status.
    fn describe(key: Self::Key, gallery: &crate::gallery::Identity, seen: &Self::Observed) -> Description;
}

/// A line of `status.resources`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// AWS's name or id.
    pub name: String,
    /// ARN, where the kind has one.
    pub arn: Option<String>,
}

/// How far AWS is with a resource that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Done; others may build on it.
    Ready,
    /// Others may build on it, but the gallery is not complete: AWS is still at work. The text says on what, and how long
    /// it usually takes.
    Usable(&'static str),
    /// Nothing may build on it yet. The text says what AWS is doing.
    Pending(&'static str),
}

/// One AWS call and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<C> {
    /// The call.
    pub change: C,
    /// What a reader of the plan sees of it.
    pub effect: Effect,
}

/// What a call does to its resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Makes the resource.
    Create,
    /// Completes a resource that an earlier step of the same action makes, or is otherwise not worth a line.
    Detail,
    /// Changes fields.
    Update(Vec<Difference>),
    /// Removes the resource.
    Delete,
    /// Marks data as retained.
    Retain,
}

/// A field that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name of the field, as its owner would say it.
    pub field: String,
    /// What is there now, with its unit.
    pub from: String,
    /// What should be there, with its unit.
    pub to: String,
}

/// Longest value in a line that a person reads.
const VALUE_LENGTH: usize = 120;

impl Difference {
    /// A difference between two values as they print, shortened to what fits a line. What prints as nothing is `none`.
    pub fn new(field: impl Into<String>, from: impl fmt::Display, to: impl fmt::Display) -> Self {
        Self { field: field.into(), from: value(&from.to_string()), to: value(&to.to_string()) }
    }

    /// `Some` when the values differ.
    pub fn between<T: PartialEq + fmt::Display>(field: &str, from: &T, to: &T) -> Option<Self> {
        (from != to).then(|| Self::new(field, from, to))
    }
}

fn value(text: &str) -> String {
    if text.is_empty() {
        return "none".into();
    }
    let mut letters = text.chars();
    let beginning: String = letters.by_ref().take(VALUE_LENGTH).collect();
    if letters.next().is_some() { beginning + "…" } else { beginning }
}

impl<C> Step<C> {
    /// A call that makes the resource.
    pub fn create(change: C) -> Self {
        Self { change, effect: Effect::Create }
    }
    /// A call that completes what another one makes.
    pub fn detail(change: C) -> Self {
        Self { change, effect: Effect::Detail }
    }
    /// A call that changes the given fields.
    pub fn update(change: C, differences: impl Into<Vec<Difference>>) -> Self {
        Self { change, effect: Effect::Update(differences.into()) }
    }
    /// A call that changes the given fields, or one that is not worth a line when there is none.
    pub fn told(change: C, differences: Vec<Difference>) -> Self {
        if differences.is_empty() { Self::detail(change) } else { Self::update(change, differences) }
    }
    /// A call that removes the resource.
    pub fn delete(change: C) -> Self {
        Self { change, effect: Effect::Delete }
    }
    /// A call that marks data as retained.
    pub fn retain(change: C) -> Self {
        Self { change, effect: Effect::Retain }
    }

    fn wrap<D>(self, wrap: impl FnOnce(C) -> D) -> Step<D> {
        Step { change: wrap(self.change), effect: self.effect }
    }
}

/// The calls that turn the tags `seen` into `want`, for services that set and remove tags by key. Tags go before the list of
/// ours is shortened: else nobody would know them for ours if the second call never came.
fn tag_steps<C>(
    want: &names::Tags,
    seen: &names::Tags,
    set: impl FnOnce(names::Tags) -> C,
    remove: impl FnOnce(Vec<String>) -> C,
) -> Vec<Step<C>> {
    let (changed, gone) = names::tag_changes(want, seen);
    let [changes, removals] = tag_lines(want, seen);
    let set = (!changed.is_empty()).then(|| Step::told(set(changed), changes));
    let remove = (!gone.is_empty()).then(|| Step::told(remove(gone), removals));
    remove.into_iter().chain(set).collect()
}

/// What tags to set, then what tags to remove, to turn `seen` into `want`.
fn tag_differences(want: &names::Tags, seen: &names::Tags) -> Vec<Difference> {
    tag_lines(want, seen).concat()
}

/// What is set, and what is removed. The list of our keys follows the tags that it lists: it has a line only when it alone differs.
fn tag_lines(want: &names::Tags, seen: &names::Tags) -> [Vec<Difference>; 2] {
    let (changed, gone) = names::tag_changes(want, seen);
    let alone = changed.len() + gone.len() == 1;
    let is_told = |key: &String| alone || key != names::TAG_KEYS;
    let from = |key: &str| seen.get(key).map_or("missing", String::as_str).to_owned();
    let changes = changed.iter().filter(|(key, _)| is_told(key));
    let changes = changes.map(|(key, value)| Difference::new(format!("tag {key}"), from(key), value));
    let removals = gone.iter().filter(|key| is_told(key));
    let removals = removals.map(|key| Difference::new(format!("tag {key}"), from(key), "none"));
    [changes.collect(), removals.collect()]
}

/// What to upload. Prints no content.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// The bytes.
    Memory(Bytes),
    /// A file, which is read when it is uploaded: zips are larger than all else in the operator's memory, and each is uploaded
    /// once.
    File(PathBuf),
}

impl Body {
    /// The bytes.
    pub async fn read(&self) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::File(path) => match tokio::fs::read(path).await {
                Ok(bytes) => Ok(bytes.into()),
                Err(error) => {
                    Err(io::Error::new(error.kind(), format!("failed to read {}: {error}", path.display())))
                }
            },
        }
    }
}

impl Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Self::File(path) => write!(f, "Body({})", path.display()),
        }
    }
}

/// One AWS call on any kind.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "one variant per kind, each documented in its file")]
pub enum Change {
    OriginAccessControl(origin_access_control::Change),
    ResponseHeadersPolicy(response_headers_policy::Change),
    Bucket(BucketRole, bucket::Change),
    Table(table::Change),
    LogGroup(FunctionName, log_group::Change),
    Role(FunctionName, role::Change),
    RestApi(rest_api::Change),
    Deployment(deployment::Change),
    Stage(stage::Change),
    Distribution(distribution::Change),
    BucketPolicy(BucketRole, bucket_policy::Change),
    UploadCors(upload_cors::Change),
    Artefacts(artefacts::Change),
    Function(FunctionName, function::Change),
    Permission(FunctionName, permission::Change),
    Notification(notification::Change),
    Site(site::Change),
    Invalidation(invalidation::Change),
}

/// Something to do for a kind, whichever it is.
pub trait Visit {
    /// What comes out.
    type Output;
    /// Does it for the kind `K`.
    fn visit<K: Kind>(
        self,
        key: K::Key,
        seen: Option<&K::Observed>,
        wrap: fn(K::Key, K::Change) -> Change,
    ) -> Self::Output;
}

/// Leads from a resource to its kind and to what was seen of it.
pub fn visit<V: Visit>(id: ResourceId, seen: &Observed, visitor: V) -> V::Output {
    macro_rules! one {
        ($kind:ty, $field:ident, $variant:ident) => {
            visitor.visit::<$kind>((), seen.$field.as_ref(), |(), change| Change::$variant(change))
        };
        ($kind:ty, $field:ident, $variant:ident, $key:expr) => {
            visitor.visit::<$kind>($key, seen.$field.get(&$key), Change::$variant)
        };
    }
    match id {
        ResourceId::OriginAccessControl => {
            one!(origin_access_control::OriginAccessControl, origin_access_control, OriginAccessControl)
        }
        ResourceId::ResponseHeadersPolicy => {
            one!(
                response_headers_policy::ResponseHeadersPolicy,
                response_headers_policy,
                ResponseHeadersPolicy
            )
        }
        ResourceId::Bucket(role) => one!(bucket::Bucket, buckets, Bucket, role),
        ResourceId::Table => one!(table::Table, table, Table),
        ResourceId::LogGroup(name) => one!(log_group::LogGroup, log_groups, LogGroup, name),
        ResourceId::Role(name) => one!(role::Role, roles, Role, name),
        ResourceId::RestApi => one!(rest_api::RestApi, rest_api, RestApi),
        ResourceId::Deployment => one!(deployment::Deployment, deployment, Deployment),
        ResourceId::Stage => one!(stage::Stage, stage, Stage),
        ResourceId::Distribution => one!(distribution::Distribution, distribution, Distribution),
        ResourceId::BucketPolicy(role) => {
            one!(bucket_policy::BucketPolicy, bucket_policies, BucketPolicy, role)
        }
        ResourceId::UploadCors => one!(upload_cors::UploadCors, upload_cors, UploadCors),
        ResourceId::Artefacts => one!(artefacts::Artefacts, artefacts, Artefacts),
        ResourceId::Function(name) => one!(function::Function, functions, Function, name),
        ResourceId::Permission(name) => one!(permission::Permission, permissions, Permission, name),
        ResourceId::Notification => one!(notification::Notification, notification, Notification),
        ResourceId::Site => one!(site::Site, site, Site),
        ResourceId::Invalidation => one!(invalidation::Invalidation, invalidation, Invalidation),
    }
}

/// What the plan holds for one resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It needs an identity that AWS has not assigned yet.
    Unknown,
    /// Up to date, and this far.
    Settled(State),
    /// These calls, in order.
    Change(Vec<Step<Change>>),
}

/// Decides what `gallery` needs of a resource whose dependencies are there.
#[derive(Clone, Copy)]
pub(crate) struct Present<'a> {
    pub gallery: &'a Gallery,
    pub seen: &'a Observed,
}

impl Visit for Present<'_> {
    type Output = Verdict;
    fn visit<K: Kind>(
        self,
        key: K::Key,
        seen: Option<&K::Observed>,
        wrap: fn(K::Key, K::Change) -> Change,
    ) -> Verdict {
        let Some(want) = K::desired(key, self.gallery, self.seen) else { return Verdict::Unknown };
        let steps = K::update(&want, seen);
        if steps.is_empty() {
            return Verdict::Settled(seen.map_or(State::Ready, K::state));
        }
        Verdict::Change(steps.into_iter().map(|step| step.wrap(|change| wrap(key, change))).collect())
    }
}

/// Decides how a resource goes. `None`: it is not there, or stays.
pub(crate) struct Absent(pub DataPolicy);

impl Visit for Absent {
    type Output = Option<Verdict>;
    fn visit<K: Kind>(
        self,
        key: K::Key,
        seen: Option<&K::Observed>,
        wrap: fn(K::Key, K::Change) -> Change,
    ) -> Self::Output {
        let seen = seen?;
        let steps = K::delete(key, seen, self.0);
        if !steps.is_empty() {
            let steps = steps.into_iter().map(|step| step.wrap(|change| wrap(key, change)));
            return Some(Verdict::Change(steps.collect()));
        }
        if K::stays(key, seen, self.0) { None } else { Some(Verdict::Settled(K::state(seen))) }
    }
}

/// What is wanted of a resource, as text that differs when anything of it does.
#[derive(Clone, Copy)]
pub(crate) struct WantedOf<'a> {
    pub gallery: &'a Gallery,
    pub seen: &'a Observed,
}

impl Visit for WantedOf<'_> {
    type Output = String;
    fn visit<K: Kind>(
        self,
        key: K::Key,
        _: Option<&K::Observed>,
        _: fn(K::Key, K::Change) -> Change,
    ) -> Self::Output {
        format!("{:?}", K::desired(key, self.gallery, self.seen))
    }
}

/// How far AWS is with a resource; `None` when it is not there.
pub(crate) struct StateOf;

impl Visit for StateOf {
    type Output = Option<State>;
    fn visit<K: Kind>(
        self,
        _: K::Key,
        seen: Option<&K::Observed>,
        _: fn(K::Key, K::Change) -> Change,
    ) -> Self::Output {
        seen.map(K::state)
    }
}

/// Name and ARN of a resource; `None` when it is not there.
pub(crate) struct Describe<'a>(pub &'a crate::gallery::Identity);

impl Visit for Describe<'_> {
    type Output = Option<Description>;
    fn visit<K: Kind>(
        self,
        key: K::Key,
        seen: Option<&K::Observed>,
        _: fn(K::Key, K::Change) -> Change,
    ) -> Self::Output {
        seen.map(|seen| K::describe(key, self.0, seen))
    }
}
