//! Functions that need the machine, with the answers of the reference implementation.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::host::Machine;
use crate::lang::functions::lookup;
use crate::model::value_json::{from_json, to_json};
use crate::model::{Str, Value};

fn machine(folder: &Path, applying: bool) -> Machine {
    Machine {
        working_dir: folder.to_path_buf(),
        home_dir: Some("/home/me".into()),
        plan_timestamp: Some("2026-01-31T10:00:00Z".into()),
        applying: AtomicBool::new(applying),
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("d/sub")).unwrap();
    std::fs::write(folder.path().join("hello.txt"), "hello\n").unwrap();
    std::fs::write(folder.path().join("b.bin"), b"\xff\xfe\x00").unwrap();
    for name in ["a.txt", "b.txt", ".hidden", "sub/c.txt", "sub/d.md"] {
        std::fs::write(folder.path().join("d").join(name), "").unwrap();
    }
    folder
}

/// The answer as JSON; `error` where there is none.
fn answer(machine: &Machine, name: &str, args: &[&str]) -> String {
    let args: Vec<Value> = args.iter().map(|arg| from_json(&serde_json::Value::from(*arg))).collect();
    match lookup(name).unwrap().call(&args, machine) {
        Ok(value) => to_json(&value).to_string(),
        Err(_) => "error".into(),
    }
}

#[test]
fn files_are_read_and_hashed() {
    let folder = folder();
    let machine = machine(folder.path(), false);
    for (name, path, expected) in [
        ("file", "hello.txt", r#""hello\n""#),
        ("file", "./hello.txt", r#""hello\n""#),
        ("file", "b.bin", "error"),
        ("file", "nope", "error"),
        ("file", "d", "error"),
        ("file", "", "error"),
        ("filebase64", "b.bin", r#""//4A""#),
        ("filebase64", "nope", "error"),
        ("fileexists", "hello.txt", "true"),
        ("fileexists", "nope", "false"),
        ("fileexists", "d", "error"),
        ("fileexists", "", "error"),
        ("filemd5", "hello.txt", r#""b1946ac92492d2347c6235b4d2611184""#),
        ("filemd5", "b.bin", r#""266e75fcf28db213599bf0f3f46976a8""#),
        ("filemd5", "nope", "error"),
        ("filesha1", "hello.txt", r#""f572d396fae9206628714fb2ce00f72e94f2258f""#),
        ("filesha256", "hello.txt", r#""5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03""#),
        (
            "filesha512",
            "hello.txt",
            r#""e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f931f94aae41edda2c2b207a36e10f8bcb8d45223e54878f5b316e7ce3b6bc019629""#,
        ),
        ("filebase64sha256", "hello.txt", r#""WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=""#),
        (
            "filebase64sha512",
            "hello.txt",
            r#""58IrmUxZ2c8rSOVJseJGZmNgRZMNPafBrLKZ0cO3+TH5Sq5B7dosKyB6NuEPi8uNRSI+VIePWzFufOO2vAGWKQ==""#,
        ),
    ] {
        assert_eq!(answer(&machine, name, &[path]), expected, "{name} {path}");
    }
}

#[test]
fn paths_are_made_whole_and_taken_apart() {
    let folder = folder();
    let machine = machine(folder.path(), false);
    let here = folder.path().display();
    for (name, path, expected) in [
        ("abspath", "hello.txt", format!("\"{here}/hello.txt\"")),
        ("abspath", ".", format!("\"{here}\"")),
        ("abspath", "/a//b/../c/", "\"/a/c\"".into()),
        ("basename", "", "\".\"".into()),
        ("basename", "/", "\"/\"".into()),
        ("basename", "a/b/", "\"b\"".into()),
        ("dirname", "", "\".\"".into()),
        ("dirname", "/", "\"/\"".into()),
        ("dirname", "a/b/", "\"a/b\"".into()),
        ("dirname", "a", "\".\"".into()),
        ("dirname", "a/../b/c", "\"b\"".into()),
        ("pathexpand", "~", "\"/home/me\"".into()),
        ("pathexpand", "~/x", "\"/home/me/x\"".into()),
        ("pathexpand", "a/~", "\"a/~\"".into()),
        ("pathexpand", "", "\"\"".into()),
        ("pathexpand", "~root/x", "error".into()),
    ] {
        assert_eq!(answer(&machine, name, &[path]), expected, "{name} {path}");
    }
}

#[test]
fn sets_of_files_are_found_by_patterns() {
    let folder = folder();
    let machine = machine(folder.path(), false);
    for (path, pattern, expected) in [
        ("d", "*", r#"[".hidden","a.txt","b.txt"]"#),
        ("d", "**", r#"[".hidden","a.txt","b.txt","sub/c.txt","sub/d.md"]"#),
        ("d", "*.txt", r#"["a.txt","b.txt"]"#),
        ("d", "**/*.txt", r#"["a.txt","b.txt","sub/c.txt"]"#),
        ("d", "{a,b}.txt", r#"["a.txt","b.txt"]"#),
        ("d", "[ab].txt", r#"["a.txt","b.txt"]"#),
        ("d", "[!a].txt", r#"["a.txt"]"#),
        ("d", "[^a].txt", r#"["b.txt"]"#),
        ("d", "?.txt", r#"["a.txt","b.txt"]"#),
        ("d", "sub/*", r#"["sub/c.txt","sub/d.md"]"#),
        ("d/", ".*", r#"[".hidden"]"#),
        (".", "d/*.txt", r#"["d/a.txt","d/b.txt"]"#),
        ("d", "../*.txt", r#"["../hello.txt"]"#),
        ("d", "sub", "[]"),
        ("d", "", "[]"),
        ("nope", "*", "[]"),
        ("hello.txt", "*", "[]"),
        ("d", "[", "error"),
    ] {
        assert_eq!(answer(&machine, "fileset", &[path, pattern]), expected, "{path} {pattern}");
    }
}

#[test]
fn time_and_randomness_are_those_of_the_apply() {
    let folder = folder();
    let text = |machine: &Machine, name: &str, args: &[Value]| -> Option<Str> {
        lookup(name).unwrap().call(args, machine).unwrap().as_str().cloned()
    };
    let (planning, applying) = (machine(folder.path(), false), machine(folder.path(), true));
    for name in ["timestamp", "uuid"] {
        assert_eq!(text(&planning, name, &[]), None, "{name} is not known in a plan");
    }
    assert_eq!(text(&planning, "bcrypt", &["secret".into()]), None);
    assert_eq!(text(&planning, "plantimestamp", &[]).as_deref(), Some("2026-01-31T10:00:00Z"));
    assert_eq!(text(&applying, "plantimestamp", &[]).as_deref(), Some("2026-01-31T10:00:00Z"));
    let fits = |pattern: &str, text: Option<Str>| regex::Regex::new(pattern).unwrap().is_match(&text.unwrap());
    assert!(fits(r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$", text(&applying, "timestamp", &[])));
    let (one, other) = (text(&applying, "uuid", &[]), text(&applying, "uuid", &[]));
    assert_ne!(one, other);
    assert!(fits("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", one));
}

#[test]
fn passwords_are_hashed_with_the_cost_that_is_given() {
    let folder = folder();
    let machine = machine(folder.path(), true);
    let hash = |password: &str, rest: &[i64]| {
        let args = std::iter::once(password.into()).chain(rest.iter().map(|n| (*n).into())).collect::<Vec<Value>>();
        lookup("bcrypt").unwrap().call(&args, &machine).map(|v| v.as_str().cloned().unwrap())
    };
    for (password, cost, start) in [
        ("secret", &[][..], "$2a$10$"),
        ("secret", &[5], "$2a$05$"),
        ("secret", &[3], "$2a$10$"),
        ("", &[4], "$2a$04$"),
    ] {
        let hashed = hash(password, cost).unwrap();
        assert!(hashed.starts_with(start) && hashed.len() == 60, "{hashed}");
        assert!(bcrypt::verify(password, &hashed).unwrap());
    }
    assert!(hash("secret", &[32]).is_err() && hash("secret", &[4, 5]).is_err());
}
