//! Values in the syntax of `.tfvars` files, and back: the functions of the built-in `terraform` provider.

use super::{Call, CallError, Function, Kind, param, plain};
use crate::model::{Fields, Value};

type Answer = Result<Value, CallError>;

pub static FUNCTIONS: &[Function] = &[
    plain(
        "provider::terraform::encode_expr",
        "The value as an expression of the language.",
        &[param("value", Kind::Any, "Any value.")],
        Kind::String,
        |call| Ok(expression(call.arg(0)?).into()),
    ),
    plain(
        "provider::terraform::encode_tfvars",
        "The attributes of an object as the text of a .tfvars file.",
        &[param("value", Kind::Any, "An object or map whose names can be names of variables.")],
        Kind::String,
        encode_tfvars,
    ),
];

fn encode_tfvars(call: &Call<'_>) -> Answer {
    let wrong = || CallError::at(0, "an object is required whose attributes become variables");
    let fields = call.arg(0)?.as_fields().ok_or_else(wrong)?;
    if let Some(name) = fields.keys().find(|n| !is_identifier(n)) {
        return Err(CallError::at(0, format!("\"{name}\" cannot be the name of a variable")));
    }
    let mut out = String::new();
    write_attributes(&mut out, fields, 0);
    Ok(out.into())
}

fn expression(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, 0);
    out
}

fn write_value(out: &mut String, value: &Value, indent: usize) {
    match value.bare() {
        Value::Null(_) | Value::Unknown(_) | Value::Marked(_) => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::String(s) => out.push_str(&quoted(s)),
        Value::List(s) | Value::Set(s) => write_items(out, &s.items, indent),
        Value::Tuple(items) => write_items(out, items, indent),
        Value::Map(m) => write_object(out, &m.entries, indent),
        Value::Object(fields) => write_object(out, fields, indent),
    }
}

fn write_items(out: &mut String, items: &[Value], indent: usize) {
    out.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_value(out, item, indent);
    }
    out.push(']');
}

fn write_object(out: &mut String, fields: &Fields, indent: usize) {
    if fields.is_empty() {
        out.push_str("{}");
        return;
    }
    out.push_str("{\n");
    write_attributes(out, fields, indent + 2);
    out.push_str(&" ".repeat(indent));
    out.push('}');
}

/// One attribute a line. The equals signs of neighbours with values of one line are aligned.
fn write_attributes(out: &mut String, fields: &Fields, indent: usize) {
    let lines: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| {
            let mut text = String::new();
            write_value(&mut text, value, indent);
            (if is_identifier(name) { name.to_string() } else { quoted(name) }, text)
        })
        .collect();
    for run in lines.chunk_by(|a, b| a.1.contains('\n') == b.1.contains('\n')) {
        let several = run.iter().any(|(_, text)| text.contains('\n'));
        let widest = run.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, text) in run {
            let missing = if several { 0 } else { widest - name.chars().count() };
            out.push_str(&format!("{}{name}{} = {text}\n", " ".repeat(indent), " ".repeat(missing)));
        }
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// A string between quotes, with what starts a template escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => out.extend([c, c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
