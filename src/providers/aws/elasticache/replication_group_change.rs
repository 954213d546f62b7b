//! Making, changing and deleting replication groups.

use async_trait::async_trait;
use aws_sdk_elasticache::operation::create_replication_group::CreateReplicationGroupOutput;
use aws_sdk_elasticache::operation::create_replication_group::builders::CreateReplicationGroupFluentBuilder as CreateCall;
use aws_sdk_elasticache::operation::modify_replication_group::builders::ModifyReplicationGroupFluentBuilder as ModifyCall;
use aws_sdk_elasticache::types::{
    AuthTokenUpdateStrategyType, ClusterMode, IpDiscovery, NetworkType, TransitEncryptionMode,
};

use super::replication_group::ReplicationGroup;
use super::replication_group_fields::Api;
use super::tagging;
use crate::model::Path;
use crate::provider::{
    Config, Create, Delete, ErrorKind, Operation, Outcome, PlannedChange, ProviderError, Seen, Update,
};
use crate::providers::aws::named::{self, MINUTE, NamedObject, NamedResource, some_strings};
use crate::providers::aws::{Aws, tags};

#[async_trait]
impl NamedResource for ReplicationGroup {
    fn plan(&self, change: &mut PlannedChange) {
        let sizes = ["num_cache_clusters", "num_node_groups", "replicas_per_node_group"];
        let effects = ["member_clusters", sizes[0], sizes[1], sizes[2]];
        named::recompute(change, &sizes, &effects);
        named::recompute(change, &["engine_version", "engine"], &["engine_version_actual"]);
        named::recompute(change, &["engine"], &["engine_version", "parameter_group_name"]);
        let endpoints = ["configuration_endpoint_address", "primary_endpoint_address", "reader_endpoint_address"];
        named::recompute(change, &["cluster_mode", "transit_encryption_enabled"], &endpoints);
        named::recompute(change, &["cluster_mode"], &["cluster_enabled"]);
        named::recompute(change, &["transit_encryption_enabled"], &["transit_encryption_mode"]);
        encrypt_by_replacing(change);
    }

    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let tags = tags::to_api(&aws.tags().at_creation(desired, key));
        let create = creation(aws, desired).set_tags(Some(tags));
        let sent = || create.clone().send();
        let id = |answer: &CreateReplicationGroupOutput| answer.replication_group()?.replication_group_id.clone();
        let find = || named::find_id::<ReplicationGroup>(aws, key, desired);
        let call = aws.create("elasticache", "CreateReplicationGroup", sent, id, find);
        named::make::<ReplicationGroup, _>(aws, key, desired, call).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        wait_available(aws, &request.op, id).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let changed = change(aws, &request).await;
        named::changed::<ReplicationGroup>(aws, named::name(&request.id), &request.desired, changed).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let Delete { id, prior, op, .. } = request;
        let id = named::name(&id);
        let delete = aws
            .elasticache()
            .delete_replication_group()
            .replication_group_id(id)
            .set_final_snapshot_identifier(prior.string("final_snapshot_identifier"));
        let call = || async {
            // One that is being deleted already refuses to be deleted.
            match ReplicationGroup::describe(aws, id).await? {
                Some(api) if api.group.status() == Some("deleting") => Ok(()),
                _ => aws.call("elasticache", "DeleteReplicationGroup", || delete.clone().send()).await.map(drop),
            }
        };
        aws.insist(&op, MINUTE * 20, |e| e.kind == ErrorKind::Conflict, call).await?;
        let state = |api: &Api| Ok(api.group.status().unwrap_or("unknown").to_string());
        named::wait_gone::<ReplicationGroup>(aws, &op, id, state).await
    }
}

/// Encryption of connections can be turned on and off since version 7.0.5
/// (<https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption-enable.html>).
fn encrypt_by_replacing(change: &mut PlannedChange) {
    const NAME: &str = "transit_encryption_enabled";
    let Some(prior) = &change.prior else { return };
    let version = prior.attr("engine_version_actual").and_then(|v| v.as_str().map(ToString::to_string));
    let planned = change.planned.attr(NAME).filter(|v| !v.is_unknown());
    let differs = planned.is_some_and(|now| prior.attr(NAME).is_some_and(|was| was.bare() != now.bare()));
    if differs && version.is_some_and(|v| is_before(&v, [7, 0, 5])) {
        change.replace.push(Path::attr(NAME));
    }
}

/// Whether a version comes before another; parts that are not there count as zero.
fn is_before(version: &str, other: [u32; 3]) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    [next(), next(), next()] < other
}

fn creation(aws: &Aws, desired: &Config) -> CreateCall {
    let text = |name: &str| desired.string(name);
    aws.elasticache()
        .create_replication_group()
        .set_replication_group_id(text("replication_group_id"))
        .set_replication_group_description(text("description"))
        .set_engine(text("engine"))
        .set_engine_version(text("engine_version"))
        .set_cache_node_type(text("node_type"))
        .set_num_cache_clusters(desired.i32("num_cache_clusters"))
        .set_num_node_groups(desired.i32("num_node_groups"))
        .set_replicas_per_node_group(desired.i32("replicas_per_node_group"))
        .set_preferred_cache_cluster_azs(some_strings(desired, "preferred_cache_cluster_azs"))
        .set_automatic_failover_enabled(desired.bool("automatic_failover_enabled"))
        .set_multi_az_enabled(desired.bool("multi_az_enabled").filter(|on| *on))
        .set_cluster_mode(desired.str("cluster_mode").map(ClusterMode::from))
        .set_data_tiering_enabled(desired.bool("data_tiering_enabled"))
        .set_port(desired.i32("port"))
        .set_cache_subnet_group_name(text("subnet_group_name"))
        .set_security_group_ids(some_strings(desired, "security_group_ids"))
        .set_network_type(desired.str("network_type").map(NetworkType::from))
        .set_ip_discovery(desired.str("ip_discovery").map(IpDiscovery::from))
        .set_at_rest_encryption_enabled(desired.bool("at_rest_encryption_enabled"))
        .set_kms_key_id(text("kms_key_id"))
        .set_transit_encryption_enabled(desired.bool("transit_encryption_enabled"))
        .set_transit_encryption_mode(desired.str("transit_encryption_mode").map(TransitEncryptionMode::from))
        .set_auth_token(text("auth_token"))
        .set_user_group_ids(some_strings(desired, "user_group_ids"))
        .set_cache_parameter_group_name(text("parameter_group_name"))
        .set_notification_topic_arn(text("notification_topic_arn"))
        .set_snapshot_retention_limit(desired.i32("snapshot_retention_limit"))
        .set_snapshot_window(text("snapshot_window"))
        .set_snapshot_name(text("snapshot_name"))
        .set_snapshot_arns(some_strings(desired, "snapshot_arns"))
        .set_preferred_maintenance_window(text("maintenance_window"))
        .set_auto_minor_version_upgrade(desired.bool("auto_minor_version_upgrade"))
}

async fn wait_available(aws: &Aws, op: &Operation, id: &str) -> Result<(), ProviderError> {
    let judge = |api: &Api| match api.group.status().unwrap_or("unknown") {
        "available" => Ok(Seen::Ready(())),
        "create-failed" => Err(ProviderError::new(ErrorKind::Other, "ElastiCache could not make the group")
            .help("the events of the group in the ElastiCache console say why")),
        status => Ok(Seen::Pending(status.to_string())),
    };
    named::wait_for::<ReplicationGroup>(aws, op, id, "available", judge).await
}

/// The attributes that ModifyReplicationGroup takes.
const MODIFIED: [&str; 18] = [
    "description",
    "engine",
    "engine_version",
    "node_type",
    "automatic_failover_enabled",
    "multi_az_enabled",
    "cluster_mode",
    "security_group_ids",
    "ip_discovery",
    "transit_encryption_enabled",
    "transit_encryption_mode",
    "auth_token",
    "user_group_ids",
    "parameter_group_name",
    "notification_topic_arn",
    "snapshot_retention_limit",
    "snapshot_window",
    "maintenance_window",
];

/// Replicas come before what needs them (failover) and go after it is off.
async fn change(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    let id = named::name(&update.id);
    let grows = replicas(&update.desired) >= replicas(&update.prior);
    if grows {
        resize(aws, update).await?;
    }
    let also = ["auto_minor_version_upgrade"];
    if MODIFIED.iter().chain(&also).any(|name| update.has_changed(name)) {
        let request = modification(aws, update);
        let call =
            || async { aws.call("elasticache", "ModifyReplicationGroup", || request.clone().send()).await.map(drop) };
        aws.insist(&update.op, MINUTE * 10, |e| e.kind == ErrorKind::Conflict, call).await?;
        wait_available(aws, &update.op, id).await?;
    }
    if !grows {
        resize(aws, update).await?;
    }
    tagging::update(aws, &update.op, &update.prior, &update.desired).await
}

/// How many replicas each shard shall have, or has.
fn replicas(object: &Config) -> Option<i32> {
    match object.i32("num_node_groups") {
        Some(shards) if shards > 1 => object.i32("replicas_per_node_group"),
        _ => object.i32("num_cache_clusters").map(|n| n - 1).or_else(|| object.i32("replicas_per_node_group")),
    }
}

async fn resize(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    if let Some(shards) = update.desired.i32("num_node_groups").filter(|_| update.has_changed("num_node_groups")) {
        reshard(aws, update, shards).await?;
    }
    // Of the two ways to say it, the one that changed counts.
    let count = match update.has_changed("replicas_per_node_group") {
        true => update.desired.i32("replicas_per_node_group"),
        false => update.desired.i32("num_cache_clusters").map(|n| n - 1),
    };
    let is_resized = update.has_changed("replicas_per_node_group") || update.has_changed("num_cache_clusters");
    match count.filter(|_| is_resized) {
        Some(count) => set_replicas(aws, update, count).await,
        None => Ok(()),
    }
}

/// The new count is without the primary. ElastiCache takes it at once only.
async fn set_replicas(aws: &Aws, update: &Update, count: i32) -> Result<(), ProviderError> {
    let id = named::name(&update.id);
    let busy = |e: &ProviderError| e.kind == ErrorKind::Conflict;
    if Some(count) > replicas(&update.prior) {
        let more = aws
            .elasticache()
            .increase_replica_count()
            .replication_group_id(id)
            .new_replica_count(count)
            .apply_immediately(true);
        let call = || async { aws.call("elasticache", "IncreaseReplicaCount", || more.clone().send()).await.map(drop) };
        aws.insist(&update.op, MINUTE * 10, busy, call).await?;
    } else {
        let less = aws
            .elasticache()
            .decrease_replica_count()
            .replication_group_id(id)
            .new_replica_count(count)
            .apply_immediately(true);
        let call = || async { aws.call("elasticache", "DecreaseReplicaCount", || less.clone().send()).await.map(drop) };
        aws.insist(&update.op, MINUTE * 10, busy, call).await?;
    }
    wait_available(aws, &update.op, id).await
}

/// Shards that are too many are named: the last ones go.
async fn reshard(aws: &Aws, update: &Update, shards: i32) -> Result<(), ProviderError> {
    let id = named::name(&update.id);
    let mut names: Vec<String> = match ReplicationGroup::describe(aws, id).await? {
        Some(api) => api.group.node_groups().iter().filter_map(|g| g.node_group_id.clone()).collect(),
        None => Vec::new(),
    };
    names.sort();
    let keep = usize::try_from(shards).unwrap_or(0).min(names.len());
    let surplus = names.split_off(keep);
    let request = aws
        .elasticache()
        .modify_replication_group_shard_configuration()
        .replication_group_id(id)
        .node_group_count(shards)
        .apply_immediately(true)
        .set_node_groups_to_remove(Some(surplus).filter(|s| !s.is_empty()));
    let call = || async {
        aws.call("elasticache", "ModifyReplicationGroupShardConfiguration", || request.clone().send()).await.map(drop)
    };
    aws.insist(&update.op, MINUTE * 10, |e| e.kind == ErrorKind::Conflict, call).await?;
    wait_available(aws, &update.op, id).await
}

/// The changed attributes, each under the API's name.
fn modification(aws: &Aws, update: &Update) -> ModifyCall {
    let desired = &update.desired;
    let text = |name: &str| desired.string(name).filter(|_| update.has_changed(name));
    let switch = |name: &str| desired.bool(name).filter(|_| update.has_changed(name));
    let token = text("auth_token");
    // A token that is taken out of the configuration is taken off the group.
    let strategy = match (&token, update.has_changed("auth_token")) {
        (Some(_), _) => desired.str("auth_token_update_strategy").map(AuthTokenUpdateStrategyType::from),
        (None, true) => Some(AuthTokenUpdateStrategyType::Delete),
        (None, false) => None,
    };
    let (was, shall) = (update.prior.strings("user_group_ids"), desired.strings("user_group_ids"));
    let some = |list: Vec<String>| Some(list).filter(|l| !l.is_empty());
    let groups = "security_group_ids";
    aws.elasticache()
        .modify_replication_group()
        .replication_group_id(named::name(&update.id))
        .apply_immediately(desired.bool("apply_immediately").unwrap_or(false))
        .set_replication_group_description(text("description"))
        .set_engine(text("engine"))
        .set_engine_version(text("engine_version"))
        .set_cache_node_type(text("node_type"))
        .set_automatic_failover_enabled(switch("automatic_failover_enabled"))
        .set_multi_az_enabled(switch("multi_az_enabled"))
        .set_cluster_mode(text("cluster_mode").as_deref().map(ClusterMode::from))
        .set_security_group_ids(some_strings(desired, groups).filter(|_| update.has_changed(groups)))
        .set_ip_discovery(text("ip_discovery").as_deref().map(IpDiscovery::from))
        .set_transit_encryption_enabled(switch("transit_encryption_enabled"))
        .set_transit_encryption_mode(text("transit_encryption_mode").as_deref().map(TransitEncryptionMode::from))
        .set_auth_token(token)
        .set_auth_token_update_strategy(strategy)
        .set_user_group_ids_to_add(some(shall.iter().filter(|g| !was.contains(g)).cloned().collect()))
        .set_user_group_ids_to_remove(some(was.iter().filter(|g| !shall.contains(g)).cloned().collect()))
        .set_cache_parameter_group_name(text("parameter_group_name"))
        .set_notification_topic_arn(text("notification_topic_arn"))
        .set_snapshot_retention_limit(
            desired.i32("snapshot_retention_limit").filter(|_| update.has_changed("snapshot_retention_limit")),
        )
        .set_snapshot_window(text("snapshot_window"))
        .set_preferred_maintenance_window(text("maintenance_window"))
        .set_auto_minor_version_upgrade(switch("auto_minor_version_upgrade"))
}

#[cfg(test)]
mod tests {
    use super::is_before;

    #[test]
    fn versions_are_compared_part_by_part() {
        for (version, before) in [("6.2.6", true), ("7.0.4", true), ("7.0.5", false), ("7.0.12", false), ("7.1", false)]
        {
            assert_eq!(is_before(version, [7, 0, 5]), before, "{version}");
        }
    }
}
