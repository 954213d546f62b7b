//! `aws_security_group_rule`: a bundle of rules of a security group.
//! EC2: AuthorizeSecurityGroupIngress and -Egress, DescribeSecurityGroups, RevokeSecurityGroupIngress and -Egress.
//!
//! EC2 has no object for such a bundle: it is what the group's rules and the bundle have in common. The id is made
//! of what it says; an import is written `GROUP_TYPE_PROTOCOL_FROM_TO_SOURCE[_SOURCE…]`.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_ec2::types::SecurityGroup as Group;

use super::MINUTE;
use super::firewall::{self, Peer, Rules};
use super::object::{self, Ec2Object};
use super::security_group::{SecurityGroup, authorize, revoke};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{boolean, number, string, string_list};
use crate::provider::{
    Config, Create, Delete, Driver, ErrorKind, IdempotencyKey, Outcome, ProviderError, Read, ReadOutcome, RemoteId,
    ResourceType, Stored, Trace, Update, resource,
};
use crate::providers::aws::Aws;

pub fn security_group_rule() -> ResourceType<Aws> {
    resource("aws_security_group_rule", "A bundle of rules of a security group.")
        .attr("security_group_id", string().required().replaces(), "The group.")
        .attr("type", string().required().replaces().one_of(&["ingress", "egress"]), "In or out.")
        .attr("protocol", string().required().replaces(), "tcp, udp, icmp, icmpv6, a number, or -1 for all.")
        .attr("from_port", number().required().replaces(), "First port, or the ICMP type.")
        .attr("to_port", number().required().replaces(), "Last port, or the ICMP code.")
        .attr("cidr_blocks", string_list().optional().replaces(), "IPv4 ranges.")
        .attr("ipv6_cidr_blocks", string_list().optional().replaces(), "IPv6 ranges.")
        .attr("prefix_list_ids", string_list().optional().replaces(), "Prefix lists.")
        .attr(
            "source_security_group_id",
            string().optional().computed().replaces().conflicts_with(&["self"]),
            "A security group.",
        )
        .attr("self", boolean().default(false).replaces(), "The group itself.")
        .attr("description", string().optional(), "What the rule is for.")
        .attr("security_group_rule_id", string().computed(), "Id of the rule, where the bundle is one.")
        .timeouts(MINUTE * 5, MINUTE * 5, MINUTE * 5)
        .import_example("sg-0123456789abcdef0_ingress_tcp_8000_8000_10.0.3.0/24")
        .service("ec2")
        .driver(Bundle)
}

struct Bundle;

fn group_of(object: &Object) -> &str {
    object.str("security_group_id").unwrap_or_default()
}

fn is_egress(object: &Object) -> bool {
    object.str("type") == Some("egress")
}

fn rules_of(object: &Object) -> Rules {
    firewall::of_block(object, group_of(object)).into_iter().collect()
}

/// What the import id says, as attributes.
fn parse(written: &str) -> Option<Object> {
    let mut parts = written.split('_');
    let mut next = || parts.next().filter(|p| !p.is_empty());
    let (group, ty, protocol) = (next()?, next()?, next()?);
    let port = |text: &str| text.parse::<i32>().ok();
    // All protocols may be written with the word for all ports.
    let (from, to) = (next()?, next()?);
    let (from, to) = if from == "all" { (0, 0) } else { (port(from)?, port(to)?) };
    let sources: Vec<&str> = parts.collect();
    let is_known = matches!(ty, "ingress" | "egress") && group.starts_with("sg-") && !sources.is_empty();
    if !is_known {
        return None;
    }
    let mut peers = Vec::new();
    for source in sources {
        peers.push(match source {
            "self" => Peer::Group(group.to_string()),
            id if id.starts_with("pl-") => Peer::PrefixList(id.to_string()),
            id if id.contains("sg-") => Peer::Group(id.to_string()),
            cidr if cidr.contains(':') => Peer::Ipv6(cidr.to_string()),
            cidr if cidr.contains('.') => Peer::Ipv4(cidr.to_string()),
            _ => return None,
        });
    }
    let said = ObjectBuilder::new()
        .set("security_group_id", group)
        .set("type", ty)
        .set("protocol", firewall::protocol(protocol))
        .set("from_port", from)
        .set("to_port", to);
    Some(put_peers(said, &peers.iter().collect::<Vec<_>>(), group).build())
}

/// Here another group is one attribute, not a set.
fn put_peers(object: ObjectBuilder, peers: &[&Peer], group: &str) -> ObjectBuilder {
    let other = peers.iter().find_map(|p| match p {
        Peer::Group(id) if id != group => Some(id.as_str()),
        _ => None,
    });
    firewall::put_peers(object, peers, group).maybe("source_security_group_id", other)
}

fn id_of(object: &Object) -> String {
    let mut checksum = flate2::Crc::new();
    checksum.update(format!("{} {} {:?}", group_of(object), is_egress(object), rules_of(object)).as_bytes());
    format!("sgrule-{}", checksum.sum())
}

/// The part of the bundle that the group has; nothing where it has none of it. Without a description in `said`, as
/// on import, any description matches.
fn found(group: &Group, said: &Object, any_words: bool) -> Option<Object> {
    let now = if is_egress(said) { group.ip_permissions_egress() } else { group.ip_permissions() };
    let wanted = rules_of(said);
    let is_wanted = |rule: &firewall::Rule| {
        let mut rule = rule.clone();
        if any_words {
            rule.traffic.description = None;
        }
        wanted.contains(&rule)
    };
    let here: Rules = firewall::of_api(now).into_iter().filter(is_wanted).collect();
    let first = here.first()?;
    let words = first.traffic.description.clone();
    let peers: Vec<&Peer> = here.iter().map(|r| &r.peer).collect();
    let mut object = ObjectBuilder::from(said);
    if here.len() != wanted.len() {
        let gone = ["cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids", "source_security_group_id"];
        let none = crate::model::Value::NULL;
        object = gone.iter().fold(object, |o, name| o.set(name, none.clone()));
        object = put_peers(object, &peers, group_of(said));
    }
    Some(object.maybe("description", words).build())
}

async fn groups(aws: &Aws, ids: &[&str]) -> Result<HashMap<String, Group>, ProviderError> {
    let mut all = HashMap::new();
    for chunk in ids.chunks(200) {
        let filter = object::filter(SecurityGroup::ID_FILTER, chunk.iter().copied());
        let found = SecurityGroup::describe(aws, vec![filter]).await?;
        all.extend(found.into_iter().filter_map(|g| Some((g.group_id.clone()?, g))));
    }
    Ok(all)
}

#[async_trait]
impl Driver<Aws> for Bundle {
    async fn read_many(&self, aws: &Aws, reads: &[Read]) -> Vec<ReadOutcome> {
        let said = |r: &Read| r.prior.clone().filter(|p| !group_of(p).is_empty()).or_else(|| parse(&r.id.0));
        let all: Vec<Option<Object>> = reads.iter().map(said).collect();
        let mut ids: Vec<&str> = all.iter().flatten().map(group_of).collect();
        ids.sort_unstable();
        ids.dedup();
        let groups = match groups(aws, &ids).await {
            Ok(groups) => groups,
            Err(error) => return reads.iter().map(|_| ReadOutcome::Failed(error.clone())).collect(),
        };
        let outcome = |(read, said): (&Read, &Option<Object>)| {
            let Some(said) = said else { return ReadOutcome::Failed(not_a_rule(&read.id.0)) };
            let imported = read.prior.as_ref().is_none_or(|p| group_of(p).is_empty());
            match groups.get(group_of(said)).and_then(|g| found(g, said, imported)) {
                Some(object) => {
                    let id = if imported { id_of(&object) } else { read.id.0.to_string() };
                    ReadOutcome::Found(Stored::new(
                        id.as_str(),
                        ObjectBuilder::from(&object).set("id", id.as_str()).build(),
                    ))
                }
                None => ReadOutcome::Gone,
            }
        };
        reads.iter().zip(&all).map(outcome).collect()
    }

    async fn create(&self, aws: &Aws, request: Create) -> Outcome {
        let Create { desired, op, .. } = request;
        let (group, rules) = (group_of(&desired), rules_of(&desired));
        if rules.is_empty() {
            return Outcome::Failed(
                ProviderError::invalid("the rule names no other end")
                    .help("set cidr_blocks, ipv6_cidr_blocks, prefix_list_ids, source_security_group_id or self"),
            );
        }
        let call = || authorize(aws, group, is_egress(&desired), &rules);
        // A group that was just made may not be known yet.
        if let Err(error) = aws.insist(&op, MINUTE, ProviderError::is_not_found, call).await {
            return Outcome::Failed(error);
        }
        Outcome::Done(stored(&desired))
    }

    /// Only the description can change in place; EC2 takes it as a new rule in place of the old.
    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let (prior, desired) = (&request.prior, &request.desired);
        let (group, egress) = (group_of(desired), is_egress(desired));
        if let Err(error) = revoke(aws, group, egress, &rules_of(prior)).await {
            return Outcome::Failed(error);
        }
        match authorize(aws, group, egress, &rules_of(desired)).await {
            Ok(()) => {
                let object = ObjectBuilder::from(desired).set("id", &*request.id.0).build();
                Outcome::Done(Stored::new(&*request.id.0, object))
            }
            Err(error) => Outcome::Partial(Stored::new(&*request.id.0, prior.clone()), error),
        }
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let prior = &request.prior;
        let result = revoke(aws, group_of(prior), is_egress(prior), &rules_of(prior)).await;
        match result {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            other => other,
        }
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
        let groups = groups(aws, &[group_of(desired)]).await?;
        let found = groups.get(group_of(desired)).and_then(|g| found(g, desired, false));
        Ok(found.filter(|o| rules_of(o) == rules_of(desired)).map(|_| stored(desired)))
    }

    fn import_id(&self, written: &str) -> Result<RemoteId, ProviderError> {
        match parse(written) {
            Some(_) => Ok(RemoteId(written.into())),
            None => Err(not_a_rule(written)),
        }
    }
}

fn stored(desired: &Object) -> Stored {
    let id = id_of(desired);
    Stored::new(id.as_str(), ObjectBuilder::from(desired).set("id", id.as_str()).build())
}

fn not_a_rule(written: &str) -> ProviderError {
    ProviderError::invalid(format!("\"{written}\" does not name a rule"))
        .help("write group, type, protocol, ports and sources: sg-0123abcd_ingress_tcp_8000_8000_10.0.3.0/24")
}
