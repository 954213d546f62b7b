//! The providers, one folder each, and the slice that registers them.

#[cfg(feature = "aws")]
pub mod aws;
pub mod builtin;
pub mod sandbox;
