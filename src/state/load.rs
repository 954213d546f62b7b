//! Reads a whole state from the tables, checking every row.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::FromSqlError;
use rusqlite::{Connection, Row};

use super::codec::{self, RowFields};
use super::row_body::{RowBody, inflate};
use super::seal::{Bound, Keyring, Purpose};
use super::sealed_tables::HISTORY;
use super::{
    Intent, IntentOperation, Output, Snapshot, StateError, Status, StoredInstance, StoredProvider, body, layout,
    sensitive,
};
use crate::model::{self, Address, ResourceAddress, Str, value_json};

/// Everything that a state holds, as of one moment.
pub(super) fn snapshot(conn: &Connection, path: &Path, keys: &Keyring) -> Result<Snapshot, StateError> {
    // One transaction: otherwise rows and what they refer to could be of different moments.
    let tx = match conn.is_autocommit() {
        true => Some(conn.unchecked_transaction().map_err(|e| StateError::from_sqlite(path, &e))?),
        false => None,
    };
    let loading = Loading { path, conn: tx.as_deref().unwrap_or(conn), keys };
    layout::ALWAYS.iter().try_for_each(|table| table.check(loading.conn, path))?;
    let mut meta = loading.meta()?;
    let mut snapshot = Snapshot::empty(loading.required(&mut meta, "lineage")?);
    snapshot.serial = loading.number(&mut meta, "serial")?;
    snapshot.terraform_version = loading.required(&mut meta, "terraform_version")?.into();
    snapshot.written_by = loading.required(&mut meta, "written_by")?.into();
    snapshot.check_results = loading.check_results(&mut meta)?;
    snapshot.outputs = loading.outputs()?;
    // What is wrong with intents is told to whoever settles them.
    let open = intents(&loading, &HashSet::new()).unwrap_or_default();
    Ok(snapshot.with_rows(loading.rows()?).with_intents(&open))
}

/// The intents that have no outcome, oldest first; without those of these fencing tokens.
pub(super) fn intents(loading: &Loading<'_>, without: &HashSet<i64>) -> Result<Vec<Intent>, StateError> {
    let mut intents = Vec::new();
    loading.each(INTENTS, |row| {
        if row.get(10).is_ok_and(|token: i64| without.contains(&token)) {
            return Ok(());
        }
        let key = text(row, 0).map_err(|e| loading.damaged("an intent".into(), e))?;
        let read = loading.intent(key, row);
        intents.push(read.map_err(|e| loading.damaged(format!("the intent \"{key}\""), e))?);
        Ok(())
    })?;
    Ok(intents)
}

/// The keys of intents that cannot be read.
pub(super) fn unreadable_intents(loading: &Loading<'_>) -> Result<Vec<String>, StateError> {
    let mut keys = Vec::new();
    loading.each(INTENTS, |row| {
        let key = text(row, 0).map_err(|e| loading.damaged("an intent".into(), e))?;
        match loading.intent(key, row) {
            Err(Unreadable::Row(_)) => keys.push(key.to_string()),
            Err(Unreadable::State(error)) => return Err(error),
            Ok(_) => (),
        }
        Ok(())
    })?;
    Ok(keys)
}

const INTENTS: &str = "
SELECT key, plan, address, deposed, operation, provider, remote_id, began, desired, sealed_by, token FROM intents
ORDER BY began, key";

/// A state that is read.
pub(super) struct Loading<'a> {
    pub path: &'a Path,
    pub conn: &'a Connection,
    pub keys: &'a Keyring,
}

/// What a row holds, where it can be read.
pub(super) enum Stored<T> {
    Readable(Option<T>),
    Unreadable,
}

/// What is wrong with a row, or with the whole state.
enum Unreadable {
    Row(String),
    State(StateError),
}

impl From<StateError> for Unreadable {
    fn from(error: StateError) -> Self {
        Unreadable::State(error)
    }
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        unreadable_for(error)
    }
}

impl From<FromSqlError> for Unreadable {
    fn from(error: FromSqlError) -> Self {
        unreadable_for(error)
    }
}

fn unreadable(what: &str) -> Unreadable {
    Unreadable::Row(format!("its {what} cannot be read"))
}

fn unreadable_for(error: impl std::fmt::Display) -> Unreadable {
    Unreadable::Row(error.to_string())
}

/// The columns of rows, in the order that [`Loading::row`] reads them.
pub(super) const ROWS: &str = "
SELECT id, resource, key, deposed, provider, dependencies, schema_version, tainted, create_before_destroy, created,
  updated, checksum, sealed_by, remote_id, sensitive, private, attributes FROM instances";

/// The same of their earlier images.
const PAST_ROWS: &str = "
SELECT ended, resource, key, deposed, provider, dependencies, schema_version, tainted, create_before_destroy, created,
  updated, sum, sealed_by, NULL, '[]', NULL, body FROM history";

/// What rows have in common, by the ids that they refer to it with.
pub(super) struct Shared {
    resources: HashMap<i64, (ResourceAddress, Str)>,
    providers: HashMap<i64, (Arc<StoredProvider>, Str)>,
    dependencies: HashMap<i64, (Arc<[ResourceAddress]>, Vec<u8>)>,
    sensitive: HashMap<String, Arc<[model::Path]>>,
    /// Most rows have nothing of these.
    nothing_sensitive: Arc<[model::Path]>,
}

impl Loading<'_> {
    pub(super) fn sqlite(&self, error: rusqlite::Error) -> StateError {
        StateError::from_sqlite(self.path, &error)
    }

    fn damaged(&self, row: String, wrong: Unreadable) -> StateError {
        match wrong {
            Unreadable::Row(detail) => StateError::DamagedRow { path: self.path.to_path_buf(), row, detail },
            Unreadable::State(error) => error,
        }
    }

    /// Calls back for every row of a query.
    pub(super) fn each(
        &self,
        sql: &str,
        mut take: impl FnMut(&Row<'_>) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let mut statement = self.conn.prepare(sql).map_err(|e| self.sqlite(e))?;
        let mut rows = statement.query([]).map_err(|e| self.sqlite(e))?;
        while let Some(row) = rows.next().map_err(|e| self.sqlite(e))? {
            take(row)?;
        }
        Ok(())
    }

    fn meta(&self) -> Result<HashMap<String, String>, StateError> {
        let mut meta = HashMap::new();
        self.each("SELECT name, value FROM meta", |row| {
            let entry = || -> rusqlite::Result<_> { Ok((row.get(0)?, row.get(1)?)) };
            let (name, value) = entry().map_err(|e| self.sqlite(e))?;
            meta.insert(name, value);
            Ok(())
        })?;
        Ok(meta)
    }

    fn required(&self, meta: &mut HashMap<String, String>, name: &str) -> Result<String, StateError> {
        let missing = || StateError::Damaged { path: self.path.to_path_buf(), detail: format!("it has no {name}") };
        meta.remove(name).ok_or_else(missing)
    }

    fn number(&self, meta: &mut HashMap<String, String>, name: &str) -> Result<u64, StateError> {
        let text = self.required(meta, name)?;
        let wrong = || StateError::Damaged {
            path: self.path.to_path_buf(),
            detail: format!("its {name} is \"{text}\", not a number"),
        };
        text.parse().map_err(|_| wrong())
    }

    pub(super) fn outputs(&self) -> Result<BTreeMap<Str, Output>, StateError> {
        let mut outputs = BTreeMap::new();
        self.each("SELECT name, type, sensitive, checksum, sealed_by, value FROM outputs", |row| {
            let (name, output) = self.read_output(row).map_err(|e| {
                let name = text(row, 0).map_or("an output".to_string(), |name| format!("the output \"{name}\""));
                self.damaged(name, e)
            })?;
            outputs.insert(name, output);
            Ok(())
        })?;
        Ok(outputs)
    }

    pub(super) fn rows(&self) -> Result<Vec<Arc<StoredInstance>>, StateError> {
        let mut shared = self.shared(&mut Err)?;
        let mut rows = Vec::new();
        self.each(ROWS, |row| {
            rows.push(Arc::new(self.row(row, &mut shared)?));
            Ok(())
        })?;
        Ok(rows)
    }

    /// A row as a query that begins with [`ROWS`] gives it.
    pub(super) fn row(&self, row: &Row<'_>, shared: &mut Shared) -> Result<StoredInstance, StateError> {
        self.instance(row, shared).map_err(|e| self.damaged(row_name(row, shared), e))
    }

    /// The first column of a query, which is text.
    pub(super) fn names(&self, sql: &str) -> Result<Vec<String>, StateError> {
        let mut names = Vec::new();
        self.each(sql, |row| {
            names.push(row.get(0).map_err(|e| self.sqlite(e))?);
            Ok(())
        })?;
        Ok(names)
    }

    /// Whether the results of checks can be read.
    pub(super) fn checks(&self) -> Result<(), StateError> {
        self.check_results(&mut self.meta()?).map(drop)
    }

    /// What rows have in common. `skip` says whether what cannot be read is an error.
    pub(super) fn shared(
        &self,
        skip: &mut dyn FnMut(StateError) -> Result<(), StateError>,
    ) -> Result<Shared, StateError> {
        let mut shared = Shared {
            resources: HashMap::new(),
            providers: HashMap::new(),
            dependencies: HashMap::new(),
            sensitive: HashMap::new(),
            nothing_sensitive: Arc::default(),
        };
        self.each(&layout::RESOURCES.select(), |row| {
            let read = || -> Result<_, Unreadable> {
                whole(&layout::RESOURCES, row)?;
                let address = text(row, 1)?;
                let parsed = ResourceAddress::parse(address).map_err(unreadable_for)?;
                Ok((row.get(0)?, (parsed, address.into())))
            };
            match read() {
                Ok((id, entry)) => drop(shared.resources.insert(id, entry)),
                Err(e) => skip(self.damaged("an address".into(), e))?,
            }
            Ok(())
        })?;
        self.each(&layout::PROVIDERS.select(), |row| {
            let read = || -> Result<_, Unreadable> {
                whole(&layout::PROVIDERS, row)?;
                let address = text(row, 1)?;
                let parsed = StoredProvider::parse(address).map_err(unreadable_for)?;
                Ok((row.get(0)?, (Arc::new(parsed), address.into())))
            };
            match read() {
                Ok((id, entry)) => drop(shared.providers.insert(id, entry)),
                Err(e) => skip(self.damaged("a provider".into(), e))?,
            }
            Ok(())
        })?;
        self.each("SELECT id, digest, addresses FROM dependency_sets", |row| {
            match dependency_set(row) {
                Ok((id, entry)) => drop(shared.dependencies.insert(id, entry)),
                Err(e) => skip(self.damaged("a set of dependencies".into(), e))?,
            }
            Ok(())
        })?;
        Ok(shared)
    }

    /// One output.
    pub(super) fn output(&self, name: &Str) -> Result<Stored<Output>, StateError> {
        let sql = "SELECT name, type, sensitive, checksum, sealed_by, value FROM outputs WHERE name = ?1";
        let mut statement = self.conn.prepare_cached(sql).map_err(|e| self.sqlite(e))?;
        let mut rows = statement.query([&**name]).map_err(|e| self.sqlite(e))?;
        let Some(row) = rows.next().map_err(|e| self.sqlite(e))? else { return Ok(Stored::Readable(None)) };
        match self.read_output(row) {
            Ok((_, output)) => Ok(Stored::Readable(Some(output))),
            Err(Unreadable::Row(_)) => Ok(Stored::Unreadable),
            Err(Unreadable::State(error)) => Err(error),
        }
    }

    fn read_output(&self, row: &Row<'_>) -> Result<(Str, Output), Unreadable> {
        let (name, ty) = (text(row, 0)?, text(row, 1)?);
        let (sensitivity, value) = (row.get(2)?, row.get_ref(5)?.as_bytes()?);
        let expected: i64 = row.get(3)?;
        if codec::output_checksum(name, ty, sensitivity, value) != expected {
            return Err(wrong_checksum());
        }
        let value = self.open(row.get(4)?, || codec::output_bound(name, ty, sensitivity), value)?;
        let ty = serde_json::from_str(ty).ok().and_then(|t| value_json::type_from_json(&t));
        let ty = ty.ok_or_else(|| unreadable("type"))?;
        let value = body::decode(utf8(&value)?, &ty).map_err(unreadable_for)?;
        Ok((name.into(), codec::output_with(value, sensitivity)))
    }

    /// The body of a row that is about to be replaced, where it can be read.
    pub(super) fn readable_body(
        &self,
        row: &Row<'_>,
        resource: &str,
        key: &str,
        deposed: &str,
    ) -> Result<Option<RowBody<'static>>, StateError> {
        let read = || -> Result<RowBody<'static>, Unreadable> {
            let fields = RowFields {
                resource,
                key,
                deposed,
                provider: text(row, 0)?,
                dependencies: row.get_ref(1)?.as_bytes()?,
                schema_version: row.get(2)?,
                tainted: row.get(3)?,
                create_before_destroy: row.get(4)?,
                remote_id: row.get_ref(7)?.as_str_or_null()?,
                sensitive: text(row, 8)?,
                private: row.get_ref(9)?.as_bytes_or_null()?,
                attributes: row.get_ref(10)?.as_bytes()?,
            };
            let expected: i64 = row.get(5)?;
            if codec::with_stamps(fields.checksum(), row.get(13)?, row.get(14)?) != expected {
                return Err(wrong_checksum());
            }
            Ok(self.body(row.get(6)?, &fields)?.into_owned())
        };
        match read() {
            Ok(body) => Ok(Some(body)),
            Err(Unreadable::Row(_)) => Ok(None),
            Err(Unreadable::State(error)) => Err(error),
        }
    }

    fn body<'f>(&self, by: Option<i64>, fields: &RowFields<'f>) -> Result<RowBody<'f>, Unreadable> {
        if by.is_none() {
            self.keys.check_plain(self.path)?;
            return Ok(RowBody {
                remote_id: fields.remote_id.map(Cow::Borrowed),
                sensitive: Cow::Borrowed(fields.sensitive),
                private: fields.private.map(utf8).transpose()?.map(Cow::Borrowed),
                attributes: Cow::Borrowed(utf8(fields.attributes)?),
            });
        }
        let opened = self.open(by, || fields.bound(), fields.attributes)?;
        RowBody::unpack(&opened).ok_or_else(|| unreadable("body"))
    }

    fn check_results(&self, meta: &mut HashMap<String, String>) -> Result<Option<Arc<str>>, StateError> {
        let Some(sealed) = meta.remove("check_results_sealed") else {
            return Ok(meta.remove("check_results").map(Into::into));
        };
        let read = || -> Result<String, Unreadable> {
            let (by, value) = sealed.split_once(':').ok_or_else(|| unreadable("key"))?;
            let (by, value) = (by.parse().map_err(unreadable_for)?, hex::decode(value).map_err(unreadable_for)?);
            Ok(utf8(&self.open(Some(by), || Purpose::Checks.bound(), &value)?)?.to_string())
        };
        read().map(|text| Some(text.into())).map_err(|e| self.damaged("the results of checks".into(), e))
    }

    /// A value in clear.
    fn open<'v>(
        &self,
        by: Option<i64>,
        bound: impl FnOnce() -> Bound,
        value: &'v [u8],
    ) -> Result<Cow<'v, [u8]>, Unreadable> {
        let Some(by) = by else {
            self.keys.check_plain(self.path)?;
            return Ok(Cow::Borrowed(value));
        };
        let opened = self.keys.open(self.conn, self.path, by, bound(), value)?;
        opened.map(Cow::Owned).map_err(unreadable_for)
    }

    fn intent(&self, key: &str, row: &Row<'_>) -> Result<Intent, Unreadable> {
        let (remote_id, desired) = self.intent_body(key, row)?;
        Ok(Intent {
            key: key.into(),
            plan: text(row, 1)?.into(),
            address: Address::parse(text(row, 2)?).map_err(unreadable_for)?,
            deposed: some_text(text(row, 3)?),
            operation: IntentOperation::from_word(text(row, 4)?).ok_or_else(|| unreadable("operation"))?,
            provider: Arc::new(StoredProvider::parse(text(row, 5)?).map_err(unreadable_for)?),
            remote_id,
            began: codec::from_millis(row.get(7)?).ok_or_else(|| unreadable("time"))?,
            desired,
        })
    }

    /// The id and the desired attributes of an intent.
    fn intent_body(&self, key: &str, row: &Row<'_>) -> Result<(Option<Str>, Option<Arc<str>>), Unreadable> {
        let by = row.get(9)?;
        let stored = row.get_ref(8)?.as_bytes_or_null()?;
        let (Some(_), Some(sealed)) = (by, stored) else {
            let desired = stored.map(utf8).transpose()?.map(Into::into);
            return Ok((row.get_ref(6)?.as_str_or_null()?.map(Into::into), desired));
        };
        let opened = self.open(by, || Purpose::Intent.bound().and(key.as_bytes()), sealed)?;
        let body = RowBody::unpack(&opened).ok_or_else(|| unreadable("body"))?;
        Ok((body.remote_id.map(|id| (*id).into()), body.private.map(|d| (*d).into())))
    }

    fn instance(&self, row: &Row<'_>, shared: &mut Shared) -> Result<StoredInstance, Unreadable> {
        let (resource, resource_text) = shared.resources.get(&row.get(1)?).ok_or_else(|| unreadable("address"))?;
        let (provider, provider_text) = shared.providers.get(&row.get(4)?).ok_or_else(|| unreadable("provider"))?;
        let set = shared.dependencies.get(&row.get(5)?);
        let (dependencies, digest) = set.ok_or_else(|| unreadable("list of dependencies"))?;
        let fields = RowFields {
            resource: resource_text,
            key: text(row, 2)?,
            deposed: text(row, 3)?,
            provider: provider_text,
            dependencies: digest,
            schema_version: row.get(6)?,
            tainted: row.get(7)?,
            create_before_destroy: row.get(8)?,
            remote_id: row.get_ref(13)?.as_str_or_null()?,
            sensitive: text(row, 14)?,
            private: row.get_ref(15)?.as_bytes_or_null()?,
            attributes: row.get_ref(16)?.as_bytes()?,
        };
        let (expected, stamps): (i64, (i64, i64)) = (row.get(11)?, (row.get(9)?, row.get(10)?));
        if codec::with_stamps(fields.checksum(), stamps.0, stamps.1) != expected {
            return Err(wrong_checksum());
        }
        let body = self.body(row.get(12)?, &fields)?;
        let (resource, provider, dependencies) = (resource.clone(), provider.clone(), dependencies.clone());
        let parts = Parts { resource, provider, dependencies, stamps };
        stored(&fields, &body, parts, &shared.nothing_sensitive, &mut shared.sensitive)
    }

    /// Rows that ended after a serial, as they were while the state had it.
    pub(super) fn past_rows(&self, serial: u64) -> Result<Vec<Arc<StoredInstance>>, StateError> {
        let mut shared = self.shared(&mut Err)?;
        let mut rows = Vec::new();
        let at = i64::try_from(serial).unwrap_or(i64::MAX);
        let sql = format!("{PAST_ROWS} WHERE ended > {at} AND updated <= {at}");
        self.each(&sql, |row| {
            let read = self.past_row(row, &mut shared);
            rows.push(Arc::new(read.map_err(|e| self.damaged(row_name(row, &shared), e))?));
            Ok(())
        })?;
        Ok(rows)
    }

    /// One earlier image of a row, by the key of its table.
    pub(super) fn past_row_of(
        &self,
        named: &[rusqlite::types::Value; 4],
    ) -> Result<Option<StoredInstance>, StateError> {
        let mut shared = self.shared(&mut |_| Ok(()))?;
        let sql = format!("{PAST_ROWS} WHERE resource = ?1 AND key = ?2 AND deposed = ?3 AND ended = ?4");
        let mut statement = self.conn.prepare(&sql).map_err(|e| self.sqlite(e))?;
        let mut rows = statement.query(rusqlite::params_from_iter(named)).map_err(|e| self.sqlite(e))?;
        let Some(row) = rows.next().map_err(|e| self.sqlite(e))? else { return Ok(None) };
        self.past_row(row, &mut shared).map(Some).map_err(|e| self.damaged(row_name(row, &shared), e))
    }

    fn past_row(&self, row: &Row<'_>, shared: &mut Shared) -> Result<StoredInstance, Unreadable> {
        let (resource, resource_text) = shared.resources.get(&row.get(1)?).ok_or_else(|| unreadable("address"))?;
        let (provider, provider_text) = shared.providers.get(&row.get(4)?).ok_or_else(|| unreadable("provider"))?;
        let set = shared.dependencies.get(&row.get(5)?);
        let (dependencies, digest) = set.ok_or_else(|| unreadable("list of dependencies"))?;
        let packed = row.get_ref(16)?.as_bytes()?;
        let fields = RowFields {
            resource: resource_text,
            key: text(row, 2)?,
            deposed: text(row, 3)?,
            provider: provider_text,
            dependencies: digest,
            schema_version: row.get(6)?,
            tainted: row.get(7)?,
            create_before_destroy: row.get(8)?,
            remote_id: None,
            sensitive: "[]",
            private: None,
            attributes: packed,
        };
        let named = [1, 2, 3, 0].map(|i| row.get::<_, rusqlite::types::Value>(i));
        let named = named.into_iter().collect::<rusqlite::Result<Vec<_>>>()?;
        let opened = HISTORY.open(self.conn, self.path, self.keys, &named, row.get(12)?, packed.to_vec())?;
        let body = inflate(&opened).and_then(|b| RowBody::unpack(&b)).ok_or_else(|| unreadable("body"))?;
        let parts = Parts {
            resource: resource.clone(),
            provider: provider.clone(),
            dependencies: dependencies.clone(),
            stamps: (row.get(9)?, row.get(10)?),
        };
        stored(&fields, &body, parts, &shared.nothing_sensitive, &mut shared.sensitive)
    }
}

/// What a row refers to, and its first and last serial.
struct Parts {
    resource: ResourceAddress,
    provider: Arc<StoredProvider>,
    dependencies: Arc<[ResourceAddress]>,
    stamps: (i64, i64),
}

fn stored(
    fields: &RowFields<'_>,
    body: &RowBody<'_>,
    parts: Parts,
    nothing_sensitive: &Arc<[model::Path]>,
    known: &mut HashMap<String, Arc<[model::Path]>>,
) -> Result<StoredInstance, Unreadable> {
    let key = codec::key_from_text(fields.key).ok_or_else(|| unreadable("key"))?;
    let sensitive = match &*body.sensitive {
        "[]" => nothing_sensitive.clone(),
        text => sensitive_paths(text, known)?,
    };
    let serial = |n: i64, what: &str| u64::try_from(n).map_err(|_| unreadable(what));
    Ok(StoredInstance {
        address: Address { resource: parts.resource, key },
        deposed: some_text(fields.deposed),
        provider: parts.provider,
        schema_version: serial(fields.schema_version, "schema version")?,
        remote_id: body.remote_id.as_deref().map(Into::into),
        attributes: body.attributes.as_ref().into(),
        sensitive,
        dependencies: parts.dependencies,
        status: if fields.tainted { Status::Tainted } else { Status::Ok },
        create_before_destroy: fields.create_before_destroy,
        private: body.private.as_deref().map(Into::into),
        created: serial(parts.stamps.0, "first serial")?,
        updated: serial(parts.stamps.1, "last serial")?,
    })
}

type DependencySet = (Arc<[ResourceAddress]>, Vec<u8>);

fn dependency_set(row: &Row<'_>) -> Result<(i64, DependencySet), Unreadable> {
    let (digest, addresses) = (row.get_ref(1)?.as_bytes()?, text(row, 2)?);
    if codec::digest(addresses)[..] != *digest {
        return Err(wrong_checksum());
    }
    let addresses: Vec<String> = serde_json::from_str(addresses).map_err(unreadable_for)?;
    let parsed = addresses.iter().map(|a| ResourceAddress::parse(a)).collect::<Result<Arc<[_]>, _>>();
    Ok((row.get(0)?, (parsed.map_err(unreadable_for)?, digest.to_vec())))
}

/// Rows of one resource mostly have the same paths.
fn sensitive_paths(
    text: &str,
    known: &mut HashMap<String, Arc<[model::Path]>>,
) -> Result<Arc<[model::Path]>, Unreadable> {
    if let Some(paths) = known.get(text) {
        return Ok(paths.clone());
    }
    let json = serde_json::from_str(text).map_err(unreadable_for)?;
    let paths: Arc<[_]> =
        sensitive::paths_from_json(&json).ok_or_else(|| unreadable("list of sensitive paths"))?.into();
    known.insert(text.to_string(), paths.clone());
    Ok(paths)
}

/// As much of a damaged row's name as can still be read.
fn row_name(row: &Row<'_>, shared: &Shared) -> String {
    let resource = row.get(1).ok().and_then(|id: i64| shared.resources.get(&id));
    let key = text(row, 2).ok().and_then(codec::key_from_text);
    match (resource, key) {
        (Some((resource, _)), Some(key)) => format!("\"{}\"", resource.instance(key)),
        (Some((resource, _)), None) => format!("an instance of \"{resource}\""),
        (None, _) => format!("row {}", row.get::<_, i64>(0).unwrap_or_default()),
    }
}

fn whole(table: &layout::Table, row: &Row<'_>) -> Result<(), Unreadable> {
    if table.is_whole(row)? { Ok(()) } else { Err(wrong_checksum()) }
}

fn wrong_checksum() -> Unreadable {
    Unreadable::Row("its checksum is wrong".into())
}

fn some_text(text: &str) -> Option<Str> {
    (!text.is_empty()).then(|| text.into())
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, Unreadable> {
    Ok(row.get_ref(column)?.as_str()?)
}

fn utf8(bytes: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(bytes).map_err(unreadable_for)
}
