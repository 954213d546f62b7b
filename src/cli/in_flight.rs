//! What is being worked on now: since when, what for, and when it is time to say that it still is.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::model::Address;
use crate::render::progress_text::Doing;

/// How often something in flight is told to be so.
pub const STILL: Duration = Duration::from_secs(10);

/// The objects in flight. Events come with the time at which they happened, so that it needs no clock.
#[derive(Default)]
pub struct InFlight {
    entries: HashMap<Address, Entry>,
    /// Rises with each start, so that the order can be kept.
    starts: u64,
    next_still: Option<Instant>,
}

pub struct Entry {
    pub order: u64,
    pub doing: Doing,
    pub since: Instant,
    pub waiting: Option<String>,
    next_still: Instant,
}

/// Something that has been in flight for another while.
pub struct Still {
    pub address: Address,
    pub doing: Doing,
    pub elapsed: Duration,
    pub waiting: Option<String>,
}

impl InFlight {
    pub fn start(&mut self, address: &Address, doing: Doing, now: Instant) {
        self.starts += 1;
        let next_still = now + STILL;
        self.next_still = Some(self.next_still.map_or(next_still, |n| n.min(next_still)));
        let entry = Entry { order: self.starts, doing, since: now, waiting: None, next_still };
        self.entries.insert(address.clone(), entry);
    }

    pub fn waiting(&mut self, address: &Address, text: &str) {
        if let Some(entry) = self.entries.get_mut(address) {
            entry.waiting = Some(text.to_string());
        }
    }

    /// What was done, and for how long.
    pub fn end(&mut self, address: &Address, now: Instant) -> Option<(Doing, Duration)> {
        let entry = self.entries.remove(address)?;
        Some((entry.doing, now.saturating_duration_since(entry.since)))
    }

    /// What has been in flight for another ten seconds, in the order of the starts.
    pub fn due(&mut self, now: Instant) -> Vec<Still> {
        if self.next_still.is_none_or(|at| now < at) {
            return Vec::new();
        }
        let mut due: Vec<(u64, Still)> = Vec::new();
        for (address, entry) in self.entries.iter_mut().filter(|(_, e)| now >= e.next_still) {
            let elapsed = now.saturating_duration_since(entry.since);
            let (address, waiting) = (address.clone(), entry.waiting.clone());
            due.push((entry.order, Still { address, doing: entry.doing, elapsed, waiting }));
            entry.next_still = now + STILL;
        }
        self.next_still = self.entries.values().map(|e| e.next_still).min();
        due.sort_by_key(|(order, _)| *order);
        due.into_iter().map(|(_, still)| still).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Address, &Entry)> {
        self.entries.iter()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
