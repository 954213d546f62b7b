//! `show -json` of a state, format 1.0.

use serde_json::{Map, Value as Json, json};

use super::plan::output_value;
use super::tree::{ModuleTree, resource_values};
use crate::model::{Address, Str, Value};
use crate::plan::ProviderName;
use crate::render::outputs::OutputValue;

/// One stored object, as the state's rows give it.
#[derive(Clone, Debug)]
pub struct StateObject {
    pub address: Address,
    /// Set for an object that a replacement left behind.
    pub deposed: Option<Str>,
    pub provider: ProviderName,
    pub schema_version: u64,
    /// With marks where it is sensitive.
    pub object: Value,
    /// Addresses of resources, without instance keys.
    pub depends_on: Vec<Str>,
    pub tainted: bool,
}

/// The state as JSON; objects in the order in which they are given within each module. Holds secrets, as the
/// format does.
pub fn state_json(objects: impl IntoIterator<Item = StateObject>, outputs: &[OutputValue], version: &str) -> Json {
    let mut tree = ModuleTree::default();
    let mut empty = true;
    for object in objects {
        empty = false;
        tree.add(&object.address.resource.module, state_resource(&object));
    }
    let mut json = json!({"format_version": "1.0", "terraform_version": version});
    if empty && outputs.is_empty() {
        // A state with nothing in it has no values, and no version that wrote it.
        return json!({"format_version": "1.0"});
    }
    let mut values = Map::from_iter([("root_module".to_string(), tree.json())]);
    if !outputs.is_empty() {
        let output = |o: &OutputValue| (o.name.to_string(), output_value(&o.value, o.sensitive));
        values.insert("outputs".into(), Json::Object(outputs.iter().map(output).collect()));
    }
    json["values"] = values.into();
    json
}

/// One object with what the state says of it.
pub(super) fn state_resource(object: &StateObject) -> Json {
    let mut entry = resource_values(&object.address, &object.provider, object.schema_version, &object.object);
    if !object.depends_on.is_empty() {
        entry.insert("depends_on".into(), object.depends_on.iter().map(|d| Json::from(&**d)).collect());
    }
    if object.tainted {
        entry.insert("tainted".into(), true.into());
    }
    if let Some(key) = &object.deposed {
        entry.insert("deposed_key".into(), (**key).into());
    }
    Json::Object(entry)
}
