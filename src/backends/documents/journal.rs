//! The journal of this machine: commits that are not known to have reached the store, durable before anything else.
//!
//! Each process has a file of its own. One that a process left behind is taken by whoever has the lock next.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Version;
use super::segment::Segment;
use crate::state::seal::envelopes::Envelopes;
use crate::state::{StateError, Surroundings, private_file};

/// A file with the commits that one state still has to get.
pub struct Journal {
    conn: Connection,
    /// Tells it from others of this process.
    name: String,
    path: PathBuf,
    /// What its commits are bound to where they are sealed.
    kind: String,
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

/// How long another process that looks at the file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What sealed commits are bound to, with the name of their state.
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

/// A name that no file had before: SQLite finds what belongs to a file by its name, and one that was removed may still be
/// open somewhere.
fn fresh(path: &Path) -> PathBuf {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    path.with_file_name(format!("{stem}-{}.db", uuid::Uuid::new_v4().simple()))
}

impl Journal {
    /// A new journal, of this process alone.
    pub fn open(path: &Path, envelopes: &Arc<Envelopes>, around: &Surroundings) -> Result<Journal, StateError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| StateError::from_io(path, &e).of_journal())?;
        }
        let (path, name) = (fresh(path), uuid::Uuid::new_v4().simple().to_string());
        create(&path, &name, around)?;
        let conn = connect(&path).map_err(|e| StateError::from_sqlite(&path, &e).of_journal())?;
        Ok(Journal { conn, name, kind: kind(&path), path, envelopes: envelopes.clone() })
    }

    /// Takes a file unless a process that is at work has it, or it is gone.
    pub(super) fn claim(
        path: &Path,
        envelopes: &Arc<Envelopes>,
        around: &Surroundings,
    ) -> Result<Option<Journal>, StateError> {
        let Some(before) = identity(path) else { return Ok(None) };
        if fs::metadata(path).is_ok_and(|meta| meta.len() == 0) {
            // To SQLite it would be a new one.
            let detail = "the file is empty".to_string();
            return Err(StateError::DamagedJournal { path: path.to_path_buf(), detail });
        }
        let name = uuid::Uuid::new_v4().simple().to_string();
        let claimed = connect(path).and_then(|conn| Ok((own(&conn, &name, around)?, conn)));
        // The owner before may have removed the file between the two: nobody would find what is written there.
        if identity(path) != Some(before) {
            return Ok(None);
        }
        let (claimed, conn) = claimed.map_err(|e| StateError::from_sqlite(path, &e).of_journal())?;
        let (kind, envelopes, path) = (kind(path), envelopes.clone(), path.to_path_buf());
        match claimed {
            Claim::Ours => Ok(Some(Journal { conn, name, path, kind, envelopes })),
            Claim::Others => Ok(None),
            Claim::Damaged(detail) => Err(StateError::DamagedJournal { path, detail }),
        }
    }

    pub(super) fn count(&self) -> Result<i64, StateError> {
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
        let sealed = self.envelopes.seal(&self.kind, body);
        self.add_as_it_is(&sealed.map_err(|e| StateError::sealed(&self.path.to_string_lossy(), &e))?)
    }

    /// The same of one that is sealed already.
    pub(super) fn add_as_it_is(&self, body: &[u8]) -> Result<i64, StateError> {
        let digest: [u8; 32] = Sha256::digest(body).into();
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
                return Err(self.damaged(format!("the checksum of commit {} is wrong", one.row)));
            }
            // Before they were bound to their state, all were bound to the same.
            let opened = self.envelopes.open(&self.kind, one.body.clone());
            let opened = opened.or_else(|error| self.envelopes.open(KIND, one.body).map_err(|_| error));
            let body = opened.map_err(|e| StateError::sealed(&self.path.to_string_lossy(), &e))?;
            unsent.push(Unsent { body, ..one });
        }
        Ok(unsent)
    }

    /// The same, read.
    pub fn segments(&self) -> Result<Vec<(i64, Segment)>, StateError> {
        let wrong = |detail| self.damaged(detail);
        let read = |unsent: Unsent| Ok((unsent.row, Segment::decode(&unsent.body).map_err(wrong)?));
        self.unsent()?.into_iter().map(read).collect()
    }

    /// Takes the file away, whatever is in it: the store has it all. It takes no space to do so.
    pub fn remove(self) {
        let _removed = fs::remove_file(&self.path);
    }

    fn damaged(&self, detail: String) -> StateError {
        StateError::DamagedJournal { path: self.path.clone(), detail }
    }

    /// Nothing is unsent any more.
    pub fn clear(&self, base: &Base) -> Result<(), StateError> {
        self.told(self.conn.execute("DELETE FROM unsent", []))?;
        self.set_base(base)
    }

    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T, StateError> {
        result.map_err(|e| StateError::from_sqlite(&self.path, &e).of_journal())
    }
}

/// Gives back the file, and removes it where nothing is left in it and nobody else has it open.
impl Drop for Journal {
    fn drop(&mut self) {
        let given_back = self.conn.execute("DELETE FROM owner WHERE name = ?1", [&self.name]);
        if given_back.is_ok() {
            remove_empty(&self.conn, &self.path, |conn| {
                conn.query_row("SELECT count(*) FROM owner", [], |r| r.get::<_, i64>(0)).map(|owners| owners == 0)
            });
        }
    }
}

/// Removes a file in which nothing is left, where nobody else has it open and it is free. One that cannot be removed is
/// empty, and harms nobody.
pub(super) fn remove_empty(conn: &Connection, path: &Path, is_free: impl Fn(&Connection) -> rusqlite::Result<bool>) {
    let empty = || -> rusqlite::Result<bool> {
        conn.busy_timeout(Duration::ZERO)?;
        // Out of the log, which SQLite removes by its name: that may be another's later.
        conn.pragma_update(None, "journal_mode", "DELETE")?;
        let mode: String = conn.pragma_query_value(None, "journal_mode", |r| r.get(0))?;
        conn.execute_batch("BEGIN EXCLUSIVE")?;
        let left: i64 = conn.query_row("SELECT count(*) FROM unsent", [], |r| r.get(0))?;
        Ok(left == 0 && mode == "delete" && is_free(conn)?)
    };
    if empty().unwrap_or_default() {
        let _removed = fs::remove_file(path);
    }
}

/// Makes a file that is complete when it gets its name, with whose it is: an empty one has lost what was in it, and one
/// that nobody owns was left behind.
fn create(path: &Path, name: &str, around: &Surroundings) -> Result<(), StateError> {
    let draft = private_file::draft(path).map_err(|e| StateError::from_io(path, &e).of_journal())?;
    let made = connect(&draft).and_then(|conn| {
        conn.execute_batch(CREATE)?;
        note_owner(&conn, name, around)
    });
    if let Err(error) = made {
        // What is left of the attempt is worth nothing.
        let _removed = fs::remove_file(&draft);
        return Err(StateError::from_sqlite(path, &error).of_journal());
    }
    private_file::name_new(&draft, path).map(drop).map_err(|e| StateError::from_io(path, &e).of_journal())
}

/// What commits of a state are bound to when they are sealed: all its journals have the same.
fn kind(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    format!("{KIND} {}", stem.split('-').next().unwrap_or_default())
}

/// What in a file is not what was written.
pub(super) fn broken(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name IN ('base', 'owner', 'unsent')";
    if conn.query_row(sql, [], |r| r.get::<_, i64>(0))? != 3 {
        return Ok(Some("a table is missing".to_string()));
    }
    let structure: String = conn.query_row("PRAGMA quick_check(1)", [], |r| r.get(0))?;
    if structure != "ok" {
        return Ok(Some(structure));
    }
    let base: Option<String> = conn.query_row("SELECT value FROM base", [], |r| r.get(0)).optional()?;
    if base.is_some_and(|text| serde_json::from_str::<Base>(&text).is_err()) {
        return Ok(Some("where the store stood is not what was written".to_string()));
    }
    let mut statement = conn.prepare("SELECT row, digest, body FROM unsent")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, digest, body): (i64, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if Sha256::digest(&body)[..] != digest[..] {
            return Ok(Some(format!("the checksum of commit {number} is wrong")));
        }
    }
    Ok(None)
}

pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.busy_timeout(PATIENCE)?;
    // A log beside the file would lose its end unnoticed where a part of it is damaged. A file that has one from before
    // keeps it while somebody else has it open.
    let _kept = conn.pragma_update(None, "journal_mode", "DELETE");
    conn.pragma_update(None, "synchronous", "EXTRA")?;
    conn.pragma_update(None, "fullfsync", "ON")?;
    Ok(conn)
}

/// Whether the owner of a file is at work.
pub(super) fn at_work(conn: &Connection, around: &Surroundings) -> rusqlite::Result<bool> {
    let read = |r: &rusqlite::Row<'_>| Ok((r.get::<_, String>(0)?, r.get::<_, u32>(1)?));
    let owner = conn.query_row("SELECT machine, pid FROM owner", [], read).optional()?;
    let here = around.processes.machine();
    Ok(owner.is_some_and(|(machine, pid)| here.as_deref() == Some(machine.as_str()) && around.processes.is_alive(pid)))
}

/// What came of claiming a file.
enum Claim {
    Ours,
    /// Its owner is at work.
    Others,
    Damaged(String),
}

/// Writes down whose the file is, unless its owner is at work or it is not what was written: then it stays as it is.
fn own(conn: &Connection, name: &str, around: &Surroundings) -> rusqlite::Result<Claim> {
    let tx = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    if at_work(&tx, around)? {
        return Ok(Claim::Others);
    }
    if let Some(detail) = broken(&tx)? {
        return Ok(Claim::Damaged(detail));
    }
    note_owner(&tx, name, around)?;
    tx.commit()?;
    Ok(Claim::Ours)
}

fn note_owner(conn: &Connection, name: &str, around: &Surroundings) -> rusqlite::Result<()> {
    if let Some(here) = around.processes.machine() {
        let sql = "INSERT OR REPLACE INTO owner (id, name, machine, pid) VALUES (0, ?1, ?2, ?3)";
        conn.execute(sql, params![name, &*here, std::process::id()])?;
    }
    Ok(())
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
    use super::super::leftover;
    use super::*;
    use crate::backends;
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
        let left = || leftover::take(&path, &envelopes(), &around, backends::Unsent::Refuse).unwrap();
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
        while let Some(journal) = leftover::take(&path, &envelopes(), &around, backends::Unsent::Refuse).unwrap() {
            found += journal.unsent().unwrap().len();
            journal.clear(&Base::default()).unwrap();
        }
        assert_eq!(found, 4);
    }
}
