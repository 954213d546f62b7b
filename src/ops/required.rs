//! Which providers a configuration and a state need.

use std::collections::BTreeMap;

use crate::model::Str;
use crate::render::json::full_source;
use crate::render::provider_tree::ProviderTree;
use crate::spec::module::{Module, ModuleId, Spec};
use crate::state::Snapshot;

/// The providers of each module, from the root on.
pub fn tree(spec: &Spec) -> ProviderTree {
    branch(spec, ModuleId(0), ".".to_string())
}

fn branch(spec: &Spec, id: ModuleId, name: String) -> ProviderTree {
    let Some(module) = spec.module(id) else {
        return ProviderTree { name, providers: Vec::new(), modules: Vec::new() };
    };
    let mut providers: BTreeMap<String, Option<String>> = BTreeMap::new();
    for local in local_names(module) {
        let required = module.settings.required_providers.iter().find(|r| r.name == local);
        let source = full_source(&local, required.and_then(|r| r.source.as_deref()).unwrap_or(""));
        let version = required.and_then(|r| r.version.as_ref()).map(Str::to_string);
        providers.insert(source, version);
    }
    let modules = module.calls.iter().map(|c| branch(spec, c.module, format!("module.{}", c.name)));
    ProviderTree { name, providers: providers.into_iter().collect(), modules: modules.collect() }
}

/// The local names that a module's blocks use or require.
fn local_names(module: &Module) -> Vec<Str> {
    let required = module.settings.required_providers.iter().map(|r| r.name.clone());
    let configured = module.providers.iter().map(|p| p.name.clone());
    let used = module.resources.iter().map(|r| r.provider.name.clone());
    required.chain(configured).chain(used).collect()
}

/// The sources of all providers of a configuration.
pub fn sources(tree: &ProviderTree) -> Vec<String> {
    let mut all: Vec<String> = tree.providers.iter().map(|(source, _)| source.clone()).collect();
    all.extend(tree.modules.iter().flat_map(sources));
    all.sort();
    all.dedup();
    all
}

/// The sources of the providers that a state has objects of.
pub fn of_state(snapshot: &Snapshot) -> Vec<String> {
    let mut all: Vec<String> = snapshot.rows().iter().map(|r| r.provider.source.to_string()).collect();
    all.sort();
    all.dedup();
    all
}
