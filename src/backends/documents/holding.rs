//! The lock of a state that is kept as documents: taking it, keeping it, giving it up.

use std::time::Duration;

use bytes::Bytes;
use time::OffsetDateTime;

use super::{Documents, Name, Version, When, lock};
use crate::state::lease::moment;
use crate::state::{Acquired, Lease, LeaseRequest, Scope, StateError, Surroundings};

/// How often taking a lock begins anew because it came or went meanwhile.
const ATTEMPTS: usize = 8;

/// How much of a lease must be left to delete it without renewing it first: clocks differ.
const MARGIN: Duration = Duration::from_secs(10);

/// A lock that is held.
pub struct Held {
    pub lease: Lease,
    version: Version,
    term: Duration,
}

/// Takes the lock if it is free or its holder is gone.
pub async fn acquire(
    documents: &dyn Documents,
    request: LeaseRequest,
    around: &Surroundings,
) -> Result<(Held, Acquired), StateError> {
    let term = if documents.renews_locks() { request.term } else { lock::FOREVER };
    // A lock document is one for the whole state.
    let request = LeaseRequest { term, scope: Scope::Whole, ..request };
    let taken = |lease: Lease, version, taken_over| {
        let acquired = Acquired { lease: lease.clone(), taken_over };
        (Held { lease, version, term }, acquired)
    };
    for _ in 0..ATTEMPTS {
        let lease = lock::lease(request.clone(), around.clock.now(), 0);
        let put = documents.put(Name::Lock, body(&lease, documents), &When::Absent).await;
        if let Ok(Some(version)) = put {
            return Ok(taken(lease, version, Vec::new()));
        }
        let Some(there) = documents.get(Name::Lock).await? else {
            put?;
            continue;
        };
        let other = lock::decode(&there.body);
        if other.id == lease.id {
            // The answer was lost, the lock is ours.
            return Ok(taken(lease, there.version, Vec::new()));
        }
        put?;
        if !other.is_over(around) {
            let path = documents.place().into();
            return Err(StateError::Locked { path, lease: Box::new(other), waited: Duration::ZERO });
        }
        let lease = lock::lease(request.clone(), around.clock.now(), other.token);
        let when = When::Unchanged(there.version);
        if let Some(version) = documents.put(Name::Lock, body(&lease, documents), &when).await? {
            return Ok(taken(lease, version, vec![other]));
        }
    }
    Err(StateError::Busy { path: documents.place().into() })
}

impl Held {
    /// Fails unless the lock is still there. One that is soon over is renewed.
    pub async fn check(&mut self, documents: &dyn Documents, around: &Surroundings) -> Result<(), StateError> {
        let now = around.clock.now();
        if self.lease.expires <= now + self.term / 2 {
            return self.renew(documents, self.term, now).await.map(drop);
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
        now: OffsetDateTime,
    ) -> Result<Lease, StateError> {
        let term = if documents.renews_locks() { term } else { self.term };
        let lease = Lease { expires: now + term, ..self.lease.clone() };
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
        self.lease = lease;
        Ok(self.lease.clone())
    }

    /// Removes the lock if it is still this one.
    pub async fn release(mut self, documents: &dyn Documents, now: OffsetDateTime) -> Result<(), StateError> {
        let kept = match self.lease.expires <= now + MARGIN {
            // Nobody can take it over between the look and the deletion.
            true => self.renew(documents, self.term.max(MARGIN * 2), now).await.map(drop),
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
