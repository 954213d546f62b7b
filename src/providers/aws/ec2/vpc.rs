//! `aws_vpc`: a network of its own in a region.
//! EC2: CreateVpc, DescribeVpcs, DescribeVpcAttribute, ModifyVpcAttribute, AssociateVpcCidrBlock, DeleteVpc.

use async_trait::async_trait;
use aws_sdk_ec2::operation::modify_vpc_attribute::builders::ModifyVpcAttributeFluentBuilder as Modify;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, Filter as ApiFilter, ResourceType as Tagged, Tag, Tenancy, Vpc as Api,
    VpcAttributeName as Name, VpcCidrBlockStateCode as CidrState, VpcIpv6CidrBlockAssociation,
};
use futures::future::try_join3;

use super::object::{self, Ec2Object, Ec2Resource, Mapped, pages};
use super::vpc_defaults;
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{boolean, number, string};
use crate::provider::{
    Config, Create, Delete, Operation, Outcome, PlannedChange, ProviderError, ResourceType, Seen, Update, resource,
};
use crate::providers::aws::Aws;
use crate::providers::aws::named::recompute;

pub fn vpc() -> ResourceType<Aws> {
    resource("aws_vpc", "A network of its own in a region.")
        .attr("cidr_block", string().optional().computed().replaces(), "IPv4 range, such as 10.0.0.0/16.")
        .attr("ipv4_ipam_pool_id", string().optional().replaces(), "The IPAM pool to take the IPv4 range from.")
        .attr("ipv4_netmask_length", number().optional().replaces(), "The length of a range from the pool.")
        .attr("assign_generated_ipv6_cidr_block", boolean().default(false), "Have Amazon give an IPv6 range (/56).")
        .attr(
            "ipv6_cidr_block",
            string().optional().computed().conflicts_with(&["assign_generated_ipv6_cidr_block"]),
            "IPv6 range from an IPAM pool.",
        )
        .attr("ipv6_ipam_pool_id", string().optional(), "The IPAM pool to take the IPv6 range from.")
        .attr("ipv6_netmask_length", number().optional(), "The length of an IPv6 range from the pool.")
        .attr(
            "ipv6_cidr_block_network_border_group",
            string().optional().computed(),
            "Where the IPv6 range is announced.",
        )
        .attr(
            "instance_tenancy",
            string().default("default").one_of(&["default", "dedicated"]).replaces(),
            "Whether instances get hardware of their own.",
        )
        .attr("enable_dns_support", boolean().default(true), "Resolve names with the Amazon DNS server.")
        .attr("enable_dns_hostnames", boolean().optional().computed(), "Give instances with public addresses names.")
        .attr(
            "enable_network_address_usage_metrics",
            boolean().optional().computed(),
            "Count the addresses in use for CloudWatch.",
        )
        .attr("arn", string().always(), "ARN of the VPC.")
        .attr("owner_id", string().computed(), "The account that owns the VPC.")
        .attr("dhcp_options_id", string().computed(), "The DHCP options of the VPC.")
        .attr("default_network_acl_id", string().computed(), "The network ACL that AWS made with the VPC.")
        .attr("default_route_table_id", string().computed(), "The route table that AWS made with the VPC.")
        .attr("default_security_group_id", string().computed(), "The security group that AWS made with the VPC.")
        .attr("main_route_table_id", string().computed(), "The route table of subnets without one of their own.")
        .attr("ipv6_association_id", string().computed(), "The association of the IPv6 range.")
        .tags()
        .import_example("vpc-0123456789abcdef0")
        .service("ec2")
        .driver(Vpc)
}

pub(super) struct Vpc;

#[async_trait]
impl Ec2Object for Vpc {
    type Api = Api;
    const ID_FILTER: &'static str = "vpc-id";

    async fn describe(aws: &Aws, filters: Vec<ApiFilter>) -> Result<Vec<Api>, ProviderError> {
        Ok(pages!(aws, "DescribeVpcs", aws.ec2().describe_vpcs().set_filters(Some(filters)), vpcs))
    }

    fn id(api: &Api) -> Option<&str> {
        api.vpc_id()
    }

    fn tags(api: &Api) -> &[Tag] {
        api.tags()
    }

    async fn objects(aws: &Aws, found: &[(Api, Option<Object>)]) -> Result<Vec<Mapped>, ProviderError> {
        let ids: Vec<&str> = found.iter().filter_map(|(api, _)| api.vpc_id()).collect();
        let defaults = &vpc_defaults::read(aws, &ids).await?;
        let objects = object::each_with(found, |api, like| async move {
            let id = api.vpc_id().unwrap_or_default();
            // These can be asked for one VPC and one attribute at a time only.
            let (support, hostnames, metrics) = try_join3(
                attribute(aws, id, Name::EnableDnsSupport),
                attribute(aws, id, Name::EnableDnsHostnames),
                attribute(aws, id, Name::EnableNetworkAddressUsageMetrics),
            )
            .await?;
            let builder = fields(aws, api, like)
                .maybe("enable_dns_support", support)
                .maybe("enable_dns_hostnames", hostnames)
                .set("enable_network_address_usage_metrics", metrics.unwrap_or(false));
            Ok(defaults.put(builder, id, like).build())
        });
        Ok(objects.await)
    }
}

/// What a configuration says about the IPv6 range. EC2 exchanges the range in place.
const IPV6_WORDS: [&str; 5] = [
    "assign_generated_ipv6_cidr_block",
    "ipv6_cidr_block",
    "ipv6_cidr_block_network_border_group",
    "ipv6_ipam_pool_id",
    "ipv6_netmask_length",
];

/// What DescribeVpcs tells.
fn fields(aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
    let id = api.vpc_id().unwrap_or_default();
    let owner = api.owner_id().unwrap_or(aws.account());
    let ipv6 = ipv6(api);
    let said = |name: &str| like.and_then(|o| o.get(name)).cloned();
    let object = ObjectBuilder::new()
        .maybe("cidr_block", api.cidr_block())
        .maybe("instance_tenancy", api.instance_tenancy().map(Tenancy::as_str))
        .maybe("dhcp_options_id", api.dhcp_options_id())
        .set("owner_id", owner)
        .set("arn", aws.arn_of("ec2", owner, &format!("vpc/{id}")))
        // Pools are the request's words: the answer has only what came out of them.
        .maybe("ipv4_ipam_pool_id", said("ipv4_ipam_pool_id"))
        .maybe("ipv4_netmask_length", said("ipv4_netmask_length"))
        .maybe("ipv6_netmask_length", said("ipv6_netmask_length"))
        .maybe("ipv6_ipam_pool_id", said("ipv6_ipam_pool_id"))
        .set("assign_generated_ipv6_cidr_block", ipv6.is_some_and(is_amazon_provided))
        .maybe("ipv6_cidr_block", ipv6.and_then(|a| object::text(a.ipv6_cidr_block())))
        .maybe("ipv6_association_id", ipv6.and_then(|a| object::text(a.association_id())))
        .maybe("ipv6_cidr_block_network_border_group", ipv6.and_then(|a| object::text(a.network_border_group())));
    object::put::<Vpc>(aws, object, api, like)
}

fn is_amazon_provided(association: &VpcIpv6CidrBlockAssociation) -> bool {
    association.ipv6_pool().is_none_or(|pool| pool == "Amazon")
}

/// The IPv6 range that is, or is being, associated.
fn ipv6(api: &Api) -> Option<&VpcIpv6CidrBlockAssociation> {
    let is_live = |a: &&VpcIpv6CidrBlockAssociation| {
        let state = a.ipv6_cidr_block_state().and_then(|s| s.state());
        matches!(state, Some(CidrState::Associated | CidrState::Associating))
    };
    api.ipv6_cidr_block_association_set().iter().find(is_live)
}

async fn attribute(aws: &Aws, id: &str, name: Name) -> Result<Option<bool>, ProviderError> {
    let request = aws.ec2().describe_vpc_attribute().vpc_id(id).attribute(name.clone());
    let answer = aws.call("ec2", "DescribeVpcAttribute", || request.clone().send()).await?;
    let value = match name {
        Name::EnableDnsSupport => answer.enable_dns_support(),
        Name::EnableDnsHostnames => answer.enable_dns_hostnames(),
        _ => answer.enable_network_address_usage_metrics(),
    };
    Ok(value.and_then(AttributeBooleanValue::value))
}

#[async_trait]
impl Ec2Resource for Vpc {
    fn plan(&self, change: &mut PlannedChange) {
        recompute(
            change,
            &IPV6_WORDS,
            &["ipv6_cidr_block", "ipv6_cidr_block_network_border_group", "ipv6_association_id"],
        );
    }

    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let create = aws
            .ec2()
            .create_vpc()
            .set_cidr_block(desired.string("cidr_block"))
            .set_ipv4_ipam_pool_id(desired.string("ipv4_ipam_pool_id"))
            .set_ipv4_netmask_length(desired.i32("ipv4_netmask_length"))
            .set_ipv6_cidr_block(desired.string("ipv6_cidr_block"))
            .set_ipv6_ipam_pool_id(desired.string("ipv6_ipam_pool_id"))
            .set_ipv6_netmask_length(desired.i32("ipv6_netmask_length"))
            .set_ipv6_cidr_block_network_border_group(desired.string("ipv6_cidr_block_network_border_group"))
            .set_amazon_provided_ipv6_cidr_block(desired.bool("assign_generated_ipv6_cidr_block").filter(|on| *on))
            .set_instance_tenancy(desired.str("instance_tenancy").map(Tenancy::from))
            .tag_specifications(object::tag_specification(aws, Tagged::Vpc, desired, key));
        let sent = || create.clone().send();
        let id = |answer: &aws_sdk_ec2::operation::create_vpc::CreateVpcOutput| answer.vpc()?.vpc_id.clone();
        aws.create("ec2", "CreateVpc", sent, id, || object::find_id::<Vpc>(aws, key)).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        configure(aws, &request.op, id, &request.desired).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let id = &*request.id.0;
        object::changed::<Vpc>(aws, id, &request.desired, change(aws, id, &request).await).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let delete = aws.ec2().delete_vpc().vpc_id(&*request.id.0);
        let call = || async { aws.call("ec2", "DeleteVpc", || delete.clone().send()).await.map(drop) };
        object::delete_when_free(aws, &request.op, call).await
    }
}

/// What CreateVpc cannot say: a new VPC resolves names and gives none.
async fn configure(aws: &Aws, op: &Operation, id: &str, desired: &Config) -> Result<(), ProviderError> {
    wait_available(aws, op, id).await?;
    if desired.bool("enable_dns_support") == Some(false) {
        set_dns_support(aws, id, false).await?;
    }
    if desired.bool("enable_dns_hostnames") == Some(true) {
        set_dns_hostnames(aws, id, true).await?;
    }
    if desired.bool("enable_network_address_usage_metrics") == Some(true) {
        set_metrics(aws, id, true).await?;
    }
    if desired.bool("assign_generated_ipv6_cidr_block") == Some(true) {
        wait_ipv6(aws, op, id, true).await?;
    }
    Ok(())
}

async fn wait_available(aws: &Aws, op: &Operation, id: &str) -> Result<(), ProviderError> {
    let look = || async {
        let found = Vpc::describe(aws, vec![object::filter(Vpc::ID_FILTER, [id])]).await?;
        Ok(match found.first().and_then(Api::state).map(|s| s.as_str()) {
            Some("available") => Seen::Ready(()),
            state => Seen::Pending(state.unwrap_or("not found").to_string()),
        })
    };
    aws.wait(op, "available", look).await
}

async fn change(aws: &Aws, id: &str, update: &Update) -> Result<(), ProviderError> {
    let wanted = |name: &str| update.desired.bool(name).filter(|_| update.has_changed(name));
    // Names need the DNS server: it is turned on before them and off after them.
    if wanted("enable_dns_support") == Some(true) {
        set_dns_support(aws, id, true).await?;
    }
    if let Some(on) = wanted("enable_dns_hostnames") {
        set_dns_hostnames(aws, id, on).await?;
    }
    if wanted("enable_dns_support") == Some(false) {
        set_dns_support(aws, id, false).await?;
    }
    if let Some(on) = wanted("enable_network_address_usage_metrics") {
        set_metrics(aws, id, on).await?;
    }
    if IPV6_WORDS.iter().any(|name| update.has_changed(name)) {
        // A VPC has one IPv6 range: the old one goes before the new one comes.
        remove_ipv6(aws, &update.op, id, &update.prior).await?;
        add_ipv6(aws, &update.op, id, &update.desired).await?;
    }
    object::update_tags(aws, id, &update.prior, &update.desired).await
}

fn switch(on: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(on).build()
}

async fn modify(aws: &Aws, id: &str, set: impl FnOnce(Modify) -> Modify) -> Result<(), ProviderError> {
    let request = set(aws.ec2().modify_vpc_attribute().vpc_id(id));
    aws.call("ec2", "ModifyVpcAttribute", || request.clone().send()).await.map(drop)
}

async fn set_dns_support(aws: &Aws, id: &str, on: bool) -> Result<(), ProviderError> {
    modify(aws, id, |m| m.enable_dns_support(switch(on))).await
}

async fn set_dns_hostnames(aws: &Aws, id: &str, on: bool) -> Result<(), ProviderError> {
    modify(aws, id, |m| m.enable_dns_hostnames(switch(on))).await
}

async fn set_metrics(aws: &Aws, id: &str, on: bool) -> Result<(), ProviderError> {
    modify(aws, id, |m| m.enable_network_address_usage_metrics(switch(on))).await
}

async fn add_ipv6(aws: &Aws, op: &Operation, id: &str, desired: &Object) -> Result<(), ProviderError> {
    let (generated, pool) = (desired.bool("assign_generated_ipv6_cidr_block"), desired.string("ipv6_ipam_pool_id"));
    if generated != Some(true) && pool.is_none() {
        return Ok(());
    }
    let request = aws
        .ec2()
        .associate_vpc_cidr_block()
        .vpc_id(id)
        .set_amazon_provided_ipv6_cidr_block(generated.filter(|on| *on))
        .set_ipv6_cidr_block_network_border_group(desired.string("ipv6_cidr_block_network_border_group"))
        .set_ipv6_cidr_block(desired.string("ipv6_cidr_block").filter(|_| pool.is_some()))
        .set_ipv6_netmask_length(desired.i32("ipv6_netmask_length"))
        .set_ipv6_ipam_pool_id(pool);
    aws.call("ec2", "AssociateVpcCidrBlock", || request.clone().send()).await?;
    wait_ipv6(aws, op, id, true).await
}

async fn remove_ipv6(aws: &Aws, op: &Operation, id: &str, prior: &Object) -> Result<(), ProviderError> {
    let Some(association) = prior.str("ipv6_association_id") else { return Ok(()) };
    let request = aws.ec2().disassociate_vpc_cidr_block().association_id(association);
    aws.call("ec2", "DisassociateVpcCidrBlock", || request.clone().send()).await?;
    wait_ipv6(aws, op, id, false).await
}

async fn wait_ipv6(aws: &Aws, op: &Operation, id: &str, shall: bool) -> Result<(), ProviderError> {
    let target = if shall { "associated" } else { "disassociated" };
    let look = || async {
        let found = Vpc::describe(aws, vec![object::filter(Vpc::ID_FILTER, [id])]).await?;
        let state = found.first().and_then(ipv6).and_then(|a| a.ipv6_cidr_block_state()).and_then(|s| s.state());
        let now = state.map_or("disassociated", |s| s.as_str());
        Ok(if now == target { Seen::Ready(()) } else { Seen::Pending(now.to_string()) })
    };
    aws.wait(op, target, look).await
}
