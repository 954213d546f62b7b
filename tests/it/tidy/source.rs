//! A Rust source file, reduced to what the rules of order look at: its code without comments, strings and tests.

use std::fs;
use std::path::{Path, PathBuf};

/// One file under `src/`.
pub struct Source {
    /// Path from the root of the repository, with forward slashes: `src/plan/diff.rs`.
    pub path: String,
    /// The text as it stands.
    pub text: String,
    /// The text with comments and the insides of strings and characters blanked; lines and columns stay.
    pub code: String,
    /// As `code`, without what is only compiled for tests.
    pub production: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let code = mask(text);
        let production = without_tests(&code);
        Source { path: path.to_owned(), text: text.to_owned(), code, production }
    }

    /// The module that the file is: `src/plan/diff.rs` is `["plan", "diff"]`, the crate's root is empty.
    pub fn module(&self) -> Vec<&str> {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<&str> = inside.split('/').collect();
        if matches!(module.last(), Some(&("mod" | "lib" | "main"))) {
            module.pop();
        }
        module
    }

    /// The first folder under `src/`; empty for the crate's root.
    pub fn room(&self) -> &str {
        self.module().first().copied().unwrap_or_default()
    }

    /// Where a module that this file declares may stand.
    pub fn files_of(&self, name: &str) -> [String; 2] {
        let folder = match self.module().join("/") {
            root if root.is_empty() => "src".to_owned(),
            module => format!("src/{module}"),
        };
        [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")]
    }

    /// The files that this one declares for tests alone.
    fn test_files(&self) -> Vec<String> {
        let shipped: Vec<&str> = declared_modules(&self.production).collect();
        let tested = declared_modules(&self.code).filter(|name| !shipped.contains(name));
        tested.flat_map(|name| self.files_of(name)).collect()
    }

    /// How many lines a reader has before him: the file up to its tests.
    pub fn lines_to_read(&self) -> usize {
        self.production.trim_end().lines().count()
    }
}

/// All `.rs` files under a folder of the repository, in the order of their paths.
pub fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join(folder), &mut paths);
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.strip_prefix(root).expect("the path was found below the root").to_string_lossy();
            let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
            Source::new(&name.replace('\\', "/"), &text)
        })
        .collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Takes what is compiled for tests alone out of the tree: files that are declared under `#[cfg(test)]`.
pub fn split_tests(tree: Vec<Source>) -> (Vec<Source>, Vec<Source>) {
    let names: Vec<String> = tree.iter().flat_map(Source::test_files).collect();
    tree.into_iter().partition(|source| !names.contains(&source.path))
}

/// The names of `mod name;` lines.
pub fn declared_modules(code: &str) -> impl Iterator<Item = &str> {
    code.split(';').filter_map(|item| {
        let mut words = item.split_whitespace().rev();
        let (name, keyword) = (words.next()?, words.next()?);
        (keyword == "mod").then_some(name)
    })
}

/// Blanks comments and the insides of literals, and keeps every line end.
fn mask(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match literal_or_comment(&chars, at) {
            Some((end, quotes)) => {
                for (place, &c) in chars[at..end].iter().enumerate() {
                    let edge = place == 0 || place + 1 == end - at;
                    masked.push(if c == '\n' || (edge && quotes) { c } else { ' ' });
                }
                end
            }
            None => {
                masked.push(chars[at]);
                at + 1
            }
        };
        at = end;
    }
    masked
}

/// Where the comment or literal that begins at `at` ends, and whether its first and last characters are to be kept.
fn literal_or_comment(chars: &[char], at: usize) -> Option<(usize, bool)> {
    let ahead = |offset: usize| chars.get(at + offset).copied();
    match chars[at] {
        '/' if ahead(1) == Some('/') => {
            let end = chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length);
            Some((end, false))
        }
        '/' if ahead(1) == Some('*') => Some((block_comment_end(chars, at), false)),
        '"' => Some((string_end(chars, at), true)),
        '#' if at > 0 && chars[at - 1] == 'r' => raw_string_end(chars, at).map(|end| (end, false)),
        '\'' if ahead(1) == Some('\\') => {
            let close = chars[at + 3..].iter().position(|c| *c == '\'').map_or(chars.len(), |length| at + 4 + length);
            Some((close, true))
        }
        '\'' if ahead(2) == Some('\'') => Some((at + 3, true)),
        _ => None,
    }
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => (at, depth) = (at + 2, depth + 1),
            ('*', '/') => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], start: usize) -> usize {
    // `r"…"` knows no escapes.
    let raw = start > 0 && chars[start - 1] == 'r' && !(start > 1 && chars[start - 2].is_alphanumeric());
    let mut at = start + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' if !raw => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// The end of `r#"…"#`, whose first `#` is at `start`; none for a raw identifier such as `r#type`.
fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars[start..].iter().take_while(|c| **c == '#').count();
    if chars.get(start + hashes) != Some(&'"') {
        return None;
    }
    let mut at = start + hashes + 1;
    while at < chars.len() {
        let closing = chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        if closing {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(chars.len())
}

/// Blanks each item that stands under `#[cfg(test)]`, in code that is masked already.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut left = code.to_owned();
    while let Some(start) = left.find(MARK) {
        let end = start + item_end(&left[start..]);
        let blank: String = left[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        left.replace_range(start..end, &blank);
    }
    left
}

/// The length of the item that `code` begins with: to its semicolon, or to the end of its braces.
fn item_end(code: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in code.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

#[test]
fn masking_leaves_only_code() {
    let text = "let a = \"x.unwrap() // no\"; // b.unwrap()\nlet c = '\\''; let d: &'static str = r#\"todo!() \"inner\" \"#;\n\
                /* outer /* dbg!() */ still */ let e = '\"'; f(\"\\\"\"); let r#type = 'x';\n";
    let masked = mask(text);
    assert_eq!(masked.lines().count(), 3);
    assert!(!masked.contains("unwrap") && !masked.contains("todo") && !masked.contains("dbg"), "{masked}");
    for kept in ["let a = \"", "&'static str", "let e = '", "f(\"", "let r#type = '"] {
        assert!(masked.contains(kept), "{kept} in {masked}");
    }
}

#[test]
fn production_code_is_what_is_not_for_tests() {
    let source =
        Source::new("src/plan/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { c.unwrap() }\n}\nfn d() {}\n");
    assert!(source.production.contains("fn a") && source.production.contains("fn d"));
    assert!(!source.production.contains("unwrap"));
    assert_eq!(source.module(), ["plan", "a"]);

    let parent = Source::new("src/plan/mod.rs", "mod a;\n#[cfg(test)]\nmod tests;\n");
    let tests = Source::new("src/plan/tests.rs", "fn t() { a.unwrap() }\n");
    let (shipped, tested) = split_tests(vec![parent, source, tests]);
    let paths = |sources: &[Source]| sources.iter().map(|source| source.path.clone()).collect::<Vec<_>>();
    assert_eq!(
        (paths(&shipped), paths(&tested)),
        (vec!["src/plan/mod.rs".to_owned(), "src/plan/a.rs".to_owned()], vec!["src/plan/tests.rs".to_owned()],)
    );
}
