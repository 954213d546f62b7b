//! The policies of a role that the role itself may list: those that stand in it and the managed ones that are attached
//! to it. A role that lists them owns them all; one that does not leaves them alone.
//! IAM: ListRolePolicies, GetRolePolicy, PutRolePolicy, DeleteRolePolicy, ListAttachedRolePolicies, AttachRolePolicy,
//! DetachRolePolicy.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use super::{document, pages};
use crate::model::{Object, ObjectBuilder};
use crate::provider::ProviderError;
use crate::providers::aws::{Aws, named};

/// The attributes of a role that list its policies.
pub const INLINE: &str = "inline_policy";
pub const MANAGED: &str = "managed_policy_arns";

/// Names of the policies that stand in a role.
pub async fn names(aws: &Aws, role: &str) -> Result<Vec<String>, ProviderError> {
    let list = aws.iam().list_role_policies().role_name(role);
    Ok(pages!(aws, "ListRolePolicies", list, |answer| answer.policy_names))
}

/// A policy that stands in a role, as IAM encodes it.
pub async fn document_of(aws: &Aws, role: &str, name: &str) -> Result<Option<String>, ProviderError> {
    let request = aws.iam().get_role_policy().role_name(role).policy_name(name);
    let answer = named::or_nothing(aws.call("iam", "GetRolePolicy", || request.clone().send()).await)?;
    Ok(answer.map(|a| a.policy_document))
}

pub async fn put(aws: &Aws, role: &str, name: &str, document: &str) -> Result<(), ProviderError> {
    let request = aws.iam().put_role_policy().role_name(role).policy_name(name).policy_document(document);
    aws.call("iam", "PutRolePolicy", || request.clone().send()).await.map(drop)
}

pub async fn remove(aws: &Aws, role: &str, name: &str) -> Result<(), ProviderError> {
    let request = aws.iam().delete_role_policy().role_name(role).policy_name(name);
    named::or_nothing(aws.call("iam", "DeleteRolePolicy", || request.clone().send()).await).map(drop)
}

/// The ARNs of the managed policies that are attached to a role.
pub async fn attached(aws: &Aws, role: &str) -> Result<Vec<String>, ProviderError> {
    let list = aws.iam().list_attached_role_policies().role_name(role);
    let all = pages!(aws, "ListAttachedRolePolicies", list, |answer| answer.attached_policies.unwrap_or_default());
    Ok(all.into_iter().filter_map(|policy| policy.policy_arn).collect())
}

pub async fn attach(aws: &Aws, role: &str, arn: &str) -> Result<(), ProviderError> {
    let request = aws.iam().attach_role_policy().role_name(role).policy_arn(arn);
    aws.call("iam", "AttachRolePolicy", || request.clone().send()).await.map(drop)
}

pub async fn detach(aws: &Aws, role: &str, arn: &str) -> Result<(), ProviderError> {
    let request = aws.iam().detach_role_policy().role_name(role).policy_arn(arn);
    named::or_nothing(aws.call("iam", "DetachRolePolicy", || request.clone().send()).await).map(drop)
}

/// Adds what the role lists, where `like`, the state or the configuration, does.
pub async fn put_into(
    aws: &Aws,
    role: &str,
    object: ObjectBuilder,
    like: Option<&Object>,
) -> Result<ObjectBuilder, ProviderError> {
    let mut object = object;
    if like.is_some_and(|o| o.get(MANAGED).is_some()) {
        object = object.string_set(MANAGED, attached(aws, role).await?);
    }
    let said = like.map(|o| o.blocks(INLINE)).unwrap_or_default();
    if said.is_empty() {
        return Ok(object);
    }
    let names = names(aws, role).await?;
    let documents = try_join_all(names.iter().map(|name| document_of(aws, role, name))).await?;
    let found: Vec<Object> = names.iter().zip(documents).filter_map(|(n, d)| Some(block(n, &d?, &said))).collect();
    // An empty block says that there are none.
    let is_none_said = found.is_empty() && said.iter().all(|b| b.str("name").is_none());
    Ok(object.blocks(INLINE, if is_none_said { said } else { found }))
}

fn block(name: &str, encoded: &str, said: &[Object]) -> Object {
    let like = said.iter().find(|b| b.str("name") == Some(name));
    ObjectBuilder::new().set("name", name).set("policy", document(encoded, like, "policy")).build()
}

/// Brings the policies of a role to what it lists, where it lists any.
pub async fn settle(aws: &Aws, role: &str, desired: &Object) -> Result<(), ProviderError> {
    if desired.get(MANAGED).is_some() {
        let (now, shall) = (attached(aws, role).await?, desired.strings(MANAGED));
        for arn in shall.iter().filter(|arn| !now.contains(arn)) {
            attach(aws, role, arn).await?;
        }
        for arn in now.iter().filter(|arn| !shall.contains(arn)) {
            detach(aws, role, arn).await?;
        }
    }
    let blocks = desired.blocks(INLINE);
    if blocks.is_empty() {
        return Ok(());
    }
    let shall: BTreeMap<String, String> =
        blocks.iter().filter_map(|b| Some((b.string("name")?, b.string("policy")?))).collect();
    for (name, document) in &shall {
        put(aws, role, name, document).await?;
    }
    for name in names(aws, role).await?.iter().filter(|name| !shall.contains_key(*name)) {
        remove(aws, role, name).await?;
    }
    Ok(())
}

/// Takes all policies away.
pub async fn drop_all(aws: &Aws, role: &str) -> Result<(), ProviderError> {
    for arn in attached(aws, role).await? {
        detach(aws, role, &arn).await?;
    }
    for name in names(aws, role).await? {
        remove(aws, role, &name).await?;
    }
    Ok(())
}
