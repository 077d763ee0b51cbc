//! `POST /upload {filename, contentType, size}` -> 201 `{photoId, url, fields, expiresAt}`.
//!
//! The photo itself never passes through here: the browser posts it to S3, and S3 itself enforces key, type and size.
//! No AWS call is made, so this function has neither an SDK nor TLS and starts in a few milliseconds.

use std::collections::HashMap;

use functions_core::contract::{FunctionName, UPLOAD_EXPIRES_SECONDS, env, key};
use functions_core::http::{Edge, Event, Request, Response};
use functions_core::lambda::Error;
use functions_core::photo_id::PhotoId;
use functions_core::problem::Problem;
use functions_core::s3_address::S3Address;
use functions_core::settings::Settings;
use functions_core::sign::{Credentials, Signer, UploadForm};
use functions_core::upload_request::{UploadLimits, UploadRequest};
use jiff::{Timestamp, Unit};
use serde::Serialize;

/// The function's state.
#[derive(Debug)]
pub(crate) struct Upload {
    edge: Edge,
    bucket: String,
    limits: UploadLimits,
    s3: S3Address,
    credentials: Credentials,
}

/// The answer: what to post where, until when.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UploadAnswer {
    photo_id: String,
    url: String,
    fields: HashMap<&'static str, String>,
    expires_at: Timestamp,
}

impl Upload {
    pub(crate) fn new(settings: &Settings<'_>) -> Result<Self, Error> {
        Ok(Self {
            edge: Edge::of(FunctionName::Upload, settings.allowed_origins()).ok_or("upload has no route")?,
            bucket: settings.required(env::PHOTOS_BUCKET)?,
            limits: settings.upload_limits()?,
            s3: settings.s3_address()?,
            credentials: settings.credentials()?,
        })
    }

    pub(crate) async fn answer(&self, event: Event) -> Response {
        self.edge
            .answer(event, async |request| self.sign(request, PhotoId::generate(), Timestamp::now()))
            .await
    }

    fn sign(&self, request: &Request, photo_id: PhotoId, now: Timestamp) -> Result<Response, Problem> {
        let UploadRequest { filename, content_type, size } =
            UploadRequest::parse(&request.body, &self.limits)?;
        let form = Signer::new(&self.credentials, self.s3.region(), now).upload_form(UploadForm {
            bucket: &self.bucket,
            fields: vec![
                ("key", photo_id.incoming_key()),
                ("Content-Type", content_type.as_str().to_owned()),
                (key::FILENAME_FIELD, filename.to_header()),
                ("success_action_status", "204".to_owned()),
            ],
            max_bytes: self.limits.max_bytes,
            expires_seconds: UPLOAD_EXPIRES_SECONDS,
        });
        tracing::info!(photoId = %photo_id, contentType = %content_type, size, "signed an upload form");
        let expires_at = form.expires.round(Unit::Second).unwrap_or(form.expires);
        Response::json(
            201,
            &UploadAnswer {
                photo_id: photo_id.to_string(),
                url: self.s3.bucket(&self.bucket).url(),
                fields: form.fields.into_iter().collect(),
                expires_at,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SETTINGS: &[(&str, &str)] = &[
        ("PHOTOS_BUCKET", "pg-photos"),
        ("MAX_UPLOAD_BYTES", "1000"),
        ("CONTENT_TYPES", "image/jpeg,image/png"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
    ];

    async fn post(body: &str) -> (u16, Value) {
        let upload = Upload::new(&Settings::from_table(SETTINGS)).unwrap();
        let event = serde_json::from_value(json!({"httpMethod": "POST", "body": body})).unwrap();
        let response = upload.answer(event).await;
        (response.status_code, serde_json::from_str(&response.body).unwrap())
    }

    #[tokio::test]
    async fn a_form_for_exactly_this_photo_is_signed() {
        let (status, answer) = post(r#"{"filename":"été.jpg","contentType":"image/jpeg","size":10}"#).await;
        assert_eq!(status, 201);
        let id: PhotoId = answer["photoId"].as_str().unwrap().parse().unwrap();
        assert_eq!(answer["url"], "https://pg-photos.s3.eu-west-1.amazonaws.com/");
        assert_eq!(answer["fields"]["key"], format!("incoming/{id}"));
        assert_eq!(answer["fields"]["Content-Type"], "image/jpeg");
        assert_eq!(answer["fields"]["x-amz-meta-filename"], "%C3%A9t%C3%A9.jpg");
        assert_eq!(answer["fields"]["x-amz-security-token"], "token");
        let expires: Timestamp = answer["expiresAt"].as_str().unwrap().parse().unwrap();
        assert!((290..=310).contains(&expires.duration_since(Timestamp::now()).as_secs()));
    }

    #[tokio::test]
    async fn every_form_is_for_a_new_photo() {
        let body = r#"{"filename":"a.jpg","contentType":"image/jpeg","size":10}"#;
        assert_ne!(post(body).await.1["photoId"], post(body).await.1["photoId"]);
    }

    #[tokio::test]
    async fn a_mistake_is_answered_with_its_code_and_field() {
        let (status, answer) = post(r#"{"filename":"a.jpg","contentType":"image/jpeg","size":1001}"#).await;
        assert_eq!(
            (status, answer["code"].as_str(), answer["field"].as_str()),
            (413, Some("TooLarge"), Some("size"))
        );
    }

    #[test]
    fn a_missing_setting_is_named() {
        let error = Upload::new(&Settings::from_table(&SETTINGS[1..])).unwrap_err();
        assert_eq!(error.to_string(), "environment variable PHOTOS_BUCKET is not set");
    }
}
