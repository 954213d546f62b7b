//! How many calls a second, and how many at a time, one service in one region gets from us.
//!
//! [`TokenBucket`] holds a known rate; [`AdaptiveConcurrency`] finds the unknown one: it grows with successes and
//! halves on throttling, as TCP does with congestion.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// What a service is known to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Calls a second in the long run.
    pub per_second: f64,
    /// Calls at once after a pause.
    pub burst: u32,
    /// Calls in flight, at most.
    pub concurrent: usize,
}

/// How many calls of a whole run may be in flight, whatever service they go to: nothing is said until somebody sets it.
#[derive(Debug, Default)]
pub struct CallLimit(OnceLock<(usize, Semaphore)>);

impl CallLimit {
    /// The first to say a number sets it.
    pub fn set(&self, calls: usize) {
        let calls = calls.clamp(1, Semaphore::MAX_PERMITS);
        self.0.get_or_init(|| (calls, Semaphore::new(calls)));
    }

    /// How many those are, where anybody has said so.
    pub fn most(&self) -> Option<usize> {
        self.0.get().map(|(calls, _)| *calls)
    }

    /// Waits until one more call may be in flight; it ends when what is given is dropped.
    pub async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so the permit is always there.
        self.0.get()?.1.acquire().await.ok()
    }
}

/// Lets calls through at a rate, after a burst. First come, first served.
#[derive(Debug)]
pub struct TokenBucket {
    interval: Duration,
    window: Duration,
    /// When the bucket is full again if nobody else comes: the theoretical arrival time of the generic cell rate
    /// algorithm, which needs no refilling task.
    full_at: Mutex<Option<Instant>>,
}

impl TokenBucket {
    pub fn new(per_second: f64, burst: u32) -> Self {
        let interval = Duration::from_secs_f64(1.0 / per_second.max(0.001));
        TokenBucket { interval, window: interval * burst.saturating_sub(1), full_at: Mutex::new(None) }
    }

    /// Waits for a token and takes it.
    pub async fn take(&self) {
        let due = self.reserve(Instant::now());
        if let Some(due) = due {
            sleep_until(due).await;
        }
    }

    fn reserve(&self, now: Instant) -> Option<Instant> {
        let mut full_at = self.full_at.lock().unwrap_or_else(|e| e.into_inner());
        let arrival = full_at.map_or(now, |at| at.max(now));
        *full_at = Some(arrival + self.interval);
        let due = arrival.checked_sub(self.window)?;
        (due > now).then_some(due)
    }
}

/// Bounds the calls in flight by a limit that follows what the service takes.
#[derive(Debug)]
pub struct AdaptiveConcurrency {
    permits: Arc<Semaphore>,
    state: Mutex<Limit>,
    most: usize,
}

#[derive(Debug)]
struct Limit {
    limit: usize,
    /// Successes since the limit last grew; as many as the limit is are one round trip.
    successes: usize,
    /// Permits that are out and will not come back.
    debt: usize,
    last_cut: Option<Instant>,
}

/// Several throttled answers within this time tell of one and the same overload.
const CUT_INTERVAL: Duration = Duration::from_secs(1);

impl AdaptiveConcurrency {
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        let limit = Limit { limit: most, successes: 0, debt: 0, last_cut: None };
        AdaptiveConcurrency { permits: Arc::new(Semaphore::new(most)), state: Mutex::new(limit), most }
    }

    /// Waits until one more call may be in flight.
    pub async fn enter(&self) -> InFlight<'_> {
        // The semaphore is never closed, so the permit is always there.
        InFlight { of: self, permit: self.permits.clone().acquire_owned().await.ok() }
    }

    /// Calls that may be in flight now.
    pub fn limit(&self) -> usize {
        self.lock().limit
    }

    /// The service answered: one more may be in flight for each round of successes.
    pub fn succeeded(&self) {
        let mut state = self.lock();
        if state.limit >= self.most {
            return;
        }
        state.successes += 1;
        if state.successes < state.limit {
            return;
        }
        state.successes = 0;
        state.limit += 1;
        if state.debt > 0 {
            state.debt -= 1;
        } else {
            self.permits.add_permits(1);
        }
    }

    /// The service refused for load: half as many from now on.
    pub fn throttled(&self) {
        self.throttled_at(Instant::now());
    }

    fn throttled_at(&self, now: Instant) {
        let mut state = self.lock();
        if state.last_cut.is_some_and(|at| now < at + CUT_INTERVAL) {
            return;
        }
        state.last_cut = Some(now);
        state.successes = 0;
        let cut = state.limit / 2;
        state.limit -= cut;
        state.debt += cut - self.permits.forget_permits(cut);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Limit> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// A call in flight; ends when it is dropped.
pub struct InFlight<'a> {
    of: &'a AdaptiveConcurrency,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut state = self.of.lock();
        if state.debt > 0 {
            state.debt -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long each of the next calls that come at `now` must wait, in milliseconds.
    fn waits(bucket: &TokenBucket, now: Instant, calls: usize) -> Vec<u128> {
        (0..calls).map(|_| bucket.reserve(now).map_or(0, |due| (due - now).as_millis())).collect()
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let bucket = TokenBucket::new(10.0, 3);
        let now = Instant::now();
        assert_eq!(waits(&bucket, now, 6), [0, 0, 0, 100, 200, 300]);
        let later = now + Duration::from_secs(60);
        assert_eq!(waits(&bucket, later, 4), [0, 0, 0, 100], "a pause fills the bucket, no further than the burst");
        assert_eq!(waits(&bucket, later + Duration::from_millis(250), 2), [0, 50]);
    }

    #[tokio::test]
    async fn throttling_halves_and_successes_grow_again() {
        let lane = AdaptiveConcurrency::new(8);
        let flying = [lane.enter().await, lane.enter().await, lane.enter().await, lane.enter().await];
        let start = Instant::now();
        lane.throttled_at(start);
        lane.throttled_at(start);
        assert_eq!(lane.limit(), 4, "one overload counts once");
        assert_eq!(lane.permits.available_permits(), 0);
        lane.throttled_at(start + CUT_INTERVAL);
        assert_eq!(lane.limit(), 2);
        drop(flying);
        assert_eq!(lane.permits.available_permits(), 2, "permits that were out are not given back beyond the limit");
        (0..2).for_each(|_| lane.succeeded());
        assert_eq!((lane.limit(), lane.permits.available_permits()), (3, 3));
        for _ in 0..100 {
            lane.succeeded();
        }
        assert_eq!((lane.limit(), lane.permits.available_permits()), (8, 8), "never more than the cap");
    }

    #[test]
    fn the_limit_never_falls_below_one() {
        let lane = AdaptiveConcurrency::new(4);
        let start = Instant::now();
        (0..10).for_each(|n| lane.throttled_at(start + CUT_INTERVAL * n));
        assert_eq!((lane.limit(), lane.permits.available_permits()), (1, 1));
    }
}
