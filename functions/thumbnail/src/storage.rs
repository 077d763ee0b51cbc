//! The objects of a photo in S3: the file as it arrived, the original, the thumbnail.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::MetadataDirective;
use functions_core::content_type::{ContentType, ThumbnailFormat};
use functions_core::contract::key;
use functions_core::disposition;
use functions_core::filename::Filename;
use functions_core::photo_id::PhotoId;

use crate::handler::Failure;

/// An object never changes under its key, but links to it end: only the visitor's own browser may keep it.
const CACHE_CONTROL: &str = "private, max-age=31536000, immutable";

/// The two buckets.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) client: Client,
    pub(crate) photos_bucket: String,
    pub(crate) thumbnails_bucket: String,
}

/// A file under `incoming/`, its bytes not read yet.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// What the visitor says it is. S3 holds them to the type that the form was signed for.
    pub(crate) claimed: Option<ContentType>,
    pub(crate) filename: Option<Filename>,
    pub(crate) size: u64,
    entity_tag: Option<String>,
    body: ByteStream,
}

/// A checked original, on its way to where originals live.
#[derive(Debug)]
pub(crate) struct Original<'a> {
    pub(crate) proven: ContentType,
    pub(crate) filename: &'a Filename,
    /// Its bytes, cleaned; `None` for a copy of the file that arrived.
    pub(crate) cleaned: Option<Vec<u8>>,
}

impl Incoming {
    fn new(output: GetObjectOutput) -> Self {
        let filename = output.metadata().and_then(|metadata| metadata.get(key::FILENAME_METADATA));
        Self {
            claimed: output.content_type().and_then(|kind| kind.parse().ok()),
            filename: filename.and_then(|header| Filename::from_header(header)),
            size: output.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(u64::MAX),
            entity_tag: output.e_tag,
            body: output.body,
        }
    }

    /// Reads the bytes, into one allocation of the announced size.
    pub(crate) async fn read(&mut self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.size).unwrap_or_default());
        while let Some(chunk) =
            self.body.try_next().await.map_err(|error| Failure::new("read the file", error))?
        {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

impl Storage {
    /// Opens the file that arrived; `None` when it is gone. S3 tells "gone" (404) from "forbidden" (403) only to a role
    /// that may list the bucket.
    pub(crate) async fn open_incoming(&self, id: PhotoId) -> Result<Option<Incoming>, Failure> {
        let read = self.client.get_object().bucket(&self.photos_bucket).key(id.incoming_key());
        match read.send().await {
            Ok(output) => Ok(Some(Incoming::new(output))),
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => Ok(None),
            Err(error) => Err(Failure::new("open the file", error)),
        }
    }

    /// Puts the checked original where originals live; `false` when another file took its place meanwhile.
    ///
    /// A cleaned one is written from memory: these are the very bytes that were checked. A copy demands the entity tag of what was
    /// checked: the visitor's form stays valid for minutes, and a second file posted with it must not slip in unchecked.
    pub(crate) async fn keep_original(
        &self,
        id: PhotoId,
        incoming: &Incoming,
        original: Original<'_>,
    ) -> Result<bool, Failure> {
        let Original { proven, filename, cleaned } = original;
        let disposition = disposition::inline(filename);
        if let Some(bytes) = cleaned {
            let put = self
                .client
                .put_object()
                .bucket(&self.photos_bucket)
                .key(id.photo_key())
                .content_type(proven.as_str())
                .content_disposition(disposition)
                .cache_control(CACHE_CONTROL)
                .body(bytes.into());
            put.send().await.map_err(|error| Failure::new("write the original", error))?;
            return Ok(true);
        }
        let copy = self
            .client
            .copy_object()
            .copy_source(format!("{}/{}", self.photos_bucket, id.incoming_key()))
            .set_copy_source_if_match(incoming.entity_tag.clone())
            .bucket(&self.photos_bucket)
            .key(id.photo_key())
            .metadata_directive(MetadataDirective::Replace)
            .content_type(proven.as_str())
            .content_disposition(disposition)
            .cache_control(CACHE_CONTROL);
        match copy.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("PreconditionFailed") => Ok(false),
            Err(error) => Err(Failure::new("copy the original", error)),
        }
    }

    /// Writes the thumbnail and returns its key.
    pub(crate) async fn keep_thumbnail(
        &self,
        id: PhotoId,
        format: ThumbnailFormat,
        bytes: Vec<u8>,
    ) -> Result<String, Failure> {
        let key = id.thumbnail_key(format);
        let put = self
            .client
            .put_object()
            .bucket(&self.thumbnails_bucket)
            .key(&key)
            .content_type(format.content_type().as_str())
            .cache_control(CACHE_CONTROL)
            .body(bytes.into());
        put.send().await.map_err(|error| Failure::new("write the thumbnail", error))?;
        Ok(key)
    }

    /// Deletes the file that arrived; done already is fine.
    pub(crate) async fn remove_incoming(&self, id: PhotoId) -> Result<(), Failure> {
        let deletion = self.client.delete_object().bucket(&self.photos_bucket).key(id.incoming_key());
        deletion.send().await.map_err(|error| Failure::new("delete the file that arrived", error))?;
        Ok(())
    }
}
