//! Objects of the state that no planned instance took over: deleted, or forgotten where the configuration says so.

use super::PlanMode;
use super::change::{Action, Reason};
use super::outside::Outside;
use super::refresh::provider_of_state;
use super::resources::prevented;
use super::walk::Planner;
use super::world::RepeatKind;
use crate::graph::ProviderNode;
use crate::model::{Address, Diagnostic, Key, Mode};

impl Planner<'_> {
    pub fn plan_orphans(&mut self, outside: &mut dyn Outside) {
        self.refresh_rest(outside);
        if self.options.mode == PlanMode::RefreshOnly {
            return;
        }
        let destroying = self.options.mode == PlanMode::Destroy;
        let mut gone = Vec::new();
        for id in 0..self.index.objects.len() {
            let entry = &self.index.objects[id];
            let address = entry.object.address.clone();
            let planned = entry.claimed && entry.object.deposed.is_none();
            let later = entry.object.deposed.is_none() && self.is_later(&address);
            if planned
                || later
                || address.resource.mode != Mode::Managed
                || !self.includes_prior(id)
                || self.selection.holds(id)
            {
                continue;
            }
            let (action, reason) = match self.removed(&address) {
                Some(false) => (Action::Forget, Some(Reason::DeleteBecauseNoResourceConfig)),
                _ if entry.object.deposed.is_some() || destroying => (Action::Delete, None),
                _ => (Action::Delete, Some(self.why_gone(&address))),
            };
            if action == Action::Delete && self.is_without_provider(id) {
                continue;
            }
            gone.push((id, action, reason));
        }
        let doomed: Vec<usize> = gone.iter().filter(|(_, a, _)| *a == Action::Delete).map(|(id, ..)| *id).collect();
        let held = self.held_back(&doomed);
        for (id, action, reason) in gone {
            if action == Action::Delete && !held.contains(&id) {
                let address = self.index.objects[id].object.address.clone();
                self.refuse_prevented(&address);
            }
            self.note_removal(id, action, reason, held.contains(&id));
        }
    }

    /// Objects of providers that no block of the configuration uses.
    fn refresh_rest(&mut self, outside: &mut dyn Outside) {
        for found in self.refreshes.providers() {
            if let Some(provider) = self.world.provider_cell(0, &found) {
                self.refresh_provider(&found, &provider.instance, outside);
            }
        }
        self.ask(outside);
    }

    /// Tells of an object that nobody can reach: another account or region must not be asked in the place of its own.
    fn is_without_provider(&mut self, id: usize) -> bool {
        let object = &self.index.objects[id].object;
        let found = provider_of_state(&self.world.spec, &self.world.graph.tree, &object.provider);
        if found.node != ProviderNode::Gone {
            return false;
        }
        let (address, provider) = (&object.address, &object.provider);
        self.diagnostics.push(
            Diagnostic::error(format!("{address} was made with {provider}, which is not configured any more"))
                .address(address.clone())
                .detail("nobody can say in which account and region it is, so it can't be read or destroyed")
                .help(format!(
                    "put the provider's block back until the object is destroyed, or forget the object: terrane state rm '{address}'"
                )),
        );
        true
    }

    fn refuse_prevented(&mut self, address: &Address) {
        let Some((_, module, index)) = self.world.graph.resource(&self.world.spec, &address.resource) else { return };
        let block = &self.world.graph.tree.definition(&self.world.spec, module).resources[index as usize];
        if block.lifecycle.prevent_destroy {
            let problem = prevented(address, block.span);
            self.diagnostics.push(problem);
        }
    }

    /// What a `removed` block says of the object: whether it is destroyed.
    fn removed(&self, address: &Address) -> Option<bool> {
        self.world.removed_block(address).map(|(_, removed)| removed.destroy)
    }

    fn why_gone(&self, address: &Address) -> Reason {
        let moved = self.index.get(address).is_some_and(|id| self.index.objects[id].previous.is_some());
        let Some((_, _, index)) = self.world.graph.resource(&self.world.spec, &address.resource) else {
            return if moved { Reason::DeleteBecauseNoMoveTarget } else { Reason::DeleteBecauseNoResourceConfig };
        };
        let instance = self.world.module_at(&address.resource.module);
        let Some(instance) = instance else { return Reason::DeleteBecauseNoModule };
        let cell = &self.world.instance(instance).resources[index as usize];
        match (&address.key, cell.kind) {
            (Some(Key::Index(_)), RepeatKind::Count) => Reason::DeleteBecauseCountIndex,
            (Some(Key::Name(_)), RepeatKind::Each) => Reason::DeleteBecauseEachKey,
            _ => Reason::DeleteBecauseWrongRepetition,
        }
    }
}
