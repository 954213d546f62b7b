//! `aws_route_table`: where the packets of subnets go, with routes inline.
//! EC2: CreateRouteTable, DescribeRouteTables, CreateRoute, ReplaceRoute, DeleteRoute, EnableVgwRoutePropagation,
//! DisableVgwRoutePropagation, DeleteRouteTable.
//!
//! Routes inline and [`aws_route`](super::route) for the same table contend; where no `route` is said the table's routes
//! are left alone, `route = []` takes them all away.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ec2::operation::create_route_table::CreateRouteTableOutput;
use aws_sdk_ec2::types::{Filter as ApiFilter, ResourceType as Tagged, Route, RouteTable as Api, Tag};

use super::MINUTE;
use super::object::{self, Ec2Object, Ec2Resource, Mapped, pages};
use super::routing::{self, TARGETS, put_target, with_targets};
use super::written_as_blocks;
use crate::model::{Object, ObjectBuilder, Type};
use crate::provider::schema_words::{of_type, string, string_set};
use crate::provider::{
    Create, Delete, Operation, Outcome, PlannedChange, ProviderError, ResourceType, Update, resource,
};
use crate::providers::aws::Aws;
use crate::providers::aws::ending::gone_is_fine;

pub fn route_table() -> ResourceType<Aws> {
    resource("aws_route_table", "Where the packets of subnets go.")
        .attr("vpc_id", string().required().replaces(), "The VPC of the table.")
        .attr("propagating_vgws", string_set().optional().computed(), "Virtual private gateways that add routes.")
        .attr(
            "route",
            of_type(routes()).optional().computed(),
            "The routes; unless said, those of the table are left alone.",
        )
        .attr("arn", string().always(), "ARN of the table.")
        .attr("owner_id", string().computed(), "The account that owns the table.")
        .tags()
        .timeouts(MINUTE * 5, MINUTE * 2, MINUTE * 5)
        .import_example("rtb-0123456789abcdef0")
        .service("ec2")
        .driver(RouteTable)
}

fn routes() -> Type {
    let targets = TARGETS.iter().map(|(name, _)| *name);
    Type::set(Type::object(DESTINATIONS.into_iter().chain(targets).map(|name| (name, Type::String))))
}

/// What a route is for: an IPv4 range, an IPv6 range or a prefix list.
const DESTINATIONS: [&str; 3] = ["cidr_block", "ipv6_cidr_block", "destination_prefix_list_id"];

pub(super) struct RouteTable;

#[async_trait]
impl Ec2Object for RouteTable {
    type Api = Api;
    const ID_FILTER: &'static str = "route-table-id";

    async fn describe(aws: &Aws, filters: Vec<ApiFilter>) -> Result<Vec<Api>, ProviderError> {
        let request = aws.ec2().describe_route_tables().set_filters(Some(filters));
        Ok(pages!(aws, "DescribeRouteTables", request, route_tables))
    }

    fn id(api: &Api) -> Option<&str> {
        api.route_table_id()
    }

    fn tags(api: &Api) -> &[Tag] {
        api.tags()
    }

    async fn objects(aws: &Aws, found: &[(Api, Option<Object>)]) -> Result<Vec<Mapped>, ProviderError> {
        Ok(object::each(found, |api, like| {
            let id = api.route_table_id().unwrap_or_default();
            let owner = api.owner_id().unwrap_or(aws.account());
            let object = ObjectBuilder::new()
                .maybe("vpc_id", api.vpc_id())
                .string_set("propagating_vgws", api.propagating_vgws().iter().filter_map(|v| v.gateway_id()))
                .set("route", written_as_blocks::value(own_routes(api), &routes(), |route| route))
                .set("owner_id", owner)
                .set("arn", aws.arn_of("ec2", owner, &format!("route-table/{id}")));
            object::put::<RouteTable>(aws, object, api, like).build()
        }))
    }
}

fn own_routes(api: &Api) -> Vec<Object> {
    api.routes().iter().filter(|r| routing::is_ours(r)).map(route).collect()
}

fn route(api: &Route) -> Object {
    let object = ObjectBuilder::new()
        .maybe("cidr_block", object::text(api.destination_cidr_block()))
        .maybe("ipv6_cidr_block", object::text(api.destination_ipv6_cidr_block()))
        .maybe("destination_prefix_list_id", object::text(api.destination_prefix_list_id()));
    put_target(object, api).build()
}

#[async_trait]
impl Ec2Resource for RouteTable {
    fn plan(&self, change: &mut PlannedChange) {
        written_as_blocks::plan(change, &["route"], |route| route);
    }

    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let create = aws
            .ec2()
            .create_route_table()
            .client_token(&*key.0)
            .set_vpc_id(desired.string("vpc_id"))
            .tag_specifications(object::tag_specification(aws, Tagged::RouteTable, desired, key));
        let id = |answer: &CreateRouteTableOutput| answer.route_table()?.route_table_id.clone();
        let find = || object::find_id::<RouteTable>(aws, key);
        aws.create("ec2", "CreateRouteTable", || create.clone().send(), id, find).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        object::appeared::<RouteTable>(aws, &request.op, id).await?;
        // What an interrupted creation has set already counts.
        let now = object::read::<RouteTable>(aws, id, None).await?.map(|stored| stored.object);
        let now = now.unwrap_or_else(|| ObjectBuilder::new().build());
        set_propagation(aws, id, &now, &request.desired).await?;
        set_routes(aws, &request.op, id, &now, &request.desired).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let id = &*request.id.0;
        let steps = async {
            if request.has_changed("propagating_vgws") {
                set_propagation(aws, id, &request.prior, &request.desired).await?;
            }
            if request.has_changed("route") {
                set_routes(aws, &request.op, id, &request.prior, &request.desired).await?;
            }
            object::update_tags(aws, id, &request.prior, &request.desired).await
        };
        object::changed::<RouteTable>(aws, id, &request.desired, steps.await).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let delete = aws.ec2().delete_route_table().route_table_id(&*request.id.0);
        let call = || async { aws.call("ec2", "DeleteRouteTable", || delete.clone().send()).await.map(drop) };
        object::delete_when_free(aws, &request.op, call).await
    }
}

async fn set_propagation(aws: &Aws, id: &str, prior: &Object, desired: &Object) -> Result<(), ProviderError> {
    let (was, shall) = (prior.strings("propagating_vgws"), desired.strings("propagating_vgws"));
    for gateway in was.iter().filter(|g| !shall.contains(g)) {
        let request = aws.ec2().disable_vgw_route_propagation().route_table_id(id).gateway_id(gateway);
        aws.call("ec2", "DisableVgwRoutePropagation", || request.clone().send()).await?;
    }
    for gateway in shall.iter().filter(|g| !was.contains(g)) {
        let request = aws.ec2().enable_vgw_route_propagation().route_table_id(id).gateway_id(gateway);
        aws.call("ec2", "EnableVgwRoutePropagation", || request.clone().send()).await?;
    }
    Ok(())
}

/// Routes by what they are for; there is one for each destination.
fn by_destination(object: &Object) -> BTreeMap<String, Object> {
    let destination = |route: &Object| DESTINATIONS.iter().find_map(|n| routing::said(route, n));
    object.blocks("route").into_iter().filter_map(|r| Some((destination(&r)?, r))).collect()
}

async fn set_routes(
    aws: &Aws,
    op: &Operation,
    id: &str,
    prior: &Object,
    desired: &Object,
) -> Result<(), ProviderError> {
    let (was, shall) = (by_destination(prior), by_destination(desired));
    for route in was.iter().filter(|(to, _)| !shall.contains_key(*to)).map(|(_, r)| r) {
        delete_route(aws, id, route).await?;
    }
    for (to, route) in &shall {
        match was.get(to) {
            None => create_route(aws, op, id, route).await?,
            Some(old) if !routing::same_target(old, route) => replace_route(aws, id, route).await?,
            Some(_) => (),
        }
    }
    Ok(())
}

async fn delete_route(aws: &Aws, id: &str, route: &Object) -> Result<(), ProviderError> {
    let request = aws
        .ec2()
        .delete_route()
        .route_table_id(id)
        .set_destination_cidr_block(routing::said(route, "cidr_block"))
        .set_destination_ipv6_cidr_block(routing::said(route, "ipv6_cidr_block"))
        .set_destination_prefix_list_id(routing::said(route, "destination_prefix_list_id"));
    gone_is_fine(aws.call("ec2", "DeleteRoute", || request.clone().send()).await.map(drop))
}

async fn create_route(aws: &Aws, op: &Operation, id: &str, route: &Object) -> Result<(), ProviderError> {
    let request = aws
        .ec2()
        .create_route()
        .route_table_id(id)
        .set_destination_cidr_block(routing::said(route, "cidr_block"))
        .set_destination_ipv6_cidr_block(routing::said(route, "ipv6_cidr_block"))
        .set_destination_prefix_list_id(routing::said(route, "destination_prefix_list_id"));
    let request = with_targets!(request, route);
    // A gateway that was just made or attached may not be known to routing yet.
    let passes = |e: &ProviderError| e.is_not_found();
    let call = || async { aws.call("ec2", "CreateRoute", || request.clone().send()).await.map(drop) };
    aws.insist(op, MINUTE, passes, call).await
}

async fn replace_route(aws: &Aws, id: &str, route: &Object) -> Result<(), ProviderError> {
    let request = aws
        .ec2()
        .replace_route()
        .route_table_id(id)
        .set_destination_cidr_block(routing::said(route, "cidr_block"))
        .set_destination_ipv6_cidr_block(routing::said(route, "ipv6_cidr_block"))
        .set_destination_prefix_list_id(routing::said(route, "destination_prefix_list_id"));
    let request = with_targets!(request, route);
    aws.call("ec2", "ReplaceRoute", || request.clone().send()).await.map(drop)
}
