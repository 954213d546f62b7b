//! What differs between an object and its planned successor, and which differences force a replacement.

use crate::model::equality::equal;
use crate::model::{Block, Fields, NestedBlock, Nesting, Path, PathStep, Str, Value};

/// The top-level attributes and blocks whose values differ.
pub fn changed(block: &Block, before: &Value, after: &Value) -> Vec<Str> {
    let empty = Fields::default();
    let (b, a) = (before.as_fields().unwrap_or(&empty), after.as_fields().unwrap_or(&empty));
    let names = block.attributes.iter().map(|a| &a.name).chain(block.blocks.iter().map(|n| &n.name));
    let differs = |name: &&Str| match (b.get(name), a.get(name)) {
        // A null of any type is the same absence: states keep no types of nulls.
        (Some(x), Some(y)) => !(equal(x, y) || x.is_null() && y.is_null()),
        (x, y) => x.is_some_and(|v| !v.is_null()) || y.is_some_and(|v| !v.is_null()),
    };
    names.filter(differs).cloned().collect()
}

/// The paths whose change replaces the object.
pub fn forces_replacement(block: &Block, before: &Value, after: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    collect(block, before, after, &Path::root(), &mut found);
    found
}

fn collect(block: &Block, before: &Value, after: &Value, at: &Path, found: &mut Vec<Path>) {
    let empty = Fields::default();
    let (b, a) = (before.as_fields().unwrap_or(&empty), after.as_fields().unwrap_or(&empty));
    let null = Value::NULL;
    for attribute in block.attributes.iter().filter(|x| x.replaces) {
        let (x, y) = (b.get(&attribute.name).unwrap_or(&null), a.get(&attribute.name).unwrap_or(&null));
        let both_null = x.is_null() && y.is_null();
        if !both_null && !equal(x, y) {
            found.push(at.child(PathStep::Attr(attribute.name.clone())));
        }
    }
    for nested in &block.blocks {
        let (x, y) = (b.get(&nested.name).unwrap_or(&null), a.get(&nested.name).unwrap_or(&null));
        if !equal(x, y) {
            collect_nested(nested, x, y, &at.child(PathStep::Attr(nested.name.clone())), found);
        }
    }
}

fn collect_nested(nested: &NestedBlock, before: &Value, after: &Value, at: &Path, found: &mut Vec<Path>) {
    if nested.replaces {
        found.push(at.clone());
        return;
    }
    if !replaces_anywhere(&nested.block) {
        return;
    }
    match nested.nesting {
        Nesting::Single => collect(&nested.block, before, after, at, found),
        Nesting::Set => found.push(at.clone()),
        Nesting::List => {
            let (b, a) = (before.as_items().unwrap_or(&[]), after.as_items().unwrap_or(&[]));
            for i in 0..b.len().max(a.len()) {
                let null = Value::NULL;
                let (x, y) = (b.get(i).unwrap_or(&null), a.get(i).unwrap_or(&null));
                collect(&nested.block, x, y, &at.child(PathStep::Index(i)), found);
            }
        }
        Nesting::Map => {
            let empty = Fields::default();
            let (b, a) = (before.as_fields().unwrap_or(&empty), after.as_fields().unwrap_or(&empty));
            for key in b.keys().chain(a.keys().filter(|k| b.get(k).is_none())) {
                let null = Value::NULL;
                let (x, y) = (b.get(key).unwrap_or(&null), a.get(key).unwrap_or(&null));
                collect(&nested.block, x, y, &at.child(PathStep::Key(key.clone())), found);
            }
        }
    }
}

fn replaces_anywhere(block: &Block) -> bool {
    block.attributes.iter().any(|a| a.replaces)
        || block.blocks.iter().any(|n| n.replaces || replaces_anywhere(&n.block))
}
