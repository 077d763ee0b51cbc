//! S3's calls.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::error::element;
use super::{Call, CallError, Client, Reason};
use crate::s3_address::S3Address;

impl Client {
    /// Deletes up to 1000 objects of one bucket in one call. Those that are not there are no error.
    pub async fn delete_objects(&self, bucket: &str, keys: &[String]) -> Result<(), CallError> {
        let operation = "DeleteObjects";
        let place = &self.0.place;
        let body = deletion(keys);
        // Without one S3 refuses it.
        let checksum = STANDARD.encode(Sha256::digest(&body));
        let answer = self
            .call(&Call {
                operation,
                service: "s3",
                method: http::Method::POST,
                address: S3Address::new(&place.region, place.endpoint.clone()).bucket(bucket),
                query: "delete=",
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
                let reason =
                    Reason::Refused { status: answer.status, code: part("Code"), message: part("Message") };
                Err(CallError { operation, reason })
            }
        }
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
