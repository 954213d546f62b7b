//! Loading configurations: what is told about what is wrong, and that spellings mean the same.

use std::path::Path;

use terrane::model::{Diagnostics, Str};
use terrane::ops::providers::Providers;
use terrane::render::diagnostic::diagnostics_text;
use terrane::render::style::Style;
use terrane::spec::{self, Options, Spec};

fn providers() -> (tokio::runtime::Runtime, Providers) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let providers = Providers::new(runtime.handle().clone(), None);
    (runtime, providers)
}

pub fn load(folder: &str) -> (Spec, Diagnostics) {
    let (_runtime, providers) = providers();
    spec::load(Path::new(folder), &providers, &Options::default())
}

/// The diagnostics of a fixture folder, as people read them.
fn told(fixture: &str) -> String {
    let (spec, diagnostics) = load(&format!("tests/fixtures/spec/{fixture}"));
    diagnostics_text(&diagnostics, &spec.sources, Style::plain(100))
}

macro_rules! tells {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(told(stringify!($name)));
        })*
    };
}

tells!(names, meta, modules, yaml_names, yaml_errors, yaml_syntax, json, syntax);

#[test]
fn override_files_change_what_others_declare() {
    let (spec, diagnostics) = load("tests/fixtures/spec/override");
    let told = diagnostics_text(&diagnostics, &spec.sources, Style::plain(100));
    insta::assert_snapshot!(format!("{told}\n{}", spec::fingerprint::fingerprint(&spec)));
}

#[test]
fn yaml_and_hcl_mean_the_same() {
    let mut pairs = vec![("tests/fixtures/spec/twins/hcl", "tests/fixtures/spec/twins/yaml")];
    if cfg!(feature = "aws") {
        pairs.push(("examples/three-tier-hcl", "examples/three-tier"));
    }
    for (one, other) in pairs {
        let prints = [one, other].map(|folder| {
            let (spec, diagnostics) = load(folder);
            let told = diagnostics_text(&diagnostics, &spec.sources, Style::plain(100));
            assert_eq!(told, "", "{folder}");
            spec::fingerprint::fingerprint(&spec)
        });
        same_text(&prints[0], &prints[1], one);
    }
}

/// Shows the first line that differs: fingerprints are long.
pub fn same_text(one: &str, other: &str, what: &str) {
    for (a, b) in one.lines().zip(other.lines()) {
        assert_eq!(a, b, "{what}");
    }
    assert_eq!(one.lines().count(), other.lines().count(), "{what}");
}

#[test]
fn a_bundle_loads_as_the_folder_did() {
    let folder = "tests/fixtures/spec/twins/hcl";
    let (spec, _) = load(folder);
    let files: Vec<(String, Str)> = spec::bundle(&spec);
    assert_eq!(files.len(), 2);
    let (_runtime, providers) = providers();
    let (again, diagnostics) = spec::load_bundle(files, folder, &providers, &Options::default());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(spec::fingerprint::fingerprint(&spec), spec::fingerprint::fingerprint(&again));
}

#[test]
fn hostile_sources_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, bytes: &[u8], expected: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let (spec, diagnostics) = load(&folder.path().to_string_lossy());
        let told = diagnostics_text(&diagnostics, &spec.sources, Style::plain(100));
        assert!(told.contains(expected), "{name}: expected {expected:?} in\n{}", &told[..told.len().min(2000)]);
        std::fs::remove_file(path).unwrap();
    };
    let nested = |open: &str, close: &str| {
        let mut text = String::from("locals {\n  a = ");
        text.push_str(&open.repeat(20_000));
        text.push('1');
        text.push_str(&close.repeat(20_000));
        text.push_str("\n}\n");
        text.into_bytes()
    };
    check("a.tf", b"locals {\n  a = \"\xff\"\n}\n", "a.tf:2:8");
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{a=", "}"),
        ("!", ""),
        ("-", ""),
        ("\"${", "}\""),
        ("1+", ""),
        ("true?1:", ""),
        ("f(", ")"),
    ] {
        check("a.tf", &nested(open, close), "Error: ");
    }
    check("a.tf", "a {\n".repeat(20_000).as_bytes(), "Error: ");
    check("a.tf.json", "[".repeat(100_000).as_bytes(), "deeper than 128 levels");
    check("stack.yaml", "[".repeat(100_000).as_bytes(), "Error: ");
    check("stack.yaml", "- ".repeat(100_000).as_bytes(), "deeper than 128 levels");
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_string()
        + &('b'..='k')
            .map(|c| {
                let p = (c as u8 - 1) as char;
                format!("{c}: &{c} [*{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}]\n")
            })
            .collect::<String>();
    check("stack.yaml", bomb.as_bytes(), "aliases expand too far");
    check("stack.yaml", b"a: &a [*a]\n", "an alias inside the node that it stands for");
    check("stack.yaml", b"a: 1\n---\nb: 2\n", "more than one document");
    check("stack.yaml", b"- a\n- b\n", "a mapping was expected");
    check("stack.yaml", b"variable:\n  a: {}\n  b: {}\n  a: {}\n", "key \"a\" is written twice");
    check("notes.txt", b"", "no configuration files in");
}
