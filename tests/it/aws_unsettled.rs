//! What is not known of a creation: a call that may have happened, an object that does not show yet, one that was there
//! before. Nothing is made twice, forgotten, or taken from others.

use std::sync::OnceLock;
use std::time::Duration;

use terrane::model::ObjectBuilder;
use terrane::provider::{Calls, Pace, ProviderDef, Read, ReadOutcome};
use terrane::providers::aws::Definition;

use crate::support::aws::Account;
use crate::support::cli::{KillSwitch, Stack, Terrane};
use crate::support::moto;
use crate::support::proxy::Proxy;

const VPC: &str = r#"
provider "aws" {
  max_retries = 1
}

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
"#;

const NO_VPC: &str = r#"<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>r</requestId><vpcSet/></DescribeVpcsResponse>"#;

/// A server of these tests' own: they need many regions.
fn server() -> &'static moto::Server {
    static SERVER: OnceLock<moto::Server> = OnceLock::new();
    SERVER.get_or_init(moto::Server::start)
}

struct Ground {
    stack: Stack,
    proxy: Proxy,
    region: &'static str,
}

impl Ground {
    fn new(text: &str) -> Ground {
        let moto = server();
        Ground { stack: Stack::with("main.tf", text), proxy: moto.proxy(), region: moto.region() }
    }

    fn apply(&self) -> Terrane {
        self.stack.terrane(["apply", "-auto-approve"]).aws(self.proxy.url(), self.region)
    }

    /// Applies until the call has come, or has been answered, and ends the command there.
    fn killed_at(&self, call: &str, is_answered: bool) {
        let kill = KillSwitch::default();
        match is_answered {
            true => self.proxy.on(call).nth(1).once_answered(kill.hook()),
            false => self.proxy.on(call).nth(1).once_arrived(kill.hook()),
        }
        self.apply().kill_switch(&kill).run().killed();
        self.proxy.behave();
    }

    fn state(&self) -> String {
        self.stack.terrane(["state", "list"]).run().success().stdout
    }
}

/// The answer is lost, and whether the object is there may not be looked at.
#[test]
fn a_lost_answer_and_a_refused_look_leave_the_creation_open() {
    let ground = Ground::new(VPC);
    ground.proxy.on("CreateVpc").nth(1).lose_answer();
    ground.proxy.on("DescribeVpcs").error(403, "UnauthorizedOperation", "no");
    ground.apply().run().expect_status(1);
    ground.proxy.behave();
    ground.apply().run().success();
    assert_eq!(ground.proxy.count("CreateVpc"), 1);
}

/// The answer is lost, the object does not show, and the second call is refused.
#[test]
fn a_lost_answer_and_a_refused_second_call_leave_the_creation_open() {
    let ground = Ground::new(VPC);
    ground.proxy.on("CreateVpc").nth(1).lose_answer();
    ground.proxy.on("CreateVpc").nth(2).error(403, "UnauthorizedOperation", "no");
    ground.proxy.on("DescribeVpcs").answer(200, "text/xml", NO_VPC);
    ground.apply().run().expect_status(1);
    ground.proxy.behave();
    ground.apply().run().success();
    assert_eq!(ground.proxy.count("CreateVpc"), 2);
}

#[test]
fn an_object_that_does_not_show_at_once_is_looked_for_again() {
    let ground = Ground::new(VPC);
    ground.killed_at("CreateVpc", true);
    ground.proxy.on("DescribeVpcs").first(2).answer(200, "text/xml", NO_VPC);
    ground.apply().env("TERRANE_SETTLE_TIME", "60s").run().success();
    assert_eq!(ground.proxy.count("CreateVpc"), 1);
}

const ELSEWHERE: &str = r#"
provider "aws" {
  ALIAS
  region = "REGION"
}
"#;

const OF_ELSEWHERE: &str = r#"
resource "aws_vpc" "main" {
  PROVIDER
  cidr_block = "10.0.0.0/16"
}
"#;

/// A provider of another region than the environment's, and a VPC in it.
fn elsewhere(alias: &str, provider: &str) -> (Ground, String, String) {
    let block = ELSEWHERE.replace("ALIAS", alias).replace("REGION", server().region());
    let vpc = OF_ELSEWHERE.replace("PROVIDER", provider);
    (Ground::new(&format!("{block}{vpc}")), block, vpc)
}

/// Without the provider nobody knows where to look: the creation stays open, and is told until the provider is back.
#[test]
fn an_interrupted_creation_outlives_its_provider_block() {
    for (alias, provider) in [("alias = \"other\"", "provider = aws.other"), ("", "")] {
        let (ground, block, _) = elsewhere(alias, provider);
        ground.killed_at("CreateVpc", true);
        ground.stack.write("main.tf", "");
        for _ in 0..2 {
            let run = ground.apply().run().expect_status(1);
            assert!(
                run.said().contains("whether aws_vpc.main was created by an interrupted run is not known"),
                "{run}"
            );
            assert!(run.said().contains("help: put the provider's block back and run again"), "{run}");
        }
        ground.stack.write("main.tf", &block);
        ground.apply().run().success();
        assert_eq!((ground.proxy.count("DeleteVpc"), ground.state().as_str()), (1, ""));
        ground.stack.write("main.tf", "");
        ground.apply().run().success();
    }
}

/// Where no provider will come back, the way out is to leave it at that.
#[test]
fn an_interrupted_creation_can_be_left_at_that() {
    let (ground, ..) = elsewhere("alias = \"other\"", "provider = aws.other");
    ground.killed_at("CreateVpc", true);
    ground.stack.write("main.tf", "");
    let stuck = ground.apply().run().expect_status(1);
    assert!(stuck.said().contains("terrane state rm 'aws_vpc.main'"), "{stuck}");
    let left = ground.stack.terrane(["state", "rm", "aws_vpc.main"]).run().success();
    assert!(
        left.stdout.contains("Not looking any more for what an interrupted run may have made of aws_vpc.main"),
        "{left}"
    );
    ground.apply().run().success();
    assert_eq!((ground.proxy.count("DeleteVpc"), ground.state().as_str()), (0, ""));
}

/// An object is never looked for, and taken for gone, in another region than its own.
#[test]
fn an_object_outlives_its_provider_block() {
    let (ground, block, vpc) = elsewhere("alias = \"other\"", "provider = aws.other");
    ground.apply().run().success();
    ground.stack.write("main.tf", "");
    let run = ground.apply().run().expect_status(1);
    assert!(run.said().contains("aws_vpc.main was made with provider.aws.other, which is not configured"), "{run}");
    assert_eq!(ground.state(), "aws_vpc.main\n");
    ground.stack.write("main.tf", &format!("{block}{vpc}"));
    ground.apply().run().success();
    ground.stack.write("main.tf", &block);
    ground.apply().run().success();
    assert_eq!((ground.proxy.count("CreateVpc"), ground.proxy.count("DeleteVpc")), (1, 1));
}

/// The same of a provider without an alias, whose place the environment could take.
#[test]
fn an_object_is_not_taken_for_gone_where_the_environment_looks() {
    let (ground, block, _) = elsewhere("", "");
    ground.apply().run().success();
    ground.stack.write("main.tf", "");
    let run = ground.apply().run().expect_status(1);
    assert!(run.said().contains("aws_vpc.main is not where the environment says that it is"), "{run}");
    assert_eq!(ground.state(), "aws_vpc.main\n");
    ground.stack.write("main.tf", &block);
    ground.apply().run().success();
    assert_eq!((ground.state().as_str(), ground.proxy.count("DeleteVpc")), ("", 1));
}

const ROLE: &str = r#"
resource "aws_iam_role" "r" {
  name               = "there-before"
  assume_role_policy = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
}

resource "aws_iam_policy" "p" {
  name   = "there-before"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "a" {
  role       = aws_iam_role.r.name
  policy_arn = aws_iam_policy.p.arn
}
"#;

const ATTACHMENT: &str = r#"
resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_iam_role_policy_attachment" "a" {
  role       = "there-before"
  policy_arn = "arn:aws:iam::123456789012:policy/there-before"
}
"#;

/// What others attached before a creation was interrupted stays theirs.
#[test]
fn what_was_there_before_an_interrupted_creation_is_not_taken() {
    let others = Ground::new(ROLE);
    others.apply().run().success();
    let ground = Ground::new(ATTACHMENT);
    ground.killed_at("AttachRolePolicy", false);
    ground.stack.write("main.tf", &ATTACHMENT[..ATTACHMENT.find("resource \"aws_iam").unwrap()]);
    ground.apply().run().success();
    assert_eq!(ground.state(), "aws_vpc.main\n");
    assert_eq!(ground.proxy.count("DetachRolePolicy"), 0);
}

const PUT_VERSIONING: &str = "PUT /interrupted-setting*versioning*";

const VERSIONED: &str = r#"
resource "aws_s3_bucket" "b" {
  bucket = "interrupted-setting"
}

resource "aws_s3_bucket_versioning" "v" {
  bucket = aws_s3_bucket.b.id
  versioning_configuration {
    status = "Enabled"
  }
}
"#;

/// A setting whose block is gone when the interrupted creation is settled is taken back.
#[test]
fn an_interrupted_setting_is_found_by_what_it_says() {
    let ground = Ground::new(VERSIONED);
    ground.killed_at(PUT_VERSIONING, true);
    ground.stack.write("main.tf", &VERSIONED[..VERSIONED.find("resource \"aws_s3_bucket_versioning").unwrap()]);
    ground.apply().run().success();
    assert_eq!(ground.state(), "aws_s3_bucket.b\n");
    assert_eq!(ground.proxy.count(PUT_VERSIONING), 2, "it is suspended again");
}

/// An object that goes while others are read is gone, and the others are read.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_goes_between_two_calls_fails_no_other() {
    let (server, ty) = (server(), "aws_vpc");
    let proxy = server.proxy();
    let aws = Account::connect(proxy.url(), server.region()).await;
    let create = |key: &'static str| aws.try_create(ty, ObjectBuilder::new().set("cidr_block", "10.0.0.0/16"), key);
    let (terrane::provider::Outcome::Done(one), terrane::provider::Outcome::Done(other)) =
        (create("a1").await, create("b2").await)
    else {
        panic!("both are made")
    };
    proxy.on("DescribeVpcAttribute").containing(&one.id.0).error(400, "InvalidVpcID.NotFound", "gone");
    let reads = [&one, &other].map(|made| Read { id: made.id.clone(), prior: Some(made.object.clone()) });
    let outcomes = aws.connection.read_many(ty, &reads).await;
    assert!(matches!(&outcomes[..], [ReadOutcome::Gone, ReadOutcome::Found(_)]), "{outcomes:?}");
}

/// Going on with the credentials of before would touch the wrong account, and a silent STS holds up nothing for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_cannot_be_taken_on_is_told() {
    let server = server();
    let proxy = server.proxy();
    proxy.on("AssumeRole").hang();
    let base = ObjectBuilder::new().set("region", server.region()).set("access_key", "test").set("secret_key", "test");
    let base = base.blocks("endpoints", [ObjectBuilder::new().set("sts", proxy.url()).build()]).build();
    let taking = async |role: ObjectBuilder| {
        let config = ObjectBuilder::from(&base).blocks("assume_role", [role.build()]).build();
        let calls = Calls { attempt: Duration::from_millis(200) };
        Definition::new(Pace::default())
            .connect(&config, calls)
            .await
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let said = taking(ObjectBuilder::new().set("session_name", "x")).await;
    assert_eq!(said, "\"assume_role\" names no role");
    let said = taking(ObjectBuilder::new().set("role_arn", "arn:aws:iam::123456789012:role/x")).await;
    assert!(said.contains("sts:AssumeRole: no answer within 200ms"), "{said}");
}
