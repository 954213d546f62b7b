//! `data.aws_subnet` and `data.aws_subnets`: subnets that are there already.
//! EC2: DescribeSubnets.

use async_trait::async_trait;
use aws_sdk_ec2::types::Subnet as Api;

use super::filters;
use super::object::Ec2Object;
use super::subnet::Subnet;
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{boolean, number, string, string_list, string_map};
use crate::provider::{Config, DataType, Operation, ProviderError, data_source, resource::DataDriver};
use crate::providers::aws::{Aws, tags};

/// The arguments that say which subnet, and the filter that each is.
const ARGUMENTS: [(&str, &str); 8] = [
    ("id", "subnet-id"),
    ("availability_zone", "availability-zone"),
    ("availability_zone_id", "availability-zone-id"),
    ("cidr_block", "cidr-block"),
    ("default_for_az", "default-for-az"),
    ("ipv6_cidr_block", "ipv6-cidr-block-association.ipv6-cidr-block"),
    ("state", "state"),
    ("vpc_id", "vpc-id"),
];

pub fn subnet() -> DataType<Aws> {
    data_source("aws_subnet", "A subnet that is there already.")
        .attr("id", string().optional().computed(), "Id of the subnet.")
        .attr("availability_zone", string().optional().computed(), "Its zone by name.")
        .attr("availability_zone_id", string().optional().computed(), "Its zone by id.")
        .attr("cidr_block", string().optional().computed(), "Its IPv4 range.")
        .attr("default_for_az", boolean().optional().computed(), "Whether it is the zone's default subnet.")
        .attr("ipv6_cidr_block", string().optional().computed(), "Its IPv6 range.")
        .attr("state", string().optional().computed(), "Its state: pending or available.")
        .attr("tags", string_map().optional().computed(), "Tags that it has.")
        .attr("vpc_id", string().optional().computed(), "The VPC that it lies in.")
        .block("filter", filters::block(), "What the API shall filter by.")
        .attr("arn", string().always(), "ARN of the subnet.")
        .attr("assign_ipv6_address_on_creation", boolean().computed(), "Whether interfaces get an IPv6 address.")
        .attr("available_ip_address_count", number().computed(), "IPv4 addresses that are free.")
        .attr("customer_owned_ipv4_pool", string().computed(), "The pool of addresses on an Outpost.")
        .attr("enable_dns64", boolean().computed(), "Whether IPv6 queries for names with IPv4 addresses are answered.")
        .attr("enable_lni_at_device_index", number().computed(), "The index of local network interfaces.")
        .attr("enable_resource_name_dns_a_record_on_launch", boolean().computed(), "Whether A queries are answered.")
        .attr(
            "enable_resource_name_dns_aaaa_record_on_launch",
            boolean().computed(),
            "Whether AAAA queries are answered.",
        )
        .attr("ipv6_cidr_block_association_id", string().computed(), "The association of the IPv6 range.")
        .attr("ipv6_native", boolean().computed(), "Whether it has IPv6 addresses only.")
        .attr("map_customer_owned_ip_on_launch", boolean().computed(), "Whether interfaces get an address of the pool.")
        .attr("map_public_ip_on_launch", boolean().computed(), "Whether instances get a public address.")
        .attr("outpost_arn", string().computed(), "The Outpost that it lies on.")
        .attr("owner_id", string().computed(), "The account that owns the subnet.")
        .attr("private_dns_hostname_type_on_launch", string().computed(), "What instances' names are made of.")
        .service("ec2")
        .driver(ReadSubnet)
}

pub fn subnets() -> DataType<Aws> {
    data_source("aws_subnets", "The ids of subnets that are there already.")
        .attr("ids", string_list().computed(), "Ids of the subnets that match, sorted.")
        .attr("tags", string_map().optional().computed(), "Tags that they have.")
        .block("filter", filters::block(), "What the API shall filter by.")
        .service("ec2")
        .driver(ReadSubnets)
}

struct ReadSubnet;

#[async_trait]
impl DataDriver<Aws> for ReadSubnet {
    async fn read(&self, aws: &Aws, config: &Config, _op: &Operation) -> Result<Object, ProviderError> {
        let found = Subnet::describe(aws, filters::asked(config, &ARGUMENTS)).await?;
        let found = [(filters::only(found, "subnet")?, None)];
        let object = Subnet::objects(aws, &found).await?.pop().transpose()?;
        let [(api, _)] = &found;
        let object = object
            .as_ref()
            .map_or_else(ObjectBuilder::new, ObjectBuilder::from)
            .maybe("id", api.subnet_id())
            .maybe("available_ip_address_count", api.available_ip_address_count())
            .set("default_for_az", api.default_for_az().unwrap_or(false))
            .maybe("state", api.state().map(|s| s.as_str()))
            .blocks("filter", config.blocks("filter"))
            .string_map("tags", aws.tags().shown(tags::from_api(api.tags())));
        Ok(object.build())
    }
}

struct ReadSubnets;

#[async_trait]
impl DataDriver<Aws> for ReadSubnets {
    async fn read(&self, aws: &Aws, config: &Config, _op: &Operation) -> Result<Object, ProviderError> {
        let found = Subnet::describe(aws, filters::asked(config, &[])).await?;
        let mut ids: Vec<&str> = found.iter().filter_map(Api::subnet_id).collect();
        ids.sort_unstable();
        let tags = config.get("tags").is_some().then(|| config.string_map("tags"));
        let object = ObjectBuilder::from(config).set("id", aws.region()).strings("ids", ids);
        Ok(tags.into_iter().fold(object, |object, tags| object.string_map("tags", tags)).build())
    }
}
