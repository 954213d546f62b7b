//! Regular expressions in RE2 syntax, and replacement.
//!
//! The `regex` crate has the same power and matching rules as RE2, but reads some things differently: `\d`, `\w`,
//! `\s` and `\b` mean Unicode there, brackets nest, and a lone brace is an error. [`translate`] rewrites a pattern
//! so that it means the same.

use regex::{Captures, Regex, RegexBuilder};

use super::call::fits;
use super::{Call, CallError, Function, Kind, Returns, param, plain};
use crate::model::{Str, Type, Value};

type Answer = Result<Value, CallError>;

/// RE2 refuses larger repeat counts.
const MAX_REPEAT: u32 = 1000;

pub static FUNCTIONS: &[Function] = &[
    regex_function(
        "regex",
        "What a pattern matches first: the text, a list of its groups, or an object of its named groups.",
        |call| match pattern_of(call) {
            Ok(pattern) => Ok(Value::unknown(pattern.result_type())),
            Err(_) if call.arg(0)?.is_unknown() => Ok(Value::unknown(Type::Dynamic)),
            Err(e) => Err(e),
        },
        regex,
    ),
    regex_function(
        "regexall",
        "All matches of a pattern, in the form in which `regex` gives the first.",
        |call| match pattern_of(call) {
            Ok(pattern) => Ok(super::call::not_null(Type::list(pattern.result_type()))),
            Err(_) if call.arg(0)?.is_unknown() => Ok(Value::unknown(Kind::AnyList.ty())),
            Err(e) => Err(e),
        },
        regexall,
    ),
    plain(
        "replace",
        "The string with each occurrence of a part replaced.",
        &[
            param("str", Kind::String, "The string."),
            param("substr", Kind::String, "The part; a pattern where it stands between slashes."),
            param("replace", Kind::String, "What stands there instead; `$1` or `${name}` is a group of the pattern."),
        ],
        Kind::String,
        replace,
    ),
];

const PATTERN: &[super::Param] =
    &[param("pattern", Kind::String, "The pattern."), param("string", Kind::String, "The text to search.")];

const fn regex_function(
    name: &'static str,
    doc: &'static str,
    unknown: fn(&Call<'_>) -> Answer,
    body: fn(&Call<'_>) -> Answer,
) -> Function {
    let mut function = plain(name, doc, PATTERN, Kind::Any, body);
    function.returns = Returns::Depends(Kind::Any, unknown);
    function
}

/// A compiled pattern and the names of its groups, in order; nothing for a group without a name.
struct Pattern {
    regex: Regex,
    names: Vec<Option<String>>,
}

fn pattern_of(call: &Call<'_>) -> Result<Pattern, CallError> {
    let pattern = compile(call.str(0)?, 0)?;
    let named = pattern.names.iter().filter(|n| n.is_some()).count();
    if named != 0 && named != pattern.names.len() {
        return Err(CallError::at(
            0,
            "a pattern cannot have both named and unnamed groups; write (?:…) for the latter",
        ));
    }
    Ok(pattern)
}

fn compile(text: &str, argument: usize) -> Result<Pattern, CallError> {
    let wrong = |e: String| CallError::at(argument, format!("\"{text}\" is no pattern: {e}"));
    let (translated, names) = translate(text).map_err(wrong)?;
    let regex = RegexBuilder::new(&translated).octal(true).build().map_err(|e| wrong(short(&e)))?;
    Ok(Pattern { regex, names })
}

/// The last line of the crate's message is the reason.
fn short(error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim();
    reason.strip_prefix("error: ").unwrap_or(reason).to_string()
}

impl Pattern {
    fn result_type(&self) -> Type {
        let Some(first) = self.names.first() else { return Type::String };
        if first.is_none() {
            return Type::tuple(vec![Type::String; self.names.len()]);
        }
        Type::object(self.names.iter().flatten().map(|n| (n.as_str(), Type::String)))
    }

    fn result(&self, found: &Captures<'_>) -> Value {
        let group = |i: usize| found.get(i).map_or(Value::Null(Type::String), |m| m.as_str().into());
        match self.names.first() {
            None => group(0),
            Some(None) => Value::tuple((1..=self.names.len()).map(group).collect()),
            Some(Some(_)) => {
                let named = self.names.iter().enumerate();
                Value::object(named.filter_map(|(i, n)| Some((Str::from(n.as_deref()?), group(i + 1)))))
            }
        }
    }
}

fn regex(call: &Call<'_>) -> Answer {
    let pattern = pattern_of(call)?;
    let found = pattern.regex.captures(call.str(1)?);
    let found = found.ok_or_else(|| CallError::at(1, "the pattern matches no part of the string"))?;
    Ok(pattern.result(&found))
}

fn regexall(call: &Call<'_>) -> Answer {
    let pattern = pattern_of(call)?;
    let mut found = Vec::new();
    for captures in pattern.regex.captures_iter(call.str(1)?) {
        found.push(pattern.result(&captures));
        fits(found.len() as u64, 0)?;
    }
    Ok(Value::list(pattern.result_type(), found))
}

fn replace(call: &Call<'_>) -> Answer {
    let (text, part, by) = (call.str(0)?, call.str(1)?, call.str(2)?);
    let inner = part.strip_prefix('/').and_then(|p| p.strip_suffix('/'));
    let Some(inner) = inner else {
        let count = text.matches(&**part).count() as u64;
        fits(1, (text.len() as u64).saturating_add(count.saturating_mul(by.len() as u64)))?;
        return Ok(text.replace(&**part, by).into());
    };
    let pattern = compile(inner, 1)?;
    let (mut replaced, mut behind) = (String::new(), 0);
    for found in pattern.regex.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        replaced.push_str(&text[behind..whole.start()]);
        replaced.push_str(&expand(by, &pattern, &found));
        fits(1, replaced.len() as u64)?;
        behind = whole.end();
    }
    replaced.push_str(&text[behind..]);
    Ok(replaced.into())
}

/// Fills the groups into a replacement: `$name` takes as many letters, digits and underscores as there are,
/// `${name}` has a clear end, `$$` is a dollar sign. Groups that do not exist are empty.
fn expand(template: &str, pattern: &Pattern, found: &Captures<'_>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let word = |s: &str| s.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(s.len());
        let (name, after) = match rest.strip_prefix('{') {
            Some(inner) => {
                let end = word(inner);
                (&inner[..end], inner[end..].strip_prefix('}'))
            }
            None => (&rest[..word(rest)], Some(&rest[word(rest)..])),
        };
        let Some(after) = after.filter(|_| !name.is_empty()) else {
            out.push('$');
            continue;
        };
        out.push_str(group(name, pattern, found).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

fn group<'t>(name: &str, pattern: &Pattern, found: &Captures<'t>) -> Option<&'t str> {
    let index = match name.parse::<usize>() {
        Ok(index) => index,
        Err(_) => pattern.names.iter().position(|n| n.as_deref() == Some(name))? + 1,
    };
    found.get(index).map(|m| m.as_str())
}

type Translated = Result<(String, Vec<Option<String>>), String>;

/// A pattern of RE2 as the `regex` crate reads it, and the names of its groups.
fn translate(pattern: &str) -> Translated {
    let mut translation =
        Translation { chars: pattern.chars().collect(), at: 0, out: String::new(), names: Vec::new(), repeated: false };
    while let Some(c) = translation.next() {
        translation.step(c)?;
    }
    Ok((translation.out, translation.names))
}

struct Translation {
    chars: Vec<char>,
    at: usize,
    out: String,
    names: Vec<Option<String>>,
    /// Whether a repetition has just ended: another one behind it is an error.
    repeated: bool,
}

impl Translation {
    fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        Some(c)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
    }

    fn step(&mut self, c: char) -> Result<(), String> {
        let was_repeated = std::mem::take(&mut self.repeated);
        match c {
            '\\' => self.escape(false),
            '[' => self.class(),
            '(' => self.group(),
            '*' | '+' | '?' => self.repetition(c.to_string(), was_repeated),
            '{' => match self.counted() {
                Some(text) => {
                    let text = text?;
                    self.repetition(text, was_repeated)
                }
                None => {
                    self.out.push_str("\\{");
                    Ok(())
                }
            },
            '}' | ']' => {
                self.out.push('\\');
                self.out.push(c);
                Ok(())
            }
            c => {
                self.out.push(c);
                Ok(())
            }
        }
    }

    /// A repetition with its optional `?`.
    fn repetition(&mut self, mut text: String, again: bool) -> Result<(), String> {
        if again {
            return Err(format!("nested repetition \"{text}\""));
        }
        if self.peek(0) == Some('?') {
            self.at += 1;
            text.push('?');
        }
        self.out.push_str(&text);
        self.repeated = true;
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,3}` behind its brace; nothing where the brace stands for itself.
    fn counted(&mut self) -> Option<Result<String, String>> {
        let rest: String = self.chars[self.at..].iter().take_while(|c| **c != '}').collect();
        let (low, high) = match rest.split_once(',') {
            Some((low, high)) => (low, Some(high)),
            None => (&*rest, None),
        };
        let number = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_digit());
        let shaped = number(low) && high.is_none_or(|h| h.is_empty() || number(h));
        if !shaped || self.peek(rest.chars().count()) != Some('}') {
            return None;
        }
        let count = |s: &str| s.parse::<u32>().ok().filter(|n| *n <= MAX_REPEAT);
        let bad = Err(format!("the repeat count {{{rest}}} is not allowed, {MAX_REPEAT} is the most"));
        let Some(least) = count(low) else { return Some(bad) };
        if let Some(high) = high.filter(|h| !h.is_empty())
            && count(high).is_none_or(|most| most < least)
        {
            return Some(bad);
        }
        self.at += rest.chars().count() + 1;
        Some(Ok(format!("{{{rest}}}")))
    }

    fn group(&mut self) -> Result<(), String> {
        if self.peek(0) != Some('?') {
            self.names.push(None);
            self.out.push('(');
            return Ok(());
        }
        let lead = ["?P<", "?<"].into_iter().find(|lead| self.starts_with(lead));
        if let Some(lead) = lead.filter(|l| *l == "?P<" || !matches!(self.peek(2), Some('=' | '!'))) {
            self.at += lead.len();
            let name: String = self.chars[self.at..].iter().take_while(|c| **c != '>').collect();
            let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !word || self.peek(name.chars().count()) != Some('>') {
                return Err(format!("\"{name}\" is no name for a group"));
            }
            self.at += name.chars().count() + 1;
            self.names.push(Some(name));
            self.out.push('(');
            return Ok(());
        }
        self.at += 1;
        self.flags()
    }

    /// `(?i)` or `(?i:` behind its question mark.
    fn flags(&mut self) -> Result<(), String> {
        self.out.push_str("(?");
        while let Some(c) = self.next() {
            match c {
                'i' | 'm' | 's' | 'U' | '-' => self.out.push(c),
                ':' | ')' => {
                    self.out.push(c);
                    return Ok(());
                }
                _ => break,
            }
        }
        Err("unsupported group syntax: there are no look-arounds, and the flags are i, m, s and U".to_string())
    }

    /// An escape behind its backslash, in a class or outside.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(c) = self.next() else { return Err("a backslash at the end".to_string()) };
        let set = |inner: &str, negated: bool| match (in_class, negated) {
            (true, false) => inner.to_string(),
            (_, false) => format!("[{inner}]"),
            (_, true) => format!("[^{inner}]"),
        };
        let text = match c {
            'd' | 'D' => set("0-9", c == 'D'),
            'w' | 'W' => set("0-9A-Za-z_", c == 'W'),
            's' | 'S' => set("\\t\\n\\x0c\\r ", c == 'S'),
            'b' if !in_class => "(?-u:\\b)".to_string(),
            'A' | 'z' | 'B' if !in_class => format!("\\{c}"),
            'Q' => return self.quoted(),
            'p' | 'P' | 'x' | 'a' | 'f' | 'n' | 'r' | 't' | 'v' | '0'..='7' => format!("\\{c}"),
            c if c.is_ascii_punctuation() => literal(c),
            c => return Err(format!("\\{c} is no escape sequence")),
        };
        self.out.push_str(&text);
        // `\p{Greek}` and `\x{41}` keep their braces.
        if matches!(c, 'p' | 'P' | 'x') && self.peek(0) == Some('{') {
            while let Some(c) = self.next() {
                self.out.push(c);
                if c == '}' {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Everything up to `\E` stands for itself.
    fn quoted(&mut self) -> Result<(), String> {
        while !self.starts_with("\\E") {
            let Some(c) = self.next() else { return Ok(()) };
            self.out.push_str(&literal(c));
        }
        self.at += 2;
        Ok(())
    }

    /// A class behind its bracket.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.peek(0) == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let Some(c) = self.next() else { return Err("a bracket is not closed".to_string()) };
            match c {
                ']' if !first => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' if self.peek(0) == Some(':') => match self.named_class() {
                    Some(name) => self.out.push_str(&name),
                    None => self.out.push_str("\\["),
                },
                '\\' => self.escape(true)?,
                '-' => self.dash(first)?,
                c => self.out.push_str(&literal(c)),
            }
            first = false;
        }
    }

    /// A dash is itself at the start and the end of a class, and makes a range between two single characters.
    fn dash(&mut self, first: bool) -> Result<(), String> {
        match self.peek(0) {
            _ if first => self.out.push_str("\\-"),
            Some(']') => self.out.push_str("\\-"),
            Some('\\') if matches!(self.peek(1), Some('d' | 'D' | 'w' | 'W' | 's' | 'S' | 'p' | 'P')) => {
                return Err("a range ends at a single character".to_string());
            }
            Some('\\') | None => self.out.push('-'),
            // The end of the range is a character, even where it is a dash or a bracket.
            Some(end) => {
                self.at += 1;
                self.out.push('-');
                self.out.push_str(&literal(end));
            }
        }
        Ok(())
    }

    /// `[:alpha:]` behind its first bracket.
    fn named_class(&mut self) -> Option<String> {
        let rest: String = self.chars[self.at..].iter().collect();
        let end = rest.find(":]")?;
        self.at += rest[..end].chars().count() + 2;
        Some(format!("[{}:]", &rest[..end]))
    }
}

/// A character that means itself, in a class and outside.
fn literal(c: char) -> String {
    regex::escape(c.encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn differences_from_the_crate_are_bridged() {
        for (re2, crate_syntax) in [
            ("\\d+", "[0-9]+"),
            ("[\\d-]", "[0-9\\-]"),
            ("[[a]]", "[\\[a]\\]"),
            ("a{,2}", "a\\{,2\\}"),
            ("(?P<x>a)", "(a)"),
            ("\\Qa.b\\E", "a\\.b"),
        ] {
            assert_eq!(translate(re2).unwrap().0, crate_syntax);
        }
        for wrong in ["a++", "a{1001}", "(?=a)", "\\h", "\\Z", "(?x)a", "(?P<a-b>x)", "["] {
            assert!(translate(wrong).is_err(), "{wrong}");
        }
    }
}
