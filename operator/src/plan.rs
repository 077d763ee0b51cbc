//! `(goal, observed) -> Plan`: everything that can be done now, and nothing that cannot.
//!
//! Outputs of one action never feed the next: an identity that AWS assigns comes back through the next observation. So
//! every round equals the first one after a crash. Creation and deletion are the same function; deletion reads the graph
//! backwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::cloud::Observed;
use crate::drift;
use crate::gallery::{DataPolicy, Goal};
use crate::graph::{BucketRole, ResourceId};
use crate::resources::{self, Absent, Change, Effect, Present, State, Step, Verdict};

/// From how many resources on the same tag is one line.
const MANY: usize = 3;

/// What to do now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Calls that can be made now. Actions are independent of each other; an action's steps are in order.
    pub actions: Vec<Action>,
    /// Resources that are as they should be, or gone as they should be.
    pub settled: BTreeSet<ResourceId>,
    /// Resources that wait, and for what.
    pub waiting: BTreeMap<ResourceId, Waiting>,
    /// Resources whose name somebody else has; nothing is done about them.
    pub conflicts: BTreeMap<ResourceId, crate::cloud::Foreign>,
}

/// The calls for one resource, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Which resource.
    pub resource: ResourceId,
    /// Its calls.
    pub steps: Vec<Step<Change>>,
}

/// Why a resource is not touched in this round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It is not there yet: these have to be there first.
    ToCome(Vec<ResourceId>),
    /// Other resources have to be there (or gone) first.
    Others(Vec<ResourceId>),
    /// AWS is at work; the text says on what.
    Aws(&'static str),
}

impl Plan {
    /// Decides what to do now to come from `seen` to `goal`.
    pub fn new(goal: &Goal, seen: &Observed) -> Self {
        match goal {
            Goal::Present(gallery) => Self::present(&Present { gallery, seen }),
            Goal::Absent(_, data) => Self::absent(*data, seen),
        }
    }

    fn present(present: &Present<'_>) -> Self {
        let mut plan = Self::default();
        for id in ResourceId::all() {
            if let Some(foreign) = present.seen.foreign.get(&id) {
                plan.conflicts.insert(id, foreign.clone());
                continue;
            }
            let missing = id.depends_on().iter().copied().filter(|other| !present.seen.is_usable(*other));
            let missing: Vec<_> = missing.collect();
            if missing.is_empty() {
                plan.enter(id, resources::visit(id, present.seen, *present));
            } else if present.seen.state(id).is_none() {
                plan.waiting.insert(id, Waiting::ToCome(missing));
            } else {
                plan.waiting.insert(id, Waiting::Others(missing));
            }
        }
        plan
    }

    fn absent(data: DataPolicy, seen: &Observed) -> Self {
        let mut plan = Self::default();
        for id in ResourceId::all().rev().filter(|id| !id.is_shared()) {
            if id.goes_with_its_parent() || is_of_others(id, seen) {
                plan.settled.insert(id);
                continue;
            }
            let Some(verdict) = resources::visit(id, seen, Absent(data)) else {
                plan.settled.insert(id);
                continue;
            };
            let dependents = dependents(id).into_iter().filter(|other| seen.state(*other).is_some());
            let dependents: Vec<_> = dependents.filter(|other| !is_of_others(*other, seen)).collect();
            if dependents.is_empty() {
                plan.enter_going(id, verdict);
            } else {
                plan.waiting.insert(id, Waiting::Others(dependents));
            }
        }
        plan
    }

    fn enter(&mut self, id: ResourceId, verdict: Verdict) {
        match verdict {
            Verdict::Change(steps) => self.actions.push(Action { resource: id, steps }),
            Verdict::Settled(State::Ready) => {
                self.settled.insert(id);
            }
            Verdict::Settled(State::Usable(what) | State::Pending(what)) => {
                self.waiting.insert(id, Waiting::Aws(what));
            }
            Verdict::Unknown => {
                self.waiting.insert(id, Waiting::Others(id.depends_on().to_vec()));
            }
        }
    }

    /// As [`Self::enter`], for something that should go: as long as it is there, it is not settled.
    fn enter_going(&mut self, id: ResourceId, verdict: Verdict) {
        let verdict = match verdict {
            Verdict::Settled(State::Ready) => Verdict::Settled(State::Pending("AWS is deleting it")),
            other => other,
        };
        self.enter(id, verdict);
    }

    /// Nothing to do and nothing to wait for?
    pub fn is_complete(&self) -> bool {
        self.actions.is_empty() && self.waiting.is_empty() && self.conflicts.is_empty()
    }

    /// How many AWS calls the actions make.
    pub fn calls(&self) -> usize {
        self.actions.iter().map(|action| action.steps.len()).sum()
    }

    /// What AWS is at work on: the resource and the text to show.
    pub fn aws_at_work(&self) -> impl Iterator<Item = (ResourceId, &'static str)> {
        self.waiting.iter().filter_map(|(id, waiting)| match waiting {
            Waiting::Aws(what) => Some((*id, *what)),
            Waiting::Others(_) | Waiting::ToCome(_) => None,
        })
    }
}

/// Is it somebody else's? A notification is whose the bucket is, even under our id.
fn is_of_others(id: ResourceId, seen: &Observed) -> bool {
    let is_in_the_way = |id| seen.foreign.contains_key(&id);
    is_in_the_way(id)
        || (id == ResourceId::Notification && is_in_the_way(ResourceId::Bucket(BucketRole::Photos)))
}

/// The resources that must be gone before `id` goes. Looks through those that go with their parent: they are never deleted
/// by themselves, but what depends on them has to go first.
fn dependents(id: ResourceId) -> BTreeSet<ResourceId> {
    let direct = ResourceId::all().filter(|other| other.depends_on().contains(&id));
    direct
        .flat_map(
            |other| if other.goes_with_its_parent() { dependents(other) } else { BTreeSet::from([other]) },
        )
        .collect()
}

/// Like a diff: `+` made, `~` changed, `-` removed, `=` kept, `!` in the way, `…` waiting.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mentioned = self.actions.iter().map(|action| action.resource);
        let mentioned = mentioned.chain(self.conflicts.keys().copied()).chain(self.waiting.keys().copied());
        let width = mentioned.map(|id| id.to_string().len()).max().unwrap_or(0);
        let common = self.common_tags();
        for action in &self.actions {
            action.write(f, width, &common)?;
        }
        for (tag, count) in &common {
            writeln!(f, "  ~ {:width$}   {tag}", format!("{count} resources"))?;
        }
        for (id, foreign) in &self.conflicts {
            writeln!(f, "  ! {:width$}   {} is in the way: {}", id.to_string(), foreign.name, foreign.whose)?;
        }
        for (id, waiting) in &self.waiting {
            let sign = if matches!(waiting, Waiting::ToCome(_)) { '+' } else { '…' };
            writeln!(f, "  {sign} {:width$}   {waiting}", id.to_string())?;
        }
        Ok(())
    }
}

impl Plan {
    /// Tags that change on many resources in the same way: one line says it for all.
    fn common_tags(&self) -> Vec<(resources::Difference, usize)> {
        let mut all: Vec<(resources::Difference, usize)> = Vec::new();
        let tags = self.actions.iter().flat_map(|action| drift::differences(std::slice::from_ref(action)));
        for tag in tags.filter(|difference| difference.field.starts_with("tag ")) {
            match all.iter_mut().find(|(known, _)| *known == tag) {
                Some((_, count)) => *count += 1,
                None => all.push((tag, 1)),
            }
        }
        all.retain(|(_, count)| *count >= MANY);
        all
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, f.width().unwrap_or(0), &[])
    }
}

impl Action {
    /// Its lines, but for the differences that are `told` elsewhere.
    fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        width: usize,
        told: &[(resources::Difference, usize)],
    ) -> fmt::Result {
        let is_told = |difference: &resources::Difference| told.iter().any(|(known, _)| known == difference);
        let id = format!("{:width$}", self.resource.to_string());
        for effect in self.steps.iter().map(|step| &step.effect) {
            match effect {
                Effect::Create => writeln!(f, "  + {}", id.trim_end())?,
                Effect::Delete => writeln!(f, "  - {}", id.trim_end())?,
                Effect::Retain => writeln!(f, "  = {id}   kept, marked as retained")?,
                Effect::Detail => {}
                Effect::Update(differences) => {
                    for difference in differences.iter().filter(|difference| !is_told(difference)) {
                        writeln!(f, "  ~ {id}   {difference}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for resources::Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A variable is told by its name alone; there is no other field of that form.
        let field = self.field.strip_prefix("environment ").unwrap_or(&self.field);
        write!(f, "{field:<16} {} -> {}", self.from, self.to)
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws(what) => f.write_str(what),
            Self::ToCome(others) => write!(f, "after {}", list(others)),
            Self::Others(others) => write!(f, "waits for {}", list(others)),
        }
    }
}

fn list(ids: &[ResourceId]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}

#[cfg(test)]
mod tests;
