//! Values as YAML text.
//!
//! The layout is that of the libyaml family of emitters: blocks indented by two, sequences in mappings not indented
//! further, all strings quoted (so that no reader takes them for something else) and folded near column 80, strings
//! of several lines as literal blocks where those can hold them.

use super::{Function, Kind, nullable, plain};
use crate::model::Value;

pub static FUNCTIONS: &[Function] = &[plain(
    "yamlencode",
    "The value as YAML text in block style.",
    &[nullable("value", Kind::Any, "Any value.")],
    Kind::String,
    |call| Ok(encode(call.arg(0)?).into()),
)];

/// Lines are folded at the first space behind this column.
const WIDTH: usize = 80;
/// Longer keys are written with a question mark.
const MAX_SIMPLE_KEY: usize = 128;
const STEP: usize = 2;

/// The value as one document.
fn encode(value: &Value) -> String {
    let mut out = String::new();
    if is_block(value) {
        write_block(&mut out, value, 0, false);
        return out;
    }
    write_scalar(&mut out, value, STEP);
    out.push('\n');
    // A plain scalar alone needs an end, because nothing else shows where it ends.
    if !matches!(value, Value::String(_)) && value.as_items().is_none() && value.as_fields().is_none() {
        out.push_str("...\n");
    }
    out
}

/// Whether it takes lines of its own.
fn is_block(value: &Value) -> bool {
    value.as_items().is_some_and(|items| !items.is_empty()) || value.as_fields().is_some_and(|f| !f.is_empty())
}

/// A collection that is not empty. The first entry is not indented where it follows a dash.
fn write_block(out: &mut String, value: &Value, indent: usize, follows_dash: bool) {
    let mut first = follows_dash;
    let mut start = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.push_str(&" ".repeat(indent));
        }
    };
    for item in value.as_items().unwrap_or(&[]) {
        start(out);
        out.push_str("- ");
        write_behind_indicator(out, item, indent);
    }
    for (key, item) in value.as_fields().into_iter().flatten() {
        start(out);
        if key.len() > MAX_SIMPLE_KEY || key.contains(is_break) {
            out.push_str("? ");
            write_string(out, key, indent + STEP, true);
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            out.push_str(": ");
            write_behind_indicator(out, item, indent);
            continue;
        }
        write_string(out, key, indent + STEP, false);
        out.push(':');
        if !is_block(item) {
            out.push(' ');
            write_scalar(out, item, indent + STEP);
            out.push('\n');
            continue;
        }
        out.push('\n');
        let deeper = if item.as_fields().is_some() { indent + STEP } else { indent };
        write_block(out, item, deeper, false);
    }
}

fn write_behind_indicator(out: &mut String, item: &Value, indent: usize) {
    if is_block(item) {
        write_block(out, item, indent + STEP, true);
    } else {
        write_scalar(out, item, indent + STEP);
        out.push('\n');
    }
}

/// A scalar or an empty collection. Further lines of it are indented by `indent`.
fn write_scalar(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::String(s) => write_string(out, s, indent, true),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::List(_) | Value::Set(_) | Value::Tuple(_) => out.push_str("[]"),
        Value::Map(_) | Value::Object(_) => out.push_str("{}"),
        Value::Null(_) | Value::Unknown(_) | Value::Marked(_) => out.push_str("null"),
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

fn write_string(out: &mut String, text: &str, indent: usize, breaks: bool) {
    let literal = breaks
        && text.contains('\n')
        && text.chars().all(|c| c == '\n' || is_printable(c) && !is_break(c))
        && !text.contains(" \n")
        && !text.ends_with(' ');
    if literal { write_literal(out, text, indent) } else { write_quoted(out, text, indent, breaks) }
}

fn write_literal(out: &mut String, text: &str, indent: usize) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push_str(&STEP.to_string());
    }
    let body = match text.strip_suffix('\n') {
        None => {
            out.push('-');
            text
        }
        Some(body) => {
            if body.is_empty() || body.ends_with('\n') {
                out.push('+');
            }
            body
        }
    };
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.push_str(&" ".repeat(indent));
            out.push_str(line);
        }
    }
}

fn write_quoted(out: &mut String, text: &str, indent: usize, breaks: bool) {
    let mut column = out.chars().rev().take_while(|c| *c != '\n').count() + 1;
    out.push('"');
    let mut after_space = false;
    let mut chars = text.chars().enumerate().peekable();
    while let Some((i, c)) = chars.next() {
        if c == ' ' {
            let next = chars.peek().map(|(_, c)| *c);
            if breaks && !after_space && column > WIDTH && i > 0 && next.is_some() {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                column = indent;
                if next == Some(' ') {
                    out.push('\\');
                    column += 1;
                }
            } else {
                out.push(' ');
                column += 1;
            }
            after_space = true;
            continue;
        }
        let escape = escape(c);
        column += escape.as_ref().map_or(1, String::len);
        match escape {
            Some(escape) => out.push_str(&escape),
            None => out.push(c),
        }
        after_space = false;
    }
    out.push('"');
}

fn escape(c: char) -> Option<String> {
    if c != '"' && c != '\\' && is_printable(c) && !is_break(c) {
        return None;
    }
    Some(match c {
        '\0' => "\\0".to_string(),
        '\u{7}' => "\\a".to_string(),
        '\u{8}' => "\\b".to_string(),
        '\t' => "\\t".to_string(),
        '\n' => "\\n".to_string(),
        '\u{b}' => "\\v".to_string(),
        '\u{c}' => "\\f".to_string(),
        '\r' => "\\r".to_string(),
        '\u{1b}' => "\\e".to_string(),
        '"' | '\\' => format!("\\{c}"),
        '\u{85}' => "\\N".to_string(),
        '\u{2028}' => "\\L".to_string(),
        '\u{2029}' => "\\P".to_string(),
        c if c as u32 <= 0xff => format!("\\x{:02X}", c as u32),
        c if c as u32 <= 0xffff => format!("\\u{:04X}", c as u32),
        c => format!("\\U{:08X}", c as u32),
    })
}
