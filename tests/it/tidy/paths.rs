//! The paths into the crate that a file names: `use crate::a::{b, c::d}`, `crate::a::b()`, `super::super::a`.

use super::source::Source;

/// A path from the crate's root, and the line (from 1) that names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub line: usize,
    pub segments: Vec<String>,
}

/// Every path from the crate's root that the file's production code names.
pub fn crate_paths(source: &Source) -> Vec<Named> {
    let code = source.production.as_str();
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let begins_a_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if begins_a_word {
            push_tree(code, at + "crate::".len(), &mut named);
        }
    }
    let depth = source.module().len();
    let climb = "super::".repeat(depth);
    if depth > 0 {
        for (at, _) in code.match_indices(&climb) {
            let before_is_path = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            let climbs_on = code[at + climb.len()..].starts_with("super::");
            if !before_is_path && !climbs_on {
                push_tree(code, at + climb.len(), &mut named);
            }
        }
    }
    named
}

/// Reads the path or group of paths that begins at `start`.
fn push_tree(code: &str, start: usize, named: &mut Vec<Named>) {
    let line = code[..start].matches('\n').count() + 1;
    let mut trees = Vec::new();
    read(&code[start..], &mut Vec::new(), &mut trees);
    named.extend(trees.into_iter().map(|segments| Named { line, segments }));
}

/// Reads one tree and gives the length that it takes.
fn read(code: &str, prefix: &mut Vec<String>, trees: &mut Vec<Vec<String>>) -> usize {
    let start = code.len() - code.trim_start().len();
    let rest = &code[start..];
    if let Some(group) = rest.strip_prefix('{') {
        return start + 1 + read_group(group, prefix, trees);
    }
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let after = start + word.len();
    if word.is_empty() {
        return after;
    }
    prefix.push(word);
    let length = match code[after..].strip_prefix("::") {
        Some(tail) if tail.trim_start().starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '{') => {
            after + 2 + read(tail, prefix, trees)
        }
        _ => {
            trees.push(prefix.clone());
            after
        }
    };
    prefix.pop();
    length
}

fn read_group(code: &str, prefix: &mut Vec<String>, trees: &mut Vec<Vec<String>>) -> usize {
    let mut at = 0;
    while at < code.len() {
        at += read(&code[at..], prefix, trees);
        // What stands between two trees: `as name`, `*`, a comma, white space.
        let Some(next) = code[at..].find([',', '}']) else { return code.len() };
        at += next + 1;
        if code[..at].ends_with('}') {
            return at;
        }
    }
    at
}

#[test]
fn groups_and_climbs_are_followed() {
    let text = "use crate::{model::{Address, value::Value as V}, plan};\nfn f() { crate::render::human::line() }\n\
                use super::super::state::Row;\nuse super::sibling;\npub(crate) struct A;\nuse super::*;\n";
    let paths = crate_paths(&Source::new("src/graph/order.rs", text));
    let spelled: Vec<String> =
        paths.iter().map(|named| format!("{} {}", named.line, named.segments.join("::"))).collect();
    assert_eq!(
        spelled,
        ["1 model::Address", "1 model::value::Value", "1 plan", "2 render::human::line", "3 state::Row"]
    );
}
