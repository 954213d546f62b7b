//! Both spellings of the three-tier example on the sandbox: the commands that its README and the guide begin with, from
//! an empty folder to an empty cloud.

use serde_json::Value;

use crate::support::cli::{Run, Stack};

const YAML: &str = "examples/three-tier";
const HCL: &str = "examples/three-tier-hcl";

fn run(stack: &Stack, arguments: &[&str]) -> Run {
    stack.terrane(arguments).env("TERRANE_SANDBOX", "1").run()
}

/// The plan of a fresh copy, as text and as JSON without the moment at which it was made.
fn planned(example: &str) -> (String, Value) {
    let stack = Stack::copy_of(example);
    let plan = run(&stack, &["plan", "-detailed-exitcode", "-out=p"]).expect_status(2);
    let mut json = run(&stack, &["show", "-json", "p"]).success().json();
    json.as_object_mut().unwrap().remove("timestamp");
    (plan.stdout, json)
}

#[test]
fn both_spellings_come_to_the_same_plan() {
    let ((yaml_text, yaml), (hcl_text, hcl)) = (planned(YAML), planned(HCL));
    assert!(yaml_text.contains("Plan: 50 to add, 0 to change, 0 to destroy."), "{yaml_text}");
    assert_eq!(yaml_text, hcl_text);
    assert_eq!(yaml["resource_changes"].as_array().unwrap().len(), 50);
    assert_eq!(yaml["output_changes"].as_object().unwrap().len(), 8);
    for part in ["resource_changes", "output_changes"] {
        assert_eq!(yaml[part], hcl[part], "{part}");
    }
    assert_eq!(yaml, hcl);
}

#[test]
fn the_yaml_example_lives_its_life() {
    lives(YAML);
}

#[test]
fn the_hcl_example_lives_its_life() {
    lives(HCL);
}

fn lives(example: &str) {
    let stack = Stack::copy_of(example);
    let run = |arguments: &[&str]| run(&stack, arguments);
    // As the README of the example says it.
    let applied = stack.terrane(["apply", "-sandbox", "-auto-approve"]).run().success();
    assert!(applied.stdout.contains("Apply complete! Resources: 50 added, 0 changed, 0 destroyed."), "{applied}");
    assert_eq!(applied.stderr, "");
    let again = run(&["plan", "-detailed-exitcode"]).success();
    assert!(again.stdout.starts_with("No changes. Your infrastructure matches the configuration."), "{again}");

    let shown = run(&["show"]).success();
    assert!(shown.stdout.contains("# module.network.aws_vpc.this:\nresource \"aws_vpc\" \"this\" {"), "{shown}");
    let outputs = run(&["output", "-json"]).success().json();
    let endpoint = outputs["cache_endpoint"]["value"].as_str().unwrap();
    assert!(endpoint.ends_with(".euw1.cache.amazonaws.com"), "{endpoint} lies in the region of the stack");
    assert_eq!(outputs["subnet_ids"]["value"]["public"].as_array().unwrap().len(), 2);
    tells_no_secret(&outputs, &[&applied, &again, &shown, &run(&["output"]).success()]);

    let listed = run(&["state", "list"]).success().stdout;
    assert_eq!(listed.lines().count(), 50 + 3);
    let vpc = run(&["state", "show", "module.network.aws_vpc.this"]).success();
    assert!(vpc.stdout.contains("cidr_block"), "{vpc}");
    let id = outputs["vpc_id"]["value"].as_str().unwrap();
    assert!(vpc.stdout.contains(&format!("\"{id}\"")), "{vpc}");
    let graph = run(&["graph"]).success().stdout;
    assert!(graph.starts_with("digraph") && graph.contains("module.network.aws_vpc.this"), "{graph}");

    let destroyed = run(&["destroy", "-auto-approve"]).success();
    assert!(destroyed.stdout.contains("Destroy complete! Resources: 50 destroyed."), "{destroyed}");
    assert_eq!(run(&["state", "list"]).success().stdout, "");
    // What is planned anew finds nothing in its way: the cloud is as empty as the state.
    let applied = run(&["apply", "-auto-approve"]).success();
    assert!(applied.stdout.contains("Apply complete! Resources: 50 added, 0 changed, 0 destroyed."), "{applied}");
}

/// The password of the database is in the output that is asked for, and nowhere else.
fn tells_no_secret(outputs: &Value, runs: &[&Run]) {
    let url = outputs["database_url"]["value"].as_str().unwrap();
    let secret = url.split([':', '@']).nth(2).filter(|secret| secret.len() > 8).unwrap();
    for run in runs {
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "the password shows: {run}");
    }
}
