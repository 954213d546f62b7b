//! `output` blocks and locals.

use super::Decoder;
use crate::lang::expr::Expr;
use crate::spec::declare::WrittenLocal;
use crate::spec::module::{Local, Output};
use crate::spec::resolve::Place;
use crate::spec::syntax::{Block, Shape};

const ARGUMENTS: [&str; 6] = ["value", "description", "sensitive", "ephemeral", "depends_on", "deprecated"];

impl Decoder<'_> {
    pub(super) fn output(&mut self, block: &Block<'_>) -> Output {
        let (name, _) = block.label(0);
        let mut content = self.content(block, Shape::of(&[("precondition", 0)]));
        let value = match content.take("value") {
            Some(argument) => self.compile(argument.value, Place::MODULE),
            None => {
                self.missing("value", block);
                Expr::invalid(block.header)
            }
        };
        let depends_on = match content.take("depends_on") {
            Some(argument) => self.depends_on(argument.value, None),
            None => Vec::new(),
        };
        let output = Output {
            value,
            description: self.take_text(&mut content, "description"),
            sensitive: self.take_bool(&mut content, "sensitive").unwrap_or(false),
            ephemeral: self.take_bool(&mut content, "ephemeral").unwrap_or(false),
            deprecated: self.take_text(&mut content, "deprecated"),
            preconditions: content.take_blocks("precondition").iter().map(|b| self.rule(b, Place::MODULE)).collect(),
            depends_on,
            span: block.header,
            name,
        };
        content.finish("an output block", &ARGUMENTS, &["precondition"], self.diagnostics);
        output
    }

    pub(super) fn local(&mut self, local: &WrittenLocal<'_>) -> Local {
        let argument = &local.argument;
        let value = self.compile(argument.value, Place::MODULE);
        Local { name: argument.name.clone(), value, span: argument.name_span }
    }
}
