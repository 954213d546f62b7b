//! What a provider block of AWS says: credentials, roles, accounts, regions, endpoints, default tags. Through the
//! command, against moto; the proxy sees who signed a call, and for which region.

use crate::support::cli::{Stack, Terrane};
use crate::support::moto;
use crate::support::proxy::{Call, Proxy};

/// A command that knows nothing of AWS but what the stack says.
fn terrane(stack: &Stack, arguments: &[&str]) -> Terrane {
    stack.terrane(arguments).env("TERRANE_SETTLE_TIME", "0s")
}

/// The key that signed a call.
fn signer(call: &Call) -> &str {
    let header = call.header("authorization").unwrap_or_default();
    header.split_once("Credential=").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default()
}

fn endpoints(proxy: &Proxy) -> String {
    format!("endpoints {{\n    ec2 = \"{0}\"\n    sts = \"{0}\"\n    iam = \"{0}\"\n  }}", proxy.url())
}

const TWO_REGIONS: &str = r#"
provider "aws" {
  region                   = "ONE"
  profile                  = "team"
  shared_config_files      = ["config"]
  shared_credentials_files = ["credentials"]
  allowed_account_ids      = ["123456789012"]
  default_tags {
    tags = { Team = "net", Name = "default" }
  }
  ENDPOINTS
}

provider "aws" {
  alias      = "other"
  region     = "OTHER"
  access_key = "AKIAWEST"
  secret_key = "secret"
  ENDPOINTS
}

resource "aws_vpc" "one" {
  cidr_block = "10.0.0.0/16"
  tags       = { Name = "one" }
}

resource "aws_vpc" "other" {
  provider   = aws.other
  cidr_block = "10.0.0.0/16"
  tags       = { Peer = aws_vpc.one.id }
}
"#;

#[test]
fn a_profile_two_regions_default_tags_and_endpoints() {
    let moto = moto::Server::shared();
    let (proxy, one, other) = (moto.proxy(), moto.region(), moto.region());
    let text = TWO_REGIONS.replace("ENDPOINTS", &endpoints(&proxy)).replace("ONE", one).replace("OTHER", other);
    let stack = Stack::with("main.tf", &text);
    stack.write("config", "[profile team]\noutput = json\n");
    stack.write("credentials", "[team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = secret\n");
    // What the block names wins over the environment.
    let run = |arguments: &[&str]| {
        let command = terrane(&stack, arguments).env("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT");
        command.env("AWS_SECRET_ACCESS_KEY", "secret").run()
    };

    run(&["plan", "-out=p"]).success();
    let plan = run(&["show", "-json", "p"]).success().json();
    let vpc = |name: &str| {
        let changes = plan["resource_changes"].as_array().unwrap().iter();
        changes.clone().find(|c| c["name"] == name).unwrap()["change"].clone()
    };
    assert_eq!(vpc("one")["after"]["tags_all"], serde_json::json!({ "Name": "one", "Team": "net" }));
    assert_eq!(vpc("other")["after_unknown"]["tags_all"], serde_json::json!({ "Peer": true }));

    run(&["apply", "p"]).success();
    let made = proxy.calls_of("CreateVpc");
    let made: Vec<(&str, &str)> = made.iter().map(|call| (signer(call), call.region.as_str())).collect();
    assert_eq!(made, [("AKIATEAM", one), ("AKIAWEST", other)]);
    let again = run(&["plan", "-detailed-exitcode"]).success();
    assert!(again.stdout.contains("No changes."), "{again}");
    run(&["destroy", "-auto-approve"]).success();
    assert_eq!(proxy.count("DeleteVpc"), 2);
}

const ROLE: &str = r#"
provider "aws" {
  region     = "REGION"
  access_key = "AKIABASE"
  secret_key = "secret"
  assume_role {
    role_arn     = "arn:aws:iam::210987654321:role/deploy"
    session_name = "ci"
    external_id  = "agreed"
  }
  allowed_account_ids = ["ACCOUNT"]
  ENDPOINTS
}

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
"#;

#[test]
fn a_role_is_taken_on_and_the_wrong_account_is_not_touched() {
    let moto = moto::Server::shared();
    let (proxy, region) = (moto.proxy(), moto.region());
    let text = ROLE.replace("ENDPOINTS", &endpoints(&proxy)).replace("REGION", region);
    let stack = Stack::with("main.tf", &text.replace("ACCOUNT", "123456789012"));
    let refused = terrane(&stack, &["apply", "-auto-approve"]).run().expect_status(1);
    assert!(refused.said().contains("the account \"210987654321\" must not be touched"), "{refused}");
    assert!(refused.said().contains("change \"allowed_account_ids\""), "{refused}");
    assert_eq!(proxy.count("CreateVpc"), 0);

    stack.write("main.tf", &text.replace("ACCOUNT", "210987654321"));
    terrane(&stack, &["apply", "-auto-approve"]).run().success();
    let asked = &proxy.calls_of("AssumeRole")[0];
    assert_eq!(signer(asked), "AKIABASE");
    for (name, value) in [("RoleSessionName", "ci"), ("ExternalId", "agreed")] {
        assert_eq!(asked.parameter(name).as_deref(), Some(value));
    }
    let made = proxy.calls_of("CreateVpc");
    assert!(made.len() == 1 && signer(&made[0]).starts_with("ASIA"), "{} signed it", signer(&made[0]));
    terrane(&stack, &["destroy", "-auto-approve"]).run().success();
}

const WEB_IDENTITY: &str = r#"
provider "aws" {
  region = "REGION"
  assume_role_with_web_identity {
    role_arn                = "arn:aws:iam::210987654321:role/ci"
    session_name            = "build"
    duration                = "30m"
    web_identity_token_file = "token"
  }
  ENDPOINTS
}

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
"#;

#[test]
fn a_role_is_taken_on_with_a_token() {
    let moto = moto::Server::shared();
    let (proxy, region) = (moto.proxy(), moto.region());
    let stack =
        Stack::with("main.tf", &WEB_IDENTITY.replace("ENDPOINTS", &endpoints(&proxy)).replace("REGION", region));
    let missing = terrane(&stack, &["apply", "-auto-approve"]).run().expect_status(1);
    assert!(missing.said().contains("the token file \"token\" cannot be read"), "{missing}");
    assert!(missing.said().contains("role/ci\" cannot be taken on"), "{missing}");

    stack.write("token", "a.signed.token\n");
    proxy.on("AssumeRoleWithWebIdentity").error(400, "InvalidIdentityToken", "The token has expired");
    let refused = terrane(&stack, &["apply", "-auto-approve"]).run().expect_status(1);
    assert!(refused.said().contains("The token has expired") && !refused.said().contains("signed.token"), "{refused}");
    proxy.behave();

    terrane(&stack, &["apply", "-auto-approve"]).run().success();
    let asked = proxy.calls_of("AssumeRoleWithWebIdentity").pop().unwrap();
    let said = [("RoleSessionName", "build"), ("DurationSeconds", "1800"), ("WebIdentityToken", "a.signed.token")];
    for (name, value) in said {
        assert_eq!(asked.parameter(name).as_deref(), Some(value));
    }
    let made = proxy.calls_of("CreateVpc");
    assert!(made.len() == 1 && signer(&made[0]).starts_with("ASIA"), "{} signed it", signer(&made[0]));
    terrane(&stack, &["destroy", "-auto-approve"]).run().success();
}
