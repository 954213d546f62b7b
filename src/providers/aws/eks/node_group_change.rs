//! Making, changing and deleting node groups.

use async_trait::async_trait;
use aws_sdk_eks::operation::create_nodegroup::CreateNodegroupOutput;
use aws_sdk_eks::operation::create_nodegroup::builders::CreateNodegroupFluentBuilder as CreateCall;
use aws_sdk_eks::types::{
    AmiTypes, CapacityTypes, LaunchTemplateSpecification, Nodegroup as Api, NodegroupScalingConfig, NodegroupStatus,
    NodegroupUpdateConfig, RemoteAccessConfig, Taint, TaintEffect, UpdateLabelsPayload, UpdateTaintsPayload,
};

use super::cluster_change::is_role_too_new;
use super::node_group::NodeGroup;
use super::node_group_fields::parts;
use super::{tagging, updates};
use crate::model::Object;
use crate::provider::{
    Config, Create, Delete, ErrorKind, Operation, Outcome, PlannedChange, ProviderError, Seen, Update,
};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{self, MINUTE, NamedObject, NamedResource, some_strings};

#[async_trait]
impl NamedResource for NodeGroup {
    fn plan(&self, change: &mut PlannedChange) {
        named::recompute(change, &["version"], &["release_version"]);
        named::recompute(change, &["release_version", "launch_template"], &["version"]);
    }

    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, op } = request;
        let tags = tagging::at_creation(aws, desired, key);
        let name = Self::NAME.of(desired, key);
        let create = creation(aws, desired).nodegroup_name(name).client_request_token(&*key.0).set_tags(tags);
        let sent = || create.clone().send();
        let id = |answer: &CreateNodegroupOutput| NodeGroup::id(answer.nodegroup()?);
        let find = || named::find_id::<NodeGroup>(aws, key, desired);
        let call = || aws.create("eks", "CreateNodegroup", sent, id, find);
        let call = aws.insist(op, MINUTE * 2, is_role_too_new, call);
        named::make::<NodeGroup, _>(aws, key, desired, call).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        wait_active(aws, &request.op, id).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let changed = change(aws, &request).await;
        named::changed::<NodeGroup>(aws, named::name(&request.id), &request.desired, changed).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let id = named::name(&request.id);
        let (cluster, group) = parts(id)?;
        let delete = aws.eks().delete_nodegroup().cluster_name(cluster).nodegroup_name(group);
        let call = || async { aws.call("eks", "DeleteNodegroup", || delete.clone().send()).await.map(drop) };
        aws.insist(&request.op, MINUTE * 10, |e| e.kind == ErrorKind::Conflict, call).await?;
        let state = |api: &Api| match api.status() {
            Some(NodegroupStatus::DeleteFailed) => Err(failed(api, "delete")),
            status => Ok(status.map_or("unknown", NodegroupStatus::as_str).to_string()),
        };
        named::wait_gone::<NodeGroup>(aws, &request.op, id, state).await
    }
}

fn creation(aws: &Aws, desired: &Config) -> CreateCall {
    let taints: Vec<Taint> = desired.blocks("taint").iter().map(taint).collect();
    let labels: std::collections::HashMap<_, _> = desired.string_map("labels").into_iter().collect();
    let access = desired.block("remote_access").map(|b| {
        RemoteAccessConfig::builder()
            .set_ec2_ssh_key(b.string("ec2_ssh_key"))
            .set_source_security_groups(some_strings(&b, "source_security_group_ids"))
            .build()
    });
    aws.eks()
        .create_nodegroup()
        .set_cluster_name(desired.string("cluster_name"))
        .set_node_role(desired.string("node_role_arn"))
        .set_subnets(Some(desired.strings("subnet_ids")))
        .set_scaling_config(scaling(desired))
        .set_update_config(update_config(desired))
        .set_ami_type(desired.str("ami_type").map(AmiTypes::from))
        .set_capacity_type(desired.str("capacity_type").map(CapacityTypes::from))
        .set_disk_size(desired.i32("disk_size"))
        .set_instance_types(some_strings(desired, "instance_types"))
        .set_labels(Some(labels).filter(|l| !l.is_empty()))
        .set_taints(Some(taints).filter(|t| !t.is_empty()))
        .set_remote_access(access)
        .set_launch_template(launch_template(desired))
        .set_version(desired.string("version"))
        .set_release_version(desired.string("release_version"))
}

fn scaling(desired: &Config) -> Option<NodegroupScalingConfig> {
    let block = desired.block("scaling_config")?;
    let config = NodegroupScalingConfig::builder()
        .set_desired_size(block.i32("desired_size"))
        .set_max_size(block.i32("max_size"))
        .set_min_size(block.i32("min_size"));
    Some(config.build())
}

fn update_config(desired: &Config) -> Option<NodegroupUpdateConfig> {
    let block = desired.block("update_config")?;
    let config = NodegroupUpdateConfig::builder()
        .set_max_unavailable(block.i32("max_unavailable"))
        .set_max_unavailable_percentage(block.i32("max_unavailable_percentage"));
    Some(config.build())
}

fn taint(block: &Object) -> Taint {
    Taint::builder()
        .set_key(block.string("key"))
        .set_value(block.string("value"))
        .set_effect(block.str("effect").map(TaintEffect::from))
        .build()
}

/// The id says enough; EKS refuses both it and the name.
fn launch_template(desired: &Config) -> Option<LaunchTemplateSpecification> {
    let block = desired.block("launch_template")?;
    let id = block.string("id");
    let name = block.string("name").filter(|_| id.is_none());
    let template = LaunchTemplateSpecification::builder().set_version(block.string("version"));
    Some(template.set_id(id).set_name(name).build())
}

async fn wait_active(aws: &Aws, op: &Operation, id: &str) -> Result<(), ProviderError> {
    let judge = |api: &Api| match api.status() {
        Some(NodegroupStatus::Active) => Ok(Seen::Ready(())),
        Some(NodegroupStatus::CreateFailed) => Err(failed(api, "make")),
        status => Ok(Seen::Pending(status.map_or("unknown", NodegroupStatus::as_str).to_string())),
    };
    named::wait_for::<NodeGroup>(aws, op, id, "ACTIVE", judge).await
}

fn failed(api: &Api, what: &str) -> ProviderError {
    let issues = api.health().map(|h| h.issues()).unwrap_or_default();
    let why: Vec<&str> = issues.iter().filter_map(|i| i.message()).collect();
    let why = if why.is_empty() { "it gives no reason".to_string() } else { why.join("; ") };
    let code = issues.iter().find_map(|i| i.code()).map(|c| c.as_str().to_string()).unwrap_or_default();
    ProviderError::new(ErrorKind::Other, format!("EKS could not {what} the node group: {why}")).code(code)
}

async fn change(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    if ["version", "release_version", "launch_template"].iter().any(|name| update.has_changed(name)) {
        upgrade(aws, update).await?;
    }
    if ["labels", "taint", "scaling_config", "update_config"].iter().any(|name| update.has_changed(name)) {
        configure(aws, update).await?;
    }
    tagging::update(aws, &update.prior, &update.desired).await
}

async fn upgrade(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    let id = named::name(&update.id);
    let (cluster, group) = parts(id)?;
    let changed = |name: &str| update.desired.string(name).filter(|_| update.has_changed(name));
    let template = launch_template(&update.desired).filter(|_| update.has_changed("launch_template"));
    let request = aws
        .eks()
        .update_nodegroup_version()
        .cluster_name(cluster)
        .nodegroup_name(group)
        .set_version(changed("version"))
        .set_release_version(changed("release_version"))
        .set_launch_template(template)
        .force(update.desired.bool("force_update_version").unwrap_or(false));
    let call = || aws.call("eks", "UpdateNodegroupVersion", || request.clone().send());
    let answer = aws.insist(&update.op, MINUTE * 10, |e| e.kind == ErrorKind::Conflict, call).await?;
    updates::wait(aws, &update.op, cluster, Some(group), answer.update).await?;
    wait_active(aws, &update.op, id).await
}

async fn configure(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    let id = named::name(&update.id);
    let (cluster, group) = parts(id)?;
    let request = aws
        .eks()
        .update_nodegroup_config()
        .cluster_name(cluster)
        .nodegroup_name(group)
        .set_labels(labels(update))
        .set_taints(taints(update))
        .set_scaling_config(scaling(&update.desired).filter(|_| update.has_changed("scaling_config")))
        .set_update_config(update_config(&update.desired).filter(|_| update.has_changed("update_config")));
    let call = || aws.call("eks", "UpdateNodegroupConfig", || request.clone().send());
    let answer = aws.insist(&update.op, MINUTE * 10, |e| e.kind == ErrorKind::Conflict, call).await?;
    updates::wait(aws, &update.op, cluster, Some(group), answer.update).await?;
    wait_active(aws, &update.op, id).await
}

fn labels(update: &Update) -> Option<UpdateLabelsPayload> {
    if !update.has_changed("labels") {
        return None;
    }
    let (was, shall) = (update.prior.string_map("labels"), update.desired.string_map("labels"));
    let gone = was.iter().map(|(k, _)| k).filter(|k| shall.iter().all(|(kept, _)| kept != *k)).cloned().collect();
    let set = shall.into_iter().filter(|pair| !was.contains(pair)).collect();
    let payload = UpdateLabelsPayload::builder().set_remove_labels(Some(gone)).set_add_or_update_labels(Some(set));
    Some(payload.build())
}

fn taints(update: &Update) -> Option<UpdateTaintsPayload> {
    if !update.has_changed("taint") {
        return None;
    }
    let all = |object: &Object| -> Vec<Taint> { object.blocks("taint").iter().map(taint).collect() };
    let (was, shall) = (all(&update.prior), all(&update.desired));
    // A taint is known by key and effect: one that only gets another value is not removed.
    let is_same = |a: &Taint, b: &Taint| a.key == b.key && a.effect == b.effect;
    let gone = was.iter().filter(|w| !shall.iter().any(|s| is_same(w, s))).cloned().collect();
    let set = shall.iter().filter(|s| !was.contains(s)).cloned().collect();
    let payload = UpdateTaintsPayload::builder().set_remove_taints(Some(gone)).set_add_or_update_taints(Some(set));
    Some(payload.build())
}
