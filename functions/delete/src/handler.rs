//! `DELETE /photos/{id}` -> 204, or 404 when there is no such photo.
//!
//! One call for each bucket and one for the row, without reading it first: everything that a photo may have has a name that follows
//! from its id, and S3 answers the deletion of a missing object like that of a present one. The row goes last: it is what makes a
//! photo exist, so a delete that stopped half-way is finished by a repeat.

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

/// What `DeleteItem` answers: the row that there was.
#[derive(Debug, Deserialize)]
struct Gone {
    #[serde(rename = "Attributes")]
    row: Option<Item>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("failed to delete the objects")]
    Objects(#[source] CallError),
    #[error("failed to delete the row")]
    Row(#[source] CallError),
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
            Ok(true) => {
                metrics::count("Photos", 1);
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
        // A file still waiting under incoming/ would bring the photo back when its event is delivered again.
        let originals = [id.photo_key(), id.incoming_key()];
        let thumbnails = id.thumbnail_keys();
        let objects = async {
            tokio::try_join!(
                self.aws.delete_objects(&self.photos_bucket, &originals),
                self.aws.delete_objects(&self.thumbnails_bucket, &thumbnails),
            )
        };
        metrics::stage("ObjectsMilliseconds", objects).await.map_err(Failure::Objects)?;
        let deletion = json!({
            "TableName": self.table,
            "Key": {table::PHOTO_ID: Attribute::text(id.to_string())},
            "ReturnValues": "ALL_OLD",
        });
        let deletion = self.aws.dynamodb("DeleteItem", &deletion);
        let gone: Gone = metrics::stage("RowMilliseconds", deletion).await.map_err(Failure::Row)?;
        Ok(gone.row.is_some())
    }
}

#[cfg(test)]
mod tests {
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

    fn aws_with(row: Value, objects: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> FakeAws {
        FakeAws::new(move |call| match call.operation.as_str() {
            "DynamoDB DeleteItem" => Answer::ok(json!({"Attributes": row}).to_string()),
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
    async fn everything_goes_in_three_calls_and_the_row_goes_last() {
        let aws = aws_with(json!({"photoId": {"S": ID}}), all_deleted);
        assert_eq!(delete(&aws, ID).await, (204, Value::Null));
        let calls = aws.calls();
        assert_eq!(aws.operations(), ["POST /photos/", "POST /thumbnails/", "DynamoDB DeleteItem"]);
        assert_eq!(keys(&calls[0]), [format!("photos/{ID}"), format!("incoming/{ID}")]);
        let id: PhotoId = ID.parse().unwrap();
        assert_eq!(keys(&calls[1]), id.thumbnail_keys());
        assert_eq!(
            calls[2].json(),
            json!({"TableName": "pg", "Key": {"photoId": {"S": ID}}, "ReturnValues": "ALL_OLD"})
        );
    }

    #[tokio::test]
    async fn a_photo_without_a_row_is_not_found() {
        let (status, answer) = delete(&aws_with(Value::Null, all_deleted), ID).await;
        assert_eq!((status, answer["code"].as_str()), (404, Some("NotFound")));
    }

    #[tokio::test]
    async fn a_half_done_delete_keeps_the_row_for_the_repeat() {
        let refused = "<DeleteResult><Error><Code>AccessDenied</Code></Error></DeleteResult>";
        for bucket in ["/photos/", "/thumbnails/"] {
            for refusal in [Answer::s3_error(403, "AccessDenied"), Answer::ok(refused)] {
                let aws = aws_with(json!({"photoId": {"S": ID}}), move |call| {
                    if call.operation.ends_with(bucket) { refusal.clone() } else { all_deleted(call) }
                });
                let (status, answer) = delete(&aws, ID).await;
                assert_eq!((status, answer["code"].as_str()), (500, Some("Internal")));
                assert!(!aws.operations().contains(&"DynamoDB DeleteItem".to_owned()));
            }
        }
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
