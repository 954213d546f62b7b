//! Blocks whose number is only known after apply.

use super::Pair;

const TF: &str = r#"
resource "random_integer" "n" {
  min = 2
  max = 2
}

resource "terraform_data" "many" {
  count = random_integer.n.result
  input = "a${count.index}"
}

resource "terraform_data" "after" {
  input = length(terraform_data.many)
}

resource "terraform_data" "free" {
  input = 1
}

module "m" {
  source   = "./m"
  for_each = toset([for i in range(random_integer.n.result) : tostring(i)])
  name     = each.key
}

resource "terraform_data" "last" {
  input      = "x"
  depends_on = [module.m]
}

output "ids" {
  value = [for m in module.m : m.name]
}

output "free" {
  value = terraform_data.free.input
}
"#;

const YAML: &str = r#"
resource:
  random_integer:
    n: {min: 2, max: 2}
  terraform_data:
    many:
      count: ${random_integer.n.result}
      input: a${count.index}
    after: {input: "${length(terraform_data.many)}"}
    free: {input: 1}
    last: {input: x, depends_on: [module.m]}
module:
  m:
    source: ./m
    for_each: "${toset([for i in range(random_integer.n.result) : tostring(i)])}"
    name: ${each.key}
output:
  ids: {value: "${[for m in module.m : m.name]}"}
  free: {value: "${terraform_data.free.input}"}
"#;

const CHILD: &str = r#"
variable "name" {}

resource "terraform_data" "one" {
  input = var.name
}

resource "terraform_data" "some" {
  for_each = toset([var.name])
}

output "name" {
  value = terraform_data.one.output
}
"#;

fn pair() -> Pair {
    let mut pair = Pair::new(TF, YAML);
    pair.file("m/main.tf", CHILD);
    pair
}

#[test]
fn an_unknown_number_leaves_that_part_for_the_next_plan() {
    let mut pair = pair();
    let json = pair.plan_json();
    assert_eq!(json["complete"], false);
    assert_eq!(json["applyable"], true);
    let deferred = json["deferred_changes"].as_array().unwrap();
    let shown: Vec<String> = deferred
        .iter()
        .map(|d| {
            let change = &d["resource_change"];
            format!("{} {} {}", d["reason"], change["address"], change["change"]["after"])
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    "instance_count_unknown" "module.m[*].terraform_data.one" null
    "instance_count_unknown" "module.m[*].terraform_data.some[*]" null
    "deferred_prereq" "terraform_data.after" {"triggers_replace":null}
    "deferred_prereq" "terraform_data.last" {"input":"x","triggers_replace":null}
    "instance_count_unknown" "terraform_data.many[*]" {"triggers_replace":null}
    "#);
    pair.run(&["plan", "-detailed-exitcode"]).expect_status(2);
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.run(&["plan", "-detailed-exitcode"]).success();
    pair.run(&["destroy", "-auto-approve", "-parallelism=1"]).success();
    insta::assert_snapshot!(pair.told());
}

#[test]
fn the_flag_makes_it_an_error() {
    let mut pair = pair();
    pair.run(&["plan", "-allow-deferral=false"]).expect_status(1);
    insta::assert_snapshot!(pair.told());
}

/// Planning again would not help: nothing makes it known.
#[test]
fn what_no_plan_can_know_is_an_error() {
    let tf = "resource \"terraform_data\" \"a\" {\n  count = length(timestamp()) > 1 ? 1 : 0\n}\n";
    let yaml = "resource:\n  terraform_data:\n    a: {count: '${length(timestamp()) > 1 ? 1 : 0}'}\n";
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["plan"]).expect_status(1);
    insta::assert_snapshot!(pair.told());
}

/// What a deferred object was made from stays until that object is planned.
#[test]
fn objects_that_deferred_ones_use_stay() {
    let before = "resource \"terraform_data\" \"base\" {}\nresource \"terraform_data\" \"user\" {\n  count = 1\n  input = terraform_data.base.id\n}\n";
    let after = "resource \"random_integer\" \"n\" {\n  min = 1\n  max = 1\n}\nresource \"terraform_data\" \"user\" {\n  count = random_integer.n.result\n}\n";
    let before_yaml =
        "resource:\n  terraform_data:\n    base: {}\n    user: {count: 1, input: '${terraform_data.base.id}'}\n";
    let after_yaml = "resource:\n  random_integer:\n    n: {min: 1, max: 1}\n  terraform_data:\n    user: {count: '${random_integer.n.result}'}\n";
    let mut pair = Pair::new(before, before_yaml);
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.rewrite(after, after_yaml);
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    insta::assert_snapshot!(pair.told());
}
