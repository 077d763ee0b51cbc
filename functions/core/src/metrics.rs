//! What CloudWatch counts, written into the log in its embedded metric format: no call, no permission and no waiting.
//!
//! One line an event. Namespace `PhotoGallery`, dimensions `Gallery` and `Function`; failures once more by `Reason`, in lines of
//! their own. Reasons and names of metrics come from the code, never from visitors: each new one costs money by the month.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::invocation::{self, Ids};

const NAMESPACE: &str = "PhotoGallery";
/// All failures together. Always there, so that an alarm knows zero from silence.
const FAILURES: &str = "Failures";

/// What was measured while one event was handled.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measures {
    sums: BTreeMap<&'static str, (Unit, f64)>,
    failures: BTreeMap<&'static str, u64>,
}

/// Units as CloudWatch calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Count,
    Bytes,
    Milliseconds,
}

/// Whose measures they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The gallery, as `namespace/name`.
    pub gallery: String,
    /// The function.
    pub function: &'static str,
}

/// Adds to a number of things, such as `Photos`.
pub fn count(name: &'static str, number: u64) {
    add(name, Unit::Count, as_number(number));
}

/// Adds to an amount of bytes, such as `PhotoBytes`.
pub fn bytes(name: &'static str, number: u64) {
    add(name, Unit::Bytes, as_number(number));
}

/// Something was not done, for this reason.
pub fn failure(reason: &'static str) {
    invocation::measure(|measures| *measures.failures.entry(reason).or_default() += 1);
}

/// Measures how long a stage takes, under a name such as `QueryMilliseconds`.
pub async fn stage<T>(name: &'static str, work: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let result = work.await;
    took(name, start.elapsed());
    result
}

/// Adds to the time of a stage.
pub fn took(name: &'static str, time: Duration) {
    add(name, Unit::Milliseconds, time.as_secs_f64() * 1000.0);
}

fn add(name: &'static str, unit: Unit, number: f64) {
    invocation::measure(|measures| measures.sums.entry(name).or_insert((unit, 0.0)).1 += number);
}

#[expect(clippy::cast_precision_loss, reason = "exact to 2^53, and JSON's numbers are no better")]
fn as_number(number: u64) -> f64 {
    number as f64
}

impl Unit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Bytes => "Bytes",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

impl Measures {
    /// The lines for the log.
    pub fn lines(&self, source: &Source, ids: &Ids, now: Timestamp) -> Vec<Value> {
        let all = self.failures.values().sum();
        let failures = (FAILURES, (Unit::Count, as_number(all)));
        let sums: Vec<_> = self.sums.iter().map(|(name, sum)| (*name, *sum)).chain([failures]).collect();
        let main = line(source, ids, now, (&sums, None));
        let by_reason = self.failures.iter().map(|(reason, number)| {
            line(source, ids, now, (&[(FAILURES, (Unit::Count, as_number(*number)))], Some(reason)))
        });
        std::iter::once(main).chain(by_reason).collect()
    }
}

type Sums<'a> = &'a [(&'static str, (Unit, f64))];

fn line(source: &Source, ids: &Ids, now: Timestamp, (sums, reason): (Sums<'_>, Option<&str>)) -> Value {
    let mut dimensions = vec!["Gallery", "Function"];
    dimensions.extend(reason.map(|_| "Reason"));
    let metrics: Vec<_> =
        sums.iter().map(|(name, (unit, _))| json!({"Name": name, "Unit": unit.as_str()})).collect();
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics});
    let mut line = Map::new();
    line.insert("_aws".into(), json!({"Timestamp": now.as_millisecond(), "CloudWatchMetrics": [directive]}));
    line.insert("Gallery".into(), source.gallery.clone().into());
    line.insert("Function".into(), source.function.into());
    line.extend(reason.map(|reason| ("Reason".into(), reason.into())));
    line.extend(ids.request.clone().map(|id| ("requestId".into(), id.into())));
    line.extend(ids.trace.clone().map(|trace| ("traceId".into(), trace.into())));
    // Whole microseconds are enough, and whole numbers look like ones.
    line.extend(sums.iter().map(|(name, (_, sum))| {
        let sum = (sum * 1000.0).round() / 1000.0;
        ((*name).to_owned(), if sum.fract() == 0.0 { json!(whole(sum)) } else { json!(sum) })
    }));
    Value::Object(line)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sums are never below zero")]
fn whole(sum: f64) -> u64 {
    sum as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(work: impl FnOnce()) -> Vec<Value> {
        invocation::begin(Ids { request: Some("8476".into()), trace: Some("Root=1-5b".into()) });
        work();
        let (ids, measures) = invocation::end();
        let source = Source { gallery: "photos/summer".into(), function: "list" };
        measures.lines(&source, &ids, "2026-11-23T10:00:00.5Z".parse().unwrap())
    }

    #[test]
    fn a_line_is_what_cloudwatch_reads_metrics_from() {
        let lines = lines_of(|| {
            count("Photos", 3);
            count("Photos", 57);
            bytes("AnswerBytes", 4096);
            took("QueryMilliseconds", Duration::from_micros(1234));
        });
        assert_eq!(
            lines,
            [json!({
                "_aws": {
                    "Timestamp": 1_795_428_000_500_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "PhotoGallery",
                        "Dimensions": [["Gallery", "Function"]],
                        "Metrics": [
                            {"Name": "AnswerBytes", "Unit": "Bytes"},
                            {"Name": "Photos", "Unit": "Count"},
                            {"Name": "QueryMilliseconds", "Unit": "Milliseconds"},
                            {"Name": "Failures", "Unit": "Count"},
                        ],
                    }],
                },
                "Gallery": "photos/summer",
                "Function": "list",
                "requestId": "8476",
                "traceId": "Root=1-5b",
                "AnswerBytes": 4096,
                "Photos": 60,
                "QueryMilliseconds": 1.234,
                "Failures": 0,
            })]
        );
    }

    #[test]
    fn failures_are_counted_together_and_by_reason() {
        let lines = lines_of(|| {
            failure("TooLarge");
            failure("NotAnImage");
            failure("TooLarge");
        });
        let facts = |line: &Value| (line["Reason"].clone(), line["Failures"].clone());
        assert_eq!(
            lines.iter().map(facts).collect::<Vec<_>>(),
            [(Value::Null, json!(3)), (json!("NotAnImage"), json!(1)), (json!("TooLarge"), json!(2))]
        );
        assert_eq!(
            lines[2]["_aws"]["CloudWatchMetrics"],
            json!([{
                "Namespace": "PhotoGallery",
                "Dimensions": [["Gallery", "Function", "Reason"]],
                "Metrics": [{"Name": "Failures", "Unit": "Count"}],
            }])
        );
    }

    #[tokio::test]
    async fn a_stage_is_measured_each_time_it_runs() {
        invocation::begin(Ids::default());
        for _ in 0..2 {
            stage("QueryMilliseconds", tokio::time::sleep(Duration::from_millis(2))).await;
        }
        let (_, measures) = invocation::end();
        assert!(measures.sums["QueryMilliseconds"].1 >= 4.0, "{measures:?}");
    }
}
