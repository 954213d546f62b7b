//! Expressions with the answers that the reference implementation gave: `conformance/expressions.jsonl` beside the
//! repository, where it is present, and those in which a difference was found once.

use std::path::Path;

use serde_json::Value as Json;

use crate::support::expressions::evaluate;

#[test]
fn expressions_evaluate_as_recorded() {
    check("expressions", "../shared/conformance/expressions.jsonl");
}

#[test]
fn expressions_that_differed_once_do_no_more() {
    let total = check("expressions that differed once", "tests/fixtures/expressions.jsonl");
    assert_ne!(total, 0, "the file is part of the repository");
}

/// Evaluates the expressions of a file, where it is present. Gives how many there are.
fn check(what: &str, file: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let Ok(lines) = std::fs::read_to_string(&path) else { return 0 };
    let (mut total, mut wrong) = (0, Vec::new());
    for line in lines.lines().filter(|l| !l.trim().is_empty()) {
        total += 1;
        let case: Json = serde_json::from_str(line).unwrap();
        let expr = case["expr"].as_str().unwrap();
        let got = evaluate(expr);
        let same = match case["json"].as_str() {
            Some(expected) => got.as_deref() == Ok(expected),
            None => got.is_err(),
        };
        if !same {
            wrong.push(format!("{expr}\n   expected {}\n   got      {got:?}", case["json"]));
        }
    }
    println!("{what}: {} of {total}", total - wrong.len());
    assert!(wrong.is_empty(), "{} of {total} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    total
}
