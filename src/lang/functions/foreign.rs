//! Functions from outside of the library: those that providers bring along.

use std::fmt;
use std::sync::Arc;

use super::{CallError, Function};
use crate::model::{Type, Value};

/// A function that is no part of the language. It depends on its arguments alone.
pub trait Foreign: Send + Sync {
    /// As the configuration can call it: `provider::aws::arn_parse`.
    fn name(&self) -> &str;
    /// The type of the result, where the arguments are not known yet.
    fn returns(&self) -> Type;
    /// The arguments come without marks and wholly known; nothing else is promised of them.
    fn call(&self, args: &[Value]) -> Result<Value, CallError>;
}

/// What the name of a provider's function stands for.
#[derive(Clone)]
pub enum Found {
    Library(&'static Function),
    Foreign(Arc<dyn Foreign>),
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Found::Library(function) => function.name,
            Found::Foreign(function) => function.name(),
        })
    }
}
