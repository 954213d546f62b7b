//! Configuration for objects that have none: a resource block in HCL for each.

use super::quote::width;
use crate::model::{Address, Attribute, Block, NestedBlock, Nesting, Str, Value};

/// An object and what is needed to write its block.
pub struct Written<'a> {
    pub address: &'a Address,
    pub block: &'a Block,
    pub object: &'a Value,
    /// The `provider` argument, such as `aws.east`, where the type's own is not meant.
    pub provider: Option<String>,
    /// What the object was imported from.
    pub id: &'a str,
}

/// The resource block. Secrets are left out, with a note where they belong.
pub fn resource_text(written: &Written) -> String {
    let mut page = Page::default();
    page.line(&format!("# Imported from {}.", text_literal(written.id)));
    let r = &written.address.resource;
    page.line(&format!("resource {} {} {{", text_literal(&r.ty), text_literal(&r.name)));
    page.depth += 1;
    if let Some(provider) = &written.provider {
        page.line(&format!("provider = {provider}"));
        page.line("");
    }
    page.body(written.block, written.object);
    page.depth -= 1;
    page.line("}");
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
    depth: usize,
}

impl Page {
    fn line(&mut self, text: &str) {
        if !text.is_empty() {
            self.text.push_str(&"  ".repeat(self.depth));
            self.text.push_str(text);
        }
        self.text.push('\n');
    }

    fn body(&mut self, block: &Block, object: &Value) {
        let mut taken: Vec<&Str> = Vec::new();
        let mut entries: Vec<(Str, Vec<String>)> = Vec::new();
        for attribute in &block.attributes {
            let value = object.attr(&attribute.name).unwrap_or(Value::NULL);
            let clashes = attribute.conflicts_with.iter().any(|other| taken.iter().any(|t| ***t == **other));
            if clashes || !is_written(attribute, &value) {
                continue;
            }
            taken.push(&attribute.name);
            entries.push((attribute.name.clone(), attribute_value(attribute, &value)));
        }
        self.entries(&entries);
        for nested in &block.blocks {
            let value = object.attr(&nested.name).unwrap_or(Value::NULL);
            self.nested(nested, &value);
        }
    }

    /// Arguments with their signs in one column, as the formatter lays them out.
    fn entries(&mut self, entries: &[(Str, Vec<String>)]) {
        let column = entries.iter().filter(|(_, v)| v.len() == 1).map(|(n, _)| width(n)).max().unwrap_or(0);
        for (name, lines) in entries {
            let Some((first, rest)) = lines.split_first() else { continue };
            let pad = if rest.is_empty() { column - width(name) } else { 0 };
            self.line(&format!("{name}{} = {first}", " ".repeat(pad)));
            rest.iter().for_each(|line| self.line(line));
        }
    }

    fn nested(&mut self, nested: &NestedBlock, value: &Value) {
        let bare = value.bare();
        let one = |page: &mut Page, label: Option<&Str>, object: &Value| {
            let label = label.map(|l| format!(" {}", text_literal(l))).unwrap_or_default();
            page.line("");
            page.line(&format!("{}{label} {{", nested.name));
            page.depth += 1;
            page.body(&nested.block, object);
            page.depth -= 1;
            page.line("}");
        };
        match nested.nesting {
            Nesting::Single if !bare.is_null() => one(self, None, bare),
            Nesting::Single => (),
            Nesting::List | Nesting::Set => bare.as_items().into_iter().flatten().for_each(|v| one(self, None, v)),
            Nesting::Map => bare.as_fields().into_iter().flatten().for_each(|(key, v)| one(self, Some(key), v)),
        }
    }
}

/// Whether an attribute belongs into a configuration: it can be set, says something, and is not out of use.
fn is_written(attribute: &Attribute, value: &Value) -> bool {
    let said = !value.is_null() && attribute.default.as_ref() != Some(value.bare());
    attribute.required
        || (attribute.is_settable() && said && attribute.deprecated.is_none() && &*attribute.name != "tags_all")
}

/// The lines of a value.
fn attribute_value(attribute: &Attribute, value: &Value) -> Vec<String> {
    let secret = attribute.sensitive || attribute.write_only || value.all_marks().is_secret();
    match () {
        () if secret && !value.is_null() => vec!["null # sensitive: not written down".into()],
        () if value.is_null() => vec!["null # required".into()],
        () => value_lines(value),
    }
}

fn value_lines(value: &Value) -> Vec<String> {
    match value.bare() {
        Value::Null(_) | Value::Unknown(_) => vec!["null".into()],
        Value::Bool(b) => vec![b.to_string()],
        Value::Number(n) => vec![n.to_string()],
        Value::String(s) => vec![text_literal(s)],
        other => match (other.as_items(), other.as_fields()) {
            (Some(items), _) => list_lines(items),
            (None, Some(fields)) => {
                let entries: Vec<(String, Vec<String>)> =
                    fields.iter().map(|(name, v)| (key_text(name), value_lines(v))).collect();
                let column = entries.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
                let lines = entries.into_iter().map(|(name, lines)| {
                    let pad = " ".repeat(column - width(&name));
                    with_head(&format!("{name}{pad} = "), lines, "")
                });
                enclosed("{", lines, "}")
            }
            (None, None) => vec!["null".into()],
        },
    }
}

fn list_lines(items: &[Value]) -> Vec<String> {
    let lines: Vec<Vec<String>> = items.iter().map(value_lines).collect();
    let short = lines.iter().all(|l| l.len() == 1) && lines.iter().map(|l| width(&l[0]) + 2).sum::<usize>() < 80;
    match short {
        true => vec![format!("[{}]", lines.concat().join(", "))],
        false => enclosed("[", lines.into_iter().map(|l| with_head("", l, ",")), "]"),
    }
}

fn enclosed(open: &str, parts: impl Iterator<Item = Vec<String>>, close: &str) -> Vec<String> {
    let inner: Vec<String> = parts.flatten().map(|line| format!("  {line}")).collect();
    match inner.is_empty() {
        true => vec![format!("{open}{close}")],
        false => [vec![open.to_string()], inner, vec![close.to_string()]].concat(),
    }
}

fn with_head(head: &str, mut lines: Vec<String>, tail: &str) -> Vec<String> {
    if let Some(first) = lines.first_mut() {
        *first = format!("{head}{first}");
    }
    if let Some(last) = lines.last_mut() {
        last.push_str(tail);
    }
    lines
}

fn key_text(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_string() } else { text_literal(name) }
}

/// A string between quotes in which nothing is a template.
fn text_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => {
                out.push(c);
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
