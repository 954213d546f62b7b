//! Moves the states of all workspaces from one backend to another, and reads them back to be sure.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::lock;
use crate::backends::Backend;
use crate::model::KillPoint;
use crate::state::{Change, Intent, Scope, Snapshot, StateError, Store, Workspace, tfstate};

/// Why states were not moved.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(
        "{place} holds another state already (lineage {lineage}, serial {serial}); use -force-copy to write over it, or -reconfigure to keep it"
    )]
    Occupied { place: String, lineage: String, serial: u64 },
    #[error("what {place} gives back is not what was written to it; the old state at {old} is as it was")]
    Differs { place: String, old: String },
}

/// One state that was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub workspace: Workspace,
    pub objects: usize,
    /// SHA-256 of the state in Terraform's format, in hex: the same before and after.
    pub hash: String,
}

/// Copies every workspace's state. The old states stay where they are. Both sides are locked meanwhile.
pub fn migrate(
    from: &dyn Backend,
    to: &dyn Backend,
    force: bool,
    runtime: &tokio::runtime::Runtime,
    settings: &lock::Settings,
) -> Result<Vec<Moved>, MigrateError> {
    let workspaces = from.workspaces()?;
    // A backend that takes one state only says so before anything is written.
    for workspace in workspaces.iter().filter(|w| !w.is_default()) {
        to.create(workspace)?;
    }
    let mut moved = Vec::new();
    for workspace in workspaces {
        if from.read(&workspace)?.is_some() {
            moved.extend(one(from, to, &workspace, force, runtime, settings)?);
        }
    }
    Ok(moved)
}

fn one(
    from: &dyn Backend,
    to: &dyn Backend,
    workspace: &Workspace,
    force: bool,
    runtime: &tokio::runtime::Runtime,
    settings: &lock::Settings,
) -> Result<Option<Moved>, MigrateError> {
    let (source, target) = (from.open(workspace)?, to.open(workspace)?);
    let held = [
        lock::acquire(runtime.handle(), source.clone(), "init", Scope::Whole, settings, &|_| ())?,
        lock::acquire(runtime.handle(), target.clone(), "init", Scope::Whole, settings, &|_| ())?,
    ];
    let copied = copy(source, &target, to.place(workspace), force);
    KillPoint::Copied.here();
    held.into_iter().flatten().for_each(|h| h.release(runtime));
    let Some(snapshot) = copied? else { return Ok(None) };
    drop(target);
    let (wanted, found) = (hash(&snapshot), to.read(workspace)?.map(|s| hash(&s)));
    if found.as_ref() != Some(&wanted) {
        return Err(MigrateError::Differs { place: to.place(workspace), old: from.place(workspace) });
    }
    Ok(Some(Moved { workspace: workspace.clone(), objects: snapshot.rows().len(), hash: wanted }))
}

/// Gives what was written; nothing where there is nothing to write.
fn copy(
    source: Arc<dyn Store>,
    target: &Arc<dyn Store>,
    place: String,
    force: bool,
) -> Result<Option<Snapshot>, MigrateError> {
    let (snapshot, intents) = (source.snapshot().wait()?, source.open_intents().wait()?);
    if snapshot.is_empty() && intents.is_empty() {
        return Ok(None);
    }
    let there = target.snapshot().wait()?;
    let descends = there.lineage == snapshot.lineage && there.serial <= snapshot.serial;
    if !there.is_empty() && !descends && !force {
        let lineage = there.lineage.to_string();
        return Err(MigrateError::Occupied { place, lineage, serial: there.serial });
    }
    let stale = target.open_intents().wait()?;
    target.commit(changes(&snapshot, intents, stale)).wait()?;
    target.flush().wait()?;
    Ok(Some(snapshot))
}

fn changes(snapshot: &Snapshot, intents: Vec<Intent>, stale: Vec<Intent>) -> Vec<Change> {
    let ended = stale.into_iter().map(|intent| Change::End(intent.key));
    let replaced = std::iter::once(Change::Replace(Arc::new(snapshot.clone())));
    ended.chain(replaced).chain(intents.into_iter().map(Change::Begin)).collect()
}

/// Names a state's content.
pub fn hash(snapshot: &Snapshot) -> String {
    hex::encode(Sha256::digest(tfstate::export(snapshot).as_bytes()))
}
