//! Reading and writing the tables of one state. The caller owns the transaction.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use tokio_postgres::{Client, Row};

use super::Database;
use super::history::{self, Author, Place};
use crate::backends::documents::{lock, segment};
use crate::model::Str;
use crate::state::lease::moment;
use crate::state::{Change, Intent, Lease, Output, Snapshot, StateError, StoredInstance, Surroundings, Workspace};

/// The most rows of one statement.
const BATCH: usize = 5_000;

impl Database {
    /// A statement on the tables of this schema.
    pub fn statement(&self, text: &str) -> String {
        text.replace("SCHEMA", &self.schema)
    }

    pub fn damaged(&self, workspace: &str, detail: String) -> StateError {
        StateError::Damaged { path: format!("{} \"{workspace}\"", self.place).into(), detail }
    }
}

/// What stands before a body that is sealed, in base64.
const SEALED: &str = "sealed:";

/// What a body is bound to, so that none stands in for another.
pub fn bound(what: &str, workspace: &str, name: &str) -> String {
    format!("{what} {}:{workspace} {name}", workspace.len())
}

pub fn row_bound(workspace: &str, address: &str, deposed: &str) -> String {
    bound("row", workspace, &format!("{}:{deposed} {address}", deposed.len()))
}

impl Database {
    /// A body as it is written.
    pub fn sealed(&self, kind: &str, text: &str) -> Result<String, StateError> {
        let body = match self.envelopes.is_on() {
            false => text.to_string(),
            true => {
                let sealed = self.envelopes.seal(kind, text.as_bytes());
                let sealed = sealed.map_err(|e| StateError::sealed(&self.place, &e))?;
                format!("{SEALED}{}", STANDARD.encode(sealed))
            }
        };
        Ok(format!("{} {body}", sum(kind, &body)))
    }

    /// A body in clear; the error says what is wrong with it.
    pub fn opened(&self, kind: &str, body: &str) -> Result<String, String> {
        let (written, body) = body.split_once(' ').ok_or("it is not what was written")?;
        if written != sum(kind, body) {
            return Err("its checksum is wrong".to_string());
        }
        let bytes = match body.strip_prefix(SEALED) {
            Some(sealed) => STANDARD.decode(sealed).map_err(|_| "it is not what was written".to_string())?,
            None => body.as_bytes().to_vec(),
        };
        let opened = self.envelopes.open(kind, bytes).map_err(|e| e.to_string())?;
        String::from_utf8(opened).map_err(|_| "it is not text".to_string())
    }
}

/// What stands before a body: a checksum over it and what it is bound to.
fn sum(kind: &str, body: &str) -> String {
    format!("{:08x}", checksum(&format!("{kind}\n{body}")))
}

/// The row of a state, with a new lineage where there is none.
pub async fn found(database: &Database, client: &Client, workspace: &str) -> Result<(), StateError> {
    let empty = Snapshot::empty(uuid::Uuid::new_v4().to_string());
    let sql = database.statement(
        "INSERT INTO SCHEMA.terrane_states (workspace, lineage, serial, terraform_version, written_by)
         VALUES ($1, $2, 0, $3, $4) ON CONFLICT DO NOTHING",
    );
    let (lineage, version, by): (&str, &str, &str) =
        (&empty.lineage, &empty.terraform_version, env!("CARGO_PKG_VERSION"));
    client.execute(&sql, &[&workspace, &lineage, &version, &by]).await.map(drop).map_err(|e| database.told(&e))
}

/// The workspaces that have a state.
pub async fn workspaces(database: &Database, client: &Client) -> Result<Vec<Workspace>, StateError> {
    let sql = database.statement("SELECT workspace FROM SCHEMA.terrane_states");
    let rows = client.query(&sql, &[]).await.map_err(|e| database.told(&e))?;
    Ok(rows.iter().filter_map(|row| Workspace::parse(row.get::<_, &str>(0)).ok()).collect())
}

/// Removes a state with everything that belongs to it.
pub async fn delete(database: &Database, client: &Client, workspace: &str) -> Result<(), StateError> {
    let sql = database.statement("DELETE FROM SCHEMA.terrane_states WHERE workspace = $1");
    client.execute(&sql, &[&workspace]).await.map(drop).map_err(|e| database.told(&e))
}

/// Everything that a state holds, as of one moment; nothing where there is no state.
pub async fn snapshot(database: &Database, client: &Client, workspace: &str) -> Result<Option<Snapshot>, StateError> {
    // One moment: otherwise rows and outputs could be of different ones.
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    client.batch_execute(begin).await.map_err(|e| database.told(&e))?;
    let read = read(database, client, workspace).await;
    client.batch_execute("COMMIT").await.map_err(|e| database.told(&e))?;
    read
}

pub async fn read(database: &Database, client: &Client, workspace: &str) -> Result<Option<Snapshot>, StateError> {
    let sql = "SELECT lineage, serial, terraform_version, written_by, check_results
               FROM SCHEMA.terrane_states WHERE workspace = $1";
    let heads = all(database, client, sql, workspace).await?;
    let Some(head) = heads.first() else { return Ok(None) };
    let mut snapshot = Snapshot::empty(head.get::<_, &str>(0));
    snapshot.serial = head.get::<_, i64>(1).unsigned_abs();
    snapshot.terraform_version = head.get::<_, &str>(2).into();
    snapshot.written_by = head.get::<_, &str>(3).into();
    if let Some(checks) = head.get::<_, Option<&str>>(4) {
        let wrong = |e| database.damaged(workspace, format!("the results of checks: {e}"));
        snapshot.check_results = Some(database.opened(&bound("checks", workspace, ""), checks).map_err(wrong)?.into());
    }
    for row in
        all(database, client, "SELECT name, body FROM SCHEMA.terrane_outputs WHERE workspace = $1", workspace).await?
    {
        let name: &str = row.get(0);
        let wrong = |e| database.damaged(workspace, format!("the output \"{name}\": {e}"));
        snapshot.outputs.insert(
            name.into(),
            database
                .opened(&bound("output", workspace, name), row.get(1))
                .and_then(|t| segment::output_of(&t))
                .map_err(wrong)?,
        );
    }
    let sql = "SELECT address, created, updated, checksum, body, deposed
               FROM SCHEMA.terrane_instances WHERE workspace = $1";
    let mut rows = Vec::new();
    for row in all(database, client, sql, workspace).await? {
        let wrong = |e| database.damaged(workspace, format!("the row \"{}\": {e}", row.get::<_, &str>(0)));
        rows.push(Arc::new(instance(database, workspace, &row).map_err(wrong)?));
    }
    // What is wrong with intents is told to whoever settles them.
    let open = intents(database, client, workspace, &[]).await.unwrap_or_default();
    Ok(Some(snapshot.with_rows(rows).with_intents(&open)))
}

async fn all(database: &Database, client: &Client, sql: &str, workspace: &str) -> Result<Vec<Row>, StateError> {
    client.query(&database.statement(sql), &[&workspace]).await.map_err(|e| database.told(&e))
}

/// A row of objects, as queries give it here.
pub fn instance(database: &Database, workspace: &str, row: &Row) -> Result<StoredInstance, String> {
    let body: &str = row.get(4);
    if checksum(body) != row.get::<_, i64>(3) {
        return Err("its checksum is wrong".to_string());
    }
    let (created, updated) = (row.get::<_, i64>(1).unsigned_abs(), row.get::<_, i64>(2).unsigned_abs());
    let opened = database.opened(&row_bound(workspace, row.get(0), row.get(5)), body)?;
    Ok(StoredInstance { created, updated, ..segment::row_of(&opened)? })
}

pub fn checksum(text: &str) -> i64 {
    let mut sum = flate2::Crc::new();
    sum.update(text.as_bytes());
    i64::from(sum.sum())
}

/// The calls without an outcome, oldest first, but those of holders that are at work.
pub async fn intents(
    database: &Database,
    client: &Client,
    workspace: &str,
    at_work: &[i64],
) -> Result<Vec<Intent>, StateError> {
    let sql = database
        .statement("SELECT key, body FROM SCHEMA.terrane_intents WHERE workspace = $1 AND NOT (token = ANY($2))");
    let rows = client.query(&sql, &[&workspace, &at_work]).await.map_err(|e| database.told(&e))?;
    let read = |row: &Row| {
        database
            .opened(&bound("intent", workspace, row.get(0)), row.get(1))
            .and_then(|t| segment::intent_of(&t))
            .map_err(|e| database.damaged(workspace, format!("an intent: {e}")))
    };
    let mut intents = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    intents.sort_by(|a, b| (a.began, &a.key).cmp(&(b.began, &b.key)));
    Ok(intents)
}

/// The leases, in the order in which they were given.
pub async fn leases(database: &Database, client: &Client, workspace: &str) -> Result<Vec<Lease>, StateError> {
    let sql = database.statement("SELECT body FROM SCHEMA.terrane_leases WHERE workspace = $1 ORDER BY token");
    let rows = client.query(&sql, &[&workspace]).await.map_err(|e| database.told(&e))?;
    Ok(rows.iter().map(|row| lock::decode(row.get::<_, &str>(0).as_bytes())).collect())
}

/// What time it is by the server's clock.
pub async fn now(database: &Database, client: &Client, around: &Surroundings) -> Result<OffsetDateTime, StateError> {
    let sql = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let row = client.query_one(sql, &[]).await.map_err(|e| database.told(&e))?;
    let told = OffsetDateTime::from_unix_timestamp_nanos(i128::from(row.get::<_, i64>(0)) * 1_000_000);
    Ok(around.clock.of_server(told.unwrap_or(OffsetDateTime::UNIX_EPOCH)))
}

/// The last commit that came out of a journal.
pub async fn last_sent(database: &Database, client: &Client, workspace: &str) -> Result<String, StateError> {
    let sql = database.statement("SELECT last_sent FROM SCHEMA.terrane_states WHERE workspace = $1");
    let row = client.query_opt(&sql, &[&workspace]).await.map_err(|e| database.told(&e))?;
    Ok(row.map(|row| row.get(0)).unwrap_or_default())
}

pub async fn set_last_sent(database: &Database, tx: &Client, workspace: &str, id: &str) -> Result<(), StateError> {
    let sql = database.statement("UPDATE SCHEMA.terrane_states SET last_sent = $2 WHERE workspace = $1");
    tx.execute(&sql, &[&workspace, &id]).await.map(drop).map_err(|e| database.told(&e))
}

/// The fencing token of a lease, as intents carry it.
pub fn token(lease: &Lease) -> i64 {
    i64::try_from(lease.token).unwrap_or(i64::MAX)
}

/// Takes the row of the state until the end of the transaction, and gives the serial.
pub async fn take(database: &Database, client: &Client, workspace: &str) -> Result<i64, StateError> {
    let sql = database.statement("SELECT serial FROM SCHEMA.terrane_states WHERE workspace = $1 FOR UPDATE");
    let row = client.query_opt(&sql, &[&workspace]).await.map_err(|e| database.told(&e))?;
    row.map(|row| row.get(0)).ok_or_else(|| database.damaged(workspace, "the workspace is gone".to_string()))
}

/// Fails unless the lease is still there: whoever took it over may have written since.
pub async fn check(database: &Database, client: &Client, workspace: &str, held: &Lease) -> Result<(), StateError> {
    let leases = leases(database, client, workspace).await?;
    if leases.iter().any(|lease| lease.id == held.id) {
        return Ok(());
    }
    let detail = match leases.first() {
        Some(other) => format!("{} took it over at {}", other.holder.who, moment(other.since)),
        None => "it was removed by force".to_string(),
    };
    let path = format!("{} \"{workspace}\"", database.place).into();
    Err(StateError::LockLost { path, id: held.id.to_string(), detail })
}

/// Which of these intents are open.
pub async fn open(
    database: &Database,
    client: &Client,
    workspace: &str,
    keys: &[&str],
) -> Result<HashSet<String>, StateError> {
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let sql = database.statement("SELECT key FROM SCHEMA.terrane_intents WHERE workspace = $1 AND key = ANY($2)");
    let rows = client.query(&sql, &[&workspace, &keys]).await.map_err(|e| database.told(&e))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What a group of commits comes to in the end.
#[derive(Default)]
pub struct Net {
    rows: BTreeMap<(String, String), Option<Arc<StoredInstance>>>,
    intents: BTreeMap<Str, Option<Intent>>,
    outputs: Option<BTreeMap<Str, Output>>,
    /// Single ones, after all of them.
    output: BTreeMap<Str, Option<Output>>,
    checks: Option<Option<Arc<str>>>,
    /// By how much the serial rises.
    pub bumps: i64,
    /// Everything is replaced first.
    pub whole: Option<Arc<Snapshot>>,
}

impl Net {
    pub fn add(&mut self, change: &Change) {
        match change {
            Change::Put(row) => {
                let deposed = row.deposed.as_deref().unwrap_or_default().to_string();
                self.rows.insert((row.address.to_string(), deposed), Some(row.clone()));
            }
            Change::Remove(key) => {
                let deposed = key.deposed.as_deref().unwrap_or_default().to_string();
                self.rows.insert((key.address.to_string(), deposed), None);
            }
            Change::Begin(intent) => drop(self.intents.insert(intent.key.clone(), Some(intent.clone()))),
            Change::End(key) => drop(self.intents.insert(key.clone(), None)),
            Change::Outputs(outputs) => {
                self.output.clear();
                self.outputs = Some(outputs.clone());
            }
            Change::CheckResults(results) => self.checks = Some(results.clone()),
            Change::BumpSerial => self.bumps += 1,
            Change::Output(name, output) => drop(self.output.insert(name.clone(), output.clone())),
            // Who writes knows.
            Change::Spend | Change::Describe(_) => (),
            Change::Replace(all) => {
                let intents = std::mem::take(&mut self.intents);
                *self = Net { intents, whole: Some(all.clone()), ..Net::default() };
            }
        }
    }

    /// Writes it, and gives the serial after it.
    pub async fn write(
        &self,
        database: &Database,
        tx: &Client,
        workspace: &str,
        serial: i64,
        token: i64,
        author: &Author<'_>,
    ) -> Result<i64, StateError> {
        let told = |e: tokio_postgres::Error| database.told(&e);
        let mut serial = serial;
        if let Some(all) = &self.whole {
            let too_large = || StateError::TooLarge { path: database.place.clone().into(), serial: all.serial };
            serial = i64::try_from(all.serial).map_err(|_| too_large())?;
        }
        let before = serial;
        serial = serial.saturating_add(self.bumps);
        self.keep(Place { database, client: tx, workspace }, serial, author).await?;
        if let Some(all) = &self.whole {
            let serial = before;
            replace_head(database, tx, workspace, all, serial).await?;
        }
        let wanted: Vec<_> = self.rows.values().flatten().map(|row| (&**row, serial, serial)).collect();
        put(database, tx, workspace, &wanted).await?;
        let gone: Vec<_> = self.rows.iter().filter(|(_, row)| row.is_none()).map(|(key, _)| key).collect();
        if !gone.is_empty() {
            let (addresses, deposed): (Vec<&str>, Vec<&str>) =
                gone.iter().map(|(a, d)| (a.as_str(), d.as_str())).unzip();
            let sql = database.statement(
                "DELETE FROM SCHEMA.terrane_instances AS i USING unnest($2::text[], $3::text[]) AS gone (address, deposed)
                 WHERE i.workspace = $1 AND i.address = gone.address AND i.deposed = gone.deposed",
            );
            tx.execute(&sql, &[&workspace, &addresses, &deposed]).await.map_err(told)?;
        }
        self.write_intents(database, tx, workspace, token).await?;
        if let Some(outputs) = &self.outputs {
            write_outputs(database, tx, workspace, outputs).await?;
        }
        for (name, output) in &self.output {
            write_output(database, tx, workspace, name, output.as_ref()).await?;
        }
        if let Some(checks) = &self.checks {
            write_checks(database, tx, workspace, checks.as_deref()).await?;
        }
        let sql =
            database.statement("UPDATE SCHEMA.terrane_states SET serial = $2, written_by = $3 WHERE workspace = $1");
        let by = env!("CARGO_PKG_VERSION");
        tx.execute(&sql, &[&workspace, &serial, &by]).await.map_err(told)?;
        Ok(serial)
    }

    /// Keeps what was, and begins a generation where the serial rises.
    async fn keep(&self, place: Place<'_>, serial: i64, author: &Author<'_>) -> Result<(), StateError> {
        if author.kept == 0 {
            return Ok(());
        }
        if self.whole.is_some() {
            history::keep_all(place, serial).await?;
        }
        if self.whole.is_some() || self.bumps > 0 {
            history::begin(place, serial, author).await?;
        }
        let keys: Vec<(&str, &str)> = self.rows.keys().map(|(a, d)| (a.as_str(), d.as_str())).collect();
        if !keys.is_empty() {
            history::keep(place, serial, &keys).await?;
        }
        let all = self.outputs.as_ref().or(self.whole.as_ref().map(|all| &all.outputs));
        if all.is_none() && self.output.is_empty() {
            return Ok(());
        }
        let mut after: BTreeMap<Str, Option<Output>> = BTreeMap::new();
        if let Some(all) = all {
            after.extend(history::output_names(place).await?.into_iter().map(|name| (name, None)));
            after.extend(all.iter().map(|(name, output)| (name.clone(), Some(output.clone()))));
        }
        after.extend(self.output.iter().map(|(name, output)| (name.clone(), output.clone())));
        history::keep_outputs(place, serial, &after).await
    }

    async fn write_intents(
        &self,
        database: &Database,
        tx: &Client,
        workspace: &str,
        token: i64,
    ) -> Result<(), StateError> {
        let told = |e: tokio_postgres::Error| database.told(&e);
        let begun: Vec<&Intent> = self.intents.values().flatten().collect();
        if !begun.is_empty() {
            let (keys, bodies) = intent_bodies(database, workspace, &begun)?;
            let sql = database.statement(
                "INSERT INTO SCHEMA.terrane_intents (workspace, key, token, body)
                 SELECT $1, begun.key, $4, begun.body FROM unnest($2::text[], $3::text[]) AS begun (key, body)
                 ON CONFLICT (workspace, key) DO UPDATE SET token = excluded.token, body = excluded.body",
            );
            tx.execute(&sql, &[&workspace, &keys, &bodies, &token]).await.map_err(told)?;
        }
        let ended: Vec<&str> = self.intents.iter().filter(|(_, i)| i.is_none()).map(|(key, _)| &**key).collect();
        if !ended.is_empty() {
            let sql = database.statement("DELETE FROM SCHEMA.terrane_intents WHERE workspace = $1 AND key = ANY($2)");
            tx.execute(&sql, &[&workspace, &ended]).await.map_err(told)?;
        }
        Ok(())
    }
}

fn intent_bodies<'i>(
    database: &Database,
    workspace: &str,
    intents: &[&'i Intent],
) -> Result<(Vec<&'i str>, Vec<String>), StateError> {
    let sealed = |i: &&Intent| database.sealed(&bound("intent", workspace, &i.key), &segment::intent_text(i));
    Ok((intents.iter().map(|i| &*i.key).collect(), intents.iter().map(sealed).collect::<Result<_, _>>()?))
}

async fn write_checks(
    database: &Database,
    tx: &Client,
    workspace: &str,
    checks: Option<&str>,
) -> Result<(), StateError> {
    let sealed = checks.map(|text| database.sealed(&bound("checks", workspace, ""), text)).transpose()?;
    let sql = database.statement("UPDATE SCHEMA.terrane_states SET check_results = $2 WHERE workspace = $1");
    tx.execute(&sql, &[&workspace, &sealed]).await.map(drop).map_err(|e| database.told(&e))
}

/// Writes all that a state holds once more, sealed as it is to be now.
pub async fn write_anew(database: &Database, tx: &Client, workspace: &str) -> Result<(), StateError> {
    let Some(all) = read(database, tx, workspace).await? else { return Ok(()) };
    let intents = intents(database, tx, workspace, &[]).await?;
    let stamp = |at: u64| at.min(i64::MAX as u64) as i64;
    let rows: Vec<_> = all.rows().iter().map(|row| (&**row, stamp(row.created), stamp(row.updated))).collect();
    put(database, tx, workspace, &rows).await?;
    write_outputs(database, tx, workspace, &all.outputs).await?;
    write_checks(database, tx, workspace, all.check_results.as_deref()).await?;
    let (keys, bodies) = intent_bodies(database, workspace, &intents.iter().collect::<Vec<_>>())?;
    let sql = database.statement(
        "UPDATE SCHEMA.terrane_intents AS i SET body = new.body FROM unnest($2::text[], $3::text[]) AS new (key, body)
         WHERE i.workspace = $1 AND i.key = new.key",
    );
    tx.execute(&sql, &[&workspace, &keys, &bodies]).await.map_err(|e| database.told(&e))?;
    history::write_anew(Place { database, client: tx, workspace }).await
}

async fn replace_head(
    database: &Database,
    tx: &Client,
    workspace: &str,
    all: &Snapshot,
    serial: i64,
) -> Result<(), StateError> {
    let told = |e: tokio_postgres::Error| database.told(&e);
    let sql = database.statement("DELETE FROM SCHEMA.terrane_instances WHERE workspace = $1");
    tx.execute(&sql, &[&workspace]).await.map_err(told)?;
    let sql = database
        .statement("UPDATE SCHEMA.terrane_states SET lineage = $2, terraform_version = $3 WHERE workspace = $1");
    let (lineage, version): (&str, &str) = (&all.lineage, &all.terraform_version);
    tx.execute(&sql, &[&workspace, &lineage, &version]).await.map_err(told)?;
    write_checks(database, tx, workspace, all.check_results.as_deref()).await?;
    write_outputs(database, tx, workspace, &all.outputs).await?;
    // A row that no state has had yet begins with this one.
    let stamp = |at: u64| if at == 0 { serial } else { at.min(i64::MAX as u64) as i64 };
    let rows: Vec<_> = all.rows().iter().map(|row| (&**row, stamp(row.created), stamp(row.updated))).collect();
    put(database, tx, workspace, &rows).await
}

/// Writes rows, each with the serials of its creation and last change. The first serial of a row that is there stays.
async fn put(
    database: &Database,
    tx: &Client,
    workspace: &str,
    rows: &[(&StoredInstance, i64, i64)],
) -> Result<(), StateError> {
    let sql = database.statement(
        "INSERT INTO SCHEMA.terrane_instances (workspace, address, deposed, created, updated, checksum, body)
         SELECT $1, new.* FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[]) AS new
         ON CONFLICT (workspace, address, deposed)
         DO UPDATE SET updated = excluded.updated, checksum = excluded.checksum, body = excluded.body",
    );
    for batch in rows.chunks(BATCH) {
        let addresses: Vec<String> = batch.iter().map(|(row, ..)| row.address.to_string()).collect();
        let deposed: Vec<&str> = batch.iter().map(|(row, ..)| row.deposed.as_deref().unwrap_or_default()).collect();
        let created: Vec<i64> = batch.iter().map(|(_, created, _)| *created).collect();
        let updated: Vec<i64> = batch.iter().map(|(.., updated)| *updated).collect();
        let bodies: Vec<String> = batch
            .iter()
            .zip(addresses.iter().zip(&deposed))
            .map(|((row, ..), (address, deposed))| {
                database.sealed(&row_bound(workspace, address, deposed), &segment::row_text(row))
            })
            .collect::<Result<_, _>>()?;
        let sums: Vec<i64> = bodies.iter().map(|body| checksum(body)).collect();
        tx.execute(&sql, &[&workspace, &addresses, &deposed, &created, &updated, &sums, &bodies])
            .await
            .map_err(|e| database.told(&e))?;
    }
    Ok(())
}

async fn write_outputs(
    database: &Database,
    tx: &Client,
    workspace: &str,
    outputs: &BTreeMap<Str, Output>,
) -> Result<(), StateError> {
    let told = |e: tokio_postgres::Error| database.told(&e);
    let sql = database.statement("DELETE FROM SCHEMA.terrane_outputs WHERE workspace = $1");
    tx.execute(&sql, &[&workspace]).await.map_err(told)?;
    let names: Vec<&str> = outputs.keys().map(|name| &**name).collect();
    let sealed = |(name, output): (&Str, &Output)| {
        database.sealed(&bound("output", workspace, name), &segment::output_text(output))
    };
    let bodies: Vec<String> = outputs.iter().map(sealed).collect::<Result<_, _>>()?;
    let sql = database.statement(
        "INSERT INTO SCHEMA.terrane_outputs (workspace, name, body)
         SELECT $1, new.* FROM unnest($2::text[], $3::text[]) AS new",
    );
    tx.execute(&sql, &[&workspace, &names, &bodies]).await.map(drop).map_err(told)
}

async fn write_output(
    database: &Database,
    tx: &Client,
    workspace: &str,
    name: &str,
    output: Option<&Output>,
) -> Result<(), StateError> {
    let told = |e: tokio_postgres::Error| database.told(&e);
    let Some(output) = output else {
        let sql = database.statement("DELETE FROM SCHEMA.terrane_outputs WHERE workspace = $1 AND name = $2");
        return tx.execute(&sql, &[&workspace, &name]).await.map(drop).map_err(told);
    };
    let body = database.sealed(&bound("output", workspace, name), &segment::output_text(output))?;
    let sql = database.statement(
        "INSERT INTO SCHEMA.terrane_outputs (workspace, name, body) VALUES ($1, $2, $3)
         ON CONFLICT (workspace, name) DO UPDATE SET body = excluded.body",
    );
    tx.execute(&sql, &[&workspace, &name, &body]).await.map(drop).map_err(told)
}
