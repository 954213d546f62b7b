//! What the user named for this plan alone: replacements that must meet an instance, and parts that are left out.

use super::PlanMode;
use super::walk::Planner;
use super::world::World;
use crate::model::{Address, Diagnostic};

/// So many instances are named where one must be chosen.
const SHOWN: usize = 10;

impl Planner<'_> {
    /// A replacement that meets no instance would look like one that was not needed.
    pub fn refuse_lost_replacements(&mut self) {
        if self.options.mode != PlanMode::Normal || self.diagnostics.has_errors() {
            return;
        }
        let lost: Vec<Diagnostic> = self.options.replace.iter().filter_map(|a| self.lost_replacement(a)).collect();
        self.diagnostics.extend(lost);
    }

    fn lost_replacement(&self, address: &Address) -> Option<Diagnostic> {
        let (spec, graph) = (&self.world.spec, &self.world.graph);
        if !self.selection.includes_object(spec, graph, address) {
            return Some(
                Diagnostic::error(format!("-replace names {address}, which -target or -exclude leaves out"))
                    .help("take it out of -exclude, or name it with -target as well"),
            );
        }
        if self.world.find(address).is_some() || self.is_later(address) {
            return None;
        }
        let problem = Diagnostic::error(format!("-replace names {address}, and there is no such instance"));
        let known = instances(&self.world, address);
        let names: Vec<String> = known.iter().take(SHOWN).map(|a| format!("-replace='{a}'")).collect();
        let more = if known.len() > SHOWN { format!(" and {} more", known.len() - SHOWN) } else { String::new() };
        Some(match names.is_empty() {
            true => problem.help("the configuration has no instance of it"),
            false => problem.help(format!("the instances are {}{more}", names.join(", "))),
        })
    }

    /// A plan of parts that ends well says nothing of the rest.
    pub fn tell_what_is_left_out(&mut self) {
        let flag = match (self.options.targets.is_empty(), self.options.excludes.is_empty()) {
            (true, true) => return,
            (false, true) => "-target",
            (true, false) => "-exclude",
            (false, false) => "-target and -exclude",
        };
        let warning = Diagnostic::warning(format!("this plan is not complete: {flag} leaves parts out"))
            .detail("what is left out stays as it is, even where it differs from the configuration");
        self.diagnostics.push(match self.options.mode {
            PlanMode::Destroy => warning,
            _ => warning.help(format!("plan again without {flag} to see what is left to do")),
        });
    }
}

/// The instances that a block has, whatever the keys of the address are.
fn instances(world: &World, address: &Address) -> Vec<Address> {
    let Some((_, module, index)) = world.graph.resource(&world.spec, &address.resource) else { return Vec::new() };
    let cells = world.by_static[module.index()].iter().flat_map(|instance| {
        let block = world.resource_address(*instance, index);
        let cell = &world.instance(*instance).resources[index as usize];
        cell.instances.iter().map(move |i| block.instance(i.repetition.key()))
    });
    let mut found: Vec<Address> = cells.collect();
    found.sort();
    found
}
