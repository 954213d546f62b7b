//! `for` expressions over lists, sets, tuples, maps and objects.

use std::collections::BTreeMap;

use super::{Env, Evaluated, object_key};
use crate::lang::convert::convert;
use crate::lang::expr::{Expr, For};
use crate::lang::limits;
use crate::model::{Diagnostic, Marks, Number, Str, Type, Value};

/// What a `for` expression has made so far, and how much is in it.
struct Making {
    made: Made,
    marks: Marks,
    nodes: u64,
    text: u64,
}

enum Made {
    Tuple(Vec<Value>),
    Object(BTreeMap<Str, Value>),
    Groups(BTreeMap<Str, Vec<Value>>),
}

impl Expr {
    pub(super) fn for_expression(&self, parts: &For, env: &mut Env) -> Evaluated {
        let source = parts.source.value(env)?;
        let (source, marks) = source.unmark();
        let made = match (&parts.key, parts.grouping) {
            (None, _) => Made::Tuple(Vec::new()),
            (Some(_), false) => Made::Object(BTreeMap::new()),
            (Some(_), true) => Made::Groups(BTreeMap::new()),
        };
        let mut making = Making { made, marks, nodes: 0, text: 0 };
        let mut known = true;
        match source {
            Value::List(_) | Value::Tuple(_) => {
                for (i, item) in source.as_items().unwrap_or(&[]).iter().enumerate() {
                    let key = Value::Number(Number::int(i as i64));
                    known &= self.round(parts, key, item, &mut making, env)?;
                }
            }
            Value::Set(set) => {
                for item in &set.items {
                    known &= self.round(parts, item.clone(), item, &mut making, env)?;
                }
            }
            Value::Map(_) | Value::Object(_) => {
                for (name, item) in source.as_fields().into_iter().flatten() {
                    let key = Value::String(name.clone());
                    known &= self.round(parts, key, item, &mut making, env)?;
                }
            }
            Value::Null(_) => return Err(parts.source.problem("null cannot be iterated over")),
            Value::Unknown(u) if iterable(&u.ty) => known = false,
            other => {
                let problem = format!("a value of type {} cannot be iterated over", other.ty().friendly());
                return Err(parts.source.problem(problem));
            }
        }
        let result = if known { making.made.finish() } else { Value::unknown(Type::Dynamic) };
        Ok(result.mark(making.marks))
    }

    /// One element. Says whether it is known what becomes of it.
    fn round(
        &self,
        parts: &For,
        key: Value,
        item: &Value,
        making: &mut Making,
        env: &mut Env,
    ) -> Result<bool, Box<Diagnostic>> {
        env.rounds += 1;
        if env.rounds > limits::MAX_ROUNDS {
            return Err(limits::too_large("its loops go through too many elements".into(), self.span));
        }
        if let Some(binding) = parts.key_binding {
            env.bind(binding, key);
        }
        env.bind(parts.value_binding, item.clone());
        if let Some(condition) = &parts.condition {
            match condition.chosen(&mut making.marks, env)? {
                Some(true) => (),
                Some(false) => return Ok(true),
                None => return Ok(false),
            }
        }
        let Some(key_expr) = &parts.key else {
            let value = self.counted(parts, making, env)?;
            if let Made::Tuple(items) = &mut making.made {
                items.push(value);
            }
            return Ok(true);
        };
        let key = key_expr.value(env)?;
        let name = object_key(&key, &mut making.marks).map_err(|problem| key_expr.problem(problem))?;
        let value = self.counted(parts, making, env)?;
        let Some(name) = name else { return Ok(false) };
        match &mut making.made {
            Made::Tuple(_) => (),
            Made::Groups(groups) => groups.entry(name).or_default().push(value),
            Made::Object(entries) => {
                if entries.contains_key(&name) {
                    let shown = if making.marks.is_secret() { "a sensitive key" } else { &*name };
                    let problem = Diagnostic::error(format!("two elements have the key \"{shown}\""))
                        .at(key_expr.span)
                        .help("write \"...\" after the value to collect the values of a key in a list");
                    return Err(Box::new(problem));
                }
                entries.insert(name, value);
            }
        }
        Ok(true)
    }

    /// What an element becomes, as long as all together is within the limits.
    fn counted(&self, parts: &For, making: &mut Making, env: &mut Env) -> Evaluated {
        let value = parts.value.value(env)?;
        let extent = value.extent();
        making.nodes = making.nodes.saturating_add(extent.nodes);
        making.text = making.text.saturating_add(extent.text);
        match limits::excess_of(making.nodes, making.text) {
            None => Ok(value),
            Some(why) => Err(limits::too_large(why, self.span)),
        }
    }

    /// Whether a condition takes the element; nothing where that is not known yet.
    fn chosen(&self, marks: &mut Marks, env: &mut Env) -> Result<Option<bool>, Box<Diagnostic>> {
        let value = self.value(env)?;
        let (bare, m) = value.unmark();
        *marks |= m;
        match bare {
            Value::Bool(b) => Ok(Some(*b)),
            Value::Null(_) => Err(self.problem("the condition is null")),
            other => match convert(other, &Type::Bool) {
                Ok(converted) => Ok(converted.as_bool()),
                Err(e) => {
                    let problem = Diagnostic::error("the condition must be a bool");
                    Err(Box::new(problem.at(self.span).label(e.to_string())))
                }
            },
        }
    }
}

impl Made {
    fn finish(self) -> Value {
        match self {
            Made::Tuple(items) => Value::tuple(items),
            Made::Object(entries) => Value::object(entries),
            Made::Groups(groups) => Value::object(groups.into_iter().map(|(name, items)| (name, Value::tuple(items)))),
        }
    }
}

fn iterable(ty: &Type) -> bool {
    !ty.is_primitive()
}
