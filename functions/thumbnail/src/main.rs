//! The thumbnail function: turns a file that a visitor sent into a photo of the gallery, or says why it is none.

mod event;
mod handler;
mod photo;
mod storage;
mod table;

use functions_core::lambda::run;

use crate::handler::Thumbnails;

fn main() -> Result<(), functions_core::lambda::Error> {
    run(Thumbnails::start, &async |thumbnails: &Thumbnails, event| thumbnails.handle(event).await)
}
