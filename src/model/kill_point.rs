//! Points at which tests kill a run as a crash would: what is durable by then is all that the next run has.
//!
//! They are only there with the feature `kill-points`, which no release has. `TERRANE_KILL_AT=intent-written:3` ends
//! the process the third time that it comes to that point.

/// A point between two things that must not be torn apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillPoint {
    /// The lock is taken, nothing else is done.
    LockTaken,
    /// The intent of a call is durable, the call is not made.
    IntentWritten,
    /// The call is answered, its outcome is not written.
    CallAnswered,
    /// The outcome is durable.
    OutcomeWritten,
    /// A transaction of a state file is ready, but not committed.
    CommitReady,
    /// It is committed, and the backup beside the file does not know it.
    Committed,
    /// A commit is in the local journal, the store has not seen it.
    JournalWritten,
    /// The store has it, the local journal does not know it.
    JournalSent,
    /// The whole document is written, the segments that it holds are still there.
    DocumentWritten,
    /// What an interrupted run left is found, and not written down.
    Settling,
    /// A state has arrived at its new place, the old place is not told.
    Copied,
    /// The run is done but for giving up the lock.
    Unlocking,
}

impl KillPoint {
    /// All points, with the names that `TERRANE_KILL_AT` takes.
    pub const ALL: [(KillPoint, &'static str); 12] = [
        (KillPoint::LockTaken, "lock-taken"),
        (KillPoint::IntentWritten, "intent-written"),
        (KillPoint::CallAnswered, "call-answered"),
        (KillPoint::OutcomeWritten, "outcome-written"),
        (KillPoint::CommitReady, "commit-ready"),
        (KillPoint::Committed, "committed"),
        (KillPoint::JournalWritten, "journal-written"),
        (KillPoint::JournalSent, "journal-sent"),
        (KillPoint::DocumentWritten, "document-written"),
        (KillPoint::Settling, "settling"),
        (KillPoint::Copied, "copied"),
        (KillPoint::Unlocking, "unlocking"),
    ];

    /// Ends the process where a test asks for it.
    #[cfg(feature = "kill-points")]
    pub fn here(self) {
        use std::sync::atomic::{AtomicU64, Ordering};

        static PASSED: AtomicU64 = AtomicU64::new(0);
        let Some((_, nth)) = ASKED.get().filter(|(point, _)| *point == self) else { return };
        if PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *nth {
            let id = std::process::id().to_string();
            let _killed = std::process::Command::new("kill").args(["-KILL", &id]).status();
            std::process::abort();
        }
    }

    #[cfg(not(feature = "kill-points"))]
    #[inline(always)]
    pub fn here(self) {}
}

#[cfg(feature = "kill-points")]
static ASKED: std::sync::OnceLock<(KillPoint, u64)> = std::sync::OnceLock::new();

/// Asks for the process to die at a point: `intent-written:3`.
#[cfg(feature = "kill-points")]
pub fn ask(text: &str) {
    let asked = text.split_once(':').and_then(|(name, nth)| {
        let (point, _) = KillPoint::ALL.iter().find(|(_, known)| *known == name)?;
        Some((*point, nth.parse().ok()?))
    });
    if let Some(asked) = asked {
        // Only the first asks.
        let _ = ASKED.set(asked);
    }
}
