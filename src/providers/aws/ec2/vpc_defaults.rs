//! What AWS makes with each VPC: a main route table, a network ACL and a security group.

use std::collections::HashMap;

use futures::future::try_join3;

use super::object::{filter, pages};
use crate::model::{Object, ObjectBuilder};
use crate::provider::ProviderError;
use crate::providers::aws::Aws;

/// By VPC id, the ids of what belongs to it.
#[derive(Default)]
pub(super) struct Defaults {
    main_route_tables: HashMap<String, String>,
    network_acls: HashMap<String, String>,
    security_groups: HashMap<String, String>,
}

/// Reads those of many VPCs with three calls.
pub(super) async fn read(aws: &Aws, vpcs: &[&str]) -> Result<Defaults, ProviderError> {
    if vpcs.is_empty() {
        return Ok(Defaults::default());
    }
    let mut all = Defaults::default();
    for chunk in vpcs.chunks(200) {
        let (tables, acls, groups) =
            try_join3(main_route_tables(aws, chunk), network_acls(aws, chunk), security_groups(aws, chunk)).await?;
        all.main_route_tables.extend(tables);
        all.network_acls.extend(acls);
        all.security_groups.extend(groups);
    }
    Ok(all)
}

impl Defaults {
    pub(super) fn put(&self, object: ObjectBuilder, vpc: &str, like: Option<&Object>) -> ObjectBuilder {
        let table = self.main_route_tables.get(vpc).map(String::as_str);
        let first = like.and_then(|o| o.str("default_route_table_id"));
        object
            .maybe("main_route_table_id", table)
            // EC2 tells which table is the main one now, not which one it made: that is the first that was seen.
            .maybe("default_route_table_id", first.or(table))
            .maybe("default_network_acl_id", self.network_acls.get(vpc).map(String::as_str))
            .maybe("default_security_group_id", self.security_groups.get(vpc).map(String::as_str))
    }
}

type ByVpc = Vec<(String, String)>;

fn pair(vpc: Option<String>, id: Option<String>) -> Option<(String, String)> {
    Some((vpc?, id?))
}

async fn main_route_tables(aws: &Aws, vpcs: &[&str]) -> Result<ByVpc, ProviderError> {
    let filters = vec![filter("vpc-id", vpcs.iter().copied()), filter("association.main", ["true"])];
    let request = aws.ec2().describe_route_tables().set_filters(Some(filters));
    let tables = pages!(aws, "DescribeRouteTables", request, route_tables);
    Ok(tables.into_iter().filter_map(|t| pair(t.vpc_id, t.route_table_id)).collect())
}

async fn network_acls(aws: &Aws, vpcs: &[&str]) -> Result<ByVpc, ProviderError> {
    let filters = vec![filter("vpc-id", vpcs.iter().copied()), filter("default", ["true"])];
    let request = aws.ec2().describe_network_acls().set_filters(Some(filters));
    let acls = pages!(aws, "DescribeNetworkAcls", request, network_acls);
    Ok(acls.into_iter().filter_map(|a| pair(a.vpc_id, a.network_acl_id)).collect())
}

async fn security_groups(aws: &Aws, vpcs: &[&str]) -> Result<ByVpc, ProviderError> {
    let filters = vec![filter("vpc-id", vpcs.iter().copied()), filter("group-name", ["default"])];
    let request = aws.ec2().describe_security_groups().set_filters(Some(filters));
    let groups = pages!(aws, "DescribeSecurityGroups", request, security_groups);
    Ok(groups.into_iter().filter_map(|g| pair(g.vpc_id, g.group_id)).collect())
}
