//! End to end, on the local stack: a real API server, an AWS that enforces IAM, the release binaries, a browser. Nothing is
//! mocked and nothing is asked of the operator that its users could not ask.
//!
//! One binary, so that the SDKs are linked once. Tests share one stack, each with a gallery and a namespace of its own; those
//! that stop the operator, or that look at the whole account, have a stack of their own. A failing test prints the folder with
//! all that explains it.

mod bench;
mod budgets;
mod changes;
mod crash;
mod crash_matrix;
mod deletion;
mod drift;
mod foreign;
mod hostile;
mod iam_minimal;
mod isolation;
mod kubernetes_weather;
mod local_stack;
mod lost_etcd;
mod permission;
mod photos;
mod plan;
mod preflight;
mod privacy;
mod process;
mod ready;
mod refusals;
mod renditions;
mod requests;
mod resync;
mod support;
mod two_operators;
mod visitor;
mod weather;
