//! `show -json` of a plan, format 1.2.

use serde_json::{Map, Value as Json, json};

use super::change::{deferred_change, key_json, output_change, resource_change, resource_drift};
use super::shape;
use super::state::{StateObject, state_resource};
use super::tree::{ModuleTree, resource_values};
use crate::model::value_json::{to_json, type_to_json};
use crate::model::{Address, Marks, Mode, ModulePath, Str, Value};
use crate::plan::{Action, Change, CheckKind, CheckResult, CheckStatus, Plan, PlanMode};
use crate::render::human::SchemaOf;

/// What a plan's JSON says beside the plan itself.
#[derive(Clone, Copy, Default)]
pub struct PlanContext<'a, 's> {
    /// The version that readers of the format shall take it for.
    pub version: &'a str,
    /// When the plan was made, RFC 3339 in UTC.
    pub timestamp: &'a str,
    pub schemas: Option<&'a SchemaOf<'s>>,
    /// The configuration's JSON, where the configuration is at hand.
    pub configuration: Option<&'a Json>,
    pub relevant: &'a [RelevantAttribute],
    /// What the state says of an object beside its values.
    pub notes: Option<&'a dyn Fn(&Change) -> PriorNote>,
}

/// An attribute whose value went into a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelevantAttribute {
    /// The resource or instance.
    pub resource: String,
    /// The steps to it as they are written: `.name`, `[0]`, `["key"]`.
    pub attribute: Vec<String>,
}

/// What a state says of an object beside its values.
#[derive(Clone, Debug, Default)]
pub struct PriorNote {
    /// Addresses of resources, without instance keys.
    pub depends_on: Vec<Str>,
    pub tainted: bool,
}

impl PlanContext<'_, '_> {
    fn schema_version(&self, address: &Address) -> u64 {
        self.schemas.and_then(|find| find(address)).map_or(0, |s| s.version)
    }
}

/// The whole plan as JSON. Holds secrets, as the format does; what is sensitive is told beside them.
pub fn plan_json(plan: &Plan, context: &PlanContext) -> Json {
    let applyable = match plan.mode {
        PlanMode::RefreshOnly => !plan.drift.is_empty() || plan.has_output_changes(),
        PlanMode::Normal | PlanMode::Destroy => plan.has_changes(),
    };
    let outputs = plan.outputs.iter().map(|o| (o.name.to_string(), output_change(o)));
    let mut json = json!({
        "format_version": "1.2",
        "terraform_version": context.version,
        "planned_values": planned_values(plan, context),
        "resource_changes": plan.changes.iter().filter(|c| !is_read_already(c)).map(resource_change).collect::<Json>(),
        "output_changes": Json::Object(outputs.collect()),
        "prior_state": prior_state(plan, context),
        "timestamp": context.timestamp,
        "applyable": applyable && !plan.errored(),
        "complete": plan.complete,
        "errored": plan.errored(),
    });
    let mut add = |name: &str, part: Option<Json>| {
        if let (Some(part), Json::Object(fields)) = (part, &mut json) {
            fields.insert(name.into(), part);
        }
    };
    add("variables", (!plan.variables.is_empty()).then(|| variables(plan)));
    add("resource_drift", (!plan.drift.is_empty()).then(|| plan.drift.iter().map(resource_drift).collect()));
    add("deferred_changes", (!plan.complete).then(|| plan.deferred.iter().map(deferred_change).collect()));
    add("configuration", context.configuration.cloned());
    let relevant = context.relevant;
    add("relevant_attributes", (!relevant.is_empty()).then(|| relevant.iter().map(relevant_attribute).collect()));
    add("checks", (!plan.checks.is_empty()).then(|| checks(&plan.checks)));
    json
}

/// Data sources that planning could read are part of the prior state, not of what will be done.
fn is_read_already(change: &Change) -> bool {
    change.address.resource.mode == Mode::Data && change.action.is_noop()
}

fn variables(plan: &Plan) -> Json {
    let stored = plan.variables.iter().filter(|(_, v)| !v.unmark().1.contains(Marks::EPHEMERAL));
    Json::Object(stored.map(|(n, v)| (n.to_string(), json!({"value": to_json(v)}))).collect())
}

fn planned_values(plan: &Plan, context: &PlanContext) -> Json {
    let mut tree = ModuleTree::default();
    let stays = |c: &&Change| !matches!(c.action, Action::Delete | Action::Forget) && c.deposed.is_none();
    for change in plan.changes.iter().filter(stays).filter(|c| !is_read_already(c)) {
        let version = context.schema_version(&change.address);
        let resource = resource_values(&change.address, &change.provider, version, &change.after);
        tree.add(&change.address.resource.module, Json::Object(resource));
    }
    let outputs = plan.outputs.iter().filter(|o| o.action != Action::Delete);
    let outputs: Map<String, Json> =
        outputs.map(|o| (o.name.to_string(), output_value(&o.after, o.sensitive))).collect();
    match outputs.is_empty() {
        true => json!({"root_module": tree.json()}),
        false => json!({"outputs": outputs, "root_module": tree.json()}),
    }
}

/// An output with its type and value, which an output that is not wholly known does not have.
pub fn output_value(value: &Value, sensitive: bool) -> Json {
    match shape::known(value).filter(|_| value.is_wholly_known()) {
        Some(known) => json!({"sensitive": sensitive, "type": type_to_json(&value.ty()), "value": known}),
        None => json!({"sensitive": sensitive}),
    }
}

fn prior_state(plan: &Plan, context: &PlanContext) -> Json {
    let mut tree = ModuleTree::default();
    for change in &plan.changes {
        let object = if is_read_already(change) { &change.after } else { &change.before };
        if object.is_null() {
            continue;
        }
        let address = &change.address;
        let note = context.notes.map(|of| of(change)).unwrap_or_default();
        let object = StateObject {
            address: address.clone(),
            deposed: change.deposed.clone(),
            provider: change.provider.clone(),
            schema_version: context.schema_version(address),
            object: object.clone(),
            depends_on: note.depends_on,
            tainted: note.tainted,
        };
        tree.add(&address.resource.module, state_resource(&object));
    }
    let outputs = plan.outputs.iter().filter(|o| !o.before.is_null());
    let outputs: Map<String, Json> =
        outputs.map(|o| (o.name.to_string(), output_value(&o.before, o.sensitive))).collect();
    let mut values = json!({"root_module": tree.json()});
    if let (false, Json::Object(fields)) = (outputs.is_empty(), &mut values) {
        fields.insert("outputs".into(), outputs.into());
    }
    json!({"format_version": "1.0", "terraform_version": context.version, "values": values})
}

fn relevant_attribute(relevant: &RelevantAttribute) -> Json {
    let step = |step: &String| match step.strip_prefix('.') {
        Some(name) => Json::from(name),
        // What stands between brackets is a number or a string, as in JSON.
        None => serde_json::from_str(step.trim_start_matches('[').trim_end_matches(']')).unwrap_or(Json::Null),
    };
    json!({"resource": relevant.resource, "attribute": relevant.attribute.iter().map(step).collect::<Json>()})
}

/// The conditions, grouped by the block that they stand in.
fn checks(results: &[CheckResult]) -> Json {
    let mut groups: Vec<(Json, CheckStatus, Vec<Json>)> = Vec::new();
    for result in results {
        let (of, mut instance) = check_address(result);
        instance.insert("to_display".into(), result.name.as_str().into());
        let problem = |text: &String| json!({"message": text});
        let mut entry = json!({"address": instance, "status": status_word(result.status)});
        if let (false, Json::Object(fields)) = (result.problems.is_empty(), &mut entry) {
            fields.insert("problems".into(), result.problems.iter().map(problem).collect());
        }
        match groups.last_mut().filter(|g| g.0 == of) {
            Some((_, status, instances)) => {
                *status = status.worse(result.status);
                instances.push(entry);
            }
            None => groups.push((of, result.status, vec![entry])),
        }
    }
    let json = |(of, status, instances)| json!({"address": of, "status": status_word(status), "instances": Json::Array(instances)});
    groups.into_iter().map(json).collect()
}

/// The block's address, and what tells the instance from others of it.
fn check_address(result: &CheckResult) -> (Json, Map<String, Json>) {
    let mut instance = Map::new();
    let (kind, word) = match result.kind {
        CheckKind::Resource => ("resource", ""),
        CheckKind::Output => ("output_value", "output"),
        CheckKind::Check => ("check", "check"),
        CheckKind::Variable => ("var", "var"),
    };
    let mut of = Map::from_iter([("kind".to_string(), Json::from(kind))]);
    let module = match Address::parse(&result.name) {
        Ok(address) if result.kind == CheckKind::Resource => {
            let block = address.resource.without_keys();
            let mode = if block.mode == Mode::Data { "data" } else { "managed" };
            of.extend(
                [("mode", mode), ("type", &*block.ty), ("name", &*block.name)].map(|(k, v)| (k.into(), v.into())),
            );
            of.insert("to_display".into(), block.to_string().into());
            instance.extend(address.key.as_ref().map(|k| ("instance_key".to_string(), key_json(k))));
            address.resource.module
        }
        _ => {
            let (before, name) = result.name.rsplit_once('.').unwrap_or(("", &result.name));
            let module = before.strip_suffix(word).unwrap_or("").trim_end_matches('.');
            let module = ModulePath::parse(module).unwrap_or_default();
            let path = if module.is_root() { String::new() } else { format!("{}.", module.without_keys()) };
            of.insert("name".into(), name.into());
            of.insert("to_display".into(), format!("{path}{word}.{name}").into());
            module
        }
    };
    if !module.is_root() {
        of.insert("module".into(), module.without_keys().to_string().into());
        instance.insert("module".into(), module.to_string().into());
    }
    (Json::Object(of), instance)
}

fn status_word(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Pass => "pass",
        CheckStatus::Fail => "fail",
        CheckStatus::Error => "error",
        CheckStatus::Unknown => "unknown",
    }
}
