//! `DELETE /photos/{id}` -> 204, or 404 when there is no such photo.
//!
//! The row goes last: it is what makes a photo exist, so a delete that stopped half-way is finished by a repeat. S3
//! answers the deletion of a missing object like that of a present one, so repeats and duplicates do no harm.

use aws_sdk_dynamodb::types::AttributeValue;
use functions_core::aws::Shared;
use functions_core::aws_config;
use functions_core::contract::{FunctionName, PHOTO_ID_PARAMETER, env, table};
use functions_core::http::{Edge, Event, Request, Response};
use functions_core::lambda::{Error, chain};
use functions_core::photo_id::PhotoId;
use functions_core::problem::{Code, Problem};
use functions_core::settings::Settings;

/// The function's state.
#[derive(Debug)]
pub(crate) struct Delete {
    edge: Edge,
    table: String,
    photos_bucket: String,
    thumbnails_bucket: String,
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
}

/// A photo's row, as far as deletion needs it.
#[derive(Debug)]
struct Row {
    thumbnail_key: Option<String>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("failed to read the row")]
    Read(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("failed to delete {0} in S3")]
    Object(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("failed to delete the row")]
    Row(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Delete {
    pub(crate) fn start(settings: &Settings<'_>) -> Result<Self, Error> {
        Self::new(settings, &Shared::new(settings)?)
    }

    fn new(settings: &Settings<'_>, shared: &Shared) -> Result<Self, Error> {
        let path_style = shared.endpoint.is_some();
        Ok(Self {
            edge: Edge::of(FunctionName::Delete, settings.allowed_origins()).ok_or("delete has no route")?,
            table: settings.required(env::TABLE)?,
            photos_bucket: settings.required(env::PHOTOS_BUCKET)?,
            thumbnails_bucket: settings.required(env::THUMBNAILS_BUCKET)?,
            dynamodb: aws_sdk_dynamodb::Client::from_conf(
                aws_config!(aws_sdk_dynamodb, shared.clone()).build(),
            ),
            s3: aws_sdk_s3::Client::from_conf(
                aws_config!(aws_sdk_s3, shared.clone()).force_path_style(path_style).build(),
            ),
        })
    }

    pub(crate) async fn answer(&self, event: Event) -> Response {
        self.edge.answer(event, async |request| self.delete(request).await).await
    }

    async fn delete(&self, request: &Request) -> Result<Response, Problem> {
        let id: PhotoId = request
            .path(PHOTO_ID_PARAMETER)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Problem::new(Code::InvalidPhotoId, "Send a photoId as the list gives it."))?;
        match self.remove(id).await {
            Ok(true) => {
                tracing::info!(photoId = %id, "deleted");
                Ok(Response::empty(204))
            }
            Ok(false) => Err(Problem::new(Code::NotFound, "There is no such photo (any more).")),
            Err(failure) => {
                tracing::error!(photoId = %id, error = chain(&failure), "failed to delete");
                Err(Problem::internal())
            }
        }
    }

    /// Whether there was such a photo.
    async fn remove(&self, id: PhotoId) -> Result<bool, Failure> {
        let Some(Row { thumbnail_key }) = self.row(id).await? else { return Ok(false) };
        let (photo_key, incoming_key) = (id.photo_key(), id.incoming_key());
        let thumbnail = async {
            match &thumbnail_key {
                Some(key) => self.remove_object(&self.thumbnails_bucket, key).await,
                None => Ok(()),
            }
        };
        // A file still waiting under incoming/ would bring the photo back when its event is delivered again.
        tokio::try_join!(
            self.remove_object(&self.photos_bucket, &photo_key),
            self.remove_object(&self.photos_bucket, &incoming_key),
            thumbnail,
        )?;
        let deletion = self.dynamodb.delete_item().table_name(&self.table);
        let deletion = deletion.key(table::PHOTO_ID, AttributeValue::S(id.to_string()));
        deletion.send().await.map_err(|error| Failure::Row(error.into()))?;
        Ok(true)
    }

    async fn row(&self, id: PhotoId) -> Result<Option<Row>, Failure> {
        let read = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .key(table::PHOTO_ID, AttributeValue::S(id.to_string()))
            .projection_expression("#id, #thumbnail")
            .expression_attribute_names("#id", table::PHOTO_ID)
            .expression_attribute_names("#thumbnail", table::THUMBNAIL_KEY)
            .consistent_read(true);
        let item = read.send().await.map_err(|error| Failure::Read(error.into()))?.item;
        Ok(item.map(|mut item| Row {
            thumbnail_key: item.remove(table::THUMBNAIL_KEY).and_then(|value| match value {
                AttributeValue::S(key) => Some(key),
                _ => None,
            }),
        }))
    }

    async fn remove_object(&self, bucket: &str, key: &str) -> Result<(), Failure> {
        let deletion = self.s3.delete_object().bucket(bucket).key(key);
        deletion.send().await.map_err(|error| Failure::Object(key.to_owned(), error.into()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use functions_testing::{Answer, Call, FakeAws};
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const SETTINGS: &[(&str, &str)] =
        &[("TABLE", "pg"), ("PHOTOS_BUCKET", "photos"), ("THUMBNAILS_BUCKET", "thumbnails")];

    async fn delete(aws: &FakeAws, id: &str) -> (u16, Value) {
        let function = Delete::new(&Settings::from_table(SETTINGS), &aws.shared()).unwrap();
        let event =
            serde_json::from_value(json!({"httpMethod": "DELETE", "pathParameters": {"id": id}})).unwrap();
        let response = function.answer(event).await;
        (response.status_code, serde_json::from_str(&response.body).unwrap_or_default())
    }

    fn aws_with(item: Value, object: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> FakeAws {
        FakeAws::new(move |call| match call.operation.as_str() {
            "DynamoDB GetItem" => Answer::ok(json!({"Item": item}).to_string()),
            "DynamoDB DeleteItem" => Answer::ok("{}"),
            _ => object(call),
        })
    }

    fn no_content(_: &Call) -> Answer {
        Answer { status: 204, ..Answer::default() }
    }

    #[tokio::test]
    async fn everything_goes_and_the_row_goes_last() {
        let item = json!({"photoId": {"S": ID}, "thumbnailKey": {"S": format!("{ID}.webp")}});
        let aws = aws_with(item, no_content);
        assert_eq!(delete(&aws, ID).await.0, 204);
        let mut operations = aws.operations();
        assert_eq!(operations.pop().as_deref(), Some("DynamoDB DeleteItem"));
        operations.sort();
        assert_eq!(
            operations,
            [
                format!("DELETE /photos/incoming/{ID}"),
                format!("DELETE /photos/photos/{ID}"),
                format!("DELETE /thumbnails/{ID}.webp"),
                "DynamoDB GetItem".to_owned(),
            ]
        );
    }

    #[tokio::test]
    async fn a_photo_that_failed_has_no_thumbnail_to_delete() {
        let aws = aws_with(json!({"photoId": {"S": ID}}), no_content);
        assert_eq!(delete(&aws, ID).await.0, 204);
        assert!(aws.operations().iter().all(|operation| !operation.contains("/thumbnails/")));
    }

    #[tokio::test]
    async fn an_unknown_photo_is_not_found_and_nothing_is_deleted() {
        let aws = FakeAws::new(|_| Answer::ok("{}"));
        let (status, answer) = delete(&aws, ID).await;
        assert_eq!((status, answer["code"].as_str()), (404, Some("NotFound")));
        assert_eq!(aws.operations(), ["DynamoDB GetItem"]);
    }

    #[tokio::test]
    async fn a_half_done_delete_keeps_the_row_for_the_repeat() {
        let aws = aws_with(json!({"photoId": {"S": ID}}), |call| {
            if call.operation.contains("/photos/photos/") {
                Answer::s3_error(403, "AccessDenied")
            } else {
                no_content(call)
            }
        });
        let (status, answer) = delete(&aws, ID).await;
        assert_eq!((status, answer["code"].as_str()), (500, Some("Internal")));
        assert!(!aws.operations().contains(&"DynamoDB DeleteItem".to_owned()));
    }

    #[tokio::test]
    async fn odd_ids_are_refused_before_any_call() {
        let aws = FakeAws::new(|_| Answer::ok("{}"));
        for id in
            ["", "x", "../photos", "01arz3ndektsv4rrffq69g5fav", "01ARZ3NDEKTSV4RRFFQ69G5FAV/..", "💣", "*"]
        {
            let (status, answer) = delete(&aws, id).await;
            assert_eq!((status, answer["code"].as_str()), (400, Some("InvalidPhotoId")), "{id}");
        }
        assert!(aws.operations().is_empty());
    }
}
