//! The data sources that check blocks have for themselves. What they tell while planning is how things were: where the
//! plan changes anything, they are read once more when all of it is done, and their checks judged by that.

use super::PlanMode;
use super::change::{Action, Change, Reason};
use super::lower::ChangeWork;
use super::step::StepKind;
use super::walk::Planner;
use super::world::{ModuleIndex, World};
use crate::model::{Address, Mode, Severity, Value};

impl Planner<'_> {
    /// Lets the apply end with reading them, if there is anything to apply.
    pub fn read_checks_again(&mut self) {
        if self.options.mode != PlanMode::Normal {
            return;
        }
        let found = self.data.iter().filter_map(|(_, found)| found.as_ref());
        let mut again: Vec<_> = found.filter(|data| self.world.serves_check(&data.address)).cloned().collect();
        again.append(&mut self.unread_checks);
        let all: Vec<_> =
            self.changes.iter().flat_map(|(_, links)| links.make.into_iter().chain(links.delete)).collect();
        if again.is_empty() || all.is_empty() {
            return;
        }
        let all = self.work.producers(all).to_vec();
        for data in again {
            let change = self.changes.len() as u32;
            let step = self.work.add(StepKind::Read { change }, all.clone());
            let links = ChangeWork { make: Some(step), ..ChangeWork::default() };
            let change = Change {
                address: data.address,
                previous_address: None,
                deposed: None,
                provider: data.provider,
                action: Action::Read,
                reason: Some(Reason::ReadBecauseCheckNested),
                before: Value::NULL,
                after: data.object,
                importing: None,
            };
            self.changes.push((change, links));
        }
    }
}

impl World {
    /// Whether what is at an address is the data source of a check block. Such a one never stops anything.
    pub fn serves_check(&self, address: &Address) -> bool {
        let spot = if address.resource.mode == Mode::Data { self.spot_of(address) } else { None };
        spot.is_some_and(|spot| self.is_of_check(spot.module, spot.resource))
    }

    /// How bad it is where a condition of a block does not hold.
    pub(super) fn severity(&self, module: ModuleIndex, resource: u32) -> Severity {
        if self.is_of_check(module, resource) { Severity::Warning } else { Severity::Error }
    }

    /// Whether a check block has it for itself.
    pub(super) fn is_of_check(&self, module: ModuleIndex, resource: u32) -> bool {
        self.definition(module).checks.iter().any(|check| check.data == Some(resource))
    }
}
