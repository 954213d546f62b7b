//! Expressions and templates that are given as text: YAML strings, `.tf.json`, template files.

use super::{Compiler, Resolver};
use crate::lang::expr::Expr;
use crate::lang::parse;
use crate::lang::text_map::TextMap;
use crate::model::{Diagnostic, Diagnostics, Str};

/// Compiles the text of an expression. `bindings` are the names of local bindings, outermost first.
pub fn expression_text(
    text: &str,
    map: &TextMap,
    bindings: &[Str],
    resolver: &mut dyn Resolver,
    diagnostics: &mut Diagnostics,
) -> Expr {
    Compiler::new(text, map.clone(), resolver, diagnostics).with_bindings(bindings).text(text)
}

/// Compiles the text of a template, as it would stand in a heredoc: `${…}` and `%{…}` count, backslashes do not.
/// A text that is one interpolation alone keeps the type of the value.
pub fn template_text(
    text: &str,
    map: &TextMap,
    bindings: &[Str],
    resolver: &mut dyn Resolver,
    diagnostics: &mut Diagnostics,
) -> Expr {
    Compiler::new(text, map.clone(), resolver, diagnostics).with_bindings(bindings).template_text(text)
}

impl Compiler<'_> {
    fn text(&mut self, text: &str) -> Expr {
        let span = self.span(0..text.len());
        // The parser wants nothing around the expression.
        let trimmed = text.trim_end();
        let start = text.len() - text.trim_start().len();
        match parse::expression(text.get(start..trimmed.len()).unwrap_or_default()) {
            Ok(expression) if start == 0 => self.expression(&expression),
            Ok(_) | Err(_) if start > 0 => {
                let (text, map) = (&trimmed[start.min(trimmed.len())..], self.map.clone().after(start));
                let bindings = self.bindings.clone();
                Compiler::new(text, map, self.resolver, self.diagnostics).with_bindings(&bindings).text(text)
            }
            Ok(_) => Expr::invalid(span),
            Err(error) => {
                let open = open_string(&error, text, &self.map);
                let diagnostic = open.unwrap_or_else(|| syntax_error(&error, text, &self.map));
                self.report(diagnostic);
                Expr::invalid(span)
            }
        }
    }

    pub(in crate::lang) fn template_text(&mut self, text: &str) -> Expr {
        let span = self.span(0..text.len());
        if !text.contains("${") && !text.contains("%{") {
            return Expr::constant(crate::model::Value::string(text), span);
        }
        match parse::template(text) {
            Ok(template) => self.lines(&template, false, span),
            Err(error) => {
                let diagnostic = syntax_error(&error, text, &self.map);
                self.report(diagnostic);
                Expr::invalid(span)
            }
        }
    }
}

/// What the parser found wrong with a text.
pub fn syntax_error(error: &hcl_edit::parser::Error, text: &str, map: &TextMap) -> Diagnostic {
    let offset = error.location().offset();
    let message = error.message();
    // The parser steps back over white space before it gives up.
    let rest = text.get(offset..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let at = offset + blank;
    let next = text.get(at..).and_then(|rest| rest.chars().next());
    let span = map.span(at, at + next.map_or(0, char::len_utf8));
    if let Some(limit) = limit(message, text, at) {
        return limit.at(span);
    }
    let found = match next {
        None => "the text ends too early".to_string(),
        Some('\n' | '\r') => "the line ends too early".to_string(),
        Some(c) => format!("unexpected \"{c}\""),
    };
    let problem = Diagnostic::error(format!("invalid syntax: {found}")).at(span);
    if message == "unexpected token" { problem } else { problem.label(message) }
}

/// Tells of a string without an end, where that is why the parser gave up: it only finds out at the next string.
pub fn open_string(error: &hcl_edit::parser::Error, text: &str, map: &TextMap) -> Option<Diagnostic> {
    let start = parse::open_string(text).filter(|start| *start < error.location().offset())?;
    let line = text.get(start..)?.lines().next()?.trim_end();
    Some(over_lines().at(map.span(start, start + line.len())).label("it has no end on this line"))
}

/// Strings between quotes end on the line that they begin on.
pub(super) fn over_lines() -> Diagnostic {
    Diagnostic::error("a string between quotes goes over more than one line").help(
        "end it with a double quote; a line break in it is written \\n, and longer texts as <<EOT, the lines, EOT",
    )
}

/// What is refused although the language allows it, with what to do instead. `at` is the place in the text.
pub fn limit(message: &str, text: &str, at: usize) -> Option<Diagnostic> {
    let rest = text.get(at..).unwrap_or_default();
    if message.contains("nested levels") {
        return Some(
            Diagnostic::error("too many levels of brackets, templates or blocks in each other")
                .help("move inner parts into local values"),
        );
    }
    if message.contains("chained binary operators") {
        return Some(Diagnostic::error("too many operators in a row")
            .help("put groups of them into local values, or use a function: alltrue([…]), anytrue([…]), sum([…]), join(\"\", […])"));
    }
    if message.contains("redefined object key") {
        let end = rest.find(['=', ':', '\n']).unwrap_or(rest.len());
        let key = rest.get(..end).unwrap_or_default().trim().trim_matches('"');
        return Some(
            Diagnostic::error(format!("key \"{key}\" is written twice in an object"))
                .label("here again")
                .help("take one of the two out: only one of them could count"),
        );
    }
    None
}
