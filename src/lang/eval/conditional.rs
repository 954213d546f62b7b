//! `condition ? a : b`: the result has the one type that both arms convert to.

use super::{Env, Evaluated};
use crate::lang::convert::convert;
use crate::lang::expr::{Expr, Kind, UnaryOp};
use crate::lang::unify::unify;
use crate::model::value::Refinement;
use crate::model::{Diagnostic, Type, Value};

impl Expr {
    pub(super) fn conditional(&self, parts: &(Expr, Expr, Expr), env: &mut Env) -> Evaluated {
        let (condition_expr, yes_expr, no_expr) = parts;
        let condition = condition_expr.condition(env)?;
        let (condition, marks) = condition.unmark();
        // Both arms are evaluated for the type; an error counts only in the arm that is taken.
        let (yes, no) = (yes_expr.value(env), no_expr.value(env));
        let result = match condition.as_bool() {
            Some(true) => {
                let other = no.as_ref().map_or_else(|_| no_expr.written_type(env), arm_type);
                self.arm(yes?, other)?
            }
            Some(false) => {
                let other = yes.as_ref().map_or_else(|_| yes_expr.written_type(env), arm_type);
                self.arm(no?, other)?
            }
            None => self.undecided(yes?, no?)?,
        };
        Ok(result.mark(marks))
    }

    /// The value as a bool that is known or unknown, never null.
    fn condition(&self, env: &mut Env) -> Evaluated {
        let value = self.value(env)?;
        match value.bare() {
            Value::Bool(_) => return Ok(value),
            Value::Null(_) => return Err(self.problem("the condition is null")),
            _ => (),
        }
        convert(&value, &Type::Bool)
            .map_err(|e| Box::new(Diagnostic::error("the condition must be a bool").at(self.span).label(e.to_string())))
    }

    /// The value of the arm that is taken, in the type that it shares with the other.
    fn arm(&self, value: Value, other: Type) -> Evaluated {
        let own = arm_type(&value);
        // A type that is not known yet leaves the common type open.
        if own == other || other == Type::Dynamic || (own == Type::Dynamic && value.is_unknown()) {
            return Ok(value);
        }
        let ty = self.common_type(&own, &other)?;
        convert(&value, &ty).map_err(|e| self.mismatch(&own, &other, Some(e.to_string())))
    }

    /// The type that shows in how an expression is written that cannot be evaluated.
    fn written_type(&self, env: &mut Env) -> Type {
        let open = |count| Type::tuple(vec![Type::Dynamic; count]);
        match &self.kind {
            Kind::Literal(value) => arm_type(value),
            Kind::Template(_) | Kind::Join(_) => Type::String,
            Kind::Unary(UnaryOp::Negate, _) => Type::Number,
            Kind::Unary(UnaryOp::Not, _) => Type::Bool,
            Kind::Binary(op, _) if op.is_arithmetic() => Type::Number,
            Kind::Binary(..) => Type::Bool,
            Kind::Tuple(items) => Type::tuple(items.iter().map(|item| item.element_type(env)).collect()),
            Kind::Object(entries) => Type::object(entries.iter().map(|(name, e)| (name.clone(), e.element_type(env)))),
            Kind::ComputedObject(entries) => {
                let entry = |(key, e): &(Expr, Expr)| Some((key.literal()?.as_str()?.clone(), e.element_type(env)));
                entries.iter().map(entry).collect::<Option<Vec<_>>>().map_or(Type::Dynamic, Type::object)
            }
            Kind::Attr(of) => match of.base.written_type(env) {
                Type::Object(object) => {
                    let attr = object.attrs.iter().find(|(name, _)| *name == of.name);
                    attr.map_or(Type::Dynamic, |(_, ty)| ty.clone())
                }
                _ => Type::Dynamic,
            },
            Kind::Splat(splat) => match splat.source.written_type(env) {
                Type::Tuple(items) => open(items.len()),
                Type::Object(_) | Type::Bool | Type::Number | Type::String => open(1),
                _ => Type::Dynamic,
            },
            Kind::For(of) if of.key.is_none() && of.condition.as_ref().is_none_or(|c| c.literal().is_some()) => {
                match of.source.written_type(env) {
                    Type::Tuple(items) => open(items.len()),
                    Type::Object(object) => open(object.attrs.len()),
                    _ => Type::Dynamic,
                }
            }
            Kind::Conditional(parts) => Expr::written_choice(parts, env),
            _ => Type::Dynamic,
        }
    }

    fn written_choice((condition, yes_expr, no_expr): &(Expr, Expr, Expr), env: &mut Env) -> Type {
        let (yes, no) = (yes_expr.element_type(env), no_expr.element_type(env));
        let is_null = |arm: &Expr| arm.literal().is_some_and(Value::is_null);
        match condition.literal().and_then(Value::as_bool) {
            _ if yes == no || is_null(no_expr) => yes,
            _ if is_null(yes_expr) => no,
            _ if yes != Type::Dynamic && no != Type::Dynamic => unify(&[yes, no]).unwrap_or(Type::Dynamic),
            Some(true) => yes,
            Some(false) => no,
            None => Type::Dynamic,
        }
    }

    /// The type of an element of what cannot be evaluated: it may be another that fails. Not evaluated again within
    /// what is: arms within arms would cost twice as much with each.
    fn element_type(&self, env: &mut Env) -> Type {
        if !std::mem::replace(&mut env.again, true) {
            let value = self.value(env);
            env.again = false;
            if let Ok(value) = value {
                return arm_type(&value);
            }
        }
        self.written_type(env)
    }

    fn undecided(&self, yes: Value, no: Value) -> Evaluated {
        let (own, other) = (arm_type(&yes), arm_type(&no));
        let ty = match (&own, &other) {
            _ if own == other => own,
            // A null of no type takes the type of the other arm; what is unknown leaves everything open.
            (Type::Dynamic, _) if !yes.is_null() => Type::Dynamic,
            (_, Type::Dynamic) if !no.is_null() => Type::Dynamic,
            (Type::Dynamic, _) => other,
            (_, Type::Dynamic) => own,
            _ => self.common_type(&own, &other)?,
        };
        let marks = yes.all_marks() | no.all_marks();
        // What is certain of both arms, in the type that they come to.
        let certain =
            |value: &Value| convert(value.bare(), &ty).map_or_else(|_| Refinement::default(), |v| Refinement::of(&v));
        let refinement = certain(&yes).either(certain(&no));
        let unknown = if ty == Type::Dynamic { Value::unknown(ty) } else { Value::refined(ty, refinement) };
        Ok(unknown.mark(marks))
    }

    fn common_type(&self, own: &Type, other: &Type) -> Result<Type, Box<Diagnostic>> {
        match (own, other) {
            (Type::Dynamic, ty) | (ty, Type::Dynamic) => Ok(ty.clone()),
            _ => unify(&[own.clone(), other.clone()]).ok_or_else(|| self.mismatch(own, other, None)),
        }
    }

    fn mismatch(&self, own: &Type, other: &Type, why: Option<String>) -> Box<Diagnostic> {
        let problem = Diagnostic::error("the two results of the condition have types that do not fit together");
        let label = format!("one is {}, the other {}", own.friendly(), other.friendly());
        let problem = problem.at(self.span).label(label);
        Box::new(match why {
            Some(why) => problem.detail(why),
            None => problem,
        })
    }
}

fn arm_type(value: &Value) -> Type {
    value.bare().ty()
}
