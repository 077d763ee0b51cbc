//! Signature version 4 for the two things we hand to browsers: upload forms and links. No network, no AWS SDK.
//!
//! Both are pure functions of the credentials and the time. Checked against the examples in the Amazon S3 API reference,
//! "Authenticating Requests: Using Query Parameters" and "Authenticating Requests: Browser-Based Uploads Using POST".

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::s3_address::BucketAddress;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// RFC 3986's unreserved characters, as the signature wants it.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a key, whose slashes stay.
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// Keys of a role's session, or of a user.
#[derive(Clone)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Credentials({})", self.access_key_id)
    }
}

/// Signs for S3 at one moment.
#[derive(Debug)]
pub struct Signer<'a> {
    credentials: &'a Credentials,
    /// `20261123T101500Z`
    date_time: String,
    /// `20261123/eu-west-1/s3/aws4_request`
    scope: String,
    now: Timestamp,
    key: SigningKey,
}

/// Derived from the secret for one day, region and service; as secret as that.
struct SigningKey([u8; 32]);

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey")
    }
}

/// What an upload form allows: exactly this object, up to a size, for a while.
#[derive(Debug)]
pub struct UploadForm<'a> {
    pub bucket: &'a str,
    /// Sent and demanded as they are, `key` among them.
    pub fields: Vec<(&'static str, String)>,
    /// Largest file in bytes; the smallest is 1.
    pub max_bytes: u64,
    pub expires_seconds: u32,
}

/// A signed upload form.
#[derive(Debug)]
pub struct SignedForm {
    /// Every field to send, before the file.
    pub fields: Vec<(&'static str, String)>,
    pub expires: Timestamp,
}

impl<'a> Signer<'a> {
    pub fn new(credentials: &'a Credentials, region: &str, now: Timestamp) -> Self {
        let date_time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let date = &date_time[..8];
        let key = ["s3", "aws4_request"].iter().fold(
            hmac(&hmac(format!("AWS4{}", credentials.secret_access_key).as_bytes(), date), region),
            |key, part| hmac(&key, part),
        );
        let scope = format!("{date}/{region}/s3/aws4_request");
        Self { credentials, date_time, scope, now, key: SigningKey(key) }
    }

    /// A presigned POST. Every field is covered by an exact condition, so a visitor can change none and add none.
    pub fn upload_form(&self, form: UploadForm<'_>) -> SignedForm {
        let expires = self.now + SignedDuration::from_secs(i64::from(form.expires_seconds));
        let mut fields = form.fields;
        fields.push(("x-amz-algorithm", ALGORITHM.into()));
        fields.push(("x-amz-credential", self.credential()));
        fields.push(("x-amz-date", self.date_time.clone()));
        if let Some(token) = &self.credentials.session_token {
            fields.push(("x-amz-security-token", token.clone()));
        }
        let mut conditions =
            vec![json!({"bucket": form.bucket}), json!(["content-length-range", 1, form.max_bytes])];
        conditions.extend(fields.iter().map(|(name, value)| {
            Value::Object([((*name).to_owned(), Value::String(value.clone()))].into_iter().collect())
        }));
        let expiration = expires.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
        let policy = STANDARD.encode(json!({"expiration": expiration, "conditions": conditions}).to_string());
        let signature = hex(&hmac(&self.key.0, &policy));
        fields.push(("policy", policy));
        fields.push(("x-amz-signature", signature));
        SignedForm { fields, expires }
    }

    /// A link that reads one object. `response` are S3's `response-*` parameters, in alphabetical order.
    pub fn link(
        &self,
        address: &BucketAddress,
        key: &str,
        response: &[(&str, &str)],
        expires_seconds: u32,
    ) -> String {
        let path = format!("{}{}", address.path, utf8_percent_encode(key, PATH));
        // Parameters are signed in byte order of their names: upper case before lower case.
        let mut query = format!(
            "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={expires_seconds}",
            utf8_percent_encode(&self.credential(), QUERY),
            self.date_time,
        );
        if let Some(token) = &self.credentials.session_token {
            let _infallible = write!(query, "&X-Amz-Security-Token={}", utf8_percent_encode(token, QUERY));
        }
        query.push_str("&X-Amz-SignedHeaders=host");
        for (name, value) in response {
            let _infallible = write!(query, "&{name}={}", utf8_percent_encode(value, QUERY));
        }
        let request = format!("GET\n{path}\n{query}\nhost:{}\n\nhost\nUNSIGNED-PAYLOAD", address.host);
        let to_sign =
            format!("{ALGORITHM}\n{}\n{}\n{}", self.date_time, self.scope, hex(&Sha256::digest(request)));
        let signature = hex(&hmac(&self.key.0, &to_sign));
        format!("{}://{}{path}?{query}&X-Amz-Signature={signature}", address.scheme, address.host)
    }

    fn credential(&self) -> String {
        format!("{}/{}", self.credentials.access_key_id, self.scope)
    }
}

fn hmac(key: &[u8], message: &str) -> [u8; 32] {
    // HMAC takes keys of any length, so there is no error to handle; an empty key would only sign wrongly.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3_address::S3Address;

    fn example() -> Credentials {
        Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
        }
    }

    #[test]
    fn a_link_is_signed_as_in_the_amazon_s3_reference() {
        let now = "2013-05-24T00:00:00Z".parse().unwrap();
        let address = BucketAddress {
            scheme: "https".into(),
            host: "examplebucket.s3.amazonaws.com".into(),
            path: "/".into(),
        };
        let credentials = example();
        let link = Signer::new(&credentials, "us-east-1", now).link(&address, "test.txt", &[], 86400);
        assert_eq!(
            link,
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    #[test]
    fn keys_and_parameters_are_encoded() {
        let credentials = Credentials { session_token: Some("a+b/c=".into()), ..example() };
        let address = S3Address::new("eu-west-1", Some("http://127.0.0.1:1".into())).bucket("b");
        let signer = Signer::new(&credentials, "eu-west-1", Timestamp::UNIX_EPOCH);
        let link = signer.link(&address, "photos/a b+é", &[("response-content-type", "image/jpeg")], 60);
        assert!(link.starts_with("http://127.0.0.1:1/b/photos/a%20b%2B%C3%A9?"), "{link}");
        assert!(link.contains(
            "&X-Amz-Security-Token=a%2Bb%2Fc%3D&X-Amz-SignedHeaders=host&response-content-type=image%2Fjpeg&"
        ));
    }

    #[test]
    fn a_form_demands_every_field_it_sends() {
        let credentials = Credentials { session_token: Some("token".into()), ..example() };
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        let form = Signer::new(&credentials, "eu-west-1", now).upload_form(UploadForm {
            bucket: "photos",
            fields: vec![("key", "incoming/1".into()), ("Content-Type", "image/png".into())],
            max_bytes: 10,
            expires_seconds: 300,
        });
        let fields: std::collections::HashMap<_, _> = form.fields.iter().cloned().collect();
        let policy: Value = serde_json::from_slice(&STANDARD.decode(&fields["policy"]).unwrap()).unwrap();
        assert_eq!(policy["expiration"], "2026-11-23T10:05:00.000Z");
        let conditions = policy["conditions"].as_array().unwrap();
        assert!(conditions.contains(&json!({"bucket": "photos"})));
        assert!(conditions.contains(&json!(["content-length-range", 1, 10])));
        for (name, value) in
            form.fields.iter().filter(|(name, _)| !matches!(*name, "policy" | "x-amz-signature"))
        {
            assert!(conditions.contains(&json!({*name: value})), "{name}");
        }
        assert_eq!(fields["x-amz-security-token"], "token");
    }

    #[test]
    fn a_policy_is_signed_as_in_the_amazon_s3_reference() {
        // The reference signs this Base64 text, whose inner spelling is not ours; the key and the signature are.
        let policy = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
        let credentials = example();
        let signer = Signer::new(&credentials, "us-east-1", "2015-12-29T00:00:00Z".parse().unwrap());
        assert_eq!(
            hex(&hmac(&signer.key.0, policy)),
            "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"
        );
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let credentials = Credentials { session_token: Some("tok3n".into()), ..example() };
        let text =
            format!("{credentials:?} {:?}", Signer::new(&credentials, "us-east-1", Timestamp::UNIX_EPOCH));
        assert!(!text.contains("wJalr") && !text.contains("tok3n"));
    }
}
