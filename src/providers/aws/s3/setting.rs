//! What the settings of a bucket have in common: each is one document of the bucket, put as a whole. Putting it
//! again is harmless. What an interrupted creation put is told by what it says.
//!
//! The id is the bucket's name, followed by a comma and the account that must own it, where one is set.

use async_trait::async_trait;
use futures::future::{join_all, try_join_all};

use super::bucket::{self, Bucket};
use crate::model::{Object, ObjectBuilder, Value};
use crate::provider::{
    Config, Create, Delete, Driver, Filter, IdempotencyKey, Listed, Operation, Outcome, ProviderError, Read,
    ReadOutcome, RemoteId, Seen, Stored, Trace, Update,
};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{self, ByName, MINUTE};

/// A bucket, and the account that must own it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub bucket: String,
    pub owner: Option<String>,
}

impl Place {
    fn parse(id: &str) -> Place {
        match id.split_once(',') {
            Some((bucket, owner)) => Place { bucket: bucket.to_string(), owner: Some(owner.to_string()) },
            None => Place { bucket: id.to_string(), owner: None },
        }
    }

    fn of(desired: &Config) -> Place {
        let owner = desired.string("expected_bucket_owner").filter(|o| !o.is_empty());
        Place { bucket: desired.string("bucket").unwrap_or_default(), owner }
    }

    fn id(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{},{owner}", self.bucket),
            None => self.bucket.clone(),
        }
    }
}

/// What differs from setting to setting; [`OfBucket`] makes a driver of it.
#[async_trait]
pub trait Setting: Send + Sync {
    /// The attributes without `bucket`, the owner and `id`; nothing where the bucket does not have it.
    /// `like` is what the state or the configuration has.
    async fn get(aws: &Aws, place: &Place, like: Option<&Object>) -> Result<Option<ObjectBuilder>, ProviderError>;

    async fn put(aws: &Aws, place: &Place, desired: &Config) -> Result<(), ProviderError>;

    /// Sets the bucket back to how it is without the setting.
    async fn reset(aws: &Aws, place: &Place, prior: &Object) -> Result<(), ProviderError>;

    /// Whether what was read is what was put; answers lag behind.
    fn shows(_object: &Object, _desired: &Config) -> bool {
        true
    }

    /// Whether what was read shows up in lists: no for what every bucket has.
    fn is_listed(_object: &Object) -> bool {
        true
    }
}

/// The driver of a setting.
pub struct OfBucket<T>(pub T);

async fn read<T: Setting>(aws: &Aws, place: &Place, like: Option<&Object>) -> Result<Option<Stored>, ProviderError> {
    let id = place.id();
    let Some(object) = T::get(aws, place, like).await? else { return Ok(None) };
    let object = object.set("bucket", place.bucket.as_str()).set("id", id.as_str());
    let object = object.maybe("expected_bucket_owner", place.owner.as_deref()).build();
    Ok(Some(Stored::new(id, object)))
}

/// Puts the document and waits until it shows.
async fn put<T: Setting>(aws: &Aws, op: &Operation, desired: &Config) -> Result<Stored, (bool, ProviderError)> {
    let place = Place::of(desired);
    let call = || async { T::put(aws, &place, desired).await };
    // A new bucket may not be known everywhere yet, nor may a new role that a policy names.
    let passes = |e: &ProviderError| e.code == "NoSuchBucket" || bucket::is_busy(e) || is_principal_not_seen_yet(e);
    aws.insist(op, MINUTE, passes, call).await.map_err(|e| (false, e))?;
    let look = || async {
        Ok(match read::<T>(aws, &place, Some(desired)).await? {
            Some(stored) if T::shows(&stored.object, desired) => Seen::Ready(stored),
            Some(_) => Seen::Pending("as before".to_string()),
            None => Seen::Pending("not found".to_string()),
        })
    };
    aws.wait(op, "found", look).await.map_err(|e| (true, e))
}

/// Whether what was found has all that is wanted of it, in blocks too.
fn says(found: &Value, wanted: &Value) -> bool {
    if let Some(fields) = wanted.as_fields() {
        return fields.iter().all(|(name, wanted)| match found.attr(name) {
            Some(found) => says(&found, wanted),
            None => wanted.is_null() || wanted.as_items().is_some_and(<[Value]>::is_empty),
        });
    }
    match (wanted.as_items(), found.as_items()) {
        (Some(wanted), Some(found)) => {
            let is_there = |wanted: &Value| found.iter().any(|found| says(found, wanted));
            wanted.len() == found.len() && wanted.iter().all(is_there)
        }
        _ => wanted.is_null() || found == wanted,
    }
}

/// S3 refuses a policy that names a role or user which it does not know yet.
fn is_principal_not_seen_yet(error: &ProviderError) -> bool {
    error.code == "MalformedPolicy" && error.message.contains("rincipal")
}

/// A part of a request that lacks what the API requires.
pub fn unfit(error: aws_smithy_types::error::operation::BuildError) -> ProviderError {
    ProviderError::invalid(error.to_string())
}

fn outcome(result: Result<Stored, (bool, ProviderError)>, desired: &Config) -> Outcome {
    match result {
        Ok(stored) => Outcome::Done(stored),
        Err((false, error)) => Outcome::Failed(error),
        Err((true, error)) => {
            let id = Place::of(desired).id();
            let object = ObjectBuilder::from(desired).set("id", id.as_str()).build();
            Outcome::Partial(Stored::new(id, object), error)
        }
    }
}

#[async_trait]
impl<T: Setting> Driver<Aws> for OfBucket<T> {
    /// A call for each, side by side: S3 has none for many.
    async fn read_many(&self, aws: &Aws, reads: &[Read]) -> Vec<ReadOutcome> {
        let one = |wanted: &Read| {
            let (place, prior) = (Place::parse(&wanted.id.0), wanted.prior.clone());
            async move {
                match read::<T>(aws, &place, prior.as_ref()).await {
                    Ok(Some(stored)) => ReadOutcome::Found(stored),
                    Ok(None) => ReadOutcome::Gone,
                    Err(error) => ReadOutcome::Failed(error),
                }
            }
        };
        join_all(reads.iter().map(one)).await
    }

    async fn create(&self, aws: &Aws, request: Create) -> Outcome {
        outcome(put::<T>(aws, &request.op, &request.desired).await, &request.desired)
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        outcome(put::<T>(aws, &request.op, &request.desired).await, &request.desired)
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let place = Place::parse(&request.id.0);
        let call = || async { T::reset(aws, &place, &request.prior).await };
        named::or_nothing(aws.insist(&request.op, MINUTE, bucket::is_busy, call).await).map(drop)
    }

    /// Settings have no tags: a filter on tags is one on the buckets'.
    async fn list(&self, aws: &Aws, filter: &Filter) -> Result<Vec<Listed>, ProviderError> {
        let buckets = ByName(Bucket).list(aws, filter).await?;
        let places: Vec<Place> = buckets.iter().map(|b| Place::parse(&b.stored.id.0)).collect();
        let found = try_join_all(places.iter().map(|place| read::<T>(aws, place, None))).await?;
        let shown = found.into_iter().flatten().filter(|stored| T::is_listed(&stored.object));
        Ok(shown.map(|stored| Listed { display_name: Some(stored.id.0.to_string()), stored }).collect())
    }

    fn trace(&self) -> Trace {
        Trace::Likeness
    }

    async fn find_by_key(
        &self,
        aws: &Aws,
        _key: &IdempotencyKey,
        desired: &Config,
    ) -> Result<Option<Stored>, ProviderError> {
        let found = read::<T>(aws, &Place::of(desired), Some(desired)).await?;
        Ok(found.filter(|stored| says(&stored.object.value(), &desired.value())))
    }

    fn import_id(&self, written: &str) -> Result<RemoteId, ProviderError> {
        let place = Place::parse(written);
        match place.bucket.is_empty() || place.owner.as_deref() == Some("") {
            false => Ok(RemoteId(written.into())),
            true => Err(ProviderError::invalid(format!("\"{written}\" does not name a bucket"))
                .help("write the bucket's name, such as my-bucket or my-bucket,123456789012")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_the_bucket_and_its_owner() {
        for id in ["logs", "logs,123456789012"] {
            assert_eq!(Place::parse(id).id(), id);
        }
        assert_eq!(Place::parse("logs,1").owner.as_deref(), Some("1"));
        let desired = ObjectBuilder::new().set("bucket", "logs").set("expected_bucket_owner", "1").build();
        assert_eq!(Place::of(&desired).id(), "logs,1");
    }
}
