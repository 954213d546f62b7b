//! Node groups as EKS describes them. Their id is `CLUSTER:GROUP`.

use async_trait::async_trait;
use aws_sdk_eks::types::{
    AmiTypes, CapacityTypes, LaunchTemplateSpecification, Nodegroup as Api, NodegroupResources, RemoteAccessConfig,
    TaintEffect,
};
use futures::future::try_join_all;

use super::node_group::NodeGroup;
use super::{pages, tagging};
use crate::model::{Object, ObjectBuilder, Type, Value};
use crate::provider::{Config, ErrorKind, IdempotencyKey, ProviderError};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{self, NamedObject, Naming, said};

#[async_trait]
impl NamedObject for NodeGroup {
    type Api = Api;
    const NAME: Naming = Naming {
        attribute: "node_group_name",
        prefix_attribute: "node_group_name_prefix",
        default_prefix: "terraform-",
    };
    const FEW: usize = usize::MAX;

    async fn describe(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
        let (cluster, group) = parts(id)?;
        let request = aws.eks().describe_nodegroup().cluster_name(cluster).nodegroup_name(group);
        let answer = aws.call("eks", "DescribeNodegroup", || request.clone().send()).await;
        Ok(named::or_nothing(answer)?.and_then(|a| a.nodegroup))
    }

    async fn describe_all(aws: &Aws) -> Result<Vec<Api>, ProviderError> {
        let clusters: Vec<String> = pages!(aws, "ListClusters", aws.eks().list_clusters(), clusters);
        let all = try_join_all(clusters.iter().map(|cluster| of_cluster(aws, cluster))).await?;
        Ok(all.into_iter().flatten().collect())
    }

    fn id(api: &Api) -> Option<String> {
        Some(format!("{}:{}", api.cluster_name()?, api.nodegroup_name()?))
    }

    async fn tags(_aws: &Aws, api: &Api) -> Result<Vec<(String, String)>, ProviderError> {
        Ok(tagging::pairs(api.tags()))
    }

    fn fields(_aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
        let object = ObjectBuilder::new()
            .maybe("cluster_name", api.cluster_name())
            .maybe("node_group_name", api.nodegroup_name())
            .maybe("node_group_name_prefix", said(like, "node_group_name_prefix"))
            .maybe("node_role_arn", api.node_role())
            .string_set("subnet_ids", api.subnets())
            .maybe("arn", api.nodegroup_arn())
            .maybe("status", api.status().map(|s| s.as_str()))
            .set("resources", resources(api.resources()));
        blocks(machines(object, api, like), api)
    }

    fn id_of(desired: &Config, key: &IdempotencyKey) -> String {
        format!("{}:{}", desired.str("cluster_name").unwrap_or_default(), Self::NAME.of(desired, key))
    }
}

/// Cluster and group of an id.
pub(super) fn parts(id: &str) -> Result<(&str, &str), ProviderError> {
    let parts = id.split_once(':').filter(|(cluster, group)| !cluster.is_empty() && !group.is_empty());
    parts.ok_or_else(|| {
        // Such an id names nothing that exists.
        ProviderError::new(ErrorKind::Invalid, format!("\"{id}\" is no id of a node group"))
            .help("write CLUSTER:GROUP, such as production:workers")
    })
}

async fn of_cluster(aws: &Aws, cluster: &str) -> Result<Vec<Api>, ProviderError> {
    let names: Vec<String> =
        pages!(aws, "ListNodegroups", aws.eks().list_nodegroups().cluster_name(cluster), nodegroups);
    let ids: Vec<String> = names.iter().map(|name| format!("{cluster}:{name}")).collect();
    let all = try_join_all(ids.iter().map(|id| NodeGroup::describe(aws, id))).await?;
    Ok(all.into_iter().flatten().collect())
}

fn machines(object: ObjectBuilder, api: &Api, like: Option<&Object>) -> ObjectBuilder {
    let labels = api.labels().filter(|l| !l.is_empty());
    let object = match (labels, said(like, "labels")) {
        (Some(labels), _) => object.string_map("labels", labels),
        (None, Some(_)) => object.set("labels", Value::map(Type::String, [])),
        (None, None) => object,
    };
    object
        .maybe("ami_type", api.ami_type().map(AmiTypes::as_str))
        .maybe("capacity_type", api.capacity_type().map(CapacityTypes::as_str))
        .maybe("disk_size", api.disk_size())
        .strings("instance_types", api.instance_types())
        .maybe("version", api.version())
        .maybe("release_version", api.release_version())
        // A word of the request that no answer has.
        .maybe("force_update_version", said(like, "force_update_version"))
}

fn blocks(object: ObjectBuilder, api: &Api) -> ObjectBuilder {
    let scaling = api.scaling_config().map(|s| {
        ObjectBuilder::new()
            .maybe("desired_size", s.desired_size())
            .maybe("max_size", s.max_size())
            .maybe("min_size", s.min_size())
            .build()
    });
    let update = api.update_config().map(|u| {
        ObjectBuilder::new()
            .maybe("max_unavailable", u.max_unavailable())
            .maybe("max_unavailable_percentage", u.max_unavailable_percentage())
            .build()
    });
    let taints = api.taints().iter().map(|t| {
        ObjectBuilder::new()
            .maybe("key", t.key())
            .maybe("value", t.value())
            .maybe("effect", t.effect().map(TaintEffect::as_str))
            .build()
    });
    object
        .blocks("scaling_config", scaling)
        .blocks("update_config", update)
        .blocks("taint", taints)
        .blocks("remote_access", api.remote_access().map(remote_access))
        .blocks("launch_template", api.launch_template().map(launch_template))
}

fn remote_access(access: &RemoteAccessConfig) -> Object {
    let groups = access.source_security_groups();
    let object = ObjectBuilder::new().maybe("ec2_ssh_key", access.ec2_ssh_key());
    match groups.is_empty() {
        true => object.build(),
        false => object.string_set("source_security_group_ids", groups).build(),
    }
}

fn launch_template(template: &LaunchTemplateSpecification) -> Object {
    ObjectBuilder::new()
        .maybe("id", template.id())
        .maybe("name", template.name())
        .maybe("version", template.version())
        .build()
}

fn resources(resources: Option<&NodegroupResources>) -> Value {
    let Some(resources) = resources else { return Value::tuple(vec![]) };
    let groups = resources.auto_scaling_groups().iter();
    let groups = groups.map(|g| ObjectBuilder::new().maybe("name", g.name()).build().value()).collect();
    let object = ObjectBuilder::new()
        .set("autoscaling_groups", Value::tuple(groups))
        .maybe("remote_access_security_group_id", resources.remote_access_security_group())
        .build();
    Value::tuple(vec![object.value()])
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn ids_name_cluster_and_group() {
        assert_eq!(parts("production:workers").unwrap(), ("production", "workers"));
        for wrong in ["production", ":workers", "production:"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }
}
