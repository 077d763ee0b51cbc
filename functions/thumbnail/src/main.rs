//! The thumbnail function: turns a file that a visitor sent into a photo of the gallery, or says why it is none.

mod event;
mod handler;
mod photo;
mod storage;
mod table;

use std::process::ExitCode;

use dlmalloc::GlobalDlmalloc;
use functions_core::contract::FunctionName;
use functions_core::lambda::run;

use crate::handler::Thumbnails;

/// The image filter asks for thousands of small pieces of memory, over and over. musl's allocator gives each group of them back to the
/// kernel when it is free, and asks for it again: a sixth of a photo's time.
#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

fn main() -> ExitCode {
    let handle = async |thumbnails: &Thumbnails, event| thumbnails.handle(event).await;
    run(FunctionName::Thumbnail, Thumbnails::start, &handle)
}
