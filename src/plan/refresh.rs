//! Which objects to read again, grouped by the provider configuration that serves them, and what came of it.

use std::collections::HashMap;

use super::change::{Drift, ProviderName};
use super::index::{Live, PriorIndex};
use super::outside::{Known, Outside, ProviderInstance, Refreshed, Request};
use super::prior::{PriorObject, mark_paths, mark_schema, sensitive_paths};
use super::walk::{Planner, Ticket};
use crate::graph::{Graph, ProviderKey, ProviderNode, ProviderUse, Tree, static_module};
use crate::model::equality::equal;
use crate::model::{Diagnostic, Mode, ResourceAddress, Schema, Str, Value};
use crate::spec::Spec;
use std::sync::Arc;

/// The objects of each provider configuration, and whether they were asked for.
pub struct Refreshes {
    groups: HashMap<ProviderUse, Group>,
}

#[derive(Default)]
struct Group {
    ids: Vec<usize>,
    asked: bool,
    /// Whether answers are still to come: until then nothing may be planned from what the state says.
    waiting: bool,
}

impl Refreshes {
    pub fn new(spec: &Spec, graph: &Graph, index: &PriorIndex) -> Refreshes {
        let mut groups: HashMap<ProviderUse, Group> = HashMap::new();
        for (resource, ids) in index.resources().filter(|(r, _)| r.mode == Mode::Managed) {
            let named = provider_of_block(spec, graph, resource);
            for id in ids {
                let stored = &index.objects[*id].object.provider;
                let found = match &named {
                    Some(found) if found.key == ProviderKey::None => found.clone(),
                    Some(found) => found.instance(stored.key.clone()),
                    None => provider_of_state(spec, &graph.tree, stored),
                };
                groups.entry(found).or_default().ids.push(*id);
            }
        }
        Refreshes { groups }
    }

    pub fn was_asked(&self, provider: &ProviderUse) -> bool {
        self.groups.get(provider).is_none_or(|g| g.asked)
    }

    fn is_waiting(&self, provider: &ProviderUse) -> bool {
        self.groups.get(provider).is_some_and(|g| g.waiting)
    }

    /// All questions were answered.
    pub fn answered(&mut self) {
        self.groups.values_mut().for_each(|g| g.waiting = false);
    }

    /// All providers that have objects, in a stable order.
    pub fn providers(&self) -> Vec<ProviderUse> {
        let mut all: Vec<(&Group, &ProviderUse)> = self.groups.iter().map(|(p, g)| (g, p)).collect();
        all.sort_by(|a, b| a.0.ids.first().cmp(&b.0.ids.first()));
        all.into_iter().map(|(_, p)| p.clone()).collect()
    }

    fn take(&mut self, provider: &ProviderUse) -> Vec<usize> {
        match self.groups.get_mut(provider) {
            Some(group) => {
                group.asked = true;
                group.ids.clone()
            }
            None => Vec::new(),
        }
    }
}

fn provider_of_block(spec: &Spec, graph: &Graph, resource: &ResourceAddress) -> Option<ProviderUse> {
    graph.providers.get(&graph.resource(spec, resource)?.0).cloned()
}

/// The configuration that the state names for an object whose block is gone.
pub fn provider_of_state(spec: &Spec, tree: &Tree, provider: &ProviderName) -> ProviderUse {
    let block = static_module(spec, tree, &provider.module).and_then(|module| {
        let m = tree.definition(spec, module);
        let same = |p: &crate::spec::ProviderConfig| {
            crate::graph::real_name(m, &p.name) == provider.name && p.alias == provider.alias
        };
        m.providers.iter().position(same).map(|i| ProviderNode::Block { module, index: i as u32 })
    });
    // Without a block there is one configuration alone, that of the root module.
    let is_plain = provider.alias.is_none() && provider.key.is_none() && provider.module.is_root();
    let node = block.unwrap_or(if is_plain { ProviderNode::Implicit } else { ProviderNode::Gone });
    let key = provider.key.clone().map_or(ProviderKey::None, ProviderKey::Known);
    ProviderUse { name: provider.name.clone(), alias: provider.alias.clone(), node, key }
}

/// Whether the configuration says where the objects of a provider are: what the environment alone says may be another
/// place than the one where a provider block, now gone, had them made.
pub fn is_placed(graph: &Graph, found: &ProviderUse, schema: Option<&Schema>) -> bool {
    found.node != ProviderNode::Implicit
        || schema.is_some_and(|schema| schema.block.attributes.is_empty())
        || graph.providers.values().any(|used| used == found)
}

impl Planner<'_> {
    /// Asks for all objects of a provider, once. Gives whether answers are waited for.
    pub fn refresh_provider(
        &mut self,
        found: &ProviderUse,
        instance: &Arc<ProviderInstance>,
        outside: &dyn Outside,
    ) -> bool {
        if self.refreshes.was_asked(found) {
            return self.refreshes.is_waiting(found);
        }
        let ids = self.refreshes.take(found);
        if !self.options.refresh || !instance.config.is_wholly_known() {
            return false;
        }
        let mut by_type: HashMap<Str, Vec<usize>> = HashMap::new();
        let mut order: Vec<Str> = Vec::new();
        for id in ids {
            let entry = &self.index.objects[id];
            if !self.includes_prior(id) {
                continue;
            }
            let ty = entry.object.address.resource.ty.clone();
            let list = by_type.entry(ty.clone()).or_insert_with(|| {
                order.push(ty);
                Vec::new()
            });
            list.push(id);
        }
        let asked = !order.is_empty();
        let is_placed = is_placed(&self.world.graph, found, outside.provider_schema(&found.name).as_deref());
        for ty in order {
            let ids = by_type.remove(&ty).unwrap_or_default();
            let known = |id: &usize| {
                let object = &self.index.objects[*id].object;
                Known { address: object.address.clone(), id: object.id.clone(), object: object.value.clone() }
            };
            let objects = ids.iter().map(known).collect();
            let request = Request::Refresh { provider: instance.clone(), ty, objects };
            self.request(request, Ticket::Refresh { ids, is_placed });
        }
        if let Some(group) = self.refreshes.groups.get_mut(found) {
            group.waiting = asked;
        }
        asked
    }

    /// `is_placed` is whether what is not found is gone, see [`is_placed`].
    pub fn take_refreshed(&mut self, ids: &[usize], objects: Vec<Refreshed>, is_placed: bool, outside: &dyn Outside) {
        for (id, refreshed) in ids.iter().zip(objects) {
            match refreshed {
                Refreshed::Found { object } => self.take_found(*id, object, outside),
                Refreshed::Gone if !is_placed && !self.index.objects[*id].object.is_ending => {
                    self.diagnostics.push(not_found(&self.index.objects[*id].object));
                }
                Refreshed::Gone => {
                    self.note_drift(*id, Value::NULL);
                    self.index.objects[*id].live = Live::Gone;
                }
                Refreshed::Failed(problem) => self.diagnostics.push(problem),
            }
        }
    }

    fn take_found(&mut self, id: usize, object: Value, outside: &dyn Outside) {
        let entry = &self.index.objects[id];
        if equal(&object, &entry.object.value) {
            return;
        }
        let ty = &entry.object.address.resource.ty;
        let schema = outside.schema(&entry.object.provider.name, Mode::Managed, ty);
        let marked = mark_paths(object, &sensitive_paths(&entry.object.value));
        let marked = schema.map_or(marked.clone(), |s| mark_schema(marked, &s.block));
        self.note_drift(id, marked.clone());
        self.index.objects[id].live = Live::Found(marked);
    }

    fn note_drift(&mut self, id: usize, after: Value) {
        let entry = &self.index.objects[id];
        self.drift.push(Drift {
            address: entry.object.address.clone(),
            previous_address: entry.previous.clone(),
            deposed: entry.object.deposed.clone(),
            provider: entry.object.provider.clone(),
            before: entry.object.value.clone(),
            may_be_own: entry.object.is_ending || !after.is_null() && self.index.written_since(&entry.object),
            after,
        });
    }
}

/// Taken for gone, an object that lives in another region would be forgotten.
fn not_found(object: &PriorObject) -> Diagnostic {
    let address = &object.address;
    Diagnostic::error(format!("{address} is not where the environment says that it is"))
        .address(address.clone())
        .detail(format!(
            "no block configures {} any more, so it was looked for by the environment alone",
            object.provider
        ))
        .help("put the provider's block back, and run again")
        .help(format!("if the object does not exist any more: terrane state rm '{address}'"))
}
