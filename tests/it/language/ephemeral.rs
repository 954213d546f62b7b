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

#[cfg(feature = "aws")]
#[test]
fn what_is_write_only_is_kept_nowhere() {
    let tf = r#"
variable "token" {
  ephemeral = true
}
variable "turn" {
  default = 1
}
provider "aws" {
  region = "eu-west-1"
}
ephemeral "random_password" "db" {
  length = 20
}
resource "aws_db_instance" "main" {
  identifier          = "main"
  engine              = "postgres"
  instance_class      = "db.t4g.micro"
  allocated_storage   = 20
  username            = "me"
  password_wo         = "${var.token}${length(ephemeral.random_password.db.result)}"
  password_wo_version = var.turn
  skip_final_snapshot = true
}
output "kept" {
  value = [aws_db_instance.main.password_wo, aws_db_instance.main.password_wo_version]
}
"#;
    let yaml = r#"
variable:
  token: {ephemeral: true}
  turn: {default: 1}
provider:
  aws: {region: eu-west-1}
ephemeral:
  random_password:
    db: {length: 20}
resource:
  aws_db_instance:
    main:
      identifier: main
      engine: postgres
      instance_class: db.t4g.micro
      allocated_storage: 20
      username: me
      password_wo: ${var.token}${length(ephemeral.random_password.db.result)}
      password_wo_version: ${var.turn}
      skip_final_snapshot: true
output:
  kept:
    value:
      - ${aws_db_instance.main.password_wo}
      - ${aws_db_instance.main.password_wo_version}
"#;
    const SECRET: &str = "-var=token=top-secret!";
    let mut pair = Pair::new(tf, yaml);
    pair.run(&["plan", "-sandbox", SECRET, "-out=p"]).success();
    let shown = pair.run(&["show", "-json", "p"]).success().json();
    let planned = &shown["resource_changes"][0]["change"];
    assert!(planned["after"]["password_wo"].is_null() && planned["after_unknown"]["password_wo"].is_null());
    pair.run(&["apply", "-sandbox", SECRET, "p"]).success();
    let outputs = pair.run(&["output", "-sandbox", "-json"]).success().json();
    assert_eq!(outputs["kept"]["value"], serde_json::json!([null, 1]));
    // Another value alone changes nothing; another version sends it.
    pair.run(&["plan", "-sandbox", "-var=token=other-one!", "-detailed-exitcode"]).success();
    let run = pair.run(&["apply", "-sandbox", "-auto-approve", SECRET, "-var=turn=2"]).success();
    assert!(run.stdout.contains("0 added, 1 changed, 0 destroyed"), "{run}");
    let told = pair.told().replace(SECRET, "");
    assert!(!told.contains("top-secret"), "{told}");
    for stack in [&pair.tf, &pair.yaml] {
        let state = stack.terrane(["state", "pull", "-sandbox"]).run().success().json();
        assert!(state["resources"][0]["instances"][0]["attributes"]["password_wo"].is_null(), "{state}");
        for (path, bytes) in files_below(&stack.dir()) {
            let plain = match bytes.strip_prefix(b"terrane plan 2\n") {
                Some(packed) => unpacked(packed),
                None => bytes,
            };
            let found = plain.windows(10).any(|part| part == b"top-secret");
            assert!(!found, "{} keeps a secret", path.display());
        }
    }
}

#[cfg(feature = "aws")]
fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut plain).unwrap();
    plain
}

/// All files below a folder, with what they hold.
#[cfg(feature = "aws")]
fn files_below(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push((path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    files
}
