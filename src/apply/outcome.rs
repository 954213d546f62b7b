//! How an apply ended.

use crate::model::{Address, Diagnostics, Str, Value};
use crate::plan::Counts;

/// What happened to everything that was planned.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub tally: Tally,
    /// Errors and warnings of the steps.
    pub diagnostics: Diagnostics,
    /// What did not end well, in the order of the plan.
    pub unfinished: Vec<Unfinished>,
    /// Root outputs as they are now; sensitive ones are marked.
    pub outputs: Vec<(Str, Value)>,
    /// Whether the user stopped it before everything was done.
    pub interrupted: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub added: usize,
    pub changed: usize,
    pub destroyed: usize,
    pub imported: usize,
    pub forgotten: usize,
}

impl From<Tally> for Counts {
    fn from(tally: Tally) -> Counts {
        let Tally { added, changed, destroyed, imported, forgotten } = tally;
        Counts { add: added, change: changed, destroy: destroyed, import: imported, forget: forgotten }
    }
}

/// A change that did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub address: Address,
    pub deposed: Option<Str>,
    pub fate: Fate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It failed, and this is how.
    Failed(String),
    /// A call is out, and nobody knows what came of it: the next run finds out.
    Unsettled(String),
    /// It needs what failed: an object, or a value, of which the cause tells.
    Skipped { needs: Option<Address>, cause: String },
    /// The run ended before its turn came.
    NotBegun,
}

impl Fate {
    /// Of several steps of one change, the one with the most to tell speaks.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Fate::NotBegun => 0,
            Fate::Skipped { .. } => 1,
            Fate::Failed(_) => 2,
            Fate::Unsettled(_) => 3,
        }
    }
}

impl Outcome {
    pub fn succeeded(&self) -> bool {
        !self.diagnostics.has_errors() && !self.interrupted
    }
}
