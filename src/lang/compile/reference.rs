//! References, and the attributes, indexes and splats that follow any expression.

use hcl_edit::Decorated;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};

use super::expression::too_deep;
use super::{Compiler, Step};
use crate::lang::expr::{AttrOf, Expr, IndexOf, Kind, OutputOf, Splat};
use crate::lang::scope::Slot;
use crate::model::{Diagnostic, Number, Span, Str, Value};

/// Longer chains of attributes and indexes are refused: each adds a level to the compiled expression.
const MAX_OPERATORS: usize = 200;

type Operators<'o> = &'o [Decorated<TraversalOperator>];

impl Compiler<'_> {
    pub(super) fn variable(&mut self, name: &str, span: Span) -> Expr {
        match self.binding(name) {
            Some(number) => Expr { kind: Kind::Binding(number), span },
            None => self.reference(name, span, &[]),
        }
    }

    pub(super) fn traversal(&mut self, traversal: &Traversal) -> Expr {
        let start = self.span_of(&traversal.expr);
        if traversal.operators.len() > MAX_OPERATORS {
            return self.refuse(too_deep(), start);
        }
        match &traversal.expr {
            Expression::Variable(name) if self.binding(name.as_str()).is_none() => {
                self.reference(name.as_str(), start, &traversal.operators)
            }
            other => {
                let base = self.expression(other);
                self.follow(base, &traversal.operators)
            }
        }
    }

    /// The number of a local binding; the innermost of a name counts.
    fn binding(&self, name: &str) -> Option<u32> {
        self.bindings.iter().rposition(|bound| &**bound == name).map(|n| n as u32)
    }

    fn reference(&mut self, root: &str, start: Span, operators: Operators) -> Expr {
        let steps = self.steps(operators);
        let span = steps.last().map_or(start, |last| start.to(last.span));
        let (slot, used) = match self.resolver.resolve(root, &steps, span) {
            Ok(found) => found,
            Err(diagnostic) => {
                let span = diagnostic.span.unwrap_or(span);
                self.report(diagnostic.at(span));
                return Expr::invalid(span);
            }
        };
        let used = used.min(steps.len());
        let span = used.checked_sub(1).and_then(|n| steps.get(n)).map_or(start, |last| start.to(last.span));
        let rest = operators.get(used..).unwrap_or(&[]);
        match slot {
            Slot::Resource(resource) => self.resource(resource, span, rest),
            Slot::Module(module) => self.module(module, span, rest),
            slot => self.follow(Expr::slot(slot, span), rest),
        }
    }

    /// The attribute names at the beginning.
    fn steps(&self, operators: Operators) -> Vec<Step> {
        let names = operators.iter().map_while(|operator| match operator.value() {
            TraversalOperator::GetAttr(name) => Some(Step { name: name.as_str().into(), span: self.span_of(name) }),
            _ => None,
        });
        names.collect()
    }

    fn resource(&mut self, resource: u32, span: Span, rest: Operators) -> Expr {
        let Some((first, after)) = rest.split_first() else { return Expr::slot(Slot::Resource(resource), span) };
        match self.key(first) {
            Some(key) => {
                let span = span.to(self.operator_span(first, key.span));
                self.follow(Expr { kind: Kind::Instance(resource, Box::new(key)), span }, after)
            }
            None => self.follow(Expr::slot(Slot::Resource(resource), span), rest),
        }
    }

    fn module(&mut self, module: u32, span: Span, rest: Operators) -> Expr {
        let (key, after) = match rest.split_first() {
            Some((first, after)) if is_index(first) => (Some(first), after),
            _ => (None, rest),
        };
        let Some((name, after)) = after.split_first().and_then(|(n, after)| match n.value() {
            TraversalOperator::GetAttr(name) => Some((name, after)),
            _ => None,
        }) else {
            return self.follow(Expr::slot(Slot::Module(module), span), rest);
        };
        let key = key.and_then(|operator| self.key(operator));
        let of = OutputOf { module, key, name: name.as_str().into() };
        let span = span.to(self.span_of(name));
        self.follow(Expr { kind: Kind::Output(Box::new(of)), span }, after)
    }

    /// The key of an index operator.
    fn key(&mut self, operator: &Decorated<TraversalOperator>) -> Option<Expr> {
        match operator.value() {
            TraversalOperator::Index(key) => Some(self.expression(key)),
            TraversalOperator::LegacyIndex(n) => {
                let span = self.span_of(n);
                let number = i64::try_from(**n).map_or_else(|_| Number::from_u64(**n), Number::literal);
                Some(Expr::constant(Value::Number(number), span))
            }
            _ => None,
        }
    }

    /// Applies operators one after the other.
    fn follow(&mut self, mut base: Expr, operators: Operators) -> Expr {
        let mut rest = operators;
        while let Some((operator, after)) = rest.split_first() {
            rest = after;
            base = match operator.value() {
                TraversalOperator::GetAttr(name) => {
                    let name_span = self.span_of(name);
                    let span = base.span.to(name_span);
                    let of = AttrOf { base, name: Str::from(name.as_str()), name_span };
                    Expr { kind: Kind::Attr(Box::new(of)), span }.folded()
                }
                TraversalOperator::Index(_) | TraversalOperator::LegacyIndex(_) => {
                    let Some(key) = self.key(operator) else { continue };
                    let span = base.span.to(self.operator_span(operator, key.span));
                    Expr { kind: Kind::Index(Box::new(IndexOf { base, key })), span }.folded()
                }
                TraversalOperator::FullSplat(_) => {
                    rest = &[];
                    self.splat(base, operator, after)
                }
                TraversalOperator::AttrSplat(_) => {
                    let attribute_only = after.iter().take_while(|o| !is_bracketed(o)).count();
                    let (inner, outer) = after.split_at(attribute_only);
                    if let Some(second) = inner.iter().find(|o| matches!(o.value(), TraversalOperator::AttrSplat(_))) {
                        let span = self.operator_span(second, base.span);
                        let problem = "a splat must not stand inside another attribute-only splat";
                        return self.refuse(Diagnostic::error(problem).help("use [*] for the outer one"), span);
                    }
                    rest = outer;
                    self.splat(base, operator, inner)
                }
            };
        }
        base
    }

    fn splat(&mut self, source: Expr, operator: &Decorated<TraversalOperator>, inner: Operators) -> Expr {
        // The element has no name that an expression could say.
        let binding = self.bind("".into());
        let place = self.operator_span(operator, source.span);
        let each = self.follow(Expr { kind: Kind::Binding(binding), span: place }, inner);
        self.unbind();
        let span = source.span.to(each.span);
        Expr { kind: Kind::Splat(Box::new(Splat { source, binding, each })), span }
    }

    fn operator_span(&self, operator: &Decorated<TraversalOperator>, otherwise: Span) -> Span {
        hcl_edit::Span::span(operator).map_or(otherwise, |range| self.span(range))
    }
}

fn is_index(operator: &Decorated<TraversalOperator>) -> bool {
    matches!(operator.value(), TraversalOperator::Index(_) | TraversalOperator::LegacyIndex(_))
}

fn is_bracketed(operator: &Decorated<TraversalOperator>) -> bool {
    matches!(operator.value(), TraversalOperator::Index(_) | TraversalOperator::FullSplat(_))
}
