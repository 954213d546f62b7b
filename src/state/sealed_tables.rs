//! Tables whose rows have one body, sealed or not: `history`, `past_outputs`, `generations`, `sources`.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, ToSql};

use super::StateError;
use super::layout::{self, Table};
use super::seal::{Bound, Keyring, Purpose};
use super::write::WriteError;

/// A table, and what its bodies are.
pub(super) struct SealedTable {
    pub table: &'static Table,
    pub purpose: Purpose,
}

pub(super) const HISTORY: SealedTable = SealedTable { table: &layout::HISTORY, purpose: Purpose::Past };
pub(super) const PAST_OUTPUTS: SealedTable = SealedTable { table: &layout::PAST_OUTPUTS, purpose: Purpose::Past };
pub(super) const GENERATIONS: SealedTable = SealedTable { table: &layout::GENERATIONS, purpose: Purpose::Generation };
pub(super) const SOURCES: SealedTable = SealedTable { table: &layout::SOURCES, purpose: Purpose::Source };

pub(super) const ALL: [&SealedTable; 4] = [&HISTORY, &PAST_OUTPUTS, &GENERATIONS, &SOURCES];

impl SealedTable {
    /// What the body of a row is bound to.
    pub fn bound(&self, keys: &[Value]) -> Bound {
        keys.iter().fold(self.purpose.bound().and(self.table.name.as_bytes()), |bound, key| match key {
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
            row: self.table.what.to_string(),
            detail: e.to_string(),
        })
    }

    /// Writes every body anew that is not sealed as values are to be written now.
    pub fn reseal(&self, conn: &Connection, path: &Path, keys: &Keyring) -> Result<(), WriteError> {
        let table = self.table;
        let place = |column| table.columns.iter().position(|c| *c == column).unwrap_or_default();
        let (sealed_by, body) = (place("sealed_by"), place("body"));
        table.check(conn, path)?;
        let mut pending = Vec::new();
        let mut statement = conn.prepare(&format!("{} WHERE body IS NOT NULL", table.select()))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let by: Option<i64> = row.get(sealed_by)?;
            if keys.is_current(by) {
                continue;
            }
            let mut values = layout::values(row, table.columns.len() - 1)?;
            let named = &values[..table.key];
            let opened = self.open(conn, path, keys, named, by, row.get(body)?).map_err(WriteError::Refused)?;
            let (by, sealed) = keys.seal(self.bound(named), opened);
            values[sealed_by] = by.map_or(Value::Null, Value::Integer);
            values[body] = Value::Blob(sealed);
            pending.push(values);
        }
        drop(rows);
        for values in pending {
            table.put(conn, &values.iter().map(|v| v as &dyn ToSql).collect::<Vec<_>>())?;
        }
        Ok(())
    }
}
