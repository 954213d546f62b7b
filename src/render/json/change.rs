//! One change of an object or an output, as `show -json` gives it.

use serde_json::{Map, Value as Json, json};

use super::shape;
use crate::model::value_json::to_json;
use crate::model::{Address, Key, Mode, Path, PathStep, Value};
use crate::plan::{Action, Change, Deferred, Drift, Importing, OutputChange, ProviderName};

/// An entry of `resource_changes`.
pub fn resource_change(change: &Change) -> Json {
    let mut entry = resource_head(&change.address, &change.provider);
    if let Some(from) = &change.previous_address {
        entry.insert("previous_address".into(), from.to_string().into());
    }
    if let Some(key) = &change.deposed {
        entry.insert("deposed".into(), (**key).into());
    }
    if !change.address.resource.module.is_root() {
        entry.insert("module_address".into(), change.address.resource.module.to_string().into());
    }
    let mut inner = sides(change.action.codes(), &change.before, &change.after);
    if let Action::Replace { forced_by, .. } = &change.action
        && !forced_by.is_empty()
    {
        inner.insert("replace_paths".into(), forced_by.iter().map(path).collect());
    }
    if let Some(importing) = &change.importing {
        inner.insert("importing".into(), importing_json(importing));
        if let Some(text) = &importing.generated {
            inner.insert("generated_config".into(), (**text).into());
        }
    }
    entry.insert("change".into(), Json::Object(inner));
    if let Some(reason) = change.reason {
        entry.insert("action_reason".into(), reason.code().into());
    }
    Json::Object(entry)
}

/// An entry of `deferred_changes`.
pub fn deferred_change(deferred: &Deferred) -> Json {
    let mut change = resource_change(&deferred.change);
    change["address"] = (*deferred.address).into();
    json!({"reason": deferred.reason.code(), "resource_change": change})
}

pub fn importing_json(importing: &Importing) -> Json {
    match &importing.identity {
        Some(identity) => json!({"identity": to_json(identity)}),
        None => json!({"id": &*importing.id}),
    }
}

/// An entry of `resource_drift`.
pub fn resource_drift(drift: &Drift) -> Json {
    let action = if drift.after.is_null() { Action::Delete } else { Action::Update { changed: Vec::new() } };
    resource_change(&Change {
        address: drift.address.clone(),
        previous_address: drift.previous_address.clone(),
        deposed: drift.deposed.clone(),
        provider: drift.provider.clone(),
        action,
        reason: None,
        before: drift.before.clone(),
        after: drift.after.clone(),
        importing: None,
    })
}

/// An entry of `output_changes`.
pub fn output_change(output: &OutputChange) -> Json {
    let mut entry = sides(output.action.codes(), &output.before, &output.after);
    entry.insert("after_unknown".into(), shape::unknown_output(&output.after));
    for side in ["before_sensitive", "after_sensitive"] {
        entry.insert(side.into(), output.sensitive.into());
    }
    Json::Object(entry)
}

/// A change in the form of the recorded conformance plans: what a plan decides, without what only names it.
pub fn change_json(change: &Change) -> Json {
    let mut whole = resource_change(change);
    let inner = whole["change"].take();
    json!({
        "actions": inner["actions"],
        "address": whole["address"],
        "after": inner["after"],
        "after_unknown": inner["after_unknown"],
        "before": inner["before"],
        "previous_address": whole.get("previous_address"),
        "reason": whole.get("action_reason"),
        "replace_paths": inner.get("replace_paths"),
    })
}

/// What names a resource instance: address, mode, type, name, index and provider.
pub fn resource_head(address: &Address, provider: &ProviderName) -> Map<String, Json> {
    let mode = match address.resource.mode {
        Mode::Managed => "managed",
        Mode::Data => "data",
        Mode::Ephemeral => "ephemeral",
    };
    let head = json!({
        "address": address.to_string(),
        "mode": mode,
        "type": &*address.resource.ty,
        "name": &*address.resource.name,
        "provider_name": provider_name(provider),
    });
    let Json::Object(mut head) = head else { return Map::new() };
    if let Some(key) = &address.key {
        head.insert("index".into(), key_json(key));
    }
    head
}

pub fn key_json(key: &Key) -> Json {
    match key {
        Key::Index(n) => (*n).into(),
        Key::Name(name) => (**name).into(),
    }
}

/// `registry.terraform.io/hashicorp/aws`, or `terraform.io/builtin/terraform`.
pub fn provider_name(provider: &ProviderName) -> String {
    full_source(&provider.name, &provider.source)
}

/// A provider's source with its host; the public registry where none is written.
pub fn full_source(name: &str, source: &str) -> String {
    match (name, source.matches('/').count()) {
        ("terraform", 0 | 1) => "terraform.io/builtin/terraform".into(),
        (_, 0) => format!("registry.terraform.io/hashicorp/{name}"),
        (_, 1) => format!("registry.terraform.io/{source}"),
        _ => source.into(),
    }
}

fn sides(actions: &[&str], before: &Value, after: &Value) -> Map<String, Json> {
    let mut entry = Map::new();
    entry.insert("actions".into(), actions.into());
    // What is unknown as a whole has no key at all.
    for (name, side) in [("before", before), ("after", after)] {
        if let Some(json) = shape::known(side) {
            entry.insert(name.into(), json);
        }
    }
    entry.insert("after_unknown".into(), shape::unknown(after));
    entry.insert("before_sensitive".into(), shape::sensitive(before));
    entry.insert("after_sensitive".into(), shape::sensitive(after));
    entry
}

/// A path as the names and numbers of its steps; it ends before an element of a set, which has neither.
fn path(path: &Path) -> Json {
    let step = |step: &PathStep| match step {
        PathStep::Attr(name) | PathStep::Key(name) => Some(Json::from(&**name)),
        PathStep::Index(i) => Some((*i).into()),
        PathStep::Element(_) => None,
    };
    path.0.iter().map_while(step).collect()
}
