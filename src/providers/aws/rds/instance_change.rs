//! Making, changing and deleting database instances.

use async_trait::async_trait;
use aws_sdk_rds::operation::create_db_instance::CreateDbInstanceOutput;
use aws_sdk_rds::operation::create_db_instance::builders::CreateDBInstanceFluentBuilder as CreateCall;
use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder as ModifyCall;
use aws_sdk_rds::types::{CloudwatchLogsExportConfiguration, DbInstance as Api, PendingModifiedValues};

use super::instance::Instance;
use super::tagging;
use crate::model::Object;
use crate::provider::{
    Config, Create, Delete, ErrorKind, Operation, Outcome, PlannedChange, ProviderError, Seen, Update,
};
use crate::providers::aws::named::{self, MINUTE, NamedObject, NamedResource, some_strings};
use crate::providers::aws::{Aws, tags};

#[async_trait]
impl NamedResource for Instance {
    fn plan(&self, change: &mut PlannedChange) {
        named::recompute(change, &["engine_version"], &["engine_version_actual"]);
        named::recompute(change, &["identifier"], &["arn", "address", "endpoint"]);
        named::recompute(change, &["port"], &["endpoint"]);
        named::recompute(change, &["storage_type", "allocated_storage"], &["iops", "storage_throughput"]);
        named::recompute(change, &["manage_master_user_password"], &["master_user_secret"]);
        named::recompute(change, &["multi_az", "db_subnet_group_name"], &["availability_zone"]);
    }

    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, op } = request;
        let tags = tags::to_api(&aws.tags().at_creation(desired, key));
        let create = creation(aws, desired).db_instance_identifier(Self::id_of(desired, key)).set_tags(Some(tags));
        let sent = || create.clone().send();
        let id = |answer: &CreateDbInstanceOutput| answer.db_instance()?.db_instance_identifier.clone();
        let find = || named::find_id::<Instance>(aws, key, desired);
        let call = || aws.create("rds", "CreateDBInstance", sent, id, find);
        let call = aws.insist(op, MINUTE * 2, is_role_too_new, call);
        named::make::<Instance, _>(aws, key, desired, call).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        wait_available(aws, &request.op, id).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let old = named::name(&request.id);
        let new = request.desired.string("identifier").unwrap_or_else(|| old.to_string());
        match change(aws, old, &new, &request).await {
            // The old name holds until RDS has taken the change.
            Err(error) if new != old && matches!(named::read::<Instance>(aws, &new, None).await, Ok(None)) => {
                named::changed::<Instance>(aws, old, &request.desired, Err(error)).await
            }
            changed => named::changed::<Instance>(aws, &new, &request.desired, changed).await,
        }
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let Delete { id, prior, op, .. } = request;
        let id = named::name(&id);
        let skip = prior.bool("skip_final_snapshot").unwrap_or(false);
        let snapshot = prior.string("final_snapshot_identifier").filter(|_| !skip);
        if !skip && snapshot.is_none() {
            return Err(ProviderError::invalid("there is no name for the final snapshot")
                .help("set \"final_snapshot_identifier\", or \"skip_final_snapshot\" to true, and apply that first"));
        }
        let delete = aws
            .rds()
            .delete_db_instance()
            .db_instance_identifier(id)
            .skip_final_snapshot(skip)
            .set_final_db_snapshot_identifier(snapshot)
            .set_delete_automated_backups(prior.bool("delete_automated_backups"));
        let call = || async { aws.call("rds", "DeleteDBInstance", || delete.clone().send()).await.map(drop) };
        let busy = |e: &ProviderError| e.kind == ErrorKind::Conflict && !is_being_deleted(e);
        match aws.insist(&op, MINUTE * 20, busy, call).await {
            Err(error) if !is_being_deleted(&error) => return Err(error),
            _ => (),
        }
        let state = |api: &Api| Ok(api.db_instance_status().unwrap_or("unknown").to_string());
        named::wait_gone::<Instance>(aws, &op, id, state).await
    }
}

/// A deletion that someone else began is as good as ours.
fn is_being_deleted(error: &ProviderError) -> bool {
    error.kind == ErrorKind::Conflict && error.message.contains("already being deleted")
}

/// IAM tells the other services of a new role within a minute or so.
fn is_role_too_new(error: &ProviderError) -> bool {
    error.kind == ErrorKind::Invalid && error.message.contains("ENHANCED_MONITORING")
}

fn password(desired: &Config) -> Option<String> {
    desired.string("password").or_else(|| desired.string("password_wo"))
}

/// Zero, which stands for "off" here, is not a size that RDS takes.
fn growth_limit(desired: &Config) -> Option<i32> {
    desired.i32("max_allocated_storage").filter(|gib| *gib > 0)
}

fn creation(aws: &Aws, desired: &Config) -> CreateCall {
    let text = |name: &str| desired.string(name);
    aws.rds()
        .create_db_instance()
        .set_engine(text("engine"))
        .set_engine_version(text("engine_version"))
        .set_engine_lifecycle_support(text("engine_lifecycle_support"))
        .set_db_instance_class(text("instance_class"))
        .set_license_model(text("license_model"))
        .set_character_set_name(text("character_set_name"))
        .set_timezone(text("timezone"))
        .set_db_name(text("db_name"))
        .set_master_username(text("username"))
        .set_master_user_password(password(desired))
        .set_manage_master_user_password(desired.bool("manage_master_user_password"))
        .set_master_user_secret_kms_key_id(text("master_user_secret_kms_key_id"))
        .set_allocated_storage(desired.i32("allocated_storage"))
        .set_max_allocated_storage(growth_limit(desired))
        .set_storage_type(text("storage_type"))
        .set_iops(desired.i32("iops"))
        .set_storage_throughput(desired.i32("storage_throughput"))
        .set_storage_encrypted(desired.bool("storage_encrypted"))
        .set_kms_key_id(text("kms_key_id"))
        .set_dedicated_log_volume(desired.bool("dedicated_log_volume").filter(|on| *on))
        .set_enable_iam_database_authentication(desired.bool("iam_database_authentication_enabled"))
        .set_port(desired.i32("port"))
        .set_publicly_accessible(desired.bool("publicly_accessible"))
        .set_vpc_security_group_ids(some_strings(desired, "vpc_security_group_ids"))
        .set_db_subnet_group_name(text("db_subnet_group_name"))
        .set_network_type(text("network_type"))
        .set_availability_zone(text("availability_zone"))
        .set_multi_az(desired.bool("multi_az"))
        .set_ca_certificate_identifier(text("ca_cert_identifier"))
        .set_db_parameter_group_name(text("parameter_group_name"))
        .set_option_group_name(text("option_group_name"))
        .set_backup_retention_period(desired.i32("backup_retention_period"))
        .set_preferred_backup_window(text("backup_window"))
        .set_preferred_maintenance_window(text("maintenance_window"))
        .set_copy_tags_to_snapshot(desired.bool("copy_tags_to_snapshot"))
        .set_deletion_protection(desired.bool("deletion_protection"))
        .set_auto_minor_version_upgrade(desired.bool("auto_minor_version_upgrade"))
        .set_enable_cloudwatch_logs_exports(some_strings(desired, "enabled_cloudwatch_logs_exports"))
        .set_monitoring_interval(desired.i32("monitoring_interval").filter(|s| *s > 0))
        .set_monitoring_role_arn(text("monitoring_role_arn"))
        .set_enable_performance_insights(desired.bool("performance_insights_enabled").filter(|on| *on))
        .set_performance_insights_kms_key_id(text("performance_insights_kms_key_id"))
        .set_performance_insights_retention_period(desired.i32("performance_insights_retention_period"))
}

/// The states in which an instance takes calls and connections.
fn is_usable(status: &str) -> bool {
    matches!(status, "available" | "storage-optimization")
}

/// The states that an instance does not leave by itself
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html>).
fn is_stuck(status: &str) -> bool {
    matches!(status, "failed" | "restore-error" | "storage-full" | "inaccessible-encryption-credentials")
        || status.starts_with("incompatible-")
}

fn judge(api: &Api) -> Result<Seen<()>, ProviderError> {
    let status = api.db_instance_status().unwrap_or("unknown");
    if is_usable(status) {
        Ok(Seen::Ready(()))
    } else if is_stuck(status) {
        let reason = api.status_infos().iter().find_map(|i| i.message()).unwrap_or("RDS gives no reason");
        Err(ProviderError::new(ErrorKind::Other, format!("the instance is \"{status}\": {reason}")))
    } else {
        Ok(Seen::Pending(status.to_string()))
    }
}

async fn wait_available(aws: &Aws, op: &Operation, id: &str) -> Result<(), ProviderError> {
    named::wait_for::<Instance>(aws, op, id, "available", judge).await
}

/// An instance stays "available" for some seconds after a call that will change it; what it is yet to do shows
/// as pending until it has done it.
async fn wait_applied(aws: &Aws, op: &Operation, id: &str) -> Result<(), ProviderError> {
    let applied = |api: &Api| match judge(api)? {
        Seen::Ready(()) if api.pending_modified_values().is_some_and(is_anything_pending) => {
            Ok(Seen::Pending("modifying".to_string()))
        }
        seen => Ok(seen),
    };
    named::wait_for::<Instance>(aws, op, id, "available", applied).await
}

/// Of what can be pending, what is done at once if that is asked for; other things wait for a restart.
fn is_anything_pending(pending: &PendingModifiedValues) -> bool {
    pending.db_instance_class().is_some()
        || pending.allocated_storage().is_some()
        || pending.engine_version().is_some()
        || pending.multi_az().is_some()
        || pending.backup_retention_period().is_some()
        || pending.storage_type().is_some()
        || pending.iops().is_some()
        || pending.storage_throughput().is_some()
        || pending.master_user_password().is_some()
        || pending.port().is_some()
        || pending.db_instance_identifier().is_some()
}

/// The attributes that ModifyDBInstance does not know.
const NOT_MODIFIED: [&str; 8] = [
    "tags",
    "tags_all",
    "timeouts",
    "skip_final_snapshot",
    "final_snapshot_identifier",
    "delete_automated_backups",
    "apply_immediately",
    "allow_major_version_upgrade",
];

async fn change(aws: &Aws, old: &str, new: &str, update: &Update) -> Result<(), ProviderError> {
    if update.changed.iter().any(|c| !NOT_MODIFIED.contains(&&**c)) {
        let now = update.desired.bool("apply_immediately").unwrap_or(false);
        let request = modification(aws, update)
            .db_instance_identifier(old)
            // A name that changed in the maintenance window could not be found until then.
            .apply_immediately(now || new != old)
            .set_new_db_instance_identifier(Some(new.to_string()).filter(|_| new != old));
        let call = || async { aws.call("rds", "ModifyDBInstance", || request.clone().send()).await.map(drop) };
        let busy = |e: &ProviderError| e.kind == ErrorKind::Conflict || is_role_too_new(e);
        aws.insist(&update.op, MINUTE * 10, busy, call).await?;
        match now || new != old {
            true => wait_applied(aws, &update.op, new).await?,
            false => wait_available(aws, &update.op, new).await?,
        }
    }
    tagging::update(aws, &current(aws, new, update).await?, &update.desired).await
}

/// The prior object, with the ARN that the new name brings.
async fn current(aws: &Aws, new: &str, update: &Update) -> Result<Object, ProviderError> {
    if new == named::name(&update.id) {
        return Ok(update.prior.clone());
    }
    let read = named::read::<Instance>(aws, new, Some(&update.prior)).await?;
    Ok(read.map_or_else(|| update.prior.clone(), |stored| stored.object))
}

/// The changed attributes, each under the API's name.
fn modification(aws: &Aws, update: &Update) -> ModifyCall {
    let desired = &update.desired;
    let text = |name: &str| desired.string(name).filter(|_| update.has_changed(name));
    let number = |name: &str| desired.i32(name).filter(|_| update.has_changed(name));
    let switch = |name: &str| desired.bool(name).filter(|_| update.has_changed(name));
    let has_new_password = update.has_changed("password") || update.has_changed("password_wo_version");
    let has_new_type = update.has_changed("storage_type");
    // The size goes with the type and its speed: RDS checks them together.
    let sized = |name: &str| desired.i32(name).filter(|_| has_new_type || update.has_changed(name));
    let groups = "vpc_security_group_ids";
    aws.rds()
        .modify_db_instance()
        .set_engine_version(text("engine_version"))
        .set_allow_major_version_upgrade(
            desired.bool("allow_major_version_upgrade").filter(|on| *on && update.has_changed("engine_version")),
        )
        .set_db_instance_class(text("instance_class"))
        .set_license_model(text("license_model"))
        .set_master_user_password(password(desired).filter(|_| has_new_password))
        .set_manage_master_user_password(switch("manage_master_user_password"))
        .set_master_user_secret_kms_key_id(text("master_user_secret_kms_key_id"))
        .set_allocated_storage(sized("allocated_storage"))
        .set_max_allocated_storage(grown(update))
        .set_storage_type(text("storage_type"))
        .set_iops(number("iops"))
        .set_storage_throughput(number("storage_throughput"))
        .set_dedicated_log_volume(switch("dedicated_log_volume"))
        .set_enable_iam_database_authentication(switch("iam_database_authentication_enabled"))
        .set_db_port_number(number("port"))
        .set_publicly_accessible(switch("publicly_accessible"))
        .set_vpc_security_group_ids(some_strings(desired, groups).filter(|_| update.has_changed(groups)))
        .set_db_subnet_group_name(text("db_subnet_group_name"))
        .set_network_type(text("network_type"))
        .set_multi_az(switch("multi_az"))
        .set_ca_certificate_identifier(text("ca_cert_identifier"))
        .set_db_parameter_group_name(text("parameter_group_name"))
        .set_option_group_name(text("option_group_name"))
        .set_backup_retention_period(number("backup_retention_period"))
        .set_preferred_backup_window(text("backup_window"))
        .set_preferred_maintenance_window(text("maintenance_window"))
        .set_copy_tags_to_snapshot(switch("copy_tags_to_snapshot"))
        .set_deletion_protection(switch("deletion_protection"))
        .set_auto_minor_version_upgrade(switch("auto_minor_version_upgrade"))
        .set_cloudwatch_logs_export_configuration(logs(update))
        .set_monitoring_interval(number("monitoring_interval"))
        .set_monitoring_role_arn(text("monitoring_role_arn"))
        .set_enable_performance_insights(switch("performance_insights_enabled"))
        .set_performance_insights_kms_key_id(text("performance_insights_kms_key_id"))
        .set_performance_insights_retention_period(number("performance_insights_retention_period"))
}

/// Growth is turned off by a limit that is the size.
fn grown(update: &Update) -> Option<i32> {
    match update.has_changed("max_allocated_storage") {
        true => growth_limit(&update.desired).or_else(|| update.desired.i32("allocated_storage")),
        false => None,
    }
}

fn logs(update: &Update) -> Option<CloudwatchLogsExportConfiguration> {
    let name = "enabled_cloudwatch_logs_exports";
    if !update.has_changed(name) {
        return None;
    }
    let (was, shall) = (update.prior.strings(name), update.desired.strings(name));
    let more = shall.iter().filter(|l| !was.contains(l)).cloned().collect();
    let less = was.iter().filter(|l| !shall.contains(l)).cloned().collect();
    let config = CloudwatchLogsExportConfiguration::builder();
    Some(config.set_enable_log_types(Some(more)).set_disable_log_types(Some(less)).build())
}
