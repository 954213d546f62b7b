//! The data keys of one state file: found in its table, unwrapped when they are first needed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};

use super::{Bound, DataKey, Encryption, KeyError, KeyWrap, Method, Sealer};
use crate::state::StateError;
use crate::state::layout::KEYS;
use crate::state::write::WriteError;

/// What a sealed value is, for [`Bound`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::state) enum Purpose {
    Row,
    Output,
    Intent,
    Checks,
    /// An earlier version of a row or an output.
    Past,
    Generation,
    Source,
}

impl Purpose {
    pub fn bound(self) -> Bound {
        Bound::new(match self {
            Purpose::Row => "row",
            Purpose::Output => "output",
            Purpose::Intent => "intent",
            Purpose::Checks => "checks",
            Purpose::Past => "past",
            Purpose::Generation => "generation",
            Purpose::Source => "source",
        })
    }
}

/// A key as the table has it.
struct Stored {
    id: i64,
    lineage: String,
    wrap: String,
    wrapped: Vec<u8>,
}

/// Opens and seals the values of a state.
pub(in crate::state) struct Keyring {
    encryption: Encryption,
    /// Those that were unwrapped, and whether the key for writing did it.
    open: Mutex<HashMap<i64, (Arc<Sealer>, bool)>>,
    /// The key that values are written with, and the lineage that it is for.
    writing: Option<(i64, String, Arc<Sealer>)>,
}

impl Keyring {
    pub fn new(encryption: Encryption) -> Keyring {
        Keyring { encryption, open: Mutex::default(), writing: None }
    }

    /// The key for writing values of this lineage, made where there is none; nothing while values are written plain.
    pub fn prepare(&mut self, conn: &Connection, path: &Path) -> Result<(), WriteError> {
        let Method::Sealed(wrap) = self.encryption.method.clone() else { return Ok(()) };
        let lineage: String = conn.query_row("SELECT value FROM meta WHERE name = 'lineage'", [], |r| r.get(0))?;
        if self.writing.as_ref().is_some_and(|(_, of, _)| *of == lineage) {
            return Ok(());
        }
        for stored in all(conn)?.into_iter().rev().filter(|s| s.lineage == lineage && s.wrap == wrap.name()) {
            let found = self.unwrap(path, &stored);
            if let Ok((sealer, true)) = found {
                self.writing = Some((stored.id, lineage, sealer));
                return Ok(());
            }
        }
        let key = DataKey::random();
        let wrapped = wrap.wrap(&key, &lineage).map_err(|e| WriteError::Refused(unavailable(path, &*wrap, &e)))?;
        let id = KEYS.next_id(conn)?;
        KEYS.put(conn, params![id, lineage, wrap.name(), wrapped])?;
        let sealer = Arc::new(Sealer::new(&key, lineage.as_str()));
        self.lock().insert(id, (sealer.clone(), true));
        self.writing = Some((id, lineage, sealer));
        Ok(())
    }

    /// Forgets what a transaction that was rolled back may have made.
    pub fn forget(&mut self) {
        self.writing = None;
        self.lock().clear();
    }

    /// Seals a value where values are sealed; the id of the key stands beside it.
    pub fn seal(&self, bound: Bound, value: Vec<u8>) -> (Option<i64>, Vec<u8>) {
        match &self.writing {
            None => (None, value),
            Some((id, _, sealer)) => (Some(*id), sealer.seal(bound, &value)),
        }
    }

    /// The name of a text under the key that values are written with; nothing while they are plain.
    pub fn name(&self, kind: &str, text: &str) -> Option<[u8; 32]> {
        self.writing.as_ref().map(|(_, _, sealer)| sealer.name(kind, text))
    }

    /// The key that values are written with, as `meta` has it: empty while they are plain.
    pub fn writing_id(&self) -> String {
        self.writing.as_ref().map(|(id, _, _)| id.to_string()).unwrap_or_default()
    }

    pub fn is_sealing(&self) -> bool {
        self.writing.is_some()
    }

    /// Opens a value; the inner error says that it is not what was written.
    pub fn open(
        &self,
        conn: &Connection,
        path: &Path,
        by: i64,
        bound: Bound,
        value: &[u8],
    ) -> Result<Result<Vec<u8>, super::Unsealable>, StateError> {
        Ok(self.sealer(conn, path, by)?.open(bound, value))
    }

    /// Whether values that are sealed in this way (none: plain) are as they should be written.
    pub fn is_current(&self, by: Option<i64>) -> bool {
        by == self.writing.as_ref().map(|(id, _, _)| *id)
    }

    /// Fails where plain values must not be read.
    pub fn check_plain(&self, path: &Path) -> Result<(), StateError> {
        match self.encryption.reads_plain() {
            true => Ok(()),
            false => Err(StateError::NotSealed { path: path.to_path_buf() }),
        }
    }

    fn sealer(&self, conn: &Connection, path: &Path, id: i64) -> Result<Arc<Sealer>, StateError> {
        if let Some((sealer, _)) = self.lock().get(&id) {
            return Ok(sealer.clone());
        }
        let keys = all(conn).map_err(|e| StateError::from_sqlite(path, &e))?;
        let stored = keys.iter().find(|s| s.id == id).ok_or_else(|| StateError::Damaged {
            path: path.to_path_buf(),
            detail: format!("the key {id} that values are encrypted with is missing"),
        })?;
        self.unwrap(path, stored).map(|(sealer, _)| sealer)
    }

    fn unwrap(&self, path: &Path, stored: &Stored) -> Result<(Arc<Sealer>, bool), StateError> {
        if let Some(known) = self.lock().get(&stored.id) {
            return Ok(known.clone());
        }
        let mut tried = Vec::new();
        let mut problem = None;
        for (i, wrap) in self.encryption.keys().enumerate() {
            match wrap.unwrap(&stored.wrapped, &stored.lineage) {
                Ok(key) => {
                    let sealer = Arc::new(Sealer::new(&key, stored.lineage.as_str()));
                    let found = (sealer, i == 0 && self.encryption.is_on());
                    self.lock().insert(stored.id, found.clone());
                    return Ok(found);
                }
                Err(KeyError::Wrong) => tried.push(wrap.name().to_string()),
                Err(error) => problem = problem.or(Some(unavailable(path, &**wrap, &error))),
            }
        }
        let (path, wrap) = (path.to_path_buf(), stored.wrap.clone());
        Err(match (problem, tried.is_empty()) {
            (Some(problem), _) => problem,
            (None, true) => StateError::NoKey { path, wrap },
            (None, false) => StateError::WrongKey { path, wrap, tried: tried.join(" and ") },
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, (Arc<Sealer>, bool)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable(path: &Path, wrap: &dyn KeyWrap, error: &KeyError) -> StateError {
    StateError::KeyUnavailable { path: path.to_path_buf(), key: wrap.name().to_string(), detail: error.to_string() }
}

fn all(conn: &Connection) -> rusqlite::Result<Vec<Stored>> {
    let mut statement = conn.prepare("SELECT id, lineage, wrap, wrapped FROM keys ORDER BY id")?;
    let read =
        |r: &rusqlite::Row<'_>| Ok(Stored { id: r.get(0)?, lineage: r.get(1)?, wrap: r.get(2)?, wrapped: r.get(3)? });
    statement.query_map([], read)?.collect()
}
