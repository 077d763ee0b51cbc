//! A bucket's policy: TLS only for everyone, and for the site's bucket the one distribution that may read it.
//!
//! Found with its bucket. The policy as a whole is ours: what others add is drift, because in a policy an addition can open
//! the bucket. AWS gives it back in other words, so it is compared by meaning. It goes with its bucket, and stays with
//! retained photos.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{After, Description, Kind, Step, document};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::graph::BucketRole;

/// This kind.
#[derive(Debug)]
pub struct BucketPolicy;

/// A policy as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// The policy.
    pub document: Value,
}

/// A policy as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// The policy.
    pub document: Value,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `PutBucketPolicy`.
    Put(Value),
}

impl Kind for BucketPolicy {
    type Key = BucketRole;
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired(role: BucketRole, gallery: &Gallery, seen: &cloud::Observed) -> Option<Desired> {
        let bucket = gallery.identity.bucket_arn(role);
        let mut statements = vec![deny_plain_http(&bucket)];
        if role == BucketRole::Frontend {
            let distribution = gallery.identity.distribution_arn(&seen.distribution.as_ref()?.id);
            statements.extend(allow_distribution(&bucket, &distribution));
        }
        Some(Desired { document: json!({"Version": "2012-10-17", "Statement": statements}) })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let change = || Change::Put(want.document.clone());
        let Some(seen) = seen else { return vec![Step::create(change())] };
        let differences = document::differences("policy", &want.document, &seen.document);
        if differences.is_empty() { Vec::new() } else { vec![Step::update(change(), differences)] }
    }

    /// Nothing: it goes with its bucket.
    fn delete(_role: BucketRole, _seen: &Observed, _data: DataPolicy) -> Vec<Step<Change>> {
        Vec::new()
    }

    fn after(_: Option<&Observed>, Change::Put(document): &Change, _: &Answer) -> After<Observed> {
        After::Is(Observed { document: document.clone() })
    }

    fn describe(role: BucketRole, gallery: &Identity, _seen: &Observed) -> Description {
        Description { name: gallery.bucket(role), arn: None }
    }
}

fn deny_plain_http(bucket: &str) -> Value {
    json!({
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket, format!("{bucket}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    })
}

/// `ListBucket` makes a missing file a 404 instead of a 403. It lists nothing to visitors: the distribution passes on no
/// query, and its default root object stands at `/`.
fn allow_distribution(bucket: &str, distribution: &str) -> [Value; 2] {
    let allow = |sid: &str, action: &str, resource: String| {
        json!({
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": action,
            "Resource": resource,
            "Condition": {"StringEquals": {"AWS:SourceArn": distribution}},
        })
    };
    [
        allow("DistributionReads", "s3:GetObject", format!("{bucket}/*")),
        allow("DistributionTellsMissing", "s3:ListBucket", bucket.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Difference;
    use crate::testing::galleries::summer;

    fn want(role: BucketRole) -> Desired {
        BucketPolicy::desired(role, &summer(), &cloud::Observed::default()).unwrap()
    }

    #[test]
    fn every_bucket_refuses_plain_http() {
        for role in [BucketRole::Artefacts, BucketRole::Photos, BucketRole::Thumbnails] {
            let document = want(role).document;
            assert_eq!(document["Statement"].as_array().unwrap().len(), 1);
            assert_eq!(
                document["Statement"][0]["Condition"],
                json!({"Bool": {"aws:SecureTransport": "false"}})
            );
        }
    }

    #[test]
    fn the_site_s_policy_waits_for_its_distribution() {
        assert_eq!(BucketPolicy::desired(BucketRole::Frontend, &summer(), &cloud::Observed::default()), None);
    }

    #[test]
    fn the_distribution_is_named_exactly() {
        let distribution = "arn:aws:cloudfront::123456789012:distribution/E1";
        for statement in allow_distribution("arn:aws:s3:::site", distribution) {
            assert_eq!(statement["Condition"], json!({"StringEquals": {"AWS:SourceArn": distribution}}));
            assert_eq!(statement["Principal"], json!({"Service": "cloudfront.amazonaws.com"}));
        }
    }

    #[test]
    fn a_missing_policy_is_made_and_another_one_replaced() {
        let want = want(BucketRole::Photos);
        let put = Change::Put(want.document.clone());
        assert_eq!(BucketPolicy::update(&want, None), [Step::create(put.clone())]);
        let seen = Observed { document: json!({"Version": "2012-10-17", "Statement": []}) };
        let to = format!("Deny s3:* for * on {0}, {0}/*", summer().identity.bucket_arn(BucketRole::Photos));
        let difference = Difference::new("policy statement DenyPlainHttp", "missing", to);
        assert_eq!(BucketPolicy::update(&want, Some(&seen)), [Step::update(put, [difference])]);
    }

    #[test]
    fn aws_s_own_wording_is_no_difference() {
        let want = want(BucketRole::Photos);
        let mut document = want.document.clone();
        document["Statement"] = document["Statement"][0].take();
        document["Statement"]["Action"] = json!(["s3:*"]);
        document["Statement"]["Condition"] = json!({"Bool": {"aws:SecureTransport": ["false"]}});
        document["Statement"]["Resource"].as_array_mut().unwrap().reverse();
        assert_eq!(BucketPolicy::update(&want, Some(&Observed { document })), []);
    }
}
