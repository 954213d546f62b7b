//! Expressions: compiled once with references resolved to slots, evaluated on demand.
