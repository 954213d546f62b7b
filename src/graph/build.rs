//! Builds the graph: nodes for the blocks of every static module, edges for what they refer to.

use std::collections::{BTreeMap, HashMap, HashSet};

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::cycle;
use super::providers::{self, ProviderNode, ProviderUse};
use super::references::{block_references, body_references, import_references, repeat_references, rule_references};
use super::tree::{StaticModuleId, Tree, static_module};
use crate::lang::scope::{Reference, Slot};
use crate::model::{Diagnostic, Diagnostics, ResourceAddress, Span};
use crate::spec::{Module, Spec};

/// Index of a node in the [`Graph`].
pub type NodeId = NodeIndex<u32>;

/// One block of one static module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    pub module: StaticModuleId,
    pub kind: NodeKind,
}

/// Numbers are indexes into the tables of the module's definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// The `count` or `for_each` of the module call.
    Expand,
    Variable(u32),
    Local(u32),
    Resource(u32),
    Output(u32),
    Provider(u32),
    Check(u32),
    /// Follows all resources of the module and of the modules below it; `depends_on = [module.x]` means this.
    Close,
}

/// An edge leads from what is needed to what needs it.
#[derive(Debug)]
pub struct Graph {
    pub tree: Tree,
    pub nodes: DiGraph<Node, (), u32>,
    /// The first node of each static module; nodes of a module stand in the order of [`NodeKind`].
    offsets: Vec<u32>,
    /// The provider of every resource node.
    pub providers: HashMap<NodeId, ProviderUse>,
}

/// Builds the graph of a whole spec. Cycles are errors that show the way and the lines.
pub fn build(spec: &Spec) -> (Graph, Diagnostics) {
    let (tree, mut diagnostics) = Tree::build(spec);
    let mut builder = Builder::new(spec, tree);
    builder.add_nodes();
    for index in 0..builder.graph.tree.modules.len() {
        builder.connect_module(StaticModuleId(index as u32), &mut diagnostics);
    }
    let graph = builder.graph;
    builder.deprecated.into_values().for_each(|warning| diagnostics.push(warning));
    diagnostics.extend(cycle::check(spec, &graph));
    (graph, diagnostics)
}

impl Graph {
    /// The node of a block. The caller takes kind and number from the module's own tables.
    pub fn node(&self, spec: &Spec, module: StaticModuleId, kind: NodeKind) -> NodeId {
        let m = self.tree.definition(spec, module);
        NodeIndex::new(self.offsets[module.index()] as usize + position(m, kind))
    }

    /// The node of the block that an address names, with its module and its number there; keys do not matter.
    pub fn resource(&self, spec: &Spec, address: &ResourceAddress) -> Option<(NodeId, StaticModuleId, u32)> {
        let module = static_module(spec, &self.tree, &address.module)?;
        let index = self.tree.definition(spec, module).names.resource(address)?;
        Some((self.node(spec, module, NodeKind::Resource(index)), module, index))
    }

    pub fn needs(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes.neighbors_directed(node, Direction::Incoming)
    }

    pub fn needed_by(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes.neighbors_directed(node, Direction::Outgoing)
    }
}

/// Where a block stands among the nodes of its module.
fn position(m: &Module, kind: NodeKind) -> usize {
    let after_variables = 1 + m.variables.len();
    let after_locals = after_variables + m.locals.len();
    let after_resources = after_locals + m.resources.len();
    let after_outputs = after_resources + m.outputs.len();
    let after_providers = after_outputs + m.providers.len();
    match kind {
        NodeKind::Expand => 0,
        NodeKind::Variable(i) => 1 + i as usize,
        NodeKind::Local(i) => after_variables + i as usize,
        NodeKind::Resource(i) => after_locals + i as usize,
        NodeKind::Output(i) => after_resources + i as usize,
        NodeKind::Provider(i) => after_outputs + i as usize,
        NodeKind::Check(i) => after_providers + i as usize,
        NodeKind::Close => after_providers + m.checks.len(),
    }
}

struct Builder<'s> {
    spec: &'s Spec,
    graph: Graph,
    /// Edges that are there already.
    edges: HashSet<(NodeId, NodeId)>,
    /// Uses of what is out of use, by place: a module that is called often is told once.
    deprecated: BTreeMap<Span, Diagnostic>,
}

impl<'s> Builder<'s> {
    fn new(spec: &'s Spec, tree: Tree) -> Self {
        let graph = Graph { tree, nodes: DiGraph::default(), offsets: Vec::new(), providers: HashMap::new() };
        Builder { spec, graph, edges: HashSet::new(), deprecated: BTreeMap::new() }
    }

    fn add_nodes(&mut self) {
        for index in 0..self.graph.tree.modules.len() {
            let module = StaticModuleId(index as u32);
            self.graph.offsets.push(self.graph.nodes.node_count() as u32);
            for kind in kinds(self.graph.tree.definition(self.spec, module)) {
                self.graph.nodes.add_node(Node { module, kind });
            }
        }
    }

    fn connect_module(&mut self, module: StaticModuleId, diagnostics: &mut Diagnostics) {
        let spec = self.spec;
        let m = self.graph.tree.definition(spec, module);
        self.connect_call(module);
        for (i, variable) in m.variables.iter().enumerate() {
            let to = self.own(module, NodeKind::Variable(i as u32));
            // A validation looks at its own variable: that is no cycle.
            let own = Slot::Variable(i as u32);
            let others = |found: &mut dyn FnMut(Reference)| {
                rule_references(&variable.validations, &mut |r| {
                    if r.slot != own {
                        found(r)
                    }
                });
            };
            self.within(module, others, to);
        }
        for (i, local) in m.locals.iter().enumerate() {
            let to = self.own(module, NodeKind::Local(i as u32));
            self.within(module, |found| local.value.references(found), to);
        }
        for (i, output) in m.outputs.iter().enumerate() {
            let to = self.own(module, NodeKind::Output(i as u32));
            self.within(module, |found| output.value.references(found), to);
            self.within(module, |found| rule_references(&output.preconditions, found), to);
            self.depend_on(module, &output.depends_on, to);
        }
        for (i, provider) in m.providers.iter().enumerate() {
            let to = self.own(module, NodeKind::Provider(i as u32));
            self.within(module, |found| body_references(&provider.body, found), to);
            if let Some(for_each) = &provider.for_each {
                self.within(module, |found| for_each.references(found), to);
            }
        }
        if module == StaticModuleId::ROOT {
            self.connect_imports(m);
        }
        for i in 0..m.resources.len() {
            self.connect_resource(module, i as u32, diagnostics);
        }
        for (i, check) in m.checks.iter().enumerate() {
            let to = self.own(module, NodeKind::Check(i as u32));
            self.within(module, |found| rule_references(&check.asserts, found), to);
            if let Some(data) = check.data {
                self.edge(self.node(module, NodeKind::Resource(data)), to);
            }
        }
    }

    /// What is imported follows what its import refers to.
    fn connect_imports(&mut self, root: &Module) {
        for import in &root.imports {
            let Some((to, ..)) = self.graph.resource(self.spec, &import.to) else { continue };
            self.within(StaticModuleId::ROOT, |found| import_references(import, found), to);
        }
    }

    /// Everything of a module follows its expansion; its variables follow what the call passes.
    fn connect_call(&mut self, module: StaticModuleId) {
        let close = self.node(module, NodeKind::Close);
        let expand = self.node(module, NodeKind::Expand);
        self.edge(expand, close);
        let Some((parent, _)) = self.graph.tree.get(module).parent else { return };
        self.edge(self.node(parent, NodeKind::Expand), expand);
        let parent_close = self.node(parent, NodeKind::Close);
        self.edge(close, parent_close);
        let Some((_, call)) = self.graph.tree.call(self.spec, module) else { return };
        self.within(parent, |found| repeat_references(&call.repeat, found), expand);
        self.depend_on(parent, &call.depends_on, expand);
        let keys = call.providers.iter().filter_map(|(_, outer)| outer.key.as_ref());
        self.within(parent, |found| keys.for_each(|key| key.references(found)), expand);
        for (_, variable, value) in &call.arguments {
            let to = self.node(module, NodeKind::Variable(*variable));
            self.within(parent, |found| value.references(found), to);
        }
    }

    fn connect_resource(&mut self, module: StaticModuleId, index: u32, diagnostics: &mut Diagnostics) {
        let resource = &self.graph.tree.definition(self.spec, module).resources[index as usize];
        let to = self.own(module, NodeKind::Resource(index));
        self.edge(to, self.node(module, NodeKind::Close));
        self.within(module, |found| block_references(resource, found), to);
        self.depend_on(module, &resource.depends_on, to);
        match providers::resolve(self.spec, &self.graph.tree, module, &resource.provider) {
            Ok(found) => {
                if let ProviderNode::Block { module, index } = &found.node {
                    self.edge(self.node(*module, NodeKind::Provider(*index)), to);
                }
                self.graph.providers.insert(to, found);
            }
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }

    /// The node of a block, ordered after the expansion of its module.
    fn own(&mut self, module: StaticModuleId, kind: NodeKind) -> NodeId {
        let to = self.node(module, kind);
        self.edge(self.node(module, NodeKind::Expand), to);
        to
    }

    fn node(&self, module: StaticModuleId, kind: NodeKind) -> NodeId {
        self.graph.node(self.spec, module, kind)
    }

    /// Edges for the references of expressions that stand in a module.
    fn within(&mut self, module: StaticModuleId, walk: impl FnOnce(&mut dyn FnMut(Reference)), to: NodeId) {
        let mut references = Vec::new();
        walk(&mut |reference| references.push(reference));
        for reference in references {
            self.refer(module, &reference, to);
        }
    }

    fn refer(&mut self, module: StaticModuleId, reference: &Reference, to: NodeId) {
        let kind = match reference.slot {
            Slot::Variable(i) => NodeKind::Variable(i),
            Slot::Local(i) => NodeKind::Local(i),
            Slot::Resource(i) => NodeKind::Resource(i),
            Slot::Module(call) => return self.refer_to_module(module, call, reference, to),
            _ => return,
        };
        self.edge(self.node(module, kind), to);
    }

    /// One output where one is named, else all of them.
    fn refer_to_module(&mut self, module: StaticModuleId, call: u32, reference: &Reference, to: NodeId) {
        let Some(child) = self.graph.tree.get(module).children.get(call as usize).copied() else { return };
        self.edge(self.node(child, NodeKind::Expand), to);
        let m = self.graph.tree.definition(self.spec, child);
        match &reference.output {
            Some(name) => {
                if let Some(output) = m.names.outputs.get(name) {
                    self.edge(self.node(child, NodeKind::Output(*output)), to);
                    if let Some(why) = m.outputs.get(*output as usize).and_then(|o| o.deprecated.as_ref()) {
                        let warning = Diagnostic::warning(format!("output \"{name}\" is deprecated"));
                        let warning = warning.at(reference.span).label(why.to_string());
                        self.deprecated.insert(reference.span, warning);
                    }
                }
            }
            None => {
                for output in 0..m.outputs.len() {
                    self.edge(self.node(child, NodeKind::Output(output as u32)), to);
                }
            }
        }
    }

    /// `depends_on` waits for a whole module where it names one.
    fn depend_on(&mut self, module: StaticModuleId, references: &[Reference], to: NodeId) {
        for reference in references {
            match reference.slot {
                Slot::Module(call) => {
                    if let Some(child) = self.graph.tree.get(module).children.get(call as usize).copied() {
                        self.edge(self.node(child, NodeKind::Close), to);
                    }
                }
                _ => self.refer(module, reference, to),
            }
        }
    }

    fn edge(&mut self, from: NodeId, to: NodeId) {
        if self.edges.insert((from, to)) {
            self.graph.nodes.add_edge(from, to, ());
        }
    }
}

fn kinds(m: &Module) -> impl Iterator<Item = NodeKind> + use<> {
    let count = |n: usize| 0..n as u32;
    std::iter::once(NodeKind::Expand)
        .chain(count(m.variables.len()).map(NodeKind::Variable))
        .chain(count(m.locals.len()).map(NodeKind::Local))
        .chain(count(m.resources.len()).map(NodeKind::Resource))
        .chain(count(m.outputs.len()).map(NodeKind::Output))
        .chain(count(m.providers.len()).map(NodeKind::Provider))
        .chain(count(m.checks.len()).map(NodeKind::Check))
        .chain(std::iter::once(NodeKind::Close))
}
