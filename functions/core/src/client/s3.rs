//! S3's calls.
//!
//! Bodies that are sent are signed by their digest, over TLS too, where S3 would do without: it refuses what is not what was signed,
//! so this is the checksum from memory to disk as well. It costs 2 ms a megabyte, and half a millisecond where the processor helps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use percent_encoding::utf8_percent_encode;
use sha2::{Digest as _, Sha256};

use super::error::element;
use super::transport::Body;
use super::{Call, CallError, Client, PATIENCE, Reason};
use crate::s3_address::{BucketAddress, S3Address};
use crate::sign::{PATH, QUERY};

/// An object as S3 gives it, its bytes not read yet.
#[derive(Debug)]
pub struct Object {
    headers: HeaderMap,
    body: Body,
}

/// An object to write.
#[derive(Debug)]
pub struct NewObject<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    /// What S3 says again with each download: names in lower case, such as `content-type`.
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Object {
    /// By its name in lower case; `None` also for one that is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Bytes.
    pub fn size(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// The next bytes; `None` at the end. One that breaks off early is an error, and so is one that stops coming.
    pub async fn next(&mut self) -> Result<Option<Bytes>, CallError> {
        let failed = |reason| CallError { operation: "GetObject", reason };
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await;
            let Some(frame) = frame.map_err(|_| failed(Reason::TimedOut(PATIENCE)))? else { return Ok(None) };
            // What is no data follows the data.
            if let Ok(data) = frame.map_err(|error| failed(error.into()))?.into_data() {
                return Ok(Some(data));
            }
        }
    }
}

impl Client {
    /// Opens an object. One that is not there is refused as `NoSuchKey`, and as `AccessDenied` to whoever may not list the bucket.
    pub async fn get_object(&self, bucket: &str, key: &str) -> Result<Object, CallError> {
        let address = self.object_address(bucket, key);
        let answer = self
            .open(&Call {
                operation: "GetObject",
                service: "s3",
                method: http::Method::GET,
                address,
                query: String::new(),
                headers: Vec::new(),
                body: Bytes::new(),
            })
            .await?;
        let (parts, body) = answer.into_parts();
        Ok(Object { headers: parts.headers, body })
    }

    /// Writes an object, over another one if there is one.
    pub async fn put_object(&self, object: &NewObject<'_>) -> Result<(), CallError> {
        self.put(object, object.headers.clone()).await
    }

    /// Writes an object if there is none; `false` if there is one. After an answer that was lost on the way, that may be this one.
    pub async fn put_new_object(&self, object: &NewObject<'_>) -> Result<bool, CallError> {
        let condition = ("if-none-match", "*".to_owned());
        let headers = object.headers.iter().cloned().chain([condition]).collect();
        match self.put(object, headers).await {
            Ok(()) => Ok(true),
            Err(error) if error.code() == Some("PreconditionFailed") => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn put(
        &self,
        object: &NewObject<'_>,
        headers: Vec<(&'static str, String)>,
    ) -> Result<(), CallError> {
        let call = Call {
            operation: "PutObject",
            service: "s3",
            method: http::Method::PUT,
            address: self.object_address(object.bucket, object.key),
            query: String::new(),
            headers,
            body: object.body.clone(),
        };
        self.call(&call).await.map(drop)
    }

    /// The entity tag of an object, without its quotes; `None` if there is no such object. By a list of the bucket, since a role that
    /// may list and write objects need not be able to read them.
    pub async fn entity_tag(&self, bucket: &str, key: &str) -> Result<Option<String>, CallError> {
        let answer = self
            .call(&Call {
                operation: "ListObjectsV2",
                service: "s3",
                method: http::Method::GET,
                address: self.bucket_address(bucket),
                query: format!("list-type=2&max-keys=1&prefix={}", utf8_percent_encode(key, QUERY)),
                headers: Vec::new(),
                body: Bytes::new(),
            })
            .await?;
        // Of the keys that begin like this one, it is the first.
        let text = String::from_utf8_lossy(&answer.body);
        let first = element(&text, "Contents").filter(|first| element(first, "Key").as_deref() == Some(key));
        let tag = first.and_then(|first| element(&first, "ETag"));
        Ok(tag.map(|tag| tag.replace("&quot;", "").replace('"', "")))
    }

    /// Deletes up to 1000 objects of one bucket in one call. Those that are not there are no error.
    pub async fn delete_objects(&self, bucket: &str, keys: &[String]) -> Result<(), CallError> {
        let operation = "DeleteObjects";
        let body = deletion(keys);
        // Without one S3 refuses it.
        let checksum = STANDARD.encode(Sha256::digest(&body));
        let answer = self
            .call(&Call {
                operation,
                service: "s3",
                method: http::Method::POST,
                address: self.bucket_address(bucket),
                query: "delete=".into(),
                headers: vec![
                    ("content-type", "application/xml".into()),
                    ("x-amz-checksum-sha256", checksum),
                    ("x-amz-sdk-checksum-algorithm", "SHA256".into()),
                ],
                body: body.into(),
            })
            .await?;
        // A success may still say of single objects that they were not deleted.
        let text = String::from_utf8_lossy(&answer.body);
        match element(&text, "Error") {
            None => Ok(()),
            Some(error) => {
                let part = |name| element(&error, name).unwrap_or_default();
                let (code, message) = (part("Code"), part("Message"));
                let reason = Reason::Refused { status: answer.status, code, message, row: None };
                Err(CallError { operation, reason })
            }
        }
    }

    fn bucket_address(&self, bucket: &str) -> BucketAddress {
        let place = &self.0.place;
        S3Address::new(&place.region, place.endpoint.clone()).bucket(bucket)
    }

    fn object_address(&self, bucket: &str, key: &str) -> BucketAddress {
        let mut address = self.bucket_address(bucket);
        address.path.extend(utf8_percent_encode(key, PATH));
        address
    }
}

fn deletion(keys: &[String]) -> String {
    let mut body =
        String::from("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
    for key in keys {
        body.push_str("<Object><Key>");
        // What XML gives a meaning to, and the line ends that it would change.
        for c in key.chars() {
            match c {
                '<' | '>' | '&' | '\r' | '\n' => body.push_str(&format!("&#{};", u32::from(c))),
                other => body.push(other),
            }
        }
        body.push_str("</Key></Object>");
    }
    body.push_str("</Delete>");
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_so_that_xml_gives_them_back() {
        let keys = ["photos/01ARZ".to_owned(), "a<b>&\n\"'é".to_owned()];
        assert_eq!(
            deletion(&keys),
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>\
             <Object><Key>photos/01ARZ</Key></Object><Object><Key>a&#60;b&#62;&#38;&#10;\"'é</Key></Object></Delete>"
        );
    }
}
