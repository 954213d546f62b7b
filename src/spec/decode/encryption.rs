//! `encryption` blocks of `terraform`, as OpenTofu spells them: where keys come from, what is done with them, and for
//! what. Key providers and methods are named, not evaluated.

use super::Decoder;
use super::reference::{TraversalStep, traversal};
use crate::model::{Diagnostic, Str};
use crate::spec::module::{Encryption, EncryptionPart, EncryptionUse, PartName};
use crate::spec::resolve::Place;
use crate::spec::syntax::{Argument, Block, Shape};

const BLOCKS: &[(&str, usize)] =
    &[("key_provider", 2), ("method", 2), ("state", 0), ("plan", 0), ("remote_state_data_sources", 0)];

impl Decoder<'_> {
    pub(super) fn encryption(&mut self, block: &Block<'_>) -> Encryption {
        let mut content = self.content(block, Shape::of(BLOCKS));
        let mut encryption = Encryption::default();
        for provider in content.take_blocks("key_provider") {
            encryption.key_providers.push(self.part(&provider, None));
        }
        for method in content.take_blocks("method") {
            encryption.methods.push(self.part(&method, Some("keys")));
        }
        encryption.state = content.take_block("state", self.diagnostics).map(|b| self.use_of(&b));
        encryption.plan = content.take_block("plan", self.diagnostics).map(|b| self.use_of(&b));
        // States of others are not read with keys of one's own yet: nothing is encrypted by it.
        content.take_blocks("remote_state_data_sources");
        let names: Vec<&str> = BLOCKS.iter().map(|(name, _)| *name).collect();
        content.finish("an encryption block", &[], &names, self.diagnostics);
        encryption
    }

    fn part(&mut self, block: &Block<'_>, reference: Option<&str>) -> EncryptionPart {
        let mut content = self.content(block, Shape::default());
        let written = reference.and_then(|name| content.take(name));
        let keys = written.and_then(|argument| self.part_name(&argument, "key_provider"));
        let body = self.body(content, None, Place::EARLY);
        EncryptionPart { name: (block.label(0).0, block.label(1).0), keys, body, span: block.header }
    }

    fn use_of(&mut self, block: &Block<'_>) -> EncryptionUse {
        let mut content = self.content(block, Shape::of(&[("fallback", 0)]));
        let method = content.take("method").and_then(|argument| self.part_name(&argument, "method"));
        let enforced = content.take("enforced").map(|argument| self.compile(argument.value, Place::EARLY));
        let fallback = content.take_block("fallback", self.diagnostics).map(|b| Box::new(self.use_of(&b)));
        content.finish("a block of encryption", &["method", "enforced"], &["fallback"], self.diagnostics);
        EncryptionUse { method, enforced, fallback, span: block.header }
    }

    /// `method.aes_gcm.main` without its first word.
    fn part_name(&mut self, argument: &Argument<'_>, root: &str) -> Option<PartName> {
        let read = |decoder: &mut Self| -> Option<PartName> {
            let parsed = argument.value.parsed().map_err(|e| decoder.error(e)).ok()?;
            let written = traversal(&parsed.expression, &parsed.map).filter(|t| &*t.root == root)?;
            let mut names = written.steps.iter().map(|(step, _)| match step {
                TraversalStep::Attr(name) => Some(Str::clone(name)),
                _ => None,
            });
            match (names.next(), names.next(), names.next()) {
                (Some(Some(ty)), Some(Some(name)), None) => Some((ty, name)),
                _ => None,
            }
        };
        let found = read(self);
        if found.is_none() {
            let error = Diagnostic::error(format!("\"{}\" must name a {}", argument.name, root.replace('_', " ")));
            self.error(error.at(argument.value.span()).label(format!("such as {root}.TYPE.NAME")));
        }
        found
    }
}
