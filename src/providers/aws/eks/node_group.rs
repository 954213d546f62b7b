//! `aws_eks_node_group`: machines of a cluster that EKS starts and replaces.
//! EKS: CreateNodegroup, DescribeNodegroup, UpdateNodegroupConfig, UpdateNodegroupVersion, DeleteNodegroup.

use crate::model::Type;
use crate::provider::resource::ResourceBuilder;
use crate::provider::schema_words::{
    BlockWord, boolean, number, of_type, one_block, set_block, string, string_list, string_map, string_set,
};
use crate::provider::{ResourceType, resource};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{ByName, MINUTE};

pub fn node_group() -> ResourceType<Aws> {
    resource("aws_eks_node_group", "Machines of a cluster that EKS starts and replaces.")
        .attr("cluster_name", string().required().replaces(), "The cluster.")
        .attr(
            "node_group_name",
            string().optional().computed().replaces().conflicts_with(&["node_group_name_prefix"]),
            "Name of the group.",
        )
        .attr(
            "node_group_name_prefix",
            string().optional().computed().replaces(),
            "Beginning of a name that is made up.",
        )
        .attr("node_role_arn", string().required().replaces(), "The role that the machines take on.")
        .attr("subnet_ids", string_set().required().replaces(), "The subnets that they stand in.")
        .with(machines)
        .block("scaling_config", scaling_config().required(), "How many machines there are.")
        .block("update_config", update_config().computed(), "How many may be away during an update.")
        .block("taint", taint().at_most(50), "What keeps pods away that do not tolerate it.")
        .block("remote_access", remote_access().replaces(), "Who may open a shell on the machines.")
        .block("launch_template", launch_template(), "An EC2 launch template for what is not said here.")
        .with(given)
        .tags()
        .timeouts(MINUTE * 60, MINUTE * 60, MINUTE * 60)
        .import_example("production:workers")
        .service("eks")
        .driver(ByName(NodeGroup))
}

/// The type; its reading is in `node_group_fields`, its changing in `node_group_change`.
pub(super) struct NodeGroup;

fn machines(resource: ResourceBuilder) -> ResourceBuilder {
    resource
        .attr("ami_type", string().optional().computed().replaces(), "Kind of image, such as AL2023_x86_64_STANDARD.")
        .attr(
            "capacity_type",
            string().optional().computed().replaces().one_of(&["ON_DEMAND", "SPOT", "CAPACITY_BLOCK"]),
            "How the machines are paid for.",
        )
        .attr("disk_size", number().optional().computed().replaces(), "Disk of each machine in GiB.")
        .attr("instance_types", string_list().optional().computed().replaces(), "Machine types, the preferred first.")
        .attr("labels", string_map().optional(), "Kubernetes labels of the nodes.")
        .attr("version", string().optional().computed(), "Version of Kubernetes; the cluster's unless set.")
        .attr("release_version", string().optional().computed(), "Release of the image.")
        .attr("force_update_version", boolean().optional(), "Update although pods cannot be moved away.")
}

fn scaling_config() -> BlockWord {
    one_block()
        .attr("desired_size", number().required(), "How many there shall be now.")
        .attr("max_size", number().required(), "How many there may be.")
        .attr("min_size", number().required(), "How many there must be.")
}

fn update_config() -> BlockWord {
    one_block().attr("max_unavailable", number().optional(), "Number of machines.").attr(
        "max_unavailable_percentage",
        number().optional(),
        "Share of the machines.",
    )
}

fn taint() -> BlockWord {
    set_block()
        .attr("key", string().required(), "Key of the taint.")
        .attr("value", string().optional(), "Value of the taint.")
        .attr(
            "effect",
            string().required().one_of(&["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"]),
            "What it does to pods.",
        )
}

fn remote_access() -> BlockWord {
    one_block().attr("ec2_ssh_key", string().optional().replaces(), "The EC2 key pair.").attr(
        "source_security_group_ids",
        string_set().optional().replaces(),
        "Security groups that may connect; unset, all may.",
    )
}

fn launch_template() -> BlockWord {
    one_block()
        .attr("id", string().optional().computed().replaces(), "Id of the template.")
        .attr("name", string().optional().computed().replaces(), "Name of the template.")
        .attr("version", string().required(), "Version of the template.")
}

fn given(resource: ResourceBuilder) -> ResourceBuilder {
    let scaling = Type::list(Type::object([("name", Type::String)]));
    let resources =
        Type::list(Type::object([("autoscaling_groups", scaling), ("remote_access_security_group_id", Type::String)]));
    resource
        .attr("arn", string().always(), "ARN of the group.")
        .attr("resources", of_type(resources).computed(), "What EKS made for the group.")
        .attr("status", string().computed(), "State of the group.")
}
