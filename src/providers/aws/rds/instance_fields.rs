//! Database instances as RDS describes them.

use async_trait::async_trait;
use aws_sdk_rds::types::{DbInstance as Api, Endpoint, PendingModifiedValues};
use aws_smithy_types::date_time::Format;

use super::instance::Instance;
use super::pages;
use crate::model::{Object, ObjectBuilder, Type, Value};
use crate::provider::ProviderError;
use crate::providers::aws::named::{self, NamedObject, Naming, said};
use crate::providers::aws::{Aws, tags};

#[async_trait]
impl NamedObject for Instance {
    type Api = Api;
    const NAME: Naming =
        Naming { attribute: "identifier", prefix_attribute: "identifier_prefix", default_prefix: "terraform-" };

    async fn describe(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
        let request = aws.rds().describe_db_instances();
        let request = match is_resource_id(id) {
            true => {
                let filter = aws_sdk_rds::types::Filter::builder().name("dbi-resource-id").values(id).build();
                request.filters(filter)
            }
            false => request.db_instance_identifier(id),
        };
        let answer = aws.call("rds", "DescribeDBInstances", || request.clone().send()).await;
        let instances = named::or_nothing(answer)?.and_then(|a| a.db_instances).unwrap_or_default();
        Ok(instances.into_iter().next())
    }

    async fn describe_all(aws: &Aws) -> Result<Vec<Api>, ProviderError> {
        Ok(pages!(aws, "DescribeDBInstances", aws.rds().describe_db_instances(), db_instances))
    }

    fn id(api: &Api) -> Option<String> {
        api.db_instance_identifier.clone()
    }

    fn is_called(api: &Api, id: &str) -> bool {
        api.db_instance_identifier().is_some_and(|own| own.eq_ignore_ascii_case(id))
            || api.dbi_resource_id() == Some(id)
    }

    /// The id that stays when the instance is renamed.
    fn id_attribute(api: &Api) -> Option<String> {
        api.dbi_resource_id.clone().or_else(|| Self::id(api))
    }

    async fn tags(_aws: &Aws, api: &Api) -> Result<Vec<(String, String)>, ProviderError> {
        Ok(tags::from_api(api.tag_list()).collect())
    }

    fn fields(_aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
        let object = identity(ObjectBuilder::new(), api, like);
        let object = storage(object, api);
        let object = access(object, api, like);
        let object = upkeep(object, api, like);
        given(watching(object, api), api, like)
    }
}

/// State of other tools knows an instance by this: `db-` and 26 capital letters and digits, which no identifier has.
fn is_resource_id(id: &str) -> bool {
    let digits = id.strip_prefix("db-").unwrap_or_default();
    digits.len() == 26 && digits.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// What RDS has taken on and will do in the maintenance window counts as done: asking again changes nothing.
fn pending<'a, T>(api: &'a Api, of: impl Fn(&'a PendingModifiedValues) -> Option<T>, actual: Option<T>) -> Option<T> {
    api.pending_modified_values().and_then(of).or(actual)
}

fn identity(object: ObjectBuilder, api: &Api, like: Option<&Object>) -> ObjectBuilder {
    let version = pending(api, PendingModifiedValues::engine_version, api.engine_version());
    object
        .maybe("identifier", api.db_instance_identifier())
        .maybe("identifier_prefix", said(like, "identifier_prefix"))
        .maybe("engine", api.engine())
        .maybe("engine_version", named::version_as_said(version, like, "engine_version"))
        .maybe("engine_version_actual", api.engine_version())
        .maybe("engine_lifecycle_support", api.engine_lifecycle_support())
        .maybe("instance_class", pending(api, PendingModifiedValues::db_instance_class, api.db_instance_class()))
        .maybe("license_model", pending(api, PendingModifiedValues::license_model, api.license_model()))
        .maybe("character_set_name", api.character_set_name())
        .maybe("timezone", api.timezone())
        .maybe("db_name", api.db_name())
        .maybe("username", api.master_username())
}

fn storage(object: ObjectBuilder, api: &Api) -> ObjectBuilder {
    object
        .maybe("allocated_storage", pending(api, PendingModifiedValues::allocated_storage, api.allocated_storage()))
        .set("max_allocated_storage", api.max_allocated_storage().unwrap_or(0))
        .maybe("storage_type", pending(api, PendingModifiedValues::storage_type, api.storage_type()))
        .maybe("iops", pending(api, PendingModifiedValues::iops, api.iops()))
        .maybe("storage_throughput", pending(api, PendingModifiedValues::storage_throughput, api.storage_throughput()))
        .set("storage_encrypted", api.storage_encrypted().unwrap_or(false))
        .maybe("kms_key_id", api.kms_key_id())
        .set("dedicated_log_volume", api.dedicated_log_volume().unwrap_or(false))
}

fn access(object: ObjectBuilder, api: &Api, like: Option<&Object>) -> ObjectBuilder {
    let groups = api.vpc_security_groups().iter().filter_map(|g| g.vpc_security_group_id());
    // Before the endpoint is there, and in some engines always, the port stands beside it only.
    let port = api.endpoint().and_then(Endpoint::port).or(api.db_instance_port()).filter(|p| *p != 0);
    let iam = PendingModifiedValues::iam_database_authentication_enabled;
    let secret = api.master_user_secret();
    object
        // No answer has a password.
        .maybe("password", said(like, "password"))
        .maybe("password_wo_version", said(like, "password_wo_version"))
        .maybe(
            "manage_master_user_password",
            secret.map(|_| true).map(Value::from).or(said(like, "manage_master_user_password")),
        )
        .maybe("master_user_secret_kms_key_id", secret.and_then(|s| s.kms_key_id()))
        .set(
            "master_user_secret",
            Value::tuple(
                secret
                    .iter()
                    .map(|s| {
                        ObjectBuilder::new()
                            .maybe("kms_key_id", s.kms_key_id())
                            .maybe("secret_arn", s.secret_arn())
                            .maybe("secret_status", s.secret_status())
                            .build()
                            .value()
                    })
                    .collect(),
            ),
        )
        .set(
            "iam_database_authentication_enabled",
            pending(api, iam, api.iam_database_authentication_enabled()).unwrap_or(false),
        )
        .maybe("port", pending(api, PendingModifiedValues::port, port))
        .set("publicly_accessible", api.publicly_accessible().unwrap_or(false))
        .string_set("vpc_security_group_ids", groups)
        .maybe("db_subnet_group_name", api.db_subnet_group().and_then(|g| g.db_subnet_group_name()))
        .maybe("network_type", api.network_type())
        .maybe("availability_zone", api.availability_zone())
        .set("multi_az", pending(api, PendingModifiedValues::multi_az, api.multi_az()).unwrap_or(false))
        .maybe(
            "ca_cert_identifier",
            pending(api, PendingModifiedValues::ca_certificate_identifier, api.ca_certificate_identifier()),
        )
}

fn upkeep(object: ObjectBuilder, api: &Api, like: Option<&Object>) -> ObjectBuilder {
    let said_bool = |name: &str, default: bool| like.and_then(|o| o.bool(name)).unwrap_or(default);
    let retention = pending(api, PendingModifiedValues::backup_retention_period, api.backup_retention_period());
    object
        .maybe("parameter_group_name", api.db_parameter_groups().first().and_then(|g| g.db_parameter_group_name()))
        .maybe("option_group_name", api.option_group_memberships().first().and_then(|g| g.option_group_name()))
        .set("backup_retention_period", retention.unwrap_or(0))
        .maybe("backup_window", api.preferred_backup_window())
        .maybe("maintenance_window", api.preferred_maintenance_window())
        .set("copy_tags_to_snapshot", api.copy_tags_to_snapshot().unwrap_or(false))
        .set("deletion_protection", api.deletion_protection().unwrap_or(false))
        .set("auto_minor_version_upgrade", api.auto_minor_version_upgrade().unwrap_or(true))
        // Words about how to change and delete, which no answer has.
        .set("delete_automated_backups", said_bool("delete_automated_backups", true))
        .set("skip_final_snapshot", said_bool("skip_final_snapshot", false))
        .maybe("final_snapshot_identifier", said(like, "final_snapshot_identifier"))
        .maybe("apply_immediately", said(like, "apply_immediately"))
        .maybe("allow_major_version_upgrade", said(like, "allow_major_version_upgrade"))
}

fn watching(object: ObjectBuilder, api: &Api) -> ObjectBuilder {
    let logs = api.enabled_cloudwatch_logs_exports();
    let object = match logs.is_empty() {
        true => object,
        false => object.string_set("enabled_cloudwatch_logs_exports", logs),
    };
    object
        .set("monitoring_interval", api.monitoring_interval().unwrap_or(0))
        .maybe("monitoring_role_arn", api.monitoring_role_arn())
        .set("performance_insights_enabled", api.performance_insights_enabled().unwrap_or(false))
        .maybe("performance_insights_kms_key_id", api.performance_insights_kms_key_id())
        .maybe("performance_insights_retention_period", api.performance_insights_retention_period())
}

fn given(object: ObjectBuilder, api: &Api, like: Option<&Object>) -> ObjectBuilder {
    let endpoint = api.endpoint();
    let address = endpoint.and_then(Endpoint::address);
    let both = address.zip(endpoint.and_then(Endpoint::port)).map(|(host, port)| format!("{host}:{port}"));
    // It moves on every five minutes: what was read first stays, or each refresh would find a change.
    let restorable = api.latest_restorable_time().and_then(|t| t.fmt(Format::DateTime).ok()).map(Value::from);
    let restorable = said(like, "latest_restorable_time").or(restorable);
    let replicas = api.read_replica_db_instance_identifiers().iter().map(|r| Value::string(r.as_str())).collect();
    object
        .maybe("address", address)
        .maybe("endpoint", both)
        .maybe("hosted_zone_id", endpoint.and_then(Endpoint::hosted_zone_id))
        .maybe("arn", api.db_instance_arn())
        .maybe("latest_restorable_time", restorable)
        .set("listener_endpoint", Value::tuple(api.listener_endpoint().iter().map(|e| listener(e)).collect()))
        .set("replicas", Value::list(Type::String, replicas))
        .maybe("resource_id", api.dbi_resource_id())
        .maybe("status", api.db_instance_status())
}

fn listener(endpoint: &Endpoint) -> Value {
    ObjectBuilder::new()
        .maybe("address", endpoint.address())
        .maybe("hosted_zone_id", endpoint.hosted_zone_id())
        .maybe("port", endpoint.port())
        .build()
        .value()
}

#[cfg(test)]
mod tests {
    use super::is_resource_id;

    #[test]
    fn resource_ids_are_told_from_identifiers() {
        assert!(is_resource_id("db-M5ENSHXFPU6XHZ4G4ZEI5QIO2U"));
        assert!(!is_resource_id("db-production"));
        assert!(!is_resource_id("db-m5enshxfpu6xhz4g4zei5qio2u"));
    }
}
