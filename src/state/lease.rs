//! The lock of a state: a lease that its holder renews, with a fencing token.
//!
//! A lease ends when it is released, when it expires, when its process is gone, or by force. Every transaction of a
//! holder checks that the lease is still its own, so that a holder that was asleep too long cannot write after
//! somebody else took over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Clock, Scope, StateError, Store, Surroundings};
use crate::model::Str;

/// How long a lease lasts unless it is renewed.
pub const TERM: Duration = Duration::from_secs(5 * 60);

/// Who holds or wants a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// `anna@build-7`.
    pub who: Str,
    pub host: Str,
    /// Within what the process id means something; see [`super::Processes::machine`].
    pub machine: Option<Str>,
    pub pid: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    pub holder: Holder,
    /// What it is for: `apply`.
    pub operation: Str,
    /// What it covers: leases whose scopes do not meet are held at the same time.
    pub scope: Scope,
    pub term: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What `force-unlock` takes.
    pub id: Str,
    /// Rises with every lease that the state ever gave.
    pub token: u64,
    pub holder: Holder,
    pub operation: Str,
    pub scope: Scope,
    pub since: OffsetDateTime,
    pub expires: OffsetDateTime,
}

impl Lease {
    /// Nobody will release it: it expired, or its process is gone from this machine.
    pub fn is_over(&self, around: &Surroundings) -> bool {
        self.is_over_at(around.clock.now(), around)
    }

    /// The same where the store says what time it is.
    pub fn is_over_at(&self, now: OffsetDateTime, around: &Surroundings) -> bool {
        self.expires <= now || self.holder_is_gone(around)
    }

    /// Whether its process is gone from this machine.
    pub fn holder_is_gone(&self, around: &Surroundings) -> bool {
        let here = around.processes.machine();
        here.is_some() && self.holder.machine == here && !around.processes.is_alive(self.holder.pid)
    }
}

impl Lease {
    /// Why nothing new may be begun while the store does not answer: once the lease has run out, others may hold the
    /// lock, and they can't see what is in the journal of this machine.
    pub fn lapsed(&self, place: &str) -> StateError {
        StateError::LockLost {
            path: place.into(),
            id: self.id.to_string(),
            detail: "it ran out while the store did not answer".to_string(),
        }
    }
}

/// A lease that was given, and those of holders that are gone which it took over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquired {
    pub lease: Lease,
    pub taken_over: Vec<Lease>,
}

/// Takes the lock, waiting for it no longer than `patience`.
pub async fn acquire(
    store: &dyn Store,
    request: &LeaseRequest,
    patience: Duration,
    clock: &dyn Clock,
) -> Result<Acquired, StateError> {
    let began = clock.steady();
    let mut pause = Duration::from_millis(100);
    loop {
        let (path, lease) = match store.try_acquire(request.clone()).await {
            Err(StateError::Locked { path, lease, .. }) => (path, lease),
            other => return other,
        };
        let waited = clock.steady().saturating_sub(began);
        let left = patience.saturating_sub(waited);
        if left.is_zero() {
            return Err(StateError::Locked { path, lease, waited });
        }
        clock.sleep(pause.min(left)).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Until when a lease is surely its holder's own, by the clock that nobody sets.
#[derive(Clone)]
pub struct Lasting {
    clock: Arc<dyn Clock>,
    term: Duration,
    /// In milliseconds.
    until: Arc<AtomicU64>,
}

impl Lasting {
    /// One that was asked for `since` then.
    pub fn new(clock: Arc<dyn Clock>, term: Duration, since: Duration) -> Lasting {
        let lasting = Lasting { clock, term, until: Arc::default() };
        lasting.extend(since);
        lasting
    }

    fn extend(&self, since: Duration) {
        let until = u64::try_from((since + self.term).as_millis()).unwrap_or(u64::MAX);
        self.until.fetch_max(until, Ordering::Relaxed);
    }

    /// Lets the lease last for another term.
    async fn renew(&self, store: &dyn Store) -> Result<(), StateError> {
        let since = self.clock.steady();
        store.renew(self.term).await.map(|_| self.extend(since))
    }

    /// Fails where the lease may be somebody else's by now. A holder that was asleep renews it first.
    pub async fn ensure(&self, store: &dyn Store) -> Result<(), StateError> {
        let now = u64::try_from(self.clock.steady().as_millis()).unwrap_or(u64::MAX);
        if now < self.until.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.renew(store).await
    }
}

/// Renews the lease of a store until it is lost, and tells why. To be run beside the work and stopped after it.
pub async fn keep(store: Arc<dyn Store>, lasting: Lasting) -> StateError {
    loop {
        lasting.clock.sleep(lasting.term / 3).await;
        match lasting.renew(&*store).await {
            Err(error @ (StateError::LockLost { .. } | StateError::NoSuchLock { .. })) => return error,
            // Whatever else is in the way may be gone at the next turn, which comes before the lease ends.
            Ok(()) => (),
            Err(error) => tracing::debug!(%error, "the lock is renewed later"),
        }
    }
}

/// A time as messages show it.
pub fn moment(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}
