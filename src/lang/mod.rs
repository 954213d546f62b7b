//! Expressions: compiled once with references resolved to slots, evaluated on demand.

pub mod convert;
pub mod unify;
