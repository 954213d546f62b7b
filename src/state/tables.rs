//! The tables of a state file, and how a file of an older format becomes one of this.
//!
//! What is long and common to many rows stands once: resource addresses, providers, sets of dependencies. Bodies
//! that may hold secrets are blobs with a `sealed_by` beside them: the key that they are encrypted with, or null while
//! they are plain text. The body of a sealed row holds all four of its last columns.
//! `history` and `past_outputs` hold earlier versions: the image of a row before the serial that ended it. `generations`
//! says who began each serial, and from which `sources`. Leases have a scope, which is the whole state while it is empty.
//!
//! Tables that each run writes have no row ids, so that a change touches few pages.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::StateError;

/// Says in the file's header that it is ours: "Trne".
pub(super) const APPLICATION_ID: i64 = 0x5472_6e65;

/// The format that is written, in the header's user version.
pub(super) const FORMAT: i64 = 2;

/// The calls that are under way, and the locks.
macro_rules! journal {
    () => {
        "
CREATE TABLE intents (
  key TEXT PRIMARY KEY,
  plan TEXT NOT NULL,
  address TEXT NOT NULL,
  deposed TEXT NOT NULL,
  operation TEXT NOT NULL,
  provider TEXT NOT NULL,
  remote_id TEXT,
  -- Milliseconds since 1970, as all times.
  began INTEGER NOT NULL,
  token INTEGER NOT NULL,
  sealed_by INTEGER,
  desired BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE leases (
  id TEXT PRIMARY KEY,
  scope TEXT NOT NULL,
  token INTEGER NOT NULL,
  who TEXT NOT NULL,
  host TEXT NOT NULL,
  machine TEXT,
  pid INTEGER NOT NULL,
  operation TEXT NOT NULL,
  since INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"
    };
}

/// The keys, and what was before.
macro_rules! history {
    () => {
        "
-- Data keys, each for one lineage, wrapped by the key that the user holds.
CREATE TABLE keys (id INTEGER PRIMARY KEY, lineage TEXT NOT NULL, wrap TEXT NOT NULL, wrapped BLOB NOT NULL) STRICT;
CREATE TABLE history (
  resource INTEGER NOT NULL,
  key TEXT NOT NULL,
  deposed TEXT NOT NULL,
  -- The serial at which this version of the row was replaced or removed.
  ended INTEGER NOT NULL,
  provider INTEGER NOT NULL,
  dependencies INTEGER NOT NULL,
  schema_version INTEGER NOT NULL,
  tainted INTEGER NOT NULL,
  create_before_destroy INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  sealed_by INTEGER,
  -- Compressed.
  body BLOB NOT NULL,
  PRIMARY KEY (resource, key, deposed, ended)
) STRICT, WITHOUT ROWID;
CREATE TABLE past_outputs (
  name TEXT NOT NULL,
  ended INTEGER NOT NULL,
  sealed_by INTEGER,
  -- Null where there was no such output.
  body BLOB,
  PRIMARY KEY (name, ended)
) STRICT, WITHOUT ROWID;
CREATE TABLE generations (
  serial INTEGER PRIMARY KEY,
  began INTEGER NOT NULL,
  who TEXT NOT NULL,
  operation TEXT NOT NULL,
  sealed_by INTEGER,
  -- What the run was made from: the digests of its sources and its inputs, compressed.
  body BLOB
) STRICT;
CREATE TABLE sources (digest BLOB PRIMARY KEY, sealed_by INTEGER, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
"
    };
}

/// Turns a file of format `from` into one of format `from + 1`.
pub(super) struct Migration {
    pub from: i64,
    pub sql: &'static str,
}

pub(super) const MIGRATIONS: &[Migration] = &[Migration { from: 1, sql: concat!(
    "ALTER TABLE intents RENAME TO intents_1; ALTER TABLE leases RENAME TO leases_1;
     DROP TABLE generations; DROP TABLE history;",
    journal!(),
    history!(),
    "INSERT INTO intents (key, plan, address, deposed, operation, provider, remote_id, began, token, sealed_by, desired)
     SELECT key, plan, address, deposed, operation, provider, remote_id, began, token, sealed_by, desired FROM intents_1;
     INSERT INTO leases (id, scope, token, who, host, machine, pid, operation, since, expires)
     SELECT id, scope, token, who, host, machine, pid, operation, since, expires FROM leases_1;
     DROP TABLE intents_1; DROP TABLE leases_1;"
) }];

pub(super) const CREATE: &str = concat!(
    "
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE resources (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE providers (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE) STRICT;
-- A JSON array of resource addresses; the digest is its SHA-256.
CREATE TABLE dependency_sets (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, addresses TEXT NOT NULL) STRICT;
CREATE TABLE instances (
  id INTEGER PRIMARY KEY,
  resource INTEGER NOT NULL,
  -- Empty without a key, else '#' and an index or '=' and a name.
  key TEXT NOT NULL,
  -- Empty for the current object.
  deposed TEXT NOT NULL,
  provider INTEGER NOT NULL,
  dependencies INTEGER NOT NULL,
  schema_version INTEGER NOT NULL,
  tainted INTEGER NOT NULL,
  create_before_destroy INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  sealed_by INTEGER,
  remote_id TEXT,
  sensitive TEXT NOT NULL,
  private BLOB,
  attributes BLOB NOT NULL,
  UNIQUE (resource, key, deposed)
) STRICT;
CREATE TABLE outputs (
  name TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  sensitive INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  sealed_by INTEGER,
  value BLOB NOT NULL
) STRICT;
",
    journal!(),
    history!(),
);

/// Checks that the file is a state, and brings it to the present format. Before a migration, the file is copied to
/// `state.db.format-N` beside it.
pub(super) fn migrate(conn: &mut Connection, path: &Path, format: i64, steps: &[Migration]) -> Result<(), StateError> {
    let found = check(conn, path, format)?;
    if found == format {
        return Ok(());
    }
    back_up(conn, path, found)?;
    let failed = |e| StateError::from_sqlite(path, &e);
    let tx = conn.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(failed)?;
    let mut at: i64 = tx.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(failed)?;
    while at < format {
        let Some(step) = steps.iter().find(|s| s.from == at) else {
            let detail = format!("it has format {at}, which this terrane cannot bring up to date");
            return Err(StateError::NotAState { path: path.to_path_buf(), detail });
        };
        tx.execute_batch(step.sql).map_err(failed)?;
        at += 1;
    }
    tx.pragma_update(None, "user_version", format).map_err(failed)?;
    tx.commit().map_err(failed)
}

/// The format of the file, if it is a state that this version can read or bring up to date.
pub(super) fn check(conn: &Connection, path: &Path, format: i64) -> Result<i64, StateError> {
    let pragma = |name| -> Result<i64, StateError> {
        conn.pragma_query_value(None, name, |r| r.get(0)).map_err(|e| StateError::from_sqlite(path, &e))
    };
    let not_ours = |detail: &str| StateError::NotAState { path: path.to_path_buf(), detail: detail.to_string() };
    if pragma("application_id")? != APPLICATION_ID {
        return Err(not_ours("it is a database of another program"));
    }
    let found = pragma("user_version")?;
    if found > format {
        // A later format may keep this elsewhere: then the format's number must do.
        let written_by = conn.query_row("SELECT value FROM meta WHERE name = 'written_by'", [], |r| r.get(0));
        let written_by = written_by.unwrap_or_else(|_| format!("with state format {found}"));
        return Err(StateError::FromTheFuture { path: path.to_path_buf(), found, known: format, written_by });
    }
    Ok(found)
}

fn back_up(conn: &Connection, path: &Path, format: i64) -> Result<(), StateError> {
    let mut name = path.as_os_str().to_os_string();
    name.push(format!(".format-{format}"));
    let copy = PathBuf::from(name);
    if copy.exists() {
        // A migration that was interrupted: the first copy is the one to keep.
        return Ok(());
    }
    let text = copy.to_string_lossy();
    conn.execute("VACUUM INTO ?1", [&*text]).map(drop).map_err(|e| StateError::from_sqlite(&copy, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: i64) -> Migration {
        Migration { from, sql: "CREATE TABLE later (x); INSERT INTO later SELECT value FROM meta" }
    }

    fn versions(conn: &Connection) -> (i64, bool) {
        let version = conn.pragma_query_value(None, "user_version", |r| r.get(0)).unwrap();
        (version, conn.table_exists(None, "later").unwrap())
    }

    #[test]
    fn an_older_format_is_copied_before_it_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let mut conn = super::super::file::open(&path).unwrap();
        migrate(&mut conn, &path, FORMAT, &[]).unwrap();
        assert!(!folder.path().join("state.db.format-2").exists(), "nothing to do");
        migrate(&mut conn, &path, FORMAT + 1, &[step(FORMAT)]).unwrap();
        assert_eq!(versions(&conn), (FORMAT + 1, true));
        let copy = Connection::open(folder.path().join("state.db.format-2")).unwrap();
        assert_eq!(versions(&copy), (FORMAT, false));
        check(&copy, &path, FORMAT).unwrap();
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let mut conn = super::super::file::open(&path).unwrap();
        assert!(migrate(&mut conn, &path, FORMAT + 2, &[step(FORMAT)]).is_err());
        assert_eq!(versions(&conn), (FORMAT, false));
        migrate(&mut conn, &path, FORMAT + 2, &[step(FORMAT), Migration { from: FORMAT + 1, sql: "" }]).unwrap();
        assert_eq!(versions(&conn), (FORMAT + 2, true));
    }
}
