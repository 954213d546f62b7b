//! The expressions of which the released binary's answers are recorded, compared byte for byte.

use super::tests::eval;
use crate::model::Value;

/// Where the recorded answers lie; another folder may be named by the environment.
fn recorded() -> Option<String> {
    let path = std::env::var("TERRANE_CONFORMANCE").ok()?;
    std::fs::read_to_string(std::path::Path::new(&path).join("expressions.jsonl")).ok()
}

#[test]
fn recorded_expressions_give_the_recorded_json() {
    let Some(recorded) = recorded() else { return };
    let mut wrong = Vec::new();
    for line in recorded.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a JSON object a line");
        let text = case["expr"].as_str().expect("an expression");
        let found = eval(&format!("jsonencode({text})"));
        let right = match (&found, case["json"].as_str()) {
            (Ok(Value::String(found)), Some(expected)) => **found == *expected,
            (Err(_), None) => true,
            _ => false,
        };
        if !right {
            wrong.push(format!("{text}\n  expected {case}\n  found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
