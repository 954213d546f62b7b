//! Waiting for an object to come into a state, and insisting on a call that must first become possible.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{ErrorKind, Operation, ProviderError};

/// How often to look: after `first`, then each pause half as long again, up to `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    pub first: Duration,
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { first: Duration::from_millis(200), longest: Duration::from_secs(10) }
    }
}

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    Ready(T),
    /// Not yet: the state that it is in now.
    Pending(String),
}

/// Looks until the object is ready, the time is over or the user asks to stop. `target` is the state that is waited
/// for, as the API spells it. An error of a look ends the wait.
pub async fn wait<T, F, Fut>(
    op: &Operation,
    deadline: Instant,
    pace: Pace,
    target: &str,
    mut look: F,
) -> Result<T, ProviderError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Seen<T>, ProviderError>>,
{
    let mut pause = pace.first;
    let mut now = String::from("unknown");
    loop {
        let seen = tokio::select! {
            biased;
            () = op.cancel.cancelled() => return Err(cancelled(target)),
            seen = timeout_at(deadline, look()) => seen,
        };
        match seen {
            Err(_) => return Err(timed_out(op, target, &now)),
            // The look itself ran into the same end.
            Ok(Err(error)) if error.kind == ErrorKind::Timeout => return Err(timed_out(op, target, &now)),
            Ok(Err(error)) => return Err(error),
            Ok(Ok(Seen::Ready(value))) => return Ok(value),
            Ok(Ok(Seen::Pending(state))) => now = state,
        }
        op.progress.tell(&format!("waiting for \"{target}\", now \"{now}\""));
        if Instant::now() + pause > deadline {
            return Err(timed_out(op, target, &now));
        }
        rest(op, pause, target).await?;
        pause = longer(pause, pace);
    }
}

/// Makes a call again for as long as it fails with an error that `passes`, until the deadline. The last error is
/// returned then.
pub async fn insist<T, F, Fut>(
    op: &Operation,
    deadline: Instant,
    pace: Pace,
    passes: impl Fn(&ProviderError) -> bool,
    mut call: F,
) -> Result<T, ProviderError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, ProviderError>>,
{
    let (mut pause, mut is_open) = (pace.first, false);
    loop {
        let error = match call().await {
            Ok(value) => return Ok(value),
            Err(error) => error.left_open(is_open),
        };
        is_open = error.leaves_open();
        if !passes(&error) {
            return Err(error);
        }
        if Instant::now() + pause > deadline {
            return Err(error);
        }
        op.progress.tell(&format!("trying again, now \"{}\"", error.code));
        rest(op, pause, &error.operation).await.map_err(|e| e.left_open(is_open))?;
        pause = longer(pause, pace);
    }
}

async fn rest(op: &Operation, pause: Duration, target: &str) -> Result<(), ProviderError> {
    tokio::select! {
        () = op.cancel.cancelled() => Err(cancelled(target)),
        () = tokio::time::sleep(pause) => Ok(()),
    }
}

fn longer(pause: Duration, pace: Pace) -> Duration {
    (pause + pause / 2).min(pace.longest)
}

fn cancelled(target: &str) -> ProviderError {
    ProviderError::new(ErrorKind::Cancelled, format!("stopped while waiting for \"{target}\""))
}

fn timed_out(op: &Operation, target: &str, now: &str) -> ProviderError {
    let message = format!("\"{target}\" did not come within {:?}; it is \"{now}\" now", op.timeout);
    ProviderError::new(ErrorKind::Timeout, message).help("a timeouts block in the resource sets a longer time")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::model::Address;
    use crate::provider::Progress;
    use tokio_util::sync::CancellationToken;

    fn end(op: &Operation) -> Instant {
        Instant::now() + op.timeout
    }

    fn operation(milliseconds: u64) -> (Operation, Arc<Mutex<Vec<String>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let progress = told.clone();
        let op = Operation {
            address: Address::parse("aws_nat_gateway.a").unwrap(),
            timeout: Duration::from_millis(milliseconds),
            cancel: CancellationToken::new(),
            progress: Progress::new(move |text| progress.lock().unwrap().push(text.to_string())),
        };
        (op, told)
    }

    const FAST: Pace = Pace { first: Duration::from_millis(1), longest: Duration::from_millis(5) };

    #[test]
    fn pauses_grow_to_the_longest() {
        let pauses = std::iter::successors(Some(Pace::default().first), |p| Some(longer(*p, Pace::default())));
        let pauses: Vec<u128> = pauses.take(12).map(|p| p.as_millis()).collect();
        assert_eq!(pauses, [200, 300, 450, 675, 1012, 1518, 2278, 3417, 5125, 7688, 10000, 10000]);
    }

    #[tokio::test]
    async fn waits_and_tells_what_for() {
        let (op, told) = operation(60_000);
        let mut looks = 0;
        let look = || {
            looks += 1;
            let ready = looks == 3;
            async move { Ok(if ready { Seen::Ready(7) } else { Seen::Pending("pending".into()) }) }
        };
        assert_eq!(wait(&op, end(&op), FAST, "available", look).await, Ok(7));
        assert_eq!(*told.lock().unwrap(), ["waiting for \"available\", now \"pending\""; 2]);
    }

    #[tokio::test]
    async fn ends_with_the_time_and_says_what_it_saw() {
        let (op, _) = operation(30);
        let look = || async { Ok(Seen::<()>::Pending("creating".into())) };
        let error = wait(&op, end(&op), FAST, "available", look).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout);
        assert_eq!(error.message, "\"available\" did not come within 30ms; it is \"creating\" now");
        let hangs = || std::future::pending::<Result<Seen<()>, _>>();
        assert_eq!(wait(&op, end(&op), FAST, "x", hangs).await.unwrap_err().kind, ErrorKind::Timeout);
    }

    #[tokio::test]
    async fn cancelling_ends_it_at_once() {
        let (op, told) = operation(3_600_000);
        let look = || async { Ok(Seen::<()>::Pending("creating".into())) };
        let slow = Pace { first: Duration::from_secs(600), longest: Duration::from_secs(600) };
        let stop = async {
            while told.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            op.cancel.cancel();
        };
        let (result, ()) = tokio::join!(wait(&op, end(&op), slow, "available", look), stop);
        assert_eq!(result.unwrap_err().kind, ErrorKind::Cancelled);
    }

    #[tokio::test]
    async fn insists_for_a_bounded_time() {
        let (op, _) = operation(60_000);
        let mut calls = 0;
        let busy = || {
            calls += 1;
            async { Err::<(), _>(ProviderError::new(ErrorKind::Conflict, "in use").code("InUse")) }
        };
        let passes = |e: &ProviderError| e.code == "InUse";
        let error = insist(&op, Instant::now() + Duration::from_millis(20), FAST, passes, busy).await.unwrap_err();
        assert_eq!(error.code, "InUse");
        assert!(calls > 1);
        let denied = || async { Err::<(), _>(ProviderError::new(ErrorKind::Denied, "no")) };
        assert!(insist(&op, end(&op), FAST, passes, denied).await.is_err());
    }
}
