//! Looking at planned steps.

use crate::resources::{Effect, Step};

/// Names of the fields that the steps change, in order.
pub(crate) fn fields_of<C>(steps: &[Step<C>]) -> Vec<String> {
    let differences = steps.iter().flat_map(|step| match &step.effect {
        Effect::Update(differences) => differences.as_slice(),
        Effect::Create | Effect::Detail | Effect::Delete | Effect::Retain => &[],
    });
    differences.map(|difference| difference.field.clone()).collect()
}
