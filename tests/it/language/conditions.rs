//! Conditions: where they are judged, and by what.

use super::Pair;

const TF: &str = r#"
variable "n" {
  type    = number
  default = 1
}
resource "terraform_data" "fresh" {
  triggers_replace = var.n
}
resource "terraform_data" "kept" {
  lifecycle {
    precondition {
      condition     = var.n != 2 || length(terraform_data.fresh.id) == 3
      error_message = "the id of fresh is too long for kept"
    }
  }
}
data "local_file" "f" {
  filename = "f.txt"
  lifecycle {
    postcondition {
      condition     = var.n != 3 || self.content == terraform_data.fresh.id
      error_message = "the file does not hold the id"
    }
    postcondition {
      condition     = var.n != 5 || self.content == "five"
      error_message = "the file does not say five"
    }
  }
}
module "m" {
  source = "./m"
  id     = terraform_data.fresh.id
  n      = var.n
}
resource "terraform_data" "user" {
  input = module.m.id
}
output "o" {
  value = var.n
  precondition {
    condition     = var.n != 6 || length(terraform_data.fresh.id) == 3
    error_message = "the id of fresh is too long for o"
  }
}
"#;

const YAML: &str = r#"
variable:
  n: {type: number, default: 1}
resource:
  terraform_data:
    fresh: {triggers_replace: "${var.n}"}
    kept:
      lifecycle:
        precondition:
          condition: ${var.n != 2 || length(terraform_data.fresh.id) == 3}
          error_message: the id of fresh is too long for kept
    user: {input: "${module.m.id}"}
data:
  local_file:
    f:
      filename: f.txt
      lifecycle:
        postcondition:
          - condition: ${var.n != 3 || self.content == terraform_data.fresh.id}
            error_message: the file does not hold the id
          - condition: ${var.n != 5 || self.content == "five"}
            error_message: the file does not say five
module:
  m: {source: ./m, id: "${terraform_data.fresh.id}", n: "${var.n}"}
output:
  o:
    value: ${var.n}
    precondition:
      condition: ${var.n != 6 || length(terraform_data.fresh.id) == 3}
      error_message: the id of fresh is too long for o
"#;

const MODULE: &str = r#"
variable "n" {}
variable "id" {
  validation {
    condition     = var.n != 4 || length(var.id) == 3
    error_message = "the id is too long for the module"
  }
}
output "id" {
  value = var.id
}
"#;

/// What is not known while planning is judged in the apply, whatever the condition is of, before anything uses it.
#[test]
fn conditions_that_are_not_known_yet_are_judged_in_the_apply() {
    let mut pair = Pair::new(TF, YAML);
    pair.file("f.txt", "text");
    pair.file("m/main.tf", MODULE);
    pair.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    for n in ["2", "3", "4", "6"] {
        let n = format!("-var=n={n}");
        pair.run(&["plan", &n]).success();
        pair.run(&["apply", "-auto-approve", "-parallelism=1", &n]).expect_status(1);
    }
    // Known while planning.
    pair.run(&["plan", "-var=n=5"]).expect_status(1);
    pair.run(&["apply", "-auto-approve", "-parallelism=1", "-var=n=7"]).success();
    insta::assert_snapshot!(pair.told());
}
