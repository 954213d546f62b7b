//! Texts of several commands: how an apply ended, objects of the state, outputs.

use std::collections::HashMap;

use super::commands::planning::Beside;
use super::error::Failure;
use crate::apply::{Outcome, Tally};
use crate::model::{Address, Diagnostic, Marks, Str, Value};
use crate::ops::configuration::configuration_json;
use crate::ops::{Session, prior};
use crate::plan::{Counts, Plan, PlanMode};
use crate::render;
use crate::render::human::{apply_summary, destroy_summary};
use crate::render::json::{PlanContext, StateObject};
use crate::render::outputs::{OutputValue, outputs_text};
use crate::render::value_text::object_text;
use crate::spec::Schemas;
use crate::state::Status;

/// The line that scripts match.
fn applied(mode: PlanMode, tally: &Tally) -> String {
    let counts = Counts::from(*tally);
    match mode {
        PlanMode::Destroy => destroy_summary(&counts),
        _ => apply_summary(&counts),
    }
}

/// How an apply ended, and what to do next where it did not end well.
pub fn ended(mode: PlanMode, outcome: &Outcome) -> String {
    if outcome.succeeded() {
        return applied(mode, &outcome.tally);
    }
    let Tally { added, changed, destroyed, .. } = outcome.tally;
    let end = if outcome.interrupted { "stopped" } else { "did not complete" };
    let (mut text, again) = match mode {
        PlanMode::Destroy => (format!("Destroy {end}. Resources: {destroyed} destroyed.\n"), "destroy"),
        _ => (format!("Apply {end}. Resources: {added} added, {changed} changed, {destroyed} destroyed.\n"), "apply"),
    };
    if !outcome.skipped.is_empty() {
        text.push_str("\nNot done:\n");
        for skipped in &outcome.skipped {
            match &skipped.because {
                Some(cause) => text.push_str(&format!("  {} (needs {cause})\n", skipped.address)),
                None => text.push_str(&format!("  {}\n", skipped.address)),
            }
        }
    }
    let first = if outcome.diagnostics.has_errors() { "Mend what failed and" } else { "To finish it," };
    text.push_str(&format!("\nWhat was done is in the state. {first} {again} again: it goes on from here."));
    text
}

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
    let of = |(name, output): (&Str, &crate::state::Output)| {
        let marks = if output.sensitive { Marks::SENSITIVE } else { Marks::NONE };
        output_value(name, &output.value.clone().mark(marks))
    };
    session.snapshot.outputs.iter().map(of).collect()
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

/// The version of the format's readers that JSON output is made for.
pub const FORMAT_VERSION: &str = "1.11.4";

/// A plan as one line of JSON.
pub fn plan_json(plan: &Plan, beside: &Beside) -> String {
    let find = |address: &Address| beside.schema(address);
    let configuration = configuration_json(&beside.loaded.spec, beside.providers);
    let context = PlanContext {
        version: FORMAT_VERSION,
        timestamp: beside.made_at,
        schemas: Some(&find),
        configuration: Some(&configuration),
    };
    render::json::plan_json(plan, &context).to_string()
}

/// The state as one line of JSON.
pub fn state_json(session: &Session) -> Result<String, Failure> {
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
        object: o.value,
        tainted: o.tainted,
    });
    Ok(render::json::state_json(objects, &output_values(session), FORMAT_VERSION).to_string())
}
