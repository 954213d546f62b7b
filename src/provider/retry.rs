//! When a failed call is made again, and after what pause.
//!
//! Pauses grow exponentially and are jittered, so that callers that failed together do not return together
//! (<https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>). What the server says in
//! Retry-After is honoured. A [`RetryBudget`] stops the retries of all callers when a service is down rather
//! than busy.

use std::sync::Mutex;
use std::time::Duration;

use super::{ErrorKind, ProviderError};

/// Which failures may be answered with the same call again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The call is idempotent: every error that can pass is retried.
    Always,
    /// The call may have had its effect although it failed: only refusals (throttling) are retried.
    IfRefused,
}

/// How often and how fast failed calls are made again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Retries of one throttled call. Throttling passes, so this is generous.
    pub throttled: u32,
    /// Retries of one call that the service or the network failed.
    pub failed: u32,
    /// Upper bound of the first pause; it doubles with each retry.
    pub base: Duration,
    /// The longest pause that is chosen here; Retry-After may ask for more.
    pub longest: Duration,
    /// The longest Retry-After that is followed; a server that asks for more is not waited for.
    pub longest_asked: Duration,
    /// How long one attempt may take.
    pub attempt: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            throttled: 25,
            failed: 4,
            base: Duration::from_millis(200),
            longest: Duration::from_secs(20),
            longest_asked: Duration::from_secs(120),
            attempt: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// At most this many retries of any kind.
    pub fn at_most(mut self, retries: u32) -> Self {
        self.throttled = retries;
        self.failed = self.failed.min(retries);
        self
    }

    /// The pause before the call is made again, or nothing when the error stands. `retries` counts those that
    /// were made already; `random` lies in 0..1.
    pub fn pause(&self, error: &ProviderError, repeat: Repeat, retries: u32, random: f64) -> Option<Duration> {
        if !error.can_retry() {
            return None;
        }
        let backoff = self.backoff(retries, random);
        match error.kind {
            ErrorKind::Throttled { retry_after } => {
                let asked = retry_after.unwrap_or_default();
                (retries < self.throttled && asked <= self.longest_asked).then(|| backoff.max(asked))
            }
            _ => (repeat == Repeat::Always && retries < self.failed).then_some(backoff),
        }
    }

    /// Half of the exponential pause is sure, the other half is random: never zero, never in step.
    fn backoff(&self, retries: u32, random: f64) -> Duration {
        let ceiling = self.base.saturating_mul(1 << retries.min(16)).min(self.longest);
        ceiling.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0))
    }
}

/// Shared by all callers of one service: failures use it up, successes fill it. Throttling is not charged, it is
/// the rate limiter's business.
#[derive(Debug)]
pub struct RetryBudget {
    capacity: f64,
    left: Mutex<f64>,
}

impl RetryBudget {
    /// What one retry costs, in successes.
    const COST: f64 = 5.0;

    pub fn new(retries: u32) -> Self {
        let capacity = f64::from(retries) * Self::COST;
        RetryBudget { capacity, left: Mutex::new(capacity) }
    }

    /// Whether a retry may be made; it is paid for then.
    pub fn pay(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(|e| e.into_inner());
        if *left < Self::COST {
            return false;
        }
        *left -= Self::COST;
        true
    }

    pub fn succeeded(&self) {
        let mut left = self.left.lock().unwrap_or_else(|e| e.into_inner());
        *left = (*left + 1.0).min(self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttled(retry_after: Option<u64>) -> ProviderError {
        ProviderError::new(ErrorKind::Throttled { retry_after: retry_after.map(Duration::from_secs) }, "slow down")
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = RetryPolicy::default();
        let pause = |retries, random| policy.pause(&throttled(None), Repeat::Always, retries, random);
        assert_eq!(pause(0, 1.0), Some(Duration::from_millis(200)));
        assert_eq!(pause(0, 0.0), Some(Duration::from_millis(100)));
        assert_eq!(pause(3, 1.0), Some(Duration::from_millis(1600)));
        assert_eq!(pause(24, 1.0), Some(policy.longest));
        assert_eq!(pause(25, 1.0), None);
    }

    #[test]
    fn retry_after_is_honoured_unless_absurd() {
        let policy = RetryPolicy::default();
        let pause = |asked| policy.pause(&throttled(Some(asked)), Repeat::IfRefused, 0, 1.0);
        assert_eq!(pause(30), Some(Duration::from_secs(30)));
        assert_eq!(pause(3600), None);
    }

    #[test]
    fn a_call_that_may_have_happened_is_not_repeated() {
        let policy = RetryPolicy::default();
        for kind in [ErrorKind::Service, ErrorKind::Network] {
            let error = ProviderError::new(kind, "broken");
            assert!(policy.pause(&error, Repeat::Always, 0, 0.5).is_some());
            assert!(policy.pause(&error, Repeat::IfRefused, 0, 0.5).is_none());
        }
        assert!(policy.pause(&ProviderError::invalid("no"), Repeat::Always, 0, 0.5).is_none());
    }

    #[test]
    fn the_budget_is_refilled_by_successes() {
        let budget = RetryBudget::new(2);
        assert!(budget.pay() && budget.pay() && !budget.pay());
        (0..5).for_each(|_| budget.succeeded());
        assert!(budget.pay() && !budget.pay());
    }
}
