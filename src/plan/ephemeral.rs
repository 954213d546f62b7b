//! Ephemeral values: where they may go, and what stands for them where nothing may be kept.

use crate::lang::body::Body;
use crate::model::{Block, Diagnostic, Diagnostics, Marks, NestedBlock, Value};

/// Complaints about ephemeral values in attributes that are stored.
pub fn refuse_ephemeral(body: &Body, block: &Block, config: &Value) -> Diagnostics {
    let mut problems = Diagnostics::new();
    if config.all_marks().contains(Marks::EPHEMERAL) {
        refuse(body, block, config, &mut problems);
    }
    problems
}

fn refuse(body: &Body, block: &Block, config: &Value, problems: &mut Diagnostics) {
    for attribute in block.attributes.iter().filter(|a| !a.write_only) {
        let Some(value) = config.attr(&attribute.name) else { continue };
        if value.all_marks().contains(Marks::EPHEMERAL) {
            let at = body.attribute(&attribute.name).map(|a| a.value.span()).or(body.span);
            problems.push(
                Diagnostic::error(format!("\"{}\" cannot take an ephemeral value", attribute.name))
                    .at(at)
                    .label("it is kept in the plan and the state, where ephemeral values must not be")
                    .help("use a write-only argument where there is one, or ephemeralasnull()"),
            );
        }
    }
    for nested in &block.blocks {
        let Some(value) = config.attr(&nested.name) else { continue };
        if value.all_marks().contains(Marks::EPHEMERAL) {
            refuse_nested(body, nested, &value, problems);
        }
    }
}

fn refuse_nested(body: &Body, nested: &NestedBlock, value: &Value, problems: &mut Diagnostics) {
    let mut written = body.blocks_named(&nested.name);
    let empty = Body { span: body.span, ..Body::default() };
    let mut one = |item: &Value| {
        let inner = written.next().map_or(&empty, |b| &b.body);
        refuse(inner, &nested.block, item, problems);
    };
    match value.bare() {
        Value::Object(_) => one(value),
        other => other.for_each_child(|item| one(item)),
    }
}

/// A value of the same form that tells nothing: what plans keep in the place of an ephemeral one.
pub fn blank(value: &Value) -> Value {
    match value.bare() {
        Value::String(_) => Value::string(""),
        Value::Number(_) => Value::int(0),
        Value::Bool(_) => Value::FALSE,
        Value::Object(fields) => Value::fields(fields.map(|_, v| blank(v))),
        other => other.map_children(&mut blank),
    }
}
