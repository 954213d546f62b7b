//! A state in memory, while it is worked on: rows by key, and the calls that are under way.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::Str;
use crate::state::{Change, Intent, RowKey, Snapshot, StateError, StoredInstance};

/// Everything that a state holds.
#[derive(Clone, Debug)]
pub struct Working {
    /// What is not rows or intents.
    head: Snapshot,
    rows: BTreeMap<RowKey, Arc<StoredInstance>>,
    intents: BTreeMap<Str, Intent>,
}

impl Working {
    /// A state that nobody has written yet.
    pub fn fresh() -> Working {
        Working::of(&Snapshot::empty(uuid::Uuid::new_v4().to_string()), Vec::new())
    }

    pub fn of(snapshot: &Snapshot, intents: Vec<Intent>) -> Working {
        let mut head = snapshot.clone().with_rows(Vec::new());
        head.written_by = env!("CARGO_PKG_VERSION").into();
        let serial = snapshot.serial;
        let stamped = |row: &Arc<StoredInstance>| match (row.created, row.updated) {
            (0, _) | (_, 0) => Arc::new(StoredInstance { created: serial, updated: serial, ..(**row).clone() }),
            _ => row.clone(),
        };
        Working {
            head,
            rows: snapshot.rows().iter().map(|row| (row.key(), stamped(row))).collect(),
            intents: intents.into_iter().map(|i| (i.key.clone(), i)).collect(),
        }
    }

    pub fn serial(&self) -> u64 {
        self.head.serial
    }

    pub fn lineage(&self) -> &Str {
        &self.head.lineage
    }

    /// The state descends from this one.
    pub fn set_lineage(&mut self, lineage: Str) {
        self.head.lineage = lineage;
    }

    pub fn snapshot(&self) -> Snapshot {
        self.head.clone().with_rows(self.rows.values().cloned().collect()).with_intents(&self.intents())
    }

    /// The calls without an outcome, oldest first.
    pub fn intents(&self) -> Vec<Intent> {
        let mut intents: Vec<Intent> = self.intents.values().cloned().collect();
        intents.sort_by(|a, b| (a.began, &a.key).cmp(&(b.began, &b.key)));
        intents
    }

    /// Makes changes, all of them or none, and gives them as they are to be written down: with stamped rows. `end`ing
    /// what was never begun is an error.
    pub fn apply(&mut self, changes: Vec<Change>, place: &str) -> Result<Vec<Change>, StateError> {
        let mut open: Vec<&Str> = Vec::new();
        for change in &changes {
            match change {
                Change::Begin(intent) => open.push(&intent.key),
                Change::End(key) if !self.intents.contains_key(key) && !open.contains(&key) => {
                    return Err(StateError::NoSuchIntent { path: PathBuf::from(place), key: key.to_string() });
                }
                _ => (),
            }
        }
        Ok(changes.into_iter().map(|change| self.one(change)).collect())
    }

    /// Makes changes again that were written down; what is there already changes nothing.
    pub fn replay(&mut self, changes: Vec<Change>, serial: u64) {
        for change in changes {
            match change {
                Change::Put(row) => drop(self.rows.insert(row.key(), row)),
                other => drop(self.one(other)),
            }
        }
        self.head.serial = self.head.serial.max(serial);
    }

    fn one(&mut self, change: Change) -> Change {
        match change {
            Change::Put(row) => {
                let (key, serial) = (row.key(), self.head.serial);
                let created = self.rows.get(&key).map_or(serial, |before| before.created);
                let row = Arc::new(StoredInstance { created, updated: serial, ..(*row).clone() });
                self.rows.insert(key, row.clone());
                return Change::Put(row);
            }
            Change::Remove(ref key) => drop(self.rows.remove(key)),
            Change::Begin(ref intent) => drop(self.intents.insert(intent.key.clone(), intent.clone())),
            Change::End(ref key) => drop(self.intents.remove(key)),
            Change::Outputs(ref outputs) => self.head.outputs = outputs.clone(),
            Change::CheckResults(ref results) => self.head.check_results = results.clone(),
            Change::BumpSerial => self.head.serial = self.head.serial.saturating_add(1),
            Change::Output(ref name, Some(ref output)) => drop(self.head.outputs.insert(name.clone(), output.clone())),
            Change::Output(ref name, None) => drop(self.head.outputs.remove(name)),
            // The serial that it begins is a change of its own, and the history notes the other.
            Change::Spend | Change::Describe(_) => (),
            Change::Replace(ref all) => {
                let intents = std::mem::take(&mut self.intents);
                *self = Working { intents, ..Working::of(all, Vec::new()) };
            }
        }
        change
    }
}
