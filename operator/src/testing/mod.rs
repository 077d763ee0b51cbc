//! What tests share, and the tests that are about no single file: scenarios and properties.

pub(crate) mod clients;
pub(crate) mod drive;
pub(crate) mod edits;
pub(crate) mod fake_cloud;
pub(crate) mod fake_kubernetes;
pub(crate) mod galleries;
pub(crate) mod generated;
pub(crate) mod life;
mod properties;
pub(crate) mod sameness;
mod scenarios;
pub(crate) mod steps;
