//! `ignore_changes`: what the configuration says about these paths does not count once the object exists.

use crate::model::{Block, Fields, Path, PathStep, Value};
use crate::spec::Lifecycle;

/// The configuration with the ignored parts as they are in the object.
pub fn apply(lifecycle: &Lifecycle, block: &Block, prior: &Value, config: &Value) -> Value {
    if lifecycle.ignore_all {
        return ignore_all(block, prior, config);
    }
    lifecycle.ignore_changes.iter().fold(config.clone(), |config, (path, _)| take(&config, prior, path))
}

/// All that can be configured comes from the object.
fn ignore_all(block: &Block, prior: &Value, config: &Value) -> Value {
    let (bare, marks) = config.unmark();
    let (Some(written), Some(before)) = (bare.as_fields(), prior.as_fields()) else { return config.clone() };
    let fields = written.map(|name, value| {
        let settable = block.attribute(name).is_none_or(|a| a.is_settable() && !a.write_only);
        match before.get(name) {
            Some(old) if settable => old.clone(),
            _ => value.clone(),
        }
    });
    Value::fields(fields).mark(marks)
}

fn take(config: &Value, prior: &Value, path: &Path) -> Value {
    replace(config, Some(prior), &path.0).unwrap_or_else(|| config.clone())
}

/// The configuration with the value at the path taken from the prior object; nothing where it has no such path.
fn replace(config: &Value, prior: Option<&Value>, steps: &[PathStep]) -> Option<Value> {
    let Some((step, rest)) = steps.split_first() else { return prior.cloned() };
    let (bare, marks) = config.unmark();
    let name = match step {
        PathStep::Attr(name) | PathStep::Key(name) => name,
        PathStep::Index(i) => return replace_item(config, prior, *i, rest),
        PathStep::Element(_) => return None,
    };
    let before = prior.and_then(Value::as_fields).and_then(|f| f.get(name));
    let own = bare.as_fields().and_then(|f| f.get(name));
    let new = match own {
        Some(value) => replace(value, before, rest),
        None if rest.is_empty() => before.cloned(),
        None => None,
    };
    match bare {
        Value::Object(f) => Some(Value::fields(with(f, name, new, false)).mark(marks)),
        Value::Map(m) => {
            Some(Value::map(m.element.clone(), with(&m.entries, name, new, true).iter().cloned()).mark(marks))
        }
        // Nothing configured, but the object has entries: they stay.
        Value::Null(_) => prior.filter(|p| p.as_fields().is_some()).map(|p| {
            let mut fields = Fields::default();
            if let Some(before) = before {
                fields.set(name.clone(), before.clone());
            }
            match p.bare() {
                Value::Map(m) => Value::map(m.element.clone(), fields.iter().cloned()),
                _ => Value::fields(fields),
            }
        }),
        _ => None,
    }
}

/// Sets the field; without a new value an entry of a map goes away.
fn with(fields: &Fields, name: &crate::model::Str, new: Option<Value>, is_map: bool) -> Fields {
    let mut fields = fields.clone();
    match new {
        Some(value) => fields.set(name.clone(), value),
        None if is_map => {
            fields.remove(name);
        }
        None => (),
    }
    fields
}

fn replace_item(config: &Value, prior: Option<&Value>, index: usize, rest: &[PathStep]) -> Option<Value> {
    let before = prior.and_then(Value::as_items).and_then(|items| items.get(index));
    let own = config.as_items()?.get(index)?;
    let new = replace(own, before, rest)?;
    let mut at = 0;
    Some(config.map_children(&mut |item| {
        at += 1;
        if at - 1 == index { new.clone() } else { item.clone() }
    }))
}
