//! The object that a configuration proposes, by the schema alone: what is configured, what the provider chose
//! before, and what it will choose.

use crate::model::equality::same;
use crate::model::value::Refinement;
use crate::model::{Attribute, Block, Fields, NestedBlock, Nesting, Type, Value, set};

/// The planned object of a block. `prior` is the object as it is, nothing on create and replace. Marks of the
/// configuration stay; values that only differ in spelling keep the prior spelling.
pub fn propose(block: &Block, prior: Option<&Value>, config: &Value) -> Value {
    let empty = Fields::default();
    let (bare, marks) = config.unmark();
    if bare.is_unknown() {
        return config.clone();
    }
    let written = bare.as_fields().unwrap_or(&empty);
    let before = prior.and_then(Value::as_fields);
    let mut fields = Vec::with_capacity(block.attributes.len() + block.blocks.len());
    for attribute in &block.attributes {
        let value = propose_attribute(attribute, before.map(|f| f.get(&attribute.name)), written.get(&attribute.name));
        fields.push((attribute.name.clone(), value));
    }
    for nested in &block.blocks {
        let value = propose_nested(nested, before.map(|f| f.get(&nested.name)), written.get(&nested.name));
        fields.push((nested.name.clone(), value));
    }
    Value::fields(Fields::new(fields)).mark(marks)
}

/// `prior` is nothing where there is no prior object, and `Some(None)` where the object lacks the attribute.
fn propose_attribute(attribute: &Attribute, prior: Option<Option<&Value>>, written: Option<&Value>) -> Value {
    if attribute.write_only {
        return Value::Null(attribute.ty.without_optional());
    }
    match written.filter(|v| !v.is_null()) {
        Some(value) => match prior.flatten() {
            Some(before) if same(before, value, attribute.equality) => before.bare().clone().mark(value.unmark().1),
            _ => value.clone(),
        },
        None if attribute.computed => match prior {
            Some(before) => before.cloned().unwrap_or_else(|| Value::Null(attribute.ty.without_optional())),
            None => match &attribute.default {
                Some(default) => default.clone(),
                None => will_be_chosen(attribute),
            },
        },
        None => match &attribute.default {
            Some(default) => default.clone(),
            None => written.cloned().unwrap_or_else(|| Value::Null(attribute.ty.without_optional())),
        },
    }
}

/// What the provider will choose.
fn will_be_chosen(attribute: &Attribute) -> Value {
    let refinement = Refinement { not_null: attribute.always_set, ..Refinement::default() };
    Value::refined(attribute.ty.without_optional(), refinement)
}

fn propose_nested(nested: &NestedBlock, prior: Option<Option<&Value>>, written: Option<&Value>) -> Value {
    let absent = |v: &&Value| v.is_null() || v.as_items().is_some_and(<[Value]>::is_empty);
    let Some(value) = written.filter(|v| !absent(v)) else {
        return match prior {
            _ if !nested.computed => nested.absent(),
            Some(before) => before.cloned().unwrap_or_else(|| nested.absent()),
            None => Value::unknown(nested.ty()),
        };
    };
    let (bare, marks) = value.unmark();
    if bare.is_unknown() {
        return value.clone();
    }
    let before = prior.flatten().map(Value::bare);
    let element = || element_type(bare, nested);
    let proposed = match nested.nesting {
        Nesting::Single => propose(&nested.block, before.filter(|v| !v.is_null()), bare),
        Nesting::List => {
            let earlier = before.and_then(Value::as_items).unwrap_or(&[]);
            let items = bare.as_items().unwrap_or(&[]).iter().enumerate();
            Value::list(element(), items.map(|(i, v)| propose(&nested.block, earlier.get(i), v)).collect())
        }
        Nesting::Set => {
            let earlier = before.and_then(Value::as_items).unwrap_or(&[]);
            let items = bare.as_items().unwrap_or(&[]).iter();
            let partner = |v: &Value| earlier.iter().find(|e| corresponds(&nested.block, e, v));
            set::set(element(), items.map(|v| propose(&nested.block, partner(v), v)).collect())
        }
        Nesting::Map => {
            let earlier = before.and_then(Value::as_fields);
            let entries = bare.as_fields().into_iter().flatten();
            let proposed = |(k, v): &(crate::model::Str, Value)| {
                (k.clone(), propose(&nested.block, earlier.and_then(|f| f.get(k)), v))
            };
            Value::map(element(), entries.map(proposed))
        }
    };
    proposed.mark(marks)
}

fn element_type(value: &Value, nested: &NestedBlock) -> Type {
    match value {
        Value::List(s) | Value::Set(s) => s.element.clone(),
        Value::Map(m) => m.element.clone(),
        _ => nested.block.ty(),
    }
}

/// Whether an element of a set, as it is, is what this configured element became: all that is written agrees.
fn corresponds(block: &Block, prior: &Value, written: &Value) -> bool {
    let (Some(before), Some(now)) = (prior.as_fields(), written.as_fields()) else { return false };
    let attributes = block.attributes.iter().all(|a| {
        let (b, n) = (before.get(&a.name), now.get(&a.name));
        match n.filter(|v| !v.is_null()) {
            None => a.computed || b.is_none_or(Value::is_null) || a.default.as_ref() == b.map(Value::bare),
            Some(n) => b.is_some_and(|b| same(b, n, a.equality)),
        }
    });
    attributes
        && block.blocks.iter().all(|nested| {
            let (b, n) = (before.get(&nested.name), now.get(&nested.name));
            let count = |v: Option<&Value>| v.and_then(Value::as_items).map_or(0, <[Value]>::len);
            (nested.computed && count(n) == 0) || count(b) == count(n)
        })
}
