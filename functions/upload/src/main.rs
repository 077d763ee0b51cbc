//! The upload function: signs the form that a visitor's browser posts a photo to S3 with.

mod handler;

use std::process::ExitCode;

use functions_core::contract::FunctionName;
use functions_core::lambda::{Error, run};

use crate::handler::Upload;

fn main() -> ExitCode {
    let answer = async |upload: &Upload, event| Ok::<_, Error>(upload.answer(event).await);
    run(FunctionName::Upload, Upload::new, &answer)
}
