//! What can be done to a state.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Intent, Output, RowKey, Run, Snapshot, StoredInstance};
use crate::model::Str;

/// One change of a state. Changes that are committed together become durable together or not at all.
#[derive(Clone, Debug)]
pub enum Change {
    /// Adds the row or replaces the one of the same key.
    Put(Arc<StoredInstance>),
    /// Removes a row; none of this key is no error.
    Remove(RowKey),
    /// Makes an intent durable, before the call that it announces.
    Begin(Intent),
    /// Ends the intent of this idempotency key, together with the rows that tell the outcome.
    End(Str),
    /// Replaces all outputs of the root module.
    Outputs(BTreeMap<Str, Output>),
    /// Sets one output, or removes it.
    Output(Str, Option<Output>),
    /// Replaces the results of checks: the JSON array of Terraform's state.
    CheckResults(Option<Arc<str>>),
    /// Begins a new serial. A store does this by itself before the first row or output that it writes after opening.
    BumpSerial,
    /// Has the store begin a new serial as if a row had changed: a call has failed, and its key is spent.
    Spend,
    /// Says what the generation that begins with the next change is made from. Alone it changes nothing.
    Describe(Arc<Run>),
    /// Replaces everything but intents and the lock: import, push and restore. The serial becomes the snapshot's.
    Replace(Arc<Snapshot>),
}

impl Change {
    /// Whether it announces a call.
    pub fn begins(&self) -> bool {
        matches!(self, Change::Begin(_))
    }

    /// Whether readers of the state can see it, if only by the serial.
    pub fn is_content(&self) -> bool {
        use Change::*;
        matches!(self, Put(_) | Remove(_) | Outputs(_) | Output(..) | CheckResults(_) | Spend)
    }
}
