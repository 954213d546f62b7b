//! Bodies of resources, providers, provisioners and backends: any arguments and blocks.

use super::Decoder;
use super::data::Values;
use crate::lang::body::{Body, BodyAttribute, BodyBlock, Dynamic};
use crate::lang::body_check;
use crate::lang::expr::Expr;
use crate::model::{Diagnostic, Span, schema};
use crate::spec::resolve::Place;
use crate::spec::syntax::{Block, Content, Shape};

/// Nested blocks of a provider's schema can be made dynamically.
const DYNAMIC: &[(&str, usize)] = &[("dynamic", 1)];

impl Decoder<'_> {
    /// Compiles what is left of a block's content. `schema` tells the blocks of YAML and JSON from values.
    pub fn body(&mut self, content: Content<'_>, schema: Option<&schema::Block>, place: Place) -> Body {
        fill(&mut self.values(place), content, schema)
    }

    /// Checks a body against the schema of its block. `owner` is what it belongs to, as messages say it.
    pub fn check_body(&mut self, body: &Body, schema: &schema::Block, owner: &str) {
        self.diagnostics.extend(body_check::check(body, schema, owner));
    }
}

/// The shape of a block inside a body.
pub fn nested_shape(schema: Option<&schema::Block>) -> Shape<'_> {
    Shape { blocks: DYNAMIC, schema, merged: &[] }
}

fn fill(values: &mut Values<'_>, content: Content<'_>, schema: Option<&schema::Block>) -> Body {
    let mut body = Body { span: Some(content.span), ..Body::default() };
    body.attributes.reserve_exact(content.arguments.len());
    for argument in content.arguments {
        let value = values.value(argument.value);
        body.attributes.push(BodyAttribute { name: argument.name, name_span: argument.name_span, value });
    }
    for block in content.blocks {
        if &*block.ty == "dynamic" {
            body.blocks.extend(dynamic(values, &block, schema));
            continue;
        }
        let inner = schema.and_then(|s| s.nested(&block.ty)).map(|n| &n.block);
        let content = block.content(nested_shape(inner), values.diagnostics);
        body.blocks.push(BodyBlock {
            labels: block.labels.iter().map(|(label, _)| label.clone()).collect(),
            name: block.ty,
            name_span: block.ty_span,
            body: fill(values, content, inner),
            dynamic: None,
        });
    }
    body
}

/// `dynamic "ingress" { for_each = …, iterator = …, labels = […], content { … } }`
fn dynamic(values: &mut Values<'_>, block: &Block<'_>, schema: Option<&schema::Block>) -> Option<BodyBlock> {
    let mut parts = block.content(Shape::of(&[("content", 0)]), values.diagnostics);
    let (name, name_span) = match block.labels.as_slice() {
        [label] => label.clone(),
        _ => {
            let error = Diagnostic::error("a dynamic block has one label").at(block.header);
            values.diagnostics.push(error.label("the type of the blocks that it makes"));
            return None;
        }
    };
    let missing = |what: &str| {
        let error = Diagnostic::error(format!("\"{what}\" is missing")).at(block.header);
        error.label("a dynamic block needs it")
    };
    let for_each = match parts.take("for_each") {
        Some(argument) => values.value(argument.value),
        None => {
            values.diagnostics.push(missing("for_each"));
            Expr::invalid(block.header)
        }
    };
    let iterator = match parts.take("iterator") {
        None => name.clone(),
        Some(argument) => {
            match argument.value.parsed().map(|p| p.expression.as_variable().map(|v| v.as_str().into())) {
                Ok(Some(iterator)) => iterator,
                _ => {
                    let error = Diagnostic::error("\"iterator\" must be a name").at(argument.value.span());
                    values.diagnostics.push(error.label("such as \"iterator = rule\""));
                    name.clone()
                }
            }
        }
    };
    let labels = parts.take("labels");
    let content = parts.take_block("content", values.diagnostics);
    parts.finish("a dynamic block", &["for_each", "iterator", "labels"], &["content"], values.diagnostics);
    let inner = schema.and_then(|s| s.nested(&name)).map(|n| &n.block);
    let binding = values.bindings.len() as u32;
    values.bindings.push(iterator.clone());
    let labels = labels.map_or_else(Vec::new, |argument| {
        let whole = |span: Span| Diagnostic::error("\"labels\" must be a list").at(span);
        match argument.value.items() {
            Some(items) => items.into_iter().map(|item| values.value(item)).collect(),
            None => {
                values.diagnostics.push(whole(argument.value.span()));
                Vec::new()
            }
        }
    });
    let body = match content {
        Some(content) => {
            let content = content.content(nested_shape(inner), values.diagnostics);
            fill(values, content, inner)
        }
        None => {
            values.diagnostics.push(missing("content"));
            Body::default()
        }
    };
    values.bindings.pop();
    let dynamic = Some(Box::new(Dynamic { for_each, iterator, binding, labels }));
    Some(BodyBlock { name, name_span, labels: Vec::new(), body, dynamic })
}
