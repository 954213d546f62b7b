//! The task behind a document store: takes requests in order, and commits that wait together as one segment.
//!
//! When the store cannot be reached, commits are kept in the local journal and are acknowledged all the same: what a
//! cloud has done is done, and must be written down somewhere. They are sent as soon as the store answers again.

mod sending;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::history::History;
use super::holding::{Held, Standing};
use super::journal::{Base, Journal};
use super::leftover;
use super::log::{self, Seen};
use super::segment::Segment;
use super::working::Working;
use super::{Documents, holding};
use crate::backends::asked::{self, Group, Serve};
use crate::backends::{Notices, Unsent};
use crate::model::KillPoint;
use crate::state::seal::envelopes::Envelopes;
use crate::state::{
    Acquired, Change, Generation, Intent, IntentOperation, Lease, LeaseRequest, Past, Snapshot, StateError,
    Surroundings,
};

/// How long the store is left alone after it did not answer.
const PAUSE: Duration = Duration::from_secs(5);

/// How often a whole document is written where there are no segments.
const POST_EVERY: Duration = Duration::from_secs(20);

/// Segments are folded when they are larger than the document, and than this.
const SEGMENTS_LIMIT: usize = 4 << 20;

/// Generations within a document may take as much as the state itself, and this much in any case; in bytes.
const CARRIED: usize = 512 << 10;

/// How often a commit without a lock begins anew because somebody else wrote.
const ATTEMPTS: usize = 16;

pub struct Writer {
    pub documents: Arc<dyn Documents>,
    pub journal_path: PathBuf,
    pub around: Surroundings,
    pub notices: Notices,
    pub envelopes: Arc<Envelopes>,
    /// What becomes of commits that an earlier run could not send.
    pub unsent: Unsent,
    pub(super) held: Option<Held>,
    /// The fencing token that commits carry.
    token: u64,
    journal: Option<Journal>,
    open: Option<Open>,
    outage: Option<OffsetDateTime>,
    history: History,
}

/// The state as this writer knows it.
struct Open {
    working: Working,
    seen: Seen,
    /// Whether the serial was raised since the state was opened.
    serial_is_new: bool,
    /// How many commits are in the local journal alone.
    unsent: usize,
    /// When the document was last written, where there are no segments.
    posted: OffsetDateTime,
    /// Whether it is to be written although no commit waits: it carries a generation more.
    is_due: bool,
}

#[async_trait]
impl Serve for Writer {
    async fn commit(&mut self, group: Group) {
        group.iter().for_each(|(changes, _)| self.history.note(changes));
        let is_whole = |changes: &Vec<Change>| changes.iter().any(|c| matches!(c, Change::Replace(_)));
        let (changes, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        if self.held.is_some() && !changes.iter().any(is_whole) {
            return asked::reply(replies, self.write(changes).await);
        }
        let mut results = Vec::with_capacity(changes.len());
        for one in changes {
            results.push(self.commit_whole(one).await);
        }
        asked::reply(replies, Ok(results));
    }

    async fn snapshot(&mut self) -> Result<Snapshot, StateError> {
        Ok(self.current().await?.working.snapshot())
    }

    async fn intents(&mut self) -> Result<Vec<Intent>, StateError> {
        Ok(self.current().await?.working.intents())
    }

    async fn acquire(&mut self, request: LeaseRequest) -> Result<Acquired, StateError> {
        let (held, acquired) = holding::acquire(&*self.documents, request, &self.around, &self.notices).await?;
        self.held = Some(held);
        (self.open, self.outage) = (None, None);
        match self.begin().await {
            Ok(()) => Ok(acquired),
            Err(error) => {
                self.open = None;
                // Whoever settles this needs the lock.
                let _released = self.release().await;
                Err(error)
            }
        }
    }

    async fn renew(&mut self, term: Duration) -> Result<Lease, StateError> {
        let Some(held) = &mut self.held else {
            return Err(StateError::NoSuchLock { path: self.place().into(), id: String::new(), held: None });
        };
        held.renew(&*self.documents, term, &self.around).await
    }

    /// Gives up the lock, after everything is sent that can be.
    async fn release(&mut self) -> Result<(), StateError> {
        if self.held.is_none() {
            return Ok(());
        }
        let within = self.open.as_ref().is_some_and(|open| !open.seen.segments);
        if within {
            self.end_generation_inside().await;
        }
        let flushed = self.send_all().await;
        if let (Ok(()), Some(open), Some(held), false) = (&flushed, &self.open, &self.held, within)
            && let Err(error) = self.history.end(&open.working, &held.lease, self.around.generations).await
        {
            self.misses_generation(&error);
        }
        self.open = None;
        // Given back before the lock is: whoever has that next finds what is left in it.
        self.journal = None;
        let released = match self.held.take() {
            Some(held) => held.release(&*self.documents, &self.around).await,
            None => Ok(()),
        };
        flushed.and(released)
    }

    async fn leases(&mut self) -> Result<Vec<Lease>, StateError> {
        holding::leases(&*self.documents).await
    }

    async fn force_unlock(&mut self, id: &str) -> Result<Lease, StateError> {
        holding::force_unlock(&*self.documents, id).await
    }

    async fn flush(&mut self) -> Result<(), StateError> {
        self.send_all().await
    }

    async fn sealing_is_due(&mut self) -> Result<bool, StateError> {
        Ok(self.current().await?.seen.sealing_is_due)
    }

    async fn generations(&mut self) -> Result<Vec<Generation>, StateError> {
        self.history.generations().await
    }

    async fn past(&mut self, serial: u64) -> Result<Option<Past>, StateError> {
        self.history.past(serial).await
    }
}

impl Writer {
    pub fn new(
        documents: Arc<dyn Documents>,
        journal_path: PathBuf,
        around: Surroundings,
        notices: Notices,
        unsent: Unsent,
        envelopes: Arc<Envelopes>,
    ) -> Writer {
        let (held, token, journal, open, outage) = (None, 0, None, None, None);
        let history = History::new(documents.clone());
        Writer {
            documents,
            journal_path,
            around,
            notices,
            envelopes,
            unsent,
            held,
            token,
            journal,
            open,
            outage,
            history,
        }
    }

    /// The state as it is: what the holder of the lock knows is true, anybody else must look.
    async fn current(&mut self) -> Result<&mut Open, StateError> {
        if self.held.is_none() {
            self.open = None;
        }
        self.opened().await
    }

    async fn opened(&mut self) -> Result<&mut Open, StateError> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.load_again().await?,
        };
        Ok(self.open.insert(open))
    }

    async fn load(&mut self) -> Result<Open, StateError> {
        let (working, seen) = log::load(&*self.documents).await?;
        let posted = self.around.clock.now();
        Ok(Open { working, seen, serial_is_new: false, unsent: 0, posted, is_due: false })
    }

    /// The state with what this run has told to be durable, and has in its journal alone.
    async fn load_again(&mut self) -> Result<Open, StateError> {
        let mut open = self.load().await?;
        let own = match &self.journal {
            Some(journal) if self.held.is_some() => journal.segments()?,
            _ => Vec::new(),
        };
        for (_, segment) in own {
            if !open.seen.ids.contains(&segment.id) {
                open.replay(segment);
            }
        }
        Ok(open)
    }

    fn journal(&mut self) -> Result<&Journal, StateError> {
        let journal = match self.journal.take() {
            Some(journal) => journal,
            None => Journal::open(&self.journal_path, &self.envelopes, &self.around)?,
        };
        Ok(self.journal.insert(journal))
    }

    /// Reads the state, and brings in what earlier runs of this folder could not send.
    async fn begin(&mut self) -> Result<(), StateError> {
        // Given back, so that it is found with what it may still hold.
        self.journal = None;
        let open = self.load().await?;
        // Above all that was written before, whatever the clocks of those who wrote it said.
        self.token = self.held.as_ref().map_or(0, |held| held.lease.token).max(open.seen.token + 1);
        let sealing_is_due = open.seen.sealing_is_due;
        self.history.begin(&open.working);
        self.open = Some(open);
        let mut sent = 0;
        while let Some(journal) = leftover::take(&self.journal_path, &self.envelopes, &self.around, self.unsent)? {
            sent += self.take_in(journal).await?;
        }
        if sent > 0 {
            let place = self.place();
            (self.notices)(&format!("{sent} commits that an earlier run could not send are now at {place}."));
        } else if sealing_is_due {
            self.fold().await?;
        }
        if sealing_is_due {
            self.history.seal_anew().await?;
        }
        Ok(())
    }

    /// Makes the commits of a journal again that the store does not have, and gives their number.
    async fn take_in(&mut self, journal: Journal) -> Result<usize, StateError> {
        if self.unsent == Unsent::Discard {
            journal.clear(&self.base())?;
            return Ok(0);
        }
        let (kept, base) = (journal.segments()?, journal.base()?.unwrap_or_default());
        let Some(open) = &mut self.open else { return Ok(0) };
        let there = kept.iter().rposition(|(_, segment)| open.seen.ids.contains(&segment.id));
        let missing = kept.get(there.map_or(0, |there| there + 1)..).unwrap_or_default();
        let now = open.base();
        if missing.is_empty() {
            journal.clear(&now)?;
            return Ok(0);
        }
        // Where the last that is there is of that run, nobody else has written since.
        let own = there.and_then(|there| kept.get(there)).is_some_and(|(_, s)| open.seen.last.as_ref() == Some(&s.id));
        if !own && base != now && self.unsent != Unsent::Push {
            return Err(StateError::Conflict { place: self.place(), kept: Some(journal.path().to_path_buf()) });
        }
        missing.iter().for_each(|(_, segment)| open.replay(segment.clone()));
        self.fold().await?;
        journal.clear(&self.base())?;
        Ok(missing.len())
    }

    fn base(&self) -> Base {
        self.open.as_ref().map(Open::base).unwrap_or_default()
    }

    /// Puts the generation into the document that is written last.
    async fn end_generation_inside(&mut self) {
        let (Some(open), Some(held)) = (&mut self.open, &self.held) else { return };
        let carried = open.seen.carried.clone();
        let limits = (self.around.generations, open.seen.document_size.saturating_sub(carried.size()).max(CARRIED));
        match self.history.end_inside(carried, &open.working, &held.lease, limits).await {
            Ok(None) => (),
            Ok(Some(carried)) => (open.seen.carried, open.is_due) = (carried, true),
            Err(error) => self.misses_generation(&error),
        }
    }

    fn misses_generation(&self, error: &StateError) {
        (self.notices)(&format!("{error}\nThe state is written; this generation is missing in its history."));
    }

    /// A commit that is a document at once: whoever has no lock must not leave segments, and a whole state is none.
    async fn commit_whole(&mut self, changes: Vec<Change>) -> Result<(), StateError> {
        let place = self.place();
        if changes.is_empty() {
            return Ok(());
        }
        for _ in 0..ATTEMPTS {
            match &mut self.held {
                Some(held) => held.check(&*self.documents, &self.around).await?,
                None => self.check_unlocked().await?,
            }
            let open = self.current().await?;
            open.apply(changes.clone(), &place)?;
            // It is no commit of a journal.
            open.seen.note(Some(new_id()));
            match self.fold().await {
                Err(StateError::Conflict { .. }) if self.held.is_none() => self.open = None,
                Err(error) => {
                    self.open = None;
                    return Err(error);
                }
                Ok(()) => return Ok(()),
            }
        }
        Err(StateError::Conflict { place, kept: None })
    }

    /// Fails while somebody is at work: what he adds stands on the document that is there.
    async fn check_unlocked(&mut self) -> Result<(), StateError> {
        let leases = holding::leases(&*self.documents).await?;
        match leases.into_iter().find(|lease| holding::standing(lease, &self.around) != Standing::Over) {
            None => Ok(()),
            Some(lease) => {
                let (path, lease) = (self.place().into(), Box::new(lease));
                Err(StateError::Locked { path, lease, waited: Duration::ZERO })
            }
        }
    }

    /// One segment for all; the inner results are those of each commit.
    async fn write(&mut self, group: Vec<Vec<Change>>) -> Result<Vec<Result<(), StateError>>, StateError> {
        let place = self.place();
        let out = self.is_out().await?;
        let token = self.token;
        let lapsed = out.then(|| self.held.as_ref()?.lapsed(&place, &self.around)).flatten();
        let open = self.opened().await?;
        let (mut written, mut results) = (Vec::new(), Vec::with_capacity(group.len()));
        for changes in group {
            if let Some(lapsed) = &lapsed
                && changes.iter().any(Change::begins)
            {
                results.push(Err(lapsed.clone()));
                continue;
            }
            results.push(open.apply(changes, &place).map(|stamped| written.extend(stamped)));
        }
        if written.is_empty() {
            return Ok(results);
        }
        let begins = written.iter().any(|c| matches!(c, Change::Begin(i) if i.operation == IntentOperation::Create));
        let segment = Segment {
            id: new_id(),
            lineage: open.working.lineage().clone(),
            token,
            base: open.seen.base,
            serial: open.working.serial(),
            changes: written,
        };
        let body = segment.encode();
        if !open.seen.segments {
            open.seen.note(Some(segment.id.clone()));
            open.seen.token = token;
        }
        let base = open.base();
        let added = self.journal().and_then(|journal| {
            if journal.base()?.is_none() {
                journal.set_base(&base)?;
            }
            journal.add(&body)
        });
        self.open.iter_mut().for_each(|open| open.unsent += usize::from(added.is_ok()));
        KillPoint::JournalWritten.here();
        let sent = match added {
            Ok(row) if !out => self.send(Some(row), (&segment.id, &body), begins).await,
            Ok(_) => return Ok(results),
            // It stays in memory: what comes later may be kept again.
            Err(error) if out => return Err(error),
            // What this machine can't keep is safe in the store.
            Err(error) => self.send(None, (&segment.id, &body), begins).await.map_err(|e| error.and_of_store(&e)),
        };
        // What is in memory may be more than what is durable. Without segments, the next document has it.
        if sent.is_err() {
            self.open = self.open.take().filter(|open| !open.seen.segments);
        }
        sent.map(|()| results)
    }

    fn place(&self) -> String {
        self.documents.place().to_string()
    }
}

impl Open {
    fn base(&self) -> Base {
        Base::new(self.seen.version.as_ref(), self.seen.tail)
    }

    /// Makes a commit that is in a journal of this machine alone.
    fn replay(&mut self, segment: Segment) {
        if !self.seen.is_there() {
            self.working.set_lineage(segment.lineage);
        }
        let serial = segment.serial.max(self.working.serial());
        self.working.replay(segment.changes, serial);
        self.seen.note(Some(segment.id));
        self.unsent += 1;
    }

    /// Makes changes, raising the serial before the first that readers can see.
    fn apply(&mut self, changes: Vec<Change>, place: &str) -> Result<Vec<Change>, StateError> {
        let sets_serial = changes.iter().any(|c| matches!(c, Change::BumpSerial | Change::Replace(_)));
        let raises = !self.serial_is_new && !sets_serial && changes.iter().any(Change::is_content);
        if raises {
            self.working.apply(vec![Change::BumpSerial], place)?;
        }
        let applied = self.working.apply(changes, place);
        self.serial_is_new |= applied.is_ok() && (raises || sets_serial);
        applied
    }
}

fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
