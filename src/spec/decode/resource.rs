//! `resource`, `data` and `ephemeral` blocks.

use super::Decoder;
use super::meta::default_provider;
use crate::lang::body::Body;
use crate::model::{Diagnostic, Mode, Str};
use crate::spec::declare::block_repeats;
use crate::spec::module::{Lifecycle, Resource};
use crate::spec::resolve::Place;
use crate::spec::syntax::{Block, Content, Shape};

const BLOCKS: &[(&str, usize)] = &[("lifecycle", 0), ("connection", 0), ("provisioner", 1), ("dynamic", 1)];

/// The content of a resource block.
pub fn shape(schema: Option<&crate::model::schema::Block>) -> Shape<'_> {
    Shape { blocks: BLOCKS, schema, merged: &["lifecycle"] }
}

/// The mode that a block's type stands for.
pub fn mode(ty: &str) -> Mode {
    match ty {
        "data" => Mode::Data,
        "ephemeral" => Mode::Ephemeral,
        _ => Mode::Managed,
    }
}

impl Decoder<'_> {
    pub(super) fn resource(&mut self, index: u32, block: &Block<'_>) -> Resource {
        let mode = mode(&block.ty);
        let ((ty, ty_span), (name, _)) = (block.label(0), block.label(1));
        let schemas = self.schemas;
        let schema = schemas.resource(mode, &ty);
        if schema.is_none() {
            self.unknown_type(mode, &ty, ty_span);
        }
        let mut content = self.content(block, shape(schema.map(|s| &s.block)));
        let place = Place::within(block_repeats(block), Some(index));
        let repeat = self.take_repeat(&mut content, Place { owner: Some(index), ..Place::MODULE });
        let depends_on = match content.take("depends_on") {
            Some(argument) => self.depends_on(argument.value, Some(index)),
            None => Vec::new(),
        };
        let provider = content.take("provider").and_then(|argument| self.provider_ref(argument.value, place));
        let provider = provider.unwrap_or_else(|| default_provider(&ty));
        self.check_provider(&provider);
        let (lifecycle, repeat) = match content.take_block("lifecycle", self.diagnostics) {
            Some(block) => self.lifecycle(&block, mode, place, repeat),
            None => (Lifecycle::default(), repeat),
        };
        let managed_only = |decoder: &mut Self, blocks: &[Block<'_>]| {
            if let (Some(first), true) = (blocks.first(), mode != Mode::Managed) {
                let error = Diagnostic::error(format!("unknown block \"{}\"", first.ty)).at(first.header);
                decoder.error(error.label("only managed resources have it"));
            }
        };
        let connections = content.take_blocks("connection");
        managed_only(self, &connections);
        let connection = connections.last().map(|block| self.connection(block, place.with_self()));
        let provisioners = content.take_blocks("provisioner");
        managed_only(self, &provisioners);
        let provisioners: Vec<_> = provisioners.iter().map(|block| self.provisioner(block, place)).collect();
        self.check_shared_connection(connection.as_ref(), &provisioners);
        let body = self.resource_body(content, schema, &ty, place);
        Resource {
            mode,
            ty,
            name,
            provider,
            repeat,
            body,
            depends_on,
            lifecycle,
            provisioners,
            connection,
            span: block.header,
        }
    }

    fn resource_body(
        &mut self,
        content: Content<'_>,
        schema: Option<&crate::model::Schema>,
        ty: &str,
        place: Place,
    ) -> Body {
        let body = self.body(content, schema.map(|s| &s.block), place);
        if let Some(schema) = schema {
            self.check_body(&body, &schema.block, ty);
        }
        body
    }

    fn unknown_type(&mut self, mode: Mode, ty: &str, span: crate::model::Span) {
        let what = match mode {
            Mode::Managed => "resource type",
            Mode::Data => "data source",
            Mode::Ephemeral => "ephemeral resource type",
        };
        let error = Diagnostic::error(format!("unknown {what} \"{ty}\"")).at(span);
        let names = self.schemas.type_names(mode);
        let error = error.label("no provider has a type of this name").did_you_mean(ty, names.iter().map(|n| &**n));
        self.error(match mode {
            Mode::Managed if self.schemas.resource(Mode::Data, ty).is_some() => {
                error.help(format!("there is a data source of this name: data \"{ty}\""))
            }
            Mode::Data if self.schemas.resource(Mode::Managed, ty).is_some() => {
                error.help(format!("there is a resource type of this name: resource \"{ty}\""))
            }
            _ => error,
        });
    }

    /// A bare word out of a few.
    pub(super) fn take_word(&mut self, content: &mut Content<'_>, name: &str, known: &[&str]) -> Option<Str> {
        let argument = content.take(name)?;
        let word: Option<Str> = match argument.value.plain_text() {
            Some(text) => Some(text),
            None => argument.value.parsed().ok().and_then(|p| p.expression.as_variable().map(|v| v.as_str().into())),
        };
        match word {
            Some(word) if known.contains(&&*word) => Some(word),
            other => {
                let error = Diagnostic::error(format!("\"{name}\" must be one of {}", known.join(", ")));
                let error = error.at(argument.value.span());
                self.error(error.did_you_mean(other.as_deref().unwrap_or(""), known.iter().copied()));
                None
            }
        }
    }
}
