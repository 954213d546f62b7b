//! The planner's walk: visits the blocks in dependency order, asks the outside in batches, collects changes.
//!
//! A block whose answers are not there yet is parked. When nothing else can be visited, all questions go out
//! at once, and the parked blocks are visited again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::change::{Change, Deferred, Drift, OutputChange, ProviderName};
use super::data::{self, PendingRead};
use super::frame::{Frame, Used};
use super::imports::{Imports, Unconfigured};
use super::index::PriorIndex;
use super::lower::{ChangeWork, lower};
use super::moved::Moves;
use super::outside::{Answer, Outside, Request};
use super::prior::Prior;
use super::refresh::Refreshes;
use super::select::Selection;
use super::work::{Producers, WorkId, WorkList};
use super::world::{ModuleIndex, Repetition, World};
use super::{CheckResult, Plan, PlanMode};
use crate::graph::{Dependencies, Graph, NodeId, NodeKind, StaticModuleId};
use crate::lang::expr::Expr;
use crate::lang::functions::Host;
use crate::model::{Address, Diagnostic, Diagnostics, Fields, ResourceAddress, Str, Value};
use crate::spec::Spec;
use crate::spec::module::Target;

/// What to plan.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub mode: PlanMode,
    /// Whether live objects are read; else the state is taken for true.
    pub refresh: bool,
    pub targets: Vec<Target>,
    pub excludes: Vec<Target>,
    pub replace: Vec<Address>,
    /// Objects that come into the state by name, with the id of each.
    pub imports: Vec<(Address, Str)>,
    /// Whether what is not known yet is left for a later plan; else it is an error.
    pub defer: bool,
    /// Whether objects are imported that have no configuration, so that it can be written.
    pub generating: bool,
    /// Configuration that was written for imported objects.
    pub generated: Vec<(Address, Str)>,
    /// Root variables whose values were not kept with the plan: what stands for them only has their form.
    pub withheld: Vec<Str>,
    /// Values of root variables as they were given; the planner converts and checks them.
    pub inputs: HashMap<Str, Value>,
    pub workspace: Str,
    pub cwd: Str,
}

/// A plan, and the values that applying goes on with.
pub struct Planned {
    pub plan: Plan,
    pub world: World,
    /// Whether the objects that it looks at were read.
    pub refreshed: bool,
    /// What refreshing and moves change in the state, whatever else is done.
    pub rewrites: Vec<Rewrite>,
    /// The data sources that were read, where the state says otherwise or nothing.
    pub reads: Vec<DataObject>,
    /// Data sources of the state that are no more.
    pub unread: Vec<Address>,
    /// Imported objects that have no configuration.
    pub unconfigured: Vec<Unconfigured>,
}

impl Planned {
    /// Whether applying would write the state though there is nothing to do.
    pub fn corrects_state(&self) -> bool {
        !self.rewrites.is_empty() || !self.reads.is_empty() || !self.unread.is_empty()
    }
}

/// A data source's object, as reading gave it.
#[derive(Clone, Debug)]
pub struct DataObject {
    pub address: Address,
    pub provider: ProviderName,
    /// With marks where it is sensitive.
    pub object: Value,
}

/// A row of the state that is not as it should be any more, though its object does not change.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewrite {
    /// Where the state has it.
    pub from: Address,
    pub deposed: Option<Str>,
    /// Where it belongs.
    pub to: Address,
    /// The object as it is now; nothing where it is gone.
    pub object: Option<Value>,
    /// What it depends on, where that changed.
    pub dependencies: Option<Arc<[ResourceAddress]>>,
    /// The provider that it has from now on, where it became one of another type.
    pub provider: Option<ProviderName>,
}

/// Plans. The result is the same for the same input and answers, byte for byte.
pub fn plan(
    spec: Arc<Spec>,
    graph: Arc<Graph>,
    host: Arc<dyn Host + Send + Sync>,
    prior: &Prior,
    options: &Options,
    outside: &mut dyn Outside,
) -> Planned {
    let mut planner = Planner::new(spec, graph, host, prior, options, outside);
    planner.walk(outside);
    planner.plan_orphans(outside);
    planner.import_without_block(outside);
    planner.refuse_lost_imports();
    planner.refuse_lost_replacements();
    planner.tell_what_is_left_out();
    planner.plan_removed_outputs(prior);
    planner.read_checks_again();
    planner.finish()
}

pub(super) struct Planner<'o> {
    pub world: World,
    pub index: PriorIndex,
    pub options: &'o Options,
    pub selection: Selection,
    pub work: WorkList,
    pub changes: Vec<(Change, ChangeWork)>,
    pub deferred: Vec<Deferred>,
    /// What to say of the parts that are left for later, where no later plan could go on.
    pub open: Vec<Diagnostic>,
    pub imports: Imports,
    pub unconfigured: Vec<Unconfigured>,
    pub drift: Vec<Drift>,
    pub outputs: Vec<OutputChange>,
    pub checks: Vec<CheckResult>,
    /// What the data sources of checks shall be that could not be read.
    pub unread_checks: Vec<DataObject>,
    pub diagnostics: Diagnostics,
    pub refreshes: Refreshes,
    pub reads: HashMap<NodeId, Vec<PendingRead>>,
    pub prior_outputs: HashMap<Str, Value>,
    /// Resources whose replacements create before they delete, by node.
    pub create_first: Vec<bool>,
    pub dependencies: Dependencies,
    /// Data sources that were read or will be.
    pub data: Vec<(Address, Option<DataObject>)>,
    requests: Vec<(Request, Ticket)>,
}

/// Whom an answer is for.
pub(super) enum Ticket {
    Refresh { ids: Vec<usize>, is_placed: bool },
    Data { node: NodeId, read: usize },
    Import { address: Address },
}

/// Whether a block is done or waits for answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Visit {
    Done,
    Parked,
}

impl<'o> Planner<'o> {
    fn new(
        spec: Arc<Spec>,
        graph: Arc<Graph>,
        host: Arc<dyn Host + Send + Sync>,
        prior: &Prior,
        options: &'o Options,
        outside: &dyn Outside,
    ) -> Self {
        let moves = Moves::collect(&spec, &graph.tree);
        let mut diagnostics = moves.problems(&spec, &graph.tree);
        let index = PriorIndex::new(prior, &moves, &mut |from, to, object| {
            super::retype::convert(from, to, object, &graph, &spec, outside, &mut diagnostics)
        });
        let selection = Selection::new(&spec, &graph, &index, options);
        let refreshes = Refreshes::new(&spec, &graph, &index);
        let imports = Imports::new(&spec, &graph);
        let create_first = super::create_first::propagate(&spec, &graph);
        let mut world = World::new(spec, graph, host);
        world.workspace = options.workspace.clone();
        world.cwd = options.cwd.clone();
        world.inputs = options.inputs.clone();
        let mut planner = Planner {
            world,
            index,
            options,
            selection,
            work: WorkList::default(),
            changes: Vec::new(),
            deferred: Vec::new(),
            open: Vec::new(),
            imports,
            unconfigured: Vec::new(),
            drift: Vec::new(),
            outputs: Vec::new(),
            checks: Vec::new(),
            unread_checks: Vec::new(),
            diagnostics,
            refreshes,
            reads: HashMap::new(),
            prior_outputs: prior.outputs.iter().cloned().collect(),
            create_first,
            dependencies: Dependencies::default(),
            data: Vec::new(),
            requests: Vec::new(),
        };
        let gate = planner.work.none();
        planner.world.add_module(StaticModuleId::ROOT, None, Repetition::Once, gate);
        planner
    }

    fn walk(&mut self, outside: &mut dyn Outside) {
        let graph = self.world.graph.clone();
        let mut waiting: Vec<usize> = graph.nodes.node_indices().map(|n| graph.needs(n).count()).collect();
        let mut ready: VecDeque<NodeId> = graph.nodes.node_indices().filter(|n| waiting[n.index()] == 0).collect();
        let mut parked: Vec<NodeId> = Vec::new();
        loop {
            while let Some(node) = ready.pop_front() {
                if self.visit(node, outside) == Visit::Parked {
                    parked.push(node);
                    continue;
                }
                for next in graph.needed_by(node) {
                    let left = &mut waiting[next.index()];
                    *left -= 1;
                    if *left == 0 {
                        ready.push_back(next);
                    }
                }
            }
            if parked.is_empty() {
                return;
            }
            self.ask(outside);
            ready.extend(parked.drain(..));
        }
    }

    fn visit(&mut self, node: NodeId, outside: &mut dyn Outside) -> Visit {
        let found = self.world.graph.nodes[node];
        let result = found.module == StaticModuleId::ROOT && matches!(found.kind, NodeKind::Output(_));
        if !self.selection.evaluates(node) || (result && !self.selection.includes_node(node)) {
            return Visit::Done;
        }
        match found.kind {
            NodeKind::Expand => self.expand_module(found.module, outside),
            NodeKind::Resource(i) => return self.visit_resource(node, found.module, i, outside),
            NodeKind::Close => (),
            kind => {
                for module in self.world.by_static[found.module.index()].clone() {
                    match kind {
                        NodeKind::Variable(i) => self.plan_variable(module, i),
                        NodeKind::Local(i) => self.plan_local(module, i),
                        NodeKind::Output(i) => self.plan_output(module, i),
                        NodeKind::Provider(i) => self.plan_provider(module, i, outside),
                        NodeKind::Check(i) => self.plan_check(module, i),
                        _ => (),
                    }
                }
            }
        }
        Visit::Done
    }

    /// Whether the plan is about an object of the state.
    pub fn includes_prior(&self, id: usize) -> bool {
        let address = &self.index.objects[id].object.address;
        self.selection.includes_prior(&self.world.spec, &self.world.graph, id, address)
    }

    pub fn request(&mut self, request: Request, ticket: Ticket) {
        self.requests.push((request, ticket));
    }

    /// Sends all questions out and hands the answers to those who asked.
    pub fn ask(&mut self, outside: &mut dyn Outside) {
        let (requests, tickets): (Vec<_>, Vec<_>) = std::mem::take(&mut self.requests).into_iter().unzip();
        if requests.is_empty() {
            return;
        }
        for (answer, ticket) in outside.answer(requests).into_iter().zip(tickets) {
            match (answer, ticket) {
                (Answer::Refreshed(objects), Ticket::Refresh { ids, is_placed }) => {
                    self.take_refreshed(&ids, objects, is_placed, outside);
                }
                (Answer::Data(result), Ticket::Data { node, read }) => {
                    if let Some(read) = self.reads.get_mut(&node).and_then(|reads| reads.get_mut(read)) {
                        read.answer = Some(result);
                    }
                }
                (Answer::Opened(result), Ticket::Data { node, read }) => {
                    if let Some(read) = self.reads.get_mut(&node).and_then(|reads| reads.get_mut(read)) {
                        read.answer = Some(result);
                    }
                }
                (Answer::Imported(result), Ticket::Import { address }) => self.take_imported(&address, result),
                _ => (),
            }
        }
        self.refreshes.answered();
    }

    /// Evaluates an expression in a module; problems are noted and give nothing.
    pub fn evaluate(
        &mut self,
        module: ModuleIndex,
        repetition: Option<&Repetition>,
        expr: &Expr,
    ) -> (Option<Value>, Vec<WorkId>) {
        let mut frame = Frame::new(&self.world, module);
        if let Some(repetition) = repetition {
            frame = frame.repeated(repetition);
        }
        let result = expr.eval(&frame);
        let used = frame.used();
        let work = self.work_of(used);
        match result {
            Ok(value) => (Some(value), work),
            Err(problems) => {
                self.diagnostics.extend(problems);
                (None, work)
            }
        }
    }

    /// The work that an evaluation used, with one entry for each resource or call that was used as a whole.
    pub fn work_of(&mut self, used: Used) -> Vec<WorkId> {
        let mut work = used.work;
        for (module, resource) in used.whole {
            work.extend_from_slice(&self.whole_producers(module, resource));
        }
        for (module, call) in used.calls {
            work.extend_from_slice(&self.call_producers(module, call));
        }
        work.sort_unstable();
        work.dedup();
        work
    }

    fn whole_producers(&mut self, module: ModuleIndex, resource: u32) -> Producers {
        let cell = &self.world.modules[module as usize].resources[resource as usize];
        if let Some(later) = cell.later {
            return Arc::from([later]);
        }
        if let Some(all) = cell.all.get() {
            return all.clone();
        }
        let mut work: Vec<WorkId> = cell.instances.iter().flat_map(|i| i.producers.iter().copied()).collect();
        work.sort_unstable();
        work.dedup();
        let producers = self.work.producers(work);
        let cell = &self.world.modules[module as usize].resources[resource as usize];
        cell.all.get_or_init(|| producers).clone()
    }

    fn call_producers(&mut self, module: ModuleIndex, call: u32) -> Producers {
        let Some(found) = self.world.call(module, call) else { return self.work.none() };
        if let Some(all) = found.all.get() {
            return all.clone();
        }
        let outputs = found.instances.iter().flat_map(|child| &self.world.instance(*child).outputs);
        let work = outputs.flat_map(|o| o.producers.iter().copied()).collect();
        let producers = self.work.producers(work);
        match self.world.call(module, call) {
            Some(found) => found.all.get_or_init(|| producers).clone(),
            None => producers,
        }
    }

    pub fn provider_name(&self, node: NodeId, outside: &dyn Outside) -> ProviderName {
        match self.world.graph.providers.get(&node) {
            Some(found) => ProviderName {
                name: found.name.clone(),
                source: outside.provider_source(&found.name),
                alias: found.alias.clone(),
                module: match &found.node {
                    crate::graph::ProviderNode::Block { module, .. } => self.world.graph.tree.get(*module).path.clone(),
                    crate::graph::ProviderNode::Implicit | crate::graph::ProviderNode::Gone => {
                        crate::model::ModulePath::root()
                    }
                },
                key: None,
            },
            None => ProviderName {
                name: "".into(),
                source: "".into(),
                alias: None,
                module: crate::model::ModulePath::root(),
                key: None,
            },
        }
    }

    fn finish(mut self) -> Planned {
        let variables = self.root_variables();
        let refreshed = self.options.refresh;
        let (changes, steps, problems) = lower(std::mem::take(&mut self.changes), self.work);
        self.diagnostics.extend(problems);
        self.deferred.sort_by(|a, b| a.address.cmp(&b.address));
        self.drift.sort_by(|a, b| (&a.address, &a.deposed).cmp(&(&b.address, &b.deposed)));
        self.outputs.sort_by(|a, b| a.name.cmp(&b.name));
        self.checks.sort_by(|a, b| a.name.cmp(&b.name));
        let mut plan = Plan {
            mode: self.options.mode,
            changes,
            drift: self.drift,
            outputs: self.outputs,
            steps,
            variables,
            complete: self.deferred.is_empty(),
            deferred: self.deferred,
            checks: self.checks,
            targeted: !self.options.targets.is_empty() || !self.options.excludes.is_empty(),
            diagnostics: self.diagnostics.sorted(),
        };
        if !plan.complete && !plan.has_changes() {
            // Nothing would be known that is not known now.
            plan.diagnostics.extend(self.open);
        }
        let rewrites = self.index.objects.iter().filter_map(rewrite).collect();
        let (reads, unread) = data::changes(self.data, &self.index, &plan);
        Planned { plan, world: self.world, refreshed, rewrites, reads, unread, unconfigured: self.unconfigured }
    }

    fn root_variables(&self) -> Fields {
        let m = self.world.definition(0);
        let cells = &self.world.instance(0).variables;
        let values = m.variables.iter().zip(cells);
        values.map(|(v, c)| (v.name.clone(), c.value.clone().unwrap_or(Value::NULL))).collect()
    }
}

fn rewrite(entry: &super::index::Entry) -> Option<Rewrite> {
    use super::index::Live;
    let unchanged = entry.previous.is_none() && matches!(entry.live, Live::AsStored) && entry.dependencies.is_none();
    (!unchanged).then(|| Rewrite {
        from: entry.previous.clone().unwrap_or_else(|| entry.object.address.clone()),
        deposed: entry.object.deposed.clone(),
        to: entry.object.address.clone(),
        object: entry.value().cloned(),
        dependencies: entry.dependencies.clone(),
        provider: entry.retyped.then(|| entry.object.provider.clone()),
    })
}
