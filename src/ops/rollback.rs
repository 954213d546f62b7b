//! Going back to an earlier generation of a state: to its configuration and inputs, or to what the state itself said.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::plan_file::inputs_from_json;
use crate::model::{Diagnostic, Str, Value};
use crate::state::{Change, Generation, Past, RowKey, Run, Snapshot, StateError, Store, StoredInstance};

/// The configuration and the inputs that held in a generation.
pub struct Made {
    pub sources: Vec<(String, Str)>,
    pub inputs: HashMap<Str, Value>,
}

/// Why a generation cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    #[error("{0}")]
    State(#[from] StateError),
    #[error("the state keeps no generation {0}; \"terrane history\" lists those that are kept")]
    Gone(u64),
    #[error(
        "the configuration of generation {0} is not kept; go back to what the state said with -state-only, or to a later generation"
    )]
    NoConfiguration(u64),
}

impl From<PastError> for Diagnostic {
    fn from(error: PastError) -> Self {
        match error.to_string().split_once("; ") {
            Some((what, next)) => Diagnostic::error(what).help(next),
            None => Diagnostic::error(error.to_string()),
        }
    }
}

/// One generation with everything that is kept of it.
pub fn past(store: &dyn Store, serial: u64) -> Result<Past, PastError> {
    store.past(serial).wait()?.ok_or(PastError::Gone(serial))
}

/// What a generation was made from. Commands that work on the state alone leave the configuration as it was.
pub fn made(store: &dyn Store, serial: u64) -> Result<Made, PastError> {
    let generations: Vec<Generation> = store.generations().wait()?;
    if !generations.iter().any(|g| g.serial == serial) {
        return Err(PastError::Gone(serial));
    }
    let last = generations.iter().find(|g| g.serial <= serial && g.has_run);
    let last = last.ok_or(PastError::NoConfiguration(serial))?;
    let run: Run = past(store, last.serial)?.run.ok_or(PastError::NoConfiguration(serial))?;
    let inputs = inputs_from_json(&run.inputs).ok_or(PastError::NoConfiguration(serial))?;
    Ok(Made { sources: run.sources, inputs })
}

/// What differs between two states.
#[derive(Debug, Default, PartialEq)]
pub struct Difference {
    pub added: Vec<RowKey>,
    pub changed: Vec<RowKey>,
    pub removed: Vec<RowKey>,
    pub outputs: BTreeSet<Str>,
}

pub fn difference(before: &Snapshot, after: &Snapshot) -> Difference {
    let rows = |s: &Snapshot| -> BTreeMap<RowKey, Arc<StoredInstance>> {
        s.rows().iter().map(|row| (row.key(), row.clone())).collect()
    };
    let (old, new) = (rows(before), rows(after));
    let mut found = Difference::default();
    for (key, row) in &new {
        match old.get(key) {
            None => found.added.push(key.clone()),
            Some(was) if !same(was, row) => found.changed.push(key.clone()),
            Some(_) => (),
        }
    }
    found.removed = old.into_keys().filter(|key| !new.contains_key(key)).collect();
    let names = before.outputs.keys().chain(after.outputs.keys());
    found.outputs = names.filter(|n| before.outputs.get(*n) != after.outputs.get(*n)).cloned().collect();
    found
}

/// When a row was written is no part of what it says.
fn same(a: &StoredInstance, b: &StoredInstance) -> bool {
    let bare = |row: &StoredInstance| StoredInstance { created: 0, updated: 0, ..row.clone() };
    bare(a) == bare(b)
}

/// The changes that make the state say what it said.
pub fn restore(now: &Snapshot, past: &Snapshot) -> Vec<Change> {
    let difference = difference(now, past);
    let removed = difference.removed.into_iter().map(Change::Remove);
    let put = difference.added.iter().chain(&difference.changed).filter_map(|key| past.row(key));
    let outputs = difference.outputs.iter().map(|name| Change::Output(name.clone(), past.outputs.get(name).cloned()));
    removed.chain(put.cloned().map(Change::Put)).chain(outputs).collect()
}
