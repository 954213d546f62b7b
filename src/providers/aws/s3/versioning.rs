//! `aws_s3_bucket_versioning`: whether a bucket keeps former versions of its objects.
//! S3: PutBucketVersioning, GetBucketVersioning.

use async_trait::async_trait;
use aws_sdk_s3::types::{BucketVersioningStatus, MfaDelete, VersioningConfiguration};

use super::bucket;
use super::setting::{OfBucket, Place, Setting};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{one_block, string};
use crate::provider::{Config, ErrorKind, ProviderError, ResourceType, resource};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{self, said};

/// How a bucket is that never kept versions; the API has no word for it, and no way back to it.
const DISABLED: &str = "Disabled";

pub fn versioning() -> ResourceType<Aws> {
    let configuration = one_block()
        .required()
        .attr(
            "status",
            string().required().one_of(&["Enabled", "Suspended", DISABLED]),
            "Enabled, Suspended, or Disabled for a bucket that never kept versions.",
        )
        .attr(
            "mfa_delete",
            string().optional().computed().one_of(&["Enabled", "Disabled"]),
            "Whether deleting a version takes a code of a device.",
        );
    resource("aws_s3_bucket_versioning", "Whether a bucket keeps former versions of its objects.")
        .attr("bucket", string().required().replaces(), "Name of the bucket.")
        .attr("expected_bucket_owner", string().optional().replaces(), "The account that must own the bucket.")
        .attr("mfa", string().optional(), "Serial number of the device, a space and its code.")
        .block("versioning_configuration", configuration, "What is kept.")
        .import_example("my-bucket")
        .service("s3")
        .driver(OfBucket(Versioning))
}

struct Versioning;

#[async_trait]
impl Setting for Versioning {
    async fn get(aws: &Aws, place: &Place, like: Option<&Object>) -> Result<Option<ObjectBuilder>, ProviderError> {
        let request =
            aws.s3().get_bucket_versioning().bucket(&place.bucket).set_expected_bucket_owner(place.owner.clone());
        let answer = aws.call("s3", "GetBucketVersioning", || request.clone().send()).await;
        let Some(answer) = named::or_nothing(answer)? else { return Ok(None) };
        let configuration = ObjectBuilder::new()
            .set("status", answer.status().map_or(DISABLED, |s| s.as_str()))
            .maybe("mfa_delete", answer.mfa_delete().map(|m| m.as_str()));
        let object = ObjectBuilder::new().maybe("mfa", said(like, "mfa"));
        Ok(Some(object.blocks("versioning_configuration", [configuration.build()])))
    }

    async fn put(aws: &Aws, place: &Place, desired: &Config) -> Result<(), ProviderError> {
        let wanted = desired.block("versioning_configuration").unwrap_or_else(|| ObjectBuilder::new().build());
        let status = wanted.str("status").unwrap_or(DISABLED);
        if status == DISABLED {
            return never_kept(aws, place).await;
        }
        let configuration = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::from(status))
            .set_mfa_delete(wanted.str("mfa_delete").map(MfaDelete::from));
        send(aws, place, configuration.build(), desired.string("mfa")).await
    }

    /// Versions that are there stay; no new ones are kept.
    async fn reset(aws: &Aws, place: &Place, prior: &Object) -> Result<(), ProviderError> {
        let was = prior.block("versioning_configuration");
        if was.as_ref().and_then(|w| w.str("status")) != Some("Enabled") {
            return Ok(());
        }
        let configuration = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
        send(aws, place, configuration, prior.string("mfa")).await
    }

    fn is_listed(object: &Object) -> bool {
        object.block("versioning_configuration").is_some_and(|c| c.str("status") != Some(DISABLED))
    }
}

async fn send(
    aws: &Aws,
    place: &Place,
    configuration: VersioningConfiguration,
    mfa: Option<String>,
) -> Result<(), ProviderError> {
    let request = aws
        .s3()
        .put_bucket_versioning()
        .bucket(&place.bucket)
        .set_expected_bucket_owner(place.owner.clone())
        .set_mfa(mfa)
        .versioning_configuration(configuration);
    aws.call("s3", "PutBucketVersioning", || request.clone().send()).await.map(drop)
}

/// Nothing is to be sent for a bucket that never kept versions; one that did can only be suspended.
async fn never_kept(aws: &Aws, place: &Place) -> Result<(), ProviderError> {
    if bucket::location(aws, &place.bucket).await?.is_none() {
        let gone = format!("there is no bucket \"{}\"", place.bucket);
        return Err(ProviderError::new(ErrorKind::NotFound, gone).code("NoSuchBucket"));
    }
    let object = Versioning::get(aws, place, None).await?.map(ObjectBuilder::build);
    match object.is_some_and(|o| Versioning::is_listed(&o)) {
        false => Ok(()),
        true => Err(ProviderError::invalid(format!("\"{}\" has kept versions already", place.bucket))
            .help("set \"status\" to \"Suspended\": S3 cannot go back to \"Disabled\"")),
    }
}
