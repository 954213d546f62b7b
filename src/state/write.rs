//! Applies changes to the tables, inside a transaction that the caller owns.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::Value as Column;
use rusqlite::{Connection, OptionalExtension, params};
use time::OffsetDateTime;

use super::codec::{self, RowFields};
use super::load::{Loading, Stored};
use super::row_body::{RowBody, deflate};
use super::seal::{Keyring, Purpose};
use super::sealed_tables::HISTORY;
use super::{
    Change, Intent, Output, RowKey, Run, Snapshot, StateError, Status, StoredInstance, StoredProvider, body, history,
    layout, sensitive,
};
use crate::model::{ResourceAddress, Str, Type, value_json};

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

impl From<StateError> for WriteError {
    fn from(error: StateError) -> Self {
        WriteError::Refused(error)
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
    pub keys: &'a mut Keyring,
    /// Who begins the next generation: the user and the operation.
    pub who: (&'a str, &'a str),
    pub now: OffsetDateTime,
    /// What the next generation is made from.
    pub run: Option<Arc<Run>>,
    /// How many generations are kept; with none, rows are not kept either.
    pub kept: u64,
}

impl Writing<'_> {
    pub(super) fn apply(&mut self, conn: &Connection, changes: &[Change]) -> Result<(), WriteError> {
        changes.iter().try_for_each(|change| self.one(conn, change))
    }

    fn one(&mut self, conn: &Connection, change: &Change) -> Result<(), WriteError> {
        match change {
            Change::Put(row) => self.put(conn, row, None),
            Change::Remove(key) => self.remove(conn, key),
            Change::Begin(intent) => self.begin(conn, intent),
            Change::End(key) => self.end(conn, key),
            Change::Outputs(outputs) => self.put_outputs(conn, outputs),
            Change::Output(name, output) => self.put_output(conn, name, output.as_ref()),
            Change::CheckResults(results) => self.put_check_results(conn, results.as_deref()),
            Change::BumpSerial => {
                self.serial = self.serial.saturating_add(1);
                set_meta(conn, "serial", &self.serial.to_string())?;
                self.begin_generation(conn)
            }
            Change::Spend | Change::Describe(_) => Ok(()),
            Change::Replace(snapshot) => self.replace(conn, snapshot),
        }
    }

    fn begin_generation(&mut self, conn: &Connection) -> Result<(), WriteError> {
        if self.kept == 0 {
            return Ok(());
        }
        let run = self.run.take();
        history::begin(conn, self.keys, self.serial, self.who, self.now, run.as_deref())?;
        if history::prune(conn, self.kept)? { history::prune_sources(conn, self.path, self.keys) } else { Ok(()) }
    }

    /// Writes a row; `stamps` are the serials of its creation and last change where they are known, and then nothing
    /// is kept of what it replaces.
    pub(super) fn put(
        &mut self,
        conn: &Connection,
        row: &StoredInstance,
        stamps: Option<(i64, i64)>,
    ) -> Result<(), WriteError> {
        let (resource, resource_text) = self.resource(conn, &row.address.resource)?;
        let (provider, provider_text) = self.provider(conn, &row.provider)?;
        let (dependencies, digest) = self.dependencies(conn, &row.dependencies)?;
        let key = codec::key_text(row.address.key.as_ref());
        let deposed = row.deposed.as_deref().unwrap_or_default();
        if stamps.is_none() {
            self.keep(conn, resource, &resource_text, &key, deposed)?;
        }
        let (created, updated) = stamps.unwrap_or((self.serial, self.serial));
        // The first serial of a row stays when it is replaced.
        let first = "SELECT created FROM instances WHERE resource = ?1 AND key = ?2 AND deposed = ?3";
        let first = conn.prepare_cached(first)?.query_row(params![resource, key, deposed], |r| r.get(0)).optional()?;
        let created = first.unwrap_or(created);
        let sensitive = match row.sensitive.is_empty() {
            true => "[]".to_string(),
            false => sensitive::paths_to_json(&row.sensitive).to_string(),
        };
        let mut fields = RowFields {
            resource: &resource_text,
            key: &key,
            deposed,
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
        let sealed;
        let mut sealed_by = None;
        if self.keys.is_sealing() {
            let body = RowBody {
                remote_id: row.remote_id.as_deref().map(Into::into),
                sensitive: sensitive.as_str().into(),
                private: row.private.as_deref().map(Into::into),
                attributes: (&*row.attributes).into(),
            };
            (sealed_by, sealed) = self.keys.seal(fields.bound(), body.pack());
            fields = RowFields { remote_id: None, sensitive: "[]", private: None, attributes: &sealed, ..fields };
        }
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
            codec::with_stamps(fields.checksum(), created, updated),
            fields.remote_id,
            fields.sensitive,
            fields.private,
            fields.attributes,
            sealed_by,
        ])?;
        Ok(())
    }

    /// Keeps a row as it is before this serial changes it. A row that cannot be read any more is not kept.
    fn keep(
        &self,
        conn: &Connection,
        resource: i64,
        resource_text: &str,
        key: &str,
        deposed: &str,
    ) -> Result<(), WriteError> {
        if self.kept == 0 {
            return Ok(());
        }
        let mut find = conn.prepare_cached(KEPT_ROW)?;
        let mut rows = find.query(params![resource, key, deposed, self.serial])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        let loading = Loading { path: self.path, conn, keys: self.keys };
        let Some(body) = loading.readable_body(row, resource_text, key, deposed)? else { return Ok(()) };
        let named = [
            Column::Integer(resource),
            Column::Text(key.to_string()),
            Column::Text(deposed.to_string()),
            Column::Integer(self.serial),
        ];
        let (by, body) = self.keys.seal(HISTORY.bound(&named), deflate(&body.pack()));
        let column = |i: usize| row.get::<_, Column>(i);
        // The first image of a serial stays.
        layout::HISTORY.add(
            conn,
            params![
                resource,
                key,
                deposed,
                self.serial,
                column(11)?,
                column(12)?,
                column(2)?,
                column(3)?,
                column(4)?,
                column(13)?,
                column(14)?,
                by,
                body
            ],
        )?;
        Ok(())
    }

    fn remove(&mut self, conn: &Connection, key: &RowKey) -> Result<(), WriteError> {
        let (resource, text) = self.resource(conn, &key.address.resource)?;
        let (key, deposed) = (codec::key_text(key.address.key.as_ref()), key.deposed.as_deref().unwrap_or_default());
        self.keep(conn, resource, &text, &key, deposed)?;
        conn.prepare_cached("DELETE FROM instances WHERE resource = ?1 AND key = ?2 AND deposed = ?3")?
            .execute(params![resource, key, deposed])?;
        Ok(())
    }

    pub(super) fn begin(&self, conn: &Connection, intent: &Intent) -> Result<(), WriteError> {
        let (mut remote_id, mut desired) = (intent.remote_id.as_deref(), intent.desired.as_deref().map(str::as_bytes));
        let sealed;
        let mut sealed_by = None;
        if self.keys.is_sealing() {
            let body = RowBody {
                remote_id: intent.remote_id.as_deref().map(Into::into),
                sensitive: "".into(),
                private: intent.desired.as_deref().map(Into::into),
                attributes: "".into(),
            };
            (sealed_by, sealed) = self.keys.seal(Purpose::Intent.bound().and(intent.key.as_bytes()), body.pack());
            (remote_id, desired) = (None, Some(sealed.as_slice()));
        }
        let values = params![
            &*intent.key,
            &*intent.plan,
            intent.address.to_string(),
            intent.deposed.as_deref().unwrap_or_default(),
            intent.operation.word(),
            intent.provider.to_string(),
            remote_id,
            codec::to_millis(intent.began),
            self.token,
            sealed_by,
            desired,
        ];
        Ok(layout::INTENTS.put(conn, values)?)
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
        self.keep_all(conn)?;
        conn.execute_batch("DELETE FROM instances")?;
        set_meta(conn, "serial", &self.serial.to_string())?;
        set_meta(conn, "lineage", &snapshot.lineage)?;
        set_meta(conn, "terraform_version", &snapshot.terraform_version)?;
        // Keys are for one lineage each.
        self.keys.prepare(conn, self.path)?;
        set_meta(conn, SEALED_WITH, &self.keys.writing_id())?;
        self.begin_generation(conn)?;
        self.put_outputs(conn, &snapshot.outputs)?;
        self.put_check_results(conn, snapshot.check_results.as_deref())?;
        for row in snapshot.rows() {
            // A row that no state has had yet begins with this one.
            let stamp = |serial: u64| if serial == 0 { self.serial } else { serial.min(i64::MAX as u64) as i64 };
            let stamps = (stamp(row.created), stamp(row.updated));
            self.put(conn, row, Some(stamps))?;
        }
        Ok(())
    }

    /// Keeps all rows that there are, before they are replaced by others.
    fn keep_all(&mut self, conn: &Connection) -> Result<(), WriteError> {
        // Where the serial falls back, what was kept for later ones is of another past.
        conn.execute("DELETE FROM history WHERE ended >= ?1", [self.serial])?;
        conn.execute("DELETE FROM past_outputs WHERE ended >= ?1", [self.serial])?;
        conn.execute("DELETE FROM generations WHERE serial >= ?1", [self.serial])?;
        let sql =
            "SELECT i.resource, r.address, i.key, i.deposed FROM instances i JOIN resources r ON r.id = i.resource";
        let read = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?));
        let rows: Vec<(i64, String, String, String)> =
            conn.prepare(sql)?.query_map([], read)?.collect::<rusqlite::Result<_>>()?;
        rows.iter().try_for_each(|(id, text, key, deposed)| self.keep(conn, *id, text, key, deposed))
    }

    fn put_outputs(&mut self, conn: &Connection, outputs: &BTreeMap<Str, Output>) -> Result<(), WriteError> {
        let names: Vec<String> =
            conn.prepare("SELECT name FROM outputs")?.query_map([], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
        for name in names.iter().filter(|name| !outputs.contains_key(name.as_str())) {
            self.put_output(conn, &name.as_str().into(), None)?;
        }
        outputs.iter().try_for_each(|(name, output)| self.put_output(conn, name, Some(output)))
    }

    fn put_output(&mut self, conn: &Connection, name: &Str, output: Option<&Output>) -> Result<(), WriteError> {
        let loading = Loading { path: self.path, conn, keys: self.keys };
        // What cannot be read any more is replaced and not kept.
        let before = loading.output(name).map_err(WriteError::from)?;
        if let Stored::Readable(before) = &before {
            if before.as_ref() == output {
                return Ok(());
            }
            if self.kept > 0 {
                history::keep_output(conn, self.keys, self.serial, name, before.as_ref())?;
            }
        }
        self.write_output(conn, name, output)
    }

    pub(super) fn write_output(
        &self,
        conn: &Connection,
        name: &Str,
        output: Option<&Output>,
    ) -> Result<(), WriteError> {
        let Some(output) = output else {
            conn.execute("DELETE FROM outputs WHERE name = ?1", [&**name])?;
            return Ok(());
        };
        // The names in an object may be secret: what is sealed has its type beside the value, within the seal.
        let ty = match self.keys.is_sealing() && !output.value.is_null() {
            true => Type::Dynamic,
            false => output.value.ty(),
        };
        let ty_text = value_json::type_to_json(&ty).to_string();
        let value = body::encode(&output.value, &ty).into_bytes();
        let sensitivity = codec::sensitivity(output);
        let (by, value) = self.keys.seal(codec::output_bound(name, &ty_text, sensitivity), value);
        let sum = codec::output_checksum(name, &ty_text, sensitivity, &value);
        conn.prepare_cached(
            "INSERT OR REPLACE INTO outputs (name, type, sensitive, checksum, sealed_by, value)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![&**name, ty_text, sensitivity, sum, by, value])?;
        Ok(())
    }

    pub(super) fn put_check_results(&self, conn: &Connection, results: Option<&str>) -> Result<(), WriteError> {
        conn.execute("DELETE FROM meta WHERE name IN ('check_results', 'check_results_sealed')", [])?;
        let Some(results) = results else { return Ok(()) };
        match self.keys.seal(Purpose::Checks.bound(), results.as_bytes().to_vec()) {
            (None, _) => set_meta(conn, "check_results", results),
            (Some(by), sealed) => set_meta(conn, "check_results_sealed", &format!("{by}:{}", hex::encode(sealed))),
        }
    }

    fn resource(&mut self, conn: &Connection, resource: &ResourceAddress) -> Result<(i64, Str), WriteError> {
        if let Some(found) = self.interned.resources.get(resource) {
            return Ok(found.clone());
        }
        let text: Str = resource.to_string().into();
        let id = intern(conn, &layout::RESOURCES, &text)?;
        self.interned.resources.insert(resource.clone(), (id, text.clone()));
        Ok((id, text))
    }

    fn provider(&mut self, conn: &Connection, provider: &Arc<StoredProvider>) -> Result<(i64, Str), WriteError> {
        if let Some(found) = self.interned.providers.get(provider) {
            return Ok(found.clone());
        }
        let text: Str = provider.to_string().into();
        let id = intern(conn, &layout::PROVIDERS, &text)?;
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

const PUT: &str = "
INSERT INTO instances (resource, key, deposed, provider, dependencies, schema_version, tainted,
  create_before_destroy, created, updated, checksum, remote_id, sensitive, private, attributes, sealed_by)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
ON CONFLICT (resource, key, deposed) DO UPDATE SET provider = excluded.provider,
  dependencies = excluded.dependencies, schema_version = excluded.schema_version, tainted = excluded.tainted,
  create_before_destroy = excluded.create_before_destroy, updated = excluded.updated,
  checksum = excluded.checksum, sealed_by = excluded.sealed_by, remote_id = excluded.remote_id,
  sensitive = excluded.sensitive, private = excluded.private, attributes = excluded.attributes";

/// A row that is older than the serial that changes it, with what its body is read from.
const KEPT_ROW: &str = "
SELECT p.address, d.digest, i.schema_version, i.tainted, i.create_before_destroy, i.checksum, i.sealed_by, i.remote_id,
  i.sensitive, i.private, i.attributes, i.provider, i.dependencies, i.created, i.updated
FROM instances i JOIN providers p ON p.id = i.provider JOIN dependency_sets d ON d.id = i.dependencies
WHERE i.resource = ?1 AND i.key = ?2 AND i.deposed = ?3 AND i.updated < ?4";

/// The id of an address in the table that has it once.
fn intern(conn: &Connection, table: &layout::Table, text: &str) -> rusqlite::Result<i64> {
    let find = format!("SELECT id FROM {} WHERE address = ?1", table.name);
    if let Some(id) = conn.prepare_cached(&find)?.query_row([text], |r| r.get(0)).optional()? {
        return Ok(id);
    }
    let id = table.next_id(conn)?;
    table.put(conn, params![id, text])?;
    Ok(id)
}

/// The name in `meta` of the key that everything is sealed with; empty while it is plain.
pub(super) const SEALED_WITH: &str = "sealed_with";

pub(super) fn set_meta(conn: &Connection, name: &str, value: &str) -> Result<(), WriteError> {
    let sum = layout::sum_of(&[&name, &value])?;
    // What is the same already costs no page.
    let sql = "INSERT INTO meta (name, value, sum) VALUES (?1, ?2, ?3)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value, sum = excluded.sum
               WHERE value != excluded.value OR sum != excluded.sum";
    conn.prepare_cached(sql)?.execute(params![name, value, sum])?;
    Ok(())
}

/// A number of the head, which must be what was written.
pub(super) fn meta_number(conn: &Connection, path: &Path, name: &str) -> Result<i64, WriteError> {
    let wrong = |detail: &str| {
        let detail = format!("its {} {detail}", name.replace('_', " "));
        WriteError::Refused(StateError::Damaged { path: path.to_path_buf(), detail })
    };
    let sql = "SELECT name, value, sum FROM meta WHERE name = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([name])?;
    let row = rows.next()?.ok_or_else(|| wrong("is missing"))?;
    match layout::META.is_whole(row)? {
        true => row.get_ref(1)?.as_str().ok().and_then(|text| text.parse().ok()).ok_or_else(|| wrong("is no number")),
        false => Err(wrong("is not what was written")),
    }
}
