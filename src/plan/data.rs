//! Data sources: read while planning when everything they need is there, else by a step of the apply.

use super::cells::own_repetition;
use super::change::{Action, Change, DeferReason, ProviderName, Reason};
use super::conditions::{Judged, Rules, what_is};
use super::ephemeral::refuse_ephemeral;
use super::frame::Frame;
use super::index::PriorIndex;
use super::lower::ChangeWork;
use super::outside::{Outside, Request};
use super::prior::{mark_paths, mark_schema, sensitive_paths};
use super::resources::Place;
use super::step::StepKind;
use super::walk::{DataObject, Planner, Ticket};
use super::work::WorkId;
use super::world::{InstanceCell, ModuleIndex, RepeatKind, Repetition, ResourceCell};
use super::{Plan, PlanMode};
use crate::graph::NodeId;
use crate::lang::body_eval;
use crate::model::{Address, Diagnostic, Marks, Mode, Path, Schema, Severity, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// One instance of a data source, between the question and the answer.
pub(super) struct PendingRead {
    pub module: ModuleIndex,
    pub index: u32,
    pub repetition: Repetition,
    pub address: Address,
    pub schema: Arc<Schema>,
    pub provider: ProviderName,
    pub config: Option<Value>,
    pub work: Vec<WorkId>,
    /// What became of its preconditions.
    pub before: Judged,
    /// Why it is left to the apply, where it is.
    pub deferred: Option<Reason>,
    pub answer: Option<Result<Value, Diagnostic>>,
}

impl Planner<'_> {
    /// Prepares all instances and asks for those that can be read. Gives whether anything was prepared.
    pub fn start_reads(&mut self, place: &Place, kind: RepeatKind, repetitions: Vec<Repetition>) -> bool {
        self.world.modules[place.module as usize].resources[place.index as usize] = ResourceCell::new(kind, Vec::new());
        for repetition in repetitions {
            let Some(place) = self.served(place, &repetition) else { continue };
            let place = &*place;
            let read = self.prepare_read(place, repetition);
            let request = match (&read.config, read.deferred) {
                (Some(config), None) => {
                    let (provider, address) = (place.provider.instance.clone(), read.address.clone());
                    let config = config.clone();
                    Some(match place.block.mode {
                        Mode::Ephemeral => Request::Open { provider, address, config },
                        _ => Request::ReadData { provider, address, config },
                    })
                }
                _ => None,
            };
            let reads = self.reads.entry(place.node).or_default();
            reads.push(read);
            let number = reads.len() - 1;
            if let Some(request) = request {
                self.request(request, Ticket::Data { node: place.node, read: number });
            }
        }
        true
    }

    fn prepare_read(&mut self, place: &Place, repetition: Repetition) -> PendingRead {
        let own = own_repetition(&repetition);
        let address = place.address.instance(repetition.key());
        let rules = &place.block.lifecycle.preconditions;
        let (name, severity) = (address.to_string(), self.world.severity(place.module, place.index));
        let of = Rules::of(place.module, what_is(place.block.mode), &name);
        let before = self.check_rules(&Rules { repetition: own, rules, severity, ..of });
        let mut frame = Frame::new(&self.world, place.module);
        if let Some(repetition) = own {
            frame = frame.repeated(repetition);
        }
        let (config, problems) = body_eval::evaluate(&place.block.body, &place.schema.block, &frame);
        let used = frame.used();
        let mut work = self.work_of(used);
        let mut problems = problems;
        if place.block.mode == Mode::Data {
            problems.extend(refuse_ephemeral(&place.block.body, &place.schema.block, &config));
        }
        let failed = problems.has_errors() || !before.holds();
        self.diagnostics.extend(problems);
        let waits = self.waits_for_dependencies(place);
        let deferred = match () {
            () if !config.is_wholly_known() || !place.provider.instance.config.is_wholly_known() => {
                Some(Reason::ReadBecauseConfigUnknown)
            }
            () if waits => Some(Reason::ReadBecauseDependencyPending),
            () => None,
        };
        work.extend_from_slice(&place.gate);
        PendingRead {
            module: place.module,
            index: place.index,
            repetition,
            address,
            schema: place.schema.clone(),
            provider: place.provider_name.clone(),
            config: (!failed).then_some(config),
            work,
            before,
            deferred,
            answer: None,
        }
    }

    /// Whether anything changes that the block, or a module around it, says that it depends on.
    fn waits_for_dependencies(&mut self, place: &Place) -> bool {
        if !self.depends_on_work(place.module, &place.block.depends_on).is_empty() {
            return true;
        }
        let (spec, graph) = (self.world.spec.clone(), self.world.graph.clone());
        let mut at = place.module;
        while let Some(parent) = self.world.instance(at).parent {
            let of = crate::graph::StaticModuleId(self.world.instance(at).of);
            let call = graph.tree.call(&spec, of).map(|(_, call)| call);
            if call.is_some_and(|c| !self.depends_on_work(parent, &c.depends_on).is_empty()) {
                return true;
            }
            at = parent;
        }
        false
    }

    /// A data source that follows what is left for a later plan.
    fn read_later(
        &mut self,
        address: Address,
        repetition: Repetition,
        provider: ProviderName,
        reason: Reason,
        after: Value,
    ) -> InstanceCell {
        let name = address.to_string().into();
        self.data.push((address.clone(), None));
        let change = Change {
            address,
            previous_address: None,
            deposed: None,
            provider,
            action: Action::Read,
            reason: Some(reason),
            before: Value::NULL,
            after: after.clone(),
            importing: None,
        };
        self.note_deferred(name, DeferReason::DeferredPrereq, change);
        InstanceCell { repetition, before: after.clone(), value: after, producers: Arc::from([self.work.later()]) }
    }

    /// Takes the answers and gives the instances their values.
    pub fn finish_reads(&mut self, node: NodeId, _outside: &dyn Outside) {
        for read in self.reads.remove(&node).unwrap_or_default() {
            let (module, index) = (read.module as usize, read.index as usize);
            let cell = match read.address.resource.mode {
                Mode::Ephemeral => self.finish_open(read),
                _ => self.finish_read(read),
            };
            let resource = &mut self.world.modules[module].resources[index];
            let mut instances = std::mem::take(&mut resource.instances);
            instances.push(cell);
            *resource = ResourceCell::new(resource.kind, instances);
        }
    }

    /// An ephemeral resource. Whoever uses it while applying follows a step that opens it anew.
    fn finish_open(&mut self, read: PendingRead) -> InstanceCell {
        let cell = &self.world.modules[read.module as usize].resources[read.index as usize];
        let position = cell.instances.len() as u32;
        let value = match (&read.config, read.answer) {
            (Some(config), Some(Ok(object))) => marked(object, config, &read.schema),
            (_, Some(Err(problem))) => {
                self.diagnostics.push(problem);
                Value::unknown(read.schema.block.ty())
            }
            (Some(config), None) => planned_object(&read.schema, config),
            (None, _) => Value::unknown(read.schema.block.ty()),
        };
        let value = value.mark(Marks::EPHEMERAL);
        let step = StepKind::Open { module: read.module, resource: read.index, position };
        let producers = Arc::from([self.work.add(step, read.work)]);
        InstanceCell { repetition: read.repetition, before: value.clone(), value, producers }
    }

    fn finish_read(&mut self, read: PendingRead) -> InstanceCell {
        let unknown = Value::unknown(read.schema.block.ty());
        let (address, provider) = (read.address.clone(), read.provider.clone());
        let scoped = self.world.is_of_check(read.module, read.index);
        let position = self.world.modules[read.module as usize].resources[read.index as usize].instances.len() as u32;
        let (at, was_read) = ((read.module, read.index, position), matches!(read.answer, Some(Ok(_))));
        let (value, producers) = match (read.config, read.deferred, read.answer) {
            (Some(config), Some(reason), _) => {
                let after = planned_object(&read.schema, &config);
                if self.work.is_deferred(&read.work) {
                    return self.read_later(read.address, read.repetition, read.provider, reason, after);
                }
                let change = self.changes.len() as u32;
                let step = self.work.add(StepKind::Read { change }, read.work);
                let links = ChangeWork { make: Some(step), ..ChangeWork::default() };
                self.data.push((address, None));
                self.changes.push((
                    Change {
                        address: read.address,
                        previous_address: None,
                        deposed: None,
                        provider: read.provider,
                        action: Action::Read,
                        reason: Some(reason),
                        before: Value::NULL,
                        after: after.clone(),
                        importing: None,
                    },
                    links,
                ));
                (after, Arc::from([step]))
            }
            (Some(config), None, Some(Ok(object))) => {
                let object = marked(object, &config, &read.schema);
                let found = DataObject { address: address.clone(), provider, object: object.clone() };
                self.data.push((address, Some(found)));
                (object, self.work.producers(read.work))
            }
            (Some(config), None, Some(Err(problem))) if scoped => {
                let object = planned_object(&read.schema, &config);
                self.unread_checks.push(DataObject { address, provider, object });
                // A check never stops anything.
                self.diagnostics.push(Diagnostic { severity: Severity::Warning, ..problem });
                (unknown, self.work.none())
            }
            (_, _, Some(Err(problem))) => {
                self.diagnostics.push(problem);
                (unknown, self.work.none())
            }
            _ => (unknown, self.work.none()),
        };
        let cell = InstanceCell { repetition: read.repetition, before: value.clone(), value, producers };
        self.check_after(at, cell, read.before, was_read)
    }
}

/// What becomes of the state's data sources: those whose objects differ, and those that are no more. A plan of parts
/// leaves the others alone, and one that destroys leaves none.
pub fn changes(
    found: Vec<(Address, Option<DataObject>)>,
    index: &PriorIndex,
    plan: &Plan,
) -> (Vec<DataObject>, Vec<Address>) {
    let known = index.objects.iter().map(|e| &e.object).filter(|o| o.address.resource.mode == Mode::Data);
    if plan.mode == PlanMode::Destroy {
        return (Vec::new(), if plan.targeted { Vec::new() } else { known.map(|o| o.address.clone()).collect() });
    }
    let kept: HashSet<&Address> = found.iter().map(|(address, _)| address).collect();
    let gone = known.filter(|o| !plan.targeted && !kept.contains(&o.address)).map(|o| o.address.clone()).collect();
    let same = |data: &DataObject| {
        index.get(&data.address).map(|id| &index.objects[id].object).is_some_and(|old| {
            old.provider == data.provider
                && old.value.unmark_deep().0 == data.object.unmark_deep().0
                && sensitive_paths(&old.value) == sensitive_paths(&data.object)
        })
    };
    (found.into_iter().filter_map(|(_, data)| data).filter(|data| !same(data)).collect(), gone)
}

/// The object of a data source with the marks of its configuration and its schema.
pub fn marked(object: Value, config: &Value, schema: &Schema) -> Value {
    let paths: Vec<Path> = sensitive_paths(config);
    mark_schema(mark_paths(object, &paths), &schema.block)
}

/// What is configured, and unknowns for all that reading will tell.
fn planned_object(schema: &Schema, config: &Value) -> Value {
    mark_schema(super::propose::propose(&schema.block, None, config), &schema.block)
}
