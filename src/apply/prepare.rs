//! Prepares calls: evaluates what was unknown when the plan was made, and puts together what a driver needs.

use std::sync::Arc;
use std::time::Duration;

use super::cloud::Cloud;
use super::rows::{self, RowParts};
use super::steps::{Call, Task};
use crate::graph::{Dependencies, NodeKind};
use crate::lang::body_eval;
use crate::model::{Diagnostic, Diagnostics, Fields, Object, Schema, Str, Value};
use crate::plan::outside::ProviderInstance;
use crate::plan::world::{Cell, ModuleIndex, Repetition, World};
use crate::plan::{
    Action, CellId, Change, Planned, ReplaceOrder, StepKind, compare, conditions, frame::Frame, ignore, prior, propose,
};
use crate::spec::Resource;
use crate::state::Snapshot;

/// What preparing needs besides the values.
pub struct Preparation {
    pub snapshot: Snapshot,
    cloud: Arc<dyn Cloud>,
    plan_id: Str,
    dependencies: Dependencies,
}

/// Where a change's instance stands in the world.
struct Spot {
    module: ModuleIndex,
    resource: u32,
    position: usize,
}

impl Preparation {
    pub fn new(cloud: Arc<dyn Cloud>, snapshot: Snapshot, plan_id: Str) -> Self {
        Preparation { snapshot, cloud, plan_id, dependencies: Dependencies::default() }
    }

    /// Computes a cell whose value was not known.
    pub fn evaluate(&self, world: &mut World, cell: CellId) -> Result<(), Diagnostics> {
        let (value, _) = world.evaluate_cell(cell);
        let producers = world.cell(cell).map(|c| c.producers.clone()).unwrap_or_else(|| Arc::from([]));
        world.set_cell(cell, Cell { value: Some(value?), producers });
        Ok(())
    }

    /// The call of a step.
    pub fn task(&mut self, planned: &Planned, kind: &StepKind) -> Result<Task, Diagnostics> {
        let number = kind.change().unwrap_or_default();
        let change = planned.plan.changes.get(number as usize).ok_or_else(|| broken("a step has no change"))?;
        match kind {
            StepKind::Create { .. } => self.create(planned, change),
            StepKind::Update { .. } => self.update(planned, change),
            StepKind::Read { .. } => self.read(planned, change),
            StepKind::Forget { .. } => self.removal(planned, change, Call::Forget),
            _ => self.delete(planned, change),
        }
    }

    fn create(&mut self, planned: &Planned, change: &Change) -> Result<Task, Diagnostics> {
        let world = &planned.world;
        let spot = spot(world, change)?;
        let (schema, provider) = (self.schema(change)?, self.provider(world, &spot)?);
        let config = self.configuration(world, &spot, &schema, change)?;
        let config = match change.action.is_replace() {
            true => ignore::apply(&block(world, &spot).lifecycle, &schema.block, &change.before, &config),
            false => config,
        };
        let proposed = propose::propose(&schema.block, None, &config);
        let refined = self.cloud.refine(&provider, change.address.ty(), &Value::NULL, &config, proposed);
        refuse(refined.diagnostics)?;
        let desired = desired(&schema, &refined.planned, &config);
        let create_first = matches!(change.action, Action::Replace { order: ReplaceOrder::CreateFirst, .. });
        let key = self.key(change, "create");
        let deposing = create_first.then(|| rows::prior_row(change, &self.snapshot)).flatten().map(|mut row| {
            row.deposed = Some(rows::deposed_key(&key));
            Box::new(row.with_object(&change.before, &schema.block.ty()))
        });
        let call = Call::Create { desired, planned: refined.planned, deposing };
        Ok(self.finish(planned, change, &spot, schema, provider, &config, call))
    }

    fn update(&mut self, planned: &Planned, change: &Change) -> Result<Task, Diagnostics> {
        let world = &planned.world;
        let spot = spot(world, change)?;
        let (schema, provider) = (self.schema(change)?, self.provider(world, &spot)?);
        let config = self.configuration(world, &spot, &schema, change)?;
        let config = ignore::apply(&block(world, &spot).lifecycle, &schema.block, &change.before, &config);
        let proposed = propose::propose(&schema.block, Some(&change.before), &config);
        let refined = self.cloud.refine(&provider, change.address.ty(), &change.before, &config, proposed);
        refuse(refined.diagnostics)?;
        let changed = compare::changed(&schema.block, &change.before, &refined.planned);
        let row = rows::prior_row(change, &self.snapshot);
        let id = rows::remote_id(row.as_ref(), &change.before);
        let private = row.and_then(|r| r.private());
        let planned_object = prior::mark_schema(refined.planned, &schema.block);
        let call = match changed.is_empty() {
            true => Call::Rewrite { id, planned: planned_object, private },
            false => Call::Update {
                id,
                prior: change.before.unmark_deep().0,
                desired: desired(&schema, &planned_object, &config),
                planned: planned_object,
                changed,
                private,
            },
        };
        Ok(self.finish(planned, change, &spot, schema, provider, &config, call))
    }

    fn read(&mut self, planned: &Planned, change: &Change) -> Result<Task, Diagnostics> {
        let world = &planned.world;
        let spot = spot(world, change)?;
        let (schema, provider) = (self.schema(change)?, self.provider(world, &spot)?);
        let config = self.configuration(world, &spot, &schema, change)?;
        let call = Call::Read { config: config.clone() };
        Ok(self.finish(planned, change, &spot, schema, provider, &config, call))
    }

    fn delete(&mut self, planned: &Planned, change: &Change) -> Result<Task, Diagnostics> {
        let row = rows::prior_row(change, &self.snapshot);
        let prior = change.before.unmark_deep().0;
        let call = Call::Delete {
            id: rows::remote_id(row.as_ref(), &change.before),
            prior,
            private: row.and_then(|r| r.private()),
        };
        self.removal(planned, change, call)
    }

    /// A step that needs no configuration: the block may be gone.
    fn removal(&mut self, planned: &Planned, change: &Change, call: Call) -> Result<Task, Diagnostics> {
        let schema = self.schema(change)?;
        let provider = self.provider_by_name(&planned.world, change)?;
        let create_first = matches!(change.action, Action::Replace { order: ReplaceOrder::CreateFirst, .. });
        let deposed = match create_first {
            true => Some(rows::deposed_key(&self.key(change, "create"))),
            false => change.deposed.clone(),
        };
        let timeouts = self.cloud.timeouts(&change.provider.name, change.address.ty());
        Ok(Task {
            address: change.address.clone(),
            deposed,
            span: None,
            key: self.key(change, "delete"),
            plan_id: self.plan_id.clone(),
            timeout: user_timeout(&change.before, "delete").unwrap_or(timeouts.delete),
            parts: self.parts(change, &schema, None, planned),
            provider,
            call,
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn finish(
        &mut self,
        planned: &Planned,
        change: &Change,
        spot: &Spot,
        schema: Arc<Schema>,
        provider: Arc<ProviderInstance>,
        config: &Value,
        call: Call,
    ) -> Task {
        let timeouts = self.cloud.timeouts(&change.provider.name, change.address.ty());
        let (verb, usual) = match call {
            Call::Create { .. } => ("create", timeouts.create),
            Call::Read { .. } => ("read", timeouts.read),
            _ => ("update", timeouts.update),
        };
        Task {
            address: change.address.clone(),
            deposed: None,
            span: Some(block(&planned.world, spot).span),
            key: self.key(change, verb),
            plan_id: self.plan_id.clone(),
            timeout: user_timeout(config, verb).unwrap_or(usual),
            parts: self.parts(change, &schema, Some(spot), planned),
            provider,
            call,
        }
    }

    fn parts(&mut self, change: &Change, schema: &Arc<Schema>, spot: Option<&Spot>, planned: &Planned) -> RowParts {
        let world = &planned.world;
        let dependencies = match spot {
            Some(spot) => {
                let node = world.node(spot.module, NodeKind::Resource(spot.resource));
                self.dependencies.of(&world.spec, &world.graph, node)
            }
            None => Arc::default(),
        };
        let create_first = matches!(change.action, Action::Replace { order: ReplaceOrder::CreateFirst, .. });
        let declared = spot.and_then(|s| block(world, s).lifecycle.create_before_destroy).unwrap_or(create_first);
        RowParts {
            address: change.address.clone(),
            provider: Arc::new(rows::stored_provider(&change.provider)),
            schema: schema.clone(),
            dependencies,
            create_before_destroy: declared,
        }
    }

    fn key(&self, change: &Change, verb: &str) -> crate::provider::IdempotencyKey {
        rows::idempotency_key(&self.snapshot.lineage, self.snapshot.serial, &change.address, verb)
    }

    fn schema(&self, change: &Change) -> Result<Arc<Schema>, Diagnostics> {
        let found = self.cloud.schema(&change.provider.name, change.address.resource.mode, change.address.ty());
        found.ok_or_else(|| {
            Diagnostic::error(format!("no provider knows the type \"{}\"", change.address.ty()))
                .address(change.address.clone())
                .help("use a terrane that has the provider built in")
                .into()
        })
    }

    /// The provider's configuration with what is known by now.
    fn provider(&self, world: &World, spot: &Spot) -> Result<Arc<ProviderInstance>, Diagnostics> {
        let node = world.node(spot.module, NodeKind::Resource(spot.resource));
        let found = world.graph.providers.get(&node).ok_or_else(|| broken("a resource has no provider"))?;
        self.known_provider(world, spot.module, found)
    }

    fn provider_by_name(&self, world: &World, change: &Change) -> Result<Arc<ProviderInstance>, Diagnostics> {
        let found = crate::plan::refresh::provider_of_state(&world.spec, &world.graph.tree, &change.provider);
        self.known_provider(world, 0, &found)
    }

    fn known_provider(
        &self,
        world: &World,
        module: ModuleIndex,
        found: &crate::graph::ProviderUse,
    ) -> Result<Arc<ProviderInstance>, Diagnostics> {
        let cell = world.provider_cell(module, found).ok_or_else(|| {
            let alias = found.alias.as_ref().map(|a| format!(".{a}")).unwrap_or_default();
            Diagnostics::from(
                Diagnostic::error(format!("there is no configuration of the provider \"{}{alias}\"", found.name))
                    .help("keep the provider block until everything that it served is destroyed"),
            )
        })?;
        if cell.instance.config.is_wholly_known() {
            return Ok(cell.instance);
        }
        let schema = self.cloud.provider_schema(&found.name).ok_or_else(|| broken("a provider is unknown"))?;
        world.configure_again(module, found, &schema)
    }

    /// The configuration of an instance, everything known, its preconditions judged again.
    fn configuration(
        &self,
        world: &World,
        spot: &Spot,
        schema: &Schema,
        change: &Change,
    ) -> Result<Value, Diagnostics> {
        let block = block(world, spot);
        let repetition = repetition(world, spot);
        let own = crate::plan::cells::own_repetition(repetition);
        let rules = &block.lifecycle.preconditions;
        let name = change.address.to_string();
        let problems = conditions::judge_all(world, spot.module, own, None, rules, "resource", &name);
        if problems.has_errors() {
            return Err(problems);
        }
        let mut frame = Frame::new(world, spot.module);
        if let Some(own) = own {
            frame = frame.repeated(own);
        }
        let (config, problems) = body_eval::evaluate(&block.body, &schema.block, &frame);
        if problems.has_errors() {
            return Err(problems);
        }
        match config.is_wholly_known() {
            true => Ok(config),
            false => Err(Diagnostic::error(format!("{name} refers to something that is still not known"))
                .at(block.span)
                .address(change.address.clone())
                .help("run plan and apply again: what it refers to may be there then")
                .into()),
        }
    }

    /// Takes the object that a step made: others see it from now on.
    pub fn made(&mut self, planned: &mut Planned, change: u32, value: Value) -> Diagnostics {
        let Some(change) = planned.plan.changes.get(change as usize) else { return Diagnostics::new() };
        let Some((module, resource, position)) = planned.world.find(&change.address) else { return Diagnostics::new() };
        let name = change.address.to_string();
        let cell = &mut planned.world.modules[module as usize].resources[resource as usize];
        cell.set_value(position, value.clone());
        let world = &planned.world;
        let spot = Spot { module, resource, position };
        let own = crate::plan::cells::own_repetition(repetition(world, &spot));
        let rules = &block(world, &spot).lifecycle.postconditions;
        conditions::judge_all(world, module, own, Some(&value), rules, "resource", &name)
    }
}

fn spot(world: &World, change: &Change) -> Result<Spot, Diagnostics> {
    let found = world.find(&change.address);
    let (module, resource, position) =
        found.ok_or_else(|| broken(&format!("{} is not in the plan", change.address)))?;
    Ok(Spot { module, resource, position })
}

fn block<'w>(world: &'w World, spot: &Spot) -> &'w Resource {
    world.resource_block(spot.module, spot.resource)
}

fn repetition<'w>(world: &'w World, spot: &Spot) -> &'w Repetition {
    static ONCE: Repetition = Repetition::Once;
    let cell = &world.instance(spot.module).resources[spot.resource as usize];
    cell.instances.get(spot.position).map_or(&ONCE, |i| &i.repetition)
}

fn broken(what: &str) -> Diagnostics {
    Diagnostic::error(format!("the plan does not fit the configuration: {what}")).help("make a new plan").into()
}

fn refuse(problems: Vec<Diagnostic>) -> Result<(), Diagnostics> {
    let problems: Diagnostics = problems.into_iter().collect();
    if problems.has_errors() { Err(problems) } else { Ok(()) }
}

/// What the driver is asked for: unknowns become null, write-only values come from the configuration.
fn desired(schema: &Schema, planned: &Value, config: &Value) -> Value {
    let bare = known(&planned.unmark_deep().0);
    let Some(fields) = bare.as_fields() else { return bare };
    let mut fields: Fields = fields.clone();
    for attribute in schema.block.attributes.iter().filter(|a| a.write_only) {
        if let Some(value) = config.attr(&attribute.name) {
            fields.set(attribute.name.clone(), value.unmark_deep().0);
        }
    }
    Value::Object(Arc::new(fields))
}

fn known(value: &Value) -> Value {
    match value {
        Value::Unknown(u) => Value::Null(u.ty.clone()),
        other if other.is_wholly_known() => other.clone(),
        other => other.map_children(&mut known),
    }
}

/// What the `timeouts` block of the object says for an operation.
fn user_timeout(object: &Value, operation: &str) -> Option<Duration> {
    let block = Object::new(object).block("timeouts")?;
    parse_duration(block.str(operation)?)
}

/// Reads durations such as `90s`, `1h30m`, `500ms`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit() || c == '.').map_or(rest.len(), |n| digits + n);
        let seconds = match &rest[digits..unit_end] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        total += Duration::try_from_secs_f64(number * seconds).ok()?;
        rest = &rest[unit_end..];
    }
    Some(total)
}
