//! Finds what is damaged in a state file, and mends what can be mended: a row goes back to its last earlier image, or
//! goes; what others refer to and cannot be read goes from them.
//!
//! The file is copied before anything is changed. A file whose structure is broken is written anew with all rows that can
//! still be read.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::Value as Column;
use rusqlite::{Connection, TransactionBehavior};

use super::load::{self, Loading};
use super::seal::Keyring;
use super::write::{Interned, WriteError, Writing};
use super::{Change, Snapshot, SqliteStore, StateError, Store, StoredInstance, Surroundings, file, lease_table};
use crate::model::Str;

/// One thing that was wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub what: String,
    /// What was done about it, or would be.
    pub remedy: String,
}

/// What was found, and where the file is kept as it was; nothing was changed where there is no copy.
#[derive(Clone, Debug, Default)]
pub struct Repair {
    pub findings: Vec<Finding>,
    pub copy: Option<PathBuf>,
}

/// Looks at everything, and mends it unless it is only to be looked at.
pub fn repair(path: &Path, around: &Surroundings, only_look: bool) -> Result<Repair, StateError> {
    let failed = |e| StateError::from_sqlite(path, &e);
    let mut conn = file::open(path)?;
    let mut keys = Keyring::new(around.encryption.clone());
    let broken = structure(&conn);
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    nobody_at_work(&tx, path, around)?;
    let loading = Loading { path, conn: &tx, keys: &keys };
    let mut damage = look(&loading)?;
    let meta = loading.identity()?;
    if let Some(broken) = &broken {
        damage.find(format!("the file's structure is broken ({broken})"), "it is written anew with what can be read");
    }
    let findings = damage.findings.clone();
    if findings.is_empty() || only_look {
        return Ok(Repair { findings, copy: None });
    }
    if broken.is_some() || damage.shared {
        drop(tx);
        drop(conn);
        let copy = rebuild(path, around, &damage, meta)?;
        return Ok(Repair { findings, copy: Some(copy) });
    }
    let copy = keep_copy(path, around)?;
    mend(&tx, path, around, &mut keys, &damage).map_err(|e| e.told(path))?;
    tx.commit().map_err(failed)?;
    Ok(Repair { findings, copy: Some(copy) })
}

/// What SQLite says of the file's structure; nothing where it is whole.
fn structure(conn: &Connection) -> Option<String> {
    let check = conn.query_row("PRAGMA quick_check(1)", [], |r| r.get::<_, String>(0));
    match check {
        Ok(text) if text == "ok" => None,
        Ok(text) => Some(text),
        Err(error) => Some(error.to_string()),
    }
}

fn nobody_at_work(conn: &Connection, path: &Path, around: &Surroundings) -> Result<(), StateError> {
    let failed = |e| StateError::from_sqlite(path, &e);
    let live = lease_table::at_work(conn, None, around).map_err(failed)?;
    let leases = lease_table::all(conn).map_err(failed)?;
    match leases.into_iter().find(|l| i64::try_from(l.token).is_ok_and(|t| live.contains(&t))) {
        None => Ok(()),
        Some(lease) => Err(StateError::Locked {
            path: path.to_path_buf(),
            lease: Box::new(lease),
            waited: std::time::Duration::ZERO,
        }),
    }
}

/// What is wrong, and what can be read all the same.
#[derive(Default)]
struct Damage {
    findings: Vec<Finding>,
    /// Ids of rows that go, with the image that takes the place of each.
    rows: Vec<(i64, Option<Arc<StoredInstance>>)>,
    outputs: Vec<String>,
    intents: Vec<String>,
    /// Something that many rows share is damaged: the file is written anew.
    shared: bool,
    readable: Vec<Arc<StoredInstance>>,
}

impl Damage {
    fn find(&mut self, what: String, remedy: impl Into<String>) {
        self.findings.push(Finding { what, remedy: remedy.into() });
    }
}

fn look(loading: &Loading<'_>) -> Result<Damage, StateError> {
    let mut damage = Damage::default();
    let mut problems = Vec::new();
    let mut shared = loading.shared(&mut |problem| damaged(problem).map(|what| problems.push(what)))?;
    damage.shared = !problems.is_empty();
    problems.into_iter().for_each(|what| damage.find(what, "the file is written anew without it"));
    for id in ids(loading) {
        let mut found = None;
        let read = loading.each(&format!("{} WHERE id = {id}", load::ROWS), |row| {
            found = Some(loading.row(row, &mut shared)?);
            Ok(())
        });
        match (read, found) {
            (Ok(()), row) => damage.readable.extend(row.map(Arc::new)),
            (Err(problem), _) => lost_row(loading, id, damaged(problem)?, &mut damage),
        }
    }
    for name in loading.names("SELECT name FROM outputs").unwrap_or_default() {
        if let load::Stored::Unreadable = loading.output(&Str::from(name.as_str()))? {
            damage.find(format!("the output \"{name}\" cannot be read"), "it goes; the next apply computes it again");
            damage.outputs.push(name);
        }
    }
    if let Err(problem) = load::intents(loading, &HashSet::new()) {
        let remedy = "the journal is emptied; look at the provider for objects that the state does not have";
        damage.find(damaged(problem)?, remedy);
        damage.intents = loading.names("SELECT key FROM intents").unwrap_or_default();
    }
    Ok(damage)
}

/// What is wrong; other errors, such as a wrong key, are no damage.
fn damaged(problem: StateError) -> Result<String, StateError> {
    match problem {
        StateError::DamagedRow { row, detail, .. } => Ok(format!("{row}: {detail}")),
        StateError::Damaged { detail, .. } => Ok(detail),
        other => Err(other),
    }
}

/// The rows that can be found. Where the table's structure is broken, all ids that there may be.
fn ids(loading: &Loading<'_>) -> Vec<i64> {
    let mut ids = Vec::new();
    let read = loading.each("SELECT id FROM instances NOT INDEXED ORDER BY id", |row| {
        ids.push(row.get(0).map_err(|e| loading.sqlite(e))?);
        Ok(())
    });
    if read.is_ok() {
        return ids;
    }
    /// Rows get their ids in order, so that gaps are few.
    const GUESSED: i64 = 1_000_000;
    let last = loading.conn.query_row("SELECT max(id) FROM instances", [], |r| r.get::<_, i64>(0));
    (1..=last.unwrap_or(GUESSED).min(GUESSED)).collect()
}

/// A row that cannot be read: its last earlier image takes its place, if there is one.
fn lost_row(loading: &Loading<'_>, id: i64, what: String, damage: &mut Damage) {
    let sql = "SELECT h.resource, h.key, h.deposed, h.ended FROM history h JOIN instances i ON i.resource = h.resource
               AND i.key = h.key AND i.deposed = h.deposed WHERE i.id = ?1 ORDER BY h.ended DESC LIMIT 1";
    let read = |r: &rusqlite::Row<'_>| Ok([r.get(0)?, r.get(1)?, r.get(2)?, r.get::<_, Column>(3)?]);
    let named: Option<[Column; 4]> = loading.conn.query_row(sql, [id], read).ok();
    let image = named.and_then(|named| loading.past_row_of(&named).ok()).flatten().map(Arc::new);
    let remedy = match &image {
        Some(row) => format!("it is again as it was in generation {}; refresh to see what changed since", row.updated),
        None => "it goes; import the object again, or it is created anew".to_string(),
    };
    damage.find(what, remedy);
    damage.rows.push((id, image));
}

fn mend(
    conn: &Connection,
    path: &Path,
    around: &Surroundings,
    keys: &mut Keyring,
    damage: &Damage,
) -> Result<(), WriteError> {
    keys.prepare(conn, path)?;
    for (id, _) in &damage.rows {
        conn.execute("DELETE FROM instances WHERE id = ?1", [id])?;
    }
    for name in &damage.outputs {
        conn.execute("DELETE FROM outputs WHERE name = ?1", [name])?;
    }
    for key in &damage.intents {
        conn.execute("DELETE FROM intents WHERE key = ?1", [key])?;
    }
    let serial = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'serial'";
    let mut writing = Writing {
        path,
        interned: &mut Interned::default(),
        serial: conn.query_row(serial, [], |r| r.get(0))?,
        token: 0,
        keys,
        who: ("", "state repair"),
        now: around.clock.now(),
        run: None,
        kept: around.generations,
    };
    writing.apply(conn, &[Change::BumpSerial])?;
    let images = damage.rows.iter().filter_map(|(_, image)| image.clone());
    writing.apply(conn, &images.map(Change::Put).collect::<Vec<_>>())
}

/// Writes a new file with all rows that can be read, and puts it in the place of the old one.
fn rebuild(path: &Path, around: &Surroundings, damage: &Damage, meta: (String, u64)) -> Result<PathBuf, StateError> {
    let failed = |e: std::io::Error| StateError::from_io(path, &e);
    let (lineage, serial) = meta;
    let rows = damage.readable.iter().cloned().chain(damage.rows.iter().filter_map(|(_, image)| image.clone()));
    let mut snapshot = Snapshot::empty(lineage).with_rows(rows.collect());
    snapshot.serial = serial + 1;
    let draft = beside(path, &format!(".repaired-{}", uuid::Uuid::new_v4().simple()));
    let store = SqliteStore::open(&draft, around.clone())?;
    store.commit(vec![Change::Replace(Arc::new(snapshot))]).wait()?;
    drop(store);
    let copy = keep_copy(path, around)?;
    for of_old in ["-wal", "-shm"] {
        match fs::remove_file(beside(path, of_old)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
            _ => (),
        }
    }
    fs::rename(&draft, path).map_err(failed)?;
    Ok(copy)
}

/// Copies the file and its log, as they are.
fn keep_copy(path: &Path, around: &Surroundings) -> Result<PathBuf, StateError> {
    let name = format!(".damaged-{}", around.clock.now().unix_timestamp());
    let copy = beside(path, &name);
    fs::copy(path, &copy).map_err(|e| StateError::from_io(path, &e))?;
    let log = beside(path, "-wal");
    if log.exists() {
        fs::copy(&log, beside(&copy, "-wal")).map_err(|e| StateError::from_io(&log, &e))?;
    }
    Ok(copy)
}

fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(more);
    PathBuf::from(name)
}
