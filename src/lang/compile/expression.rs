//! Expressions of every kind but references, calls and templates.

use hcl_edit::expr::{BinaryOperator, Conditional, Expression, ForExpr, UnaryOperator};
use hcl_edit::{Formatted, Span as _};

use super::{Compiler, MAX_DEPTH};
use crate::lang::expr::{BinaryOp, Expr, For, Kind, UnaryOp};
use crate::lang::parse::{self, Key};
use crate::model::{Diagnostic, Number, Span, Value};

impl Compiler<'_> {
    /// Compiles an expression of the syntax tree. What is wrong with it goes to the diagnostics; the result then
    /// evaluates to unknown.
    pub fn expression(&mut self, expression: &Expression) -> Expr {
        self.depth += 1;
        let compiled = if self.depth > MAX_DEPTH {
            let span = self.span_of(expression);
            self.refuse(too_deep(), span)
        } else {
            self.kind(expression)
        };
        self.depth -= 1;
        compiled
    }

    fn kind(&mut self, expression: &Expression) -> Expr {
        let span = self.span_of(expression);
        match expression {
            Expression::Null(_) => Expr::constant(Value::NULL, span),
            Expression::Bool(b) => Expr::constant(Value::Bool(**b), span),
            Expression::Number(n) => self.number(n, span),
            Expression::String(text) => {
                self.check_one_line(text.span());
                Expr::constant(Value::string(text.value().as_str()), span)
            }
            Expression::Array(items) => match self.entries(expression) {
                Some(entries) => self.object(entries, span),
                None => {
                    let items = items.iter().map(|item| self.expression(item)).collect();
                    Expr::tuple(items, span)
                }
            },
            Expression::Object(_) => self.object(self.entries(expression).unwrap_or_default(), span),
            Expression::StringTemplate(template) => self.quoted_template(template, span),
            Expression::HeredocTemplate(heredoc) => self.heredoc(heredoc, span),
            Expression::Parenthesis(inner) => self.expression(inner.inner()),
            Expression::Variable(name) => self.variable(name.as_str(), span),
            Expression::Traversal(traversal) => self.traversal(traversal),
            Expression::FuncCall(call) => self.call(call, span),
            Expression::Conditional(parts) => self.conditional(parts),
            Expression::UnaryOp(op) => {
                let operator = match op.operator.value() {
                    UnaryOperator::Neg => UnaryOp::Negate,
                    UnaryOperator::Not => UnaryOp::Not,
                };
                let operand = self.expression(&op.expr);
                let span = self.span(op.operator.span().unwrap_or_default()).to(operand.span);
                Expr { kind: Kind::Unary(operator, Box::new(operand)), span }.folded()
            }
            Expression::BinaryOp(op) => {
                let left = self.expression(&op.lhs_expr);
                let right = self.expression(&op.rhs_expr);
                // Only the outermost operation of a chain has a place of its own in the syntax tree.
                let span = left.span.to(right.span);
                Expr { kind: Kind::Binary(binary(*op.operator.value()), Box::new((left, right))), span }.folded()
            }
            Expression::ForExpr(e) => self.for_expression(e, span),
        }
    }

    fn number(&mut self, number: &Formatted<hcl_edit::Number>, span: Span) -> Expr {
        // The parser rounds to doubles: the digits are read again as they are written.
        let written = match number.span().and_then(|range| self.text.get(range)) {
            Some(text) => text.chars().filter(|c| !c.is_whitespace()).collect(),
            None => number.value().to_string(),
        };
        match Number::parse(&written) {
            Some(number) => Expr::constant(Value::Number(number), span),
            None => self.refuse(Diagnostic::error(format!("the number \"{written}\" is too large")), span),
        }
    }

    fn conditional(&mut self, parts: &Conditional) -> Expr {
        let condition = self.expression(&parts.cond_expr);
        let yes = self.expression(&parts.true_expr);
        let no = self.expression(&parts.false_expr);
        let span = condition.span.to(no.span);
        Expr { kind: Kind::Conditional(Box::new((condition, yes, no))), span }.folded()
    }

    /// Keys and values, where an expression is an object as written.
    pub fn entries<'e>(&self, expression: &'e Expression) -> Option<Vec<(Key<'e>, &'e Expression)>> {
        parse::entries(expression, self.text)
    }

    fn object(&mut self, written: Vec<(Key<'_>, &Expression)>, span: Span) -> Expr {
        let mut entries: Vec<(Expr, Expr)> = Vec::with_capacity(written.len());
        for (key, value) in written {
            let key = match key {
                Key::Name(name) => {
                    let span = self.span_of(name);
                    Expr::constant(Value::string(name.as_str()), span)
                }
                // Keywords stand for themselves as keys; in parentheses they are values.
                Key::Expression(e @ (Expression::Null(_) | Expression::Bool(_))) => {
                    let word = match e.as_bool() {
                        Some(true) => "true",
                        Some(false) => "false",
                        None => "null",
                    };
                    let span = self.span_of(e);
                    Expr::constant(Value::string(word), span)
                }
                Key::Expression(e) => self.expression(e),
            };
            let value = self.expression(value);
            entries.push((key, value));
        }
        Expr::computed_object(entries, span)
    }

    fn for_expression(&mut self, e: &ForExpr, span: Span) -> Expr {
        let source = self.expression(&e.intro.collection_expr);
        let key_binding = e.intro.key_var.as_ref().map(|name| self.bind(name.as_str().into()));
        let value_binding = self.bind(e.intro.value_var.as_str().into());
        let key = e.key_expr.as_ref().map(|key| self.expression(key));
        let value = self.expression(&e.value_expr);
        let condition = e.cond.as_ref().map(|condition| self.expression(&condition.expr));
        self.unbind();
        if key_binding.is_some() {
            self.unbind();
        }
        let grouping = e.grouping;
        let parts = For { source, key_binding, value_binding, key, value, condition, grouping };
        Expr { kind: Kind::For(Box::new(parts)), span }
    }
}

pub(super) fn too_deep() -> Diagnostic {
    Diagnostic::error("the expression is nested too deeply").help("move inner parts into local values")
}

fn binary(operator: BinaryOperator) -> BinaryOp {
    match operator {
        BinaryOperator::Or => BinaryOp::Or,
        BinaryOperator::And => BinaryOp::And,
        BinaryOperator::Eq => BinaryOp::Equal,
        BinaryOperator::NotEq => BinaryOp::NotEqual,
        BinaryOperator::Less => BinaryOp::Less,
        BinaryOperator::LessEq => BinaryOp::LessEqual,
        BinaryOperator::Greater => BinaryOp::Greater,
        BinaryOperator::GreaterEq => BinaryOp::GreaterEqual,
        BinaryOperator::Plus => BinaryOp::Add,
        BinaryOperator::Minus => BinaryOp::Subtract,
        BinaryOperator::Mul => BinaryOp::Multiply,
        BinaryOperator::Div => BinaryOp::Divide,
        BinaryOperator::Mod => BinaryOp::Modulo,
    }
}
