//! Templates: parts converted to text and joined.

use super::{Env, Evaluated, number_text};
use crate::lang::convert::convert;
use crate::lang::expr::{Expr, Kind};
use crate::lang::limits;
use crate::model::value::Refinement;
use crate::model::{Diagnostic, Marks, Str, Type, Value};

/// Text that is joined so far.
#[derive(Default)]
struct Text {
    text: String,
    marks: Marks,
    /// An unknown part has been met: what is in `text` is the beginning, and no more is added.
    unknown: bool,
}

impl Expr {
    pub(super) fn template(&self, parts: &[Expr], env: &mut Env) -> Evaluated {
        let mut joined = Text::default();
        for part in parts {
            if let Kind::Literal(Value::String(text)) = &part.kind {
                joined.push(text);
            } else {
                let value = part.value(env)?;
                part.append(&value, &mut joined)?;
            }
            self.check(&joined)?;
        }
        Ok(joined.finish())
    }

    pub(super) fn join(&self, tuple: &Expr, env: &mut Env) -> Evaluated {
        let value = tuple.value(env)?;
        let (bare, marks) = value.unmark();
        let mut joined = Text { marks, ..Text::default() };
        match bare.as_items() {
            Some(items) => {
                for item in items {
                    self.append(item, &mut joined)?;
                    self.check(&joined)?;
                }
            }
            None => joined.unknown = true,
        }
        Ok(joined.finish())
    }

    /// Refuses a text while it grows beyond every use.
    fn check(&self, joined: &Text) -> Result<(), Box<Diagnostic>> {
        match limits::excess_of(1, joined.text.len() as u64) {
            None => Ok(()),
            Some(why) => Err(limits::too_large(why, self.span)),
        }
    }

    fn append(&self, value: &Value, joined: &mut Text) -> Result<(), Box<Diagnostic>> {
        let (bare, marks) = value.unmark();
        joined.marks |= marks;
        match bare {
            Value::String(text) => joined.push(text),
            Value::Number(n) => joined.push(&number_text(n)),
            Value::Bool(b) => joined.push(if *b { "true" } else { "false" }),
            Value::Unknown(u) if u.ty == Type::Dynamic || u.ty.is_primitive() => joined.open(&u.refinement.prefix),
            Value::Null(_) => {
                let help = "give it a value, or say what stands for null: coalesce(value, \"\")";
                let problem = Diagnostic::error("null cannot be part of a text").at(self.span).help(help);
                return Err(Box::new(problem));
            }
            other => {
                let label = match convert(other, &Type::String) {
                    Err(e) => e.to_string(),
                    Ok(_) => format!("found {}", other.ty().friendly()),
                };
                let problem = Diagnostic::error("the value cannot be part of a text").at(self.span).label(label);
                return Err(Box::new(problem.help("turn it into text with jsonencode or join")));
            }
        }
        Ok(())
    }
}

impl Text {
    fn push(&mut self, more: &str) {
        if !self.unknown {
            self.text.push_str(more);
        }
    }

    /// An unknown part follows, of which the beginning may be known.
    fn open(&mut self, prefix: &Option<Str>) {
        self.push(prefix.as_deref().unwrap_or_default());
        self.unknown = true;
    }

    fn finish(self) -> Value {
        if !self.unknown {
            return Value::string(self.text).mark(self.marks);
        }
        // The last character may still combine with what follows it.
        let mut prefix = self.text;
        if prefix.chars().last().is_some_and(|c| !c.is_ascii()) {
            prefix.pop();
        }
        let prefix = (!prefix.is_empty()).then(|| prefix.into());
        Value::refined(Type::String, Refinement { not_null: true, prefix, ..Refinement::default() }).mark(self.marks)
    }
}
