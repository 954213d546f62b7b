//! Prepares calls: evaluates what was unknown when the plan was made, and puts together what a driver needs.

use std::sync::Arc;
use std::time::Duration;

use super::cloud::Cloud;
use super::rows::{self, RowParts};
use super::steps::{Call, Task};
use crate::model::duration::parse_duration;
use crate::model::{Diagnostic, Diagnostics, Fields, Object, Schema, Str, Value};
use crate::plan::outside::ProviderInstance;
use crate::plan::resume::{RowDependencies, Spot, broken};
use crate::plan::{Action, Change, Moment, Planned, ReplaceOrder, StepKind, compare, prior, propose};
use crate::state::{Snapshot, Status, StoredInstance};

/// What preparing needs besides the values.
pub struct Preparation {
    pub snapshot: Snapshot,
    cloud: Arc<dyn Cloud>,
    plan_id: Str,
    dependencies: RowDependencies,
}

impl Preparation {
    pub fn new(cloud: Arc<dyn Cloud>, snapshot: Snapshot, plan_id: Str) -> Self {
        Preparation { snapshot, cloud, plan_id, dependencies: RowDependencies::default() }
    }

    /// The call of a step.
    pub fn task(&mut self, planned: &Planned, kind: &StepKind) -> Result<Task, Diagnostics> {
        let number = kind.change().unwrap_or_default();
        let change = planned.plan.changes.get(number as usize).ok_or_else(|| broken("a step has no change"))?;
        match kind {
            StepKind::Create { .. } => self.create(planned, number, change),
            StepKind::Update { .. } => self.update(planned, number, change),
            StepKind::Read { .. } => self.read(planned, number, change),
            StepKind::Forget { .. } => self.removal(planned, number, change, Call::Forget),
            StepKind::Import { .. } => self.import(planned, number, change),
            _ => self.delete(planned, number, change),
        }
    }

    fn create(&mut self, planned: &Planned, number: u32, change: &Change) -> Result<Task, Diagnostics> {
        let at = self.place(planned, change)?;
        let proposed = propose::propose(&at.schema.block, None, &at.config);
        let refined = self.cloud.refine(&at.provider, change.address.ty(), &Value::NULL, &at.config, proposed);
        refuse(refined.diagnostics)?;
        let desired = desired(&at.schema, &refined.planned, &at.config);
        let key = self.key(change, "create");
        let deposing = creates_first(change).then(|| self.row_before(change, &at.schema)).flatten().map(|mut row| {
            row.deposed = Some(rows::deposed_key(&key));
            Box::new(row.with_object(&change.before, &at.schema.block.ty()))
        });
        let call = Call::Create { desired, planned: refined.planned, deposing };
        Ok(self.finish(planned, number, change, at, call))
    }

    fn update(&mut self, planned: &Planned, number: u32, change: &Change) -> Result<Task, Diagnostics> {
        let at = self.place(planned, change)?;
        let config = planned.world.without_ignored(at.spot, &at.schema, &change.before, &at.config);
        let proposed = propose::propose(&at.schema.block, Some(&change.before), &config);
        let refined = self.cloud.refine(&at.provider, change.address.ty(), &change.before, &config, proposed);
        refuse(refined.diagnostics)?;
        let changed = compare::changed(&at.schema.block, &change.before, &refined.planned);
        let row = rows::prior_row(change, &self.snapshot);
        let id = rows::remote_id(row.as_ref(), change);
        let private = row.and_then(|r| r.private());
        let planned_object = prior::mark_schema(refined.planned, &at.schema.block);
        let call = match changed.is_empty() {
            true => Call::Rewrite { id, planned: planned_object, private },
            false => Call::Update {
                id,
                prior: change.before.clone(),
                desired: desired(&at.schema, &planned_object, &config),
                planned: planned_object,
                changed,
                private,
            },
        };
        Ok(self.finish(planned, number, change, at, call))
    }

    fn read(&mut self, planned: &Planned, number: u32, change: &Change) -> Result<Task, Diagnostics> {
        let at = self.place(planned, change)?;
        let call = Call::Read { config: at.config.clone() };
        Ok(self.finish(planned, number, change, at, call))
    }

    fn delete(&mut self, planned: &Planned, number: u32, change: &Change) -> Result<Task, Diagnostics> {
        let row = rows::prior_row(change, &self.snapshot);
        let prior = change.before.clone();
        let id = rows::remote_id(row.as_ref(), change);
        let private = row.as_ref().and_then(|r| r.private());
        let mut task = self.removal(planned, number, change, Call::Delete { id, prior, private })?;
        // What was never made right, or was left behind by a replacement, is not taken leave of.
        let whole = task.deposed.is_none() && row.is_some_and(|r| r.status != Status::Tainted);
        if whole && planned.world.has_provisions(change, Moment::Destruction) {
            task.provisions = Some(Moment::Destruction);
        }
        Ok(task)
    }

    /// The object that exists, as it was found.
    fn import(&mut self, planned: &Planned, number: u32, change: &Change) -> Result<Task, Diagnostics> {
        let id = rows::remote_id(None, change);
        let spot = planned.world.spot(change)?;
        let mut task = self.removal(planned, number, change, Call::Import { id, object: change.before.clone() })?;
        task.deposed = None;
        task.parts = self.parts(change, &task.parts.schema.clone(), Some(spot), planned);
        Ok(task)
    }

    /// The row that a change starts from; of an imported object the one that its import writes.
    fn row_before(&self, change: &Change, schema: &Schema) -> Option<StoredInstance> {
        rows::prior_row(change, &self.snapshot).or_else(|| {
            change.importing.as_ref()?;
            let provider = Arc::new(rows::stored_provider(&change.provider));
            let ty = schema.block.ty();
            let mut row = StoredInstance::new(change.address.clone(), provider, &change.before, &ty);
            row.remote_id = Some(rows::remote_id(None, change).0);
            Some(row)
        })
    }

    /// A step that needs no configuration: the block may be gone.
    fn removal(&mut self, planned: &Planned, number: u32, change: &Change, call: Call) -> Result<Task, Diagnostics> {
        let schema = self.schema(change)?;
        let provider = planned.world.provider_named(&change.provider, &|name| self.cloud.provider_schema(name))?;
        let deposed = match creates_first(change) {
            true => Some(rows::deposed_key(&self.key(change, "create"))),
            false => change.deposed.clone(),
        };
        let timeouts = self.cloud.timeouts(&change.provider.name, change.address.ty());
        Ok(Task {
            address: change.address.clone(),
            deposed,
            span: None,
            change: number,
            provisions: None,
            key: self.key_of(change, change.deposed.as_deref(), "delete"),
            plan_id: self.plan_id.clone(),
            timeout: user_timeout(&change.before, "delete").unwrap_or(timeouts.delete),
            parts: self.parts(change, &schema, None, planned),
            provider,
            call,
        })
    }

    /// Everything about the instance of a change that its block says, with what is known by now.
    fn place(&self, planned: &Planned, change: &Change) -> Result<Place, Diagnostics> {
        let world = &planned.world;
        let spot = world.spot(change)?;
        let schema = self.schema(change)?;
        let provider = world.provider_at(spot, &|name| self.cloud.provider_schema(name))?;
        let config = world.configuration(spot, &schema, change)?;
        Ok(Place { spot, schema, provider, config })
    }

    fn finish(&mut self, planned: &Planned, number: u32, change: &Change, at: Place, call: Call) -> Task {
        let timeouts = self.cloud.timeouts(&change.provider.name, change.address.ty());
        let (verb, usual) = match call {
            Call::Create { .. } => ("create", timeouts.create),
            Call::Read { .. } => ("read", timeouts.read),
            _ => ("update", timeouts.update),
        };
        Task {
            address: change.address.clone(),
            deposed: None,
            span: Some(planned.world.block_span(at.spot)),
            change: number,
            provisions: (verb == "create" && planned.world.has_provisions(change, Moment::Creation))
                .then_some(Moment::Creation),
            key: self.key(change, verb),
            plan_id: self.plan_id.clone(),
            timeout: user_timeout(&at.config, verb).unwrap_or(usual),
            parts: self.parts(change, &at.schema, Some(at.spot), planned),
            provider: at.provider,
            call,
        }
    }

    fn parts(&mut self, change: &Change, schema: &Arc<Schema>, spot: Option<Spot>, planned: &Planned) -> RowParts {
        let world = &planned.world;
        let declared = spot.and_then(|s| world.creates_first(s));
        RowParts {
            address: change.address.clone(),
            provider: Arc::new(rows::stored_provider(&change.provider)),
            schema: schema.clone(),
            dependencies: spot.map(|s| self.dependencies.of(world, s)).unwrap_or_default(),
            create_before_destroy: declared.unwrap_or_else(|| creates_first(change)),
        }
    }

    fn key(&self, change: &Change, verb: &str) -> crate::provider::IdempotencyKey {
        self.key_of(change, None, verb)
    }

    /// An address may have objects that were replaced and are still there: each is deleted by a call of its own.
    fn key_of(&self, change: &Change, deposed: Option<&str>, verb: &str) -> crate::provider::IdempotencyKey {
        rows::idempotency_key(&self.snapshot.lineage, self.snapshot.serial, &change.address, deposed, verb)
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
}

/// An instance with its block's side of things.
struct Place {
    spot: Spot,
    schema: Arc<Schema>,
    provider: Arc<ProviderInstance>,
    config: Value,
}

fn creates_first(change: &Change) -> bool {
    matches!(change.action, Action::Replace { order: ReplaceOrder::CreateFirst, .. })
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
    Value::fields(fields)
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
