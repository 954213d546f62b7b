//! The lock of a session: taken before the state is read, renewed while it is held, given back at the end.

use std::sync::Arc;
use std::time::Duration;

use crate::state::lease;
use crate::state::{Holder, LeaseRequest, Processes, Scope, StateError, Store, SystemClock, SystemProcesses};

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
    store: Arc<dyn Store>,
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
    let first = store.try_acquire(request.clone()).wait();
    match first {
        Err(StateError::Locked { lease, .. }) if !settings.timeout.is_zero() => {
            let Holder { who, host, pid, .. } = &lease.holder;
            let (operation, since) = (&lease.operation, lease::moment(lease.since));
            tell(&format!(
                "Waiting for the lock that {who} (process {pid} on {host}) holds for \"{operation}\" since {since}."
            ));
            runtime.block_on(lease::acquire(&*store, &request, settings.timeout, &SystemClock))?;
        }
        other => drop(other?),
    }
    tracing::info!(operation, "the state is locked");
    let keeper = store.clone();
    let renewal = runtime.spawn(async move {
        // A lost lock shows at the next commit, which is refused.
        lease::keep(keeper, TERM, Arc::new(SystemClock)).await;
    });
    Ok(Some(Held { store, renewal }))
}

impl Held {
    pub fn release(self, runtime: &tokio::runtime::Runtime) {
        self.renewal.abort();
        let _ended = runtime.block_on(self.renewal);
        // A lock that can't be given back expires by itself.
        let released = self.store.release().wait();
        tracing::info!(error = released.err().map(tracing::field::display), "the lock is given back");
    }
}
