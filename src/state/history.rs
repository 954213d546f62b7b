//! Earlier generations of a state: what each run replaced, by whom it was run, and from which configuration.
//!
//! A generation is what the state was while it had a serial. Rows are kept as they were before they changed, once a
//! generation, so that it costs as much as the rows that a run touches. A run's sources are kept by their digest, once
//! for all runs that have them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::Value as Column;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::codec;
use super::load::Loading;
pub use super::row_body::{deflate, inflate};
use super::seal::Keyring;
use super::sealed_tables::{GENERATIONS, PAST_OUTPUTS, SOURCES};
use super::write::WriteError;
use super::{Output, Snapshot, StateError, StoredInstance, layout};
use crate::model::Str;

/// How many generations are kept unless the user says otherwise.
pub const KEPT: u64 = 200;

/// What a run is made from, told to the state before the run's first change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Paths and texts of the configuration.
    pub sources: Vec<(String, Str)>,
    /// Values of the root variables and whatever else is needed to plan again, as JSON.
    pub inputs: Json,
}

/// One generation in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    pub serial: u64,
    pub began: OffsetDateTime,
    pub who: Str,
    pub operation: Str,
    /// Instances that it added, changed and removed.
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    /// Whether the configuration that it was made from is kept.
    pub has_run: bool,
}

/// One generation with all that is known of it.
#[derive(Clone, Debug)]
pub struct Past {
    pub generation: Generation,
    /// The state as it was at the end of it.
    pub snapshot: Snapshot,
    /// The state as it was before it, where that is known.
    pub before: Option<Snapshot>,
    pub run: Option<Run>,
}

/// Notes who begins a serial, and from what.
pub(super) fn begin(
    conn: &Connection,
    keys: &Keyring,
    serial: i64,
    who: (&str, &str),
    began: OffsetDateTime,
    run: Option<&Run>,
) -> Result<(), WriteError> {
    let mut body = None;
    if let Some(run) = run {
        let mut files = Vec::new();
        for (path, text) in &run.sources {
            files.push(json!([path, hex::encode(keep_source(conn, keys, text)?)]));
        }
        let text = json!({"sources": files, "inputs": run.inputs}).to_string();
        body = Some(keys.seal(GENERATIONS.bound(&[Column::Integer(serial)]), deflate(text.as_bytes())));
    }
    let (by, body) = body.map_or((None, None), |(by, body)| (by, Some(body)));
    let values = params![serial, codec::to_millis(began), who.0, who.1, by, body];
    Ok(layout::GENERATIONS.put(conn, values)?)
}

/// The name of a source. Of one that is sealed, only who has the key can try whether a text is what he guesses.
fn source_name(conn: &Connection, keys: &Keyring, text: &str) -> Result<Vec<u8>, WriteError> {
    if let Some(name) = keys.name("source", text) {
        return Ok(name.to_vec());
    }
    // With the lineage, equal texts of different states do not show as equal.
    let lineage: String = conn.query_row("SELECT value FROM meta WHERE name = 'lineage'", [], |r| r.get(0))?;
    Ok(Sha256::new().chain_update(lineage.as_bytes()).chain_update([0]).chain_update(text).finalize().to_vec())
}

fn keep_source(conn: &Connection, keys: &Keyring, text: &str) -> Result<Vec<u8>, WriteError> {
    let digest = source_name(conn, keys, text)?;
    if !conn.prepare_cached("SELECT 1 FROM sources WHERE digest = ?1")?.exists([&digest])? {
        let bound = SOURCES.bound(&[Column::Blob(digest.clone())]);
        let (by, body) = keys.seal(bound, deflate(text.as_bytes()));
        layout::SOURCES.put(conn, params![digest, by, body])?;
    }
    Ok(digest)
}

/// Keeps an output as it was before the serial; the first image of a serial stays.
pub(super) fn keep_output(
    conn: &Connection,
    keys: &Keyring,
    serial: i64,
    name: &str,
    before: Option<&Output>,
) -> Result<(), WriteError> {
    let body = before.map(|output| {
        let ty = output.value.ty();
        let text = json!([
            crate::model::value_json::type_to_json(&ty),
            output.sensitive,
            super::body::encode(&output.value, &ty),
            output.declared
        ]);
        let bound = PAST_OUTPUTS.bound(&[Column::Text(name.to_string()), Column::Integer(serial)]);
        keys.seal(bound, deflate(text.to_string().as_bytes()))
    });
    let (by, body) = body.map_or((None, None), |(by, body)| (by, Some(body)));
    // The first image of a serial stays.
    Ok(layout::PAST_OUTPUTS.add(conn, params![name, serial, by, body])?)
}

/// Takes away all but the last `kept` generations, and says whether it did. Done once in a while, because it looks at all
/// that is kept.
pub(super) fn prune(conn: &Connection, kept: u64) -> Result<bool, WriteError> {
    let (count, last): (i64, Option<i64>) =
        conn.query_row("SELECT count(*), max(serial) FROM generations", [], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let kept = i64::try_from(kept).unwrap_or(i64::MAX);
    if last.is_none() || count <= kept.saturating_add(kept / 10) {
        return Ok(false);
    }
    let sql = "SELECT serial FROM generations ORDER BY serial DESC LIMIT 1 OFFSET ?1";
    let Some(first_gone) = conn.query_row(sql, [kept], |r| r.get::<_, i64>(0)).optional()? else { return Ok(false) };
    conn.execute("DELETE FROM generations WHERE serial <= ?1", [first_gone])?;
    // What was replaced by the oldest generation that is kept is not part of any kept one.
    let oldest = "(SELECT min(serial) FROM generations)";
    conn.execute(&format!("DELETE FROM history WHERE ended <= {oldest}"), [])?;
    conn.execute(&format!("DELETE FROM past_outputs WHERE ended <= {oldest}"), [])?;
    Ok(true)
}

/// Takes away sources that no generation has. Needs the bodies of all of them.
pub(super) fn prune_sources(conn: &Connection, path: &Path, keys: &Keyring) -> Result<(), WriteError> {
    let loading = Loading { path, conn, keys };
    let mut used = std::collections::HashSet::new();
    for serial in described(conn)? {
        // Where one cannot be read, all are kept.
        let Ok(Some(body)) = run_body(&loading, serial) else { return Ok(()) };
        let names = body["sources"].as_array().into_iter().flatten().filter_map(|pair| pair.get(1)?.as_str());
        used.extend(names.filter_map(|name| hex::decode(name).ok()));
    }
    let all: Vec<Vec<u8>> =
        conn.prepare("SELECT digest FROM sources")?.query_map([], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
    for digest in all.iter().filter(|d| !used.contains(*d)) {
        conn.execute("DELETE FROM sources WHERE digest = ?1", [digest])?;
    }
    Ok(())
}

/// The generations whose runs are kept.
fn described(conn: &Connection) -> rusqlite::Result<Vec<i64>> {
    conn.prepare("SELECT serial FROM generations WHERE body IS NOT NULL")?.query_map([], |r| r.get(0))?.collect()
}

/// Gives the sources the names that they have under the key that is written with now, where they stand and in the
/// generations that have them.
pub(super) fn name_anew(conn: &Connection, path: &Path, keys: &Keyring) -> Result<(), WriteError> {
    let loading = Loading { path, conn, keys };
    let read = |r: &rusqlite::Row<'_>| r.get::<_, Vec<u8>>(0);
    let names: Vec<Vec<u8>> =
        conn.prepare("SELECT digest FROM sources")?.query_map([], read)?.collect::<rusqlite::Result<_>>()?;
    let mut renamed = BTreeMap::new();
    for old in names {
        let text = source(&loading, &old, "a source of a generation")?;
        let new = keep_source(conn, keys, &text)?;
        if new != old {
            layout::SOURCES.delete(conn, &[Column::Blob(old.clone())])?;
            renamed.insert(hex::encode(old), hex::encode(new));
        }
    }
    for serial in described(conn)?.into_iter().filter(|_| !renamed.is_empty()) {
        let Some(mut body) = run_body(&loading, serial)? else { continue };
        for name in body["sources"].as_array_mut().into_iter().flatten().filter_map(|pair| pair.get_mut(1)) {
            if let Some(new) = name.as_str().and_then(|old| renamed.get(old)) {
                *name = Json::from(new.as_str());
            }
        }
        let sql = "SELECT began, who, operation FROM generations WHERE serial = ?1";
        let read = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?));
        let (began, who, operation): (i64, String, String) = conn.query_row(sql, [serial], read)?;
        let bound = GENERATIONS.bound(&[Column::Integer(serial)]);
        let (by, body) = keys.seal(bound, deflate(body.to_string().as_bytes()));
        layout::GENERATIONS.put(conn, params![serial, began, who, operation, by, Some(body)])?;
    }
    Ok(())
}

/// The generations that are kept, the newest first.
pub(super) fn list(loading: &Loading<'_>) -> Result<Vec<Generation>, StateError> {
    layout::PAST.iter().try_for_each(|table| table.check(loading.conn, loading.path))?;
    let counts = |sql: &str| -> Result<BTreeMap<i64, u64>, StateError> {
        let mut counts = BTreeMap::new();
        loading.each(sql, |row| {
            let entry = || -> rusqlite::Result<(i64, i64)> { Ok((row.get(0)?, row.get(1)?)) };
            let (serial, count) = entry().map_err(|e| loading.sqlite(e))?;
            counts.insert(serial, count.unsigned_abs());
            Ok(())
        })?;
        Ok(counts)
    };
    let added = counts(
        "SELECT created, count(*) FROM (SELECT resource, key, deposed, created FROM instances
         UNION SELECT resource, key, deposed, created FROM history) GROUP BY created",
    )?;
    let ended = counts("SELECT ended, count(*) FROM history GROUP BY ended")?;
    // A version that ended and that another of the same object follows was changed, not removed.
    let changed = counts(
        "SELECT h.ended, count(*) FROM history h WHERE EXISTS (
           SELECT 1 FROM instances i WHERE i.resource = h.resource AND i.key = h.key AND i.deposed = h.deposed
             AND i.created = h.created
           UNION ALL SELECT 1 FROM history l WHERE l.resource = h.resource AND l.key = h.key
             AND l.deposed = h.deposed AND l.ended > h.ended AND l.created = h.created)
         GROUP BY h.ended",
    )?;
    let mut generations = Vec::new();
    let sql = "SELECT serial, began, who, operation, body IS NOT NULL FROM generations ORDER BY serial DESC";
    loading.each(sql, |row| {
        let read = || -> rusqlite::Result<_> {
            let texts = (row.get::<_, String>(2)?, row.get::<_, String>(3)?);
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, texts, row.get::<_, bool>(4)?))
        };
        let (serial, began, (who, operation), has_run) = read().map_err(|e| loading.sqlite(e))?;
        let of = |counts: &BTreeMap<i64, u64>| counts.get(&serial).copied().unwrap_or(0);
        generations.push(Generation {
            serial: serial.unsigned_abs(),
            began: codec::from_millis(began).unwrap_or(OffsetDateTime::UNIX_EPOCH),
            who: who.into(),
            operation: operation.into(),
            added: of(&added),
            changed: of(&changed),
            removed: of(&ended).saturating_sub(of(&changed)),
            has_run,
        });
        Ok(())
    })?;
    Ok(generations)
}

/// One generation; nothing where it is not kept.
pub(super) fn past(loading: &Loading<'_>, serial: u64) -> Result<Option<Past>, StateError> {
    let Some(generation) = list(loading)?.into_iter().find(|g| g.serial == serial) else { return Ok(None) };
    let at = i64::try_from(serial).unwrap_or(i64::MAX);
    let run = match run_body(loading, at)? {
        None => None,
        Some(body) => Some(read_run(loading, &body)?),
    };
    let snapshot = snapshot_at(loading, serial)?;
    let before = serial.checked_sub(1).map(|s| snapshot_at(loading, s)).transpose()?;
    Ok(Some(Past { generation, snapshot, before, run }))
}

fn run_body(loading: &Loading<'_>, serial: i64) -> Result<Option<Json>, StateError> {
    let sql = "SELECT sealed_by, body FROM generations WHERE serial = ?1 AND body IS NOT NULL";
    let read = |r: &rusqlite::Row<'_>| Ok((r.get::<_, Option<i64>>(0)?, r.get::<_, Vec<u8>>(1)?));
    let found = loading.conn.query_row(sql, [serial], read).optional().map_err(|e| loading.sqlite(e))?;
    let Some((by, body)) = found else { return Ok(None) };
    let named = [Column::Integer(serial)];
    let body = GENERATIONS.open(loading.conn, loading.path, loading.keys, &named, by, body)?;
    let json = inflate(&body).and_then(|text| serde_json::from_slice(&text).ok());
    json.map(Some).ok_or_else(|| damaged(loading, &format!("the generation {serial}")))
}

fn read_run(loading: &Loading<'_>, body: &Json) -> Result<Run, StateError> {
    let mut run = Run { inputs: body["inputs"].clone(), ..Run::default() };
    for pair in body["sources"].as_array().into_iter().flatten() {
        let name = |i: usize| pair.get(i).and_then(Json::as_str).unwrap_or_default();
        let what = format!("the source \"{}\" of a generation", name(0));
        let digest = hex::decode(name(1)).map_err(|_| damaged(loading, &what))?;
        run.sources.push((name(0).to_string(), source(loading, &digest, &what)?.into()));
    }
    Ok(run)
}

/// The text of a source; `what` it is, for messages.
fn source(loading: &Loading<'_>, name: &[u8], what: &str) -> Result<String, StateError> {
    let sql = "SELECT sealed_by, body FROM sources WHERE digest = ?1";
    let read = |r: &rusqlite::Row<'_>| Ok((r.get::<_, Option<i64>>(0)?, r.get::<_, Vec<u8>>(1)?));
    let found = loading.conn.query_row(sql, [name], read).optional().map_err(|e| loading.sqlite(e))?;
    let (by, body) = found.ok_or_else(|| damaged(loading, what))?;
    let body = SOURCES.open(loading.conn, loading.path, loading.keys, &[Column::Blob(name.to_vec())], by, body)?;
    inflate(&body).and_then(|text| String::from_utf8(text).ok()).ok_or_else(|| damaged(loading, what))
}

/// The state as it was while it had a serial.
pub(super) fn snapshot_at(loading: &Loading<'_>, serial: u64) -> Result<Snapshot, StateError> {
    let mut snapshot = super::load::snapshot(loading.conn, loading.path, loading.keys)?;
    let mut rows: BTreeMap<_, Arc<StoredInstance>> = BTreeMap::new();
    let now = snapshot.rows().iter().filter(|row| row.updated <= serial);
    rows.extend(now.map(|row| (row.key(), row.clone())));
    for row in loading.past_rows(serial)? {
        rows.insert(row.key(), row);
    }
    snapshot.outputs = outputs_at(loading, serial, snapshot.outputs)?;
    snapshot.serial = serial;
    Ok(snapshot.with_rows(rows.into_values().collect()))
}

fn outputs_at(
    loading: &Loading<'_>,
    serial: u64,
    mut outputs: BTreeMap<Str, Output>,
) -> Result<BTreeMap<Str, Output>, StateError> {
    let at = i64::try_from(serial).unwrap_or(i64::MAX);
    let mut seen = std::collections::HashSet::new();
    let sql = format!("SELECT name, ended, sealed_by, body FROM past_outputs WHERE ended > {at} ORDER BY name, ended");
    loading.each(&sql, |row| {
        let read = || -> rusqlite::Result<_> {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get::<_, Option<Vec<u8>>>(3)?))
        };
        let (name, ended, by, body) = read().map_err(|e| loading.sqlite(e))?;
        if !seen.insert(name.clone()) {
            return Ok(());
        }
        let Some(body) = body else {
            outputs.remove(name.as_str());
            return Ok(());
        };
        let named = [Column::Text(name.clone()), Column::Integer(ended)];
        let body = PAST_OUTPUTS.open(loading.conn, loading.path, loading.keys, &named, by, body)?;
        let output = past_output(&body).ok_or_else(|| damaged(loading, &format!("an earlier output \"{name}\"")))?;
        outputs.insert(name.into(), output);
        Ok(())
    })?;
    Ok(outputs)
}

fn past_output(body: &[u8]) -> Option<Output> {
    let json: Json = serde_json::from_slice(&inflate(body)?).ok()?;
    let ty = crate::model::value_json::type_from_json(json.get(0)?)?;
    Some(Output {
        value: super::body::decode(json.get(2)?.as_str()?, &ty).ok()?,
        sensitive: json.get(1)?.as_bool()?,
        declared: json.get(3).and_then(Json::as_bool).unwrap_or_default(),
    })
}

fn damaged(loading: &Loading<'_>, row: &str) -> StateError {
    StateError::DamagedRow {
        path: loading.path.to_path_buf(),
        row: row.to_string(),
        detail: "it cannot be read".to_string(),
    }
}
