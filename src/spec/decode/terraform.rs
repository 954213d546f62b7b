//! `terraform` blocks: required versions and providers, the backend.

use super::Decoder;
use super::body::nested_shape;
use super::reference::{TraversalStep, traversal};
use crate::model::{Diagnostic, Span, Str};
use crate::spec::declare::Overridable;
use crate::spec::module::{Backend, RequiredProvider, Settings};
use crate::spec::resolve::Place;
use crate::spec::syntax::{Argument, Block, Shape, Written};
use crate::spec::version;

const BLOCKS: &[(&str, usize)] =
    &[("required_providers", 0), ("backend", 1), ("cloud", 0), ("provider_meta", 1), ("encryption", 0)];

impl Decoder<'_> {
    /// Reads all `terraform` blocks of a module, those that override last.
    pub(super) fn settings(&mut self, blocks: &[Overridable<'_>]) -> Settings {
        let mut settings = Settings::default();
        for Overridable { block, overrides } in blocks {
            self.terraform(block, *overrides, &mut settings);
        }
        settings
    }

    fn terraform(&mut self, block: &Block<'_>, overrides: bool, settings: &mut Settings) {
        let mut content = self.content(block, Shape::of(BLOCKS));
        if let Some(argument) = content.take("required_version") {
            if overrides {
                settings.required_version.clear();
            }
            if let Some(text) = self.version(&argument) {
                if version::check(&text).is_ok() && !version::is_met(&text) {
                    let error = Diagnostic::error(format!("this configuration asks for version {text}"));
                    self.error(
                        error
                            .at(argument.value.span())
                            .label("the language is read as Terraform 1.11, and OpenTofu up to 1.12, have it")
                            .help("widen the constraint if nothing else in the configuration needs that version"),
                    );
                }
                settings.required_version.push((text, argument.value.span()));
            }
        }
        // Experiments change nothing that is not part of the language by now.
        content.take("experiments");
        content.take_blocks("provider_meta");
        for block in content.take_blocks("required_providers") {
            self.required_providers(&block, overrides, settings);
        }
        for backend in content.take_blocks("backend") {
            if let (Some(first), false) = (&settings.backend, overrides) {
                let error = Diagnostic::error("two backends").at(backend.header);
                self.error(error.label("a configuration has one").related(first.span, "the first stands here"));
                continue;
            }
            settings.backend = Some(self.backend(&backend));
        }
        for cloud in content.take_blocks("cloud") {
            let error = Diagnostic::error("\"cloud\" is not supported").at(cloud.header);
            let error = error.label("state is not kept in HCP Terraform");
            self.error(
                error.help(
                    "use a backend block, such as backend \"s3\", and \"terraform state pull\" to move the state",
                ),
            );
        }
        for encryption in content.take_blocks("encryption") {
            settings.encryption = Some(self.encryption(&encryption));
        }
        let names: Vec<&str> = BLOCKS.iter().map(|(name, _)| *name).collect();
        content.finish("a terraform block", &["required_version", "experiments"], &names, self.diagnostics);
    }

    fn backend(&mut self, block: &Block<'_>) -> Backend {
        let (ty, _) = block.label(0);
        let content = self.content(block, nested_shape(None));
        Backend { ty, body: self.body(content, None, Place::EARLY), span: block.header }
    }

    fn version(&mut self, argument: &Argument<'_>) -> Option<Str> {
        let text = self.text(argument)?;
        if let Err(why) = version::check(&text) {
            let error = Diagnostic::error(format!("\"{text}\" is not a version constraint"));
            self.error(error.at(argument.value.span()).label(why));
        }
        Some(text)
    }

    fn required_providers(&mut self, block: &Block<'_>, overrides: bool, settings: &mut Settings) {
        let content = self.content(block, Shape::default());
        for argument in content.arguments {
            let provider = self.required_provider(&argument);
            let twin = settings.required_providers.iter().position(|p| p.name == provider.name);
            match twin.and_then(|i| settings.required_providers.get_mut(i)) {
                Some(first) if overrides => *first = provider,
                Some(first) => {
                    let error = Diagnostic::error(format!("provider \"{}\" is required twice", provider.name));
                    self.diagnostics.push(error.at(provider.span).related(first.span, "first written here"));
                }
                None => settings.required_providers.push(provider),
            }
        }
        for left in content.blocks {
            let error = Diagnostic::error(format!("unknown block \"{}\"", left.ty)).at(left.header);
            self.error(error.label("a provider is an argument here: \"aws = { source = … }\""));
        }
    }

    fn required_provider(&mut self, argument: &Argument<'_>) -> RequiredProvider {
        let mut provider = RequiredProvider {
            name: argument.name.clone(),
            source: None,
            version: None,
            aliases: Vec::new(),
            span: argument.name_span,
        };
        // The old short form: aws = "~> 5.0".
        if argument.value.plain_text().is_some() {
            provider.version = self.version(argument);
            return provider;
        }
        let Some(entries) = argument.value.entries() else {
            let error = Diagnostic::error("a required provider is a mapping").at(argument.value.span());
            self.error(error.label("with source and version"));
            return provider;
        };
        for entry in entries {
            match &*entry.name {
                "source" => provider.source = self.source(&entry),
                "version" => provider.version = self.version(&entry),
                "configuration_aliases" => provider.aliases = self.aliases(entry.value),
                other => {
                    let error = Diagnostic::error(format!("unknown argument \"{other}\"")).at(entry.name_span);
                    let error = error.label("a required provider has no argument of this name");
                    self.error(error.did_you_mean(other, ["source", "version", "configuration_aliases"]));
                }
            }
        }
        provider
    }

    fn source(&mut self, argument: &Argument<'_>) -> Option<Str> {
        let text = self.text(argument)?;
        let parts: Vec<&str> = text.split('/').collect();
        let part = |p: &&str| !p.is_empty() && p.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
        if !(1..=3).contains(&parts.len()) || !parts.iter().all(part) {
            let error = Diagnostic::error(format!("\"{text}\" is not a provider source")).at(argument.value.span());
            self.error(error.label("one is written like \"hashicorp/aws\""));
        }
        Some(text)
    }

    /// `configuration_aliases = [aws.east, aws.west]`
    fn aliases(&mut self, value: Written<'_>) -> Vec<Str> {
        let items = value.items().unwrap_or_default();
        let read = |item: Written<'_>| {
            let parsed = item.parsed().ok()?;
            let written = traversal(&parsed.expression, &parsed.map)?;
            match written.steps.as_slice() {
                [(TraversalStep::Attr(alias), _)] => Some(format!("{}.{alias}", written.root).into()),
                _ => None,
            }
        };
        let aliases: Option<Vec<Str>> = items.into_iter().map(read).collect();
        aliases.unwrap_or_else(|| {
            let error = Diagnostic::error("\"configuration_aliases\" must be a list of aliases").at(value.span());
            self.error(error.label("such as [aws.east]"));
            Vec::new()
        })
    }

    /// Complains about required providers that do not exist.
    pub(super) fn require_providers(&mut self, settings: &Settings) {
        let known = self.schemas.provider_names();
        for provider in &settings.required_providers {
            self.passed_aliases.extend(provider.aliases.iter().cloned());
            let name = provider.real_name();
            if !known.iter().any(|k| &**k == name) {
                self.unknown_provider(name, provider.span);
            }
            self.real_names.insert(provider.name.clone(), name.into());
        }
    }

    pub(super) fn unknown_provider(&mut self, name: &str, span: Span) {
        let known = self.schemas.provider_names();
        let error = Diagnostic::error(format!("unknown provider \"{name}\"")).at(span);
        let error = error.label("no provider of this name is built in");
        let error = error.did_you_mean(name, known.iter().map(|k| &**k));
        let mut names: Vec<&str> = known.iter().map(|k| &**k).collect();
        names.sort_unstable();
        self.error(error.help(format!("there is {}", names.join(", "))));
    }
}
