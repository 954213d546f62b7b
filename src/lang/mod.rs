//! Expressions: compiled once with references resolved to slots, evaluated on demand.
//!
//! - [`parse`] gives the syntax tree of a text.
//! - [`compile`] turns the syntax tree of the sources into [`expr::Expr`], with every name resolved to a
//!   [`scope::Slot`] or a numbered binding, constant parts folded and functions looked up.
//! - [`eval`] gives an expression its value in a [`scope::Scope`]. Unknown parts stay unknown with the right type,
//!   and marks follow every value.
//! - [`body_eval`] gives the object of a block under its schema; [`body_check`] says what is wrong with a block
//!   before anything is evaluated.
//! - [`type_expr`] reads type constraints, [`convert`] fits values to types, [`functions`] is the library.

pub mod body;
pub mod body_check;
pub mod body_eval;
pub mod compile;
pub mod constants;
pub mod convert;
pub mod eval;
pub mod expr;
pub mod functions;
pub mod limits;
pub mod parse;
pub mod scope;
pub mod text_map;
pub mod type_expr;
pub mod unify;

#[cfg(test)]
mod tests_body;
