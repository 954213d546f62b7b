//! Bodies of blocks: arguments and nested blocks as they are written, with compiled expressions.

use super::expr::Expr;
use crate::model::{Span, Str};

/// What stands between the braces of a block, or under a YAML mapping.
#[derive(Clone, Debug, Default)]
pub struct Body {
    pub attributes: Vec<BodyAttribute>,
    pub blocks: Vec<BodyBlock>,
    /// The whole body, for messages about what is missing.
    pub span: Option<Span>,
}

#[derive(Clone, Debug)]
pub struct BodyAttribute {
    pub name: Str,
    pub name_span: Span,
    pub value: Expr,
}

#[derive(Clone, Debug)]
pub struct BodyBlock {
    /// The block's type; of a `dynamic` block the type that it makes.
    pub name: Str,
    pub name_span: Span,
    pub labels: Vec<Str>,
    pub body: Body,
    pub dynamic: Option<Box<Dynamic>>,
}

/// How a `dynamic` block repeats its content.
#[derive(Clone, Debug)]
pub struct Dynamic {
    pub for_each: Expr,
    /// The name of the iterator; the block's type unless another is given.
    pub iterator: Str,
    /// Compiled bodies refer to the iterator as local binding of this number.
    pub binding: u32,
    pub labels: Vec<Expr>,
}

impl Body {
    pub fn attribute(&self, name: &str) -> Option<&BodyAttribute> {
        self.attributes.iter().find(|a| &*a.name == name)
    }

    pub fn blocks_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a BodyBlock> {
        self.blocks.iter().filter(move |b| &*b.name == name)
    }
}
