//! Imports: objects that exist and come into the state, by `import` blocks or by name.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::PlanMode;
use super::change::Importing;
use super::expand::{Expanded, each};
use super::outside::{Imported, Named, Request};
use super::walk::{Planner, Ticket};
use super::world::{ModuleIndex, Repetition};
use crate::graph::{Graph, NodeId, NodeKind, ProviderUse, static_module};
use crate::lang::convert::convert;
use crate::lang::expr::Expr;
use crate::model::{
    Address, Diagnostic, Key, Marks, Mode, ModulePath, ModuleStep, ResourceAddress, Span, Str, Type, Value,
};
use crate::spec::{Import, Spec};

/// What is to be imported, and what came of it.
#[derive(Default)]
pub(super) struct Imports {
    /// The import blocks of each resource block.
    by_node: HashMap<NodeId, Vec<usize>>,
    /// Import blocks whose target has no block.
    without_block: Vec<usize>,
    wanted: BTreeMap<Address, Wanted>,
    asked: HashSet<NodeId>,
    /// Blocks and instances whose import waits for a value that is not known.
    later: HashSet<ResourceAddress>,
}

struct Wanted {
    named: Named,
    span: Option<Span>,
    answer: Option<Result<Imported, Diagnostic>>,
    /// Whether a planned instance, or an object that is in the state, stands at the address.
    met: bool,
}

/// An object that was imported for an address without configuration.
pub struct Unconfigured {
    pub address: Address,
    pub id: Str,
    pub object: Value,
    /// The short name of the provider and the alias of the configuration that found it.
    pub provider: (Str, Option<Str>),
}

impl Imports {
    pub fn new(spec: &Spec, graph: &Graph) -> Imports {
        let mut imports = Imports::default();
        for (number, import) in spec.root().map_or(&[][..], |m| &m.imports).iter().enumerate() {
            match node_of(spec, graph, &import.to) {
                Some(node) => imports.by_node.entry(node).or_default().push(number),
                None => imports.without_block.push(number),
            }
        }
        imports
    }
}

/// The node of the block that an address belongs to.
fn node_of(spec: &Spec, graph: &Graph, address: &ResourceAddress) -> Option<NodeId> {
    Some(graph.resource(spec, address)?.0)
}

impl Planner<'_> {
    /// Asks for the objects that are to be imported into a block. Gives whether answers are waited for.
    pub fn start_imports(&mut self, node: NodeId, found: &ProviderUse, block: &ResourceAddress) -> bool {
        if self.options.mode == PlanMode::Destroy || !self.imports.asked.insert(node) {
            return false;
        }
        let numbers = self.imports.by_node.get(&node).cloned().unwrap_or_default();
        if self.options.mode == PlanMode::Normal {
            let spec = self.world.spec.clone();
            for import in numbers.iter().filter_map(|n| spec.root()?.imports.get(*n)) {
                self.want_block(import);
            }
        }
        let (spec, graph) = (self.world.spec.clone(), self.world.graph.clone());
        for (address, id) in self.options.imports.clone() {
            if node_of(&spec, &graph, &address.resource) != Some(node) {
                continue;
            }
            if self.index.get(&address).is_some() {
                let problem = Diagnostic::error(format!("{address} is in the state already"))
                    .address(address)
                    .help("an address holds one object: take the other out of the state first");
                self.diagnostics.push(problem);
            } else {
                self.want(address, Named::Id(id), None);
            }
        }
        self.ask_imports(block, found)
    }

    /// Requests for what is wanted in a block and not in the state.
    fn ask_imports(&mut self, block: &ResourceAddress, found: &ProviderUse) -> bool {
        let same = |a: &Address| {
            let r = &a.resource;
            r.module.without_keys() == block.module && (r.mode, &r.ty, &r.name) == (block.mode, &block.ty, &block.name)
        };
        let open: Vec<Address> = self.imports.wanted.keys().filter(|a| same(a)).cloned().collect();
        let mut waiting = false;
        for address in open {
            if self.index.get(&address).is_some() {
                self.meet(&address);
                continue;
            }
            let Some(module) = self.module_of(&address.resource.module) else { continue };
            let Some(provider) = self.import_provider(module, found, &address) else { continue };
            let Some(wanted) = self.imports.wanted.get(&address) else { continue };
            let request =
                Request::Import { provider: provider.instance, address: address.clone(), named: wanted.named.clone() };
            self.request(request, Ticket::Import { address });
            waiting = true;
        }
        waiting
    }

    /// The configuration that finds an object; of a provider with `for_each` the one that the address chooses.
    fn import_provider(
        &mut self,
        module: ModuleIndex,
        found: &ProviderUse,
        address: &Address,
    ) -> Option<super::world::ProviderCell> {
        let spec = self.world.spec.clone();
        let block = node_of(&spec, &self.world.graph, &address.resource).map(|n| self.world.graph.nodes[n]);
        let found = match block {
            Some(crate::graph::Node { module: of, kind: NodeKind::Resource(i) }) => {
                let graph = self.world.graph.clone();
                let block = &graph.tree.definition(&spec, of).resources[i as usize];
                let repetition = match &address.key {
                    Some(Key::Name(name)) => Repetition::Each(name.clone(), Value::unknown(Type::Dynamic)),
                    Some(Key::Index(n)) => Repetition::Count(*n),
                    None => Repetition::Once,
                };
                self.world.keyed(module, found, &block.provider, &repetition).ok()?
            }
            _ => found.clone(),
        };
        self.world.provider_cell(module, &found)
    }

    fn meet(&mut self, address: &Address) {
        if let Some(wanted) = self.imports.wanted.get_mut(address) {
            wanted.met = true;
        }
    }

    pub fn take_imported(&mut self, address: &Address, answer: Result<Imported, Diagnostic>) {
        if let Some(wanted) = self.imports.wanted.get_mut(address) {
            wanted.answer = Some(answer);
        }
    }

    /// The object that an instance starts with because it is imported. An import that failed is told here.
    pub fn imported(&mut self, address: &Address) -> Option<(Value, Importing)> {
        let generated = self.options.generated.iter().find(|(a, _)| a == address).map(|(_, text)| text.clone());
        let wanted = self.imports.wanted.get_mut(address)?;
        wanted.met = true;
        match wanted.answer.take()? {
            Ok(Imported { remote_id, object }) => {
                let (id, identity) = match &wanted.named {
                    Named::Id(id) => (id.clone(), None),
                    Named::Identity(identity) => (remote_id.clone(), Some(identity.clone())),
                };
                Some((object, Importing { id, remote_id, identity, generated }))
            }
            Err(problem) => {
                let span = wanted.span;
                self.diagnostics.push(Diagnostic { span: problem.span.or(span), ..problem });
                None
            }
        }
    }

    /// Whether the instance waits for the id of an import.
    pub fn waits_for_import(&self, address: &Address) -> bool {
        let later = &self.imports.later;
        if later.is_empty() || self.index.get(address).is_some() {
            return false;
        }
        later.contains(&address.resource.without_keys())
    }

    /// Evaluates an import block and notes what it wants.
    fn want_block(&mut self, import: &Import) {
        let repetitions = match &import.for_each {
            None => vec![Repetition::Once],
            Some(expr) => match self.repetitions(0, expr, each).0 {
                Expanded::Instances(_, repetitions) => repetitions,
                Expanded::Later(_) => return self.import_later(import),
                Expanded::Nothing => return,
            },
        };
        for repetition in repetitions {
            let Some(named) = self.import_name(import, &repetition) else { continue };
            if let Some(address) = self.import_address(import, &repetition) {
                self.want(address, named, Some(import.span));
            }
        }
    }

    fn import_later(&mut self, import: &Import) {
        self.imports.later.insert(import.to.without_keys());
    }

    fn want(&mut self, address: Address, named: Named, span: Option<Span>) {
        let twin = self.imports.wanted.get(&address).filter(|w| w.named != named || w.span != span);
        if let Some(twin) = twin {
            let error = Diagnostic::error(format!("{address} is imported twice")).at(span).address(address.clone());
            let error = match twin.span {
                Some(first) => error.related(first, "the other import"),
                None => error,
            };
            return self.diagnostics.push(error.help("an instance is imported by one import block"));
        }
        self.imports.wanted.insert(address, Wanted { named, span, answer: None, met: false });
    }

    /// What an import block calls its object; nothing where that is wrong or not known.
    fn import_name(&mut self, import: &Import, repetition: &Repetition) -> Option<Named> {
        let (expr, argument) = match (&import.id, &import.identity) {
            (Some(id), _) => (id, "id"),
            (None, Some(identity)) => (identity, "identity"),
            (None, None) => return None,
        };
        let value = self.import_value(import, expr, argument, repetition)?;
        let wrong = |what: &str| Diagnostic::error(what).at(expr.span());
        if argument == "identity" {
            if value.as_fields().is_none() {
                self.diagnostics.push(wrong("\"identity\" of an import must be an object"));
                return None;
            }
            return Some(Named::Identity(value));
        }
        let text = convert(&value, &Type::String).ok().and_then(|v| v.as_str().cloned());
        match text {
            Some(id) if !id.is_empty() => Some(Named::Id(id)),
            Some(_) => {
                self.diagnostics.push(wrong("\"id\" of an import is empty"));
                None
            }
            None => {
                self.diagnostics.push(wrong("\"id\" of an import must be a text").label(match value.is_null() {
                    true => "this is null".to_string(),
                    false => format!("this is a {}", value.ty().friendly()),
                }));
                None
            }
        }
    }

    /// A value that must be known and no secret.
    fn import_value(&mut self, import: &Import, expr: &Expr, argument: &str, repetition: &Repetition) -> Option<Value> {
        let (value, _) = self.evaluate(0, Some(repetition), expr);
        let (bare, marks) = value?.unmark_deep();
        let problem = |what: &str| Diagnostic::error(format!("\"{argument}\" of an import {what}")).at(expr.span());
        if marks.contains(Marks::SENSITIVE) {
            self.diagnostics.push(
                problem("is sensitive")
                    .label("ids are shown in every output")
                    .help("use nonsensitive() where it is no secret"),
            );
            return None;
        }
        if marks.contains(Marks::EPHEMERAL) {
            self.diagnostics.push(problem("is ephemeral").label("what is imported is part of the plan"));
            return None;
        }
        if bare.is_wholly_known() {
            return Some(bare);
        }
        let unknown = problem("is only known after apply").label("what is imported must be known to plan");
        if !self.options.defer {
            self.diagnostics.push(unknown.help("apply what it depends on first, with -target"));
            return None;
        }
        self.open.push(unknown);
        self.import_later(import);
        None
    }

    fn import_address(&mut self, import: &Import, repetition: &Repetition) -> Option<Address> {
        let mut steps: Vec<ModuleStep> = import.to.module.steps().to_vec();
        for (at, expr) in &import.module_keys {
            let key = self.import_key(import, expr, repetition)?;
            if let Some(step) = steps.get_mut(*at) {
                step.key = Some(key);
            }
        }
        let key = match &import.to_key {
            Some(expr) => Some(self.import_key(import, expr, repetition)?),
            None => None,
        };
        let resource = ResourceAddress { module: ModulePath::from_steps(steps), ..import.to.clone() };
        Some(resource.instance(key))
    }

    fn import_key(&mut self, import: &Import, expr: &Expr, repetition: &Repetition) -> Option<Key> {
        let value = self.import_value(import, expr, "to", repetition)?;
        let number = value.as_number().and_then(crate::model::Number::as_i64).and_then(|n| u64::try_from(n).ok());
        let key = match (&value, number) {
            (Value::String(name), _) => Some(Key::Name(name.clone())),
            (_, Some(n)) => Some(Key::Index(n)),
            _ => None,
        };
        if key.is_none() {
            let error = Diagnostic::error("the key of an instance is a text or a whole number").at(expr.span());
            self.diagnostics.push(error);
        }
        key
    }

    fn module_of(&self, path: &ModulePath) -> Option<ModuleIndex> {
        let of = static_module(&self.world.spec, &self.world.graph.tree, path)?;
        self.world.by_static[of.index()].iter().copied().find(|i| self.world.instance(*i).path == *path)
    }

    /// Imports whose target has no block: asks for the objects, so that configuration can be written for them.
    pub fn import_without_block(&mut self, outside: &mut dyn super::outside::Outside) {
        if self.options.mode == PlanMode::Destroy {
            return;
        }
        let spec = self.world.spec.clone();
        let numbers = std::mem::take(&mut self.imports.without_block);
        let mut providers: HashMap<Address, ProviderUse> = HashMap::new();
        for import in numbers.iter().filter_map(|n| spec.root()?.imports.get(*n)) {
            let before: HashSet<Address> = self.imports.wanted.keys().cloned().collect();
            self.want_block(import);
            let name = import.provider.clone().unwrap_or_else(|| crate::spec::default_provider(&import.to.ty));
            match crate::graph::resolve(&spec, &self.world.graph.tree, crate::graph::StaticModuleId::ROOT, &name) {
                Ok(found) => {
                    let new = self.imports.wanted.keys().filter(|a| !before.contains(*a));
                    providers.extend(new.map(|a| (a.clone(), found.clone())));
                }
                Err(problem) => self.diagnostics.push(problem),
            }
        }
        if self.options.generating {
            self.ask_unconfigured(&providers, outside);
        }
    }

    fn ask_unconfigured(
        &mut self,
        providers: &HashMap<Address, ProviderUse>,
        outside: &mut dyn super::outside::Outside,
    ) {
        let mut addresses: Vec<&Address> = providers.keys().collect();
        addresses.sort();
        for address in &addresses {
            if !address.resource.module.is_root() || address.key.is_some() {
                continue;
            }
            let Some(found) = providers.get(*address) else { continue };
            self.ask_imports(&address.resource, found);
        }
        self.ask(outside);
        for address in addresses {
            let Some(found) = providers.get(address) else { continue };
            if let Some((object, importing)) = self.imported(address) {
                let provider = (found.name.clone(), found.alias.clone());
                self.unconfigured.push(Unconfigured { address: address.clone(), id: importing.id, object, provider });
            }
        }
    }

    /// Imports for which there is no instance.
    pub fn refuse_lost_imports(&mut self) {
        let named = self.options.imports.iter().map(|(a, _)| a);
        let lost: Vec<(Address, Option<Span>)> =
            self.imports.wanted.iter().filter(|(_, w)| !w.met).map(|(a, w)| (a.clone(), w.span)).collect();
        let unknown: Vec<Address> =
            named.filter(|a| !self.imports.wanted.contains_key(*a) && self.index.get(a).is_none()).cloned().collect();
        for (address, span) in lost.into_iter().chain(unknown.into_iter().map(|a| (a, None))) {
            let (spec, graph) = (&self.world.spec, &self.world.graph);
            if self.is_later(&address) || !self.selection.includes_object(spec, graph, &address) {
                continue;
            }
            let block = node_of(&self.world.spec, &self.world.graph, &address.resource);
            let error = Diagnostic::error(format!("there is no configuration of {address}"))
                .at(span)
                .label("what is imported needs a resource block, and an instance of this key in it");
            self.diagnostics.push(match block {
                None if address.resource.module.is_root() && address.resource.mode == Mode::Managed => {
                    error.help(format!(
                        "write resource \"{}\" \"{}\" {{ … }}, or let it be written with \"terrane plan \
                         -generate-config-out=generated.tf\"",
                        address.resource.ty, address.resource.name
                    ))
                }
                None => error.help("write the resource block in the module first"),
                Some(_) => error.help("look at the count or for_each of the block"),
            });
        }
    }
}
