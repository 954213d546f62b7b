//! Which replacements create before they delete: those that say so, and all that these are made from. If a
//! replaced object lives on until its successor is there, what it refers to has to live as long.

use crate::graph::{Graph, NodeKind};
use crate::spec::Spec;

/// For each node of the graph whether it is a resource that is created before its predecessor is deleted.
pub fn propagate(spec: &Spec, graph: &Graph) -> Vec<bool> {
    let mut reached = vec![false; graph.nodes.node_count()];
    let mut open = Vec::new();
    for id in graph.nodes.node_indices() {
        let node = graph.nodes[id];
        let NodeKind::Resource(i) = node.kind else { continue };
        let resource = &graph.tree.definition(spec, node.module).resources[i as usize];
        if resource.lifecycle.create_before_destroy == Some(true) {
            reached[id.index()] = true;
            open.push(id);
        }
    }
    while let Some(id) = open.pop() {
        for need in graph.needs(id) {
            if !reached[need.index()] {
                reached[need.index()] = true;
                open.push(need);
            }
        }
    }
    reached
}
