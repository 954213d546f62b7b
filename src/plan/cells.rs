//! Variables, locals, outputs and provider configurations: values that are computed once in each module
//! instance.

use std::sync::Arc;

use super::CheckKind;
use super::change::{Action, OutputChange};
use super::conditions::{Judged, Rules};
use super::expand::{Trouble, each};
use super::frame::Frame;
use super::outside::{Outside, ProviderInstance};
use super::prior::Prior;
use super::step::{CellId, CellKind, Ruled, StepKind};
use super::walk::Planner;
use super::work::{Producers, WorkId};
use super::world::{Cell, ModuleIndex, ProviderCell, Repetition, World};
use crate::graph::{ProviderKey, ProviderNode, ProviderUse};
use crate::lang::body_eval;
use crate::lang::convert::convert;
use crate::lang::expr::Expr;
use crate::lang::limits::{too_deep_to_keep, within};
use crate::lang::scope::{Reference, Slot};
use crate::model::equality::equal;
use crate::model::{Diagnostic, Diagnostics, Key, Marks, ModulePath, ProviderAddress, Schema, Span, Str, Type, Value};
use crate::spec::{ProviderConfig, ProviderRef, Variable};

/// Refuses a value that was wrapped or doubled again and again.
pub fn shallow(value: Value, span: Span) -> Result<Value, Diagnostics> {
    within(value, span).map_err(|problem| Diagnostics::from(*problem))
}

/// The value of a variable from what was given: defaults filled in, converted, marked.
pub fn variable_value(variable: &Variable, given: Option<Value>, expr: Option<&Expr>) -> Result<Value, Diagnostic> {
    let null = given.as_ref().is_some_and(Value::is_null);
    let value = match given {
        Some(value) if !(null && !variable.nullable && variable.default.is_some()) => value,
        _ => variable.default.as_ref().and_then(Expr::literal).cloned().unwrap_or(Value::NULL),
    };
    let at = expr.map_or(variable.span, Expr::span);
    let name = &variable.name;
    if value.is_null() && !variable.nullable {
        return Err(Diagnostic::error(format!("variable \"{name}\" must not be null")).at(at));
    }
    let filled = variable.ty.apply_defaults(&value);
    let converted = convert(&filled, &variable.ty.ty).map_err(|e| {
        let place = if e.path.0.is_empty() { String::new() } else { format!(" at {}", e.path) };
        Diagnostic::error(format!("variable \"{name}\" has the wrong type"))
            .at(at)
            .label(format!("{}{place}", if variable.is_hidden() { e.without_value().message } else { e.message }))
            .related(variable.span, format!("\"{name}\" is declared as {}", variable.ty.ty))
    })?;
    let marks = if variable.sensitive { Marks::SENSITIVE } else { Marks::NONE };
    let ephemeral = if variable.ephemeral { Marks::EPHEMERAL } else { Marks::NONE };
    Ok(converted.mark(marks | ephemeral))
}

impl World {
    /// Evaluates a cell anew, with what is known now.
    pub fn evaluate_cell(&self, cell: CellId) -> (Result<Value, Diagnostics>, super::frame::Used) {
        let m = self.definition(cell.module);
        match cell.kind {
            CellKind::Variable(i) => {
                let variable = &m.variables[i as usize];
                let (given, expr, used) = self.argument(cell.module, i);
                let value = given.and_then(|g| Ok(variable_value(variable, g, expr)?));
                (value.and_then(|v| shallow(v, expr.map_or(variable.span, Expr::span))), used)
            }
            CellKind::Local(i) => self.evaluate_in(cell.module, &m.locals[i as usize].value),
            CellKind::Output(i) => {
                let output = &m.outputs[i as usize];
                let (value, used) = self.evaluate_in(cell.module, &output.value);
                let sensitive = |value: &Value| match (output.sensitive, cell.module) {
                    (false, _) => Marks::NONE,
                    (true, 0) => Marks::of_declared(value.all_marks()),
                    (true, _) => Marks::SENSITIVE,
                };
                let ephemeral = if output.ephemeral { Marks::EPHEMERAL } else { Marks::NONE };
                let kept = |value: Value| match too_deep_to_keep(&value, output.value.span()) {
                    Some(problem) if cell.module == 0 => Err(Diagnostics::from(problem)),
                    _ => {
                        let marks = sensitive(&value) | ephemeral;
                        Ok(value.mark(marks))
                    }
                };
                (value.and_then(kept), used)
            }
            CellKind::Provider(_) | CellKind::Check(_) => (Ok(Value::NULL), super::frame::Used::default()),
        }
    }

    fn evaluate_in(&self, module: ModuleIndex, expr: &Expr) -> (Result<Value, Diagnostics>, super::frame::Used) {
        let frame = Frame::new(self, module);
        let value = expr.eval(&frame);
        (value, frame.used())
    }

    /// What the caller passes for a variable; for the root what the user gave.
    #[allow(clippy::type_complexity)]
    fn argument(
        &self,
        module: ModuleIndex,
        variable: u32,
    ) -> (Result<Option<Value>, Diagnostics>, Option<&Expr>, super::frame::Used) {
        let instance = self.instance(module);
        let name = &self.definition(module).variables[variable as usize].name;
        let Some(parent) = instance.parent else {
            return (Ok(self.inputs.get(name).cloned()), None, super::frame::Used::default());
        };
        let of = crate::graph::StaticModuleId(instance.of);
        let call = self.graph.tree.call(&self.spec, of).map(|(_, call)| call);
        let Some((_, _, expr)) = call.and_then(|c| c.arguments.iter().find(|(_, v, _)| *v == variable)) else {
            return (Ok(None), None, super::frame::Used::default());
        };
        let repetition = match call {
            Some(call) => super::world::current_repetition(self, parent, &instance.repetition, &call.repeat),
            None => std::borrow::Cow::Borrowed(&instance.repetition),
        };
        let frame = Frame::new(self, parent).repeated(&repetition);
        let value = expr.eval(&frame);
        (value.map(Some), Some(expr), frame.used())
    }

    pub fn set_cell(&mut self, id: CellId, cell: Cell) {
        if let CellKind::Output(_) = id.kind {
            self.forget_whole(id.module);
        }
        let instance = &mut self.modules[id.module as usize];
        let cells = match id.kind {
            CellKind::Variable(_) => &mut instance.variables,
            CellKind::Local(_) => &mut instance.locals,
            CellKind::Output(_) => &mut instance.outputs,
            CellKind::Provider(_) | CellKind::Check(_) => return,
        };
        let (CellKind::Variable(i)
        | CellKind::Local(i)
        | CellKind::Output(i)
        | CellKind::Provider(i)
        | CellKind::Check(i)) = id.kind;
        if let Some(slot) = cells.get_mut(i as usize) {
            *slot = cell;
        }
    }

    pub fn cell(&self, id: CellId) -> Option<&Cell> {
        let instance = self.instance(id.module);
        match id.kind {
            CellKind::Variable(i) => instance.variables.get(i as usize),
            CellKind::Local(i) => instance.locals.get(i as usize),
            CellKind::Output(i) => instance.outputs.get(i as usize),
            CellKind::Provider(_) | CellKind::Check(_) => None,
        }
    }
}

impl Planner<'_> {
    pub fn plan_variable(&mut self, module: ModuleIndex, i: u32) {
        let value = self.plan_cell(CellId { module, kind: CellKind::Variable(i) });
        let spec = self.world.spec.clone();
        let graph = self.world.graph.clone();
        let of = crate::graph::StaticModuleId(self.world.instance(module).of);
        let variable = &graph.tree.definition(&spec, of).variables[i as usize];
        self.warn_deprecated(module, i, variable);
        if !variable.ephemeral && value.all_marks().contains(Marks::EPHEMERAL) {
            let call = self.world.graph.tree.call(&spec, of).map(|(_, call)| call);
            let given = call.and_then(|c| c.arguments.iter().find(|(_, v, _)| *v == i)).map(|(.., e)| e.span());
            self.diagnostics.push(
                Diagnostic::error(format!("variable \"{}\" cannot take an ephemeral value", variable.name))
                    .at(given.unwrap_or(variable.span))
                    .related(variable.span, "add ephemeral = true here")
                    .help("an ephemeral variable can be used where nothing is stored"),
            );
        }
        if module == 0 && self.options.withheld.contains(&variable.name) {
            return;
        }
        if variable.validations.is_empty() {
            return;
        }
        let rules = &variable.validations;
        let name = &variable.name;
        let judged = self.check_rules(&Rules { rules, ..Rules::of(module, "variable", name) });
        self.note_check(module, CheckKind::Variable, &format!("var.{name}"), &judged);
        self.follow_judgement(CellId { module, kind: CellKind::Variable(i) }, Ruled::Variable(i), judged);
    }

    /// Whoever uses a value whose conditions are not known yet waits until they are judged.
    fn follow_judgement(&mut self, id: CellId, of: Ruled, judged: Judged) {
        let Some(cell) = self.world.cell(id).cloned() else { return };
        let producers = self.judge_later(id.module, of, judged, cell.producers.clone());
        self.world.set_cell(id, Cell { producers, ..cell });
    }

    /// Tells whoever sets a variable that is out of use.
    fn warn_deprecated(&mut self, module: ModuleIndex, i: u32, variable: &Variable) {
        let Some(why) = &variable.deprecated else { return };
        let instance = self.world.instance(module);
        let of = crate::graph::StaticModuleId(instance.of);
        let call = self.world.graph.tree.call(&self.world.spec, of).map(|(_, call)| call);
        let at = match call {
            Some(call) => call.arguments.iter().find(|(_, v, _)| *v == i).map(|(.., e)| e.span()),
            None => self.world.inputs.contains_key(&variable.name).then_some(variable.span),
        };
        // The instances of a module are told once.
        let first = self.world.by_static[of.index()].first() == Some(&module);
        if let (Some(at), true) = (at, first) {
            let warning = Diagnostic::warning(format!("variable \"{}\" is deprecated", variable.name));
            self.diagnostics.push(warning.at(at).label(why.to_string()));
        }
    }

    pub fn plan_local(&mut self, module: ModuleIndex, i: u32) {
        self.plan_cell(CellId { module, kind: CellKind::Local(i) });
    }

    /// Computes a cell and notes what it follows. A value that is not wholly known is computed again by a step.
    fn plan_cell(&mut self, id: CellId) -> Value {
        let (result, used) = self.world.evaluate_cell(id);
        let work = self.work_of(used);
        let value = result.unwrap_or_else(|problems| {
            self.diagnostics.extend(problems);
            Value::unknown(Type::Dynamic)
        });
        let producers = self.cell_producers(id, &value, work);
        self.world.set_cell(id, Cell { value: Some(value.clone()), producers });
        value
    }

    fn cell_producers(&mut self, cell: CellId, value: &Value, work: Vec<WorkId>) -> Producers {
        // What is ephemeral is had anew while applying.
        if value.is_wholly_known() && !value.all_marks().contains(Marks::EPHEMERAL) {
            return self.work.producers(work);
        }
        Arc::from([self.work.add(StepKind::Evaluate { cell }, work)])
    }

    pub fn plan_output(&mut self, module: ModuleIndex, i: u32) {
        let spec = self.world.spec.clone();
        let graph = self.world.graph.clone();
        let of = crate::graph::StaticModuleId(self.world.instance(module).of);
        let output = &graph.tree.definition(&spec, of).outputs[i as usize];
        let rules = &output.preconditions;
        let name = &output.name;
        let judged = self.check_rules(&Rules { rules, ..Rules::of(module, "output", name) });
        let preconditions_hold = judged.holds();
        let id = CellId { module, kind: CellKind::Output(i) };
        let value = self.plan_cell(id);
        if !rules.is_empty() {
            self.note_check(module, CheckKind::Output, &format!("output.{name}"), &judged);
            self.follow_judgement(id, Ruled::Output(i), judged);
        }
        if !output.ephemeral && value.all_marks().contains(Marks::EPHEMERAL) {
            self.diagnostics.push(
                Diagnostic::error(format!("output \"{}\" gives an ephemeral value", output.name))
                    .at(output.value.span())
                    .label("this value is ephemeral")
                    .help(match module {
                        0 => "outputs of the root module are stored: use ephemeralasnull()",
                        _ => "add ephemeral = true to the output, or use ephemeralasnull()",
                    }),
            );
            return;
        }
        if module != 0 || !preconditions_hold {
            return;
        }
        if !output.sensitive && value.all_marks().contains(Marks::SENSITIVE) {
            self.diagnostics.push(
                Diagnostic::error(format!("output \"{}\" shows a sensitive value", output.name))
                    .at(output.value.span())
                    .label("this value is sensitive")
                    .help("add sensitive = true to the output, or use nonsensitive() on what is no secret"),
            );
        }
        let producers = &self.world.instance(0).outputs[i as usize].producers;
        if !value.is_wholly_known() && self.work.is_deferred(producers) {
            // Applying this plan leaves it as it is.
            return self.keep_output(&output.name);
        }
        self.note_output(&output.name.clone(), value, output.sensitive);
    }

    fn keep_output(&mut self, name: &Str) {
        let Some(value) = self.prior_outputs.get(name).cloned() else { return };
        let sensitive = value.unmark().1.contains(Marks::SENSITIVE);
        let (name, before) = (name.clone(), value.clone());
        self.outputs.push(OutputChange { name, action: Action::NoOp, before, after: value, sensitive });
    }

    fn note_output(&mut self, name: &crate::model::Str, after: Value, sensitive: bool) {
        let destroying = self.options.mode == super::PlanMode::Destroy;
        let before = self.prior_outputs.get(name).cloned();
        let was_sensitive = before.as_ref().is_some_and(|b| b.unmark().1.contains(Marks::SENSITIVE));
        let (action, after) = match &before {
            Some(_) if destroying => (Action::Delete, Value::NULL),
            None if destroying => return,
            // A value that is null is no output.
            None if after.is_null() => (Action::NoOp, after),
            None => (Action::Create, after),
            Some(before) if equal(before, &after) && was_sensitive == sensitive => (Action::NoOp, after),
            Some(_) => (Action::Update { changed: Vec::new() }, after),
        };
        let before = before.unwrap_or(Value::NULL);
        // What was secret stays hidden until the change is made.
        let sensitive = sensitive || was_sensitive;
        self.outputs.push(OutputChange { name: name.clone(), action, before, after, sensitive });
    }

    /// Outputs that the state has and the configuration does not.
    pub fn plan_removed_outputs(&mut self, prior: &Prior) {
        if self.options.mode != super::PlanMode::Normal && self.options.mode != super::PlanMode::Destroy {
            return;
        }
        let known = &self.world.definition(0).names.outputs;
        let gone: Vec<_> = prior.outputs.iter().filter(|(name, _)| !known.contains_key(name)).cloned().collect();
        for (name, before) in gone {
            let sensitive = before.unmark().1.contains(Marks::SENSITIVE);
            let after = Value::NULL;
            self.outputs.push(OutputChange { name, action: Action::Delete, before, after, sensitive });
        }
    }

    pub fn plan_provider(&mut self, module: ModuleIndex, i: u32, outside: &dyn Outside) {
        let spec = self.world.spec.clone();
        let graph = self.world.graph.clone();
        let of = crate::graph::StaticModuleId(self.world.instance(module).of);
        let m = graph.tree.definition(&spec, of);
        let block = &m.providers[i as usize];
        let name = crate::graph::real_name(m, &block.name);
        let Some(schema) = outside.provider_schema(&name) else { return };
        let Some(repetitions) = self.provider_repetitions(module, block) else { return };
        let mut cells = Vec::with_capacity(repetitions.len());
        for repetition in repetitions {
            let frame = Frame::new(&self.world, module).repeated(&repetition);
            let (config, problems) = body_eval::evaluate(&block.body, &schema.block, &frame);
            let used = frame.used();
            self.diagnostics.extend(problems);
            let work = self.work_of(used);
            let producers = self.work.producers(work);
            let address = ProviderAddress {
                module: self.world.instance(module).path.clone(),
                name: name.clone(),
                alias: block.alias.clone(),
                key: repetition.key(),
            };
            let instance = Arc::new(ProviderInstance { address, config });
            cells.push(ProviderCell { instance, repetition, producers });
        }
        self.world.modules[module as usize].providers[i as usize] = cells;
    }

    /// The instances of a provider block. They serve whatever is planned, so they must be known.
    fn provider_repetitions(&mut self, module: ModuleIndex, block: &ProviderConfig) -> Option<Vec<Repetition>> {
        let Some(expr) = &block.for_each else { return Some(vec![Repetition::Once]) };
        let (value, _) = self.evaluate(module, None, expr);
        match each(&value?, expr) {
            Ok((_, repetitions)) => Some(repetitions),
            Err(Trouble::Wrong(problem) | Trouble::Unknown(problem)) => {
                self.diagnostics.push(problem);
                None
            }
        }
    }

    /// The work behind `depends_on`: of a resource all its instances, of a module everything in it.
    pub fn depends_on_work(&mut self, module: ModuleIndex, references: &[Reference]) -> Vec<WorkId> {
        let mut work = Vec::new();
        for reference in references {
            match reference.slot {
                Slot::Resource(i) => {
                    let used = super::frame::Used { whole: vec![(module, i)], ..Default::default() };
                    work.extend(self.work_of(used));
                }
                Slot::Module(call) => {
                    let expansion = self.world.instance(module).calls.get(call as usize).cloned().flatten();
                    work.extend(expansion.as_ref().and_then(|e| e.later));
                    for child in expansion.map(|e| e.instances).unwrap_or_default() {
                        work.extend(self.module_work(child));
                    }
                }
                Slot::Variable(i) => {
                    let cell = self.world.instance(module).variables.get(i as usize);
                    work.extend(cell.into_iter().flat_map(|c| c.producers.iter().copied()));
                }
                Slot::Local(i) => {
                    let cell = self.world.instance(module).locals.get(i as usize);
                    work.extend(cell.into_iter().flat_map(|c| c.producers.iter().copied()));
                }
                _ => (),
            }
        }
        let joined = self.work.producers(work);
        joined.to_vec()
    }

    /// All work of a module instance and of those below it.
    fn module_work(&mut self, module: ModuleIndex) -> Vec<WorkId> {
        let mut work = Vec::new();
        let mut open = vec![module];
        while let Some(at) = open.pop() {
            let instance = self.world.instance(at);
            let producers = instance.resources.iter().flat_map(|r| &r.instances).map(|i| &i.producers);
            work.extend(producers.flat_map(|p| p.iter().copied()));
            work.extend(instance.resources.iter().filter_map(|r| r.later));
            work.extend(instance.calls.iter().flatten().filter_map(|e| e.later));
            open.extend(instance.calls.iter().flatten().flat_map(|e| e.instances.iter().copied()));
        }
        work
    }
}

impl World {
    /// The provider that serves a resource in a module instance. Its key must be known.
    pub fn provider_cell(&self, module: ModuleIndex, found: &ProviderUse) -> Option<ProviderCell> {
        let wanted = match &found.key {
            ProviderKey::None => None,
            ProviderKey::Known(key) => Some(key),
            ProviderKey::Block | ProviderKey::Call(..) => return None,
        };
        self.provider_cells(module, found).into_iter().find(|c| c.instance.address.key.as_ref() == wanted)
    }

    /// All instances of the configuration that serves a resource in a module instance.
    pub fn provider_cells(&self, module: ModuleIndex, found: &ProviderUse) -> Vec<ProviderCell> {
        let index = match &found.node {
            ProviderNode::Block { index, .. } => index,
            ProviderNode::Gone => return Vec::new(),
            ProviderNode::Implicit => {
                let address =
                    ProviderAddress { module: ModulePath::root(), name: found.name.clone(), alias: None, key: None };
                let instance = Arc::new(ProviderInstance { address, config: Value::object::<Str>([]) });
                return vec![ProviderCell { instance, repetition: Repetition::Once, producers: Arc::from([]) }];
            }
        };
        let at = self.provider_module(module, found);
        at.and_then(|at| self.instance(at).providers.get(*index as usize)).cloned().unwrap_or_default()
    }

    /// The same use with the key that one instance of a block means.
    pub fn keyed(
        &self,
        module: ModuleIndex,
        found: &ProviderUse,
        block: &ProviderRef,
        repetition: &Repetition,
    ) -> Result<ProviderUse, Diagnostics> {
        let (expr, value) = match &found.key {
            ProviderKey::None | ProviderKey::Known(_) => return Ok(found.clone()),
            ProviderKey::Block => {
                let Some(expr) = &block.key else { return Ok(found.clone()) };
                (expr, expr.eval(&Frame::new(self, module).repeated(repetition))?)
            }
            ProviderKey::Call(of, entry) => {
                let mut at = module;
                while self.instance(at).of != of.0 {
                    let Some(up) = self.instance(at).parent else { return Ok(found.clone()) };
                    at = up;
                }
                let (instance, call) = (self.instance(at), self.graph.tree.call(&self.spec, *of));
                let passed = call.and_then(|(_, call)| call.providers.get(*entry as usize)?.1.key.as_ref());
                let (Some(expr), Some(caller)) = (passed, instance.parent) else { return Ok(found.clone()) };
                (expr, expr.eval(&Frame::new(self, caller).repeated(&instance.repetition))?)
            }
        };
        match value.bare() {
            Value::String(key) => Ok(found.instance(Some(Key::Name(key.clone())))),
            Value::Unknown(_) => Err(Diagnostic::error("the provider's key is only known after apply")
                .at(expr.span())
                .label("which configuration serves an object must be known to plan")
                .into()),
            other => Err(Diagnostic::error(format!("a provider's key is a text, not a {}", other.ty().friendly()))
                .at(expr.span())
                .into()),
        }
    }

    /// The module instance on the way up whose block configures the provider.
    fn provider_module(&self, module: ModuleIndex, found: &ProviderUse) -> Option<ModuleIndex> {
        let ProviderNode::Block { module: of, .. } = &found.node else { return None };
        let mut at = Some(module);
        while let Some(index) = at {
            if self.instance(index).of == of.0 {
                return Some(index);
            }
            at = self.instance(index).parent;
        }
        // An object whose block is gone may have been served from a module that is still there.
        self.by_static.get(of.index())?.first().copied()
    }

    /// The provider with its configuration evaluated anew, everything known.
    pub fn configure_again(
        &self,
        module: ModuleIndex,
        found: &ProviderUse,
        schema: &Schema,
    ) -> Result<Arc<ProviderInstance>, Diagnostics> {
        let missing =
            || Diagnostics::from(Diagnostic::error(format!("the provider \"{}\" is not configured", found.name)));
        let cell = self.provider_cell(module, found).ok_or_else(missing)?;
        let ProviderNode::Block { index, .. } = &found.node else { return Ok(cell.instance) };
        let at = self.provider_module(module, found).ok_or_else(missing)?;
        let block = &self.definition(at).providers[*index as usize];
        let frame = Frame::new(self, at).repeated(&cell.repetition);
        let (config, problems) = body_eval::evaluate(&block.body, &schema.block, &frame);
        if problems.has_errors() {
            return Err(problems);
        }
        if !config.is_wholly_known() {
            return Err(Diagnostic::error(format!(
                "the configuration of the provider \"{}\" is still not known",
                found.name
            ))
            .at(block.span)
            .help("apply what it refers to first, with -target")
            .into());
        }
        Ok(Arc::new(ProviderInstance { address: cell.instance.address.clone(), config }))
    }
}

/// A resource that stands in a repeated block sees its own `each` and `count` only.
pub fn own_repetition(repetition: &Repetition) -> Option<&Repetition> {
    match repetition {
        Repetition::Once => None,
        other => Some(other),
    }
}
