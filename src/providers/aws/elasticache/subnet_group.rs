//! `aws_elasticache_subnet_group`: the subnets that a cache may stand in.
//! ElastiCache: CreateCacheSubnetGroup, DescribeCacheSubnetGroups, ModifyCacheSubnetGroup,
//! DeleteCacheSubnetGroup.

use async_trait::async_trait;
use aws_sdk_elasticache::operation::create_cache_subnet_group::CreateCacheSubnetGroupOutput;
use aws_sdk_elasticache::types::CacheSubnetGroup as Api;

use super::{pages, tagging};
use crate::model::{Equality, Object, ObjectBuilder};
use crate::provider::schema_words::{string, string_set};
use crate::provider::{Create, Delete, ErrorKind, Outcome, ProviderError, ResourceType, Update, resource};
use crate::providers::aws::named::{self, ByName, MINUTE, NamedObject, NamedResource, Naming};
use crate::providers::aws::{Aws, tags};

pub fn subnet_group() -> ResourceType<Aws> {
    resource("aws_elasticache_subnet_group", "The subnets that a cache may stand in.")
        .attr(
            "name",
            string().required().replaces().equality(Equality::CaseInsensitive),
            "Name of the group; ElastiCache keeps it in lower case.",
        )
        .attr("description", string().default("Managed by Terraform"), "What the group is for.")
        .attr("subnet_ids", string_set().required(), "The subnets.")
        .attr("arn", string().always(), "ARN of the group.")
        .attr("vpc_id", string().computed(), "The VPC of the subnets.")
        .tags()
        .import_example("production")
        .service("elasticache")
        .driver(ByName(SubnetGroup))
}

struct SubnetGroup;

#[async_trait]
impl NamedObject for SubnetGroup {
    type Api = Api;
    const NAME: Naming = Naming { attribute: "name", prefix_attribute: "", default_prefix: "terraform-" };

    async fn describe(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
        let request = aws.elasticache().describe_cache_subnet_groups().cache_subnet_group_name(id);
        let answer = aws.call("elasticache", "DescribeCacheSubnetGroups", || request.clone().send()).await;
        let groups = named::or_nothing(answer)?.and_then(|a| a.cache_subnet_groups).unwrap_or_default();
        Ok(groups.into_iter().next())
    }

    async fn describe_all(aws: &Aws) -> Result<Vec<Api>, ProviderError> {
        let request = aws.elasticache().describe_cache_subnet_groups();
        Ok(pages!(aws, "DescribeCacheSubnetGroups", request, cache_subnet_groups))
    }

    fn id(api: &Api) -> Option<String> {
        api.cache_subnet_group_name.clone()
    }

    fn is_called(api: &Api, id: &str) -> bool {
        api.cache_subnet_group_name().is_some_and(|own| own.eq_ignore_ascii_case(id))
    }

    async fn tags(aws: &Aws, api: &Api) -> Result<Vec<(String, String)>, ProviderError> {
        match api.cache_subnet_group_name() {
            // The group that every account has takes no tags.
            Some("default") => Ok(Vec::new()),
            _ => tagging::read(aws, api.arn()).await,
        }
    }

    fn fields(_aws: &Aws, api: &Api, _like: Option<&Object>) -> ObjectBuilder {
        ObjectBuilder::new()
            .maybe("name", api.cache_subnet_group_name())
            .maybe("description", api.cache_subnet_group_description())
            .string_set("subnet_ids", api.subnets().iter().filter_map(|s| s.subnet_identifier()))
            .maybe("arn", api.arn())
            .maybe("vpc_id", api.vpc_id())
    }
}

#[async_trait]
impl NamedResource for SubnetGroup {
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let create = aws
            .elasticache()
            .create_cache_subnet_group()
            .cache_subnet_group_name(Self::id_of(desired, key))
            .set_cache_subnet_group_description(desired.string("description"))
            .set_subnet_ids(Some(desired.strings("subnet_ids")))
            .set_tags(Some(tags::to_api(&aws.tags().at_creation(desired, key))));
        let sent = || create.clone().send();
        let id = |answer: &CreateCacheSubnetGroupOutput| answer.cache_subnet_group()?.cache_subnet_group_name.clone();
        let find = || named::find_id::<SubnetGroup>(aws, key, desired);
        let call = aws.create("elasticache", "CreateCacheSubnetGroup", sent, id, find);
        named::make::<SubnetGroup, _>(aws, key, desired, call).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let changed = change(aws, &request).await;
        named::changed::<SubnetGroup>(aws, named::name(&request.id), &request.desired, changed).await
    }

    /// A cache that is being deleted holds its group until it is gone.
    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let delete = aws.elasticache().delete_cache_subnet_group().cache_subnet_group_name(named::name(&request.id));
        let call =
            || async { aws.call("elasticache", "DeleteCacheSubnetGroup", || delete.clone().send()).await.map(drop) };
        aws.insist(&request.op, MINUTE * 10, |e| e.kind == ErrorKind::Conflict, call).await
    }
}

async fn change(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    if update.has_changed("subnet_ids") || update.has_changed("description") {
        let request = aws
            .elasticache()
            .modify_cache_subnet_group()
            .cache_subnet_group_name(named::name(&update.id))
            .set_cache_subnet_group_description(update.desired.string("description"))
            .set_subnet_ids(Some(update.desired.strings("subnet_ids")));
        aws.call("elasticache", "ModifyCacheSubnetGroup", || request.clone().send()).await?;
    }
    tagging::update(aws, &update.op, &update.prior, &update.desired).await
}
