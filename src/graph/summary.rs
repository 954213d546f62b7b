//! The graph as people look at it: fewer nodes, and only the edges that no longer way stands for.

use super::build::{Graph, NodeId, NodeKind};
use super::tree::StaticModuleId;
use crate::spec::Spec;

/// With more nodes than this, edges that a longer way stands for are left in: finding them takes room for every pair.
const MAX_REDUCED: usize = 20_000;

/// Resource blocks, and which of them refer to which, directly or through values.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The static module and the index of the block in it.
    pub blocks: Vec<(StaticModuleId, u32)>,
    /// From what refers to what is referred to, by index of the blocks; sorted.
    pub edges: Vec<(usize, usize)>,
}

/// All resource blocks, data sources among them.
pub fn summary(spec: &Spec, graph: &Graph) -> Summary {
    let mut blocks = Vec::new();
    let mut number: Vec<Option<usize>> = vec![None; graph.nodes.node_count()];
    for (index, _) in graph.tree.modules.iter().enumerate() {
        let module = StaticModuleId(index as u32);
        for i in 0..graph.tree.definition(spec, module).resources.len() as u32 {
            number[graph.node(spec, module, NodeKind::Resource(i)).index()] = Some(blocks.len());
            blocks.push((module, i));
        }
    }
    let mut edges = Vec::new();
    for (from, (module, i)) in blocks.iter().enumerate() {
        let start = graph.node(spec, *module, NodeKind::Resource(*i));
        edges.extend(nearest(graph, start, &number).into_iter().map(|to| (from, to)));
    }
    let edges = reduced(blocks.len(), edges);
    Summary { blocks, edges }
}

/// The first resources on all ways from a node to what it needs.
fn nearest(graph: &Graph, start: NodeId, number: &[Option<usize>]) -> Vec<usize> {
    let mut seen = std::collections::HashSet::from([start]);
    let (mut open, mut found) = (vec![start], Vec::new());
    while let Some(node) = open.pop() {
        for need in graph.needs(node).filter(|n| seen.insert(*n)) {
            match number[need.index()] {
                Some(to) => found.push(to),
                None => open.push(need),
            }
        }
    }
    found
}

/// The edges without those that a longer way stands for, sorted. A graph with a cycle stays as it is.
pub fn reduced(nodes: usize, mut edges: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    edges.sort_unstable();
    edges.dedup();
    let Some(order) = sorted(nodes, &edges).filter(|_| nodes <= MAX_REDUCED) else { return edges };
    let words = nodes.div_ceil(64);
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    edges.iter().for_each(|(from, to)| needs[*from].push(*to));
    let mut place = vec![0; nodes];
    order.iter().enumerate().for_each(|(at, node)| place[*node] = at);
    let mut reach: Vec<Vec<u64>> = vec![Vec::new(); nodes];
    let mut kept = Vec::with_capacity(edges.len());
    // What is needed comes first in the order; the latest of a node's needs may stand for the others.
    for node in order {
        let mut own = vec![0u64; words];
        needs[node].sort_unstable_by_key(|need| std::cmp::Reverse(place[*need]));
        for need in std::mem::take(&mut needs[node]) {
            if own[need / 64] >> (need % 64) & 1 == 1 {
                continue;
            }
            kept.push((node, need));
            own.iter_mut().zip(&reach[need]).for_each(|(a, b)| *a |= b);
            own[need / 64] |= 1 << (need % 64);
        }
        reach[node] = own;
    }
    kept.sort_unstable();
    kept
}

/// The nodes with what each needs before it; nothing where there is a cycle.
fn sorted(nodes: usize, edges: &[(usize, usize)]) -> Option<Vec<usize>> {
    let mut waiting = vec![0usize; nodes];
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (from, to) in edges {
        waiting[*from] += 1;
        users[*to].push(*from);
    }
    let mut order: Vec<usize> = (0..nodes).filter(|n| waiting[*n] == 0).collect();
    let mut at = 0;
    while let Some(node) = order.get(at).copied() {
        at += 1;
        for user in &users[node] {
            waiting[*user] -= 1;
            if waiting[*user] == 0 {
                order.push(*user);
            }
        }
    }
    (order.len() == nodes).then_some(order)
}

#[cfg(test)]
mod tests {
    use super::reduced;

    #[test]
    fn edges_that_a_longer_way_stands_for_are_left_out() {
        let edges = vec![(2, 0), (2, 1), (1, 0), (3, 2), (3, 0), (3, 1), (4, 0)];
        assert_eq!(reduced(5, edges), [(1, 0), (2, 1), (3, 2), (4, 0)]);
        assert_eq!(reduced(2, vec![(0, 1), (1, 0)]), [(0, 1), (1, 0)]);
    }
}
