//! What stands in the sandbox's file: objects and names as they are, or sealed.
//!
//! A sealed file has objects that nobody reads without the key, and digests in the place of ids and names: the same
//! for the same text, so that objects are still found by them.

use std::sync::Arc;

use rusqlite::types::{FromSqlError, ToSqlOutput};
use rusqlite::{Connection, OptionalExtension, ToSql, TransactionBehavior};

use super::store::broken;
use crate::provider::ProviderError;

/// Seals what the file holds.
pub trait Cover: Send + Sync {
    fn seal(&self, text: &str) -> Vec<u8>;

    /// Nothing where the bytes were sealed otherwise.
    fn open(&self, sealed: &[u8]) -> Option<String>;

    /// What stands for a name: the same for the same name.
    fn digest(&self, name: &str) -> String;
}

/// How the file is written, for one run.
#[derive(Clone, Default)]
pub struct Covered(Option<Arc<dyn Cover>>);

/// An object as it stands in the file.
pub enum Body {
    Plain(String),
    Sealed(Vec<u8>),
}

impl ToSql for Body {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Body::Plain(text) => text.to_sql(),
            Body::Sealed(bytes) => bytes.to_sql(),
        }
    }
}

impl Covered {
    pub fn by(cover: Arc<dyn Cover>) -> Covered {
        Covered(Some(cover))
    }

    /// An id or name as the file has it.
    pub fn name(&self, name: &str) -> String {
        match &self.0 {
            Some(cover) if !name.is_empty() => cover.digest(name),
            _ => name.to_string(),
        }
    }

    pub fn body(&self, id: &str, text: String) -> Body {
        match &self.0 {
            Some(cover) => Body::Sealed(cover.seal(&format!("{id}\n{text}"))),
            None => Body::Plain(text),
        }
    }

    /// The id and the text of an object, from its columns of these names.
    pub fn read(&self, row: &rusqlite::Row<'_>) -> rusqlite::Result<(String, String)> {
        let body = row.get_ref("body")?;
        let Some(cover) = &self.0 else { return Ok((row.get("id")?, body.as_str()?.to_string())) };
        let text = cover.open(body.as_bytes()?).ok_or(FromSqlError::Other("it was sealed with another key".into()))?;
        let (id, text) = text.split_once('\n').unwrap_or_default();
        Ok((id.to_string(), text.to_string()))
    }
}

/// The key of the file, sealed; nothing where it is in clear.
pub fn sealed_key(connection: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    connection.query_row("SELECT key FROM sealing", [], |row| row.get(0)).optional()
}

/// Keeps the sealed key, and seals what stands in clear so far. Gives whether the key was still the known one: another
/// run may have sealed the file meanwhile.
pub fn cover(
    connection: &mut Connection,
    known: Option<&[u8]>,
    key: &[u8],
    covered: &Covered,
) -> Result<bool, ProviderError> {
    let is_new = known != Some(key);
    let done = !is_new || seal_all(connection, known, key, covered).map_err(|e| broken(&e))?;
    if done && known.is_none() {
        // What was overwritten is still in the file until then.
        let anew = connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
        anew.map_err(|e| broken(&e))?;
    }
    Ok(done)
}

/// Columns with ids and names.
const NAMES: [(&str, &str); 10] = [
    ("objects", "parent"),
    ("handles", "handle"),
    ("handles", "id"),
    ("refs", "from_id"),
    ("refs", "to_id"),
    ("uniques", "value"),
    ("uniques", "id"),
    ("ranges", "parent"),
    ("ranges", "id"),
    ("objects", "id"),
];

fn seal_all(
    connection: &mut Connection,
    known: Option<&[u8]>,
    key: &[u8],
    covered: &Covered,
) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if sealed_key(&transaction)?.as_deref() != known {
        return Ok(false);
    }
    transaction.execute("DELETE FROM sealing", [])?;
    transaction.execute("INSERT INTO sealing (key) VALUES (?1)", [key])?;
    if known.is_none() {
        seal_bodies(&transaction, covered)?;
        seal_names(&transaction, covered)?;
    }
    transaction.commit()?;
    Ok(true)
}

fn seal_names(connection: &Connection, covered: &Covered) -> rusqlite::Result<()> {
    for (table, column) in NAMES {
        let names: Vec<String> = connection
            .prepare(&format!("SELECT DISTINCT {column} FROM {table} WHERE {column} <> ''"))?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut update = connection.prepare(&format!("UPDATE {table} SET {column} = ?2 WHERE {column} = ?1"))?;
        for name in names {
            update.execute([&name, &covered.name(&name)])?;
        }
    }
    Ok(())
}

fn seal_bodies(connection: &Connection, covered: &Covered) -> rusqlite::Result<()> {
    let rows: Vec<(i64, String, String)> = connection
        .prepare("SELECT rowid, id, body FROM objects")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut update = connection.prepare("UPDATE objects SET body = ?2 WHERE rowid = ?1")?;
    for (rowid, id, text) in rows {
        update.execute(rusqlite::params![rowid, covered.body(&id, text)])?;
    }
    Ok(())
}
