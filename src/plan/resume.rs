//! What applying asks of the planned values: configurations with what is known by now, providers, dependencies.

use std::sync::Arc;

use super::CellId;
use super::cells::{own_repetition, shallow};
use super::change::{Change, ProviderName};
use super::conditions::{Rules, judge_rules, what_is};
use super::frame::Frame;
use super::ignore;
use super::outside::ProviderInstance;
use super::refresh::provider_of_state;
use super::world::{Cell, ModuleIndex, Repetition, World, current_repetition};
use crate::graph::{Dependencies, NodeKind, ProviderUse};
use crate::lang::body_eval;
use crate::model::{Address, Diagnostic, Diagnostics, Marks, ResourceAddress, Schema, Span, Str, Value};
use crate::spec::Resource;

/// Where the instance of a change stands.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    pub(super) module: ModuleIndex,
    pub(super) resource: u32,
    position: usize,
}

/// Remembers the dependencies that rows of the state name.
#[derive(Default)]
pub struct RowDependencies(Dependencies);

impl RowDependencies {
    pub fn of(&mut self, world: &World, spot: Spot) -> Arc<[ResourceAddress]> {
        let node = world.node(spot.module, NodeKind::Resource(spot.resource));
        self.0.of(&world.spec, &world.graph, node)
    }
}

/// Finds schemas while applying.
pub struct Schemas<'a> {
    pub provider: ProviderSchema<'a>,
    /// Of an ephemeral resource, by provider and type.
    pub ephemeral: &'a dyn Fn(&Str, &str) -> Option<Arc<Schema>>,
}

/// An ephemeral resource that is ready to be opened.
pub struct Opening {
    pub address: Address,
    pub provider: Arc<ProviderInstance>,
    pub schema: Arc<Schema>,
    /// With marks.
    pub config: Value,
}

/// Finds the schema of a provider's configuration.
pub type ProviderSchema<'a> = &'a dyn Fn(&Str) -> Option<Arc<Schema>>;

impl World {
    pub fn spot(&self, change: &Change) -> Result<Spot, Diagnostics> {
        self.spot_of(&change.address).ok_or_else(|| broken(&format!("{} is not in it", change.address)))
    }

    /// Where the configuration has an instance, if it does.
    pub fn spot_of(&self, address: &Address) -> Option<Spot> {
        let (module, resource, position) = self.find(address)?;
        Some(Spot { module, resource, position })
    }

    fn block(&self, spot: Spot) -> &Resource {
        self.resource_block(spot.module, spot.resource)
    }

    fn repetition(&self, spot: Spot) -> &Repetition {
        static ONCE: Repetition = Repetition::Once;
        let cell = &self.instance(spot.module).resources[spot.resource as usize];
        cell.instances.get(spot.position).map_or(&ONCE, |i| &i.repetition)
    }

    /// The module instance, the block and what tells the instance apart.
    pub(super) fn surroundings(&self, spot: Spot) -> (ModuleIndex, &Resource, &Repetition) {
        (spot.module, self.block(spot), self.repetition(spot))
    }

    pub fn block_span(&self, spot: Spot) -> Span {
        self.block(spot).span
    }

    /// What the block itself says about the order of a replacement.
    pub fn creates_first(&self, spot: Spot) -> Option<bool> {
        self.block(spot).lifecycle.create_before_destroy
    }

    /// The configuration of an instance, everything known, its preconditions judged again.
    pub fn configuration(&self, spot: Spot, schema: &Schema, change: &Change) -> Result<Value, Diagnostics> {
        self.configured(spot, schema, &change.address)
    }

    fn configured(&self, spot: Spot, schema: &Schema, address: &Address) -> Result<Value, Diagnostics> {
        let block = self.block(spot);
        let repetition = current_repetition(self, spot.module, self.repetition(spot), &block.repeat);
        let own = own_repetition(&repetition);
        let rules = &block.lifecycle.preconditions;
        let name = address.to_string();
        let of = Rules::of(spot.module, what_is(block.mode), &name);
        let severity = self.severity(spot.module, spot.resource);
        let problems = judge_rules(self, &Rules { repetition: own, rules, severity, ..of }).1;
        if problems.has_errors() {
            return Err(problems);
        }
        let mut frame = Frame::new(self, spot.module);
        if let Some(own) = own {
            frame = frame.repeated(own);
        }
        let (config, problems) = body_eval::evaluate(&block.body, &schema.block, &frame);
        if problems.has_errors() {
            return Err(problems);
        }
        match config.is_wholly_known() {
            true => shallow(config, block.span),
            false => Err(Diagnostic::error(format!("{name} refers to something that is still not known"))
                .at(block.span)
                .address(address.clone())
                .help("run plan and apply again: what it refers to may be there then")
                .into()),
        }
    }

    /// The configuration with what `ignore_changes` leaves as it is.
    pub fn without_ignored(&self, spot: Spot, schema: &Schema, prior: &Value, config: &Value) -> Value {
        ignore::apply(&self.block(spot).lifecycle, &schema.block, prior, config)
    }

    /// The provider of an instance, its configuration known.
    pub fn provider_at(&self, spot: Spot, schema: ProviderSchema) -> Result<Arc<ProviderInstance>, Diagnostics> {
        let node = self.node(spot.module, NodeKind::Resource(spot.resource));
        let found = self.graph.providers.get(&node).ok_or_else(|| broken("a resource has no provider"))?;
        let block = self.block(spot);
        let repetition = current_repetition(self, spot.module, self.repetition(spot), &block.repeat);
        let found = self.keyed(spot.module, found, &block.provider, &repetition)?;
        self.known_provider(spot.module, &found, schema)
    }

    /// The provider that the state names for an object whose block may be gone.
    pub fn provider_named(
        &self,
        name: &ProviderName,
        schema: ProviderSchema,
    ) -> Result<Arc<ProviderInstance>, Diagnostics> {
        let found = provider_of_state(&self.spec, &self.graph.tree, name);
        self.known_provider(0, &found, schema)
    }

    fn known_provider(
        &self,
        module: ModuleIndex,
        found: &ProviderUse,
        schema: ProviderSchema,
    ) -> Result<Arc<ProviderInstance>, Diagnostics> {
        let cell = self.provider_cell(module, found).ok_or_else(|| {
            let alias = found.alias.as_ref().map(|a| format!(".{a}")).unwrap_or_default();
            Diagnostics::from(
                Diagnostic::error(format!("there is no configuration of the provider \"{}{alias}\"", found.name))
                    .help("keep the provider block until everything that it served is destroyed"),
            )
        })?;
        let config = &cell.instance.config;
        if config.is_wholly_known() && !config.all_marks().contains(Marks::EPHEMERAL) {
            return Ok(cell.instance);
        }
        let schema = schema(&found.name).ok_or_else(|| broken("a provider is unknown"))?;
        self.configure_again(module, found, &schema)
    }

    /// Computes a cell whose value was not known.
    pub fn evaluate_again(&mut self, cell: CellId) -> Result<(), Diagnostics> {
        let (value, _) = self.evaluate_cell(cell);
        let producers = self.cell(cell).map(|c| c.producers.clone()).unwrap_or_else(|| Arc::from([]));
        self.set_cell(cell, Cell { value: Some(value?), producers });
        Ok(())
    }

    /// What opening an ephemeral resource needs: its address, its provider, and its configuration.
    pub fn opening(
        &self,
        module: ModuleIndex,
        resource: u32,
        position: u32,
        cloud: &Schemas,
    ) -> Result<Opening, Diagnostics> {
        let spot = Spot { module, resource, position: position as usize };
        let block = self.block(spot);
        let address = self.resource_address(module, resource).instance(self.repetition(spot).key());
        let found = self.graph.providers.get(&self.node(module, NodeKind::Resource(resource)));
        let name = found.map(|f| f.name.clone()).unwrap_or_default();
        let schema = (cloud.ephemeral)(&name, &block.ty).ok_or_else(|| broken("a type is unknown"))?;
        let provider = self.provider_at(spot, cloud.provider)?;
        let config = self.configured(spot, &schema, &address)?;
        Ok(Opening { address, provider, schema, config })
    }

    /// Others see what was opened from now on.
    pub fn take_opened(&mut self, module: ModuleIndex, resource: u32, position: u32, value: Value) -> Diagnostics {
        let cell = &mut self.modules[module as usize].resources[resource as usize];
        cell.set_value(position as usize, value.clone());
        let spot = Spot { module, resource, position: position as usize };
        let address = self.resource_address(module, resource).instance(self.repetition(spot).key());
        self.judge_made(spot, &address, &value)
    }

    /// Takes the object that a step made: others see it from now on. Gives the postconditions that do not hold.
    pub fn take(&mut self, change: &Change, value: Value) -> Diagnostics {
        let Ok(spot) = self.spot(change) else { return Diagnostics::new() };
        let cell = &mut self.modules[spot.module as usize].resources[spot.resource as usize];
        cell.set_value(spot.position, value.clone());
        self.judge_made(spot, &change.address, &value)
    }

    fn judge_made(&self, spot: Spot, address: &Address, value: &Value) -> Diagnostics {
        let block = self.block(spot);
        let (repetition, name) = (own_repetition(self.repetition(spot)), address.to_string());
        let (rules, severity) = (&block.lifecycle.postconditions, self.severity(spot.module, spot.resource));
        let of = Rules::of(spot.module, what_is(block.mode), &name);
        judge_rules(self, &Rules { repetition, this: Some(value), rules, severity, ..of }).1
    }
}

pub fn broken(what: &str) -> Diagnostics {
    Diagnostic::error(format!("the plan does not fit the configuration: {what}")).help("make a new plan").into()
}
