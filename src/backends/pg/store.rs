//! The task behind a state in PostgreSQL: takes requests in order; commits that wait together are one transaction.
//!
//! When the server is gone in the middle of a run, commits are kept in the journal of this machine and acknowledged
//! all the same; they are sent as soon as it is back, or by the next run of this folder.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio_postgres::Client;

use super::Database;
use super::history::{self, Author, Place};
use super::rows::{self, Net};
use super::sealing;
use crate::backends::asked::{self, Asked, Group, Serve};
use crate::backends::background::Background;
use crate::backends::documents::journal::{Base, Journal};
use crate::backends::documents::leftover;
use crate::backends::documents::lock;
use crate::backends::documents::segment::Segment;
use crate::backends::{Context, Unsent};
use crate::model::{KillPoint, Str};
use crate::state::{Acquired, Change, Generation, Intent, Lease, LeaseRequest, Past, Run, Scope, Snapshot, StateError};

/// How long the server is left alone after it did not answer.
const PAUSE: Duration = Duration::from_secs(5);

/// A transaction that takes longer than this hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// Starts the task of a state.
pub fn start(
    database: Arc<Database>,
    client: Client,
    workspace: String,
    place: String,
    journal_path: PathBuf,
    context: Context,
    background: &Arc<Background>,
) -> Asked {
    let task = Task {
        database,
        client: Some(client),
        workspace,
        place: place.clone(),
        journal_path,
        context,
        held: None,
        until: Duration::ZERO,
        serial: 0,
        lineage: "".into(),
        serial_is_new: false,
        run: None,
        outage: None,
        journal: None,
    };
    Asked::start(background, place, |queue| asked::serve(task, queue))
}

struct Task {
    database: Arc<Database>,
    client: Option<Client>,
    workspace: String,
    place: String,
    journal_path: PathBuf,
    context: Context,
    held: Option<Lease>,
    /// Until when nobody else takes it over, by the clock of this machine that nobody sets.
    until: Duration,
    /// The serial and the lineage that were seen last.
    serial: i64,
    lineage: Str,
    serial_is_new: bool,
    /// What the next generation is made from.
    run: Option<Arc<Run>>,
    outage: Option<OffsetDateTime>,
    journal: Option<Journal>,
}

#[async_trait]
impl Serve for Task {
    async fn commit(&mut self, group: Group) {
        let (changes, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        asked::reply(replies, self.write(&changes).await);
    }

    async fn snapshot(&mut self) -> Result<Snapshot, StateError> {
        let (database, workspace) = (self.database.clone(), self.workspace.clone());
        let client = self.client().await?;
        let found = rows::snapshot(&database, client, &workspace).await?;
        found.ok_or_else(|| StateError::Damaged { path: self.place.clone().into(), detail: "it is gone".to_string() })
    }

    async fn intents(&mut self) -> Result<Vec<Intent>, StateError> {
        let (database, workspace) = (self.database.clone(), self.workspace.clone());
        let (held, around) = (self.held.clone(), self.context.around.clone());
        let client = self.client().await?;
        let leases = rows::leases(&database, client, &workspace).await?;
        let now = rows::now(&database, client, &around).await?;
        let others =
            leases.iter().filter(|l| !l.is_over_at(now, &around) && held.as_ref().is_none_or(|h| h.id != l.id));
        let at_work: Vec<i64> = others.map(rows::token).collect();
        rows::intents(&database, client, &workspace, &at_work).await
    }

    async fn acquire(&mut self, request: LeaseRequest) -> Result<Acquired, StateError> {
        let until = self.context.around.clock.steady() + request.term;
        let acquired = self.take_lock(request).await?;
        (self.held, self.until) = (Some(acquired.lease.clone()), until);
        (self.serial_is_new, self.outage) = (false, None);
        if let Err(error) = self.begin().await {
            // Whoever settles this needs the lock.
            let _released = self.release().await;
            return Err(error);
        }
        Ok(acquired)
    }

    async fn renew(&mut self, term: Duration) -> Result<Lease, StateError> {
        let Some(held) = self.held.clone() else {
            return Err(StateError::NoSuchLock { path: self.place.clone().into(), id: String::new(), held: None });
        };
        let around = self.context.around.clone();
        let until = around.clock.steady() + term;
        let (database, workspace, place) = (self.database.clone(), self.workspace.clone(), self.place.clone());
        let client = self.client().await?;
        let lease = Lease { expires: rows::now(&database, client, &around).await? + term, ..held };
        let sql = database
            .statement("UPDATE SCHEMA.terrane_leases SET expires = $3, body = $4 WHERE workspace = $1 AND id = $2");
        let (id, expires): (&str, i64) = (&lease.id, lease.expires.unix_timestamp());
        let body = String::from_utf8(lock::encode(&lease, &place)).unwrap_or_default();
        let renewed = client.execute(&sql, &[&workspace, &id, &expires, &body]).await.map_err(|e| database.told(&e))?;
        if renewed == 0 {
            rows::check(&database, client, &workspace, &lease).await?;
        }
        (self.held, self.until) = (Some(lease.clone()), until);
        Ok(lease)
    }

    async fn release(&mut self) -> Result<(), StateError> {
        let Some(held) = self.held.clone() else { return Ok(()) };
        let flushed = self.flush().await;
        // Given back before the lock is: whoever has that next finds what is left in it.
        self.journal = None;
        let released = self.remove_lease(&held.id).await;
        if released.is_ok() {
            self.held = None;
        }
        flushed.and(released)
    }

    async fn leases(&mut self) -> Result<Vec<Lease>, StateError> {
        let (database, workspace) = (self.database.clone(), self.workspace.clone());
        rows::leases(&database, self.client().await?, &workspace).await
    }

    async fn force_unlock(&mut self, id: &str) -> Result<Lease, StateError> {
        let leases = self.leases().await?;
        let Some(lease) = leases.iter().find(|lease| *lease.id == *id) else {
            let held = leases.first().map(|lease| lease.id.to_string());
            return Err(StateError::NoSuchLock { path: self.place.clone().into(), id: id.to_string(), held });
        };
        self.remove_lease(id).await?;
        Ok(lease.clone())
    }

    async fn flush(&mut self) -> Result<(), StateError> {
        let count = self.journal.as_ref().map(|j| j.unsent().map(|u| u.len())).transpose()?.unwrap_or_default();
        match self.catch_up().await {
            Err(error) if count > 0 => {
                let kept = self.journal.as_ref().map_or(&*self.journal_path, Journal::path).to_path_buf();
                let place = self.place.clone();
                Err(StateError::Unsent { place, count, kept, detail: error.reason() })
            }
            other => other,
        }
    }

    async fn sealing_is_due(&mut self) -> Result<bool, StateError> {
        let (database, workspace) = (self.database.clone(), self.workspace.clone());
        sealing::is_due(&database, self.client().await?, &workspace).await
    }

    async fn generations(&mut self) -> Result<Vec<Generation>, StateError> {
        let (database, workspace) = (self.database.clone(), self.workspace.clone());
        let client = self.client().await?;
        history::list(Place { database: &database, client, workspace: &workspace }).await
    }

    async fn past(&mut self, serial: u64) -> Result<Option<Past>, StateError> {
        let now = self.snapshot().await?;
        let (database, workspace) = (self.database.clone(), self.workspace.clone());
        let client = self.client().await?;
        history::past(Place { database: &database, client, workspace: &workspace }, &now, serial).await
    }
}

impl Task {
    /// The connection, made anew where it is gone.
    async fn client(&mut self) -> Result<&mut Client, StateError> {
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => self.database.connect().await?,
        };
        Ok(self.client.insert(client))
    }

    async fn take_lock(&mut self, mut request: LeaseRequest) -> Result<Acquired, StateError> {
        let (database, workspace, around) =
            (self.database.clone(), self.workspace.clone(), self.context.around.clone());
        let place = self.place.clone();
        let told = |e: tokio_postgres::Error| database.told(&e);
        let tx = self.client().await?.transaction().await.map_err(told)?;
        rows::take(&database, tx.client(), &workspace).await?;
        if sealing::is_due(&database, tx.client(), &workspace).await? {
            request.scope = Scope::Whole;
        }
        let leases = rows::leases(&database, tx.client(), &workspace).await?;
        // The server's clock is one for all.
        let now = rows::now(&database, tx.client(), &around).await?;
        let (over, live): (Vec<_>, Vec<_>) = leases.into_iter().partition(|l| l.is_over_at(now, &around));
        if let Some(lease) = live.iter().find(|l| l.scope.meets(&request.scope)) {
            let lease = Box::new(lease.clone());
            return Err(StateError::Locked { path: place.into(), lease, waited: Duration::ZERO });
        }
        let sql = database.statement(
            "UPDATE SCHEMA.terrane_states SET fencing_token = fencing_token + 1 WHERE workspace = $1
             RETURNING fencing_token",
        );
        let token: i64 = tx.query_one(&sql, &[&workspace]).await.map_err(told)?.get(0);
        let lease = Lease { token: token.unsigned_abs(), ..lock::lease(request, now, 0) };
        let gone: Vec<&str> = over.iter().map(|lease| &*lease.id).collect();
        let sql = database.statement("DELETE FROM SCHEMA.terrane_leases WHERE workspace = $1 AND id = ANY($2)");
        tx.execute(&sql, &[&workspace, &gone]).await.map_err(told)?;
        let sql = database.statement(
            "INSERT INTO SCHEMA.terrane_leases (workspace, id, token, expires, body) VALUES ($1, $2, $3, $4, $5)",
        );
        let (id, expires): (&str, i64) = (&lease.id, lease.expires.unix_timestamp());
        let body = String::from_utf8(lock::encode(&lease, &place)).unwrap_or_default();
        tx.execute(&sql, &[&workspace, &id, &token, &expires, &body]).await.map_err(told)?;
        tx.commit().await.map_err(told)?;
        Ok(Acquired { lease, taken_over: over })
    }

    /// Looks where the state stands, and sends what an earlier run of this folder could not.
    async fn begin(&mut self) -> Result<(), StateError> {
        let (database, workspace, held) = (self.database.clone(), self.workspace.clone(), self.held.clone());
        let sql = database.statement("SELECT serial, lineage FROM SCHEMA.terrane_states WHERE workspace = $1");
        let client = self.client().await?;
        let row = client.query_one(&sql, &[&workspace]).await.map_err(|e| database.told(&e))?;
        if sealing::is_due(&database, client, &workspace).await? {
            sealing::all(&database, client, &workspace, held.as_ref()).await?;
        }
        (self.serial, self.lineage) = (row.get(0), row.get::<_, &str>(1).into());
        self.journal = None;
        let mut sent = 0;
        while let Some(journal) =
            leftover::take(&self.journal_path, &self.database.envelopes, &self.context.around, self.context.unsent)?
        {
            sent += self.take_in(journal).await?;
        }
        if sent > 0 {
            let place = &self.place;
            (self.context.notices)(&format!("{sent} commits that an earlier run could not send are now at {place}."));
        }
        Ok(())
    }

    /// Sends what a run of this folder that is gone could not, and gives the number of its commits.
    async fn take_in(&mut self, journal: Journal) -> Result<usize, StateError> {
        if self.context.unsent == Unsent::Discard {
            journal.clear(&self.base())?;
            return Ok(0);
        }
        let kept = segments(&journal)?;
        let (database, workspace) = (self.database.clone(), self.workspace.clone());
        let last = rows::last_sent(&database, self.client().await?, &workspace).await?;
        let there = kept.iter().rposition(|segment| segment.id == last);
        let missing: Vec<Segment> = kept.into_iter().skip(there.map_or(0, |there| there + 1)).collect();
        let untouched = there.is_some() || journal.base()?.is_none_or(|base| base == self.base());
        if missing.is_empty() {
            journal.clear(&self.base())?;
            return Ok(0);
        }
        if !untouched && self.context.unsent == Unsent::Refuse {
            return Err(StateError::Conflict { place: self.place.clone(), kept: Some(journal.path().to_path_buf()) });
        }
        let count = missing.len();
        self.send_all(missing).await?;
        journal.clear(&self.base())?;
        Ok(count)
    }

    fn base(&self) -> Base {
        Base { e_tag: Some(self.serial.to_string()), ..Base::default() }
    }

    async fn remove_lease(&mut self, id: &str) -> Result<(), StateError> {
        let (database, workspace) = (self.database.clone(), self.workspace.clone());
        let sql = database.statement("DELETE FROM SCHEMA.terrane_leases WHERE workspace = $1 AND id = $2");
        self.client().await?.execute(&sql, &[&workspace, &id]).await.map_err(|e| database.told(&e)).map(drop)
    }

    async fn write(&mut self, group: &[Vec<Change>]) -> Result<Vec<Result<(), StateError>>, StateError> {
        for change in group.iter().flatten() {
            if let Change::Describe(run) = change {
                self.run = Some(run.clone());
            }
        }
        if group.iter().flatten().all(|change| matches!(change, Change::Describe(_))) {
            return Ok(group.iter().map(|_| Ok(())).collect());
        }
        let now = self.context.around.clock.now();
        if self.outage.is_some_and(|since| now >= since && now - since < PAUSE) {
            // A whole state is no outcome of a run, and nothing that a journal holds.
            if group.iter().flatten().any(is_whole) {
                let detail = "it did not answer a moment ago".to_string();
                return Err(StateError::Unreachable { place: self.place.clone(), detail });
            }
            return self.keep(group);
        }
        let sent = match self.catch_up().await {
            Ok(()) => self.transact(group, None).await,
            Err(error) => Err(error),
        };
        match sent {
            // A whole state is no outcome of a run: whoever writes it can do so again.
            Err(error @ StateError::Unreachable { .. })
                if self.held.is_some() && !group.iter().flatten().any(is_whole) =>
            {
                let results = self.keep(group).map_err(|journal| journal.and_of_store(&error))?;
                if self.outage.is_none() {
                    let kept = self.journal.as_ref().map_or(&*self.journal_path, Journal::path).display();
                    (self.context.notices)(&format!(
                        "{error}\nThe run goes on; its outcomes are kept in \"{kept}\" until they can be sent."
                    ));
                }
                self.outage = Some(now);
                Ok(results)
            }
            other => other,
        }
    }

    /// Makes commits durable on this machine.
    fn keep(&mut self, group: &[Vec<Change>]) -> Result<Vec<Result<(), StateError>>, StateError> {
        let over = self.until <= self.context.around.clock.steady();
        let lapsed = self.held.as_ref().filter(|_| over).map(|held| held.lapsed(&self.place));
        let refused = |changes: &Vec<Change>| lapsed.clone().filter(|_| changes.iter().any(Change::begins));
        let changes: Vec<Change> =
            group.iter().filter(|changes| refused(changes).is_none()).flatten().cloned().collect();
        let results = group.iter().map(|changes| refused(changes).map_or(Ok(()), Err)).collect();
        if changes.is_empty() {
            return Ok(results);
        }
        let segment = Segment {
            id: uuid::Uuid::new_v4().simple().to_string(),
            lineage: self.lineage.clone(),
            token: self.held.as_ref().map_or(0, |held| held.token),
            base: self.serial.unsigned_abs(),
            serial: self.serial.unsigned_abs(),
            changes,
        };
        let base = self.base();
        let journal = match self.journal.take() {
            Some(journal) => journal,
            None => {
                let around = &self.context.around;
                let journal = Journal::open(&self.journal_path, &self.database.envelopes, around)?;
                journal.set_base(&base)?;
                journal
            }
        };
        let added = journal.add(&segment.encode());
        self.journal = Some(journal);
        added.map(|_| results)
    }

    /// Sends what is kept on this machine.
    async fn catch_up(&mut self) -> Result<(), StateError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let kept = segments(journal)?;
        self.send_all(kept).await?;
        let base = self.base();
        if let Some(journal) = self.journal.take()
            && journal.clear(&base).is_err()
        {
            journal.remove();
        }
        if self.outage.take().is_some() {
            (self.context.notices)(&format!("{} answers again; what was kept meanwhile is sent.", self.place));
        }
        Ok(())
    }

    /// One transaction for all that a journal has, which says that it is there.
    async fn send_all(&mut self, kept: Vec<Segment>) -> Result<(), StateError> {
        let Some(last) = kept.last().map(|segment| segment.id.clone()) else { return Ok(()) };
        let changes: Vec<Vec<Change>> = kept.into_iter().map(|segment| segment.changes).collect();
        self.transact(&changes, Some(&last)).await.map(drop)
    }

    async fn transact(
        &mut self,
        group: &[Vec<Change>],
        again: Option<&str>,
    ) -> Result<Vec<Result<(), StateError>>, StateError> {
        let place = self.place.clone();
        let slow = || StateError::Unreachable { place, detail: "it did not answer in time".to_string() };
        match tokio::time::timeout(LIMIT, self.one_transaction(group, again)).await {
            Ok(done) => done,
            Err(_) => {
                self.client = None;
                Err(slow())
            }
        }
    }

    /// One transaction for all; the inner results are those of each. What is sent `again`, up to the segment of this id,
    /// may be there already.
    async fn one_transaction(
        &mut self,
        group: &[Vec<Change>],
        again: Option<&str>,
    ) -> Result<Vec<Result<(), StateError>>, StateError> {
        let (database, workspace, place) = (self.database.clone(), self.workspace.clone(), self.place.clone());
        let (held, mut serial_is_new) = (self.held.clone(), self.serial_is_new);
        let (run, now, kept) = (self.run.clone(), self.context.around.clock.now(), self.context.around.generations);
        let told = |e: tokio_postgres::Error| database.told(&e);
        let tx = self.client().await?.transaction().await.map_err(told)?;
        let serial = rows::take(&database, tx.client(), &workspace).await?;
        if let Some(held) = &held {
            rows::check(&database, tx.client(), &workspace, held).await?;
        }
        let ended: Vec<&str> = group.iter().flatten().filter_map(ends).collect();
        let mut open = rows::open(&database, tx.client(), &workspace, &ended).await?;
        let (mut net, mut results) = (Net::default(), Vec::with_capacity(group.len()));
        for changes in group {
            if again.is_none()
                && let Err(key) = admit(changes, &mut open)
            {
                results.push(Err(StateError::NoSuchIntent { path: place.clone().into(), key }));
                continue;
            }
            let sets_serial = changes.iter().any(|c| matches!(c, Change::BumpSerial | Change::Replace(_)));
            if !serial_is_new && !sets_serial && changes.iter().any(Change::is_content) {
                net.add(&Change::BumpSerial);
                serial_is_new = true;
            }
            serial_is_new |= sets_serial;
            changes.iter().for_each(|change| net.add(change));
            results.push(Ok(()));
        }
        let token = held.as_ref().map_or(0, rows::token);
        let author = Author {
            who: held.as_ref().map_or("", |h| &h.holder.who),
            operation: held.as_ref().map_or("", |h| &h.operation),
            now,
            run: run.as_deref(),
            kept,
        };
        let serial = net.write(&database, tx.client(), &workspace, serial, token, &author).await?;
        if let Some(last) = again {
            rows::set_last_sent(&database, tx.client(), &workspace, last).await?;
        }
        KillPoint::CommitReady.here();
        tx.commit().await.map_err(told)?;
        KillPoint::Committed.here();
        (self.serial, self.serial_is_new) = (serial, serial_is_new);
        if serial_is_new {
            self.run = None;
        }
        Ok(results)
    }
}

fn segments(journal: &Journal) -> Result<Vec<Segment>, StateError> {
    Ok(journal.segments()?.into_iter().map(|(_, segment)| segment).collect())
}

fn is_whole(change: &Change) -> bool {
    matches!(change, Change::Replace(_))
}

fn ends(change: &Change) -> Option<&str> {
    match change {
        Change::End(key) => Some(key),
        _ => None,
    }
}

/// Whether each intent that a commit ends is open; gives the key of the first that is not.
fn admit(changes: &[Change], open: &mut std::collections::HashSet<String>) -> Result<(), String> {
    let mut after = open.clone();
    for change in changes {
        match change {
            Change::Begin(intent) => drop(after.insert(intent.key.to_string())),
            Change::End(key) if !after.remove(&**key) => return Err(key.to_string()),
            _ => (),
        }
    }
    *open = after;
    Ok(())
}
