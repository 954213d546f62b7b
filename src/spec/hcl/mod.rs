//! Reads `.tf` text into syntax trees, and tells what the parser did not understand.

use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;

use crate::lang::compile::{limit, open_string};
use crate::lang::parse;
use crate::lang::text_map::TextMap;
use crate::model::{Diagnostic, SourceFile, SourceId};

/// Parses one file. The offsets of the tree count from the beginning of the text, byte order mark included.
pub fn parse(source: SourceId, file: &SourceFile) -> Result<Body, Diagnostic> {
    let map = TextMap::offset(source, 0);
    if let Some(rest) = file.text.strip_prefix('\u{feff}') {
        // Blanks keep the offsets.
        let blanked = format!("   {rest}");
        return parse::body(&blanked).map_err(|e| explain(&e, &blanked, &map));
    }
    parse::body(&file.text).map_err(|e| explain(&e, &file.text, &map))
}

/// Parses an expression that stands in a string.
pub fn parse_expression(text: &str, map: &TextMap) -> Result<Expression, Diagnostic> {
    parse::expression(text).map_err(|e| explain(&e, text, map))
}

fn explain(error: &hcl_edit::parser::Error, text: &str, map: &TextMap) -> Diagnostic {
    if let Some(open) = open_string(error, text, map) {
        return open;
    }
    let mut at = error.location().offset().min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let rest = text.get(at..).unwrap_or("");
    let width = word_len(rest);
    let message = error.message();
    if message.contains("redefined attribute") {
        let name = rest.get(..width).unwrap_or("");
        return Diagnostic::error(format!("argument \"{name}\" is written twice")).at(map.span(at, at + width));
    }
    if let Some(limit) = limit(message, text, at) {
        return limit.at(map.span(at, at + width));
    }
    let diagnostic = Diagnostic::error("invalid syntax").at(map.span(at, at + width)).label(message);
    match rest.chars().next() {
        Some('\'') => diagnostic.help("strings stand between double quotes"),
        Some(':') => diagnostic.help("an argument is written \"name = value\""),
        Some('{') if message.contains("newline") => {
            diagnostic.help("a block with more than one argument has each of them on a line of its own")
        }
        _ => diagnostic,
    }
}

/// The length of the word or character that a text begins with.
fn word_len(text: &str) -> usize {
    let word = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(text.len());
    match word {
        0 => text.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8),
        n => n,
    }
}
