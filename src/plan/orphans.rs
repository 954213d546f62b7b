//! Objects of the state that no planned instance took over: deleted, or forgotten where the configuration says so.

use super::PlanMode;
use super::change::{Action, Reason};
use super::outside::Outside;
use super::resources::prevented;
use super::walk::Planner;
use super::world::RepeatKind;
use crate::model::{Address, Key, Mode};

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
                self.refresh_provider(&found, &provider.instance);
            }
        }
        self.ask(outside);
    }

    fn refuse_prevented(&mut self, address: &Address) {
        let Some((_, module, index)) = self.resource_node(&address.resource) else { return };
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
        let Some((_, _, index)) = self.resource_node(&address.resource) else {
            return Reason::DeleteBecauseNoResourceConfig;
        };
        let moved = self.index.get(address).is_some_and(|id| self.index.objects[id].previous.is_some());
        let Some(instance) = self.world.module_at(&address.resource.module) else {
            return Reason::DeleteBecauseNoModule;
        };
        let cell = &self.world.instance(instance).resources[index as usize];
        match (&address.key, cell.kind) {
            (None, RepeatKind::Once) | (Some(_), RepeatKind::Once) if moved => Reason::DeleteBecauseNoMoveTarget,
            (Some(Key::Index(_)), RepeatKind::Count) => Reason::DeleteBecauseCountIndex,
            (Some(Key::Name(_)), RepeatKind::Each) => Reason::DeleteBecauseEachKey,
            _ => Reason::DeleteBecauseWrongRepetition,
        }
    }
}
