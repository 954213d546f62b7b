//! `aws_s3_bucket`: a container of objects, with a name that is unique in the world.
//! S3: CreateBucket, GetBucketLocation, GetBucketTagging, PutBucketTagging, GetObjectLockConfiguration, ListBuckets,
//! DeleteBucket.

use async_trait::async_trait;
use aws_sdk_s3::operation::create_bucket::CreateBucketOutput;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tagging};
use futures::future::{try_join, try_join_all};

use super::contents;
use super::hosted_zones::hosted_zone;
use super::setting::unfit;
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{boolean, string};
use crate::provider::{
    Config, Create, Delete, ErrorKind, IdempotencyKey, Operation, Outcome, ProviderError, ResourceType, Seen, Trace,
    Update, resource,
};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{self, ByName, MINUTE, NamedObject, NamedResource, Naming, said};
use crate::providers::aws::tags::{self, Tags};

/// The region whose buckets have no location constraint, and which answers 200 where one's own bucket is made again.
const FIRST_REGION: &str = "us-east-1";

pub fn bucket() -> ResourceType<Aws> {
    resource("aws_s3_bucket", "A container of objects.")
        .attr(
            "bucket",
            string().optional().computed().replaces().conflicts_with(&["bucket_prefix"]),
            "Name of the bucket, unique in the world.",
        )
        .attr("bucket_prefix", string().optional().computed().replaces(), "Beginning of a name that is made up.")
        .attr("force_destroy", boolean().default(false), "Delete all objects, versions too, with the bucket.")
        .attr(
            "object_lock_enabled",
            boolean().optional().computed().replaces(),
            "Let objects be locked against deletion.",
        )
        .attr("arn", string().always(), "ARN of the bucket.")
        .attr("bucket_domain_name", string().computed(), "Host name of the bucket.")
        .attr("bucket_regional_domain_name", string().computed(), "Host name of the bucket in its region.")
        .attr("hosted_zone_id", string().computed(), "Route 53 zone of websites in the bucket's region.")
        .attr("bucket_region", string().computed(), "The region that the bucket lies in.")
        .attr("region", string().computed(), "As bucket_region.")
        .tags()
        .timeouts(MINUTE * 20, MINUTE * 20, MINUTE * 60)
        .import_example("my-bucket")
        .service("s3")
        .driver(ByName(Bucket))
}

/// A bucket. It is also what settings list by.
pub struct Bucket;

/// What several calls tell of a bucket.
pub struct Api {
    name: String,
    region: String,
    tags: Vec<(String, String)>,
    is_lockable: bool,
}

#[async_trait]
impl NamedObject for Bucket {
    type Api = Api;
    const NAME: Naming =
        Naming { attribute: "bucket", prefix_attribute: "bucket_prefix", default_prefix: "terraform-" };
    /// ListBuckets tells names only: each bucket takes calls anyway.
    const FEW: usize = usize::MAX;

    async fn describe(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
        let Some(region) = location(aws, id).await? else { return Ok(None) };
        let (tags, is_lockable) = try_join(read_tags(aws, id), is_lockable(aws, id)).await?;
        Ok(Some(Api { name: id.to_string(), region, tags, is_lockable }))
    }

    /// The buckets of the connection's region: those of others are another connection's.
    async fn describe_all(aws: &Aws) -> Result<Vec<Api>, ProviderError> {
        let names = names(aws).await?;
        let all = try_join_all(names.iter().map(|name| Self::describe(aws, name))).await?;
        Ok(all.into_iter().flatten().filter(|api| api.region == aws.region()).collect())
    }

    fn id(api: &Api) -> Option<String> {
        Some(api.name.clone())
    }

    async fn tags(_aws: &Aws, api: &Api) -> Result<Vec<(String, String)>, ProviderError> {
        Ok(api.tags.clone())
    }

    fn fields(aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
        let (name, region, partition) = (&api.name, &api.region, aws.partition());
        let is_forced = like.and_then(|o| o.bool("force_destroy")).unwrap_or(false);
        ObjectBuilder::new()
            .set("bucket", name.as_str())
            .maybe("bucket_prefix", said(like, "bucket_prefix"))
            .set("force_destroy", is_forced)
            .set("object_lock_enabled", api.is_lockable)
            .set("arn", format!("arn:{}:s3:::{name}", partition.name))
            .set("bucket_domain_name", format!("{name}.s3.{}", partition.dns_suffix))
            .set("bucket_regional_domain_name", format!("{name}.s3.{region}.{}", partition.dns_suffix))
            .maybe("hosted_zone_id", hosted_zone(region))
            .set("bucket_region", region.as_str())
            .set("region", region.as_str())
    }
}

#[async_trait]
impl NamedResource for Bucket {
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        make(aws, &request.op, &request.desired, &request.key).await
    }

    const TRACE: Trace = Trace::Likeness;

    /// The tags come with a call of their own. A bucket that was there before the creation began would have ended it.
    async fn find_unmarked(aws: &Aws, key: &IdempotencyKey, desired: &Config) -> Result<Option<String>, ProviderError> {
        let name = Self::id_of(desired, key);
        Ok(own_without_tags(aws, &name).await?.then_some(name))
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        let tags = aws.tags().at_creation(&request.desired, &request.key);
        put_tags(aws, &request.op, id, &tags).await
    }

    /// `force_destroy` lives in the state alone.
    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let changed = change_tags(aws, &request).await;
        named::changed::<Bucket>(aws, named::name(&request.id), &request.desired, changed).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let (name, op) = (named::name(&request.id), &request.op);
        let is_forced = request.prior.bool("force_destroy") == Some(true);
        let is_lockable = request.prior.bool("object_lock_enabled") == Some(true);
        let call = || async {
            match delete(aws, name).await {
                Err(error) if is_forced && error.code == "BucketNotEmpty" => {
                    contents::delete_all(aws, op, name, is_lockable).await?;
                    Err(error)
                }
                other => other,
            }
        };
        let passes = |e: &ProviderError| (is_forced && e.code == "BucketNotEmpty") || is_busy(e);
        let deleted = aws.insist(op, op.timeout, passes, call).await;
        named::or_nothing(deleted.map_err(|e| not_empty(e, is_forced)))?;
        let look = || async {
            let found = location(aws, name).await?;
            Ok(if found.is_none() { Seen::Ready(()) } else { Seen::Pending("deleting".to_string()) })
        };
        aws.wait(op, "deleted", look).await
    }
}

/// Another change of the same bucket is going on.
pub fn is_busy(error: &ProviderError) -> bool {
    error.code == "OperationAborted"
}

/// Names of all buckets that may lie in the connection's region.
pub async fn names(aws: &Aws) -> Result<Vec<String>, ProviderError> {
    let (mut all, mut next) = (Vec::new(), None::<String>);
    loop {
        let page = aws.s3().list_buckets().max_buckets(1000).set_continuation_token(next.take());
        let answer = aws.call("s3", "ListBuckets", || page.clone().send()).await?;
        let is_near = |b: &aws_sdk_s3::types::Bucket| b.bucket_region().is_none_or(|r| r == aws.region());
        all.extend(answer.buckets.unwrap_or_default().into_iter().filter(is_near).filter_map(|b| b.name));
        match answer.continuation_token.filter(|t| !t.is_empty()) {
            Some(token) => next = Some(token),
            None => return Ok(all),
        }
    }
}

/// The region of a bucket, nothing where there is no such bucket. The first region goes by no name, and Ireland by
/// an old one (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>).
pub async fn location(aws: &Aws, name: &str) -> Result<Option<String>, ProviderError> {
    let request = aws.s3().get_bucket_location().bucket(name);
    let answer = named::or_nothing(aws.call("s3", "GetBucketLocation", || request.clone().send()).await)?;
    let region = |constraint: Option<BucketLocationConstraint>| match constraint.as_ref().map(|c| c.as_str()) {
        None | Some("") => FIRST_REGION.to_string(),
        Some("EU") => "eu-west-1".to_string(),
        Some(region) => region.to_string(),
    };
    Ok(answer.map(|a| region(a.location_constraint)))
}

async fn read_tags(aws: &Aws, name: &str) -> Result<Vec<(String, String)>, ProviderError> {
    let request = aws.s3().get_bucket_tagging().bucket(name);
    let answer = named::or_nothing(aws.call("s3", "GetBucketTagging", || request.clone().send()).await)?;
    Ok(answer.map(|a| tags::from_api(&a.tag_set).collect()).unwrap_or_default())
}

async fn is_lockable(aws: &Aws, name: &str) -> Result<bool, ProviderError> {
    let request = aws.s3().get_object_lock_configuration().bucket(name);
    let answer = aws.call("s3", "GetObjectLockConfiguration", || request.clone().send()).await;
    let lock = named::or_nothing(answer)?.and_then(|a| a.object_lock_configuration);
    Ok(lock.and_then(|l| l.object_lock_enabled).is_some_and(|e| e.as_str() == "Enabled"))
}

async fn make(aws: &Aws, op: &Operation, desired: &Object, key: &IdempotencyKey) -> Result<String, ProviderError> {
    let name = Bucket::id_of(desired, key);
    if is_there(aws, &name).await? {
        // A name that was made up holds the key: nobody else's bucket is called so.
        let is_ours = desired.str("bucket").is_none();
        let found = if is_ours { Some(name.clone()) } else { named::find_id::<Bucket>(aws, key, desired).await? };
        return found.ok_or_else(|| taken(&name));
    }
    let place = BucketLocationConstraint::from(aws.region());
    let place = CreateBucketConfiguration::builder().location_constraint(place).build();
    let create = aws
        .s3()
        .create_bucket()
        .bucket(&name)
        .set_object_lock_enabled_for_bucket(desired.bool("object_lock_enabled").filter(|on| *on))
        .set_create_bucket_configuration(Some(place).filter(|_| aws.region() != FIRST_REGION));
    let id = |_: &CreateBucketOutput| Some(name.clone());
    // The tags come with the next call: after a lost answer the bucket has none yet, and was not there before.
    let find = || async { Ok(own_without_tags(aws, &name).await?.then(|| name.clone())) };
    let call = || async { aws.create("s3", "CreateBucket", || create.clone().send(), id, find).await };
    named::make::<Bucket, _>(aws, key, desired, aws.insist(op, MINUTE * 2, is_busy, call)).await
}

/// Whether the account has the bucket already: the first region would not refuse to make it again. What cannot be
/// seen is another account's, and is refused.
async fn is_there(aws: &Aws, name: &str) -> Result<bool, ProviderError> {
    match location(aws, name).await {
        Err(error) if error.kind == ErrorKind::Denied => Ok(false),
        found => Ok(found?.is_some()),
    }
}

/// After a failure that leaves open whether the bucket was made: one that has no tags is the one.
async fn own_without_tags(aws: &Aws, name: &str) -> Result<bool, ProviderError> {
    Ok(Bucket::describe(aws, name).await?.is_some_and(|api| api.tags.is_empty()))
}

fn taken(name: &str) -> ProviderError {
    ProviderError::new(ErrorKind::AlreadyExists, format!("a bucket \"{name}\" is yours already"))
        .operation("s3:CreateBucket")
        .code("BucketAlreadyOwnedByYou")
        .help("import it, or choose another name")
}

async fn delete(aws: &Aws, name: &str) -> Result<(), ProviderError> {
    let request = aws.s3().delete_bucket().bucket(name);
    aws.call("s3", "DeleteBucket", || request.clone().send()).await.map(drop)
}

fn not_empty(error: ProviderError, is_forced: bool) -> ProviderError {
    match error.code == "BucketNotEmpty" && !is_forced {
        true => error.help("empty the bucket, or set \"force_destroy\" to true and apply that first"),
        false => error,
    }
}

async fn change_tags(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    let change = aws.tags().change(&update.prior, &update.desired);
    if change.is_empty() {
        return Ok(());
    }
    let name = named::name(&update.id);
    // All tags are put at once: those that do not show are kept.
    let mut all: Tags = read_tags(aws, name).await?.into_iter().collect();
    all.retain(|key, _| !change.remove.contains(key));
    all.extend(change.set);
    put_tags(aws, &update.op, name, &all).await
}

async fn put_tags(aws: &Aws, op: &Operation, name: &str, all: &Tags) -> Result<(), ProviderError> {
    let set = Tagging::builder().set_tag_set(Some(tags::to_api(all))).build().map_err(unfit)?;
    let request = aws.s3().put_bucket_tagging().bucket(name).tagging(set);
    let call = || async { aws.call("s3", "PutBucketTagging", || request.clone().send()).await.map(drop) };
    // A new bucket may not be known everywhere yet.
    aws.insist(op, MINUTE, |e| e.is_not_found() || is_busy(e), call).await
}
