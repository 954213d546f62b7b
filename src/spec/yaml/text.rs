//! From the characters of an unescaped, dedented string back to the file.

use saphyr_parser::ScalarStyle;

use crate::lang::text_map::TextMap;
use crate::model::Span;
use crate::spec::node::has_template;

/// The mapping of a scalar's text to its place. Exact for strings with template sequences; others have nothing
/// in them that a message could point at, and map to the whole scalar.
pub fn map(text: &str, raw: &str, style: ScalarStyle, span: Span, is_expression: bool) -> TextMap {
    let base = span.start as usize;
    if !is_expression && !has_template(text) {
        return TextMap::whole(span);
    }
    let start = content_start(raw, style);
    let raw_content = raw.get(start..).unwrap_or("");
    if raw_content.starts_with(text) {
        let mut map = TextMap::within(span);
        map.segment(0, base + start);
        return map;
    }
    align(text, raw, start, base, style, span)
}

/// Where the content begins: behind the opening quote, or on the line after a block's header.
fn content_start(raw: &str, style: ScalarStyle) -> usize {
    match style {
        ScalarStyle::Plain => 0,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => usize::from(raw.starts_with(['"', '\''])),
        ScalarStyle::Literal | ScalarStyle::Folded if raw.starts_with(['|', '>']) => {
            raw.find('\n').map_or(raw.len(), |i| i + 1)
        }
        ScalarStyle::Literal | ScalarStyle::Folded => 0,
    }
}

/// Walks text and source side by side. They differ in escapes, and in white space where lines are folded or
/// indented.
fn align(text: &str, raw: &str, start: usize, base: usize, style: ScalarStyle, span: Span) -> TextMap {
    let mut map = TextMap::within(span);
    let (mut i, mut j) = (0, start);
    let mut apart = true;
    while let (Some(t), Some(r)) = (first_char(text, i), first_char(raw, j)) {
        if style == ScalarStyle::DoubleQuoted && r == '\\' {
            let len = escape_len(raw, j);
            j += len;
            // An escaped line break stands for nothing.
            if len > 2 || !raw.get(j - len..j).is_some_and(|e| e.ends_with(['\n', '\r'])) {
                map.segment(i, base + j - len);
                i += t.len_utf8();
            }
            apart = true;
        } else if style == ScalarStyle::SingleQuoted && t == '\'' && raw.get(j..).is_some_and(|r| r.starts_with("''")) {
            map.segment(i, base + j);
            i += 1;
            j += 2;
            apart = true;
        } else if t == r {
            if apart {
                map.segment(i, base + j);
                apart = false;
            }
            i += t.len_utf8();
            j += r.len_utf8();
        } else if r.is_whitespace() {
            j += r.len_utf8();
            apart = true;
        } else if t.is_whitespace() {
            i += t.len_utf8();
            apart = true;
        } else {
            break;
        }
    }
    map
}

fn first_char(text: &str, at: usize) -> Option<char> {
    text.get(at..).and_then(|rest| rest.chars().next())
}

/// The length in bytes of an escape that begins with a backslash.
fn escape_len(raw: &str, at: usize) -> usize {
    let code = raw.get(at + 1..).and_then(|rest| rest.chars().next());
    let len = match code {
        Some('x') => 4,
        Some('u') => 6,
        Some('U') => 10,
        Some(c) => 1 + c.len_utf8(),
        None => 1,
    };
    len.min(raw.len() - at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceId;

    fn place(text: &str, raw: &str, style: ScalarStyle, needle: &str) -> String {
        let span = Span::new(SourceId(0), 0, raw.len());
        let map = map(text, raw, style, span, false);
        let at = text.find(needle).unwrap();
        let found = map.span(at, at + needle.len());
        raw[found.start as usize..found.end as usize].to_string()
    }

    #[test]
    fn places_survive_escapes_and_folding() {
        assert_eq!(place("a\tb ${var.x}", r#""a\tb ${var.x}""#, ScalarStyle::DoubleQuoted, "var.x"), "var.x");
        assert_eq!(place("it's ${var.x}", "'it''s ${var.x}'", ScalarStyle::SingleQuoted, "var.x"), "var.x");
        assert_eq!(place("a\n${var.x}\n", "|\n  a\n  ${var.x}\n", ScalarStyle::Literal, "var.x"), "var.x");
        assert_eq!(place("a ${var.x}\n", ">-\n    a\n    ${var.x}\n", ScalarStyle::Folded, "var.x"), "var.x");
        assert_eq!(place("a é ${var.x}", "a\n   é\n  ${var.x}", ScalarStyle::Plain, "var.x"), "var.x");
    }
}
