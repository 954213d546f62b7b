//! Bad input through the command: each is told with its file, line and next step, and nothing is lost.

use super::support::cli::{Run, Stack};
use super::support::normalise::Normaliser;

/// Runs commands one by one and keeps what they said.
struct Told<'s> {
    stack: &'s Stack,
    normaliser: Normaliser,
    text: String,
}

impl<'s> Told<'s> {
    fn by(stack: &'s Stack) -> Told<'s> {
        Told { stack, normaliser: Normaliser::new(), text: String::new() }
    }

    fn run(&mut self, arguments: &[&str]) -> Run {
        let run = self.stack.terrane(arguments).run();
        self.text.push_str(&run.transcript_with(&mut self.normaliser));
        self.text.push('\n');
        run
    }
}

#[test]
fn everything_wrong_with_a_configuration_is_told_at_once_and_in_order() {
    let text = r#"
variable "n" { type = number }
variable "n" { type = string }

resource "terraform_dta" "a" {}

resource "terraform_data" "b" {
  inpt = 1
}

resource "terraform_data" "b" { input = 1 }

resource "random_integer" "i" { min = "abc" }

resource "random_integer" "j" {
  min     = 1
  max     = terraform_data.nope.id
  keepers = local.kepers
}

locals { keepers = {} }

output "o" { value = module.x.y }
output "p" {}
output "f" { value = uper("x") }
output "s" { value = terraform_data.b.idd }

module "m" { source = "./nowhere" }
data "local_fil" "f" { filename = "x" }

resource "local_file" "f" {
  filename = "x"
  nonsense { a = 1 }
}

resource "terraform_data" "c1" { input = terraform_data.c2.id }
resource "terraform_data" "c2" { input = terraform_data.c3.id }
resource "terraform_data" "c3" { input = terraform_data.c1.id }
"#;
    let stack = Stack::with("main.tf", text);
    let mut told = Told::by(&stack);
    let first = told.run(&["validate"]);
    let again = stack.terrane(["validate"]).run();
    assert_eq!(first.stderr, again.stderr);
    stack.write("main.tf", "output \"a\" {\n  value = length(1)\n}\noutput \"b\" {\n  value = 1 + \"a\"\n}\n");
    told.run(&["plan"]);
    stack.write("main.tf", "output \"i\" {\n  value = var.n[\n}\n");
    told.run(&["plan"]);
    insta::assert_snapshot!(told.text);
}

#[test]
fn what_is_wrong_whatever_the_variables_are_is_found_without_a_plan() {
    let stack = Stack::new();
    let refused = |stack: &Stack, text: &str, place: &str| {
        stack.write("main.tf", text);
        let run = stack.terrane(["validate"]).run().expect_status(1);
        assert!(run.stderr.contains(place), "{text}: {run}");
    };
    refused(&stack, "output \"a\" {\n  value = length(1)\n}\n", "main.tf:2:18");
    refused(&stack, "locals {\n  a = 1 + \"a\"\n}\n", "main.tf:2:11");
    refused(&stack, "output \"a\" {\n  value = upper([])\n}\n", "main.tf:2:17");
    let object = "variable \"x\" { type = object({ a = string }) }\noutput \"a\" { value = var.x.b }\n";
    refused(&stack, object, "main.tf:2:");
    refused(
        &stack,
        "resource \"terraform_data\" \"a\" {}\noutput \"a\" { value = terraform_data.a.id.x }\n",
        "main.tf:2:",
    );
    stack.write("m/main.tf", "variable \"n\" { type = number }\noutput \"n\" { value = var.n }\n");
    refused(&stack, "module \"m\" {\n  source = \"./m\"\n  n      = [1]\n}\n", "main.tf:3:");
    refused(
        &stack,
        "module \"m\" {\n  source = \"./m\"\n  n      = 1\n}\nlocals {\n  a = module.m.n.x\n}\n",
        "main.tf:6:",
    );
    // What is not known may be right.
    stack.write(
        "main.tf",
        "variable \"x\" {}
variable \"s\" { sensitive = true }
resource \"terraform_data\" \"a\" {
  for_each = var.x
  input    = [each.key, each.value.name, var.s]
  lifecycle {
    postcondition {
      condition     = self.output[0] == each.key
      error_message = \"not ${self.id}\"
    }
  }
}
module \"m\" {
  source = \"./m\"
  count  = length(terraform_data.a)
  n      = count.index
}
locals { b = local.a + 1 }
locals { a = length(var.x) }
output \"o\" { value = [terraform_data.a[\"k\"].output.x, module.m[0].n + 1, module.m[*].n, local.b, file(\"m/main.tf\")] }
",
    );
    stack.terrane(["validate", "-no-tests", "-test-directory=t"]).run().success();
}

#[test]
fn files_that_are_no_configuration_are_named_with_the_line() {
    let stack = Stack::new();
    let mut told = Told::by(&stack);
    told.run(&["validate"]);
    for text in ["- a\n- b\n", "just text\n", "a: 1\n- b\n", "resource: [\n"] {
        stack.write("stack.yaml", text);
        told.run(&["validate"]);
    }
    std::fs::remove_file(stack.dir().join("stack.yaml")).unwrap();
    std::fs::write(stack.dir().join("main.tf"), b"output \"a\" {\n  value = \"\xff\"\n}\n").unwrap();
    told.run(&["validate"]);
    std::fs::remove_file(stack.dir().join("main.tf")).unwrap();
    std::os::unix::fs::symlink("nowhere", stack.dir().join("main.tf")).unwrap();
    told.run(&["validate"]);
    insta::assert_snapshot!(told.text);
}

#[test]
fn ten_megabytes_are_read_and_one_mistake_in_them_is_found() {
    let stack = Stack::new();
    let line = format!("# {}\n", "x".repeat(1000));
    let text = line.repeat(10_000) + "output \"a\" {\n  value = local.missing\n}\n";
    assert!(text.len() > 10_000_000);
    stack.write("main.tf", &text);
    let run = stack.terrane(["validate"]).run().expect_status(1);
    assert!(run.stderr.contains("main.tf:10002:17") && run.stderr.len() < 1000, "{run}");
    stack.write("main.tf", &format!("locals {{\n  a = {}\n}}\n", "[".repeat(10_000_000)));
    let run = stack.terrane(["validate"]).run().expect_status(1);
    assert!(run.stderr.contains("main.tf:2:") && run.stderr.len() < 1000, "{run}");
}

#[test]
fn one_mistake_among_twenty_thousand_keys_is_found_in_every_notation() {
    let long = "v".repeat(500);
    let keys = |entry: &dyn Fn(usize) -> String| (0..20_000).map(entry).collect::<String>();
    let hcl = keys(&|n| format!("  key{n} = \"{long}\"\n"));
    let yaml = keys(&|n| format!("    key{n}: {long}\n"));
    let json = keys(&|n| format!("\"key{n}\": \"{long}\",\n"));
    let variable = "variable \"v\" {\n  type = map(string)\n}\noutput \"n\" {\n  value = length(var.v)\n}\n";
    let yaml_head = "output:\n  n: {value: \"${length(local.v)}\"}\nlocals:\n  v:\n";
    let json_head = "{\"output\": {\"n\": {\"value\": \"${length(local.v)}\"}}, \"locals\": {\"v\": {\n";
    for (file, right, wrong, place) in [
        ("a.tfvars", format!("v = {{\n{hcl}}}\n"), format!("v = {{\n{hcl}  x = = 3\n{hcl}}}\n"), "a.tfvars:20002:7"),
        (
            "main.tf",
            String::new(),
            format!("locals {{\n  a = {{\n{hcl}  x = \"open\n{hcl}  }}\n}}\n"),
            "main.tf:20003:7",
        ),
        (
            "a.tfvars.json",
            format!("{{\"v\": {{{json} \"z\": \"\"}}}}"),
            format!("{{\"v\": {{{json}: 1\n{json}"),
            "a.tfvars.json:20001:1",
        ),
        (
            "stack.yaml",
            format!("{yaml_head}{yaml}    z: last\n"),
            format!("{yaml_head}{yaml}    'x\n"),
            "stack.yaml:20005:5",
        ),
        (
            "main.tf.json",
            format!("{json_head}{json}\"z\": 1}}}}}}"),
            format!("{json_head}{json}: 1}}}}}}"),
            "main.tf.json:20002:1",
        ),
    ] {
        let is_values = file.starts_with("a.");
        let stack = if is_values { Stack::with("main.tf", variable) } else { Stack::new() };
        let given = format!("-var-file={file}");
        let plan = if is_values { vec!["plan", &given] } else { vec!["plan"] };
        if !right.is_empty() {
            stack.write(file, &right);
            let run = stack.terrane(&plan).run().success();
            assert!(run.stdout.contains("n = 2000"), "{file}: {run}");
        }
        stack.write(file, &wrong);
        let run = stack.terrane(&plan).run().expect_status(1);
        assert!(run.stderr.contains(place) && run.stderr.len() < 1500, "{file}: {run}");
    }
}

#[test]
fn values_of_variables_are_refused_with_where_they_come_from() {
    let text = "variable \"n\" {\n  type = number\n}\n\nvariable \"key\" {\n  type      = number\n  default   = 1\n  sensitive = true\n}\n";
    let stack = Stack::with("main.tf", text);
    stack.write("broken.tfvars", "n = \n");
    stack.write("text.tfvars", "# the number\nn = \"many\"\nm = 1\n");
    stack.write("block.tfvars", "n = 1\nblock {\n}\n");
    stack.write("broken.tfvars.json", "{\"n\": }");
    let mut told = Told::by(&stack);
    told.run(&["plan"]);
    told.run(&["plan", "-var", "n"]);
    told.run(&["plan", "-var", "n=many"]);
    told.run(&["plan", "-var", "n=1", "-var", "nn=1"]);
    for file in ["missing.tfvars", "broken.tfvars", "text.tfvars", "block.tfvars", "broken.tfvars.json"] {
        told.run(&["plan", &format!("-var-file={file}")]);
    }
    stack.write("key.tfvars", "n   = 1\nkey = \"hush\"\n");
    let secret = told.run(&["plan", "-var-file=key.tfvars"]);
    assert!(!secret.stderr.contains("hush"), "{secret}");
    insta::assert_snapshot!(told.text);
}

#[test]
fn a_sensitive_value_is_in_no_message() {
    let text = "variable \"key\" {\n  sensitive = true\n}\n\nresource \"random_integer\" \"a\" {\n  min = var.key\n  max = 1 + var.key\n}\n\noutput \"a\" {\n  value     = abs(var.key) + parseint(var.key, 10)\n  sensitive = true\n}\n";
    let stack = Stack::with("main.tf", text);
    let run = stack.terrane(["plan"]).env("TF_VAR_key", "hush").run().expect_status(1);
    assert!(run.stderr.contains("number required") && !run.stderr.contains("hush"), "{run}");
    let stack = Stack::with("main.tf", "variable \"keys\" {\n  type      = list(string)\n  sensitive = true\n}\n");
    for text in ["[hushed]", "hushed(1)", "[\"hushed\""] {
        let run = stack.terrane(["plan"]).env("TF_VAR_keys", text).run().expect_status(1);
        assert!(run.stderr.contains("TF_VAR_keys") && !run.stderr.contains("hushed"), "{run}");
        stack.write("k.tfvars", &format!("keys = {text}\n"));
        let run = stack.terrane(["plan", "-var-file=k.tfvars"]).run().expect_status(1);
        assert!(run.stderr.contains("k.tfvars") && !run.stderr.contains("hushed"), "{run}");
    }
}

#[test]
fn command_lines_that_cannot_be_read_say_what_was_probably_meant() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"main\" {}\n");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let mut told = Told::by(&stack);
    for arguments in [
        &["plna"][..],
        &["plan", "-no-colr"],
        &["plan", "-refresh=maybe"],
        &["plan", "a", "b"],
        &["plan", "-out"],
        &["plan", "-destroy", "-refresh-only"],
        &["state", "lst"],
        &["force-unlock"],
        &["plan", "nowhere"],
        &["plan", "-target=1x"],
        &["plan", "-target=terraform_data.man"],
        &["plan", "-exclude=module.net"],
        &["plan", "-replace=terraform_data.mian"],
        &["state", "show", "terraform_data.mian"],
        &["output", "nothing"],
    ] {
        told.run(arguments);
    }
    insta::assert_snapshot!(told.text);
}

#[test]
fn plan_files_that_cannot_be_applied_change_nothing() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {}\n");
    let mut told = Told::by(&stack);
    stack.terrane(["plan", "-out=one.plan"]).run().success();
    stack.terrane(["plan", "-out=two.plan"]).run().success();
    stack.write("text.plan", "hello\n");
    let bytes = std::fs::read(stack.dir().join("one.plan")).unwrap();
    std::fs::write(stack.dir().join("short.plan"), &bytes[..100]).unwrap();
    told.run(&["apply", "text.plan"]);
    told.run(&["show", "text.plan"]);
    told.run(&["apply", "short.plan"]);
    told.run(&["apply", "missing.plan"]);
    told.run(&["plan", "-out=no/where.plan"]);
    assert_eq!(stack.terrane(["state", "list"]).run().stdout, "");
    stack.terrane(["apply", "one.plan"]).run().success();
    told.run(&["apply", "two.plan"]);
    assert_eq!(stack.terrane(["state", "list"]).run().stdout, "terraform_data.a\n");
    // The plan of another folder is carried out there, not here.
    let other = Stack::with("main.tf", "resource \"terraform_data\" \"b\" {}\n");
    other.terrane(["plan", "-out=p"]).run().success();
    let path = other.dir().join("p");
    stack.terrane(["apply", &path.to_string_lossy()]).run().success();
    assert_eq!(stack.terrane(["state", "list"]).run().stdout, "terraform_data.a\n");
    assert_eq!(other.terrane(["state", "list"]).run().stdout, "terraform_data.b\n");
    insta::assert_snapshot!(told.text);
}

#[test]
fn states_that_cannot_be_used_are_left_as_they_are() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {}\n");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let path = stack.dir().join(".terrane/state.db");
    let whole = std::fs::read(&path).unwrap();
    let mut future = whole.clone();
    // The version of the format stands at offset 60 of the database's header.
    future[60..64].copy_from_slice(&99u32.to_be_bytes());
    let mut told = Told::by(&stack);
    for bytes in [&future[..], &whole[..5000], b"hello", b""] {
        std::fs::write(&path, bytes).unwrap();
        told.run(&["plan"]).expect_status(1);
        told.run(&["apply", "-auto-approve"]).expect_status(1);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(stack.terrane(["state", "list"]).run().stdout, "terraform_data.a\n");
    std::fs::remove_dir_all(stack.dir().join(".terrane")).unwrap();
    stack.write(".terrane", "a file where the folder shall be\n");
    told.run(&["apply", "-auto-approve"]).expect_status(1);
    insta::assert_snapshot!(told.text);
}
