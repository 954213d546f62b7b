//! Rules of security groups, taken apart: one protocol, one range of ports, one source or destination each.
//!
//! Configurations bundle many sources in one rule, EC2 bundles them in its own way, and both mean the same set of
//! these. Comparing, adding and removing is done on them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};

use crate::model::{Object, ObjectBuilder};

/// What a rule lets in or out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    pub traffic: Traffic,
    pub peer: Peer,
}

/// Protocol and ports, with the description that EC2 keeps with each source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Traffic {
    pub protocol: String,
    pub ports: Option<(i32, i32)>,
    pub description: Option<String>,
}

/// The other end: where traffic comes from or goes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peer {
    Ipv4(String),
    Ipv6(String),
    PrefixList(String),
    /// A group's id, the rule's own included.
    Group(String),
}

pub(super) type Rules = BTreeSet<Rule>;

/// The name that EC2 answers with: protocols may be written as numbers.
pub(super) fn protocol(written: &str) -> String {
    match written.to_ascii_lowercase().as_str() {
        "all" => "-1".to_string(),
        "1" => "icmp".to_string(),
        "6" => "tcp".to_string(),
        "17" => "udp".to_string(),
        "58" => "icmpv6".to_string(),
        other => other.to_string(),
    }
}

/// Takes a block `ingress` or `egress` apart; `own` is the group's id.
pub(super) fn of_block(block: &Object, own: &str) -> Vec<Rule> {
    let protocol = protocol(block.str("protocol").unwrap_or("-1"));
    // Ports mean nothing to "all protocols"; EC2 drops them.
    let ports = match protocol.as_str() {
        "-1" => None,
        _ => block.i32("from_port").zip(block.i32("to_port")),
    };
    let description = block.string("description").filter(|d| !d.is_empty());
    let traffic = Traffic { protocol, ports, description };
    peers(block, own).into_iter().map(|peer| Rule { traffic: traffic.clone(), peer }).collect()
}

fn peers(block: &Object, own: &str) -> Vec<Peer> {
    let mut peers: Vec<Peer> = block.strings("cidr_blocks").into_iter().map(Peer::Ipv4).collect();
    peers.extend(block.strings("ipv6_cidr_blocks").into_iter().map(Peer::Ipv6));
    peers.extend(block.strings("prefix_list_ids").into_iter().map(Peer::PrefixList));
    peers.extend(block.strings("security_groups").into_iter().map(Peer::Group));
    peers.extend(block.string("source_security_group_id").map(Peer::Group));
    if block.bool("self") == Some(true) {
        peers.push(Peer::Group(own.to_string()));
    }
    peers
}

/// Takes what EC2 has apart.
pub(super) fn of_api(permissions: &[IpPermission]) -> Rules {
    permissions.iter().flat_map(of_permission).collect()
}

fn of_permission(api: &IpPermission) -> Vec<Rule> {
    let protocol = protocol(api.ip_protocol().unwrap_or("-1"));
    let ports = api.from_port().zip(api.to_port()).filter(|_| protocol != "-1");
    let rule = |peer, description: Option<&str>| {
        let description = description.filter(|d| !d.is_empty()).map(str::to_string);
        Rule { traffic: Traffic { protocol: protocol.clone(), ports, description }, peer }
    };
    let ipv4 = api.ip_ranges().iter().filter_map(|r| Some(rule(Peer::Ipv4(r.cidr_ip()?.into()), r.description())));
    let ipv6 = api.ipv6_ranges().iter().filter_map(|r| Some(rule(Peer::Ipv6(r.cidr_ipv6()?.into()), r.description())));
    let lists = api
        .prefix_list_ids()
        .iter()
        .filter_map(|r| Some(rule(Peer::PrefixList(r.prefix_list_id()?.into()), r.description())));
    let groups =
        api.user_id_group_pairs().iter().filter_map(|r| Some(rule(Peer::Group(r.group_id()?.into()), r.description())));
    ipv4.chain(ipv6).chain(lists).chain(groups).collect()
}

/// The rules as a request takes them, those of the same traffic together.
pub(super) fn to_api<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Vec<IpPermission> {
    by_traffic(rules).into_iter().map(|(traffic, peers)| permission(traffic, &peers)).collect()
}

fn by_traffic<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> BTreeMap<&'a Traffic, Vec<&'a Peer>> {
    let mut together: BTreeMap<&Traffic, Vec<&Peer>> = BTreeMap::new();
    for rule in rules {
        together.entry(&rule.traffic).or_default().push(&rule.peer);
    }
    together
}

fn permission(traffic: &Traffic, peers: &[&Peer]) -> IpPermission {
    let about = || traffic.description.clone();
    let (from, to) = traffic.ports.unzip();
    let start = IpPermission::builder().ip_protocol(&traffic.protocol).set_from_port(from).set_to_port(to);
    let add = |permission: aws_sdk_ec2::types::builders::IpPermissionBuilder, peer: &&Peer| match peer {
        Peer::Ipv4(cidr) => permission.ip_ranges(IpRange::builder().cidr_ip(cidr).set_description(about()).build()),
        Peer::Ipv6(cidr) => {
            permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(cidr).set_description(about()).build())
        }
        Peer::PrefixList(id) => {
            let list = PrefixListId::builder().prefix_list_id(id).set_description(about()).build();
            permission.prefix_list_ids(list)
        }
        Peer::Group(id) => permission.user_id_group_pairs(group(id, about())),
    };
    peers.iter().fold(start, add).build()
}

/// A group of another account is written `123456789012/sg-…`.
fn group(id: &str, description: Option<String>) -> UserIdGroupPair {
    let pair = UserIdGroupPair::builder().set_description(description);
    match id.split_once('/') {
        Some((account, id)) => pair.user_id(account).group_id(id).build(),
        None => pair.group_id(id).build(),
    }
}

/// The blocks for what EC2 has, bundled as `like` bundles them where it does; what `like` does not have follows,
/// bundled by traffic.
pub(super) fn to_blocks(rules: &Rules, like: &[Object], own: &str) -> Vec<Object> {
    let mut used = Rules::new();
    let mut blocks = Vec::new();
    for block in like {
        let parts = of_block(block, own);
        if !parts.is_empty() && parts.iter().all(|p| rules.contains(p)) {
            used.extend(parts);
            blocks.push(block.clone());
        }
    }
    let rest = by_traffic(rules.difference(&used));
    blocks.extend(rest.into_iter().map(|(traffic, peers)| block(traffic, &peers, own)));
    blocks
}

fn block(traffic: &Traffic, peers: &[&Peer], own: &str) -> Object {
    let (from, to) = traffic.ports.unwrap_or((0, 0));
    let object = ObjectBuilder::new()
        .set("protocol", traffic.protocol.as_str())
        .set("from_port", from)
        .set("to_port", to)
        .maybe("description", traffic.description.as_deref());
    put_peers(object, peers, own).build()
}

/// Sets the attributes for the other ends; those without any stay null, as configurations leave them out.
pub(super) fn put_peers(object: ObjectBuilder, peers: &[&Peer], own: &str) -> ObjectBuilder {
    let pick = |of: fn(&Peer) -> Option<&str>| -> Vec<&str> { peers.iter().filter_map(|p| of(p)).collect() };
    let groups = pick(|p| if let Peer::Group(id) = p { Some(id) } else { None });
    let lists = [
        ("cidr_blocks", pick(|p| if let Peer::Ipv4(cidr) = p { Some(cidr) } else { None })),
        ("ipv6_cidr_blocks", pick(|p| if let Peer::Ipv6(cidr) = p { Some(cidr) } else { None })),
        ("prefix_list_ids", pick(|p| if let Peer::PrefixList(id) = p { Some(id) } else { None })),
        ("security_groups", groups.iter().copied().filter(|id| *id != own).collect()),
    ];
    let filled = lists.into_iter().filter(|(_, items)| !items.is_empty());
    filled.fold(object.set("self", groups.contains(&own)), |object, (name, items)| object.strings(name, items))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn https(cidrs: &[&str]) -> Object {
        let ports = ObjectBuilder::new().set("protocol", "tcp").set("from_port", 443).set("to_port", 443);
        ports.strings("cidr_blocks", cidrs).set("self", false).build()
    }

    #[test]
    fn bundles_as_the_configuration_does() {
        let like = [https(&["10.0.0.0/8"]), https(&["10.1.0.0/16", "10.2.0.0/16"])];
        let rules: Rules = like.iter().flat_map(|b| of_block(b, "sg-1")).collect();
        assert_eq!(of_api(&to_api(&rules)), rules, "EC2 bundles all three in one permission");
        assert_eq!(to_blocks(&rules, &like, "sg-1"), like);
        assert_eq!(to_blocks(&rules, &[], "sg-1"), [https(&["10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16"])]);
    }

    #[test]
    fn all_protocols_have_no_ports_and_the_own_group_is_self() {
        let all = ObjectBuilder::new().set("protocol", "all").set("from_port", 0).set("to_port", 0).set("self", true);
        let rules = of_block(&all.build(), "sg-1");
        let traffic = Traffic { protocol: "-1".into(), ports: None, description: None };
        assert_eq!(rules, [Rule { traffic, peer: Peer::Group("sg-1".into()) }]);
        let block = to_blocks(&rules.into_iter().collect(), &[], "sg-1").remove(0);
        assert_eq!((block.bool("self"), block.i64("from_port")), (Some(true), Some(0)));
        assert!(block.strings("security_groups").is_empty());
    }
}
