//! `-target` and `-exclude`: which blocks, instances and objects of the state this plan is about.
//!
//! What is planned brings along what it needs, and what is left out takes along what needs it. When everything is
//! destroyed it is the other way round: what is destroyed takes along what needs it, and what stays keeps what it
//! needs.

use std::collections::{HashMap, HashSet};

use super::PlanMode;
use super::index::{PriorId, PriorIndex};
use super::refresh::provider_of_state;
use super::walk::Options;
use crate::graph::{Graph, NodeId, NodeKind, ProviderNode, StaticModuleId, static_module};
use crate::model::{Address, ModulePath, ResourceAddress};
use crate::spec::Spec;
use crate::spec::module::Target;

#[derive(Default)]
pub struct Selection {
    /// Nothing where everything is included.
    chosen: Option<Reach>,
    spared: Reach,
    /// The blocks whose values are needed; nothing where all are.
    evaluated: Option<HashSet<NodeId>>,
    /// Objects of the state that must be destroyed because, as the state has it, they were made from what is.
    dragged: HashSet<PriorId>,
    /// Objects of the state that stay because something that is left out was made from them.
    held: HashSet<PriorId>,
}

impl Selection {
    pub fn new(spec: &Spec, graph: &Graph, index: &PriorIndex, options: &Options) -> Selection {
        let (targets, excludes) = (&options.targets, &options.excludes);
        if targets.is_empty() && excludes.is_empty() {
            return Selection::default();
        }
        let needs = |id: NodeId| graph.needs(id).collect::<Vec<_>>();
        let needed_by = |id: NodeId| graph.needed_by(id).collect::<Vec<_>>();
        let destroying = options.mode == PlanMode::Destroy;
        let mut selection = Selection::default();
        if !targets.is_empty() {
            let mut reach = match destroying {
                true => Reach::new(spec, graph, targets, &needed_by),
                false => Reach::new(spec, graph, targets, &needs),
            };
            let outputs = root_outputs_within(graph, &reach);
            reach.whole.extend(outputs);
            selection.evaluated = Some(closure(reach.nodes().collect(), needs));
            selection.chosen = Some(reach);
        }
        selection.spared = match destroying {
            true => Reach::new(spec, graph, excludes, &needs),
            false => Reach::new(spec, graph, excludes, &needed_by),
        };
        if destroying {
            let outputs = root_outputs_within(graph, &selection.spared);
            selection.spared.whole.extend(outputs);
        }
        // Providers may need what stays, to destroy the rest.
        if !destroying && !excludes.is_empty() {
            let all = selection.evaluated.take().unwrap_or_else(|| graph.nodes.node_indices().collect());
            selection.evaluated = Some(all.into_iter().filter(|n| !selection.spared.whole.contains(n)).collect());
        }
        selection.follow_state(spec, graph, index, destroying);
        selection
    }

    /// Looks at what the state says that objects were made from: their blocks may be gone, or say something else by
    /// now.
    fn follow_state(&mut self, spec: &Spec, graph: &Graph, index: &PriorIndex, destroying: bool) {
        let objects = index.objects.iter().enumerate();
        let included: Vec<bool> =
            index.objects.iter().map(|e| self.includes_object(spec, graph, &e.object.address)).collect();
        if destroying && self.chosen.is_some() {
            let chosen = (0..included.len()).filter(|id| included[*id]).collect();
            self.dragged = made_from(index, chosen);
            let spared = |id: &PriorId| self.spared_object(spec, graph, &index.objects[*id].object.address);
            self.dragged = self.dragged.iter().copied().filter(|id| !spared(id)).collect();
        }
        let spared = objects.filter(|(_, e)| self.spared_object(spec, graph, &e.object.address));
        self.held = sources_of(index, spared.map(|(id, _)| id).collect());
        let Some(evaluated) = &mut self.evaluated else { return };
        let mut providers = HashSet::new();
        for (id, entry) in index.objects.iter().enumerate() {
            if (included[id] || self.dragged.contains(&id)) && providers.insert(&entry.object.provider) {
                let found = provider_of_state(spec, &graph.tree, &entry.object.provider);
                if let ProviderNode::Block { module, index } = found.node {
                    let node = graph.node(spec, module, NodeKind::Provider(index));
                    evaluated.extend(closure(vec![node], |id| graph.needs(id).collect()));
                }
            }
        }
    }

    /// Whether the values of a block are needed.
    pub fn evaluates(&self, node: NodeId) -> bool {
        self.evaluated.as_ref().is_none_or(|all| all.contains(&node))
    }

    /// Whether the plan is about any instance of a block.
    pub fn includes_node(&self, node: NodeId) -> bool {
        self.chosen.as_ref().is_none_or(|reach| reach.touches(node)) && !self.spared.whole.contains(&node)
    }

    pub fn includes_instance(&self, node: NodeId, address: &Address) -> bool {
        self.includes(Some(node), address)
    }

    /// Whether an object of the state is part of the plan.
    pub fn includes_prior(&self, spec: &Spec, graph: &Graph, id: PriorId, address: &Address) -> bool {
        self.dragged.contains(&id) || self.includes_object(spec, graph, address)
    }

    /// Whether an object of the state must stay for the sake of what is left out.
    pub fn holds(&self, id: PriorId) -> bool {
        self.held.contains(&id)
    }

    pub fn includes_object(&self, spec: &Spec, graph: &Graph, address: &Address) -> bool {
        (self.chosen.is_none() && self.spared.targets.is_empty())
            || self.includes(node_of(spec, graph, address), address)
    }

    fn spared_object(&self, spec: &Spec, graph: &Graph, address: &Address) -> bool {
        !self.spared.targets.is_empty() && self.spared.covers(node_of(spec, graph, address), address)
    }

    fn includes(&self, node: Option<NodeId>, address: &Address) -> bool {
        self.chosen.as_ref().is_none_or(|reach| reach.covers(node, address)) && !self.spared.covers(node, address)
    }
}

/// What addresses name, and all that goes along with it.
#[derive(Default)]
struct Reach {
    targets: Vec<Target>,
    /// Blocks that are in it with all their instances.
    whole: HashSet<NodeId>,
    /// Blocks of which only the named instances are.
    named: HashSet<NodeId>,
    /// Blocks inside of a module instance that was named, or in which something was: those in this instance are.
    within: Vec<(ModulePath, HashSet<NodeId>)>,
}

impl Reach {
    fn new(spec: &Spec, graph: &Graph, targets: &[Target], next: &dyn Fn(NodeId) -> Vec<NodeId>) -> Reach {
        let mut reach = Reach { targets: targets.to_vec(), ..Reach::default() };
        for target in targets {
            let start = nodes_of(spec, graph, target);
            let scope = keyed(target);
            let root = static_module(spec, &graph.tree, &scope).filter(|_| !scope.is_root());
            // What is reached without leaving the module instance stays in it.
            let near = match root {
                Some(root) => closure(start.clone(), |id| {
                    next(id).into_iter().filter(|n| is_within(graph, graph.nodes[*n].module, root)).collect()
                }),
                None => start.iter().copied().collect(),
            };
            let far = near.iter().flat_map(|id| next(*id)).filter(|id| !near.contains(id)).collect();
            reach.whole.extend(closure(far, next));
            match (has_key(target), root) {
                (false, _) => reach.whole.extend(start),
                (true, None) => reach.named.extend(start),
                (true, Some(_)) => {
                    let reached = near.into_iter().filter(|id| !start.contains(id)).collect();
                    reach.within.push((scope, reached));
                    reach.named.extend(start);
                }
            }
        }
        reach
    }

    fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        let within = self.within.iter().flat_map(|(_, nodes)| nodes);
        self.whole.iter().chain(&self.named).chain(within).copied()
    }

    fn touches(&self, node: NodeId) -> bool {
        self.whole.contains(&node)
            || self.named.contains(&node)
            || self.within.iter().any(|(_, nodes)| nodes.contains(&node))
    }

    fn covers(&self, node: Option<NodeId>, address: &Address) -> bool {
        let inside = |node: NodeId| {
            let fits = |(scope, nodes): &(ModulePath, HashSet<NodeId>)| {
                nodes.contains(&node) && address.resource.module.lies_in(scope)
            };
            self.whole.contains(&node) || self.within.iter().any(fits)
        };
        self.targets.iter().any(|t| t.covers(address)) || node.is_some_and(inside)
    }
}

/// The way to the innermost module instance that a target names with its key.
fn keyed(target: &Target) -> ModulePath {
    let path = match target {
        Target::Module(path) => path,
        Target::Resource(address) => &address.resource.module,
    };
    let depth = path.steps().iter().rposition(|s| s.key.is_some()).map_or(0, |last| last + 1);
    ModulePath::from_steps(path.steps()[..depth].to_vec())
}

/// Whether a target names some instances only.
fn has_key(target: &Target) -> bool {
    !keyed(target).is_root() || matches!(target, Target::Resource(a) if a.key.is_some())
}

/// The blocks by which others may name an object as what they were made from. The state names them without keys;
/// inside of a module instance its own objects are meant.
fn names(address: &Address) -> impl Iterator<Item = ResourceAddress> + '_ {
    let steps = address.resource.module.steps();
    (0..=steps.len()).map(move |keyed| {
        let bare = ModulePath::from_steps(steps[keyed..].to_vec()).without_keys();
        let module = ModulePath::from_steps([&steps[..keyed], bare.steps()].concat());
        ResourceAddress { module, ..address.resource.clone() }
    })
}

/// The blocks that an object was made from, with the keys of the modules around it.
fn sources(index: &PriorIndex, id: PriorId) -> impl Iterator<Item = ResourceAddress> + '_ {
    let object = &index.objects[id].object;
    let around = object.address.resource.module.steps();
    object.dependencies.iter().map(move |source| {
        let mut steps = source.module.steps().to_vec();
        let shared = steps.iter().zip(around).take_while(|(step, own)| step.name == own.name).count();
        steps.iter_mut().zip(around).take(shared).for_each(|(step, own)| step.key = own.key.clone());
        ResourceAddress { module: ModulePath::from_steps(steps), ..source.clone() }
    })
}

/// The objects that were made from any of these, near and far.
fn made_from(index: &PriorIndex, objects: Vec<PriorId>) -> HashSet<PriorId> {
    let mut users: HashMap<ResourceAddress, Vec<PriorId>> = HashMap::new();
    for id in 0..index.objects.len() {
        sources(index, id).for_each(|source| users.entry(source).or_default().push(id));
    }
    let mut found = HashSet::new();
    let mut open = objects;
    while let Some(id) = open.pop() {
        for name in names(&index.objects[id].object.address) {
            open.extend(users.remove(&name).unwrap_or_default().into_iter().filter(|user| found.insert(*user)));
        }
    }
    found
}

/// The objects that these were made from, near and far.
fn sources_of(index: &PriorIndex, objects: Vec<PriorId>) -> HashSet<PriorId> {
    if objects.is_empty() {
        return HashSet::new();
    }
    let mut named: HashMap<ResourceAddress, Vec<PriorId>> = HashMap::new();
    for (id, entry) in index.objects.iter().enumerate() {
        names(&entry.object.address).for_each(|name| named.entry(name).or_default().push(id));
    }
    let mut found = HashSet::new();
    let mut open = objects;
    while let Some(id) = open.pop() {
        for source in sources(index, id) {
            open.extend(named.remove(&source).unwrap_or_default().into_iter().filter(|id| found.insert(*id)));
        }
    }
    found
}

fn node_of(spec: &Spec, graph: &Graph, address: &Address) -> Option<NodeId> {
    Some(graph.resource(spec, &address.resource)?.0)
}

/// The blocks that a target names.
fn nodes_of(spec: &Spec, graph: &Graph, target: &Target) -> Vec<NodeId> {
    match target {
        Target::Resource(address) => node_of(spec, graph, address).into_iter().collect(),
        Target::Module(path) => {
            let Some(module) = static_module(spec, &graph.tree, path) else { return Vec::new() };
            graph.nodes.node_indices().filter(|n| is_within(graph, graph.nodes[*n].module, module)).collect()
        }
    }
}

fn is_within(graph: &Graph, mut module: StaticModuleId, ancestor: StaticModuleId) -> bool {
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
fn root_outputs_within(graph: &Graph, reach: &Reach) -> Vec<NodeId> {
    let root_output = |id: &NodeId| {
        let node = graph.nodes[*id];
        node.module == StaticModuleId::ROOT && matches!(node.kind, NodeKind::Output(_))
    };
    let complete = |id: &NodeId| graph.needs(*id).all(|n| reach.touches(n));
    graph.nodes.node_indices().filter(root_output).filter(complete).collect()
}
