//! The list function: the gallery's photos, newest first, with links to look at them.

mod handler;
mod photo;

use functions_core::lambda::{Error, run};

use crate::handler::List;

fn main() -> Result<(), Error> {
    run(List::start, &async |list: &List, event| Ok::<_, Error>(list.answer(event).await))
}
