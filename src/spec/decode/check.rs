//! `check` blocks.

use super::Decoder;
use crate::model::Diagnostic;
use crate::spec::module::Check;
use crate::spec::resolve::Place;
use crate::spec::syntax::{Block, Shape};

/// The blocks in a `check` block; the scoped data source is declared with the module's others.
pub const BLOCKS: &[(&str, usize)] = &[("data", 2), ("assert", 0)];

impl Decoder<'_> {
    pub(super) fn check(&mut self, block: &Block<'_>, data: Option<u32>) -> Check {
        let (name, _) = block.label(0);
        let mut content = self.content(block, Shape::of(BLOCKS));
        content.take_blocks("data");
        let asserts = content.take_blocks("assert");
        if asserts.is_empty() {
            let error = Diagnostic::error(format!("check \"{name}\" asserts nothing")).at(block.header);
            self.error(error.label("an assert block is missing"));
        }
        let asserts = asserts.iter().map(|b| self.rule(b, Place { scope: data, ..Place::MODULE })).collect();
        content.finish("a check block", &[], &["data", "assert"], self.diagnostics);
        Check { name, data, asserts, span: block.header }
    }
}
