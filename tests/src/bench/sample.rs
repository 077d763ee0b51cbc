//! What is measured of one step, and what many measurements come to.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::aws_calls::AwsCall;

/// One step, done once.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// From the request until whoever made it knows that it is done; for a new gallery, until its page and its API answer.
    pub seconds: f64,
    /// From the request until AWS has answered the last write.
    pub in_aws_seconds: f64,
    /// What was asked of AWS.
    pub calls: Calls,
    /// Processor time of the operator, or of the script without its start.
    pub cpu_seconds: f64,
    /// Processor time of the local AWS in the meantime.
    pub local_aws_cpu_seconds: f64,
    /// What the status said on the way, each thing once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<String>,
}

/// Calls to AWS, all together and by service.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    #[serde(flatten)]
    pub all: Count,
    pub by_service: BTreeMap<String, Count>,
}

/// How many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    pub reads: f64,
    pub writes: f64,
    /// Of both, those that AWS answered with an error.
    pub refused: f64,
    /// Of the refused, those that only heard that there is no such thing.
    pub not_found: f64,
}

impl Count {
    pub fn sum(&self) -> f64 {
        self.reads + self.writes
    }

    fn add(&mut self, call: &AwsCall) {
        *(if call.write { &mut self.writes } else { &mut self.reads }) += 1.0;
        if call.status >= 400 {
            self.refused += 1.0;
            let says_missing = ["NoSuch", "NotFound"].iter().any(|word| call.error.contains(word));
            if call.status == 404 || says_missing {
                self.not_found += 1.0;
            }
        }
    }

    fn median(counts: &[Self]) -> Self {
        let of = |field: fn(&Self) -> f64| Spread::of(counts.iter().map(field)).median;
        Self {
            reads: of(|count| count.reads),
            writes: of(|count| count.writes),
            refused: of(|count| count.refused),
            not_found: of(|count| count.not_found),
        }
    }

    fn over(&self, galleries: f64) -> Self {
        Self {
            reads: self.reads / galleries,
            writes: self.writes / galleries,
            refused: self.refused / galleries,
            not_found: self.not_found / galleries,
        }
    }
}

impl Calls {
    pub(super) fn of<'a>(calls: impl IntoIterator<Item = &'a AwsCall>) -> Self {
        let mut found = Self::default();
        for call in calls {
            found.all.add(call);
            found.by_service.entry(call.service.clone()).or_default().add(call);
        }
        found
    }

    /// A service that some did not call counts as called zero times.
    fn median(calls: &[&Self]) -> Self {
        let all: Vec<_> = calls.iter().map(|calls| calls.all).collect();
        let services = calls.iter().flat_map(|calls| calls.by_service.keys());
        let by_service = services.map(|service| {
            let of = |calls: &&Self| calls.by_service.get(service).copied().unwrap_or_default();
            let counts: Vec<_> = calls.iter().map(of).collect();
            (service.clone(), Count::median(&counts))
        });
        Self { all: Count::median(&all), by_service: by_service.collect() }
    }

    /// Those of one gallery, of so many.
    pub(super) fn over(&self, galleries: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "dozens")]
        let galleries = galleries as f64;
        let by_service = self.by_service.iter();
        Self {
            all: self.all.over(galleries),
            by_service: by_service.map(|(service, count)| (service.clone(), count.over(galleries))).collect(),
        }
    }
}

/// Median and extremes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (values.first(), values.last()) else { return Self::default() };
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Self { median, min: *min, max: *max }
    }
}

/// One step, done several times by one of the two.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    pub seconds: Spread,
    pub in_aws_seconds: Spread,
    pub cpu_seconds: Spread,
    pub local_aws_cpu_seconds: Spread,
    /// Medians.
    pub calls: Calls,
    pub samples: Vec<Sample>,
}

impl From<Vec<Sample>> for Side {
    fn from(samples: Vec<Sample>) -> Self {
        let spread = |field: fn(&Sample) -> f64| Spread::of(samples.iter().map(field));
        let calls: Vec<_> = samples.iter().map(|sample| &sample.calls).collect();
        Self {
            seconds: spread(|sample| sample.seconds),
            in_aws_seconds: spread(|sample| sample.in_aws_seconds),
            cpu_seconds: spread(|sample| sample.cpu_seconds),
            local_aws_cpu_seconds: spread(|sample| sample.local_aws_cpu_seconds),
            calls: Calls::median(&calls),
            samples,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_lies_in_the_middle_however_many_there_are() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).median.to_bits(), 2.5_f64.to_bits());
        assert_eq!(Spread::of([]), Spread::default());
    }

    #[test]
    fn a_service_that_is_not_always_called_counts_as_zero_then() {
        let call = |service: &str, write, status, error: &str| AwsCall {
            write,
            status,
            error: error.into(),
            service: service.into(),
            ..serde_json::from_str(CALL).unwrap()
        };
        let one = [call("s3", false, 404, "NoSuchBucket"), call("s3", true, 403, "AccessDenied")];
        let (one, none) = (Calls::of(&one), Calls::default());
        assert_eq!(one.all, Count { reads: 1.0, writes: 1.0, refused: 2.0, not_found: 1.0 });
        assert_eq!(one.by_service["s3"], one.all);
        assert_eq!(Calls::median(&[&one, &none, &none]).by_service["s3"], Count::default());
        assert_eq!(Calls::median(&[&one, &one, &none]).all, one.all);
    }

    const CALL: &str = r#"{"time": 1.0, "milliseconds": 1.0, "caller": "", "region": "", "service": "", "operation": "",
        "write": false, "actions": [], "host": "", "agent": "", "status": 200, "error": ""}"#;
}
