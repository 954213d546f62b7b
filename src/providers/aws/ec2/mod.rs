//! Amazon EC2: networks, addresses and firewalls.

mod eip;
mod filters;
mod firewall;
mod internet_gateway;
mod nat_gateway;
mod object;
mod read_subnet;
mod read_vpc;
mod route;
mod route_table;
mod route_table_association;
mod routing;
mod security_group;
mod security_group_rule;
mod subnet;
mod vpc;
mod vpc_defaults;
mod vpc_security_group_rule;
mod written_as_blocks;
mod zones;

use std::time::Duration;

use super::Aws;
use crate::provider::{DataType, ResourceType};

const MINUTE: Duration = Duration::from_secs(60);

/// The resource types of EC2, one line each.
pub fn resources() -> Vec<ResourceType<Aws>> {
    vec![
        eip::eip(),
        internet_gateway::internet_gateway(),
        nat_gateway::nat_gateway(),
        route::route(),
        route_table::route_table(),
        route_table_association::route_table_association(),
        security_group::security_group(),
        security_group_rule::security_group_rule(),
        subnet::subnet(),
        vpc::vpc(),
        vpc_security_group_rule::egress_rule(),
        vpc_security_group_rule::ingress_rule(),
    ]
}

/// The data sources of EC2, one line each.
pub fn data_sources() -> Vec<DataType<Aws>> {
    vec![read_subnet::subnet(), read_subnet::subnets(), read_vpc::vpc(), zones::availability_zones()]
}
