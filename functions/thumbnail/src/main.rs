//! The thumbnail function: turns a file that a visitor sent into a photo of the gallery, or says why it is none.

mod event;
mod handler;
mod photo;
mod storage;
mod table;

use std::process::ExitCode;

use functions_core::contract::FunctionName;
use functions_core::lambda::run;

use crate::handler::Thumbnails;

fn main() -> ExitCode {
    let handle = async |thumbnails: &Thumbnails, event| thumbnails.handle(event).await;
    run(FunctionName::Thumbnail, Thumbnails::start, &handle)
}
