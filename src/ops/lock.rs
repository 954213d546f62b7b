//! The lock of a session: taken before the state is read, renewed while it is held, given back at the end.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::model::KillPoint;
use crate::state::lease::{self, Lasting};
use crate::state::{Clock, Holder, LeaseRequest, Processes, Scope, StateError, Store, SystemClock, SystemProcesses};

/// How long a lease lasts unless its holder renews it.
const TERM: Duration = Duration::from_secs(60);

/// How locking was asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    pub enabled: bool,
    /// How long to wait for somebody else's lock.
    pub timeout: Duration,
    /// The user who runs this.
    pub who: String,
}

/// A lock that is held.
pub struct Held {
    pub store: Arc<dyn Store>,
    pub lasting: Lasting,
    /// Cancelled when it is somebody else's.
    pub lost: CancellationToken,
    renewal: tokio::task::JoinHandle<()>,
}

/// Takes the lock and keeps it alive; nothing where locking is off. Tells for whom it waits, if it does.
pub fn acquire(
    runtime: &tokio::runtime::Handle,
    store: Arc<dyn Store>,
    operation: &str,
    scope: Scope,
    settings: &Settings,
    tell: &dyn Fn(&str),
) -> Result<Option<Held>, StateError> {
    if !settings.enabled {
        return Ok(None);
    }
    let host = SystemProcesses::host_name();
    let holder = Holder {
        who: format!("{}@{host}", settings.who).into(),
        host: host.into(),
        machine: SystemProcesses.machine(),
        pid: std::process::id(),
    };
    let request = LeaseRequest { holder, operation: operation.into(), scope, term: TERM };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut since = clock.steady();
    let first = store.try_acquire(request.clone()).wait();
    match first {
        Err(StateError::Locked { lease, .. }) if !settings.timeout.is_zero() => {
            let Holder { who, host, pid, .. } = &lease.holder;
            let (operation, held_since) = (&lease.operation, lease::moment(lease.since));
            tell(&format!(
                "Waiting for the lock that {who} (process {pid} on {host}) holds for \"{operation}\" since {held_since}."
            ));
            runtime.block_on(lease::acquire(&*store, &request, settings.timeout, &*clock))?;
            // It is renewed before long; until then, it may have been given at any time.
            since = clock.steady().saturating_sub(TERM / 3);
        }
        other => drop(other?),
    }
    tracing::info!(operation, "the state is locked");
    KillPoint::LockTaken.here();
    let (lasting, lost) = (Lasting::new(clock, TERM, since), CancellationToken::new());
    let (keeper, kept, told) = (store.clone(), lasting.clone(), lost.clone());
    let renewal = runtime.spawn(async move {
        let error = lease::keep(keeper, kept).await;
        tracing::warn!(%error, "the lock is lost");
        told.cancel();
    });
    Ok(Some(Held { store, lasting, lost, renewal }))
}

impl Held {
    pub fn release(self, runtime: &tokio::runtime::Runtime) {
        KillPoint::Unlocking.here();
        self.renewal.abort();
        let _ended = runtime.block_on(self.renewal);
        // A lock that can't be given back expires by itself.
        let released = self.store.release().wait();
        tracing::info!(error = released.err().map(tracing::field::display), "the lock is given back");
    }
}
