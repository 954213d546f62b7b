//! JSON text and values.

use super::{Call, CallError, Function, Kind, Param, Returns, nullable, param, plain};
use crate::model::value_json::from_json;
use crate::model::{Type, Value};

pub static FUNCTIONS: &[Function] = &[
    decode_function("jsondecode", "The value that a JSON text means.", jsondecode),
    plain(
        "jsonencode",
        "The value as JSON text. Characters that mean something in HTML are escaped.",
        &[nullable("val", Kind::Any, "Any value.")],
        Kind::String,
        |call| match call.arg(0)? {
            value if is_infinite(value) => Err(CallError::at(0, "infinity cannot be written as JSON")),
            value => Ok(encode(value).into()),
        },
    ),
];

const TEXT: &[Param] = &[param("str", Kind::String, "The text.")];

/// A function that reads a text whose type shows only in its content.
pub const fn decode_function(
    name: &'static str,
    doc: &'static str,
    body: fn(&Call<'_>) -> Result<Value, CallError>,
) -> Function {
    let mut function = plain(name, doc, TEXT, Kind::Any, body);
    function.returns = Returns::Depends(|_| Ok(Value::unknown(Type::Dynamic)));
    function
}

fn jsondecode(call: &Call<'_>) -> Result<Value, CallError> {
    let text = replace_lone_surrogates(call.str(0)?);
    let parsed: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| CallError::at(0, format!("this is no JSON: {e}")))?;
    Ok(from_json(&parsed))
}

/// Halves of surrogate pairs stand for no character: they become U+FFFD, as in other readers.
fn replace_lone_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let unit = |s: &str| u32::from_str_radix(s.strip_prefix("\\u")?.get(..4)?, 16).ok();
        let (taken, text) = match unit(rest) {
            Some(0xd800..=0xdbff) => match rest.get(6..).and_then(unit) {
                Some(0xdc00..=0xdfff) => (12, None),
                _ => (6, Some("\\ufffd")),
            },
            Some(0xdc00..=0xdfff) => (6, Some("\\ufffd")),
            Some(_) => (6, None),
            // The escaped character may be a backslash itself.
            None => (1 + rest.chars().nth(1).map_or(0, char::len_utf8), None),
        };
        out.push_str(text.unwrap_or(&rest[..taken]));
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

/// Whether an infinite number is anywhere in the value.
fn is_infinite(value: &Value) -> bool {
    let own = value.bare().as_number().is_some_and(|n| n.infinity().is_some());
    own || value.any_child(is_infinite)
}

/// The value as JSON text without spaces, attributes in order.
pub fn encode(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value.bare() {
        Value::Null(_) | Value::Unknown(_) | Value::Marked(_) => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::String(s) => out.push_str(&quoted(s)),
        Value::List(s) | Value::Set(s) => write_items(out, &s.items),
        Value::Tuple(items) => write_items(out, items),
        Value::Map(m) => write_fields(out, &m.entries),
        Value::Object(fields) => write_fields(out, fields),
    }
}

fn write_items(out: &mut String, items: &[Value]) {
    out.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

fn write_fields(out: &mut String, fields: &crate::model::Fields) {
    out.push('{');
    for (i, (name, value)) in fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&quoted(name));
        out.push(':');
        write(out, value);
    }
    out.push('}');
}

/// A string between quotes, escaped so that it is safe inside HTML too.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' => out.push_str(&format!("\\u{:04x}", c as u32)),
            '\u{0}'..='\u{1f}' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
