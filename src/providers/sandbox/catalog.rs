//! What is special about known types: the form of ids and ARNs, names that must be unique, the codes of errors,
//! quotas, and objects that come along with others. A type that is not here gets what holds for all.
//!
//! Templates hold `{hex17}` (so many hexadecimal digits), `{upper17}` (so many capitals and digits), `{uuid}`,
//! `{region}`, `{short_region}`, `{account}`, `{partition}`, `{id}`, `{zone6}` (hexadecimal digits that an account's
//! objects have in common within a region), or the name of an attribute.

use std::collections::HashMap;
use std::sync::LazyLock;

/// One known type.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub ty: &'static str,
    pub id: &'static str,
    /// Empty where the type has none or its form is the usual one.
    pub arn: &'static str,
    /// Attributes and what they hold, where that is not to be guessed from the name.
    pub also: &'static [(&'static str, &'static str)],
    /// Attributes that no two objects of a region may have in common, all together.
    pub unique: &'static [&'static str],
    /// The state of an object that can be used.
    pub ready: &'static str,
    /// Whether it belongs to no region.
    pub is_global: bool,
    pub quota: Option<u64>,
    pub quota_code: &'static str,
    pub missing_code: &'static str,
    pub exists_code: &'static str,
    pub in_use_code: &'static str,
    /// Attributes that name objects which are made and deleted with this one, and their types.
    pub children: &'static [(&'static str, &'static str)],
}

const fn kind(ty: &'static str, id: &'static str) -> Kind {
    Kind {
        ty,
        id,
        arn: "",
        also: &[],
        unique: &[],
        ready: "available",
        is_global: false,
        quota: None,
        quota_code: "LimitExceededException",
        missing_code: "",
        exists_code: "",
        in_use_code: "",
        children: &[],
    }
}

impl Kind {
    const fn arn(mut self, template: &'static str) -> Self {
        self.arn = template;
        self
    }

    const fn also(mut self, attributes: &'static [(&'static str, &'static str)]) -> Self {
        self.also = attributes;
        self
    }

    const fn unique(mut self, attributes: &'static [&'static str], code: &'static str) -> Self {
        self.unique = attributes;
        self.exists_code = code;
        self
    }

    const fn ready(mut self, state: &'static str) -> Self {
        self.ready = state;
        self
    }

    const fn global(mut self) -> Self {
        self.is_global = true;
        self
    }

    const fn quota(mut self, quota: u64, code: &'static str) -> Self {
        self.quota = Some(quota);
        self.quota_code = code;
        self
    }

    const fn missing(mut self, code: &'static str) -> Self {
        self.missing_code = code;
        self
    }

    const fn in_use(mut self, code: &'static str) -> Self {
        self.in_use_code = code;
        self
    }

    const fn children(mut self, children: &'static [(&'static str, &'static str)]) -> Self {
        self.children = children;
        self
    }
}

/// EC2 quotas: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>; ARNs and ids:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    // EC2
    kind("aws_vpc", "vpc-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:vpc/{id}")
        .quota(5, "VpcLimitExceeded").missing("InvalidVpcID.NotFound").also(&[("dhcp_options_id", "dopt-{hex17}"), ("ipv6_association_id", "vpc-cidr-assoc-{hex17}")])
        .children(&[("default_security_group_id", "aws_security_group"), ("default_network_acl_id", "aws_network_acl"),
            ("default_route_table_id", "aws_route_table"), ("main_route_table_id", "aws_route_table")]),
    kind("aws_vpc_ipv4_cidr_block_association", "vpc-cidr-assoc-{hex17}"),
    kind("aws_subnet", "subnet-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:subnet/{id}")
        .quota(200, "SubnetLimitExceeded").missing("InvalidSubnetID.NotFound"),
    kind("aws_internet_gateway", "igw-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:internet-gateway/{id}")
        .quota(5, "InternetGatewayLimitExceeded").missing("InvalidInternetGatewayID.NotFound"),
    kind("aws_egress_only_internet_gateway", "eigw-{hex17}").missing("InvalidGatewayID.NotFound"),
    kind("aws_nat_gateway", "nat-{hex17}").quota(5, "NatGatewayLimitExceeded").missing("NatGatewayNotFound")
        .also(&[("network_interface_id", "eni-{hex17}"), ("association_id", "eipassoc-{hex17}")]),
    kind("aws_eip", "eipalloc-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:elastic-ip/{id}")
        .also(&[("allocation_id", "{id}"), ("domain", "vpc"), ("public_ipv4_pool", "amazon"), ("network_border_group", "{region}")])
        .quota(5, "AddressLimitExceeded").missing("InvalidAllocationID.NotFound").in_use("InvalidIPAddress.InUse"),
    kind("aws_eip_association", "eipassoc-{hex17}"),
    kind("aws_route_table", "rtb-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:route-table/{id}")
        .quota(200, "RouteTableLimitExceeded").missing("InvalidRouteTableID.NotFound"),
    kind("aws_route", "r-{route_table_id}{hex10}").also(&[("state", "active"), ("origin", "CreateRoute")])
        .unique(&["route_table_id", "destination_cidr_block", "destination_ipv6_cidr_block", "destination_prefix_list_id"], "RouteAlreadyExists"),
    kind("aws_route_table_association", "rtbassoc-{hex17}").missing("InvalidAssociationID.NotFound")
        .unique(&["subnet_id", "gateway_id"], "Resource.AlreadyAssociated"),
    kind("aws_main_route_table_association", "rtbassoc-{hex17}"),
    kind("aws_network_acl", "acl-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:network-acl/{id}").missing("InvalidNetworkAclID.NotFound"),
    kind("aws_network_acl_rule", "nacl-{hex10}"),
    kind("aws_security_group", "sg-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:security-group/{id}")
        .unique(&["vpc_id", "name"], "InvalidGroup.Duplicate").missing("InvalidGroup.NotFound"),
    kind("aws_security_group_rule", "sgrule-{hex10}").also(&[("security_group_rule_id", "sgr-{hex17}")]),
    kind("aws_vpc_security_group_ingress_rule", "sgr-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:security-group-rule/{id}")
        .also(&[("security_group_rule_id", "{id}")]).missing("InvalidSecurityGroupRuleId.NotFound"),
    kind("aws_vpc_security_group_egress_rule", "sgr-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:security-group-rule/{id}")
        .also(&[("security_group_rule_id", "{id}")]).missing("InvalidSecurityGroupRuleId.NotFound"),
    kind("aws_vpc_endpoint", "vpce-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:vpc-endpoint/{id}").missing("InvalidVpcEndpointId.NotFound"),
    kind("aws_vpc_peering_connection", "pcx-{hex17}").ready("active").missing("InvalidVpcPeeringConnectionID.NotFound"),
    kind("aws_vpc_dhcp_options", "dopt-{hex17}").missing("InvalidDhcpOptionsID.NotFound"),
    kind("aws_vpn_gateway", "vgw-{hex17}").missing("InvalidVpnGatewayID.NotFound"),
    kind("aws_customer_gateway", "cgw-{hex17}").missing("InvalidCustomerGatewayID.NotFound"),
    kind("aws_ec2_transit_gateway", "tgw-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:transit-gateway/{id}").missing("InvalidTransitGatewayID.NotFound"),
    kind("aws_ec2_transit_gateway_vpc_attachment", "tgw-attach-{hex17}"),
    kind("aws_network_interface", "eni-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:network-interface/{id}").missing("InvalidNetworkInterfaceID.NotFound"),
    kind("aws_flow_log", "fl-{hex17}"),
    kind("aws_instance", "i-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:instance/{id}").ready("running")
        .also(&[("primary_network_interface_id", "eni-{hex17}"), ("instance_state", "running")]).missing("InvalidInstanceID.NotFound"),
    kind("aws_launch_template", "lt-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:launch-template/{id}")
        .unique(&["name"], "InvalidLaunchTemplateName.AlreadyExistsException").missing("InvalidLaunchTemplateId.NotFound"),
    kind("aws_key_pair", "{key_name}").arn("arn:{partition}:ec2:{region}:{account}:key-pair/{id}")
        .also(&[("key_pair_id", "key-{hex17}")]).unique(&["key_name"], "InvalidKeyPair.Duplicate").missing("InvalidKeyPair.NotFound"),
    kind("aws_ebs_volume", "vol-{hex17}").arn("arn:{partition}:ec2:{region}:{account}:volume/{id}").missing("InvalidVolume.NotFound"),
    kind("aws_ami", "ami-{hex17}").arn("arn:{partition}:ec2:{region}::image/{id}"),
    // IAM
    kind("aws_iam_role", "{name}").arn("arn:{partition}:iam::{account}:role{path}{name}").also(&[("unique_id", "AROA{upper17}")])
        .unique(&["name"], "EntityAlreadyExists").global().quota(1000, "LimitExceeded"),
    kind("aws_iam_user", "{name}").arn("arn:{partition}:iam::{account}:user{path}{name}").also(&[("unique_id", "AIDA{upper17}")])
        .unique(&["name"], "EntityAlreadyExists").global(),
    kind("aws_iam_group", "{name}").arn("arn:{partition}:iam::{account}:group{path}{name}").also(&[("unique_id", "AGPA{upper17}")])
        .unique(&["name"], "EntityAlreadyExists").global(),
    kind("aws_iam_policy", "{arn}").arn("arn:{partition}:iam::{account}:policy{path}{name}").also(&[("policy_id", "ANPA{upper17}")])
        .unique(&["name"], "EntityAlreadyExists").global(),
    kind("aws_iam_instance_profile", "{name}").arn("arn:{partition}:iam::{account}:instance-profile{path}{name}")
        .also(&[("unique_id", "AIPA{upper17}")]).unique(&["name"], "EntityAlreadyExists").global(),
    kind("aws_iam_role_policy", "{role}:{name}").unique(&["role", "name"], "EntityAlreadyExists").global(),
    kind("aws_iam_role_policy_attachment", "{role}-{hex20}").global(),
    kind("aws_iam_openid_connect_provider", "{arn}").arn("arn:{partition}:iam::{account}:oidc-provider/{url}")
        .unique(&["url"], "EntityAlreadyExists").global(),
    kind("aws_iam_access_key", "AKIA{upper16}").global(),
    // EKS
    kind("aws_eks_cluster", "{name}").arn("arn:{partition}:eks:{region}:{account}:cluster/{name}").ready("ACTIVE")
        .unique(&["name"], "ResourceInUseException").quota(100, "ResourceLimitExceededException")
        .also(&[("endpoint", "https://{upper32}.gr7.{region}.eks.amazonaws.com"), ("platform_version", "eks.1"), ("version", "1.33"),
            ("issuer", "https://oidc.eks.{region}.amazonaws.com/id/{upper32}"), ("service_ipv4_cidr", "172.20.0.0/16"), ("ip_family", "ipv4")])
        .children(&[("cluster_security_group_id", "aws_security_group")]),
    kind("aws_eks_node_group", "{cluster_name}:{node_group_name}").ready("ACTIVE").unique(&["cluster_name", "node_group_name"], "ResourceInUseException")
        .arn("arn:{partition}:eks:{region}:{account}:nodegroup/{cluster_name}/{node_group_name}/{uuid}")
        .also(&[("version", "1.33"), ("release_version", "1.33.0-20250601"), ("ami_type", "AL2023_x86_64_STANDARD"), ("capacity_type", "ON_DEMAND")]),
    kind("aws_eks_addon", "{cluster_name}:{addon_name}").ready("ACTIVE").unique(&["cluster_name", "addon_name"], "ResourceInUseException")
        .arn("arn:{partition}:eks:{region}:{account}:addon/{cluster_name}/{addon_name}/{uuid}").also(&[("addon_version", "v1.0.0-eksbuild.1")]),
    kind("aws_eks_fargate_profile", "{cluster_name}:{fargate_profile_name}").ready("ACTIVE")
        .arn("arn:{partition}:eks:{region}:{account}:fargateprofile/{cluster_name}/{fargate_profile_name}/{uuid}")
        .unique(&["cluster_name", "fargate_profile_name"], "ResourceInUseException"),
    kind("aws_eks_access_entry", "{cluster_name}:{principal_arn}").unique(&["cluster_name", "principal_arn"], "ResourceInUseException"),
    kind("aws_eks_access_policy_association", "{cluster_name}#{principal_arn}#{policy_arn}"),
    kind("aws_eks_pod_identity_association", "a-{hex17}"),
    // RDS, ElastiCache
    kind("aws_db_instance", "{identifier}").arn("arn:{partition}:rds:{region}:{account}:db:{identifier}")
        .unique(&["identifier"], "DBInstanceAlreadyExists").quota(40, "InstanceQuotaExceeded").missing("DBInstanceNotFound")
        .also(&[("resource_id", "db-{upper26}"), ("address", "{identifier}.c{zone11}.{region}.rds.amazonaws.com"),
            ("endpoint", "{identifier}.c{zone11}.{region}.rds.amazonaws.com:{port}"), ("hosted_zone_id", "Z{upper13}")]),
    kind("aws_rds_cluster", "{cluster_identifier}").arn("arn:{partition}:rds:{region}:{account}:cluster:{cluster_identifier}")
        .unique(&["cluster_identifier"], "DBClusterAlreadyExistsFault").missing("DBClusterNotFoundFault")
        .also(&[("cluster_resource_id", "cluster-{upper26}"), ("endpoint", "{cluster_identifier}.cluster-c{zone11}.{region}.rds.amazonaws.com"),
            ("reader_endpoint", "{cluster_identifier}.cluster-ro-c{zone11}.{region}.rds.amazonaws.com")]),
    kind("aws_rds_cluster_instance", "{identifier}").arn("arn:{partition}:rds:{region}:{account}:db:{identifier}").unique(&["identifier"], "DBInstanceAlreadyExists"),
    kind("aws_db_subnet_group", "{name}").arn("arn:{partition}:rds:{region}:{account}:subgrp:{name}").unique(&["name"], "DBSubnetGroupAlreadyExists")
        .ready("Complete").missing("DBSubnetGroupNotFoundFault").in_use("InvalidDBSubnetGroupStateFault"),
    kind("aws_db_parameter_group", "{name}").arn("arn:{partition}:rds:{region}:{account}:pg:{name}").unique(&["name"], "DBParameterGroupAlreadyExists")
        .missing("DBParameterGroupNotFound").in_use("InvalidDBParameterGroupState"),
    kind("aws_elasticache_replication_group", "{replication_group_id}").unique(&["replication_group_id"], "ReplicationGroupAlreadyExists")
        .arn("arn:{partition}:elasticache:{region}:{account}:replicationgroup:{replication_group_id}").missing("ReplicationGroupNotFoundFault")
        .also(&[("primary_endpoint_address", "master.{replication_group_id}.{zone6}.{short_region}.cache.amazonaws.com"),
            ("reader_endpoint_address", "replica.{replication_group_id}.{zone6}.{short_region}.cache.amazonaws.com"),
            ("configuration_endpoint_address", "clustercfg.{replication_group_id}.{zone6}.{short_region}.cache.amazonaws.com")]),
    kind("aws_elasticache_cluster", "{cluster_id}").arn("arn:{partition}:elasticache:{region}:{account}:cluster:{cluster_id}")
        .unique(&["cluster_id"], "CacheClusterAlreadyExists").missing("CacheClusterNotFound"),
    kind("aws_elasticache_subnet_group", "{name}").arn("arn:{partition}:elasticache:{region}:{account}:subnetgroup:{name}")
        .unique(&["name"], "CacheSubnetGroupAlreadyExists").missing("CacheSubnetGroupNotFoundFault").in_use("CacheSubnetGroupInUse"),
    kind("aws_elasticache_parameter_group", "{name}").arn("arn:{partition}:elasticache:{region}:{account}:parametergroup:{name}")
        .unique(&["name"], "CacheParameterGroupAlreadyExists").missing("CacheParameterGroupNotFound"),
    // S3: a bucket's name is taken in the whole world, the bucket lies in one region
    kind("aws_s3_bucket", "{bucket}").arn("arn:{partition}:s3:::{bucket}").global().unique(&["bucket"], "BucketAlreadyOwnedByYou")
        .missing("NoSuchBucket").in_use("BucketNotEmpty").quota(10_000, "TooManyBuckets")
        .also(&[("bucket_domain_name", "{bucket}.s3.amazonaws.com"), ("bucket_regional_domain_name", "{bucket}.s3.{region}.amazonaws.com"),
            ("hosted_zone_id", "Z3AQBSTGFYJSTF")]),
    kind("aws_s3_bucket_versioning", "{bucket}").global(),
    kind("aws_s3_bucket_policy", "{bucket}").global(),
    kind("aws_s3_bucket_public_access_block", "{bucket}").global(),
    kind("aws_s3_bucket_server_side_encryption_configuration", "{bucket}").global(),
    kind("aws_s3_bucket_lifecycle_configuration", "{bucket}").global(),
    kind("aws_s3_bucket_ownership_controls", "{bucket}").global(),
    kind("aws_s3_object", "{key}").also(&[("etag", "{hex32}")]),
    // Others
    kind("aws_kms_key", "{uuid}").arn("arn:{partition}:kms:{region}:{account}:key/{id}").also(&[("key_id", "{id}")]).missing("NotFoundException"),
    kind("aws_kms_alias", "{name}").arn("arn:{partition}:kms:{region}:{account}:{name}").unique(&["name"], "AlreadyExistsException"),
    kind("aws_lb", "{arn}").arn("arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{hex16}").ready("active")
        .also(&[("dns_name", "{name}-{hex9}.{region}.elb.amazonaws.com"), ("zone_id", "Z35SXDOTRQ7X7K"), ("arn_suffix", "app/{name}/{hex16}")])
        .unique(&["name"], "DuplicateLoadBalancerName").missing("LoadBalancerNotFound"),
    kind("aws_lb_target_group", "{arn}").arn("arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hex16}")
        .unique(&["name"], "DuplicateTargetGroupName").missing("TargetGroupNotFound").in_use("ResourceInUse"),
    kind("aws_lb_listener", "{arn}").arn("arn:{partition}:elasticloadbalancing:{region}:{account}:listener/app/sandbox/{hex16}/{hex16}"),
    kind("aws_route53_zone", "Z{upper20}").arn("arn:{partition}:route53:::hostedzone/{id}").also(&[("zone_id", "{id}")]).global()
        .missing("NoSuchHostedZone").in_use("HostedZoneNotEmpty"),
    kind("aws_route53_record", "{zone_id}_{name}_{type}").global().also(&[("fqdn", "{name}")]),
    kind("aws_acm_certificate", "{arn}").arn("arn:{partition}:acm:{region}:{account}:certificate/{uuid}").ready("ISSUED"),
    kind("aws_cloudwatch_log_group", "{name}").arn("arn:{partition}:logs:{region}:{account}:log-group:{name}").unique(&["name"], "ResourceAlreadyExistsException"),
    kind("aws_sqs_queue", "https://sqs.{region}.amazonaws.com/{account}/{name}").arn("arn:{partition}:sqs:{region}:{account}:{name}")
        .also(&[("url", "{id}")]).unique(&["name"], "QueueAlreadyExists"),
    kind("aws_sns_topic", "{arn}").arn("arn:{partition}:sns:{region}:{account}:{name}").unique(&["name"], "InvalidParameter"),
    kind("aws_dynamodb_table", "{name}").arn("arn:{partition}:dynamodb:{region}:{account}:table/{name}").ready("ACTIVE").unique(&["name"], "ResourceInUseException"),
    kind("aws_lambda_function", "{function_name}").arn("arn:{partition}:lambda:{region}:{account}:function:{function_name}").ready("Active")
        .unique(&["function_name"], "ResourceConflictException"),
    kind("aws_secretsmanager_secret", "{arn}").arn("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-{hex6}").unique(&["name"], "ResourceExistsException"),
    kind("aws_ecr_repository", "{name}").arn("arn:{partition}:ecr:{region}:{account}:repository/{name}")
        .also(&[("repository_url", "{account}.dkr.ecr.{region}.amazonaws.com/{name}")]).unique(&["name"], "RepositoryAlreadyExistsException"),
];

/// The known type of this name.
pub fn of(ty: &str) -> Option<&'static Kind> {
    static BY_TYPE: LazyLock<HashMap<&str, &Kind>> = LazyLock::new(|| KINDS.iter().map(|k| (k.ty, k)).collect());
    BY_TYPE.get(ty).copied()
}

/// Data sources that compute their answer from their arguments alone: the provider itself answers them.
pub const COMPUTED_DATA: &[&str] = &["aws_iam_policy_document", "aws_arn"];

/// The code of "there is none" for a type.
pub fn missing_code(ty: &str) -> &'static str {
    match of(ty).map(|k| k.missing_code) {
        Some(code) if !code.is_empty() => code,
        _ if ty.starts_with("aws_iam_") => "NoSuchEntity",
        _ => "ResourceNotFoundException",
    }
}

/// The code of "there is one already" for a type.
pub fn exists_code(ty: &str) -> &'static str {
    match of(ty).map(|k| k.exists_code) {
        Some(code) if !code.is_empty() => code,
        _ if ty.starts_with("aws_iam_") => "EntityAlreadyExists",
        _ => "ResourceAlreadyExistsException",
    }
}

/// The code of "something depends on it" for a type.
pub fn in_use_code(ty: &str) -> &'static str {
    match of(ty) {
        Some(kind) if !kind.in_use_code.is_empty() => kind.in_use_code,
        Some(kind) if kind.arn.contains(":ec2:") || kind.missing_code.starts_with("Invalid") => "DependencyViolation",
        _ if ty.starts_with("aws_iam_") => "DeleteConflict",
        _ => "ResourceInUseException",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_stands_once_with_whole_templates() {
        let mut names: Vec<&str> = KINDS.iter().map(|k| k.ty).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
        for kind in KINDS {
            for template in kind.also.iter().map(|a| a.1).chain([kind.id, kind.arn]) {
                assert_eq!(template.matches('{').count(), template.matches('}').count(), "{}: {template}", kind.ty);
            }
        }
        assert_eq!((in_use_code("aws_vpc"), in_use_code("aws_iam_role")), ("DependencyViolation", "DeleteConflict"));
    }
}
