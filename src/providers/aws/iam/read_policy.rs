//! `data.aws_iam_policy`: a managed policy that is there already, of the account or of AWS.
//! IAM: GetPolicy, GetPolicyVersion, ListPolicies.

use async_trait::async_trait;
use aws_sdk_iam::types::Policy as Summary;

use super::pages;
use super::policy::Policy;
use crate::model::Object;
use crate::provider::schema_words::{number, string, string_map};
use crate::provider::{Config, DataType, ErrorKind, Operation, ProviderError, data_source, resource::DataDriver};
use crate::providers::aws::Aws;
use crate::providers::aws::named::NamedObject;

pub fn policy() -> DataType<Aws> {
    data_source("aws_iam_policy", "A managed policy that is there already, of the account or of AWS.")
        .attr(
            "arn",
            string().optional().computed().conflicts_with(&["name", "path_prefix"]),
            "ARN of the policy; without it, the name says which.",
        )
        .attr("name", string().optional().computed().conflicts_with(&["arn"]), "Name of the policy.")
        .attr("path_prefix", string().optional().conflicts_with(&["arn"]), "Beginning of the policy's path.")
        .attr("attachment_count", number().computed(), "How many roles, users and groups have it.")
        .attr("description", string().computed(), "What the policy is for.")
        .attr("path", string().computed(), "Path of the policy.")
        .attr("policy", string().computed(), "JSON policy: what is allowed.")
        .attr("policy_id", string().computed(), "Id that no other policy ever gets.")
        .attr("tags", string_map().optional().computed(), "Tags of the policy.")
        .service("iam")
        .driver(ReadPolicy)
}

struct ReadPolicy;

#[async_trait]
impl DataDriver<Aws> for ReadPolicy {
    async fn read(&self, aws: &Aws, config: &Config, _op: &Operation) -> Result<Object, ProviderError> {
        let arn = match config.string("arn") {
            Some(arn) => arn,
            None => arn_of(aws, config).await?,
        };
        let missing = || ProviderError::new(ErrorKind::NotFound, format!("there is no policy \"{arn}\""));
        let api = Policy::describe(aws, &arn).await?.ok_or_else(missing)?;
        let object = Policy::fields(aws, &api, None)
            .set("id", arn.as_str())
            .maybe("path_prefix", config.str("path_prefix"))
            .string_map("tags", aws.tags().shown(Policy::tags(aws, &api).await?));
        Ok(object.build())
    }
}

async fn arn_of(aws: &Aws, config: &Config) -> Result<String, ProviderError> {
    let name = config.str("name");
    let list = aws.iam().list_policies().set_path_prefix(config.string("path_prefix"));
    let all: Vec<Summary> = pages!(aws, "ListPolicies", list, |answer| answer.policies.unwrap_or_default());
    let mut found = all.into_iter().filter(|p| name.is_none() || p.policy_name() == name).filter_map(|p| p.arn);
    let sought = name.map_or_else(|| "such policy".to_string(), |name| format!("policy \"{name}\""));
    match (found.next(), found.next()) {
        (Some(arn), None) => Ok(arn),
        (None, _) => Err(ProviderError::new(ErrorKind::NotFound, format!("there is no {sought}"))),
        (Some(_), Some(_)) => Err(ProviderError::invalid(format!("more than one {sought} is there"))
            .help("name one by its \"arn\", or set \"path_prefix\"")),
    }
}
