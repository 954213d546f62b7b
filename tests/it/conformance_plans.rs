//! Plans of `terraform_data` stacks, step by step, against what Terraform 1.11.4 planned: cases in which a difference
//! was found once, and the data beside the repository, where it is present.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::support::session::settings;
use terrane::apply::{Silent, Stop};
use terrane::model::{Marks, Value};
use terrane::ops::{Access, Session};
use terrane::plan::{Options, Plan};
use terrane::render::json::{change_json, cover_plan, output_change};

#[test]
fn plans_are_those_of_terraform() {
    check("plans", "../shared/conformance/plans");
}

#[test]
fn cases_that_differed_once_do_no_more() {
    check("plans that differed once", "tests/fixtures/plans");
}

/// Runs the cases of a folder, where it is present, and prints how many are as they should be.
fn check(what: &str, folder: &str) {
    let present = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    let mut cases: Vec<PathBuf> = present.into_iter().flatten().map(|e| e.unwrap().path()).collect();
    cases.sort();
    let mut failures = Vec::new();
    for case in &cases {
        if let Err(problem) = run(case) {
            failures.push(format!("{}: {problem}", case.file_name().unwrap().to_string_lossy()));
        }
    }
    println!("{what}: {} of {} cases", cases.len() - failures.len(), cases.len());
    assert!(failures.is_empty(), "{} of {} cases differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn run(case: &Path) -> Result<(), String> {
    let data_dir = tempfile::tempdir().unwrap();
    for number in 1.. {
        let folder = case.join(format!("step{number}"));
        if !folder.is_dir() {
            break;
        }
        let expected = std::fs::read_to_string(case.join(format!("step{number}.json"))).unwrap();
        let expected: Json = serde_json::from_str(&expected).unwrap();
        if step(&folder, data_dir.path(), &expected).map_err(|e| format!("step {number}: {e}"))? {
            break;
        }
    }
    Ok(())
}

/// Plans and applies one step. Gives whether the case ends here.
fn step(folder: &Path, data_dir: &Path, expected: &Json) -> Result<bool, String> {
    let settings = settings(folder, data_dir);
    let mut session = Session::open(settings, Access::Write("apply")).map_err(|e| e.to_string())?;
    let (planned, _) = session.plan(Options { refresh: true, ..Options::default() });
    let plan = planned.plan.clone();
    if expected.get("error").is_some() {
        return match plan.errored() {
            true => Ok(true),
            false => Err(format!("planning must fail: {}", expected["error"])),
        };
    }
    if plan.errored() {
        return Err(format!("planning fails: {:?}", plan.diagnostics));
    }
    compare(&plan, expected)?;
    if !has_secrets(&plan) {
        // What is shown without a wish for secrets is what tools compare.
        compare(&cover_plan(plan.clone()), expected).map_err(|e| format!("covered: {e}"))?;
    }
    let outcome = session.apply(planned, Arc::new(Silent), Stop::default(), None).map_err(|e| e.to_string())?;
    match (expected.get("apply_error").is_some(), outcome.succeeded()) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        (true, true) => Err("the apply must fail".to_string()),
        (false, false) => Err(format!("the apply fails: {:?}", outcome.diagnostics)),
    }
}

/// Whether values of resources are secret, and not only outputs declared to be.
fn has_secrets(plan: &Plan) -> bool {
    let secret = |v: &Value| v.all_marks().contains(Marks::SENSITIVE);
    plan.changes.iter().any(|c| secret(&c.before) || secret(&c.after))
}

pub fn compare(plan: &Plan, expected: &Json) -> Result<(), String> {
    let mut changes: Vec<Json> = plan.changes.iter().map(change_json).map(without_ids).collect();
    let key = |c: &Json| (c["address"].as_str().unwrap().to_string(), c["actions"].to_string());
    changes.sort_by_key(key);
    let mut wanted = expected["changes"].as_array().unwrap().clone();
    wanted.sort_by_key(key);
    let addresses = |list: &[Json]| list.iter().map(key).collect::<Vec<_>>();
    if addresses(&changes) != addresses(&wanted) {
        return Err(format!("changes are\n  {:?}\nand should be\n  {:?}", addresses(&changes), addresses(&wanted)));
    }
    for (is, should) in changes.iter().zip(&wanted) {
        if is != should {
            return Err(format!("{} is\n{is:#}\nand should be\n{should:#}", is["address"]));
        }
    }
    let outputs = plan.outputs.iter().map(|o| {
        let change = output_change(o);
        let entry = json!({
            "actions": change["actions"],
            "after": change["after"],
            "after_sensitive": change["after_sensitive"],
            "after_unknown": change["after_unknown"],
        });
        (o.name.to_string(), without_ids(entry))
    });
    let outputs: Json = Json::Object(outputs.collect());
    let empty = json!({});
    let wanted = expected.get("outputs").unwrap_or(&empty);
    if outputs != *wanted {
        return Err(format!("outputs are\n{outputs:#}\nand should be\n{wanted:#}"));
    }
    Ok(())
}

/// Every UUID reads `<id>`.
pub fn without_ids(json: Json) -> Json {
    let uuid = regex::Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
    let text = json.to_string();
    serde_json::from_str(&uuid.replace_all(&text, "<id>")).unwrap()
}
