//! `module` blocks: calls of child modules.

use std::collections::HashMap;

use super::Decoder;
use crate::model::{Diagnostic, Span, Str};
use crate::spec::module::{Module, ModuleCall, ProviderRef};
use crate::spec::resolve::{CallFacts, Place};
use crate::spec::syntax::{Block, Content, Shape, Written};

const META: [&str; 6] = ["source", "version", "count", "for_each", "providers", "depends_on"];
const BLOCKS: &[(&str, usize)] = &[("lifecycle", 0)];

/// A provider as it is written: `aws`, `aws.east`.
fn written(provider: &ProviderRef) -> String {
    match &provider.alias {
        Some(alias) => format!("{}.{alias}", provider.name),
        None => provider.name.to_string(),
    }
}

impl Decoder<'_> {
    /// Compiles a call whose child was loaded.
    pub(super) fn call(&mut self, index: usize, block: &Block<'_>) -> Option<ModuleCall> {
        let facts: &CallFacts = self.declared.call_facts.get(index)?;
        let (name, _) = block.label(0);
        let mut content = self.content(block, Shape::of(BLOCKS));
        let place = Place::within(facts.repeats, None);
        content.take("source");
        let source = facts.source.clone();
        if let Some(version) = content.take("version") {
            let error = Diagnostic::error("\"version\" of a local module").at(version.name_span);
            if source.starts_with(['.', '/']) {
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
        self.check_passed(&providers, module, block);
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

    /// Whether the child has the providers that are passed, and gets those that it asks for.
    fn check_passed(&mut self, passed: &[(ProviderRef, ProviderRef)], module: &Module, block: &Block<'_>) {
        let required = &module.settings.required_providers;
        for alias in required.iter().flat_map(|p| &p.aliases) {
            if !passed.iter().any(|(inner, _)| written(inner) == **alias) {
                let error = Diagnostic::error(format!("provider \"{alias}\" is not passed")).at(block.header);
                let error = error.label(format!("the module in \"{}\" takes it from its caller", module.dir));
                self.error(error.help(format!("add: providers = {{ {alias} = … }}")));
            }
        }
        for (inner, _) in passed {
            let Some(alias) = &inner.alias else { continue };
            let configured = module.providers.iter().any(|p| p.name == inner.name && p.alias.as_ref() == Some(alias));
            let asked = required.iter().find(|p| p.name == inner.name);
            let name = written(inner);
            if !configured && !asked.is_some_and(|p| p.aliases.iter().any(|a| **a == name)) {
                let error = Diagnostic::error(format!("provider \"{name}\" is not known to the module")).at(inner.span);
                let error = error.label(format!("the module in \"{}\" does not ask for it", module.dir));
                let error = error.did_you_mean(&name, required.iter().flat_map(|p| &p.aliases).map(|a| &**a));
                self.error(match asked {
                    Some(asked) => error.related(asked.span, "its \"configuration_aliases\" would name it"),
                    None => error.help(format!(
                        "there: required_providers {{ {} = {{ configuration_aliases = [{name}] }} }}",
                        inner.name
                    )),
                });
            }
        }
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
