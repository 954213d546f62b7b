//! Variables, outputs, conditions, `terraform` blocks and lifecycles.

use super::Pair;

#[test]
fn what_is_deprecated_warns_whoever_uses_it() {
    let tf = "module \"m\" {\n  source = \"./m\"\n  old    = 1\n}\nvariable \"aged\" {\n  default    = 1\n  deprecated = \"it does nothing\"\n}\noutput \"o\" {\n  value = module.m.old\n}\n";
    let yaml = "module:\n  m: {source: ./m, old: 1}\nvariable:\n  aged: {default: 1, deprecated: it does nothing}\noutput:\n  o: {value: \"${module.m.old}\"}\n";
    let mut pair = Pair::new(tf, yaml);
    pair.file("m/main.tf", "variable \"old\" {\n  default    = 2\n  deprecated = \"use new\"\n}\noutput \"old\" {\n  value      = var.old\n  deprecated = \"use young\"\n}\n");
    pair.run(&["plan"]).success();
    pair.run(&["plan", "-var=aged=2"]).success();
    insta::assert_snapshot!(pair.told());
}

#[test]
fn a_version_that_is_not_this_one_is_refused() {
    let tf = "terraform {\n  required_version = \">= 2.0\"\n  cloud {\n    organization = \"x\"\n  }\n}\noutput \"a\" {\n  value = 1\n}\n";
    let yaml = "terraform:\n  required_version: \">= 2.0\"\n  cloud: {organization: x}\noutput:\n  a: {value: 1}\n";
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["validate"]).expect_status(1);
    insta::assert_snapshot!(pair.told());
}

/// A check warns and stops nothing, even where its own data source fails.
#[test]
fn a_check_with_a_data_source_of_its_own_warns() {
    let tf = "check \"c\" {\n  data \"local_file\" \"f\" {\n    filename = \"nowhere\"\n  }\n  assert {\n    condition     = data.local_file.f.content == \"x\"\n    error_message = \"not x\"\n  }\n}\nresource \"terraform_data\" \"a\" {}\n";
    let yaml = "check:\n  c:\n    data:\n      local_file:\n        f: {filename: nowhere}\n    assert:\n      condition: ${data.local_file.f.content == \"x\"}\n      error_message: not x\nresource:\n  terraform_data:\n    a: {}\n";
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["plan"]).success();
    insta::assert_snapshot!(pair.told());
}

/// What a check reads for itself is read again after the changes, and the check judged by that.
#[test]
fn a_check_tells_of_what_is_there_in_the_end() {
    let tf = r#"
variable "n" {
  default = 1
}
resource "local_file" "f" {
  filename = "f.txt"
  content  = "now ${var.n}"
}
check "c" {
  data "local_file" "f" {
    filename = "f.txt"
  }
  assert {
    condition     = data.local_file.f.content == "now ${var.n}"
    error_message = "it is ${data.local_file.f.content}"
  }
}
"#;
    let yaml = r#"
variable:
  n: {default: 1}
resource:
  local_file:
    f: {filename: f.txt, content: "now ${var.n}"}
check:
  c:
    data:
      local_file:
        f: {filename: f.txt}
    assert:
      condition: ${data.local_file.f.content == "now ${var.n}"}
      error_message: "it is ${data.local_file.f.content}"
"#;
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.run(&["apply", "-auto-approve", "-parallelism=1", "-var=n=2"]).success();
    // Nothing to do, nothing to read.
    pair.run(&["plan", "-detailed-exitcode", "-var=n=2"]).success();
    insta::assert_snapshot!(pair.told());
}

/// A module that depends on something waits only where that changes.
#[test]
fn depends_on_of_a_module_changes_nothing_by_itself() {
    let tf = "resource \"terraform_data\" \"base\" {\n  input = var.n\n}\nvariable \"n\" {\n  default = 1\n}\nmodule \"m\" {\n  source     = \"./m\"\n  depends_on = [terraform_data.base]\n}\n";
    let yaml = "resource:\n  terraform_data:\n    base: {input: \"${var.n}\"}\nvariable:\n  n: {default: 1}\nmodule:\n  m: {source: ./m, depends_on: [terraform_data.base]}\n";
    let mut pair = Pair::new(tf, yaml);
    pair.file("m/main.tf", "data \"local_file\" \"f\" {\n  filename = \"m/main.tf\"\n}\nresource \"terraform_data\" \"user\" {\n  triggers_replace = data.local_file.f.content_sha1\n}\n");
    pair.run(&["plan"]).success();
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.run(&["plan", "-detailed-exitcode"]).success();
    insta::assert_snapshot!(pair.told());
}

/// A replaced object that is created first takes what it is made from along, and others follow it in order.
#[test]
fn lifecycles_hold() {
    let tf = r#"
variable "n" {
  default = 1
}
variable "on" {
  default = true
}
resource "terraform_data" "base" {
  triggers_replace = var.n
}
resource "terraform_data" "top" {
  triggers_replace = terraform_data.base.id
  lifecycle {
    create_before_destroy = true
  }
}
resource "terraform_data" "ignoring" {
  input = { a = var.n, b = var.n }
  lifecycle {
    ignore_changes = [input.a]
  }
}
resource "terraform_data" "triggered" {
  lifecycle {
    replace_triggered_by = [terraform_data.base.id]
  }
}
resource "terraform_data" "optional" {
  lifecycle {
    enabled = var.on
  }
}
resource "terraform_data" "kept" {
  input = var.n
  lifecycle {
    prevent_destroy = true
    postcondition {
      condition     = self.output < 3
      error_message = "too large"
    }
  }
}
"#;
    let yaml = r#"
variable:
  n: {default: 1}
  on: {default: true}
resource:
  terraform_data:
    base: {triggers_replace: "${var.n}"}
    top:
      triggers_replace: ${terraform_data.base.id}
      lifecycle: {create_before_destroy: true}
    ignoring:
      input: {a: "${var.n}", b: "${var.n}"}
      lifecycle: {ignore_changes: [input.a]}
    triggered:
      lifecycle: {replace_triggered_by: [terraform_data.base.id]}
    optional:
      lifecycle: {enabled: "${var.on}"}
    kept:
      input: ${var.n}
      lifecycle:
        prevent_destroy: true
        postcondition:
          condition: ${self.output < 3}
          error_message: too large
"#;
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.run(&["apply", "-auto-approve", "-parallelism=1", "-var=n=2", "-var=on=false"]).success();
    pair.run(&["plan", "-detailed-exitcode", "-var=n=2", "-var=on=false"]).success();
    pair.run(&["plan", "-destroy"]).expect_status(1);
    insta::assert_snapshot!(pair.told());
}
