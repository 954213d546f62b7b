//! `aws_route_table_association`: says which route table a subnet or gateway uses.
//! EC2: AssociateRouteTable, ReplaceRouteTableAssociation, DescribeRouteTables, DisassociateRouteTable.

use async_trait::async_trait;
use aws_sdk_ec2::types::{RouteTable, RouteTableAssociation as Api};

use super::MINUTE;
use super::object::{self, Ec2Object};
use super::route_table::RouteTable as Table;
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::string;
use crate::provider::{
    Config, Create, Delete, Driver, Filter, IdempotencyKey, Listed, Operation, Outcome, ProviderError, Read,
    ReadOutcome, RemoteId, ResourceType, Seen, Stored, Trace, Update, resource,
};
use crate::providers::aws::Aws;
use crate::providers::aws::ending::gone_is_fine;

pub fn route_table_association() -> ResourceType<Aws> {
    resource("aws_route_table_association", "Says which route table a subnet or gateway uses.")
        .attr("subnet_id", string().optional().replaces().conflicts_with(&["gateway_id"]), "The subnet.")
        .attr("gateway_id", string().optional().replaces().conflicts_with(&["subnet_id"]), "The gateway.")
        .attr("route_table_id", string().required(), "The table.")
        .timeouts(MINUTE * 5, MINUTE * 2, MINUTE * 5)
        .import_example("subnet-0123456789abcdef0/rtb-0123456789abcdef0")
        .service("ec2")
        .driver(Association)
}

struct Association;

fn stored(table: &RouteTable, api: &Api) -> Option<Stored> {
    let id = api.route_table_association_id()?;
    let object = ObjectBuilder::new()
        .set("id", id)
        .maybe("subnet_id", object::text(api.subnet_id()))
        .maybe("gateway_id", object::text(api.gateway_id()))
        .maybe("route_table_id", table.route_table_id());
    Some(Stored::new(id, object.build()))
}

/// All associations that a subnet or gateway has of its own: the main one is the VPC's.
fn all(tables: &[RouteTable]) -> impl Iterator<Item = Stored> {
    let of = |t: &RouteTable| -> Vec<Stored> {
        t.associations().iter().filter(|a| a.main() != Some(true) && is_live(a)).filter_map(|a| stored(t, a)).collect()
    };
    tables.iter().flat_map(of)
}

fn is_live(api: &Api) -> bool {
    let state = api.association_state().and_then(|s| s.state()).map(|s| s.as_str());
    !matches!(state, Some("disassociating" | "disassociated" | "failed"))
}

/// What an import names: the subnet or gateway, and the table.
fn parse(written: &str) -> Option<(&str, &str)> {
    written.split_once('/').filter(|(target, table)| !target.is_empty() && !table.is_empty())
}

fn is_target(stored: &Stored, target: &str) -> bool {
    stored.object.str("subnet_id") == Some(target) || stored.object.str("gateway_id") == Some(target)
}

async fn by_ids(aws: &Aws, ids: &[&str]) -> Result<Vec<Stored>, ProviderError> {
    const FILTER: &str = "association.route-table-association-id";
    let mut found = Vec::new();
    for chunk in ids.chunks(200) {
        found.extend(all(&Table::describe(aws, vec![object::filter(FILTER, chunk.iter().copied())]).await?));
    }
    Ok(found)
}

/// The association of a target, whichever table it is with.
async fn of_target(aws: &Aws, desired: &Object) -> Result<Option<Stored>, ProviderError> {
    let (filter, target) = match (desired.str("subnet_id"), desired.str("gateway_id")) {
        (Some(subnet), _) => ("association.subnet-id", subnet),
        (None, Some(gateway)) => ("association.gateway-id", gateway),
        (None, None) => return Ok(None),
    };
    let tables = Table::describe(aws, vec![object::filter(filter, [target])]).await?;
    Ok(all(&tables).find(|s| is_target(s, target)))
}

/// Finds what an import names by the target alone; the table is checked.
async fn imported(aws: &Aws, written: &str) -> Result<Option<Stored>, ProviderError> {
    let Some((target, table)) = parse(written) else { return Ok(None) };
    let tables = Table::describe(aws, vec![object::filter(Table::ID_FILTER, [table])]).await?;
    Ok(all(&tables).find(|s| is_target(s, target)))
}

#[async_trait]
impl Driver<Aws> for Association {
    async fn read_many(&self, aws: &Aws, reads: &[Read]) -> Vec<ReadOutcome> {
        let ids: Vec<&str> = reads.iter().map(|r| &*r.id.0).filter(|id| parse(id).is_none()).collect();
        let found = match by_ids(aws, &ids).await {
            Ok(found) => found,
            Err(error) => return reads.iter().map(|_| ReadOutcome::Failed(error.clone())).collect(),
        };
        let found: std::collections::HashMap<_, _> = found.into_iter().map(|s| (s.id.clone(), s)).collect();
        let mut outcomes = Vec::with_capacity(reads.len());
        for read in reads {
            let stored = match parse(&read.id.0) {
                Some(_) => imported(aws, &read.id.0).await,
                None => Ok(found.get(&read.id).cloned()),
            };
            outcomes.push(match stored {
                Ok(Some(stored)) => ReadOutcome::Found(stored),
                Ok(None) => ReadOutcome::Gone,
                Err(error) => ReadOutcome::Failed(error),
            });
        }
        outcomes
    }

    async fn create(&self, aws: &Aws, request: Create) -> Outcome {
        let Create { desired, op, .. } = request;
        let associate = aws
            .ec2()
            .associate_route_table()
            .set_route_table_id(desired.string("route_table_id"))
            .set_subnet_id(desired.string("subnet_id"))
            .set_gateway_id(desired.string("gateway_id"));
        // A table that was just made may not be known yet. The same association again gives the same id.
        let call = || async { aws.call("ec2", "AssociateRouteTable", || associate.clone().send()).await };
        match aws.insist(&op, MINUTE, ProviderError::is_not_found, call).await {
            Ok(answer) => finish(aws, &op, answer.association_id.unwrap_or_default(), &desired).await,
            Err(error) => Outcome::Failed(error),
        }
    }

    /// Another table means another association, and another id.
    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let replace = aws
            .ec2()
            .replace_route_table_association()
            .association_id(&*request.id.0)
            .set_route_table_id(request.desired.string("route_table_id"));
        match aws.call("ec2", "ReplaceRouteTableAssociation", || replace.clone().send()).await {
            Ok(answer) => {
                finish(aws, &request.op, answer.new_association_id.unwrap_or_default(), &request.desired).await
            }
            Err(error) => Outcome::Failed(error),
        }
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let id = &*request.id.0;
        let delete = aws.ec2().disassociate_route_table().association_id(id);
        gone_is_fine(aws.call("ec2", "DisassociateRouteTable", || delete.clone().send()).await.map(drop))?;
        let look = || async {
            let gone = by_ids(aws, &[id]).await?.is_empty();
            Ok(if gone { Seen::Ready(()) } else { Seen::Pending("disassociating".into()) })
        };
        aws.wait(&request.op, "disassociated", look).await
    }

    /// Associations have no tags: a filter on tags is one on the tables'.
    async fn list(&self, aws: &Aws, filter: &Filter) -> Result<Vec<Listed>, ProviderError> {
        let filters = filter.tags.iter().map(|(k, v)| object::filter(&format!("tag:{k}"), [v.as_str()])).collect();
        let tables = Table::describe(aws, filters).await?;
        Ok(all(&tables).map(|stored| Listed { stored, display_name: None }).collect())
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
        let found = of_target(aws, desired).await?;
        Ok(found.filter(|s| s.object.str("route_table_id") == desired.str("route_table_id")))
    }

    fn import_id(&self, written: &str) -> Result<RemoteId, ProviderError> {
        if parse(written).is_some() || written.starts_with("rtbassoc-") {
            return Ok(RemoteId(written.into()));
        }
        Err(ProviderError::invalid(format!("\"{written}\" does not name an association"))
            .help("write the subnet or gateway and the table, such as subnet-0123abcd/rtb-0123abcd"))
    }
}

async fn finish(aws: &Aws, op: &Operation, id: String, desired: &Object) -> Outcome {
    let look = || async {
        Ok(match by_ids(aws, &[&id]).await?.into_iter().find(|s| *s.id.0 == *id) {
            Some(stored) => Seen::Ready(stored),
            None => Seen::Pending("associating".into()),
        })
    };
    match aws.wait(op, "associated", look).await {
        Ok(stored) => Outcome::Done(stored),
        Err(error) => {
            let object = ObjectBuilder::from(desired).set("id", id.as_str()).build();
            Outcome::Partial(Stored::new(id.as_str(), object), error)
        }
    }
}
