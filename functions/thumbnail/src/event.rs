//! S3's event notification, as far as we read it. At least once, in no order, and with URL-encoded keys.

use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// Lambda calls a function that failed on an event twice more, one minute after the first failure and two minutes after the second
/// (AWS's Lambda Developer Guide, "Error handling for asynchronous invocations"). It does not say which call it is, but after this
/// time it can be no other than the last. An event that waited because the function was busy may have more to come; then it is given
/// up too early, which a later success mends.
const LAST_ATTEMPT: SignedDuration = SignedDuration::from_secs(150);

/// The event. A test event has no records.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Record {
    /// When S3 had the object. People who make events by hand leave it out.
    #[serde(rename = "eventTime")]
    time: Option<Timestamp>,
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
    #[serde(default)]
    size: u64,
}

/// An object that was put.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Put {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// Bytes.
    pub(crate) size: u64,
    time: Option<Timestamp>,
}

impl Event {
    /// The objects that were put, keys decoded.
    pub(crate) fn puts(self) -> impl Iterator<Item = Put> {
        self.records.into_iter().map(|Record { time, s3 }| Put {
            bucket: s3.bucket.name,
            key: decode(&s3.object.key),
            size: s3.object.size,
            time,
        })
    }
}

impl Put {
    /// Whether Lambda will not call again when this call fails.
    pub(crate) fn is_last_attempt(&self, now: Timestamp) -> bool {
        self.time.is_some_and(|time| now.duration_since(time) > LAST_ATTEMPT)
    }
}

/// Keys are encoded like form fields: `+` is a space.
fn decode(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn puts(event: &str) -> Vec<Put> {
        serde_json::from_str::<Event>(event).unwrap().puts().collect()
    }

    #[test]
    fn keys_are_decoded() {
        let event = r#"{"Records": [{"eventName": "ObjectCreated:Post", "eventTime": "2026-11-26T10:00:00.123Z",
            "s3": {"bucket": {"name": "b", "arn": "x"}, "object": {"key": "incoming/a+b%2Bc%C3%A9", "size": 7}}}]}"#;
        let time = Some("2026-11-26T10:00:00.123Z".parse().unwrap());
        assert_eq!(puts(event), [Put { bucket: "b".into(), key: "incoming/a b+cé".into(), size: 7, time }]);
    }

    #[test]
    fn a_test_event_holds_nothing() {
        assert_eq!(puts(r#"{"Event": "s3:TestEvent"}"#), []);
    }

    #[test]
    fn the_last_attempt_is_told_by_the_events_age() {
        let put = |time: &str| puts(&time_event(time)).remove(0);
        let now = "2026-11-26T10:03:00Z".parse().unwrap();
        for (time, last) in [
            // First, second and third attempt on a function that fails at once or after half a minute.
            ("2026-11-26T10:02:59.5Z", false),
            ("2026-11-26T10:02:00Z", false),
            ("2026-11-26T10:01:00Z", false),
            ("2026-11-26T10:00:00Z", true),
            ("2026-11-26T09:58:30Z", true),
            // Clocks differ.
            ("2026-11-26T10:04:00Z", false),
        ] {
            assert_eq!(put(time).is_last_attempt(now), last, "{time}");
        }
        assert!(!puts(&time_event("").replace(r#""eventTime": "","#, "")).remove(0).is_last_attempt(now));
    }

    fn time_event(time: &str) -> String {
        format!(
            r#"{{"Records": [{{"eventTime": "{time}", "s3": {{"bucket": {{"name": "b"}}, "object": {{"key": "k"}}}}}}]}}"#
        )
    }
}
