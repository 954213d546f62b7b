//! `aws_elasticache_replication_group`: a Redis or Valkey cache of one or more nodes.
//! ElastiCache: CreateReplicationGroup, DescribeReplicationGroups, DescribeCacheClusters,
//! ModifyReplicationGroup, IncreaseReplicaCount, DecreaseReplicaCount,
//! ModifyReplicationGroupShardConfiguration, DeleteReplicationGroup.

use crate::model::Equality;
use crate::provider::resource::ResourceBuilder;
use crate::provider::schema_words::{boolean, number, string, string_list, string_set};
use crate::provider::{ResourceType, resource};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{ByName, MINUTE};

pub fn replication_group() -> ResourceType<Aws> {
    resource("aws_elasticache_replication_group", "A Redis or Valkey cache of one or more nodes.")
        .with(nodes)
        .with(access)
        .with(upkeep)
        .with(given)
        .tags()
        .timeouts(MINUTE * 60, MINUTE * 40, MINUTE * 45)
        .id_attribute("replication_group_id")
        .import_example("shop-redis")
        .service("elasticache")
        .driver(ByName(ReplicationGroup))
}

/// The type; its reading is in `replication_group_fields`, its changing in `replication_group_change`.
pub(super) struct ReplicationGroup;

fn nodes(resource: ResourceBuilder) -> ResourceBuilder {
    resource
        .attr(
            "replication_group_id",
            string().required().replaces().equality(Equality::CaseInsensitive),
            "Name of the group; ElastiCache keeps it in lower case.",
        )
        .attr("description", string().required(), "What the cache is for.")
        .attr(
            "engine",
            string().default("redis").one_of(&["redis", "valkey"]).equality(Equality::CaseInsensitive),
            "The software of the nodes.",
        )
        .attr("engine_version", string().optional().computed(), "Version of the engine, such as 7.1.")
        .attr("node_type", string().optional().computed(), "Machine type, such as cache.t4g.small.")
        .attr(
            "num_cache_clusters",
            number().optional().computed().conflicts_with(&["num_node_groups", "replicas_per_node_group"]),
            "How many nodes, the primary included, where the data is not divided.",
        )
        .attr("num_node_groups", number().optional().computed(), "Into how many shards the data is divided.")
        .attr("replicas_per_node_group", number().optional().computed(), "How many replicas each shard has.")
        .attr(
            "preferred_cache_cluster_azs",
            string_list().optional(),
            "The zones of the nodes, the primary's first; only a new group heeds them.",
        )
        .attr("automatic_failover_enabled", boolean().default(false), "Let a replica take over from a primary.")
        .attr("multi_az_enabled", boolean().default(false), "Spread the nodes over zones.")
        .attr(
            "cluster_mode",
            string().optional().computed().one_of(&["enabled", "disabled", "compatible"]),
            "Whether the data is divided.",
        )
        .attr("data_tiering_enabled", boolean().optional().computed().replaces(), "Keep cold data on disks.")
}

fn access(resource: ResourceBuilder) -> ResourceBuilder {
    resource
        .attr("port", number().optional().computed().replaces(), "Port that the nodes listen on.")
        .attr("subnet_group_name", string().optional().computed().replaces(), "The group of subnets it stands in.")
        .attr("security_group_ids", string_set().optional().computed(), "The nodes' security groups.")
        .attr("network_type", string().optional().computed().replaces(), "ipv4, ipv6 or dual_stack.")
        .attr("ip_discovery", string().optional().computed(), "ipv4 or ipv6.")
        .attr("at_rest_encryption_enabled", boolean().optional().computed().replaces(), "Encrypt what is stored.")
        .attr("kms_key_id", string().optional().replaces(), "ARN of the key that encrypts it.")
        .attr("transit_encryption_enabled", boolean().optional().computed(), "Encrypt connections.")
        .attr(
            "transit_encryption_mode",
            string().optional().computed().one_of(&["preferred", "required"]),
            "Whether clients must encrypt.",
        )
        .attr(
            "auth_token",
            string().optional().sensitive().conflicts_with(&["user_group_ids"]),
            "Password of the cache; needs \"transit_encryption_enabled\".",
        )
        .attr(
            "auth_token_update_strategy",
            string().default("ROTATE").one_of(&["SET", "ROTATE", "DELETE"]),
            "What becomes of the old password when it changes.",
        )
        .attr("user_group_ids", string_set().optional(), "Groups of users that may sign in.")
}

fn upkeep(resource: ResourceBuilder) -> ResourceBuilder {
    resource
        .attr("parameter_group_name", string().optional().computed(), "The engine's settings.")
        .attr("notification_topic_arn", string().optional(), "SNS topic that is told of events.")
        .attr("snapshot_retention_limit", number().optional().computed(), "How many days backups are kept.")
        .attr("snapshot_window", string().optional().computed(), "When backups are made, such as 05:00-06:00 (UTC).")
        .attr("snapshot_name", string().optional().replaces(), "A snapshot to start from.")
        .attr("snapshot_arns", string_set().optional().replaces(), "Redis files in S3 to start from.")
        .attr("final_snapshot_identifier", string().optional(), "Name of the snapshot made at deletion.")
        .attr(
            "maintenance_window",
            string().optional().computed().equality(Equality::CaseInsensitive),
            "When changes are made that can wait, such as sun:05:00-sun:06:00 (UTC).",
        )
        .attr("apply_immediately", boolean().optional().computed(), "Do not wait for the maintenance window.")
        .attr("auto_minor_version_upgrade", boolean().optional().computed(), "Upgrade in the maintenance window.")
}

fn given(resource: ResourceBuilder) -> ResourceBuilder {
    resource
        .attr("arn", string().always(), "ARN of the group.")
        .attr("cluster_enabled", boolean().computed(), "Whether the data is divided.")
        .attr("configuration_endpoint_address", string().computed(), "Host name where the data is divided.")
        .attr("engine_version_actual", string().computed(), "The version that runs.")
        .attr("member_clusters", string_set().computed(), "Names of the nodes.")
        .attr("primary_endpoint_address", string().computed(), "Host name of the primary.")
        .attr("reader_endpoint_address", string().computed(), "Host name of the replicas.")
}
