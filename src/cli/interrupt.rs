//! Ctrl-C: the first lets what is in flight end and saves, the second gives calls up.

use crate::apply::Stop;

/// Listens for interrupts while an apply runs.
pub fn listen(runtime: &tokio::runtime::Handle, stop: Stop) {
    runtime.spawn(async move {
        let Some(mut interrupts) = Interrupts::new() else { return };
        if interrupts.next().await {
            eprintln!("\nStopping: no new step starts, those in flight end. Press Ctrl-C again to give them up.");
            stop.finish.cancel();
        }
        if interrupts.next().await {
            eprintln!("\nGiving up the calls in flight. What became of them is found out by the next run.");
            stop.abort.cancel();
        }
    });
}

/// Kept for both interrupts: one that comes between two listeners would be lost.
#[cfg(unix)]
struct Interrupts {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupts {
    fn new() -> Option<Interrupts> {
        use tokio::signal::unix::{SignalKind, signal};
        Some(Interrupts {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
        })
    }

    async fn next(&mut self) -> bool {
        tokio::select! {
            got = self.interrupt.recv() => got.is_some(),
            got = self.terminate.recv() => got.is_some(),
        }
    }
}

#[cfg(not(unix))]
struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    fn new() -> Option<Interrupts> {
        Some(Interrupts)
    }

    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}
