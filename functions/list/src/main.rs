//! The list function: the gallery's photos, newest first, with links to look at them.

mod handler;
mod photo;

use std::process::ExitCode;

use functions_core::contract::FunctionName;
use functions_core::lambda::{Error, run};

use crate::handler::List;

fn main() -> ExitCode {
    let answer = async |list: &List, event| Ok::<_, Error>(list.answer(event).await);
    run(FunctionName::List, List::start, &answer)
}
