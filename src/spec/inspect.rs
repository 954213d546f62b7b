//! Expressions from outside of the sources, such as those that somebody types, in the root module's scope.

use std::collections::HashMap;

use super::module::{Module, Repeat, Schemas, Spec};
use super::resolve::{CallFacts, Declared, Names, Place, Repeats, ResourceFacts};
use crate::lang::compile::expression_text;
use crate::lang::expr::Expr;
use crate::lang::text_map::TextMap;
use crate::model::{Diagnostics, SourceId, Str};

/// Compiles expressions against one spec.
pub struct Inspector<'s> {
    spec: &'s Spec,
    schemas: &'s dyn Schemas,
    declared: Declared,
    real_names: HashMap<Str, Str>,
}

impl<'s> Inspector<'s> {
    pub fn new(spec: &'s Spec, schemas: &'s dyn Schemas) -> Self {
        let declared = spec.root().map(declared).unwrap_or_default();
        let required = spec.root().map_or(&[][..], |m| &m.settings.required_providers);
        let real_names = required.iter().map(|p| (p.name.clone(), p.real_name().into())).collect();
        Inspector { spec, schemas, declared, real_names }
    }

    /// Compiles a text that is the whole of a source.
    pub fn compile(&self, text: &str, source: SourceId) -> (Expr, Diagnostics) {
        let mut problems = Diagnostics::new();
        let mut names = Names {
            declared: &self.declared,
            modules: &self.spec.modules,
            schemas: self.schemas,
            place: Place::MODULE,
            real_names: &self.real_names,
        };
        let compiled = expression_text(text, &TextMap::offset(source, 0), &[], &mut names, &mut problems);
        (compiled, problems)
    }
}

/// Everything in the root module that an expression can name, such as `var.region` or `module.network`.
pub fn names(spec: &Spec) -> Vec<String> {
    let Some(root) = spec.root() else { return Vec::new() };
    let mut names: Vec<String> = root.resources.iter().map(|r| r.local_name()).collect();
    names.extend(root.variables.iter().map(|v| format!("var.{}", v.name)));
    names.extend(root.locals.iter().map(|l| format!("local.{}", l.name)));
    names.extend(root.calls.iter().map(|c| format!("module.{}", c.name)));
    names.extend(["path.module", "path.root", "path.cwd", "terraform.workspace"].map(String::from));
    names.sort();
    names
}

fn declared(module: &Module) -> Declared {
    let names = &module.names;
    let mut declared = Declared::default();
    declared.variables = names.variables.clone();
    declared.locals = names.locals.clone();
    declared.outputs = names.outputs.clone();
    declared.calls = names.calls.clone();
    for resource in &module.resources {
        let facts = ResourceFacts {
            scoped: false,
            mode: resource.mode,
            ty: resource.ty.clone(),
            name: resource.name.clone(),
            repeats: repeats(&resource.repeat),
            span: resource.span,
        };
        // Loading has told of names that stand twice.
        let _known = declared.add_resource(facts);
    }
    declared.call_facts = module
        .calls
        .iter()
        .map(|call| CallFacts {
            name: call.name.clone(),
            repeats: repeats(&call.repeat),
            span: call.span,
            source: call.source.clone(),
            child: Some(call.module),
        })
        .collect();
    declared
}

fn repeats(repeat: &Repeat) -> Repeats {
    match repeat {
        Repeat::Once | Repeat::Enabled(_) => Repeats::Once,
        Repeat::Count(_) => Repeats::Count,
        Repeat::ForEach(_) => Repeats::ForEach,
    }
}
