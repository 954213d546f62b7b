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

#[test]
fn a_saved_plan_is_shown_as_it_was_made_whatever_became_of_the_state() {
    let stack = Stack::with("main.tf", SMALL);
    stack.terrane(["apply", "-auto-approve"]).run().success();
    stack.terrane(["plan", "-var=size=2", "-out=p"]).run().success();
    let shown = |stack: &Stack, arguments: &[&str]| stack.terrane(arguments).run().success().stdout;
    let (text, json) = (shown(&stack, &["show", "p"]), shown(&stack, &["show", "-json", "p"]));
    assert!(text.contains("Plan: 0 to add, 3 to change, 0 to destroy.") && !text.contains("hush"), "{text}");
    stack.terrane(["apply", "p"]).run().success();
    assert_eq!((shown(&stack, &["show", "p"]), shown(&stack, &["show", "-json", "p"])), (text, json.clone()));
    // Neither the configuration nor the state is needed.
    let other = Stack::new();
    std::fs::create_dir(other.dir().join("sub")).unwrap();
    std::fs::copy(stack.dir().join("p"), other.dir().join("sub/p")).unwrap();
    assert_eq!(shown(&other, &["-chdir=sub", "show", "-json", "p"]), json);
}

#[test]
fn what_says_what_to_plan_does_not_go_with_a_saved_plan() {
    let stack = Stack::with("main.tf", SMALL);
    stack.terrane(["plan", "-out=p"]).run().success();
    for flag in [
        "-destroy",
        "-refresh-only",
        "-refresh=false",
        "-target=terraform_data.base",
        "-exclude=terraform_data.base",
        "-replace=terraform_data.base",
        "-allow-deferral=false",
    ] {
        let run = stack.terrane(["apply", flag, "p"]).run().expect_status(1);
        assert!(run.stderr.contains("does not go with a saved plan"), "{run}");
    }
    let run = stack.terrane(["apply", "-var=size=2", "p"]).run().expect_status(1);
    assert!(run.stderr.contains("made with another value of \"size\""), "{run}");
    for command in [&["destroy", "-auto-approve", "p"][..], &["refresh", "p"]] {
        let run = stack.terrane(command).run().expect_status(1);
        assert!(run.stderr.contains("\"p\" is a saved plan, and no folder"), "{run}");
    }
    assert_eq!(stack.terrane(["state", "list"]).run().stdout, "");
    stack.terrane(["apply", "-var=size=1", "p"]).run().success();
    let run = stack.terrane(["destroy", "-auto-approve", "-refresh-only"]).run();
    assert_ne!(run.status, Some(0), "{run}");
    assert_eq!(stack.terrane(["state", "list"]).run().stdout.lines().count(), 3);
}

#[test]
fn a_plan_file_is_its_owners_alone_and_takes_no_other_file_along() {
    use std::os::unix::fs::PermissionsExt;
    let stack = Stack::with("main.tf", SMALL);
    stack.write("change.partial", "mine\n");
    stack.write("change.plan", "old\n");
    let path = stack.dir().join("change.plan");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    stack.terrane(["plan", "-out=change.plan"]).run().success();
    assert_eq!(stack.read("change.partial"), "mine\n");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
