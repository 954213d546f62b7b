//! The lock of a state that is kept as documents: taking it, keeping it, giving it up.

use std::time::Duration;

use bytes::Bytes;

use super::{Documents, Name, Version, When, lock};
use crate::backends::Notices;
use crate::state::lease::moment;
use crate::state::{Acquired, Lease, LeaseRequest, Scope, StateError, Surroundings};

/// How often taking a lock begins anew because it came or went meanwhile.
const ATTEMPTS: usize = 8;

/// How much of a lease must be left to delete it without renewing it first.
const MARGIN: Duration = Duration::from_secs(10);

/// By how much clocks may be wrong: by hours, and by a time zone. A lock that ended longer ago is surely over.
const WRONG: Duration = Duration::from_secs(26 * 3600);

/// A lock that lasts so much longer than any does was written by a clock that is wrong.
const SKEW: Duration = Duration::from_secs(10 * 60);

/// A lock that is held.
pub struct Held {
    pub lease: Lease,
    version: Version,
    term: Duration,
    /// Until when nobody else takes it over, by the clock of this machine that nobody sets.
    until: Duration,
}

/// What can be said of somebody's lock by looking at it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Live,
    Over,
    /// It is over, or the clock of its holder is another.
    Doubtful,
}

/// How a lock stands, as far as the clock of this machine can tell.
pub fn standing(lease: &Lease, around: &Surroundings) -> Standing {
    let now = around.clock.now();
    let endless = lease.expires - lease.since > lock::FOREVER / 2;
    if lease.holder_is_gone(around) || lease.expires + WRONG <= now {
        Standing::Over
    } else if lease.expires <= now || (!endless && lease.expires > now + SKEW) {
        Standing::Doubtful
    } else {
        Standing::Live
    }
}

/// Takes the lock if it is free or its holder is gone.
pub async fn acquire(
    documents: &dyn Documents,
    request: LeaseRequest,
    around: &Surroundings,
    notices: &Notices,
) -> Result<(Held, Acquired), StateError> {
    let term = if documents.renews_locks() { request.term } else { lock::FOREVER };
    // A lock document is one for the whole state.
    let request = LeaseRequest { term, scope: Scope::Whole, ..request };
    let taken = |lease: Lease, version, until, taken_over| {
        let acquired = Acquired { lease: lease.clone(), taken_over };
        (Held { lease, version, term, until }, acquired)
    };
    for _ in 0..ATTEMPTS {
        let until = around.clock.steady() + term;
        let lease = lock::lease(request.clone(), around.clock.now(), 0);
        let put = documents.put(Name::Lock, body(&lease, documents), &When::Absent).await;
        if let Ok(Some(version)) = put {
            return Ok(taken(lease, version, until, Vec::new()));
        }
        let Some(there) = documents.get(Name::Lock).await? else {
            put?;
            continue;
        };
        let other = lock::decode(&there.body);
        if other.id == lease.id {
            // The answer was lost, the lock is ours.
            return Ok(taken(lease, there.version, until, Vec::new()));
        }
        put?;
        match standing(&other, around) {
            Standing::Over => (),
            Standing::Live => {
                let path = documents.place().into();
                return Err(StateError::Locked { path, lease: Box::new(other), waited: Duration::ZERO });
            }
            Standing::Doubtful => {
                notices(&format!(
                    "The lock of {} seems to be over; for {} seconds it is watched whether it is renewed.",
                    other.holder.who,
                    term.as_secs()
                ));
                match stays(documents, &there.version, term, around).await? {
                    None => (),
                    Some(now) if now.id == other.id => {
                        let path = documents.place().into();
                        return Err(StateError::Locked { path, lease: Box::new(now), waited: Duration::ZERO });
                    }
                    Some(_) => continue,
                }
            }
        }
        let until = around.clock.steady() + term;
        let lease = lock::lease(request.clone(), around.clock.now(), other.token);
        let when = When::Unchanged(there.version);
        if let Some(version) = documents.put(Name::Lock, body(&lease, documents), &when).await? {
            return Ok(taken(lease, version, until, vec![other]));
        }
    }
    Err(StateError::Busy { path: documents.place().into() })
}

/// Nothing where a lock stays as it is for a whole term, by the clock of this machine that nobody sets; else what became
/// of it.
async fn stays(
    documents: &dyn Documents,
    version: &Version,
    term: Duration,
    around: &Surroundings,
) -> Result<Option<Lease>, StateError> {
    let end = around.clock.steady() + term;
    while around.clock.steady() < end {
        around.clock.sleep(term / 6).await;
        match documents.get(Name::Lock).await? {
            Some(there) if there.version == *version => (),
            Some(there) => return Ok(Some(lock::decode(&there.body))),
            // Given up: as if it were somebody else's by now.
            None => return Ok(Some(lock::decode(b""))),
        }
    }
    Ok(None)
}

impl Held {
    /// Whether somebody else may have taken it over.
    pub fn is_over(&self, around: &Surroundings) -> bool {
        self.until <= around.clock.steady()
    }

    /// Why nothing new may be begun while the store does not answer.
    pub fn lapsed(&self, place: &str, around: &Surroundings) -> Option<StateError> {
        self.is_over(around).then(|| self.lease.lapsed(place))
    }

    /// Fails unless the lock is still there. One that is soon over is renewed.
    pub async fn check(&mut self, documents: &dyn Documents, around: &Surroundings) -> Result<(), StateError> {
        if self.until <= around.clock.steady() + self.term / 2 {
            return self.renew(documents, self.term, around).await.map(drop);
        }
        self.look(documents).await
    }

    async fn look(&mut self, documents: &dyn Documents) -> Result<(), StateError> {
        let there = documents.get(Name::Lock).await?;
        match there.map(|there| (lock::decode(&there.body), there.version)) {
            Some((lease, version)) if lease.id == self.lease.id => {
                self.version = version;
                Ok(())
            }
            other => Err(self.lost(documents, other.map(|(lease, _)| lease))),
        }
    }

    /// Lets it last for another term. A lease that expired but that nobody took over is still good.
    pub async fn renew(
        &mut self,
        documents: &dyn Documents,
        term: Duration,
        around: &Surroundings,
    ) -> Result<Lease, StateError> {
        let term = if documents.renews_locks() { term } else { self.term };
        let until = around.clock.steady() + term;
        let lease = Lease { expires: around.clock.now() + term, ..self.lease.clone() };
        let body = body(&lease, documents);
        let when = When::Unchanged(self.version.clone());
        let put = documents.put(Name::Lock, body.clone(), &when).await;
        match put? {
            Some(version) => self.version = version,
            // Ours under another version: an answer was lost.
            None => {
                self.look(documents).await?;
                let when = When::Unchanged(self.version.clone());
                match documents.put(Name::Lock, body, &when).await? {
                    Some(version) => self.version = version,
                    None => return Err(self.lost(documents, None)),
                }
            }
        }
        (self.lease, self.until) = (lease, until);
        Ok(self.lease.clone())
    }

    /// Removes the lock if it is still this one.
    pub async fn release(mut self, documents: &dyn Documents, around: &Surroundings) -> Result<(), StateError> {
        let kept = match self.until <= around.clock.steady() + MARGIN {
            // Nobody can take it over between the look and the deletion.
            true => self.renew(documents, self.term.max(MARGIN * 2), around).await.map(drop),
            false => self.look(documents).await,
        };
        match kept {
            Ok(()) => documents.delete(Name::Lock).await,
            Err(StateError::LockLost { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn lost(&self, documents: &dyn Documents, other: Option<Lease>) -> StateError {
        let detail = match other {
            Some(other) => format!("{} took it over at {}", other.holder.who, moment(other.since)),
            None => "it was removed by force".to_string(),
        };
        StateError::LockLost { path: documents.place().into(), id: self.lease.id.to_string(), detail }
    }
}

/// Who holds the lock.
pub async fn leases(documents: &dyn Documents) -> Result<Vec<Lease>, StateError> {
    Ok(documents.get(Name::Lock).await?.map(|there| lock::decode(&there.body)).into_iter().collect())
}

/// Removes the lock of this id.
pub async fn force_unlock(documents: &dyn Documents, id: &str) -> Result<Lease, StateError> {
    let found = leases(documents).await?.pop();
    match found {
        Some(lease) if *lease.id == *id => {
            documents.delete(Name::Lock).await?;
            Ok(lease)
        }
        other => {
            let held = other.map(|lease| lease.id.to_string());
            Err(StateError::NoSuchLock { path: documents.place().into(), id: id.to_string(), held })
        }
    }
}

fn body(lease: &Lease, documents: &dyn Documents) -> Bytes {
    Bytes::from(lock::encode(lease, documents.place()))
}
