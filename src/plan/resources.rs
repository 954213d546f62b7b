//! Managed resources: each instance from its block to its change.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use super::PlanMode;
use super::cells::{own_repetition, shallow};
use super::change::{Action, Change, DeferReason, Importing, ProviderName, Reason, ReplaceOrder};
use super::conditions::Rules;
use super::ephemeral::refuse_ephemeral;
use super::expand::Expanded;
use super::frame::Frame;
use super::instance::{Decision, Situation, decide};
use super::lower::ChangeWork;
use super::outside::Outside;
use super::prior::mark_schema;
use super::step::StepKind;
use super::walk::{Planner, Visit};
use super::work::{Producers, WorkId};
use super::world::{InstanceCell, ModuleIndex, ProviderCell, RepeatKind, Repetition, ResourceCell};
use crate::graph::{NodeId, ProviderKey, ProviderUse, StaticModuleId};
use crate::lang::body_eval;
use crate::lang::scope::{Reference, Slot};
use crate::model::{Address, Diagnostic, Diagnostics, Key, Marks, Mode, ResourceAddress, Schema, Value};
use crate::spec::Resource;

/// Whether triggers replace an instance, and the work that they follow.
pub(super) type Triggered = (bool, Producers);

/// What the instances of one block in one module have in common.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub node: NodeId,
    pub module: ModuleIndex,
    pub index: u32,
    pub block: &'a Resource,
    pub address: ResourceAddress,
    pub schema: Arc<Schema>,
    /// Of a provider with `for_each` the one that serves the instance, once that is known.
    pub provider: ProviderCell,
    pub used: &'a ProviderUse,
    pub provider_name: ProviderName,
    /// Work that every instance follows: `depends_on`, the module, the provider's configuration, the number.
    pub gate: Producers,
    /// Whether triggers replace the instances, where it is the same for all of them and known already.
    pub triggered: RefCell<Option<Triggered>>,
}

/// The object that planning an instance starts from.
#[derive(Default)]
struct Start {
    prior: Option<Value>,
    /// Its number in the state.
    prior_id: Option<usize>,
    importing: Option<Importing>,
}

impl Planner<'_> {
    pub fn visit_resource(&mut self, node: NodeId, of: StaticModuleId, index: u32, outside: &mut dyn Outside) -> Visit {
        let (spec, graph) = (self.world.spec.clone(), self.world.graph.clone());
        let block = &graph.tree.definition(&spec, of).resources[index as usize];
        let Some(found) = graph.providers.get(&node) else { return Visit::Done };
        let Some(schema) = outside.schema(&found.name, block.mode, &block.ty) else { return Visit::Done };
        let modules = self.world.by_static[of.index()].clone();
        if block.mode == Mode::Managed {
            let mut waiting = false;
            for module in &modules {
                for provider in self.world.provider_cells(*module, found) {
                    let found = found.instance(provider.instance.address.key.clone());
                    waiting |= self.refresh_provider(&found, &provider.instance, outside);
                }
            }
            let address = self.block_address(of, block);
            waiting |= self.start_imports(node, found, &address);
            if waiting {
                return Visit::Parked;
            }
        } else if self.reads.contains_key(&node) {
            self.finish_reads(node, outside);
            return Visit::Done;
        }
        let mut waiting = false;
        for module in modules {
            let providers = self.world.provider_cells(module, found);
            let Some(provider) = providers.first().cloned() else { continue };
            let (expanded, mut gate) = self.expand(module, &block.repeat);
            if matches!(expanded, Expanded::Nothing) {
                continue;
            }
            gate.extend(self.depends_on_work(module, &block.depends_on));
            gate.extend(self.provisioners_work(module, block));
            gate.extend_from_slice(&self.world.instance(module).gate.clone());
            gate.extend(providers.iter().flat_map(|p| p.producers.iter().copied()));
            let place = Place {
                node,
                module,
                index,
                block,
                address: self.world.resource_address(module, index),
                schema: schema.clone(),
                provider,
                used: found,
                provider_name: self.provider_name(node, outside),
                gate: self.work.producers(gate),
                triggered: RefCell::new(None),
            };
            match (expanded, block.mode) {
                (Expanded::Instances(kind, repetitions), Mode::Managed) => {
                    self.plan_instances(&place, kind, repetitions, outside);
                }
                (Expanded::Instances(kind, repetitions), _) => waiting |= self.start_reads(&place, kind, repetitions),
                (Expanded::Later(kind), _) => self.defer_block(&place, kind),
                (Expanded::Nothing, _) => (),
            }
        }
        if waiting { Visit::Parked } else { Visit::Done }
    }

    /// The place with the provider that serves this instance.
    pub fn served<'a, 'p>(&mut self, place: &'p Place<'a>, repetition: &Repetition) -> Option<Cow<'p, Place<'a>>> {
        if place.used.key == ProviderKey::None {
            return Some(Cow::Borrowed(place));
        }
        let used = match self.world.keyed(place.module, place.used, &place.block.provider, repetition) {
            Ok(used) => used,
            Err(problems) => {
                self.diagnostics.extend(problems);
                return None;
            }
        };
        let Some(provider) = self.world.provider_cell(place.module, &used) else {
            let key = match &used.key {
                ProviderKey::Known(key) => key.to_string(),
                _ => String::new(),
            };
            let alias = used.alias.as_ref().map(|a| format!(".{a}")).unwrap_or_default();
            self.diagnostics.push(
                Diagnostic::error(format!("there is no provider configuration \"{}{alias}{key}\"", used.name))
                    .at(place.block.provider.span.unwrap_or(place.block.span))
                    .address(place.address.instance(repetition.key()))
                    .help("look at the for_each of the provider block"),
            );
            return None;
        };
        let provider_name = ProviderName { key: provider.instance.address.key.clone(), ..place.provider_name.clone() };
        Some(Cow::Owned(Place { provider, provider_name, ..place.clone() }))
    }

    fn plan_instances(&mut self, place: &Place, kind: RepeatKind, repetitions: Vec<Repetition>, outside: &dyn Outside) {
        match kind {
            RepeatKind::Once => self.index.rename_single(&place.address, None),
            RepeatKind::Count => self.index.rename_single(&place.address, Some(Key::Index(0))),
            RepeatKind::Each => (),
        }
        let mut cells = Vec::with_capacity(repetitions.len());
        for repetition in repetitions {
            let cell = match self.options.mode {
                PlanMode::Normal => match self.served(place, &repetition) {
                    Some(place) => self.plan_instance(&place, repetition, cells.len() as u32, outside),
                    None => self.keep_instance(place, repetition, true),
                },
                PlanMode::RefreshOnly => self.keep_instance(place, repetition, true),
                PlanMode::Destroy => self.keep_instance(place, repetition, false),
            };
            cells.push(cell);
        }
        let resource = ResourceCell::new(kind, cells);
        self.world.modules[place.module as usize].resources[place.index as usize] = resource;
    }

    /// Notes what the block of an object refers to, where the state says otherwise: deletes are ordered by it when
    /// the block is gone.
    fn note_dependencies(&mut self, node: NodeId, id: usize) {
        let now = self.dependencies.of(&self.world.spec, &self.world.graph, node);
        let entry = &mut self.index.objects[id];
        entry.dependencies = (entry.object.dependencies != now).then_some(now);
    }

    /// The instance as it is, without a change: its value serves others.
    fn keep_instance(&mut self, place: &Place, repetition: Repetition, claim: bool) -> InstanceCell {
        let address = place.address.instance(repetition.key());
        let id = self.index.get(&address);
        match id {
            Some(id) if claim => self.index.objects[id].claimed = true,
            Some(id) => self.note_dependencies(place.node, id),
            None => (),
        }
        let value = id.and_then(|id| self.index.objects[id].value().cloned());
        let included = self.selection.includes_instance(place.node, &address);
        if let (None, true, Some((value, importing))) = (&value, included, self.imported(&address)) {
            let value = mark_schema(value, &place.schema.block);
            let decision =
                Decision { action: Action::NoOp, reason: None, after: value.clone(), diagnostics: Vec::new() };
            let from = Start { prior: Some(value), importing: Some(importing), ..Start::default() };
            return self.note_change(place, address, repetition, from, decision, Vec::new());
        }
        let value = value.unwrap_or_else(|| Value::unknown(place.schema.block.ty()));
        InstanceCell { repetition, before: value.clone(), value, producers: self.work.none() }
    }

    fn plan_instance(
        &mut self,
        place: &Place,
        repetition: Repetition,
        position: u32,
        outside: &dyn Outside,
    ) -> InstanceCell {
        let address = place.address.instance(repetition.key());
        if !self.selection.includes_instance(place.node, &address) {
            return self.keep_instance(place, repetition, true);
        }
        let prior_id = self.index.get(&address);
        if let Some(id) = prior_id {
            self.index.objects[id].claimed = true;
        }
        let lifecycle = &place.block.lifecycle;
        let own = own_repetition(&repetition);
        let name = address.to_string();
        let rules = &lifecycle.preconditions;
        let judged = self.check_rules(&Rules { repetition: own, rules, ..Rules::of(place.module, "resource", &name) });
        let (config, mut work) = self.evaluate_body(place, own);
        work.extend_from_slice(&place.gate);
        let from = self.start(place, &address, prior_id);
        let prior = from.prior.clone();
        let (Some(config), true) = (config, judged.holds()) else {
            let value = prior.unwrap_or_else(|| Value::unknown(place.schema.block.ty()));
            return InstanceCell { repetition, before: value.clone(), value, producers: self.work.none() };
        };
        let (triggered, behind) = self.triggers(place, own);
        work.extend_from_slice(&behind);
        let create_first = self.create_first.get(place.node.index()).copied().unwrap_or_default();
        let situation = Situation {
            ty: &place.block.ty,
            schema: &place.schema,
            provider: &place.provider.instance,
            lifecycle,
            config: &config,
            prior: prior.as_ref(),
            tainted: prior_id.is_some_and(|id| self.index.objects[id].object.tainted),
            requested: self.options.replace.contains(&address),
            triggered,
            create_first,
        };
        let decision = decide(&situation, outside);
        self.take_problems(place, &address, &decision);
        let is_kept = decision.action.is_noop();
        let cell = self.note_change(place, address, repetition, from, decision, work);
        self.check_after((place.module, place.index, position), cell, judged, is_kept)
    }

    /// The object that planning an instance starts from: that of the state, or one that is imported.
    fn start(&mut self, place: &Place, address: &Address, prior_id: Option<usize>) -> Start {
        let prior = prior_id.and_then(|id| self.index.objects[id].value().cloned());
        if prior_id.is_some() {
            return Start { prior, prior_id, importing: None };
        }
        match self.imported(address) {
            Some((value, importing)) => {
                let prior = Some(mark_schema(value, &place.schema.block));
                Start { prior, prior_id, importing: Some(importing) }
            }
            None => Start::default(),
        }
    }

    pub fn evaluate_body(&mut self, place: &Place, repetition: Option<&Repetition>) -> (Option<Value>, Vec<WorkId>) {
        let mut frame = Frame::new(&self.world, place.module);
        if let Some(repetition) = repetition {
            frame = frame.repeated(repetition);
        }
        let (config, problems) = body_eval::evaluate(&place.block.body, &place.schema.block, &frame);
        let used = frame.used();
        let work = self.work_of(used);
        let mut problems = problems;
        problems.extend(refuse_ephemeral(&place.block.body, &place.schema.block, &config));
        let failed = problems.has_errors();
        self.diagnostics.extend(problems);
        let config = if failed { Err(Diagnostics::new()) } else { shallow(config, place.block.span) };
        let config = config.map_err(|problems| self.diagnostics.extend(problems)).ok();
        (config, work)
    }

    /// Whether anything that `replace_triggered_by` names is updated or replaced.
    fn triggers(&mut self, place: &Place, repetition: Option<&Repetition>) -> Triggered {
        if let Some(known) = &*place.triggered.borrow() {
            return known.clone();
        }
        let (mut triggered, mut alike, mut work) = (false, true, Vec::new());
        for expr in &place.block.lifecycle.replace_triggered_by {
            let own = |r: Reference| matches!(r.slot, Slot::EachKey | Slot::EachValue | Slot::CountIndex);
            expr.references(&mut |reference| alike &= !own(reference));
            let frame = |before: bool| {
                let frame = Frame::new(&self.world, place.module);
                let frame = if before { frame.as_before() } else { frame };
                match repetition {
                    Some(r) => frame.repeated(r),
                    None => frame,
                }
            };
            let after = frame(false);
            let values = (expr.eval(&frame(true)), expr.eval(&after));
            let used = after.used();
            work.extend(self.work_of(used));
            match values {
                (Ok(before), Ok(after)) => triggered |= before != after,
                (_, Err(problems)) | (Err(problems), _) => self.diagnostics.extend(problems),
            }
        }
        let found = (triggered, self.work.producers(work));
        *place.triggered.borrow_mut() = alike.then(|| found.clone());
        found
    }

    fn take_problems(&mut self, place: &Place, address: &Address, decision: &Decision) {
        for problem in &decision.diagnostics {
            let mut problem = problem.clone();
            problem.address = problem.address.or_else(|| Some(address.clone()));
            problem.span = problem.span.or(Some(place.block.span));
            self.diagnostics.push(problem);
        }
        if place.block.lifecycle.prevent_destroy && decision.action.is_replace() {
            self.diagnostics.push(prevented(address, place.block.span));
        }
    }

    fn note_change(
        &mut self,
        place: &Place,
        address: Address,
        repetition: Repetition,
        from: Start,
        decision: Decision,
        work: Vec<WorkId>,
    ) -> InstanceCell {
        let Start { prior, prior_id, importing } = from;
        if let (Some(id), Action::NoOp) = (prior_id, &decision.action) {
            self.note_dependencies(place.node, id);
        }
        let entry = prior_id.map(|id| &self.index.objects[id]);
        let dependencies = entry.map(|e| e.object.dependencies.clone());
        let previous_address = entry.and_then(|e| e.previous.clone());
        let waits = self.waits_for_import(&address);
        let deferred = (waits || self.work.is_deferred(&work)) && (!decision.action.is_noop() || importing.is_some());
        let after = decision.after;
        let before = match decision.action {
            Action::Update { .. } | Action::Replace { .. } => prior.clone().unwrap_or_else(|| after.clone()),
            _ => after.clone(),
        };
        let change = Change {
            address,
            previous_address,
            deposed: None,
            provider: place.provider_name.clone(),
            action: decision.action,
            reason: decision.reason,
            before: prior.unwrap_or(Value::NULL),
            after: after.clone(),
            importing,
        };
        if deferred {
            let reason = if waits { DeferReason::ResourceConfigUnknown } else { DeferReason::DeferredPrereq };
            self.note_deferred(change.address.to_string().into(), reason, change);
            let producers = Arc::from([self.work.later()]);
            return InstanceCell { repetition, value: after, before, producers };
        }
        let (links, producers) = self.link(&change, work, secrets(&place.provider), dependencies);
        self.changes.push((change, links));
        InstanceCell { repetition, value: after, before, producers }
    }

    /// The work of a change, and what those who use the object follow.
    fn link(
        &mut self,
        planned: &Change,
        mut work: Vec<WorkId>,
        secrets: Vec<WorkId>,
        dependencies: Option<Arc<[ResourceAddress]>>,
    ) -> (ChangeWork, Producers) {
        let change = self.changes.len() as u32;
        let mut links = ChangeWork { dependencies, ..ChangeWork::default() };
        // Whatever else happens to an imported object, the state has it first.
        let import = planned.importing.as_ref().map(|_| self.work.add(StepKind::Import { change }, Vec::new()));
        work.extend(import);
        let made = match &planned.action {
            Action::Create => self.work.add(StepKind::Create { change }, work),
            Action::Update { .. } => self.work.add(StepKind::Update { change }, work),
            Action::Read => self.work.add(StepKind::Read { change }, work),
            Action::Replace { order: ReplaceOrder::DeleteFirst, .. } => {
                let before = import.into_iter().chain(secrets).collect();
                let delete = self.work.add(StepKind::Delete { change }, before);
                links.delete = Some(delete);
                self.work.add(StepKind::Create { change }, [work, vec![delete]].concat())
            }
            Action::Replace { order: ReplaceOrder::CreateFirst, .. } => {
                let create = self.work.add(StepKind::Create { change }, work);
                links.delete = Some(self.work.add(StepKind::Delete { change }, vec![create]));
                links.create_first = true;
                create
            }
            // Whoever uses it still follows what it was made from.
            Action::NoOp => return (links, self.work.producers(work)),
            Action::Delete | Action::Forget => return (links, self.work.none()),
        };
        links.make = Some(made);
        (links, Arc::from([made]))
    }

    /// The change of an object that goes away, with its step.
    pub fn note_removal(&mut self, id: usize, action: Action, reason: Option<Reason>, held: bool) {
        let entry = &self.index.objects[id];
        let Some(value) = entry.value().cloned() else { return };
        let object = &entry.object;
        let change = Change {
            address: object.address.clone(),
            previous_address: entry.previous.clone(),
            deposed: object.deposed.clone(),
            provider: object.provider.clone(),
            action: action.clone(),
            reason,
            before: value,
            after: Value::NULL,
            importing: None,
        };
        let mut links = ChangeWork { dependencies: Some(entry.depends_on().clone()), ..ChangeWork::default() };
        if held {
            let name = change.address.to_string().into();
            return self.note_deferred(name, DeferReason::DeferredPrereq, change);
        }
        let number = self.changes.len() as u32;
        let kind = match action {
            Action::Forget => StepKind::Forget { change: number },
            _ => StepKind::Delete { change: number },
        };
        let after = self.secrets_of(&change.provider);
        links.delete = Some(self.work.add(kind, after));
        self.changes.push((change, links));
    }

    /// The work that opens what a provider's configuration takes from ephemeral resources.
    fn secrets_of(&self, name: &ProviderName) -> Vec<WorkId> {
        let found = super::refresh::provider_of_state(&self.world.spec, &self.world.graph.tree, name);
        match self.world.provider_cell(0, &found) {
            Some(cell) => secrets(&cell),
            None => Vec::new(),
        }
    }

    fn block_address(&self, of: StaticModuleId, block: &Resource) -> ResourceAddress {
        let module = self.world.graph.tree.get(of).path.clone();
        ResourceAddress { module, mode: block.mode, ty: block.ty.clone(), name: block.name.clone() }
    }
}

/// What a provider's configuration follows, where something in it is ephemeral.
fn secrets(cell: &ProviderCell) -> Vec<WorkId> {
    match cell.instance.config.all_marks().contains(Marks::EPHEMERAL) {
        true => cell.producers.to_vec(),
        false => Vec::new(),
    }
}

pub(super) fn prevented(address: &Address, span: crate::model::Span) -> Diagnostic {
    Diagnostic::error(format!("{address} must not be destroyed"))
        .at(span)
        .address(address.clone())
        .label("its lifecycle says prevent_destroy, and this plan would destroy it")
        .help("take prevent_destroy out of its lifecycle, or leave the object out with -exclude or -target")
}
