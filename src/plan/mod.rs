//! What changes, why, and the exact steps. Pure: no clock, no environment, no files, no network.

pub mod cells;
pub mod change;
mod check_data;
pub mod compare;
pub mod conditions;
mod create_first;
pub mod data;
mod deferral;
pub mod ephemeral;
mod expand;
pub mod frame;
pub mod ignore;
mod imports;
mod index;
mod instance;
mod lower;
mod moved;
mod orphans;
pub mod outside;
pub mod prior;
pub mod propose;
pub mod provisions;
pub mod refresh;
mod requested;
mod resources;
pub mod resume;
mod retype;
mod select;
pub mod step;
mod walk;
mod work;
pub mod world;

pub use change::{
    Action, Change, DeferReason, Deferred, Drift, Importing, OutputChange, ProviderName, Reason, ReplaceOrder,
};
pub use imports::Unconfigured;
pub use prior::{Prior, PriorObject};
pub use provisions::{Moment, Provision};
pub use step::{CellId, CellKind, Ruled, Step, StepId, StepKind};
pub use walk::{DataObject, Options, Planned, Rewrite, plan};

use crate::model::{Diagnostics, Fields};

/// A whole plan: what changes, and the steps that do it.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub mode: PlanMode,
    /// By address, deposed objects behind the current one; no-ops and data sources included.
    pub changes: Vec<Change>,
    /// Only objects that really drifted.
    pub drift: Vec<Drift>,
    /// By name.
    pub outputs: Vec<OutputChange>,
    pub steps: Vec<Step>,
    /// The root module's input values, defaults included, sensitive ones marked.
    pub variables: Fields,
    /// What is left for a later plan because something is not known yet. By address.
    pub deferred: Vec<Deferred>,
    /// False where something was left for a later plan.
    pub complete: bool,
    pub checks: Vec<CheckResult>,
    /// Whether only parts were planned, by `-target` or `-exclude`.
    pub targeted: bool,
    /// Warnings, and the errors where planning failed.
    pub diagnostics: Diagnostics,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlanMode {
    #[default]
    Normal,
    RefreshOnly,
    Destroy,
}

/// What became of the conditions of one object or check block.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckResult {
    /// Such as `check.health` or `aws_vpc.main`.
    pub name: String,
    pub kind: CheckKind,
    pub status: CheckStatus,
    pub problems: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    Resource,
    Output,
    Check,
    Variable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    Pass,
    Fail,
    Error,
    Unknown,
}

impl CheckStatus {
    /// The one of two that tells more against what they are of.
    pub fn worse(self, other: CheckStatus) -> CheckStatus {
        let rank = |status| match status {
            CheckStatus::Pass => 0,
            CheckStatus::Unknown => 1,
            CheckStatus::Fail => 2,
            CheckStatus::Error => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// How many objects a plan adds, changes and destroys. A replacement counts as one added and one destroyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub add: usize,
    pub change: usize,
    pub destroy: usize,
    pub import: usize,
    pub forget: usize,
}

impl Plan {
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in &self.changes {
            counts.import += usize::from(change.importing.is_some());
            match change.action {
                Action::Create => counts.add += 1,
                Action::Update { .. } => counts.change += 1,
                Action::Delete => counts.destroy += 1,
                Action::Forget => counts.forget += 1,
                Action::Replace { .. } => {
                    counts.add += 1;
                    counts.destroy += 1;
                }
                Action::NoOp | Action::Read => (),
            }
        }
        counts
    }

    /// Whether applying would do anything at all, moves, imports and outputs included.
    pub fn has_changes(&self) -> bool {
        let moved = |c: &Change| c.previous_address.is_some() || c.importing.is_some();
        self.changes.iter().any(|c| !c.action.is_noop() || moved(c)) || self.has_output_changes()
    }

    pub fn has_output_changes(&self) -> bool {
        self.outputs.iter().any(|o| !o.action.is_noop())
    }

    pub fn errored(&self) -> bool {
        self.diagnostics.has_errors()
    }
}
