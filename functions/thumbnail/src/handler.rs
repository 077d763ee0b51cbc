//! From a file under `incoming/` to a photo of the gallery.
//!
//! Order: open, check, original, thumbnail, row, and only then the incoming file goes. Whatever stops in between, the
//! next delivery of the event does it all again with the same result; once the file is gone there is nothing to do.
//! A file that is no acceptable image is recorded as failed and removed: retrying cannot mend it. Only failures of AWS
//! are returned as errors, so that Lambda retries those and nothing else.

use functions_core::aws::Shared;
use functions_core::aws_config;
use functions_core::contract::env;
use functions_core::filename::Filename;
use functions_core::lambda::{Error, chain};
use functions_core::photo_id::PhotoId;
use functions_core::settings::Settings;

use crate::event::{Event, Put};
use crate::photo::{Opened, Refusal, Rules};
use crate::storage::{Incoming, Original, Storage};
use crate::table::{Outcome, Row, Table};

/// An AWS call failed. Lambda delivers the event again.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what}")]
pub(crate) struct Failure {
    what: &'static str,
    source: Error,
}

impl Failure {
    pub(crate) fn new(what: &'static str, source: impl Into<Error>) -> Self {
        Self { what, source: source.into() }
    }
}

/// The function's state.
#[derive(Debug)]
pub(crate) struct Thumbnails {
    storage: Storage,
    table: Table,
    rules: Rules,
}

impl Thumbnails {
    pub(crate) fn start(settings: &Settings<'_>) -> Result<Self, Error> {
        Self::new(settings, &Shared::new(settings)?)
    }

    fn new(settings: &Settings<'_>, shared: &Shared) -> Result<Self, Error> {
        let path_style = shared.endpoint.is_some();
        let s3 = aws_config!(aws_sdk_s3, shared.clone()).force_path_style(path_style).build();
        let dynamodb = aws_config!(aws_sdk_dynamodb, shared.clone()).build();
        Ok(Self {
            storage: Storage {
                client: aws_sdk_s3::Client::from_conf(s3),
                photos_bucket: settings.required(env::PHOTOS_BUCKET)?,
                thumbnails_bucket: settings.required(env::THUMBNAILS_BUCKET)?,
            },
            table: Table {
                client: aws_sdk_dynamodb::Client::from_conf(dynamodb),
                name: settings.required(env::TABLE)?,
            },
            rules: Rules::from_settings(settings)?,
        })
    }

    /// Handles each object of the event; one's failure does not keep the others waiting.
    pub(crate) async fn handle(&self, event: Event) -> Result<(), Failure> {
        let mut result = Ok(());
        for put in event.puts() {
            if let Err(failure) = self.handle_put(&put).await {
                tracing::error!(key = put.key, error = chain(&failure), "failed, to be retried");
                result = Err(failure);
            }
        }
        result
    }

    async fn handle_put(&self, put: &Put) -> Result<(), Failure> {
        let Some(id) =
            PhotoId::from_incoming_key(&put.key).filter(|_| put.bucket == self.storage.photos_bucket)
        else {
            tracing::warn!(
                bucket = put.bucket,
                key = put.key,
                "ignored an object that no upload form was signed for"
            );
            return Ok(());
        };
        let (incoming, ready) = tokio::try_join!(self.storage.open_incoming(id), self.table.is_ready(id))?;
        let Some(mut incoming) = incoming else {
            tracing::info!(photoId = %id, "nothing left to do");
            return Ok(());
        };
        if ready {
            // Delivered twice, or posted again with the same form: a form makes one photo.
            tracing::info!(photoId = %id, "in the gallery already");
            return self.storage.remove_incoming(id).await;
        }
        match self.open(&mut incoming).await? {
            Ok(opened) => self.keep(id, &incoming, opened).await,
            Err(refusal) => self.refuse(id, &incoming, &refusal).await,
        }
    }

    /// Checks the file from the outside in: size, first bytes, header, pixels.
    async fn open(&self, incoming: &mut Incoming) -> Result<Result<Opened, Refusal>, Failure> {
        if let Err(refusal) = self.rules.check_file(incoming.size) {
            return Ok(Err(refusal));
        }
        let bytes = incoming.read().await?;
        Ok(self.rules.open(bytes, incoming.claimed))
    }

    async fn keep(&self, id: PhotoId, incoming: &Incoming, opened: Opened) -> Result<(), Failure> {
        let filename = filename(incoming);
        let Opened { proven, width, height, complete, details, cleaned, thumbnail } = opened;
        let thumbnail_bytes = thumbnail.len();
        let file_size = cleaned.as_ref().map_or(incoming.size, |bytes| bytes.len() as u64);
        let original = Original { proven, filename: &filename, cleaned };
        let (same_file, thumbnail_key) = tokio::try_join!(
            self.storage.keep_original(id, incoming, original),
            self.storage.keep_thumbnail(id, self.rules.format, thumbnail),
        )?;
        if !same_file {
            return Err(Failure::new("copy the original", "the file was replaced while it was checked"));
        }
        let outcome = Outcome::Ready { width, height, thumbnail_key: &thumbnail_key, details: &details };
        let row = Row { id, filename: &filename, file_size, content_type: Some(proven), outcome };
        self.table.write(&row).await?;
        self.storage.remove_incoming(id).await?;
        tracing::info!(photoId = %id, contentType = %proven, bytes = incoming.size, kept = file_size, width, height, complete, thumbnail_bytes, "ready");
        Ok(())
    }

    async fn refuse(&self, id: PhotoId, incoming: &Incoming, refusal: &Refusal) -> Result<(), Failure> {
        let reason = refusal.to_string();
        let outcome = Outcome::Failed { reason: &reason };
        let filename = filename(incoming);
        let row = Row {
            id,
            filename: &filename,
            file_size: incoming.size,
            content_type: incoming.claimed,
            outcome,
        };
        self.table.write(&row).await?;
        self.storage.remove_incoming(id).await?;
        tracing::warn!(photoId = %id, bytes = incoming.size, reason, detail = refusal.detail(), "refused");
        Ok(())
    }
}

/// The form always carries a name; an object put by other means may not.
fn filename(incoming: &Incoming) -> Filename {
    incoming.filename.clone().unwrap_or_else(Filename::unnamed)
}

#[cfg(test)]
mod tests;
