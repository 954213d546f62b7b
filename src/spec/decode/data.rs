//! Values: of `.tf` files as expressions, of YAML and JSON as data with templates in the strings.

use std::collections::HashMap;

use crate::lang::compile::{Compiler, expression_text, template_text};
use crate::lang::expr::Expr;
use crate::lang::scope::Slot;
use crate::lang::text_map::TextMap;
use crate::model::{Diagnostic, Diagnostics, SourceMap, Span, Str, Value};
use crate::spec::node::{Entry, Node, NodeKind, Text, TextMode, has_template};
use crate::spec::resolve::{Names, Repeats};
use crate::spec::syntax::{Parsed, Written};

/// Compiles values at one place of a module.
pub struct Values<'v> {
    pub sources: &'v SourceMap,
    pub names: Names<'v>,
    /// The iterators of the `dynamic` blocks around, outermost first.
    pub bindings: Vec<Str>,
    pub diagnostics: &'v mut Diagnostics,
}

impl Values<'_> {
    pub fn value(&mut self, written: Written<'_>) -> Expr {
        match written {
            Written::Hcl(expression, source) => {
                let sources = self.sources;
                let text = sources.get(source).map_or("", |file| &*file.text);
                let compiler = Compiler::new(text, TextMap::offset(source, 0), &mut self.names, self.diagnostics);
                let compiled = compiler.with_bindings(&self.bindings).expression(expression);
                self.with_outputs_checked(compiled)
            }
            Written::Node(written) => {
                let compiled = self.node(written);
                self.with_outputs_checked(compiled)
            }
        }
    }

    /// Complains about unknown outputs of one instance of a module. Those of a module without instances were
    /// found when the name was resolved.
    fn with_outputs_checked(&mut self, compiled: Expr) -> Expr {
        let calls = &self.names.declared.call_facts;
        if calls.iter().all(|facts| facts.repeats == Repeats::Once) {
            return compiled;
        }
        let mut unknown = Vec::new();
        compiled.references(&mut |reference| {
            let Slot::Module(index) = reference.slot else { return };
            let facts = calls.get(index as usize).filter(|facts| facts.repeats != Repeats::Once);
            if let Some((facts, output)) = facts.zip(reference.output) {
                unknown.extend(self.names.unknown_output(facts, &output, reference.span));
            }
        });
        self.diagnostics.extend(unknown);
        compiled
    }

    /// Compiles what is an expression in every language, or a part of one.
    pub fn part(&mut self, parsed: &Parsed<'_>, part: &hcl_edit::expr::Expression) -> Expr {
        let sources = self.sources;
        let text = match &parsed.text {
            Some(text) => text,
            None => sources.get(parsed.map.source()).map_or("", |file| &*file.text),
        };
        let compiler = Compiler::new(text, parsed.map.clone(), &mut self.names, self.diagnostics);
        compiler.with_bindings(&self.bindings).expression(part)
    }

    fn node(&mut self, written: &Node) -> Expr {
        let span = written.span;
        match &written.kind {
            NodeKind::Null => Expr::constant(Value::NULL, span),
            NodeKind::Bool(b) => Expr::constant(Value::Bool(*b), span),
            NodeKind::Number(n) => Expr::constant(Value::Number(n.clone()), span),
            NodeKind::Text(content) => self.text(content, span),
            NodeKind::List(items) => Expr::tuple(items.iter().map(|item| self.node(item)).collect(), span),
            NodeKind::Map(entries) => self.mapping(entries, span),
        }
    }

    fn text(&mut self, content: &Text, span: Span) -> Expr {
        let (text, map) = (&content.text, &content.map);
        match content.mode {
            TextMode::Template if has_template(text) => {
                template_text(text, map, &self.bindings, &mut self.names, self.diagnostics)
            }
            TextMode::Expression => expression_text(text, map, &self.bindings, &mut self.names, self.diagnostics),
            TextMode::Template | TextMode::Literal => Expr::constant(Value::string(text.clone()), span),
        }
    }

    fn mapping(&mut self, entries: &[Entry], span: Span) -> Expr {
        let mut seen: HashMap<&Str, Span> = HashMap::with_capacity(entries.len());
        let computed = entries.iter().any(Entry::is_computed);
        let mut constant: Vec<(Str, Expr)> = Vec::new();
        let mut keyed: Vec<(Expr, Expr)> = Vec::new();
        for entry in entries {
            if let Some(first) = seen.insert(&entry.key, entry.key_span) {
                let twice = Diagnostic::error(format!("key \"{}\" is written twice", entry.key)).at(entry.key_span);
                self.diagnostics.push(twice.related(first, "first written here"));
            }
            let value = self.node(&entry.value);
            if computed {
                let map = TextMap::within(entry.key_span);
                let key = match entry.literal {
                    true => Expr::constant(Value::string(entry.key.clone()), entry.key_span),
                    false => template_text(&entry.key, &map, &self.bindings, &mut self.names, self.diagnostics),
                };
                keyed.push((key, value));
            } else {
                constant.push((entry.key.clone(), value));
            }
        }
        match computed {
            true => Expr::computed_object(keyed, span),
            false => Expr::object(constant, span),
        }
    }
}
