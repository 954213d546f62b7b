//! `aws_s3_bucket_server_side_encryption_configuration`: how a bucket encrypts what is put into it.
//! S3: PutBucketEncryption, GetBucketEncryption, DeleteBucketEncryption.

use async_trait::async_trait;
use aws_sdk_s3::types::{
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};

use super::setting::{OfBucket, Place, Setting, unfit};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{boolean, one_block, set_block, string};
use crate::provider::{Config, ProviderError, ResourceType, resource};
use crate::providers::aws::{Aws, named};

pub fn encryption() -> ResourceType<Aws> {
    let by_default = one_block()
        .attr("kms_master_key_id", string().optional(), "The KMS key; that of S3 in the account unless set.")
        .attr(
            "sse_algorithm",
            string().required().one_of(&["AES256", "aws:kms", "aws:kms:dsse", "aws:fsx"]),
            "AES256 for keys of S3, aws:kms for keys of KMS.",
        );
    let rule = set_block()
        .required()
        .attr("bucket_key_enabled", boolean().optional(), "Ask KMS less often, with a key for the bucket.")
        .block("apply_server_side_encryption_by_default", by_default, "What holds for objects that say nothing.");
    resource("aws_s3_bucket_server_side_encryption_configuration", "How a bucket encrypts what is put into it.")
        .attr("bucket", string().required().replaces(), "Name of the bucket.")
        .attr("expected_bucket_owner", string().optional().replaces(), "The account that must own the bucket.")
        .block("rule", rule, "How to encrypt.")
        .import_example("my-bucket")
        .service("s3")
        .driver(OfBucket(Encryption))
}

struct Encryption;

#[async_trait]
impl Setting for Encryption {
    async fn get(aws: &Aws, place: &Place, like: Option<&Object>) -> Result<Option<ObjectBuilder>, ProviderError> {
        let request =
            aws.s3().get_bucket_encryption().bucket(&place.bucket).set_expected_bucket_owner(place.owner.clone());
        let answer = aws.call("s3", "GetBucketEncryption", || request.clone().send()).await;
        let configuration = named::or_nothing(answer)?.and_then(|a| a.server_side_encryption_configuration);
        let Some(configuration) = configuration else { return Ok(None) };
        let says_key = says_bucket_key(like);
        let rules = configuration.rules().iter().map(|rule| read_rule(rule, says_key));
        Ok(Some(ObjectBuilder::new().blocks("rule", rules)))
    }

    async fn put(aws: &Aws, place: &Place, desired: &Config) -> Result<(), ProviderError> {
        let rules: Vec<_> = desired.blocks("rule").iter().map(rule).collect::<Result<_, _>>()?;
        let configuration = ServerSideEncryptionConfiguration::builder().set_rules(Some(rules)).build();
        let request = aws
            .s3()
            .put_bucket_encryption()
            .bucket(&place.bucket)
            .set_expected_bucket_owner(place.owner.clone())
            .server_side_encryption_configuration(configuration.map_err(unfit)?);
        aws.call("s3", "PutBucketEncryption", || request.clone().send()).await.map(drop)
    }

    /// S3 goes back to keys of its own.
    async fn reset(aws: &Aws, place: &Place, _prior: &Object) -> Result<(), ProviderError> {
        let request =
            aws.s3().delete_bucket_encryption().bucket(&place.bucket).set_expected_bucket_owner(place.owner.clone());
        aws.call("s3", "DeleteBucketEncryption", || request.clone().send()).await.map(drop)
    }

    /// Every bucket encrypts with keys of S3; what is listed is what users chose.
    fn is_listed(object: &Object) -> bool {
        let is_usual = |rule: &Object| {
            let default = rule.block("apply_server_side_encryption_by_default");
            default.is_some_and(|d| d.str("sse_algorithm") == Some("AES256"))
        };
        !object.blocks("rule").iter().all(is_usual)
    }
}

/// S3 always answers whether there is a key for the bucket: "no" shows where it was written only.
fn says_bucket_key(like: Option<&Object>) -> bool {
    let rules = like.map(|o| o.blocks("rule")).unwrap_or_default();
    rules.iter().any(|rule| rule.bool("bucket_key_enabled").is_some())
}

fn read_rule(api: &ServerSideEncryptionRule, says_key: bool) -> Object {
    let by_default = api.apply_server_side_encryption_by_default().map(|default| {
        ObjectBuilder::new()
            .set("sse_algorithm", default.sse_algorithm().as_str())
            .maybe("kms_master_key_id", default.kms_master_key_id().filter(|k| !k.is_empty()))
            .build()
    });
    ObjectBuilder::new()
        .maybe(
            "bucket_key_enabled",
            api.bucket_key_enabled().or(says_key.then_some(false)).filter(|on| *on || says_key),
        )
        .blocks("apply_server_side_encryption_by_default", by_default)
        .build()
}

fn rule(block: &Object) -> Result<ServerSideEncryptionRule, ProviderError> {
    let by_default = block.block("apply_server_side_encryption_by_default").map(|default| {
        ServerSideEncryptionByDefault::builder()
            .set_sse_algorithm(default.str("sse_algorithm").map(ServerSideEncryption::from))
            .set_kms_master_key_id(default.string("kms_master_key_id").filter(|k| !k.is_empty()))
            .build()
    });
    Ok(ServerSideEncryptionRule::builder()
        .set_apply_server_side_encryption_by_default(by_default.transpose().map_err(unfit)?)
        .set_bucket_key_enabled(block.bool("bucket_key_enabled"))
        .build())
}
