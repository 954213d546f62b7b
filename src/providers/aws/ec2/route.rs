//! `aws_route`: one route of a route table.
//! EC2: CreateRoute, ReplaceRoute, DescribeRouteTables, DeleteRoute.
//!
//! EC2 has no id for a route: it is the table and the destination. The id here is the one that other tools write
//! into states, `r-TABLE` and a checksum of the destination; an import is written `TABLE_DESTINATION`.

use async_trait::async_trait;
use aws_sdk_ec2::types::{Route as Api, RouteOrigin, RouteState, RouteTable};

use super::MINUTE;
use super::object::{self, Ec2Object};
use super::route_table::RouteTable as Table;
use super::routing::{self, TARGETS, put_target, with_targets};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::string;
use crate::provider::{
    Config, Create, Delete, Driver, ErrorKind, Filter, IdempotencyKey, Listed, Outcome, ProviderError, Read,
    ReadOutcome, RemoteId, ResourceType, Seen, Stored, Trace, Update, resource,
};
use crate::providers::aws::Aws;
use crate::providers::aws::ending::gone_is_fine;

pub fn route() -> ResourceType<Aws> {
    let builder = resource("aws_route", "One route of a route table.")
        .attr("route_table_id", string().required().replaces(), "The table.")
        .attr("destination_cidr_block", string().optional().replaces(), "IPv4 range that the route is for.")
        .attr("destination_ipv6_cidr_block", string().optional().replaces(), "IPv6 range that the route is for.")
        .attr("destination_prefix_list_id", string().optional().replaces(), "Prefix list that the route is for.")
        .attr("instance_id", string().computed(), "The instance that the route leads to.")
        .attr("instance_owner_id", string().computed(), "The account that owns the instance.")
        .attr("origin", string().computed(), "How the route came to be.")
        .attr("state", string().computed(), "\"active\", or \"blackhole\" when the target is gone.");
    TARGETS
        .iter()
        .fold(builder, |builder, (name, doc)| builder.attr(name, routing::target(), doc))
        .timeouts(MINUTE * 5, MINUTE * 2, MINUTE * 5)
        .import_example("rtb-0123456789abcdef0_10.42.0.0/16")
        .service("ec2")
        .driver(Route)
}

struct Route;

/// A table and a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    table: String,
    destination: String,
}

const DESTINATIONS: [&str; 3] = ["destination_cidr_block", "destination_ipv6_cidr_block", "destination_prefix_list_id"];

impl Place {
    fn of(object: &Object) -> Option<Place> {
        let destination = DESTINATIONS.iter().find_map(|n| object.string(n))?;
        Some(Place { table: object.string("route_table_id")?, destination })
    }

    fn parse(written: &str) -> Option<Place> {
        let (table, destination) = written.split_once('_')?;
        let complete = !table.is_empty() && !destination.is_empty();
        complete.then(|| Place { table: table.to_string(), destination: destination.to_string() })
    }

    fn id(&self) -> String {
        let mut checksum = flate2::Crc::new();
        checksum.update(self.destination.as_bytes());
        format!("r-{}{}", self.table, checksum.sum())
    }

    fn find<'a>(&self, tables: &'a [RouteTable]) -> Option<&'a Api> {
        let table = tables.iter().find(|t| t.route_table_id() == Some(&self.table))?;
        table.routes().iter().find(|r| routing::destination(r) == Some(&self.destination) && is_made(r))
    }
}

/// What was made by a call; the VPC's own and propagated routes are nobody's resource.
fn is_made(api: &Api) -> bool {
    api.origin() == Some(&RouteOrigin::CreateRoute)
}

fn stored(place: &Place, api: &Api) -> Stored {
    let id = place.id();
    let object = ObjectBuilder::new()
        .set("id", id.as_str())
        .set("route_table_id", place.table.as_str())
        .maybe("destination_cidr_block", object::text(api.destination_cidr_block()))
        .maybe("destination_ipv6_cidr_block", object::text(api.destination_ipv6_cidr_block()))
        .maybe("destination_prefix_list_id", object::text(api.destination_prefix_list_id()))
        .maybe("instance_id", object::text(api.instance_id()))
        .maybe("instance_owner_id", object::text(api.instance_owner_id()))
        .maybe("origin", api.origin().map(RouteOrigin::as_str))
        .maybe("state", api.state().map(RouteState::as_str));
    Stored::new(id, put_target(object, api).build())
}

async fn tables(aws: &Aws, ids: &[&str]) -> Result<Vec<RouteTable>, ProviderError> {
    let mut all = Vec::new();
    for chunk in ids.chunks(200) {
        all.extend(Table::describe(aws, vec![object::filter(Table::ID_FILTER, chunk.iter().copied())]).await?);
    }
    Ok(all)
}

async fn read(aws: &Aws, place: &Place) -> Result<Option<Stored>, ProviderError> {
    let tables = tables(aws, &[&place.table]).await?;
    Ok(place.find(&tables).map(|api| stored(place, api)))
}

#[async_trait]
impl Driver<Aws> for Route {
    async fn read_many(&self, aws: &Aws, reads: &[Read]) -> Vec<ReadOutcome> {
        let place = |r: &Read| r.prior.as_ref().and_then(Place::of).or_else(|| Place::parse(&r.id.0));
        let places: Vec<Option<Place>> = reads.iter().map(place).collect();
        let mut ids: Vec<&str> = places.iter().flatten().map(|p| p.table.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let tables = match tables(aws, &ids).await {
            Ok(tables) => tables,
            Err(error) => return reads.iter().map(|_| ReadOutcome::Failed(error.clone())).collect(),
        };
        let outcome = |(read, place): (&Read, &Option<Place>)| match place {
            Some(place) => match place.find(&tables) {
                Some(api) => ReadOutcome::Found(stored(place, api)),
                None => ReadOutcome::Gone,
            },
            None => ReadOutcome::Failed(not_a_route(&read.id.0)),
        };
        reads.iter().zip(&places).map(outcome).collect()
    }

    async fn create(&self, aws: &Aws, request: Create) -> Outcome {
        let Create { desired, op, .. } = request;
        let Some(place) = Place::of(&desired) else { return Outcome::Failed(no_destination()) };
        let create = aws
            .ec2()
            .create_route()
            .route_table_id(&place.table)
            .set_destination_cidr_block(desired.string("destination_cidr_block"))
            .set_destination_ipv6_cidr_block(desired.string("destination_ipv6_cidr_block"))
            .set_destination_prefix_list_id(desired.string("destination_prefix_list_id"));
        let create = with_targets!(create, &desired);
        // A gateway that was just made or attached may not be known to routing yet.
        let passes = |e: &ProviderError| e.is_not_found();
        let call = || async { aws.call("ec2", "CreateRoute", || create.clone().send()).await.map(drop) };
        if let Err(error) = aws.insist(&op, MINUTE, passes, call).await {
            return Outcome::Failed(error);
        }
        let look = || async {
            Ok(match read(aws, &place).await? {
                Some(stored) => Seen::Ready(stored),
                None => Seen::Pending("not found".into()),
            })
        };
        let made = |error| {
            let object = ObjectBuilder::from(&desired).set("id", place.id()).build();
            Outcome::Partial(Stored::new(place.id(), object), error)
        };
        aws.wait(&op, "active", look).await.map_or_else(made, Outcome::Done)
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let desired = &request.desired;
        let Some(place) = Place::of(desired) else { return Outcome::Failed(no_destination()) };
        let replace = aws
            .ec2()
            .replace_route()
            .route_table_id(&place.table)
            .set_destination_cidr_block(desired.string("destination_cidr_block"))
            .set_destination_ipv6_cidr_block(desired.string("destination_ipv6_cidr_block"))
            .set_destination_prefix_list_id(desired.string("destination_prefix_list_id"));
        let replace = with_targets!(replace, desired);
        if let Err(error) = aws.call("ec2", "ReplaceRoute", || replace.clone().send()).await {
            return Outcome::Failed(error);
        }
        match read(aws, &place).await {
            Ok(Some(stored)) => Outcome::Done(stored),
            Ok(None) => Outcome::Failed(ProviderError::new(ErrorKind::NotFound, "the route is gone again")),
            Err(error) => Outcome::Failed(error),
        }
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let prior = &request.prior;
        let Some(place) = Place::of(prior) else { return Err(not_a_route(&request.id.0)) };
        let delete = aws
            .ec2()
            .delete_route()
            .route_table_id(&place.table)
            .set_destination_cidr_block(prior.string("destination_cidr_block"))
            .set_destination_ipv6_cidr_block(prior.string("destination_ipv6_cidr_block"))
            .set_destination_prefix_list_id(prior.string("destination_prefix_list_id"));
        gone_is_fine(aws.call("ec2", "DeleteRoute", || delete.clone().send()).await.map(drop))
    }

    /// Routes have no tags: a filter on tags is one on the tables'.
    async fn list(&self, aws: &Aws, filter: &Filter) -> Result<Vec<Listed>, ProviderError> {
        let filters = filter.tags.iter().map(|(k, v)| object::filter(&format!("tag:{k}"), [v.as_str()])).collect();
        let tables = Table::describe(aws, filters).await?;
        let routes = tables.iter().flat_map(|t| t.routes().iter().map(move |r| (t, r)));
        let listed = routes.filter(|(_, r)| routing::is_ours(r) && !routing::is_blackhole(r)).filter_map(|(t, r)| {
            let destination = routing::destination(r)?.to_string();
            let place = Place { table: t.route_table_id()?.to_string(), destination };
            Some(Listed { stored: stored(&place, r), display_name: None })
        });
        Ok(listed.collect())
    }

    fn trace(&self) -> Trace {
        Trace::Likeness
    }

    async fn find_by_key(
        &self,
        aws: &Aws,
        _key: &IdempotencyKey,
        desired: &Config,
    ) -> Result<Option<Stored>, ProviderError> {
        match Place::of(desired) {
            Some(place) => {
                let found = read(aws, &place).await?;
                // Another route for the same destination was there before: the create did not happen.
                Ok(found.filter(|s| routing::same_target(&s.object, desired)))
            }
            None => Ok(None),
        }
    }

    fn import_id(&self, written: &str) -> Result<RemoteId, ProviderError> {
        match Place::parse(written) {
            Some(_) => Ok(RemoteId(written.into())),
            None => Err(not_a_route(written)),
        }
    }
}

fn not_a_route(written: &str) -> ProviderError {
    ProviderError::invalid(format!("\"{written}\" does not name a route"))
        .help("write the table and the destination, such as rtb-0123456789abcdef0_10.42.0.0/16")
}

fn no_destination() -> ProviderError {
    ProviderError::invalid("the route has no destination").help(format!("set one of {}", DESTINATIONS.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_existing_states() {
        let place = Place::parse("rtb-656c65616e6f72_0.0.0.0/0").unwrap();
        assert_eq!(place.id(), "r-rtb-656c65616e6f721080289494");
        assert_eq!(Place::parse("rtb-1"), None);
    }
}
