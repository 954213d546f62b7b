//! JSON text as Terraform prints it, and compact as the state keeps it, without a change of order or of a digit.

use serde_json::Value as Json;

/// Two spaces a level; `<`, `>`, `&` and the Unicode line ends escaped, as Go's encoder does. Takes valid JSON.
pub(super) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0usize;
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, c));
        rest = after;
        match c {
            '{' | '[' => {
                out.push(c);
                let inside = rest.trim_start();
                if let Some(after) = inside.strip_prefix(['}', ']']) {
                    out.push(if c == '{' { '}' } else { ']' });
                    rest = after;
                } else {
                    depth += 1;
                    new_line(depth, &mut out);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(depth, &mut out);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(depth, &mut out);
            }
            ':' => out.push_str(": "),
            '"' => write_go_string(token, &mut out),
            c if c.is_ascii_whitespace() => (),
            _ => out.push_str(token),
        }
    }
    out
}

/// Without white space; strings escaped no more than needed. Takes valid JSON.
pub(super) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, c));
        rest = after;
        match c {
            '"' => match token.contains('\\').then(|| unescape(token)).flatten() {
                Some(text) => out.push_str(&Json::from(text).to_string()),
                None => out.push_str(token),
            },
            c if c.is_ascii_whitespace() => (),
            _ => out.push_str(token),
        }
    }
    out
}

/// The bytes of the token that begins the text: a whole string, a run of a number or a word, or one character.
fn token_length(text: &str, first: char) -> usize {
    match first {
        '"' => {
            let mut escaped = false;
            let end = text.bytes().skip(1).position(|b| {
                let ends = b == b'"' && !escaped;
                escaped = b == b'\\' && !escaped;
                ends
            });
            end.map_or(text.len(), |i| i + 2)
        }
        c if c.is_ascii_alphanumeric() || c == '-' => {
            let inside = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
            text.find(|c| !inside(c)).unwrap_or(text.len())
        }
        c => c.len_utf8(),
    }
}

/// Nothing where an escape stands for no character, such as half of a surrogate pair.
fn unescape(token: &str) -> Option<String> {
    serde_json::from_str(token).ok()
}

fn new_line(depth: usize, out: &mut String) {
    out.push('\n');
    (0..depth).for_each(|_| out.push_str("  "));
}

fn write_go_string(token: &str, out: &mut String) {
    // Most strings need nothing.
    if !token.contains(['\\', '<', '>', '&', '\u{2028}', '\u{2029}']) {
        return out.push_str(token);
    }
    let Some(text) = unescape(token) else { return out.push_str(token) };
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_laid_out_as_go_does() {
        let json = r#" {"b":[1.50,{ },[ ],"x<\"é\u2028"],"a":{"n":-1e+9}} "#;
        let pretty = pretty(json);
        assert_eq!(
            pretty,
            "{\n  \"b\": [\n    1.50,\n    {},\n    [],\n    \"x\\u003c\\\"é\\u2028\"\n  ],\n  \"a\": {\n    \"n\": -1e+9\n  }\n}"
        );
        assert_eq!(compact(&pretty), "{\"b\":[1.50,{},[],\"x<\\\"é\u{2028}\"],\"a\":{\"n\":-1e+9}}");
    }
}
