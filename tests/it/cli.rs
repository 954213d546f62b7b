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
    assert!(run.stdout.contains("Not done: 1 failed, 1 skipped.\n  local_file.bad failed: not created: "), "{run}");
    assert!(run.stdout.contains("\n  terraform_data.waits (needs local_file.bad)\n"), "{run}");
    let listed = stack.terrane(["state", "list"]).run();
    assert_eq!(listed.stdout, "terraform_data.free\nterraform_data.good\n");

    let lines = stack.terrane(["apply", "-auto-approve", "-json"]).run().expect_status(1).json_lines();
    let of = |kind: &str| lines.iter().filter(|l| l["type"] == kind).collect::<Vec<_>>();
    let [failed, skipped] = of("apply_unfinished")[..] else { panic!("{lines:#?}") };
    assert_eq!(failed["unfinished"]["outcome"], "failed");
    assert_eq!(failed["unfinished"]["resource"]["addr"], "local_file.bad");
    assert!(failed["unfinished"]["cause"].as_str().is_some_and(|c| c.starts_with("not created: ")), "{failed}");
    assert_eq!(skipped["unfinished"]["outcome"], "skipped");
    assert_eq!(skipped["unfinished"]["needs"]["addr"], "local_file.bad");
    let end = of("apply_incomplete")[0];
    assert_eq!(end["@message"], "Apply did not complete. Resources: 0 added, 0 changed, 0 destroyed.");
    assert_eq!((&end["incomplete"]["failed"], &end["incomplete"]["skipped"]), (&1.into(), &1.into()));
    assert!(of("change_summary").iter().all(|l| l["changes"]["operation"] == "plan"));
}

/// A value that can't be computed once its parts are known is no object, and still the cause.
#[test]
fn what_needs_a_value_that_failed_is_told_so() {
    let text = r#"
resource "terraform_data" "n" {
  input = 0
}

locals {
  part = tonumber(substr(terraform_data.n.id, 0, 0))
}

resource "terraform_data" "waits" {
  input = local.part
}
"#;
    let stack = Stack::with("main.tf", text);
    let run = stack.terrane(["apply", "-auto-approve"]).run().expect_status(1);
    assert!(run.stdout.contains("Not done: 1 "), "{run}");
    let told = run.stdout.lines().find(|l| l.starts_with("  terraform_data.waits ")).unwrap_or_default();
    assert!(told.contains("tonumber"), "{run}");
}

#[test]
fn every_command_takes_no_color_and_those_that_call_take_parallelism() {
    let stack = Stack::with("main.tf", SMALL);
    stack.terrane(["version", "-no-color"]).run().success();
    stack.terrane(["metadata", "functions", "-json", "-no-color"]).run().success();
    let unlock = stack.terrane(["force-unlock", "-no-color", "-force", "x"]).run().expect_status(1);
    assert!(!unlock.stderr.contains("no-color"), "{unlock}");
    stack.terrane(["plan", "-parallelism=3"]).env("TF_CLI_ARGS", "-no-color").run().success();
    // As elsewhere, 0 stands for the usual.
    for command in [&["apply", "-auto-approve"][..], &["plan"], &["refresh"], &["destroy", "-auto-approve"]] {
        stack.terrane(command.iter().chain(&["-parallelism=0"])).run().success();
        for wrong in ["-1", "x", "1.5", ""] {
            let refused = stack.terrane(command.iter().copied().chain([&*format!("-parallelism={wrong}")])).run();
            assert!(refused.status == Some(1) && refused.said().contains("-parallelism"), "{refused}");
        }
    }
}

#[test]
fn faults_that_would_strike_nothing_are_told() {
    let stack = Stack::with("main.tf", SMALL);
    let plan = |faults: &str, more: &[&str]| {
        stack.terrane(["plan"].iter().chain(more)).env("TERRANE_SANDBOX_FAULTS", faults).run()
    };
    let faults = "latency *:create=1ms";
    let warned = plan(faults, &[]).success();
    assert!(warned.said().contains("Warning: TERRANE_SANDBOX_FAULTS has no effect"), "{warned}");
    assert_eq!(plan(faults, &["-sandbox"]).success().stderr, "");
    plan("", &["-out=p"]).success();
    let carried_out = stack.terrane(["apply", "p"]).env("TERRANE_SANDBOX_FAULTS", faults).run().success();
    assert!(carried_out.said().contains("Warning: TERRANE_SANDBOX_FAULTS has no effect"), "{carried_out}");
    for more in [&[][..], &["-sandbox"]] {
        let refused = plan("nonsense", more).expect_status(1);
        assert!(refused.stderr.contains("nonsense"), "{refused}");
    }
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
