//! Which attributes name other objects, by the attribute's name wherever it stands in an object.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::faults::matches;
use crate::model::{Path, PathStep, Str, Value};

/// Attributes of this name, in types that fit the pattern, name an object of one of these types.
#[derive(Debug)]
pub struct Reference {
    attribute: &'static str,
    from: &'static str,
    pub to: &'static [&'static str],
    /// Whether what is referred to cannot be deleted while the reference stands.
    pub holds: bool,
}

const fn to(attribute: &'static str, from: &'static str, to: &'static [&'static str]) -> Reference {
    Reference { attribute, from, to, holds: true }
}

/// A reference that does not keep its target from being deleted.
const fn loosely(attribute: &'static str, from: &'static str, to: &'static [&'static str]) -> Reference {
    Reference { attribute, from, to, holds: false }
}

const VPC: &[&str] = &["aws_vpc"];
const SUBNET: &[&str] = &["aws_subnet"];
const GROUP: &[&str] = &["aws_security_group"];
const ROLE: &[&str] = &["aws_iam_role"];
const KEY: &[&str] = &["aws_kms_key", "aws_kms_alias"];
const CLUSTER: &[&str] = &["aws_eks_cluster"];
const BUCKET: &[&str] = &["aws_s3_bucket"];

/// The first row that fits an attribute and a type holds.
#[rustfmt::skip]
const REFERENCES: &[Reference] = &[
    to("vpc_id", "aws_*", VPC),
    to("peer_vpc_id", "aws_*", VPC),
    loosely("subnet_id", "aws_route_table_association", SUBNET),
    to("subnet_id", "aws_*", SUBNET),
    to("subnet_ids", "aws_*", SUBNET),
    to("subnets", "aws_lb", SUBNET),
    loosely("security_group_id", "aws_security_group_rule", GROUP),
    loosely("security_group_id", "aws_vpc_security_group_*_rule", GROUP),
    to("security_group_id", "aws_*", GROUP),
    to("security_group_ids", "aws_*", GROUP),
    to("vpc_security_group_ids", "aws_*", GROUP),
    to("security_groups", "aws_*", GROUP),
    to("source_security_group_id", "aws_*", GROUP),
    to("referenced_security_group_id", "aws_*", GROUP),
    loosely("route_table_id", "aws_route", &["aws_route_table"]),
    to("route_table_id", "aws_*", &["aws_route_table"]),
    loosely("route_table_ids", "aws_*", &["aws_route_table"]),
    loosely("nat_gateway_id", "aws_*", &["aws_nat_gateway"]),
    loosely("gateway_id", "aws_*", &["aws_internet_gateway", "aws_vpn_gateway"]),
    loosely("egress_only_gateway_id", "aws_*", &["aws_egress_only_internet_gateway"]),
    loosely("internet_gateway_id", "aws_*", &["aws_internet_gateway"]),
    loosely("transit_gateway_id", "aws_route*", &["aws_ec2_transit_gateway"]),
    to("transit_gateway_id", "aws_*", &["aws_ec2_transit_gateway"]),
    loosely("vpc_peering_connection_id", "aws_*", &["aws_vpc_peering_connection"]),
    to("allocation_id", "aws_nat_gateway", &["aws_eip"]),
    to("allocation_id", "aws_eip_association", &["aws_eip"]),
    loosely("network_acl_id", "aws_*", &["aws_network_acl"]),
    to("launch_template_id", "aws_*", &["aws_launch_template"]),
    to("key_name", "aws_instance", &["aws_key_pair"]),
    loosely("iam_instance_profile", "aws_instance", &["aws_iam_instance_profile"]),
    to("role", "aws_iam_*", ROLE),
    loosely("role", "aws_lambda_*", ROLE),
    loosely("role_arn", "aws_eks_*", ROLE),
    loosely("node_role_arn", "aws_*", ROLE),
    loosely("pod_execution_role_arn", "aws_*", ROLE),
    loosely("execution_role_arn", "aws_*", ROLE),
    loosely("task_role_arn", "aws_*", ROLE),
    loosely("iam_role_arn", "aws_*", ROLE),
    to("user", "aws_iam_*", &["aws_iam_user"]),
    to("policy_arn", "aws_iam_*", &["aws_iam_policy"]),
    to("cluster_name", "aws_eks_*", CLUSTER),
    loosely("kms_key_id", "aws_*", KEY),
    loosely("kms_key_arn", "aws_*", KEY),
    loosely("kms_master_key_id", "aws_*", KEY),
    loosely("key_arn", "aws_eks_*", KEY),
    to("target_key_id", "aws_kms_*", KEY),
    to("db_subnet_group_name", "aws_*", &["aws_db_subnet_group"]),
    to("cluster_identifier", "aws_rds_cluster_instance", &["aws_rds_cluster"]),
    to("subnet_group_name", "aws_elasticache_*", &["aws_elasticache_subnet_group"]),
    loosely("bucket", "aws_s3_bucket_*", BUCKET),
    to("bucket", "aws_s3_object", BUCKET),
    loosely("load_balancer_arn", "aws_lb_*", &["aws_lb"]),
    to("target_group_arn", "aws_lb_*", &["aws_lb_target_group"]),
    to("zone_id", "aws_route53_record", &["aws_route53_zone"]),
];

/// One name of another object, found in an object.
#[derive(Debug)]
pub struct Found {
    pub path: Path,
    pub reference: &'static Reference,
    pub handle: Str,
}

/// All names of other objects in an object of this type. What the cloud itself provides does not count.
pub fn in_object(ty: &str, object: &Value) -> Vec<Found> {
    let mut found = Vec::new();
    walk(ty, object, &Path::root(), &mut found);
    found
}

fn walk(ty: &str, value: &Value, path: &Path, found: &mut Vec<Found>) {
    if let Value::Object(fields) = value.bare() {
        for (name, inner) in fields.iter().filter(|(_, v)| !v.is_null()) {
            let path = path.child(PathStep::Attr(name.clone()));
            match of(ty, name) {
                Some(reference) => take(reference, inner, &path, found),
                None => walk(ty, inner, &path, found),
            }
        }
        return;
    }
    for (i, item) in value.as_items().unwrap_or(&[]).iter().enumerate() {
        // Most items are plain texts, which hold nothing.
        if matches!(item.bare(), Value::Object(_) | Value::List(_) | Value::Set(_) | Value::Tuple(_)) {
            walk(ty, item, &path.child(PathStep::Index(i)), found);
        }
    }
}

fn take(reference: &'static Reference, value: &Value, path: &Path, found: &mut Vec<Found>) {
    let own = std::slice::from_ref(value);
    for handle in value.as_items().unwrap_or(own).iter().filter_map(Value::as_str) {
        if !provided_by_the_cloud(handle) {
            found.push(Found { path: path.clone(), reference, handle: handle.clone() });
        }
    }
}

fn of(ty: &str, attribute: &str) -> Option<&'static Reference> {
    static BY_NAME: LazyLock<HashMap<&str, Vec<&Reference>>> = LazyLock::new(|| {
        let mut by_name: HashMap<&str, Vec<&Reference>> = HashMap::new();
        REFERENCES.iter().for_each(|r| by_name.entry(r.attribute).or_default().push(r));
        by_name
    });
    BY_NAME.get(attribute)?.iter().find(|r| matches(r.from, ty)).copied()
}

/// AWS managed policies, service-linked roles, managed keys, the local route, and no name at all.
fn provided_by_the_cloud(handle: &str) -> bool {
    handle.is_empty()
        || handle == "local"
        || handle == "self"
        || handle.starts_with("alias/aws/")
        || [":iam::aws:", ":role/aws-service-role/", ":alias/aws/"].iter().any(|part| handle.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_at_any_depth() {
        let nested =
            Value::object([("subnet_ids", Value::list(crate::model::Type::String, vec!["s-1".into(), "s-2".into()]))]);
        let object = Value::object([
            ("role_arn", Value::from("arn:aws:iam::1:role/x")),
            ("name", Value::from("vpc-1")),
            ("vpc_config", Value::tuple(vec![nested])),
        ]);
        let found = in_object("aws_eks_cluster", &object);
        let shown: Vec<String> = found.iter().map(|f| format!("{}={}", f.path, f.handle)).collect();
        let subnets = ["vpc_config[0].subnet_ids=s-1", "vpc_config[0].subnet_ids=s-2"];
        assert_eq!(shown, ["role_arn=arn:aws:iam::1:role/x", subnets[0], subnets[1]]);
        let managed = Value::object([("policy_arn", Value::from("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"))]);
        assert!(in_object("aws_iam_role_policy_attachment", &managed).is_empty());
    }
}
