//! `aws_vpc_security_group_ingress_rule` and `aws_vpc_security_group_egress_rule`: one rule of a security group, with
//! an id and tags of its own.
//! EC2: AuthorizeSecurityGroupIngress and -Egress, DescribeSecurityGroupRules, ModifySecurityGroupRules,
//! RevokeSecurityGroupIngress and -Egress.

use async_trait::async_trait;
use aws_sdk_ec2::operation::authorize_security_group_egress::AuthorizeSecurityGroupEgressOutput as EgressOutput;
use aws_sdk_ec2::operation::authorize_security_group_ingress::AuthorizeSecurityGroupIngressOutput as IngressOutput;
use aws_sdk_ec2::types::{
    Filter as ApiFilter, IpPermission, ResourceType as Tagged, SecurityGroupRule as Api, SecurityGroupRuleRequest,
    SecurityGroupRuleUpdate, Tag,
};

use super::firewall::{self, Peer, Rule as Part, Traffic};
use super::object::{self, Ec2Object, Ec2Resource, Mapped, pages};
use crate::model::{Object, ObjectBuilder, Value};
use crate::provider::schema_words::{AttributeWord, number, string};
use crate::provider::{Create, Delete, Outcome, ProviderError, ResourceType, Update, resource};
use crate::providers::aws::Aws;

pub fn ingress_rule() -> ResourceType<Aws> {
    rule::<false>("aws_vpc_security_group_ingress_rule", "One thing that a security group lets in.")
}

pub fn egress_rule() -> ResourceType<Aws> {
    rule::<true>("aws_vpc_security_group_egress_rule", "One thing that a security group lets out.")
}

/// One of the attributes that say the other end; a rule has one.
fn peer(others: &[&'static str]) -> AttributeWord {
    string().optional().conflicts_with(others)
}

fn rule<const EGRESS: bool>(name: &'static str, doc: &'static str) -> ResourceType<Aws> {
    resource(name, doc)
        .attr("security_group_id", string().required().replaces(), "The group.")
        .attr("ip_protocol", string().required(), "tcp, udp, icmp, icmpv6, a number, or -1 for all.")
        .attr("from_port", number().optional(), "First port, or the ICMP type.")
        .attr("to_port", number().optional(), "Last port, or the ICMP code.")
        .attr("cidr_ipv4", peer(&["cidr_ipv6", "prefix_list_id", "referenced_security_group_id"]), "An IPv4 range.")
        .attr("cidr_ipv6", peer(&["cidr_ipv4", "prefix_list_id", "referenced_security_group_id"]), "An IPv6 range.")
        .attr("prefix_list_id", peer(&["cidr_ipv4", "cidr_ipv6", "referenced_security_group_id"]), "A prefix list.")
        .attr("referenced_security_group_id", peer(&["cidr_ipv4", "cidr_ipv6", "prefix_list_id"]), "A security group.")
        .attr("description", string().optional(), "What the rule is for.")
        .attr("arn", string().always(), "ARN of the rule.")
        .attr("security_group_rule_id", string().computed(), "Id of the rule.")
        .tags()
        .import_example("sgr-0123456789abcdef0")
        .service("ec2")
        .driver(Rule::<EGRESS>)
}

struct Rule<const EGRESS: bool>;

#[async_trait]
impl<const EGRESS: bool> Ec2Object for Rule<EGRESS> {
    type Api = Api;
    const ID_FILTER: &'static str = "security-group-rule-id";

    async fn describe(aws: &Aws, filters: Vec<ApiFilter>) -> Result<Vec<Api>, ProviderError> {
        let request = aws.ec2().describe_security_group_rules().set_filters(Some(filters));
        let all: Vec<Api> = pages!(aws, "DescribeSecurityGroupRules", request, security_group_rules);
        Ok(all.into_iter().filter(|r| r.is_egress() == Some(EGRESS)).collect())
    }

    fn id(api: &Api) -> Option<&str> {
        api.security_group_rule_id()
    }

    fn tags(api: &Api) -> &[Tag] {
        api.tags()
    }

    async fn objects(aws: &Aws, found: &[(Api, Option<Object>)]) -> Result<Vec<Mapped>, ProviderError> {
        Ok(object::each(found, |api, like| object::put::<Self>(aws, fields(aws, api, like), api, like).build()))
    }
}

fn fields(aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
    let id = api.security_group_rule_id().unwrap_or_default();
    let owner = api.group_owner_id().unwrap_or(aws.account());
    let arn = || aws.arn_of("ec2", owner, &format!("security-group-rule/{id}"));
    let protocol = api.ip_protocol().unwrap_or("-1");
    // The number that was written means the same as the name that EC2 gives back.
    let written =
        like.and_then(|o| o.str("ip_protocol")).filter(|w| firewall::protocol(w) == firewall::protocol(protocol));
    // EC2 gives -1 for the ports of all protocols, where nothing is written.
    let port = |name: &str, api: Option<i32>| -> Option<Value> {
        let said = like.and_then(|o| o.get(name)).cloned();
        match firewall::protocol(protocol).as_str() {
            "-1" => said,
            _ => api.map(Value::from),
        }
    };
    ObjectBuilder::new()
        .maybe("security_group_id", api.group_id())
        .set("security_group_rule_id", id)
        .set("ip_protocol", written.unwrap_or(protocol))
        .maybe("from_port", port("from_port", api.from_port()))
        .maybe("to_port", port("to_port", api.to_port()))
        .maybe("cidr_ipv4", object::text(api.cidr_ipv4()))
        .maybe("cidr_ipv6", object::text(api.cidr_ipv6()))
        .maybe("prefix_list_id", object::text(api.prefix_list_id()))
        .maybe("referenced_security_group_id", group(aws, api))
        .maybe("description", object::text(api.description()))
        .set("arn", api.security_group_rule_arn().map_or_else(arn, str::to_string))
}

/// A group of another account shows with the account before it.
fn group(aws: &Aws, api: &Api) -> Option<String> {
    let group = api.referenced_group_info()?;
    let id = group.group_id()?;
    match group.user_id() {
        Some(account) if !account.is_empty() && account != aws.account() && !aws.account().is_empty() => {
            Some(format!("{account}/{id}"))
        }
        _ => Some(id.to_string()),
    }
}

/// The one permission that the rule is; nothing where the configuration names no other end.
fn permission(desired: &Object) -> Option<IpPermission> {
    let peer = None
        .or_else(|| desired.string("cidr_ipv4").map(Peer::Ipv4))
        .or_else(|| desired.string("cidr_ipv6").map(Peer::Ipv6))
        .or_else(|| desired.string("prefix_list_id").map(Peer::PrefixList))
        .or_else(|| desired.string("referenced_security_group_id").map(Peer::Group))?;
    let traffic = Traffic {
        protocol: firewall::protocol(desired.str("ip_protocol").unwrap_or("-1")),
        ports: desired.i32("from_port").zip(desired.i32("to_port")),
        description: desired.string("description").filter(|d| !d.is_empty()),
    };
    firewall::to_api([&Part { traffic, peer }]).into_iter().next()
}

#[async_trait]
impl<const EGRESS: bool> Ec2Resource for Rule<EGRESS> {
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let Some(permission) = permission(desired) else {
            return Err(ProviderError::invalid("the rule names no other end")
                .help("set one of cidr_ipv4, cidr_ipv6, prefix_list_id, referenced_security_group_id"));
        };
        let tags = object::tag_specification(aws, Tagged::SecurityGroupRule, desired, key);
        let group = desired.str("security_group_id").unwrap_or_default();
        let find = || object::find_id::<Self>(aws, key);
        if EGRESS {
            let request = aws.ec2().authorize_security_group_egress().group_id(group);
            let request = request.ip_permissions(permission).tag_specifications(tags);
            let id = |a: &EgressOutput| first_id(a.security_group_rules());
            aws.create("ec2", "AuthorizeSecurityGroupEgress", || request.clone().send(), id, find).await
        } else {
            let request = aws.ec2().authorize_security_group_ingress().group_id(group);
            let request = request.ip_permissions(permission).tag_specifications(tags);
            let id = |a: &IngressOutput| first_id(a.security_group_rules());
            aws.create("ec2", "AuthorizeSecurityGroupIngress", || request.clone().send(), id, find).await
        }
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        object::appeared::<Self>(aws, &request.op, id).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let id = &*request.id.0;
        let steps = async {
            if request.changed.iter().any(|c| !matches!(&**c, "tags" | "tags_all")) {
                modify(aws, id, &request.desired).await?;
            }
            object::update_tags(aws, id, &request.prior, &request.desired).await
        };
        object::changed::<Self>(aws, id, &request.desired, steps.await).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let (id, group) = (&*request.id.0, request.prior.str("security_group_id").unwrap_or_default());
        if EGRESS {
            let revoke = aws.ec2().revoke_security_group_egress().group_id(group).security_group_rule_ids(id);
            aws.call("ec2", "RevokeSecurityGroupEgress", || revoke.clone().send()).await.map(drop)
        } else {
            let revoke = aws.ec2().revoke_security_group_ingress().group_id(group).security_group_rule_ids(id);
            aws.call("ec2", "RevokeSecurityGroupIngress", || revoke.clone().send()).await.map(drop)
        }
    }
}

fn first_id(rules: &[Api]) -> Option<String> {
    rules.first()?.security_group_rule_id.clone()
}

async fn modify(aws: &Aws, id: &str, desired: &Object) -> Result<(), ProviderError> {
    let rule = SecurityGroupRuleRequest::builder()
        .set_ip_protocol(desired.string("ip_protocol"))
        .set_from_port(desired.i32("from_port"))
        .set_to_port(desired.i32("to_port"))
        .set_cidr_ipv4(desired.string("cidr_ipv4"))
        .set_cidr_ipv6(desired.string("cidr_ipv6"))
        .set_prefix_list_id(desired.string("prefix_list_id"))
        .set_referenced_group_id(desired.string("referenced_security_group_id"))
        // A description that is left out stays as it was.
        .description(desired.str("description").unwrap_or_default())
        .build();
    let update = SecurityGroupRuleUpdate::builder().security_group_rule_id(id).security_group_rule(rule).build();
    let group = desired.str("security_group_id").unwrap_or_default();
    let request = aws.ec2().modify_security_group_rules().group_id(group).security_group_rules(update);
    aws.call("ec2", "ModifySecurityGroupRules", || request.clone().send()).await.map(drop)
}
