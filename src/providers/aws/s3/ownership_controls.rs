//! `aws_s3_bucket_ownership_controls`: who owns objects that others put into a bucket.
//! S3: PutBucketOwnershipControls, GetBucketOwnershipControls, DeleteBucketOwnershipControls.

use async_trait::async_trait;
use aws_sdk_s3::types::{ObjectOwnership, OwnershipControls, OwnershipControlsRule};

use super::setting::{OfBucket, Place, Setting, unfit};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{one_block, string};
use crate::provider::{Config, ProviderError, ResourceType, resource};
use crate::providers::aws::{Aws, named};

/// What a bucket has without the setting since 2023
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>).
const USUAL: &str = "BucketOwnerEnforced";

pub fn ownership_controls() -> ResourceType<Aws> {
    let rule = one_block().required().attr(
        "object_ownership",
        string().required().one_of(&["BucketOwnerPreferred", "ObjectWriter", USUAL]),
        "BucketOwnerEnforced turns access lists off; ObjectWriter leaves objects to who wrote them.",
    );
    resource("aws_s3_bucket_ownership_controls", "Who owns objects that others put into a bucket.")
        .attr("bucket", string().required().replaces(), "Name of the bucket.")
        .block("rule", rule, "Who owns them.")
        .import_example("my-bucket")
        .service("s3")
        .driver(OfBucket(Ownership))
}

struct Ownership;

#[async_trait]
impl Setting for Ownership {
    async fn get(aws: &Aws, place: &Place, _like: Option<&Object>) -> Result<Option<ObjectBuilder>, ProviderError> {
        let request = aws.s3().get_bucket_ownership_controls().bucket(&place.bucket);
        let answer = aws.call("s3", "GetBucketOwnershipControls", || request.clone().send()).await;
        let controls = named::or_nothing(answer)?.and_then(|a| a.ownership_controls);
        let rule = |r: &OwnershipControlsRule| {
            ObjectBuilder::new().set("object_ownership", r.object_ownership().as_str()).build()
        };
        Ok(controls.map(|c| ObjectBuilder::new().blocks("rule", c.rules().iter().map(rule))))
    }

    async fn put(aws: &Aws, place: &Place, desired: &Config) -> Result<(), ProviderError> {
        let ownership = desired.block("rule").and_then(|rule| rule.string("object_ownership"));
        let rule = OwnershipControlsRule::builder()
            .set_object_ownership(ownership.as_deref().map(ObjectOwnership::from))
            .build();
        let controls = OwnershipControls::builder().rules(rule.map_err(unfit)?).build().map_err(unfit)?;
        let request = aws.s3().put_bucket_ownership_controls().bucket(&place.bucket).ownership_controls(controls);
        aws.call("s3", "PutBucketOwnershipControls", || request.clone().send()).await.map(drop)
    }

    async fn reset(aws: &Aws, place: &Place, _prior: &Object) -> Result<(), ProviderError> {
        let request = aws.s3().delete_bucket_ownership_controls().bucket(&place.bucket);
        aws.call("s3", "DeleteBucketOwnershipControls", || request.clone().send()).await.map(drop)
    }

    fn is_listed(object: &Object) -> bool {
        object.block("rule").is_some_and(|rule| rule.str("object_ownership") != Some(USUAL))
    }
}
