//! Moves to another type, where the driver of that type says what becomes of an object.

use super::change::ProviderName;
use super::outside::Outside;
use super::prior::{mark_schema, sensitive_paths};
use crate::graph::{Graph, ProviderNode};
use crate::model::{Address, Diagnostic, Diagnostics, Marks, ModulePath, Value};
use crate::spec::Spec;

/// The object as one of the new type, and the provider that serves it there.
pub fn convert(
    from: &Address,
    to: &Address,
    object: &Value,
    graph: &Graph,
    spec: &Spec,
    outside: &dyn Outside,
    problems: &mut Diagnostics,
) -> Option<(Value, ProviderName)> {
    let r = &to.resource;
    let found = graph.providers.get(&graph.resource(spec, r)?.0)?;
    let schema = outside.schema(&found.name, r.mode, &r.ty)?;
    let secret = !sensitive_paths(object).is_empty();
    let bare = object.unmark_deep().0;
    let Some(moved) = outside.move_object(&found.name, from.ty(), to.ty(), &bare) else {
        problems.push(
            Diagnostic::error(format!("{from} cannot become {to}"))
                .address(to.clone())
                .detail(format!("a \"{}\" does not know how to take the place of a \"{}\"", to.ty(), from.ty()))
                .help("import the object under its new address, and take the old one out of the state"),
        );
        return None;
    };
    let fitted = schema.block.fit(&moved);
    // What was secret under one name is secret under every other.
    let marked = if secret { secret_fields(&fitted) } else { fitted };
    let provider = ProviderName {
        name: found.name.clone(),
        source: outside.provider_source(&found.name),
        alias: found.alias.clone(),
        module: match &found.node {
            ProviderNode::Block { module, .. } => graph.tree.get(*module).path.clone(),
            ProviderNode::Implicit | ProviderNode::Gone => ModulePath::root(),
        },
        key: None,
    };
    Some((mark_schema(marked, &schema.block), provider))
}

/// All that an object says, but its id, as sensitive.
fn secret_fields(object: &Value) -> Value {
    let Some(fields) = object.as_fields() else { return object.clone() };
    Value::fields(fields.map(|name, value| match &**name {
        "id" => value.clone(),
        _ if value.is_null() => value.clone(),
        _ => value.clone().mark(Marks::SENSITIVE),
    }))
}
