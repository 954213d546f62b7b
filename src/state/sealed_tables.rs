//! Tables whose rows have one body, sealed or not: `history`, `past_outputs`, `generations`, `sources`.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::StateError;
use super::seal::{Bound, Keyring, Purpose};
use super::write::WriteError;

/// A table, with the columns that name its rows.
pub(super) struct SealedTable {
    pub name: &'static str,
    pub keys: &'static [&'static str],
    pub purpose: Purpose,
}

pub(super) const HISTORY: SealedTable =
    SealedTable { name: "history", keys: &["resource", "key", "deposed", "ended"], purpose: Purpose::Past };
pub(super) const PAST_OUTPUTS: SealedTable =
    SealedTable { name: "past_outputs", keys: &["name", "ended"], purpose: Purpose::Past };
pub(super) const GENERATIONS: SealedTable =
    SealedTable { name: "generations", keys: &["serial"], purpose: Purpose::Generation };
pub(super) const SOURCES: SealedTable = SealedTable { name: "sources", keys: &["digest"], purpose: Purpose::Source };

pub(super) const ALL: [&SealedTable; 4] = [&HISTORY, &PAST_OUTPUTS, &GENERATIONS, &SOURCES];

impl SealedTable {
    /// What the body of a row is bound to.
    pub fn bound(&self, keys: &[Value]) -> Bound {
        keys.iter().fold(self.purpose.bound().and(self.name.as_bytes()), |bound, key| match key {
            Value::Text(text) => bound.and(text.as_bytes()),
            Value::Blob(bytes) => bound.and(bytes),
            Value::Integer(n) => bound.and(&n.to_le_bytes()),
            Value::Null | Value::Real(_) => bound.and(b""),
        })
    }

    /// Opens a body that was read.
    pub fn open(
        &self,
        conn: &Connection,
        path: &Path,
        keys: &Keyring,
        named: &[Value],
        by: Option<i64>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, StateError> {
        let Some(by) = by else {
            keys.check_plain(path)?;
            return Ok(body);
        };
        let opened = keys.open(conn, path, by, self.bound(named), &body)?;
        opened.map_err(|e| StateError::DamagedRow {
            path: path.to_path_buf(),
            row: format!("a row of the table \"{}\"", self.name),
            detail: e.to_string(),
        })
    }

    /// Writes every body anew that is not sealed as values are to be written now.
    pub fn reseal(&self, conn: &Connection, path: &Path, keys: &Keyring) -> Result<(), WriteError> {
        let columns = self.keys.join(", ");
        let read = format!("SELECT {columns}, sealed_by, body FROM {} WHERE body IS NOT NULL", self.name);
        let mut pending = Vec::new();
        let mut statement = conn.prepare(&read)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let named = (0..self.keys.len()).map(|i| row.get(i)).collect::<rusqlite::Result<Vec<Value>>>()?;
            let by: Option<i64> = row.get(self.keys.len())?;
            if keys.is_current(by) {
                continue;
            }
            let body = self.open(conn, path, keys, &named, by, row.get(self.keys.len() + 1)?);
            let (by, body) = keys.seal(self.bound(&named), body.map_err(WriteError::Refused)?);
            pending.push((named, by, body));
        }
        drop(rows);
        let wanted: Vec<String> = self.keys.iter().enumerate().map(|(i, k)| format!("{k} = ?{}", i + 3)).collect();
        let update = format!("UPDATE {} SET sealed_by = ?1, body = ?2 WHERE {}", self.name, wanted.join(" AND "));
        let mut statement = conn.prepare(&update)?;
        for (named, by, body) in pending {
            let by = by.map_or(Value::Null, Value::Integer);
            statement.execute(params_from_iter([by, Value::Blob(body)].into_iter().chain(named)))?;
        }
        Ok(())
    }
}
