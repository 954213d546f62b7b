//! `moved` and `removed` blocks.

use super::Pair;

#[test]
fn objects_move_across_modules_keys_and_types() {
    let tf = r#"
resource "terraform_data" "root" {
  input = "r"
}

resource "terraform_data" "counted" {
  count = 2
  input = count.index
}

resource "null_resource" "old" {
  triggers = { a = "1" }
}

module "one" {
  source = "./m"
}
"#;
    let yaml = r#"
resource:
  terraform_data:
    root: {input: r}
    counted: {count: 2, input: "${count.index}"}
  null_resource:
    old: {triggers: {a: "1"}}
module:
  one: {source: ./m}
"#;
    let tf_after = r#"
moved {
  from = terraform_data.root
  to   = module.two["x"].terraform_data.passing
}

moved {
  from = module.two["x"].terraform_data.passing
  to   = module.two["x"].terraform_data.settled
}

moved {
  from = terraform_data.counted[0]
  to   = terraform_data.keyed["zero"]
}

moved {
  from = terraform_data.counted[1]
  to   = terraform_data.keyed["one"]
}

moved {
  from = null_resource.old
  to   = terraform_data.new
}

moved {
  from = module.one
  to   = module.two["x"]
}

resource "terraform_data" "keyed" {
  for_each = { zero = 0, one = 1 }
  input    = each.value
}

resource "terraform_data" "new" {
  triggers_replace = { a = "1" }
}

module "two" {
  source   = "./n"
  for_each = toset(["x"])
}
"#;
    let yaml_after = r#"
moved:
  - {from: terraform_data.root, to: 'module.two["x"].terraform_data.passing'}
  - {from: 'module.two["x"].terraform_data.passing', to: 'module.two["x"].terraform_data.settled'}
  - {from: "terraform_data.counted[0]", to: 'terraform_data.keyed["zero"]'}
  - {from: "terraform_data.counted[1]", to: 'terraform_data.keyed["one"]'}
  - {from: null_resource.old, to: terraform_data.new}
  - {from: module.one, to: 'module.two["x"]'}
resource:
  terraform_data:
    keyed: {for_each: {zero: 0, one: 1}, input: "${each.value}"}
    new: {triggers_replace: {a: "1"}}
module:
  two: {source: ./n, for_each: '${toset(["x"])}'}
"#;
    let inner = "resource \"terraform_data\" \"inner\" {}\n";
    let mut pair = Pair::new(tf, yaml);
    pair.file("m/main.tf", inner);
    pair.file("n/main.tf", &format!("{inner}resource \"terraform_data\" \"settled\" {{\n  input = \"r\"\n}}\n"));
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.rewrite(tf_after, yaml_after);
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.run(&["plan", "-detailed-exitcode"]).success();
    pair.run(&["state", "list"]).success();
    insta::assert_snapshot!(pair.told());
}

#[test]
fn moves_that_cannot_be_are_told() {
    let tf = r#"
moved {
  from = terraform_data.a
  to   = terraform_data.b
}
moved {
  from = terraform_data.b
  to   = terraform_data.c
}
moved {
  from = terraform_data.c
  to   = terraform_data.a
}
moved {
  from = terraform_data.x
  to   = terraform_data.y
}
moved {
  from = terraform_data.x
  to   = terraform_data.z
}
moved {
  from = terraform_data.here
  to   = terraform_data.there
}
resource "terraform_data" "here" {}
resource "terraform_data" "there" {}
"#;
    let yaml = r#"
moved:
  - {from: terraform_data.a, to: terraform_data.b}
  - {from: terraform_data.b, to: terraform_data.c}
  - {from: terraform_data.c, to: terraform_data.a}
  - {from: terraform_data.x, to: terraform_data.y}
  - {from: terraform_data.x, to: terraform_data.z}
  - {from: terraform_data.here, to: terraform_data.there}
resource:
  terraform_data: {here: {}, there: {}}
"#;
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["plan"]).expect_status(1);
    insta::assert_snapshot!(pair.told());
}

#[test]
fn removed_objects_are_destroyed_or_forgotten() {
    let tf = "resource \"terraform_data\" \"gone\" {\n  count = 2\n}\nmodule \"m\" {\n  source = \"./m\"\n}\n";
    let yaml = "resource:\n  terraform_data:\n    gone: {count: 2}\nmodule:\n  m: {source: ./m}\n";
    let tf_after = "removed {\n  from = terraform_data.gone\n  lifecycle {\n    destroy = false\n  }\n}\nremoved {\n  from = module.m\n  provisioner \"local-exec\" {\n    when    = destroy\n    command = \"echo bye ${self.input}\"\n  }\n}\n";
    let yaml_after = "removed:\n  - from: terraform_data.gone\n    lifecycle: {destroy: false}\n  - from: module.m\n    provisioner:\n      local-exec: {when: destroy, command: 'echo bye ${self.input}'}\n";
    let mut pair = Pair::new(tf, yaml);
    pair.file("m/main.tf", "resource \"terraform_data\" \"inner\" {\n  input = \"now\"\n}\n");
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.rewrite(tf_after, yaml_after);
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.run(&["state", "list"]).success();
    insta::assert_snapshot!(pair.told());
}
