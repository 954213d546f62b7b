//! Blocks and arguments as they are written, whatever language they are written in.
//!
//! A block stays in the syntax tree of its front end until its content is asked for. In `.tf` files the syntax
//! says what is a block; in YAML and JSON a [`Shape`] must. Override files add a second body to a block, which
//! is laid over the first when the content is taken.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Body as HclBody, Structure};

use super::node::{Entry, Node, NodeKind, Text, TextMode, has_template};
use crate::lang::text_map::TextMap;
use crate::model::{Diagnostic, Diagnostics, SourceId, Span, Str, schema};

/// A value as it is written.
#[derive(Clone, Copy)]
pub enum Written<'a> {
    Hcl(&'a Expression, SourceId),
    Node(&'a Node),
}

/// `name = value`.
#[derive(Clone)]
pub struct Argument<'a> {
    pub name: Str,
    pub name_span: Span,
    pub value: Written<'a>,
}

/// A block whose content is not taken yet.
#[derive(Clone)]
pub struct Block<'a> {
    pub ty: Str,
    pub ty_span: Span,
    pub labels: Vec<(Str, Span)>,
    /// Type and labels.
    pub header: Span,
    /// The body and those that override it, in that order.
    pub bodies: Vec<BodySource<'a>>,
}

#[derive(Clone, Copy)]
pub enum BodySource<'a> {
    Hcl(&'a HclBody, SourceId, Span),
    Node(&'a Node),
}

/// What stands directly in a block.
#[derive(Clone)]
pub struct Content<'a> {
    pub arguments: Vec<Argument<'a>>,
    pub blocks: Vec<Block<'a>>,
    pub span: Span,
}

/// Which names are blocks, and how many labels they have.
#[derive(Clone, Copy, Default)]
pub struct Shape<'s> {
    /// Blocks of the language itself.
    pub blocks: &'s [(&'s str, usize)],
    /// Blocks of a provider's schema.
    pub schema: Option<&'s schema::Block>,
    /// Blocks that an override file changes argument by argument instead of replacing them.
    pub merged: &'s [&'s str],
}

impl<'s> Shape<'s> {
    pub const fn of(blocks: &'s [(&'s str, usize)]) -> Shape<'s> {
        Shape { blocks, schema: None, merged: &[] }
    }

    /// The number of labels of the block that a name stands for, if it stands for one.
    fn labels(&self, name: &str) -> Option<usize> {
        if let Some((_, labels)) = self.blocks.iter().find(|(block, _)| *block == name) {
            return Some(*labels);
        }
        let nested = self.schema?.nested(name)?;
        Some(usize::from(nested.nesting == schema::Nesting::Map))
    }
}

impl<'a> Block<'a> {
    /// The arguments and blocks in it, overrides applied.
    pub fn content(&self, shape: Shape<'_>, diagnostics: &mut Diagnostics) -> Content<'a> {
        let mut bodies = self.bodies.iter();
        let Some(first) = bodies.next() else {
            return Content { arguments: Vec::new(), blocks: Vec::new(), span: self.header };
        };
        let mut content = first.content(shape, diagnostics);
        for over in bodies {
            content.override_with(over.content(shape, diagnostics), shape);
        }
        content
    }

    /// An argument's value, without taking the content apart; the overriding one where there are more.
    pub fn argument(&self, name: &str) -> Option<Written<'a>> {
        self.bodies.iter().rev().find_map(|body| match body {
            BodySource::Hcl(body, source, _) => body.get_attribute(name).map(|a| Written::Hcl(&a.value, *source)),
            BodySource::Node(node) => {
                let entry = node.entries()?.iter().find(|e| &*e.key == name)?;
                Some(Written::Node(&entry.value))
            }
        })
    }

    pub fn label(&self, index: usize) -> (Str, Span) {
        self.labels.get(index).cloned().unwrap_or_else(|| ("".into(), self.header))
    }

    /// The name by which an override file finds it: type and labels.
    pub fn key(&self) -> (Str, Vec<Str>) {
        (self.ty.clone(), self.labels.iter().map(|(label, _)| label.clone()).collect())
    }

    /// The type of the blocks that it makes: of `dynamic "x"` that is `x`.
    fn made(&self) -> Str {
        match &*self.ty {
            "dynamic" => self.label(0).0,
            _ => self.ty.clone(),
        }
    }
}

impl<'a> BodySource<'a> {
    pub fn content(&self, shape: Shape<'_>, diagnostics: &mut Diagnostics) -> Content<'a> {
        match self {
            BodySource::Hcl(body, source, span) => hcl_content(body, *source, *span),
            BodySource::Node(node) => node_content(node, shape, diagnostics),
        }
    }
}

impl<'a> Content<'a> {
    /// Takes out the argument of a name.
    pub fn take(&mut self, name: &str) -> Option<Argument<'a>> {
        let at = self.arguments.iter().position(|a| &*a.name == name)?;
        Some(self.arguments.remove(at))
    }

    /// Takes out all blocks of a type.
    pub fn take_blocks(&mut self, ty: &str) -> Vec<Block<'a>> {
        if !self.blocks.iter().any(|b| &*b.ty == ty) {
            return Vec::new();
        }
        let (taken, rest) = std::mem::take(&mut self.blocks).into_iter().partition(|b| &*b.ty == ty);
        self.blocks = rest;
        taken
    }

    /// Takes out the one block of a type; more than one is an error.
    pub fn take_block(&mut self, ty: &str, diagnostics: &mut Diagnostics) -> Option<Block<'a>> {
        let mut blocks = self.take_blocks(ty).into_iter();
        let first = blocks.next()?;
        for again in blocks {
            let error = Diagnostic::error(format!("block \"{ty}\" is written twice")).at(again.header);
            diagnostics.push(error.label("only one is allowed here").related(first.header, "first written here"));
        }
        Some(first)
    }

    /// Complains about everything that was not taken. `what` says what it stands in: `a variable block`.
    pub fn finish(self, what: &str, arguments: &[&str], blocks: &[&str], diagnostics: &mut Diagnostics) {
        for left in self.arguments {
            let name = &*left.name;
            let error = Diagnostic::error(format!("unknown argument \"{name}\"")).at(left.name_span);
            let error = error.label(format!("{what} has no argument of this name"));
            diagnostics.push(if blocks.contains(&name) {
                error.help(format!("\"{name}\" is a block: write \"{name} {{ … }}\""))
            } else {
                error.did_you_mean(name, arguments.iter().chain(blocks).copied())
            });
        }
        for left in self.blocks {
            let name = &*left.ty;
            let error = Diagnostic::error(format!("unknown block \"{name}\"")).at(left.header);
            let error = error.label(format!("{what} has no block of this type"));
            diagnostics.push(if arguments.contains(&name) {
                error.help(format!("\"{name}\" is an argument: write \"{name} = …\""))
            } else {
                error.did_you_mean(name, blocks.iter().chain(arguments).copied())
            });
        }
    }

    fn override_with(&mut self, over: Content<'a>, shape: Shape<'_>) {
        let mut places: HashMap<Str, usize> =
            self.arguments.iter().enumerate().map(|(i, a)| (a.name.clone(), i)).collect();
        for argument in over.arguments {
            match places.get(&argument.name).and_then(|i| self.arguments.get_mut(*i)) {
                Some(slot) => *slot = argument,
                None => {
                    places.insert(argument.name.clone(), self.arguments.len());
                    self.arguments.push(argument);
                }
            }
        }
        let (merged, replacing): (Vec<_>, Vec<_>) =
            over.blocks.into_iter().partition(|b| shape.merged.contains(&&*b.ty));
        let replaced: HashSet<Str> = replacing.iter().map(Block::made).collect();
        self.blocks.retain(|b| !replaced.contains(&b.made()));
        for block in merged {
            match self.blocks.iter_mut().find(|b| b.ty == block.ty) {
                Some(base) => base.bodies.extend(block.bodies),
                None => self.blocks.push(block),
            }
        }
        self.blocks.extend(replacing);
    }
}

fn span_of(spanned: &impl hcl_edit::Span, source: SourceId) -> Option<Span> {
    spanned.span().map(|range| Span::new(source, range.start, range.end))
}

fn hcl_content<'a>(body: &'a HclBody, source: SourceId, span: Span) -> Content<'a> {
    let mut content = Content { arguments: Vec::new(), blocks: Vec::new(), span };
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => content.arguments.push(Argument {
                name: attribute.key.as_str().into(),
                name_span: span_of(&attribute.key, source)
                    .or_else(|| span_of(&attribute.value, source))
                    .unwrap_or(span),
                value: Written::Hcl(&attribute.value, source),
            }),
            Structure::Block(block) => content.blocks.push(hcl_block(block, source, span)),
        }
    }
    content
}

fn hcl_block<'a>(block: &'a hcl_edit::structure::Block, source: SourceId, outer: Span) -> Block<'a> {
    let whole = span_of(block, source).unwrap_or(outer);
    let ty_span = span_of(&block.ident, source).unwrap_or(whole);
    let labels: Vec<(Str, Span)> = block
        .labels
        .iter()
        .map(|label| {
            let span = match label {
                hcl_edit::structure::BlockLabel::Ident(ident) => span_of(ident, source),
                hcl_edit::structure::BlockLabel::String(text) => span_of(text, source),
            };
            (label.as_str().into(), span.unwrap_or(ty_span))
        })
        .collect();
    let header = labels.last().map_or(ty_span, |(_, last)| ty_span.to(*last));
    let bodies = vec![BodySource::Hcl(&block.body, source, whole)];
    Block { ty: block.ident.as_str().into(), ty_span, labels, header, bodies }
}

/// The content of a mapping; a list of mappings counts as one that has the entries of all.
fn node_content<'a>(node: &'a Node, shape: Shape<'_>, diagnostics: &mut Diagnostics) -> Content<'a> {
    let mut content = Content { arguments: Vec::new(), blocks: Vec::new(), span: node.span };
    let mut seen: HashMap<&str, Span> = HashMap::new();
    let mappings: Vec<&'a Node> = match &node.kind {
        NodeKind::List(items) => items.iter().map(|item| &**item).collect(),
        _ => vec![node],
    };
    let mut entries: Vec<&'a Entry> = Vec::new();
    for mapping in mappings {
        match &mapping.kind {
            NodeKind::Map(more) => entries.extend(more),
            NodeKind::Null => (),
            _ => {
                let error = Diagnostic::error("a mapping was expected").at(mapping.span);
                diagnostics.push(error.label(format!("this is {}", mapping.describe())));
            }
        }
    }
    // "//" is how JSON says a comment.
    for entry in entries.into_iter().filter(|e| &*e.key != "//") {
        match shape.labels(&entry.key) {
            Some(labels) => {
                let head = Block {
                    ty: entry.key.clone(),
                    ty_span: entry.key_span,
                    labels: Vec::new(),
                    header: entry.key_span,
                    bodies: Vec::new(),
                };
                node_blocks(&entry.value, head, labels, &mut content.blocks, diagnostics);
            }
            None => match seen.insert(&entry.key, entry.key_span) {
                Some(first) => {
                    let twice = Diagnostic::error(format!("argument \"{}\" is written twice", entry.key));
                    diagnostics.push(twice.at(entry.key_span).related(first, "first written here"));
                }
                None => content.arguments.push(Argument {
                    name: entry.key.clone(),
                    name_span: entry.key_span,
                    value: Written::Node(&entry.value),
                }),
            },
        }
    }
    content
}

/// The blocks that stand under a key: mappings of labels, then a body or a list of bodies.
fn node_blocks<'a>(
    node: &'a Node,
    head: Block<'a>,
    labels: usize,
    out: &mut Vec<Block<'a>>,
    diagnostics: &mut Diagnostics,
) {
    match &node.kind {
        NodeKind::List(items) => {
            items.iter().for_each(|item| node_blocks(item, head.clone(), labels, out, diagnostics))
        }
        // Nothing is said: a labelled block without content, or no block at all.
        NodeKind::Null if labels == 0 && !head.labels.is_empty() => {
            out.push(Block { bodies: vec![BodySource::Node(node)], ..head });
        }
        NodeKind::Null => (),
        NodeKind::Map(_) if labels == 0 => out.push(Block { bodies: vec![BodySource::Node(node)], ..head }),
        NodeKind::Map(entries) => {
            for entry in entries.iter().filter(|e| &*e.key != "//") {
                let mut head = head.clone();
                head.labels.push((entry.key.clone(), entry.key_span));
                head.header = entry.key_span;
                node_blocks(&entry.value, head, labels - 1, out, diagnostics);
            }
        }
        _ => {
            let expected =
                if labels > 0 { "names with mappings under them" } else { "a mapping or a list of mappings" };
            let error = Diagnostic::error(format!("\"{}\" is a block", head.ty)).at(node.span);
            diagnostics.push(error.label(format!("{expected} were expected, this is {}", node.describe())));
        }
    }
}

/// An expression of the syntax tree and where its text stands.
pub struct Parsed<'a> {
    pub expression: Cow<'a, Expression>,
    /// What it was parsed from, where that is not the whole file.
    pub text: Option<Str>,
    pub map: TextMap,
}

impl<'a> Written<'a> {
    pub fn span(&self) -> Span {
        match self {
            Written::Hcl(expression, source) => {
                span_of(*expression, *source).unwrap_or_else(|| Span::new(*source, 0, 0))
            }
            Written::Node(node) => node.span,
        }
    }

    /// The text, where it is a string without templates.
    pub fn plain_text(&self) -> Option<Str> {
        match self {
            Written::Hcl(Expression::String(text), _) => Some(text.as_str().into()),
            Written::Hcl(Expression::StringTemplate(template), _) if template.is_empty() => Some("".into()),
            Written::Node(Node { kind: NodeKind::Text(Text { text, mode, .. }), .. }) => match mode {
                TextMode::Literal => Some(text.clone()),
                TextMode::Template if !has_template(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The expression, where a keyword, reference or type is expected instead of a value. In YAML and JSON these
    /// are written as strings.
    pub fn parsed(&self) -> Result<Parsed<'a>, Diagnostic> {
        match self {
            Written::Hcl(expression, source) => {
                Ok(Parsed { expression: Cow::Borrowed(expression), text: None, map: TextMap::offset(*source, 0) })
            }
            Written::Node(Node { kind: NodeKind::Text(text), .. }) => {
                // "${aws_vpc.main}" is the old way to write a reference in JSON.
                let inner = text.text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
                let (code, map) = match inner {
                    Some(inner) => {
                        let at = text.map.span(2, 2);
                        (inner, TextMap::offset(at.source, at.start as usize))
                    }
                    None => (&*text.text, text.map.clone()),
                };
                // A block scalar ends with a line break.
                let code = code.trim_end();
                let expression = super::hcl::parse_expression(code, &map)?;
                Ok(Parsed { expression: Cow::Owned(expression), text: Some(code.into()), map })
            }
            Written::Node(node) => {
                let error = Diagnostic::error("a string was expected").at(node.span);
                Err(error.label(format!("this is {}", node.describe())))
            }
        }
    }

    /// The elements, where it is a list as written.
    pub fn items(&self) -> Option<Vec<Written<'a>>> {
        match self {
            Written::Hcl(Expression::Array(array), source) => {
                Some(array.iter().map(|item| Written::Hcl(item, *source)).collect())
            }
            Written::Node(Node { kind: NodeKind::List(items), .. }) => {
                Some(items.iter().map(|item| Written::Node(item)).collect())
            }
            _ => None,
        }
    }

    /// The entries, where it is an object or mapping with constant keys as written.
    pub fn entries(&self) -> Option<Vec<Argument<'a>>> {
        match self {
            Written::Hcl(Expression::Object(object), source) => {
                let entry = |(key, value): (&'a ObjectKey, &'a hcl_edit::expr::ObjectValue)| {
                    let written = Written::Hcl(value.expr(), *source);
                    let (name, span) = match key {
                        ObjectKey::Ident(ident) => (ident.as_str().into(), span_of(ident, *source)),
                        ObjectKey::Expression(e) => (key_text(e)?, span_of(e, *source)),
                    };
                    Some(Argument { name, name_span: span.unwrap_or_else(|| written.span()), value: written })
                };
                object.iter().map(entry).collect()
            }
            Written::Node(node) => {
                let entry = |e: &'a Entry| Argument {
                    name: e.key.clone(),
                    name_span: e.key_span,
                    value: Written::Node(&e.value),
                };
                Some(node.entries()?.iter().filter(|e| &*e.key != "//").map(entry).collect())
            }
            _ => None,
        }
    }
}

/// The text of an object key: a string, or a reference such as `aws.east` that stands as it is written.
fn key_text(key: &Expression) -> Option<Str> {
    match key {
        Expression::String(text) => Some(text.as_str().into()),
        Expression::Variable(name) => Some(name.as_str().into()),
        Expression::Traversal(t) => {
            let mut text = t.expr.as_variable()?.as_str().to_string();
            for operator in &t.operators {
                let hcl_edit::expr::TraversalOperator::GetAttr(name) = operator.value() else { return None };
                text.push('.');
                text.push_str(name.as_str());
            }
            Some(text.into())
        }
        _ => None,
    }
}
