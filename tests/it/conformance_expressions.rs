//! Expressions with the answers that the reference implementation gave (`conformance/expressions.jsonl`).

use std::path::Path;

use serde_json::Value as Json;

use crate::support::expressions::evaluate;

#[test]
fn expressions_evaluate_as_recorded() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/expressions.jsonl");
    let Ok(lines) = std::fs::read_to_string(&default) else { return };
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
    println!("expressions: {} of {total}", total - wrong.len());
    assert!(wrong.is_empty(), "{} of {total} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
