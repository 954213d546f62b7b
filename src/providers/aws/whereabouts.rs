//! `data.aws_caller_identity`, `data.aws_region` and `data.aws_partition`: who is connected, and to what.

use async_trait::async_trait;

use super::Aws;
use super::cloud::Partition;
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::string;
use crate::provider::{Config, DataType, Operation, ProviderError, data_source, resource::DataDriver};

/// The data sources of this file.
pub(super) fn data_sources() -> Vec<DataType<Aws>> {
    vec![caller_identity(), partition(), region()]
}

fn caller_identity() -> DataType<Aws> {
    data_source("aws_caller_identity", "Who the credentials belong to.")
        .attr("account_id", string().computed(), "The account.")
        .attr("arn", string().always(), "ARN of the user or role.")
        .attr("user_id", string().computed(), "Id of the user or role.")
        .service("sts")
        .driver(CallerIdentity)
}

fn region() -> DataType<Aws> {
    data_source("aws_region", "The region that is connected to, or a named one.")
        .attr("name", string().optional().computed(), "The region's name.")
        .attr("region", string().optional().computed(), "As name.")
        .attr("endpoint", string().optional().computed(), "EC2's host in the region.")
        .attr("description", string().computed(), "The region's place.")
        .service("ec2")
        .driver(Region)
}

fn partition() -> DataType<Aws> {
    data_source("aws_partition", "The AWS that is connected to: the public one, China's, a government's.")
        .attr("partition", string().computed(), "Its name in ARNs.")
        .attr("dns_suffix", string().computed(), "The domain of its services.")
        .attr("reverse_dns_prefix", string().computed(), "The domain, last part first.")
        .service("ec2")
        .driver(PartitionNames)
}

struct CallerIdentity;

#[async_trait]
impl DataDriver<Aws> for CallerIdentity {
    async fn read(&self, aws: &Aws, config: &Config, _op: &Operation) -> Result<Object, ProviderError> {
        let answer = aws.call("sts", "GetCallerIdentity", || aws.sts().get_caller_identity().send()).await?;
        let object = ObjectBuilder::from(config)
            .maybe("id", answer.account())
            .maybe("account_id", answer.account())
            .maybe("arn", answer.arn())
            .maybe("user_id", answer.user_id());
        Ok(object.build())
    }
}

struct Region;

#[async_trait]
impl DataDriver<Aws> for Region {
    async fn read(&self, aws: &Aws, config: &Config, _op: &Operation) -> Result<Object, ProviderError> {
        let name = config.str("region").or(config.str("name")).unwrap_or(aws.region());
        let host = |region: &str| format!("ec2.{region}.{}", Partition::of(region).dns_suffix);
        let name = match config.str("endpoint") {
            Some(endpoint) => region_of(endpoint).unwrap_or(name),
            None => name,
        };
        let object = ObjectBuilder::from(config)
            .set("id", name)
            .set("name", name)
            .set("region", name)
            .set("endpoint", host(name))
            .maybe("description", description(name));
        Ok(object.build())
    }
}

/// The region in `ec2.eu-central-1.amazonaws.com`.
fn region_of(endpoint: &str) -> Option<&str> {
    endpoint.strip_prefix("ec2.")?.split('.').next()
}

/// Names of the regions' places: <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>.
fn description(region: &str) -> Option<&'static str> {
    Some(match region {
        "us-east-1" => "US East (N. Virginia)",
        "us-east-2" => "US East (Ohio)",
        "us-west-1" => "US West (N. California)",
        "us-west-2" => "US West (Oregon)",
        "ca-central-1" => "Canada (Central)",
        "eu-central-1" => "Europe (Frankfurt)",
        "eu-central-2" => "Europe (Zurich)",
        "eu-north-1" => "Europe (Stockholm)",
        "eu-south-1" => "Europe (Milan)",
        "eu-south-2" => "Europe (Spain)",
        "eu-west-1" => "Europe (Ireland)",
        "eu-west-2" => "Europe (London)",
        "eu-west-3" => "Europe (Paris)",
        "ap-east-1" => "Asia Pacific (Hong Kong)",
        "ap-northeast-1" => "Asia Pacific (Tokyo)",
        "ap-northeast-2" => "Asia Pacific (Seoul)",
        "ap-northeast-3" => "Asia Pacific (Osaka)",
        "ap-south-1" => "Asia Pacific (Mumbai)",
        "ap-southeast-1" => "Asia Pacific (Singapore)",
        "ap-southeast-2" => "Asia Pacific (Sydney)",
        "sa-east-1" => "South America (Sao Paulo)",
        _ => return None,
    })
}

struct PartitionNames;

#[async_trait]
impl DataDriver<Aws> for PartitionNames {
    async fn read(&self, aws: &Aws, config: &Config, _op: &Operation) -> Result<Object, ProviderError> {
        let partition = aws.partition();
        let object = ObjectBuilder::from(config)
            .set("id", partition.name)
            .set("partition", partition.name)
            .set("dns_suffix", partition.dns_suffix)
            .set("reverse_dns_prefix", partition.reverse_dns_prefix);
        Ok(object.build())
    }
}
