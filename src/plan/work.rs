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
    pub after: Vec<WorkId>,
}

#[derive(Debug, Default)]
pub struct WorkList {
    pub items: Vec<Work>,
    empty: Option<Producers>,
}

impl WorkList {
    pub fn add(&mut self, kind: StepKind, mut after: Vec<WorkId>) -> WorkId {
        after.sort_unstable();
        after.dedup();
        self.items.push(Work { kind, after });
        (self.items.len() - 1) as WorkId
    }

    /// Makes one piece of work follow others, found later.
    pub fn follow(&mut self, work: WorkId, after: impl IntoIterator<Item = WorkId>) {
        if let Some(item) = self.items.get_mut(work as usize) {
            item.after.extend(after);
        }
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
