//! What is wrong with a body under its schema, before anything is evaluated.

use std::collections::HashMap;

use super::body::{Body, BodyBlock};
use super::body_eval::{block_of_attribute, nested_of_attribute};
use super::convert::convert;
use crate::model::{Block, Diagnostic, Diagnostics, NestedBlock, Nesting, Path, PathStep, Span};

/// Checks names, presence and number of arguments and blocks. `owner` is what the body belongs to, as messages
/// say it: `aws_vpc`, `provider "aws"`.
pub fn check(body: &Body, schema: &Block, owner: &str) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    check_block(body, schema, owner, &mut diagnostics);
    diagnostics
}

fn check_block(body: &Body, schema: &Block, owner: &str, out: &mut Diagnostics) {
    check_attributes(body, schema, owner, out);
    check_blocks(body, schema, owner, out);
    for attribute in schema.attributes.iter().filter(|a| a.required) {
        let as_blocks = || body.blocks.iter().any(|b| b.name == attribute.name);
        if body.attribute(&attribute.name).is_none() && !as_blocks() {
            let problem = Diagnostic::error(format!("missing argument \"{}\"", attribute.name));
            let problem = problem.at(body.span).label(format!("{owner} needs it"));
            out.push(problem.path(Path::attr(attribute.name.clone())));
        }
    }
    for nested in &schema.blocks {
        check_count(body, nested, owner, out);
    }
}

fn check_attributes(body: &Body, schema: &Block, owner: &str, out: &mut Diagnostics) {
    let mut seen: HashMap<&str, Span> = HashMap::with_capacity(body.attributes.len());
    for written in &body.attributes {
        let name = &*written.name;
        if let Some(first) = seen.insert(name, written.name_span) {
            let problem = Diagnostic::error(format!("argument \"{name}\" is set twice")).at(written.name_span);
            out.push(problem.related(first, "first set here"));
            continue;
        }
        let Some(attribute) = schema.attribute(name) else {
            out.push(unknown_argument(name, written.name_span, schema, owner));
            continue;
        };
        if !attribute.is_settable() {
            let problem = Diagnostic::error(format!("argument \"{name}\" cannot be set")).at(written.name_span);
            out.push(problem.label(format!("its value is decided by the provider of {owner}")));
        }
        let literal = written.value.literal().filter(|v| !v.is_null() && attribute.is_settable());
        if let Some(Err(e)) = literal.map(|value| convert(value, &attribute.ty)) {
            let path = Path(std::iter::once(PathStep::Attr(attribute.name.clone())).chain(e.path.0).collect());
            let problem = Diagnostic::error(format!("unsuitable value for \"{path}\"")).at(written.value.span());
            out.push(problem.label(e.message).path(path));
        }
        if let Some(why) = &attribute.deprecated {
            let warning = Diagnostic::warning(format!("argument \"{name}\" is deprecated")).at(written.name_span);
            out.push(warning.label(why.to_string()));
        }
        if block_of_attribute(&attribute.ty).is_some()
            && let Some(block) = body.blocks.iter().find(|b| b.name == attribute.name)
        {
            let problem = Diagnostic::error(format!("\"{name}\" is written as argument and as block"));
            out.push(problem.at(block.name_span).related(written.name_span, "the argument"));
        }
    }
}

fn unknown_argument(name: &str, span: Span, schema: &Block, owner: &str) -> Diagnostic {
    if schema.nested(name).is_some() {
        return Diagnostic::error(format!("\"{name}\" is a block, not an argument"))
            .at(span)
            .help(format!("write it without the equals sign: {name} {{ … }}"));
    }
    Diagnostic::error(format!("unknown argument \"{name}\""))
        .at(span)
        .label(format!("{owner} has no argument of this name"))
        .did_you_mean(name, schema.settable_names())
}

fn check_blocks(body: &Body, schema: &Block, owner: &str, out: &mut Diagnostics) {
    for block in &body.blocks {
        if let Some(nested) = schema.nested(&block.name) {
            check_labels(block, nested, out);
            if let Some(why) = &nested.block.deprecated {
                let warning = Diagnostic::warning(format!("block \"{}\" is deprecated", block.name));
                out.push(warning.at(block.name_span).label(why.to_string()));
            }
            check_block(&block.body, &nested.block, &format!("{owner} block \"{}\"", block.name), out);
            continue;
        }
        match schema.attribute(&block.name) {
            Some(attribute) if !attribute.is_settable() => {
                let problem = Diagnostic::error(format!("argument \"{}\" cannot be set", block.name));
                let label = format!("its value is decided by the provider of {owner}");
                out.push(problem.at(block.name_span).label(label));
            }
            Some(attribute) => match nested_of_attribute(attribute) {
                Some(nested) => {
                    check_labels(block, &nested, out);
                    check_block(&block.body, &nested.block, &format!("{owner} block \"{}\"", block.name), out);
                }
                None => {
                    let problem = Diagnostic::error(format!("\"{}\" is an argument, not a block", block.name));
                    let help = format!("write it with an equals sign: {} = …", block.name);
                    out.push(problem.at(block.name_span).help(help));
                }
            },
            None => {
                let problem = Diagnostic::error(format!("unknown block \"{}\"", block.name)).at(block.name_span);
                let problem = problem.label(format!("{owner} has no block of this name"));
                out.push(problem.did_you_mean(&block.name, schema.settable_names()));
            }
        }
    }
}

fn check_labels(block: &BodyBlock, nested: &NestedBlock, out: &mut Diagnostics) {
    let wanted = usize::from(nested.nesting == Nesting::Map);
    let given = block.dynamic.as_ref().map_or(block.labels.len(), |dynamic| dynamic.labels.len());
    if given != wanted {
        let problem = Diagnostic::error(format!("wrong number of labels for block \"{}\"", block.name));
        let label = if wanted == 1 { "needs one label" } else { "takes no labels" };
        out.push(problem.at(block.name_span).label(label));
    }
}

/// Blocks that are written plainly can be counted before anything is evaluated.
fn check_count(body: &Body, nested: &NestedBlock, owner: &str, out: &mut Diagnostics) {
    let name = &nested.name;
    let written = || body.blocks.iter().filter(|b| b.name == *name);
    if written().any(|b| b.dynamic.is_some()) {
        return;
    }
    let count = written().count();
    let max = if nested.nesting == Nesting::Single { 1 } else { nested.max };
    if max > 0
        && let Some(extra) = written().nth(max)
    {
        let problem = Diagnostic::error(format!("too many \"{name}\" blocks")).at(extra.name_span);
        out.push(problem.label(format!("{owner} takes at most {max}")));
    }
    if count < nested.min {
        let problem = match count {
            0 => Diagnostic::error(format!("missing block \"{name}\"")),
            _ => Diagnostic::error(format!("too few \"{name}\" blocks")),
        };
        out.push(problem.at(body.span).label(format!("{owner} needs at least {}", nested.min)));
    }
    if nested.nesting == Nesting::Map {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for block in written() {
            let Some(label) = block.labels.first() else { continue };
            if let Some(first) = seen.insert(label, block.name_span) {
                let problem = Diagnostic::error(format!("block \"{name}\" \"{label}\" stands twice"));
                out.push(problem.at(block.name_span).related(first, "first here"));
            }
        }
    }
}
