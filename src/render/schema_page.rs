//! The reference page of a resource type or data source, in Markdown, from its schema.

use std::time::Duration;

use crate::model::value_json::to_json;
use crate::model::{Attribute, Block, Equality, NestedBlock, Nesting, Schema, Type};

/// What a page tells beside the schema.
pub struct SchemaPage<'a> {
    /// The type's name, such as `aws_vpc`.
    pub name: &'a str,
    /// `resource` or `data`, as its block begins.
    pub keyword: &'a str,
    pub schema: &'a Schema,
    /// How long each operation may take, by its name in the `timeouts` block; empty where there is no such block.
    pub timeouts: Vec<(&'a str, Duration)>,
    /// An id as import takes it; empty where it can't be imported.
    pub import_example: &'a str,
}

/// The block that sets how long operations may take has a section of its own.
const TIMEOUTS: &str = "timeouts";

/// The page, without a first heading of another level than one.
pub fn schema_page(page: &SchemaPage) -> String {
    let block = &page.schema.block;
    let mut text = format!("# {}\n\n", page.name);
    paragraph(&mut text, &block.doc);
    if let Some(why) = &block.deprecated {
        paragraph(&mut text, &format!("**Deprecated:** {why}"));
    }
    text.push_str(&format!("```hcl\n{} \"{}\" \"example\" {{\n", page.keyword, page.name));
    least(block, 1, &mut text);
    text.push_str("}\n```\n\n");
    arguments(block, "", &mut text);
    computed(block, &mut text);
    if !page.timeouts.is_empty() {
        text.push_str("## Timeouts\n\nThe block `timeouts` takes durations such as `30m`. Without it:\n\n");
        for (name, limit) in &page.timeouts {
            text.push_str(&format!("- `{name}`: {}\n", duration(*limit)));
        }
        text.push('\n');
    }
    if !page.import_example.is_empty() {
        let (name, id) = (page.name, page.import_example.escape_debug());
        text.push_str(&format!("## Import\n\n```hcl\nimport {{\n  to = {name}.example\n  id = \"{id}\"\n}}\n```\n\n"));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The arguments and blocks of a configuration block alone, as a provider's page has them.
pub fn arguments_text(block: &Block) -> String {
    let mut text = String::new();
    arguments(block, "", &mut text);
    text
}

fn paragraph(text: &mut String, words: &str) {
    if !words.trim().is_empty() {
        text.push_str(words.trim());
        text.push_str("\n\n");
    }
}

/// The least that a configuration has to say, with placeholders.
fn least(block: &Block, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let required: Vec<&Attribute> = block.attributes.iter().filter(|a| a.required).collect();
    let width = required.iter().map(|a| a.name.len()).max().unwrap_or(0);
    for attribute in &required {
        text.push_str(&format!("{indent}{:width$} = {}\n", attribute.name, placeholder(attribute)));
    }
    for nested in block.blocks.iter().filter(|b| b.min > 0) {
        let label = if nested.nesting == Nesting::Map { " \"key\"" } else { "" };
        text.push_str(&format!("\n{indent}{}{label} {{\n", nested.name));
        least(&nested.block, depth + 1, text);
        text.push_str(&format!("{indent}}}\n"));
    }
}

fn placeholder(attribute: &Attribute) -> String {
    match (&attribute.ty, attribute.one_of.first()) {
        (Type::String, Some(first)) => format!("\"{first}\""),
        (Type::String, None) => "\"...\"".into(),
        (Type::Number, _) => "1".into(),
        (Type::Bool, _) => "true".into(),
        (Type::List(_) | Type::Set(_) | Type::Tuple(_), _) => "[...]".into(),
        _ => "{ ... }".into(),
    }
}

/// What can be said in a block, then in the blocks inside it.
fn arguments(block: &Block, path: &str, text: &mut String) {
    let settable: Vec<&Attribute> = block.attributes.iter().filter(|a| a.is_settable()).collect();
    let blocks: Vec<&NestedBlock> = block.blocks.iter().filter(|b| !path.is_empty() || &*b.name != TIMEOUTS).collect();
    if settable.is_empty() && blocks.is_empty() {
        if path.is_empty() {
            text.push_str("## Arguments\n\nNone.\n\n");
        }
        return;
    }
    if path.is_empty() {
        text.push_str("## Arguments\n\n");
    }
    let (required, optional): (Vec<&Attribute>, Vec<&Attribute>) = settable.into_iter().partition(|a| a.required);
    for attribute in required.into_iter().chain(optional) {
        text.push_str(&argument(attribute));
    }
    for nested in &blocks {
        text.push_str(&block_line(nested, path));
    }
    text.push('\n');
    for nested in blocks {
        let path = join(path, &nested.name);
        text.push_str(&format!("### `{path}`\n\n"));
        arguments(&nested.block, &path, text);
        let given: Vec<&Attribute> = nested.block.attributes.iter().filter(|a| !a.is_settable()).collect();
        if !given.is_empty() {
            text.push_str("Filled in by the provider:\n\n");
            given.iter().for_each(|a| text.push_str(&attribute_line(a)));
            text.push('\n');
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

fn argument(attribute: &Attribute) -> String {
    let need = if attribute.required { "required" } else { "optional" };
    let mut text =
        format!("- `{}` ({}, {need}): {}", attribute.name, type_words(&attribute.ty), sentence(&attribute.doc));
    let mut add = |words: String| {
        if !text.ends_with(' ') {
            text.push(' ');
        }
        text.push_str(&words);
    };
    if !attribute.one_of.is_empty() {
        let values: Vec<String> = attribute.one_of.iter().map(|v| format!("`{v}`")).collect();
        add(format!("One of {}.", values.join(", ")));
    }
    if let Some(default) = &attribute.default {
        add(format!("Default: `{}`.", to_json(default)));
    } else if attribute.computed {
        add("The provider chooses where nothing is said.".into());
    }
    if !attribute.conflicts_with.is_empty() {
        let others: Vec<String> = attribute.conflicts_with.iter().map(|o| format!("`{o}`")).collect();
        add(format!("Not together with {}.", others.join(", ")));
    }
    let equality = match attribute.equality {
        Equality::Exact => None,
        Equality::Json => Some("Compared as JSON."),
        Equality::Policy => Some("Compared as a policy document."),
        Equality::CaseInsensitive => Some("Case does not count."),
        Equality::DomainName => Some("Compared as a domain name."),
    };
    equality.into_iter().for_each(|words| add(words.into()));
    if attribute.write_only {
        add("Never stored.".into());
    } else if attribute.sensitive {
        add("Never shown.".into());
    }
    if attribute.replaces {
        add("**A change replaces the object.**".into());
    }
    if let Some(why) = &attribute.deprecated {
        add(format!("**Deprecated:** {}", sentence(why)));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn block_line(nested: &NestedBlock, path: &str) -> String {
    let many = match (nested.nesting, nested.min, nested.max) {
        (Nesting::Single, 0, _) | (Nesting::List | Nesting::Set, 0, 1) => "block, optional".to_string(),
        (Nesting::Single, ..) | (_, 1, 1) => "block, required".to_string(),
        (nesting, min, max) => {
            let kind = match nesting {
                Nesting::Set => "blocks, their order does not count",
                Nesting::Map => "blocks with a label each",
                Nesting::Single | Nesting::List => "blocks",
            };
            let least = if min > 0 { format!(", at least {min}") } else { String::new() };
            let most = if max > 0 { format!(", at most {max}") } else { String::new() };
            format!("{kind}{least}{most}")
        }
    };
    let mut text = format!("- `{}` ({many}): {}", nested.name, sentence(&nested.block.doc));
    if nested.replaces {
        text.push_str(" **A change replaces the object.**");
    }
    text.push_str(&format!(" See [`{}`](#{}).\n", join(path, &nested.name), anchor(&join(path, &nested.name))));
    text
}

/// The anchor of a heading, as Markdown renderers make it.
fn anchor(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect::<String>().to_lowercase()
}

/// What the provider alone says.
fn computed(block: &Block, text: &mut String) {
    let given: Vec<&Attribute> = block.attributes.iter().filter(|a| !a.is_settable()).collect();
    if given.is_empty() {
        return;
    }
    text.push_str("## Attributes\n\nBeside the arguments, which can be read too:\n\n");
    given.iter().for_each(|a| text.push_str(&attribute_line(a)));
    text.push('\n');
}

fn attribute_line(attribute: &Attribute) -> String {
    let hidden = if attribute.sensitive { " Never shown." } else { "" };
    let line = format!("- `{}` ({}): {}{hidden}", attribute.name, type_words(&attribute.ty), sentence(&attribute.doc));
    line.trim_end().to_string() + "\n"
}

/// A sentence has an end.
fn sentence(doc: &str) -> String {
    let doc = doc.trim().replace('\n', " ");
    if doc.is_empty() || doc.ends_with(['.', '?', ':']) { doc } else { doc + "." }
}

/// `map of string`.
pub fn type_words(ty: &Type) -> String {
    match ty {
        Type::Dynamic => "any type".into(),
        Type::List(t) => format!("list of {}", type_words(t)),
        Type::Set(t) => format!("set of {}", type_words(t)),
        Type::Map(t) => format!("map of {}", type_words(t)),
        Type::Object(o) => {
            let attrs: Vec<String> = o.attrs.iter().map(|(n, t)| format!("`{n}`: {}", type_words(t))).collect();
            format!("object with {}", attrs.join(", "))
        }
        other => other.friendly(),
    }
}

/// `1h30m`, `45s`.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0s".into() } else { text }
}
