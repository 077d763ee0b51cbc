//! S3's event notification, as far as we read it. At least once, in no order, and with URL-encoded keys.

use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// The event. A test event has no records.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Record {
    s3: Entity,
}

#[derive(Debug, Deserialize)]
struct Entity {
    bucket: Bucket,
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Object {
    key: String,
}

/// Where an object was put.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Put {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl Event {
    /// The objects that were put, keys decoded.
    pub(crate) fn puts(self) -> impl Iterator<Item = Put> {
        self.records
            .into_iter()
            .map(|record| Put { bucket: record.s3.bucket.name, key: decode(&record.s3.object.key) })
    }
}

/// Keys are encoded like form fields: `+` is a space.
fn decode(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded() {
        let event = r#"{"Records": [{"eventName": "ObjectCreated:Post",
            "s3": {"bucket": {"name": "b", "arn": "x"}, "object": {"key": "incoming/a+b%2Bc%C3%A9", "size": 1}}}]}"#;
        let puts: Vec<Put> = serde_json::from_str::<Event>(event).unwrap().puts().collect();
        assert_eq!(puts, [Put { bucket: "b".into(), key: "incoming/a b+cé".into() }]);
    }

    #[test]
    fn a_test_event_holds_nothing() {
        let event: Event = serde_json::from_str(r#"{"Event": "s3:TestEvent"}"#).unwrap();
        assert_eq!(event.puts().count(), 0);
    }
}
