//! Texts of several commands: objects of the state, outputs, plans and states as JSON.

use std::collections::HashMap;
use std::sync::Arc;

use super::commands::planning::Beside;
use super::error::Failure;
use crate::model::{Address, Diagnostic, Marks, Str, Value};
use crate::ops::configuration::configuration_json;
use crate::ops::relevant::relevant_attributes;
use crate::ops::{Session, prior};
use crate::plan::{Change, Plan};
use crate::render;
use crate::render::json::{PlanContext, PriorNote, StateObject, cover, cover_plan};
use crate::render::outputs::{OutputValue, outputs_text};
use crate::render::value_text::object_text;
use crate::spec::Schemas;
use crate::state::{Snapshot, Status, StoredInstance};

/// The outputs behind an apply.
pub fn outputs(outputs: &[(Str, Value)]) -> String {
    if outputs.is_empty() {
        return String::new();
    }
    let values: Vec<OutputValue> = outputs.iter().map(|(name, value)| output_value(name, value)).collect();
    format!("\nOutputs:\n\n{}", outputs_text(&values))
}

fn output_value(name: &Str, value: &Value) -> OutputValue {
    let sensitive = value.all_marks().contains(Marks::SENSITIVE);
    OutputValue { name: name.clone(), value: value.clone(), sensitive }
}

/// The outputs that the state has.
pub fn output_values(session: &Session) -> Vec<OutputValue> {
    session.snapshot.outputs.iter().map(|(name, output)| output_value(name, &output.marked())).collect()
}

/// One object of the state, or all of them with the outputs behind.
pub fn state_text(session: &Session, only: Option<&Address>) -> Result<String, Failure> {
    let (prior, problems) = prior::decode(&session.snapshot, &session.providers);
    if problems.has_errors() {
        return Err(Failure { diagnostics: problems, sources: session.sources.clone(), code: 1 });
    }
    let notes: HashMap<&Address, &str> = session
        .snapshot
        .rows()
        .iter()
        .filter(|r| r.status == Status::Tainted)
        .map(|r| (&r.address, "tainted"))
        .collect();
    let wanted: Vec<_> = prior.objects.iter().filter(|o| only.is_none_or(|a| *a == o.address)).collect();
    if let (Some(address), true) = (only, wanted.is_empty()) {
        let text = address.to_string();
        let known: Vec<String> = prior.objects.iter().map(|o| o.address.to_string()).collect();
        return Err(Diagnostic::error(format!("the state has no object {text}"))
            .did_you_mean(&text, known.iter().map(String::as_str))
            .help("terrane state list shows all addresses")
            .into());
    }
    let mut texts: Vec<String> = Vec::with_capacity(wanted.len());
    for object in wanted {
        let address = &object.address;
        let schema = Schemas::resource(&*session.providers, address.resource.mode, address.ty());
        let note = notes.get(address).copied().or(object.deposed.as_ref().map(|_| "deposed"));
        texts.push(object_text(address, note, &object.value, schema));
    }
    let mut text = texts.join("\n");
    if only.is_none() {
        let values = output_values(session);
        match (text.is_empty(), values.is_empty()) {
            (true, true) => text.push_str("The state is empty.\n"),
            (_, false) => text.push_str(&format!("\n\nOutputs:\n\n{}", outputs_text(&values))),
            _ => (),
        }
    }
    Ok(text)
}

/// The version of Terraform that readers of JSON output shall take it for.
pub const TERRAFORM_VERSION: &str = "1.11.4";

/// A plan as one line of JSON, with what the state that it was made from says of its objects. Secrets are covered unless
/// they are asked for.
pub fn plan_json(plan: Plan, beside: &Beside, snapshot: &Snapshot, secrets: bool) -> String {
    let plan = if secrets { plan } else { cover_plan(plan) };
    let rows: HashMap<(&Address, Option<&Str>), &Arc<StoredInstance>> =
        snapshot.rows().iter().map(|row| ((&row.address, row.deposed.as_ref()), row)).collect();
    let notes = |change: &Change| {
        let address = change.previous_address.as_ref().unwrap_or(&change.address);
        rows.get(&(address, change.deposed.as_ref())).map_or_else(PriorNote::default, |row| PriorNote {
            depends_on: row.dependencies.iter().map(|d| d.to_string().into()).collect(),
            tainted: row.status == Status::Tainted,
        })
    };
    let find = |address: &Address| beside.schema(address);
    let configuration = configuration_json(&beside.loaded.spec, beside.providers, secrets);
    let context = PlanContext {
        version: TERRAFORM_VERSION,
        timestamp: beside.made_at,
        schemas: Some(&find),
        configuration: Some(&configuration),
        relevant: &relevant_attributes(&beside.loaded.spec, &plan),
        notes: Some(&notes),
    };
    render::json::plan_json(&plan, &context).to_string()
}

/// The state as one line of JSON. Secrets are covered unless they are asked for.
pub fn state_json(session: &Session, secrets: bool) -> Result<String, Failure> {
    let shown = |value: Value| if secrets { value } else { cover(&value) };
    let (prior, problems) = prior::decode(&session.snapshot, &session.providers);
    if problems.has_errors() {
        return Err(Failure { diagnostics: problems, sources: session.sources.clone(), code: 1 });
    }
    let providers = &session.providers;
    let find = |address: &Address| Schemas::resource(&**providers, address.resource.mode, address.ty());
    let objects = prior.objects.into_iter().map(|o| StateObject {
        schema_version: find(&o.address).map_or(0, |s| s.version),
        depends_on: o.dependencies.iter().map(|d| d.to_string().into()).collect(),
        address: o.address,
        deposed: o.deposed,
        provider: o.provider,
        object: shown(o.value),
        tainted: o.tainted,
    });
    let outputs = output_values(session).into_iter().map(|o| OutputValue { value: shown(o.value), ..o });
    Ok(render::json::state_json(objects, &outputs.collect::<Vec<_>>(), TERRAFORM_VERSION).to_string())
}
