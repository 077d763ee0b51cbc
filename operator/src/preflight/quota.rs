//! How many of a kind an account may have, and what a gallery takes of it.

use std::collections::BTreeMap;

use functions_core::contract::FunctionName;

use crate::cloud::Observed;
use crate::gallery::Gallery;

/// Something that an account has few of. Buckets (10,000) and tables (2,500) are not among them: to count them takes as many
/// calls as there are hundreds of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter)]
pub enum Quota {
    /// IAM roles of the account.
    Roles,
    /// Regional REST APIs of the region.
    RestApis,
    /// Distributions of the account.
    Distributions,
    /// Origin access controls of the account.
    OriginAccessControls,
    /// Response headers policies of the account, without AWS's own.
    ResponseHeadersPolicies,
    /// Concurrent executions that functions of the region can keep for themselves.
    ReservedConcurrency,
    /// Bytes of code of all functions of the region.
    CodeStorage,
}

/// How much of something is used, and how much there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What there is.
    pub used: u64,
    /// What there may be.
    pub limit: Limit,
}

/// How much there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// AWS says so of this account, or raises it for none.
    Exact(u64),
    /// What AWS gives by default. This account may have more.
    Usual(u64),
}

/// What a gallery's need means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// There is plenty.
    Fits,
    /// It fits, or may fit; the sentence says what a person should know.
    Note(String),
    /// It does not fit; a sentence without its end.
    Full(String),
}

/// What of the quotas the gallery takes that is not there yet. Nothing of its own is.
pub(super) fn needs(gallery: &Gallery, seen: &Observed) -> BTreeMap<Quota, u64> {
    let reserved = FunctionName::ALL.into_iter().filter_map(|name| gallery.size(name).reserved_concurrency);
    let reserved = reserved.map(|count| u64::try_from(count).unwrap_or_default()).sum();
    let architecture = gallery.spec.functions.architecture;
    let zips = FunctionName::ALL.into_iter().filter_map(|name| gallery.release.function(architecture, name));
    let code = zips.map(|zip| zip.size).sum();
    let all = [
        (Quota::Roles, FunctionName::ALL.len() as u64),
        (Quota::RestApis, 1),
        (Quota::Distributions, 1),
        (Quota::OriginAccessControls, u64::from(seen.origin_access_control.is_none())),
        (Quota::ResponseHeadersPolicies, u64::from(seen.response_headers_policy.is_none())),
        (Quota::ReservedConcurrency, reserved),
        (Quota::CodeStorage, code),
    ];
    all.into_iter().filter(|(_, need)| *need > 0).collect()
}

impl Usage {
    fn limit(self) -> u64 {
        match self.limit {
            Limit::Exact(limit) | Limit::Usual(limit) => limit,
        }
    }

    /// What is left when `need` more are there; `None`: they do not fit.
    fn left(self, need: u64) -> Option<u64> {
        self.limit().checked_sub(self.used)?.checked_sub(need)
    }

    /// It does not fit, or less than a twentieth is left: worth a closer look.
    pub fn is_tight(self, need: u64) -> bool {
        self.left(need).is_none_or(|left| left.saturating_mul(20) < self.limit())
    }
}

impl Quota {
    /// What AWS gives an account by default, where we have to count for ourselves. AWS's documents say 200 or 500 distributions.
    pub const fn usual(self) -> Option<Limit> {
        match self {
            // Raised for nobody.
            Self::RestApis => Some(Limit::Exact(600)),
            Self::Distributions => Some(Limit::Usual(200)),
            Self::OriginAccessControls => Some(Limit::Usual(100)),
            Self::ResponseHeadersPolicies => Some(Limit::Usual(20)),
            Self::Roles | Self::ReservedConcurrency | Self::CodeStorage => None,
        }
    }

    /// What Service Quotas knows it by, where only that says what this account may have.
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::Distributions => Some("L-24B04930"),
            Self::ResponseHeadersPolicies => Some("L-CF0D4FC5"),
            Self::Roles
            | Self::RestApis
            | Self::OriginAccessControls
            | Self::ReservedConcurrency
            | Self::CodeStorage => None,
        }
    }

    pub(super) fn judge(self, usage: Usage, need: u64, region: &str) -> Judgement {
        let what = self.what(region);
        let amount = |number: u64| self.amount(number);
        let (used, limit) = (amount(usage.used), amount(usage.limit()));
        match (usage.left(need), usage.limit) {
            (None, Limit::Exact(_)) => Judgement::Full(format!(
                "{used} of {limit} {what} are used, and the gallery takes {}. {}",
                amount(need),
                self.way_out()
            )),
            (None, Limit::Usual(_)) => Judgement::Note(format!(
                "{used} {what} are used, and AWS gives an account {limit} unless it was asked for more. If it was not, the \
                 gallery cannot be completed."
            )),
            (Some(left), _) if usage.is_tight(need) => {
                let usually =
                    if matches!(usage.limit, Limit::Usual(_)) { " that AWS gives by default" } else { "" };
                Judgement::Note(format!(
                    "After this gallery {} of the {limit} {what}{usually} are left.",
                    amount(left)
                ))
            }
            (Some(_), _) => Judgement::Fits,
        }
    }

    fn what(self, region: &str) -> String {
        match self {
            Self::Roles => "IAM roles".into(),
            Self::RestApis => format!("regional REST APIs in {region}"),
            Self::Distributions => "CloudFront distributions".into(),
            Self::OriginAccessControls => "CloudFront origin access controls".into(),
            Self::ResponseHeadersPolicies => "CloudFront response headers policies".into(),
            Self::ReservedConcurrency => {
                format!("concurrent executions that functions can reserve in {region}")
            }
            Self::CodeStorage => format!("of Lambda code in {region}"),
        }
    }

    const fn way_out(self) -> &'static str {
        match self {
            Self::Roles => "Ask AWS for more (Service Quotas: IAM, Roles per account), or remove some",
            Self::RestApis => "AWS gives no more: remove some, or take another region or account",
            Self::Distributions => {
                "Ask AWS for more (Service Quotas: CloudFront, Web distributions per AWS account), or remove some"
            }
            Self::OriginAccessControls => "Ask AWS for more (Service Quotas: CloudFront), or remove some",
            Self::ResponseHeadersPolicies => {
                "Ask AWS for more (Service Quotas: CloudFront, Response headers policies per AWS account), or remove some"
            }
            Self::ReservedConcurrency => {
                "Ask AWS for more (Service Quotas: Lambda, Concurrent executions), or lower reservedConcurrency in \
                 spec.functions"
            }
            Self::CodeStorage => {
                "Ask AWS for more (Service Quotas: Lambda, Function and layer storage), or remove old versions of functions"
            }
        }
    }

    /// Bytes in MiB, which is what a zip is told in.
    fn amount(self, number: u64) -> String {
        match self {
            Self::CodeStorage => format!("{} MiB", number.div_ceil(1024 * 1024)),
            Self::Roles
            | Self::RestApis
            | Self::Distributions
            | Self::OriginAccessControls
            | Self::ResponseHeadersPolicies
            | Self::ReservedConcurrency => number.to_string(),
        }
    }
}
