//! Values of expressions.
//!
//! Unknown operands give unknown results of the type that the result will have, with what is certain about it.
//! The marks of all that a result was made from are on the result.

mod call;
mod conditional;
mod equality;
mod fold;
mod for_expr;
mod operators;
mod splat;
mod template;
mod traversal;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_limits;
#[cfg(test)]
mod tests_render;
#[cfg(test)]
mod tests_unknown;

use super::expr::{Expr, Kind};
use super::limits;
use super::scope::Scope;
use crate::model::{Diagnostic, Diagnostics, Fields, Marks, Number, Str, Type, Value};

/// Boxed, because diagnostics are large and results are passed through every level of an expression.
type Evaluated = Result<Value, Box<Diagnostic>>;

/// Expressions nest no deeper than the compiler allows; front ends that build expressions themselves may.
const MAX_DEPTH: u32 = 600;

/// What an evaluation reads: the scope, and the values of local bindings.
pub struct Env<'s> {
    scope: &'s dyn Scope,
    bindings: Vec<Value>,
    depth: u32,
    /// How many elements `for` expressions went through.
    rounds: u64,
    /// Whether what is evaluated failed before, as a whole, and is looked at for the types of its parts.
    again: bool,
}

impl<'s> Env<'s> {
    pub fn new(scope: &'s dyn Scope) -> Env<'s> {
        Env { scope, bindings: Vec::new(), depth: 0, rounds: 0, again: false }
    }

    pub fn scope(&self) -> &'s dyn Scope {
        self.scope
    }

    /// Gives a local binding its value.
    pub fn bind(&mut self, binding: u32, value: Value) {
        let at = binding as usize;
        if self.bindings.len() <= at {
            self.bindings.resize(at + 1, Value::NULL);
        }
        if let Some(place) = self.bindings.get_mut(at) {
            *place = value;
        }
    }
}

impl Expr {
    /// The value in a scope, for expressions that stand under no local binding.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, Diagnostics> {
        if let Kind::Literal(value) = &self.kind {
            return Ok(value.clone());
        }
        self.value(&mut Env::new(scope)).map_err(|diagnostic| Diagnostics::from(*diagnostic))
    }

    /// The value under the local bindings of the environment.
    pub fn eval_in(&self, env: &mut Env) -> Result<Value, Diagnostics> {
        self.value(env).map_err(|diagnostic| Diagnostics::from(*diagnostic))
    }

    fn value(&self, env: &mut Env) -> Evaluated {
        if let Kind::Literal(value) = &self.kind {
            return Ok(value.clone());
        }
        if env.depth >= MAX_DEPTH {
            return Err(self.problem("the expression is nested too deeply"));
        }
        env.depth += 1;
        let result = self.evaluate(env);
        env.depth -= 1;
        limits::within(result?, self.span)
    }

    fn evaluate(&self, env: &mut Env) -> Evaluated {
        match &self.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Invalid => Ok(Value::unknown(Type::Dynamic)),
            Kind::Slot(slot) => Ok(env.scope.value(slot, self.span)?),
            Kind::Binding(n) => self.binding(*n, env),
            Kind::Instance(resource, key) => self.instance(*resource, key, env),
            Kind::Output(of) => self.output(of, env),
            Kind::Attr(of) => self.attribute(of, env),
            Kind::Index(of) => self.index(of, env),
            Kind::Splat(splat) => self.splat(splat, env),
            Kind::Template(parts) => self.template(parts, env),
            Kind::Join(tuple) => self.join(tuple, env),
            Kind::Unary(operator, operand) => self.unary(*operator, operand, env),
            Kind::Binary(operator, operands) => self.binary(*operator, operands, env),
            Kind::Conditional(parts) => self.conditional(parts, env),
            Kind::For(parts) => self.for_expression(parts, env),
            Kind::Call(call) => self.call(call, env),
            Kind::Foreign(call) => self.foreign(call, env),
            Kind::Try(candidates) => self.try_each(candidates, env),
            Kind::Can(candidate) => Ok(can(candidate, env)),
            Kind::TypeOf(of) => Ok(Value::string(of.value(env)?.ty().to_string())),
            Kind::Render(render) => self.render(render, env),
            Kind::Tuple(items) => Ok(Value::tuple(items.iter().map(|item| item.value(env)).collect::<Result<_, _>>()?)),
            Kind::Object(entries) => {
                let fields = entries.iter().map(|(name, e)| Ok((name.clone(), e.value(env)?)));
                let fields: Vec<(Str, Value)> = fields.collect::<Result<_, Box<Diagnostic>>>()?;
                Ok(Value::fields(Fields::new(fields)))
            }
            Kind::ComputedObject(entries) => self.keyed_object(entries, env),
        }
    }

    fn binding(&self, number: u32, env: &Env) -> Evaluated {
        match env.bindings.get(number as usize) {
            Some(value) => Ok(value.clone()),
            None => Err(self.problem("the iterator has no value here")),
        }
    }

    fn keyed_object(&self, entries: &[(Expr, Expr)], env: &mut Env) -> Evaluated {
        let mut fields = Vec::with_capacity(entries.len());
        let mut marks = Marks::NONE;
        let mut known = true;
        for (key, value) in entries {
            let value = value.value(env)?;
            match object_key(&key.value(env)?, &mut marks) {
                Ok(Some(name)) => fields.push((name, value)),
                Ok(None) => known = false,
                Err(problem) => return Err(key.problem(problem)),
            }
        }
        let object = if known { Value::object(fields) } else { Value::unknown(Type::Dynamic) };
        Ok(object.mark(marks))
    }

    /// An error at the place of the expression.
    fn problem(&self, summary: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(summary).at(self.span))
    }
}

/// Whether an expression has a value. Unknown where the value may still turn out wrong.
fn can(candidate: &Expr, env: &mut Env) -> Value {
    match candidate.value(env) {
        Ok(value) if value.is_wholly_known() => Value::TRUE,
        Ok(_) => unknown_not_null(Type::Bool),
        Err(_) => Value::FALSE,
    }
}

/// A key as text; nothing where it is not known yet. Its marks are added to `marks`: a key cannot carry them.
fn object_key(key: &Value, marks: &mut Marks) -> Result<Option<Str>, &'static str> {
    let (key, m) = key.unmark();
    *marks |= m;
    match key {
        Value::String(name) => Ok(Some(name.clone())),
        Value::Number(n) => Ok(Some(number_text(n))),
        Value::Bool(b) => Ok(Some(if *b { "true" } else { "false" }.into())),
        Value::Unknown(_) => Ok(None),
        Value::Null(_) => Err("the key is null"),
        _ => Err("the key must be a string"),
    }
}

fn number_text(n: &Number) -> Str {
    n.to_string().into()
}

/// An unknown of which only is certain that it is not null.
fn unknown_not_null(ty: Type) -> Value {
    let refinement = crate::model::value::Refinement { not_null: true, ..Default::default() };
    Value::refined(ty, refinement)
}
