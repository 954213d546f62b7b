//! Tags of RDS objects: by ARN. RDS: ListTagsForResource, AddTagsToResource, RemoveTagsFromResource.

use crate::model::Object;
use crate::provider::ProviderError;
use crate::providers::aws::Aws;
use crate::providers::aws::tags;

/// The tags of an object whose description does not have them.
pub async fn read(aws: &Aws, arn: Option<&str>) -> Result<Vec<(String, String)>, ProviderError> {
    let Some(arn) = arn else { return Ok(Vec::new()) };
    let request = aws.rds().list_tags_for_resource().resource_name(arn);
    let answer = aws.call("rds", "ListTagsForResource", || request.clone().send()).await?;
    Ok(tags::from_api(answer.tag_list()).collect())
}

/// Brings the tags of an object from what was read to what is wanted.
pub async fn update(aws: &Aws, prior: &Object, desired: &Object) -> Result<(), ProviderError> {
    let Some(arn) = prior.str("arn") else { return Ok(()) };
    let change = aws.tags().change(prior, desired);
    if !change.remove.is_empty() {
        let request = aws.rds().remove_tags_from_resource().resource_name(arn).set_tag_keys(Some(change.remove));
        aws.call("rds", "RemoveTagsFromResource", || request.clone().send()).await?;
    }
    if !change.set.is_empty() {
        let request = aws.rds().add_tags_to_resource().resource_name(arn).set_tags(Some(tags::to_api(&change.set)));
        aws.call("rds", "AddTagsToResource", || request.clone().send()).await?;
    }
    Ok(())
}
