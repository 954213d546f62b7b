//! `aws_db_instance`: a database server.
//! RDS: CreateDBInstance, DescribeDBInstances, ModifyDBInstance, DeleteDBInstance.

use crate::model::{Equality, Type};
use crate::provider::resource::ResourceBuilder;
use crate::provider::schema_words::{boolean, number, of_type, string, string_set};
use crate::provider::{ResourceType, resource};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{ByName, MINUTE};

pub fn instance() -> ResourceType<Aws> {
    resource("aws_db_instance", "A database server.")
        .with(identity)
        .with(storage)
        .with(access)
        .with(upkeep)
        .with(watching)
        .with(given)
        .tags()
        .timeouts(MINUTE * 40, MINUTE * 80, MINUTE * 60)
        .id_attribute("identifier")
        .import_example("shop-postgres")
        .service("rds")
        .driver(ByName(Instance))
}

/// The type; its reading is in `instance_fields`, its changing in `instance_change`.
pub(super) struct Instance;

fn identity(resource: ResourceBuilder) -> ResourceBuilder {
    resource
        .attr(
            "identifier",
            string().optional().computed().conflicts_with(&["identifier_prefix"]),
            "Name of the instance, in lower case.",
        )
        .attr(
            "identifier_prefix",
            string().optional().computed().replaces(),
            "Beginning of an identifier that is made up.",
        )
        .attr("engine", string().optional().computed().replaces(), "The database, such as postgres or mysql.")
        .attr(
            "engine_version",
            string().optional().computed(),
            "Version of the engine; \"15\" stands for each version that begins with it.",
        )
        .attr("engine_lifecycle_support", string().optional().computed().replaces(), "Whether support is extended.")
        .attr("instance_class", string().required(), "Machine type, such as db.t4g.micro.")
        .attr("license_model", string().optional().computed(), "How the engine is licensed.")
        .attr(
            "character_set_name",
            string().optional().computed().replaces(),
            "Character set of Oracle and SQL Server.",
        )
        .attr("timezone", string().optional().computed().replaces(), "Time zone of SQL Server.")
        .attr("db_name", string().optional().computed().replaces(), "Database to make in the server.")
        .attr("username", string().optional().computed().replaces(), "The master user.")
}

fn storage(resource: ResourceBuilder) -> ResourceBuilder {
    resource
        .attr("allocated_storage", number().optional().computed(), "Storage in GiB.")
        .attr("max_allocated_storage", number().default(0), "How far the storage may grow by itself, in GiB.")
        .attr("storage_type", string().optional().computed(), "gp2, gp3, io1, io2 or standard.")
        .attr("iops", number().optional().computed(), "Provisioned input and output operations a second.")
        .attr("storage_throughput", number().optional().computed(), "Throughput of gp3, in MiB a second.")
        .attr("storage_encrypted", boolean().default(false).replaces(), "Encrypt the storage.")
        .attr("kms_key_id", string().optional().computed().replaces(), "ARN of the key that encrypts it.")
        .attr("dedicated_log_volume", boolean().default(false), "Keep the log on a volume of its own.")
}

fn access(resource: ResourceBuilder) -> ResourceBuilder {
    let secret = Type::list(Type::object([
        ("kms_key_id", Type::String),
        ("secret_arn", Type::String),
        ("secret_status", Type::String),
    ]));
    resource
        .attr(
            "password",
            string().optional().sensitive().conflicts_with(&["password_wo", "manage_master_user_password"]),
            "The master user's password.",
        )
        .attr("password_wo", string().optional().sensitive().write_only(), "The master user's password, never stored.")
        .attr("password_wo_version", number().optional(), "Change it to set \"password_wo\" again.")
        .attr("manage_master_user_password", boolean().optional(), "Keep the password in Secrets Manager.")
        .attr("master_user_secret_kms_key_id", string().optional().computed(), "Key of the managed password.")
        .attr("master_user_secret", of_type(secret).computed(), "Where the managed password is.")
        .attr("iam_database_authentication_enabled", boolean().default(false), "Let IAM identities sign in.")
        .attr("port", number().optional().computed(), "Port that the server listens on.")
        .attr("publicly_accessible", boolean().default(false), "Give the instance a public address.")
        .attr("vpc_security_group_ids", string_set().optional().computed(), "The instance's security groups.")
        .attr("db_subnet_group_name", string().optional().computed(), "The group of subnets it stands in.")
        .attr("network_type", string().optional().computed(), "IPV4 or DUAL.")
        .attr("availability_zone", string().optional().computed().replaces(), "The zone it stands in.")
        .attr("multi_az", boolean().optional().computed(), "Keep a standby in another zone.")
        .attr("ca_cert_identifier", string().optional().computed(), "The authority of the server's certificate.")
}

fn upkeep(resource: ResourceBuilder) -> ResourceBuilder {
    resource
        .attr("parameter_group_name", string().optional().computed(), "The engine's settings.")
        .attr("option_group_name", string().optional().computed(), "The engine's options.")
        .attr("backup_retention_period", number().optional().computed(), "How many days backups are kept.")
        .attr("backup_window", string().optional().computed(), "When backups are made, such as 03:00-04:00 (UTC).")
        .attr(
            "maintenance_window",
            string().optional().computed().equality(Equality::CaseInsensitive),
            "When changes are made that can wait, such as sun:05:00-sun:06:00 (UTC).",
        )
        .attr("copy_tags_to_snapshot", boolean().default(false), "Give snapshots the instance's tags.")
        .attr("delete_automated_backups", boolean().default(true), "Delete its backups with the instance.")
        .attr("deletion_protection", boolean().default(false), "Refuse to delete the instance.")
        .attr("skip_final_snapshot", boolean().default(false), "Delete without a last snapshot.")
        .attr("final_snapshot_identifier", string().optional(), "Name of the snapshot made at deletion.")
        .attr("apply_immediately", boolean().optional().computed(), "Do not wait for the maintenance window.")
        .attr("allow_major_version_upgrade", boolean().optional(), "Allow engine versions that may break.")
        .attr("auto_minor_version_upgrade", boolean().default(true), "Upgrade in the maintenance window.")
}

fn watching(resource: ResourceBuilder) -> ResourceBuilder {
    resource
        .attr("enabled_cloudwatch_logs_exports", string_set().optional(), "Logs that go to CloudWatch.")
        .attr("monitoring_interval", number().default(0), "Seconds between enhanced measurements; 0 is off.")
        .attr("monitoring_role_arn", string().optional().computed(), "Role that writes them.")
        .attr("performance_insights_enabled", boolean().default(false), "Record what loads the database.")
        .attr("performance_insights_kms_key_id", string().optional().computed(), "Key that encrypts that.")
        .attr("performance_insights_retention_period", number().optional().computed(), "Days that it is kept.")
}

fn given(resource: ResourceBuilder) -> ResourceBuilder {
    let endpoint =
        Type::list(Type::object([("address", Type::String), ("hosted_zone_id", Type::String), ("port", Type::Number)]));
    resource
        .attr("address", string().computed(), "Host name of the server.")
        .attr("endpoint", string().computed(), "Host name and port of the server.")
        .attr("arn", string().always(), "ARN of the instance.")
        .attr("engine_version_actual", string().computed(), "The version that runs.")
        .attr("hosted_zone_id", string().computed(), "Route 53 zone of the host name.")
        .attr("latest_restorable_time", string().computed(), "Until when it can be restored.")
        .attr("listener_endpoint", of_type(endpoint).computed(), "Listener of SQL Server Always On.")
        .attr("replicas", of_type(Type::list(Type::String)).computed(), "Its read replicas.")
        .attr("resource_id", string().computed(), "Id that stays when the instance is renamed.")
        .attr("status", string().computed(), "State of the instance.")
}
