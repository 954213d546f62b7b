//! The tables of a state file, and how a file of an older format becomes one of this.
//!
//! What is long and common to many rows stands once: resource addresses, providers, sets of dependencies. Bodies
//! that may hold secrets are blobs with a `sealed_by` beside them: the key that they are encrypted with, or null while
//! they are plain text. The body of a sealed row holds all four of its last columns.
//! `history` and `past_outputs` hold earlier versions: the image of a row before the serial that ended it. `generations`
//! says who began each serial, and from which `sources`. Leases have a scope, which is the whole state while it is empty.
//!
//! Tables that each run writes have no row ids, so that a change touches few pages.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{StateError, codec, layout, private_file};

/// Says in the file's header that it is ours: "Trne".
pub(super) const APPLICATION_ID: i64 = 0x5472_6e65;

/// The format that is written, in the header's user version.
pub(super) const FORMAT: i64 = 3;

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
  desired BLOB,
  sum INTEGER NOT NULL
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
  expires INTEGER NOT NULL,
  sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"
    };
}

/// The keys, and what was before.
macro_rules! history {
    () => {
        "
-- Data keys, each for one lineage, wrapped by the key that the user holds.
CREATE TABLE keys (id INTEGER PRIMARY KEY, lineage TEXT NOT NULL, wrap TEXT NOT NULL, wrapped BLOB NOT NULL,
  sum INTEGER NOT NULL) STRICT;
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
  sealed_by INTEGER,
  -- Compressed.
  body BLOB NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (resource, key, deposed, ended)
) STRICT, WITHOUT ROWID;
CREATE TABLE past_outputs (
  name TEXT NOT NULL,
  ended INTEGER NOT NULL,
  sealed_by INTEGER,
  -- Null where there was no such output.
  body BLOB,
  sum INTEGER NOT NULL,
  PRIMARY KEY (name, ended)
) STRICT, WITHOUT ROWID;
CREATE TABLE generations (
  serial INTEGER PRIMARY KEY,
  began INTEGER NOT NULL,
  who TEXT NOT NULL,
  operation TEXT NOT NULL,
  sealed_by INTEGER,
  -- What the run was made from: the digests of its sources and its inputs, compressed.
  body BLOB,
  sum INTEGER NOT NULL
) STRICT;
CREATE TABLE sources (digest BLOB PRIMARY KEY, sealed_by INTEGER, body BLOB NOT NULL, sum INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
"
    };
}

/// Turns a file of format `from` into one of format `to`.
pub(super) struct Migration {
    pub from: i64,
    pub to: i64,
    pub sql: &'static str,
    /// What statements can't do.
    pub then: fn(&Connection) -> rusqlite::Result<()>,
}

/// What is added to the tables that the formats before the third have without checksums.
macro_rules! sums {
    () => {
        "
ALTER TABLE meta ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resources ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE providers ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
"
    };
}

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        from: 1,
        to: 3,
        sql: concat!(
            "ALTER TABLE intents RENAME TO intents_1; ALTER TABLE leases RENAME TO leases_1;
             DROP TABLE generations; DROP TABLE history;",
            sums!(),
            journal!(),
            history!(),
            "INSERT INTO intents (key, plan, address, deposed, operation, provider, remote_id, began, token, sealed_by,
               desired, sum)
             SELECT key, plan, address, deposed, operation, provider, remote_id, began, token, sealed_by, desired, 0
             FROM intents_1;
             INSERT INTO leases (id, scope, token, who, host, machine, pid, operation, since, expires, sum)
             SELECT id, scope, token, who, host, machine, pid, operation, since, expires, 0 FROM leases_1;
             DROP TABLE intents_1; DROP TABLE leases_1;"
        ),
        then: sum_up,
    },
    Migration {
        from: 2,
        to: 3,
        sql: concat!(
            sums!(),
            "ALTER TABLE intents ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
             ALTER TABLE leases ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
             ALTER TABLE keys ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
             ALTER TABLE past_outputs ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
             ALTER TABLE generations ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
             ALTER TABLE sources ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
             ALTER TABLE history RENAME COLUMN checksum TO sum;"
        ),
        then: sum_up,
    },
];

/// Gives every row a checksum over all of it. A row that is damaged already stays so.
fn sum_up(conn: &Connection) -> rusqlite::Result<()> {
    for table in layout::ALL.iter().filter(|table| table.summed) {
        table.sum_up(conn)?;
    }
    let read = |r: &rusqlite::Row<'_>| Ok([r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?]);
    let rows: Vec<[i64; 4]> = conn
        .prepare("SELECT id, checksum, created, updated FROM instances")?
        .query_map([], read)?
        .collect::<rusqlite::Result<_>>()?;
    let mut update = conn.prepare("UPDATE instances SET checksum = ?2 WHERE id = ?1")?;
    for [id, sum, created, updated] in rows {
        update.execute([id, codec::with_stamps(sum, created, updated)])?;
    }
    Ok(())
}

pub(super) const CREATE: &str = concat!(
    "
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE resources (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, sum INTEGER NOT NULL) STRICT;
CREATE TABLE providers (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, sum INTEGER NOT NULL) STRICT;
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
        (step.then)(&tx).map_err(failed)?;
        at = step.to;
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

/// The copy gets its name when it is complete.
fn back_up(conn: &Connection, path: &Path, format: i64) -> Result<(), StateError> {
    let copy = private_file::beside(path, &format!(".format-{format}"));
    if copy.exists() {
        // A migration that was interrupted: the first copy is the one to keep.
        return Ok(());
    }
    let draft = private_file::draft(&copy).map_err(|e| StateError::from_io(&copy, &e))?;
    let text = draft.to_string_lossy();
    let made = conn.execute("VACUUM INTO ?1", [&*text]).map_err(|e| StateError::from_sqlite(&copy, &e));
    let named = made.and_then(|_| private_file::name(&draft, &copy).map_err(|e| StateError::from_io(&copy, &e)));
    if named.is_err() {
        // What cannot be removed harms nobody.
        let _ = std::fs::remove_file(&draft);
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: i64) -> Migration {
        let sql = "CREATE TABLE later (x); INSERT INTO later SELECT value FROM meta";
        Migration { from, to: from + 1, sql, then: |_| Ok(()) }
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
        assert!(!folder.path().join("state.db.format-3").exists(), "nothing to do");
        migrate(&mut conn, &path, FORMAT + 1, &[step(FORMAT)]).unwrap();
        assert_eq!(versions(&conn), (FORMAT + 1, true));
        let copy = Connection::open(folder.path().join("state.db.format-3")).unwrap();
        assert_eq!(versions(&copy), (FORMAT, false));
        check(&copy, &path, FORMAT).unwrap();
    }

    /// As a file of the second format is: without the checksums of rows, and with other ones of objects.
    #[test]
    fn rows_of_older_formats_get_their_checksums() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let conn = super::super::file::open(&path).unwrap();
        let old: String =
            ["meta", "resources", "providers", "intents", "leases", "keys", "past_outputs", "generations"]
                .iter()
                .chain(&["sources"])
                .map(|table| format!("ALTER TABLE {table} DROP COLUMN sum;"))
                .collect();
        conn.execute_batch(&old).unwrap();
        conn.execute_batch(
            "ALTER TABLE history RENAME COLUMN sum TO checksum;
             INSERT INTO intents (key, plan, address, deposed, operation, provider, began, token)
             VALUES ('k', 'p', 'a.b', '', 'create', 'provider[\"terraform.io/builtin/terraform\"]', 5, 1);
             INSERT INTO generations (serial, began, who, operation) VALUES (1, 5, 'anna', 'apply');
             INSERT INTO history (resource, key, deposed, ended, provider, dependencies, schema_version, tainted,
               create_before_destroy, created, updated, checksum, body) VALUES (1, '', '', 2, 1, 1, 0, 0, 0, 1, 1, 7, x'00');
             INSERT INTO instances (resource, key, deposed, provider, dependencies, schema_version, tainted,
               create_before_destroy, created, updated, checksum, sensitive, attributes)
             VALUES (1, '', '', 1, 1, 0, 0, 0, 1, 2, 7, '[]', x'00');
             PRAGMA user_version = 2;",
        )
        .unwrap();
        drop(conn);
        let conn = super::super::file::open(&path).unwrap();
        for table in layout::ALL {
            table.check(&conn, &path).unwrap();
        }
        let sum: i64 = conn.query_row("SELECT checksum FROM instances", [], |r| r.get(0)).unwrap();
        assert_eq!(sum, codec::with_stamps(7, 1, 2));
        conn.execute("UPDATE intents SET began = 6", []).unwrap();
        assert!(layout::INTENTS.check(&conn, &path).is_err());
        let copy = folder.path().join("state.db.format-2");
        assert!(copy.exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let mut conn = super::super::file::open(&path).unwrap();
        assert!(migrate(&mut conn, &path, FORMAT + 2, &[step(FORMAT)]).is_err());
        assert_eq!(versions(&conn), (FORMAT, false));
        migrate(&mut conn, &path, FORMAT + 2, &[step(FORMAT), Migration { sql: "", ..step(FORMAT + 1) }]).unwrap();
        assert_eq!(versions(&conn), (FORMAT + 2, true));
    }
}
