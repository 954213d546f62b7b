//! The way of every call to a provider's API: rate limit, concurrency limit, time-out, retries.
//!
//! One [`Lane`] a service and region; connections of one provider share the lanes, because the service counts
//! their calls together.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock};

use tokio_util::sync::CancellationToken;

use super::limits::{AdaptiveConcurrency, CallLimit, Rates, TokenBucket};
use super::retry::{Repeat, RetryBudget, RetryPolicy};
use super::{ErrorKind, ProviderError};

/// The lanes of one provider.
#[derive(Debug, Default)]
pub struct Transport {
    lanes: Mutex<HashMap<(String, String), Arc<Lane>>>,
    limit: OnceLock<Arc<CallLimit>>,
}

impl Transport {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Lets all lanes keep to what the whole run may have in flight.
    pub fn limit_calls(&self, limit: &Arc<CallLimit>) {
        self.limit.get_or_init(|| limit.clone());
    }

    /// The lane to a service in a region; the first to ask sets its rates.
    pub fn lane(&self, service: &str, region: &str, rates: Rates) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(|e| e.into_inner());
        let limit = self.limit.get().cloned().unwrap_or_default();
        let new = || Arc::new(Lane { limit, ..Lane::new(rates) });
        lanes.entry((service.into(), region.into())).or_insert_with(new).clone()
    }
}

/// The way to one service in one region.
#[derive(Debug)]
pub struct Lane {
    bucket: TokenBucket,
    concurrency: AdaptiveConcurrency,
    budget: RetryBudget,
    /// What all lanes of the run share.
    limit: Arc<CallLimit>,
}

/// Retries that one service's callers may have together before it counts as down.
const BUDGET: u32 = 100;

impl Lane {
    pub fn new(rates: Rates) -> Self {
        Lane {
            bucket: TokenBucket::new(rates.per_second, rates.burst),
            concurrency: AdaptiveConcurrency::new(rates.concurrent),
            budget: RetryBudget::new(BUDGET),
            limit: Arc::default(),
        }
    }

    /// Makes a call, again if it fails in a way that passes. The last error is returned. `cancel` gives the call up
    /// wherever it is: waiting for its turn, in flight, or between two attempts.
    pub async fn call<T, F, Fut>(
        &self,
        policy: &RetryPolicy,
        repeat: Repeat,
        cancel: &CancellationToken,
        attempt: F,
    ) -> Result<T, ProviderError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, ProviderError>>,
    {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ProviderError::new(ErrorKind::Cancelled, "the call was given up")),
            result = self.persist(policy, repeat, attempt) => result,
        }
    }

    async fn persist<T, F, Fut>(&self, policy: &RetryPolicy, repeat: Repeat, attempt: F) -> Result<T, ProviderError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, ProviderError>>,
    {
        let (mut retries, mut is_open) = (0, false);
        loop {
            let error = match self.attempt(policy, &attempt).await {
                Ok(value) => return Ok(value),
                Err(error) => error.left_open(is_open),
            };
            is_open = error.leaves_open();
            let Some(pause) = policy.pause(&error, repeat, retries, rand::random()) else { return Err(error) };
            let refused = matches!(error.kind, ErrorKind::Throttled { .. });
            if !refused && !self.budget.pay() {
                return Err(error);
            }
            retries += 1;
            tracing::debug!(retries, ?pause, %error, "calling again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt<T, F, Fut>(&self, policy: &RetryPolicy, attempt: &F) -> Result<T, ProviderError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, ProviderError>>,
    {
        self.bucket.take().await;
        let in_flight = (self.concurrency.enter().await, self.limit.enter().await);
        let result = match tokio::time::timeout(policy.attempt, attempt()).await {
            Ok(result) => result,
            Err(_) => {
                let error = ProviderError::new(ErrorKind::Network, format!("no answer within {:?}", policy.attempt));
                Err(error.help("run the same command again: it goes on from where it is"))
            }
        };
        drop(in_flight);
        match &result {
            Err(ProviderError { kind: ErrorKind::Throttled { .. }, .. }) => self.concurrency.throttled(),
            Err(ProviderError { kind: ErrorKind::Service | ErrorKind::Network, .. }) => (),
            _ => {
                self.budget.succeeded();
                self.concurrency.succeeded();
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    fn lane() -> Lane {
        Lane::new(Rates { per_second: 10_000.0, burst: 10_000, concurrent: 8 })
    }

    /// The usual counts, in a thousandth of the time.
    fn policy() -> RetryPolicy {
        let (base, longest) = (Duration::from_micros(200), Duration::from_millis(2));
        RetryPolicy { base, longest, attempt: Duration::from_millis(100), ..RetryPolicy::default() }
    }

    /// Fails as often as told, then answers with the number of calls.
    async fn calls(lane: &Lane, policy: RetryPolicy, failures: u32, kind: ErrorKind) -> (u32, bool) {
        let made = AtomicU32::new(0);
        let attempt = || async {
            match made.fetch_add(1, Ordering::SeqCst) < failures {
                true => Err(ProviderError::new(kind, "not now")),
                false => Ok(()),
            }
        };
        let ok = lane.call(&policy, Repeat::Always, &CancellationToken::new(), attempt).await.is_ok();
        (made.load(Ordering::SeqCst), ok)
    }

    #[tokio::test]
    async fn passing_failures_are_retried_and_others_are_not() {
        let policy = policy();
        let throttled = ErrorKind::Throttled { retry_after: None };
        assert_eq!(calls(&lane(), policy, 10, throttled).await, (11, true));
        assert_eq!(calls(&lane(), policy, u32::MAX, throttled).await, (26, false));
        assert_eq!(calls(&lane(), policy, u32::MAX, ErrorKind::Service).await, (5, false));
        assert_eq!(calls(&lane(), policy, 2, ErrorKind::Network).await, (3, true));
        assert_eq!(calls(&lane(), policy, 1, ErrorKind::Denied).await, (1, false));
    }

    #[tokio::test]
    async fn a_refusal_does_not_hide_that_an_earlier_attempt_may_have_happened() {
        for (first, is_open) in [(ErrorKind::Network, true), (ErrorKind::Throttled { retry_after: None }, false)] {
            let made = AtomicU32::new(0);
            let attempt = || async {
                let kind = if made.fetch_add(1, Ordering::SeqCst) == 0 { first } else { ErrorKind::Denied };
                Err::<(), _>(ProviderError::new(kind, "no"))
            };
            let never = CancellationToken::new();
            let error = lane().call(&policy(), Repeat::Always, &never, attempt).await.unwrap_err();
            assert_eq!((error.kind, error.leaves_open()), (ErrorKind::Denied, is_open));
        }
    }

    #[tokio::test]
    async fn retry_after_is_waited_for() {
        let start = Instant::now();
        let kind = ErrorKind::Throttled { retry_after: Some(Duration::from_millis(80)) };
        assert_eq!(calls(&lane(), policy(), 1, kind).await, (2, true));
        assert!(start.elapsed() >= Duration::from_millis(80));
    }

    #[tokio::test]
    async fn a_service_that_is_down_is_not_hammered() {
        let lane = lane();
        let mut made = 0;
        for _ in 0..100 {
            made += calls(&lane, policy(), u32::MAX, ErrorKind::Service).await.0;
        }
        assert_eq!(made, 100 + BUDGET, "each caller's own call, and the retries of the shared budget");
    }

    #[tokio::test]
    async fn a_call_without_an_answer_ends() {
        let start = Instant::now();
        let policy = policy().at_most(0);
        let (never, hang) = (CancellationToken::new(), std::future::pending::<Result<(), _>>);
        let error = lane().call(&policy, Repeat::Always, &never, hang).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Network);
        assert!(start.elapsed() >= policy.attempt);
    }

    #[tokio::test]
    async fn cancelling_gives_a_call_up_in_flight_and_between_attempts() {
        let slow = RetryPolicy { base: Duration::from_secs(3600), longest: Duration::from_secs(3600), ..policy() };
        for policy in [RetryPolicy { attempt: Duration::from_secs(3600), ..policy() }, slow] {
            let lane = Lane::new(Rates { per_second: 1000.0, burst: 1000, concurrent: 1 });
            let (cancel, begun) = (CancellationToken::new(), tokio::sync::Notify::new());
            let attempt = || async {
                begun.notify_one();
                match policy.base == slow.base {
                    true => Err(ProviderError::new(ErrorKind::Service, "down")),
                    false => std::future::pending::<Result<(), _>>().await,
                }
            };
            let stop = async {
                begun.notified().await;
                cancel.cancel();
            };
            let (result, ()) = tokio::join!(lane.call(&policy, Repeat::Always, &cancel, attempt), stop);
            assert_eq!(result.unwrap_err().kind, ErrorKind::Cancelled);
            let next = lane.call(&policy, Repeat::Always, &CancellationToken::new(), || async { Ok(()) }).await;
            assert!(next.is_ok(), "what is given up frees its place");
        }
    }

    #[tokio::test]
    async fn no_more_than_the_limit_are_in_flight() {
        let lane = Arc::new(Lane::new(Rates { per_second: 1000.0, burst: 1000, concurrent: 3 }));
        let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let calls = (0..20).map(|_| async {
            let attempt = || async {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(2)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            };
            lane.call(&policy(), Repeat::Always, &CancellationToken::new(), attempt).await.unwrap();
        });
        futures::future::join_all(calls).await;
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn the_limit_of_a_run_holds_for_all_services_together() {
        let (transport, limit) = (Transport::new(), Arc::new(CallLimit::default()));
        transport.limit_calls(&limit);
        let rates = Rates { per_second: 1000.0, burst: 1000, concurrent: 8 };
        let lanes = [transport.lane("ec2", "r", rates), transport.lane("rds", "r", rates)];
        limit.set(2);
        let (now, most) = (AtomicU32::new(0), AtomicU32::new(0));
        let calls = lanes.iter().cycle().take(20).map(|lane| async {
            let attempt = || async {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            };
            lane.call(&policy(), Repeat::Always, &CancellationToken::new(), attempt).await.unwrap();
        });
        futures::future::join_all(calls).await;
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }
}
