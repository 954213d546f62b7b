//! Rules of a lifecycle configuration, as blocks and as S3 has them
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>).

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleAndOperator,
    LifecycleRuleFilter, NoncurrentVersionExpiration, NoncurrentVersionTransition, Tag, Transition,
    TransitionStorageClass,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::setting::unfit;
use crate::model::{Object, ObjectBuilder};
use crate::provider::ProviderError;
use crate::providers::aws::tags;

/// The rules in the order of `said`, the state's or the configuration's blocks; others follow.
pub(super) fn to_blocks(api: &[LifecycleRule], said: &[Object]) -> Vec<Object> {
    let place = |rule: &&LifecycleRule| said.iter().position(|s| s.str("id") == rule.id()).unwrap_or(said.len());
    let mut rules: Vec<&LifecycleRule> = api.iter().collect();
    rules.sort_by_key(place);
    rules.iter().map(|rule| to_block(rule, said.iter().find(|s| s.str("id") == rule.id()))).collect()
}

fn to_block(api: &LifecycleRule, said: Option<&Object>) -> Object {
    let text = |t: &str| Some(t.to_string()).filter(|t| !t.is_empty());
    let filter = api.filter().map(|filter| filter_block(filter, said));
    // Without a filter block all objects are meant, which S3 takes as an empty prefix.
    let is_said = said.is_none_or(|s| s.block("filter").is_some());
    let has_conditions = filter.as_ref().is_some_and(|f| f.fields().values().any(|v| !v.is_null()));
    let expiration = api.expiration().map(|e| {
        let marker = e.expired_object_delete_marker();
        let marker_said = said.and_then(|s| s.block("expiration")).and_then(|e| e.bool("expired_object_delete_marker"));
        ObjectBuilder::new()
            .maybe("date", date_text(e.date()))
            .maybe("days", e.days().filter(|days| *days > 0))
            .maybe("expired_object_delete_marker", marker.filter(|on| *on).or(marker_said))
            .build()
    });
    let abort = api
        .abort_incomplete_multipart_upload()
        .map(|a| ObjectBuilder::new().maybe("days_after_initiation", a.days_after_initiation()).build());
    let noncurrent = api.noncurrent_version_expiration().map(|e| {
        ObjectBuilder::new()
            .maybe("newer_noncurrent_versions", e.newer_noncurrent_versions().filter(|n| *n > 0))
            .maybe("noncurrent_days", e.noncurrent_days())
            .build()
    });
    ObjectBuilder::new()
        .maybe("id", api.id())
        .set("status", api.status().as_str())
        .maybe("prefix", prefix(api).and_then(text).or_else(|| said.and_then(|s| s.string("prefix"))))
        .blocks("filter", filter.filter(|_| is_said || has_conditions))
        .blocks("expiration", expiration)
        .blocks("abort_incomplete_multipart_upload", abort)
        .blocks("noncurrent_version_expiration", noncurrent)
        .blocks("noncurrent_version_transition", api.noncurrent_version_transitions().iter().map(later_transition))
        .blocks("transition", api.transitions().iter().map(transition))
        .build()
}

#[allow(deprecated, reason = "rules of old still have their prefix here")]
fn prefix(api: &LifecycleRule) -> Option<&str> {
    api.prefix()
}

fn filter_block(api: &LifecycleRuleFilter, said: Option<&Object>) -> Object {
    // An empty prefix is said by those who say nothing, too.
    let said = said.and_then(|s| s.block("filter"));
    let empty = said.as_ref().and_then(|f| f.string("prefix")).filter(String::is_empty);
    let prefix = |api: Option<&str>, empty: Option<String>| api.filter(|p| !p.is_empty()).map(str::to_string).or(empty);
    let and = api.and().map(|and| {
        let empty =
            said.as_ref().and_then(|f| f.block("and")).and_then(|a| a.string("prefix")).filter(String::is_empty);
        let object = ObjectBuilder::new()
            .maybe("object_size_greater_than", and.object_size_greater_than())
            .maybe("object_size_less_than", and.object_size_less_than())
            .maybe("prefix", prefix(and.prefix(), empty));
        match and.tags() {
            [] => object.build(),
            all => object.string_map("tags", tags::from_api(all)).build(),
        }
    });
    let tag = api.tag().map(|t| ObjectBuilder::new().set("key", t.key()).set("value", t.value()).build());
    ObjectBuilder::new()
        .maybe("object_size_greater_than", api.object_size_greater_than())
        .maybe("object_size_less_than", api.object_size_less_than())
        .maybe("prefix", prefix(api.prefix(), empty))
        .maybe("and", and.map(|a| crate::model::Value::tuple(vec![a.value()])))
        .maybe("tag", tag.map(|t| crate::model::Value::tuple(vec![t.value()])))
        .build()
}

fn transition(api: &Transition) -> Object {
    ObjectBuilder::new()
        .maybe("date", date_text(api.date()))
        .maybe("days", api.days().filter(|_| api.date().is_none()))
        .maybe("storage_class", api.storage_class().map(TransitionStorageClass::as_str))
        .build()
}

fn later_transition(api: &NoncurrentVersionTransition) -> Object {
    ObjectBuilder::new()
        .maybe("newer_noncurrent_versions", api.newer_noncurrent_versions().filter(|n| *n > 0))
        .maybe("noncurrent_days", api.noncurrent_days())
        .maybe("storage_class", api.storage_class().map(TransitionStorageClass::as_str))
        .build()
}

fn date_text(date: Option<&DateTime>) -> Option<String> {
    date.and_then(|d| d.fmt(Format::DateTime).ok())
}

fn date(text: Option<&str>) -> Result<Option<DateTime>, ProviderError> {
    let parse = |text: &str| {
        DateTime::from_str(text, Format::DateTime).map_err(|_| {
            ProviderError::invalid(format!("\"{text}\" is no date")).help("write it like 2030-01-31T00:00:00Z")
        })
    };
    text.filter(|t| !t.is_empty()).map(parse).transpose()
}

/// The rule that a block says.
pub(super) fn of_block(block: &Object) -> Result<LifecycleRule, ProviderError> {
    let set = |blocks: Vec<Object>| Some(blocks).filter(|b| !b.is_empty());
    let expiration = block.block("expiration").map(|e| expiration(&e)).transpose()?;
    let transitions = block.blocks("transition").iter().map(of_transition).collect::<Result<Vec<_>, _>>()?;
    let later = set(block.blocks("noncurrent_version_transition"));
    let later = later.map(|blocks| blocks.iter().map(of_later_transition).collect());
    let noncurrent = block.block("noncurrent_version_expiration").map(|e| {
        NoncurrentVersionExpiration::builder()
            .set_newer_noncurrent_versions(e.i32("newer_noncurrent_versions"))
            .set_noncurrent_days(e.i32("noncurrent_days"))
            .build()
    });
    let abort = block.block("abort_incomplete_multipart_upload").map(|a| {
        AbortIncompleteMultipartUpload::builder().set_days_after_initiation(a.i32("days_after_initiation")).build()
    });
    LifecycleRule::builder()
        .set_id(block.string("id"))
        .set_status(block.str("status").map(ExpirationStatus::from))
        .filter(filter(block)?)
        .set_expiration(expiration)
        .set_transitions(Some(transitions).filter(|t| !t.is_empty()))
        .set_noncurrent_version_transitions(later)
        .set_noncurrent_version_expiration(noncurrent)
        .set_abort_incomplete_multipart_upload(abort)
        .build()
        .map_err(unfit)
}

/// S3 wants a filter in every rule; one without conditions is an empty prefix.
fn filter(block: &Object) -> Result<LifecycleRuleFilter, ProviderError> {
    let written = block.block("filter").unwrap_or_else(|| ObjectBuilder::new().build());
    let tag = |t: &Object| Tag::builder().set_key(t.string("key")).set_value(t.string("value")).build();
    let tag = written.block("tag").map(|t| tag(&t)).transpose().map_err(unfit)?;
    let and = written.block("and").map(|and| {
        let all: tags::Tags = and.string_map("tags").into_iter().collect();
        LifecycleRuleAndOperator::builder()
            .set_object_size_greater_than(and.i64("object_size_greater_than"))
            .set_object_size_less_than(and.i64("object_size_less_than"))
            .set_prefix(and.string("prefix"))
            .set_tags(Some(tags::to_api(&all)).filter(|t: &Vec<Tag>| !t.is_empty()))
            .build()
    });
    let (more, less) = (written.i64("object_size_greater_than"), written.i64("object_size_less_than"));
    let is_empty = tag.is_none() && and.is_none() && more.is_none() && less.is_none();
    let prefix = written.string("prefix").or_else(|| block.string("prefix")).or(is_empty.then(String::new));
    Ok(LifecycleRuleFilter::builder()
        .set_prefix(prefix)
        .set_tag(tag)
        .set_and(and)
        .set_object_size_greater_than(more)
        .set_object_size_less_than(less)
        .build())
}

fn expiration(block: &Object) -> Result<LifecycleExpiration, ProviderError> {
    // Days and the removal of markers exclude each other.
    let marker = block.bool("expired_object_delete_marker").filter(|on| *on);
    Ok(LifecycleExpiration::builder()
        .set_date(date(block.str("date"))?)
        .set_days(block.i32("days").filter(|days| *days > 0))
        .set_expired_object_delete_marker(marker)
        .build())
}

fn of_transition(block: &Object) -> Result<Transition, ProviderError> {
    let date = date(block.str("date"))?;
    Ok(Transition::builder()
        .set_days(block.i32("days").filter(|_| date.is_none()))
        .set_date(date)
        .set_storage_class(block.str("storage_class").map(TransitionStorageClass::from))
        .build())
}

fn of_later_transition(block: &Object) -> NoncurrentVersionTransition {
    NoncurrentVersionTransition::builder()
        .set_newer_noncurrent_versions(block.i32("newer_noncurrent_versions"))
        .set_noncurrent_days(block.i32("noncurrent_days"))
        .set_storage_class(block.str("storage_class").map(TransitionStorageClass::from))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> ObjectBuilder {
        ObjectBuilder::new()
    }

    /// What S3 would answer, read like the block.
    fn back(block: &Object) -> Object {
        to_blocks(&[of_block(block).unwrap()], std::slice::from_ref(block)).remove(0)
    }

    fn rule() -> ObjectBuilder {
        new().set("id", "r").set("status", "Enabled")
    }

    #[test]
    fn rules_come_back_as_they_are_written() {
        let tags = new().set("prefix", "tmp/").set("object_size_less_than", 500).string_map("tags", [("a", "1")]);
        let and = new().blocks("and", [tags.build()]).build();
        let tag = new().blocks("tag", [new().set("key", "a").set("value", "1").build()]).build();
        let days = new().set("days", 30).set("storage_class", "STANDARD_IA").build();
        let day = new().set("date", "2030-01-31T00:00:00Z").set("storage_class", "GLACIER").build();
        let later = new().set("noncurrent_days", 7).set("storage_class", "GLACIER").build();
        for filter in [new().build(), new().set("prefix", "").build(), new().set("prefix", "a/").build(), and, tag] {
            let block = rule()
                .blocks("filter", [filter])
                .blocks("transition", [days.clone(), day.clone()])
                .blocks("noncurrent_version_transition", [later.clone()])
                .blocks("expiration", [new().set("days", 90).build()])
                .blocks("abort_incomplete_multipart_upload", [new().set("days_after_initiation", 3).build()])
                .build();
            let found = back(&block);
            for (name, value) in block.fields().iter() {
                assert_eq!(found.fields().get(name), Some(value), "{name}");
            }
        }
    }

    #[test]
    fn a_rule_without_a_filter_is_for_all_objects() {
        let block = rule().blocks("expiration", [new().set("expired_object_delete_marker", true).build()]).build();
        assert_eq!(of_block(&block).unwrap().filter().unwrap().prefix(), Some(""));
        assert!(back(&block).block("filter").is_none());
        let imported = to_blocks(&[of_block(&block).unwrap()], &[]).remove(0);
        assert!(imported.block("filter").is_some(), "an import shows what S3 has");
    }

    #[test]
    fn rules_keep_the_order_in_which_they_are_written() {
        let said = ["b", "a"].map(|id| new().set("id", id).set("status", "Enabled").build());
        let mut api: Vec<LifecycleRule> = said.iter().map(|b| of_block(b).unwrap()).collect();
        api.reverse();
        let ids: Vec<String> = to_blocks(&api, &said).iter().filter_map(|r| r.string("id")).collect();
        assert_eq!(ids, ["b", "a"]);
    }
}
