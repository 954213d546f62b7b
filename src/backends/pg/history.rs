//! Earlier generations of a state in PostgreSQL: what each run replaced, by whom it was run, and from which
//! configuration. Rows are kept as they were before they changed, once a generation, sealed as they were.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio_postgres::{Client, Row};

use super::Database;
use super::rows::{self, bound};
use crate::backends::documents::segment;
use crate::model::Str;
use crate::state::{Generation, Output, Past, RowKey, Run, Snapshot, StateError, StoredInstance};

/// Who begins a generation, from what, and how many are kept.
pub struct Author<'a> {
    pub who: &'a str,
    pub operation: &'a str,
    pub now: OffsetDateTime,
    pub run: Option<&'a Run>,
    pub kept: u64,
}

/// What is written to, inside the caller's transaction.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub database: &'a Database,
    pub client: &'a Client,
    pub workspace: &'a str,
}

impl Place<'_> {
    async fn execute(
        &self,
        sql: &str,
        values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<(), StateError> {
        let sql = self.database.statement(sql);
        self.client.execute(&sql, values).await.map(drop).map_err(|e| self.database.told(&e))
    }

    async fn query(
        &self,
        sql: &str,
        values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<Vec<Row>, StateError> {
        let sql = self.database.statement(sql);
        self.client.query(&sql, values).await.map_err(|e| self.database.told(&e))
    }

    fn damaged(&self, what: &str, detail: &str) -> StateError {
        self.database.damaged(self.workspace, format!("{what}: {detail}"))
    }
}

/// Notes who begins a serial, and from what.
pub async fn begin(place: Place<'_>, serial: i64, author: &Author<'_>) -> Result<(), StateError> {
    let (mut body, mut digests) = (None, Vec::new());
    if let Some(run) = author.run {
        let mut files = Vec::new();
        for (path, text) in &run.sources {
            let digest = keep_source(place, text).await?;
            files.push(json!([path, digest]));
            digests.push(digest);
        }
        let text = json!({"sources": files, "inputs": run.inputs}).to_string();
        body = Some(place.database.sealed(&generation_bound(place.workspace, serial), &text)?);
    }
    let began = i64::try_from(author.now.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX);
    place
        .execute(
            "INSERT INTO SCHEMA.terrane_generations (workspace, serial, began, who, operation, digests, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (workspace, serial) DO UPDATE SET began = excluded.began, who = excluded.who,
             operation = excluded.operation, digests = excluded.digests, body = excluded.body",
            &[&place.workspace, &serial, &began, &author.who, &author.operation, &digests, &body],
        )
        .await?;
    prune(place, author.kept).await
}

fn generation_bound(workspace: &str, serial: i64) -> String {
    bound("generation", workspace, &serial.to_string())
}

/// The name of a source. Of one that is sealed, only who has the key can try whether a text is what he guesses.
fn source_name(place: Place<'_>, text: &str) -> Result<String, StateError> {
    let database = place.database;
    let name = database.envelopes.name(&bound("source", place.workspace, ""), text);
    if let Some(name) = name.map_err(|e| StateError::sealed(&database.place, &e))? {
        return Ok(hex::encode(name));
    }
    // With the workspace, equal texts of different states do not show as equal.
    Ok(hex::encode(Sha256::new().chain_update(place.workspace).chain_update([0]).chain_update(text).finalize()))
}

async fn keep_source(place: Place<'_>, text: &str) -> Result<String, StateError> {
    let digest = source_name(place, text)?;
    let there = "SELECT 1 FROM SCHEMA.terrane_sources WHERE workspace = $1 AND digest = $2";
    if place.query(there, &[&place.workspace, &digest]).await?.is_empty() {
        let body = place.database.sealed(&bound("source", place.workspace, &digest), text)?;
        let sql = "INSERT INTO SCHEMA.terrane_sources (workspace, digest, body) VALUES ($1, $2, $3)";
        place.execute(sql, &[&place.workspace, &digest, &body]).await?;
    }
    Ok(digest)
}

/// Takes away all but the last generations. Done once in a while, because it looks at all that is kept.
async fn prune(place: Place<'_>, kept: u64) -> Result<(), StateError> {
    let kept = i64::try_from(kept).unwrap_or(i64::MAX);
    let count = "SELECT count(*) FROM SCHEMA.terrane_generations WHERE workspace = $1";
    let count: i64 = place.query(count, &[&place.workspace]).await?.first().map_or(0, |row| row.get(0));
    if count <= kept.saturating_add(kept / 10) {
        return Ok(());
    }
    place
        .execute(
            "DELETE FROM SCHEMA.terrane_generations WHERE workspace = $1 AND serial NOT IN
             (SELECT serial FROM SCHEMA.terrane_generations WHERE workspace = $1 ORDER BY serial DESC LIMIT $2)",
            &[&place.workspace, &kept],
        )
        .await?;
    for table in ["terrane_history", "terrane_past_outputs"] {
        // What was replaced by the oldest generation that is kept is not part of any kept one.
        let sql = format!(
            "DELETE FROM SCHEMA.{table} WHERE workspace = $1 AND ended <=
             (SELECT min(serial) FROM SCHEMA.terrane_generations WHERE workspace = $1)"
        );
        place.execute(&sql, &[&place.workspace]).await?;
    }
    place
        .execute(
            "DELETE FROM SCHEMA.terrane_sources AS s WHERE s.workspace = $1 AND NOT EXISTS
             (SELECT 1 FROM SCHEMA.terrane_generations AS g WHERE g.workspace = $1 AND s.digest = ANY(g.digests))",
            &[&place.workspace],
        )
        .await
}

/// Keeps rows as they are before a serial changes them. The first image of a serial stays.
pub async fn keep(place: Place<'_>, serial: i64, keys: &[(&str, &str)]) -> Result<(), StateError> {
    let (addresses, deposed): (Vec<&str>, Vec<&str>) = keys.iter().copied().unzip();
    place
        .execute(
            "INSERT INTO SCHEMA.terrane_history (workspace, address, deposed, ended, created, updated, checksum, body)
             SELECT i.workspace, i.address, i.deposed, $2, i.created, i.updated, i.checksum, i.body
             FROM SCHEMA.terrane_instances AS i JOIN unnest($3::text[], $4::text[]) AS kept (address, deposed)
             ON i.address = kept.address AND i.deposed = kept.deposed
             WHERE i.workspace = $1 AND i.updated < $2 ON CONFLICT DO NOTHING",
            &[&place.workspace, &serial, &addresses, &deposed],
        )
        .await
}

/// Keeps all rows that there are, before they are replaced by others.
pub async fn keep_all(place: Place<'_>, serial: i64) -> Result<(), StateError> {
    // Where the serial falls back, what was kept for later ones is of another past.
    for (table, column) in
        [("terrane_history", "ended"), ("terrane_past_outputs", "ended"), ("terrane_generations", "serial")]
    {
        let sql = format!("DELETE FROM SCHEMA.{table} WHERE workspace = $1 AND {column} >= $2");
        place.execute(&sql, &[&place.workspace, &serial]).await?;
    }
    place
        .execute(
            "INSERT INTO SCHEMA.terrane_history (workspace, address, deposed, ended, created, updated, checksum, body)
             SELECT workspace, address, deposed, $2, created, updated, checksum, body
             FROM SCHEMA.terrane_instances WHERE workspace = $1 AND updated < $2 ON CONFLICT DO NOTHING",
            &[&place.workspace, &serial],
        )
        .await
}

/// Keeps the outputs that are about to become others. What is not named stays.
pub async fn keep_outputs(
    place: Place<'_>,
    serial: i64,
    after: &BTreeMap<Str, Option<Output>>,
) -> Result<(), StateError> {
    let sql = "SELECT name, body FROM SCHEMA.terrane_outputs WHERE workspace = $1";
    let rows = place.query(sql, &[&place.workspace]).await?;
    let there: HashMap<&str, &str> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for (name, after) in after {
        let body = there.get(&**name).copied();
        let before = body.and_then(|body| output(place, name, body).ok());
        if before != *after {
            let sql = "INSERT INTO SCHEMA.terrane_past_outputs (workspace, name, ended, body) VALUES ($1, $2, $3, $4)
                       ON CONFLICT DO NOTHING";
            place.execute(sql, &[&place.workspace, &&**name, &serial, &body]).await?;
        }
    }
    Ok(())
}

/// The names of the outputs that there are.
pub async fn output_names(place: Place<'_>) -> Result<Vec<Str>, StateError> {
    let sql = "SELECT name FROM SCHEMA.terrane_outputs WHERE workspace = $1";
    Ok(place.query(sql, &[&place.workspace]).await?.iter().map(|row| row.get::<_, &str>(0).into()).collect())
}

fn output(place: Place<'_>, name: &str, body: &str) -> Result<Output, StateError> {
    let opened = place.database.opened(&bound("output", place.workspace, name), body);
    opened
        .and_then(|text| segment::output_of(&text))
        .map_err(|e| place.damaged(&format!("an earlier output \"{name}\""), &e))
}

/// The generations that are kept, the newest first.
pub async fn list(place: Place<'_>) -> Result<Vec<Generation>, StateError> {
    let counts = async |sql: &str| -> Result<HashMap<i64, u64>, StateError> {
        let rows = place.query(sql, &[&place.workspace]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1).unsigned_abs())).collect())
    };
    let added = counts(
        "SELECT created, count(*) FROM (
           SELECT address, deposed, created FROM SCHEMA.terrane_instances WHERE workspace = $1
           UNION SELECT address, deposed, created FROM SCHEMA.terrane_history WHERE workspace = $1) AS made
         GROUP BY created",
    )
    .await?;
    let ended =
        counts("SELECT ended, count(*) FROM SCHEMA.terrane_history WHERE workspace = $1 GROUP BY ended").await?;
    // A version that ended and that another of the same object follows was changed, not removed.
    let changed = counts(
        "SELECT h.ended, count(*) FROM SCHEMA.terrane_history AS h WHERE h.workspace = $1 AND (
           EXISTS (SELECT 1 FROM SCHEMA.terrane_instances AS i WHERE i.workspace = $1 AND i.address = h.address
             AND i.deposed = h.deposed AND i.created = h.created)
           OR EXISTS (SELECT 1 FROM SCHEMA.terrane_history AS l WHERE l.workspace = $1 AND l.address = h.address
             AND l.deposed = h.deposed AND l.ended > h.ended AND l.created = h.created))
         GROUP BY h.ended",
    )
    .await?;
    let sql = "SELECT serial, began, who, operation, body IS NOT NULL FROM SCHEMA.terrane_generations
               WHERE workspace = $1 ORDER BY serial DESC";
    let rows = place.query(sql, &[&place.workspace]).await?;
    let generation = |row: &Row| {
        let serial: i64 = row.get(0);
        let of = |counts: &HashMap<i64, u64>| counts.get(&serial).copied().unwrap_or(0);
        let began = OffsetDateTime::from_unix_timestamp_nanos(i128::from(row.get::<_, i64>(1)) * 1_000_000);
        Generation {
            serial: serial.unsigned_abs(),
            began: began.unwrap_or(OffsetDateTime::UNIX_EPOCH),
            who: row.get::<_, &str>(2).into(),
            operation: row.get::<_, &str>(3).into(),
            added: of(&added),
            changed: of(&changed),
            removed: of(&ended).saturating_sub(of(&changed)),
            has_run: row.get(4),
        }
    };
    Ok(rows.iter().map(generation).collect())
}

/// One generation; nothing where it is not kept.
pub async fn past(place: Place<'_>, now: &Snapshot, serial: u64) -> Result<Option<Past>, StateError> {
    let Some(generation) = list(place).await?.into_iter().find(|g| g.serial == serial) else { return Ok(None) };
    let at = i64::try_from(serial).unwrap_or(i64::MAX);
    let snapshot = snapshot_at(place, now, at).await?;
    let before = match at.checked_sub(1) {
        Some(before) => Some(snapshot_at(place, now, before).await?),
        None => None,
    };
    Ok(Some(Past { generation, snapshot, before, run: run(place, at).await? }))
}

async fn run(place: Place<'_>, serial: i64) -> Result<Option<Run>, StateError> {
    let sql = "SELECT body FROM SCHEMA.terrane_generations WHERE workspace = $1 AND serial = $2 AND body IS NOT NULL";
    let rows = place.query(sql, &[&place.workspace, &serial]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let wrong = |detail: &str| place.damaged(&format!("the generation {serial}"), detail);
    let opened = place.database.opened(&generation_bound(place.workspace, serial), row.get(0));
    let body: Json = serde_json::from_str(&opened.map_err(|e| wrong(&e))?).map_err(|_| wrong("it cannot be read"))?;
    let mut run = Run { inputs: body["inputs"].clone(), ..Run::default() };
    for pair in body["sources"].as_array().into_iter().flatten() {
        let name = |i: usize| pair.get(i).and_then(Json::as_str).unwrap_or_default();
        let sql = "SELECT body FROM SCHEMA.terrane_sources WHERE workspace = $1 AND digest = $2";
        let rows = place.query(sql, &[&place.workspace, &name(1)]).await?;
        let row = rows.first().ok_or_else(|| wrong("one of its sources is missing"))?;
        let text = place.database.opened(&bound("source", place.workspace, name(1)), row.get(0));
        run.sources.push((name(0).to_string(), text.map_err(|e| wrong(&e))?.into()));
    }
    Ok(Some(run))
}

/// The state as it was while it had a serial.
async fn snapshot_at(place: Place<'_>, now: &Snapshot, serial: i64) -> Result<Snapshot, StateError> {
    let at = serial.unsigned_abs();
    let mut rows: BTreeMap<RowKey, Arc<StoredInstance>> = BTreeMap::new();
    rows.extend(now.rows().iter().filter(|row| row.updated <= at).map(|row| (row.key(), row.clone())));
    let sql = "SELECT address, created, updated, checksum, body, deposed FROM SCHEMA.terrane_history
               WHERE workspace = $1 AND ended > $2 AND updated <= $2";
    for row in place.query(sql, &[&place.workspace, &serial]).await? {
        let wrong = |e: String| place.damaged(&format!("an earlier image of \"{}\"", row.get::<_, &str>(0)), &e);
        let row = Arc::new(rows::instance(place.database, place.workspace, &row).map_err(wrong)?);
        rows.insert(row.key(), row);
    }
    let (mut outputs, mut seen) = (now.outputs.clone(), HashSet::new());
    let sql = "SELECT name, body FROM SCHEMA.terrane_past_outputs WHERE workspace = $1 AND ended > $2
               ORDER BY name, ended";
    for row in place.query(sql, &[&place.workspace, &serial]).await? {
        let name: &str = row.get(0);
        if !seen.insert(name.to_string()) {
            continue;
        }
        match row.get::<_, Option<&str>>(1) {
            None => drop(outputs.remove(name)),
            Some(body) => drop(outputs.insert(name.into(), output(place, name, body)?)),
        }
    }
    let mut then = now.clone();
    (then.outputs, then.serial) = (outputs, at);
    // What is open now was not then.
    Ok(then.with_rows(rows.into_values().collect()).with_intents(&[]))
}

/// Writes everything that is kept once more, sealed as it is to be now.
pub async fn write_anew(place: Place<'_>) -> Result<(), StateError> {
    let workspace = place.workspace;
    let sql = "SELECT address, deposed, ended, body FROM SCHEMA.terrane_history WHERE workspace = $1";
    for row in place.query(sql, &[&workspace]).await? {
        let (address, deposed, ended): (&str, &str, i64) = (row.get(0), row.get(1), row.get(2));
        let body = again(place, &rows::row_bound(workspace, address, deposed), row.get(3))?;
        let sql = "UPDATE SCHEMA.terrane_history SET body = $5, checksum = $6
                   WHERE workspace = $1 AND address = $2 AND deposed = $3 AND ended = $4";
        place.execute(sql, &[&workspace, &address, &deposed, &ended, &body, &rows::checksum(&body)]).await?;
    }
    let sql = "SELECT name, ended, body FROM SCHEMA.terrane_past_outputs WHERE workspace = $1 AND body IS NOT NULL";
    for row in place.query(sql, &[&workspace]).await? {
        let (name, ended): (&str, i64) = (row.get(0), row.get(1));
        let body = again(place, &bound("output", workspace, name), row.get(2))?;
        let sql = "UPDATE SCHEMA.terrane_past_outputs SET body = $4 WHERE workspace = $1 AND name = $2 AND ended = $3";
        place.execute(sql, &[&workspace, &name, &ended, &body]).await?;
    }
    let renamed = sources_anew(place).await?;
    let sql = "SELECT serial, body FROM SCHEMA.terrane_generations WHERE workspace = $1 AND body IS NOT NULL";
    for row in place.query(sql, &[&workspace]).await? {
        let serial: i64 = row.get(0);
        let kind = generation_bound(workspace, serial);
        let wrong = || place.damaged(&format!("the generation {serial}"), "it cannot be read");
        let mut body: Json = serde_json::from_str(&opened(place, &kind, row.get(1))?).map_err(|_| wrong())?;
        let mut digests = Vec::new();
        for name in body["sources"].as_array_mut().into_iter().flatten().filter_map(|pair| pair.get_mut(1)) {
            let new = name.as_str().and_then(|old| renamed.get(old)).ok_or_else(wrong)?;
            *name = Json::from(new.as_str());
            digests.push(new.as_str());
        }
        let body = place.database.sealed(&kind, &body.to_string())?;
        let sql = "UPDATE SCHEMA.terrane_generations SET body = $3, digests = $4 WHERE workspace = $1 AND serial = $2";
        place.execute(sql, &[&workspace, &serial, &body, &digests]).await?;
    }
    Ok(())
}

/// Writes the sources once more, and gives the names that they have now by those that they had.
async fn sources_anew(place: Place<'_>) -> Result<HashMap<String, String>, StateError> {
    let workspace = place.workspace;
    let sql = "DELETE FROM SCHEMA.terrane_sources WHERE workspace = $1 RETURNING digest, body";
    let mut renamed = HashMap::new();
    for row in place.query(sql, &[&workspace]).await? {
        let old: &str = row.get(0);
        let text = opened(place, &bound("source", workspace, old), row.get(1))?;
        renamed.insert(old.to_string(), keep_source(place, &text).await?);
    }
    Ok(renamed)
}

fn opened(place: Place<'_>, kind: &str, body: &str) -> Result<String, StateError> {
    place.database.opened(kind, body).map_err(|e| place.damaged("the history", &e))
}

fn again(place: Place<'_>, kind: &str, body: &str) -> Result<String, StateError> {
    place.database.sealed(kind, &opened(place, kind, body)?)
}
