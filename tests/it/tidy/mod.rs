//! Keeps the order of the source tree: who may import whom, what may stand where, and how long a file may be.
//!
//! One test reads all files and shows everything that is out of order, with file and line. The rules are in
//! [`rules`]; each is proven by a sample that breaks it.

mod dependencies;
mod paths;
mod rules;
mod source;

use std::fs;
use std::path::Path;

use rules::Violation;
use source::{Source, sources, split_tests};

#[test]
fn the_tree_is_in_order() {
    let tree = sources("src");
    assert!(tree.len() > 20, "the source tree is found");
    let mut violations: Vec<Violation> = rules::unregistered(&tree);
    let (shipped, tested) = split_tests(tree);
    violations.extend(shipped.iter().flat_map(rules::of_a_source));
    violations.extend(tested.iter().flat_map(rules::of_a_test));
    for folder in ["tests", "benches", "examples"] {
        violations.extend(sources(folder).iter().flat_map(rules::of_a_test));
    }
    let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} places are out of order:\n{}\n", list.len(), list.join("\n"));
}

#[test]
fn every_dependency_is_used_and_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let manifest = read("Cargo.toml");
    let packages = dependencies::packages(&manifest);
    assert!(packages.len() > 20, "the dependencies are found");
    let unused = dependencies::unused(&packages, &sources("src"));
    let unexplained = dependencies::unexplained(&packages, &read("docs/architecture.md"));
    assert!(
        unused.is_empty() && unexplained.is_empty(),
        "dependencies that no source uses: {unused:?}; that docs/architecture.md does not explain: {unexplained:?}"
    );
}

/// What the rules say about a file with this text.
fn said(path: &str, text: &str) -> Vec<String> {
    rules::of_a_source(&Source::new(path, text)).iter().map(ToString::to_string).collect()
}

#[test]
fn an_arrow_against_the_rules_is_found() {
    let text = "//! Subject.\n\nuse crate::model::Address;\nuse crate::{lang, cli::Arguments};\n";
    assert_eq!(
        said("src/state/rows.rs", text),
        [
            "src/state/rows.rs:4: `state` must not know `lang`; it may know model",
            "src/state/rows.rs:4: `state` must not know `cli`; it may know model",
        ]
    );
    assert_eq!(said("src/ops/plan.rs", "//! Subject.\nuse crate::{plan, render, providers};\n"), [""; 0]);
    assert_eq!(
        said("src/providers/aws/eks.rs", "//! Subject.\nuse crate::providers::azure::Client;\n"),
        ["src/providers/aws/eks.rs:2: a provider must not know another (`azure`)",]
    );
    assert_eq!(
        said("src/attic/a.rs", "//! Subject.\nuse crate::model::Span;\n"),
        ["src/attic/a.rs:1: `attic` is no room of the map in src/lib.rs",]
    );
}

#[test]
fn a_panic_without_a_proof_is_found() {
    let text = "//! Subject.\nfn f() {\n    a.unwrap();\n    // proof: b was set above.\n    b.expect(\"set\");\n    c\n        .d()\n        \
                .unwrap();\n    // proof: always\n    e\n        .unwrap();\n    parser.expect('.')\n}\n#[cfg(test)]\nmod tests {\n    \
                fn t() { x.unwrap() }\n}\n";
    let rule = "may panic: handle it, or say why it can't in a `// proof:` comment";
    assert_eq!(
        said("src/model/a.rs", text),
        [format!("src/model/a.rs:3: `.unwrap()` {rule}"), format!("src/model/a.rs:8: `.unwrap()` {rule}"),]
    );
}

#[test]
fn what_must_not_stand_in_a_room_is_found() {
    assert_eq!(
        said("src/ops/a.rs", "//! Subject.\nfn f() { println!(\"x\"); std::process::exit(1) }\nuse std::{env, fs};\n"),
        [
            "src/ops/a.rs:2: `println!` belongs to src/cli",
            "src/ops/a.rs:2: `process::exit` belongs to src/cli",
            "src/ops/a.rs:3: `std::env` belongs to src/cli",
        ]
    );
    assert_eq!(said("src/cli/a.rs", "//! Subject.\nfn f() { println!(\"x\"); std::env::args(); }\n"), [""; 0]);
    assert_eq!(
        said("src/plan/a.rs", "//! Subject.\nasync fn f() { std::fs::read(a); }\nuse std::time::Instant;\n"),
        [
            "src/plan/a.rs:2: `async` in src/plan, which is pure",
            "src/plan/a.rs:2: `std::fs` in src/plan, which is pure",
            "src/plan/a.rs:3: `std::time` in src/plan, which is pure",
        ]
    );
    assert_eq!(
        said("src/lang/a.rs", "//! Subject.\nfn f() { todo!() }\n"),
        ["src/lang/a.rs:2: `todo!` is unfinished work"]
    );
    assert_eq!(said("src/lang/a.rs", "fn f() {}\n"), ["src/lang/a.rs:1: no `//!` line tells the file's subject"]);
}

#[test]
fn a_long_file_is_found_unless_it_is_generated() {
    let long = format!("//! Subject.\n{}", "fn f() {}\n".repeat(620));
    assert_eq!(
        said("src/lang/a.rs", &long),
        ["src/lang/a.rs:1: 621 lines to read, more than 600: split it by meaning"]
    );
    let generated = long.replacen("//! Subject.", "//! Subject. @generated by a script", 1);
    assert_eq!(said("src/lang/a.rs", &generated), [""; 0]);
    let tested =
        format!("//! Subject.\nfn f() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn f() {}\n".repeat(700));
    assert_eq!(said("src/lang/a.rs", &tested), [""; 0]);
}

#[test]
fn a_file_that_nobody_registers_is_found() {
    let tree = [
        Source::new("src/lib.rs", "pub mod model;\n"),
        Source::new("src/main.rs", ""),
        Source::new("src/model/mod.rs", "mod a;\n// mod c;\n"),
        Source::new("src/model/a.rs", "mod b;\n"),
        Source::new("src/model/a/b.rs", ""),
        Source::new("src/model/c.rs", ""),
    ];
    let found: Vec<String> = rules::unregistered(&tree).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["src/model/c.rs:1: no `mod` line declares this file"]);
}
