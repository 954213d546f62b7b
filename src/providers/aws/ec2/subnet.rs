//! `aws_subnet`: a range of addresses in one availability zone of a VPC.
//! EC2: CreateSubnet, DescribeSubnets, ModifySubnetAttribute, AssociateSubnetCidrBlock, DeleteSubnet.

use async_trait::async_trait;
use aws_sdk_ec2::operation::create_subnet::CreateSubnetOutput;
use aws_sdk_ec2::operation::modify_subnet_attribute::builders::ModifySubnetAttributeFluentBuilder as Modify;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, Filter as ApiFilter, HostnameType, ResourceType as Tagged, Subnet as Api,
    SubnetCidrBlockStateCode as CidrState, SubnetIpv6CidrBlockAssociation, Tag,
};

use super::MINUTE;
use super::object::{self, Ec2Object, Ec2Resource, Mapped, pages};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{boolean, number, string};
use crate::provider::{Create, Delete, Operation, Outcome, ProviderError, ResourceType, Seen, Update, resource};
use crate::providers::aws::Aws;

pub fn subnet() -> ResourceType<Aws> {
    resource("aws_subnet", "A range of addresses in one availability zone of a VPC.")
        .attr("vpc_id", string().required().replaces(), "The VPC that the subnet lies in.")
        .attr("cidr_block", string().optional().computed().replaces(), "IPv4 range, such as 10.0.1.0/24.")
        .attr("availability_zone", string().optional().computed().replaces(), "The zone by name.")
        .attr(
            "availability_zone_id",
            string().optional().computed().replaces().conflicts_with(&["availability_zone"]),
            "The zone by id, which means the same zone in every account.",
        )
        .attr("ipv6_cidr_block", string().optional().computed(), "IPv6 range (/64) out of the VPC's.")
        .attr("ipv6_native", boolean().default(false).replaces(), "A subnet with IPv6 addresses only.")
        .attr("outpost_arn", string().optional().replaces(), "The Outpost that the subnet lies on.")
        .attr("customer_owned_ipv4_pool", string().optional(), "The pool of addresses on the Outpost.")
        .attr(
            "map_customer_owned_ip_on_launch",
            boolean().optional(),
            "Give network interfaces an address of the pool.",
        )
        .attr("enable_lni_at_device_index", number().optional(), "The index of local network interfaces, from 1.")
        .attr("map_public_ip_on_launch", boolean().default(false), "Give instances a public address.")
        .attr("assign_ipv6_address_on_creation", boolean().default(false), "Give network interfaces an IPv6 address.")
        .attr("enable_dns64", boolean().default(false), "Answer IPv6 queries for names that have IPv4 addresses only.")
        .attr(
            "enable_resource_name_dns_a_record_on_launch",
            boolean().default(false),
            "Answer A queries for the instances' resource names.",
        )
        .attr(
            "enable_resource_name_dns_aaaa_record_on_launch",
            boolean().default(false),
            "Answer AAAA queries for the instances' resource names.",
        )
        .attr(
            "private_dns_hostname_type_on_launch",
            string().optional().computed().one_of(&["ip-name", "resource-name"]),
            "What instances' names are made of.",
        )
        .attr("arn", string().always(), "ARN of the subnet.")
        .attr("owner_id", string().computed(), "The account that owns the subnet.")
        .attr("ipv6_cidr_block_association_id", string().computed(), "The association of the IPv6 range.")
        .tags()
        .timeouts(MINUTE * 10, MINUTE * 10, MINUTE * 20)
        .import_example("subnet-0123456789abcdef0")
        .service("ec2")
        .driver(Subnet)
}

pub(super) struct Subnet;

#[async_trait]
impl Ec2Object for Subnet {
    type Api = Api;
    const ID_FILTER: &'static str = "subnet-id";

    async fn describe(aws: &Aws, filters: Vec<ApiFilter>) -> Result<Vec<Api>, ProviderError> {
        Ok(pages!(aws, "DescribeSubnets", aws.ec2().describe_subnets().set_filters(Some(filters)), subnets))
    }

    fn id(api: &Api) -> Option<&str> {
        api.subnet_id()
    }

    fn tags(api: &Api) -> &[Tag] {
        api.tags()
    }

    async fn objects(aws: &Aws, found: &[(Api, Option<Object>)]) -> Result<Vec<Mapped>, ProviderError> {
        Ok(object::each(found, |api, like| fields(aws, api, like)))
    }
}

fn fields(aws: &Aws, api: &Api, like: Option<&Object>) -> Object {
    let names = api.private_dns_name_options_on_launch();
    let ipv6 = ipv6(api);
    let arn = || aws.arn("ec2", &format!("subnet/{}", api.subnet_id().unwrap_or_default()));
    let object = ObjectBuilder::new()
        .maybe("vpc_id", api.vpc_id())
        .maybe("cidr_block", object::text(api.cidr_block()))
        .maybe("availability_zone", api.availability_zone())
        .maybe("availability_zone_id", api.availability_zone_id())
        .maybe("ipv6_cidr_block", ipv6.and_then(|a| object::text(a.ipv6_cidr_block())))
        .maybe("ipv6_cidr_block_association_id", ipv6.and_then(|a| object::text(a.association_id())))
        .set("ipv6_native", api.ipv6_native().unwrap_or(false))
        .maybe("outpost_arn", object::text(api.outpost_arn()))
        .maybe("customer_owned_ipv4_pool", object::text(api.customer_owned_ipv4_pool()))
        .maybe("map_customer_owned_ip_on_launch", on_outpost(api.map_customer_owned_ip_on_launch(), like))
        .maybe("enable_lni_at_device_index", api.enable_lni_at_device_index().filter(|index| *index > 0))
        .set("map_public_ip_on_launch", api.map_public_ip_on_launch().unwrap_or(false))
        .set("assign_ipv6_address_on_creation", api.assign_ipv6_address_on_creation().unwrap_or(false))
        .set("enable_dns64", api.enable_dns64().unwrap_or(false))
        .set(
            "enable_resource_name_dns_a_record_on_launch",
            names.and_then(|n| n.enable_resource_name_dns_a_record()).unwrap_or(false),
        )
        .set(
            "enable_resource_name_dns_aaaa_record_on_launch",
            names.and_then(|n| n.enable_resource_name_dns_aaaa_record()).unwrap_or(false),
        )
        .maybe("private_dns_hostname_type_on_launch", names.and_then(|n| n.hostname_type()).map(HostnameType::as_str))
        .set("arn", api.subnet_arn().map_or_else(arn, str::to_string))
        .maybe("owner_id", api.owner_id());
    object::put::<Subnet>(aws, object, api, like).build()
}

/// Off Outposts EC2 answers "no", too: it shows where it was written only.
fn on_outpost(on: Option<bool>, like: Option<&Object>) -> Option<bool> {
    on.filter(|on| *on || like.is_some_and(|o| o.get("map_customer_owned_ip_on_launch").is_some()))
}

/// The IPv6 range that is, or is being, associated.
fn ipv6(api: &Api) -> Option<&SubnetIpv6CidrBlockAssociation> {
    let is_live = |a: &&SubnetIpv6CidrBlockAssociation| {
        let state = a.ipv6_cidr_block_state().and_then(|s| s.state());
        matches!(state, Some(CidrState::Associated | CidrState::Associating))
    };
    api.ipv6_cidr_block_association_set().iter().find(is_live)
}

#[async_trait]
impl Ec2Resource for Subnet {
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let create = aws
            .ec2()
            .create_subnet()
            .set_vpc_id(desired.string("vpc_id"))
            .set_cidr_block(desired.string("cidr_block"))
            .set_availability_zone(desired.string("availability_zone"))
            .set_availability_zone_id(desired.string("availability_zone_id"))
            .set_ipv6_cidr_block(desired.string("ipv6_cidr_block"))
            .set_ipv6_native(desired.bool("ipv6_native").filter(|on| *on))
            .set_outpost_arn(desired.string("outpost_arn"))
            .tag_specifications(object::tag_specification(aws, Tagged::Subnet, desired, key));
        let id = |answer: &CreateSubnetOutput| answer.subnet()?.subnet_id.clone();
        let find = || object::find_id::<Subnet>(aws, key);
        aws.create("ec2", "CreateSubnet", || create.clone().send(), id, find).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        configure(aws, &request.op, id, &request.desired).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let id = &*request.id.0;
        object::changed::<Subnet>(aws, id, &request.desired, change(aws, id, &request).await).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let delete = aws.ec2().delete_subnet().subnet_id(&*request.id.0);
        let call = || async { aws.call("ec2", "DeleteSubnet", || delete.clone().send()).await.map(drop) };
        object::delete_when_free(aws, &request.op, call).await
    }
}

/// The attributes that ModifySubnetAttribute sets, each with how.
type Setting = (&'static str, fn(Modify, &Object, &str) -> Modify);
const SETTINGS: [Setting; 8] = [
    // The pool and its use are one setting to EC2.
    ("map_customer_owned_ip_on_launch", |m, o, n| {
        m.map_customer_owned_ip_on_launch(switch(o, n))
            .set_customer_owned_ipv4_pool(o.string("customer_owned_ipv4_pool"))
    }),
    ("enable_lni_at_device_index", |m, o, n| match o.i32(n) {
        Some(index) => m.enable_lni_at_device_index(index),
        None => m.disable_lni_at_device_index(AttributeBooleanValue::builder().value(true).build()),
    }),
    ("map_public_ip_on_launch", |m, o, n| m.map_public_ip_on_launch(switch(o, n))),
    ("assign_ipv6_address_on_creation", |m, o, n| m.assign_ipv6_address_on_creation(switch(o, n))),
    ("enable_dns64", |m, o, n| m.enable_dns64(switch(o, n))),
    ("enable_resource_name_dns_a_record_on_launch", |m, o, n| {
        m.enable_resource_name_dns_a_record_on_launch(switch(o, n))
    }),
    ("enable_resource_name_dns_aaaa_record_on_launch", |m, o, n| {
        m.enable_resource_name_dns_aaaa_record_on_launch(switch(o, n))
    }),
    ("private_dns_hostname_type_on_launch", |m, o, n| {
        m.set_private_dns_hostname_type_on_launch(o.str(n).map(HostnameType::from))
    }),
];

fn switch(object: &Object, name: &str) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(object.bool(name).unwrap_or(false)).build()
}

/// What CreateSubnet cannot say; everything is off in a new subnet.
async fn configure(aws: &Aws, op: &Operation, id: &str, desired: &Object) -> Result<(), ProviderError> {
    wait_available(aws, op, id).await?;
    for (name, set) in SETTINGS {
        let is_said = desired.get(name).is_some() && desired.bool(name) != Some(false);
        if is_said {
            modify(aws, id, |m| set(m, desired, name)).await?;
        }
    }
    Ok(())
}

async fn change(aws: &Aws, id: &str, update: &Update) -> Result<(), ProviderError> {
    if update.has_changed("ipv6_cidr_block") {
        move_ipv6(aws, id, update).await?;
    }
    // One attribute a call is all that EC2 takes.
    let pool_too =
        |name: &str| name == "map_customer_owned_ip_on_launch" && update.has_changed("customer_owned_ipv4_pool");
    for (name, set) in SETTINGS.iter().filter(|(name, _)| update.has_changed(name) || pool_too(name)) {
        modify(aws, id, |m| set(m, &update.desired, name)).await?;
    }
    object::update_tags(aws, id, &update.prior, &update.desired).await
}

async fn modify(aws: &Aws, id: &str, set: impl FnOnce(Modify) -> Modify) -> Result<(), ProviderError> {
    let request = set(aws.ec2().modify_subnet_attribute().subnet_id(id));
    aws.call("ec2", "ModifySubnetAttribute", || request.clone().send()).await.map(drop)
}

async fn wait_available(aws: &Aws, op: &Operation, id: &str) -> Result<(), ProviderError> {
    let look = || async {
        let found = Subnet::describe(aws, vec![object::filter(Subnet::ID_FILTER, [id])]).await?;
        Ok(match found.first().and_then(Api::state).map(|s| s.as_str()) {
            Some("available") => Seen::Ready(()),
            state => Seen::Pending(state.unwrap_or("not found").to_string()),
        })
    };
    aws.wait(op, "available", look).await
}

/// A subnet has one IPv6 range: the old one goes before the new one comes.
async fn move_ipv6(aws: &Aws, id: &str, update: &Update) -> Result<(), ProviderError> {
    if let Some(old) = update.prior.str("ipv6_cidr_block_association_id") {
        let request = aws.ec2().disassociate_subnet_cidr_block().association_id(old);
        aws.call("ec2", "DisassociateSubnetCidrBlock", || request.clone().send()).await?;
        wait_ipv6(aws, &update.op, id, "disassociated").await?;
    }
    if let Some(new) = update.desired.str("ipv6_cidr_block") {
        let request = aws.ec2().associate_subnet_cidr_block().subnet_id(id).ipv6_cidr_block(new);
        aws.call("ec2", "AssociateSubnetCidrBlock", || request.clone().send()).await?;
        wait_ipv6(aws, &update.op, id, "associated").await?;
    }
    Ok(())
}

async fn wait_ipv6(aws: &Aws, op: &Operation, id: &str, target: &str) -> Result<(), ProviderError> {
    let look = || async {
        let found = Subnet::describe(aws, vec![object::filter(Subnet::ID_FILTER, [id])]).await?;
        let state = found.first().and_then(ipv6).and_then(|a| a.ipv6_cidr_block_state()).and_then(|s| s.state());
        let now = state.map_or("disassociated", |s| s.as_str());
        Ok(if now == target { Seen::Ready(()) } else { Seen::Pending(now.to_string()) })
    };
    aws.wait(op, target, look).await
}
