//! The backends, each against a real server: one suite for all of them.

mod beds;
mod command;
mod cut;
mod holders;
mod outage;
mod sealing;
mod suite;
