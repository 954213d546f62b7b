//! Loading configurations: what is told about what is wrong, and that spellings mean the same.

use std::path::Path;

use terrane::model::{Diagnostics, Str};
use terrane::ops::providers::Providers;
use terrane::render::diagnostic::diagnostics_text;
use terrane::render::style::Style;
use terrane::spec::{self, Options, Spec};

use crate::support::cli::Stack;

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

tells!(names, meta, modules, rules, rules_yaml, yaml_names, yaml_errors, yaml_syntax, json, syntax, override_errors);

#[test]
fn override_files_change_what_others_declare() {
    let (spec, diagnostics) = load("tests/fixtures/spec/override");
    let told = diagnostics_text(&diagnostics, &spec.sources, Style::plain(100));
    insta::assert_snapshot!(format!("{told}\n{}", spec::fingerprint::fingerprint(&spec)));
}

#[test]
fn override_files_mean_the_same_in_all_spellings() {
    let print = |file: &str| {
        let stack = Stack::copy_of("tests/fixtures/spec/override_spellings");
        stack.write(file, &std::fs::read_to_string(format!("tests/fixtures/spec/override_files/{file}")).unwrap());
        let (spec, diagnostics) = load(&stack.dir().to_string_lossy());
        assert_eq!(diagnostics_text(&diagnostics, &spec.sources, Style::plain(100)), "", "{file}");
        spec::fingerprint::fingerprint(&spec)
    };
    let tf = print("override.tf");
    same_text(&tf, &print("override.stack.yaml"), "yaml");
    same_text(&tf, &print("override.tf.json"), "json");
    insta::assert_snapshot!(tf);
}

/// What a folder with these files says.
fn print_of(files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let (spec, diagnostics) = load(&folder.path().to_string_lossy());
    assert_eq!(diagnostics_text(&diagnostics, &spec.sources, Style::plain(100)), "", "{files:?}");
    spec::fingerprint::fingerprint(&spec)
}

#[test]
fn deep_long_and_large_expressions_are_read() {
    let deep = format!("{}1{}", "(".repeat(200), ")".repeat(200));
    let long = vec!["1"; 300].join(" + ");
    let choice = format!("{}7", (0..150).map(|n| format!("{n} > 500 ? {n} : ")).collect::<String>());
    let tf = format!(
        "locals {{\n a = {deep}\n b = {long}\n c = {choice}\n d = {{ a = 1, b = 2, a = 3 }}\n e = 1e400\n \
         f = <<EOT\nEOT more\nEOT)\n  EOT\n}}\n"
    );
    let yaml = format!(
        "locals:\n  a: !expr {deep}\n  b: ${{{long}}}\n  c: !expr '{choice}'\n  d: !expr '{{a = 1, b = 2, a = 3}}'\n  \
         e: 1e400\n  f: \"EOT more\\nEOT)\\n\"\n"
    );
    let zeros = "0".repeat(400);
    let plain = format!(
        "locals {{\n a = 1\n b = 300\n c = 7\n d = {{ a = 3, b = 2 }}\n e = 1{zeros}\n f = \"EOT more\\nEOT)\\n\"\n}}\n"
    );
    let plain = print_of(&[("main.tf", &plain)]);
    same_text(&print_of(&[("main.tf", &tf)]), &plain, "tf");
    same_text(&print_of(&[("stack.yaml", &yaml)]), &plain, "yaml");
}

#[test]
fn a_document_may_be_a_list_of_mappings() {
    let tf = "locals {\n a = 1\n}\noutput \"o\" {\n value = local.a\n}\nlocals {\n b = 2\n}\n";
    let json =
        "[{\"locals\": {\"a\": 1}}, {\"output\": {\"o\": {\"value\": \"${local.a}\"}}}, {\"locals\": {\"b\": 2}}]";
    let yaml = "- locals: {a: 1}\n  output: {o: {value: '${local.a}'}}\n- locals: {b: 2}\n";
    let tf = print_of(&[("main.tf", tf)]);
    same_text(&tf, &print_of(&[("main.tf.json", json)]), "json");
    same_text(&tf, &print_of(&[("stack.yaml", yaml)]), "yaml");
}

#[test]
fn keys_of_yaml_are_read_as_they_are_written() {
    let tf = "locals {\n a = { \"$${a}\" = 1, b = 2, \"<<\" = 3 }\n b = -1/0\n c = \"<<\"\n}\n";
    let yaml =
        "locals:\n  a: {!literal '${a}': 1, \"${'b'}\": 2, '<<': 3}\n  b: -.inf\n  c: <<\n".replace("'b'", "\\\"b\\\"");
    same_text(&print_of(&[("main.tf", tf)]), &print_of(&[("stack.yaml", &yaml)]), "keys");
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
fn same_text(one: &str, other: &str, what: &str) {
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
    check("stack.yaml", b"locals:\n  <<: {a: 1}\n  <<: {b: 1}\n", "key \"<<\" is written twice");
    check("stack.yaml", b"locals:\n  a: {!expr b: 1}\n", "a key cannot be a bare expression");
    check("stack.yaml", b"locals:\n  a: .nan\n", "is not a number here");
}
