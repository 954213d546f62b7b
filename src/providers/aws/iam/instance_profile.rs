//! `aws_iam_instance_profile`: hands a role to EC2 instances.
//! IAM: CreateInstanceProfile, GetInstanceProfile, ListInstanceProfiles, AddRoleToInstanceProfile,
//! RemoveRoleFromInstanceProfile, TagInstanceProfile, UntagInstanceProfile, DeleteInstanceProfile.

use async_trait::async_trait;
use aws_sdk_iam::operation::create_instance_profile::CreateInstanceProfileOutput;
use aws_sdk_iam::types::InstanceProfile as Api;
use aws_smithy_types::date_time::Format;
use futures::future::try_join_all;

use super::pages;
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::string;
use crate::provider::{Create, Delete, Operation, Outcome, ProviderError, ResourceType, Seen, Update, resource};
use crate::providers::aws::named::{self, ByName, MINUTE, NamedObject, NamedResource, Naming, said};
use crate::providers::aws::{Aws, tags};

pub fn instance_profile() -> ResourceType<Aws> {
    resource("aws_iam_instance_profile", "Hands a role to EC2 instances.")
        .attr(
            "name",
            string().optional().computed().replaces().conflicts_with(&["name_prefix"]),
            "Name of the profile.",
        )
        .attr("name_prefix", string().optional().computed().replaces(), "Beginning of a name that is made up.")
        .attr("role", string().optional(), "Name of the role that instances get.")
        .attr("path", string().default("/").replaces(), "Path of the profile, such as /service/.")
        .attr("arn", string().always(), "ARN of the profile.")
        .attr("create_date", string().computed(), "When the profile was made.")
        .attr("unique_id", string().computed(), "Id that no other profile ever gets.")
        .tags()
        .import_example("app-instance-profile-1")
        .service("iam")
        .driver(ByName(InstanceProfile))
}

struct InstanceProfile;

#[async_trait]
impl NamedObject for InstanceProfile {
    type Api = Api;
    const NAME: Naming = Naming { attribute: "name", prefix_attribute: "name_prefix", default_prefix: "terraform-" };
    /// ListInstanceProfiles tells no tags: each profile takes a call anyway.
    const FEW: usize = usize::MAX;

    async fn describe(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
        let request = aws.iam().get_instance_profile().instance_profile_name(id);
        let answer = aws.call("iam", "GetInstanceProfile", || request.clone().send()).await;
        Ok(named::or_nothing(answer)?.and_then(|a| a.instance_profile))
    }

    async fn describe_all(aws: &Aws) -> Result<Vec<Api>, ProviderError> {
        let all = pages!(aws, "ListInstanceProfiles", aws.iam().list_instance_profiles(), |a| a.instance_profiles);
        let whole = try_join_all(all.iter().map(|p| Self::describe(aws, p.instance_profile_name()))).await?;
        Ok(whole.into_iter().flatten().collect())
    }

    fn id(api: &Api) -> Option<String> {
        Some(api.instance_profile_name.clone())
    }

    async fn tags(_aws: &Aws, api: &Api) -> Result<Vec<(String, String)>, ProviderError> {
        Ok(tags::from_api(api.tags()).collect())
    }

    fn fields(_aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
        ObjectBuilder::new()
            .set("name", api.instance_profile_name())
            .maybe("name_prefix", said(like, "name_prefix"))
            .maybe("role", api.roles().first().map(|role| role.role_name()))
            .set("path", api.path())
            .set("arn", api.arn())
            .maybe("create_date", api.create_date().fmt(Format::DateTime).ok())
            .set("unique_id", api.instance_profile_id())
    }
}

#[async_trait]
impl NamedResource for InstanceProfile {
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let create = aws
            .iam()
            .create_instance_profile()
            .instance_profile_name(Self::id_of(desired, key))
            .set_path(desired.string("path"))
            .set_tags(Some(tags::to_api(&aws.tags().at_creation(desired, key))));
        let id = |answer: &CreateInstanceProfileOutput| {
            answer.instance_profile().map(|profile| profile.instance_profile_name.clone())
        };
        let find = || named::find_id::<InstanceProfile>(aws, key, desired);
        let call = aws.create("iam", "CreateInstanceProfile", || create.clone().send(), id, find);
        named::make::<InstanceProfile, _>(aws, key, desired, call).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        named::wait_for::<InstanceProfile>(aws, &request.op, id, "found", |_| Ok(Seen::Ready(()))).await?;
        add_role(aws, &request.op, id, request.desired.str("role")).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let changed = change(aws, &request).await;
        named::changed::<InstanceProfile>(aws, named::name(&request.id), &request.desired, changed).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let name = named::name(&request.id);
        let now = Self::describe(aws, name).await?;
        for role in now.iter().flat_map(Api::roles) {
            remove_role(aws, name, role.role_name()).await?;
        }
        let delete = aws.iam().delete_instance_profile().instance_profile_name(name);
        aws.call("iam", "DeleteInstanceProfile", || delete.clone().send()).await.map(drop)
    }
}

/// A role that was just made may be unknown for some seconds. One that is in the profile already makes IAM say that
/// the quota of one role is used up: an earlier attempt put it there.
async fn add_role(aws: &Aws, op: &Operation, name: &str, role: Option<&str>) -> Result<(), ProviderError> {
    let Some(role) = role else { return Ok(()) };
    let request = aws.iam().add_role_to_instance_profile().instance_profile_name(name).role_name(role);
    let call = || async { aws.call("iam", "AddRoleToInstanceProfile", || request.clone().send()).await.map(drop) };
    match aws.insist(op, MINUTE / 2, ProviderError::is_not_found, call).await {
        Err(error) if error.code == "LimitExceeded" => {
            let now = InstanceProfile::describe(aws, name).await?;
            let is_in = now.iter().flat_map(Api::roles).any(|r| r.role_name() == role);
            if is_in { Ok(()) } else { Err(error) }
        }
        other => other,
    }
}

async fn remove_role(aws: &Aws, name: &str, role: &str) -> Result<(), ProviderError> {
    let request = aws.iam().remove_role_from_instance_profile().instance_profile_name(name).role_name(role);
    let call = aws.call("iam", "RemoveRoleFromInstanceProfile", || request.clone().send());
    named::or_nothing(call.await).map(drop)
}

async fn change(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    let name = named::name(&update.id);
    if update.has_changed("role") {
        // A profile holds one role.
        if let Some(old) = update.prior.str("role") {
            remove_role(aws, name, old).await?;
        }
        add_role(aws, &update.op, name, update.desired.str("role")).await?;
    }
    let change = aws.tags().change(&update.prior, &update.desired);
    if !change.remove.is_empty() {
        let request = aws.iam().untag_instance_profile().instance_profile_name(name);
        let request = request.set_tag_keys(Some(change.remove));
        aws.call("iam", "UntagInstanceProfile", || request.clone().send()).await?;
    }
    if !change.set.is_empty() {
        let request = aws.iam().tag_instance_profile().instance_profile_name(name);
        let request = request.set_tags(Some(tags::to_api(&change.set)));
        aws.call("iam", "TagInstanceProfile", || request.clone().send()).await?;
    }
    Ok(())
}
