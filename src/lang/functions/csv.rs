//! Tables in CSV (RFC 4180).

use std::collections::HashSet;

use super::json::decode_function;
use super::{Call, CallError, Function};
use crate::model::{Fields, Str, Type, Value};

pub static FUNCTIONS: &[Function] =
    &[decode_function("csvdecode", "The rows of a CSV text, as objects named by its first line.", csvdecode)];

fn csvdecode(call: &Call<'_>) -> Result<Value, CallError> {
    let rows = parse(call.str(0)?).map_err(|e| CallError::at(0, e))?;
    let mut rows = rows.into_iter();
    let header = rows.next().ok_or_else(|| CallError::at(0, "the line with the names of the columns is missing"))?;
    let mut seen = HashSet::new();
    if let Some(twice) = header.fields.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(CallError::at(0, format!("the column \"{twice}\" is there twice")));
    }
    let names: Vec<Str> =
        header.fields.iter().map(|n| Value::string(n.as_str())).filter_map(|v| v.as_str().cloned()).collect();
    let mut objects = Vec::new();
    for row in rows {
        if row.fields.len() != names.len() {
            let message =
                format!("line {} has {} fields, there are {} columns", row.line, row.fields.len(), names.len());
            return Err(CallError::at(0, message));
        }
        let entries = names.iter().cloned().zip(row.fields.into_iter().map(Value::from)).collect();
        objects.push(Value::fields(Fields::new(entries)));
    }
    let element = Type::object(names.into_iter().map(|n| (n, Type::String)));
    Ok(Value::list(element, objects))
}

struct Row {
    line: usize,
    fields: Vec<String>,
}

/// The rows of a table; empty lines are none.
fn parse(text: &str) -> Result<Vec<Row>, String> {
    let text = text.replace("\r\n", "\n");
    let mut rows = Vec::new();
    let mut rest = text.as_str();
    let mut line = 1;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('\n') {
            (rest, line) = (after, line + 1);
            continue;
        }
        let mut row = Row { line, fields: Vec::new() };
        rest = parse_row(rest, &mut row, &mut line)?;
        rows.push(row);
    }
    Ok(rows)
}

fn parse_row<'t>(text: &'t str, row: &mut Row, line: &mut usize) -> Result<&'t str, String> {
    let mut rest = text;
    loop {
        let field;
        (field, rest) = match rest.strip_prefix('"') {
            Some(inner) => quoted_field(inner, line)?,
            None => {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                if field.contains('"') {
                    return Err(format!("line {line}: a quote stands inside a field that has none around it"));
                }
                (field.to_string(), after)
            }
        };
        row.fields.push(field);
        if let Some(after) = rest.strip_prefix(',') {
            rest = after;
            continue;
        }
        *line += 1;
        return Ok(rest.strip_prefix('\n').unwrap_or(rest));
    }
}

/// A field behind its opening quote, and what follows it.
fn quoted_field<'t>(text: &'t str, line: &mut usize) -> Result<(String, &'t str), String> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"').ok_or_else(|| format!("line {line}: a quote is not closed"))?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        if let Some(after) = rest.strip_prefix('"') {
            field.push('"');
            rest = after;
            continue;
        }
        *line += field.matches('\n').count();
        if !(rest.is_empty() || rest.starts_with([',', '\n'])) {
            return Err(format!("line {line}: a closing quote is followed by more text"));
        }
        return Ok((field, rest));
    }
}
