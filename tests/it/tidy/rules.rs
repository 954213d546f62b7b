//! The rules of order, one function each.

use std::collections::HashSet;
use std::fmt;

use super::paths::crate_paths;
use super::source::{Source, declared_modules};

/// The rooms of `src/` and whom each may know; `src/lib.rs` tells why.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("lang", &["model"]),
    ("state", &["model"]),
    ("provider", &["model"]),
    ("spec", &["lang", "model"]),
    ("graph", &["spec", "lang", "model"]),
    ("plan", &["graph", "spec", "lang", "state", "model"]),
    ("apply", &["plan", "state", "provider", "model"]),
    ("providers", &["provider", "model"]),
    ("provisioners", &["provider", "model"]),
    ("backends", &["state", "model"]),
    ("discover", &["provider", "spec", "lang", "model"]),
    ("policy", &["plan", "lang", "model"]),
    ("cost", &["plan", "model"]),
    ("rollout", &["plan", "apply", "state", "model"]),
    ("render", &["plan", "model"]),
    (
        "ops",
        &[
            "apply",
            "backends",
            "cost",
            "discover",
            "graph",
            "lang",
            "model",
            "plan",
            "policy",
            "provider",
            "providers",
            "provisioners",
            "render",
            "rollout",
            "spec",
            "state",
        ],
    ),
    (
        "cli",
        &[
            "apply",
            "backends",
            "cost",
            "discover",
            "graph",
            "lang",
            "model",
            "ops",
            "plan",
            "policy",
            "provider",
            "providers",
            "render",
            "rollout",
            "spec",
            "state",
        ],
    ),
];

/// More lines than this are more than one sitting.
const LONGEST: usize = 600;

/// Marks a generated table, in the file's first lines: it may be as long as it is.
const GENERATED: &str = "@generated";

/// The word that begins the comment which proves that a panic can't happen.
const PROOF: &str = "// proof:";

/// Something out of order.
#[derive(Debug)]
pub struct Violation {
    path: String,
    line: usize,
    what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// What is out of order in one file under `src/`.
pub fn of_a_source(source: &Source) -> Vec<Violation> {
    let rules = [subject, length, arrows, panics, unfinished, outside_world, purity];
    rules.iter().flat_map(|rule| rule(source)).collect()
}

/// What is out of order in one file under `tests/` or `benches/`.
pub fn of_a_test(source: &Source) -> Vec<Violation> {
    let rules = [subject, length, unfinished];
    rules.iter().flat_map(|rule| rule(source)).collect()
}

/// Files that no chain of `mod` lines reaches from `lib.rs` or `main.rs`: they are never compiled.
pub fn unregistered(tree: &[Source]) -> Vec<Violation> {
    let mut reached: HashSet<&str> = HashSet::from(["src/lib.rs", "src/main.rs"]);
    let mut open: Vec<&Source> = tree.iter().filter(|source| reached.contains(source.path.as_str())).collect();
    while let Some(source) = open.pop() {
        for name in declared_modules(&source.code) {
            let candidates = source.files_of(name);
            if let Some(child) = tree.iter().find(|source| candidates.contains(&source.path))
                && reached.insert(&child.path)
            {
                open.push(child);
            }
        }
    }
    let lost = tree.iter().filter(|source| !reached.contains(source.path.as_str()));
    lost.map(|source| violation(source, 1, "no `mod` line declares this file")).collect()
}

fn subject(source: &Source) -> Vec<Violation> {
    if source.text.starts_with("//!") || source.text.starts_with("// @generated") {
        return Vec::new();
    }
    vec![violation(source, 1, "no `//!` line tells the file's subject")]
}

fn length(source: &Source) -> Vec<Violation> {
    let lines = source.lines_to_read();
    let generated = source.text.lines().take(3).any(|line| line.starts_with("//") && line.contains(GENERATED));
    if lines <= LONGEST || generated {
        return Vec::new();
    }
    vec![violation(source, 1, &format!("{lines} lines to read, more than {LONGEST}: split it by meaning"))]
}

fn arrows(source: &Source) -> Vec<Violation> {
    let room = source.room();
    if room.is_empty() {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
        return vec![violation(source, 1, &format!("`{room}` is no room of the map in src/lib.rs"))];
    };
    let mut found = Vec::new();
    for named in crate_paths(source) {
        let target = named.segments[0].as_str();
        let is_room = ARROWS.iter().any(|(name, _)| *name == target);
        if is_room && target != room && !allowed.contains(&target) {
            let what = match allowed {
                [] => format!("`{room}` must not know `{target}`; it may know no other room"),
                allowed => format!("`{room}` must not know `{target}`; it may know {}", allowed.join(", ")),
            };
            found.push(violation(source, named.line, &what));
        }
        if let Some(other) = another_provider(source, &named.segments) {
            found.push(violation(source, named.line, &format!("a provider must not know another (`{other}`)")));
        }
    }
    found.dedup_by(|a, b| (a.line, &a.what) == (b.line, &b.what));
    found
}

/// The other provider that a provider's file names, if it does.
fn another_provider<'n>(source: &Source, segments: &'n [String]) -> Option<&'n str> {
    let module = source.module();
    let own = *module.get(1)?;
    let named = segments.get(1)?.as_str();
    let is_module = named.starts_with(|c: char| c.is_ascii_lowercase());
    (module[0] == "providers" && segments[0] == "providers" && is_module && named != own).then_some(named)
}

fn panics(source: &Source) -> Vec<Violation> {
    const WORDS: &[&str] =
        &[".unwrap()", ".expect(\"", ".expect(&format!", ".unwrap_err()", ".expect_err(\"", "panic!(", "unreachable!("];
    let text: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in source.production.lines().enumerate() {
        for word in WORDS.iter().filter(|word| line.contains(**word)) {
            if !proven(&text, at) {
                let word = word.trim_end_matches(['"', '(']);
                let what = format!("`{word}` may panic: handle it, or say why it can't in a `{PROOF}` comment");
                found.push(violation(source, at + 1, &what));
            }
        }
    }
    found
}

/// Whether a proof stands on the line, or in the comment above the statement that the line ends.
fn proven(text: &[&str], at: usize) -> bool {
    let mut line = at;
    if text[line].contains(PROOF) {
        return true;
    }
    while line > 0 && text[line].trim_start().starts_with('.') {
        line -= 1;
    }
    let above = text[..line].iter().rev().take_while(|line| line.trim_start().starts_with("//"));
    above.into_iter().any(|line| line.contains(PROOF))
}

fn unfinished(source: &Source) -> Vec<Violation> {
    words(source, &source.code, &["todo!", "unimplemented!", "dbg!"], "is unfinished work")
}

/// Only `cli` prints, reads the environment, and exits.
fn outside_world(source: &Source) -> Vec<Violation> {
    const WORDS: &[&str] =
        &["println!", "eprintln!", "print!", "eprint!", "process::exit", "std::env", "io::stdout", "io::stderr"];
    if source.room() == "cli" || source.path == "src/main.rs" {
        return Vec::new();
    }
    words(source, &spelled_out(&source.production), WORDS, "belongs to src/cli")
}

/// The planner knows no clock, no file system, no network, and does not wait.
fn purity(source: &Source) -> Vec<Violation> {
    const WORDS: &[&str] = &[
        "async",
        ".await",
        "std::fs",
        "std::net",
        "std::time",
        "std::thread",
        "SystemTime",
        "tokio::",
        "rand::",
        "Uuid::new_v4",
    ];
    if source.room() != "plan" {
        return Vec::new();
    }
    words(source, &spelled_out(&source.production), WORDS, "in src/plan, which is pure")
}

/// `use std::{env, fs}` with each path written out behind it, on the same line.
fn spelled_out(code: &str) -> String {
    let mut lines: Vec<String> = code.lines().map(str::to_owned).collect();
    for (at, _) in code.match_indices("std::{") {
        let inside = &code[at + "std::{".len()..];
        let end = inside.find("};").unwrap_or(inside.len());
        let line = code[..at].matches('\n').count();
        for name in inside[..end].split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|name| !name.is_empty()) {
            lines[line].push_str(&format!(" std::{name}"));
        }
    }
    lines.join("\n")
}

/// Each whole-word occurrence of `wanted`.
fn words(source: &Source, code: &str, wanted: &[&str], why: &str) -> Vec<Violation> {
    let in_a_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, line) in code.lines().enumerate() {
        for word in wanted {
            let stands = line.match_indices(word).any(|(start, _)| {
                let before = !(word.starts_with(in_a_word) && line[..start].ends_with(in_a_word));
                let after = !(word.ends_with(in_a_word) && line[start + word.len()..].starts_with(in_a_word));
                before && after
            });
            if stands {
                found.push(violation(source, at + 1, &format!("`{word}` {why}")));
            }
        }
    }
    found
}

fn violation(source: &Source, line: usize, what: &str) -> Violation {
    Violation { path: source.path.clone(), line, what: what.to_owned() }
}
