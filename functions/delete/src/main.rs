//! The delete function: removes one photo with everything that belongs to it.

mod handler;

use std::process::ExitCode;

use functions_core::contract::FunctionName;
use functions_core::lambda::{Error, run};

use crate::handler::Delete;

fn main() -> ExitCode {
    let answer = async |delete: &Delete, event| Ok::<_, Error>(delete.answer(event).await);
    run(FunctionName::Delete, Delete::start, &answer)
}
