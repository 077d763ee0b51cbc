//! The local stack: a real Kubernetes control plane, a local AWS that enforces IAM, and the operator as a process, on free
//! loopback ports and in a folder of its own for each run.
//!
//! `make demo`, `make up` and the end-to-end tests are built on it. It knows nothing of how the operator works inside: it
//! starts the binary that users run and talks to it as they do, through Kubernetes, AWS and the gallery's own address.

pub mod artifacts;
pub mod aws_calls;
pub mod aws_models;
pub mod bench;
pub mod certificates;
pub mod control_plane;
pub mod gallery;
pub mod inventory;
pub mod killer;
pub mod local_aws;
pub mod matrix;
pub mod minimal;
pub mod operator;
pub mod permissions;
pub mod photos;
pub mod process;
pub mod progress;
pub mod proxy;
pub mod run;
pub mod section;
pub mod shared;
pub mod stack;
pub mod tools;
pub mod visitor;
pub mod wait;
pub mod weather;

pub use progress::Progress;
pub use shared::on_stack;
pub use stack::{Options, Stack};
