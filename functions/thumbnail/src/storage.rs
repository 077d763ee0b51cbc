//! The objects of a photo in S3: the file as it arrived, the original, the thumbnail and the renditions.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use functions_core::client::Client;
use functions_core::client::s3::{NewObject, Object};
use functions_core::content_type::{ContentType, ThumbnailFormat};
use functions_core::contract::key;
use functions_core::disposition;
use functions_core::filename::Filename;
use functions_core::photo_id::PhotoId;
use futures::future::try_join_all;
use md5::{Digest as _, Md5};

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
    /// Bytes.
    pub(crate) size: u64,
    object: Object,
}

/// What is stored of a photo.
#[derive(Debug)]
pub(crate) struct Stored<'a> {
    pub(crate) filename: &'a Filename,
    pub(crate) proven: ContentType,
    pub(crate) original: Bytes,
    /// Of the thumbnail and the renditions.
    pub(crate) format: ThumbnailFormat,
    pub(crate) thumbnail: Bytes,
    /// By their long edges in pixels.
    pub(crate) renditions: Vec<(u32, Bytes)>,
}

impl Incoming {
    fn new(object: Object) -> Self {
        let filename = object.header(key::FILENAME_FIELD);
        Self {
            claimed: object.header("content-type").and_then(|kind| kind.parse().ok()),
            filename: filename.and_then(Filename::from_header),
            // Too large for any gallery.
            size: object.size().unwrap_or(u64::MAX),
            object,
        }
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        self.object.next().await.map_err(Failure::calling("read the file"))
    }
}

impl Stored<'_> {
    /// What goes into the thumbnails bucket, with its keys.
    fn pictures(&self, id: PhotoId) -> Vec<(String, Bytes)> {
        let thumbnail = (id.thumbnail_key(self.format), self.thumbnail.clone());
        let rendition = |(edge, bytes): &(u32, Bytes)| (id.rendition_key(*edge, self.format), bytes.clone());
        std::iter::once(thumbnail).chain(self.renditions.iter().map(rendition)).collect()
    }
}

impl Storage {
    /// Opens the file that arrived; `None` when it is gone. S3 tells "gone" (404) from "forbidden" (403) only to a role
    /// that may list the bucket.
    pub(crate) async fn open_incoming(&self, id: PhotoId) -> Result<Option<Incoming>, Failure> {
        match self.client.get_object(&self.photos_bucket, &id.incoming_key()).await {
            Ok(object) => Ok(Some(Incoming::new(object))),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(Failure::calling("open the file")(error)),
        }
    }

    /// Writes everything at once; `AnotherFile` if the photo is another's already.
    ///
    /// What is there is overwritten only by whoever has the original, and nobody overwrites an original: so either all that is there
    /// in the end is of this file, or nothing of it is the photo's.
    pub(crate) async fn keep(&self, id: PhotoId, stored: &Stored<'_>) -> Result<(), Failure> {
        let (original_key, pictures) = (id.photo_key(), stored.pictures(id));
        let original = NewObject {
            bucket: &self.photos_bucket,
            key: &original_key,
            headers: vec![
                ("content-type", stored.proven.to_string()),
                ("content-disposition", disposition::inline(stored.filename)),
                ("cache-control", CACHE_CONTROL.into()),
            ],
            body: stored.original.clone(),
        };
        let pictures = pictures.iter().map(|(key, bytes)| NewObject {
            bucket: &self.thumbnails_bucket,
            key,
            headers: vec![
                ("content-type", stored.format.content_type().to_string()),
                ("cache-control", CACHE_CONTROL.into()),
            ],
            body: bytes.clone(),
        });
        let pictures: Vec<_> = pictures.collect();
        let is_new = async |object| self.client.put_new_object(object).await;
        let (original_is_new, pictures_are_new) =
            tokio::try_join!(is_new(&original), try_join_all(pictures.iter().map(is_new)))
                .map_err(Failure::calling("write the objects"))?;
        if !original_is_new && !self.has(&original).await? {
            return Err(Failure::AnotherFile);
        }
        // Left by an earlier attempt, or by somebody who does not have the original.
        let others = pictures.iter().zip(pictures_are_new).filter(|(_, is_new)| !is_new);
        let overwrite = async |(picture, _)| self.client.put_object(picture).await;
        try_join_all(others.map(overwrite)).await.map_err(Failure::calling("write the objects again"))?;
        Ok(())
    }

    /// Whether the object that is there has these bytes. Its entity tag is their MD5, as both buckets are encrypted with S3's own keys
    /// (Amazon S3 API reference, "Object").
    async fn has(&self, object: &NewObject<'_>) -> Result<bool, Failure> {
        let tag = self.client.entity_tag(object.bucket, object.key).await;
        let digest = HEXLOWER.encode(&Md5::digest(&object.body));
        Ok(tag.map_err(Failure::calling("look at the original"))?.is_some_and(|tag| tag == digest))
    }

    /// Deletes the file that arrived; done already is fine.
    pub(crate) async fn remove_incoming(&self, id: PhotoId) -> Result<(), Failure> {
        let deletion = self.client.delete_objects(&self.photos_bucket, &[id.incoming_key()]).await;
        deletion.map_err(Failure::calling("delete the file that arrived"))
    }

    /// Deletes everything that there may be of the photo.
    pub(crate) async fn remove_all(&self, id: PhotoId) -> Result<(), Failure> {
        let (originals, pictures) = ([id.photo_key(), id.incoming_key()], id.thumbnail_keys());
        let deletions = async {
            tokio::try_join!(
                self.client.delete_objects(&self.photos_bucket, &originals),
                self.client.delete_objects(&self.thumbnails_bucket, &pictures),
            )
        };
        deletions.await.map(drop).map_err(Failure::calling("delete the photo"))
    }
}
