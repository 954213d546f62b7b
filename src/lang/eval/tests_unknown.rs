//! What is known about results while operands are unknown.

use super::tests::eval_with;
use crate::model::value::Refinement;
use crate::model::{Type, Value};

fn variables() -> Vec<(&'static str, Value)> {
    let id = Value::refined(Type::String, Refinement { not_null: true, ..Refinement::default() });
    vec![
        ("u", id),
        ("s", Value::unknown(Type::String)),
        ("d", Value::unknown(Type::Dynamic)),
        ("n", Value::unknown(Type::Number)),
        ("l", Value::unknown(Type::list(Type::object([("a", Type::Number)])))),
        ("o", Value::unknown(Type::object([("a", Type::Number)]))),
        ("one", list_of(1, 1)),
        ("some", list_of(1, 2)),
    ]
}

/// An unknown list of strings of a length between two.
fn list_of(min: usize, max: usize) -> Value {
    let (min_length, max_length) = (Some(min), Some(max));
    let refinement = Refinement { not_null: true, min_length, max_length, ..Refinement::default() };
    Value::refined(Type::list(Type::String), refinement)
}

fn eval(text: &str) -> Value {
    eval_with(text, &variables()).unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

#[test]
fn unknown_results_have_the_type_that_they_will_have() {
    for (text, ty) in [
        ("var.n + 1", Type::Number),
        ("var.n > 1", Type::Bool),
        ("false && var.u == \"a\"", Type::Bool),
        ("\"a${var.u}\"", Type::String),
        ("var.u == \"a\" ? 1 : 2", Type::Number),
        ("var.u == \"a\" ? 1 : \"b\"", Type::String),
        ("true ? var.d : 1", Type::Dynamic),
        ("[1, 2][var.n]", Type::Dynamic),
        ("var.l[0].a", Type::Number),
        ("var.l[*].a", Type::list(Type::Number)),
        ("var.o.a", Type::Number),
        ("var.d.x[0]", Type::Dynamic),
        ("{ (var.u) = 1 }", Type::Dynamic),
        ("[for x in [1] : x if var.u == \"a\"]", Type::Dynamic),
        ("{ for x in [1] : var.u => x }", Type::Dynamic),
        ("try(var.u, \"x\")", Type::Dynamic),
        ("can(var.u)", Type::Bool),
        ("var.s[*]", Type::Dynamic),
        ("var.d == 5", Type::Bool),
        ("[var.u, 1] == [var.u, 2]", Type::Bool),
    ] {
        let value = eval(text);
        assert!(value.is_unknown(), "{text} gives {value:?}");
        assert_eq!(value.ty(), ty, "{text}");
    }
}

#[test]
fn what_is_certain_is_known() {
    for (text, expected) in [
        ("var.u == null", Value::FALSE),
        ("var.u == 5", Value::FALSE),
        ("\"abc-${var.s}\" == null", Value::FALSE),
        ("\"abc-${var.s}\" == \"xyz\"", Value::FALSE),
        ("[var.u] == [\"a\", 1]", Value::FALSE),
        ("[1, var.u] == [2, var.u]", Value::FALSE),
        ("(var.u == \"a\" ? 1 : 2) == null", Value::FALSE),
        ("var.n + 1 == null", Value::FALSE),
        ("try([var.u, \"k\"][1], \"x\")", Value::from("k")),
        ("can([var.u, \"k\"][1])", Value::TRUE),
        ("can(var.u.foo)", Value::FALSE),
    ] {
        assert_eq!(eval(text), expected, "{text}");
    }
    assert!(eval("var.s == null").is_unknown());
    assert_eq!(eval("var.u[*]").as_items().map(<[Value]>::len), Some(1));
}

#[test]
fn the_beginning_of_a_text_is_known() {
    let Value::Unknown(unknown) = eval("\"abc-${var.s}-d\"") else { panic!("known") };
    assert_eq!(unknown.refinement.prefix.as_deref(), Some("abc-"));
    assert!(unknown.refinement.not_null);
}

#[test]
fn bounds_decide() {
    let one_of = |a: &str, b: &str| format!("(var.u == \"x\" ? {a} : {b})");
    let (n, list) = (one_of("5", "3"), one_of("[var.u]", "[\"b\"]"));
    let some = one_of("[\"a\"]", "[\"a\", \"b\"]");
    for (text, expected) in [
        (format!("{n} > 2"), true),
        (format!("{n} >= 3"), true),
        (format!("{n} < 3"), false),
        (format!("{n} <= 2"), false),
        (format!("6 > {n}"), true),
        (format!("{n} == 20"), false),
        (format!("length({list}) == 1"), true),
        (format!("length(tolist({some})) > 0"), true),
        (format!("length(tolist({some})) > 5"), false),
    ] {
        assert_eq!(eval(&text), Value::from(expected), "{text}");
    }
}

/// What `terraform plan` of 1.11 knows of the same expressions.
#[test]
fn lengths_and_beginnings_decide() {
    for (text, expected) in [
        ("var.one == tolist([])", Value::FALSE),
        ("var.some == tolist([])", Value::FALSE),
        ("length(concat(var.one, [\"x\"]))", Value::int(2)),
        ("length([for x in var.one : x])", Value::int(1)),
        ("length(var.one[*])", Value::int(1)),
        ("length(reverse(var.one))", Value::int(1)),
        ("length(sort(var.one))", Value::int(1)),
        ("length(sort([var.s, \"a\"]))", Value::int(2)),
        ("length(sort(var.some)) > 0", Value::TRUE),
        ("length(slice(var.one, 0, 1))", Value::int(1)),
        ("length(chunklist(var.one, 1))", Value::int(1)),
        ("length(flatten([var.one]))", Value::int(1)),
        ("length(formatlist(\"%s\", var.one))", Value::int(1)),
        ("length(setproduct(var.one, [\"a\", \"b\"]))", Value::int(2)),
        ("startswith(jsonencode({ a = var.s }), \"{\")", Value::TRUE),
        ("startswith(jsonencode([var.s]), \"[\")", Value::TRUE),
        ("jsonencode(var.u) == \"\"", Value::FALSE),
        ("length(\"abc${var.s}\") > 0", Value::TRUE),
        ("length(setunion([var.s], [\"a\"])) > 0", Value::TRUE),
        ("length(setunion([var.s], [\"a\"])) < 3", Value::TRUE),
        ("length(toset([var.s, \"a\"])) > 0", Value::TRUE),
        ("length(toset([var.s]))", Value::int(1)),
        ("toset([\"a\", var.s]) == toset([])", Value::FALSE),
        ("[var.s] == []", Value::FALSE),
        ("{ a = var.s, b = 1 } == { a = \"x\", b = 2 }", Value::FALSE),
        ("{ a = 1, b = var.s } == { a = 2, b = \"x\" }", Value::FALSE),
        ("one([var.u]) == null", Value::FALSE),
        ("coalesce(null, var.u) == null", Value::FALSE),
        ("\"%{ for x in var.one }a%{ endfor }\"", Value::from("a")),
    ] {
        assert_eq!(eval(text), expected, "{text}");
    }
    for text in [
        "[var.s, 1] == [\"x\", 2]",
        "{ a = var.s } == { a = \"x\" }",
        "var.one[0] == null",
        "length(distinct(var.one))",
    ] {
        assert!(eval(text).is_unknown(), "{text}");
    }
}
