//! The `PhotoGallery` operator: `validate -> observe -> plan -> apply -> status`.
//!
//! Decide purely, act dumbly. [`gallery`] validates, [`plan`] decides, [`resources`] knows each AWS kind, [`drift`],
//! [`status`], [`story`] and [`policy`] say what came out; all of these are pure. Only [`aws`] (observe, apply) and [`controller`]
//! (Kubernetes) do I/O; [`reconcile`] drives them. Of several operators, [`leader`] chooses the one that does.

pub mod args;
pub mod aws;
pub mod cloud;
pub mod controller;
pub mod drift;
pub mod gallery;
pub mod graph;
pub mod iam_policy;
pub mod leader;
pub mod metrics;
pub mod names;
pub mod ownership;
pub mod packed;
mod pairs;
pub mod plan;
pub mod plan_command;
pub mod policy;
pub mod preflight;
pub mod quota;
pub mod reconcile;
pub mod release;
pub mod resources;
pub mod run;
pub mod server;
pub mod status;
pub mod story;
pub mod telemetry;

#[cfg(test)]
mod testing;
