//! How often blocks stand: what `for_each` takes, and modules that are switched on and off.

use super::Pair;

/// A resource for each value of `for_each`, in both spellings.
fn each_of(values: &[&str]) -> (String, String) {
    let (mut tf, mut yaml) = (String::new(), "resource:\n  terraform_data:\n".to_string());
    for (i, value) in values.iter().enumerate() {
        tf.push_str(&format!("resource \"terraform_data\" \"r{i}\" {{\n  for_each = {value}\n}}\n"));
        yaml.push_str(&format!("    r{i}:\n      for_each: !expr '{value}'\n"));
    }
    (tf, yaml)
}

#[test]
fn for_each_takes_maps_and_sets_of_strings() {
    let (tf, yaml) = each_of(&[
        "{}",
        "toset([])",
        "{ a = null }",
        "tomap({ a = 1 })",
        r#"toset([for x in ["a"] : x])"#,
        r#"{ k = sensitive("v") }"#,
    ]);
    let run = Pair::new(&tf, &yaml).run(&["plan"]).success();
    assert!(run.stdout.contains("Plan: 4 to add"), "{run}");
    let refused = [
        "toset([1, 2])",
        r#"toset(["a", null])"#,
        "toset([null])",
        "toset([true])",
        r#"toset([["a"]])"#,
        "[]",
        r#"["a"]"#,
        r#"tolist(["a"])"#,
        "null",
        r#""a""#,
        r#"sensitive(toset(["a"]))"#,
        r#"{ (sensitive("k")) = 1 }"#,
    ];
    let (tf, yaml) = each_of(&refused);
    let run = Pair::new(&tf, &yaml).run(&["plan"]).expect_status(1);
    assert_eq!(run.stderr.matches("Error: ").count(), refused.len(), "{run}");
}

#[test]
fn modules_are_switched_on_and_off() {
    let tf = r#"
variable "on" {
  default = true
}
module "m" {
  source = "./m"
  lifecycle {
    enabled = var.on
  }
}
output "kept" {
  value = var.on ? module.m.id : "none"
}
"#;
    let yaml = r#"
variable:
  on: {default: true}
module:
  m:
    source: ./m
    lifecycle: {enabled: "${var.on}"}
output:
  kept: {value: '${var.on ? module.m.id : "none"}'}
"#;
    let mut pair = Pair::new(tf, yaml);
    pair.file(
        "m/main.tf",
        "resource \"terraform_data\" \"a\" {\n  input = 1\n}\noutput \"id\" {\n  value = \"there\"\n}\n",
    );
    let run = pair.run(&["apply", "-auto-approve"]).success();
    assert!(run.stdout.contains("module.m.terraform_data.a: Creation complete"), "{run}");
    assert!(run.stdout.contains("kept = \"there\""), "{run}");
    let run = pair.run(&["apply", "-auto-approve", "-var=on=false"]).success();
    assert!(run.stdout.contains("0 added, 0 changed, 1 destroyed"), "{run}");
    assert!(run.stdout.contains("kept = \"none\""), "{run}");
    pair.run(&["plan", "-detailed-exitcode", "-var=on=false"]).success();
}
