//! `aws_iam_role_policy_attachment`: gives a role the permissions of a managed policy.
//! IAM: AttachRolePolicy, ListAttachedRolePolicies, DetachRolePolicy.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{join_all, try_join_all};

use super::{role, role_own_policies as own};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::string;
use crate::provider::{
    Config, Create, Delete, Driver, Filter, IdempotencyKey, Listed, Outcome, ProviderError, Read, ReadOutcome,
    RemoteId, ResourceType, Seen, Stored, Trace, resource,
};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{self, MINUTE};

/// How long a role or policy that was just made may be unknown.
const NOT_SEEN_LIMIT: Duration = Duration::from_secs(20);

pub fn role_policy_attachment() -> ResourceType<Aws> {
    resource("aws_iam_role_policy_attachment", "Gives a role the permissions of a managed policy.")
        .attr("role", string().required().replaces(), "Name of the role.")
        .attr("policy_arn", string().required().replaces(), "ARN of the policy.")
        .import_example("developer/arn:aws:iam::aws:policy/ReadOnlyAccess")
        .service("iam")
        .driver(Attachment)
}

struct Attachment;

/// Role and policy, from the state or from an import's `role/policy-arn`: names of roles have no slash.
fn ends(id: &RemoteId, prior: Option<&Object>) -> Option<(String, String)> {
    let known = prior.and_then(|o| Some((o.string("role")?, o.string("policy_arn")?)));
    known.or_else(|| id.0.split_once('/').map(|(role, arn)| (role.to_string(), arn.to_string())))
}

fn id_of(role: &str, arn: &str) -> String {
    format!("{role}/{arn}")
}

/// States of other tools have ids of another form; they stay.
fn stored(id: &str, role: &str, arn: &str) -> Stored {
    Stored::new(id, ObjectBuilder::new().set("id", id).set("role", role).set("policy_arn", arn).build())
}

async fn is_attached(aws: &Aws, role: &str, arn: &str) -> Result<bool, ProviderError> {
    let attached = named::or_nothing(own::attached(aws, role).await)?.unwrap_or_default();
    Ok(attached.iter().any(|a| a == arn))
}

#[async_trait]
impl Driver<Aws> for Attachment {
    /// One call for each role, however many attachments it has.
    async fn read_many(&self, aws: &Aws, reads: &[Read]) -> Vec<ReadOutcome> {
        let wanted: Vec<_> = reads.iter().map(|read| ends(&read.id, read.prior.as_ref())).collect();
        let mut roles: Vec<&str> = wanted.iter().flatten().map(|(role, _)| &**role).collect();
        roles.sort_unstable();
        roles.dedup();
        let attached = roles.iter().map(|role| async { named::or_nothing(own::attached(aws, role).await) });
        let attached: HashMap<&str, _> = roles.iter().copied().zip(join_all(attached).await).collect();
        let outcome = |(read, ends): (&Read, &Option<(String, String)>)| {
            let Some((role, arn)) = ends else { return ReadOutcome::Gone };
            match attached.get(&**role) {
                Some(Ok(Some(arns))) if arns.contains(arn) => ReadOutcome::Found(stored(&read.id.0, role, arn)),
                Some(Err(error)) => ReadOutcome::Failed(error.clone()),
                _ => ReadOutcome::Gone,
            }
        };
        reads.iter().zip(&wanted).map(outcome).collect()
    }

    async fn create(&self, aws: &Aws, request: Create) -> Outcome {
        let Create { desired, op, .. } = request;
        let (role, arn) = (desired.str("role").unwrap_or_default(), desired.str("policy_arn").unwrap_or_default());
        let call = || own::attach(aws, role, arn);
        let passes = |e: &ProviderError| e.is_not_found() || e.code.starts_with("ConcurrentModification");
        if let Err(error) = aws.insist(&op, NOT_SEEN_LIMIT, passes, call).await {
            return Outcome::Failed(error);
        }
        let look = || async {
            Ok(match is_attached(aws, role, arn).await? {
                true => Seen::Ready(()),
                false => Seen::Pending("not found".to_string()),
            })
        };
        let stored = stored(&id_of(role, arn), role, arn);
        match aws.wait(&op, "attached", look).await {
            Ok(()) => Outcome::Done(stored),
            Err(error) => Outcome::Partial(stored, error),
        }
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let Some((role, arn)) = ends(&request.id, Some(&request.prior)) else { return Ok(()) };
        let call = || own::detach(aws, &role, &arn);
        let passes = |e: &ProviderError| e.code.starts_with("ConcurrentModification");
        aws.insist(&request.op, MINUTE, passes, call).await
    }

    /// Attachments have no tags: a filter on tags is one on the roles'.
    async fn list(&self, aws: &Aws, filter: &Filter) -> Result<Vec<Listed>, ProviderError> {
        let roles = role::names(aws, filter).await?;
        let attached = try_join_all(roles.iter().map(|role| async {
            let arns = named::or_nothing(own::attached(aws, role).await)?.unwrap_or_default();
            let all = arns.into_iter().map(|arn| stored(&id_of(role, &arn), role, &arn));
            Ok::<Vec<Stored>, ProviderError>(all.collect())
        }));
        let listed = |stored: Stored| Listed { display_name: Some(stored.id.0.to_string()), stored };
        Ok(attached.await?.into_iter().flatten().map(listed).collect())
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
        let (Some(role), Some(arn)) = (desired.str("role"), desired.str("policy_arn")) else { return Ok(None) };
        Ok(is_attached(aws, role, arn).await?.then(|| stored(&id_of(role, arn), role, arn)))
    }

    fn import_id(&self, written: &str) -> Result<RemoteId, ProviderError> {
        match written.split_once('/') {
            Some((role, arn)) if !role.is_empty() && arn.starts_with("arn:") => Ok(RemoteId(written.into())),
            _ => Err(ProviderError::invalid(format!("\"{written}\" does not name an attachment")).help(
                "write the role's name and the policy's ARN, such as developer/arn:aws:iam::aws:policy/ReadOnlyAccess",
            )),
        }
    }
}
