//! `aws_s3_bucket_public_access_block`: keeps a bucket from being opened to the public.
//! S3: PutPublicAccessBlock, GetPublicAccessBlock, DeletePublicAccessBlock.

use async_trait::async_trait;
use aws_sdk_s3::types::PublicAccessBlockConfiguration;

use super::setting::{OfBucket, Place, Setting};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{boolean, string};
use crate::provider::{Config, ProviderError, ResourceType, resource};
use crate::providers::aws::{Aws, named};

pub fn public_access_block() -> ResourceType<Aws> {
    resource("aws_s3_bucket_public_access_block", "Keeps a bucket from being opened to the public.")
        .attr("bucket", string().required().replaces(), "Name of the bucket.")
        .attr("block_public_acls", boolean().default(false), "Refuse access lists that open the bucket or objects.")
        .attr("block_public_policy", boolean().default(false), "Refuse policies that open the bucket.")
        .attr("ignore_public_acls", boolean().default(false), "Pay no heed to access lists that are there already.")
        .attr(
            "restrict_public_buckets",
            boolean().default(false),
            "Let only the account and AWS in where a policy opens.",
        )
        .import_example("my-bucket")
        .service("s3")
        .driver(OfBucket(PublicAccessBlock))
}

struct PublicAccessBlock;

#[async_trait]
impl Setting for PublicAccessBlock {
    async fn get(aws: &Aws, place: &Place, _like: Option<&Object>) -> Result<Option<ObjectBuilder>, ProviderError> {
        let request = aws.s3().get_public_access_block().bucket(&place.bucket);
        let answer = aws.call("s3", "GetPublicAccessBlock", || request.clone().send()).await;
        let configuration = named::or_nothing(answer)?.and_then(|a| a.public_access_block_configuration);
        let object = |c: PublicAccessBlockConfiguration| {
            ObjectBuilder::new()
                .set("block_public_acls", c.block_public_acls.unwrap_or(false))
                .set("block_public_policy", c.block_public_policy.unwrap_or(false))
                .set("ignore_public_acls", c.ignore_public_acls.unwrap_or(false))
                .set("restrict_public_buckets", c.restrict_public_buckets.unwrap_or(false))
        };
        Ok(configuration.map(object))
    }

    async fn put(aws: &Aws, place: &Place, desired: &Config) -> Result<(), ProviderError> {
        let configuration = PublicAccessBlockConfiguration::builder()
            .set_block_public_acls(desired.bool("block_public_acls"))
            .set_block_public_policy(desired.bool("block_public_policy"))
            .set_ignore_public_acls(desired.bool("ignore_public_acls"))
            .set_restrict_public_buckets(desired.bool("restrict_public_buckets"))
            .build();
        let request =
            aws.s3().put_public_access_block().bucket(&place.bucket).public_access_block_configuration(configuration);
        aws.call("s3", "PutPublicAccessBlock", || request.clone().send()).await.map(drop)
    }

    async fn reset(aws: &Aws, place: &Place, _prior: &Object) -> Result<(), ProviderError> {
        let request = aws.s3().delete_public_access_block().bucket(&place.bucket);
        aws.call("s3", "DeletePublicAccessBlock", || request.clone().send()).await.map(drop)
    }
}
