//! From a file under `incoming/` to a photo of the gallery.
//!
//! Order: open, check, then original, thumbnail and renditions at once, then the row, and only then the incoming file goes. Whatever
//! stops in between, the next delivery of the event does it all again with the same result; once the file is gone there is nothing to do.
//!
//! **Failures.** A file that is no acceptable image is recorded as failed and removed: trying again cannot mend it. Everything else is
//! returned as an error, so that Lambda tries again, after one minute and after two more. When the last attempt fails, the row says
//! so, for the visitor to see; a success that comes after all overwrites it.
//!
//! **Deletion.** A deleted photo's row says that it is deleted, and stays. The row is read first and written under the condition that
//! it says neither that nor that the photo is ready. Whoever finds that the photo was deleted removes everything that there may be of
//! it: if the deletion came before the objects, they are gone by that, and if after, by the deletion itself.
//!
//! **Two files of one form.** A form is good for some minutes, and two different files may be posted with it at the same time. They
//! must not become one photo with the first one's original and the second one's thumbnail. What decides is the original: it is
//! written on the condition that there is none, and never overwritten, so that it belongs to one file for good. Pictures are written
//! at the same time on the same condition, and once more without it by whoever has the original and found other pictures there. Only
//! then is the row written, so a row that says `ready` is of the same file as all its objects, however the calls of two deliveries are
//! mixed, and wherever one of them ends. The other file is tried again and gets nowhere: it finds the photo ready, or, if the first
//! one's function has died, the photo is recorded as failed in the end. Whose original it is, its entity tag tells; that takes a list of
//! the bucket, not the right to read originals, which a function that opens strangers' files is better without.
//!
//! The role needs `s3:GetObject` and `s3:DeleteObject` on `incoming/*`, `s3:PutObject` and `s3:DeleteObject` on `photos/*` and the
//! thumbnails, `s3:ListBucket` on the photos bucket, and `dynamodb:GetItem` and `dynamodb:PutItem` on the table.

use functions_core::client::{CallError, Client};
use functions_core::contract::env;
use functions_core::filename::Filename;
use functions_core::lambda::{Error, chain};
use functions_core::metrics;
use functions_core::photo_id::PhotoId;
use functions_core::settings::Settings;
use jiff::Timestamp;

use crate::event::{Event, Put};
use crate::photo::{Opened, Opening, Refusal, Rules};
use crate::storage::{Incoming, Storage, Stored};
use crate::table::{Outcome, Row, Settled, Table};

/// The file did not become a photo, but may when Lambda delivers the event again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("failed to {what}")]
    Call { what: &'static str, source: CallError },
    #[error("another file was sent with the same form")]
    AnotherFile,
}

impl Failure {
    /// Of a call that was made to do something.
    pub(crate) fn calling(what: &'static str) -> impl FnOnce(CallError) -> Self {
        move |source| Self::Call { what, source }
    }

    /// For metrics.
    const fn name(&self) -> &'static str {
        match self {
            Self::Call { .. } => "Aws",
            Self::AnotherFile => "AnotherFile",
        }
    }

    /// For the visitor.
    const fn reason(&self) -> &'static str {
        match self {
            Self::Call { .. } => {
                "The photo could not be processed, though nothing is wrong with it. Send it again."
            }
            Self::AnotherFile => {
                "Another file was sent at the same time, as the same photo. Send them one by one."
            }
        }
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
        Self::new(settings, Client::new(settings)?)
    }

    fn new(settings: &Settings<'_>, client: Client) -> Result<Self, Error> {
        Ok(Self {
            storage: Storage {
                client: client.clone(),
                photos_bucket: settings.required(env::PHOTOS_BUCKET)?,
                thumbnails_bucket: settings.required(env::THUMBNAILS_BUCKET)?,
            },
            table: Table { client, name: settings.required(env::TABLE)? },
            rules: Rules::from_settings(settings)?,
        })
    }

    /// Handles each object of the event; one's failure does not keep the others waiting.
    pub(crate) async fn handle(&self, event: Event) -> Result<(), Failure> {
        self.handle_at(event, Timestamp::now()).await
    }

    async fn handle_at(&self, event: Event, now: Timestamp) -> Result<(), Failure> {
        let mut result = Ok(());
        for put in event.puts() {
            let Some(id) =
                PhotoId::from_incoming_key(&put.key).filter(|_| put.bucket == self.storage.photos_bucket)
            else {
                tracing::warn!(
                    bucket = put.bucket,
                    key = put.key,
                    "ignored an object that no upload form was signed for"
                );
                continue;
            };
            let Err(failure) = self.make(id).await else { continue };
            if put.is_last_attempt(now) {
                tracing::error!(photoId = %id, error = chain(&failure), "failed, given up");
                metrics::failure(failure.name());
                self.give_up(id, &put, &failure).await;
            } else {
                tracing::error!(photoId = %id, error = chain(&failure), "failed, to be retried");
                metrics::count("Retries", 1);
            }
            result = Err(failure);
        }
        result
    }

    async fn make(&self, id: PhotoId) -> Result<(), Failure> {
        let (incoming, settled) = tokio::try_join!(self.storage.open_incoming(id), self.table.settled(id))?;
        match (settled, incoming) {
            (Some(Settled::Deleted), _) => {
                tracing::info!(photoId = %id, "deleted already");
                self.storage.remove_all(id).await
            }
            (_, None) => {
                tracing::info!(photoId = %id, "nothing left to do");
                Ok(())
            }
            // Delivered twice, or posted again with the same form: a form makes one photo.
            (Some(Settled::Ready), Some(_)) => {
                tracing::info!(photoId = %id, "in the gallery already");
                self.storage.remove_incoming(id).await
            }
            (None, Some(mut incoming)) => match self.open(&mut incoming).await? {
                Ok(opened) => self.keep(id, &incoming, opened).await,
                Err(refusal) => self.refuse(id, &incoming, &refusal).await,
            },
        }
    }

    /// Checks the file from the outside in: size, first bytes, header, pixels; the latter while the rest comes in.
    async fn open(&self, incoming: &mut Incoming) -> Result<Result<Opened, Refusal>, Failure> {
        if let Err(refusal) = self.rules.check_file(incoming.size) {
            return Ok(Err(refusal));
        }
        let mut opening = Opening::new(&self.rules, incoming.claimed, incoming.size);
        // What comes in while something is decoded waits in the socket's buffer.
        while let Some(bytes) = metrics::stage("DownloadMilliseconds", incoming.next()).await? {
            if let Err(refusal) = metrics::stage("DecodeMilliseconds", async { opening.push(&bytes) }).await {
                return Ok(Err(refusal));
            }
        }
        Ok(metrics::stage("DecodeMilliseconds", async { opening.finish() }).await)
    }

    async fn keep(&self, id: PhotoId, incoming: &Incoming, opened: Opened) -> Result<(), Failure> {
        let Opened { proven, width, height, complete, details, original, thumbnail, renditions, placeholder } =
            opened;
        let filename = filename(Some(incoming));
        let edges: Vec<u32> = renditions.iter().map(|(edge, _)| *edge).collect();
        let format = self.rules.format;
        let stored = Stored {
            filename: &filename,
            proven,
            original: original.into(),
            format,
            thumbnail: thumbnail.into(),
            renditions: renditions.into_iter().map(|(edge, bytes)| (edge, bytes.into())).collect(),
        };
        metrics::stage("UploadMilliseconds", self.storage.keep(id, &stored)).await?;
        let (file_size, thumbnail_size) = (stored.original.len() as u64, stored.thumbnail.len() as u64);
        let thumbnail_key = id.thumbnail_key(format);
        let (thumbnail_key, renditions) = (thumbnail_key.as_str(), edges.as_slice());
        let (placeholder, details) = (&placeholder, &details);
        let outcome = Outcome::Ready { width, height, thumbnail_key, renditions, placeholder, details };
        let row = Row { id, filename: &filename, file_size, content_type: Some(proven), outcome };
        let settled = metrics::stage("RowMilliseconds", self.table.write(&row)).await?;
        if settled.is_none() {
            metrics::count("Photos", 1);
            metrics::bytes("PhotoBytes", file_size);
            metrics::bytes("ThumbnailBytes", thumbnail_size);
            metrics::bytes(
                "RenditionBytes",
                stored.renditions.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
            );
            tracing::info!(photoId = %id, contentType = %proven, bytes = incoming.size, kept = file_size, width, height, complete, thumbnailBytes = thumbnail_size, "ready");
        }
        self.finish(id, settled).await
    }

    async fn refuse(&self, id: PhotoId, incoming: &Incoming, refusal: &Refusal) -> Result<(), Failure> {
        let reason = refusal.to_string();
        let row = Row {
            id,
            filename: &filename(Some(incoming)),
            file_size: incoming.size,
            content_type: incoming.claimed,
            outcome: Outcome::Failed { reason: &reason },
        };
        let settled = metrics::stage("RowMilliseconds", self.table.write(&row)).await?;
        if settled.is_none() {
            metrics::failure(refusal.name());
            tracing::warn!(photoId = %id, bytes = incoming.size, reason, detail = refusal.detail(), "refused");
        }
        self.finish(id, settled).await
    }

    /// After the row was written, or was found to say something already.
    async fn finish(&self, id: PhotoId, settled: Option<Settled>) -> Result<(), Failure> {
        match settled {
            None => self.storage.remove_incoming(id).await,
            // Another delivery was quicker, and its objects are these.
            Some(Settled::Ready) => {
                tracing::info!(photoId = %id, "in the gallery meanwhile");
                self.storage.remove_incoming(id).await
            }
            Some(Settled::Deleted) => {
                tracing::info!(photoId = %id, "deleted meanwhile");
                self.storage.remove_all(id).await
            }
        }
    }

    /// Tells the visitor, as far as that is possible. The file stays until it expires: a late delivery may still succeed.
    async fn give_up(&self, id: PhotoId, put: &Put, failure: &Failure) {
        let incoming = match self.storage.open_incoming(id).await {
            Ok(Some(incoming)) => Some(incoming),
            // Nobody waits for it.
            Ok(None) => return,
            Err(_) => None,
        };
        let row = Row {
            id,
            filename: &filename(incoming.as_ref()),
            file_size: put.size,
            content_type: incoming.as_ref().and_then(|incoming| incoming.claimed),
            outcome: Outcome::Failed { reason: failure.reason() },
        };
        if let Err(error) = self.table.write(&row).await {
            tracing::error!(photoId = %id, error = chain(&error), "failed to record the failure");
        }
    }
}

/// The form always carries a name; an object put by other means may not.
fn filename(incoming: Option<&Incoming>) -> Filename {
    incoming.and_then(|incoming| incoming.filename.clone()).unwrap_or_else(Filename::unnamed)
}

#[cfg(test)]
mod tests;
