//! `aws_s3_bucket_lifecycle_configuration`: when objects move to cheaper storage and when they are deleted.
//! S3: PutBucketLifecycleConfiguration, GetBucketLifecycleConfiguration, DeleteBucketLifecycle.

use async_trait::async_trait;
use aws_sdk_s3::types::{BucketLifecycleConfiguration, TransitionDefaultMinimumObjectSize};

use super::lifecycle_rule;
use super::setting::{OfBucket, Place, Setting, unfit};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{BlockWord, boolean, list_block, number, one_block, set_block, string, string_map};
use crate::provider::{Config, ProviderError, ResourceType, resource};
use crate::providers::aws::{Aws, named};

pub fn lifecycle_configuration() -> ResourceType<Aws> {
    resource("aws_s3_bucket_lifecycle_configuration", "When objects move to cheaper storage and when they are deleted.")
        .attr("bucket", string().required().replaces(), "Name of the bucket.")
        .attr("expected_bucket_owner", string().optional().replaces(), "The account that must own the bucket.")
        .attr(
            "transition_default_minimum_object_size",
            string().optional().computed().one_of(&["all_storage_classes_128K", "varies_by_storage_class"]),
            "Which objects are too small to move, where a rule does not say.",
        )
        .block("rule", rule_block(), "What happens to which objects.")
        .import_example("my-bucket")
        .service("s3")
        .driver(OfBucket(Lifecycle))
}

fn rule_block() -> BlockWord {
    let abort = one_block().attr("days_after_initiation", number().optional(), "Days after the upload began.");
    let expiration = one_block()
        .attr("date", string().optional(), "On this day, at midnight UTC: 2030-01-31T00:00:00Z.")
        .attr("days", number().optional(), "Days after the object was made.")
        .attr(
            "expired_object_delete_marker",
            boolean().optional(),
            "Remove delete markers that hide no version any more.",
        );
    let noncurrent_expiration = one_block()
        .attr("newer_noncurrent_versions", number().optional(), "How many former versions to keep.")
        .attr("noncurrent_days", number().optional(), "Days after the version was superseded.");
    let noncurrent_transition = set_block()
        .attr("newer_noncurrent_versions", number().optional(), "How many former versions to leave in place.")
        .attr("noncurrent_days", number().optional(), "Days after the version was superseded.")
        .attr("storage_class", string().required(), "The class of storage to move to, such as GLACIER.");
    let transition = set_block()
        .attr("date", string().optional(), "On this day, at midnight UTC: 2030-01-31T00:00:00Z.")
        .attr("days", number().optional(), "Days after the object was made.")
        .attr("storage_class", string().required(), "The class of storage to move to, such as STANDARD_IA.");
    list_block()
        .required()
        .attr("id", string().required(), "Name of the rule.")
        .attr("status", string().required().one_of(&["Enabled", "Disabled"]), "Whether the rule holds.")
        .attr("prefix", string().optional().deprecated("use filter"), "Beginning of the objects' keys.")
        .block("filter", filter_block(), "Which objects; all of them in an empty block.")
        .block("abort_incomplete_multipart_upload", abort, "When uploads that were never completed are dropped.")
        .block("expiration", expiration, "When objects are deleted.")
        .block("noncurrent_version_expiration", noncurrent_expiration, "When former versions are deleted.")
        .block("noncurrent_version_transition", noncurrent_transition, "When former versions move.")
        .block("transition", transition, "When objects move.")
}

fn filter_block() -> BlockWord {
    let sizes = |block: BlockWord| {
        block
            .attr("object_size_greater_than", number().optional(), "Objects of more bytes than this.")
            .attr("object_size_less_than", number().optional(), "Objects of fewer bytes than this.")
            .attr("prefix", string().optional(), "Beginning of the objects' keys.")
    };
    let and = sizes(one_block()).attr("tags", string_map().optional(), "Tags that objects have.");
    let tag = one_block().attr("key", string().required(), "Key of the tag.").attr(
        "value",
        string().required(),
        "Value of the tag.",
    );
    sizes(one_block()).block("and", and, "Several conditions, all of which hold.").block(
        "tag",
        tag,
        "A tag that objects have.",
    )
}

struct Lifecycle;

#[async_trait]
impl Setting for Lifecycle {
    async fn get(aws: &Aws, place: &Place, like: Option<&Object>) -> Result<Option<ObjectBuilder>, ProviderError> {
        let request = aws
            .s3()
            .get_bucket_lifecycle_configuration()
            .bucket(&place.bucket)
            .set_expected_bucket_owner(place.owner.clone());
        let answer = aws.call("s3", "GetBucketLifecycleConfiguration", || request.clone().send()).await;
        let Some(answer) = named::or_nothing(answer)? else { return Ok(None) };
        let rules = lifecycle_rule::to_blocks(answer.rules(), &like.map(|o| o.blocks("rule")).unwrap_or_default());
        if rules.is_empty() {
            return Ok(None);
        }
        let size = answer.transition_default_minimum_object_size().map(|s| s.as_str());
        let object = ObjectBuilder::new().maybe("transition_default_minimum_object_size", size);
        Ok(Some(object.blocks("rule", rules)))
    }

    async fn put(aws: &Aws, place: &Place, desired: &Config) -> Result<(), ProviderError> {
        let rules = desired.blocks("rule").iter().map(lifecycle_rule::of_block).collect::<Result<_, _>>()?;
        let configuration = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().map_err(unfit)?;
        let size = desired.str("transition_default_minimum_object_size").map(TransitionDefaultMinimumObjectSize::from);
        let request = aws
            .s3()
            .put_bucket_lifecycle_configuration()
            .bucket(&place.bucket)
            .set_expected_bucket_owner(place.owner.clone())
            .set_transition_default_minimum_object_size(size)
            .lifecycle_configuration(configuration);
        aws.call("s3", "PutBucketLifecycleConfiguration", || request.clone().send()).await.map(drop)
    }

    async fn reset(aws: &Aws, place: &Place, _prior: &Object) -> Result<(), ProviderError> {
        let request =
            aws.s3().delete_bucket_lifecycle().bucket(&place.bucket).set_expected_bucket_owner(place.owner.clone());
        aws.call("s3", "DeleteBucketLifecycle", || request.clone().send()).await.map(drop)
    }

    /// S3 shows the rules of before for some seconds.
    fn shows(object: &Object, desired: &Config) -> bool {
        let names =
            |o: &Object| o.blocks("rule").iter().map(|r| (r.string("id"), r.string("status"))).collect::<Vec<_>>();
        names(object) == names(desired)
    }
}
