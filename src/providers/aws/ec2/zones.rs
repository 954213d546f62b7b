//! `data.aws_availability_zones`: the zones of the region.
//! EC2: DescribeAvailabilityZones.

use async_trait::async_trait;
use aws_sdk_ec2::types::AvailabilityZone;

use super::{filters, object};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{boolean, string, string_list, string_set};
use crate::provider::{Config, DataType, Operation, ProviderError, data_source, resource::DataDriver};
use crate::providers::aws::Aws;

pub fn availability_zones() -> DataType<Aws> {
    data_source("aws_availability_zones", "The zones of the region.")
        .attr("all_availability_zones", boolean().optional(), "Those too that the account has not opted into.")
        .attr("state", string().optional(), "Only zones in this state, such as available.")
        .attr("exclude_names", string_set().optional(), "Zones to leave out, by name.")
        .attr("exclude_zone_ids", string_set().optional(), "Zones to leave out, by id.")
        .attr("names", string_list().computed(), "Names of the zones, sorted.")
        .attr("zone_ids", string_list().computed(), "Ids of the zones, in the order of the names.")
        .attr("group_names", string_set().computed(), "The groups that the zones belong to.")
        .block("filter", filters::block(), "What the API shall filter by.")
        .service("ec2")
        .driver(Zones)
}

struct Zones;

#[async_trait]
impl DataDriver<Aws> for Zones {
    async fn read(&self, aws: &Aws, config: &Config, _op: &Operation) -> Result<Object, ProviderError> {
        let mut filters = filters::written(config);
        filters.extend(config.str("state").map(|state| object::filter("state", [state])));
        let request = aws
            .ec2()
            .describe_availability_zones()
            .set_all_availability_zones(config.bool("all_availability_zones"))
            .set_filters(Some(filters).filter(|f| !f.is_empty()));
        let answer = aws.call("ec2", "DescribeAvailabilityZones", || request.clone().send()).await?;
        let (names, ids) = (config.strings("exclude_names"), config.strings("exclude_zone_ids"));
        let is_out = |list: &[String], name: Option<&str>| list.iter().any(|l| Some(l.as_str()) == name);
        let mut zones = answer.availability_zones.unwrap_or_default();
        zones.retain(|z| !is_out(&names, z.zone_name()) && !is_out(&ids, z.zone_id()));
        zones.sort_by(|a, b| a.zone_name().cmp(&b.zone_name()));
        let object = ObjectBuilder::from(config)
            .set("id", aws.region())
            .strings("names", zones.iter().filter_map(AvailabilityZone::zone_name))
            .strings("zone_ids", zones.iter().filter_map(AvailabilityZone::zone_id))
            .string_set("group_names", zones.iter().filter_map(AvailabilityZone::group_name));
        Ok(object.build())
    }
}
