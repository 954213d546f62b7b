//! The journal of this machine: commits that are not known to have reached the store, durable before anything else.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Version;
use crate::state::StateError;
use crate::state::seal::envelopes::Envelopes;

/// A file with the commits that one state still has to get.
pub struct Journal {
    conn: Connection,
    path: PathBuf,
    envelopes: Arc<Envelopes>,
}

/// Where the store stood when the oldest of the commits was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    pub e_tag: Option<String>,
    pub generation: Option<String>,
    /// The last segment.
    pub tail: u64,
}

impl Base {
    pub fn new(version: Option<&Version>, tail: u64) -> Base {
        let version = version.cloned().unwrap_or_default();
        Base { e_tag: version.e_tag, generation: version.generation, tail }
    }
}

/// A segment that was not sent, or of which this is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    pub row: i64,
    /// The number that it was made for.
    pub number: u64,
    pub body: Vec<u8>,
}

/// What sealed commits are bound to.
const KIND: &str = "journal";

const CREATE: &str = "
CREATE TABLE IF NOT EXISTS base (id INTEGER PRIMARY KEY CHECK (id = 0), value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS unsent (
  row INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL, digest BLOB NOT NULL, body BLOB NOT NULL
) STRICT;
";

/// The file for a state, named by where the state lies.
pub fn path(data_dir: &Path, place: &str) -> PathBuf {
    let name = hex::encode(Sha256::digest(place.as_bytes()));
    data_dir.join("unsent").join(format!("{}.db", name.get(..16).unwrap_or(&name)))
}

impl Journal {
    /// Opens the journal, creating it where there is none.
    pub fn open(path: &Path, envelopes: &Arc<Envelopes>) -> Result<Journal, StateError> {
        let io = |e: std::io::Error| StateError::from_io(path, &e);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        // What runs write down holds secrets: only their owner may read it.
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(io)?;
        let sqlite = |e: rusqlite::Error| StateError::from_sqlite(path, &e);
        let conn = Connection::open(path).map_err(sqlite)?;
        conn.pragma_update(None, "journal_mode", "WAL").map_err(sqlite)?;
        conn.pragma_update(None, "synchronous", "FULL").map_err(sqlite)?;
        conn.pragma_update(None, "fullfsync", "ON").map_err(sqlite)?;
        conn.execute_batch(CREATE).map_err(sqlite)?;
        Ok(Journal { conn, path: path.to_path_buf(), envelopes: envelopes.clone() })
    }

    /// The journal at a path that holds something unsent; nothing where there is none.
    pub fn left_behind(path: &Path, envelopes: &Arc<Envelopes>) -> Result<Option<Journal>, StateError> {
        if !path.exists() {
            return Ok(None);
        }
        let journal = Journal::open(path, envelopes)?;
        Ok(if journal.unsent()?.is_empty() { None } else { Some(journal) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the store stood; nothing where that was never noted.
    pub fn base(&self) -> Result<Option<Base>, StateError> {
        let found: Option<String> =
            self.told(self.conn.query_row("SELECT value FROM base", [], |r| r.get(0)).optional())?;
        Ok(found.and_then(|text| serde_json::from_str(&text).ok()))
    }

    pub fn set_base(&self, base: &Base) -> Result<(), StateError> {
        let text = serde_json::to_string(base).unwrap_or_default();
        self.told(self.conn.execute("INSERT OR REPLACE INTO base (id, value) VALUES (0, ?1)", [text])).map(drop)
    }

    /// Makes a segment durable before it is sent.
    pub fn add(&self, number: u64, body: &[u8]) -> Result<i64, StateError> {
        let sealed = self.envelopes.seal(KIND, body);
        let body = sealed.map_err(|e| StateError::sealed(&self.path.to_string_lossy(), &e))?;
        let digest: [u8; 32] = Sha256::digest(&body).into();
        let sql = "INSERT INTO unsent (number, digest, body) VALUES (?1, ?2, ?3)";
        self.told(self.conn.execute(sql, params![number.min(i64::MAX as u64) as i64, &digest[..], body]))?;
        Ok(self.conn.last_insert_rowid())
    }

    /// The store has it.
    pub fn sent(&self, row: i64, base: &Base) -> Result<(), StateError> {
        let tx = self.told(self.conn.unchecked_transaction())?;
        self.told(tx.execute("DELETE FROM unsent WHERE row = ?1", [row]))?;
        let text = serde_json::to_string(base).unwrap_or_default();
        self.told(tx.execute("INSERT OR REPLACE INTO base (id, value) VALUES (0, ?1)", [text]))?;
        self.told(tx.commit())
    }

    /// What was not sent, in the order of the commits.
    pub fn unsent(&self) -> Result<Vec<Unsent>, StateError> {
        let mut statement =
            self.told(self.conn.prepare("SELECT row, number, digest, body FROM unsent ORDER BY row"))?;
        let rows = statement.query_map([], |r| {
            let number: i64 = r.get(1)?;
            let digest: Vec<u8> = r.get(2)?;
            Ok((Unsent { row: r.get(0)?, number: number.unsigned_abs(), body: r.get(3)? }, digest))
        });
        let mut unsent = Vec::new();
        for row in self.told(rows)? {
            let (one, digest) = self.told(row)?;
            if Sha256::digest(&one.body)[..] != digest[..] {
                let detail = format!("the checksum of commit {} is wrong", one.row);
                return Err(StateError::Damaged { path: self.path.clone(), detail });
            }
            let opened = self.envelopes.open(KIND, one.body);
            let body = opened.map_err(|e| StateError::sealed(&self.path.to_string_lossy(), &e))?;
            unsent.push(Unsent { body, ..one });
        }
        Ok(unsent)
    }

    /// Nothing is unsent any more.
    pub fn clear(&self, base: &Base) -> Result<(), StateError> {
        self.told(self.conn.execute("DELETE FROM unsent", []))?;
        self.set_base(base)
    }

    /// Removes the file of a journal in which nothing is left.
    pub fn close(self) -> Result<(), StateError> {
        if !self.unsent()?.is_empty() {
            return Ok(());
        }
        let path = self.path.clone();
        drop(self.conn);
        fs::remove_file(&path).map_err(|e| StateError::from_io(&path, &e))
    }

    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T, StateError> {
        result.map_err(|e| StateError::from_sqlite(&self.path, &e))
    }
}
