//! Earlier generations of a state that is kept as documents: each run that changed something leaves the whole state as
//! it was at its end, compressed, and a line in a list of them. Both are written after the state: what fails then is
//! missing in the history, and nowhere else. A store that has one document for all keeps them [`super::inside`] of it.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use time::OffsetDateTime;

use super::document::{self, Ours};
use super::inside::{Carried, Inside};
use super::working::Working;
use super::{Documents, Fetched, Name, When, summed};
use crate::model::Str;
use crate::state::history::{deflate, inflate};
use crate::state::{Change, Generation, Lease, Past, Run, Snapshot, StateError, StoredInstance};

/// The history of a state, and what the run that is under way will leave in it.
pub struct History {
    documents: Arc<dyn Documents>,
    /// The state when the lock was taken.
    before: Option<Working>,
    run: Option<Arc<Run>>,
}

impl History {
    pub fn new(documents: Arc<dyn Documents>) -> History {
        History { documents, before: None, run: None }
    }

    /// The lock is taken.
    pub fn begin(&mut self, before: &Working) {
        (self.before, self.run) = (Some(before.clone()), None);
    }

    /// Notes what the run is made from, where changes say it.
    pub fn note(&mut self, changes: &[Change]) {
        for change in changes {
            if let Change::Describe(run) = change {
                self.run = Some(run.clone());
            }
        }
    }

    /// The state is written, and the lock is about to be given up.
    pub async fn end(&mut self, now: &Working, lease: &Lease, kept: u64) -> Result<(), StateError> {
        match self.ended(now, kept) {
            Some(before) => self.add(&*self.documents, (&before, now), lease, kept).await,
            None => Ok(()),
        }
    }

    /// The same within a document that is about to be written, which is then to carry this; nothing where there is no
    /// new generation. `room` is the size in bytes that all of them may take; the newest stays in any case.
    pub async fn end_inside(
        &mut self,
        carried: Carried,
        now: &Working,
        lease: &Lease,
        (kept, room): (u64, usize),
    ) -> Result<Option<Carried>, StateError> {
        let Some(before) = self.ended(now, kept) else { return Ok(None) };
        let inside = Inside::new(&*self.documents, carried);
        self.add(&inside, (&before, now), lease, kept).await?;
        while inside.size() > room {
            let (entries, listed) = list(&inside).await?;
            match entries.len() {
                0 | 1 => break,
                count => write(&inside, entries, listed, count as u64 - 1).await?,
            }
        }
        Ok(Some(inside.into_carried()))
    }

    /// The state before the run, where the run has changed it and that is to be kept.
    fn ended(&mut self, now: &Working, kept: u64) -> Option<Working> {
        self.before.take().filter(|before| kept > 0 && before.serial() < now.serial())
    }

    async fn add(
        &self,
        documents: &dyn Documents,
        (before, now): (&Working, &Working),
        lease: &Lease,
        kept: u64,
    ) -> Result<(), StateError> {
        let (mut entries, listed) = list(documents).await?;
        let began = i64::try_from(lease.since.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        if before.serial() > entries.last().map_or(0, |entry| entry.serial) {
            // Whoever wrote it did not come to this, or is another tool.
            add(documents, before, None).await?;
            entries.push(Entry { serial: before.serial(), began, ..Entry::default() });
        }
        entries.retain(|entry| entry.serial < now.serial());
        add(documents, now, self.run.as_deref()).await?;
        let (added, changed, removed) = counts(&before.snapshot(), &now.snapshot());
        let (who, operation) = (lease.holder.who.to_string(), lease.operation.to_string());
        let (serial, has_run) = (now.serial(), self.run.is_some());
        entries.push(Entry { serial, began, who, operation, added, changed, removed, has_run });
        write(documents, entries, listed, kept).await
    }

    /// The generations that are kept, the newest first.
    pub async fn generations(&self) -> Result<Vec<Generation>, StateError> {
        let (entries, _) = list(&*self.room().await?).await?;
        Ok(entries.iter().rev().map(generation).collect())
    }

    /// One generation; nothing where it is not kept.
    pub async fn past(&self, serial: u64) -> Result<Option<Past>, StateError> {
        past(&*self.room().await?, serial).await
    }

    /// Writes everything anew that lies there otherwise than it would be sealed now.
    pub async fn seal_anew(&self) -> Result<(), StateError> {
        match self.has_room().await? {
            true => seal_anew(&*self.documents).await,
            false => Ok(()),
        }
    }

    /// Where the generations are.
    async fn room(&self) -> Result<Arc<dyn Documents>, StateError> {
        match self.has_room().await? {
            true => Ok(self.documents.clone()),
            false => Ok(Arc::new(Inside::read(&*self.documents).await?)),
        }
    }

    /// A store with room for segments has room for generations.
    async fn has_room(&self) -> Result<bool, StateError> {
        Ok(self.documents.segments().await?.is_some())
    }
}

/// A line of the list.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Entry {
    serial: u64,
    /// Milliseconds since 1970.
    began: i64,
    who: String,
    operation: String,
    added: u64,
    changed: u64,
    removed: u64,
    has_run: bool,
}

/// What a generation holds besides its line.
#[derive(Deserialize)]
struct Body {
    state: String,
    #[serde(default)]
    run: Option<(Vec<(String, String)>, Json)>,
}

/// Writes the list, without the generations that are too many, and takes those away.
async fn write(
    documents: &dyn Documents,
    mut entries: Vec<Entry>,
    listed: Option<Fetched>,
    kept: u64,
) -> Result<(), StateError> {
    let surplus = entries.len().saturating_sub(usize::try_from(kept).unwrap_or(usize::MAX));
    let old: Vec<Entry> = entries.drain(..surplus).collect();
    let text = summed::with_sum(serde_json::to_vec(&entries).unwrap_or_default());
    let when = listed.map_or(When::Absent, |listed| When::Unchanged(listed.version));
    documents.put(Name::History, Bytes::from(text), &when).await?;
    for entry in old {
        documents.delete(Name::Generation(entry.serial)).await?;
    }
    Ok(())
}

/// Writes one generation.
async fn add(documents: &dyn Documents, state: &Working, run: Option<&Run>) -> Result<(), StateError> {
    let run = run.map(|run| {
        let sources: Vec<(&str, &str)> = run.sources.iter().map(|(path, text)| (path.as_str(), &**text)).collect();
        json!([sources, run.inputs])
    });
    let body = json!({"state": document::encode(state, Ours::default()), "run": run}).to_string();
    let body = Bytes::from(deflate(&summed::with_sum(body.into_bytes())));
    let name = Name::Generation(state.serial());
    if documents.put(name, body.clone(), &When::Absent).await?.is_none() {
        // Of a run that ended here before, or of a state whose place this one has taken.
        documents.delete(name).await?;
        documents.put(name, body, &When::Absent).await?;
    }
    Ok(())
}

/// The rows that were added, changed and removed between two states.
fn counts(before: &Snapshot, now: &Snapshot) -> (u64, u64, u64) {
    let mut old: HashMap<_, &Arc<StoredInstance>> = before.rows().iter().map(|row| (row.key(), row)).collect();
    let (mut added, mut changed) = (0, 0);
    for row in now.rows() {
        match old.remove(&row.key()) {
            None => added += 1,
            Some(was) => changed += u64::from(!Arc::ptr_eq(was, row) && !is_same(was, row)),
        }
    }
    (added, changed, old.len() as u64)
}

fn is_same(was: &StoredInstance, row: &StoredInstance) -> bool {
    StoredInstance { created: row.created, updated: row.updated, ..was.clone() } == *row
}

async fn past(documents: &dyn Documents, serial: u64) -> Result<Option<Past>, StateError> {
    let (entries, _) = list(documents).await?;
    let Some(at) = entries.iter().position(|entry| entry.serial == serial) else { return Ok(None) };
    let Some((snapshot, run)) = read(documents, serial).await? else { return Ok(None) };
    let before = match at.checked_sub(1).and_then(|at| entries.get(at)) {
        Some(before) => read(documents, before.serial).await?.map(|(snapshot, _)| snapshot),
        None => None,
    };
    let generation = entries.get(at).map(generation);
    Ok(generation.map(|generation| Past { generation, snapshot, before, run }))
}

fn generation(entry: &Entry) -> Generation {
    Generation {
        serial: entry.serial,
        began: OffsetDateTime::from_unix_timestamp_nanos(i128::from(entry.began) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH),
        who: entry.who.as_str().into(),
        operation: entry.operation.as_str().into(),
        added: entry.added,
        changed: entry.changed,
        removed: entry.removed,
        has_run: entry.has_run,
    }
}

async fn list(documents: &dyn Documents) -> Result<(Vec<Entry>, Option<Fetched>), StateError> {
    match documents.get(Name::History).await? {
        None => Ok((Vec::new(), None)),
        Some(listed) => {
            let wrong = |detail: &str| damaged(documents, &format!("the list of its generations: {detail}"));
            let text = summed::checked(&listed.body).map_err(|detail| wrong(&detail))?;
            Ok((serde_json::from_slice(text).map_err(|_| wrong("it cannot be read"))?, Some(listed)))
        }
    }
}

async fn read(documents: &dyn Documents, serial: u64) -> Result<Option<(Snapshot, Option<Run>)>, StateError> {
    let Some(fetched) = documents.get(Name::Generation(serial)).await? else { return Ok(None) };
    let wrong = |detail: &str| damaged(documents, &format!("generation {serial}: {detail}"));
    let text = inflate(&fetched.body).ok_or_else(|| wrong("it cannot be read"))?;
    let text = summed::checked(&text).map_err(|detail| wrong(&detail))?;
    let body: Body = serde_json::from_slice(text).map_err(|_| wrong("it cannot be read"))?;
    let opened = document::decode(body.state.as_bytes()).map_err(|detail| wrong(&detail))?;
    let run = body.run.map(|(sources, inputs)| Run {
        sources: sources.into_iter().map(|(path, text)| (path, Str::from(text))).collect(),
        inputs,
    });
    Ok(Some((opened.working.snapshot(), run)))
}

async fn seal_anew(documents: &dyn Documents) -> Result<(), StateError> {
    let (entries, listed) = list(documents).await?;
    for entry in entries {
        let name = Name::Generation(entry.serial);
        let fetched = documents.get(name).await?;
        put_anew(documents, name, fetched).await?;
    }
    put_anew(documents, Name::History, listed).await
}

async fn put_anew(documents: &dyn Documents, name: Name, fetched: Option<Fetched>) -> Result<(), StateError> {
    if let Some(fetched) = fetched.filter(|fetched| fetched.sealing_is_due) {
        documents.put(name, fetched.body, &When::Unchanged(fetched.version)).await?;
    }
    Ok(())
}

/// Takes the whole history away.
pub async fn forget(documents: &dyn Documents) -> Result<(), StateError> {
    let Ok((entries, listed)) = list(documents).await else {
        return documents.delete(Name::History).await;
    };
    for entry in entries {
        documents.delete(Name::Generation(entry.serial)).await?;
    }
    match listed {
        Some(_) => documents.delete(Name::History).await,
        None => Ok(()),
    }
}

fn damaged(documents: &dyn Documents, detail: &str) -> StateError {
    StateError::DamagedDocument { place: documents.place().to_string(), detail: detail.to_string() }
}
