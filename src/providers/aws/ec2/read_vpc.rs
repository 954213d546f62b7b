//! `data.aws_vpc`: a VPC that is there already.
//! EC2: DescribeVpcs, DescribeVpcAttribute.

use async_trait::async_trait;
use aws_sdk_ec2::types::VpcCidrBlockAssociation;

use super::filters;
use super::object::Ec2Object;
use super::vpc::Vpc;
use crate::model::{Object, ObjectBuilder, Type};
use crate::provider::schema_words::{boolean, of_type, string, string_map};
use crate::provider::{Config, DataType, Operation, ProviderError, data_source, resource::DataDriver};
use crate::providers::aws::Aws;

/// The arguments that say which VPC, and the filter that each is.
const ARGUMENTS: [(&str, &str); 5] = [
    ("id", "vpc-id"),
    ("cidr_block", "cidr"),
    ("default", "is-default"),
    ("dhcp_options_id", "dhcp-options-id"),
    ("state", "state"),
];

pub fn vpc() -> DataType<Aws> {
    let association = ["association_id", "cidr_block", "state"].map(|name| (name, Type::String));
    let associations = Type::list(Type::object(association));
    data_source("aws_vpc", "A VPC that is there already.")
        .attr("id", string().optional().computed(), "Id of the VPC.")
        .attr("cidr_block", string().optional().computed(), "Its IPv4 range.")
        .attr("default", boolean().optional().computed(), "Whether it is the region's default VPC.")
        .attr("dhcp_options_id", string().optional().computed(), "Its DHCP options.")
        .attr("state", string().optional().computed(), "Its state: pending or available.")
        .attr("tags", string_map().optional().computed(), "Tags that it has.")
        .block("filter", filters::block(), "What the API shall filter by.")
        .attr("arn", string().always(), "ARN of the VPC.")
        .attr("cidr_block_associations", of_type(associations).computed(), "All its IPv4 ranges.")
        .attr("enable_dns_hostnames", boolean().computed(), "Whether instances with public addresses get names.")
        .attr("enable_dns_support", boolean().computed(), "Whether the Amazon DNS server resolves names.")
        .attr("enable_network_address_usage_metrics", boolean().computed(), "Whether addresses in use are counted.")
        .attr("instance_tenancy", string().computed(), "Whether instances get hardware of their own.")
        .attr("ipv6_association_id", string().computed(), "The association of the IPv6 range.")
        .attr("ipv6_cidr_block", string().computed(), "Its IPv6 range.")
        .attr("main_route_table_id", string().computed(), "The route table of subnets without one of their own.")
        .attr("owner_id", string().computed(), "The account that owns the VPC.")
        .service("ec2")
        .driver(ReadVpc)
}

struct ReadVpc;

#[async_trait]
impl DataDriver<Aws> for ReadVpc {
    async fn read(&self, aws: &Aws, config: &Config, _op: &Operation) -> Result<Object, ProviderError> {
        let found = Vpc::describe(aws, filters::asked(config, &ARGUMENTS)).await?;
        let found = [(filters::only(found, "VPC")?, None)];
        let object = Vpc::objects(aws, &found).await?.pop().transpose()?;
        let [(api, _)] = &found;
        let association = |a: &VpcCidrBlockAssociation| {
            ObjectBuilder::new()
                .maybe("association_id", a.association_id())
                .maybe("cidr_block", a.cidr_block())
                .maybe("state", a.cidr_block_state().and_then(|s| s.state()).map(|s| s.as_str()))
                .build()
        };
        let object = object
            .as_ref()
            .map_or_else(ObjectBuilder::new, ObjectBuilder::from)
            .maybe("id", api.vpc_id())
            .set("default", api.is_default().unwrap_or(false))
            .maybe("state", api.state().map(|s| s.as_str()))
            .blocks("cidr_block_associations", api.cidr_block_association_set().iter().map(association))
            .blocks("filter", config.blocks("filter"))
            .string_map("tags", aws.tags().shown(crate::providers::aws::tags::from_api(api.tags())));
        Ok(object.build())
    }
}
