//! The `PhotoGallery` operator: `validate -> observe -> plan -> apply -> status`.
//!
//! Decide purely, act dumbly. [`gallery`] validates, [`plan`] decides, [`resources`] knows each AWS kind, [`status`] and
//! [`policy`] say what came out; all of these are pure. Only [`aws`] (observe, apply) and [`controller`] (Kubernetes) do
//! I/O.

pub mod aws;
pub mod cloud;
pub mod gallery;
pub mod graph;
pub mod names;
pub mod plan;
pub mod release;
pub mod resources;

#[cfg(test)]
mod testing;
