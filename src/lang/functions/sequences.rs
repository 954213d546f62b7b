//! Lists and tuples: taking parts, joining, ordering, choosing.

use std::collections::HashSet;

use super::{Call, CallError, Function, Kind, Returns, param, plain, structural};
use crate::lang::convert::{convert, unify};
use crate::model::value::Refinement;
use crate::model::{Number, Type, Value};

type Answer = Result<Value, CallError>;

/// The most elements that `range` makes: more is likely a slip.
const MAX_RANGE: usize = 1024;

pub static FUNCTIONS: &[Function] = &[
    structural(
        "chunklist",
        "Cuts a list into lists of a fixed size; the last one holds what is left.",
        &[
            param("list", Kind::AnyList, "The list to cut."),
            param("size", Kind::Number, "The size of a piece; 0 for one piece of all."),
        ],
        |call| Ok(Value::unknown(Type::list(call.arg(0)?.ty()))),
        chunklist,
    ),
    plain(
        "compact",
        "The strings that are neither null nor empty.",
        &[param("list", Kind::StringList, "The strings.")],
        Kind::StringList,
        compact,
    ),
    structural("concat", "One sequence of the elements of all, in order.", &[], concat_unknown, concat)
        .with_variadic(param("seqs", Kind::Any, "Lists or tuples.")),
    plain(
        "distinct",
        "The elements without repeats, in the order in which they first come.",
        &[param("list", Kind::AnyList, "The list.")],
        Kind::AnyList,
        distinct,
    )
    .returning(Returns::Depends(Kind::Any, |call| Ok(Value::unknown(call.arg(0)?.ty())))),
    structural(
        "element",
        "The element at an index, counted round: behind the last one comes the first.",
        &[
            param("list", Kind::Any, "A list or tuple."),
            param("index", Kind::Number, "The index, from 0; not negative."),
        ],
        element_unknown,
        element,
    ),
    plain(
        "index",
        "The index of the first element that equals a value; an error where there is none.",
        &[param("list", Kind::Any, "A list or tuple."), param("value", Kind::Any, "What to look for.")],
        Kind::Number,
        index,
    ),
    plain(
        "matchkeys",
        "The values whose keys are in the search set; value and key stand at the same index.",
        &[
            param("values", Kind::AnyList, "The values to choose from."),
            param("keys", Kind::AnyList, "A key for each value."),
            param("searchset", Kind::AnyList, "The keys wanted."),
        ],
        Kind::AnyList,
        matchkeys,
    )
    .returning(Returns::Depends(Kind::Any, |call| Ok(Value::unknown(call.arg(0)?.ty())))),
    plain("range", "Numbers from a start up to, not including, an end.", &[], Kind::NumberList, range)
        .with_variadic(param("params", Kind::Number, "The end; or start and end; or start, end and step.")),
    structural(
        "reverse",
        "The elements in opposite order.",
        &[param("list", Kind::Any, "A list, tuple or set.")],
        reverse_unknown,
        reverse,
    ),
    structural(
        "slice",
        "The elements from one index up to, not including, another.",
        &[
            param("list", Kind::Any, "A list or tuple."),
            param("start_index", Kind::Number, "The first index taken, from 0."),
            param("end_index", Kind::Number, "The first index not taken any more."),
        ],
        |call| {
            let ty = call.arg(0)?.ty();
            Ok(Value::unknown(if matches!(ty, Type::List(_)) { ty } else { Type::Dynamic }))
        },
        slice,
    ),
    plain(
        "sort",
        "The strings in the order of their code points.",
        &[param("list", Kind::StringList, "The strings.")],
        Kind::StringList,
        sort,
    )
    .returning(Returns::Depends(Kind::StringList, |call| Ok(sorted_later(call.arg(0)?)))),
];

fn count(items: usize) -> Value {
    Value::int(i64::try_from(items).unwrap_or(i64::MAX))
}

fn chunklist(call: &Call<'_>) -> Answer {
    let items = call.items(0)?;
    let size = match usize::try_from(call.int(1)?) {
        Ok(0) => items.len().max(1),
        Ok(size) => size,
        Err(_) => return Err(CallError::at(1, "the size must not be negative")),
    };
    let Value::List(whole) = call.arg(0)? else { return Err(CallError::at(0, "a list is required")) };
    let chunk = |part: &[Value]| Value::list(whole.element.clone(), part.to_vec());
    Ok(Value::list(Type::list(whole.element.clone()), items.chunks(size).map(chunk).collect()))
}

fn compact(call: &Call<'_>) -> Answer {
    let full = |v: &&Value| v.as_str().is_some_and(|s| !s.is_empty());
    Ok(Value::list(Type::String, call.items(0)?.iter().filter(full).cloned().collect()))
}

/// The list type of a concatenation of lists; nothing where it is a tuple.
fn concat_type(call: &Call<'_>) -> Result<Option<Type>, CallError> {
    if call.args.is_empty() {
        return Err(CallError::new("at least one argument is required"));
    }
    let types: Vec<Type> = call.args.iter().map(Value::ty).collect();
    for (i, ty) in types.iter().enumerate() {
        if !matches!(ty, Type::List(_) | Type::Tuple(_) | Type::Dynamic) {
            return Err(CallError::at(i, format!("a list or tuple is required, found {}", ty.friendly())));
        }
    }
    let all_lists = types.iter().all(|t| matches!(t, Type::List(_)));
    Ok(if all_lists { unify(&types) } else { None })
}

fn concat(call: &Call<'_>) -> Answer {
    let list = concat_type(call)?;
    let mut items = Vec::new();
    for (i, arg) in call.args.iter().enumerate() {
        match &list {
            None => items.extend_from_slice(call.items(i)?),
            Some(ty) => {
                let part = convert(arg, ty).map_err(|e| CallError::at(i, e.to_string()))?;
                items.extend_from_slice(part.as_items().unwrap_or(&[]));
            }
        }
    }
    Ok(match list {
        Some(Type::List(element)) => Value::list((*element).clone(), items),
        _ => Value::tuple(items),
    })
}

fn concat_unknown(call: &Call<'_>) -> Answer {
    if let Some(ty) = concat_type(call)? {
        return Ok(super::call::not_null(ty));
    }
    let mut types = Vec::new();
    for arg in call.args {
        match (arg.ty(), arg.as_items()) {
            (Type::Tuple(ts), _) => types.extend(ts.iter().cloned()),
            (_, Some(items)) => types.extend(items.iter().map(Value::ty)),
            _ => return Ok(Value::unknown(Type::Dynamic)),
        }
    }
    Ok(super::call::not_null(Type::tuple(types)))
}

fn distinct(call: &Call<'_>) -> Answer {
    let Value::List(list) = call.arg(0)? else { return Err(CallError::at(0, "a list is required")) };
    let mut seen = HashSet::with_capacity(list.items.len());
    let kept = list.items.iter().filter(|v| seen.insert(*v)).cloned().collect();
    Ok(Value::list(list.element.clone(), kept))
}

fn sequence<'a>(call: &Call<'a>, i: usize) -> Result<&'a [Value], CallError> {
    match call.arg(i)? {
        Value::List(s) => Ok(&s.items),
        Value::Tuple(items) => Ok(items),
        other => Err(CallError::at(i, format!("a list or tuple is required, found {}", other.ty().friendly()))),
    }
}

fn element(call: &Call<'_>) -> Answer {
    let items = sequence(call, 0)?;
    let wanted = call.int(1)?;
    if items.is_empty() {
        return Err(CallError::at(0, "an empty list has no elements"));
    }
    let wanted = usize::try_from(wanted).map_err(|_| CallError::at(1, "the index must not be negative"))?;
    items.get(wanted % items.len()).cloned().ok_or_else(|| CallError::at(1, "there is no such element"))
}

fn element_unknown(call: &Call<'_>) -> Answer {
    Ok(match call.arg(0)?.ty() {
        Type::List(t) => Value::unknown((*t).clone()),
        Type::Tuple(ts) => match call.arg(1)?.as_number().and_then(Number::as_usize) {
            Some(i) if !ts.is_empty() => Value::unknown(ts[i % ts.len()].clone()),
            _ => Value::unknown(Type::Dynamic),
        },
        Type::Dynamic => Value::unknown(Type::Dynamic),
        other => return Err(CallError::at(0, format!("a list or tuple is required, found {}", other.friendly()))),
    })
}

fn index(call: &Call<'_>) -> Answer {
    let wanted = call.arg(1)?;
    let items = sequence(call, 0)?;
    let at = items.iter().position(|v| v == wanted);
    at.map(count).ok_or_else(|| CallError::at(1, "no element equals the value"))
}

fn matchkeys(call: &Call<'_>) -> Answer {
    let (values, keys) = (call.items(0)?, call.items(1)?);
    let ty = unify(&[call.arg(1)?.ty(), call.arg(2)?.ty()]);
    let ty = ty.ok_or_else(|| CallError::at(2, "the keys and the search set must be of one type"))?;
    if values.len() != keys.len() {
        return Err(CallError::at(1, format!("{} keys do not match {} values", keys.len(), values.len())));
    }
    let as_common = |i: usize| convert(call.arg(i)?, &ty).map_err(|e| CallError::at(i, e.to_string()));
    let (keys, wanted) = (as_common(1)?, as_common(2)?);
    let wanted: HashSet<&Value> = wanted.as_items().unwrap_or(&[]).iter().collect();
    let pairs = values.iter().zip(keys.as_items().unwrap_or(&[]));
    let kept = pairs.filter(|(_, k)| wanted.contains(k)).map(|(v, _)| v.clone()).collect();
    let Type::List(element) = call.arg(0)?.ty() else { return Err(CallError::at(0, "a list is required")) };
    Ok(Value::list((*element).clone(), kept))
}

fn range(call: &Call<'_>) -> Answer {
    let zero = Number::int(0);
    let (start, end, step) = match call.args.len() {
        1 => (&zero, call.number(0)?, None),
        2 => (call.number(0)?, call.number(1)?, None),
        3 => (call.number(0)?, call.number(1)?, Some(call.number(2)?)),
        _ => return Err(CallError::new("one, two or three arguments are required")),
    };
    let step = step.cloned().unwrap_or_else(|| Number::int(if end < start { -1 } else { 1 }));
    let down = step.is_negative();
    if down && end > start {
        return Err(CallError::at(1, "the end must be less than the start when the step is negative"));
    }
    if !down && !step.is_zero() && end < start {
        return Err(CallError::at(1, "the end must be greater than the start when the step is positive"));
    }
    let mut items = Vec::new();
    let mut at = start.clone();
    while if down || end < start { at > *end } else { at < *end } {
        if items.len() >= MAX_RANGE {
            let message = format!("more than {MAX_RANGE} values; use a larger step or bring start and end closer");
            return Err(CallError::new(message));
        }
        items.push(Value::Number(at.clone()));
        at = at.add(&step).map_err(|e| CallError::new(e.to_string()))?;
    }
    Ok(Value::list(Type::Number, items))
}

fn reverse(call: &Call<'_>) -> Answer {
    let value = call.arg(0)?;
    let wrong = || CallError::at(0, format!("a list, tuple or set is required, found {}", value.ty().friendly()));
    let reversed: Vec<Value> = value.as_items().ok_or_else(wrong)?.iter().rev().cloned().collect();
    match value {
        Value::List(s) | Value::Set(s) => Ok(Value::list(s.element.clone(), reversed)),
        _ => Ok(Value::tuple(reversed)),
    }
}

fn reverse_unknown(call: &Call<'_>) -> Answer {
    Ok(match call.arg(0)?.ty() {
        Type::List(t) | Type::Set(t) => super::call::not_null(Type::List(t)),
        Type::Tuple(ts) => super::call::not_null(Type::tuple(ts.iter().rev().cloned().collect())),
        _ => Value::unknown(Type::Dynamic),
    })
}

fn slice(call: &Call<'_>) -> Answer {
    let items = sequence(call, 0)?;
    let place = |i: usize| usize::try_from(call.int(i)?).map_err(|_| CallError::at(i, "an index is not negative"));
    let (start, end) = (place(1)?, place(2)?);
    if end > items.len() {
        return Err(CallError::at(2, format!("the end {end} is behind the {} elements", items.len())));
    }
    let part = items.get(start..end).ok_or_else(|| CallError::at(1, "the start is behind the end"))?;
    match call.arg(0)? {
        Value::List(s) => Ok(Value::list(s.element.clone(), part.to_vec())),
        _ => Ok(Value::tuple(part.to_vec())),
    }
}

/// Of a list whose strings are not known yet: as many strings, in an order that nobody knows.
fn sorted_later(list: &Value) -> Value {
    let Refinement { min_length, max_length, .. } = Refinement::of(list);
    let refinement = Refinement { not_null: true, min_length, max_length, ..Refinement::default() };
    Value::refined(Type::list(Type::String), refinement)
}

fn sort(call: &Call<'_>) -> Answer {
    let mut items = call.items(0)?.to_vec();
    if let Some(i) = items.iter().position(Value::is_null) {
        return Err(CallError::at(0, format!("element {i} is null, which has no place in the order")));
    }
    items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    Ok(Value::list(Type::String, items))
}
