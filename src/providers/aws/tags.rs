//! Tags: default tags merged in, ignored ones left alone, and the one mapping to and from the services' tag types.
//!
//! `tags` is what the configuration says, `tags_all` is that together with the provider's `default_tags`. Tags of
//! AWS itself (`aws:…`), those that `ignore_tags` names and our own never show and are never removed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Object, ObjectBuilder, Path, PathStep, Type, Value};
use crate::provider::{Config, IdempotencyKey, PlannedChange};

/// The tag that names the creation which made an object, where the API has no client token.
pub const KEY_TAG: &str = "terrane:key";

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// What the provider's configuration says about tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagPolicy {
    defaults: Tags,
    ignored_keys: BTreeSet<String>,
    ignored_prefixes: Vec<String>,
}

/// What must be done to the tags of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChange {
    /// To be added or given another value.
    pub set: Tags,
    pub remove: Vec<String>,
}

impl TagChange {
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

impl TagPolicy {
    pub fn new(config: &Config) -> TagPolicy {
        let ignore = config.block("ignore_tags");
        let strings = |name| ignore.as_ref().map(|b| b.strings(name)).unwrap_or_default();
        TagPolicy {
            defaults: config
                .block("default_tags")
                .map(|b| b.string_map("tags"))
                .unwrap_or_default()
                .into_iter()
                .collect(),
            ignored_keys: strings("keys").into_iter().collect(),
            ignored_prefixes: strings("key_prefixes"),
        }
    }

    pub fn defaults(&self) -> &Tags {
        &self.defaults
    }

    /// All tags that an object of this configuration shall have.
    pub fn desired(&self, config: &Object) -> Tags {
        let mut all = self.defaults.clone();
        all.extend(config.string_map("tags_all"));
        all.extend(config.string_map("tags"));
        all
    }

    /// As [`TagPolicy::desired`], with the tag by which an interrupted creation is found again.
    pub fn at_creation(&self, config: &Object, key: &IdempotencyKey) -> Tags {
        let mut all = self.desired(config);
        all.insert(KEY_TAG.to_string(), key.0.to_string());
        all
    }

    /// What an update must do. `prior` is the object as it was read.
    pub fn change(&self, prior: &Object, desired: &Object) -> TagChange {
        let was: Tags = prior.string_map("tags_all").into_iter().collect();
        let shall = self.desired(desired);
        let remove = was.keys().filter(|k| !shall.contains_key(*k)).cloned().collect();
        let set = shall.into_iter().filter(|(k, v)| was.get(k) != Some(v)).collect();
        TagChange { set, remove }
    }

    /// Sets `tags` and `tags_all` from what the API gave. `like` is the configuration or the prior object: a tag
    /// that equals a default shows in `tags` only if it stands there too.
    pub fn put(
        &self,
        object: ObjectBuilder,
        api: impl IntoIterator<Item = (String, String)>,
        like: Option<&Object>,
    ) -> ObjectBuilder {
        let all = self.shown(api);
        let said: BTreeSet<String> =
            like.map(|o| o.string_map("tags")).unwrap_or_default().into_iter().map(|(k, _)| k).collect();
        let own: Vec<_> = all.iter().filter(|(k, v)| self.defaults.get(*k) != Some(*v) || said.contains(*k)).collect();
        let empty_is_null = like.is_none_or(|o| o.get("tags").is_none());
        let object = match own.is_empty() && empty_is_null {
            true => object.set("tags", Value::Null(Type::map(Type::String))),
            false => object.string_map("tags", own),
        };
        object.string_map("tags_all", &all)
    }

    /// The tags that users see.
    pub fn shown(&self, api: impl IntoIterator<Item = (String, String)>) -> Tags {
        api.into_iter().filter(|(k, _)| self.shows(k)).collect()
    }

    fn shows(&self, key: &str) -> bool {
        !key.starts_with("aws:")
            && !key.starts_with("terrane:")
            && !self.ignored_keys.contains(key)
            && !self.ignored_prefixes.iter().any(|p| key.starts_with(p.as_str()))
    }
}

/// Plans `tags_all` of a change whose type has it. `config` is the provider's configuration.
pub fn plan(config: &Config, change: &mut PlannedChange) {
    let (planned, marks) = change.planned.unmark();
    let Value::Object(fields) = planned else { return };
    if fields.get("tags_all").is_none() {
        return;
    }
    let tags = fields.get("tags").cloned().unwrap_or(Value::NULL);
    let path = Path(vec![PathStep::Attr("default_tags".into()), PathStep::Index(0), PathStep::Attr("tags".into())]);
    let defaults = config.at(&path).unwrap_or(Value::NULL);
    let all = merged(&defaults, &tags);
    let mut fields = (**fields).clone();
    fields.set("tags_all".into(), all);
    change.planned = Value::fields(fields).mark(marks);
}

/// Two maps as one, unknown where either is; the second wins.
fn merged(defaults: &Value, tags: &Value) -> Value {
    let ty = Type::map(Type::String);
    let ((defaults, a), (tags, b)) = (defaults.unmark(), tags.unmark());
    let all = if defaults.is_unknown() || tags.is_unknown() {
        Value::unknown(ty)
    } else {
        let entries = [defaults, tags].into_iter().filter_map(Value::as_fields).flat_map(|f| f.iter().cloned());
        Value::map(Type::String, entries.filter(|(_, v)| !v.is_null()))
    };
    all.mark(a).mark(b)
}

/// A service's own tag type.
pub trait ApiTag: Sized {
    fn of(key: &str, value: &str) -> Option<Self>;
    fn pair(&self) -> (String, String);
}

/// Tags as a service's request takes them.
pub fn to_api<T: ApiTag>(tags: &Tags) -> Vec<T> {
    tags.iter().filter_map(|(k, v)| T::of(k, v)).collect()
}

/// Tags as a service's answer has them.
pub fn from_api<T: ApiTag>(tags: &[T]) -> impl Iterator<Item = (String, String)> {
    tags.iter().map(ApiTag::pair)
}

/// Services whose tags may lack a key or value, and services whose tags may not.
macro_rules! api_tags {
    (loose: $($loose:ty),*; strict: $($strict:ty),*) => {
        $(impl ApiTag for $loose {
            fn of(key: &str, value: &str) -> Option<Self> {
                Some(Self::builder().key(key).value(value).build())
            }
            fn pair(&self) -> (String, String) {
                (self.key().unwrap_or_default().to_string(), self.value().unwrap_or_default().to_string())
            }
        })*
        $(impl ApiTag for $strict {
            fn of(key: &str, value: &str) -> Option<Self> {
                Self::builder().key(key).value(value).build().ok()
            }
            fn pair(&self) -> (String, String) {
                (self.key().to_string(), self.value().to_string())
            }
        })*
    };
}

api_tags! {
    loose: aws_sdk_ec2::types::Tag, aws_sdk_rds::types::Tag, aws_sdk_elasticache::types::Tag;
    strict: aws_sdk_iam::types::Tag, aws_sdk_s3::types::Tag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> (Config, TagPolicy) {
        let default_tags = ObjectBuilder::new().string_map("tags", [("team", "net"), ("env", "dev")]).build();
        let ignore = ObjectBuilder::new().string_set("keys", ["touched"]).string_set("key_prefixes", ["k8s/"]).build();
        let config =
            ObjectBuilder::new().blocks("default_tags", [default_tags]).blocks("ignore_tags", [ignore]).build();
        let policy = TagPolicy::new(&config);
        (config, policy)
    }

    fn tagged(tags: &[(&str, &str)]) -> Object {
        ObjectBuilder::new().string_map("tags", tags.iter().copied()).build()
    }

    fn pairs(tags: &[(&str, &str)]) -> Vec<(String, String)> {
        tags.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    #[test]
    fn reading_hides_what_is_not_the_users_and_splits_defaults_off() {
        let (_, policy) = policy();
        let api = pairs(&[
            ("Name", "a"),
            ("env", "dev"),
            ("team", "web"),
            ("touched", "today"),
            ("k8s/x", "1"),
            ("aws:cloudformation:stack-name", "s"),
            (KEY_TAG, "00"),
        ]);
        let object = policy.put(ObjectBuilder::new(), api.clone(), None).build();
        assert_eq!(object.string_map("tags"), pairs(&[("Name", "a"), ("team", "web")]));
        assert_eq!(object.string_map("tags_all"), pairs(&[("Name", "a"), ("env", "dev"), ("team", "web")]));
        let object = policy.put(ObjectBuilder::new(), api, Some(&tagged(&[("env", "dev")]))).build();
        assert_eq!(object.string_map("tags"), pairs(&[("Name", "a"), ("env", "dev"), ("team", "web")]));
    }

    #[test]
    fn no_tags_read_as_they_were_written() {
        let policy = TagPolicy::default();
        let read = |like: Option<&Object>| policy.put(ObjectBuilder::new(), [], like).build();
        assert!(read(None).get("tags").is_none());
        assert!(read(Some(&tagged(&[]))).get("tags").is_some());
        assert!(read(None).get("tags_all").is_some());
    }

    #[test]
    fn an_update_sends_the_difference_only() {
        let (_, policy) = policy();
        let prior = ObjectBuilder::new().string_map("tags_all", [("Name", "a"), ("env", "dev"), ("old", "1")]).build();
        let change = policy.change(&prior, &tagged(&[("Name", "b")]));
        assert_eq!(change.set, Tags::from_iter(pairs(&[("Name", "b"), ("team", "net")])));
        assert_eq!(change.remove, ["old"]);
    }

    #[test]
    fn tags_all_is_planned_from_the_providers_defaults() {
        let (config, _) = policy();
        let plan_with = |config: &Config, tags: Value| {
            let planned = Value::object([("tags", tags), ("tags_all", Value::unknown(Type::map(Type::String)))]);
            let mut change =
                PlannedChange { prior: None, config: Value::NULL, planned, replace: vec![], diagnostics: vec![] };
            plan(config, &mut change);
            change.planned.attr("tags_all").unwrap()
        };
        let strings =
            |pairs: &[(&str, &str)]| Value::map(Type::String, pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())));
        assert_eq!(plan_with(&config, strings(&[("env", "prod")])), strings(&[("env", "prod"), ("team", "net")]));
        assert_eq!(plan_with(&config, Value::NULL), strings(&[("env", "dev"), ("team", "net")]));
        assert_eq!(plan_with(&ObjectBuilder::new().build(), Value::NULL), strings(&[]));
        assert!(plan_with(&config, Value::unknown(Type::map(Type::String))).is_unknown());
        let part = Value::map(Type::String, [("Name".into(), Value::unknown(Type::String))]);
        let all = plan_with(&config, part);
        assert!(!all.is_unknown() && all.attr("Name").unwrap().is_unknown());
    }
}
