//! `aws_db_subnet_group`: the subnets that a database may stand in.
//! RDS: CreateDBSubnetGroup, DescribeDBSubnetGroups, ModifyDBSubnetGroup, DeleteDBSubnetGroup.

use async_trait::async_trait;
use aws_sdk_rds::operation::create_db_subnet_group::CreateDbSubnetGroupOutput;
use aws_sdk_rds::types::DbSubnetGroup as Api;

use super::{pages, tagging};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{string, string_set};
use crate::provider::{Create, Delete, ErrorKind, Outcome, ProviderError, ResourceType, Update, resource};
use crate::providers::aws::named::{self, ByName, MINUTE, NamedObject, NamedResource, Naming, said};
use crate::providers::aws::{Aws, tags};

pub fn subnet_group() -> ResourceType<Aws> {
    resource("aws_db_subnet_group", "The subnets that a database may stand in.")
        .attr(
            "name",
            string().optional().computed().replaces().conflicts_with(&["name_prefix"]),
            "Name of the group, in lower case.",
        )
        .attr("name_prefix", string().optional().computed().replaces(), "Beginning of a name that is made up.")
        .attr("description", string().default("Managed by Terraform"), "What the group is for.")
        .attr("subnet_ids", string_set().required(), "The subnets, in at least two availability zones.")
        .attr("arn", string().always(), "ARN of the group.")
        .attr("supported_network_types", string_set().computed(), "IPV4, or DUAL too.")
        .attr("vpc_id", string().computed(), "The VPC of the subnets.")
        .tags()
        .import_example("production")
        .service("rds")
        .driver(ByName(SubnetGroup))
}

struct SubnetGroup;

#[async_trait]
impl NamedObject for SubnetGroup {
    type Api = Api;
    const NAME: Naming = Naming { attribute: "name", prefix_attribute: "name_prefix", default_prefix: "terraform-" };

    async fn describe(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
        let request = aws.rds().describe_db_subnet_groups().db_subnet_group_name(id);
        let answer = aws.call("rds", "DescribeDBSubnetGroups", || request.clone().send()).await;
        let groups = named::or_nothing(answer)?.and_then(|a| a.db_subnet_groups).unwrap_or_default();
        Ok(groups.into_iter().next())
    }

    async fn describe_all(aws: &Aws) -> Result<Vec<Api>, ProviderError> {
        Ok(pages!(aws, "DescribeDBSubnetGroups", aws.rds().describe_db_subnet_groups(), db_subnet_groups))
    }

    fn id(api: &Api) -> Option<String> {
        api.db_subnet_group_name.clone()
    }

    /// RDS keeps names in lower case.
    fn is_called(api: &Api, id: &str) -> bool {
        api.db_subnet_group_name().is_some_and(|own| own.eq_ignore_ascii_case(id))
    }

    async fn tags(aws: &Aws, api: &Api) -> Result<Vec<(String, String)>, ProviderError> {
        tagging::read(aws, api.db_subnet_group_arn()).await
    }

    fn fields(_aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
        ObjectBuilder::new()
            .maybe("name", api.db_subnet_group_name())
            .maybe("name_prefix", said(like, "name_prefix"))
            .maybe("description", api.db_subnet_group_description())
            .string_set("subnet_ids", api.subnets().iter().filter_map(|s| s.subnet_identifier()))
            .maybe("arn", api.db_subnet_group_arn())
            .string_set("supported_network_types", api.supported_network_types())
            .maybe("vpc_id", api.vpc_id())
    }
}

#[async_trait]
impl NamedResource for SubnetGroup {
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let create = aws
            .rds()
            .create_db_subnet_group()
            .db_subnet_group_name(Self::id_of(desired, key))
            .set_db_subnet_group_description(desired.string("description"))
            .set_subnet_ids(Some(desired.strings("subnet_ids")))
            .set_tags(Some(tags::to_api(&aws.tags().at_creation(desired, key))));
        let sent = || create.clone().send();
        let id = |answer: &CreateDbSubnetGroupOutput| answer.db_subnet_group()?.db_subnet_group_name.clone();
        let find = || named::find_id::<SubnetGroup>(aws, key, desired);
        let call = aws.create("rds", "CreateDBSubnetGroup", sent, id, find);
        named::make::<SubnetGroup, _>(aws, key, desired, call).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let changed = change(aws, &request).await;
        named::changed::<SubnetGroup>(aws, named::name(&request.id), &request.desired, changed).await
    }

    /// An instance that is being deleted holds its group until it is gone.
    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let delete = aws.rds().delete_db_subnet_group().db_subnet_group_name(named::name(&request.id));
        let call = || async { aws.call("rds", "DeleteDBSubnetGroup", || delete.clone().send()).await.map(drop) };
        aws.insist(&request.op, MINUTE * 10, |e| e.kind == ErrorKind::Conflict, call).await
    }
}

async fn change(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    if update.has_changed("subnet_ids") || update.has_changed("description") {
        let request = aws
            .rds()
            .modify_db_subnet_group()
            .db_subnet_group_name(named::name(&update.id))
            .set_db_subnet_group_description(update.desired.string("description"))
            .set_subnet_ids(Some(update.desired.strings("subnet_ids")));
        aws.call("rds", "ModifyDBSubnetGroup", || request.clone().send()).await?;
    }
    tagging::update(aws, &update.prior, &update.desired).await
}
