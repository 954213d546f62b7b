//! The values of one run: module instances, the cells of their variables, locals and outputs, and the objects
//! of their resources. Planning fills it; applying goes on with it as unknown values become known.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::graph::{Graph, NodeKind, StaticModuleId};
use crate::lang::functions::Host;
use crate::model::{Address, Diagnostic, Fields, Key, ModulePath, ResourceAddress, Span, Str, Type, Value};
use crate::plan::outside::ProviderInstance;
use crate::plan::work::{Producers, WorkId};
use crate::spec::{Module, Resource, Spec};

/// Index of a module instance in [`World::modules`].
pub type ModuleIndex = u32;

pub struct World {
    pub spec: Arc<Spec>,
    pub graph: Arc<Graph>,
    pub host: Arc<dyn Host + Send + Sync>,
    pub workspace: Str,
    /// The folder that the command was started in, as `path.cwd` shows it.
    pub cwd: Str,
    pub applying: bool,
    pub modules: Vec<ModuleInstance>,
    /// The instances of each static module.
    pub by_static: Vec<Vec<ModuleIndex>>,
    /// The root module's input values as the user gave them, converted.
    pub inputs: HashMap<Str, Value>,
}

/// What tells the instances of one block apart, with their `each` or `count` values.
#[derive(Clone, Debug, Default)]
pub enum Repetition {
    #[default]
    Once,
    Count(u64),
    Each(Str, Value),
    /// Stands for all instances of a block whose number is not known.
    Unknown,
}

impl Repetition {
    pub fn key(&self) -> Option<Key> {
        match self {
            Repetition::Once | Repetition::Unknown => None,
            Repetition::Count(n) => Some(Key::Index(*n)),
            Repetition::Each(name, _) => Some(Key::Name(name.clone())),
        }
    }
}

/// How a block was expanded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RepeatKind {
    #[default]
    Once,
    Count,
    Each,
}

#[derive(Default)]
pub struct ModuleInstance {
    pub of: u32,
    pub path: ModulePath,
    pub parent: Option<ModuleIndex>,
    pub repetition: Repetition,
    pub variables: Vec<Cell>,
    pub locals: Vec<Cell>,
    pub outputs: Vec<Cell>,
    /// The instances of each provider block: one, or one for each key of its `for_each`.
    pub providers: Vec<Vec<ProviderCell>>,
    pub resources: Vec<ResourceCell>,
    pub calls: Vec<Option<Expansion>>,
    /// Work that everything in the module follows: the `depends_on` of its call.
    pub gate: Producers,
}

/// The instances of a module call.
#[derive(Clone, Debug, Default)]
pub struct Expansion {
    pub kind: RepeatKind,
    pub instances: Vec<ModuleIndex>,
    /// Set where the instances are left for a later plan.
    pub later: Option<WorkId>,
    /// All outputs as one value, made when somebody asks for it.
    whole: OnceLock<Value>,
    /// The work of all outputs together, made when somebody waits for it.
    pub all: OnceLock<Producers>,
}

impl Expansion {
    pub fn new(kind: RepeatKind, instances: Vec<ModuleIndex>) -> Self {
        Expansion { kind, instances, ..Expansion::default() }
    }

    /// Instances that only a later plan can know.
    pub fn later(kind: RepeatKind, later: WorkId) -> Self {
        Expansion { later: Some(later), ..Expansion::new(kind, Vec::new()) }
    }
}

/// A value that is computed once, and the work that it follows.
#[derive(Clone, Default)]
pub struct Cell {
    pub value: Option<Value>,
    pub producers: Producers,
}

#[derive(Clone)]
pub struct ProviderCell {
    pub instance: Arc<ProviderInstance>,
    pub repetition: Repetition,
    pub producers: Producers,
}

/// A resource block in one module instance.
#[derive(Default)]
pub struct ResourceCell {
    pub kind: RepeatKind,
    /// Whether the block was expanded; false before its turn and where that failed.
    pub expanded: bool,
    /// Set where the instances are left for a later plan.
    pub later: Option<WorkId>,
    /// By key, so that lookups need no second index.
    pub instances: Vec<InstanceCell>,
    /// All instances as one value, made when somebody asks for it.
    whole: OnceLock<Value>,
    /// The work of all instances together, made when somebody waits for it.
    pub all: OnceLock<Producers>,
}

pub struct InstanceCell {
    pub repetition: Repetition,
    pub value: Value,
    /// The object before an update or replacement; the same as `value` otherwise. Triggers compare the two.
    pub before: Value,
    pub producers: Producers,
}

impl ResourceCell {
    pub fn new(kind: RepeatKind, instances: Vec<InstanceCell>) -> Self {
        ResourceCell { kind, expanded: true, later: None, instances, whole: OnceLock::new(), all: OnceLock::new() }
    }

    /// A block whose instances only a later plan can know.
    pub fn later(kind: RepeatKind, later: WorkId) -> Self {
        ResourceCell { expanded: false, later: Some(later), ..ResourceCell::new(kind, Vec::new()) }
    }

    /// The position of the instance with this key.
    pub fn position(&self, key: Option<&Key>) -> Option<usize> {
        match (key, self.kind) {
            (None, RepeatKind::Once) => (!self.instances.is_empty()).then_some(0),
            (Some(Key::Index(n)), RepeatKind::Count) => usize::try_from(*n).ok().filter(|n| *n < self.instances.len()),
            (Some(Key::Name(name)), RepeatKind::Each) => {
                let by_name = |cell: &InstanceCell| match &cell.repetition {
                    Repetition::Each(n, _) => n.cmp(name),
                    _ => std::cmp::Ordering::Less,
                };
                self.instances.binary_search_by(by_name).ok()
            }
            _ => None,
        }
    }

    /// Replaces an instance's object, as its step ends.
    pub fn set_value(&mut self, position: usize, value: Value) {
        if let Some(instance) = self.instances.get_mut(position) {
            instance.value = value;
            self.whole = OnceLock::new();
        }
    }

    /// The object, the tuple of all or the object of all, by the kind of expansion.
    pub fn whole(&self) -> Value {
        self.whole.get_or_init(|| self.assemble(|i| i.value.clone())).clone()
    }

    /// The same of the objects as they were.
    pub fn whole_before(&self) -> Value {
        self.assemble(|i| i.before.clone())
    }

    fn assemble(&self, value: impl Fn(&InstanceCell) -> Value) -> Value {
        match self.kind {
            RepeatKind::Once => self.instances.first().map_or(Value::NULL, value),
            RepeatKind::Count => Value::tuple(self.instances.iter().map(value).collect()),
            RepeatKind::Each => {
                let named = |i: &InstanceCell| match &i.repetition {
                    Repetition::Each(name, _) => Some((name.clone(), value(i))),
                    _ => None,
                };
                Value::fields(Fields::new(self.instances.iter().filter_map(named).collect()))
            }
        }
    }
}

impl World {
    pub fn new(spec: Arc<Spec>, graph: Arc<Graph>, host: Arc<dyn Host + Send + Sync>) -> World {
        let by_static = vec![Vec::new(); graph.tree.modules.len()];
        World {
            spec,
            graph,
            host,
            workspace: "default".into(),
            cwd: ".".into(),
            applying: false,
            modules: Vec::new(),
            by_static,
            inputs: HashMap::new(),
        }
    }

    /// Adds an instance of a static module with empty cells.
    pub fn add_module(
        &mut self,
        of: StaticModuleId,
        parent: Option<ModuleIndex>,
        repetition: Repetition,
        gate: Producers,
    ) -> ModuleIndex {
        let index = self.modules.len() as ModuleIndex;
        let parent_path = parent.map(|p| self.modules[p as usize].path.clone());
        let name = self.graph.tree.get(of).path.steps().last().map(|s| s.name.clone());
        let path = match (parent_path, name) {
            (Some(up), Some(name)) => up.child(name, repetition.key()),
            _ => ModulePath::root(),
        };
        let m = self.graph.tree.definition(&self.spec, of);
        let instance = ModuleInstance {
            of: of.0,
            path,
            parent,
            repetition,
            variables: vec![Cell::default(); m.variables.len()],
            locals: vec![Cell::default(); m.locals.len()],
            outputs: vec![Cell::default(); m.outputs.len()],
            providers: vec![Vec::new(); m.providers.len()],
            resources: m.resources.iter().map(|_| ResourceCell::default()).collect(),
            calls: vec![None; m.calls.len()],
            gate,
        };
        self.modules.push(instance);
        self.by_static[of.index()].push(index);
        index
    }

    pub fn instance(&self, module: ModuleIndex) -> &ModuleInstance {
        // Module indexes are made by `add_module` alone; instances are never taken away.
        &self.modules[module as usize]
    }

    pub fn definition(&self, module: ModuleIndex) -> &Module {
        self.graph.tree.definition(&self.spec, StaticModuleId(self.instance(module).of))
    }

    pub fn resource_block(&self, module: ModuleIndex, resource: u32) -> &Resource {
        &self.definition(module).resources[resource as usize]
    }

    pub fn resource_address(&self, module: ModuleIndex, resource: u32) -> ResourceAddress {
        let block = self.resource_block(module, resource);
        ResourceAddress {
            module: self.instance(module).path.clone(),
            mode: block.mode,
            ty: block.ty.clone(),
            name: block.name.clone(),
        }
    }

    /// The module instance that a path leads to, where there is one.
    pub fn module_at(&self, path: &ModulePath) -> Option<ModuleIndex> {
        let mut module: ModuleIndex = 0;
        for step in path.steps() {
            let call = *self.definition(module).names.calls.get(&step.name)?;
            let expansion = self.instance(module).calls.get(call as usize)?.as_ref()?;
            module = self.child(expansion, step.key.as_ref())?;
        }
        Some(module)
    }

    /// Where a resource instance's cell is, where there is one.
    pub fn find(&self, address: &Address) -> Option<(ModuleIndex, u32, usize)> {
        let module = self.module_at(&address.resource.module)?;
        let resource = self.definition(module).names.resource(&address.resource)?;
        let position = self.instance(module).resources.get(resource as usize)?.position(address.key.as_ref())?;
        Some((module, resource, position))
    }

    /// The module instance of an expansion with a key.
    pub fn child(&self, expansion: &Expansion, key: Option<&Key>) -> Option<ModuleIndex> {
        match (expansion.kind, key) {
            (RepeatKind::Once, None) => expansion.instances.first().copied(),
            (RepeatKind::Count, Some(Key::Index(n))) => expansion.instances.get(usize::try_from(*n).ok()?).copied(),
            (RepeatKind::Each, Some(Key::Name(_))) => {
                let at =
                    expansion.instances.binary_search_by(|i| self.instance(*i).repetition.key().as_ref().cmp(&key));
                at.ok().map(|i| expansion.instances[i])
            }
            _ => None,
        }
    }

    /// The static modules' node of a kind, for lookups in the graph.
    pub fn node(&self, module: ModuleIndex, kind: NodeKind) -> crate::graph::NodeId {
        self.graph.node(&self.spec, StaticModuleId(self.instance(module).of), kind)
    }

    /// The instances of a module call, once it was expanded.
    pub fn call(&self, module: ModuleIndex, call: u32) -> Option<&Expansion> {
        self.instance(module).calls.get(call as usize)?.as_ref()
    }

    /// All outputs of a module call as one value.
    pub fn call_value(&self, module: ModuleIndex, call: u32) -> Value {
        match self.call(module, call).filter(|e| e.later.is_none()) {
            Some(expansion) => expansion.whole.get_or_init(|| self.assemble(expansion)).clone(),
            None => Value::unknown(Type::Dynamic),
        }
    }

    fn assemble(&self, expansion: &Expansion) -> Value {
        let outputs = |i: &ModuleIndex| {
            let m = self.definition(*i);
            let cells = &self.instance(*i).outputs;
            let value = |c: &Cell| c.value.clone().unwrap_or_else(|| Value::unknown(Type::Dynamic));
            Value::object(m.outputs.iter().zip(cells).map(|(o, c)| (o.name.clone(), value(c))))
        };
        match expansion.kind {
            RepeatKind::Once => expansion.instances.first().map_or(Value::NULL, outputs),
            RepeatKind::Count => Value::tuple(expansion.instances.iter().map(outputs).collect()),
            RepeatKind::Each => {
                Value::object(expansion.instances.iter().filter_map(|i| match &self.instance(*i).repetition {
                    Repetition::Each(name, _) => Some((name.clone(), outputs(i))),
                    _ => None,
                }))
            }
        }
    }

    /// An output of a module instance has another value: its caller puts the outputs together anew.
    pub(super) fn forget_whole(&mut self, module: ModuleIndex) {
        let instance = self.instance(module);
        let (Some(caller), of) = (instance.parent, StaticModuleId(instance.of)) else { return };
        let Some((_, call)) = self.graph.tree.get(of).parent else { return };
        if let Some(Some(expansion)) = self.modules[caller as usize].calls.get_mut(call as usize) {
            (expansion.whole, expansion.all) = (OnceLock::new(), OnceLock::new());
        }
    }
}

/// The repetition of an instance with what is known of its `each.value` by now: a plan may only have known the key.
pub fn current_repetition<'r>(
    world: &World,
    module: ModuleIndex,
    repetition: &'r Repetition,
    repeat: &crate::spec::Repeat,
) -> std::borrow::Cow<'r, Repetition> {
    use std::borrow::Cow;
    let (Repetition::Each(name, value), crate::spec::Repeat::ForEach(expr)) = (repetition, repeat) else {
        return Cow::Borrowed(repetition);
    };
    if !world.applying || value.is_wholly_known() {
        return Cow::Borrowed(repetition);
    }
    let now = expr.eval(&super::frame::Frame::new(world, module)).ok();
    match now.as_ref().and_then(|v| v.attr(name)) {
        Some(value) => Cow::Owned(Repetition::Each(name.clone(), value)),
        None => Cow::Borrowed(repetition),
    }
}

/// An index that matches no instance, as the one who wrote it sees it.
pub fn no_such_instance(what: &str, key: &Key, span: Span) -> Diagnostic {
    Diagnostic::error(format!("{what} has no instance {key}"))
        .at(span)
        .label("no instance has this key")
        .help("look at the count or for_each of the block, or use try() where the instance may be missing")
}
