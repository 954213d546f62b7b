//! Sets: no element twice, in the order that the language iterates them.

use std::cmp::Ordering;
use std::sync::Arc;

use super::value::Sequence;
use super::{Marks, Type, Value};

/// A set of the given elements. Marks of elements move to the set itself: which element is secret would show
/// in the order otherwise.
pub fn set(element: Type, items: Vec<Value>) -> Value {
    let mut marks = Marks::NONE;
    let mut items: Vec<Value> = items
        .into_iter()
        .map(|v| {
            let (bare, m) = v.unmark_deep();
            marks |= m;
            bare
        })
        .collect();
    items.sort_by(compare);
    // Unknowns may turn out different: they are all kept.
    items.dedup_by(|a, b| a == b && a.is_wholly_known());
    Value::Set(Arc::new(Sequence { element, items })).mark(marks)
}

/// The iteration order of a set: known before unknown, nulls last of the known, false before true, numbers
/// by size, strings by code point; structures element by element.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.bare(), b.bare()) {
        (Value::Unknown(x), Value::Unknown(y)) => x.ty.to_string().cmp(&y.ty.to_string()),
        (Value::Unknown(_), _) => Ordering::Greater,
        (_, Value::Unknown(_)) => Ordering::Less,
        (Value::Null(_), Value::Null(_)) => Ordering::Equal,
        (Value::Null(_), _) => Ordering::Greater,
        (_, Value::Null(_)) => Ordering::Less,
        (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        (Value::Number(x), Value::Number(y)) => x.cmp(y),
        (Value::String(x), Value::String(y)) => x.cmp(y),
        (x, y) => compare_structures(x, y),
    }
}

fn compare_structures(a: &Value, b: &Value) -> Ordering {
    if let (Some(x), Some(y)) = (a.as_items(), b.as_items()) {
        return compare_all(x.iter(), y.iter());
    }
    if let (Some(x), Some(y)) = (a.as_fields(), b.as_fields()) {
        return x.keys().cmp(y.keys()).then_with(|| compare_all(x.values(), y.values()));
    }
    rank(a).cmp(&rank(b))
}

fn compare_all<'a>(mut a: impl Iterator<Item = &'a Value>, mut b: impl Iterator<Item = &'a Value>) -> Ordering {
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match compare(x, y) {
                Ordering::Equal => (),
                unequal => return unequal,
            },
        }
    }
}

/// An order between values of different types, which only sets of unknown element type can hold.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::List(_) | Value::Set(_) | Value::Tuple(_) => 3,
        _ => 4,
    }
}
