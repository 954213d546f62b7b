//! From the syntax tree of the sources to compiled expressions.

use super::expr::Expr;
use super::scope::Slot;
use super::text_map::TextMap;
use crate::model::{Diagnostic, Diagnostics, Span, Str};

/// A constant attribute name that follows the root of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: Str,
    pub span: Span,
}

/// Finds what a name means.
pub trait Resolver {
    /// The slot that a root name and the attribute names that follow it mean, and how many of those names belong
    /// to it: `aws_vpc` followed by `main`, `id` is a resource slot and one name. `span` covers the root and the
    /// names. The error says what is not declared.
    fn resolve(&mut self, root: &str, steps: &[Step], span: Span) -> Result<(Slot, usize), Diagnostic>;
}

/// Compiles the expressions of one text.
pub struct Compiler<'a> {
    /// What the syntax tree was parsed from: its spans are offsets in this text.
    #[expect(dead_code, reason = "used once templates are compiled")]
    text: &'a str,
    map: TextMap,
    #[expect(dead_code, reason = "used once references are compiled")]
    resolver: &'a mut dyn Resolver,
    #[expect(dead_code, reason = "used once references are compiled")]
    diagnostics: &'a mut Diagnostics,
    bindings: Vec<Str>,
}

impl<'a> Compiler<'a> {
    pub fn new(
        text: &'a str,
        map: TextMap,
        resolver: &'a mut dyn Resolver,
        diagnostics: &'a mut Diagnostics,
    ) -> Compiler<'a> {
        Compiler { text, map, resolver, diagnostics, bindings: Vec::new() }
    }

    /// Makes a name known as a local binding until [`Compiler::unbind`]; the number goes into
    /// [`super::body::Dynamic::binding`].
    pub fn bind(&mut self, name: Str) -> u32 {
        self.bindings.push(name);
        (self.bindings.len() - 1) as u32
    }

    /// Forgets the binding that was made last.
    pub fn unbind(&mut self) {
        self.bindings.pop();
    }

    /// Compiles an expression of the syntax tree. What is wrong with it goes to the diagnostics; the result then
    /// evaluates to unknown.
    pub fn expression(&mut self, expression: &hcl_edit::expr::Expression) -> Expr {
        let range = hcl_edit::Span::span(expression).unwrap_or_default();
        Expr::invalid(self.map.span(range.start, range.end))
    }
}
