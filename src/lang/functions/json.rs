//! JSON text and values.

use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Call, CallError, Function, Kind, Param, Returns, nullable, param, plain};
use crate::lang::limits::MAX_LEVELS;
use crate::model::value::Refinement;
use crate::model::value_json::from_json;
use crate::model::{Type, Value};

pub static FUNCTIONS: &[Function] =
    &[decode_function("jsondecode", "The value that a JSON text means.", jsondecode), JSONENCODE];

const JSONENCODE: Function = {
    let mut function = plain(
        "jsonencode",
        "The value as JSON text. Characters that mean something in HTML are escaped.",
        &[nullable("val", Kind::Any, "Any value.")],
        Kind::String,
        |call| match call.arg(0)? {
            value if is_infinite(value) => Err(CallError::at(0, "infinity cannot be written as JSON")),
            value => Ok(encode(value).into()),
        },
    );
    function.returns = Returns::Depends(Kind::String, |call| Ok(begun(call.arg(0)?)));
    function
};

/// The text of a value that is not known: how it begins shows in the type, unless it may be null.
fn begun(value: &Value) -> Value {
    let never_null = Refinement::of(value).not_null;
    let prefix = match value.ty() {
        Type::List(_) | Type::Set(_) | Type::Tuple(_) if never_null => Some("[".into()),
        Type::Map(_) | Type::Object(_) if never_null => Some("{".into()),
        Type::String if never_null => Some("\"".into()),
        _ => None,
    };
    Value::refined(Type::String, Refinement { not_null: true, prefix, ..Refinement::default() })
}

const TEXT: &[Param] = &[param("str", Kind::String, "The text.")];

/// A function that reads a text whose type shows only in its content.
pub const fn decode_function(
    name: &'static str,
    doc: &'static str,
    body: fn(&Call<'_>) -> Result<Value, CallError>,
) -> Function {
    let mut function = plain(name, doc, TEXT, Kind::Any, body);
    function.returns = Returns::Depends(Kind::Any, |_| Ok(Value::unknown(Type::Dynamic)));
    function
}

fn jsondecode(call: &Call<'_>) -> Result<Value, CallError> {
    let text = replace_lone_surrogates(call.str(0)?);
    parse(&text, 0).map_err(|why| CallError::at(0, why))
}

/// The value of a text. The parser gives up where a text nests deeper than its own limit: such a text is taken
/// apart by its outermost level.
fn parse(text: &str, level: usize) -> Result<Value, String> {
    let problem = match serde_json::from_str(text) {
        Ok(parsed) => return Ok(from_json(&parsed)),
        Err(e) => format!("this is no JSON: {e}"),
    };
    if !problem.contains("recursion limit") {
        return Err(problem);
    }
    if level >= MAX_LEVELS {
        return Err(format!("it nests more than {MAX_LEVELS} levels deep"));
    }
    let inner = |raw: &RawValue| parse(raw.get(), level + 1);
    match text.trim_start().as_bytes().first() {
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| problem)?;
            Ok(Value::tuple(items.into_iter().map(inner).collect::<Result<_, _>>()?))
        }
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text).map_err(|_| problem)?;
            let members = members.into_iter().map(|(name, raw)| Ok((name, inner(raw)?)));
            Ok(Value::object(members.collect::<Result<Vec<_>, String>>()?))
        }
        _ => Err(problem),
    }
}

/// Names and unparsed values of an object, as they stand.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<'t>(PhantomData<&'t ()>);

impl<'de: 't, 't> Visitor<'de> for MembersVisitor<'t> {
    type Value = Members<'t>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'t>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
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
