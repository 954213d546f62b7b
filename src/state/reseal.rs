//! Writes everything that a state holds anew, with the key that it is to be sealed with now, or plain.

use rusqlite::Connection;

use super::load::{self, Loading};
use super::seal::Keyring;
use super::write::{SEALED_WITH, WriteError, Writing, set_meta};
use super::{history, sealed_tables};

/// Whether something is sealed otherwise than it is to be. Values that another process has sealed otherwise meanwhile
/// count.
pub(super) fn is_due(conn: &Connection, keys: &Keyring) -> Result<bool, WriteError> {
    use rusqlite::OptionalExtension;
    let sql = "SELECT value FROM meta WHERE name = ?1";
    let with: Option<String> = conn.prepare_cached(sql)?.query_row([SEALED_WITH], |r| r.get(0)).optional()?;
    Ok(with.unwrap_or_default() != keys.writing_id())
}

/// Inside the caller's transaction: all or nothing.
pub(super) fn all(conn: &Connection, writing: &mut Writing<'_>) -> Result<(), WriteError> {
    let loading = Loading { path: writing.path, conn, keys: writing.keys };
    let snapshot = load::snapshot(conn, writing.path, writing.keys)?;
    let intents = load::intents(&loading, &Default::default())?;
    for table in sealed_tables::ALL {
        table.reseal(conn, writing.path, writing.keys)?;
    }
    history::name_anew(conn, writing.path, writing.keys)?;
    for row in snapshot.rows() {
        let stamp = |serial: u64| serial.min(i64::MAX as u64) as i64;
        writing.put(conn, row, Some((stamp(row.created), stamp(row.updated))))?;
    }
    for (name, output) in &snapshot.outputs {
        writing.write_output(conn, name, Some(output))?;
    }
    writing.put_check_results(conn, snapshot.check_results.as_deref())?;
    let sql = "SELECT token FROM intents WHERE key = ?1";
    for intent in &intents {
        writing.token = conn.query_row(sql, [&*intent.key], |r| r.get(0))?;
        writing.begin(conn, intent)?;
    }
    let id = writing.keys.writing_id();
    set_meta(conn, SEALED_WITH, &id)?;
    conn.execute("DELETE FROM keys WHERE CAST(id AS TEXT) != ?1", [&id])?;
    Ok(())
}
