//! Maps and objects.

use std::collections::BTreeMap;

use super::call::not_null;
use super::{Call, CallError, Function, Kind, Needs, nullable, param, plain, structural};
use crate::lang::convert::convert;
use crate::model::{Marks, Str, Type, Value};

type Answer = Result<Value, CallError>;

pub static FUNCTIONS: &[Function] = &[
    structural(
        "keys",
        "The keys of a map, or the attribute names of an object, in order.",
        &[param("inputMap", Kind::Any, "A map or object.")],
        keys_unknown,
        keys,
    ),
    structural(
        "lookup",
        "The element of a key, or the default where there is none.",
        &[param("inputMap", Kind::Any, "A map or object."), param("key", Kind::String, "The key.")],
        |_| Ok(Value::unknown(Type::Dynamic)),
        lookup,
    )
    .with_variadic(nullable("default", Kind::Any, "What stands for a missing element."))
    .with_needs(Needs::Nothing),
    structural("merge", "One map or object of the entries of all; later ones win.", &[], merge_unknown, merge)
        .with_variadic(nullable("maps", Kind::Any, "Maps or objects; nulls are skipped.")),
    plain(
        "transpose",
        "Swaps keys and elements of a map of lists of strings.",
        &[param("values", Kind::StringListMap, "The map of lists.")],
        Kind::StringListMap,
        transpose,
    ),
    structural(
        "values",
        "The elements of a map, or the attribute values of an object, in the order of their keys.",
        &[param("mapping", Kind::Any, "A map or object.")],
        values_unknown,
        values,
    ),
    structural(
        "zipmap",
        "A map or object from a list of keys and a list of values of the same length.",
        &[param("keys", Kind::StringList, "The keys."), param("values", Kind::Any, "A list or tuple of the values.")],
        zipmap_unknown,
        zipmap,
    ),
];

fn no_map(i: usize, value: &Value) -> CallError {
    CallError::at(i, format!("a map or object is required, found {}", value.ty().friendly()))
}

fn name_values<'n>(names: impl Iterator<Item = &'n Str>) -> Vec<Value> {
    names.map(|n| Value::String(n.clone())).collect()
}

fn keys(call: &Call<'_>) -> Answer {
    match call.arg(0)? {
        Value::Map(m) => Ok(Value::list(Type::String, name_values(m.entries.keys()))),
        Value::Object(fields) => Ok(Value::tuple(name_values(fields.keys()))),
        other => Err(no_map(0, other)),
    }
}

fn keys_unknown(call: &Call<'_>) -> Answer {
    Ok(match call.arg(0)?.ty() {
        Type::Map(_) => not_null(Type::list(Type::String)),
        Type::Object(o) => Value::tuple(name_values(o.attrs.iter().map(|(n, _)| n))),
        _ => Value::unknown(Type::Dynamic),
    })
}

fn values(call: &Call<'_>) -> Answer {
    match call.arg(0)? {
        Value::Map(m) => Ok(Value::list(m.element.clone(), m.entries.values().cloned().collect())),
        Value::Object(fields) => Ok(Value::tuple(fields.values().cloned().collect())),
        other => Err(no_map(0, other)),
    }
}

fn values_unknown(call: &Call<'_>) -> Answer {
    Ok(match call.arg(0)?.ty() {
        Type::Map(t) => not_null(Type::List(t)),
        Type::Object(o) => Value::tuple(o.attrs.iter().map(|(_, t)| Value::unknown(t.clone())).collect()),
        _ => Value::unknown(Type::Dynamic),
    })
}

fn lookup(call: &Call<'_>) -> Answer {
    if call.args.len() > 3 {
        return Err(CallError::at(3, "two or three arguments are required"));
    }
    let (map, default) = (call.arg(0)?, call.args.get(2));
    let element = match map.ty() {
        Type::Map(t) => Some((*t).clone()),
        Type::Object(_) => None,
        Type::Dynamic if map.is_unknown() => return Ok(Value::unknown(Type::Dynamic)),
        _ => return Err(no_map(0, map)),
    };
    let default = match (default, &element) {
        (Some(v), Some(t)) => {
            let unfit = |e| CallError::at(2, format!("the default must fit the elements: {e}"));
            Some(convert(v, t).map_err(unfit)?)
        }
        (default, _) => default.cloned(),
    };
    let unknown = || Value::unknown(element.clone().unwrap_or(Type::Dynamic));
    let (Some(fields), Some(key)) = (map.as_fields(), call.arg(1)?.as_str()) else { return Ok(unknown()) };
    let missing = || CallError::at(1, format!("there is no key \"{key}\", and no default is given"));
    fields.get(key).cloned().or(default).ok_or_else(missing)
}

fn merge(call: &Call<'_>) -> Answer {
    let mut entries: Vec<(Str, Value)> = Vec::new();
    for (i, arg) in call.args.iter().enumerate() {
        match arg.as_fields() {
            Some(fields) => entries.extend(fields.iter().cloned()),
            None if arg.is_null() => (),
            None => return Err(no_map(i, arg)),
        }
    }
    Ok(match merged_map(call) {
        Some(Type::Map(element)) => Value::map((*element).clone(), entries),
        _ => Value::object(entries),
    })
}

/// The type of the result where all arguments are maps of one type.
fn merged_map(call: &Call<'_>) -> Option<Type> {
    let first = call.args.first()?.ty();
    let same = matches!(first, Type::Map(_)) && call.args.iter().all(|v| v.ty() == first);
    same.then_some(first)
}

fn merge_unknown(call: &Call<'_>) -> Answer {
    if let Some(ty) = merged_map(call) {
        return Ok(not_null(ty));
    }
    let mut attrs: BTreeMap<Str, Type> = BTreeMap::new();
    for (i, arg) in call.args.iter().enumerate() {
        match (arg.ty(), arg.as_fields()) {
            (_, Some(fields)) => attrs.extend(fields.iter().map(|(n, v)| (n.clone(), v.ty()))),
            (Type::Object(o), None) => attrs.extend(o.attrs.iter().cloned()),
            (Type::Map(_) | Type::Dynamic, None) => return Ok(Value::unknown(Type::Dynamic)),
            _ => return Err(no_map(i, arg)),
        }
    }
    Ok(not_null(Type::object(attrs)))
}

fn transpose(call: &Call<'_>) -> Answer {
    let mut out: BTreeMap<Str, Vec<Value>> = BTreeMap::new();
    let null = || CallError::at(0, "neither the lists nor the strings in them may be null");
    for (key, list) in call.arg(0)?.as_fields().into_iter().flatten() {
        for item in list.as_items().ok_or_else(null)? {
            out.entry(item.as_str().ok_or_else(null)?.clone()).or_default().push(Value::String(key.clone()));
        }
    }
    let lists = out.into_iter().map(|(k, items)| (k, Value::list(Type::String, items)));
    Ok(Value::map(Type::list(Type::String), lists))
}

fn zipmap(call: &Call<'_>) -> Answer {
    let keys = call.items(0)?;
    let (Value::List(_) | Value::Tuple(_)) = call.arg(1)? else {
        return Err(CallError::at(1, "a list or tuple is required"));
    };
    let values = call.items(1)?;
    if keys.len() != values.len() {
        return Err(CallError::at(1, format!("{} values do not match {} keys", values.len(), keys.len())));
    }
    let mut marks = Marks::NONE;
    let mut entries = Vec::with_capacity(keys.len());
    for (i, (key, value)) in keys.iter().zip(values).enumerate() {
        if key.is_unknown() {
            return zipmap_unknown(call);
        }
        let (key, m) = key.unmark();
        marks |= m;
        let name = key.as_str().ok_or_else(|| CallError::at(0, format!("key {i} is null")))?;
        entries.push((name.clone(), value.clone()));
    }
    let zipped = match call.arg(1)? {
        Value::List(s) => Value::map(s.element.clone(), entries),
        _ => Value::object(entries),
    };
    Ok(zipped.mark(marks))
}

fn zipmap_unknown(call: &Call<'_>) -> Answer {
    Ok(match call.arg(1)?.ty() {
        Type::List(t) => not_null(Type::Map(t)),
        _ => Value::unknown(Type::Dynamic),
    })
}
