//! The resources that a block is made from: what its row in the state names, so that deletes keep the order when the
//! configuration is gone.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::build::{Graph, NodeId, NodeKind};
use crate::model::{Mode, ResourceAddress};
use crate::spec::Spec;

/// Finds and remembers the dependencies of resource nodes.
#[derive(Default)]
pub struct Dependencies(HashMap<NodeId, Arc<[ResourceAddress]>>);

impl Dependencies {
    /// The managed resources that a block refers to, directly or through values and data sources; without
    /// instance keys, sorted.
    pub fn of(&mut self, spec: &Spec, graph: &Graph, node: NodeId) -> Arc<[ResourceAddress]> {
        if let Some(known) = self.0.get(&node) {
            return known.clone();
        }
        let found: Arc<[ResourceAddress]> = search(spec, graph, node).into_iter().collect();
        self.0.insert(node, found.clone());
        found
    }
}

fn search(spec: &Spec, graph: &Graph, start: NodeId) -> BTreeSet<ResourceAddress> {
    let mut found = BTreeSet::new();
    let mut seen = HashSet::from([start]);
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        for need in graph.needs(id).filter(|n| seen.insert(*n)) {
            let node = graph.nodes[need];
            if let NodeKind::Resource(i) = node.kind {
                let resource = &graph.tree.definition(spec, node.module).resources[i as usize];
                if resource.mode == Mode::Managed {
                    found.insert(ResourceAddress {
                        module: graph.tree.get(node.module).path.clone(),
                        mode: resource.mode,
                        ty: resource.ty.clone(),
                        name: resource.name.clone(),
                    });
                    continue;
                }
            }
            open.push(need);
        }
    }
    found
}
