//! Invalidations of the distribution, remembered in one of its tags.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};

use super::error::{failed, invalid_request};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, distribution};
use crate::cloud::{self, CloudError, Seen};
use crate::gallery::Identity;
use crate::names::{TAG_SITE, Tags};
use crate::resources::invalidation::{Change, Observed};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[call(
    "cloudfront",
    "CreateInvalidation",
    &[Need("cloudfront:CreateInvalidation", On::OwnDistribution)],
)];

/// Asks nobody: the distribution's observation holds its tags.
pub(super) fn observe(known: &cloud::Observed) -> Seen<Observed> {
    let told = known.distribution.as_ref().and_then(|found| found.tags.get(TAG_SITE).cloned());
    told.map_or(Seen::Nothing, |site| Seen::Ours(Observed { site }))
}

pub(super) async fn apply(clients: &Clients, gallery: &Identity, change: &Change) -> Result<(), CloudError> {
    match change {
        Change::Create { distribution } => {
            let call = clients
                .cloudfront("CreateInvalidation")
                .await
                .create_invalidation()
                .distribution_id(distribution);
            let batch = everything().map_err(invalid_request("cloudfront", "CreateInvalidation"))?;
            call.invalidation_batch(batch)
                .send()
                .await
                .map(drop)
                .map_err(failed("cloudfront", "CreateInvalidation"))
        }
        Change::Remember { distribution, site } => {
            let tags = Tags::from([(TAG_SITE.into(), site.clone())]);
            distribution::tag(clients, &gallery.distribution_arn(distribution), &tags).await
        }
        Change::Forget { distribution } => {
            distribution::untag(clients, &gallery.distribution_arn(distribution), &[TAG_SITE.into()]).await
        }
    }
}

/// A reference that was used before would bring back the invalidation of then, and a site may come back to what it was: so
/// the time is in it. The SDK's own repeats send the same one, which is all the idempotency that is needed.
fn everything() -> Result<InvalidationBatch, aws_smithy_types::error::operation::BuildError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let paths = Paths::builder().quantity(1).items("/*").build()?;
    InvalidationBatch::builder().caller_reference(format!("site-{}", now.as_nanos())).paths(paths).build()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudfront::Client;
    use aws_sdk_cloudfront::operation::create_invalidation::CreateInvalidationOutput;
    use aws_smithy_mocks::mock;

    use super::*;
    use crate::testing::clients::clients;
    use crate::testing::galleries::identity;

    #[tokio::test]
    async fn everything_is_invalidated() {
        let create = mock!(Client::create_invalidation)
            .match_requests(|request| {
                let paths = request.invalidation_batch().and_then(InvalidationBatch::paths).unwrap();
                paths.items() == ["/*"] && paths.quantity() == 1 && request.distribution_id() == Some("E1")
            })
            .then_output(|| CreateInvalidationOutput::builder().build());
        let change = Change::Create { distribution: "E1".into() };
        apply(&clients(&[&create]), &identity("photos", "summer"), &change).await.unwrap();
        assert_eq!(create.num_calls(), 1);
    }

    #[test]
    fn what_the_caches_were_told_stands_in_a_tag_of_the_distribution() {
        let mut known = cloud::Observed::default();
        assert_eq!(observe(&known), Seen::Nothing);
        let tags = Tags::from([(TAG_SITE.to_owned(), "digest".to_owned())]);
        let found = crate::resources::distribution::Observed { tags, ..Default::default() };
        known.distribution = Some(found);
        assert_eq!(observe(&known), Seen::Ours(Observed { site: "digest".into() }));
    }
}
