//! The `-json` line stream: one JSON object a line, each with level, message, module, time and type.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::change::{importing_json, key_json};
use super::diagnostic::diagnostic_json;
use crate::model::value_json::{to_json, type_to_json};
use crate::model::{Address, Diagnostic, Severity, SourceMap, Str, Value};
use crate::plan::{Action, Change, Counts, Drift, Plan, Reason};
use crate::render::human::{apply_summary, destroy_summary, plan_summary};
use crate::render::progress_text::{self, Doing};

/// What a line tells.
pub enum Event<'a> {
    /// The first line: the version of Terraform that readers shall take it for, and this program's own.
    Version {
        terraform: &'a str,
        version: &'a str,
    },
    PlannedChange(&'a Change),
    ResourceDrift(&'a Drift),
    PlanSummary(&'a Counts),
    ApplySummary(&'a Counts),
    DestroySummary(&'a Counts),
    PlannedOutputs(&'a Plan),
    Outputs(&'a [StreamOutput]),
    Diagnostic(&'a Diagnostic, &'a SourceMap),
    RefreshStart(Hook<'a>),
    RefreshComplete(Hook<'a>),
    ApplyStart(Hook<'a>),
    /// Still at it; and what is waited for, where that is known.
    ApplyProgress(Hook<'a>, Duration, Option<&'a str>),
    ApplyComplete(Hook<'a>, Duration),
    ApplyErrored(Hook<'a>, Duration),
    /// A provisioner, such as `local-exec`, begins on an object.
    ProvisionStart(Provision<'a>),
    /// A line that it printed.
    ProvisionProgress(Provision<'a>, &'a str),
    ProvisionComplete(Provision<'a>),
    ProvisionErrored(Provision<'a>),
    /// A change of an apply that did not end well.
    Unfinished(Undone<'a>),
    /// The end of an apply that did not complete.
    Incomplete(Incomplete<'a>),
}

/// What became of a change that was not done.
pub struct Undone<'a> {
    pub address: &'a Address,
    pub deposed: Option<&'a str>,
    /// `failed`, `unsettled`, `skipped` or `not_begun`.
    pub outcome: &'a str,
    pub cause: Option<&'a str>,
    /// The object that it waited for.
    pub needs: Option<&'a Address>,
    pub told: &'a str,
}

/// How far an apply came.
pub struct Incomplete<'a> {
    pub told: &'a str,
    pub operation: &'a str,
    pub done: Counts,
    /// How many changes were not done, by what became of them.
    pub left: [(&'a str, usize); 4],
    pub interrupted: bool,
}

/// Which object is worked on, and how.
#[derive(Clone, Copy)]
pub struct Hook<'a> {
    pub address: &'a Address,
    pub doing: Doing,
    /// The object's id, where it is known.
    pub id: Option<&'a str>,
}

/// Which provisioner runs, and on which object.
#[derive(Clone, Copy)]
pub struct Provision<'a> {
    pub address: &'a Address,
    pub provisioner: &'a str,
}

/// A root output after apply.
pub struct StreamOutput {
    pub name: Str,
    pub value: Value,
    pub sensitive: bool,
}

/// The line without a line break. `timestamp` is RFC 3339 in UTC.
pub fn stream_line(event: &Event, timestamp: &str) -> String {
    let (kind, level, message, fields) = parts(event);
    let mut line = json!({
        "@level": level,
        "@message": message,
        "@module": "terraform.ui",
        "@timestamp": timestamp,
        "type": kind,
    });
    if let (Json::Object(line), Json::Object(fields)) = (&mut line, fields) {
        line.extend(fields);
    }
    line.to_string()
}

type Parts = (&'static str, &'static str, String, Json);

fn parts(event: &Event) -> Parts {
    let hooked = |kind, hook: &Hook, text: String, more: Json| {
        (kind, "info", format!("{}: {text}", hook.address), json!({"hook": hook_json(hook, more)}))
    };
    match event {
        Event::Version { terraform, version } => {
            let fields = json!({"terraform": terraform, "terrane": version, "ui": "1.2"});
            ("version", "info", format!("Terrane {version}"), fields)
        }
        Event::PlannedChange(change) => planned_change(change),
        Event::ResourceDrift(drift) => resource_drift(drift),
        Event::PlanSummary(counts) => summary(plan_summary(counts), counts, "plan"),
        Event::ApplySummary(counts) => summary(apply_summary(counts), counts, "apply"),
        Event::DestroySummary(counts) => summary(destroy_summary(counts), counts, "destroy"),
        Event::PlannedOutputs(plan) => planned_outputs(plan),
        Event::Outputs(outputs) => {
            let json: Map<String, Json> = outputs.iter().map(|o| (o.name.to_string(), output_json(o))).collect();
            ("outputs", "info", format!("Outputs: {}", outputs.len()), json!({"outputs": json}))
        }
        Event::Diagnostic(diagnostic, sources) => diagnostic_parts(diagnostic, sources),
        Event::RefreshStart(h) => hooked("refresh_start", h, progress_text::started(Doing::Refresh, h.id), id_json(h)),
        Event::RefreshComplete(h) => {
            let id = h.id.map(|id| format!(" [id={id}]")).unwrap_or_default();
            hooked("refresh_complete", h, format!("Refresh complete{id}"), id_json(h))
        }
        Event::ApplyStart(h) => {
            hooked("apply_start", h, progress_text::started(h.doing.in_stream(), h.id), with_action(h, id_json(h)))
        }
        Event::ApplyProgress(h, elapsed, waiting) => {
            let more = with_action(h, json!({"elapsed_seconds": elapsed.as_secs()}));
            hooked("apply_progress", h, progress_text::still(h.doing, *elapsed, *waiting), more)
        }
        Event::ApplyComplete(h, elapsed) => {
            // What is gone has no id any more.
            let h = &Hook { id: h.id.filter(|_| h.doing != Doing::Delete), ..*h };
            let mut more = with_action(h, id_json(h));
            more["elapsed_seconds"] = elapsed.as_secs().into();
            hooked("apply_complete", h, progress_text::completed(h.doing.in_stream(), *elapsed, h.id), more)
        }
        Event::ApplyErrored(h, elapsed) => {
            let more = with_action(h, json!({"elapsed_seconds": elapsed.as_secs()}));
            hooked("apply_errored", h, progress_text::errored(h.doing, *elapsed), more)
        }
        Event::ProvisionStart(p) => provision("provision_start", p, progress_text::provisioning(p.provisioner)),
        Event::ProvisionProgress(p, line) => {
            let (kind, level, message, mut fields) =
                provision("provision_progress", p, format!("({}): {line}", p.provisioner));
            fields["hook"]["output"] = (*line).into();
            (kind, level, message, fields)
        }
        Event::ProvisionComplete(p) => {
            provision("provision_complete", p, format!("({}) Provisioning complete", p.provisioner))
        }
        Event::ProvisionErrored(p) => {
            provision("provision_errored", p, format!("({}) Provisioning errored", p.provisioner))
        }
        Event::Unfinished(undone) => unfinished(undone),
        Event::Incomplete(incomplete) => self::incomplete(incomplete),
    }
}

fn provision(kind: &'static str, provision: &Provision, text: String) -> Parts {
    let hook = json!({"resource": resource(provision.address), "provisioner": provision.provisioner});
    (kind, "info", format!("{}: {text}", provision.address), json!({"hook": hook}))
}

fn unfinished(undone: &Undone) -> Parts {
    let mut json = json!({"resource": resource(undone.address), "outcome": undone.outcome});
    let more = [
        ("deposed", undone.deposed.map(Json::from)),
        ("cause", undone.cause.map(Json::from)),
        ("needs", undone.needs.map(resource)),
    ];
    for (name, value) in more.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        json[name] = value;
    }
    let level = if matches!(undone.outcome, "failed" | "unsettled") { "error" } else { "warn" };
    ("apply_unfinished", level, undone.told.to_string(), json!({"unfinished": json}))
}

fn incomplete(incomplete: &Incomplete) -> Parts {
    let Counts { add, change, destroy, import, .. } = incomplete.done;
    let mut json = json!({
        "operation": incomplete.operation, "interrupted": incomplete.interrupted,
        "changes": {"add": add, "change": change, "import": import, "remove": destroy},
    });
    for (name, n) in incomplete.left {
        json[name] = n.into();
    }
    ("apply_incomplete", "error", incomplete.told.to_string(), json!({"incomplete": json}))
}

fn resource(address: &Address) -> Json {
    let ty: &str = address.ty();
    let mut local = address.clone();
    local.resource.module = crate::model::ModulePath::root();
    json!({
        "addr": address.to_string(),
        "module": address.resource.module.to_string(),
        "resource": local.to_string(),
        "implied_provider": ty.split_once('_').map_or(ty, |(provider, _)| provider),
        "resource_type": ty,
        "resource_name": &*address.resource.name,
        "resource_key": address.key.as_ref().map(key_json),
    })
}

fn hook_json(hook: &Hook, more: Json) -> Json {
    let mut json = json!({"resource": resource(hook.address)});
    if let (Json::Object(json), Json::Object(more)) = (&mut json, more) {
        json.extend(more);
    }
    json
}

fn id_json(hook: &Hook) -> Json {
    match hook.id {
        Some(id) => json!({"id_key": "id", "id_value": id}),
        None => json!({}),
    }
}

fn with_action(hook: &Hook, mut more: Json) -> Json {
    more["action"] = hook.doing.code().into();
    more
}

fn planned_change(change: &Change) -> Parts {
    let word = match &change.action {
        Action::NoOp if change.importing.is_some() => "import",
        Action::NoOp if change.previous_address.is_some() => "move",
        Action::NoOp => "noop",
        Action::Create => "create",
        Action::Read => "read",
        Action::Update { .. } => "update",
        Action::Replace { .. } => "replace",
        Action::Delete => "delete",
        Action::Forget => "remove",
    };
    let mut json = json!({"resource": resource(&change.address), "action": word});
    if let Some(from) = &change.previous_address {
        json["previous_resource"] = resource(from);
    }
    if let Some(reason) = change.reason {
        json["reason"] = reason_word(reason).into();
    }
    if let Some(importing) = &change.importing {
        json["importing"] = importing_json(importing);
    }
    ("planned_change", "info", format!("{}: Plan to {word}", change.address), json!({"change": json}))
}

/// Reasons to replace are shorter here than in the plan's JSON.
fn reason_word(reason: Reason) -> &'static str {
    match reason {
        Reason::ReplaceBecauseCannotUpdate => "cannot_update",
        Reason::ReplaceBecauseTainted => "tainted",
        Reason::ReplaceByRequest => "requested",
        other => other.code(),
    }
}

fn resource_drift(drift: &Drift) -> Parts {
    let word = if drift.after.is_null() { "delete" } else { "update" };
    let mut json = json!({"resource": resource(&drift.address), "action": word});
    if let Some(from) = &drift.previous_address {
        json["previous_resource"] = resource(from);
    }
    ("resource_drift", "info", format!("{}: Drift detected ({word})", drift.address), json!({"change": json}))
}

fn summary(message: String, counts: &Counts, operation: &str) -> Parts {
    let changes = json!({
        "add": counts.add, "change": counts.change, "import": counts.import, "remove": counts.destroy,
        "operation": operation,
    });
    ("change_summary", "info", message, json!({"changes": changes}))
}

fn planned_outputs(plan: &Plan) -> Parts {
    let output = |o: &crate::plan::OutputChange| {
        let word = match o.action {
            Action::NoOp => "noop",
            _ => o.action.codes().first().copied().unwrap_or("noop"),
        };
        (o.name.to_string(), json!({"sensitive": o.sensitive, "action": word}))
    };
    let json: Map<String, Json> = plan.outputs.iter().map(output).collect();
    ("outputs", "info", format!("Outputs: {}", json.len()), json!({"outputs": json}))
}

/// Sensitive values stay out of the stream, which often ends up in logs.
fn output_json(output: &StreamOutput) -> Json {
    let hidden = output.sensitive || !output.value.all_marks().is_empty();
    // The names in an object are part of what is hidden.
    let ty = if hidden { output.value.ty().without_names() } else { output.value.ty() };
    let mut json = json!({"sensitive": hidden, "type": type_to_json(&ty)});
    if !hidden {
        json["value"] = to_json(&output.value);
    }
    json
}

fn diagnostic_parts(diagnostic: &Diagnostic, sources: &SourceMap) -> Parts {
    let (level, word) = match diagnostic.severity {
        Severity::Error => ("error", "Error"),
        Severity::Warning => ("warn", "Warning"),
    };
    let message = format!("{word}: {}", diagnostic.summary);
    ("diagnostic", level, message, json!({"diagnostic": diagnostic_json(diagnostic, sources)}))
}
