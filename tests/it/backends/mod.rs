//! The backends, each against a real server: one suite for all of them.

pub mod beds;
mod command;
mod cut;
mod holders;
mod outage;
pub mod sealing;
mod suite;
