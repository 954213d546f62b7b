//! `provider` blocks.

use super::Decoder;
use super::body::nested_shape;
use crate::model::Diagnostic;
use crate::spec::module::ProviderConfig;
use crate::spec::resolve::{Place, Repeats};
use crate::spec::syntax::Block;

impl Decoder<'_> {
    pub(super) fn provider(&mut self, block: &Block<'_>) -> ProviderConfig {
        let (name, name_span) = block.label(0);
        let schemas = self.schemas;
        let real = self.real_provider(&name);
        let schema = schemas.provider_config(&real);
        if schema.is_none() {
            self.unknown_provider(&real, name_span);
        }
        let mut content = self.content(block, nested_shape(schema.map(|s| &s.block)));
        let alias = content.take("alias").and_then(|argument| self.text(&argument));
        let for_each = content.take("for_each").map(|argument| self.compile(argument.value, Place::EARLY));
        if for_each.is_some() && alias.is_none() {
            let error = Diagnostic::error("a provider with \"for_each\" needs an \"alias\"").at(block.header);
            self.error(error.label("resources choose one of its instances by alias and key"));
        }
        if let Some(version) = content.take("version") {
            let mut warning = Diagnostic::warning("\"version\" in a provider block is not used").at(version.name_span);
            warning = warning.help("write it under required_providers in the terraform block");
            self.error(warning);
        }
        let repeats = if for_each.is_some() { Repeats::ForEach } else { Repeats::Once };
        let body = self.body(content, schema.map(|s| &s.block), Place::within(repeats, None));
        if let Some(schema) = schema {
            self.check_body(&body, &schema.block, &format!("provider \"{name}\""));
        }
        ProviderConfig { name, alias, for_each, body, span: block.header }
    }

    /// The provider that a local name stands for.
    fn real_provider(&self, local: &str) -> crate::model::Str {
        self.real_names.get(local).cloned().unwrap_or_else(|| local.into())
    }
}
