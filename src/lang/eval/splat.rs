//! Splats: the same part of every element.

use super::{Env, Evaluated};
use crate::lang::expr::{Expr, Kind, Splat};
use crate::model::value::{Refinement, Unknown};
use crate::model::{Type, Value};

impl Expr {
    pub(super) fn splat(&self, splat: &Splat, env: &mut Env) -> Evaluated {
        let source = splat.source.value(env)?;
        let (bare, marks) = source.unmark();
        let result = match bare {
            Value::Tuple(items) => Value::tuple(self.each(splat, items, env)?),
            Value::List(s) | Value::Set(s) => {
                let items = self.each(splat, &s.items, env)?;
                self.list_of(splat, &s.element, items, env)?
            }
            Value::Null(Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
                return Err(splat.source.problem("a splat cannot be applied to a list that is null"));
            }
            Value::Null(_) => Value::tuple(Vec::new()),
            Value::Unknown(u) => self.splat_unknown(splat, u, bare, env)?,
            // What is no list is a list of one.
            single => Value::tuple(self.each(splat, std::slice::from_ref(single), env)?),
        };
        Ok(result.mark(marks))
    }

    fn each(&self, splat: &Splat, items: &[Value], env: &mut Env) -> Result<Vec<Value>, Box<crate::model::Diagnostic>> {
        if let Kind::Binding(n) = splat.each.kind
            && n == splat.binding
        {
            return Ok(items.to_vec());
        }
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            env.bind(splat.binding, item.clone());
            parts.push(splat.each.value(env)?);
        }
        Ok(parts)
    }

    /// A list of the parts, where they are of one type.
    fn list_of(&self, splat: &Splat, element: &Type, items: Vec<Value>, env: &mut Env) -> Evaluated {
        let ty = match items.first() {
            Some(first) => first.ty(),
            None => self.part_of(splat, element, env)?.ty(),
        };
        if items.iter().all(|item| item.ty() == ty) { Ok(Value::list(ty, items)) } else { Ok(Value::tuple(items)) }
    }

    fn splat_unknown(&self, splat: &Splat, unknown: &Unknown, whole: &Value, env: &mut Env) -> Evaluated {
        match &unknown.ty {
            Type::Dynamic => Ok(Value::unknown(Type::Dynamic)),
            Type::List(element) | Type::Set(element) => {
                let part = self.part_type(splat, element, env);
                let known = &unknown.refinement;
                let refinement = Refinement {
                    not_null: true,
                    // A set of unknowns may shrink, the list of its parts is as long as the set.
                    min_length: known.min_length,
                    max_length: known.max_length,
                    ..Refinement::default()
                };
                Ok(Value::refined(Type::list(part), refinement))
            }
            Type::Tuple(elements) => {
                let items: Vec<Value> = elements.iter().map(|ty| Value::unknown(ty.clone())).collect();
                Ok(Value::tuple(self.each(splat, &items, env)?))
            }
            _ if unknown.refinement.not_null => Ok(Value::tuple(self.each(splat, std::slice::from_ref(whole), env)?)),
            // It may turn out to be null, which gives an empty tuple.
            _ => Ok(Value::unknown(Type::Dynamic)),
        }
    }

    /// The type of a part of an element that is not known yet.
    fn part_type(&self, splat: &Splat, element: &Type, env: &mut Env) -> Type {
        self.part_of(splat, element, env).map_or(Type::Dynamic, |part| part.ty())
    }

    /// The part, where no element shows it.
    fn part_of(&self, splat: &Splat, element: &Type, env: &mut Env) -> Evaluated {
        env.bind(splat.binding, Value::unknown(element.clone()));
        splat.each.value(env)
    }
}
