//! What a rule of the proxy applies to, when, and what becomes of the call.

use std::sync::Arc;
use std::time::Duration;

use super::Call;

/// A closure of the test's that runs at a moment of a call.
pub type Hook = Arc<dyn Fn(&Call) + Send + Sync>;

/// Which of the matching calls a rule applies to.
#[derive(Debug, Clone, Copy)]
pub enum When {
    Always,
    First(usize),
    Nth(usize),
    After(usize),
    Every(usize),
}

impl When {
    /// Whether the rule applies to the `n`th matching call, counted from 1.
    fn holds(self, n: usize) -> bool {
        match self {
            When::Always => true,
            When::First(first) => n <= first,
            When::Nth(nth) => n == nth,
            When::After(first) => n > first,
            When::Every(every) => n.is_multiple_of(every),
        }
    }
}

/// What becomes of a call. Several may hold for one call; the first that ends it wins.
#[derive(Clone)]
pub enum Fate {
    Arrived(Hook),
    Delay(Duration),
    Hang,
    Refuse,
    Error { status: u16, code: String, message: String },
    Answer { status: u16, content_type: String, body: String },
    Rewrite { from: String, to: String },
    Answered(Hook),
    LoseAnswer,
    CutAnswer,
}

/// One rule and how many matching calls it has seen.
pub struct Rule {
    pub operation: String,
    pub containing: Option<String>,
    pub when: When,
    pub seen: usize,
    pub fate: Fate,
}

impl Rule {
    /// Counts the call if it matches, and gives the rule's effect if it applies.
    pub fn fate_of(&mut self, call: &Call) -> Option<Fate> {
        let matches = call.is(&self.operation) && self.containing.as_ref().is_none_or(|text| call.contains(text));
        if !matches {
            return None;
        }
        self.seen += 1;
        self.when.holds(self.seen).then(|| self.fate.clone())
    }
}
