//! `data.aws_iam_role`: a role that is there already.
//! IAM: GetRole.

use async_trait::async_trait;
use aws_smithy_types::date_time::Format;

use super::role::Role;
use crate::model::{Object, ObjectBuilder, Type};
use crate::provider::schema_words::{number, of_type, string, string_map};
use crate::provider::{Config, DataType, ErrorKind, Operation, ProviderError, data_source, resource::DataDriver};
use crate::providers::aws::Aws;
use crate::providers::aws::named::NamedObject;

pub fn role() -> DataType<Aws> {
    let last_use = Type::object([("last_used_date", Type::String), ("region", Type::String)]);
    data_source("aws_iam_role", "A role that is there already.")
        .attr("name", string().required(), "Name of the role.")
        .attr("arn", string().always(), "ARN of the role.")
        .attr("assume_role_policy", string().computed(), "JSON policy: who may take the role on.")
        .attr("create_date", string().computed(), "When the role was made.")
        .attr("description", string().computed(), "What the role is for.")
        .attr("max_session_duration", number().computed(), "How long a session may last, in seconds.")
        .attr("path", string().computed(), "Path of the role.")
        .attr("permissions_boundary", string().computed(), "ARN of the policy that bounds the permissions.")
        .attr("role_last_used", of_type(Type::list(last_use)).computed(), "When and where the role was last used.")
        .attr("tags", string_map().optional().computed(), "Tags of the role.")
        .attr("unique_id", string().computed(), "Id that no other role ever gets.")
        .service("iam")
        .driver(ReadRole)
}

struct ReadRole;

#[async_trait]
impl DataDriver<Aws> for ReadRole {
    async fn read(&self, aws: &Aws, config: &Config, _op: &Operation) -> Result<Object, ProviderError> {
        let name = config.str("name").unwrap_or_default();
        let found = Role::describe(aws, name).await?;
        let missing = || ProviderError::new(ErrorKind::NotFound, format!("there is no role \"{name}\""));
        let api = found.ok_or_else(missing)?;
        let last_use = api.role_last_used().and_then(|used| {
            let date = used.last_used_date()?.fmt(Format::DateTime).ok()?;
            Some(ObjectBuilder::new().set("last_used_date", date).maybe("region", used.region()).build())
        });
        let object = Role::fields(aws, &api, None)
            .set("id", name)
            .blocks("role_last_used", last_use)
            .string_map("tags", aws.tags().shown(Role::tags(aws, &api).await?));
        Ok(object.build())
    }
}
