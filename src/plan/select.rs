//! `-target` and `-exclude`: which blocks and instances this plan is about.

use std::collections::HashSet;

use super::world::World;
use crate::graph::{Graph, NodeId, NodeKind, StaticModuleId, static_module};
use crate::model::Address;
use crate::spec::Spec;
use crate::spec::module::Target;

pub struct Selection {
    /// Nothing where everything is included.
    included: Option<HashSet<NodeId>>,
    excluded: HashSet<NodeId>,
    /// Named instances: of the blocks that they belong to, only these (or all but these).
    only: Vec<Address>,
    without: Vec<Address>,
    /// Blocks that are included for the sake of others, with all their instances.
    needed: HashSet<NodeId>,
}

impl Selection {
    pub fn new(spec: &Spec, graph: &Graph, targets: &[Target], excludes: &[Target]) -> Selection {
        let mut selection = Selection {
            included: None,
            excluded: HashSet::new(),
            only: instances(targets),
            without: instances(excludes),
            needed: HashSet::new(),
        };
        if !targets.is_empty() {
            let named: HashSet<NodeId> = targets.iter().flat_map(|t| nodes_of(spec, graph, t)).collect();
            let before = |id: NodeId| graph.needs(id).collect::<Vec<_>>();
            let mut all = closure(named.iter().copied().collect(), before);
            let needed_of = named.iter().flat_map(|n| graph.needs(*n)).collect();
            selection.needed = closure(needed_of, before);
            all.extend(root_outputs_within(graph, &all));
            selection.included = Some(all);
        }
        let named: Vec<NodeId> =
            excludes.iter().filter(|t| !is_instance(t)).flat_map(|t| nodes_of(spec, graph, t)).collect();
        selection.excluded = closure(named, |id| graph.needed_by(id).collect());
        selection
    }

    pub fn includes_node(&self, node: NodeId) -> bool {
        self.included.as_ref().is_none_or(|all| all.contains(&node)) && !self.excluded.contains(&node)
    }

    pub fn includes_instance(&self, node: NodeId, address: &Address) -> bool {
        self.includes_node(node) && self.passes(address, self.needed.contains(&node))
    }

    /// Whether an object of the state is part of the plan.
    pub fn includes_prior(&self, world: &World, address: &Address) -> bool {
        if self.included.is_none() && self.excluded.is_empty() && self.without.is_empty() {
            return true;
        }
        let node = static_module(&world.spec, &world.graph.tree, &address.resource.module).and_then(|module| {
            let m = world.graph.tree.definition(&world.spec, module);
            let name = (address.resource.mode, address.resource.ty.clone(), address.resource.name.clone());
            let index = *m.names.resources.get(&name)?;
            Some(world.graph.node(&world.spec, module, NodeKind::Resource(index)))
        });
        match node {
            Some(node) => self.includes_instance(node, address),
            None => self.included.is_none() && self.passes(address, false) || self.names(address),
        }
    }

    fn passes(&self, address: &Address, needed: bool) -> bool {
        let same_block = |a: &&Address| a.resource == address.resource;
        let chosen = self.only.iter().filter(same_block).any(|a| a.key == address.key);
        let limited = self.only.iter().any(|a| a.resource == address.resource) && !needed;
        let dropped = self.without.iter().filter(same_block).any(|a| a.key == address.key);
        (!limited || chosen) && !dropped
    }

    fn names(&self, address: &Address) -> bool {
        self.only.iter().any(|a| a == address)
    }
}

fn is_instance(target: &Target) -> bool {
    matches!(target, Target::Resource(a) if a.key.is_some())
}

fn instances(targets: &[Target]) -> Vec<Address> {
    let named = |t: &Target| match t {
        Target::Resource(a) if a.key.is_some() => Some(a.clone()),
        _ => None,
    };
    targets.iter().filter_map(named).collect()
}

/// The blocks that a target names.
fn nodes_of(spec: &Spec, graph: &Graph, target: &Target) -> Vec<NodeId> {
    match target {
        Target::Resource(address) => {
            let Some(module) = static_module(spec, &graph.tree, &address.resource.module) else { return Vec::new() };
            let name = (address.resource.mode, address.resource.ty.clone(), address.resource.name.clone());
            let index = graph.tree.definition(spec, module).names.resources.get(&name);
            index.map(|i| graph.node(spec, module, NodeKind::Resource(*i))).into_iter().collect()
        }
        Target::Module(path) => {
            let Some(module) = static_module(spec, &graph.tree, path) else { return Vec::new() };
            graph.nodes.node_indices().filter(|n| within(graph, graph.nodes[*n].module, module)).collect()
        }
    }
}

fn within(graph: &Graph, mut module: StaticModuleId, ancestor: StaticModuleId) -> bool {
    loop {
        if module == ancestor {
            return true;
        }
        match graph.tree.get(module).parent {
            Some((up, _)) => module = up,
            None => return false,
        }
    }
}

fn closure(start: Vec<NodeId>, next: impl Fn(NodeId) -> Vec<NodeId>) -> HashSet<NodeId> {
    let mut seen: HashSet<NodeId> = start.iter().copied().collect();
    let mut open = start;
    while let Some(id) = open.pop() {
        open.extend(next(id).into_iter().filter(|n| seen.insert(*n)));
    }
    seen
}

/// Root outputs that need nothing that is left out.
fn root_outputs_within(graph: &Graph, all: &HashSet<NodeId>) -> Vec<NodeId> {
    let root_output = |id: &NodeId| {
        let node = graph.nodes[*id];
        node.module == StaticModuleId::ROOT && matches!(node.kind, NodeKind::Output(_))
    };
    let complete = |id: &NodeId| graph.needs(*id).all(|n| all.contains(&n));
    graph.nodes.node_indices().filter(root_output).filter(complete).collect()
}
