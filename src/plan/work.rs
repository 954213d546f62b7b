//! Work: the steps as they are found while planning, and what waits for them. Lowering turns it into steps.

use std::sync::Arc;

use super::step::StepKind;

/// Index of a piece of work.
pub type WorkId = u32;

/// The work that a value follows, sorted, without repeats. Shared by all who use the value.
pub type Producers = Arc<[WorkId]>;

/// More producers than this are put behind a join, so that many who wait for many stay linear.
const DIRECT: usize = 4;

/// A step in the making. Work that nobody needs in the end is dropped by lowering.
#[derive(Clone, Debug)]
pub struct Work {
    pub kind: StepKind,
    /// What it can't do without.
    pub after: Vec<WorkId>,
    /// Left for a later plan, with all that follows it.
    pub deferred: bool,
    /// What it follows where that can be.
    pub yielding: Vec<(Bond, WorkId)>,
}

/// Why a delete follows other work, the weakest reason first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bond {
    /// The other lets go of the object.
    Release,
    /// The other deletes what refers to the object.
    Removal,
}

impl Work {
    /// All that it follows; the same work may come twice.
    pub fn needs(&self) -> impl Iterator<Item = WorkId> + '_ {
        self.after.iter().copied().chain(self.yielding.iter().map(|(_, need)| *need))
    }
}

#[derive(Debug, Default)]
pub struct WorkList {
    pub items: Vec<Work>,
    empty: Option<Producers>,
    later: Option<WorkId>,
}

impl WorkList {
    pub fn add(&mut self, kind: StepKind, mut after: Vec<WorkId>) -> WorkId {
        after.sort_unstable();
        after.dedup();
        let deferred = self.is_deferred(&after);
        self.items.push(Work { kind, after, deferred, yielding: Vec::new() });
        (self.items.len() - 1) as WorkId
    }

    /// Makes one piece of work follow others, found later, where that can be.
    pub fn follow(&mut self, work: WorkId, bond: Bond, after: impl IntoIterator<Item = WorkId>) {
        if let Some(item) = self.items.get_mut(work as usize) {
            item.yielding.extend(after.into_iter().map(|need| (bond, need)));
        }
    }

    /// Whether any of this is left for a later plan.
    pub fn is_deferred(&self, work: &[WorkId]) -> bool {
        self.later.is_some() && work.iter().any(|w| self.items.get(*w as usize).is_some_and(|item| item.deferred))
    }

    /// What values follow that only a later plan can know.
    pub fn later(&mut self) -> WorkId {
        if let Some(later) = self.later {
            return later;
        }
        self.items.push(Work { kind: StepKind::Join, after: Vec::new(), deferred: true, yielding: Vec::new() });
        let later = (self.items.len() - 1) as WorkId;
        self.later = Some(later);
        later
    }

    /// Producers for a value that follows this work; many are put behind one join.
    pub fn producers(&mut self, mut work: Vec<WorkId>) -> Producers {
        work.sort_unstable();
        work.dedup();
        match work.len() {
            0 => self.none(),
            n if n <= DIRECT => work.into(),
            _ => [self.add(StepKind::Join, work)].into(),
        }
    }

    pub fn none(&mut self) -> Producers {
        self.empty.get_or_insert_with(|| Arc::from([])).clone()
    }
}
