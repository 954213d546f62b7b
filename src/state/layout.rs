//! The tables one by one: their columns, what names their rows, and the checksums over these.

use std::path::Path;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Row, ToSql, params_from_iter};

use super::StateError;
use super::codec::Checksum;

pub(super) struct Table {
    pub name: &'static str,
    /// One of its rows, as messages name it.
    pub what: &'static str,
    /// How many of the first columns name a row.
    pub key: usize,
    /// All of them.
    pub columns: &'static [&'static str],
    /// Whether the last column is a checksum over all others; else the rows have checksums of their own kind.
    pub summed: bool,
}

pub(super) const META: Table =
    Table { name: "meta", what: "the head", key: 1, columns: &["name", "value", "sum"], summed: true };
pub(super) const RESOURCES: Table =
    Table { name: "resources", what: "an address", key: 1, columns: &["id", "address", "sum"], summed: true };
pub(super) const PROVIDERS: Table =
    Table { name: "providers", what: "a provider", key: 1, columns: &["id", "address", "sum"], summed: true };
pub(super) const DEPENDENCY_SETS: Table = Table {
    name: "dependency_sets",
    what: "a set of dependencies",
    key: 1,
    columns: &["id", "digest", "addresses"],
    summed: false,
};
pub(super) const KEYS: Table =
    Table { name: "keys", what: "a key", key: 1, columns: &["id", "lineage", "wrap", "wrapped", "sum"], summed: true };
pub(super) const INSTANCES: Table = Table {
    name: "instances",
    what: "an object",
    key: 1,
    columns: &[
        "id",
        "resource",
        "key",
        "deposed",
        "provider",
        "dependencies",
        "schema_version",
        "tainted",
        "create_before_destroy",
        "created",
        "updated",
        "checksum",
        "sealed_by",
        "remote_id",
        "sensitive",
        "private",
        "attributes",
    ],
    summed: false,
};
pub(super) const OUTPUTS: Table = Table {
    name: "outputs",
    what: "an output",
    key: 1,
    columns: &["name", "type", "sensitive", "checksum", "sealed_by", "value"],
    summed: false,
};
pub(super) const INTENTS: Table = Table {
    name: "intents",
    what: "an intent",
    key: 1,
    columns: &[
        "key",
        "plan",
        "address",
        "deposed",
        "operation",
        "provider",
        "remote_id",
        "began",
        "token",
        "sealed_by",
        "desired",
        "sum",
    ],
    summed: true,
};
pub(super) const LEASES: Table = Table {
    name: "leases",
    what: "a lock",
    key: 1,
    columns: &["id", "scope", "token", "who", "host", "machine", "pid", "operation", "since", "expires", "sum"],
    summed: true,
};
pub(super) const HISTORY: Table = Table {
    name: "history",
    what: "an earlier image of an object",
    key: 4,
    columns: &[
        "resource",
        "key",
        "deposed",
        "ended",
        "provider",
        "dependencies",
        "schema_version",
        "tainted",
        "create_before_destroy",
        "created",
        "updated",
        "sealed_by",
        "body",
        "sum",
    ],
    summed: true,
};
pub(super) const PAST_OUTPUTS: Table = Table {
    name: "past_outputs",
    what: "an earlier output",
    key: 2,
    columns: &["name", "ended", "sealed_by", "body", "sum"],
    summed: true,
};
pub(super) const GENERATIONS: Table = Table {
    name: "generations",
    what: "a generation",
    key: 1,
    columns: &["serial", "began", "who", "operation", "sealed_by", "body", "sum"],
    summed: true,
};
pub(super) const SOURCES: Table = Table {
    name: "sources",
    what: "the source of a generation",
    key: 1,
    columns: &["digest", "sealed_by", "body", "sum"],
    summed: true,
};

/// All tables. Their order is part of the backup's format.
pub(super) const ALL: [&Table; 13] = [
    &META,
    &RESOURCES,
    &PROVIDERS,
    &DEPENDENCY_SETS,
    &KEYS,
    &INSTANCES,
    &OUTPUTS,
    &INTENTS,
    &LEASES,
    &HISTORY,
    &PAST_OUTPUTS,
    &GENERATIONS,
    &SOURCES,
];

/// What each command relies on besides the objects: looked at whenever a state is read.
pub(super) const ALWAYS: [&Table; 4] = [&META, &KEYS, &INTENTS, &LEASES];

/// What only those rely on who look at earlier generations.
pub(super) const PAST: [&Table; 4] = [&HISTORY, &PAST_OUTPUTS, &GENERATIONS, &SOURCES];

impl Table {
    pub fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.columns.join(", "), self.name)
    }

    /// Writes a row, which takes the place of one that is named the same. The checksum is added.
    pub fn put(&self, conn: &Connection, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
        self.write(conn, "REPLACE", values)
    }

    /// Writes a row unless there is one that is named the same.
    pub fn add(&self, conn: &Connection, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
        self.write(conn, "IGNORE", values)
    }

    fn write(&self, conn: &Connection, otherwise: &str, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
        let sum = sum_of(values)?;
        let values = values.iter().copied().chain([&sum as &dyn ToSql]);
        conn.prepare_cached(&self.insert(otherwise))?.execute(params_from_iter(values)).map(drop)
    }

    /// Writes a row as it was read, with its checksum.
    pub fn copy(&self, conn: &Connection, values: &[Value]) -> rusqlite::Result<()> {
        conn.prepare_cached(&self.insert("REPLACE"))?.execute(params_from_iter(values)).map(drop)
    }

    fn insert(&self, otherwise: &str) -> String {
        let places: Vec<String> = (1..=self.columns.len()).map(|i| format!("?{i}")).collect();
        format!("INSERT OR {otherwise} INTO {} ({}) VALUES ({})", self.name, self.columns.join(", "), places.join(", "))
    }

    /// The id of a row that is new.
    pub fn next_id(&self, conn: &Connection) -> rusqlite::Result<i64> {
        let sql = format!("SELECT coalesce(max(id), 0) + 1 FROM {}", self.name);
        conn.prepare_cached(&sql)?.query_row([], |r| r.get(0))
    }

    pub fn delete(&self, conn: &Connection, key: &[Value]) -> rusqlite::Result<()> {
        conn.prepare_cached(&format!("DELETE FROM {} WHERE {}", self.name, self.named()))?
            .execute(params_from_iter(key))
            .map(drop)
    }

    fn named(&self) -> String {
        let keys = self.columns.iter().take(self.key).enumerate();
        keys.map(|(i, column)| format!("{column} = ?{}", i + 1)).collect::<Vec<_>>().join(" AND ")
    }

    /// Whether a row that has all columns is what was written.
    pub fn is_whole(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        let Some(last) = self.columns.len().checked_sub(1).filter(|_| self.summed) else { return Ok(true) };
        let mut sum = Checksum::new();
        for i in 0..last {
            sum = add(sum, row.get_ref(i)?);
        }
        Ok(row.get_ref(last)? == ValueRef::Integer(sum.sum()))
    }

    /// Fails if a row is not what was written.
    pub fn check(&self, conn: &Connection, path: &Path) -> Result<(), StateError> {
        let failed = |e| StateError::from_sqlite(path, &e);
        let mut statement = conn.prepare_cached(&self.select()).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if !self.is_whole(row).map_err(failed)? {
                let (row, detail) = (self.what.to_string(), "its checksum is wrong".to_string());
                return Err(StateError::DamagedRow { path: path.to_path_buf(), row, detail });
            }
        }
        Ok(())
    }

    /// The rows that are not what was written, by their keys.
    pub fn damaged(&self, conn: &Connection) -> rusqlite::Result<Vec<Vec<Value>>> {
        let mut damaged = Vec::new();
        let mut statement = conn.prepare(&self.select())?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if !self.is_whole(row)? {
                damaged.push((0..self.key).map(|i| row.get(i)).collect::<rusqlite::Result<_>>()?);
            }
        }
        Ok(damaged)
    }

    /// Writes the checksum of every row, for tables that had none.
    pub fn sum_up(&self, conn: &Connection) -> rusqlite::Result<()> {
        let mut all = Vec::new();
        let mut statement = conn.prepare(&self.select())?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            all.push(values(row, self.columns.len().saturating_sub(1))?);
        }
        all.iter().try_for_each(|row| self.put(conn, &row.iter().map(|v| v as &dyn ToSql).collect::<Vec<_>>()))
    }
}

/// The first columns of a row.
pub(super) fn values(row: &Row<'_>, count: usize) -> rusqlite::Result<Vec<Value>> {
    (0..count).map(|i| row.get(i)).collect()
}

/// The checksum of a row.
pub(super) fn sum_of(values: &[&dyn ToSql]) -> rusqlite::Result<i64> {
    let mut sum = Checksum::new();
    for value in values {
        sum = match value.to_sql()? {
            ToSqlOutput::Borrowed(value) => add(sum, value),
            ToSqlOutput::Owned(value) => add(sum, ValueRef::from(&value)),
            // No other kinds are written here.
            _ => sum,
        };
    }
    Ok(sum.sum())
}

fn add(sum: Checksum, value: ValueRef<'_>) -> Checksum {
    match value {
        ValueRef::Null => sum.bytes(b"-"),
        ValueRef::Integer(n) => sum.bytes(b"i").number(n),
        ValueRef::Real(n) => sum.bytes(b"r").bytes(&n.to_le_bytes()),
        ValueRef::Text(text) => sum.bytes(b"t").bytes(text),
        ValueRef::Blob(bytes) => sum.bytes(b"b").bytes(bytes),
    }
}
