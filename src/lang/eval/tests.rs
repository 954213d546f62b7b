//! Expressions and what they give.

use std::collections::HashMap;

use crate::lang::compile::{Resolver, Step, expression_text, template_text};
use crate::lang::expr::Expr;
use crate::lang::functions::{Host, Isolated};
use crate::lang::scope::{Reference, Scope, Slot};
use crate::lang::text_map::TextMap;
use crate::model::value_json::to_json;
use crate::model::{Diagnostic, Diagnostics, Key, Marks, SourceId, Span, Str, Type, Value};

/// Variables by name, one resource `thing.many` with two instances, one module `m` with an output.
#[derive(Default)]
pub(super) struct World {
    pub variables: Vec<(&'static str, Value)>,
}

impl Resolver for World {
    fn resolve(&mut self, root: &str, steps: &[Step], span: Span) -> Result<(Slot, usize), Diagnostic> {
        let first = steps.first().map(|s| &*s.name);
        match (root, first) {
            ("var", Some(name)) => match self.variables.iter().position(|(n, _)| *n == name) {
                Some(at) => Ok((Slot::Variable(at as u32), 1)),
                None => Err(Diagnostic::error(format!("unknown variable \"{name}\"")).at(span)),
            },
            ("thing", Some("many")) => Ok((Slot::Resource(0), 1)),
            ("module", Some("m")) => Ok((Slot::Module(0), 1)),
            _ => Err(Diagnostic::error(format!("unknown name \"{root}\"")).at(span)),
        }
    }
}

impl Scope for World {
    fn value(&self, slot: &Slot, span: Span) -> Result<Value, Diagnostic> {
        match slot {
            Slot::Variable(n) => Ok(self.variables[*n as usize].1.clone()),
            Slot::Resource(_) => {
                Ok(Value::tuple((0..2).map(|n| self.instance(0, &Key::Index(n), span).unwrap()).collect()))
            }
            _ => Err(Diagnostic::error("no such value").at(span)),
        }
    }

    fn instance(&self, _: u32, key: &Key, _: Span) -> Result<Value, Diagnostic> {
        Ok(Value::object([("id", Value::from(format!("id{key}")))]))
    }

    fn output(&self, _: u32, key: Option<&Key>, output: &Str, _: Span) -> Result<Value, Diagnostic> {
        Ok(Value::from(format!("{output} of {}", key.map(Key::to_string).unwrap_or_default())))
    }

    fn host(&self) -> &dyn Host {
        &Isolated
    }
}

pub(super) fn map() -> TextMap {
    TextMap::offset(SourceId(0), 0)
}

pub(super) fn compile(text: &str, world: &mut World) -> Result<Expr, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let compiled = expression_text(text, &map(), &[], world, &mut diagnostics);
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(compiled) }
}

pub(super) fn eval_with(text: &str, variables: &[(&'static str, Value)]) -> Result<Value, Diagnostic> {
    let mut world = World { variables: variables.to_vec() };
    let compiled = compile(text, &mut world).map_err(|d| d.0[0].clone())?;
    compiled.eval(&world).map_err(|d| d.0[0].clone())
}

pub(super) fn eval(text: &str) -> Result<Value, Diagnostic> {
    eval_with(text, &[])
}

/// The JSON of the result.
fn json(text: &str) -> String {
    match eval(text) {
        Ok(value) => to_json(&value).to_string(),
        Err(problem) => panic!("{text}: {problem:?}"),
    }
}

fn error(text: &str) -> String {
    match eval(text) {
        Ok(value) => panic!("{text} gives {value:?}"),
        Err(problem) => match problem.label {
            Some(label) => format!("{} ({label})", problem.summary),
            None => problem.summary,
        },
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(json(text), *expected, "{text}");
    }
}

#[test]
fn operators() {
    check(&[
        ("1 + 2 * 3 - -4", "11"),
        ("(1 + 2) * 3", "9"),
        ("\"5\" + 1", "6"),
        ("10 % 3", "1"),
        ("-7 % 3", "-1"),
        ("1.5 * 2", "3"),
        ("-\"5\"", "-5"),
        ("!\"true\"", "false"),
        ("1 < \"2\"", "true"),
        ("2 > 1 == true", "true"),
        ("false && true || true", "true"),
        ("1 == \"1\"", "false"),
        ("null == null", "true"),
        ("null == \"a\"", "false"),
        ("[] == [1]", "false"),
        ("[1, \"a\"] == [1, \"a\"]", "true"),
        ("{ a = 1 } == { a = 1 }", "true"),
        ("[null] == [\"a\"]", "false"),
        ("{ a = 1 } != { a = 2 }", "true"),
    ]);
    assert_eq!(error("\"a\" + 1"), error("\"a\" - 1"));
    assert!(error("\"a\" + 1").starts_with("the operand must be a number"));
    assert_eq!(error("1 + null"), "the operand is null");
    assert_eq!(error("true && null"), "the operand is null");
}

#[test]
fn conditionals_convert_to_one_type() {
    check(&[
        ("true ? 1 : \"a\"", "\"1\""),
        ("true ? [1] : [\"a\", \"b\"]", "[\"1\"]"),
        ("\"true\" ? 1 : 2", "1"),
        ("true ? null : 1", "null"),
        ("true ? 1 : [1][5]", "1"),
        ("true ? { a = 1 } : { b = 2 }", "{\"a\":1}"),
        ("true ? 1 : \"a${{}}\"", "\"1\""),
        ("true ? 1 : upper([][1])", "1"),
        ("true ? 1 : [1, [][1]][0]", "1"),
        ("true ? { a = \"x\" } : { a = [][1], b = 2 }", "{\"a\":\"x\"}"),
    ]);
    for fails in ["\"a${{}}\"", "-{}", "1 + {}", "!{}", "1 == [][1]", "{ a = [][1] }", "{ a = \"a${{}}\" }.a"] {
        assert!(error(&format!("true ? [1] : {fails}")).starts_with("the two results of the condition"), "{fails}");
    }
    for fails in ["[[][1]]", "[1, 2][*].b", "1[*].a", "{ a = 1 }[*].b", "true ? [[][1]] : [[][1]]"] {
        assert!(error(&format!("true ? 1 : ({fails})")).starts_with("the two results of the condition"), "{fails}");
    }
    assert_eq!(eval("true ? null : 1").unwrap(), Value::Null(Type::Number));
    assert_eq!(error("null ? 1 : 2"), "the condition is null");
    assert!(error("\"x\" ? 1 : 2").starts_with("the condition must be a bool"));
    assert!(error("true ? 1 : [1]").starts_with("the two results of the condition"));
}

#[test]
fn attributes_and_indexes() {
    check(&[
        ("{ a = { b = [1, 2] } }.a.b[1]", "2"),
        ("[1, 2][\"1\"]", "2"),
        ("{ \"1\" = 2 }[1]", "2"),
        ("[1, 2].0", "1"),
        ("{ \"0\" = \"x\" }.0", "\"x\""),
        ("{ true = 1 }[true]", "1"),
    ]);
    assert_eq!(error("[1, 2][2]"), "there is no element [2] (the list has 2 elements)");
    assert_eq!(error("[1, 2][-1]"), "the index is negative");
    assert_eq!(error("[1, 2][1.5]"), "the index must be a whole number");
    assert_eq!(error("{ name = 1 }.nam"), "unknown attribute \"nam\" (the object has no attribute of this name)");
    assert_eq!(eval("{ name = 1 }.nam").unwrap_err().help, ["did you mean \"name\"?"]);
    assert_eq!(eval("{ name = 1 }.nam").unwrap_err().span, Some(Span::new(SourceId(0), 13, 16)));
    assert_eq!(error("{ a = 1 }[\"b\"]"), "there is no element [\"b\"] (the object has no such key)");
    assert_eq!(error("null.a"), "null has no attribute \"a\" (the value before it is null)");
    assert_eq!(error("\"a\"[0]"), "a value of type string cannot be indexed");
}

#[test]
fn splats() {
    check(&[
        ("[{ a = 1 }, { a = 2 }][*].a", "[1,2]"),
        ("[{ a = 1 }, { a = 2 }].*.a", "[1,2]"),
        ("[{ a = [1, 2] }, { a = [3, 4] }].*.a[0]", "[1,2]"),
        ("[{ a = [1, 2] }, { a = [3, 4] }].*.a.0", "[1,3]"),
        ("[[1, 2], [3, 4]][*][0]", "[1,3]"),
        ("[{ b = [{ c = 1 }, { c = 2 }] }][*].b[*].c", "[[1,2]]"),
        ("null[*]", "[]"),
        ("\"a\"[*]", "[\"a\"]"),
        ("{ a = 1 }[*].a", "[1]"),
        ("tolist([])[*].a", "[]"),
        ("setproduct([{ a = 1 }], [])[*][0].a", "[]"),
    ]);
    for fails in ["compact([])[*].a", "setproduct([\"b\"], [])[*].a", "chunklist([], 1)[*].a"] {
        assert!(error(fails).contains("attribute \"a\""), "{fails}: {}", error(fails));
    }
    assert!(error("[1].*.a.*.b").starts_with("a splat must not stand inside"));
}

#[test]
fn empty_collections_keep_the_type_of_their_elements() {
    check(&[("alltrue([])", "true"), ("join(\"\", compact([]))", "\"\"")]);
    for fails in ["alltrue(range(0))", "join(\"\", setintersection([[1]], []))"] {
        assert!(eval(fails).is_err(), "{fails}");
    }
}

#[test]
fn for_expressions() {
    check(&[
        ("[for k, v in [5, 6] : \"${k}-${v}\"]", "[\"0-5\",\"1-6\"]"),
        ("{ for k, v in [5, 6] : k => v }", "{\"0\":5,\"1\":6}"),
        ("{ for v in [\"a\", \"a\"] : v => 1... }", "{\"a\":[1,1]}"),
        ("[for k, v in { b = 1, a = 2 } : k]", "[\"a\",\"b\"]"),
        ("[for v in [1, 2, 3] : v if v > 1]", "[2,3]"),
        ("[for v in [1] : v if \"true\"]", "[1]"),
        ("[for x in [[1, 2], [3]] : [for y in x : y + 1]]", "[[2,3],[4]]"),
        ("{ for v in [true] : v => v }", "{\"true\":true}"),
    ]);
    assert_eq!(error("[for x in null : x]"), "null cannot be iterated over");
    assert_eq!(error("[for x in \"a\" : x]"), "a value of type string cannot be iterated over");
    assert_eq!(error("{ for v in [\"a\", \"a\"] : v => 1 }"), "two elements have the key \"a\"");
    assert_eq!(error("{ for v in [1] : null => 1 }"), "the key is null");
    assert_eq!(error("[for v in [1] : 1 if null]"), "the condition is null");
}

#[test]
fn objects_take_words_texts_and_expressions_as_keys() {
    check(&[
        ("{ a = 1, \"b c\" = 2, (upper_a) = 3 }".replace("upper_a", "\"A\"").as_str(), "{\"A\":3,\"a\":1,\"b c\":2}"),
        ("{ null = 1 }", "{\"null\":1}"),
        ("{ (true) = 1, \"${\"x\"}y\" = 2 }", "{\"true\":1,\"xy\":2}"),
    ]);
    assert_eq!(error("{ (null) = 1 }"), "the key is null");
    assert_eq!(error("{ ([1]) = 1 }"), "the key must be a string");
}

#[test]
fn templates() {
    check(&[
        ("\"a${true}${1.5}\"", "\"atrue1.5\""),
        ("\"${[1]}\"", "[1]"),
        ("\" ${~ 1}\"", "\"1\""),
        ("\"${~ 1 ~}\"", "1"),
        ("\"x ${~ 1} y\"", "\"x1 y\""),
        ("\"a \\n\\n ${~ \"b\" ~} \\n\\n c\"", "\"abc\""),
        ("\"%{ if true }yes%{ else }no%{ endif }\"", "\"yes\""),
        ("\"%{ if true }${1}%{ endif }\"", "\"1\""),
        ("\"%{ for k, x in { a = 1 } }${k}=${x},%{ endfor }\"", "\"a=1,\""),
        ("\"$${a} %%{b} $$ %%\"", "\"${a} %{b} $$ %%\""),
        ("\"e\\u0301\"", "\"\u{e9}\""),
    ]);
    assert_eq!(error("\"a${null}\""), "null cannot be part of a text");
    assert!(error("\"a${[1]}\"").starts_with("the value cannot be part of a text"));
}

#[test]
fn heredocs_strip_and_dedent_line_by_line() {
    for (text, expected) in [
        ("<<E\na\n\n  ${~ \"b\" ~}\n\n  c\nE\n", "a\n\nb\n  c\n"),
        ("<<E\nA\n%{ for x in [1,2] ~}\n\n  ${x}\n\n%{ endfor ~}\n\nB\nE\n", "A\n\n  1\n\n\n  2\n\n\nB\n"),
        ("<<-E\n    A\n      B\n\n  C\n    ${1}\n\tD\nE\n", "   A\n     B\n\n C\n   1\nD\n"),
        ("<<-E\n    ${1} x\n    %{ if true }\n      y\n    %{ endif }\n    z\n  E\n", "1 x\n\n  y\n\nz\n"),
        (
            "<<E\n%{ if true ~}\n  y ${~ 1}\n%{~ else ~}\n z\n%{~ endif ~}\n$${a} %%{b} \\n $$ %% $x\nE\n",
            "  y1${a} %{b} \\n $$ %% $x\n",
        ),
        ("<<-E\n    a\n  \n    b\n   \n    ${1}\n    E\n", "a\n  \nb\n   \n1\n"),
        ("<<-E\n${1}\n    b\n    E\n", "1\n    b\n"),
        ("<<-E\n    %{~ for x in [1,2] ~}\n    b ${x}\n    %{~ endfor ~}\n    E\n", "    b 1\n    b 2\n"),
        (
            "<<-E\n    x\n         \n    %{ for x in [1] ~}\n    b\n    %{ endfor ~}\n    c\n    E\n",
            "x\n         \n    b\n    c\n",
        ),
        ("<<-E\n      x\n    %{ for x in [1] ~}\n  b\n    %{ endfor ~}\n      c\n    E\n", "  x\n  b\n      c\n"),
        ("<<E\n${~ 1 ~}\nE\n", "1"),
    ] {
        assert_eq!(eval(text).unwrap(), Value::from(expected), "{text}");
    }
}

#[test]
fn references_are_as_fine_as_they_are_written() {
    let mut world = World { variables: vec![("k", Value::from("x"))] };
    let text = "[thing.many[1].id, thing.many[var.k].id, module.m[\"a\"].out, module.m.out, thing.many[*].id]";
    let compiled = compile(text, &mut world).unwrap();
    let mut found = Vec::new();
    compiled.references(&mut |r: Reference| found.push((r.slot, r.key, r.output.map(|o| o.to_string()))));
    assert_eq!(
        found,
        [
            (Slot::Resource(0), Some(Key::Index(1)), None),
            (Slot::Resource(0), None, None),
            (Slot::Variable(0), None, None),
            (Slot::Module(0), Some(Key::Name("a".into())), Some("out".into())),
            (Slot::Module(0), None, Some("out".into())),
            (Slot::Resource(0), None, None),
        ]
    );
    let value = to_json(&compiled.eval(&world).unwrap()).to_string();
    assert_eq!(value, "[\"id[1]\",\"id[\\\"x\\\"]\",\"out of [\\\"a\\\"]\",\"out of \",[\"id[0]\",\"id[1]\"]]");
}

#[test]
fn marks_follow_every_value() {
    let secret = || Value::from("s").mark(Marks::SENSITIVE);
    let list = || Value::tuple(vec![Value::from("a")]).mark(Marks::EPHEMERAL);
    let yes = || Value::TRUE.mark(Marks::SENSITIVE);
    let variables = [("s", secret()), ("l", list()), ("y", yes())];
    for (text, marks) in [
        ("\"x${var.s}\"", Marks::SENSITIVE),
        ("var.s == \"s\"", Marks::SENSITIVE),
        ("[var.s] == [\"s\"]", Marks::SENSITIVE),
        ("var.y ? 1 : 2", Marks::SENSITIVE),
        ("[for x in var.l : x]", Marks::EPHEMERAL),
        ("{ (var.s) = 1 }", Marks::SENSITIVE),
        ("{ for x in [var.s] : x => 1 }", Marks::SENSITIVE),
        ("[for x in [1] : x if var.y]", Marks::SENSITIVE),
        ("var.l[0]", Marks::EPHEMERAL),
        ("{ s = 1 }[var.s]", Marks::SENSITIVE),
        ("\"${var.s}${var.l[0]}\"", Marks::SENSITIVE | Marks::EPHEMERAL),
        ("!var.y", Marks::SENSITIVE),
        ("var.l[*]", Marks::EPHEMERAL),
    ] {
        assert_eq!(eval_with(text, &variables).unwrap().unmark().1, marks, "{text}");
    }
    // Elements keep their own marks: the tuple around them has none.
    assert_eq!(eval_with("[var.s, 1]", &variables).unwrap().unmark().1, Marks::NONE);
    assert_eq!(eval_with("true ? 1 : var.s", &variables).unwrap().unmark().1, Marks::NONE);
}

#[test]
fn try_and_can_look_at_errors() {
    check(&[
        ("try({ a = 1 }.b, \"d\")", "\"d\""),
        ("try([1][0], 2)", "1"),
        ("can({ a = 1 }.b)", "false"),
        ("can({ a = 1 }.a)", "true"),
    ]);
    assert_eq!(error("try([1][1], null.a)"), "no argument of \"try\" can be evaluated");
    assert_eq!(eval("try([1][1], null.a)").unwrap_err().related.len(), 2);
}

#[test]
fn every_error_of_an_expression_is_found_in_one_run() {
    let mut world = World::default();
    let problems = compile("[var.a, uper(\"x\"), nope.b]", &mut world).unwrap_err();
    let summaries: Vec<&str> = problems.iter().map(|d| &*d.summary).collect();
    assert_eq!(summaries, ["unknown variable \"a\"", "unknown function \"uper\"", "unknown name \"nope\""]);
}

#[test]
fn syntax_errors_point_at_the_place() {
    let mut world = World::default();
    for (text, at) in [("1 + ", 2), ("[1, 2", 5), ("{ a = }", 6)] {
        let problems = compile(text, &mut world).unwrap_err();
        assert!(problems.0[0].summary.starts_with("invalid syntax"), "{text}: {problems:?}");
        assert!(problems.0[0].span.unwrap().start.abs_diff(at) <= 1, "{text}: {problems:?}");
    }
}

#[test]
fn deep_nesting_is_refused_without_exhausting_the_stack() {
    let mut world = World::default();
    for text in [
        format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{}true", "!".repeat(10_000)),
        format!("{}1", "- ".repeat(10_000)),
        format!("null{}", ".a".repeat(10_000)),
        format!("null{}", "[*]".repeat(10_000)),
        format!("1{}", " + 1".repeat(10_000)),
        format!("{}1{}", "true ? 1 : ".repeat(10_000), ""),
        format!("{}1{}", "\"${".repeat(10_000), "}\"".repeat(10_000)),
        format!("\"{}x{}\"", "%{ if true }".repeat(10_000), "%{ endif }".repeat(10_000)),
    ] {
        let problems = compile(&text, &mut world).unwrap_err();
        let summary = &*problems.0[0].summary;
        assert!(summary.contains("too deeply") || summary.contains("too many"), "{}: {summary}", &text[..20]);
    }
}

#[test]
fn template_texts_are_expressions_only_where_they_say_so() {
    let mut world = World { variables: vec![("n", Value::int(5))] };
    for (text, expected) in [
        ("plain \\n \"text\"", Value::from("plain \\n \"text\"")),
        ("${var.n}", Value::int(5)),
        ("n=${var.n}", Value::from("n=5")),
        ("$${var.n}", Value::from("${var.n}")),
    ] {
        let mut diagnostics = Diagnostics::new();
        let compiled = template_text(text, &map(), &[], &mut world, &mut diagnostics);
        assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
        assert_eq!(compiled.eval(&world).unwrap(), expected, "{text}");
    }
}

#[test]
fn constants_are_folded() {
    let mut world = World { variables: vec![("n", Value::int(5))] };
    assert_eq!(
        compile("[1 + 2, \"a${1}\"]", &mut world).unwrap().literal().map(|v| to_json(v).to_string()).as_deref(),
        Some("[3,\"a1\"]")
    );
    assert!(compile("[1, var.n]", &mut world).unwrap().literal().is_none());
    assert!(compile("timestamp()", &mut world).is_ok_and(|e| e.literal().is_none()));
}

#[test]
fn local_names_hide_outer_ones() {
    let shadowed: HashMap<&str, &str> = HashMap::from([
        ("[for x in [1, 2] : [for x in [3] : x]]", "[[3],[3]]"),
        ("[for x in [1, 2] : [for y in [3] : x + y][0]]", "[4,5]"),
        ("[for x in [{ a = [1, 2] }] : x.a[*]][0][1]", "2"),
    ]);
    for (text, expected) in shadowed {
        assert_eq!(json(text), expected, "{text}");
    }
}
