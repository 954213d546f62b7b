//! What became of the changes that did not end well, and why.

use std::collections::BTreeMap;

use super::outcome::{Fate, Unfinished};
use super::run::Done;
use crate::model::{Address, Diagnostic};
use crate::plan::{Plan, StepId};

/// Where a failure began.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What it is of, where the step is of no change.
    pub address: Option<Address>,
    pub cause: String,
    /// Whether nobody knows if the call took effect.
    pub is_open: bool,
}

impl Failure {
    pub fn of(problem: &Diagnostic) -> Failure {
        Failure { address: problem.address.clone(), cause: cause(problem), is_open: false }
    }
}

/// The problem in one line that can stand behind the address.
fn cause(problem: &Diagnostic) -> String {
    let summary = &problem.summary;
    let behind = problem.address.as_ref().and_then(|a| summary.strip_prefix(&a.to_string())?.strip_prefix(' '));
    let summary = behind.map_or(summary.as_str(), |text| text.strip_prefix("was ").unwrap_or(text));
    match problem.detail.as_deref().and_then(|d| d.lines().next()) {
        Some(detail) => format!("{summary}: {detail}"),
        None => summary.to_string(),
    }
}

/// Every change with a step that was not done.
pub fn unfinished(plan: &Plan, done: &[Option<Done>], failures: &BTreeMap<StepId, Failure>) -> Vec<Unfinished> {
    let mut fates: BTreeMap<u32, Fate> = BTreeMap::new();
    for (i, step) in plan.steps.iter().enumerate() {
        let Some(change) = step.kind.change() else { continue };
        let fate = match done[i] {
            Some(Done::Well) => continue,
            Some(Done::Failed(first)) if first.0 as usize == i => own(failures.get(&first)),
            Some(Done::Failed(first)) => skipped(plan, first, failures.get(&first)),
            None => Fate::NotBegun,
        };
        if fates.get(&change).is_none_or(|before| fate.rank() > before.rank()) {
            fates.insert(change, fate);
        }
    }
    let of = |(change, fate): (u32, Fate)| {
        let change = plan.changes.get(change as usize)?;
        Some(Unfinished { address: change.address.clone(), deposed: change.deposed.clone(), fate })
    };
    fates.into_iter().filter_map(of).collect()
}

fn own(failure: Option<&Failure>) -> Fate {
    let cause = failure.map(|f| f.cause.clone()).unwrap_or_default();
    match failure {
        Some(Failure { is_open: true, .. }) => Fate::Unsettled(cause),
        _ => Fate::Failed(cause),
    }
}

fn skipped(plan: &Plan, first: StepId, failure: Option<&Failure>) -> Fate {
    let change = plan.steps.get(first.0 as usize).and_then(|step| step.kind.change());
    let change = change.and_then(|c| plan.changes.get(c as usize)).map(|c| c.address.clone());
    let needs = change.or_else(|| failure.and_then(|f| f.address.clone()));
    Fate::Skipped { needs, cause: failure.map(|f| f.cause.clone()).unwrap_or_default() }
}
