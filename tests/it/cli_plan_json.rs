//! `show -json` of a saved plan as tools get it, and the conditions around it.

use serde_json::{Value, json};

use super::support::cli::Stack;
use super::support::normalise::Normaliser;

const BEFORE: &str = r#"
variable "token" {
  sensitive = true

  validation {
    condition     = length(var.token) > 3
    error_message = "too short"
  }
}

resource "terraform_data" "old" {
  input = var.token
}

resource "terraform_data" "replaced" {
  input            = 1
  triggers_replace = 1
}

resource "terraform_data" "counted" {
  count = 3
  input = "${terraform_data.replaced.output}-${count.index}"
}

resource "local_file" "gone" {
  filename = "gone.txt"
  content  = "x"
}

module "m" {
  source = "./m"
  x      = terraform_data.replaced.id
}

data "local_file" "here" {
  filename = "here.txt"
}

output "here" {
  value = data.local_file.here.content
}
"#;

const AFTER: &str = r#"
moved {
  from = terraform_data.old
  to   = terraform_data.kept
}

resource "terraform_data" "kept" {
  input = var.token
}

output "token" {
  value     = terraform_data.kept.output
  sensitive = true

  precondition {
    condition     = length(terraform_data.counted) == 2
    error_message = "not two"
  }
}

check "later" {
  assert {
    condition     = terraform_data.replaced.output == 1
    error_message = "it is ${terraform_data.replaced.output}"
  }
}
"#;

/// The stack with everything that a plan can say of objects: one is gone outside, one moves, one is replaced, one is
/// tainted, one is counted away, others stand in a module or are sensitive.
fn changing() -> Stack {
    let stack = Stack::with("main.tf", BEFORE);
    stack.write("here.txt", "here");
    stack.write("m/main.tf", "variable \"x\" {}\n\nresource \"terraform_data\" \"in\" {\n  input = var.x\n}\n");
    stack.terrane(["apply", "-auto-approve", "-var=token=hush"]).run().success();
    stack.terrane(["taint", "terraform_data.counted[1]"]).run().success();
    std::fs::remove_file(stack.dir().join("gone.txt")).unwrap();
    let old = "resource \"terraform_data\" \"old\" {\n  input = var.token\n}\n";
    let text = BEFORE.replace(old, "").replace("count = 3", "count = 2");
    let text =
        text.replace("input            = 1\n  triggers_replace = 1", "input            = 2\n  triggers_replace = 2");
    stack.write("main.tf", &(text + AFTER));
    stack
}

#[test]
fn a_saved_plan_says_everything_that_tools_ask_of_it() {
    let stack = changing();
    stack.terrane(["plan", "-var=token=hush", "-out=p"]).run().success();
    let mut plan = stack.terrane(["show", "-json", "p"]).run().success().json();
    // The configuration's form has tests of its own.
    plan["configuration"] = json!(null);
    let text = serde_json::to_string_pretty(&plan).unwrap();
    insta::assert_snapshot!(Normaliser::new().text(&text));
}

fn found<'j>(list: &'j Value, address: &str) -> Vec<&'j Value> {
    let all = list.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|entry| entry["address"] == address).collect()
}

#[test]
fn the_reason_of_each_action_is_told() {
    let stack = changing();
    stack.terrane(["plan", "-var=token=hush", "-replace=module.m.terraform_data.in", "-out=p"]).run().success();
    let plan = stack.terrane(["show", "-json", "p"]).run().success().json();
    let reason = |address: &str| found(&plan["resource_changes"], address)[0]["action_reason"].clone();
    assert_eq!(reason("terraform_data.replaced"), "replace_because_cannot_update");
    assert_eq!(reason("terraform_data.counted[1]"), "replace_because_tainted");
    assert_eq!(reason("terraform_data.counted[2]"), "delete_because_count_index");
    assert_eq!(reason("module.m.terraform_data.in"), "replace_by_request");
}

#[test]
fn attributes_that_changes_come_from_are_named() {
    let text = r#"
resource "terraform_data" "base" {
  input            = var.n
  triggers_replace = var.n
}

resource "terraform_data" "two" {
  count = 2
  input = "x"
}

variable "n" {}

locals {
  used   = terraform_data.two[0].output
  unused = terraform_data.two[1].output
}

module "m" {
  source = "./m"
  x      = { a = terraform_data.base.output, b = local.used }
}

resource "terraform_data" "same" {
  input = terraform_data.two[1].id
}

output "all" {
  value = [module.m.y, terraform_data.two[*].id, terraform_data.base.id]
}
"#;
    let stack = Stack::with("main.tf", text);
    stack.write("m/main.tf", "variable \"x\" {}\nresource \"terraform_data\" \"in\" {\n  input = var.x.a\n}\noutput \"y\" {\n  value = terraform_data.in.output\n}\n");
    stack.terrane(["apply", "-auto-approve", "-var=n=1"]).run().success();
    stack.terrane(["plan", "-var=n=2", "-out=p"]).run().success();
    let plan = stack.terrane(["show", "-json", "p"]).run().success().json();
    let expected = json!([
        {"resource": "module.m.terraform_data.in", "attribute": ["output"]},
        {"resource": "terraform_data.base", "attribute": ["id"]},
        {"resource": "terraform_data.base", "attribute": ["output"]},
        {"resource": "terraform_data.two", "attribute": []},
        {"resource": "terraform_data.two[0]", "attribute": ["output"]},
    ]);
    assert_eq!(plan["relevant_attributes"], expected);
}

#[test]
fn objects_without_a_place_say_where_they_were_to_be() {
    let text = "resource \"terraform_data\" \"NAME\" {\n  for_each = toset([\"x\"])\n  input = 1\n}\n";
    let before = ["a", "b", "c"].map(|name| text.replace("NAME", name)).concat();
    let stack = Stack::with("main.tf", &before);
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let moved = |from: &str, to: &str| format!("moved {{\n  from = terraform_data.{from}\n  to = {to}\n}}\n");
    let after = [
        moved("a", "terraform_data.nowhere"),
        moved("b", "terraform_data.z"),
        text.replace("NAME", "z").replace("\"x\"", "\"y\""),
    ];
    stack.write("main.tf", &after.concat());
    stack.terrane(["plan", "-out=p"]).run().success();
    let plan = stack.terrane(["show", "-json", "p"]).run().success().json();
    let told = |address: &str| {
        let change = found(&plan["resource_changes"], address)[0];
        assert_eq!(change["change"]["actions"], json!(["delete"]));
        (change["action_reason"].clone(), change["previous_address"].clone())
    };
    let of = |reason: &str, before: Value| (json!(reason), before);
    let nowhere = of("delete_because_no_move_target", json!("terraform_data.a[\"x\"]"));
    assert_eq!(told("terraform_data.nowhere[\"x\"]"), nowhere);
    assert_eq!(told("terraform_data.z[\"x\"]"), of("delete_because_each_key", json!("terraform_data.b[\"x\"]")));
    assert_eq!(told("terraform_data.c[\"x\"]"), of("delete_because_no_resource_config", Value::Null));
}

#[test]
fn a_check_that_was_not_known_is_judged_when_the_apply_ends() {
    let text = r#"
resource "terraform_data" "a" {
  input = 1
}

locals {
  n = terraform_data.a.output
}

check "small" {
  assert {
    condition     = local.n > 1
    error_message = "it is ${local.n}"
  }
}

check "fine" {
  assert {
    condition     = terraform_data.a.output == 1
    error_message = "never"
  }
}
"#;
    let stack = Stack::with("main.tf", text);
    let planned = stack.terrane(["plan", "-out=p"]).run().success();
    assert_eq!(planned.stderr, "");
    let plan = stack.terrane(["show", "-json", "p"]).run().success().json();
    let statuses: Vec<&Value> = plan["checks"].as_array().unwrap().iter().map(|c| &c["status"]).collect();
    assert_eq!(statuses, ["unknown", "unknown"]);
    let applied = stack.terrane(["apply", "p"]).run().success();
    assert!(applied.said().contains("Warning: check \"small\" failed"), "{applied}");
    assert!(applied.said().contains("it is 1") && !applied.said().contains("fine"), "{applied}");
    assert!(applied.stdout.contains("Apply complete! Resources: 1 added"), "{applied}");
}

const SECRETS: &str = r#"
variable "token" {
  type      = string
  sensitive = true
  default   = "canary-by-default"
}

resource "terraform_data" "a" {
  input            = "open"
  triggers_replace = { open = 1, hidden = var.token }
}

output "secret" {
  value     = "<${var.token}>"
  sensitive = true
}

output "declared" {
  value     = terraform_data.a.input
  sensitive = true
}
"#;

/// The JSON is kept and uploaded by jobs: it says where secrets are, and not what they are.
#[test]
fn secrets_are_covered_in_json_unless_asked_for() {
    let stack = Stack::with("main.tf", SECRETS);
    let plan = |token: &str| {
        stack.terrane(["plan", &format!("-var=token={token}"), "-out=p"]).run().success();
        let covered = stack.terrane(["show", "-json", "p"]).run().success();
        assert!(!covered.stdout.contains("canary"), "{covered}");
        let open = stack.terrane(["show", "-json", "-show-sensitive", "p"]).run().success();
        assert!(open.stdout.contains("canary-by-default") && open.stdout.contains(token), "{open}");
        covered.json()
    };
    let first = plan("canary-one");
    let change = &first["resource_changes"][0]["change"];
    assert_eq!(change["after"]["triggers_replace"], json!({"open": 1, "hidden": "(sensitive value)"}));
    assert_eq!(change["after_sensitive"]["triggers_replace"], json!({"hidden": true}));
    assert_eq!(first["output_changes"]["secret"]["after"], json!("(sensitive value)"));
    assert_eq!(first["output_changes"]["declared"]["after"], json!("open"));
    assert_eq!(first["configuration"]["root_module"]["variables"]["token"]["default"], json!("(sensitive value)"));
    stack.terrane(["apply", "p"]).run().success();

    let second = plan("canary-two");
    assert_eq!(second["output_changes"]["secret"]["before"], json!("(sensitive value)"));
    assert_eq!(second["output_changes"]["declared"]["before"], json!("open"));
    assert_eq!(second["variables"]["token"]["value"], json!("(sensitive value)"));

    let state = stack.terrane(["show", "-json"]).run().success();
    assert!(!state.stdout.contains("canary"), "{state}");
    let state = state.json();
    assert_eq!(state["values"]["outputs"]["secret"]["value"], json!("(sensitive value)"));
    assert_eq!(state["values"]["outputs"]["declared"]["value"], json!("open"));
    let open = stack.terrane(["show", "-json", "-show-sensitive"]).run().success();
    assert!(open.stdout.contains("<canary-one>"), "{open}");
    stack.terrane(["show", "-show-sensitive"]).run().expect_status(1);
}
