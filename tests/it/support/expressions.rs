//! Evaluates expressions that refer to nothing, for the tests and the benches.

use terrane::lang::compile::{Resolver, Step, expression_text};
use terrane::lang::functions::{Host, Isolated};
use terrane::lang::scope::{Scope, Slot};
use terrane::lang::text_map::TextMap;
use terrane::model::{Diagnostic, Diagnostics, Key, SourceId, Span, Str, Value};

/// A scope without names.
struct Nowhere;

fn refuse<T>(span: Span) -> Result<T, Diagnostic> {
    Err(Diagnostic::error("there are no names here").at(span))
}

impl Resolver for Nowhere {
    fn resolve(&mut self, _: &str, _: &[Step], span: Span) -> Result<(Slot, usize), Diagnostic> {
        refuse(span)
    }
}

impl Scope for Nowhere {
    fn value(&self, _: &Slot, span: Span) -> Result<Value, Diagnostic> {
        refuse(span)
    }

    fn instance(&self, _: u32, _: &Key, span: Span) -> Result<Value, Diagnostic> {
        refuse(span)
    }

    fn output(&self, _: u32, _: Option<&Key>, _: &Str, span: Span) -> Result<Value, Diagnostic> {
        refuse(span)
    }

    fn host(&self) -> &dyn Host {
        &Isolated
    }
}

/// The text of `jsonencode(expr)`, or what is wrong.
pub fn evaluate(expr: &str) -> Result<String, String> {
    let mut diagnostics = Diagnostics::new();
    let map = TextMap::offset(SourceId(0), 0);
    let text = format!("jsonencode({expr})");
    let compiled = expression_text(&text, &map, &[], &mut Nowhere, &mut diagnostics);
    if let Some(error) = diagnostics.0.iter().find(|d| d.is_error()) {
        return Err(error.summary.clone());
    }
    let value = compiled.eval(&Nowhere).map_err(|d| d.0.first().map(|d| d.summary.clone()).unwrap_or_default())?;
    value.as_str().map(|s| s.to_string()).ok_or_else(|| format!("no string: {value:?}"))
}
