//! The delete function: removes one photo with everything that belongs to it.

mod handler;

use functions_core::lambda::{Error, run};

use crate::handler::Delete;

fn main() -> Result<(), Error> {
    run(Delete::start, &async |delete: &Delete, event| Ok::<_, Error>(delete.answer(event).await))
}
