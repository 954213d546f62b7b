//! Clusters as EKS describes them.

use async_trait::async_trait;
use aws_sdk_eks::types::{
    AccessConfigResponse, AuthenticationMode, Cluster as Api, EncryptionConfig, IpFamily,
    KubernetesNetworkConfigResponse, LogType, VpcConfigResponse,
};
use aws_smithy_types::date_time::Format;
use futures::future::try_join_all;

use super::cluster::Cluster;
use super::{pages, tagging};
use crate::model::{Object, ObjectBuilder, Value};
use crate::provider::ProviderError;
use crate::providers::aws::Aws;
use crate::providers::aws::named::{self, NamedObject, Naming, said};

#[async_trait]
impl NamedObject for Cluster {
    type Api = Api;
    const NAME: Naming = Naming { attribute: "name", prefix_attribute: "", default_prefix: "terraform-" };
    const FEW: usize = usize::MAX;

    async fn describe(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
        let request = aws.eks().describe_cluster().name(id);
        let answer = aws.call("eks", "DescribeCluster", || request.clone().send()).await;
        Ok(named::or_nothing(answer)?.and_then(|a| a.cluster))
    }

    async fn describe_all(aws: &Aws) -> Result<Vec<Api>, ProviderError> {
        let names: Vec<String> = pages!(aws, "ListClusters", aws.eks().list_clusters(), clusters);
        let all = try_join_all(names.iter().map(|name| Self::describe(aws, name))).await?;
        Ok(all.into_iter().flatten().collect())
    }

    fn id(api: &Api) -> Option<String> {
        api.name.clone()
    }

    async fn tags(_aws: &Aws, api: &Api) -> Result<Vec<(String, String)>, ProviderError> {
        Ok(tagging::pairs(api.tags()))
    }

    fn fields(_aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
        let bootstraps = like.and_then(|o| o.bool("bootstrap_self_managed_addons")).unwrap_or(true);
        let object = ObjectBuilder::new()
            .maybe("name", api.name())
            .maybe("role_arn", api.role_arn())
            .maybe("version", api.version())
            // A word of the request that no answer has.
            .set("bootstrap_self_managed_addons", bootstraps)
            .set("deletion_protection", api.deletion_protection().unwrap_or(false));
        given(blocks(logs(object, api, like), api, like), api)
    }
}

/// No logs read as they were written: as nothing, or as an empty set.
fn logs(object: ObjectBuilder, api: &Api, like: Option<&Object>) -> ObjectBuilder {
    let setups = api.logging().map(|l| l.cluster_logging()).unwrap_or_default();
    let on = setups.iter().filter(|s| s.enabled() == Some(true));
    let types: Vec<&str> = on.flat_map(|s| s.types()).map(LogType::as_str).collect();
    match types.is_empty() && said(like, "enabled_cluster_log_types").is_none() {
        true => object,
        false => object.string_set("enabled_cluster_log_types", types),
    }
}

#[expect(deprecated, reason = "configurations still name the resources, and the provider must not drop them")]
fn encryption(config: &EncryptionConfig) -> Object {
    let key = config.provider().and_then(|p| p.key_arn());
    let provider = ObjectBuilder::new().maybe("key_arn", key).build();
    ObjectBuilder::new().string_set("resources", config.resources()).blocks("provider", [provider]).build()
}

fn blocks(object: ObjectBuilder, api: &Api, like: Option<&Object>) -> ObjectBuilder {
    let block = |name: &str| like.and_then(|o| o.block(name));
    let policy = api.upgrade_policy().and_then(|p| p.support_type()).map(|t| t.as_str());
    let policy = policy.map(|t| ObjectBuilder::new().set("support_type", t).build());
    let network = api.kubernetes_network_config().map(network_config);
    let encryption = api.encryption_config().iter().map(encryption);
    object
        .blocks("vpc_config", api.resources_vpc_config().map(|c| vpc_config(c, block("vpc_config"))))
        .blocks("access_config", access_config(api.access_config(), block("access_config")))
        .blocks("kubernetes_network_config", network.or(block("kubernetes_network_config")))
        .blocks("encryption_config", encryption)
        .blocks("upgrade_policy", policy.or(block("upgrade_policy")))
}

fn vpc_config(config: &VpcConfigResponse, like: Option<Object>) -> Object {
    let groups = config.security_group_ids();
    let is_said = like.is_some_and(|l| l.get("security_group_ids").is_some());
    let object = match groups.is_empty() && !is_said {
        true => ObjectBuilder::new(),
        false => ObjectBuilder::new().string_set("security_group_ids", groups),
    };
    object
        .string_set("subnet_ids", config.subnet_ids())
        .set("endpoint_private_access", config.endpoint_private_access())
        .set("endpoint_public_access", config.endpoint_public_access())
        .string_set("public_access_cidrs", config.public_access_cidrs())
        .maybe("cluster_security_group_id", config.cluster_security_group_id())
        .maybe("vpc_id", config.vpc_id())
        .build()
}

/// What was asked for stands in for what an answer lacks: it tells nothing of the creator's permissions.
fn access_config(config: Option<&AccessConfigResponse>, like: Option<Object>) -> Option<Object> {
    if config.is_none() && like.is_none() {
        return None;
    }
    let mode = config.and_then(AccessConfigResponse::authentication_mode).map(AuthenticationMode::as_str);
    let admin = config.and_then(AccessConfigResponse::bootstrap_cluster_creator_admin_permissions);
    let name = "bootstrap_cluster_creator_admin_permissions";
    let like = like.as_ref();
    let object = ObjectBuilder::new()
        .maybe("authentication_mode", mode.map(Value::from).or(said(like, "authentication_mode")))
        .maybe(name, said(like, name).or(admin.map(Value::from)));
    Some(object.build())
}

fn network_config(config: &KubernetesNetworkConfigResponse) -> Object {
    ObjectBuilder::new()
        .maybe("service_ipv4_cidr", config.service_ipv4_cidr())
        .maybe("service_ipv6_cidr", config.service_ipv6_cidr())
        .maybe("ip_family", config.ip_family().map(IpFamily::as_str))
        .build()
}

fn given(object: ObjectBuilder, api: &Api) -> ObjectBuilder {
    let one = |name: &'static str, value: Value| Value::tuple(vec![Value::object([(name, value)])]);
    let data = api.certificate_authority().and_then(|c| c.data()).map(|data| one("data", Value::from(data)));
    let issuer = api.identity().and_then(|i| i.oidc()).and_then(|o| o.issuer());
    let identity = issuer.map(|issuer| one("oidc", one("issuer", Value::from(issuer))));
    object
        .maybe("arn", api.arn())
        .set("certificate_authority", data.unwrap_or_else(|| Value::tuple(vec![])))
        .maybe("cluster_id", api.id())
        .maybe("created_at", api.created_at().and_then(|t| t.fmt(Format::DateTime).ok()))
        .maybe("endpoint", api.endpoint())
        .set("identity", identity.unwrap_or_else(|| Value::tuple(vec![])))
        .maybe("platform_version", api.platform_version())
        .maybe("status", api.status().map(|s| s.as_str()))
}
