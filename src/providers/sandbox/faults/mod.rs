//! Faults, latency and quotas that a user orders, and when each of them strikes.

mod grammar;

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::model::Diagnostic;
use crate::provider::{ErrorKind, ProviderError};

/// What shall go wrong, how slow it shall be, and how much there is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Goes into every id and every dice: the same seed gives the same run.
    pub seed: u64,
    rules: Vec<Rule>,
    latency: Vec<(Target, Pause)>,
    pub(super) quotas: Quotas,
}

impl Faults {
    /// A sandbox in which nothing goes wrong and nothing takes time.
    pub fn none() -> Faults {
        Faults::default()
    }

    /// Reads what the user ordered; the grammar stands in the documentation of the sandbox.
    pub fn parse(text: &str) -> Result<Faults, Diagnostic> {
        grammar::parse(text)
    }
}

/// The operations that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Create,
    Read,
    Update,
    Delete,
    List,
    Find,
    Data,
}

/// As clauses write it.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = grammar::OPS.iter().find(|(_, op)| op == self);
        f.write_str(known.map_or("call", |(name, _)| name))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Too many calls; nothing happened.
    Throttle,
    /// The service failed; nothing happened.
    Service,
    /// No permission; nothing happened.
    Denied,
    /// The connection broke before the call arrived; nothing happened.
    Network,
    /// It happened, but the wait for it ended too early.
    Timeout,
    /// It happened in part.
    Partial,
    /// It happened, but the answer did not arrive.
    Lost,
    /// No answer comes until the caller gives up; nothing happened.
    Hang,
    /// The process dies before the call.
    CrashBefore,
    /// The process dies after the call took effect and before anyone learns of it.
    CrashAfter,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    target: Target,
    fault: Fault,
    when: When,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Always,
    /// Of all attempts, this share.
    Share(f64),
    First(u64),
    Nth(u64),
    Every(u64),
}

#[derive(Clone, Debug, PartialEq)]
struct Target {
    ty: String,
    ops: Vec<Op>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Pause {
    from: Duration,
    to: Duration,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Quotas {
    /// Whether the quotas that the cloud has by default hold.
    pub defaults: bool,
    /// Type patterns and how many objects of each type there may be in a region; the last that fits holds.
    pub set: Vec<(String, u64)>,
}

impl Quotas {
    pub fn of(&self, ty: &str, by_default: Option<u64>) -> Option<u64> {
        let set = self.set.iter().rev().find(|(pattern, _)| matches(pattern, ty)).map(|(_, n)| *n);
        set.or(by_default.filter(|_| self.defaults))
    }
}

impl Target {
    fn is(&self, ty: &str, op: Op) -> bool {
        self.ops.contains(&op) && matches(&self.ty, ty)
    }
}

/// Whether a text fits a pattern in which `*` stands for any part and `?` for one character.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            // The last star takes one character more.
            _ => match star {
                Some((after, taken)) => {
                    star = Some((after, taken + 1));
                    p = after;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// Counts attempts and decides what strikes.
pub(super) struct Dice {
    faults: Faults,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    by_rule: HashMap<usize, u64>,
    /// Attempts on one object under one rule: a retry throws the dice again, whatever else runs beside it.
    by_object: HashMap<(usize, String), u64>,
}

impl Dice {
    pub fn new(faults: Faults) -> Dice {
        Dice { faults, counts: Mutex::default() }
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The fault that strikes this attempt on the object, if any.
    pub fn strikes(&self, ty: &str, op: Op, object: &str) -> Option<Fault> {
        // The common case costs nothing.
        if self.faults.rules.is_empty() {
            return None;
        }
        // The counts stay usable when another thread panicked.
        let mut counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut struck = None;
        for (i, rule) in self.faults.rules.iter().enumerate().filter(|(_, r)| r.target.is(ty, op)) {
            let count = counts.by_rule.entry(i).or_default();
            *count += 1;
            let now = match rule.when {
                When::Always => true,
                When::First(n) => *count <= n,
                When::Nth(n) => *count == n,
                When::Every(n) => count.is_multiple_of(n),
                When::Share(share) => {
                    let attempt = counts.by_object.entry((i, object.to_string())).or_default();
                    *attempt += 1;
                    self.unit(&format!("{i}/{ty}/{op:?}/{object}/{attempt}")) < share
                }
            };
            struck = struck.or(now.then_some(rule.fault));
        }
        struck
    }

    /// How long the operation takes; the last clause that fits holds.
    pub fn latency(&self, ty: &str, op: Op, object: &str) -> Duration {
        let fits = self.faults.latency.iter().rev().find(|(target, _)| target.is(ty, op));
        let Some((_, pause)) = fits else { return Duration::ZERO };
        pause.from + (pause.to - pause.from).mul_f64(self.unit(&format!("latency/{ty}/{op:?}/{object}")))
    }

    /// A number of [0, 1) that depends on the seed and the text alone.
    fn unit(&self, text: &str) -> f64 {
        let digest = Sha256::digest(format!("{}/{text}", self.faults.seed).as_bytes());
        let bits = digest.iter().take(6).fold(0_u64, |n, byte| (n << 8) | u64::from(*byte));
        bits as f64 / (1_u64 << 48) as f64
    }
}

impl Fault {
    /// Whether the call takes effect before it fails.
    pub fn comes_after(self) -> bool {
        matches!(self, Fault::Timeout | Fault::Partial | Fault::Lost | Fault::CrashAfter)
    }

    /// What the caller learns.
    pub fn error(self) -> ProviderError {
        let answered = |kind, code: &str, status, message: &str| {
            let mut error = ProviderError::new(kind, message).code(code);
            error.status = Some(status);
            error.request_id = Some("00000000-5a4d-4b0c-8000-000000000000".to_string());
            error
        };
        match self {
            Fault::Throttle => {
                let kind = ErrorKind::Throttled { retry_after: Some(Duration::from_millis(50)) };
                answered(kind, "RequestLimitExceeded", 503, "request limit exceeded (injected by the sandbox)")
            }
            Fault::Service | Fault::Partial => {
                let message = "an internal error has occurred (injected by the sandbox)";
                answered(ErrorKind::Service, "InternalError", 500, message)
            }
            Fault::Denied => {
                let message = "you are not authorized to perform this operation (injected by the sandbox)";
                answered(ErrorKind::Denied, "UnauthorizedOperation", 403, message)
            }
            Fault::Network | Fault::Lost => {
                ProviderError::new(ErrorKind::Network, "the connection was reset (injected by the sandbox)")
            }
            Fault::Timeout | Fault::Hang | Fault::CrashBefore | Fault::CrashAfter => {
                ProviderError::new(ErrorKind::Timeout, "no answer came in time (injected by the sandbox)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, text, expected) in [
            ("*", "aws_vpc", true),
            ("aws_*", "aws_vpc", true),
            ("aws_vpc", "aws_vpc_x", false),
            ("*_vpc", "aws_vpc", true),
            ("a*c_v?c", "aws_vpc", false),
            ("a*s_v?c", "aws_vpc", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn counted_faults_strike_when_they_are_told() {
        let dice =
            Dice::new(Faults::parse("a:create=500@first:2; a:create=throttle@every:4; a:read=hang@nth:3").unwrap());
        let created: Vec<_> = (0..8).map(|_| dice.strikes("a", Op::Create, "x")).collect();
        let (service, throttle) = (Some(Fault::Service), Some(Fault::Throttle));
        assert_eq!(created, [service, service, None, throttle, None, None, None, throttle]);
        let read: Vec<_> = (0..4).map(|_| dice.strikes("a", Op::Read, "x").is_some()).collect();
        assert_eq!(read, [false, false, true, false]);
        assert_eq!(dice.strikes("b", Op::Create, "x"), None);
    }

    #[test]
    fn shares_are_kept_and_depend_on_the_seed_alone() {
        let strikes = |seed: u64| {
            let dice = Dice::new(Faults::parse(&format!("seed={seed}; *=500@30%")).unwrap());
            (0..1000).map(|i| dice.strikes("a", Op::Create, &i.to_string()).is_some()).collect::<Vec<_>>()
        };
        let struck = strikes(1).into_iter().filter(|s| *s).count();
        assert!((250..350).contains(&struck), "{struck}");
        assert_eq!(strikes(1), strikes(1));
        assert_ne!(strikes(1), strikes(2));
        let dice = Dice::new(Faults::parse("latency *:create=10ms..20ms").unwrap());
        let pause = dice.latency("a", Op::Create, "x");
        assert!(pause >= Duration::from_millis(10) && pause <= Duration::from_millis(20));
        assert_eq!(dice.latency("a", Op::Read, "x"), Duration::ZERO);
    }
}
