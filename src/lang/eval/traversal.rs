//! Attributes, indexes, instances and outputs.

use super::{Env, Evaluated, number_text};
use crate::lang::convert::convert;
use crate::lang::expr::{AttrOf, Expr, IndexOf, Kind, OutputOf, instance_key};
use crate::lang::scope::Slot;
use crate::model::value::Unknown;
use crate::model::{Diagnostic, Fields, ObjectType, Str, Type, Value};

impl Expr {
    pub(super) fn instance(&self, resource: u32, key_expr: &Expr, env: &mut Env) -> Evaluated {
        let key = key_expr.value(env)?;
        let (bare, marks) = key.unmark();
        let found = match instance_key(bare) {
            Some(key) => {
                key_expr.shown_if(marks.is_empty(), env.scope.instance(resource, &key, self.span).map_err(Box::new))?
            }
            // A key that is not known, or is none: the collection of all instances says what becomes of it.
            None => key_expr.shown_if(
                marks.is_empty(),
                self.element(&env.scope.value(&Slot::Resource(resource), self.span)?, bare, key_expr),
            )?,
        };
        Ok(found.mark(marks))
    }

    pub(super) fn output(&self, of: &OutputOf, env: &mut Env) -> Evaluated {
        let Some(key_expr) = &of.key else {
            return Ok(env.scope.output(of.module, None, &of.name, self.span)?);
        };
        let key = key_expr.value(env)?;
        let (bare, marks) = key.unmark();
        let found = match instance_key(bare) {
            Some(key) => {
                let found = env.scope.output(of.module, Some(&key), &of.name, self.span).map_err(Box::new);
                key_expr.shown_if(marks.is_empty(), found)?
            }
            None => {
                let all = env.scope.value(&Slot::Module(of.module), self.span)?;
                attribute(&self.element(&all, bare, key_expr)?, &of.name)
                    .map_err(|e| self.wrong_attribute(e, self.span))?
            }
        };
        Ok(found.mark(marks))
    }

    pub(super) fn attribute(&self, of: &AttrOf, env: &mut Env) -> Evaluated {
        let base = of.base.value(env)?;
        attribute(&base, &of.name).map_err(|problem| {
            let mut problem = self.wrong_attribute(problem, of.name_span);
            if let (Kind::Slot(Slot::Resource(_)), Value::Tuple(_)) = (&of.base.kind, base.bare()) {
                problem.help.push("the resource has \"count\": name an instance, such as [0], or all with [*]".into());
            }
            problem
        })
    }

    fn wrong_attribute(&self, problem: Diagnostic, span: crate::model::Span) -> Box<Diagnostic> {
        Box::new(problem.at(span))
    }

    pub(super) fn index(&self, of: &IndexOf, env: &mut Env) -> Evaluated {
        let base = of.base.value(env)?;
        let key = of.key.value(env)?;
        let (bare, marks) = key.unmark();
        Ok(of.key.shown_if(marks.is_empty(), self.element(&base, bare, &of.key))?.mark(marks))
    }

    /// What was found under this key. What is wrong may quote the key, which is not always to be shown.
    fn shown_if(&self, is_shown: bool, found: Evaluated) -> Evaluated {
        found.map_err(|problem| match is_shown {
            true => problem,
            false => self.problem("there is no such element, and the key is not shown: it is sensitive"),
        })
    }

    /// The element of a value under a key without marks. Errors point at the key.
    fn element(&self, base: &Value, key: &Value, key_expr: &Expr) -> Evaluated {
        let (whole, marks) = base.unmark();
        let element = match whole {
            Value::Null(_) => return Err(self.problem("the value is null, it has no elements")),
            _ if key.is_null() => return Err(key_expr.problem("the key is null")),
            Value::Unknown(u) => key_expr.element_of_unknown(u, key)?,
            Value::List(s) => match key_expr.position(key)? {
                Some(at) => key_expr.at(&s.items, at)?,
                None => Value::unknown(s.element.clone()),
            },
            Value::Tuple(items) => match key_expr.position(key)? {
                Some(at) => key_expr.at(items, at)?,
                None => Value::unknown(Type::Dynamic),
            },
            Value::Map(m) => match key_expr.name(key)? {
                Some(name) => key_expr.entry(&m.entries, &name, "map")?,
                None => Value::unknown(m.element.clone()),
            },
            Value::Object(fields) => match key_expr.name(key)? {
                Some(name) => key_expr.entry(fields, &name, "object")?,
                None => Value::unknown(Type::Dynamic),
            },
            Value::Set(_) => {
                let help = "elements of a set have no position: use tolist, or a for expression";
                return Err(Box::new(Diagnostic::error("a set cannot be indexed").at(self.span).help(help)));
            }
            other => {
                let problem = format!("a value of type {} cannot be indexed", other.ty().friendly());
                return Err(self.problem(problem));
            }
        };
        Ok(element.mark(marks))
    }

    fn element_of_unknown(&self, unknown: &Unknown, key: &Value) -> Evaluated {
        let ty = match &unknown.ty {
            Type::Dynamic => Type::Dynamic,
            Type::List(element) => {
                self.position(key)?;
                (**element).clone()
            }
            Type::Map(element) => {
                self.name(key)?;
                (**element).clone()
            }
            Type::Tuple(elements) => match self.position(key)? {
                Some(at) => elements.get(at).cloned().ok_or_else(|| self.out_of_range(at, elements.len()))?,
                None => Type::Dynamic,
            },
            Type::Object(o) => match self.name(key)? {
                Some(name) => o.get(&name).cloned().ok_or_else(|| Box::new(no_attribute(&name, o).at(self.span)))?,
                None => Type::Dynamic,
            },
            other => {
                return Err(self.problem(format!("a value of type {} cannot be indexed", other.friendly())));
            }
        };
        Ok(Value::unknown(ty))
    }

    /// The key as a position; nothing where it is not known.
    fn position(&self, key: &Value) -> Result<Option<usize>, Box<Diagnostic>> {
        let number = convert(key, &Type::Number).map_err(|e| {
            Box::new(Diagnostic::error("the index must be a number").at(self.span).label(e.to_string()))
        })?;
        let Some(number) = number.as_number() else { return Ok(None) };
        if number.is_negative() {
            return Err(self.problem("the index is negative"));
        }
        if !number.is_integer() {
            return Err(self.problem("the index must be a whole number"));
        }
        Ok(Some(number.as_usize().unwrap_or(usize::MAX)))
    }

    /// The key as a name; nothing where it is not known.
    fn name(&self, key: &Value) -> Result<Option<Str>, Box<Diagnostic>> {
        match key {
            Value::String(name) => Ok(Some(name.clone())),
            Value::Number(n) => Ok(Some(number_text(n))),
            Value::Bool(b) => Ok(Some(if *b { "true" } else { "false" }.into())),
            Value::Unknown(u) if u.ty == Type::Dynamic || u.ty.is_primitive() => Ok(None),
            other => {
                let label = format!("found {}", other.ty().friendly());
                Err(Box::new(Diagnostic::error("the key must be a string").at(self.span).label(label)))
            }
        }
    }

    fn at(&self, items: &[Value], at: usize) -> Evaluated {
        items.get(at).cloned().ok_or_else(|| self.out_of_range(at, items.len()))
    }

    fn out_of_range(&self, at: usize, len: usize) -> Box<Diagnostic> {
        let there = match len {
            0 => "the list is empty".to_string(),
            1 => "the list has 1 element".to_string(),
            n => format!("the list has {n} elements"),
        };
        Box::new(Diagnostic::error(format!("there is no element [{at}]")).at(self.span).label(there))
    }

    fn entry(&self, fields: &Fields, name: &str, what: &str) -> Evaluated {
        fields.get(name).cloned().ok_or_else(|| {
            let problem = Diagnostic::error(format!("there is no element [\"{name}\"]"))
                .at(self.span)
                .label(format!("the {what} has no such key"));
            Box::new(problem.did_you_mean(name, fields.keys().map(|k| &**k)))
        })
    }
}

/// An attribute of an object, or an entry of a map. The error has no place yet.
pub(in crate::lang) fn attribute(base: &Value, name: &str) -> Result<Value, Diagnostic> {
    let (whole, marks) = base.unmark();
    let value = match whole {
        Value::Object(fields) => match fields.get(name) {
            Some(value) => value.clone(),
            None => {
                let problem = Diagnostic::error(format!("unknown attribute \"{name}\""));
                let problem = problem.label("the object has no attribute of this name");
                return Err(problem.did_you_mean(name, fields.keys().map(|k| &**k)));
            }
        },
        Value::Map(m) => match m.entries.get(name) {
            Some(value) => value.clone(),
            None => {
                let problem = Diagnostic::error(format!("there is no element \"{name}\""));
                let problem = problem.label("the map has no such key");
                return Err(problem.did_you_mean(name, m.entries.keys().map(|k| &**k)));
            }
        },
        Value::Null(_) => {
            let problem = Diagnostic::error(format!("null has no attribute \"{name}\""));
            return Err(problem.label("the value before it is null"));
        }
        Value::Unknown(u) => match &u.ty {
            Type::Dynamic => Value::unknown(Type::Dynamic),
            Type::Map(element) => Value::unknown((**element).clone()),
            Type::Object(o) => match o.get(name) {
                Some(ty) => Value::unknown(ty.clone()),
                None => return Err(no_attribute(name, o)),
            },
            other => return Err(attributeless(name, other)),
        },
        other => return Err(attributeless(name, &other.ty())),
    };
    Ok(value.mark(marks))
}

fn no_attribute(name: &str, ty: &ObjectType) -> Diagnostic {
    let problem = Diagnostic::error(format!("unknown attribute \"{name}\""));
    let problem = problem.label("the object has no attribute of this name");
    problem.did_you_mean(name, ty.attrs.iter().map(|(n, _)| &**n))
}

fn attributeless(name: &str, ty: &Type) -> Diagnostic {
    let problem = Diagnostic::error(format!("unknown attribute \"{name}\""));
    let problem = problem.label(format!("a value of type {} has no attributes", ty.friendly()));
    match ty {
        Type::List(_) | Type::Set(_) | Type::Tuple(_) => {
            problem.help("for the attribute of every element write [*] before it")
        }
        _ => problem,
    }
}
