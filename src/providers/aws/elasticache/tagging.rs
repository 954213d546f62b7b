//! Tags of ElastiCache objects: by ARN. ElastiCache: ListTagsForResource, AddTagsToResource,
//! RemoveTagsFromResource.

use crate::model::Object;
use crate::provider::{ErrorKind, Operation, ProviderError};
use crate::providers::aws::named::MINUTE;
use crate::providers::aws::{Aws, tags};

/// The tags of an object.
pub async fn read(aws: &Aws, arn: Option<&str>) -> Result<Vec<(String, String)>, ProviderError> {
    let Some(arn) = arn else { return Ok(Vec::new()) };
    let request = aws.elasticache().list_tags_for_resource().resource_name(arn);
    let answer = aws.call("elasticache", "ListTagsForResource", || request.clone().send()).await?;
    Ok(tags::from_api(answer.tag_list()).collect())
}

/// Brings the tags of an object from what was read to what is wanted. An object that is changing takes none for
/// a while.
pub async fn update(aws: &Aws, op: &Operation, prior: &Object, desired: &Object) -> Result<(), ProviderError> {
    let Some(arn) = prior.str("arn") else { return Ok(()) };
    let change = aws.tags().change(prior, desired);
    let busy = |e: &ProviderError| e.kind == ErrorKind::Conflict;
    if !change.remove.is_empty() {
        let request =
            aws.elasticache().remove_tags_from_resource().resource_name(arn).set_tag_keys(Some(change.remove));
        let call =
            || async { aws.call("elasticache", "RemoveTagsFromResource", || request.clone().send()).await.map(drop) };
        aws.insist(op, MINUTE * 10, busy, call).await?;
    }
    if !change.set.is_empty() {
        let all = tags::to_api(&change.set);
        let request = aws.elasticache().add_tags_to_resource().resource_name(arn).set_tags(Some(all));
        let call = || async { aws.call("elasticache", "AddTagsToResource", || request.clone().send()).await.map(drop) };
        aws.insist(op, MINUTE * 10, busy, call).await?;
    }
    Ok(())
}
