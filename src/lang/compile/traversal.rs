//! Traversals that are names, not values: `depends_on`, `ignore_changes`, the addresses of `moved`.

use hcl_edit::expr::{Expression, TraversalOperator};

use super::Compiler;
use crate::model::{Diagnostic, Key, Number, Span, Str, Value};

/// One step of a traversal that is taken as a name.
#[derive(Clone, Debug, PartialEq)]
pub enum TraversalStep {
    /// The root, or an attribute.
    Name(Str, Span),
    /// A constant index.
    Key(Key, Span),
}

impl TraversalStep {
    pub fn span(&self) -> Span {
        match self {
            TraversalStep::Name(_, span) | TraversalStep::Key(_, span) => *span,
        }
    }

    pub fn as_name(&self) -> Option<&Str> {
        match self {
            TraversalStep::Name(name, _) => Some(name),
            TraversalStep::Key(..) => None,
        }
    }
}

/// Reads an expression as names and constant keys: `module.a["x"].aws_vpc.main[0]`. A quoted text is read as the
/// traversal that it contains, as old configurations write it.
pub fn traversal(expression: &Expression, compiler: &Compiler) -> Result<Vec<TraversalStep>, Diagnostic> {
    let span = compiler.span_of(expression);
    let wrong = || Diagnostic::error("a reference was expected").at(span).label("only names and constant keys");
    match expression {
        Expression::Variable(name) => Ok(vec![TraversalStep::Name(name.as_str().into(), span)]),
        Expression::Parenthesis(inner) => traversal(inner.inner(), compiler),
        Expression::String(text) => {
            let inner = crate::lang::parse::expression(text.value()).map_err(|_| wrong())?;
            if matches!(inner, Expression::String(_)) {
                return Err(wrong());
            }
            let place = |step: TraversalStep| match step {
                TraversalStep::Name(name, _) => TraversalStep::Name(name, span),
                TraversalStep::Key(key, _) => TraversalStep::Key(key, span),
            };
            Ok(traversal(&inner, compiler)?.into_iter().map(place).collect())
        }
        Expression::Traversal(t) => {
            let mut steps = match &t.expr {
                Expression::Variable(name) => {
                    vec![TraversalStep::Name(name.as_str().into(), compiler.span_of(&t.expr))]
                }
                _ => return Err(wrong()),
            };
            for operator in &t.operators {
                let step = match operator.value() {
                    TraversalOperator::GetAttr(name) => {
                        TraversalStep::Name(name.as_str().into(), compiler.span_of(name))
                    }
                    TraversalOperator::LegacyIndex(n) => TraversalStep::Key(Key::Index(**n), compiler.span_of(n)),
                    TraversalOperator::Index(key) => {
                        let place = compiler.span_of(key);
                        let key = constant_key(key).ok_or_else(|| {
                            Diagnostic::error("a constant key was expected").at(place).label("a number or a text")
                        })?;
                        TraversalStep::Key(key, place)
                    }
                    TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => return Err(wrong()),
                };
                steps.push(step);
            }
            Ok(steps)
        }
        _ => Err(wrong()),
    }
}

fn constant_key(key: &Expression) -> Option<Key> {
    match key {
        Expression::String(text) => Value::string(text.value().as_str()).as_str().cloned().map(Key::Name),
        Expression::Number(n) => {
            let n = Number::parse(&n.value().to_string())?;
            n.as_i64().and_then(|n| u64::try_from(n).ok()).map(Key::Index)
        }
        Expression::Parenthesis(inner) => constant_key(inner.inner()),
        _ => None,
    }
}
