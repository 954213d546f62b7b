//! Marks follow every value through every function of the table.

use std::io;

use super::{Entry, Function, Host, Needs, all, lookup};
use crate::model::value_json::from_json;
use crate::model::{Marks, Value};

/// Arguments with which every function gives a value.
const ARGUMENTS: &[(&str, &str)] = &[
    ("abs", "[-1]"),
    ("abspath", r#"["a"]"#),
    ("alltrue", "[[true, true]]"),
    ("anytrue", "[[false, true]]"),
    ("base64decode", r#"["YQ=="]"#),
    ("base64encode", r#"["a"]"#),
    ("base64gunzip", r#"["H4sIAAAAAAAA/8pIzcnJBwAAAP//AQAA//+GphA2BQAAAA=="]"#),
    ("base64gzip", r#"["a"]"#),
    ("base64sha256", r#"["a"]"#),
    ("base64sha512", r#"["a"]"#),
    ("basename", r#"["a/b"]"#),
    ("bcrypt", r#"["a", 4]"#),
    ("ceil", "[1.5]"),
    ("chomp", r#"["a\n"]"#),
    ("chunklist", r#"[["a", "b"], 1]"#),
    ("cidrcontains", r#"["10.0.0.0/8", "10.1.0.0/16"]"#),
    ("cidrhost", r#"["10.0.0.0/8", 1]"#),
    ("cidrnetmask", r#"["10.0.0.0/8"]"#),
    ("cidrsubnet", r#"["10.0.0.0/8", 8, 1]"#),
    ("cidrsubnets", r#"["10.0.0.0/8", 8, 8]"#),
    ("coalesce", r#"["a", "b"]"#),
    ("coalescelist", r#"[["a"], ["b"]]"#),
    ("compact", r#"[["a", ""]]"#),
    ("concat", r#"[["a"], ["b"]]"#),
    ("contains", r#"[["a", "b"], "a"]"#),
    ("csvdecode", r#"["a\nb\n"]"#),
    ("dirname", r#"["a/b"]"#),
    ("distinct", r#"[["a", "b"]]"#),
    ("element", r#"[["a", "b"], 1]"#),
    ("endswith", r#"["ab", "b"]"#),
    ("ephemeralasnull", r#"["a"]"#),
    ("file", r#"["f"]"#),
    ("filebase64", r#"["f"]"#),
    ("filebase64sha256", r#"["f"]"#),
    ("filebase64sha512", r#"["f"]"#),
    ("fileexists", r#"["f"]"#),
    ("filemd5", r#"["f"]"#),
    ("fileset", r#"[".", "*"]"#),
    ("filesha1", r#"["f"]"#),
    ("filesha256", r#"["f"]"#),
    ("filesha512", r#"["f"]"#),
    ("flatten", r#"[[["a"], ["b"]]]"#),
    ("floor", "[1.5]"),
    ("format", r#"["%s", "a"]"#),
    ("formatdate", r#"["YYYY", "2026-01-31T10:00:00Z"]"#),
    ("formatlist", r#"["%s", ["a", "b"]]"#),
    ("indent", r#"[1, "a\nb"]"#),
    ("index", r#"[["a", "b"], "b"]"#),
    ("issensitive", r#"["a"]"#),
    ("join", r#"[",", ["a", "b"]]"#),
    ("jsondecode", r#"["[1]"]"#),
    ("jsonencode", r#"[{"a": [1]}]"#),
    ("keys", r#"[{"a": 1}]"#),
    ("length", r#"[["a"]]"#),
    ("log", "[8, 2]"),
    ("lookup", r#"[{"a": 1}, "a", 2]"#),
    ("lower", r#"["A"]"#),
    ("matchkeys", r#"[["a"], ["k"], ["k"]]"#),
    ("max", "[1, 2]"),
    ("md5", r#"["a"]"#),
    ("merge", r#"[{"a": 1}, {"b": 2}]"#),
    ("min", "[1, 2]"),
    ("nonsensitive", r#"["a"]"#),
    ("one", r#"[["a"]]"#),
    ("parseint", r#"["ff", 16]"#),
    ("pathexpand", r#"["a"]"#),
    ("plantimestamp", "[]"),
    ("pow", "[2, 3]"),
    ("provider::terraform::decode_tfvars", r#"["a = 1"]"#),
    ("provider::terraform::encode_expr", r#"[{"a": [1]}]"#),
    ("provider::terraform::encode_tfvars", r#"[{"a": [1]}]"#),
    ("range", "[0, 3, 1]"),
    ("regex", r#"["a", "a"]"#),
    ("regexall", r#"["a", "a"]"#),
    ("replace", r#"["a", "a", "b"]"#),
    ("reverse", r#"[["a", "b"]]"#),
    // The message and the key are those of `hashes`.
    ("rsadecrypt", ""),
    ("sensitive", r#"["a"]"#),
    ("setintersection", r#"[["a"], ["a"]]"#),
    ("setproduct", r#"[["a"], ["b"]]"#),
    ("setsubtract", r#"[["a", "b"], ["a"]]"#),
    ("setunion", r#"[["a"], ["b"]]"#),
    ("sha1", r#"["a"]"#),
    ("sha256", r#"["a"]"#),
    ("sha512", r#"["a"]"#),
    ("signum", "[-2]"),
    ("slice", r#"[["a", "b"], 0, 2]"#),
    ("sort", r#"[["b", "a"]]"#),
    ("split", r#"[",", "a,b"]"#),
    ("startswith", r#"["ab", "a"]"#),
    ("strcontains", r#"["ab", "a"]"#),
    ("strrev", r#"["ab"]"#),
    ("substr", r#"["abc", 0, 2]"#),
    ("sum", "[[1, 2]]"),
    ("textdecodebase64", r#"["YQ==", "UTF-8"]"#),
    ("textencodebase64", r#"["a", "UTF-8"]"#),
    ("timeadd", r#"["2026-01-31T10:00:00Z", "1h"]"#),
    ("timecmp", r#"["2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"]"#),
    ("timestamp", "[]"),
    ("title", r#"["a"]"#),
    ("tobool", r#"["true"]"#),
    ("tolist", r#"[["a", "b"]]"#),
    ("tomap", r#"[{"a": "b"}]"#),
    ("tonumber", r#"["1"]"#),
    ("toset", r#"[["a", "b"]]"#),
    ("tostring", "[1]"),
    ("transpose", r#"[{"a": ["b"]}]"#),
    ("trim", r#"["-a-", "-"]"#),
    ("trimprefix", r#"["ab", "a"]"#),
    ("trimspace", r#"[" a "]"#),
    ("trimsuffix", r#"["ab", "b"]"#),
    ("upper", r#"["a"]"#),
    ("urldecode", r#"["a%20b"]"#),
    ("urlencode", r#"["a b"]"#),
    ("uuid", "[]"),
    ("uuidv5", r#"["dns", "a"]"#),
    ("values", r#"[{"a": 1}]"#),
    ("yamldecode", r#"["a: 1"]"#),
    ("yamlencode", r#"[{"a": [1]}]"#),
    ("zipmap", r#"[["a"], [1]]"#),
];

/// A folder with one file.
struct OneFile;

impl Host for OneFile {
    fn read_file(&self, _: &str) -> io::Result<Vec<u8>> {
        Ok(b"text".to_vec())
    }

    fn entry(&self, path: &str) -> io::Result<Entry> {
        Ok(if path == "f" { Entry::File } else { Entry::Directory })
    }

    fn list_dir(&self, _: &str) -> io::Result<Vec<(String, Entry)>> {
        Ok(vec![("f".into(), Entry::File)])
    }

    fn working_dir(&self) -> String {
        "/work".into()
    }

    fn home_dir(&self) -> Option<String> {
        None
    }

    fn plan_timestamp(&self) -> Option<String> {
        Some("2026-01-31T10:00:00Z".into())
    }

    fn now(&self) -> Option<i64> {
        Some(0)
    }

    fn random(&self) -> Option<[u8; 16]> {
        Some([7; 16])
    }
}

fn both() -> Marks {
    Marks::SENSITIVE | Marks::EPHEMERAL
}

/// Each function with arguments that suit it.
fn functions() -> Vec<(&'static Function, Vec<Value>)> {
    let arguments = |f: &Function| match f.name {
        "rsadecrypt" => super::hashes::tests::ENCRYPTED.map(Value::from).to_vec(),
        name => {
            let (_, text) = ARGUMENTS.iter().find(|(of, _)| *of == name).unwrap_or_else(|| panic!("{name} has no row"));
            from_json(&serde_json::from_str(text).unwrap()).as_items().unwrap().to_vec()
        }
    };
    all().map(|f| (f, arguments(f))).collect()
}

fn call(f: &Function, args: &[Value]) -> Value {
    f.call(args, &OneFile).unwrap_or_else(|e| panic!("{} {args:?}: {e}", f.name))
}

/// The arguments with another one at a place.
fn with(args: &[Value], at: usize, other: Value) -> Vec<Value> {
    let mut args = args.to_vec();
    args[at] = other;
    args
}

/// What a function leaves of marks that stand at an argument itself.
fn kept(f: &Function) -> Marks {
    match f.name {
        "nonsensitive" => Marks::EPHEMERAL,
        "ephemeralasnull" => Marks::SENSITIVE,
        "issensitive" => Marks::NONE,
        _ => both(),
    }
}

/// The value with marks at one of its parts, for each part at any depth.
fn marked_within(value: &Value) -> Vec<Value> {
    let mut children = Vec::new();
    let _same = value.map_children(&mut |child| {
        children.push(child.clone());
        child.clone()
    });
    let replaced = |at: usize, other: &Value| {
        let mut n = 0;
        value.map_children(&mut |child| {
            n += 1;
            if n == at + 1 { other.clone() } else { child.clone() }
        })
    };
    let parts = children.iter().enumerate().flat_map(|(i, child)| {
        let mut variants = marked_within(child);
        variants.push(child.clone().mark(both()));
        variants.into_iter().map(move |variant| (i, variant))
    });
    parts.map(|(i, variant)| replaced(i, &variant)).collect()
}

#[test]
fn marks_of_arguments_reach_every_result() {
    for (f, args) in functions() {
        let plain = call(f, &args);
        assert!(f.name == "sensitive" || !plain.has_marks(), "{}", f.name);
        for (i, arg) in args.iter().enumerate() {
            let result = call(f, &with(&args, i, arg.clone().mark(both())));
            assert!(result.unmark().1.contains(kept(f)), "{}, argument {i}: {result:?}", f.name);
            if !matches!(f.name, "issensitive" | "sensitive" | "ephemeralasnull") {
                assert_eq!(result.unmark_deep().0, plain, "{}, argument {i}", f.name);
            }
        }
    }
}

#[test]
fn marks_of_unknown_arguments_reach_every_result() {
    for (f, args) in functions() {
        for (i, arg) in args.iter().enumerate() {
            let unknown = Value::unknown(arg.ty());
            let result = call(f, &with(&args, i, unknown.clone().mark(both())));
            assert!(result.unmark().1.contains(kept(f)), "{}, argument {i}: {result:?}", f.name);
            if f.needs == Needs::All {
                assert!(call(f, &with(&args, i, unknown)).is_unknown(), "{}, argument {i}", f.name);
            }
        }
    }
}

/// Functions that look at no more than the number or the names of the parts, or that choose one of them.
const PASSING: [&str; 5] = ["coalescelist", "element", "issensitive", "keys", "length"];

#[test]
fn marks_inside_of_arguments_reach_every_result_that_depends_on_them() {
    for (f, args) in functions() {
        for (i, arg) in args.iter().enumerate() {
            for variant in marked_within(arg) {
                let result = call(f, &with(&args, i, variant.clone()));
                let expected = if PASSING.contains(&f.name) { Marks::NONE } else { kept(f) };
                assert!(result.all_marks().contains(expected), "{}, argument {i} as {variant:?}: {result:?}", f.name);
            }
        }
    }
    let secret = Value::from("x").mark(both());
    let list = Value::tuple(vec!["y".into(), secret.clone()]);
    let of = |name: &str, args: &[Value]| call(lookup(name).unwrap(), args).all_marks();
    assert_eq!(of("element", &[list.clone(), 1.into()]), both());
    assert_eq!(of("element", &[list.clone(), 0.into()]), Marks::NONE);
    assert_eq!(of("length", std::slice::from_ref(&list)), Marks::NONE);
    assert_eq!(of("coalescelist", &[Value::tuple(Vec::new()), list]), both());
    assert_eq!(of("keys", &[Value::object([("a", secret)])]), Marks::NONE);
}
