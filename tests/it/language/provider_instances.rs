//! Providers with `for_each`: an instance for each key, chosen by key.

use super::Pair;

const TF: &str = r#"
locals {
  regions = toset(["eu-west-1", "us-east-1"])
}

provider "aws" {
  alias    = "by_region"
  for_each = local.regions
  region   = each.key
}

resource "aws_vpc" "main" {
  for_each   = local.regions
  provider   = aws.by_region[each.key]
  cidr_block = "10.0.0.0/16"
}

module "m" {
  source    = "./m"
  for_each  = local.regions
  providers = { aws = aws.by_region[each.key] }
}

resource "aws_vpc" "one" {
  provider   = aws.by_region["eu-west-1"]
  cidr_block = "10.1.0.0/16"
}
"#;

const YAML: &str = r#"
locals:
  regions: ${toset(["eu-west-1", "us-east-1"])}
provider:
  aws: {alias: by_region, for_each: "${local.regions}", region: "${each.key}"}
resource:
  aws_vpc:
    main: {for_each: "${local.regions}", provider: "aws.by_region[each.key]", cidr_block: 10.0.0.0/16}
    one: {provider: 'aws.by_region["eu-west-1"]', cidr_block: 10.1.0.0/16}
module:
  m: {source: ./m, for_each: "${local.regions}", providers: {aws: "aws.by_region[each.key]"}}
"#;

#[test]
fn each_instance_is_served_by_its_own_configuration() {
    let mut pair = Pair::new(TF, YAML);
    pair.file("m/main.tf", "resource \"aws_vpc\" \"inner\" {\n  cidr_block = \"10.2.0.0/16\"\n}\n");
    pair.run(&["apply", "-sandbox", "-auto-approve", "-parallelism=1"]).success();
    let state = pair.tf.terrane(["state", "pull", "-sandbox"]).run().success().json();
    let mut served: Vec<String> = Vec::new();
    for resource in state["resources"].as_array().unwrap() {
        for instance in resource["instances"].as_array().unwrap() {
            let arn = instance["attributes"]["arn"].as_str().unwrap();
            let region = arn.split(':').nth(3).unwrap();
            served.push(format!("{} {} {} {region}", resource["module"], resource["name"], instance["index_key"]));
        }
    }
    served.sort();
    insta::assert_snapshot!(served.join("\n"), @r#"
    "module.m[\"eu-west-1\"]" "inner" null eu-west-1
    "module.m[\"us-east-1\"]" "inner" null us-east-1
    null "main" "eu-west-1" eu-west-1
    null "main" "us-east-1" us-east-1
    null "one" null eu-west-1
    "#);
    pair.run(&["plan", "-sandbox", "-detailed-exitcode"]).success();
    // Objects whose block is gone are deleted by the instance that made them.
    let without = |text: &str, cut: &str| text[..text.find(cut).unwrap()].to_string();
    let yaml = "locals:\n  regions: ${toset([\"eu-west-1\", \"us-east-1\"])}\nprovider:\n  aws: {alias: by_region, for_each: \"${local.regions}\", region: \"${each.key}\"}\n";
    pair.rewrite(&without(TF, "resource \"aws_vpc\" \"main\""), yaml);
    let run = pair.run(&["apply", "-sandbox", "-auto-approve", "-parallelism=1"]).success();
    assert!(run.stdout.contains("Resources: 0 added, 0 changed, 5 destroyed."), "{run}");
}

#[test]
fn a_wrong_choice_is_told() {
    let tf = r#"
provider "aws" {
  alias    = "by_region"
  for_each = toset(["eu-west-1"])
  region   = each.key
}

resource "aws_vpc" "all" {
  provider   = aws.by_region
  cidr_block = "10.0.0.0/16"
}
"#;
    let yaml = "provider:\n  aws: {alias: by_region, for_each: '${toset([\"eu-west-1\"])}', region: \"${each.key}\"}\nresource:\n  aws_vpc:\n    all: {provider: aws.by_region, cidr_block: 10.0.0.0/16}\n";
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["plan", "-sandbox"]).expect_status(1);
    pair.rewrite(
        &tf.replace("aws.by_region\n", "aws.by_region[\"nowhere\"]\n"),
        &yaml.replace("provider: aws.by_region,", "provider: 'aws.by_region[\"nowhere\"]',"),
    );
    pair.run(&["plan", "-sandbox"]).expect_status(1);
    insta::assert_snapshot!(pair.told());
}
