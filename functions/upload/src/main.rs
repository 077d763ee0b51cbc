//! The upload function: signs the form that a visitor's browser posts a photo to S3 with.

mod handler;

use functions_core::lambda::{Error, run};

use crate::handler::Upload;

fn main() -> Result<(), Error> {
    run(Upload::new, &async |upload: &Upload, event| Ok::<_, Error>(upload.answer(event).await))
}
