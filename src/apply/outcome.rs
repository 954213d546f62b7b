//! How an apply ended.

use crate::model::{Address, Diagnostics, Str, Value};
use crate::plan::Counts;

/// What happened to everything that was planned.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub tally: Tally,
    /// Errors and warnings of the steps.
    pub diagnostics: Diagnostics,
    /// What was not done because of something else.
    pub skipped: Vec<Skipped>,
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub address: Address,
    /// The step that failed first; nothing where the run was stopped.
    pub because: Option<Address>,
}

impl Outcome {
    pub fn succeeded(&self) -> bool {
        !self.diagnostics.has_errors() && !self.interrupted
    }
}
