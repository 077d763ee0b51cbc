//! Tables.

use super::Operation;
use super::world::{Busy, World};
use crate::cloud::CloudError;
use crate::gallery::Identity;
use crate::names::{set_tags, unset_tags};
use crate::resources::table::{Change, Index, Observed, Status};

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// As `DynamoDB` shows it.
    pub observed: Observed,
    /// How long it stays busy.
    pub busy: Busy,
}

impl Table {
    /// As it is now; what it is at comes closer to its end. `None`: it is gone.
    pub(super) fn look(&mut self) -> Option<Observed> {
        if !self.busy.look() {
            if self.observed.status == Status::Deleting {
                return None;
            }
            self.observed.status = Status::Active;
        }
        let mut seen = self.observed.clone();
        // `aws/table.rs` does not ask for these while a table comes or goes.
        if matches!(seen.status, Status::Creating | Status::Deleting) {
            seen.tags.clear();
            seen.has_recovery = false;
        }
        Some(seen)
    }

    fn begin(&mut self, status: Status, observations: usize) {
        self.busy = Busy(observations);
        self.observed.status = if observations == 0 { Status::Active } else { status };
    }
}

pub(super) fn table(
    world: &mut World,
    gallery: &Identity,
    change: &Change,
    call: Operation,
) -> Result<(), CloudError> {
    let (name, slow) = (gallery.table(), world.slow.table);
    if let Change::Create(tags) = change {
        if world.tables.contains_key(&name) {
            return Err(call.refuse(400, "ResourceInUseException", format!("Table already exists: {name}")));
        }
        let observed = Observed {
            status: Status::Active,
            is_on_demand: true,
            index: Index::AsPlanned,
            has_recovery: false,
            is_protected: false,
            tags: tags.clone(),
        };
        let mut made = Table { observed, busy: Busy(0) };
        made.begin(Status::Creating, slow);
        world.tables.insert(name, made);
        return Ok(());
    }
    let Some(table) = world.tables.get_mut(&name) else {
        if *change == Change::Delete {
            return Ok(());
        }
        let message = format!("Requested resource not found: Table: {name} not found");
        return Err(call.refuse(400, "ResourceNotFoundException", message));
    };
    if table.busy.is_busy() {
        let message = format!("Attempt to change a resource which is still in use: {name}");
        return Err(call.refuse(400, "ResourceInUseException", message));
    }
    match change {
        Change::Create(_) => {}
        Change::EnableRecovery => table.observed.has_recovery = true,
        Change::PayPerRequest => {
            table.observed.is_on_demand = true;
            table.begin(Status::Updating, slow);
        }
        Change::AddIndex if table.observed.index != Index::Missing => {
            let message = "Attempting to create an index which already exists";
            return Err(call.refuse(400, "ValidationException", message));
        }
        Change::AddIndex => {
            table.observed.index = Index::AsPlanned;
            table.begin(Status::Updating, slow);
        }
        Change::RemoveIndex => {
            table.observed.index = Index::Missing;
            table.begin(Status::Updating, slow);
        }
        Change::AllowDeletion => {
            table.observed.is_protected = false;
            table.begin(Status::Updating, slow);
        }
        Change::SetTags(tags) => set_tags(&mut table.observed.tags, tags),
        Change::RemoveTags(keys) => unset_tags(&mut table.observed.tags, keys),
        Change::Delete if table.observed.is_protected => {
            let message = "Resource cannot be deleted as it is currently protected against deletion.";
            return Err(call.refuse(400, "ValidationException", message));
        }
        Change::Delete if slow == 0 => drop(world.tables.remove(&name)),
        Change::Delete => table.begin(Status::Deleting, slow),
    }
    Ok(())
}
