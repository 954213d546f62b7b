//! Replication groups as ElastiCache describes them: what it tells of the group, and what only of its nodes.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_elasticache::types::{
    AutomaticFailoverStatus, CacheCluster, ClusterMode, DataTieringStatus, Endpoint, IpDiscovery, MultiAzStatus,
    NetworkType, NodeGroup, ReplicationGroup as Group, TransitEncryptionMode,
};

use super::replication_group::ReplicationGroup;
use super::{pages, tagging};
use crate::model::{Object, ObjectBuilder, Value};
use crate::provider::ProviderError;
use crate::providers::aws::Aws;
use crate::providers::aws::named::{self, NamedObject, Naming, said};

/// A group with one of its nodes, which all are alike.
pub struct Api {
    pub group: Group,
    pub node: Option<CacheCluster>,
}

#[async_trait]
impl NamedObject for ReplicationGroup {
    type Api = Api;
    const NAME: Naming =
        Naming { attribute: "replication_group_id", prefix_attribute: "", default_prefix: "terraform-" };

    async fn describe(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
        let request = aws.elasticache().describe_replication_groups().replication_group_id(id);
        let answer = aws.call("elasticache", "DescribeReplicationGroups", || request.clone().send()).await;
        let groups = named::or_nothing(answer)?.and_then(|a| a.replication_groups).unwrap_or_default();
        let Some(group) = groups.into_iter().next() else { return Ok(None) };
        let node = match group.member_clusters().first() {
            Some(member) => node(aws, member).await?,
            None => None,
        };
        Ok(Some(Api { group, node }))
    }

    async fn describe_all(aws: &Aws) -> Result<Vec<Api>, ProviderError> {
        let groups = aws.elasticache().describe_replication_groups();
        let groups = pages!(aws, "DescribeReplicationGroups", groups, replication_groups);
        let nodes = aws.elasticache().describe_cache_clusters();
        let nodes = pages!(aws, "DescribeCacheClusters", nodes, cache_clusters);
        let mut nodes: HashMap<String, CacheCluster> =
            nodes.into_iter().filter_map(|n| Some((n.cache_cluster_id.clone()?, n))).collect();
        let with_node = |group: Group| {
            let node = group.member_clusters().iter().find_map(|member| nodes.remove(member));
            Api { group, node }
        };
        Ok(groups.into_iter().map(with_node).collect())
    }

    fn id(api: &Api) -> Option<String> {
        api.group.replication_group_id.clone()
    }

    fn is_called(api: &Api, id: &str) -> bool {
        api.group.replication_group_id().is_some_and(|own| own.eq_ignore_ascii_case(id))
    }

    async fn tags(aws: &Aws, api: &Api) -> Result<Vec<(String, String)>, ProviderError> {
        tagging::read(aws, api.group.arn()).await
    }

    fn is_gone(api: &Api) -> bool {
        api.group.status() == Some("deleted")
    }

    fn fields(_aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
        let object = size(ObjectBuilder::new(), &api.group, like);
        let object = security(object, &api.group, like);
        let object = of_node(object, api.node.as_ref(), like);
        given(object, &api.group)
    }
}

async fn node(aws: &Aws, id: &str) -> Result<Option<CacheCluster>, ProviderError> {
    let request = aws.elasticache().describe_cache_clusters().cache_cluster_id(id);
    let answer = aws.call("elasticache", "DescribeCacheClusters", || request.clone().send()).await;
    let nodes = named::or_nothing(answer)?.and_then(|a| a.cache_clusters).unwrap_or_default();
    Ok(nodes.into_iter().next())
}

fn size(object: ObjectBuilder, group: &Group, like: Option<&Object>) -> ObjectBuilder {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let replicas = group.node_groups().first().map(|g| count(g.node_group_members().len()).saturating_sub(1));
    let failover = matches!(
        group.automatic_failover(),
        Some(AutomaticFailoverStatus::Enabled | AutomaticFailoverStatus::Enabling)
    );
    object
        .maybe("replication_group_id", group.replication_group_id())
        .maybe("description", group.description())
        .maybe("engine", group.engine().map(Value::from).or(said(like, "engine")))
        .maybe("node_type", group.cache_node_type())
        .set("num_cache_clusters", count(group.node_groups().iter().map(|g| g.node_group_members().len()).sum()))
        .set("num_node_groups", count(group.node_groups().len()))
        .maybe("replicas_per_node_group", replicas)
        .set("automatic_failover_enabled", failover)
        .set("multi_az_enabled", group.multi_az() == Some(&MultiAzStatus::Enabled))
        .maybe("cluster_mode", group.cluster_mode().map(ClusterMode::as_str))
        .set("data_tiering_enabled", group.data_tiering() == Some(&DataTieringStatus::Enabled))
        // Words of the request that no answer has.
        .maybe("preferred_cache_cluster_azs", said(like, "preferred_cache_cluster_azs"))
        .maybe("snapshot_name", said(like, "snapshot_name"))
        .maybe("snapshot_arns", said(like, "snapshot_arns"))
        .maybe("final_snapshot_identifier", said(like, "final_snapshot_identifier"))
        .maybe("apply_immediately", said(like, "apply_immediately"))
}

fn security(object: ObjectBuilder, group: &Group, like: Option<&Object>) -> ObjectBuilder {
    let users = group.user_group_ids();
    let object = match users.is_empty() {
        true => object,
        false => object.string_set("user_group_ids", users),
    };
    let strategy = said(like, "auth_token_update_strategy").unwrap_or_else(|| Value::from("ROTATE"));
    object
        .set("at_rest_encryption_enabled", group.at_rest_encryption_enabled().unwrap_or(false))
        .maybe("kms_key_id", group.kms_key_id())
        .set("transit_encryption_enabled", group.transit_encryption_enabled().unwrap_or(false))
        .maybe("transit_encryption_mode", group.transit_encryption_mode().map(TransitEncryptionMode::as_str))
        .maybe("auth_token", said(like, "auth_token"))
        .set("auth_token_update_strategy", strategy)
        .maybe("network_type", group.network_type().map(NetworkType::as_str))
        .maybe("ip_discovery", group.ip_discovery().map(IpDiscovery::as_str))
        .maybe("snapshot_retention_limit", group.snapshot_retention_limit())
        .maybe("snapshot_window", group.snapshot_window())
        .maybe("auto_minor_version_upgrade", group.auto_minor_version_upgrade())
}

/// What only the nodes tell. A group whose nodes are still to come shows what was asked for.
fn of_node(object: ObjectBuilder, node: Option<&CacheCluster>, like: Option<&Object>) -> ObjectBuilder {
    let text = |value: Option<&str>, name: &str| value.map(Value::from).or(said(like, name));
    let actual = node.and_then(CacheCluster::engine_version);
    let parameters = node.and_then(|n| n.cache_parameter_group()).and_then(|g| g.cache_parameter_group_name());
    let groups: Vec<&str> =
        node.map(|n| n.security_groups().iter().filter_map(|g| g.security_group_id()).collect()).unwrap_or_default();
    let object = match groups.is_empty() {
        true => object.maybe("security_group_ids", said(like, "security_group_ids")),
        false => object.string_set("security_group_ids", groups),
    };
    let version = named::version_as_said(actual, like, "engine_version");
    object
        .maybe("engine_version", version.map(|v| if Some(v.as_str()) == actual { short_version(&v) } else { v }))
        .maybe("engine_version_actual", text(actual, "engine_version"))
        .maybe("parameter_group_name", text(parameters, "parameter_group_name"))
        .maybe("subnet_group_name", text(node.and_then(CacheCluster::cache_subnet_group_name), "subnet_group_name"))
        .maybe(
            "maintenance_window",
            text(node.and_then(CacheCluster::preferred_maintenance_window), "maintenance_window"),
        )
        .maybe(
            "notification_topic_arn",
            text(
                node.and_then(|n| n.notification_configuration()).and_then(|n| n.topic_arn()),
                "notification_topic_arn",
            ),
        )
}

/// From version 6 on, requests take major and minor only.
fn short_version(actual: &str) -> String {
    let mut parts = actual.split('.');
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) if major.parse::<u32>().is_ok_and(|n| n >= 6) => format!("{major}.{minor}"),
        _ => actual.to_string(),
    }
}

fn given(object: ObjectBuilder, group: &Group) -> ObjectBuilder {
    let shard = group.node_groups().first();
    let primary = shard.and_then(NodeGroup::primary_endpoint);
    let configuration = group.configuration_endpoint();
    let port = configuration.or(primary).and_then(Endpoint::port);
    object
        .maybe("port", port)
        .maybe("arn", group.arn())
        .set("cluster_enabled", group.cluster_enabled().unwrap_or(false))
        .string_set("member_clusters", group.member_clusters())
        .maybe("configuration_endpoint_address", configuration.and_then(Endpoint::address))
        .maybe("primary_endpoint_address", primary.and_then(Endpoint::address))
        .maybe("reader_endpoint_address", shard.and_then(NodeGroup::reader_endpoint).and_then(Endpoint::address))
}

#[cfg(test)]
mod tests {
    use super::short_version;

    #[test]
    fn versions_are_as_short_as_requests_take_them() {
        assert_eq!(short_version("7.1.0"), "7.1");
        assert_eq!(short_version("6.2.6"), "6.2");
        assert_eq!(short_version("5.0.6"), "5.0.6");
    }
}
