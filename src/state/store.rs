//! What every store of a state can do, wherever it keeps the rows.

use std::time::Duration;

use super::{Acquired, Answer, Change, Intent, Lease, LeaseRequest, Snapshot};
use crate::model::Str;

/// A state that is open. Calls return at once; the answers come when the work is done, in the order of the calls.
pub trait Store: Send + Sync {
    /// Everything that is committed.
    fn snapshot(&self) -> Answer<Snapshot>;

    /// Makes the changes durable, all of them or none. Commits that are waiting at the same time share the cost of
    /// reaching the disk.
    fn commit(&self, changes: Vec<Change>) -> Answer<()>;

    /// The calls that were begun and whose outcome is not known, oldest first.
    fn open_intents(&self) -> Answer<Vec<Intent>>;

    /// Takes the lock if it is free or its holder is gone, [`super::StateError::Locked`] otherwise. From then on every
    /// commit checks that the lock is still held.
    fn try_acquire(&self, request: LeaseRequest) -> Answer<Acquired>;

    /// Lets the lock that this store holds last for another term from now.
    fn renew(&self, term: Duration) -> Answer<Lease>;

    /// Gives up the lock that this store holds; without one there is nothing to do.
    fn release(&self) -> Answer<()>;

    /// Who holds the lock.
    fn leases(&self) -> Answer<Vec<Lease>>;

    /// Removes somebody's lock, which is returned.
    fn force_unlock(&self, id: Str) -> Answer<Lease>;

    /// Brings everything that is committed to where all others see it. An error says where it is kept meanwhile.
    fn flush(&self) -> Answer<()>;
}
