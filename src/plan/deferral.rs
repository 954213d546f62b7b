//! Parts of a configuration that are left for a later plan, because how many there are, or what they follow, is
//! only known after this one is applied.

use std::collections::{HashMap, HashSet};

use super::change::{Action, Change, DeferReason, Deferred};
use super::outside::Outside;
use super::prior::mark_schema;
use super::propose::propose;
use super::resources::Place;
use super::walk::Planner;
use super::world::{Expansion, ModuleIndex, RepeatKind, Repetition, ResourceCell};
use crate::graph::{NodeKind, StaticModuleId};
use crate::model::{Address, Mode, ModulePath, ResourceAddress, Str, Value};
use crate::spec::{Repeat, Resource};

impl Planner<'_> {
    /// Leaves a whole block for later. Its objects stay as they are.
    pub fn defer_block(&mut self, place: &Place, kind: RepeatKind) {
        let later = self.work.later();
        let cell = ResourceCell::later(kind, later);
        self.world.modules[place.module as usize].resources[place.index as usize] = cell;
        if !self.selection.includes_node(place.node) {
            return;
        }
        let (config, _) = self.evaluate_body(place, Some(&Repetition::Unknown));
        let Some(config) = config else { return };
        let after = mark_schema(propose(&place.schema.block, None, &config), &place.schema.block);
        self.note_deferred(
            format!("{}{}", place.address, star(kind)).into(),
            DeferReason::InstanceCountUnknown,
            Change {
                address: place.address.instance(None),
                previous_address: None,
                deposed: None,
                provider: place.provider_name.clone(),
                action: first_action(place.block),
                reason: None,
                before: Value::NULL,
                after,
                importing: None,
            },
        );
    }

    /// Leaves all that a module call holds for later.
    pub fn defer_module(
        &mut self,
        of: StaticModuleId,
        caller: ModuleIndex,
        call: u32,
        kind: RepeatKind,
        outside: &dyn Outside,
    ) {
        let expansion = Expansion::later(kind, self.work.later());
        self.world.modules[caller as usize].calls[call as usize] = Some(expansion);
        let (spec, graph) = (self.world.spec.clone(), self.world.graph.clone());
        let Some(name) = graph.tree.get(of).path.steps().last().map(|s| s.name.clone()) else { return };
        let above = self.world.instance(caller).path.child(name, None);
        let mut open = vec![(of, above.clone(), format!("{above}{}", star(kind)))];
        while let Some((module, path, text)) = open.pop() {
            let definition = graph.tree.definition(&spec, module);
            for (index, block) in definition.resources.iter().enumerate() {
                let node = graph.node(&spec, module, NodeKind::Resource(index as u32));
                if self.selection.includes_node(node) {
                    self.defer_unexpanded(block, node, &path, &text, outside);
                }
            }
            for (number, child) in graph.tree.get(module).children.iter().enumerate() {
                let Some(call) = definition.calls.get(number) else { continue };
                let below = format!("{text}.module.{}{}", call.name, star(kind_of(&call.repeat)));
                open.push((*child, path.child(call.name.clone(), None), below));
            }
        }
    }

    fn defer_unexpanded(
        &mut self,
        block: &Resource,
        node: crate::graph::NodeId,
        path: &ModulePath,
        text: &str,
        outside: &dyn Outside,
    ) {
        let provider = self.provider_name(node, outside);
        let Some(schema) = outside.schema(&provider.name, block.mode, &block.ty) else { return };
        let (ty, name) = (block.ty.clone(), block.name.clone());
        let address = ResourceAddress { module: path.clone(), mode: block.mode, ty, name };
        self.note_deferred(
            format!("{text}.{}{}", block.local_name(), star(kind_of(&block.repeat))).into(),
            DeferReason::InstanceCountUnknown,
            Change {
                address: address.instance(None),
                previous_address: None,
                deposed: None,
                provider,
                action: first_action(block),
                reason: None,
                before: Value::NULL,
                after: Value::unknown(schema.block.ty()),
                importing: None,
            },
        );
    }

    /// Notes what would be done. Ephemeral resources are part of no plan.
    pub fn note_deferred(&mut self, address: Str, reason: DeferReason, change: Change) {
        if change.address.resource.mode != Mode::Ephemeral {
            self.deferred.push(Deferred { address, reason, change });
        }
    }

    /// Whether an object of the state belongs to a block whose instances are left for later.
    pub fn is_later(&self, address: &Address) -> bool {
        let mut module: ModuleIndex = 0;
        for step in address.resource.module.steps() {
            let Some(call) = self.world.definition(module).names.calls.get(&step.name) else { return false };
            let Some(Some(expansion)) = self.world.instance(module).calls.get(*call as usize) else { return false };
            if expansion.later.is_some() {
                return true;
            }
            let Some(child) = self.world.child(expansion, step.key.as_ref()) else { return false };
            module = child;
        }
        let r = &address.resource;
        let name = (r.mode, r.ty.clone(), r.name.clone());
        let index = self.world.definition(module).names.resources.get(&name);
        index.and_then(|i| self.world.instance(module).resources.get(*i as usize)).is_some_and(|c| c.later.is_some())
    }

    /// Of the objects that would be deleted those that must stay: something that is left for later was made from
    /// them.
    pub fn held_back(&self, doomed: &[usize]) -> HashSet<usize> {
        let mut held = HashSet::new();
        let kept = self.index.objects.iter().filter(|e| self.is_later(&e.object.address));
        let mut open: Vec<ResourceAddress> = kept.flat_map(|e| e.object.dependencies.iter().cloned()).collect();
        for deferred in &self.deferred {
            if let Some(id) = self.index.get(&deferred.change.address) {
                open.extend(self.index.objects[id].object.dependencies.iter().cloned());
            }
        }
        if open.is_empty() {
            return held;
        }
        let mut by_block: HashMap<ResourceAddress, Vec<usize>> = HashMap::new();
        for id in doomed {
            let block = self.index.objects[*id].object.address.resource.without_keys();
            by_block.entry(block).or_default().push(*id);
        }
        while let Some(block) = open.pop() {
            for id in by_block.remove(&block).unwrap_or_default() {
                held.insert(id);
                open.extend(self.index.objects[id].object.dependencies.iter().cloned());
            }
        }
        held
    }
}

fn first_action(block: &Resource) -> Action {
    if block.mode == Mode::Managed { Action::Create } else { Action::Read }
}

fn kind_of(repeat: &Repeat) -> RepeatKind {
    match repeat {
        Repeat::Once | Repeat::Enabled(_) => RepeatKind::Once,
        Repeat::Count(_) => RepeatKind::Count,
        Repeat::ForEach(_) => RepeatKind::Each,
    }
}

/// Stands in an address for all instances of a block.
fn star(kind: RepeatKind) -> &'static str {
    if kind == RepeatKind::Once { "" } else { "[*]" }
}
