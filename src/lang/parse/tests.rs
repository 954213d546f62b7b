//! What the parser refuses by itself, and what it would read otherwise.

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::visit::{Visit, visit_expr};

use super::{Body, Key, body, entries, expression, large, parse_body};

/// That every name and number of the tree stands where its span says.
struct Places<'t>(&'t str, usize);

impl Visit for Places<'_> {
    fn visit_expr(&mut self, expr: &Expression) {
        let written = expr.span().and_then(|range| self.0.get(range));
        match expr {
            Expression::Variable(name) => assert_eq!(written, Some(name.as_str())),
            Expression::Number(_) => assert!(written.is_some_and(|text| text.parse::<f64>().is_ok()), "{written:?}"),
            Expression::FuncCall(call) => {
                assert!(written.is_some_and(|text| text.starts_with(call.name.name.as_str())))
            }
            _ => (),
        }
        self.1 += usize::from(matches!(expr, Expression::Variable(_) | Expression::Number(_)));
        visit_expr(self, expr);
    }
}

fn leaves(text: &str) -> usize {
    let parsed = expression(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let mut places = Places(text, 0);
    places.visit_expr(&parsed);
    places.1
}

#[test]
fn deep_and_long_expressions_keep_their_places() {
    assert_eq!(leaves(&format!("{}v{}", "(".repeat(200), ")".repeat(200))), 1);
    assert_eq!(leaves(&format!("{}v, 1{}", "[[\n".repeat(100), "], 2]".repeat(100))), 102);
    assert_eq!(leaves(&format!("{}v{}", "f({ a = ".repeat(100), ", b = 1 })".repeat(100))), 101);
    assert_eq!(leaves(&format!("{}v{}", "\"a${".repeat(150), "}\"".repeat(150))), 1);
    assert_eq!(leaves(&vec!["v"; 500].join(" + ")), 500);
    assert_eq!(leaves(&vec!["v * 2 == x && y"; 90].join(" || ")), 360);
    assert_eq!(leaves(&format!("{}v", "a ? b : ".repeat(200))), 401);
    assert_eq!(leaves(&format!("{}v", "!".repeat(150))), 1);
    assert_eq!(leaves(&format!("{}v[0]{}", "[for x in y : ".repeat(90), " if x]".repeat(90))), 182);
}

#[test]
fn what_is_deeper_still_is_an_error() {
    for text in [
        format!("{}v{}", "(".repeat(100_000), ")".repeat(100_000)),
        vec!["v"; 100_000].join("+"),
        format!("{}v", "a?b:".repeat(100_000)),
        format!("{}v", "!".repeat(100_000)),
        format!("{}v{}", "\"${".repeat(100_000), "}\"".repeat(100_000)),
    ] {
        assert!(expression(&text).is_err());
    }
}

#[test]
fn chains_are_cut_where_their_operators_allow() {
    let shape = |text: &str| match expression(text).unwrap() {
        Expression::BinaryOp(op) => (op.operator.to_string(), op.lhs_expr.span(), op.rhs_expr.span()),
        other => panic!("{other:?}"),
    };
    // The last of the weakest operators is the root, as it is in short chains.
    let text = format!("{} + b - c * d * e", vec!["a * a"; 100].join(" - "));
    let at = text.rfind(" - ").unwrap();
    assert_eq!(shape(&text), ("-".into(), Some(0..at), Some(at + 3..text.len())));
    let text = format!("{} == b", vec!["a"; 200].join(" / "));
    assert_eq!(shape(&text), ("==".into(), Some(0..text.len() - 5), Some(text.len() - 1..text.len())));
}

#[test]
fn the_last_of_two_keys_stays() {
    let text = "{ a = 1, \"b\" = 2, a = { c = 3\n c = 4 }\n \"b\" = 5, d = 6 }";
    let Expression::Object(object) = expression(text).unwrap() else { panic!() };
    let values: Vec<&str> = object.iter().map(|(_, value)| &text[value.expr().span().unwrap()]).collect();
    assert_eq!(values, ["{ c = 3\n c = 4 }", "5", "6"]);
}

#[test]
fn a_heredoc_ends_where_its_word_is_alone() {
    let text = "a = <<EOT\nfoo ${f(\"\nEOT\")}\nEOT more\n EOT)\n  EOT \nb = 1e400\n";
    let parsed = body(text).unwrap();
    let written = |name: &str| &text[parsed.get_attribute(name).unwrap().value.span().unwrap()];
    assert!(written("a").ends_with("more\n EOT)\n  EOT"), "{}", written("a"));
    assert_eq!(written("b"), "1e400");
}

/// Entries of every form, so many that the object is read as a list.
fn large_object() -> String {
    let mut text = String::from("v = { # first\n");
    for i in 0..1500 {
        let entry = match i % 8 {
            0 => format!("  k{i} = \"text {i}\" // said\n"),
            1 => format!("\"quoted ${{a}} {i}\" : [{i}, {{ a = 1, b = 2 }}], k{i}b = null\n"),
            2 => format!("k{i}={i},k{i}c=2 , # both\n\n"),
            3 => format!("  (upper(\"p{i}\")) = i > {i} ? {{\n x = 1\n}} : {{ y = [for a in b : a] }}\r\n"),
            4 => format!("  {i} = <<-EOT\n    line\n    EOT\n"),
            5 => format!("k{i} /* a */ = /* b */ f(1,\n 2)\n"),
            6 => format!("é{i} = {{ in = 1, k = \"}}\" }}\n# alone\n"),
            _ => format!("null{i} = a.b[0].c\n"),
        };
        text.push_str(&entry);
    }
    text.push_str("}\nafter = [1]\n");
    assert!(text.len() < large::TEXT, "the parser reads this one by itself");
    text
}

fn filled(text: &str) -> String {
    format!("{text}{}\n", "#".repeat(large::TEXT))
}

#[test]
fn a_large_object_has_the_entries_that_the_parser_would_find() {
    let small = large_object();
    let text = filled(&small);
    let places = |text: &str, body: &Body| -> Vec<_> {
        let value = &body.get_attribute("v").unwrap().value;
        let place = |(key, value): (Key<'_>, &Expression)| match key {
            Key::Name(name) => (true, name.span(), value.span()),
            Key::Expression(key) => (false, key.span(), value.span()),
        };
        entries(value, text).unwrap().into_iter().map(place).collect()
    };
    let expected = parse_body(&small).unwrap();
    let found = body(&text).unwrap();
    assert!(matches!(found.get_attribute("v").unwrap().value, Expression::Array(_)));
    assert!(entries(&found.get_attribute("after").unwrap().value, &text).is_none());
    assert_eq!(places(&text, &found), places(&small, &expected));
}

#[test]
fn a_mistake_in_a_large_object_is_the_one_that_the_parser_would_find() {
    let small = large_object();
    let lines: Vec<usize> = small.match_indices("\n  k").map(|(at, _)| at + 3).collect();
    for at in [lines[0], lines[lines.len() / 2], lines[lines.len() - 1]] {
        for mistake in [
            "= ",
            "a b = 1\n",
            "alone\n",
            "\"open\n",
            "{\n",
            "}",
            "x = ,\n",
            "x = 1 y = 2\n",
            "x = \"${a\n",
            ", ,",
            "'",
        ] {
            let mut wrong = small.clone();
            wrong.insert_str(at, mistake);
            let expected = parse_body(&wrong).map(|_| ()).map_err(|e| (e.location().offset(), e.message().to_string()));
            let found = body(&filled(&wrong)).map(|_| ()).map_err(|e| (e.location().offset(), e.message().to_string()));
            assert_eq!(found, expected, "{mistake:?} at {at}");
        }
    }
}
