//! Making, changing and deleting clusters. Each part of a cluster is changed by a call of its own, one after the
//! other: EKS takes one update at a time.

use async_trait::async_trait;
use aws_sdk_eks::operation::create_cluster::CreateClusterOutput;
use aws_sdk_eks::operation::create_cluster::builders::CreateClusterFluentBuilder as CreateCall;
use aws_sdk_eks::operation::update_cluster_config::builders::UpdateClusterConfigFluentBuilder as ConfigCall;
use aws_sdk_eks::types::{
    AuthenticationMode, Cluster as Api, ClusterStatus, CreateAccessConfigRequest, EncryptionConfig, IpFamily,
    KubernetesNetworkConfigRequest, LogSetup, LogType, Logging, Provider, SupportType, UpdateAccessConfigRequest,
    UpgradePolicyRequest, VpcConfigRequest,
};

use super::cluster::Cluster;
use super::{tagging, updates};
use crate::model::{Object, Path};
use crate::provider::{
    Config, Create, Delete, ErrorKind, Operation, Outcome, PlannedChange, ProviderError, Seen, Update,
};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{self, MINUTE, NamedResource, some_strings};

#[async_trait]
impl NamedResource for Cluster {
    fn plan(&self, change: &mut PlannedChange) {
        named::recompute(change, &["version"], &["platform_version"]);
        keep_encryption(change);
    }

    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, op } = request;
        let tags = tagging::at_creation(aws, desired, key);
        let create = creation(aws, desired).client_request_token(&*key.0).set_tags(tags);
        let sent = || create.clone().send();
        let id = |answer: &CreateClusterOutput| answer.cluster()?.name.clone();
        let find = || named::find_id::<Cluster>(aws, key, desired);
        let call = || aws.create("eks", "CreateCluster", sent, id, find);
        let call = aws.insist(op, MINUTE * 2, is_role_too_new, call);
        named::make::<Cluster, _>(aws, key, desired, call).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        wait_active(aws, &request.op, id).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let changed = change(aws, &request).await;
        named::changed::<Cluster>(aws, named::name(&request.id), &request.desired, changed).await
    }

    /// Node groups that are being deleted hold the cluster until they are gone.
    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let id = named::name(&request.id);
        let delete = aws.eks().delete_cluster().name(id);
        let call = || async { aws.call("eks", "DeleteCluster", || delete.clone().send()).await.map(drop) };
        aws.insist(&request.op, MINUTE * 10, |e| e.kind == ErrorKind::Conflict, call).await?;
        let state = |api: &Api| match api.status() {
            Some(ClusterStatus::Failed) => Err(failed(api, "delete")),
            status => Ok(status.map_or("unknown", ClusterStatus::as_str).to_string()),
        };
        named::wait_gone::<Cluster>(aws, &request.op, id, state).await
    }
}

/// What is encrypted stays so with the key that it has: anything but adding encryption takes another cluster.
fn keep_encryption(change: &mut PlannedChange) {
    const NAME: &str = "encryption_config";
    let Some(was) = change.prior.as_ref().and_then(|p| p.attr(NAME)) else { return };
    let is_encrypted = was.as_items().is_some_and(|blocks| !blocks.is_empty());
    let stays = change.planned.attr(NAME).is_some_and(|now| now.bare() == was.bare());
    if is_encrypted && !stays {
        change.replace.push(Path::attr(NAME));
    }
}

/// IAM tells the other services of a new role, and of its policies, within a minute or so.
pub(super) fn is_role_too_new(error: &ProviderError) -> bool {
    let is_of_request = matches!(error.code.as_str(), "InvalidParameterException" | "InvalidRequestException");
    let words =
        ["role could not be assumed", "role params", "managed policies associated", "is not authorized to perform"];
    is_of_request && words.iter().any(|w| error.message.to_lowercase().contains(w))
}

fn creation(aws: &Aws, desired: &Config) -> CreateCall {
    let access = desired.block("access_config").map(|b| {
        CreateAccessConfigRequest::builder()
            .set_authentication_mode(b.str("authentication_mode").map(AuthenticationMode::from))
            .set_bootstrap_cluster_creator_admin_permissions(b.bool("bootstrap_cluster_creator_admin_permissions"))
            .build()
    });
    let network = desired.block("kubernetes_network_config").map(|b| {
        KubernetesNetworkConfigRequest::builder()
            .set_service_ipv4_cidr(b.string("service_ipv4_cidr"))
            .set_ip_family(b.str("ip_family").map(IpFamily::from))
            .build()
    });
    let encryption: Vec<EncryptionConfig> = desired.blocks("encryption_config").iter().map(encryption).collect();
    let vpc = desired.block("vpc_config");
    aws.eks()
        .create_cluster()
        .set_name(desired.string("name"))
        .set_role_arn(desired.string("role_arn"))
        .set_version(desired.string("version"))
        .set_resources_vpc_config(vpc.as_ref().map(|b| networks(access_points(b), b).build()))
        .set_logging(logging(&[], &desired.strings("enabled_cluster_log_types")))
        .set_access_config(access)
        .set_kubernetes_network_config(network)
        .set_encryption_config(Some(encryption).filter(|e| !e.is_empty()))
        .set_upgrade_policy(upgrade_policy(desired))
        .set_bootstrap_self_managed_addons(desired.bool("bootstrap_self_managed_addons").filter(|on| !on))
        .set_deletion_protection(desired.bool("deletion_protection"))
}

#[expect(deprecated, reason = "configurations still name the resources, and the provider must not drop them")]
fn encryption(block: &Object) -> EncryptionConfig {
    let key = block.block("provider").and_then(|p| p.string("key_arn"));
    EncryptionConfig::builder()
        .set_resources(Some(block.strings("resources")))
        .provider(Provider::builder().set_key_arn(key).build())
        .build()
}

fn upgrade_policy(desired: &Config) -> Option<UpgradePolicyRequest> {
    let support = desired.block("upgrade_policy")?.str("support_type").map(SupportType::from);
    Some(UpgradePolicyRequest::builder().set_support_type(support).build())
}

type VpcRequest = aws_sdk_eks::types::builders::VpcConfigRequestBuilder;

fn access_points(block: &Object) -> VpcRequest {
    VpcConfigRequest::builder()
        .set_endpoint_private_access(block.bool("endpoint_private_access"))
        .set_endpoint_public_access(block.bool("endpoint_public_access"))
        .set_public_access_cidrs(some_strings(block, "public_access_cidrs"))
}

fn networks(request: VpcRequest, block: &Object) -> VpcRequest {
    request
        .set_subnet_ids(Some(block.strings("subnet_ids")))
        .set_security_group_ids(some_strings(block, "security_group_ids"))
}

/// What to turn on and off; nothing where there is nothing to do.
fn logging(was: &[String], shall: &[String]) -> Option<Logging> {
    let setup = |types: Vec<&String>, on: bool| {
        let types: Vec<LogType> = types.into_iter().map(|t| LogType::from(t.as_str())).collect();
        Some(types).filter(|t| !t.is_empty()).map(|t| LogSetup::builder().set_types(Some(t)).enabled(on).build())
    };
    let on = setup(shall.iter().filter(|t| !was.contains(t)).collect(), true);
    let off = setup(was.iter().filter(|t| !shall.contains(t)).collect(), false);
    let setups: Vec<LogSetup> = [on, off].into_iter().flatten().collect();
    Some(setups).filter(|s| !s.is_empty()).map(|s| Logging::builder().set_cluster_logging(Some(s)).build())
}

async fn wait_active(aws: &Aws, op: &Operation, id: &str) -> Result<(), ProviderError> {
    let judge = |api: &Api| match api.status() {
        Some(ClusterStatus::Active) => Ok(Seen::Ready(())),
        Some(ClusterStatus::Failed) => Err(failed(api, "make")),
        status => Ok(Seen::Pending(status.map_or("unknown", ClusterStatus::as_str).to_string())),
    };
    named::wait_for::<Cluster>(aws, op, id, "ACTIVE", judge).await
}

fn failed(api: &Api, what: &str) -> ProviderError {
    let issues: Vec<&str> =
        api.health().map(|h| h.issues()).unwrap_or_default().iter().filter_map(|i| i.message()).collect();
    let why = if issues.is_empty() { "it gives no reason".to_string() } else { issues.join("; ") };
    ProviderError::new(ErrorKind::Other, format!("EKS could not {what} the cluster: {why}"))
}

async fn change(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    if update.has_changed("access_config") {
        let mode = update.desired.block("access_config").and_then(|b| b.string("authentication_mode"));
        if let Some(mode) = mode.filter(|m| Some(m) != authentication_mode(&update.prior).as_ref()) {
            let access = UpdateAccessConfigRequest::builder().authentication_mode(mode.as_str().into()).build();
            configure(aws, update, |call| call.access_config(access)).await?;
        }
    }
    if let Some(version) = update.desired.string("version").filter(|_| update.has_changed("version")) {
        upgrade(aws, update, version).await?;
    }
    if let Some(policy) = upgrade_policy(&update.desired).filter(|_| update.has_changed("upgrade_policy")) {
        configure(aws, update, |call| call.upgrade_policy(policy)).await?;
    }
    if update.has_changed("encryption_config") {
        encrypt(aws, update).await?;
    }
    let logs = "enabled_cluster_log_types";
    if let Some(logging) = logging(&update.prior.strings(logs), &update.desired.strings(logs)) {
        configure(aws, update, |call| call.logging(logging)).await?;
    }
    if update.has_changed("vpc_config") {
        change_vpc(aws, update).await?;
    }
    if let Some(on) = update.desired.bool("deletion_protection").filter(|_| update.has_changed("deletion_protection")) {
        configure(aws, update, |call| call.deletion_protection(on)).await?;
    }
    tagging::update(aws, &update.prior, &update.desired).await
}

fn authentication_mode(object: &Object) -> Option<String> {
    object.block("access_config")?.string("authentication_mode")
}

/// EKS refuses to change subnets and endpoints in one call.
async fn change_vpc(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    let (Some(was), Some(shall)) = (update.prior.block("vpc_config"), update.desired.block("vpc_config")) else {
        return Ok(());
    };
    // What the configuration leaves to EKS is as it was.
    let differs = |name: &str| shall.get(name).is_some_and(|value| was.get(name) != Some(value));
    if ["endpoint_private_access", "endpoint_public_access", "public_access_cidrs"].iter().any(|n| differs(n)) {
        let request = access_points(&shall).build();
        configure(aws, update, |call| call.resources_vpc_config(request)).await?;
    }
    let has_other_groups = was.strings("security_group_ids") != shall.strings("security_group_ids");
    if differs("subnet_ids") || has_other_groups {
        let groups = Some(shall.strings("security_group_ids"));
        let request = VpcConfigRequest::builder().set_subnet_ids(Some(shall.strings("subnet_ids")));
        let request = request.set_security_group_ids(groups).build();
        configure(aws, update, |call| call.resources_vpc_config(request)).await?;
    }
    Ok(())
}

async fn configure(
    aws: &Aws,
    update: &Update,
    set: impl FnOnce(ConfigCall) -> ConfigCall,
) -> Result<(), ProviderError> {
    let id = named::name(&update.id);
    let request = set(aws.eks().update_cluster_config().name(id));
    let call = || aws.call("eks", "UpdateClusterConfig", || request.clone().send());
    let answer = aws.insist(&update.op, MINUTE * 10, |e| e.kind == ErrorKind::Conflict, call).await?;
    updates::wait(aws, &update.op, id, None, answer.update).await?;
    wait_active(aws, &update.op, id).await
}

async fn encrypt(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    let id = named::name(&update.id);
    let configs = update.desired.blocks("encryption_config").iter().map(encryption).collect();
    let request = aws.eks().associate_encryption_config().cluster_name(id).set_encryption_config(Some(configs));
    let call = || aws.call("eks", "AssociateEncryptionConfig", || request.clone().send());
    let answer = aws.insist(&update.op, MINUTE * 10, |e| e.kind == ErrorKind::Conflict, call).await?;
    updates::wait(aws, &update.op, id, None, answer.update).await
}

async fn upgrade(aws: &Aws, update: &Update, version: String) -> Result<(), ProviderError> {
    let id = named::name(&update.id);
    let request = aws.eks().update_cluster_version().name(id).version(version);
    let call = || aws.call("eks", "UpdateClusterVersion", || request.clone().send());
    let answer = aws.insist(&update.op, MINUTE * 10, |e| e.kind == ErrorKind::Conflict, call).await?;
    updates::wait(aws, &update.op, id, None, answer.update).await?;
    wait_active(aws, &update.op, id).await
}
