//! Values: of `.tf` files as expressions, of YAML and JSON as data with templates in the strings.

use std::collections::HashMap;

use crate::lang::compile::Compiler;
use crate::lang::expr::Expr;
use crate::model::{Diagnostic, Diagnostics, Span, Str, Value};
use crate::spec::node::{Entry, Node, NodeKind, Text, TextMode, has_template};
use crate::spec::syntax::Written;

/// Compiles a value; the compiler's map must be that of the file.
pub fn value(compiler: &mut Compiler<'_>, written: Written<'_>, diagnostics: &mut Diagnostics) -> Expr {
    match written {
        Written::Hcl(expression, _) => compiler.expression(expression),
        Written::Node(written) => node(compiler, written, diagnostics),
    }
}

fn node(compiler: &mut Compiler<'_>, written: &Node, diagnostics: &mut Diagnostics) -> Expr {
    let span = written.span;
    match &written.kind {
        NodeKind::Null => Expr::constant(Value::NULL, span),
        NodeKind::Bool(b) => Expr::constant(Value::Bool(*b), span),
        NodeKind::Number(n) => Expr::constant(Value::Number(n.clone()), span),
        NodeKind::Text(content) => text(compiler, content, span),
        NodeKind::List(items) => {
            let items = items.iter().map(|item| node(compiler, item, diagnostics)).collect();
            Expr::tuple(items, span)
        }
        NodeKind::Map(entries) => mapping(compiler, entries, span, diagnostics),
    }
}

fn text(compiler: &mut Compiler<'_>, content: &Text, span: Span) -> Expr {
    match content.mode {
        TextMode::Template if has_template(&content.text) => {
            compiler.with_map(content.map.clone(), |c| c.template_text(&content.text))
        }
        TextMode::Expression => compiler.with_map(content.map.clone(), |c| c.expression_text(&content.text)),
        TextMode::Template | TextMode::Literal => Expr::constant(Value::string(content.text.clone()), span),
    }
}

fn mapping(compiler: &mut Compiler<'_>, entries: &[Entry], span: Span, diagnostics: &mut Diagnostics) -> Expr {
    let mut seen: HashMap<&Str, Span> = HashMap::with_capacity(entries.len());
    let computed = entries.iter().any(|e| has_template(&e.key));
    let mut constant: Vec<(Str, Expr)> = Vec::new();
    let mut keyed: Vec<(Expr, Expr)> = Vec::new();
    for entry in entries {
        if let Some(first) = seen.insert(&entry.key, entry.key_span) {
            let twice = Diagnostic::error(format!("key \"{}\" is written twice", entry.key)).at(entry.key_span);
            diagnostics.push(twice.related(first, "first written here"));
        }
        let value = node(compiler, &entry.value, diagnostics);
        if computed {
            let map = crate::lang::text_map::TextMap::whole(entry.key_span);
            keyed.push((compiler.with_map(map, |c| c.template_text(&entry.key)), value));
        } else {
            constant.push((entry.key.clone(), value));
        }
    }
    match computed {
        true => Expr::computed_object(keyed, span),
        false => Expr::object(constant, span),
    }
}

/// The value of a constant expression, also where it is a constructor that was not folded.
pub fn constant(expr: &Expr) -> Option<Value> {
    if let Some(value) = expr.literal() {
        return Some(value.clone());
    }
    if let Some(items) = expr.as_tuple() {
        return Some(Value::tuple(items.iter().map(constant).collect::<Option<_>>()?));
    }
    let fields = expr.as_object()?.iter().map(|(name, e)| Some((name.clone(), constant(e)?)));
    Some(Value::object(fields.collect::<Option<Vec<_>>>()?))
}
