//! `aws_eks_cluster`: the control plane of a Kubernetes cluster.
//! EKS: CreateCluster, DescribeCluster, UpdateClusterConfig, UpdateClusterVersion, AssociateEncryptionConfig,
//! DeleteCluster.

use crate::model::Type;
use crate::provider::resource::ResourceBuilder;
use crate::provider::schema_words::{BlockWord, boolean, of_type, one_block, string, string_set};
use crate::provider::{ResourceType, resource};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{ByName, MINUTE};

pub fn cluster() -> ResourceType<Aws> {
    resource("aws_eks_cluster", "The control plane of a Kubernetes cluster.")
        .attr("name", string().required().replaces(), "Name of the cluster.")
        .attr("role_arn", string().required().replaces(), "The role that the control plane takes on.")
        .attr("version", string().optional().computed(), "Version of Kubernetes, such as 1.31.")
        .attr(
            "enabled_cluster_log_types",
            string_set().optional(),
            "Logs that go to CloudWatch: api, audit, authenticator, controllerManager, scheduler.",
        )
        .attr(
            "bootstrap_self_managed_addons",
            boolean().default(true).replaces(),
            "Install the network plugin, CoreDNS and kube-proxy.",
        )
        .attr("deletion_protection", boolean().optional().computed(), "Refuse to delete the cluster.")
        .block("vpc_config", vpc_config().required(), "Where the cluster is in the network, and who may call it.")
        .block("access_config", access_config().computed(), "How identities come to be known to the cluster.")
        .block("kubernetes_network_config", network_config().computed(), "Addresses of services in the cluster.")
        .block("encryption_config", encryption_config(), "What Kubernetes stores encrypted with a key of yours.")
        .block("upgrade_policy", upgrade_policy().computed(), "What becomes of a version at its end of support.")
        .with(given)
        .tags()
        .timeouts(MINUTE * 30, MINUTE * 60, MINUTE * 15)
        .id_attribute("name")
        .import_example("production")
        .service("eks")
        .driver(ByName(Cluster))
}

/// The type; its reading is in `cluster_fields`, its changing in `cluster_change`.
pub(super) struct Cluster;

fn vpc_config() -> BlockWord {
    one_block()
        .attr("subnet_ids", string_set().required(), "Subnets in at least two availability zones.")
        .attr("security_group_ids", string_set().optional(), "More security groups of the control plane.")
        .attr("endpoint_private_access", boolean().default(false), "Let the VPC call the API privately.")
        .attr("endpoint_public_access", boolean().default(true), "Let the internet call the API.")
        .attr("public_access_cidrs", string_set().optional().computed(), "The ranges that may do so.")
        .attr("cluster_security_group_id", string().computed(), "The security group that EKS made.")
        .attr("vpc_id", string().computed(), "The VPC of the subnets.")
}

fn access_config() -> BlockWord {
    one_block()
        .attr(
            "authentication_mode",
            string().optional().computed().one_of(&["API", "API_AND_CONFIG_MAP", "CONFIG_MAP"]),
            "Where the identities are listed.",
        )
        .attr(
            "bootstrap_cluster_creator_admin_permissions",
            boolean().optional().computed().replaces(),
            "Make the creator an administrator.",
        )
}

fn network_config() -> BlockWord {
    one_block()
        .attr("service_ipv4_cidr", string().optional().computed().replaces(), "IPv4 range of services.")
        .attr("service_ipv6_cidr", string().computed(), "IPv6 range of services.")
        .attr(
            "ip_family",
            string().optional().computed().replaces().one_of(&["ipv4", "ipv6"]),
            "Addresses of pods and services.",
        )
}

fn encryption_config() -> BlockWord {
    let provider = one_block().required().attr("key_arn", string().required(), "ARN of the key.");
    one_block()
        .attr("resources", string_set().required(), "What to encrypt: secrets.")
        .block("provider", provider, "The key.")
}

fn upgrade_policy() -> BlockWord {
    one_block().attr(
        "support_type",
        string().optional().computed().one_of(&["STANDARD", "EXTENDED"]),
        "Upgrade by itself (STANDARD), or pay for longer support (EXTENDED).",
    )
}

fn given(resource: ResourceBuilder) -> ResourceBuilder {
    let authority = Type::list(Type::object([("data", Type::String)]));
    let oidc = Type::list(Type::object([("issuer", Type::String)]));
    let identity = Type::list(Type::object([("oidc", oidc)]));
    resource
        .attr("arn", string().always(), "ARN of the cluster.")
        .attr("certificate_authority", of_type(authority).computed(), "The API's certificate authority, in Base64.")
        .attr("cluster_id", string().computed(), "Id of a cluster on an Outpost.")
        .attr("created_at", string().computed(), "When the cluster was made (RFC 3339).")
        .attr("endpoint", string().computed(), "URL of the API.")
        .attr("identity", of_type(identity).computed(), "Issuer of the service accounts' tokens.")
        .attr("platform_version", string().computed(), "Version of EKS that runs.")
        .attr("status", string().computed(), "State of the cluster.")
}
