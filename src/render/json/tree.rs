//! Objects grouped by module instance, as `values` and `planned_values` hold them.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::change::resource_head;
use super::shape;
use crate::model::{Address, ModulePath, ModuleStep, Value};
use crate::plan::ProviderName;

/// A module instance, the objects in it and the instances that it calls.
#[derive(Default)]
pub struct ModuleTree {
    resources: Vec<Json>,
    children: BTreeMap<ModuleStep, ModuleTree>,
}

impl ModuleTree {
    /// Adds an object to its module's instance.
    pub fn add(&mut self, module: &ModulePath, resource: Json) {
        let mut at = self;
        for step in module.steps() {
            at = at.children.entry(step.clone()).or_default();
        }
        at.resources.push(resource);
    }

    /// As `root_module`.
    pub fn json(self) -> Json {
        self.module(ModulePath::root())
    }

    fn module(self, path: ModulePath) -> Json {
        let mut entry = Map::new();
        if !path.is_root() {
            entry.insert("address".into(), path.to_string().into());
        }
        if !self.resources.is_empty() {
            entry.insert("resources".into(), self.resources.into());
        }
        if !self.children.is_empty() {
            let child = |(step, tree): (ModuleStep, ModuleTree)| tree.module(path.child(step.name, step.key));
            entry.insert("child_modules".into(), self.children.into_iter().map(child).collect());
        }
        Json::Object(entry)
    }
}

/// An object with its values and which of them are sensitive.
pub fn resource_values(
    address: &Address,
    provider: &ProviderName,
    schema_version: u64,
    object: &Value,
) -> Map<String, Json> {
    let mut entry = resource_head(address, provider);
    entry.insert("schema_version".into(), schema_version.into());
    if let Some(values) = shape::known(object) {
        entry.insert("values".into(), values);
    }
    entry.insert("sensitive_values".into(), shape::sensitive(object));
    entry
}
