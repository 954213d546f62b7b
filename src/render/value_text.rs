//! Values as people read them: close to how the language writes them. Sensitive parts are named, never shown.

use std::borrow::Cow;

use super::quote::{self, quoted};
use crate::model::veil::HIDDEN;
use crate::model::{Address, Block, Marks, Mode, Nesting, Schema, Type, Value};

pub const SENSITIVE: &str = HIDDEN;
pub const UNKNOWN: &str = "(known after apply)";
pub const WRITE_ONLY: &str = "(write-only attribute)";
pub const EPHEMERAL: &str = "(ephemeral value)";

/// What stands in the place of a value that must not be shown, if it must not.
pub fn concealed(marks: Marks) -> Option<&'static str> {
    if marks.is_secret() {
        return Some(SENSITIVE);
    }
    marks.contains(Marks::EPHEMERAL).then_some(EPHEMERAL)
}

/// A value as the language could read it back, collections with their conversion: `tolist([…])`.
pub fn value_text(value: &Value) -> String {
    let mut out = String::new();
    Text { out: &mut out, step: 2, conversions: true, quote_names: true }.value(value, 0);
    out
}

/// One stored object as a commented block, as `state show` gives it.
///
/// Nested blocks stand as blocks where the schema is known.
pub fn object_text(address: &Address, note: Option<&str>, object: &Value, schema: Option<&Schema>) -> String {
    let word = match address.resource.mode {
        Mode::Managed => "resource",
        Mode::Data => "data",
        Mode::Ephemeral => "ephemeral",
    };
    let note = note.map(|n| format!(" ({n})")).unwrap_or_default();
    let mut out = format!("# {address}:{note}\n{word} \"{}\" \"{}\" {{\n", address.resource.ty, address.resource.name);
    let mut text = Text { out: &mut out, step: 4, conversions: false, quote_names: false };
    match concealed(object.unmark().1) {
        Some(instead) => text.line(4, &format!("# {instead}")),
        None => text.block(object, schema.map(|s| &s.block), 4),
    }
    out.push_str("}\n");
    out
}

struct Text<'o> {
    out: &'o mut String,
    /// Spaces that each level is indented by.
    step: usize,
    /// Whether `tolist(`, `toset(` and `tomap(` tell collections from structures.
    conversions: bool,
    quote_names: bool,
}

impl Text<'_> {
    fn value(&mut self, value: &Value, indent: usize) {
        let (bare, marks) = value.unmark();
        if let Some(instead) = concealed(marks) {
            return self.out.push_str(instead);
        }
        match bare {
            Value::Null(ty) => self.out.push_str(&if self.conversions { typed_null(ty) } else { "null".into() }),
            Value::Unknown(_) => self.out.push_str(UNKNOWN),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Number(n) => self.out.push_str(&n.to_string()),
            Value::String(s) => self.string(s, indent),
            Value::List(s) => self.converted("tolist", |t| t.items(&s.items, indent)),
            Value::Set(s) => self.converted("toset", |t| t.items(&s.items, indent)),
            Value::Map(m) => self.converted("tomap", |t| t.fields(m.entries.iter(), indent)),
            Value::Tuple(items) => self.items(items, indent),
            Value::Object(fields) => self.fields(fields.iter(), indent),
            // Marks never stand around marks.
            Value::Marked(_) => self.out.push_str(SENSITIVE),
        }
    }

    fn converted(&mut self, function: &str, write: impl FnOnce(&mut Self)) {
        if !self.conversions {
            return write(self);
        }
        self.out.push_str(function);
        self.out.push('(');
        write(self);
        self.out.push(')');
    }

    fn string(&mut self, text: &str, indent: usize) {
        if !text.contains('\n') {
            return self.out.push_str(&if self.conversions { quote::verbatim(text) } else { quoted(text) });
        }
        let (marker, inner) = match indent {
            0 => ("<<EOT", 0),
            _ if self.conversions => ("<<-EOT", indent),
            _ => ("<<-EOT", indent + self.step),
        };
        self.out.push_str(marker);
        self.out.push('\n');
        for line in quote::printable(text).split('\n') {
            self.line(if line.is_empty() { 0 } else { inner }, line);
        }
        self.pad(indent);
        self.out.push_str("EOT");
    }

    fn items(&mut self, items: &[Value], indent: usize) {
        if items.is_empty() {
            return self.out.push_str("[]");
        }
        self.out.push_str("[\n");
        for item in items {
            self.pad(indent + self.step);
            self.value(item, indent + self.step);
            self.out.push_str(",\n");
        }
        self.pad(indent);
        self.out.push(']');
    }

    fn fields<'v>(&mut self, fields: impl Iterator<Item = &'v (crate::model::Str, Value)> + Clone, indent: usize) {
        if fields.clone().next().is_none() {
            return self.out.push_str("{}");
        }
        self.out.push_str("{\n");
        let column = if self.quote_names { 0 } else { fields.clone().map(|(n, _)| name_width(n)).max().unwrap_or(0) };
        for (name, value) in fields {
            let name = if self.quote_names { quoted(name) } else { quote::name(name).into_owned() };
            self.entry(&name, column, value, indent + self.step);
        }
        self.pad(indent);
        self.out.push('}');
    }

    fn entry(&mut self, name: &str, column: usize, value: &Value, indent: usize) {
        self.pad(indent);
        self.out.push_str(name);
        self.pad(column.saturating_sub(quote::width(name)));
        self.out.push_str(" = ");
        self.value(value, indent);
        self.out.push('\n');
    }

    /// The inside of a resource or nested block. Absent attributes do not show.
    fn block(&mut self, object: &Value, schema: Option<&Block>, indent: usize) {
        let Some(fields) = object.as_fields() else { return };
        let is_block = |name: &str| schema.is_some_and(|s| s.nested(name).is_some());
        let shown = || fields.iter().filter(|(n, v)| !v.is_null() && !is_block(n));
        let column = shown().map(|(n, _)| name_width(n)).max().unwrap_or(0);
        for (name, value) in shown() {
            let hide = schema.and_then(|s| s.attribute(name)).is_some_and(|a| a.sensitive);
            let hidden = value.clone().mark(Marks::SENSITIVE);
            self.entry(&quote::name(name), column, if hide { &hidden } else { value }, indent);
        }
        for nested in schema.map_or(&[][..], |s| &s.blocks) {
            let Some(value) = fields.get(&nested.name) else { continue };
            if let Some(instead) = concealed(value.unmark().1) {
                self.line(indent, &format!("{} {{ # {instead} }}", nested.name));
                continue;
            }
            match nested.nesting {
                Nesting::Single => self.nested_block(&nested.name, None, value, &nested.block, indent),
                Nesting::List | Nesting::Set => {
                    for item in value.as_items().unwrap_or(&[]) {
                        self.nested_block(&nested.name, None, item, &nested.block, indent);
                    }
                }
                Nesting::Map => {
                    for (label, item) in value.as_fields().into_iter().flatten() {
                        self.nested_block(&nested.name, Some(label), item, &nested.block, indent);
                    }
                }
            }
        }
    }

    fn nested_block(&mut self, name: &str, label: Option<&str>, value: &Value, schema: &Block, indent: usize) {
        if value.is_null() {
            return;
        }
        let label = label.map(|l| format!(" {}", quoted(l))).unwrap_or_default();
        self.out.push('\n');
        self.line(indent, &format!("{name}{label} {{"));
        match concealed(value.unmark().1) {
            Some(instead) => self.line(indent + self.step, &format!("# {instead}")),
            None => self.block(value, Some(schema), indent + self.step),
        }
        self.line(indent, "}");
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.pad(indent);
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn pad(&mut self, spaces: usize) {
        self.out.extend(std::iter::repeat_n(' ', spaces));
    }
}

fn name_width(name: &str) -> usize {
    quote::width(&quote::name(name))
}

fn typed_null(ty: &Type) -> Cow<'static, str> {
    let of = |function: &str, element: &Type| {
        let name = if *element == Type::Dynamic { "dynamic".to_string() } else { element.friendly() };
        Cow::Owned(format!("{function}(null) /* of {name} */"))
    };
    match ty {
        Type::Bool => "tobool(null)".into(),
        Type::Number => "tonumber(null)".into(),
        Type::String => "tostring(null)".into(),
        Type::List(element) => of("tolist", element),
        Type::Set(element) => of("toset", element),
        Type::Map(element) => of("tomap", element),
        Type::Object(_) | Type::Tuple(_) => format!("null /* {} */", ty.friendly()).into(),
        Type::Dynamic => "null".into(),
    }
}

/// A type over several lines, as `type(…)` shows it in the console.
pub fn type_text(ty: &Type) -> String {
    let mut out = String::new();
    write_type(&mut out, ty, 0);
    out
}

fn write_type(out: &mut String, ty: &Type, indent: usize) {
    let inner = " ".repeat(indent + 4);
    let close = " ".repeat(indent);
    match ty {
        Type::Dynamic => out.push_str("dynamic"),
        Type::Object(object) if object.attrs.is_empty() => out.push_str("object({})"),
        Type::Object(object) => {
            out.push_str("object({\n");
            for (name, ty) in &object.attrs {
                out.push_str(&format!("{inner}{name}: "));
                write_type(out, ty, indent + 4);
                out.push_str(",\n");
            }
            out.push_str(&format!("{close}}})"));
        }
        Type::Tuple(items) if items.is_empty() => out.push_str("tuple([])"),
        Type::Tuple(items) => {
            out.push_str("tuple([\n");
            for ty in items.iter() {
                out.push_str(&inner);
                write_type(out, ty, indent + 4);
                out.push_str(",\n");
            }
            out.push_str(&format!("{close}])"));
        }
        Type::List(element) => write_collection(out, "list", element, indent),
        Type::Set(element) => write_collection(out, "set", element, indent),
        Type::Map(element) => write_collection(out, "map", element, indent),
        primitive => out.push_str(&primitive.to_string()),
    }
}

fn write_collection(out: &mut String, name: &str, element: &Type, indent: usize) {
    if element.is_primitive() || *element == Type::Dynamic {
        out.push_str(&format!("{name}("));
        write_type(out, element, indent);
        return out.push(')');
    }
    out.push_str(&format!("{name}(\n{}", " ".repeat(indent + 4)));
    write_type(out, element, indent + 4);
    out.push_str(&format!(",\n{})", " ".repeat(indent)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_the_language_writes_them() {
        let value = Value::object([
            ("bb", Value::tuple(vec![Value::int(1), "x".into()])),
            ("empty", Value::tuple(vec![])),
            ("l", Value::list(Type::String, vec!["a".into()])),
            ("m", Value::map(Type::String, [("x".into(), "y".into())])),
            ("none", Value::Null(Type::String)),
            ("secret", Value::object([("deep", "hush".into())]).mark(Marks::SENSITIVE)),
            ("text", "a\nb".into()),
            ("later", Value::unknown(Type::String)),
        ]);
        insta::assert_snapshot!(value_text(&value), @r###"
        {
          "bb" = [
            1,
            "x",
          ]
          "empty" = []
          "l" = tolist([
            "a",
          ])
          "later" = (known after apply)
          "m" = tomap({
            "x" = "y"
          })
          "none" = tostring(null)
          "secret" = (sensitive value)
          "text" = <<-EOT
          a
          b
          EOT
        }
        "###);
    }
}
