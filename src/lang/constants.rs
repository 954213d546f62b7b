//! Expressions that may refer to nothing.

use super::compile::{Resolver, Step};
use super::functions::{Host, Isolated};
use super::scope::{Scope, Slot};
use crate::model::{Diagnostic, Key, Span, Str, Value};

/// A scope without names; it holds what is told of whoever refers to something.
#[derive(Clone, Copy, Debug)]
pub struct Constants(pub &'static str);

impl Constants {
    fn refuse<T>(&self, span: Span) -> Result<T, Diagnostic> {
        Err(Diagnostic::error(self.0).at(span))
    }
}

impl Resolver for Constants {
    fn resolve(&mut self, root: &str, _: &[Step], span: Span) -> Result<(Slot, usize), Diagnostic> {
        let label = format!("\"{root}\" is a reference");
        self.refuse(span).map_err(|error| error.label(label).help("put texts between quotes"))
    }
}

impl Scope for Constants {
    fn value(&self, _: &Slot, span: Span) -> Result<Value, Diagnostic> {
        self.refuse(span)
    }

    fn instance(&self, _: u32, _: &Key, span: Span) -> Result<Value, Diagnostic> {
        self.refuse(span)
    }

    fn output(&self, _: u32, _: Option<&Key>, _: &Str, span: Span) -> Result<Value, Diagnostic> {
        self.refuse(span)
    }

    fn host(&self) -> &dyn Host {
        &Isolated
    }
}
