//! Reads JSON into nodes, with positions. Strict JSON, except that a byte order mark may stand at the beginning.

use std::sync::Arc;

use super::node::{Entry, MAX_DEPTH, Node, NodeKind, Text, TextMode, has_template};
use crate::lang::text_map::TextMap;
use crate::model::{Diagnostic, Number, SourceId, Span, Str};

/// Parses one document. Keys may repeat; whoever reads the mapping decides what that means.
pub fn parse(source: SourceId, text: &str) -> Result<Node, Diagnostic> {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut parser = Parser { source, text, at: start, depth: 0 };
    parser.space();
    let node = parser.value()?;
    parser.space();
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err(parser.fail("the document has ended, but something follows")),
    }
}

struct Parser<'a> {
    source: SourceId,
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn span_from(&self, start: usize) -> Span {
        Span::new(self.source, start, self.at)
    }

    fn fail(&self, label: &str) -> Diagnostic {
        let width = self.rest().chars().next().map_or(0, char::len_utf8);
        let span = Span::new(self.source, self.at, self.at + width);
        Diagnostic::error("invalid JSON").at(span).label(label)
    }

    fn value(&mut self) -> Result<Node, Diagnostic> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => self.word()?,
            None => return Err(self.fail("a value was expected before the end of the file")),
        };
        Ok(Node { span: self.span_from(start), kind })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<NodeKind, Diagnostic>) -> Result<NodeKind, Diagnostic> {
        if self.depth >= MAX_DEPTH {
            return Err(self.fail(&format!("lists and objects nest deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        self.at += 1;
        let kind = read(self);
        self.depth -= 1;
        kind
    }

    fn object(&mut self) -> Result<NodeKind, Diagnostic> {
        let mut entries = Vec::new();
        self.space();
        if self.take(b'}') {
            return Ok(NodeKind::Map(entries));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.fail("a key between double quotes was expected"));
            }
            let start = self.at;
            let NodeKind::Text(key) = self.string()? else { return Err(self.fail("a key was expected")) };
            let key_span = self.span_from(start);
            self.space();
            if !self.take(b':') {
                return Err(self.fail("\":\" was expected after the key"));
            }
            self.space();
            entries.push(Entry { key: key.text, key_span, literal: false, value: Arc::new(self.value()?) });
            self.space();
            if self.take(b'}') {
                return Ok(NodeKind::Map(entries));
            }
            if !self.take(b',') {
                return Err(self.fail("\",\" or \"}\" was expected"));
            }
        }
    }

    fn array(&mut self) -> Result<NodeKind, Diagnostic> {
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(NodeKind::List(items));
        }
        loop {
            self.space();
            items.push(Arc::new(self.value()?));
            self.space();
            if self.take(b']') {
                return Ok(NodeKind::List(items));
            }
            if !self.take(b',') {
                return Err(self.fail("\",\" or \"]\" was expected"));
            }
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn string(&mut self) -> Result<NodeKind, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let body = self.at;
        let mut out = String::new();
        // Offsets in the text and in the source after each escape.
        let mut segments: Vec<(usize, usize)> = Vec::new();
        loop {
            let plain = self.rest().find(['"', '\\']).unwrap_or(self.rest().len());
            let run = self.rest().get(..plain).unwrap_or("");
            if let Some(bad) = run.find(|c: char| c < ' ') {
                self.at += bad;
                return Err(self.fail("a control character must be escaped in a string"));
            }
            out.push_str(run);
            self.at += plain;
            match self.peek() {
                Some(b'"') => break,
                Some(_) => {
                    let escape = self.at;
                    segments.push((out.len(), escape));
                    out.push(self.escape()?);
                    segments.push((out.len(), self.at));
                }
                None => {
                    let open = Span::new(self.source, start, start + 1);
                    return Err(Diagnostic::error("invalid JSON")
                        .at(open)
                        .label("the string that begins here does not end"));
                }
            }
        }
        self.at += 1;
        let mut map = TextMap::within(Span::new(self.source, body, self.at - 1));
        if has_template(&out) {
            segments.into_iter().for_each(|(text, source)| map.segment(text, source));
        }
        Ok(NodeKind::Text(Text { text: out.into(), map, mode: TextMode::Template }))
    }

    fn escape(&mut self) -> Result<char, Diagnostic> {
        let code = self.text.as_bytes().get(self.at + 1).copied();
        let simple = match code {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.fail("this escape is not known in JSON")),
        };
        self.at += 2;
        Ok(simple)
    }

    fn unicode_escape(&mut self) -> Result<char, Diagnostic> {
        let Some(first) = self.hex4(self.at) else { return Err(self.fail("four hex digits belong after \"\\u\"")) };
        if let Some(c) = char::from_u32(first) {
            self.at += 6;
            return Ok(c);
        }
        // Half of a pair: the other half must follow.
        let second = self.hex4(self.at + 6);
        let pair = second.filter(|low| (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(low));
        let joined = pair.and_then(|low| char::from_u32(0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00)));
        match joined {
            Some(c) => {
                self.at += 12;
                Ok(c)
            }
            None => Err(self.fail("half of a surrogate pair")),
        }
    }

    /// The number of a `\uXXXX` that begins at an offset.
    fn hex4(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
        let all_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        all_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    }

    fn number(&mut self) -> Result<NodeKind, Diagnostic> {
        let len = self.rest().find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
        let digits: Str = self.rest().get(..len.unwrap_or(self.rest().len())).unwrap_or("").into();
        let number = is_json_number(&digits).then(|| Number::parse(&digits)).flatten();
        match number {
            Some(number) => {
                self.at += digits.len();
                Ok(NodeKind::Number(number))
            }
            None => Err(self.fail("this is not a number that JSON knows")),
        }
    }

    fn word(&mut self) -> Result<NodeKind, Diagnostic> {
        for (word, kind) in [("true", NodeKind::Bool(true)), ("false", NodeKind::Bool(false)), ("null", NodeKind::Null)]
        {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(kind);
            }
        }
        Err(self.fail("a value was expected"))
    }
}

fn is_json_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((m, e)) => (m, Some(e.strip_prefix(['+', '-']).unwrap_or(e))),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((w, f)) => (w, Some(f)),
        None => (mantissa, None),
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let whole_ok = digits(whole) && (whole == "0" || !whole.starts_with('0'));
    whole_ok && fraction.is_none_or(digits) && exponent.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> String {
        let error = parse(SourceId(0), text).unwrap_err();
        format!("{} at {}", error.label.unwrap_or_default(), error.span.unwrap().start)
    }

    #[test]
    fn strings_lead_back_to_their_place() {
        let node = parse(SourceId(0), r#"{"a": "x\n${var.b}\u00e9\ud83d\ude00"}"#).unwrap();
        let NodeKind::Text(text) = &node.entries().unwrap()[0].value.kind else { panic!() };
        assert_eq!(&*text.text, "x\n${var.b}é😀");
        assert_eq!(text.map.span(2, 10), Span::new(SourceId(0), 10, 18));
    }

    #[test]
    fn what_is_not_json_is_told_with_its_place() {
        assert_eq!(fails("{\"a\": }"), "a value was expected at 6");
        assert_eq!(fails("{\"a\": 1,}"), "a key between double quotes was expected at 8");
        assert_eq!(fails("[01]"), "this is not a number that JSON knows at 1");
        assert_eq!(fails("[\"a"), "the string that begins here does not end at 1");
        assert_eq!(fails("[1] x"), "the document has ended, but something follows at 4");
        assert!(fails(&"[".repeat(100_000)).starts_with("lists and objects nest deeper"));
    }
}
