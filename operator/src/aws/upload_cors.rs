//! Calls for `resources::upload_cors`.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{CorsConfiguration, CorsRule};
use aws_smithy_types::error::operation::BuildError;

use super::error::{failed, invalid_request};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, bucket};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::graph::BucketRole;
use crate::resources::upload_cors::{Change, Observed, Rule};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("s3", "GetBucketCors", &[Need("s3:GetBucketCORS", On::Bucket)]),
    call("s3", "PutBucketCors", &[Need("s3:PutBucketCORS", On::Bucket)]),
];

const ROLE: BucketRole = BucketRole::Photos;

pub(super) async fn observe(clients: &Clients, gallery: &Identity) -> Result<Seen<Observed>, CloudError> {
    let call = clients.s3.get_bucket_cors().bucket(gallery.bucket(ROLE));
    let answer = call.expected_bucket_owner(bucket::account(gallery)).send().await;
    let answer = bucket::part(answer, &["NoSuchCORSConfiguration"], failed("s3", "GetBucketCors"))?;
    let rules = answer.map(|answer| answer.cors_rules().iter().map(rule_of).collect());
    Ok(rules.map_or(Seen::Nothing, |rules| Seen::Ours(Observed { rules })))
}

pub(super) async fn apply(
    clients: &Clients,
    gallery: &Identity,
    Change::Put(rule): &Change,
) -> Result<(), CloudError> {
    let configuration = configuration(rule).map_err(invalid_request("s3", "PutBucketCors"))?;
    let call = clients.s3.put_bucket_cors().bucket(gallery.bucket(ROLE)).cors_configuration(configuration);
    let call = call.expected_bucket_owner(bucket::account(gallery)).send();
    call.await.map_err(failed("s3", "PutBucketCors")).map(drop)
}

fn configuration(rule: &Rule) -> Result<CorsConfiguration, BuildError> {
    let Rule { origins, methods, headers, exposed, max_age_seconds } = rule;
    let list = |values: &BTreeSet<String>| (!values.is_empty()).then(|| values.iter().cloned().collect());
    let rule = CorsRule::builder()
        .set_allowed_origins(list(origins))
        .set_allowed_methods(list(methods))
        .set_allowed_headers(list(headers))
        .set_expose_headers(list(exposed))
        .set_max_age_seconds(*max_age_seconds)
        .build()?;
    CorsConfiguration::builder().cors_rules(rule).build()
}

fn rule_of(rule: &CorsRule) -> Rule {
    let set = |values: &[String]| values.iter().cloned().collect();
    Rule {
        origins: set(rule.allowed_origins()),
        methods: set(rule.allowed_methods()),
        headers: set(rule.allowed_headers()),
        exposed: set(rule.expose_headers()),
        max_age_seconds: rule.max_age_seconds(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::Client;
    use aws_sdk_s3::operation::get_bucket_cors::GetBucketCorsOutput;
    use aws_sdk_s3::operation::put_bucket_cors::PutBucketCorsOutput;
    use aws_smithy_mocks::mock;

    use super::*;
    use crate::testing::clients::{clients, refusal};
    use crate::testing::galleries::identity;

    fn rule() -> Rule {
        let set = |value: &str| BTreeSet::from([value.to_owned()]);
        let (origins, methods, exposed) = (set("https://d1.cloudfront.net"), set("POST"), set("ETag"));
        Rule { origins, methods, exposed, headers: BTreeSet::new(), max_age_seconds: Some(3600) }
    }

    #[tokio::test]
    async fn no_rules_are_no_error() {
        for code in ["NoSuchCORSConfiguration", "NoSuchBucket"] {
            let rule = mock!(Client::get_bucket_cors).then_http_response(move || refusal(404, code, "none"));
            let seen = observe(&clients(&[&rule]), &identity("photos", "summer")).await.unwrap();
            assert_eq!(seen, Seen::Nothing);
        }
    }

    #[tokio::test]
    async fn a_rule_comes_back_as_it_was_put() {
        let put = mock!(Client::put_bucket_cors)
            .match_requests(|request| {
                let rules =
                    request.cors_configuration().map(CorsConfiguration::cors_rules).unwrap_or_default();
                let [sent] = rules else { return false };
                sent.allowed_headers.is_none() && rule_of(sent) == rule()
            })
            .then_output(|| PutBucketCorsOutput::builder().build());
        let get = mock!(Client::get_bucket_cors).then_output(|| {
            let rules = configuration(&rule()).unwrap().cors_rules;
            GetBucketCorsOutput::builder().set_cors_rules(Some(rules)).build()
        });
        let (clients, gallery) = (clients(&[&put, &get]), identity("photos", "summer"));
        apply(&clients, &gallery, &Change::Put(rule())).await.unwrap();
        let seen = observe(&clients, &gallery).await.unwrap();
        assert_eq!(seen, Seen::Ours(Observed { rules: vec![rule()] }));
    }
}
