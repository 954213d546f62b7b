//! Ctrl-C: the first lets what is in flight end and saves, the second gives calls up.

use crate::apply::Stop;

/// Listens for interrupts while an apply runs.
pub fn listen(runtime: &tokio::runtime::Handle, stop: Stop) {
    runtime.spawn(async move {
        if wait().await {
            eprintln!("\nStopping: no new step starts, those in flight end. Press Ctrl-C again to give them up.");
            stop.finish.cancel();
        }
        if wait().await {
            eprintln!("\nGiving up the calls in flight. What became of them is found out by the next run.");
            stop.abort.cancel();
        }
    });
}

#[cfg(unix)]
async fn wait() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return false;
    };
    tokio::select! {
        got = interrupt.recv() => got.is_some(),
        got = terminate.recv() => got.is_some(),
    }
}

#[cfg(not(unix))]
async fn wait() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
