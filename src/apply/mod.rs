//! Runs the steps of a plan and journals each one.
//!
//! One task owns the values and the schedule; the calls of drivers run beside it. A step starts the moment that
//! its last predecessor ended well. A step that fails stops those that wait for it and no others.

mod cloud;
mod effect;
mod ephemeral;
mod event;
mod outcome;
mod prepare;
mod provision;
mod rows;
mod run;
mod secrets;
mod steps;
mod turns;
mod unfinished;

pub use cloud::Cloud;
pub use event::{Event, Observer, Silent, Verb};
pub use outcome::{Fate, Outcome, Tally, Unfinished};
pub use rows::{deposed_key, reinstated};
pub use run::{Input, Stop, run};
pub use secrets::with_secrets;
