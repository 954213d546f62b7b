//! `aws_security_group`: what network interfaces may receive and send, with rules inline.
//! EC2: CreateSecurityGroup, DescribeSecurityGroups, AuthorizeSecurityGroupIngress and -Egress,
//! RevokeSecurityGroupIngress and -Egress, DeleteSecurityGroup.

use async_trait::async_trait;
use aws_sdk_ec2::operation::create_security_group::CreateSecurityGroupOutput;
use aws_sdk_ec2::types::{Filter as ApiFilter, ResourceType as Tagged, SecurityGroup as Api, Tag};

use super::MINUTE;
use super::firewall::{self, Rules};
use super::object::{self, Ec2Object, Ec2Resource, Mapped, pages};
use super::written_as_blocks;
use crate::model::{Object, ObjectBuilder, Type, Value};
use crate::provider::schema_words::{boolean, of_type, string};
use crate::provider::{
    Create, Delete, IdempotencyKey, Outcome, PlannedChange, ProviderError, ResourceType, Update, resource,
};
use crate::providers::aws::Aws;
use crate::providers::aws::ending::gone_is_fine;

pub fn security_group() -> ResourceType<Aws> {
    resource("aws_security_group", "What network interfaces may receive and send.")
        .attr(
            "name",
            string().optional().computed().replaces().conflicts_with(&["name_prefix"]),
            "Name, unique in the VPC.",
        )
        .attr(
            "name_prefix",
            string().optional().computed().replaces().conflicts_with(&["name"]),
            "Beginning of a name that is made unique.",
        )
        .attr("description", string().default("Managed by Terraform").replaces(), "What the group is for.")
        .attr("vpc_id", string().optional().computed().replaces(), "The VPC; the default one unless set.")
        .attr("revoke_rules_on_delete", boolean().default(false), "Take all rules away before deleting the group.")
        .attr("ingress", of_type(rules()).optional().computed(), "What may come in, as blocks or as a list.")
        .attr("egress", of_type(rules()).optional().computed(), "What may go out; nothing unless said.")
        .attr("arn", string().always(), "ARN of the group.")
        .attr("owner_id", string().computed(), "The account that owns the group.")
        .tags()
        .timeouts(MINUTE * 10, MINUTE * 10, MINUTE * 15)
        .import_example("sg-0123456789abcdef0")
        .service("ec2")
        .driver(SecurityGroup)
}

/// Rules: ports are ICMP type and code for ICMP; the other ends are ranges, prefix lists, groups and the group itself.
fn rules() -> Type {
    let list = || Type::list(Type::String);
    Type::set(Type::object([
        ("cidr_blocks", list()),
        ("description", Type::String),
        ("from_port", Type::Number),
        ("ipv6_cidr_blocks", list()),
        ("prefix_list_ids", list()),
        ("protocol", Type::String),
        ("security_groups", Type::set(Type::String)),
        ("self", Type::Bool),
        ("to_port", Type::Number),
    ]))
}

/// Protocols may be written in capitals or as numbers; they are kept as EC2 names them.
fn with_plain_protocol(rule: Value) -> Value {
    let Value::Object(fields) = &rule else { return rule };
    let Some(protocol) = fields.get("protocol").and_then(Value::as_str) else { return rule };
    let mut plain = (**fields).clone();
    plain.set("protocol".into(), Value::string(firewall::protocol(protocol)));
    Value::fields(plain)
}

pub(super) struct SecurityGroup;

#[async_trait]
impl Ec2Object for SecurityGroup {
    type Api = Api;
    const ID_FILTER: &'static str = "group-id";

    async fn describe(aws: &Aws, filters: Vec<ApiFilter>) -> Result<Vec<Api>, ProviderError> {
        let request = aws.ec2().describe_security_groups().set_filters(Some(filters));
        Ok(pages!(aws, "DescribeSecurityGroups", request, security_groups))
    }

    fn id(api: &Api) -> Option<&str> {
        api.group_id()
    }

    fn tags(api: &Api) -> &[Tag] {
        api.tags()
    }

    async fn objects(aws: &Aws, found: &[(Api, Option<Object>)]) -> Result<Vec<Mapped>, ProviderError> {
        Ok(object::each(found, |api, like| fields(aws, api, like)))
    }
}

fn fields(aws: &Aws, api: &Api, like: Option<&Object>) -> Object {
    let id = api.group_id().unwrap_or_default();
    let owner = api.owner_id().unwrap_or(aws.account());
    let arn = || aws.arn_of("ec2", owner, &format!("security-group/{id}"));
    let said = |name: &str| like.map(|o| o.blocks(name)).unwrap_or_default();
    let blocks = |name, api| {
        let blocks = firewall::to_blocks(&firewall::of_api(api), &said(name), id);
        written_as_blocks::value(blocks, &rules(), with_plain_protocol)
    };
    let object = ObjectBuilder::new()
        .maybe("name", api.group_name())
        .maybe("name_prefix", like.and_then(|o| o.get("name_prefix")).cloned())
        .maybe("description", api.description())
        .maybe("vpc_id", object::text(api.vpc_id()))
        .set("revoke_rules_on_delete", like.and_then(|o| o.bool("revoke_rules_on_delete")).unwrap_or(false))
        .set("ingress", blocks("ingress", api.ip_permissions()))
        .set("egress", blocks("egress", api.ip_permissions_egress()))
        .set("owner_id", owner)
        .set("arn", api.security_group_arn().map_or_else(arn, str::to_string));
    object::put::<SecurityGroup>(aws, object, api, like).build()
}

#[async_trait]
impl Ec2Resource for SecurityGroup {
    fn plan(&self, change: &mut PlannedChange) {
        written_as_blocks::plan(change, &["ingress", "egress"], with_plain_protocol);
    }

    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let create = aws
            .ec2()
            .create_security_group()
            .group_name(name(desired, key))
            .description(desired.str("description").unwrap_or("Managed by Terraform"))
            .set_vpc_id(desired.string("vpc_id"))
            .tag_specifications(object::tag_specification(aws, Tagged::SecurityGroup, desired, key));
        let id = |answer: &CreateSecurityGroupOutput| answer.group_id.clone();
        let find = || object::find_id::<SecurityGroup>(aws, key);
        aws.create("ec2", "CreateSecurityGroup", || create.clone().send(), id, find).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        object::appeared::<SecurityGroup>(aws, &request.op, id).await?;
        // EC2 lets everything out of a new group; here nothing goes out that is not said.
        settle(aws, id, &request.desired).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let id = &*request.id.0;
        let (prior, desired) = (&request.prior, &request.desired);
        let steps = async {
            for direction in DIRECTIONS.iter().filter(|d| request.has_changed(d.block)) {
                let rules =
                    |o: &Object| o.blocks(direction.block).iter().flat_map(|b| firewall::of_block(b, id)).collect();
                replace(aws, id, direction.egress, &rules(prior), &rules(desired)).await?;
            }
            object::update_tags(aws, id, prior, desired).await
        };
        object::changed::<SecurityGroup>(aws, id, desired, steps.await).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let id = &*request.id.0;
        if request.prior.bool("revoke_rules_on_delete") == Some(true) {
            settle(aws, id, &ObjectBuilder::new().build()).await?;
        }
        let delete = aws.ec2().delete_security_group().group_id(id);
        let call = || async { aws.call("ec2", "DeleteSecurityGroup", || delete.clone().send()).await.map(drop) };
        object::delete_when_free(aws, &request.op, call).await
    }
}

struct Direction {
    block: &'static str,
    egress: bool,
}

const DIRECTIONS: [Direction; 2] =
    [Direction { block: "ingress", egress: false }, Direction { block: "egress", egress: true }];

/// The name that was given, or one made of the prefix and the creation's key, which is the same after a crash.
fn name(desired: &Object, key: &IdempotencyKey) -> String {
    let made =
        || format!("{}{}", desired.str("name_prefix").unwrap_or("terraform-"), key.0.get(..26).unwrap_or(&key.0));
    desired.string("name").unwrap_or_else(made)
}

/// Brings the rules from what EC2 has now to what is wanted.
async fn settle(aws: &Aws, id: &str, desired: &Object) -> Result<(), ProviderError> {
    let found = SecurityGroup::describe(aws, vec![object::filter(SecurityGroup::ID_FILTER, [id])]).await?;
    let Some(now) = found.first() else { return Ok(()) };
    for direction in DIRECTIONS {
        let now = if direction.egress { now.ip_permissions_egress() } else { now.ip_permissions() };
        let wanted = desired.blocks(direction.block).iter().flat_map(|b| firewall::of_block(b, id)).collect();
        replace(aws, id, direction.egress, &firewall::of_api(now), &wanted).await?;
    }
    Ok(())
}

/// New rules come before old ones go: traffic that both let through is never stopped. Rules that differ in their
/// description alone are the same rule to EC2, so those go first.
async fn replace(aws: &Aws, id: &str, egress: bool, was: &Rules, shall: &Rules) -> Result<(), ProviderError> {
    let without_words = |r: &firewall::Rule| (r.traffic.protocol.clone(), r.traffic.ports, r.peer.clone());
    let added: Rules = shall.difference(was).cloned().collect();
    let renamed: std::collections::BTreeSet<_> = added.iter().map(without_words).collect();
    let (first, last): (Rules, Rules) =
        was.difference(shall).cloned().partition(|r| renamed.contains(&without_words(r)));
    revoke(aws, id, egress, &first).await?;
    authorize(aws, id, egress, &added).await?;
    revoke(aws, id, egress, &last).await
}

/// Adds rules; one that is there already is success.
pub(super) async fn authorize(aws: &Aws, id: &str, egress: bool, rules: &Rules) -> Result<(), ProviderError> {
    if rules.is_empty() {
        return Ok(());
    }
    let permissions = Some(firewall::to_api(rules));
    let result = if egress {
        let request = aws.ec2().authorize_security_group_egress().group_id(id).set_ip_permissions(permissions);
        aws.call("ec2", "AuthorizeSecurityGroupEgress", || request.clone().send()).await.map(drop)
    } else {
        let request = aws.ec2().authorize_security_group_ingress().group_id(id).set_ip_permissions(permissions);
        aws.call("ec2", "AuthorizeSecurityGroupIngress", || request.clone().send()).await.map(drop)
    };
    match result {
        // EC2 refuses the whole call for one rule that exists: then each is added on its own.
        Err(error) if error.code == "InvalidPermission.Duplicate" => match rules.len() {
            1 => Ok(()),
            _ => {
                for rule in rules {
                    Box::pin(authorize(aws, id, egress, &Rules::from([rule.clone()]))).await?;
                }
                Ok(())
            }
        },
        other => other,
    }
}

/// Takes rules away; those that are gone already are fine.
pub(super) async fn revoke(aws: &Aws, id: &str, egress: bool, rules: &Rules) -> Result<(), ProviderError> {
    if rules.is_empty() {
        return Ok(());
    }
    let permissions = Some(firewall::to_api(rules));
    let result = if egress {
        let request = aws.ec2().revoke_security_group_egress().group_id(id).set_ip_permissions(permissions);
        aws.call("ec2", "RevokeSecurityGroupEgress", || request.clone().send()).await.map(drop)
    } else {
        let request = aws.ec2().revoke_security_group_ingress().group_id(id).set_ip_permissions(permissions);
        aws.call("ec2", "RevokeSecurityGroupIngress", || request.clone().send()).await.map(drop)
    };
    gone_is_fine(result)
}
