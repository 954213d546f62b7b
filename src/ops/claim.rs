//! What a plan touches: the rows that its steps write, and those that they are made from.

use std::collections::BTreeSet;

use crate::graph::{Dependencies, NodeKind, StaticModuleId};
use crate::model::ResourceAddress;
use crate::plan::Planned;
use crate::state::scope::RowScope;
use crate::state::{RowKey, Scope, Snapshot};

/// The scope of a plan that was made from a state.
pub fn scope(planned: &Planned, snapshot: &Snapshot) -> Scope {
    let mut rows = RowScope::default();
    let mut blocks = BTreeSet::new();
    for rewrite in &planned.rewrites {
        rows.write(&rewrite.from);
        rows.write(&rewrite.to);
    }
    let changes = planned.plan.changes.iter();
    for change in changes.filter(|c| !c.action.is_noop() || c.previous_address.is_some() || c.importing.is_some()) {
        rows.write(&change.address);
        let before = change.previous_address.as_ref().unwrap_or(&change.address);
        rows.write(before);
        let key = RowKey { address: before.clone(), deposed: change.deposed.clone() };
        snapshot.row(&key).into_iter().flat_map(|row| row.dependencies.iter()).for_each(|needed| rows.read(needed));
        blocks.insert(change.address.resource.without_keys());
    }
    let (spec, graph) = (&planned.world.spec, &planned.world.graph);
    let mut dependencies = Dependencies::default();
    for (index, module) in graph.tree.modules.iter().enumerate() {
        let id = StaticModuleId(index as u32);
        for (i, resource) in graph.tree.definition(spec, id).resources.iter().enumerate() {
            let address = ResourceAddress {
                module: module.path.clone(),
                mode: resource.mode,
                ty: resource.ty.clone(),
                name: resource.name.clone(),
            };
            if blocks.contains(&address) {
                let needed = dependencies.of(spec, graph, graph.node(spec, id, NodeKind::Resource(i as u32)));
                needed.iter().for_each(|needed| rows.read(needed));
            }
        }
    }
    for change in planned.plan.outputs.iter().filter(|o| !o.action.is_noop()) {
        rows.output(&change.name);
        let root = StaticModuleId(0);
        let index = graph.tree.definition(spec, root).outputs.iter().position(|o| o.name == change.name);
        if let Some(i) = index {
            let needed = dependencies.of(spec, graph, graph.node(spec, root, NodeKind::Output(i as u32)));
            needed.iter().for_each(|needed| rows.read(needed));
        }
    }
    rows.scope()
}
