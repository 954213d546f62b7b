//! What the planner starts from: the objects that the state knows, decoded, and the outputs.

use std::sync::Arc;

use super::change::ProviderName;
use crate::model::{Address, Block, Fields, Marks, Path, PathStep, ResourceAddress, Str, Value};

/// The prior state as the planner needs it.
#[derive(Clone, Debug, Default)]
pub struct Prior {
    pub lineage: Str,
    pub serial: u64,
    /// By address, deposed objects behind the current one.
    pub objects: Vec<PriorObject>,
    /// Root outputs by name; sensitive ones are marked.
    pub outputs: Vec<(Str, Value)>,
}

#[derive(Clone, Debug)]
pub struct PriorObject {
    pub address: Address,
    pub deposed: Option<Str>,
    pub provider: ProviderName,
    /// The provider's id.
    pub id: Str,
    /// With marks where the configuration or the schema said that it is sensitive.
    pub value: Value,
    pub tainted: bool,
    /// A run that was interrupted had begun to delete it.
    pub is_ending: bool,
    /// The resource blocks that it was made from, without instance keys.
    pub dependencies: Arc<[ResourceAddress]>,
    pub create_before_destroy: bool,
    /// The serial of the state when it was written last.
    pub written: u64,
}

/// Marks the values at the paths; paths that lead nowhere are passed over.
pub fn mark_paths(value: Value, paths: &[Path]) -> Value {
    mark_paths_as(value, paths, Marks::SENSITIVE)
}

fn mark_paths_as(value: Value, paths: &[Path], mark: Marks) -> Value {
    paths.iter().fold(value, |value, path| mark_at(&value, &path.0, mark))
}

fn mark_at(value: &Value, steps: &[PathStep], mark: Marks) -> Value {
    let Some((step, rest)) = steps.split_first() else { return value.clone().mark(mark) };
    let (bare, marks) = value.unmark();
    let mut position = 0;
    let wanted = |at: usize, item: &Value| match step {
        PathStep::Index(n) => *n == at,
        PathStep::Element(e) => item == e,
        PathStep::Attr(_) | PathStep::Key(_) => false,
    };
    match (bare, step) {
        (Value::Object(f), PathStep::Attr(name) | PathStep::Key(name)) => {
            Value::fields(mark_field(f, name, rest, mark)).mark(marks)
        }
        (Value::Map(m), PathStep::Attr(name) | PathStep::Key(name)) => {
            Value::map(m.element.clone(), mark_field(&m.entries, name, rest, mark).iter().cloned()).mark(marks)
        }
        (Value::List(_) | Value::Set(_) | Value::Tuple(_), _) => bare
            .map_children(&mut |item| {
                position += 1;
                if wanted(position - 1, item) { mark_at(item, rest, mark) } else { item.clone() }
            })
            .mark(marks),
        _ => value.clone(),
    }
}

fn mark_field(fields: &Fields, name: &Str, rest: &[PathStep], mark: Marks) -> Fields {
    fields.map(|n, v| if n == name { mark_at(v, rest, mark) } else { v.clone() })
}

/// Marks what the schema declares sensitive, and what repeats something sensitive.
pub fn mark_schema(value: Value, block: &Block) -> Value {
    let repeats = value.has_marks() && block.attributes.iter().any(|a| a.repeats.is_some());
    if !repeats && !block.has_sensitive() {
        return value;
    }
    let (bare, marks) = value.unmark();
    let Value::Object(fields) = bare else { return value };
    let marked = fields.map(|name, v| {
        if block.attribute(name).is_some_and(|a| a.sensitive) && !v.is_null() {
            return v.clone().mark(Marks::SENSITIVE);
        }
        if let Some(origin) = block.attribute(name).and_then(|a| fields.get(a.repeats.as_deref()?)) {
            return mark_alike(v, origin);
        }
        match block.nested(name) {
            Some(nested) if nested.block.has_sensitive() => mark_nested(v, &nested.block),
            _ => v.clone(),
        }
    });
    Value::fields(marked).mark(marks)
}

/// Marks a value that repeats another one: at the same places where it is of the same form, else all of it.
fn mark_alike(value: &Value, origin: &Value) -> Value {
    let paths = sensitive_paths(origin);
    if paths.is_empty() || value.is_null() {
        return value.clone();
    }
    match value.unmark_deep().0 == origin.unmark_deep().0 {
        true => mark_paths_as(value.clone(), &paths, Marks::REPEATED),
        false => value.clone().mark(Marks::REPEATED),
    }
}

fn mark_nested(value: &Value, block: &Block) -> Value {
    match value.bare() {
        Value::Object(_) => mark_schema(value.clone(), block),
        // The elements of a set can't be marked one by one.
        Value::Set(s) if !s.items.is_empty() => value.clone().mark(Marks::SENSITIVE),
        _ => value.map_children(&mut |item| mark_schema(item.clone(), block)),
    }
}

/// The paths of all sensitive values, outermost only.
pub fn sensitive_paths(value: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    if value.has_marks() {
        collect(value, &Path::root(), &mut found);
    }
    found
}

fn collect(value: &Value, at: &Path, found: &mut Vec<Path>) {
    if value.unmark().1.contains(Marks::SENSITIVE) {
        found.push(at.clone());
        return;
    }
    match value.bare() {
        Value::Object(f) => f.iter().for_each(|(n, v)| collect(v, &at.child(PathStep::Attr(n.clone())), found)),
        Value::Map(m) => m.entries.iter().for_each(|(n, v)| collect(v, &at.child(PathStep::Key(n.clone())), found)),
        Value::List(_) | Value::Tuple(_) => {
            let items = value.as_items().unwrap_or(&[]);
            items.iter().enumerate().for_each(|(i, v)| collect(v, &at.child(PathStep::Index(i)), found));
        }
        _ => (),
    }
}
