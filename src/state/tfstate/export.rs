//! Writes a state as Terraform's version 4. The same state gives the same bytes, in Terraform's own order.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{OPAQUE, identity, json_text};
use crate::model::{Key, Mode, value_json};
use crate::state::body::{self, write_text};
use crate::state::{Output, Snapshot, Status, StoredInstance, sensitive};

/// The text of a `terraform.tfstate`.
pub fn export(snapshot: &Snapshot) -> String {
    let mut out = String::from("{\"version\":4,\"terraform_version\":");
    write_text(&snapshot.terraform_version, &mut out);
    out.push_str(&format!(",\"serial\":{},\"lineage\":", snapshot.serial));
    write_text(&snapshot.lineage, &mut out);
    out.push_str(",\"outputs\":{");
    separated(snapshot.outputs.iter(), &mut out, |(name, output), out| write_output(name, output, out));
    out.push_str("},\"resources\":[");
    separated(groups(snapshot).into_iter(), &mut out, write_resource);
    out.push_str("],\"check_results\":");
    out.push_str(snapshot.check_results.as_deref().unwrap_or("null"));
    out.push('}');
    let mut text = json_text::pretty(&out);
    text.push('\n');
    text
}

fn separated<T>(items: impl Iterator<Item = T>, out: &mut String, write: impl Fn(T, &mut String)) {
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out);
    }
}

/// The rows of each resource, and of each provider where a resource has several. Terraform sorts resources by
/// the text of the module, in which `module.a[10]` stands before `module.a[2]`.
fn groups(snapshot: &Snapshot) -> Vec<Vec<&StoredInstance>> {
    let mut resources: Vec<_> = snapshot.resources().filter(|(a, _)| a.mode != Mode::Ephemeral).collect();
    resources.sort_by_cached_key(|(a, _)| (a.module.to_string(), a.mode, a.ty.clone(), a.name.clone()));
    let mut groups: Vec<Vec<&StoredInstance>> = Vec::new();
    for (_, rows) in resources {
        let first = groups.len();
        for row in rows {
            let same = groups.iter_mut().skip(first).find(|g| g.first().is_some_and(|f| f.provider == row.provider));
            match same {
                Some(group) => group.push(row),
                None => groups.push(vec![row]),
            }
        }
    }
    groups
}

fn write_output(name: &str, output: &Output, out: &mut String) {
    let ty = output.value.ty();
    write_text(name, out);
    out.push_str(":{\"value\":");
    out.push_str(&body::encode(&output.value, &ty));
    out.push_str(",\"type\":");
    out.push_str(&value_json::type_to_json(&ty).to_string());
    if output.sensitive {
        out.push_str(",\"sensitive\":true");
    }
    // For ourselves: Terraform passes over what it does not know.
    if output.declared {
        out.push_str(",\"declared\":true");
    }
    out.push('}');
}

fn write_resource(rows: Vec<&StoredInstance>, out: &mut String) {
    let Some(first) = rows.first() else { return };
    let address = &first.address.resource;
    out.push('{');
    if !address.module.is_root() {
        out.push_str("\"module\":");
        write_text(&address.module.to_string(), out);
        out.push(',');
    }
    let mode = if address.mode == Mode::Data { "data" } else { "managed" };
    for (name, value) in [
        ("mode", mode),
        ("type", &*address.ty),
        ("name", &*address.name),
        ("provider", first.provider.to_string().as_str()),
    ] {
        write_text(name, out);
        out.push(':');
        write_text(value, out);
        out.push(',');
    }
    out.push_str("\"instances\":[");
    separated(rows.iter(), out, |row, out| write_instance(row, out));
    out.push_str("]}");
}

fn write_instance(row: &StoredInstance, out: &mut String) {
    out.push('{');
    match &row.address.key {
        None => (),
        Some(Key::Index(n)) => out.push_str(&format!("\"index_key\":{n},")),
        Some(Key::Name(name)) => {
            out.push_str("\"index_key\":");
            write_text(name, out);
            out.push(',');
        }
    }
    if row.status == Status::Tainted {
        out.push_str("\"status\":\"tainted\",");
    }
    if let Some(deposed) = &row.deposed {
        out.push_str("\"deposed\":");
        write_text(deposed, out);
        out.push(',');
    }
    out.push_str(&format!("\"schema_version\":{},\"attributes\":{}", row.schema_version, row.attributes));
    out.push_str(",\"sensitive_attributes\":");
    write_sensitive(row, out);
    let parts = row.private.as_deref().map(identity::split);
    if let Some((version, identity)) = parts.as_ref().and_then(|parts| parts.identity.as_ref()) {
        out.push_str(&format!(",\"identity_schema_version\":{version},\"identity\":{identity}"));
    }
    if let Some(private) = parts.and_then(|parts| parts.private) {
        out.push_str(",\"private\":");
        write_text(&private_text(&private), out);
    }
    if !row.dependencies.is_empty() {
        out.push_str(",\"dependencies\":[");
        separated(dependency_names(row).iter(), out, |d, out| write_text(d, out));
        out.push(']');
    }
    if row.create_before_destroy {
        out.push_str(",\"create_before_destroy\":true");
    }
    out.push('}');
}

/// Terraform knows dependencies by what the configuration says: modules without keys.
fn dependency_names(row: &StoredInstance) -> BTreeSet<String> {
    row.dependencies.iter().map(|d| d.without_keys().to_string()).collect()
}

/// With "type" before "value", which is Terraform's order and that of the names.
fn write_sensitive(row: &StoredInstance, out: &mut String) {
    if row.sensitive.is_empty() {
        return out.push_str("[]");
    }
    let json = sensitive::paths_to_json(&row.sensitive);
    let paths = json.as_array().map(Vec::as_slice).unwrap_or_default();
    out.push('[');
    separated(paths.iter(), out, |path, out| {
        out.push('[');
        separated(path.as_array().into_iter().flatten(), out, |step, out| match step.get("value") {
            Some(serde_json::Value::Object(index)) => {
                let part = |name: &str| index.get(name).map(ToString::to_string).unwrap_or_default();
                out.push_str(&format!(
                    "{{\"type\":\"index\",\"value\":{{\"value\":{},\"type\":{}}}}}",
                    part("value"),
                    part("type")
                ));
            }
            _ => out.push_str(&step.to_string()),
        });
        out.push(']');
    });
    out.push(']');
}

/// The base64 of the JSON, or of the bytes that were there when they were not JSON.
fn private_text(private: &str) -> String {
    let json: Option<serde_json::Value> = serde_json::from_str(private).ok();
    match json.as_ref().and_then(|j| j.get(OPAQUE)).and_then(|o| o.as_str()) {
        Some(bytes) => bytes.to_string(),
        None => STANDARD.encode(private),
    }
}
