//! `aws_iam_role`: an identity that services and people take on.
//! IAM: CreateRole, GetRole, ListRoles, UpdateRole, UpdateAssumeRolePolicy, PutRolePermissionsBoundary,
//! DeleteRolePermissionsBoundary, TagRole, UntagRole, DeleteRole.

use async_trait::async_trait;
use aws_sdk_iam::operation::create_role::CreateRoleOutput;
use aws_sdk_iam::types::Role as Api;
use aws_smithy_types::date_time::Format;
use futures::future::try_join_all;

use super::role_own_policies::{self as own, INLINE, MANAGED};
use super::{document, pages};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{boolean, number, policy, set_block, string, string_set};
use crate::provider::{
    Create, Delete, Driver, ErrorKind, Filter, Outcome, ProviderError, ResourceType, Seen, Update, resource,
};
use crate::providers::aws::named::{self, ByName, MINUTE, NamedObject, NamedResource, Naming, said};
use crate::providers::aws::{Aws, tags};

pub fn role() -> ResourceType<Aws> {
    let inline_policy = set_block().computed().attr("name", string().optional(), "Name of the policy.").attr(
        "policy",
        policy().optional(),
        "JSON policy: what is allowed.",
    );
    resource("aws_iam_role", "An identity that services and people take on.")
        .attr("name", string().optional().computed().replaces().conflicts_with(&["name_prefix"]), "Name of the role.")
        .attr("name_prefix", string().optional().computed().replaces(), "Beginning of a name that is made up.")
        .attr("assume_role_policy", policy().required(), "JSON policy: who may take the role on.")
        .attr("path", string().default("/").replaces(), "Path of the role, such as /service/.")
        .attr("description", string().optional(), "What the role is for.")
        .attr("max_session_duration", number().default(3600), "How long a session may last, in seconds.")
        .attr("permissions_boundary", string().optional(), "ARN of the policy that bounds the permissions.")
        .attr("force_detach_policies", boolean().default(false), "Detach all policies before the role is deleted.")
        .attr(
            MANAGED,
            string_set().optional().computed().deprecated("use aws_iam_role_policy_attachment"),
            "ARNs of all managed policies that the role shall have; those of others are detached.",
        )
        .block(INLINE, inline_policy, "All policies that shall stand in the role; an empty block says none.")
        .attr("arn", string().always(), "ARN of the role.")
        .attr("create_date", string().computed(), "When the role was made.")
        .attr("unique_id", string().computed(), "Id that no other role ever gets.")
        .tags()
        .import_example("developer")
        .service("iam")
        .driver(ByName(Role))
}

/// A role. It is also what attachments and policies in roles list by.
pub struct Role;

#[async_trait]
impl NamedObject for Role {
    type Api = Api;
    const NAME: Naming = Naming { attribute: "name", prefix_attribute: "name_prefix", default_prefix: "terraform-" };
    /// ListRoles tells neither tags nor boundaries: each role takes a call anyway.
    const FEW: usize = usize::MAX;

    async fn describe(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
        let request = aws.iam().get_role().role_name(id);
        let answer = aws.call("iam", "GetRole", || request.clone().send()).await;
        Ok(named::or_nothing(answer)?.and_then(|a| a.role))
    }

    /// Roles that users manage: those that services link to themselves are theirs to change.
    async fn describe_all(aws: &Aws) -> Result<Vec<Api>, ProviderError> {
        let all = pages!(aws, "ListRoles", aws.iam().list_roles(), |answer| answer.roles);
        let own = all.iter().filter(|role| !role.path().starts_with("/aws-service-role/"));
        let whole = try_join_all(own.map(|role| Self::describe(aws, role.role_name()))).await?;
        Ok(whole.into_iter().flatten().collect())
    }

    fn id(api: &Api) -> Option<String> {
        Some(api.role_name.clone())
    }

    async fn tags(_aws: &Aws, api: &Api) -> Result<Vec<(String, String)>, ProviderError> {
        Ok(tags::from_api(api.tags()).collect())
    }

    fn fields(_aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
        let is_forced = like.and_then(|o| o.bool("force_detach_policies")).unwrap_or(false);
        let trust = api.assume_role_policy_document().map(|d| document(d, like, "assume_role_policy"));
        let description = api.description().filter(|d| !d.is_empty()).map(str::to_string);
        // An empty description reads as none: it stays as it is written.
        let empty = like.and_then(|o| o.string("description")).filter(String::is_empty);
        let boundary = api.permissions_boundary().and_then(|b| b.permissions_boundary_arn());
        ObjectBuilder::new()
            .set("name", api.role_name())
            .maybe("name_prefix", said(like, "name_prefix"))
            .maybe("assume_role_policy", trust)
            .set("path", api.path())
            .maybe("description", description.or(empty))
            .set("max_session_duration", api.max_session_duration().unwrap_or(3600))
            .maybe("permissions_boundary", boundary.filter(|b| !b.is_empty()))
            .set("force_detach_policies", is_forced)
            .set("arn", api.arn())
            .maybe("create_date", api.create_date().fmt(Format::DateTime).ok())
            .set("unique_id", api.role_id())
    }

    async fn put_more(
        aws: &Aws,
        api: &Api,
        object: ObjectBuilder,
        like: Option<&Object>,
    ) -> Result<ObjectBuilder, ProviderError> {
        own::put_into(aws, api.role_name(), object, like).await
    }
}

#[async_trait]
impl NamedResource for Role {
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, op } = request;
        let create = aws
            .iam()
            .create_role()
            .role_name(Self::id_of(desired, key))
            .set_assume_role_policy_document(desired.string("assume_role_policy"))
            .set_path(desired.string("path"))
            .set_description(desired.string("description").filter(|d| !d.is_empty()))
            .set_max_session_duration(desired.i32("max_session_duration"))
            .set_permissions_boundary(desired.string("permissions_boundary"))
            .set_tags(Some(tags::to_api(&aws.tags().at_creation(desired, key))));
        let id = |answer: &CreateRoleOutput| answer.role().map(|role| role.role_name.clone());
        let find = || named::find_id::<Role>(aws, key, desired);
        let call = || async { aws.create("iam", "CreateRole", || create.clone().send(), id, find).await };
        let call = aws.insist(op, MINUTE * 2, is_principal_not_seen_yet, call);
        named::make::<Role, _>(aws, key, desired, call).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        named::wait_for::<Role>(aws, &request.op, id, "found", |_| Ok(Seen::Ready(()))).await?;
        own::settle(aws, id, &request.desired).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let changed = change(aws, &request).await;
        named::changed::<Role>(aws, named::name(&request.id), &request.desired, changed).await
    }

    /// What else is still attached may be on its way out: IAM lets go after a while.
    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let name = named::name(&request.id);
        named::or_nothing(leave_instance_profiles(aws, name).await)?;
        let prior = &request.prior;
        let owns_policies = prior.get(MANAGED).is_some() || !prior.blocks(INLINE).is_empty();
        if owns_policies || prior.bool("force_detach_policies") == Some(true) {
            named::or_nothing(own::drop_all(aws, name).await)?;
        }
        let delete = aws.iam().delete_role().role_name(name);
        let call = || async { aws.call("iam", "DeleteRole", || delete.clone().send()).await.map(drop) };
        aws.insist(&request.op, MINUTE, |e| e.kind == ErrorKind::Conflict, call).await
    }
}

/// A user or role that was just made cannot be named as a principal for some seconds
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>).
fn is_principal_not_seen_yet(error: &ProviderError) -> bool {
    error.code == "MalformedPolicyDocument" && error.message.contains("Invalid principal")
}

async fn change(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    let (name, desired) = (named::name(&update.id), &update.desired);
    if update.has_changed("assume_role_policy") {
        let request = aws
            .iam()
            .update_assume_role_policy()
            .role_name(name)
            .set_policy_document(desired.string("assume_role_policy"));
        let call = || async { aws.call("iam", "UpdateAssumeRolePolicy", || request.clone().send()).await.map(drop) };
        aws.insist(&update.op, MINUTE * 2, is_principal_not_seen_yet, call).await?;
    }
    if update.has_changed("description") || update.has_changed("max_session_duration") {
        // Both at once: what is left out is set back.
        let request = aws
            .iam()
            .update_role()
            .role_name(name)
            .description(desired.str("description").unwrap_or_default())
            .set_max_session_duration(desired.i32("max_session_duration"));
        aws.call("iam", "UpdateRole", || request.clone().send()).await?;
    }
    if update.has_changed("permissions_boundary") {
        set_boundary(aws, name, desired.str("permissions_boundary")).await?;
    }
    if update.has_changed(MANAGED) || update.has_changed(INLINE) {
        own::settle(aws, name, desired).await?;
    }
    update_tags(aws, name, &update.prior, desired).await
}

async fn set_boundary(aws: &Aws, name: &str, boundary: Option<&str>) -> Result<(), ProviderError> {
    let Some(arn) = boundary else {
        let request = aws.iam().delete_role_permissions_boundary().role_name(name);
        return aws.call("iam", "DeleteRolePermissionsBoundary", || request.clone().send()).await.map(drop);
    };
    let request = aws.iam().put_role_permissions_boundary().role_name(name).permissions_boundary(arn);
    aws.call("iam", "PutRolePermissionsBoundary", || request.clone().send()).await.map(drop)
}

async fn update_tags(aws: &Aws, name: &str, prior: &Object, desired: &Object) -> Result<(), ProviderError> {
    let change = aws.tags().change(prior, desired);
    if !change.remove.is_empty() {
        let request = aws.iam().untag_role().role_name(name).set_tag_keys(Some(change.remove));
        aws.call("iam", "UntagRole", || request.clone().send()).await?;
    }
    if !change.set.is_empty() {
        let request = aws.iam().tag_role().role_name(name).set_tags(Some(tags::to_api(&change.set)));
        aws.call("iam", "TagRole", || request.clone().send()).await?;
    }
    Ok(())
}

/// A role cannot be deleted while it is in an instance profile, whoever put it there.
async fn leave_instance_profiles(aws: &Aws, name: &str) -> Result<(), ProviderError> {
    let list = aws.iam().list_instance_profiles_for_role().role_name(name);
    for profile in pages!(aws, "ListInstanceProfilesForRole", list, |answer| answer.instance_profiles) {
        let profile = profile.instance_profile_name();
        let request = aws.iam().remove_role_from_instance_profile().role_name(name).instance_profile_name(profile);
        let call = aws.call("iam", "RemoveRoleFromInstanceProfile", || request.clone().send());
        named::or_nothing(call.await)?;
    }
    Ok(())
}

/// Names of all roles, or of those with the tags of the filter.
pub async fn names(aws: &Aws, filter: &Filter) -> Result<Vec<String>, ProviderError> {
    Ok(match filter.tags.is_empty() {
        true => Role::describe_all(aws).await?.iter().filter_map(Role::id).collect(),
        false => ByName(Role).list(aws, filter).await?.iter().map(|l| l.stored.id.0.to_string()).collect(),
    })
}
