//! Arithmetic, comparison and logic.

use super::{Env, Evaluated, equality, unknown_not_null};
use crate::lang::convert::convert;
use crate::lang::expr::{BinaryOp, Expr, UnaryOp};
use crate::model::number::NumberError;
use crate::model::value::Refinement;
use crate::model::{Diagnostic, Number, Type, Value};

impl Expr {
    pub(super) fn unary(&self, operator: UnaryOp, operand: &Expr, env: &mut Env) -> Evaluated {
        let wanted = match operator {
            UnaryOp::Not => Type::Bool,
            UnaryOp::Negate => Type::Number,
        };
        let value = operand.operand(operand.value(env)?, &wanted)?;
        let (bare, marks) = value.unmark();
        let result = match (operator, bare) {
            (UnaryOp::Not, Value::Bool(b)) => Value::Bool(!b),
            (UnaryOp::Negate, Value::Number(n)) => Value::Number(n.negate()),
            _ => unknown_not_null(wanted),
        };
        Ok(result.mark(marks))
    }

    pub(super) fn binary(&self, operator: BinaryOp, operands: &(Expr, Expr), env: &mut Env) -> Evaluated {
        let (left, right) = (operands.0.value(env)?, operands.1.value(env)?);
        match operator {
            BinaryOp::Equal => return Ok(equality::equals(&left, &right)),
            BinaryOp::NotEqual => {
                let equal = equality::equals(&left, &right);
                let (bare, marks) = equal.unmark();
                return Ok(bare.as_bool().map_or_else(|| bare.clone(), |b| Value::Bool(!b)).mark(marks));
            }
            _ => (),
        }
        let wanted = match operator {
            BinaryOp::And | BinaryOp::Or => Type::Bool,
            _ => Type::Number,
        };
        let left = operands.0.operand(left, &wanted)?;
        let right = operands.1.operand(right, &wanted)?;
        let ((a, left_marks), (b, right_marks)) = (left.unmark(), right.unmark());
        let result = match (a, b) {
            (Value::Number(a), Value::Number(b)) => self.calculate(operator, a, b)?,
            (Value::Bool(a), Value::Bool(b)) => Value::Bool(match operator {
                BinaryOp::And => *a && *b,
                _ => *a || *b,
            }),
            _ => match ordered(operator, a, b) {
                Some(known) => Value::Bool(known),
                None => unknown_not_null(result_type(operator)),
            },
        };
        Ok(result.mark(left_marks | right_marks))
    }

    fn calculate(&self, operator: BinaryOp, a: &Number, b: &Number) -> Evaluated {
        let number = match operator {
            BinaryOp::Less => return Ok(Value::Bool(a < b)),
            BinaryOp::LessEqual => return Ok(Value::Bool(a <= b)),
            BinaryOp::Greater => return Ok(Value::Bool(a > b)),
            BinaryOp::GreaterEqual => return Ok(Value::Bool(a >= b)),
            BinaryOp::Add => a.add(b),
            BinaryOp::Subtract => a.subtract(b),
            BinaryOp::Multiply => a.multiply(b),
            BinaryOp::Divide => a.divide(b),
            _ => a.modulo(b),
        };
        number.map(Value::Number).map_err(|e: NumberError| self.problem(e.to_string()))
    }

    /// A value of the expression as an operand of the type that an operator works on.
    fn operand(&self, value: Value, wanted: &Type) -> Evaluated {
        let fits = match (value.bare(), wanted) {
            (Value::Null(_), _) => return Err(self.problem("the operand is null")),
            (Value::Number(_), Type::Number) | (Value::Bool(_), Type::Bool) => true,
            _ => false,
        };
        if fits {
            return Ok(value);
        }
        convert(&value, wanted).map_err(|e| {
            let problem = format!("the operand must be a {}", wanted.friendly());
            Box::new(Diagnostic::error(problem).at(self.span).label(e.to_string()))
        })
    }
}

/// What a comparison gives by the bounds of its operands.
fn ordered(operator: BinaryOp, a: &Value, b: &Value) -> Option<bool> {
    let (a, b) = (Refinement::of(a), Refinement::of(b));
    match operator {
        BinaryOp::Less => a.less(&b, false),
        BinaryOp::LessEqual => a.less(&b, true),
        BinaryOp::Greater => b.less(&a, false),
        BinaryOp::GreaterEqual => b.less(&a, true),
        _ => None,
    }
}

fn result_type(operator: BinaryOp) -> Type {
    match operator {
        BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => Type::Number,
        _ => Type::Bool,
    }
}
