//! What the integration tests stand on: real API servers, a proxy that misbehaves on demand, and the command itself.
//!
//! - [`moto`] and [`ministack`] start an AWS emulator on 127.0.0.1 and end it with the test.
//! - [`proxy`] stands before one of them: counts calls, delays them, breaks them.
//! - [`boto`] changes things there behind the command's back, and lists what is there.
//! - [`aws`] connects the AWS provider to one of them.
//! - [`cli`] runs the built command in a folder of its own and turns what it said into a snapshot.
//! - [`disk`] is a disk that is full, or that can only be read.
//! - [`expressions`] evaluates what refers to nothing.
//! - [`session`] has the settings of a session within the test's process.
//! - [`terminal`] runs it where it has a terminal.

#![allow(dead_code, reason = "a shared vocabulary: not every test file uses every word")]

#[cfg(feature = "aws")]
pub mod aws;
pub mod boto;
pub mod cli;
pub mod disk;
pub mod expressions;
pub mod ministack;
pub mod moto;
pub mod normalise;
pub mod proxy;
pub mod python;
pub mod session;
pub mod sshd;
pub mod terminal;
pub mod wire;
