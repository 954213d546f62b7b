//! `aws_s3_bucket_policy`: who may do what with a bucket and its objects.
//! S3: PutBucketPolicy, GetBucketPolicy, DeleteBucketPolicy.

use async_trait::async_trait;

use super::setting::{OfBucket, Place, Setting};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{policy, string};
use crate::provider::{Config, ProviderError, ResourceType, resource};
use crate::providers::aws::{Aws, named, policy_text};

pub fn bucket_policy() -> ResourceType<Aws> {
    resource("aws_s3_bucket_policy", "Who may do what with a bucket and its objects.")
        .attr("bucket", string().required().replaces(), "Name of the bucket.")
        .attr("policy", policy().required(), "JSON policy: what is allowed and denied.")
        .import_example("my-bucket")
        .service("s3")
        .driver(OfBucket(BucketPolicy))
}

struct BucketPolicy;

#[async_trait]
impl Setting for BucketPolicy {
    async fn get(aws: &Aws, place: &Place, like: Option<&Object>) -> Result<Option<ObjectBuilder>, ProviderError> {
        let request = aws.s3().get_bucket_policy().bucket(&place.bucket);
        let answer = named::or_nothing(aws.call("s3", "GetBucketPolicy", || request.clone().send()).await)?;
        let policy = answer.and_then(|a| a.policy).filter(|p| !p.is_empty());
        Ok(policy.map(|p| ObjectBuilder::new().set("policy", policy_text::as_said(p, like, "policy"))))
    }

    async fn put(aws: &Aws, place: &Place, desired: &Config) -> Result<(), ProviderError> {
        let request = aws.s3().put_bucket_policy().bucket(&place.bucket).set_policy(desired.string("policy"));
        aws.call("s3", "PutBucketPolicy", || request.clone().send()).await.map(drop)
    }

    async fn reset(aws: &Aws, place: &Place, _prior: &Object) -> Result<(), ProviderError> {
        let request = aws.s3().delete_bucket_policy().bucket(&place.bucket);
        aws.call("s3", "DeleteBucketPolicy", || request.clone().send()).await.map(drop)
    }
}
