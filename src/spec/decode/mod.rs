//! From blocks as they are written to the tables of a module: one file a kind of block.

mod body;
mod call;
mod changes;
mod check;
mod data;
mod encryption;
mod lifecycle;
mod meta;
mod output;
mod provider;
mod provisioner;
mod reference;
mod resource;
mod terraform;
mod variable;

pub use meta::default_provider;
pub use resource::mode as resource_mode;

use std::collections::{HashMap, HashSet};

use self::data::Values;
use super::declare::Blocks;
use super::module::{CheckRule, Module, Names as ModuleNames, Schemas};
use super::resolve::{Declared, Names, Place};
use super::syntax::{Argument, Block, Content, Shape, Written};
use crate::lang::expr::Expr;
use crate::model::{Diagnostic, Diagnostics, SourceId, SourceMap, Str, Value};

/// Compiles the blocks of one module. `modules` are those that are compiled already, children among them.
pub struct Decoder<'c> {
    declared: &'c Declared,
    modules: &'c [Module],
    sources: &'c SourceMap,
    schemas: &'c dyn Schemas,
    diagnostics: &'c mut Diagnostics,
    json_sources: &'c HashSet<SourceId>,
    /// Of each local provider name that `required_providers` maps, the provider's own.
    real_names: HashMap<Str, Str>,
    /// The `configuration_aliases`: local names with aliases that the caller passes.
    passed_aliases: HashSet<Str>,
}

/// The content of a `check` block.
pub fn check_blocks() -> Shape<'static> {
    Shape::of(check::BLOCKS)
}

impl<'c> Decoder<'c> {
    /// `json_sources` are the files in which the strings of variable blocks are no templates.
    pub fn new(
        declared: &'c Declared,
        modules: &'c [Module],
        sources: &'c SourceMap,
        schemas: &'c dyn Schemas,
        json_sources: &'c HashSet<SourceId>,
        diagnostics: &'c mut Diagnostics,
    ) -> Self {
        let (real_names, passed_aliases) = (HashMap::new(), HashSet::new());
        Decoder { declared, modules, sources, schemas, diagnostics, json_sources, real_names, passed_aliases }
    }

    /// Compiles everything that a module holds.
    pub fn module(&mut self, dir: Str, blocks: Blocks<'_>) -> Module {
        let mut module = Module { dir, ..Module::default() };
        module.settings = self.settings(&blocks.terraform);
        self.require_providers(&module.settings);
        module.providers = blocks.providers.iter().map(|b| self.provider(b)).collect();
        module.variables = blocks.variables.iter().map(|b| self.variable(b)).collect();
        module.locals = blocks.locals.iter().map(|local| self.local(local)).collect();
        module.resources = blocks.resources.iter().enumerate().map(|(i, b)| self.resource(i as u32, b)).collect();
        module.calls = blocks.calls.iter().enumerate().filter_map(|(i, b)| self.call(i, b)).collect();
        module.outputs = blocks.outputs.iter().map(|b| self.output(b)).collect();
        module.moved = blocks.moved.iter().filter_map(|b| self.moved(b)).collect();
        module.removed = blocks.removed.iter().filter_map(|b| self.removed(b)).collect();
        if module.dir.as_ref() != "." {
            self.refuse_imports(&blocks.imports);
        }
        module.imports = blocks.imports.iter().filter_map(|b| self.import(b)).collect();
        module.checks = blocks.checks.iter().map(|(b, data)| self.check(b, *data)).collect();
        let index = module.resources.iter().enumerate();
        module.names = ModuleNames {
            variables: self.declared.variables.clone(),
            locals: self.declared.locals.clone(),
            outputs: self.declared.outputs.clone(),
            resources: index.map(|(i, r)| ((r.mode, r.ty.clone(), r.name.clone()), i as u32)).collect(),
            calls: module.calls.iter().enumerate().map(|(i, c)| (c.name.clone(), i as u32)).collect(),
        };
        module
    }

    /// The variables and locals of a module, for what must be known before its children are loaded.
    pub fn early(&mut self, dir: Str, blocks: &Blocks<'_>) -> Module {
        let mut module = Module { dir, ..Module::default() };
        module.variables = blocks.variables.iter().map(|b| self.variable(b)).collect();
        module.locals = blocks.locals.iter().map(|local| self.local(local)).collect();
        module.names.variables = self.declared.variables.clone();
        module
    }

    /// Compiles what must be known before anything is loaded or built.
    pub fn early_value(&mut self, value: Written<'_>) -> Expr {
        self.compile(value, Place::EARLY)
    }

    fn error(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn values(&mut self, place: Place) -> Values<'_> {
        let names = Names {
            declared: self.declared,
            modules: self.modules,
            schemas: self.schemas,
            place,
            real_names: &self.real_names,
        };
        Values { sources: self.sources, names, bindings: Vec::new(), diagnostics: self.diagnostics }
    }

    /// Compiles a value.
    fn compile(&mut self, value: Written<'_>, place: Place) -> Expr {
        self.values(place).value(value)
    }

    /// Compiles what is an expression even in YAML and JSON, where it stands in a string.
    fn compile_parsed(&mut self, value: Written<'_>, place: Place) -> Expr {
        match value.parsed() {
            Ok(parsed) => self.values(place).part(&parsed, &parsed.expression),
            Err(error) => {
                self.error(error);
                Expr::invalid(value.span())
            }
        }
    }

    fn content<'b>(&mut self, block: &Block<'b>, shape: Shape<'_>) -> Content<'b> {
        block.content(shape, self.diagnostics)
    }

    /// The value of an argument that must be written out.
    fn constant(&mut self, argument: &Argument<'_>) -> Option<Value> {
        let before = self.diagnostics.len();
        let value = self.compile(argument.value, Place::CONSTANT);
        match value.literal() {
            Some(value) => Some(value.clone()),
            None => {
                if self.diagnostics.len() == before {
                    let error = Diagnostic::error(format!("\"{}\" must be a constant", argument.name));
                    self.error(error.at(argument.value.span()).label("this is computed"));
                }
                None
            }
        }
    }

    /// A constant bool, also where it is written as a string.
    fn take_bool(&mut self, content: &mut Content<'_>, name: &str) -> Option<bool> {
        let argument = content.take(name)?;
        let value = self.constant(&argument)?;
        match crate::lang::convert::convert(&value, &crate::model::Type::Bool) {
            Ok(value) => value.as_bool(),
            Err(_) => {
                let error = Diagnostic::error(format!("\"{name}\" must be true or false")).at(argument.value.span());
                self.error(error);
                None
            }
        }
    }

    /// A constant text.
    fn take_text(&mut self, content: &mut Content<'_>, name: &str) -> Option<Str> {
        let argument = content.take(name)?;
        self.text(&argument)
    }

    fn text(&mut self, argument: &Argument<'_>) -> Option<Str> {
        if let Some(text) = argument.value.plain_text() {
            return Some(text);
        }
        let value = self.constant(argument)?;
        let text = value.as_str().cloned();
        if text.is_none() && !value.is_null() {
            let error = Diagnostic::error(format!("\"{}\" must be a string", argument.name));
            self.error(error.at(argument.value.span()));
        }
        text
    }

    /// `condition` and `error_message`.
    fn rule(&mut self, block: &Block<'_>, place: Place) -> CheckRule {
        let mut content = self.content(block, Shape::default());
        let missing = Expr::invalid(block.header);
        let mut part = |decoder: &mut Self, name: &str| match content.take(name) {
            Some(argument) => decoder.compile(argument.value, place),
            None => {
                let error = Diagnostic::error(format!("\"{name}\" is missing")).at(block.header);
                decoder.error(error.label(format!("{} block needs it", with_article(&block.ty))));
                missing.clone()
            }
        };
        let before = self.diagnostics.len();
        let condition = part(self, "condition");
        let compiled = self.diagnostics.len() == before;
        let error_message = part(self, "error_message");
        let mut refers = false;
        condition.references(&mut |_| refers = true);
        if compiled && !refers {
            let error = Diagnostic::error("a condition that refers to nothing").at(condition.span());
            self.error(error.label("it would be the same in every run, and check nothing"));
        }
        let what = format!("{} block", with_article(&block.ty));
        content.finish(&what, &["condition", "error_message"], &[], self.diagnostics);
        CheckRule { condition, error_message, span: block.header }
    }

    fn missing(&mut self, name: &str, block: &Block<'_>) {
        let error = Diagnostic::error(format!("\"{name}\" is missing")).at(block.header);
        self.error(error.label(format!("{} block needs it", with_article(&block.ty))));
    }
}

/// `a moved`, `an output`.
fn with_article(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}
