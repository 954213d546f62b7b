//! Cycles: found, and told as the way around with the line of each step.

use petgraph::algo::{kosaraju_scc, toposort};

use super::build::{Graph, NodeId, NodeKind};
use crate::model::{Diagnostic, Diagnostics, Span};
use crate::spec::Spec;

/// One error for each group of blocks that need each other.
pub(super) fn check(spec: &Spec, graph: &Graph) -> Diagnostics {
    cycles(graph).iter().map(|group| report(spec, graph, &shortest_way(graph, group))).collect()
}

/// The groups of nodes that need each other, each sorted.
pub fn cycles(graph: &Graph) -> Vec<Vec<NodeId>> {
    if toposort(&graph.nodes, None).is_ok() {
        return Vec::new();
    }
    let mut groups: Vec<Vec<NodeId>> = kosaraju_scc(&graph.nodes);
    groups.retain(|group| group.len() > 1 || group.first().is_some_and(|n| graph.nodes.contains_edge(*n, *n)));
    groups.iter_mut().for_each(|group| group.sort());
    groups.sort();
    groups
}

/// The shortest way from the first member of the group around to itself.
fn shortest_way(graph: &Graph, group: &[NodeId]) -> Vec<NodeId> {
    use std::collections::{HashMap, VecDeque};
    let Some(start) = group.first().copied() else { return Vec::new() };
    let mut came_from: HashMap<NodeId, NodeId> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        let mut next: Vec<NodeId> = graph.needs(at).collect();
        next.sort();
        for need in next {
            if need == start {
                let mut way = vec![at];
                while let Some(before) = way.last().and_then(|n| came_from.get(n)) {
                    way.push(*before);
                }
                way.reverse();
                return way;
            }
            if group.binary_search(&need).is_ok() && need != start && !came_from.contains_key(&need) {
                came_from.insert(need, at);
                queue.push_back(need);
            }
        }
    }
    group.to_vec()
}

fn report(spec: &Spec, graph: &Graph, way: &[NodeId]) -> Diagnostic {
    let told: Vec<(String, Option<Span>)> =
        way.iter().filter(|n| tells(graph, **n)).map(|n| (name(spec, graph, *n), place(spec, graph, *n))).collect();
    let mut names: Vec<&str> = told.iter().map(|(n, _)| n.as_str()).collect();
    if let Some(first) = names.first().copied() {
        names.push(first);
    }
    let mut diagnostic = match told.len() {
        1 => Diagnostic::error(format!("{} refers to itself", names[0])),
        _ => Diagnostic::error(format!("cycle: {}", names.join(" -> "))),
    };
    for (i, (name, span)) in told.iter().enumerate() {
        let Some(span) = span else { continue };
        let next = names.get(i + 1).copied().unwrap_or_default();
        if diagnostic.span.is_none() {
            diagnostic = diagnostic.at(*span).label(format!("{name} needs {next}"));
        } else {
            diagnostic = diagnostic.related(*span, format!("{name} needs {next}"));
        }
    }
    diagnostic.help("break the cycle: take out one of these references, or move what both need into a third block")
}

/// Expansions and closings are no blocks that a person wrote, except the call itself.
fn tells(graph: &Graph, node: NodeId) -> bool {
    !matches!(graph.nodes[node].kind, NodeKind::Close)
}

/// The block as a person would refer to it.
fn name(spec: &Spec, graph: &Graph, id: NodeId) -> String {
    let node = graph.nodes[id];
    let m = graph.tree.definition(spec, node.module);
    let path = &graph.tree.get(node.module).path;
    let local = match node.kind {
        NodeKind::Expand | NodeKind::Close => return path.to_string(),
        NodeKind::Variable(i) => format!("var.{}", m.variables[i as usize].name),
        NodeKind::Local(i) => format!("local.{}", m.locals[i as usize].name),
        NodeKind::Resource(i) => m.resources[i as usize].local_name(),
        NodeKind::Output(i) => format!("output.{}", m.outputs[i as usize].name),
        NodeKind::Provider(i) => format!("provider.{}", m.providers[i as usize].name),
        NodeKind::Check(i) => format!("check.{}", m.checks[i as usize].name),
    };
    if path.is_root() { local } else { format!("{path}.{local}") }
}

fn place(spec: &Spec, graph: &Graph, id: NodeId) -> Option<Span> {
    let node = graph.nodes[id];
    let m = graph.tree.definition(spec, node.module);
    match node.kind {
        NodeKind::Expand | NodeKind::Close => graph.tree.call(spec, node.module).map(|(_, call)| call.span),
        NodeKind::Variable(i) => {
            let call = graph.tree.call(spec, node.module).map(|(_, call)| call);
            let argument = call.and_then(|c| c.arguments.iter().find(|(_, v, _)| *v == i));
            Some(argument.map_or(m.variables[i as usize].span, |(_, _, value)| value.span()))
        }
        NodeKind::Local(i) => Some(m.locals[i as usize].span),
        NodeKind::Resource(i) => Some(m.resources[i as usize].span),
        NodeKind::Output(i) => Some(m.outputs[i as usize].span),
        NodeKind::Provider(i) => Some(m.providers[i as usize].span),
        NodeKind::Check(i) => Some(m.checks[i as usize].span),
    }
}
