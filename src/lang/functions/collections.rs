//! Questions about collections of any kind: how long, whether something is in it, which one is first.

use super::call::not_null;
use super::{Call, CallError, Function, Kind, Needs, nullable, param, plain, structural};
use crate::lang::convert::{convert, unify};
use crate::model::value::Refinement;
use crate::model::{Marks, Number, Type, Value};
use unicode_segmentation::UnicodeSegmentation;

type Answer = Result<Value, CallError>;

pub static FUNCTIONS: &[Function] = &[
    plain(
        "alltrue",
        "Whether all elements are true; so is an empty list. Null counts as false.",
        &[param("list", Kind::BoolList, "The bools.")],
        Kind::Bool,
        alltrue,
    )
    .with_needs(Needs::Outer),
    plain(
        "anytrue",
        "Whether at least one element is true; an empty list has none.",
        &[param("list", Kind::BoolList, "The bools.")],
        Kind::Bool,
        anytrue,
    )
    .with_needs(Needs::Outer),
    structural("coalesce", "The first argument that is neither null nor an empty string.", &[], unknown_any, coalesce)
        .with_variadic(nullable("vals", Kind::Any, "The candidates, all of types that convert to one."))
        .with_needs(Needs::Nothing),
    structural("coalescelist", "The first list that is not empty.", &[], unknown_any, coalescelist)
        .with_variadic(nullable("vals", Kind::Any, "Lists or tuples."))
        .with_needs(Needs::Nothing),
    plain(
        "contains",
        "Whether a value is among the elements. Types have to agree: \"1\" is not 1.",
        &[param("list", Kind::Any, "A list, set or tuple."), param("value", Kind::Any, "What to look for.")],
        Kind::Bool,
        contains,
    )
    .with_needs(Needs::Outer),
    structural(
        "flatten",
        "One flat sequence in place of nested lists, sets and tuples, however deep.",
        &[param("list", Kind::Any, "What may hold sequences.")],
        unknown_any,
        flatten,
    ),
    structural(
        "length",
        "How many elements a collection has, or how many characters a string, as a reader counts them.",
        &[param("value", Kind::Any, "A string, collection, tuple or object.")],
        length,
        length,
    ),
    structural(
        "one",
        "The only element; null where there is none. Turns a resource with count 0 or 1 into its instance.",
        &[param("list", Kind::Any, "A list, set or tuple of at most one element.")],
        unknown_element,
        one,
    ),
];

fn unknown_any(_: &Call<'_>) -> Answer {
    Ok(Value::unknown(Type::Dynamic))
}

/// The unknown element of a collection that is not known.
fn unknown_element(call: &Call<'_>) -> Answer {
    Ok(match call.arg(0)?.ty() {
        Type::List(t) | Type::Set(t) => Value::unknown((*t).clone()),
        _ => Value::unknown(Type::Dynamic),
    })
}

fn alltrue(call: &Call<'_>) -> Answer {
    let mut open = false;
    for item in call.items(0)? {
        match item {
            Value::Unknown(_) => open = true,
            Value::Bool(true) => (),
            _ => return Ok(false.into()),
        }
    }
    Ok(if open { not_null(Type::Bool) } else { true.into() })
}

fn anytrue(call: &Call<'_>) -> Answer {
    let mut open = false;
    for item in call.items(0)? {
        match item {
            Value::Unknown(_) => open = true,
            Value::Bool(true) => return Ok(true.into()),
            _ => (),
        }
    }
    Ok(if open { not_null(Type::Bool) } else { false.into() })
}

fn coalesce(call: &Call<'_>) -> Answer {
    let types: Vec<Type> = call.args.iter().map(Value::ty).collect();
    let ty = if types.is_empty() { None } else { unify(&types) };
    let ty = ty.ok_or_else(|| CallError::new("all arguments must be of types that convert to one"))?;
    for (i, arg) in call.args.iter().enumerate() {
        let empty = matches!(arg, Value::String(s) if s.is_empty()) && ty == Type::String;
        if arg.is_null() || empty {
            continue;
        }
        return convert(arg, &ty).map_err(|e| CallError::at(i, e.to_string()));
    }
    Err(CallError::new("every argument is null or an empty string"))
}

fn coalescelist(call: &Call<'_>) -> Answer {
    if call.args.is_empty() {
        return Err(CallError::new("at least one list is required"));
    }
    for (i, arg) in call.args.iter().enumerate() {
        match arg {
            Value::Unknown(_) | Value::List(_) | Value::Tuple(_) | Value::Null(Type::List(_) | Type::Tuple(_)) => (),
            _ => return Err(CallError::at(i, "a list or tuple is required")),
        }
    }
    for arg in call.args {
        match arg {
            Value::Unknown(_) => return Ok(Value::unknown(Type::Dynamic)),
            _ if arg.as_items().is_some_and(|items| !items.is_empty()) => return Ok(arg.clone()),
            _ => (),
        }
    }
    Err(CallError::new("every list is empty"))
}

fn contains(call: &Call<'_>) -> Answer {
    let (Value::List(_) | Value::Set(_) | Value::Tuple(_)) = call.arg(0)? else {
        return Err(CallError::at(0, "a list, set or tuple is required"));
    };
    let wanted = call.arg(1)?;
    let items = call.items(0)?;
    if items.iter().any(|v| v == wanted) && wanted.is_wholly_known() {
        return Ok(true.into());
    }
    let open = !wanted.is_wholly_known() && !items.is_empty() || !items.iter().all(Value::is_wholly_known);
    Ok(if open { not_null(Type::Bool) } else { false.into() })
}

fn flatten(call: &Call<'_>) -> Answer {
    if !matches!(call.arg(0)?, Value::List(_) | Value::Set(_) | Value::Tuple(_)) {
        return Err(CallError::at(0, "only lists, sets and tuples can be flattened"));
    }
    let mut flat = Flat { items: Vec::new(), marks: Marks::NONE, open: false };
    flat.take(call.items(0)?);
    let result = if flat.open { Value::unknown(Type::Dynamic) } else { Value::tuple(flat.items) };
    Ok(result.mark(flat.marks))
}

/// What flattening has gathered so far.
struct Flat {
    items: Vec<Value>,
    marks: Marks,
    /// Whether a part is unknown that may be a sequence.
    open: bool,
}

impl Flat {
    fn take(&mut self, items: &[Value]) {
        for item in items {
            let (bare, marks) = item.unmark();
            match bare {
                Value::List(_) | Value::Set(_) | Value::Tuple(_) => {
                    self.marks |= marks;
                    self.take(bare.as_items().unwrap_or(&[]));
                }
                Value::Unknown(u) if matches!(u.ty, Type::Dynamic | Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
                    self.open = true;
                    self.marks |= marks;
                }
                _ => self.items.push(item.clone()),
            }
        }
    }
}

fn length(call: &Call<'_>) -> Answer {
    let value = call.arg(0)?;
    let count = match value {
        Value::String(s) => s.graphemes(true).count(),
        Value::Set(s) if !s.items.iter().all(Value::is_wholly_known) => {
            return Ok(bounded(1, Some(s.items.len())));
        }
        Value::List(_) | Value::Set(_) | Value::Tuple(_) => call.items(0)?.len(),
        Value::Map(_) | Value::Object(_) => value.as_fields().map_or(0, |f| f.len()),
        Value::Unknown(u) => match &u.ty {
            Type::Tuple(ts) => ts.len(),
            Type::Object(o) => o.attrs.len(),
            Type::Dynamic => return Ok(bounded(0, None)),
            // What follows a beginning may combine with its last character, and no more.
            Type::String => return Ok(bounded(usize::from(u.refinement.prefix.is_some()), None)),
            Type::List(_) | Type::Set(_) | Type::Map(_) => {
                return Ok(bounded(u.refinement.min_length.unwrap_or(0), u.refinement.max_length));
            }
            _ => return Err(not_countable()),
        },
        _ => return Err(not_countable()),
    };
    Ok(Value::int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn not_countable() -> CallError {
    CallError::at(0, "a string, a collection, a tuple or an object is required")
}

/// An unknown count; known after all where the bounds meet.
fn bounded(min: usize, max: Option<usize>) -> Value {
    let number = |n: usize| Number::int(i64::try_from(n).unwrap_or(i64::MAX));
    if max == Some(min) {
        return Value::Number(number(min));
    }
    let refinement = Refinement {
        not_null: true,
        min: Some((number(min), true)),
        max: max.map(|n| (number(n), true)),
        ..Refinement::default()
    };
    Value::refined(Type::Number, refinement)
}

fn one(call: &Call<'_>) -> Answer {
    let wrong = || CallError::at(0, "a list, set or tuple of at most one element is required");
    let value = call.arg(0)?;
    let element = match value {
        Value::List(s) | Value::Set(s) => s.element.clone(),
        Value::Tuple(_) => Type::Dynamic,
        _ => return Err(wrong()),
    };
    match call.items(0)? {
        [] => Ok(Value::Null(element)),
        [only] => Ok(only.clone()),
        _ => Err(wrong()),
    }
}
