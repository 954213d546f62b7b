//! From the syntax tree of the sources to compiled expressions.
//!
//! Compiling resolves every name once, so that evaluation never looks one up, and folds what is constant. What is
//! wrong is reported and leaves an expression that evaluates to unknown: one run finds all errors.

mod call;
mod expression;
mod pieces;
mod reference;
mod template;
mod text;
mod traversal;

pub use text::{expression_text, limit, open_string, syntax_error, template_text};
pub use traversal::{TraversalStep, traversal};

use std::ops::Range;

use super::expr::Expr;
use super::functions::{self, Found};
use super::scope::Slot;
use super::text_map::TextMap;
use crate::model::{Diagnostic, Diagnostics, SourceId, Span, Str};

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

    /// The function that `provider::NAME::FUNCTION` means, `name` being the provider's local name. Without a
    /// configuration, the names are the providers' own, and only the language's builtin provider is there.
    fn provider_function(&mut self, name: &str, function: &str) -> Option<Found> {
        functions::lookup(&format!("provider::{name}::{function}")).map(Found::Library)
    }
}

/// Expressions nested deeper than this are refused: they would exhaust the stack when they are evaluated.
const MAX_DEPTH: u32 = 400;

/// Compiles the expressions of one text.
pub struct Compiler<'a> {
    /// What the syntax tree was parsed from: its spans are offsets in this text.
    text: &'a str,
    map: TextMap,
    resolver: &'a mut dyn Resolver,
    diagnostics: &'a mut Diagnostics,
    bindings: Vec<Str>,
    depth: u32,
    /// Whether this is the text of a template that another expression renders: it must not render more.
    in_rendered_template: bool,
}

/// Compiles one expression of a syntax tree that was parsed from `text`, which begins at the offset `base` of the
/// source.
pub fn expression(
    expression: &hcl_edit::expr::Expression,
    text: &str,
    source: SourceId,
    base: usize,
    resolver: &mut dyn Resolver,
    diagnostics: &mut Diagnostics,
) -> Expr {
    Compiler::new(text, TextMap::offset(source, base), resolver, diagnostics).expression(expression)
}

impl<'a> Compiler<'a> {
    /// A compiler for a syntax tree that was parsed from `text`, which stands in the sources where `map` says.
    pub fn new(
        text: &'a str,
        map: TextMap,
        resolver: &'a mut dyn Resolver,
        diagnostics: &'a mut Diagnostics,
    ) -> Compiler<'a> {
        Compiler { text, map, resolver, diagnostics, bindings: Vec::new(), depth: 0, in_rendered_template: false }
    }

    /// The same with names that are local bindings already, outermost first, numbered from 0.
    pub fn with_bindings(mut self, bindings: &[Str]) -> Compiler<'a> {
        self.bindings = bindings.to_vec();
        self
    }

    pub(super) fn for_rendered_template(mut self) -> Compiler<'a> {
        self.in_rendered_template = true;
        self
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

    /// The local bindings, outermost first.
    pub fn bindings(&self) -> &[Str] {
        &self.bindings
    }

    /// Where a range of the text stands.
    pub fn span(&self, range: Range<usize>) -> Span {
        self.map.span(range.start, range.end)
    }

    /// Reports something about the text.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports an error and gives the expression that stands for what is wrong.
    fn refuse(&mut self, diagnostic: Diagnostic, span: Span) -> Expr {
        self.diagnostics.push(diagnostic.at(span));
        Expr::invalid(span)
    }

    fn span_of(&self, node: &impl hcl_edit::Span) -> Span {
        self.span(node.span().unwrap_or_default())
    }
}
