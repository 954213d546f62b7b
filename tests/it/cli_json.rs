//! What programs read and set: line streams, schemas, signatures, the environment, the log.

use super::support::cli::{Run, Stack};
use super::support::normalise::Normaliser;

const CHANGING: &str = r#"
variable "size" {
  default = 1
}

resource "terraform_data" "base" {
  input            = var.size
  triggers_replace = var.size
}

output "base" {
  value = terraform_data.base.output
}

output "secret" {
  value     = "hush"
  sensitive = true
}
"#;

#[test]
fn line_streams_tell_plans_and_applies_to_programs() {
    let stack = Stack::with("main.tf", CHANGING);
    let mut normaliser = Normaliser::new();
    let mut told = String::new();
    let mut run = |arguments: &[&str]| {
        let run = stack.terrane(arguments).run();
        assert_eq!(run.json_lines()[0]["type"], "version");
        told.push_str(&run.transcript_with(&mut normaliser));
    };
    run(&["plan", "-json", "-detailed-exitcode"]);
    run(&["apply", "-json"]);
    run(&["apply", "-json", "-auto-approve"]);
    run(&["apply", "-json", "-auto-approve", "-parallelism=1", "-var=size=2"]);
    run(&["refresh", "-json", "-var=size=2"]);
    run(&["plan", "-json", "-var-file=missing.tfvars"]);
    run(&["destroy", "-json", "-auto-approve"]);
    assert!(!told.contains("hush"));
    insta::assert_snapshot!(told);
}

#[test]
fn a_stream_into_a_file_leaves_the_text_where_it_is() {
    let stack = Stack::with("main.tf", CHANGING);
    let text = stack.terrane(["plan"]).run().success().stdout;
    let run = stack.terrane(["plan", "-json-into=lines.json"]).run().success();
    assert_eq!(run.stdout, text);
    let lines = stack.read("lines.json");
    let kinds: Vec<String> = lines.lines().map(kind).collect();
    assert_eq!(kinds, ["version", "planned_change", "change_summary", "outputs"]);
    let refused = stack.terrane(["plan", "-json-into=no/where.json"]).run().expect_status(1);
    assert!(refused.stderr.contains("cannot write the JSON lines to \"no/where.json\""), "{refused}");
}

fn kind(line: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["type"].as_str().unwrap().to_string()
}

#[test]
fn a_saved_plan_is_applied_as_a_stream_without_approval() {
    let stack = Stack::with("main.tf", CHANGING);
    stack.terrane(["plan", "-out=p"]).env("TF_IN_AUTOMATION", "1").run().success();
    let lines = stack.terrane(["apply", "-json", "p"]).run().success().json_lines();
    let kinds: Vec<&str> = lines.iter().filter_map(|l| l["type"].as_str()).collect();
    assert_eq!(kinds, ["version", "apply_start", "apply_complete", "change_summary", "outputs"]);
}

#[test]
fn schemas_signatures_and_versions_are_there_for_programs() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {}\nmodule \"m\" {\n  source = \"./m\"\n}\n");
    stack.write("m/main.tf", "resource \"random_pet\" \"b\" {}\n");
    let schemas = stack.terrane(["providers", "schema", "-json"]).run().success().json();
    assert_eq!(schemas["format_version"], "1.0");
    let data = &schemas["provider_schemas"]["terraform.io/builtin/terraform"]["resource_schemas"]["terraform_data"];
    assert_eq!(data["block"]["attributes"]["input"]["type"], "dynamic");
    assert_eq!(data["block"]["attributes"]["id"]["computed"], true);
    assert!(schemas["provider_schemas"]["registry.terraform.io/hashicorp/random"].is_object());
    assert_eq!(schemas["provider_schemas"].as_object().unwrap().len(), 2);

    let all = stack.terrane(["providers", "schema", "-json", "-all"]).run().success().json();
    let of = |name: &str| &all["provider_schemas"][name];
    let builtin = &of("terraform.io/builtin/terraform")["functions"];
    assert_eq!(builtin["encode_expr"]["parameters"][0]["name"], "value");
    let of = |name: &str| of(&format!("registry.terraform.io/hashicorp/{name}"));
    assert_eq!(of("local")["functions"]["direxists"]["return_type"], "bool");
    let password = &of("random")["ephemeral_resource_schemas"]["random_password"];
    assert_eq!(password["block"]["attributes"]["result"]["computed"], true);
    assert!(of("random")["functions"].is_null() && of("local")["ephemeral_resource_schemas"].is_null());
    if cfg!(feature = "aws") {
        let parse = &of("aws")["functions"]["arn_parse"];
        assert_eq!(parse["parameters"][0]["type"], "string");
        assert_eq!(parse["return_type"][0], "object");
    }

    let functions = stack.terrane(["metadata", "functions", "-json"]).run().success().json();
    let join = &functions["function_signatures"]["core::join"];
    assert_eq!(join, &functions["function_signatures"]["join"]);
    assert_eq!((&join["return_type"], &join["parameters"][0]["type"]), (&"string".into(), &"string".into()));
    assert_eq!(join["variadic_parameter"]["type"], serde_json::json!(["list", "string"]));

    let version = stack.terrane(["version", "-json"]).run().success().json();
    assert_eq!(version["terrane_version"], env!("CARGO_PKG_VERSION"));
    let tree = stack.terrane(["providers"]).run().success().stdout;
    insta::assert_snapshot!(tree, @r"

    Providers required by configuration:
    .
    ├── provider[terraform.io/builtin/terraform]
    └── module.m
        └── provider[registry.terraform.io/hashicorp/random]
    ");
}

#[test]
fn validate_json_has_the_established_form() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {\n  inptu = 1\n}\n");
    let run = stack.terrane(["validate", "-json"]).run().expect_status(1);
    insta::assert_snapshot!(run.transcript(), @r#"
    $ terrane validate -json
    status: 1
    --- stdout ---
    {
      "diagnostics": [
        {
          "detail": "terraform_data has no argument of this name\n\ndid you mean \"input\"?",
          "range": {
            "end": {
              "byte": 39,
              "column": 8,
              "line": 2
            },
            "filename": "main.tf",
            "start": {
              "byte": 34,
              "column": 3,
              "line": 2
            }
          },
          "severity": "error",
          "snippet": {
            "code": "  inptu = 1",
            "context": "resource \"terraform_data\" \"a\"",
            "highlight_end_offset": 7,
            "highlight_start_offset": 2,
            "start_line": 2,
            "values": []
          },
          "summary": "unknown argument \"inptu\""
        }
      ],
      "error_count": 1,
      "format_version": "1.0",
      "valid": false,
      "warning_count": 0
    }
    "#);
}

#[test]
fn the_environment_gives_arguments_and_folders() {
    let stack = Stack::with("main.tf", CHANGING);
    let plan = |run: Run| run.stdout.contains("Plan: 1 to add");
    let run = stack.terrane(["plan", "-no-color"]).env("TF_CLI_ARGS", "-no-color").env("TF_CLI_ARGS_plan", "-json");
    assert!(run.run().stdout.starts_with('{'));
    let data = stack.home().join("data");
    stack.terrane(["apply", "-auto-approve"]).env("TF_DATA_DIR", &data).env("TF_WORKSPACE", "blue").run().success();
    assert!(data.exists() && !stack.has(".terrane"));
    assert!(plan(stack.terrane(["plan"]).env("TF_DATA_DIR", &data).run()));
    assert!(!plan(stack.terrane(["plan"]).env("TF_DATA_DIR", &data).env("TERRANE_WORKSPACE", "blue").run()));
}

#[test]
fn warnings_can_be_compact() {
    let stack = Stack::with("main.tf", CHANGING);
    stack.write("a.tfvars", "one = 1\ntwo = 2\n");
    let run = stack.terrane(["plan", "-var-file=a.tfvars", "-compact-warnings"]).run().success();
    insta::assert_snapshot!(run.stderr, @r#"
    Warnings:
    - there is no variable "one"
    - there is no variable "two"
    help: run without -compact-warnings to see them in full
    "#);
}

/// Everything is logged where that is asked for, but no secret, wherever it came from.
#[test]
fn the_log_is_written_when_asked_for_and_holds_no_secret() {
    let text = r#"
variable "token" {
  sensitive = true
}

resource "terraform_data" "a" {
  input = var.token
}

resource "local_sensitive_file" "b" {
  filename = "secret.txt"
  content  = var.token
}

resource "local_file" "c" {
  filename = "/proc/nowhere/file"
  content  = var.token
}
"#;
    let stack = Stack::with("main.tf", text);
    let quiet = stack.terrane(["plan", "-var=token=hush-1"]).run().success();
    assert_eq!(quiet.stderr, "");
    let apply = ["apply", "-auto-approve", "-var=token=hush-1"];
    let run = stack.terrane(apply).env("TF_LOG", "json").env("TERRANE_LOG_PATH", "run.log").run().expect_status(1);
    let log = stack.read("run.log");
    assert!(log.lines().all(|l| serde_json::from_str::<serde_json::Value>(l).is_ok()), "{log}");
    assert!(log.contains("step begins") && log.contains("terraform_data.a"), "{log}");
    assert!(!format!("{run}{log}").replace("-var=token=hush-1", "").contains("hush"), "{run}{log}");
    let odd = stack.terrane(["version"]).env("TERRANE_LOG", "debig").run().success();
    assert!(odd.stderr.contains("did you mean \"debug\"?") && odd.stderr.contains("begins"), "{odd}");
}
