//! Whether there is what `-target`, `-exclude` and `-replace` name: a slip there would plan nothing, and look like
//! a success.

use std::collections::BTreeSet;

use super::load::Loaded;
use crate::graph::StaticModuleId;
use crate::model::{Diagnostic, Diagnostics, ModulePath, ResourceAddress};
use crate::plan::Options;
use crate::spec::module::Target;
use crate::state::Snapshot;

/// The names that neither the configuration nor the state has.
pub fn check(options: &Options, loaded: &Loaded, snapshot: &Snapshot) -> Diagnostics {
    let mut problems = Diagnostics::new();
    if options.targets.is_empty() && options.excludes.is_empty() && options.replace.is_empty() {
        return problems;
    }
    let known = Known::new(loaded, snapshot);
    let replaced = options.replace.iter().map(|a| ("-replace", Target::Resource(a.clone())));
    let targets = options.targets.iter().map(|t| ("-target", t.clone()));
    let excludes = options.excludes.iter().map(|t| ("-exclude", t.clone()));
    for (flag, target) in targets.chain(excludes).chain(replaced) {
        problems.extend(known.missing(flag, &target));
    }
    problems
}

/// Blocks, without the keys of instances.
struct Known {
    modules: BTreeSet<String>,
    resources: BTreeSet<String>,
}

impl Known {
    fn new(loaded: &Loaded, snapshot: &Snapshot) -> Known {
        let mut known = Known { modules: BTreeSet::new(), resources: BTreeSet::new() };
        let tree = &loaded.graph.tree;
        for (index, module) in tree.modules.iter().enumerate() {
            known.module(&module.path);
            let definition = tree.definition(&loaded.spec, StaticModuleId(index as u32));
            for resource in &definition.resources {
                known.resource(&ResourceAddress {
                    module: module.path.clone(),
                    mode: resource.mode,
                    ty: resource.ty.clone(),
                    name: resource.name.clone(),
                });
            }
        }
        for row in snapshot.rows() {
            known.module(&row.address.resource.module);
            known.resource(&row.address.resource);
        }
        known
    }

    fn module(&mut self, path: &ModulePath) {
        self.modules.insert(path.without_keys().to_string());
    }

    fn resource(&mut self, address: &ResourceAddress) {
        self.resources.insert(block(address));
    }

    fn missing(&self, flag: &str, target: &Target) -> Option<Diagnostic> {
        let (what, name, all) = match target {
            Target::Module(path) => ("module", path.without_keys().to_string(), &self.modules),
            Target::Resource(address) => ("resource", block(&address.resource), &self.resources),
        };
        let problem = || {
            Diagnostic::error(format!("there is no {what} \"{name}\", which {flag} names"))
                .did_you_mean(&name, all.iter().map(String::as_str))
                .help("neither the configuration nor the state has it")
        };
        (!all.contains(&name)).then(problem)
    }
}

fn block(address: &ResourceAddress) -> String {
    address.without_keys().to_string()
}
