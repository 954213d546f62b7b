//! The backends, each against a real server: one suite for all of them.

pub mod beds;
mod command;
mod cut;
mod damage;
mod folder;
mod holders;
mod journals;
mod outage;
pub mod sealing;
mod suite;
