//! The journal of this machine: commits that are not known to have reached the store, durable before anything else.
//!
//! Each process has a file of its own. One that a process left behind is taken by the next.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Version;
use crate::state::seal::envelopes::Envelopes;
use crate::state::{StateError, Surroundings};

/// A file with the commits that one state still has to get.
pub struct Journal {
    conn: Connection,
    /// Tells it from others of this process.
    name: String,
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
    pub body: Vec<u8>,
}

/// How often claiming a file begins anew because it was removed meanwhile.
const ATTEMPTS: usize = 64;

/// How long another process that looks at the file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What sealed commits are bound to.
const KIND: &str = "journal";

const CREATE: &str = "
CREATE TABLE IF NOT EXISTS base (id INTEGER PRIMARY KEY CHECK (id = 0), value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS owner (
  id INTEGER PRIMARY KEY CHECK (id = 0), name TEXT NOT NULL, machine TEXT NOT NULL, pid INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS unsent (
  row INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL, body BLOB NOT NULL
) STRICT;
";

/// The file for a state, named by where the state lies.
pub fn path(data_dir: &Path, place: &str) -> PathBuf {
    let name = hex::encode(Sha256::digest(place.as_bytes()));
    data_dir.join("unsent").join(format!("{}.db", name.get(..16).unwrap_or(&name)))
}

/// The file of the process that comes so many others after.
fn slot(path: &Path, number: usize) -> PathBuf {
    match (number, path.file_stem()) {
        (0, _) | (_, None) => path.to_path_buf(),
        (_, Some(stem)) => path.with_file_name(format!("{}-{number}.db", stem.to_string_lossy())),
    }
}

/// The files of all processes that are there.
fn slots(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem().and_then(|stem| stem.to_str())) else {
        return Vec::new();
    };
    let is_slot = |name: &str| {
        let number = name.strip_prefix(stem).and_then(|rest| rest.strip_suffix(".db"));
        number.is_some_and(|n| n.is_empty() || n.strip_prefix('-').is_some_and(|n| n.parse::<usize>().is_ok()))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.filter(|e| e.file_name().to_str().is_some_and(is_slot)).map(|e| e.path()).collect();
    found.sort();
    found
}

impl Journal {
    /// A journal that no other process that is at work has. What an earlier one left in it stays there.
    pub fn open(path: &Path, envelopes: &Arc<Envelopes>, around: &Surroundings) -> Result<Journal, StateError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| StateError::from_io(path, &e))?;
        }
        for number in 0.. {
            if let Some(journal) = Journal::claim(&slot(path, number), envelopes, around)? {
                return Ok(journal);
            }
        }
        Err(StateError::Busy { path: path.to_path_buf() })
    }

    /// A journal with something unsent, of a process that is gone; nothing where there is none.
    pub fn left_behind(
        path: &Path,
        envelopes: &Arc<Envelopes>,
        around: &Surroundings,
    ) -> Result<Option<Journal>, StateError> {
        for path in slots(path) {
            let left = Journal::claim(&path, envelopes, around)?;
            if let Some(journal) = left.filter(|journal| journal.count().is_ok_and(|count| count > 0)) {
                return Ok(Some(journal));
            }
        }
        Ok(None)
    }

    /// Takes a file unless a process that is at work has it.
    fn claim(path: &Path, envelopes: &Arc<Envelopes>, around: &Surroundings) -> Result<Option<Journal>, StateError> {
        for _ in 0..ATTEMPTS {
            // What runs write down holds secrets: only their owner may read it. A file that is there is not opened
            // here: closing it would take away the locks that SQLite has on it.
            let mut options = File::options();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            match options.open(path) {
                Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(StateError::from_io(path, &e)),
                _ => (),
            }
            let before = identity(path);
            let name = uuid::Uuid::new_v4().simple().to_string();
            let claimed = connect(path).and_then(|conn| Ok((own(&conn, &name, around)?, conn)));
            // The owner before may have removed the file between the two: nobody would find what is written there.
            if before.is_none() || identity(path) != before {
                continue;
            }
            let (claimed, conn) = claimed.map_err(|e| StateError::from_sqlite(path, &e))?;
            let journal = || Journal { conn, name, path: path.to_path_buf(), envelopes: envelopes.clone() };
            return Ok(claimed.then(journal));
        }
        Err(StateError::Busy { path: path.to_path_buf() })
    }

    fn count(&self) -> Result<i64, StateError> {
        self.told(self.conn.query_row("SELECT count(*) FROM unsent", [], |r| r.get(0)))
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
    pub fn add(&self, body: &[u8]) -> Result<i64, StateError> {
        let sealed = self.envelopes.seal(KIND, body);
        let body = sealed.map_err(|e| StateError::sealed(&self.path.to_string_lossy(), &e))?;
        let digest: [u8; 32] = Sha256::digest(&body).into();
        let sql = "INSERT INTO unsent (digest, body) VALUES (?1, ?2)";
        self.told(self.conn.execute(sql, params![&digest[..], body]))?;
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
        let mut statement = self.told(self.conn.prepare("SELECT row, digest, body FROM unsent ORDER BY row"))?;
        let rows = statement.query_map([], |r| {
            let digest: Vec<u8> = r.get(1)?;
            Ok((Unsent { row: r.get(0)?, body: r.get(2)? }, digest))
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

    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T, StateError> {
        result.map_err(|e| StateError::from_sqlite(&self.path, &e))
    }
}

/// Gives back the file, and removes it where nothing is left in it and nobody else has it open.
impl Drop for Journal {
    fn drop(&mut self) {
        let gone = || -> rusqlite::Result<bool> {
            self.conn.busy_timeout(Duration::ZERO)?;
            self.conn.execute("DELETE FROM owner WHERE name = ?1", [&self.name])?;
            // Out of the log, which SQLite removes by its name: that may be another's later.
            self.conn.pragma_update(None, "journal_mode", "DELETE")?;
            let mode: String = self.conn.pragma_query_value(None, "journal_mode", |r| r.get(0))?;
            self.conn.execute_batch("BEGIN EXCLUSIVE")?;
            let left: i64 = self.conn.query_row(
                "SELECT (SELECT count(*) FROM unsent) + (SELECT count(*) FROM owner)",
                [],
                |r| r.get(0),
            )?;
            Ok(left == 0 && mode == "delete")
        };
        // A file that cannot be removed is empty, and harms nobody.
        if gone().unwrap_or_default() {
            let _removed = fs::remove_file(&self.path);
        }
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.busy_timeout(PATIENCE)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "fullfsync", "ON")?;
    Ok(conn)
}

/// Makes the tables, and writes down whose the file is, unless its owner is at work.
fn own(conn: &Connection, name: &str, around: &Surroundings) -> rusqlite::Result<bool> {
    let tx = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    tx.execute_batch(CREATE)?;
    let read = |r: &rusqlite::Row<'_>| Ok((r.get::<_, String>(0)?, r.get::<_, u32>(1)?));
    let owner = tx.query_row("SELECT machine, pid FROM owner", [], read).optional()?;
    let here = around.processes.machine();
    let at_work =
        owner.is_some_and(|(machine, pid)| here.as_deref() == Some(machine.as_str()) && around.processes.is_alive(pid));
    if let (false, Some(here)) = (at_work, here) {
        let sql = "INSERT OR REPLACE INTO owner (id, name, machine, pid) VALUES (0, ?1, ?2, ?3)";
        tx.execute(sql, params![name, &*here, std::process::id()])?;
    }
    tx.commit()?;
    Ok(!at_work)
}

/// What tells a file from another one of the same name; nothing where there is none.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let meta = fs::metadata(path).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Some((meta.dev(), meta.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = meta;
        Some((0, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::seal::Encryption;

    fn envelopes() -> Arc<Envelopes> {
        Arc::new(Envelopes::new(Encryption::default(), "test"))
    }

    #[test]
    fn each_process_has_a_journal_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "s3://bucket/key");
        let around = Surroundings::default();
        let open = || Journal::open(&path, &envelopes(), &around).unwrap();
        let (first, second) = (open(), open());
        assert_ne!(first.path(), second.path());
        first.add(b"one").unwrap();
        let left = || Journal::left_behind(&path, &envelopes(), &around).unwrap();
        assert!(left().is_none(), "whoever wrote it is at work");
        // The file of the other one stays in its place when the first goes.
        second.add(b"two").unwrap();
        let row = first.unsent().unwrap()[0].row;
        first.sent(row, &Base::default()).unwrap();
        drop(first);
        let first = open();
        first.add(b"one").unwrap();
        let row = second.unsent().unwrap()[0].row;
        second.sent(row, &Base::default()).unwrap();
        second.add(b"left").unwrap();
        first.clear(&Base::default()).unwrap();
        drop(first);
        drop(second);
        let found = left().unwrap();
        assert_eq!(found.unsent().unwrap()[0].body, b"left");
        found.clear(&Base::default()).unwrap();
        drop(found);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
    }

    /// What is written after somebody else removed the file is still found.
    #[test]
    fn a_file_that_is_in_use_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "s3://bucket/key");
        let around = Surroundings::default();
        let writers: Vec<_> = (0..4)
            .map(|n| {
                let (path, around) = (path.clone(), around.clone());
                std::thread::spawn(move || {
                    for _ in 0..20 {
                        let journal = Journal::open(&path, &envelopes(), &around).unwrap();
                        let row = journal.add(format!("{n}").as_bytes()).unwrap();
                        assert!(identity(journal.path()).is_some(), "its file is there");
                        journal.sent(row, &Base::default()).unwrap();
                    }
                    let last = Journal::open(&path, &envelopes(), &around).unwrap();
                    last.add(format!("last {n}").as_bytes()).unwrap();
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        let mut found = 0;
        while let Some(journal) = Journal::left_behind(&path, &envelopes(), &around).unwrap() {
            found += journal.unsent().unwrap().len();
            journal.clear(&Base::default()).unwrap();
        }
        assert_eq!(found, 4);
    }
}
