//! Applies changes to the tables, inside a transaction that the caller owns.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{self, RowFields};
use super::{
    Change, Intent, Output, RowKey, Snapshot, StateError, Status, StoredInstance, StoredProvider, body, sensitive,
};
use crate::model::{ResourceAddress, Str, value_json};

/// The ids of what stands once in the file. Must be dropped when a transaction is rolled back.
#[derive(Default)]
pub(super) struct Interned {
    resources: HashMap<ResourceAddress, (i64, Str)>,
    providers: HashMap<Arc<StoredProvider>, (i64, Str)>,
    dependencies: HashMap<Arc<[ResourceAddress]>, (i64, [u8; 32])>,
}

/// Why a change was not made: the database, or the change itself.
pub(super) enum WriteError {
    Sqlite(rusqlite::Error),
    Refused(StateError),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        WriteError::Sqlite(error)
    }
}

impl WriteError {
    pub(super) fn told(&self, path: &Path) -> StateError {
        match self {
            WriteError::Sqlite(error) => StateError::from_sqlite(path, error),
            WriteError::Refused(error) => error.clone(),
        }
    }
}

/// One group of commits on its way into the file.
pub(super) struct Writing<'a> {
    pub path: &'a Path,
    pub interned: &'a mut Interned,
    /// The serial that rows are written at.
    pub serial: i64,
    /// The fencing token of the lock that is held; 0 without one.
    pub token: i64,
}

impl Writing<'_> {
    pub(super) fn apply(&mut self, conn: &Connection, changes: &[Change]) -> Result<(), WriteError> {
        changes.iter().try_for_each(|change| self.one(conn, change))
    }

    fn one(&mut self, conn: &Connection, change: &Change) -> Result<(), WriteError> {
        match change {
            Change::Put(row) => self.put(conn, row, None),
            Change::Remove(key) => remove(conn, key),
            Change::Begin(intent) => self.begin(conn, intent),
            Change::End(key) => self.end(conn, key),
            Change::Outputs(outputs) => write_outputs(conn, outputs.iter()),
            Change::CheckResults(results) => write_check_results(conn, results.as_deref()),
            Change::BumpSerial => {
                self.serial = self.serial.saturating_add(1);
                set_meta(conn, "serial", &self.serial.to_string())
            }
            Change::Lineage(lineage) => set_meta(conn, "lineage", lineage),
            Change::Replace(snapshot) => self.replace(conn, snapshot),
        }
    }

    /// Writes a row; `stamps` are the serials of its creation and last change where they are known.
    fn put(&mut self, conn: &Connection, row: &StoredInstance, stamps: Option<(i64, i64)>) -> Result<(), WriteError> {
        let (resource, resource_text) = self.resource(conn, &row.address.resource)?;
        let (provider, provider_text) = self.provider(conn, &row.provider)?;
        let (dependencies, digest) = self.dependencies(conn, &row.dependencies)?;
        let (created, updated) = stamps.unwrap_or((self.serial, self.serial));
        let key = codec::key_text(row.address.key.as_ref());
        let sensitive = match row.sensitive.is_empty() {
            true => "[]".to_string(),
            false => sensitive::paths_to_json(&row.sensitive).to_string(),
        };
        let fields = RowFields {
            resource: &resource_text,
            key: &key,
            deposed: row.deposed.as_deref().unwrap_or_default(),
            provider: &provider_text,
            dependencies: &digest,
            schema_version: row.schema_version.min(i64::MAX as u64) as i64,
            tainted: row.status == Status::Tainted,
            create_before_destroy: row.create_before_destroy,
            remote_id: row.remote_id.as_deref(),
            sensitive: &sensitive,
            private: row.private.as_deref().map(str::as_bytes),
            attributes: row.attributes.as_bytes(),
        };
        conn.prepare_cached(PUT)?.execute(params![
            resource,
            fields.key,
            fields.deposed,
            provider,
            dependencies,
            fields.schema_version,
            fields.tainted,
            fields.create_before_destroy,
            created,
            updated,
            fields.checksum(),
            fields.remote_id,
            fields.sensitive,
            fields.private,
            fields.attributes,
        ])?;
        Ok(())
    }

    fn begin(&self, conn: &Connection, intent: &Intent) -> Result<(), WriteError> {
        conn.prepare_cached(
            "INSERT OR REPLACE INTO intents
             (key, plan, address, deposed, operation, provider, remote_id, began, token, desired)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            &*intent.key,
            &*intent.plan,
            intent.address.to_string(),
            intent.deposed.as_deref().unwrap_or_default(),
            intent.operation.word(),
            intent.provider.to_string(),
            intent.remote_id.as_deref(),
            codec::to_millis(intent.began),
            self.token,
            intent.desired.as_deref().map(str::as_bytes),
        ])?;
        Ok(())
    }

    fn end(&self, conn: &Connection, key: &str) -> Result<(), WriteError> {
        match conn.prepare_cached("DELETE FROM intents WHERE key = ?1")?.execute([key])? {
            0 => {
                let path = self.path.to_path_buf();
                Err(WriteError::Refused(StateError::NoSuchIntent { path, key: key.to_string() }))
            }
            _ => Ok(()),
        }
    }

    fn replace(&mut self, conn: &Connection, snapshot: &Snapshot) -> Result<(), WriteError> {
        let too_large =
            || WriteError::Refused(StateError::TooLarge { path: self.path.to_path_buf(), serial: snapshot.serial });
        self.serial = i64::try_from(snapshot.serial).map_err(|_| too_large())?;
        conn.execute_batch("DELETE FROM instances")?;
        set_meta(conn, "serial", &self.serial.to_string())?;
        set_meta(conn, "lineage", &snapshot.lineage)?;
        set_meta(conn, "terraform_version", &snapshot.terraform_version)?;
        write_outputs(conn, snapshot.outputs.iter())?;
        write_check_results(conn, snapshot.check_results.as_deref())?;
        for row in snapshot.rows() {
            // A row that no state has had yet begins with this one.
            let stamp = |serial: u64| if serial == 0 { self.serial } else { serial.min(i64::MAX as u64) as i64 };
            let stamps = (stamp(row.created), stamp(row.updated));
            self.put(conn, row, Some(stamps))?;
        }
        Ok(())
    }

    fn resource(&mut self, conn: &Connection, resource: &ResourceAddress) -> Result<(i64, Str), WriteError> {
        if let Some(found) = self.interned.resources.get(resource) {
            return Ok(found.clone());
        }
        let text: Str = resource.to_string().into();
        let id = intern(conn, INTERN_RESOURCE, &text)?;
        self.interned.resources.insert(resource.clone(), (id, text.clone()));
        Ok((id, text))
    }

    fn provider(&mut self, conn: &Connection, provider: &Arc<StoredProvider>) -> Result<(i64, Str), WriteError> {
        if let Some(found) = self.interned.providers.get(provider) {
            return Ok(found.clone());
        }
        let text: Str = provider.to_string().into();
        let id = intern(conn, INTERN_PROVIDER, &text)?;
        self.interned.providers.insert(provider.clone(), (id, text.clone()));
        Ok((id, text))
    }

    fn dependencies(&mut self, conn: &Connection, set: &Arc<[ResourceAddress]>) -> Result<(i64, [u8; 32]), WriteError> {
        if let Some(found) = self.interned.dependencies.get(set) {
            return Ok(*found);
        }
        let addresses: Vec<String> = set.iter().map(ToString::to_string).collect();
        let text = serde_json::Value::from(addresses).to_string();
        let digest = codec::digest(&text);
        let found = conn
            .prepare_cached("SELECT id FROM dependency_sets WHERE digest = ?1")?
            .query_row([&digest[..]], |r| r.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => conn
                .prepare_cached("INSERT INTO dependency_sets (digest, addresses) VALUES (?1, ?2)")?
                .insert(params![&digest[..], text])?,
        };
        self.interned.dependencies.insert(set.clone(), (id, digest));
        Ok((id, digest))
    }
}

/// The row's first serial stays when it is replaced.
const PUT: &str = "
INSERT INTO instances (resource, key, deposed, provider, dependencies, schema_version, tainted,
  create_before_destroy, created, updated, checksum, remote_id, sensitive, private, attributes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
ON CONFLICT (resource, key, deposed) DO UPDATE SET provider = excluded.provider,
  dependencies = excluded.dependencies, schema_version = excluded.schema_version, tainted = excluded.tainted,
  create_before_destroy = excluded.create_before_destroy, updated = excluded.updated,
  checksum = excluded.checksum, sealed_by = NULL, remote_id = excluded.remote_id,
  sensitive = excluded.sensitive, private = excluded.private, attributes = excluded.attributes";

const INTERN_RESOURCE: [&str; 2] =
    ["SELECT id FROM resources WHERE address = ?1", "INSERT INTO resources (address) VALUES (?1)"];
const INTERN_PROVIDER: [&str; 2] =
    ["SELECT id FROM providers WHERE address = ?1", "INSERT INTO providers (address) VALUES (?1)"];

fn intern(conn: &Connection, [find, insert]: [&str; 2], text: &str) -> rusqlite::Result<i64> {
    match conn.prepare_cached(find)?.query_row([text], |r| r.get(0)).optional()? {
        Some(id) => Ok(id),
        None => conn.prepare_cached(insert)?.insert([text]),
    }
}

fn remove(conn: &Connection, key: &RowKey) -> Result<(), WriteError> {
    conn.prepare_cached(
        "DELETE FROM instances
         WHERE resource = (SELECT id FROM resources WHERE address = ?1) AND key = ?2 AND deposed = ?3",
    )?
    .execute(params![
        key.address.resource.to_string(),
        codec::key_text(key.address.key.as_ref()),
        key.deposed.as_deref().unwrap_or_default(),
    ])?;
    Ok(())
}

fn write_outputs<'a>(
    conn: &Connection,
    outputs: impl Iterator<Item = (&'a Str, &'a Output)>,
) -> Result<(), WriteError> {
    conn.execute("DELETE FROM outputs", [])?;
    let mut insert = conn
        .prepare_cached("INSERT INTO outputs (name, type, sensitive, checksum, value) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (name, output) in outputs {
        let ty = output.value.ty();
        let ty_text = value_json::type_to_json(&ty).to_string();
        let value = body::encode(&output.value, &ty);
        let sum = codec::output_checksum(name, &ty_text, output.sensitive, value.as_bytes());
        insert.execute(params![&**name, ty_text, output.sensitive, sum, value.as_bytes()])?;
    }
    Ok(())
}

fn write_check_results(conn: &Connection, results: Option<&str>) -> Result<(), WriteError> {
    match results {
        Some(results) => set_meta(conn, "check_results", results),
        None => conn.execute("DELETE FROM meta WHERE name = 'check_results'", []).map(drop).map_err(Into::into),
    }
}

pub(super) fn set_meta(conn: &Connection, name: &str, value: &str) -> Result<(), WriteError> {
    conn.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")?.execute([name, value])?;
    Ok(())
}
