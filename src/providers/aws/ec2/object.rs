//! What all EC2 objects have in common: they are described by filters in pages, and carry tags.
//!
//! Objects are read by a filter on their id, not by a list of ids: one id that is gone fails a whole list.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter as ApiFilter, ResourceType as TaggedType, Tag, TagSpecification};
use futures::future::join_all;

use crate::model::{Object, ObjectBuilder, Value};
use crate::provider::{
    Config, Create, Delete, Driver, ErrorKind, Filter, IdempotencyKey, Listed, Operation, Outcome, PlannedChange,
    ProviderError, Read, ReadOutcome, RemoteId, Seen, Stored, Update,
};
use crate::providers::aws::Aws;
use crate::providers::aws::ending::{self, gone_is_fine};
use crate::providers::aws::tags::{self, KEY_TAG, Tags};

/// The most values that one filter takes.
const FILTER_VALUES: usize = 200;

/// One object, or why the calls that it needs of its own failed: it may have gone since it was described.
pub type Mapped = Result<Object, ProviderError>;

/// A kind of object that EC2 describes by filters.
#[async_trait]
pub trait Ec2Object: Send + Sync {
    /// What the Describe operation gives.
    type Api: Send + Sync;

    /// The name of the filter on the id.
    const ID_FILTER: &'static str;

    /// Describes all that match, page by page.
    async fn describe(aws: &Aws, filters: Vec<ApiFilter>) -> Result<Vec<Self::Api>, ProviderError>;

    fn id(api: &Self::Api) -> Option<&str>;

    fn tags(api: &Self::Api) -> &[Tag];

    /// Whether EC2 still shows it although it is deleted.
    fn is_gone(_api: &Self::Api) -> bool {
        false
    }

    /// Maps what EC2 gave to objects, in order. `like` is what the state or the configuration has.
    async fn objects(aws: &Aws, found: &[(Self::Api, Option<Object>)]) -> Result<Vec<Mapped>, ProviderError>;
}

/// An EC2 object that is a resource: what differs from type to type. Reading, listing and finding are the same for
/// all of them.
#[async_trait]
pub trait Ec2Resource: Ec2Object {
    /// Says what the schema can't: pure, no calls.
    fn plan(&self, _change: &mut PlannedChange) {}

    /// The call that makes the object; gives its id. Where the answer to it was lost, the object is found by the key.
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError>;

    /// What follows until the object is usable. May find that an interrupted create has done parts of it.
    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError>;

    async fn update(&self, aws: &Aws, request: Update) -> Outcome;
    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError>;
}

#[async_trait]
impl<T: Ec2Resource> Driver<Aws> for T {
    fn plan(&self, change: &mut PlannedChange) {
        Ec2Resource::plan(self, change);
    }

    async fn read_many(&self, aws: &Aws, reads: &[Read]) -> Vec<ReadOutcome> {
        read_many::<T>(aws, reads).await
    }

    async fn create(&self, aws: &Aws, request: Create) -> Outcome {
        match self.begin(aws, &request).await {
            Ok(id) => complete_and_look(self, aws, &id, &request).await,
            Err(error) => Outcome::Failed(error),
        }
    }

    async fn resume(&self, aws: &Aws, found: Stored, request: Create) -> Outcome {
        complete_and_look(self, aws, &found.id.0, &request).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        Ec2Resource::update(self, aws, request).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        gone_is_fine(Ec2Resource::delete(self, aws, request).await)
    }

    async fn list(&self, aws: &Aws, filter: &Filter) -> Result<Vec<Listed>, ProviderError> {
        list::<T>(aws, filter).await
    }

    async fn find_by_key(
        &self,
        aws: &Aws,
        key: &IdempotencyKey,
        desired: &Config,
    ) -> Result<Option<Stored>, ProviderError> {
        match find_id::<T>(aws, key).await? {
            Some(id) => read::<T>(aws, &id, Some(desired)).await,
            None => Ok(None),
        }
    }
}

/// All pages of a Describe operation.
macro_rules! pages {
    ($aws:expr, $action:literal, $request:expr, $items:ident) => {{
        let (request, mut all, mut next) = ($request, Vec::new(), None::<String>);
        loop {
            let page = request.clone().set_next_token(next.take());
            let answer = $aws.call("ec2", $action, || page.clone().send()).await?;
            all.extend(answer.$items.unwrap_or_default());
            match answer.next_token.filter(|t| !t.is_empty()) {
                Some(token) => next = Some(token),
                None => break all,
            }
        }
    }};
}
pub(super) use pages;

/// A filter as EC2 takes it.
pub fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> ApiFilter {
    ApiFilter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

/// Reads many objects with a call for each 200 of them, side by side.
async fn read_many<T: Ec2Object>(aws: &Aws, reads: &[Read]) -> Vec<ReadOutcome> {
    let chunks = reads.chunks(FILTER_VALUES).map(|chunk| async move {
        let failed = |error: ProviderError| vec![ReadOutcome::Failed(error); chunk.len()];
        read_chunk::<T>(aws, chunk).await.unwrap_or_else(failed)
    });
    join_all(chunks).await.into_iter().flatten().collect()
}

async fn read_chunk<T: Ec2Object>(aws: &Aws, reads: &[Read]) -> Result<Vec<ReadOutcome>, ProviderError> {
    let found = T::describe(aws, vec![filter(T::ID_FILTER, reads.iter().map(|r| &*r.id.0))]).await?;
    let prior: std::collections::HashMap<&str, &Read> = reads.iter().map(|r| (&*r.id.0, r)).collect();
    let like = |api: &T::Api| prior.get(T::id(api)?).and_then(|r| r.prior.clone());
    let found: Vec<_> = found.into_iter().filter(|api| !T::is_gone(api)).map(|api| (like(&api), api)).collect();
    let found = stored::<T>(aws, found.into_iter().map(|(like, api)| (api, like)).collect()).await?;
    let found: std::collections::HashMap<RemoteId, Result<Stored, ProviderError>> = found.into_iter().collect();
    let outcome = |read: &Read| match found.get(&read.id) {
        Some(Ok(stored)) => ReadOutcome::Found(stored.clone()),
        Some(Err(error)) if !error.is_not_found() => ReadOutcome::Failed(error.clone()),
        Some(Err(_)) | None => ReadOutcome::Gone,
    };
    Ok(reads.iter().map(outcome).collect())
}

type Stores = Vec<(RemoteId, Result<Stored, ProviderError>)>;

async fn stored<T: Ec2Object>(aws: &Aws, found: Vec<(T::Api, Option<Object>)>) -> Result<Stores, ProviderError> {
    let objects = T::objects(aws, &found).await?;
    let with_id = found.iter().zip(objects).filter_map(|((api, _), object)| {
        let id = T::id(api)?;
        let stored = object.map(|object| Stored::new(id, ObjectBuilder::from(&object).set("id", id).build()));
        Some((RemoteId(id.into()), stored))
    });
    Ok(with_id.collect())
}

/// What is there still.
fn present(found: Stores) -> Result<Vec<Stored>, ProviderError> {
    let is_gone = |stored: &Result<Stored, ProviderError>| stored.as_ref().is_err_and(ProviderError::is_not_found);
    found.into_iter().map(|(_, stored)| stored).filter(|stored| !is_gone(stored)).collect()
}

/// One object, or nothing where it is not (or not yet) there.
pub async fn read<T: Ec2Object>(aws: &Aws, id: &str, like: Option<&Object>) -> Result<Option<Stored>, ProviderError> {
    let found = T::describe(aws, vec![filter(T::ID_FILTER, [id])]).await?;
    let found: Vec<_> = found.into_iter().filter(|a| !T::is_gone(a)).map(|a| (a, like.cloned())).collect();
    // A server that knows no such filter gives others.
    Ok(present(stored::<T>(aws, found).await?)?.into_iter().find(|s| &*s.id.0 == id))
}

/// All objects, or those with the tags of the filter.
async fn list<T: Ec2Object>(aws: &Aws, wanted: &Filter) -> Result<Vec<Listed>, ProviderError> {
    let filters = wanted.tags.iter().map(|(k, v)| filter(&format!("tag:{k}"), [v.as_str()])).collect();
    let found = T::describe(aws, filters).await?.into_iter().filter(|a| !T::is_gone(a)).map(|a| (a, None)).collect();
    Ok(present(stored::<T>(aws, found).await?)?.into_iter().map(listed).collect())
}

/// What is listed goes by its `Name` tag.
pub fn listed(stored: Stored) -> Listed {
    let name = stored.object.string_map("tags_all").into_iter().find(|(k, _)| k == "Name").map(|(_, v)| v);
    Listed { stored, display_name: name }
}

/// The id of the object that a creation with this key made.
pub async fn find_id<T: Ec2Object>(aws: &Aws, key: &IdempotencyKey) -> Result<Option<String>, ProviderError> {
    let found = T::describe(aws, vec![filter(&format!("tag:{KEY_TAG}"), [&*key.0])]).await?;
    Ok(found.iter().filter(|a| !T::is_gone(a)).find_map(T::id).map(str::to_string))
}

/// Waits until EC2 shows a new object: answers lag behind creations
/// (<https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>).
pub async fn appeared<T: Ec2Object>(aws: &Aws, op: &Operation, id: &str) -> Result<(), ProviderError> {
    let look = || async {
        let found = T::describe(aws, vec![filter(T::ID_FILTER, [id])]).await?;
        Ok(if found.is_empty() { Seen::Pending("not found".into()) } else { Seen::Ready(()) })
    };
    aws.wait(op, "found", look).await
}

/// Brings what was begun to its end, and reads it.
async fn complete_and_look<T: Ec2Resource>(resource: &T, aws: &Aws, id: &str, request: &Create) -> Outcome {
    let rest = resource.complete(aws, request, id).await;
    let seen = read::<T>(&aws.for_a_last_look(), id, Some(&request.desired)).await;
    ending::made(seen, id, &request.desired, rest)
}

/// Ends a change: reads what there is now.
pub async fn changed<T: Ec2Object>(aws: &Aws, id: &str, desired: &Config, steps: Result<(), ProviderError>) -> Outcome {
    ending::changed(read::<T>(&aws.for_a_last_look(), id, Some(desired)).await, id, desired, steps)
}

/// Tags to put on at creation, among them the creation's key.
pub fn tag_specification(aws: &Aws, ty: TaggedType, desired: &Config, key: &IdempotencyKey) -> TagSpecification {
    let tags = tags::to_api(&aws.tags().at_creation(desired, key));
    TagSpecification::builder().resource_type(ty).set_tags(Some(tags)).build()
}

/// Brings the tags of an object from what was read to what is wanted.
pub async fn update_tags(aws: &Aws, id: &str, prior: &Object, desired: &Object) -> Result<(), ProviderError> {
    let change = aws.tags().change(prior, desired);
    if !change.remove.is_empty() {
        let gone = change.remove.iter().map(|k| Tag::builder().key(k).build()).collect();
        let request = aws.ec2().delete_tags().resources(id).set_tags(Some(gone));
        aws.call("ec2", "DeleteTags", || request.clone().send()).await?;
    }
    put_tags(aws, id, &change.set).await
}

async fn put_tags(aws: &Aws, id: &str, set: &Tags) -> Result<(), ProviderError> {
    if set.is_empty() {
        return Ok(());
    }
    let request = aws.ec2().create_tags().resources(id).set_tags(Some(tags::to_api(set)));
    aws.call("ec2", "CreateTags", || request.clone().send()).await.map(drop)
}

/// `tags` and `tags_all` of an object.
pub fn put<T: Ec2Object>(aws: &Aws, object: ObjectBuilder, api: &T::Api, like: Option<&Object>) -> ObjectBuilder {
    aws.tags().put(object, tags::from_api(T::tags(api)), like)
}

/// Objects that need no further call.
pub fn each<A>(found: &[(A, Option<Object>)], object: impl Fn(&A, Option<&Object>) -> Object) -> Vec<Mapped> {
    found.iter().map(|(api, like)| Ok(object(api, like.as_ref()))).collect()
}

/// Objects of which each needs calls of its own; the connection bounds how many are in flight.
pub async fn each_with<'a, A, Fut>(
    found: &'a [(A, Option<Object>)],
    object: impl Fn(&'a A, Option<&'a Object>) -> Fut,
) -> Vec<Mapped>
where
    Fut: Future<Output = Mapped>,
{
    join_all(found.iter().map(|(api, like)| object(api, like.as_ref()))).await
}

/// The value that the API gave, unless it is empty: EC2 says "" for what is not there.
pub fn text(value: Option<&str>) -> Option<Value> {
    value.filter(|v| !v.is_empty()).map(Value::from)
}

/// Deletes with a call that fails for as long as something refers to the object; AWS takes minutes to let go of
/// network interfaces. "Already gone" is success.
pub async fn delete_when_free<F, Fut>(aws: &Aws, op: &Operation, call: F) -> Result<(), ProviderError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<(), ProviderError>>,
{
    gone_is_fine(aws.insist(op, IN_USE_LIMIT, |e| e.kind == ErrorKind::Conflict, call).await)
}

/// How long an object may stay in use by others that are being deleted.
const IN_USE_LIMIT: Duration = Duration::from_secs(10 * 60);
