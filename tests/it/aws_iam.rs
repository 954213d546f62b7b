//! Roles, policies and what gives them to whom, against moto.

use terrane::model::{Object, ObjectBuilder, Value};
use terrane::provider::{ErrorKind, Outcome, ProviderDef, ReadOutcome, Stored};

use crate::driver_conformance::suite::operation;
use crate::support::aws::{Account, done};
use crate::support::cli::{KillSwitch, Stack};
use crate::support::moto;
use crate::support::proxy::Proxy;

const ROLE: &str = "aws_iam_role";
const POLICY: &str = "aws_iam_policy";
const ROLE_POLICY: &str = "aws_iam_role_policy";
const ISSUER: &str = "aws_iam_openid_connect_provider";
pub const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn object() -> ObjectBuilder {
    ObjectBuilder::new()
}

pub fn trust(service: &str) -> String {
    format!(
        r#"{{ "Version": "2012-10-17", "Statement": {{ "Effect": "Allow", "Action": "sts:AssumeRole",
             "Principal": {{ "Service": "{service}.amazonaws.com" }} }} }}"#
    )
}

pub fn allow(action: &str) -> String {
    format!(
        r#"{{ "Version": "2012-10-17", "Statement": [{{ "Effect": "Allow", "Action": ["{action}"], "Resource": "*" }}] }}"#
    )
}

pub fn role(name: &str) -> ObjectBuilder {
    object().set("name", name).set("assume_role_policy", trust("ec2"))
}

/// The account on moto, through a proxy.
async fn account() -> (Proxy, Account) {
    let proxy = moto::Server::shared().proxy();
    let account = Account::connect(proxy.url(), "eu-west-1").await;
    (proxy, account)
}

fn found(outcome: ReadOutcome) -> Stored {
    match outcome {
        ReadOutcome::Found(stored) => stored,
        other => panic!("{other:?}"),
    }
}

const THUMBPRINT: &str = "cf23df2207d99a74fbe169e3eba035e633b65d94";

pub fn issuer(host: &str) -> ObjectBuilder {
    object().set("url", host).strings("client_id_list", ["sts.amazonaws.com"]).strings("thumbprint_list", [THUMBPRINT])
}

/// moto and ministack have neither operation: what is sent counts.
#[tokio::test(flavor = "multi_thread")]
async fn clients_of_an_issuer_come_and_go_one_by_one() {
    let (proxy, aws) = account().await;
    let made = aws.create(ISSUER, issuer("clients.example.com")).await;
    for operation in ["AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider"] {
        let body = format!("<{operation}Response><ResponseMetadata/></{operation}Response>");
        proxy.on(operation).answer(200, "text/xml", &body);
    }
    done(aws.update(ISSUER, &made, object().strings("client_id_list", ["b.example.com", "a.example.com"])).await);
    let clients = |operation: &str| {
        let calls = proxy.calls_of(operation);
        calls.iter().filter_map(|call| call.parameter("ClientID")).collect::<Vec<_>>()
    };
    assert_eq!(clients("AddClientID*"), ["b.example.com", "a.example.com"]);
    assert_eq!(clients("RemoveClientID*"), ["sts.amazonaws.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_a_policy_in_a_role_says_how_it_is_written() {
    let (_proxy, aws) = account().await;
    assert!(aws.def.import_id(ROLE_POLICY, "holder").unwrap_err().help.unwrap().contains("role_of_mypolicy_name:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_lives_its_life() {
    let (proxy, aws) = account().await;
    let config = role("life").set("description", "a").set("max_session_duration", 7200).set("path", "/team/");
    let made = aws.create(ROLE, config).await;
    assert_eq!(made.object.str("assume_role_policy"), Some(&*trust("ec2")), "the text stays as it is written");
    assert!(made.object.str("arn").unwrap().ends_with(":role/team/life"));
    let imported = found(aws.read(ROLE, "life", None).await);
    assert_eq!(imported.object.i64("max_session_duration"), Some(7200));

    let bounded = object().set("permissions_boundary", READ_ONLY).set("max_session_duration", 3600);
    let bounded = done(aws.update(ROLE, &made, bounded.string_map("tags", [("env", "prod")])).await);
    assert_eq!(bounded.object.str("permissions_boundary"), Some(READ_ONLY));
    let free = object().set("permissions_boundary", Value::NULL);
    let free = done(aws.update(ROLE, &bounded, free).await);
    assert_eq!(free.object.str("permissions_boundary"), None);

    // Throttling is waited out; what is gone outside reads as gone, and deleting it is fine.
    proxy.on("GetRole").first(3).error(400, "Throttling", "Rate exceeded");
    found(aws.read(ROLE, "life", Some(free.object.clone())).await);
    aws.delete(ROLE, &free).await.unwrap();
    assert!(matches!(aws.read(ROLE, "life", Some(free.object.clone())).await, ReadOutcome::Gone));
    aws.delete(ROLE, &free).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_no_second_object_and_takes_none_over() {
    let (proxy, aws) = account().await;
    proxy.on("CreateRole").nth(1).lose_answer();
    proxy.on("CreatePolicy").nth(1).lose_answer();
    let lost = done(aws.try_create(ROLE, role("lost"), "1").await);
    assert_eq!(&*lost.id.0, "lost");
    let policy = || object().set("name", "lost").set("policy", allow("s3:*"));
    let lost = done(aws.try_create(POLICY, policy(), "2").await);
    assert!(lost.id.0.ends_with(":policy/lost"));
    assert_eq!((proxy.count("CreateRole"), proxy.count("CreatePolicy")), (1, 1));
    for (ty, config) in [(ROLE, role("lost")), (POLICY, policy())] {
        let Outcome::Failed(error) = aws.try_create(ty, config, "3").await else { panic!("{ty} is taken over") };
        assert_eq!(error.kind, ErrorKind::AlreadyExists);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_keeps_five_versions_and_goes_with_all() {
    let (proxy, aws) = account().await;
    let mut policy = aws.create(POLICY, object().set("name", "versions").set("policy", allow("a:0"))).await;
    for version in 1..7 {
        policy = done(aws.update(POLICY, &policy, object().set("policy", allow(&format!("a:{version}")))).await);
    }
    assert_eq!(policy.object.str("policy"), Some(&*allow("a:6")));
    assert_eq!(proxy.count("DeletePolicyVersion"), 2);
    // It is still attached for a moment.
    proxy.on("DeletePolicy").first(2).error(409, "DeleteConflict", "Cannot delete a policy attached to entities.");
    aws.delete(POLICY, &policy).await.unwrap();
    assert_eq!(proxy.count("DeletePolicy"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_lists_its_policies_owns_them() {
    let (_proxy, aws) = account().await;
    let inline = |name: &str| object().set("name", name).set("policy", allow("s3:*")).build();
    let config = role("owner").string_set("managed_policy_arns", [READ_ONLY]).blocks("inline_policy", [inline("a")]);
    let made = aws.create(ROLE, config).await;
    assert_eq!(made.object.strings("managed_policy_arns"), [READ_ONLY]);
    aws.create(ROLE_POLICY, object().set("role", "owner").set("name", "outside").set("policy", allow("x:*"))).await;
    let drifted = found(aws.read(ROLE, "owner", Some(made.object.clone())).await);
    assert_eq!(drifted.object.blocks("inline_policy").len(), 2, "what others put in shows");

    let none: [&str; 0] = [];
    let change = object().string_set("managed_policy_arns", none).blocks("inline_policy", [inline("b")]);
    let changed = done(aws.update(ROLE, &drifted, change).await);
    let names = |o: &Object| o.blocks("inline_policy").iter().filter_map(|b| b.string("name")).collect::<Vec<_>>();
    assert_eq!(names(&changed.object), ["b"]);
    assert!(changed.object.strings("managed_policy_arns").is_empty());
    let plain = found(aws.read(ROLE, "owner", None).await);
    assert!(plain.object.get("managed_policy_arns").is_none(), "a role that lists none leaves them alone");
    aws.delete(ROLE, &changed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn data_sources() {
    let (_proxy, aws) = account().await;
    aws.create(ROLE, role("sought").string_map("tags", [("a", "1")])).await;
    let read = async |ty: &str, config: ObjectBuilder| {
        aws.connection.read_data(ty, &config.build(), &operation("aws_vpc")).await
    };
    let sought = read(ROLE, object().set("name", "sought")).await.unwrap();
    assert!(sought.str("arn").unwrap().ends_with(":role/sought"));
    assert_eq!(sought.string_map("tags"), [("a".to_string(), "1".to_string())]);
    let missing = read(ROLE, object().set("name", "nobody")).await.unwrap_err();
    assert_eq!((missing.kind, &*missing.message), (ErrorKind::NotFound, "there is no role \"nobody\""));

    let by_name = read(POLICY, object().set("name", "ReadOnlyAccess")).await.unwrap();
    let by_arn = read(POLICY, object().set("arn", READ_ONLY)).await.unwrap();
    assert_eq!(by_name.str("id"), Some(READ_ONLY));
    assert!(by_arn.str("policy").unwrap().contains("\"Statement\""));

    let statement = object().string_set("actions", ["s3:*"]).string_set("resources", ["*"]).build();
    let document = read("aws_iam_policy_document", object().blocks("statement", [statement])).await.unwrap();
    let minified = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    assert_eq!(document.str("minified_json"), Some(minified));
}

const STACK: &str = r#"
variable "path" {
  default = "/"
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "app" {
  name               = "stack-app"
  path               = var.path
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_policy" "app" {
  name   = "stack-app"
  policy = jsonencode({ Version = "2012-10-17", Statement = { Effect = "Allow", Action = "s3:*", Resource = ["*"] } })
}

resource "aws_iam_role_policy_attachment" "app" {
  role       = aws_iam_role.app.id
  policy_arn = aws_iam_policy.app.arn
}

resource "aws_iam_role_policy" "app" {
  name_prefix = "own-"
  role        = aws_iam_role.app.id
  policy      = aws_iam_policy.app.policy
}

resource "aws_iam_instance_profile" "app" {
  name = "stack-app"
  path = var.path
  role = aws_iam_role.app.id
}

resource "aws_iam_openid_connect_provider" "app" {
  url            = "https://stack.example.com"
  client_id_list = ["sts.amazonaws.com"]
}
"#;

#[test]
fn a_stack_is_made_once_replaced_and_destroyed() {
    let proxy = moto::Server::shared().proxy();
    let stack = Stack::with("main.tf", STACK);
    let terrane = |arguments: &[&str]| stack.terrane(arguments.iter().copied()).aws(proxy.url(), "eu-west-1");
    // The run dies with the role made and nobody told: the next one finds it.
    let kill = KillSwitch::default();
    proxy.on("CreateRole").nth(1).once_answered(kill.hook());
    terrane(&["apply", "-auto-approve"]).kill_switch(&kill).run().killed();
    terrane(&["apply", "-auto-approve"]).run().success();
    assert_eq!(proxy.count("CreateRole"), 1);
    terrane(&["plan", "-detailed-exitcode"]).run().success();

    let replaced = terrane(&["apply", "-auto-approve", "-var", "path=/team/"]).run().success();
    assert!(replaced.stdout.contains("Apply complete! Resources: 4 added, 0 changed, 4 destroyed."), "{replaced}");
    terrane(&["plan", "-detailed-exitcode", "-var", "path=/team/"]).run().success();
    terrane(&["apply", "-destroy", "-auto-approve"]).run().success();
    assert_eq!(proxy.count("DeleteOpenIDConnectProvider"), 1);
}
