//! The command as people run it: what it prints, where, and how it exits.

use super::support::cli::Stack;

const SMALL: &str = r#"
variable "size" {
  type    = number
  default = 1
}

resource "terraform_data" "base" {
  input = { size = var.size }
}

resource "terraform_data" "user" {
  count = 2
  input = "${terraform_data.base.output.size}-${count.index}"
}

output "users" {
  value = terraform_data.user[*].output
}

output "secret" {
  value     = "hush"
  sensitive = true
}
"#;

/// One call at a time, so that the lines come in one order.
#[test]
fn a_stack_is_planned_applied_changed_and_destroyed() {
    let stack = Stack::with("main.tf", SMALL);
    let mut told = String::new();
    let mut run = |arguments: &[&str]| told.push_str(&format!("{}\n", stack.terrane(arguments).run().transcript()));
    run(&["plan", "-detailed-exitcode"]);
    run(&["apply", "-auto-approve", "-parallelism=1"]);
    run(&["plan", "-detailed-exitcode"]);
    run(&["output"]);
    run(&["output", "-raw", "secret"]);
    run(&["state", "list"]);
    run(&["state", "show", "terraform_data.user[1]"]);
    run(&["plan", "-var", "size=2"]);
    run(&["apply", "-auto-approve", "-parallelism=1", "-var=size=2", "-target=terraform_data.base"]);
    run(&["destroy", "-auto-approve", "-parallelism=1"]);
    run(&["state", "list"]);
    insta::assert_snapshot!(told);
}

#[test]
fn a_saved_plan_does_what_it_showed_and_goes_stale() {
    let stack = Stack::with("main.tf", SMALL);
    assert_eq!(stack.terrane(["plan", "-out=one.plan"]).run().status, Some(0));
    assert_eq!(stack.terrane(["plan", "-out=two.plan"]).run().status, Some(0));
    let applied = stack.terrane(["apply", "one.plan"]).run();
    assert_eq!(applied.status, Some(0), "{}", applied.stderr);
    assert!(applied.stdout.contains("Apply complete! Resources: 3 added, 0 changed, 0 destroyed."));
    let stale = stack.terrane(["apply", "two.plan"]).run();
    assert_eq!(stale.status, Some(1));
    assert!(stale.stderr.contains("Saved plan is stale"), "{}", stale.stderr);
    let shown = stack.terrane(["show", "-json"]).run();
    let state: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(state["values"]["root_module"]["resources"].as_array().unwrap().len(), 3);
}

#[test]
fn plan_json_has_the_parts_that_tools_read() {
    let stack = Stack::with("main.tf", SMALL);
    assert_eq!(stack.terrane(["plan", "-out=p"]).run().status, Some(0));
    let shown = stack.terrane(["show", "-json", "p"]).run();
    let plan: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(plan["format_version"], "1.2");
    assert_eq!(plan["resource_changes"].as_array().unwrap().len(), 3);
    assert_eq!(plan["output_changes"]["secret"]["after_sensitive"], true);
    assert_eq!(plan["variables"]["size"]["value"], 1);
    let blocks = plan["configuration"]["root_module"]["resources"].as_array().unwrap();
    assert_eq!(blocks.len(), 2);
}

#[test]
fn errors_show_the_line_and_what_to_do() {
    let stack = Stack::with(
        "main.tf",
        "resource \"terraform_data\" \"a\" {\n  inptu = 1\n}\n\noutput \"x\" {\n  value = terraform_data.b.id\n}\n\nlocals {\n  one = local.two\n  two = local.one\n}\n\nresource \"terraform_dat\" \"c\" {}\n",
    );
    let mut told = stack.terrane(["validate"]).run().transcript();
    told.push_str(&stack.terrane(["plan", "-target", "1x"]).run().transcript());
    told.push_str(&stack.terrane(["plan", "nowhere"]).run().transcript());
    insta::assert_snapshot!(told);
}

#[test]
fn a_failed_step_stops_only_what_needs_it() {
    let stack = Stack::with(
        "main.tf",
        r#"
resource "terraform_data" "good" {
  input = 1
}

resource "local_file" "bad" {
  filename = "/proc/nowhere/file"
  content  = terraform_data.good.id
}

resource "terraform_data" "waits" {
  input = local_file.bad.id
}

resource "terraform_data" "free" {
  input = terraform_data.good.id
}
"#,
    );
    let run = stack.terrane(["apply", "-auto-approve"]).run();
    assert_eq!(run.status, Some(1));
    assert!(run.stdout.contains("terraform_data.waits (needs local_file.bad)"), "{}", run.stdout);
    let listed = stack.terrane(["state", "list"]).run();
    assert_eq!(listed.stdout, "terraform_data.free\nterraform_data.good\n");
}
