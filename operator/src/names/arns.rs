//! The ARN of each resource, to name it to a person before AWS has. What AWS assigns is a `*`.

use crate::gallery::Identity;
use crate::graph::{BucketRole, ResourceId};

impl Identity {
    /// The ARN by which IAM knows a resource.
    pub fn arn_of(&self, id: ResourceId) -> String {
        match id {
            ResourceId::OriginAccessControl => self.cloudfront_arn("origin-access-control/*"),
            ResourceId::ResponseHeadersPolicy => self.cloudfront_arn("response-headers-policy/*"),
            ResourceId::Distribution | ResourceId::Invalidation => self.distribution_arn("*"),
            ResourceId::RestApi | ResourceId::Deployment | ResourceId::Stage => {
                format!("arn:{}:apigateway:{}::/restapis*", self.partition(), self.region)
            }
            ResourceId::Bucket(role) | ResourceId::BucketPolicy(role) => self.bucket_arn(role),
            ResourceId::UploadCors | ResourceId::Notification => self.bucket_arn(BucketRole::Photos),
            ResourceId::Site => format!("{}/*", self.bucket_arn(BucketRole::Frontend)),
            ResourceId::Artefacts => format!("{}/*", self.bucket_arn(BucketRole::Artefacts)),
            ResourceId::Table => self.table_arn(),
            ResourceId::LogGroup(name) => self.log_group_arn(name),
            ResourceId::Role(name) => self.role_arn(name),
            ResourceId::Function(name) | ResourceId::Permission(name) => self.function_arn(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::galleries::identity;

    #[test]
    fn every_resource_has_an_arn_of_its_account_or_of_a_service_that_names_none() {
        for id in ResourceId::all() {
            let arn = identity("photos", "summer").arn_of(id);
            let account = arn.split(':').nth(4).unwrap();
            assert!(
                account == "123456789012" || arn.contains(":s3:::") || arn.contains(":apigateway:"),
                "{arn}"
            );
        }
    }
}
