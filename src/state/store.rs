//! What every store of a state can do, wherever it keeps the rows.

use std::time::Duration;

use super::{Acquired, Answer, Change, Generation, Intent, Lease, LeaseRequest, Past, Snapshot};
use crate::model::Str;

/// A state that is open: what a new store must be able to do.
///
/// - A commit is durable when its answer comes, whole or not at all, and is refused once the lease that this store took
///   is no longer its own. The first commit with content after opening or locking raises the serial.
/// - The table of leases changes by compare and swap; [`super::lease`] says when one is over, and what may be held at the
///   same time.
/// - Values are sealed as the [`super::Surroundings`] say: row by row with [`super::seal::Sealer`], or the state as a whole
///   with [`super::seal::envelope`].
/// - Earlier generations are optional.
///
/// Calls return at once; the answers come when the work is done, in the order of the calls.
pub trait Store: Send + Sync {
    /// Everything that is committed.
    fn snapshot(&self) -> Answer<Snapshot>;

    /// Makes the changes durable, all of them or none. Commits that are waiting at the same time share the cost of
    /// reaching the disk.
    fn commit(&self, changes: Vec<Change>) -> Answer<()>;

    /// The calls that were begun and whose outcome is not known, oldest first; without those of other holders who are at
    /// work.
    fn open_intents(&self) -> Answer<Vec<Intent>>;

    /// Takes the lock if nobody holds one whose scope meets its own, or if those who do are gone, [`super::StateError::Locked`] otherwise. From then on every
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

    /// Whether values lie there otherwise than they are to be sealed. Whoever takes the lock then locks the whole state,
    /// and seals all of it anew.
    fn sealing_is_due(&self) -> Answer<bool>;

    /// The earlier generations that are kept, the newest first.
    fn generations(&self) -> Answer<Vec<Generation>>;

    /// One generation; nothing where it is not kept.
    fn past(&self, serial: u64) -> Answer<Option<Past>>;
}
