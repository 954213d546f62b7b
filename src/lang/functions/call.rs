//! The path that every function call takes: arguments are counted, converted and checked for nulls, unknowns and
//! marks, so that bodies see only what their parameters promise.

use super::{Function, Host, MarkPolicy, Needs, Param, Returns};
use crate::lang::convert::convert;
use crate::lang::limits;
use crate::model::value::Refinement;
use crate::model::{Marks, Number, Str, Value};

/// Why a call gives no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// The position of the argument to blame, from zero.
    pub argument: Option<usize>,
    pub message: String,
}

impl CallError {
    pub fn new(message: impl Into<String>) -> Self {
        CallError { argument: None, message: message.into() }
    }

    /// The same without what may quote an argument that must not be shown.
    pub fn hidden(self) -> Self {
        CallError { message: "it has no result, and why is hidden with its sensitive argument".into(), ..self }
    }

    /// Blames one argument.
    pub fn at(argument: usize, message: impl Into<String>) -> Self {
        CallError { argument: Some(argument), message: message.into() }
    }
}

/// What a body gets: checked arguments and the world outside.
pub struct Call<'a> {
    pub args: &'a [Value],
    pub host: &'a dyn Host,
}

impl Function {
    /// Calls the function.
    pub fn call(&self, args: &[Value], host: &dyn Host) -> Result<Value, CallError> {
        self.check_count(args.len())?;
        check_size(args)?;
        let secret = args.iter().any(Value::has_marks);
        // What a body says may quote its arguments.
        let hide = |e: CallError| if secret { e.hidden() } else { e };
        let mut marks = Marks::NONE;
        let mut ready = Vec::with_capacity(args.len());
        for (i, arg) in args.iter().enumerate() {
            let Some(param) = self.params.get(i).or(self.variadic.as_ref()) else { continue };
            ready.push(self.prepare(i, arg, param, &mut marks)?);
        }
        let call = Call { args: &ready, host };
        let known = match self.needs {
            Needs::Nothing => true,
            Needs::Outer => !ready.iter().any(Value::is_unknown),
            Needs::All => ready.iter().all(Value::is_wholly_known),
        };
        let result = if known { (self.body)(&call) } else { self.unknown(&call) }.map_err(hide)?;
        Ok(result.mark(marks))
    }

    fn check_count(&self, given: usize) -> Result<(), CallError> {
        let wanted = self.params.len();
        if given < wanted {
            let missing = self.params.get(given).map_or("", |p| p.name);
            let least = if self.variadic.is_some() { "at least " } else { "" };
            let message = format!("{} takes {least}{}, \"{missing}\" is missing", self.name, arguments(wanted));
            return Err(CallError::new(message));
        }
        if given > wanted && self.variadic.is_none() {
            let is = if given == 1 { "is" } else { "are" };
            let message = format!("{} takes {}, {given} {is} given", self.name, arguments(wanted));
            return Err(CallError::at(wanted, message));
        }
        Ok(())
    }

    fn prepare(&self, i: usize, arg: &Value, param: &Param, marks: &mut Marks) -> Result<Value, CallError> {
        let stripped = match self.marks {
            MarkPolicy::Own => arg.clone(),
            MarkPolicy::Outer => {
                let (bare, m) = arg.unmark();
                *marks |= m;
                bare.clone()
            }
            MarkPolicy::Deep => {
                let (bare, m) = arg.unmark_deep();
                *marks |= m;
                bare
            }
        };
        if stripped.is_null() && !param.nullable {
            return Err(CallError::at(i, format!("\"{}\" must not be null", param.name)));
        }
        let converted = convert(&stripped, &param.kind.ty()).map_err(|e| {
            let e = if arg.has_marks() { e.without_value() } else { e };
            CallError::at(i, format!("\"{}\": {e}", param.name))
        })?;
        if self.marks == MarkPolicy::Own {
            return Ok(converted);
        }
        // A conversion to a set moves the marks of elements to the whole.
        let (bare, m) = converted.unmark();
        *marks |= m;
        Ok(bare.clone())
    }

    fn unknown(&self, call: &Call<'_>) -> Result<Value, CallError> {
        match self.returns {
            Returns::Always(kind) => Ok(not_null(kind.ty())),
            Returns::Depends(_, unknown) => unknown(call),
        }
    }
}

/// Many arguments that are large each cannot make a value that is within the limits.
fn check_size(args: &[Value]) -> Result<(), CallError> {
    let mut sum = (0_u64, 0_u64);
    for extent in args.iter().map(Value::extent) {
        sum = (sum.0.saturating_add(extent.nodes), sum.1.saturating_add(extent.text));
    }
    fits(sum.0.saturating_sub(args.len() as u64), sum.1)
}

/// Refuses a result of so many values and bytes of text before it is made.
pub fn fits(nodes: u64, text: u64) -> Result<(), CallError> {
    match limits::excess_of(nodes, text) {
        None => Ok(()),
        Some(why) => Err(CallError::new(format!("the result is too large: {why}"))),
    }
}

fn arguments(n: usize) -> String {
    match n {
        0 => "no arguments".into(),
        1 => "1 argument".into(),
        n => format!("{n} arguments"),
    }
}

/// An unknown of which only is known that it is not null.
pub fn not_null(ty: crate::model::Type) -> Value {
    Value::refined(ty, Refinement { not_null: true, ..Refinement::default() })
}

impl<'a> Call<'a> {
    pub fn arg(&self, i: usize) -> Result<&'a Value, CallError> {
        self.args.get(i).ok_or_else(|| CallError::at(i, "an argument is missing"))
    }

    pub fn str(&self, i: usize) -> Result<&'a Str, CallError> {
        self.arg(i)?.as_str().ok_or_else(|| CallError::at(i, "a string is required"))
    }

    pub fn bool(&self, i: usize) -> Result<bool, CallError> {
        self.arg(i)?.as_bool().ok_or_else(|| CallError::at(i, "a bool is required"))
    }

    pub fn number(&self, i: usize) -> Result<&'a Number, CallError> {
        self.arg(i)?.as_number().ok_or_else(|| CallError::at(i, "a number is required"))
    }

    /// An argument that has to be a whole number of 64 bits.
    pub fn int(&self, i: usize) -> Result<i64, CallError> {
        self.number(i)?.as_i64().ok_or_else(|| CallError::at(i, "a whole number is required"))
    }

    /// The elements of a list, set or tuple.
    pub fn items(&self, i: usize) -> Result<&'a [Value], CallError> {
        self.arg(i)?.as_items().ok_or_else(|| CallError::at(i, "a list is required"))
    }
}
