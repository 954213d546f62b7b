//! The function library.

/// What functions need from outside: files, clock and randomness.
pub trait Host {}
