//! Ephemeral resources, variables and outputs: used, and kept nowhere.

use super::Pair;

const TF: &str = r#"
variable "token" {
  ephemeral = true
  validation {
    condition     = length(var.token) > 3
    error_message = "too short"
  }
}

ephemeral "random_password" "db" {
  length  = 20
  special = false
}

module "m" {
  source = "./m"
  secret = ephemeral.random_password.db.result
}

locals {
  both = "${var.token}-${module.m.echo}"
}

resource "terraform_data" "user" {
  input = ephemeralasnull(local.both)
  provisioner "local-exec" {
    command     = "test ${length(local.both)} -eq 32 && test $APPLYING = true && echo ok > done"
    environment = {
      APPLYING = tostring(terraform.applying)
    }
  }
}

output "none" {
  value = ephemeralasnull(terraform.applying)
}
"#;

const YAML: &str = r#"
variable:
  token:
    ephemeral: true
    validation:
      condition: ${length(var.token) > 3}
      error_message: too short
ephemeral:
  random_password:
    db: {length: 20, special: false}
module:
  m: {source: ./m, secret: "${ephemeral.random_password.db.result}"}
locals:
  both: ${var.token}-${module.m.echo}
resource:
  terraform_data:
    user:
      input: ${ephemeralasnull(local.both)}
      provisioner:
        local-exec:
          command: test ${length(local.both)} -eq 32 && test $APPLYING = true && echo ok > done
          environment: {APPLYING: "${tostring(terraform.applying)}"}
output:
  none: {value: "${ephemeralasnull(terraform.applying)}"}
"#;

const CHILD: &str = r#"
variable "secret" {
  ephemeral = true
}

output "echo" {
  value     = var.secret
  ephemeral = true
}
"#;

#[test]
fn what_is_ephemeral_is_opened_used_and_kept_nowhere() {
    let mut pair = Pair::new(TF, YAML);
    pair.file("m/main.tf", CHILD);
    pair.run(&["plan", "-var=token=top-secret!", "-out=p"]).success();
    let opened = regex::Regex::new(r#""opened":\[.*?"result":"""#).unwrap();
    for stack in [&pair.tf, &pair.yaml] {
        let packed = std::fs::read(stack.dir().join("p")).unwrap();
        let mut text = String::new();
        let gzip = packed.splitn(2, |b| *b == b'\n').nth(1).unwrap();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(gzip), &mut text).unwrap();
        assert!(text.contains("random_password") && !text.contains("top-secret"), "the plan keeps a secret");
        assert!(opened.is_match(&text), "what was opened is kept: {text}");
    }
    pair.run(&["show", "p"]).success();
    pair.run(&["apply", "-parallelism=1", "p"]).expect_status(1);
    pair.run(&["apply", "-parallelism=1", "-var=token=top-secret!", "p"]).success();
    for stack in [&pair.tf, &pair.yaml] {
        assert!(stack.has("done"));
        let state = stack.terrane(["state", "pull"]).run().success().stdout;
        assert!(!state.contains("top-secret") && !state.contains("random_password"), "{state}");
    }
    pair.run(&["plan", "-var=token=other-one!", "-detailed-exitcode"]).success();
    pair.run(&["plan", "-var=token=x"]).expect_status(1);
    pair.run(&["destroy", "-auto-approve", "-var=token=top-secret!"]).success();
    insta::assert_snapshot!(pair.told());
}

#[test]
fn ephemeral_values_are_refused_where_something_is_kept() {
    let tf = r#"
ephemeral "random_password" "p" {
  length = 8
}

resource "terraform_data" "a" {
  count = length(ephemeral.random_password.p.result)
}

resource "terraform_data" "b" {
  input = { deep = ephemeral.random_password.p.result }
}

module "m" {
  source = "./m"
  plain  = ephemeral.random_password.p.result
}

output "shown" {
  value = ephemeral.random_password.p.length
}
"#;
    let yaml = r#"
ephemeral:
  random_password:
    p: {length: 8}
resource:
  terraform_data:
    a: {count: "${length(ephemeral.random_password.p.result)}"}
    b: {input: {deep: "${ephemeral.random_password.p.result}"}}
module:
  m: {source: ./m, plain: "${ephemeral.random_password.p.result}"}
output:
  shown: {value: "${ephemeral.random_password.p.length}"}
"#;
    let mut pair = Pair::new(tf, yaml);
    pair.file("m/main.tf", "variable \"plain\" {}\n");
    pair.run(&["plan"]).expect_status(1);
    insta::assert_snapshot!(pair.told());
}
