//! `local-exec`: when it runs, what it sees, what is shown of it, and what becomes of its object.

use super::support::cli::{Run, Stack};

/// The line that the plan's summary is, and everything after it.
fn applied(run: &Run) -> String {
    let text = run.transcript();
    let from = text.find("\nPlan:").or(text.find("--- stdout ---")).unwrap_or(0);
    text[from..].to_owned()
}

const COMMANDS: &str = r#"
variable "secret" {
  default   = "hunter2"
  sensitive = true
}

resource "terraform_data" "a" {
  input = "seven"

  provisioner "local-exec" {
    command     = "echo \"$GREETING ${self.output}\"; echo oops >&2; pwd"
    environment = { GREETING = "hello" }
    working_dir = "sub"
  }
  provisioner "local-exec" {
    command = "echo ${var.secret}; exit 4"
    on_failure = continue
  }
  provisioner "local-exec" {
    command     = "import sys; print(sys.argv[0], end='')"
    interpreter = ["python3", "-c"]
    quiet       = true
  }
  provisioner "local-exec" {
    command = "echo written > made.txt"
  }
  provisioner "local-exec" {
    command = "echo read back: ${trimspace(file("made.txt"))}"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo leaving ${self.output}"
  }
}
"#;

#[test]
fn commands_run_in_turn_with_their_output_shown() {
    let stack = Stack::with("main.tf", COMMANDS);
    stack.write("sub/keep", "");
    let made = stack.terrane(["apply", "-auto-approve"]).run().success();
    assert!(!made.to_string().contains("hunter2"), "{made}");
    let gone = stack.terrane(["destroy", "-auto-approve"]).run().success();
    insta::assert_snapshot!(format!("{}\n{}", applied(&made), applied(&gone)));
}

/// A stack whose second object cannot be provisioned until a file is there.
const FAILING: &str = r#"
resource "terraform_data" "b" {
  count = 2
  provisioner "local-exec" {
    command = "echo trying ${count.index}; test ${count.index} = 0 -o -e ready"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo leaving ${count.index}"
  }
}

resource "terraform_data" "after" {
  input = terraform_data.b[1].id
}
"#;

#[test]
fn what_could_not_be_provisioned_is_tainted_and_made_anew() {
    let stack = Stack::with("main.tf", FAILING);
    let failed = stack.terrane(["apply", "-auto-approve", "-parallelism=1"]).run().expect_status(1);
    let told = failed.transcript();
    assert!(told.contains("the provisioner \"local-exec\" of terraform_data.b[1] failed"), "{told}");
    assert!(told.contains("trying 1"), "{told}");
    assert!(!told.contains("terraform_data.after: Creating"), "{told}");
    let plan = stack.terrane(["plan"]).run().success();
    assert!(plan.stdout.contains("terraform_data.b[1] is tainted"), "{plan}");

    stack.write("ready", "");
    let made = stack.terrane(["apply", "-auto-approve", "-parallelism=1"]).run().success();
    // A tainted object goes without its leave.
    assert!(!made.stdout.contains("leaving"), "{made}");
    assert!(made.stdout.contains("Resources: 2 added, 0 changed, 1 destroyed"), "{made}");
    let gone = stack.terrane(["destroy", "-auto-approve"]).run().success();
    assert!(gone.stdout.contains("leaving 0") && gone.stdout.contains("leaving 1"), "{gone}");
}

#[test]
fn an_object_stays_while_its_leave_fails_and_goes_by_a_removed_block() {
    let block = |inner: &str| {
        format!(
            "resource \"terraform_data\" \"x\" {{\n  for_each = toset([{inner}])\n  provisioner \"local-exec\" {{\n    when = destroy\n    command = \"echo leaving ${{each.key}}; test ! -e stuck\"\n  }}\n}}\n"
        )
    };
    let stack = Stack::with("main.tf", &block("\"one\", \"two\""));
    stack.terrane(["apply", "-auto-approve"]).run().success();
    stack.write("stuck", "");
    stack.write("main.tf", &block("\"one\""));
    let failed = stack.terrane(["apply", "-auto-approve"]).run().expect_status(1);
    assert!(failed.stdout.contains("leaving two"), "{failed}");
    let left = stack.terrane(["state", "list"]).run().success();
    assert_eq!(left.stdout, "terraform_data.x[\"one\"]\nterraform_data.x[\"two\"]\n");

    std::fs::remove_file(stack.dir().join("stuck")).unwrap();
    stack.write(
        "main.tf",
        "removed {\n  from = terraform_data.x\n  lifecycle {\n    destroy = true\n  }\n  connection {\n    host = self.id\n  }\n  provisioner \"local-exec\" {\n    when = destroy\n    command = \"echo removing ${each.key} ${self.id == \"\" ? \"\" : \"whole\"}\"\n  }\n}\n",
    );
    let gone = stack.terrane(["apply", "-auto-approve"]).run().success();
    assert!(gone.stdout.contains("removing one whole") && gone.stdout.contains("removing two whole"), "{gone}");
}

#[test]
fn a_provisioner_follows_what_it_refers_to() {
    let stack = Stack::with(
        "main.tf",
        r#"
resource "terraform_data" "late" {
  provisioner "local-exec" {
    command = "echo value > late.txt"
  }
}
module "m" {
  source = "./m"
  text   = terraform_data.late.id
}
resource "terraform_data" "user" {
  provisioner "local-exec" {
    command = "cat late.txt; echo got ${length(module.m.text)} of ${length(terraform_data.late.id)}"
  }
}
"#,
    );
    stack.write("m/main.tf", "variable \"text\" {}\noutput \"text\" {\n  value = var.text\n}\n");
    let made = stack.terrane(["apply", "-auto-approve"]).run().success();
    assert!(made.stdout.contains("(local-exec): value\n") && made.stdout.contains("got 36 of 36"), "{made}");
}

#[test]
fn wrong_provisioners_are_told_before_anything_runs() {
    let stack = Stack::with(
        "main.tf",
        r#"
resource "terraform_data" "w" {
  connection {
    host = terraform_data.other.id
    prot = 22
  }
  provisioner "local-exec" {
    comand = "true"
  }
  provisioner "remote-exec" {
    inline = ["true"]
    script = "x.sh"
  }
  provisioner "file" {
    destination = "/tmp/x"
    when        = destroy
  }
  provisioner "puppet" {
  }
}
resource "terraform_data" "other" {}
"#,
    );
    insta::assert_snapshot!(stack.terrane(["validate"]).run().expect_status(1).transcript());
}
