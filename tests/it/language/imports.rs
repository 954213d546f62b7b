//! `import` blocks and the command of that name.

use super::Pair;

const TF: &str = r#"
import {
  to = terraform_data.a
  id = "abc"
}

resource "terraform_data" "a" {
  input = 1
}

locals {
  known = { x = "i1", y = "i2" }
}

import {
  for_each = local.known
  to       = module.m[each.key].terraform_data.b
  id       = each.value
}

module "m" {
  source   = "./m"
  for_each = local.known
}

import {
  to       = terraform_data.c[0]
  identity = { id = "ccc" }
}

resource "terraform_data" "c" {
  count = 1
}
"#;

const YAML: &str = r#"
import:
  - to: terraform_data.a
    id: abc
  - for_each: ${local.known}
    to: module.m[each.key].terraform_data.b
    id: ${each.value}
  - to: terraform_data.c[0]
    identity: {id: ccc}
locals:
  known: {x: i1, y: i2}
resource:
  terraform_data:
    a: {input: 1}
    c: {count: 1}
module:
  m: {source: ./m, for_each: "${local.known}"}
"#;

#[test]
fn objects_are_imported_by_blocks() {
    let mut pair = Pair::new(TF, YAML);
    pair.file("m/main.tf", "resource \"terraform_data\" \"b\" {}\n");
    let json = pair.plan_json();
    let changes = json["resource_changes"].as_array().unwrap();
    let importing: Vec<String> =
        changes.iter().map(|c| format!("{} {}", c["address"], c["change"]["importing"])).collect();
    insta::assert_snapshot!(importing.join("\n"), @r#"
    "terraform_data.a" {"id":"abc"}
    "terraform_data.c[0]" {"identity":{"id":"ccc"}}
    "module.m[\"x\"].terraform_data.b" {"id":"i1"}
    "module.m[\"y\"].terraform_data.b" {"id":"i2"}
    "#);
    pair.run(&["plan", "-detailed-exitcode"]);
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]);
    pair.run(&["plan", "-detailed-exitcode"]);
    insta::assert_snapshot!(pair.told());
}

#[test]
fn a_saved_plan_imports_and_replaces() {
    let tf = "import {\n  to = terraform_data.a\n  id = \"old\"\n}\nresource \"terraform_data\" \"a\" {\n  triggers_replace = 1\n  lifecycle {\n    create_before_destroy = true\n  }\n}\n";
    let yaml = "import: [{to: terraform_data.a, id: old}]\nresource:\n  terraform_data:\n    a:\n      triggers_replace: 1\n      lifecycle: {create_before_destroy: true}\n";
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["plan", "-out=p"]).success();
    pair.run(&["apply", "-parallelism=1", "p"]).success();
    pair.run(&["plan", "-detailed-exitcode"]).success();
    insta::assert_snapshot!(pair.told());
}

#[test]
fn what_cannot_be_imported_is_told() {
    let tf = r#"
import {
  to = terraform_data.none
  id = "x"
}
import {
  to = terraform_data.two[5]
  id = "x"
}
import {
  to = terraform_data.two[0]
  id = "x"
}
import {
  to = terraform_data.two[0]
  id = "y"
}
import {
  to = terraform_data.two[1]
  id = ""
}
import {
  to = random_shuffle.r
  id = "x"
}
resource "random_shuffle" "r" {
  input = ["a"]
}
resource "terraform_data" "two" {
  count = 2
}
"#;
    let yaml = r#"
import:
  - {to: terraform_data.none, id: x}
  - {to: "terraform_data.two[5]", id: x}
  - {to: "terraform_data.two[0]", id: x}
  - {to: "terraform_data.two[0]", id: "y"}
  - {to: "terraform_data.two[1]", id: ""}
  - {to: random_shuffle.r, id: x}
resource:
  random_shuffle:
    r: {input: [a]}
  terraform_data:
    two: {count: 2}
"#;
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["plan"]).expect_status(1);
    insta::assert_snapshot!(pair.told());
}

#[test]
fn configuration_is_written_for_what_has_none() {
    let tf = "import {\n  to = terraform_data.a\n  id = \"a\\\"${\"$\"}{b}\"\n}\nimport {\n  to = random_integer.n\n  id = \"5,1,10\"\n}\n";
    let yaml = "import:\n  - {to: terraform_data.a, id: 'a\"$${b}'}\n  - {to: random_integer.n, id: '5,1,10'}\n";
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["plan", "-generate-config-out=made.tf", "-out=p"]).success();
    pair.run(&["show", "p"]).success();
    let written = pair.tf.read("made.tf");
    pair.run(&["plan", "-generate-config-out=made.tf"]).success();
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.run(&["plan", "-detailed-exitcode"]).success();
    insta::assert_snapshot!(format!("{written}\n{}", pair.told()));
}

#[test]
fn the_command_imports_one_object() {
    let tf =
        "resource \"terraform_data\" \"a\" {\n  for_each = toset([\"x\"])\n}\nresource \"terraform_data\" \"b\" {}\n";
    let yaml = "resource:\n  terraform_data:\n    a: {for_each: '${toset([\"x\"])}'}\n    b: {}\n";
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["import", "terraform_data.a[\"x\"]", "one"]).success();
    pair.run(&["import", "terraform_data.a[\"x\"]", "two"]).expect_status(1);
    pair.run(&["import", "terraform_data.a[\"y\"]", "two"]).expect_status(1);
    pair.run(&["import", "terraform_data.none", "two"]).expect_status(1);
    pair.run(&["state", "list"]).success();
    insta::assert_snapshot!(pair.told());
}
