//! The tree of a YAML or JSON document: scalars, lists and mappings, with the place of each in its file.
//!
//! Nodes are shared, so that an alias costs nothing. What a mapping means, a block or a value, is decided later,
//! by whoever knows the shape of the block that it stands in.

use std::sync::Arc;

use crate::lang::text_map::TextMap;
use crate::model::{Number, Span, Str};

/// How deep lists and mappings may nest.
pub const MAX_DEPTH: usize = 128;

/// One value of a document.
#[derive(Debug)]
pub struct Node {
    pub span: Span,
    pub kind: NodeKind,
}

#[derive(Debug)]
pub enum NodeKind {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text),
    List(Vec<Arc<Node>>),
    Map(Vec<Entry>),
}

/// One entry of a mapping. In JSON a key may stand more than once.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key: Str,
    pub key_span: Span,
    /// The key is no template, whatever stands in it.
    pub literal: bool,
    pub value: Arc<Node>,
}

impl Entry {
    /// Whether the key must be evaluated, where it is one of a value.
    pub fn is_computed(&self) -> bool {
        !self.literal && has_template(&self.key)
    }
}

/// A string, unescaped, and the way back from its characters to the file.
#[derive(Debug)]
pub struct Text {
    pub text: Str,
    pub map: TextMap,
    pub mode: TextMode,
}

/// How the characters of a string are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMode {
    /// With `${…}` and `%{…}`.
    Template,
    /// A bare expression: `!expr`.
    Expression,
    /// As they stand: `!literal`.
    Literal,
}

impl Node {
    /// What it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            NodeKind::Null => "null",
            NodeKind::Bool(_) => "a bool",
            NodeKind::Number(_) => "a number",
            NodeKind::Text(_) => "a string",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a mapping",
        }
    }

    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            NodeKind::Map(entries) => Some(entries),
            _ => None,
        }
    }
}

/// Whether a text has template sequences or their escapes in it.
pub fn has_template(text: &str) -> bool {
    text.contains("${") || text.contains("%{")
}
