//! `aws_iam_policy`: permissions that roles, users and groups can be given.
//! IAM: CreatePolicy, GetPolicy, GetPolicyVersion, ListPolicies, ListPolicyVersions, CreatePolicyVersion,
//! DeletePolicyVersion, TagPolicy, UntagPolicy, DeletePolicy.

use async_trait::async_trait;
use aws_sdk_iam::operation::create_policy::CreatePolicyOutput;
use aws_sdk_iam::types::{Policy as Summary, PolicyScopeType, PolicyVersion};
use futures::future::try_join_all;

use super::{document, pages};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{number, policy as policy_word, string};
use crate::provider::{
    Config, Create, Delete, ErrorKind, IdempotencyKey, Outcome, ProviderError, ResourceType, Seen, Update, resource,
};
use crate::providers::aws::named::{self, ByName, MINUTE, NamedObject, NamedResource, Naming, said};
use crate::providers::aws::{Aws, tags};

/// Versions that a policy can have
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>).
const MOST_VERSIONS: usize = 5;

pub fn policy() -> ResourceType<Aws> {
    resource("aws_iam_policy", "Permissions that roles, users and groups can be given.")
        .attr("name", string().optional().computed().replaces().conflicts_with(&["name_prefix"]), "Name of the policy.")
        .attr("name_prefix", string().optional().computed().replaces(), "Beginning of a name that is made up.")
        .attr("policy", policy_word().required(), "JSON policy: what is allowed.")
        .attr("path", string().default("/").replaces(), "Path of the policy, such as /service/.")
        .attr("description", string().optional().replaces(), "What the policy is for.")
        .attr("arn", string().always(), "ARN of the policy.")
        .attr("attachment_count", number().computed(), "How many roles, users and groups have it.")
        .attr("policy_id", string().computed(), "Id that no other policy ever gets.")
        .tags()
        .import_example("arn:aws:iam::123456789012:policy/UsersManageOwnCredentials")
        .service("iam")
        .driver(ByName(Policy))
}

pub struct Policy;

/// A policy with the document of its version in force.
pub struct Api {
    pub summary: Summary,
    pub document: String,
}

#[async_trait]
impl NamedObject for Policy {
    type Api = Api;
    const NAME: Naming = Naming { attribute: "name", prefix_attribute: "name_prefix", default_prefix: "terraform-" };
    /// ListPolicies tells neither tags nor documents: each policy takes calls anyway.
    const FEW: usize = usize::MAX;

    /// By ARN, or by path and name, which is what a configuration knows before there is an ARN.
    async fn describe(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
        match id.starts_with("arn:") {
            true => by_arn(aws, id).await,
            false => by_name(aws, id).await,
        }
    }

    /// Policies that users manage.
    async fn describe_all(aws: &Aws) -> Result<Vec<Api>, ProviderError> {
        let all = own(aws, "/").await?;
        let whole = try_join_all(all.iter().filter_map(Summary::arn).map(|arn| by_arn(aws, arn))).await?;
        Ok(whole.into_iter().flatten().collect())
    }

    fn id(api: &Api) -> Option<String> {
        api.summary.arn.clone()
    }

    async fn tags(_aws: &Aws, api: &Api) -> Result<Vec<(String, String)>, ProviderError> {
        Ok(tags::from_api(api.summary.tags()).collect())
    }

    fn fields(_aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
        let summary = &api.summary;
        // An empty description reads as none: it stays as it is written.
        let empty = like.and_then(|o| o.string("description")).filter(String::is_empty);
        let description = summary.description().filter(|d| !d.is_empty()).map(str::to_string);
        ObjectBuilder::new()
            .maybe("name", summary.policy_name())
            .maybe("name_prefix", said(like, "name_prefix"))
            .set("policy", document(&api.document, like, "policy"))
            .maybe("path", summary.path())
            .maybe("description", description.or(empty))
            .maybe("arn", summary.arn())
            .maybe("attachment_count", summary.attachment_count())
            .maybe("policy_id", summary.policy_id())
    }

    fn id_of(desired: &Config, key: &IdempotencyKey) -> String {
        format!("{}{}", desired.str("path").unwrap_or("/"), Self::NAME.of(desired, key))
    }
}

async fn by_arn(aws: &Aws, arn: &str) -> Result<Option<Api>, ProviderError> {
    let request = aws.iam().get_policy().policy_arn(arn);
    let answer = named::or_nothing(aws.call("iam", "GetPolicy", || request.clone().send()).await)?;
    let Some(summary) = answer.and_then(|a| a.policy) else { return Ok(None) };
    let version = summary.default_version_id().unwrap_or_default();
    let request = aws.iam().get_policy_version().policy_arn(arn).version_id(version);
    let answer = named::or_nothing(aws.call("iam", "GetPolicyVersion", || request.clone().send()).await)?;
    let document = answer.and_then(|a| a.policy_version).and_then(|v| v.document);
    Ok(document.map(|document| Api { summary, document }))
}

async fn by_name(aws: &Aws, path_and_name: &str) -> Result<Option<Api>, ProviderError> {
    let Some(end_of_path) = path_and_name.rfind('/') else { return Ok(None) };
    let (path, name) = path_and_name.split_at(end_of_path + 1);
    let all = own(aws, path).await?;
    let found = all.iter().find(|p| p.path() == Some(path) && p.policy_name() == Some(name));
    match found.and_then(Summary::arn) {
        Some(arn) => by_arn(aws, arn).await,
        None => Ok(None),
    }
}

async fn own(aws: &Aws, path: &str) -> Result<Vec<Summary>, ProviderError> {
    let list = aws.iam().list_policies().scope(PolicyScopeType::Local).path_prefix(path);
    Ok(pages!(aws, "ListPolicies", list, |answer| answer.policies.unwrap_or_default()))
}

#[async_trait]
impl NamedResource for Policy {
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let create = aws
            .iam()
            .create_policy()
            .policy_name(Self::NAME.of(desired, key))
            .set_policy_document(desired.string("policy"))
            .set_path(desired.string("path"))
            .set_description(desired.string("description").filter(|d| !d.is_empty()))
            .set_tags(Some(tags::to_api(&aws.tags().at_creation(desired, key))));
        let id = |answer: &CreatePolicyOutput| answer.policy().and_then(|p| p.arn.clone());
        let find = || named::find_id::<Policy>(aws, key, desired);
        let call = aws.create("iam", "CreatePolicy", || create.clone().send(), id, find);
        named::make::<Policy, _>(aws, key, desired, call).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        named::wait_for::<Policy>(aws, &request.op, id, "found", |_| Ok(Seen::Ready(()))).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let changed = change(aws, &request).await;
        named::changed::<Policy>(aws, named::name(&request.id), &request.desired, changed).await
    }

    /// The versions that are not in force go first; what the policy is still attached to may be on its way out.
    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let arn = named::name(&request.id);
        for version in versions(aws, arn).await?.iter().filter(|v| !v.is_default_version) {
            drop_version(aws, arn, version).await?;
        }
        let delete = aws.iam().delete_policy().policy_arn(arn);
        let call = || async { aws.call("iam", "DeletePolicy", || delete.clone().send()).await.map(drop) };
        aws.insist(&request.op, MINUTE, |e| e.kind == ErrorKind::Conflict, call).await
    }
}

async fn change(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    let (arn, desired) = (named::name(&update.id), &update.desired);
    if update.has_changed("policy") {
        make_room(aws, arn).await?;
        let request = aws
            .iam()
            .create_policy_version()
            .policy_arn(arn)
            .set_policy_document(desired.string("policy"))
            .set_as_default(true);
        aws.call("iam", "CreatePolicyVersion", || request.clone().send()).await?;
    }
    let change = aws.tags().change(&update.prior, desired);
    if !change.remove.is_empty() {
        let request = aws.iam().untag_policy().policy_arn(arn).set_tag_keys(Some(change.remove));
        aws.call("iam", "UntagPolicy", || request.clone().send()).await?;
    }
    if !change.set.is_empty() {
        let request = aws.iam().tag_policy().policy_arn(arn).set_tags(Some(tags::to_api(&change.set)));
        aws.call("iam", "TagPolicy", || request.clone().send()).await?;
    }
    Ok(())
}

/// Drops the oldest version that is not in force, where there is no room for another.
async fn make_room(aws: &Aws, arn: &str) -> Result<(), ProviderError> {
    let all = versions(aws, arn).await?;
    if all.len() < MOST_VERSIONS {
        return Ok(());
    }
    let age = |version: &&PolicyVersion| version.create_date.map(|d| (d.secs(), d.subsec_nanos()));
    match all.iter().filter(|v| !v.is_default_version).min_by_key(age) {
        Some(oldest) => drop_version(aws, arn, oldest).await,
        None => Ok(()),
    }
}

async fn versions(aws: &Aws, arn: &str) -> Result<Vec<PolicyVersion>, ProviderError> {
    let list = aws.iam().list_policy_versions().policy_arn(arn);
    Ok(pages!(aws, "ListPolicyVersions", list, |answer| answer.versions.unwrap_or_default()))
}

async fn drop_version(aws: &Aws, arn: &str, version: &PolicyVersion) -> Result<(), ProviderError> {
    let request = aws.iam().delete_policy_version().policy_arn(arn).set_version_id(version.version_id.clone());
    named::or_nothing(aws.call("iam", "DeletePolicyVersion", || request.clone().send()).await).map(drop)
}
