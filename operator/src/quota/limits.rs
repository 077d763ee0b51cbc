//! AWS's limits on calls, by account and region.

use std::time::Duration;

use super::bucket::Rate;

/// Some calls of a service, and how often they may be made.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Service, as IAM names it.
    pub service: &'static str,
    /// Which of its calls share this limit.
    pub calls: Calls,
    /// Milliseconds for one call.
    pub interval_ms: u64,
    /// How many calls may come at once after a pause.
    pub burst: u32,
    /// What these calls do, for whoever waits for one. Empty where nobody has to wait for long.
    pub words: &'static str,
    /// Who says so.
    pub source: &'static str,
}

/// Which calls of a service.
#[derive(Clone, Copy, Debug)]
pub enum Calls {
    /// Of this operation.
    Of(&'static str),
    /// All of them together.
    All,
    /// Of all but these operations.
    AllBut(&'static [&'static str]),
    /// All that change nothing.
    Reads,
    /// All that change something.
    Writes,
}

const API_GATEWAY: &str = "API Gateway's quotas, which AWS does not raise";
const LAMBDA: &str = "Lambda's quotas, which AWS does not raise";
const EXPERIENCE: &str = "not documented; what others were refused at";
const LOGS: &str = "CloudWatch Logs' quotas, which AWS raises on request";

/// All limits that a gallery's calls can reach. S3 and DynamoDB allow far more than we ask for.
pub const LIMITS: &[Limit] = &[
    limit("apigateway", Calls::Of("CreateRestApi"), (3_000, 1), ("REST API creation", API_GATEWAY)),
    limit("apigateway", Calls::Of("PutRestApi"), (1_000, 1), ("REST API update", API_GATEWAY)),
    limit("apigateway", Calls::Of("CreateDeployment"), (5_000, 1), ("REST API deployment", API_GATEWAY)),
    limit("apigateway", Calls::Of("DeleteRestApi"), (30_000, 1), ("REST API deletion", API_GATEWAY)),
    limit("apigateway", Calls::Of("GetResources"), (400, 5), ("", API_GATEWAY)),
    limit("apigateway", Calls::All, (100, 40), ("", API_GATEWAY)),
    limit(
        "cloudfront",
        Calls::Of("CreateInvalidation"),
        (2_000, 1),
        ("invalidation of the caches", EXPERIENCE),
    ),
    limit("cloudfront", Calls::Writes, (1_000, 5), ("change at CloudFront", EXPERIENCE)),
    limit("cloudfront", Calls::Reads, (333, 10), ("", EXPERIENCE)),
    limit("iam", Calls::All, (66, 15), ("", EXPERIENCE)),
    limit("lambda", Calls::Of("GetFunction"), (10, 100), ("", LAMBDA)),
    limit("lambda", Calls::Of("GetPolicy"), (66, 15), ("", LAMBDA)),
    limit("lambda", Calls::AllBut(&["GetFunction", "GetPolicy"]), (66, 15), ("", LAMBDA)),
    limit("logs", Calls::Of("DescribeLogGroups"), (100, 10), ("", LOGS)),
    limit("logs", Calls::Of("ListTagsForResource"), (100, 10), ("", LOGS)),
    limit("logs", Calls::Of("CreateLogGroup"), (100, 10), ("", LOGS)),
    limit("logs", Calls::Of("PutRetentionPolicy"), (100, 10), ("", LOGS)),
    limit("logs", Calls::Of("DeleteLogGroup"), (100, 10), ("", LOGS)),
    limit("logs", Calls::Of("TagResource"), (200, 5), ("", LOGS)),
    limit("logs", Calls::Of("UntagResource"), (200, 5), ("", LOGS)),
];

const fn limit(
    service: &'static str,
    calls: Calls,
    (interval_ms, burst): (u64, u32),
    (words, source): (&'static str, &'static str),
) -> Limit {
    Limit { service, calls, interval_ms, burst, words, source }
}

/// The limits that a call falls under, with their places in [`LIMITS`].
pub(super) fn of(service: &str, operation: &str) -> impl Iterator<Item = (usize, &'static Limit)> {
    let falls_under = move |limit: &Limit| limit.service == service && limit.calls.include(operation);
    LIMITS.iter().enumerate().filter(move |(_, limit)| falls_under(limit))
}

impl Calls {
    fn include(self, operation: &str) -> bool {
        match self {
            Self::Of(other) => other == operation,
            Self::All => true,
            Self::AllBut(others) => !others.contains(&operation),
            Self::Reads => is_read(operation),
            Self::Writes => !is_read(operation),
        }
    }
}

fn is_read(operation: &str) -> bool {
    ["Get", "List", "Describe"].iter().any(|verb| operation.starts_with(verb))
}

impl Limit {
    /// May somebody have to wait for minutes?
    pub(super) fn is_lined_up(&self) -> bool {
        !self.words.is_empty()
    }

    pub(super) fn faster(&self, factor: f64) -> Rate {
        Rate { interval: Duration::from_millis(self.interval_ms).div_f64(factor), burst: self.burst }
    }
}
