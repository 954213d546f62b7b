//! Nested blocks: made dynamically inside of each other, and with changes that are ignored.

use super::Pair;

const TF: &str = r#"
variable "rules" {
  default = { a = [30, 90], b = [] }
}
variable "prefix" {
  default = "old/"
}
provider "aws" {
  region = "eu-west-1"
}
resource "aws_s3_bucket" "logs" {
  bucket = "logs"
}
resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.bucket
  dynamic "rule" {
    for_each = var.rules
    iterator = made
    content {
      id     = made.key
      status = "Enabled"
      filter {
        prefix = var.prefix
      }
      dynamic "transition" {
        for_each = made.value
        iterator = day
        content {
          days          = day.value
          storage_class = day.key == 0 ? "STANDARD_IA" : "GLACIER"
        }
      }
    }
  }
  lifecycle {
    ignore_changes = [rule[0].filter[0].prefix]
  }
}
"#;

const YAML: &str = r#"
variable:
  rules: {default: {a: [30, 90], b: []}}
  prefix: {default: old/}
provider:
  aws: {region: eu-west-1}
resource:
  aws_s3_bucket:
    logs: {bucket: logs}
  aws_s3_bucket_lifecycle_configuration:
    logs:
      bucket: ${aws_s3_bucket.logs.bucket}
      dynamic:
        rule:
          for_each: ${var.rules}
          iterator: made
          content:
            id: ${made.key}
            status: Enabled
            filter: {prefix: "${var.prefix}"}
            dynamic:
              transition:
                for_each: ${made.value}
                iterator: day
                content:
                  days: ${day.value}
                  storage_class: '${day.key == 0 ? "STANDARD_IA" : "GLACIER"}'
      lifecycle:
        ignore_changes: ["rule[0].filter[0].prefix"]
"#;

/// The rules of the lifecycle configuration as the plan has them after it: name, prefix, days.
fn rules(pair: &Pair) -> Vec<(String, String, Vec<i64>)> {
    let plan = pair.plan_json_with(&["-sandbox"]);
    let changes = plan["resource_changes"].as_array().unwrap();
    let change = changes.iter().find(|c| c["type"] == "aws_s3_bucket_lifecycle_configuration").unwrap();
    let text = |v: &serde_json::Value| v.as_str().unwrap().to_string();
    let rule = |rule: &serde_json::Value| {
        let mut days: Vec<i64> =
            rule["transition"].as_array().unwrap().iter().map(|t| t["days"].as_i64().unwrap()).collect();
        days.sort_unstable();
        (text(&rule["id"]), text(&rule["filter"][0]["prefix"]), days)
    };
    change["change"]["after"]["rule"].as_array().unwrap().iter().map(rule).collect()
}

#[test]
fn blocks_are_made_in_blocks_and_a_path_into_them_is_ignored() {
    let mut pair = Pair::new(TF, YAML);
    let rule = |name: &str, prefix: &str, days: &[i64]| (name.to_string(), prefix.to_string(), days.to_vec());
    assert_eq!(rules(&pair), [rule("a", "old/", &[30, 90]), rule("b", "old/", &[])]);
    pair.run(&["apply", "-sandbox", "-auto-approve", "-parallelism=1"]).success();
    pair.run(&["plan", "-sandbox", "-detailed-exitcode"]).success();
    pair.rewrite(&TF.replace("old/", "new/"), &YAML.replace("old/", "new/"));
    assert_eq!(rules(&pair), [rule("a", "old/", &[30, 90]), rule("b", "new/", &[])]);
}
