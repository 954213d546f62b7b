//! `module` blocks: calls of child modules.

use std::collections::HashMap;

use super::Decoder;
use crate::model::{Diagnostic, Diagnostics, Span, Str};
use crate::spec::module::{Module, ModuleCall, ProviderRef};
use crate::spec::resolve::{CallFacts, Place};
use crate::spec::syntax::{Block, Content, Shape, Written};

const META: [&str; 6] = ["source", "version", "count", "for_each", "providers", "depends_on"];
const BLOCKS: &[(&str, usize)] = &[("lifecycle", 0)];

/// Where the child of a call is, as the loader needs to know it before the call is compiled.
pub fn source(block: &Block<'_>, diagnostics: &mut Diagnostics) -> Option<(Str, Span)> {
    let Some(value) = block.argument("source") else {
        let error = Diagnostic::error("\"source\" is missing").at(block.header);
        diagnostics.push(error.label("a module block needs it").help("a local module is written like \"./network\""));
        return None;
    };
    let text = value.plain_text();
    if text.is_none() {
        let error = Diagnostic::error("\"source\" must be a constant string").at(value.span());
        diagnostics.push(error.label("modules are loaded before anything is evaluated"));
    }
    text.map(|text| (text, value.span()))
}

impl Decoder<'_> {
    /// Compiles a call whose child was loaded.
    pub(super) fn call(&mut self, index: usize, block: &Block<'_>) -> Option<ModuleCall> {
        let facts: &CallFacts = self.declared.call_facts.get(index)?;
        let (name, _) = block.label(0);
        let mut content = self.content(block, Shape::of(BLOCKS));
        let place = Place::within(facts.repeats, None);
        let source = content.take("source").and_then(|a| a.value.plain_text()).unwrap_or_default();
        if let Some(version) = content.take("version") {
            let error = Diagnostic::error("\"version\" of a local module").at(version.name_span);
            if source.starts_with('.') {
                self.error(error.label("only modules of a registry have versions"));
            }
        }
        let mut repeat = self.take_repeat(&mut content, Place::MODULE);
        let depends_on = match content.take("depends_on") {
            Some(argument) => self.depends_on(argument.value, None),
            None => Vec::new(),
        };
        let providers = match content.take("providers") {
            Some(argument) => self.passed_providers(argument.value, place),
            None => Vec::new(),
        };
        if let Some(block) = content.take_block("lifecycle", self.diagnostics) {
            let mut lifecycle = self.content(&block, Shape::default());
            repeat = self.enabled(&mut lifecycle, repeat, place);
            lifecycle.finish("a lifecycle block of a module", &["enabled"], &[], self.diagnostics);
        }
        let child = facts.child?;
        let modules = self.modules;
        let module = modules.get(child.0 as usize)?;
        let arguments = self.arguments(&mut content, module, place, block);
        content.finish("a module block", &META, &["lifecycle"], self.diagnostics);
        Some(ModuleCall { name, source, module: child, repeat, arguments, providers, depends_on, span: block.header })
    }

    fn arguments(
        &mut self,
        content: &mut Content<'_>,
        module: &Module,
        place: Place,
        block: &Block<'_>,
    ) -> Vec<(Str, u32, crate::lang::expr::Expr)> {
        let mut given = Vec::new();
        let mut places: HashMap<u32, Span> = HashMap::new();
        for argument in std::mem::take(&mut content.arguments) {
            let value = self.compile(argument.value, place);
            match module.names.variables.get(&argument.name) {
                Some(index) => {
                    places.insert(*index, argument.name_span);
                    given.push((argument.name, *index, value));
                }
                None => {
                    let name = &argument.name;
                    let error = Diagnostic::error(format!("unknown argument \"{name}\"")).at(argument.name_span);
                    let known = module.names.variables.keys().map(|k| &**k).chain(META);
                    let error = error.label(format!("the module in \"{}\" has no variable of this name", module.dir));
                    self.error(error.did_you_mean(name, known));
                }
            }
        }
        for (index, variable) in module.variables.iter().enumerate() {
            if variable.default.is_none() && !places.contains_key(&(index as u32)) {
                let error = Diagnostic::error(format!("missing argument \"{}\"", variable.name)).at(block.header);
                let error = error.label("the module's variable of this name has no default");
                self.error(error.related(variable.span, "declared here"));
            }
        }
        given
    }

    fn passed_providers(&mut self, value: Written<'_>, place: Place) -> Vec<(ProviderRef, ProviderRef)> {
        let Some(entries) = value.entries() else {
            let error = Diagnostic::error("\"providers\" must be a mapping").at(value.span());
            self.error(error.label("from the child's provider to one of this module, such as { aws = aws.east }"));
            return Vec::new();
        };
        let mut passed = Vec::new();
        for entry in entries {
            let (name, alias) = match entry.name.split_once('.') {
                Some((name, alias)) => (name.into(), Some(alias.into())),
                None => (entry.name.clone(), None),
            };
            let inner = ProviderRef { name, alias, key: None, span: Some(entry.name_span) };
            if let Some(outer) = self.provider_ref(entry.value, place) {
                self.check_provider(&outer);
                passed.push((inner, outer));
            }
        }
        passed
    }
}
