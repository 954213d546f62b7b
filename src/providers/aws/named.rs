//! What objects have in common that their services describe by a name which the user chose: those of RDS,
//! ElastiCache and EKS.
//!
//! Few objects are described each by its name, many by one paginated Describe of all, where the service has it.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{join_all, try_join_all};

use super::tags::KEY_TAG;
use super::{Aws, ending};
use crate::model::{Object, ObjectBuilder, Value};
use crate::provider::{
    Config, Create, Delete, Driver, ErrorKind, Filter, IdempotencyKey, Listed, Operation, Outcome, PlannedChange,
    ProviderError, Read, ReadOutcome, RemoteId, Seen, Stored, Trace, Update,
};

pub const MINUTE: Duration = Duration::from_secs(60);

/// How many objects are described each by its name before one Describe of all is cheaper.
pub const FEW: usize = 8;

/// A type that is described by name.
#[async_trait]
pub trait NamedObject: Send + Sync {
    /// What the Describe operation gives.
    type Api: Send + Sync;

    /// The attributes that hold the name and its beginning, and how a name begins if neither is set.
    const NAME: Naming;

    /// More objects than this are read by describing all; `usize::MAX` where that takes a call for each anyway.
    const FEW: usize = FEW;

    /// One object, nothing where there is none.
    async fn describe(aws: &Aws, id: &str) -> Result<Option<Self::Api>, ProviderError>;

    /// All objects, page by page.
    async fn describe_all(aws: &Aws) -> Result<Vec<Self::Api>, ProviderError>;

    fn id(api: &Self::Api) -> Option<String>;

    /// Other ids that find it too.
    fn is_called(api: &Self::Api, id: &str) -> bool {
        Self::id(api).is_some_and(|own| own == id)
    }

    /// All tags, reserved ones too.
    async fn tags(aws: &Aws, api: &Self::Api) -> Result<Vec<(String, String)>, ProviderError>;

    /// The attributes without tags and `id`. `like` is what the state or the configuration has.
    fn fields(aws: &Aws, api: &Self::Api, like: Option<&Object>) -> ObjectBuilder;

    /// Adds the attributes that take calls of their own.
    async fn put_more(
        _aws: &Aws,
        _api: &Self::Api,
        object: ObjectBuilder,
        _like: Option<&Object>,
    ) -> Result<ObjectBuilder, ProviderError> {
        Ok(object)
    }

    /// Whether the service still shows it although it is deleted.
    fn is_gone(_api: &Self::Api) -> bool {
        false
    }

    /// The id of the object that a configuration makes.
    fn id_of(desired: &Config, key: &IdempotencyKey) -> String {
        Self::NAME.of(desired, key)
    }

    /// The attribute `id`, where it is not the name.
    fn id_attribute(api: &Self::Api) -> Option<String> {
        Self::id(api)
    }
}

/// What differs from type to type; [`ByName`] makes a driver of it.
#[async_trait]
pub trait NamedResource: NamedObject {
    fn plan(&self, _change: &mut PlannedChange) {}
    /// The call that makes the object; gives its id. Where the answer to it was lost, the object is found by the key.
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError>;

    /// What follows until the object is usable. May find that an interrupted create has done parts of it.
    async fn complete(&self, _aws: &Aws, _request: &Create, _id: &str) -> Result<(), ProviderError> {
        Ok(())
    }

    /// Whether [`NamedResource::find_unmarked`] finds by name alone.
    const TRACE: Trace = Trace::Key;

    /// The id of an object of the right name that an interrupted creation could not put its key on any more.
    async fn find_unmarked(
        _aws: &Aws,
        _key: &IdempotencyKey,
        _desired: &Config,
    ) -> Result<Option<String>, ProviderError> {
        Ok(None)
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome;
    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError>;
}

/// The driver of a type that is described by name.
pub struct ByName<T>(pub T);

impl<T: NamedResource> ByName<T> {
    /// Brings what was begun to its end, and reads it.
    async fn complete_and_look(&self, aws: &Aws, id: &str, request: &Create) -> Outcome {
        let rest = self.0.complete(aws, request, id).await;
        let seen = read::<T>(&aws.for_a_last_look(), id, Some(&request.desired)).await;
        ending::made(seen, id, &request.desired, rest)
    }
}

#[async_trait]
impl<T: NamedResource> Driver<Aws> for ByName<T> {
    fn plan(&self, change: &mut PlannedChange) {
        self.0.plan(change);
    }

    async fn read_many(&self, aws: &Aws, reads: &[Read]) -> Vec<ReadOutcome> {
        match reads.len() > T::FEW {
            true => read_all::<T>(aws, reads).await,
            false => join_all(reads.iter().map(|r| read_one::<T>(aws, r))).await,
        }
    }

    async fn create(&self, aws: &Aws, request: Create) -> Outcome {
        match self.0.begin(aws, &request).await {
            Ok(id) => self.complete_and_look(aws, &id, &request).await,
            Err(error) => Outcome::Failed(error),
        }
    }

    async fn resume(&self, aws: &Aws, found: Stored, request: Create) -> Outcome {
        self.complete_and_look(aws, &found.id.0, &request).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        self.0.update(aws, request).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        ending::gone_is_fine(self.0.delete(aws, request).await)
    }

    async fn list(&self, aws: &Aws, filter: &Filter) -> Result<Vec<Listed>, ProviderError> {
        let all = T::describe_all(aws).await?;
        let live: Vec<_> = all.iter().filter(|api| !T::is_gone(api)).collect();
        let stored = try_join_all(live.into_iter().map(|api| stored::<T>(aws, api, None))).await?;
        let matches = |s: &Stored| {
            let tags: HashMap<_, _> = s.object.string_map("tags_all").into_iter().collect();
            filter.tags.iter().all(|(k, v)| tags.get(k) == Some(v))
        };
        let listed = |s: Stored| Listed { display_name: Some(s.id.0.to_string()), stored: s };
        Ok(stored.into_iter().filter(matches).map(listed).collect())
    }

    fn trace(&self) -> Trace {
        T::TRACE
    }

    async fn find_by_key(
        &self,
        aws: &Aws,
        key: &IdempotencyKey,
        desired: &Config,
    ) -> Result<Option<Stored>, ProviderError> {
        let found = match find_id::<T>(aws, key, desired).await? {
            None => T::find_unmarked(aws, key, desired).await?,
            found => found,
        };
        match found {
            Some(id) => read::<T>(aws, &id, Some(desired)).await,
            None => Ok(None),
        }
    }
}

/// How the names of a type are written.
#[derive(Clone, Copy, Debug)]
pub struct Naming {
    pub attribute: &'static str,
    /// Empty where the type has no such attribute.
    pub prefix_attribute: &'static str,
    pub default_prefix: &'static str,
}

impl Naming {
    /// The configured name, or the prefix with digits of the creation's key: the same after a crash.
    pub fn of(&self, desired: &Config, key: &IdempotencyKey) -> String {
        if let Some(name) = desired.string(self.attribute) {
            return name;
        }
        let prefix = desired.string(self.prefix_attribute).unwrap_or_else(|| self.default_prefix.to_string());
        let digits: String = key.0.chars().take(26).collect();
        format!("{prefix}{digits}")
    }
}

async fn read_one<T: NamedObject>(aws: &Aws, wanted: &Read) -> ReadOutcome {
    match read::<T>(aws, &wanted.id.0, wanted.prior.as_ref()).await {
        Ok(Some(found)) => ReadOutcome::Found(found),
        Ok(None) => ReadOutcome::Gone,
        Err(error) => ReadOutcome::Failed(error),
    }
}

async fn read_all<T: NamedObject>(aws: &Aws, reads: &[Read]) -> Vec<ReadOutcome> {
    let all = match T::describe_all(aws).await {
        Ok(all) => all,
        Err(error) => return reads.iter().map(|_| ReadOutcome::Failed(error.clone())).collect(),
    };
    let by_id: HashMap<String, &T::Api> =
        all.iter().filter(|a| !T::is_gone(a)).filter_map(|a| Some((T::id(a)?, a))).collect();
    let one = |wanted: &Read| {
        let found = by_id.get(&*wanted.id.0).copied();
        let prior = wanted.prior.clone();
        let wanted = wanted.clone();
        async move {
            match found {
                Some(api) => match stored::<T>(aws, api, prior.as_ref()).await {
                    Ok(stored) => ReadOutcome::Found(stored),
                    Err(error) if error.is_not_found() => ReadOutcome::Gone,
                    Err(error) => ReadOutcome::Failed(error),
                },
                // It may have been renamed or made since, or be written in another way.
                None => read_one::<T>(aws, &wanted).await,
            }
        }
    };
    join_all(reads.iter().map(one)).await
}

async fn stored<T: NamedObject>(aws: &Aws, api: &T::Api, like: Option<&Object>) -> Result<Stored, ProviderError> {
    let tags = T::tags(aws, api).await?;
    let object = aws.tags().put(T::fields(aws, api, like), tags, like);
    let object = T::put_more(aws, api, object, like).await?;
    let id = T::id(api).unwrap_or_default();
    Ok(Stored::new(id, object.maybe("id", T::id_attribute(api)).build()))
}

/// One object, nothing where there is none.
pub async fn read<T: NamedObject>(aws: &Aws, id: &str, like: Option<&Object>) -> Result<Option<Stored>, ProviderError> {
    let found = T::describe(aws, id).await?.filter(|api| T::is_called(api, id) && !T::is_gone(api));
    let Some(api) = found else { return Ok(None) };
    match stored::<T>(aws, &api, like).await {
        // It went away between the two calls.
        Err(error) if error.is_not_found() => Ok(None),
        other => other.map(Some),
    }
}

/// The id of the object that a creation with this key made: one of the right name may be someone else's.
pub async fn find_id<T: NamedObject>(
    aws: &Aws,
    key: &IdempotencyKey,
    desired: &Config,
) -> Result<Option<String>, ProviderError> {
    let Some(api) = T::describe(aws, &T::id_of(desired, key)).await? else { return Ok(None) };
    let is_ours = T::tags(aws, &api).await?.iter().any(|(k, v)| k == KEY_TAG && **v == *key.0);
    Ok(T::id(&api).filter(|_| is_ours && !T::is_gone(&api)))
}

/// Makes an object with a call that gives its id. Where one of that name is there already, it is taken over if the
/// same creation made it: the answer to the first call was lost.
pub async fn make<T, Fut>(aws: &Aws, key: &IdempotencyKey, desired: &Config, call: Fut) -> Result<String, ProviderError>
where
    T: NamedObject,
    Fut: Future<Output = Result<String, ProviderError>> + Send,
{
    match call.await {
        // EKS calls it a conflict.
        Err(error) if matches!(error.kind, ErrorKind::AlreadyExists | ErrorKind::Conflict) => {
            // Whether the one that is there is ours is open where it cannot be looked at.
            find_id::<T>(aws, key, desired).await.map_err(|e| e.left_open(true))?.ok_or(error)
        }
        other => other,
    }
}

/// Ends a change: reads what there is now.
pub async fn changed<T: NamedObject>(
    aws: &Aws,
    id: &str,
    desired: &Config,
    steps: Result<(), ProviderError>,
) -> Outcome {
    ending::changed(read::<T>(&aws.for_a_last_look(), id, Some(desired)).await, id, desired, steps)
}

/// Waits until `judge` finds the object ready. Answers lag behind creations: not there counts as not yet.
pub async fn wait_for<T: NamedObject>(
    aws: &Aws,
    op: &Operation,
    id: &str,
    target: &str,
    judge: impl Fn(&T::Api) -> Result<Seen<()>, ProviderError>,
) -> Result<(), ProviderError> {
    let look = || async {
        match T::describe(aws, id).await? {
            Some(api) => judge(&api),
            None => Ok(Seen::Pending("not found".to_string())),
        }
    };
    aws.wait(op, target, look).await
}

/// Waits until the object does not show any more.
pub async fn wait_gone<T: NamedObject>(
    aws: &Aws,
    op: &Operation,
    id: &str,
    judge: impl Fn(&T::Api) -> Result<String, ProviderError>,
) -> Result<(), ProviderError> {
    let look = || async {
        match T::describe(aws, id).await?.filter(|api| !T::is_gone(api)) {
            Some(api) => Ok(Seen::Pending(judge(&api)?)),
            None => Ok(Seen::Ready(())),
        }
    };
    aws.wait(op, "deleted", look).await
}

/// Nothing where the service says that there is no such object.
pub fn or_nothing<A>(answer: Result<A, ProviderError>) -> Result<Option<A>, ProviderError> {
    match answer {
        Err(error) if error.is_not_found() => Ok(None),
        other => other.map(Some),
    }
}

/// What the state or the configuration says, for words of the request that no answer has.
pub fn said(like: Option<&Object>, name: &str) -> Option<Value> {
    like.and_then(|o| o.get(name)).cloned()
}

/// What was written, where the service spells out more of the same version: "15" for "15.4".
pub fn version_as_said(actual: Option<&str>, like: Option<&Object>, name: &str) -> Option<String> {
    let said = like.and_then(|o| o.string(name));
    let Some(actual) = actual.filter(|a| !a.is_empty()) else { return said };
    Some(said.filter(|s| is_same_version(s, actual)).unwrap_or_else(|| actual.to_string()))
}

/// Whether an actual version is one that `said` stands for: equal, or with more parts. `6.x` stands for all of 6.
fn is_same_version(said: &str, actual: &str) -> bool {
    let said = said.strip_suffix(".x").unwrap_or(said);
    actual.strip_prefix(said).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
}

/// A list that is left out of the request where it is empty.
pub fn some_strings(desired: &Config, name: &str) -> Option<Vec<String>> {
    Some(desired.strings(name)).filter(|s| !s.is_empty())
}

/// Plans computed attributes as unknown where a change of others brings them new values.
pub fn recompute(change: &mut PlannedChange, causes: &[&str], effects: &[&str]) {
    let Some(prior) = change.prior.as_ref().and_then(Value::as_fields) else { return };
    let (planned, marks) = change.planned.unmark();
    let Value::Object(fields) = planned else { return };
    let differs = |name: &&str| fields.get(name).map(Value::bare) != prior.get(name).map(Value::bare);
    if !causes.iter().any(differs) {
        return;
    }
    let mut fields = (**fields).clone();
    for name in effects {
        let is_written = change.config.attr(name).is_some_and(|v| !v.is_null());
        if let Some(ty) = fields.get(name).map(Value::ty).filter(|_| !is_written) {
            fields.set((*name).into(), Value::unknown(ty));
        }
    }
    change.planned = Value::fields(fields).mark(marks);
}

/// The id as it is, for request builders.
pub fn name(id: &RemoteId) -> &str {
    &id.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_stands_for_all_that_begin_with_it() {
        for (said, actual, same) in [
            ("15", "15.4", true),
            ("15.4", "15.4", true),
            ("15.4", "15.40", false),
            ("1", "15.4", false),
            ("6.x", "6.2.6", true),
            ("7.1", "7.1.0", true),
            ("8.0.mysql_aurora.3", "8.0.mysql_aurora.3.04.0", true),
            ("15.4", "15.5", false),
        ] {
            assert_eq!(is_same_version(said, actual), same, "{said} {actual}");
        }
    }

    #[test]
    fn names_are_written_or_made_from_the_key() {
        let naming = Naming { attribute: "name", prefix_attribute: "name_prefix", default_prefix: "terraform-" };
        let key = IdempotencyKey("0123456789abcdef0123456789abcdef".into());
        let config = |name: &str, value: &str| ObjectBuilder::new().set(name, value).build();
        assert_eq!(naming.of(&config("name", "main"), &key), "main");
        assert_eq!(naming.of(&config("name_prefix", "db-"), &key), "db-0123456789abcdef0123456789");
        assert_eq!(naming.of(&config("x", ""), &key), "terraform-0123456789abcdef0123456789");
    }

    #[test]
    fn effects_of_a_change_are_planned_as_unknown_unless_written() {
        let object =
            |n: i64| Value::object([("count", Value::int(n)), ("ids", Value::int(1)), ("size", Value::int(2))]);
        let change = |n: i64| PlannedChange {
            prior: Some(object(2)),
            config: Value::object([("size", Value::int(2))]),
            planned: object(n),
            replace: vec![],
            diagnostics: vec![],
        };
        let mut changed = change(3);
        recompute(&mut changed, &["count"], &["ids", "size"]);
        assert!(changed.planned.attr("ids").unwrap().is_unknown());
        assert!(!changed.planned.attr("size").unwrap().is_unknown());
        let mut same = change(2);
        recompute(&mut same, &["count"], &["ids", "size"]);
        assert_eq!(same.planned, object(2));
    }
}
