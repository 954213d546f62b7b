//! Sets: no element twice, in the order that the language iterates them.

use std::cmp::Ordering;

use super::value::measured;
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
    sort(&mut items);
    // Unknowns may turn out different: they are all kept.
    items.dedup_by(|a, b| a == b && a.is_wholly_known());
    Value::Set(measured(element, items)).mark(marks)
}

/// The iteration order of a set: known before unknown, nulls last of the known, false before true, numbers
/// by size, strings by code point. Structures have the order of their [`sort_text`].
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
        (x, y) => sort_text(x).cmp(&sort_text(y)),
    }
}

/// The elements in order. The text of a structure is written once, not at each comparison.
fn sort(items: &mut [Value]) {
    match items.first().map(Value::bare) {
        Some(Value::List(_) | Value::Set(_) | Value::Tuple(_) | Value::Map(_) | Value::Object(_)) => {
            items.sort_by_cached_key(sort_text);
        }
        _ => items.sort_by(compare),
    }
}

/// What structures are ordered by, as other implementations of the language order them: numbers by ten digits of
/// their text, strings quoted, so that `[10]` comes before `[2]` and `["a", "b"]` before `["a"]`.
fn sort_text(value: &Value) -> String {
    let mut text = String::new();
    write_sort_text(value, &mut text);
    text
}

fn write_sort_text(value: &Value, out: &mut String) {
    match value.bare() {
        Value::Unknown(_) | Value::Marked(_) => out.push('\u{10ffff}'),
        Value::Null(_) => out.push('~'),
        Value::Bool(b) => out.push_str(if *b { "T;" } else { "F;" }),
        Value::Number(n) => {
            out.push_str(&n.to_short());
            out.push(';');
        }
        Value::String(s) => {
            write_quoted(s, out);
            out.push(';');
        }
        Value::List(s) | Value::Set(s) => write_items(&s.items, out),
        Value::Tuple(items) => write_items(items, out),
        Value::Map(m) => {
            out.push('{');
            for (key, value) in &m.entries {
                write_quoted(key, out);
                out.push(';');
                write_sort_text(value, out);
            }
            out.push_str("};");
        }
        Value::Object(fields) => {
            out.push('<');
            fields.values().for_each(|v| write_sort_text(v, out));
            out.push_str(">;");
        }
    }
}

fn write_items(items: &[Value], out: &mut String) {
    out.push('[');
    items.iter().for_each(|v| write_sort_text(v, out));
    out.push_str("];");
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_ordered_by_their_text() {
        let pair = |items: &[i64]| Value::tuple(items.iter().map(|n| Value::int(*n)).collect());
        let ordered = set(Type::Dynamic, vec![pair(&[2]), pair(&[]), pair(&[1]), pair(&[10]), pair(&[1, 2])]);
        let expected = [pair(&[10]), pair(&[1, 2]), pair(&[1]), pair(&[2]), pair(&[])];
        assert_eq!(ordered.as_items().unwrap(), expected);
    }
}
