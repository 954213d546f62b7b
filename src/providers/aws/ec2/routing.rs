//! Where packets go: the targets that a route can have, under the names that routes and route tables share.

use aws_sdk_ec2::types::{Route as Api, RouteOrigin, RouteState};

use super::object::text;
use crate::model::{Object, ObjectBuilder, Value};
use crate::provider::schema_words::{AttributeWord, string};

/// The attributes that say where a route leads, and what each is to EC2.
pub(super) const TARGETS: [(&str, &str); 10] = [
    ("carrier_gateway_id", "A carrier gateway."),
    ("core_network_arn", "A core network of Cloud WAN."),
    ("egress_only_gateway_id", "An egress-only internet gateway."),
    ("gateway_id", "An internet gateway or a virtual private gateway."),
    ("local_gateway_id", "An Outpost's local gateway."),
    ("nat_gateway_id", "A NAT gateway."),
    ("network_interface_id", "A network interface."),
    ("transit_gateway_id", "A transit gateway."),
    ("vpc_endpoint_id", "A gateway load balancer endpoint."),
    ("vpc_peering_connection_id", "A peering connection."),
];

/// An attribute of a target, which is optional everywhere.
pub(super) fn target() -> AttributeWord {
    string().optional()
}

/// Sets the targets of a request from an object's attributes: `CreateRoute` and `ReplaceRoute` take the same.
macro_rules! with_targets {
    ($request:expr, $object:expr) => {{
        let (request, object) = ($request, $object);
        let said = $crate::providers::aws::ec2::routing::said;
        // EC2 takes endpoints under a name of their own, yet shows them as gateways.
        request
            .set_carrier_gateway_id(said(object, "carrier_gateway_id"))
            .set_core_network_arn(said(object, "core_network_arn"))
            .set_egress_only_internet_gateway_id(said(object, "egress_only_gateway_id"))
            .set_gateway_id(said(object, "gateway_id"))
            .set_local_gateway_id(said(object, "local_gateway_id"))
            .set_nat_gateway_id(said(object, "nat_gateway_id"))
            .set_network_interface_id(said(object, "network_interface_id"))
            .set_transit_gateway_id(said(object, "transit_gateway_id"))
            .set_vpc_endpoint_id(said(object, "vpc_endpoint_id"))
            .set_vpc_peering_connection_id(said(object, "vpc_peering_connection_id"))
    }};
}
pub(super) use with_targets;

/// The target of a route as EC2 shows it.
pub(super) fn put_target(object: ObjectBuilder, api: &Api) -> ObjectBuilder {
    let (endpoint, gateway): (Option<Value>, Option<Value>) = match api.gateway_id() {
        Some(id) if id.starts_with("vpce-") => (text(Some(id)), None),
        id => (None, text(id)),
    };
    object
        .maybe("carrier_gateway_id", text(api.carrier_gateway_id()))
        .maybe("core_network_arn", text(api.core_network_arn()))
        .maybe("egress_only_gateway_id", text(api.egress_only_internet_gateway_id()))
        .maybe("gateway_id", gateway)
        .maybe("local_gateway_id", text(api.local_gateway_id()))
        .maybe("nat_gateway_id", text(api.nat_gateway_id()))
        .maybe("network_interface_id", text(api.network_interface_id()))
        .maybe("transit_gateway_id", text(api.transit_gateway_id()))
        .maybe("vpc_endpoint_id", endpoint)
        .maybe("vpc_peering_connection_id", text(api.vpc_peering_connection_id()))
}

/// Where a route's packets are bound for.
pub(super) fn destination(api: &Api) -> Option<&str> {
    api.destination_cidr_block().or(api.destination_ipv6_cidr_block()).or(api.destination_prefix_list_id())
}

/// Whether a configuration can own the route: not the VPC's own, not one that a virtual private gateway
/// propagates, not one of a gateway endpoint, which comes and goes with the endpoint.
pub(super) fn is_ours(api: &Api) -> bool {
    let is_endpoints =
        api.gateway_id().is_some_and(|id| id.starts_with("vpce-")) && api.destination_prefix_list_id().is_some();
    api.origin() == Some(&RouteOrigin::CreateRoute) && api.gateway_id() != Some("local") && !is_endpoints
}

/// Whether the target is gone: the route stays behind and drops the packets.
pub(super) fn is_blackhole(api: &Api) -> bool {
    api.state() == Some(&RouteState::Blackhole)
}

/// What an object says under a name; in routes inline an empty text says nothing.
pub(super) fn said(object: &Object, name: &str) -> Option<String> {
    object.string(name).filter(|text| !text.is_empty())
}

/// The same target in both objects.
pub(super) fn same_target(a: &Object, b: &Object) -> bool {
    TARGETS.iter().all(|(name, _)| said(a, name) == said(b, name))
}
