//! Signature version 4 for the two things we hand to browsers, upload forms and links, and for our own requests. No network.
//!
//! All are pure functions of the credentials and the time. Checked against the examples in the Amazon S3 API reference,
//! "Authenticating Requests: Using Query Parameters", "… Using the Authorization Header" and "Browser-Based Uploads Using POST".

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
pub(crate) const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a key, whose slashes stay.
pub(crate) const PATH: &AsciiSet = &QUERY.remove(b'/');

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

/// Signs for one service at one moment.
pub struct Signer<'a> {
    credentials: &'a Credentials,
    /// `20261123T101500Z`
    date_time: String,
    /// `20261123/eu-west-1/s3/aws4_request`
    scope: String,
    now: Timestamp,
    key: SigningKey,
    /// What all links have in common, encoded: a session token is more than a thousand characters long.
    link_credential: String,
    link_token: String,
}

impl fmt::Debug for Signer<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signer({}, {})", self.credentials.access_key_id, self.scope)
    }
}

/// A request of ours before it is signed.
#[derive(Debug)]
pub struct Unsigned<'a> {
    pub method: &'a str,
    pub host: &'a str,
    /// As sent, that is encoded.
    pub path: &'a str,
    /// As sent, its parameters in order of their names.
    pub query: &'a str,
    /// Names in lower case. All of them are signed.
    pub headers: &'a [(&'static str, String)],
    pub body: &'a [u8],
}

/// Derived from the secret for one day, region and service, and as secret as that; made ready to sign with.
struct SigningKey(Hmac<Sha256>);

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
    /// Signs for S3.
    pub fn new(credentials: &'a Credentials, region: &str, now: Timestamp) -> Self {
        Self::of(credentials, region, "s3", now)
    }

    /// Signs for a service by its name in signatures.
    pub fn of(credentials: &'a Credentials, region: &str, service: &str, now: Timestamp) -> Self {
        let date_time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let date = &date_time[..8];
        let key = [date, region, service, "aws4_request"]
            .iter()
            .fold(keyed(format!("AWS4{}", credentials.secret_access_key).as_bytes()), |key, part| {
                keyed(&signed(key, [*part]))
            });
        let scope = format!("{date}/{region}/{service}/aws4_request");
        let credential = format!("{}/{scope}", credentials.access_key_id);
        let token = credentials.session_token.as_ref().map(|token| utf8_percent_encode(token, QUERY));
        Self {
            credentials,
            link_credential: utf8_percent_encode(&credential, QUERY).to_string(),
            link_token: token.map_or_else(String::new, |token| format!("&X-Amz-Security-Token={token}")),
            date_time,
            scope,
            now,
            key: SigningKey(key),
        }
    }

    /// The headers that a request of ours needs besides its own and `host`.
    pub fn headers(&self, request: &Unsigned<'_>) -> Vec<(&'static str, String)> {
        let digest = hex(&Sha256::digest(request.body).into());
        let mut added =
            vec![("x-amz-content-sha256", digest.clone()), ("x-amz-date", self.date_time.clone())];
        added.extend(self.credentials.session_token.clone().map(|token| ("x-amz-security-token", token)));
        let mut all: Vec<(&str, &str)> = vec![("host", request.host)];
        all.extend(request.headers.iter().chain(&added).map(|(name, value)| (*name, value.as_str())));
        all.sort_unstable();
        let names = all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, request.query);
        for (name, value) in all {
            // Signed without the spaces around a value, and with one for each row of spaces within it.
            let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            let _infallible = writeln!(canonical, "{name}:{value}");
        }
        let _infallible = write!(canonical, "\n{names}\n{digest}");
        let signature = hex(&self.signature(&Sha256::digest(canonical).into()));
        let credential = self.credential();
        added.push((
            "authorization",
            format!("{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"),
        ));
        added
    }

    /// Of a canonical request by its digest.
    fn signature(&self, digest: &[u8; 32]) -> [u8; 32] {
        let digest = hex(digest);
        let text = [ALGORITHM, "\n", &self.date_time, "\n", &self.scope, "\n", &digest];
        signed(self.key.0.clone(), text)
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
        let signature = hex(&signed(self.key.0.clone(), [policy.as_str()]));
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
        // All in one piece of memory: musl takes pieces of this size from the kernel one by one, and that took most of the time.
        let longest =
            3 * (key.len() + response.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>());
        let mut link = String::with_capacity(512 + address.host.len() + self.link_token.len() + longest);
        let _infallible = write!(link, "{}://{}", address.scheme, address.host);
        let path = link.len();
        let _infallible = write!(link, "{}{}?", address.path, utf8_percent_encode(key, PATH));
        let query = link.len();
        // Parameters are signed in byte order of their names: upper case before lower case.
        let _infallible = write!(
            link,
            "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={expires_seconds}{}\
             &X-Amz-SignedHeaders=host",
            self.link_credential, self.date_time, self.link_token,
        );
        for (name, value) in response {
            let _infallible = write!(link, "&{name}={}", utf8_percent_encode(value, QUERY));
        }
        let mut request = Sha256::new();
        let (path, query) = (&link[path..query - 1], &link[query..]);
        for part in ["GET\n", path, "\n", query, "\nhost:", &address.host, "\n\nhost\nUNSIGNED-PAYLOAD"] {
            request.update(part);
        }
        let signature = self.signature(&request.finalize().into());
        link.push_str("&X-Amz-Signature=");
        link.push_str(&hex(&signature));
        link
    }

    fn credential(&self) -> String {
        format!("{}/{}", self.credentials.access_key_id, self.scope)
    }
}

#[expect(
    clippy::default_trait_access,
    reason = "the key's type belongs to a crate that is used nowhere else"
)]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length, so there is no error to handle; an empty key would only sign wrongly.
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()))
}

fn signed<const N: usize>(mut key: Hmac<Sha256>, parts: [&str; N]) -> [u8; 32] {
    for part in parts {
        key.update(part.as_bytes());
    }
    key.finalize().into_bytes().into()
}

fn hex(bytes: &[u8; 32]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(64);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
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
    fn a_request_is_signed_as_in_the_amazon_s3_reference() {
        let now = "2013-05-24T00:00:00Z".parse().unwrap();
        let credentials = example();
        let signer = Signer::new(&credentials, "us-east-1", now);
        let headers = signer.headers(&Unsigned {
            method: "GET",
            host: "examplebucket.s3.amazonaws.com",
            path: "/test.txt",
            query: "",
            headers: &[("range", "bytes=0-9".into())],
            body: b"",
        });
        assert_eq!(
            headers.last().unwrap().1,
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let put = signer.headers(&Unsigned {
            method: "PUT",
            host: "examplebucket.s3.amazonaws.com",
            path: "/test%24file.text",
            query: "",
            headers: &[
                ("date", "Fri, 24 May 2013 00:00:00 GMT".into()),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY".into()),
            ],
            body: b"Welcome to Amazon S3.",
        });
        assert!(
            put.last()
                .unwrap()
                .1
                .ends_with("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
        );
    }

    #[test]
    fn rows_of_spaces_in_a_header_are_signed_as_one() {
        let credentials = example();
        let signer = Signer::new(&credentials, "us-east-1", Timestamp::UNIX_EPOCH);
        let signed = |name: &str| {
            let headers = [("content-disposition", format!("inline; filename=\"{name}\""))];
            let (method, host, path) = ("PUT", "examplebucket.s3.amazonaws.com", "/photos/1");
            signer.headers(&Unsigned { method, host, path, query: "", headers: &headers, body: b"" })
        };
        assert_eq!(signed("a   b  c.jpg "), signed("a b c.jpg "));
        assert_ne!(signed("a b c.jpg"), signed("ab c.jpg"));
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
            hex(&signed(signer.key.0.clone(), [policy])),
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
