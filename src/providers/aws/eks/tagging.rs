//! Tags of EKS objects: by ARN, as a map. EKS: TagResource, UntagResource.

use std::collections::HashMap;

use crate::model::Object;
use crate::provider::{IdempotencyKey, ProviderError};
use crate::providers::aws::Aws;

/// Tags to put on at creation, among them the creation's key.
pub fn at_creation(aws: &Aws, desired: &Object, key: &IdempotencyKey) -> Option<HashMap<String, String>> {
    Some(aws.tags().at_creation(desired, key).into_iter().collect())
}

/// Tags as an answer has them.
pub fn pairs(tags: Option<&HashMap<String, String>>) -> Vec<(String, String)> {
    tags.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Brings the tags of an object from what was read to what is wanted.
pub async fn update(aws: &Aws, prior: &Object, desired: &Object) -> Result<(), ProviderError> {
    let Some(arn) = prior.str("arn") else { return Ok(()) };
    let change = aws.tags().change(prior, desired);
    if !change.remove.is_empty() {
        let request = aws.eks().untag_resource().resource_arn(arn).set_tag_keys(Some(change.remove));
        aws.call("eks", "UntagResource", || request.clone().send()).await?;
    }
    if !change.set.is_empty() {
        let request = aws.eks().tag_resource().resource_arn(arn).set_tags(Some(change.set.into_iter().collect()));
        aws.call("eks", "TagResource", || request.clone().send()).await?;
    }
    Ok(())
}
