//! Reads a whole state from the tables, checking every row.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::FromSqlError;
use rusqlite::{Connection, Row};

use super::codec::{self, RowFields};
use super::{
    Intent, IntentOperation, Output, Snapshot, StateError, Status, StoredInstance, StoredProvider, body, sensitive,
};
use crate::model::{self, Address, ResourceAddress, Str, value_json};

/// Everything that a state holds, as of one moment.
pub(super) fn snapshot(conn: &Connection, path: &Path) -> Result<Snapshot, StateError> {
    let loading = Loading { path };
    // One transaction: otherwise rows and what they refer to could be of different moments.
    let tx = conn.unchecked_transaction().map_err(|e| loading.sqlite(e))?;
    let mut meta = loading.meta(&tx)?;
    let mut snapshot = Snapshot::empty(loading.required(&mut meta, "lineage")?);
    snapshot.serial = loading.number(&mut meta, "serial")?;
    snapshot.terraform_version = loading.required(&mut meta, "terraform_version")?.into();
    snapshot.written_by = loading.required(&mut meta, "written_by")?.into();
    snapshot.check_results = meta.remove("check_results").map(Into::into);
    snapshot.outputs = loading.outputs(&tx)?;
    Ok(snapshot.with_rows(loading.rows(&tx)?))
}

/// The intents that have no outcome, oldest first.
pub(super) fn intents(conn: &Connection, path: &Path) -> Result<Vec<Intent>, StateError> {
    let loading = Loading { path };
    let sql = "SELECT key, plan, address, deposed, operation, provider, remote_id, began, desired
               FROM intents ORDER BY began, key";
    let mut intents = Vec::new();
    loading.each(conn, sql, |row| {
        let key = text(row, 0).map_err(|e| loading.damaged("an intent".into(), e))?;
        let read = || -> Result<Intent, Unreadable> {
            Ok(Intent {
                key: key.into(),
                plan: text(row, 1)?.into(),
                address: Address::parse(text(row, 2)?).map_err(|e| Unreadable(e.to_string()))?,
                deposed: some_text(text(row, 3)?),
                operation: IntentOperation::from_word(text(row, 4)?).ok_or_else(|| unreadable("operation"))?,
                provider: Arc::new(StoredProvider::parse(text(row, 5)?).map_err(|e| Unreadable(e.to_string()))?),
                remote_id: row.get_ref(6)?.as_str_or_null()?.map(Into::into),
                began: codec::from_millis(row.get(7)?).ok_or_else(|| unreadable("time"))?,
                desired: row.get_ref(8)?.as_bytes_or_null()?.map(utf8).transpose()?.map(Into::into),
            })
        };
        intents.push(read().map_err(|e| loading.damaged(format!("the intent \"{key}\""), e))?);
        Ok(())
    })?;
    Ok(intents)
}

struct Loading<'a> {
    path: &'a Path,
}

/// What is wrong with a row.
struct Unreadable(String);

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Unreadable(error.to_string())
    }
}

impl From<FromSqlError> for Unreadable {
    fn from(error: FromSqlError) -> Self {
        Unreadable(error.to_string())
    }
}

fn unreadable(what: &str) -> Unreadable {
    Unreadable(format!("its {what} cannot be read"))
}

/// What rows have in common, by the ids that they refer to it with.
struct Shared {
    resources: HashMap<i64, (ResourceAddress, Str)>,
    providers: HashMap<i64, (Arc<StoredProvider>, Str)>,
    dependencies: HashMap<i64, (Arc<[ResourceAddress]>, Vec<u8>)>,
    sensitive: HashMap<String, Arc<[model::Path]>>,
    /// Most rows have nothing of these.
    nothing_sensitive: Arc<[model::Path]>,
}

impl Loading<'_> {
    fn sqlite(&self, error: rusqlite::Error) -> StateError {
        StateError::from_sqlite(self.path, &error)
    }

    fn damaged(&self, row: String, wrong: Unreadable) -> StateError {
        StateError::DamagedRow { path: self.path.to_path_buf(), row, detail: wrong.0 }
    }

    /// Calls back for every row of a query.
    fn each(
        &self,
        conn: &Connection,
        sql: &str,
        mut take: impl FnMut(&Row<'_>) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let mut statement = conn.prepare(sql).map_err(|e| self.sqlite(e))?;
        let mut rows = statement.query([]).map_err(|e| self.sqlite(e))?;
        while let Some(row) = rows.next().map_err(|e| self.sqlite(e))? {
            take(row)?;
        }
        Ok(())
    }

    fn meta(&self, conn: &Connection) -> Result<HashMap<String, String>, StateError> {
        let mut meta = HashMap::new();
        self.each(conn, "SELECT name, value FROM meta", |row| {
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

    fn outputs(&self, conn: &Connection) -> Result<BTreeMap<Str, Output>, StateError> {
        let mut outputs = BTreeMap::new();
        self.each(conn, "SELECT name, type, sensitive, checksum, sealed_by, value FROM outputs", |row| {
            let name = text(row, 0).map_err(|e| self.damaged("an output".into(), e))?;
            let read = || -> Result<Output, Unreadable> {
                not_sealed(row.get(4)?)?;
                let (ty, sensitive, value) = (text(row, 1)?, row.get(2)?, row.get_ref(5)?.as_bytes()?);
                let expected: i64 = row.get(3)?;
                if codec::output_checksum(name, ty, sensitive, value) != expected {
                    return Err(wrong_checksum());
                }
                let ty = serde_json::from_str(ty).ok().and_then(|t| value_json::type_from_json(&t));
                let ty = ty.ok_or_else(|| unreadable("type"))?;
                let value = body::decode(utf8(value)?, &ty).map_err(|e| Unreadable(e.to_string()))?;
                Ok(Output { value, sensitive })
            };
            let output = read().map_err(|e| self.damaged(format!("the output \"{name}\""), e))?;
            outputs.insert(name.into(), output);
            Ok(())
        })?;
        Ok(outputs)
    }

    fn rows(&self, conn: &Connection) -> Result<Vec<Arc<StoredInstance>>, StateError> {
        let mut shared = self.shared(conn)?;
        let mut rows = Vec::new();
        let sql = "SELECT id, resource, key, deposed, provider, dependencies, schema_version, tainted,
                   create_before_destroy, created, updated, checksum, sealed_by, remote_id, sensitive, private,
                   attributes FROM instances";
        self.each(conn, sql, |row| {
            let read = instance(row, &mut shared);
            rows.push(Arc::new(read.map_err(|e| self.damaged(row_name(row, &shared), e))?));
            Ok(())
        })?;
        Ok(rows)
    }

    fn shared(&self, conn: &Connection) -> Result<Shared, StateError> {
        let mut shared = Shared {
            resources: HashMap::new(),
            providers: HashMap::new(),
            dependencies: HashMap::new(),
            sensitive: HashMap::new(),
            nothing_sensitive: Arc::default(),
        };
        self.each(conn, "SELECT id, address FROM resources", |row| {
            let read = || -> Result<_, Unreadable> {
                let address = text(row, 1)?;
                let parsed = ResourceAddress::parse(address).map_err(|e| Unreadable(e.to_string()))?;
                Ok((row.get(0)?, (parsed, address.into())))
            };
            let (id, entry) = read().map_err(|e| self.damaged("an address".into(), e))?;
            shared.resources.insert(id, entry);
            Ok(())
        })?;
        self.each(conn, "SELECT id, address FROM providers", |row| {
            let read = || -> Result<_, Unreadable> {
                let address = text(row, 1)?;
                let parsed = StoredProvider::parse(address).map_err(|e| Unreadable(e.to_string()))?;
                Ok((row.get(0)?, (Arc::new(parsed), address.into())))
            };
            let (id, entry) = read().map_err(|e| self.damaged("a provider".into(), e))?;
            shared.providers.insert(id, entry);
            Ok(())
        })?;
        self.each(conn, "SELECT id, digest, addresses FROM dependency_sets", |row| {
            let (id, entry) = dependency_set(row).map_err(|e| self.damaged("a set of dependencies".into(), e))?;
            shared.dependencies.insert(id, entry);
            Ok(())
        })?;
        Ok(shared)
    }
}

type DependencySet = (Arc<[ResourceAddress]>, Vec<u8>);

fn dependency_set(row: &Row<'_>) -> Result<(i64, DependencySet), Unreadable> {
    let (digest, addresses) = (row.get_ref(1)?.as_bytes()?, text(row, 2)?);
    if codec::digest(addresses)[..] != *digest {
        return Err(wrong_checksum());
    }
    let addresses: Vec<String> = serde_json::from_str(addresses).map_err(|e| Unreadable(e.to_string()))?;
    let parsed = addresses.iter().map(|a| ResourceAddress::parse(a)).collect::<Result<Arc<[_]>, _>>();
    Ok((row.get(0)?, (parsed.map_err(|e| Unreadable(e.to_string()))?, digest.to_vec())))
}

fn instance(row: &Row<'_>, shared: &mut Shared) -> Result<StoredInstance, Unreadable> {
    not_sealed(row.get(12)?)?;
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
    let expected: i64 = row.get(11)?;
    if fields.checksum() != expected {
        return Err(wrong_checksum());
    }
    let key = codec::key_from_text(fields.key).ok_or_else(|| unreadable("key"))?;
    let sensitive = match fields.sensitive {
        "[]" => shared.nothing_sensitive.clone(),
        text => sensitive_paths(text, &mut shared.sensitive)?,
    };
    Ok(StoredInstance {
        address: Address { resource: resource.clone(), key },
        deposed: some_text(fields.deposed),
        provider: provider.clone(),
        schema_version: u64::try_from(fields.schema_version).map_err(|_| unreadable("schema version"))?,
        remote_id: fields.remote_id.map(Into::into),
        attributes: utf8(fields.attributes)?.into(),
        sensitive,
        dependencies: dependencies.clone(),
        status: if fields.tainted { Status::Tainted } else { Status::Ok },
        create_before_destroy: fields.create_before_destroy,
        private: fields.private.map(utf8).transpose()?.map(Into::into),
        created: u64::try_from(row.get::<_, i64>(9)?).map_err(|_| unreadable("first serial"))?,
        updated: u64::try_from(row.get::<_, i64>(10)?).map_err(|_| unreadable("last serial"))?,
    })
}

/// Rows of one resource mostly have the same paths.
fn sensitive_paths(
    text: &str,
    known: &mut HashMap<String, Arc<[model::Path]>>,
) -> Result<Arc<[model::Path]>, Unreadable> {
    if let Some(paths) = known.get(text) {
        return Ok(paths.clone());
    }
    let json = serde_json::from_str(text).map_err(|e| Unreadable(e.to_string()))?;
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

fn wrong_checksum() -> Unreadable {
    Unreadable("its checksum is wrong".into())
}

fn not_sealed(by: Option<i64>) -> Result<(), Unreadable> {
    match by {
        None => Ok(()),
        Some(_) => Err(Unreadable("it is encrypted, which this terrane cannot read".into())),
    }
}

fn some_text(text: &str) -> Option<Str> {
    (!text.is_empty()).then(|| text.into())
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, Unreadable> {
    Ok(row.get_ref(column)?.as_str()?)
}

fn utf8(bytes: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(bytes).map_err(|e| Unreadable(e.to_string()))
}
