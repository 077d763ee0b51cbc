//! `DELETE /photos/{id}` -> 204, or 404 when there was never such a photo.
//!
//! One write for the row, then one call for each bucket, without reading anything first: everything that a photo may have has a name
//! that follows from its id, and S3 answers the deletion of a missing object like that of a present one.
//!
//! The row is not removed but becomes a mark, [`table::DELETED`], and it does so before anything else. S3 delivers the event of a file
//! at least once, in any order and perhaps hours later, and the thumbnail function may be at work on the file this very moment. With
//! no row a late event would look like that of a new photo; with the mark the thumbnail function makes nothing, and takes away what it
//! has made already. A mark has no `listing`, so no list shows it.
//!
//! When it stops half-way, the photo is out of all lists, and objects may be left over that only links made before lead to. The answer
//! was then no 204, so the caller asks again, and a repeat deletes them: it finds the mark and answers 204 as if it were the first.
//!
//! Only a row that is there becomes a mark, so that nobody can fill the table by deleting ids that never were. A file that waits under
//! `incoming/` has no row yet; it is deleted all the same, before it becomes a photo. If the thumbnail function has begun on it, that
//! photo comes, whole, for nothing else of it is touched here.

use functions_core::client::dynamodb::{Attribute, Item};
use functions_core::client::{CallError, Client};
use functions_core::contract::{FunctionName, PHOTO_ID_PARAMETER, env, table};
use functions_core::http::{Edge, Event, Request, Response};
use functions_core::lambda::{Error, chain};
use functions_core::metrics;
use functions_core::photo_id::PhotoId;
use functions_core::problem::{Code, Problem};
use functions_core::settings::Settings;
use serde::Deserialize;
use serde_json::json;

/// The function's state.
#[derive(Debug)]
pub(crate) struct Delete {
    edge: Edge,
    table: String,
    photos_bucket: String,
    thumbnails_bucket: String,
    aws: Client,
}

/// What `PutItem` answers: the row that there was.
#[derive(Debug, Deserialize)]
struct Replaced {
    #[serde(rename = "Attributes", default)]
    row: Item,
}

/// What the table held when the deletion began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Photo,
    /// The mark of an earlier deletion.
    Mark,
    Nothing,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("failed to mark the row")]
    Row(#[source] CallError),
    #[error("failed to delete the objects")]
    Objects(#[source] CallError),
}

impl Delete {
    pub(crate) fn start(settings: &Settings<'_>) -> Result<Self, Error> {
        Self::new(settings, Client::new(settings)?)
    }

    fn new(settings: &Settings<'_>, aws: Client) -> Result<Self, Error> {
        Ok(Self {
            edge: Edge::of(FunctionName::Delete, settings.allowed_origins()).ok_or("delete has no route")?,
            table: settings.required(env::TABLE)?,
            photos_bucket: settings.required(env::PHOTOS_BUCKET)?,
            thumbnails_bucket: settings.required(env::THUMBNAILS_BUCKET)?,
            aws,
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
            Ok(Before::Photo) => {
                metrics::count("Photos", 1);
                tracing::info!(photoId = %id, "deleted");
                Ok(Response::empty(204))
            }
            Ok(Before::Mark) => {
                tracing::info!(photoId = %id, "deleted again");
                Ok(Response::empty(204))
            }
            Ok(Before::Nothing) => Err(Problem::new(Code::NotFound, "There is no such photo.")),
            Err(failure) => {
                tracing::error!(photoId = %id, error = chain(&failure), "failed to delete");
                Err(Problem::internal())
            }
        }
    }

    async fn remove(&self, id: PhotoId) -> Result<Before, Failure> {
        let before = metrics::stage("RowMilliseconds", self.mark(id)).await.map_err(Failure::Row)?;
        let objects = async {
            if before == Before::Nothing {
                return self.aws.delete_objects(&self.photos_bucket, &[id.incoming_key()]).await;
            }
            let (originals, thumbnails) = ([id.photo_key(), id.incoming_key()], id.thumbnail_keys());
            tokio::try_join!(
                self.aws.delete_objects(&self.photos_bucket, &originals),
                self.aws.delete_objects(&self.thumbnails_bucket, &thumbnails),
            )?;
            Ok(())
        };
        metrics::stage("ObjectsMilliseconds", objects).await.map_err(Failure::Objects)?;
        Ok(before)
    }

    /// Puts the mark in place of the row, if there is one.
    async fn mark(&self, id: PhotoId) -> Result<Before, CallError> {
        let mark = json!({
            "TableName": self.table,
            "Item": {
                table::PHOTO_ID: Attribute::text(id.to_string()),
                table::STATUS: Attribute::text(table::DELETED),
            },
            "ConditionExpression": "attribute_exists(#id)",
            "ExpressionAttributeNames": {"#id": table::PHOTO_ID},
            "ReturnValues": "ALL_OLD",
        });
        let replaced: Replaced = match self.aws.dynamodb("PutItem", &mark).await {
            Ok(replaced) => replaced,
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => {
                return Ok(Before::Nothing);
            }
            Err(error) => return Err(error),
        };
        let status = replaced.row.get(table::STATUS).and_then(Attribute::as_text);
        Ok(if status == Some(table::DELETED) { Before::Mark } else { Before::Photo })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;

    use functions_testing::{Answer, Call, FakeAws};
    use serde_json::Value;

    use super::*;

    const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const SETTINGS: &[(&str, &str)] =
        &[("TABLE", "pg"), ("PHOTOS_BUCKET", "photos"), ("THUMBNAILS_BUCKET", "thumbnails")];

    async fn delete(aws: &FakeAws, id: &str) -> (u16, Value) {
        let function = Delete::new(&Settings::from_table(SETTINGS), aws.client()).unwrap();
        let event =
            serde_json::from_value(json!({"httpMethod": "DELETE", "pathParameters": {"id": id}})).unwrap();
        let response = function.answer(event).await;
        (response.status_code, serde_json::from_str(&response.body).unwrap_or_default())
    }

    fn photo() -> Value {
        json!({"photoId": {"S": ID}, "listing": {"S": "photos"}, "status": {"S": "ready"}})
    }

    /// A table whose one row may be there, answering as DynamoDB does, and buckets.
    fn aws_with(row: Option<Value>, objects: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> FakeAws {
        let row = Mutex::new(row);
        FakeAws::new(move |call| match call.operation.as_str() {
            "DynamoDB PutItem" => {
                let mut row = row.lock().unwrap();
                if row.is_none() {
                    return Answer::dynamodb_error("ConditionalCheckFailedException");
                }
                let old = row.replace(call.json()["Item"].clone());
                Answer::ok(json!({"Attributes": old}).to_string())
            }
            _ => objects(call),
        })
    }

    fn all_deleted(_: &Call) -> Answer {
        Answer::ok("<DeleteResult></DeleteResult>")
    }

    /// The keys that a call deletes.
    fn keys(call: &Call) -> Vec<String> {
        let body = String::from_utf8(call.body.clone()).unwrap();
        body.split("<Key>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    }

    #[tokio::test]
    async fn the_row_becomes_a_mark_before_everything_else_goes_in_two_calls() {
        let aws = aws_with(Some(photo()), all_deleted);
        assert_eq!(delete(&aws, ID).await, (204, Value::Null));
        let calls = aws.calls();
        assert_eq!(aws.operations(), ["DynamoDB PutItem", "POST /photos/", "POST /thumbnails/"]);
        assert_eq!(
            calls[0].json(),
            json!({
                "TableName": "pg",
                "Item": {"photoId": {"S": ID}, "status": {"S": "deleted"}},
                "ConditionExpression": "attribute_exists(#id)",
                "ExpressionAttributeNames": {"#id": "photoId"},
                "ReturnValues": "ALL_OLD",
            })
        );
        assert_eq!(keys(&calls[1]), [format!("photos/{ID}"), format!("incoming/{ID}")]);
        let id: PhotoId = ID.parse().unwrap();
        assert_eq!(keys(&calls[2]), id.thumbnail_keys());
    }

    #[tokio::test]
    async fn a_photo_without_a_row_is_not_found_and_gets_no_mark_but_its_waiting_file_goes_and_nothing_else()
    {
        let aws = aws_with(None, all_deleted);
        for _ in 0..2 {
            let (status, answer) = delete(&aws, ID).await;
            assert_eq!((status, answer["code"].as_str()), (404, Some("NotFound")));
        }
        assert_eq!(aws.operations(), ["DynamoDB PutItem", "POST /photos/"].repeat(2));
        assert_eq!(keys(&aws.calls()[1]), [format!("incoming/{ID}")]);
    }

    #[tokio::test]
    async fn a_repeat_finishes_a_delete_that_stopped_half_way() {
        let refused = "<DeleteResult><Error><Code>AccessDenied</Code></Error></DeleteResult>";
        for bucket in ["/photos/", "/thumbnails/"] {
            for refusal in [Answer::s3_error(403, "AccessDenied"), Answer::ok(refused)] {
                let refusals = AtomicUsize::new(1);
                let aws = aws_with(Some(photo()), move |call| {
                    let refuses = call.operation.ends_with(bucket)
                        && refusals.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
                    if refuses { refusal.clone() } else { all_deleted(call) }
                });
                let (status, answer) = delete(&aws, ID).await;
                assert_eq!((status, answer["code"].as_str()), (500, Some("Internal")));
                let before = aws.calls().len();
                assert_eq!(delete(&aws, ID).await, (204, Value::Null), "once more");
                assert_eq!(
                    aws.operations()[before..],
                    ["DynamoDB PutItem", "POST /photos/", "POST /thumbnails/"]
                );
            }
        }
    }

    #[tokio::test]
    async fn nothing_is_deleted_that_could_not_be_marked() {
        let aws = FakeAws::new(|call| match call.operation.as_str() {
            "DynamoDB PutItem" => Answer::dynamodb_error("AccessDeniedException"),
            _ => all_deleted(call),
        });
        let (status, answer) = delete(&aws, ID).await;
        assert_eq!((status, answer["code"].as_str()), (500, Some("Internal")));
        assert_eq!(aws.operations(), ["DynamoDB PutItem"]);
    }

    #[tokio::test]
    async fn only_the_first_delete_of_a_photo_finds_it() {
        let aws = aws_with(Some(photo()), all_deleted);
        let function = Delete::new(&Settings::from_table(SETTINGS), aws.client()).unwrap();
        let id = ID.parse().unwrap();
        assert_eq!(function.remove(id).await.unwrap(), Before::Photo);
        assert_eq!(function.remove(id).await.unwrap(), Before::Mark);
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
