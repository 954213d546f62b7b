//! Text on its way to a terminal: quoted as the language writes it, measured, wrapped, and never able to send
//! control sequences.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A string between quotes, with the language's escapes.
pub fn quoted(text: &str) -> String {
    between_quotes(text, true)
}

/// The same, with the markers of templates as they stand: for output that other programs read.
pub fn verbatim(text: &str) -> String {
    between_quotes(text, false)
}

fn between_quotes(text: &str, escape_templates: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if escape_templates && chars.peek() == Some(&'{') => out.extend([c, c]),
            c if is_control(c) || is_invisible(c) => push_escape(&mut out, c),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Characters that take no room: joiners, spaces without width, marks of order and of bytes.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// The name itself where the language takes it bare, otherwise between quotes.
pub fn name(text: &str) -> Cow<'_, str> {
    let starts_well = text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    match starts_well && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
        true => Cow::Borrowed(text),
        false => Cow::Owned(quoted(text)),
    }
}

/// The text without anything that a terminal would act on. Line breaks and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_control(c) && c != '\n' && c != '\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' if chars.peek() == Some(&'\n') => (),
            c if is_control(c) => push_escape(&mut out, c),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Control characters, and those that turn the direction of the text around and so show what is not there.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

fn push_escape(out: &mut String, c: char) {
    out.push_str(&format!("\\u{:04x}", u32::from(c)));
}

/// Columns that the text takes on a terminal.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

pub fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// The paragraphs of a text as lines of at most `width` columns. Lines that begin with white space are kept as
/// they are, because they are code or lists; words longer than the page stand alone.
pub fn wrap(text: &str, width_limit: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in printable(text.trim_end()).lines() {
        if paragraph.starts_with([' ', '\t']) {
            lines.push(paragraph.to_string());
            continue;
        }
        let mut line = String::new();
        let mut columns = 0;
        for word in paragraph.split_whitespace() {
            let w = width(word);
            if columns > 0 && columns + 1 + w > width_limit {
                lines.push(std::mem::take(&mut line));
                columns = 0;
            }
            if columns > 0 {
                line.push(' ');
                columns += 1;
            }
            line.push_str(word);
            columns += w;
        }
        lines.push(line);
    }
    lines
}

/// `1 object`, `3 objects`.
pub fn counted(n: usize, one: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_escape_templates_and_control_sequences() {
        assert_eq!(quoted("a\"b\\c\n${x} $5 %{y}\u{1b}[31m"), r#""a\"b\\c\n$${x} $5 %%{y}\u001b[31m""#);
        assert_eq!(verbatim("${x}\u{200d}"), r#""${x}\u200d""#);
        assert_eq!(name("ok-name"), "ok-name");
        assert_eq!(name("1x"), "\"1x\"");
        assert_eq!(printable("a\u{1b}[2Jb\r\nc\td"), "a\\u001b[2Jb\nc\td");
        assert_eq!(printable("a\u{202e}b"), "a\\u202eb");
    }

    #[test]
    fn wrapping_keeps_code_and_counts_columns() {
        assert_eq!(
            wrap("one two three\n  code stays as it is\nfour", 8),
            ["one two", "three", "  code stays as it is", "four"]
        );
        assert_eq!(wrap("日本語 日本語", 8), ["日本語", "日本語"]);
        assert_eq!(wrap("extraordinarily long", 4), ["extraordinarily", "long"]);
    }
}
