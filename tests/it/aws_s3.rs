//! Buckets of AWS and their settings, against ministack, and against moto where ministack is wrong.

use terrane::model::{Object, ObjectBuilder, Value};
use terrane::provider::{Delete, ErrorKind, Filter, Outcome, ReadOutcome, Stored};

use crate::driver_conformance::suite::operation;
use crate::support::aws::{Account, done};
use crate::support::cli::{KillSwitch, Stack};
use crate::support::proxy::Proxy;
use crate::support::{ministack, moto, wire};

const BUCKET: &str = "aws_s3_bucket";
const VERSIONING: &str = "aws_s3_bucket_versioning";
const ENCRYPTION: &str = "aws_s3_bucket_server_side_encryption_configuration";
const PUBLIC_ACCESS: &str = "aws_s3_bucket_public_access_block";
const POLICY: &str = "aws_s3_bucket_policy";
const OWNERSHIP: &str = "aws_s3_bucket_ownership_controls";
const LIFECYCLE: &str = "aws_s3_bucket_lifecycle_configuration";

const REGION: &str = "eu-west-1";

fn object() -> ObjectBuilder {
    ObjectBuilder::new()
}

/// The account on ministack, through a proxy.
async fn account() -> (Proxy, Account) {
    let proxy = Proxy::start(ministack::Server::shared().url());
    let account = Account::connect(proxy.url(), REGION).await;
    (proxy, account)
}

fn found(outcome: ReadOutcome) -> Stored {
    match outcome {
        ReadOutcome::Found(stored) => stored,
        other => panic!("{other:?}"),
    }
}

fn blocks(name: &str, object: ObjectBuilder) -> Value {
    let whole = ObjectBuilder::new().blocks(name, [object.build()]).build();
    whole.get(name).unwrap().clone()
}

fn versioning(status: &str) -> Value {
    blocks("x", object().set("status", status))
}

fn policy(action: &str, bucket: &str) -> String {
    format!(
        r#"{{ "Version": "2012-10-17", "Statement": [ {{ "Effect": "Allow", "Principal": "*", "Action": ["{action}"],
             "Resource": "arn:aws:s3:::{bucket}/*" }} ] }}"#
    )
}

/// Each setting with the attribute that holds it, a value, and another.
pub fn settings() -> [(&'static str, &'static str, Value, Value); 6] {
    let key = "arn:aws:kms:eu-west-1:000000000000:key/1";
    let kms = || object().set("sse_algorithm", "aws:kms").set("kms_master_key_id", key);
    let aes = || object().set("sse_algorithm", "AES256");
    let encrypted =
        |how: ObjectBuilder| blocks("rule", object().set("apply_server_side_encryption_by_default", blocks("x", how)));
    let owner = |who: &str| blocks("rule", object().set("object_ownership", who));
    let rule = |days: i64| {
        let filter = blocks("filter", object().set("prefix", "log/"));
        let expiration = blocks("expiration", object().set("days", days));
        blocks(
            "rule",
            object().set("id", "log").set("status", "Enabled").set("filter", filter).set("expiration", expiration),
        )
    };
    [
        (VERSIONING, "versioning_configuration", versioning("Enabled"), versioning("Suspended")),
        (ENCRYPTION, "rule", encrypted(kms()), encrypted(aes())),
        (PUBLIC_ACCESS, "block_public_acls", Value::from(true), Value::from(false)),
        (POLICY, "policy", policy("s3:GetObject", "settings").into(), policy("s3:PutObject", "settings").into()),
        (OWNERSHIP, "rule", owner("BucketOwnerPreferred"), owner("ObjectWriter")),
        (LIFECYCLE, "rule", rule(30), rule(60)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_listed() {
    let (_proxy, aws) = account().await;
    for (ty, attribute, value, _) in settings() {
        let bucket = object().set("bucket", format!("settings-{}", ty.len()));
        let bucket = done(aws.try_create(BUCKET, bucket, &ty.len().to_string()).await);
        let made = aws.create(ty, object().set("bucket", &*bucket.id.0).set(attribute, value)).await;
        let listed = aws.connection.list(ty, &Filter::default()).await.unwrap();
        assert_eq!(listed.iter().filter(|l| l.stored.id == made.id).count(), 1, "{ty} is listed");
        aws.delete(ty, &made).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_of_a_bucket_that_is_gone_is_gone() {
    let (proxy, aws) = account().await;
    let bucket = aws.create(BUCKET, object().set("bucket", "vanishing")).await;
    let block = aws.create(PUBLIC_ACCESS, object().set("bucket", "vanishing").set("block_public_acls", true)).await;
    proxy.on("GET /vanishing*").first(2).error(503, "SlowDown", "Please reduce your request rate.");
    found(aws.read(PUBLIC_ACCESS, "vanishing", Some(block.object.clone())).await);
    aws.delete(BUCKET, &bucket).await.unwrap();
    for (ty, stored) in [(BUCKET, &bucket), (PUBLIC_ACCESS, &block)] {
        let outcome = aws.read(ty, "vanishing", Some(stored.object.clone())).await;
        assert!(matches!(outcome, ReadOutcome::Gone), "{ty}: {outcome:?}");
        aws.delete(ty, stored).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_kept_and_suspended() {
    let proxy = moto::Server::shared().proxy();
    let aws = Account::connect(proxy.url(), REGION).await;
    aws.create(BUCKET, object().set("bucket", "versions")).await;
    let config = object().set("bucket", "versions").set("versioning_configuration", versioning("Enabled"));
    let made = aws.create(VERSIONING, config).await;
    let status = |o: &Object| o.block("versioning_configuration").unwrap().string("status").unwrap();
    assert_eq!(status(&made.object), "Enabled");
    aws.delete(VERSIONING, &made).await.unwrap();
    let left = found(aws.read(VERSIONING, "versions", None).await);
    assert_eq!(status(&left.object), "Suspended", "a bucket that kept versions never goes back to none");
    let never = object().set("bucket", "versions").set("versioning_configuration", versioning("Disabled"));
    let Outcome::Failed(error) = aws.try_create(VERSIONING, never, "2").await else { panic!() };
    assert!(error.help.unwrap().contains("Suspended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_no_second_bucket_and_takes_none_over() {
    let (proxy, aws) = account().await;
    proxy.on("PUT /lost-bucket*").nth(1).lose_answer();
    let config = || object().set("bucket", "lost-bucket");
    let lost = done(aws.try_create(BUCKET, config(), "1").await);
    assert_eq!(&*lost.id.0, "lost-bucket");
    let Outcome::Failed(error) = aws.try_create(BUCKET, config(), "2").await else { panic!("it is taken over") };
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
    assert!(error.help.unwrap().contains("import"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_bucket_goes_only_by_force() {
    let server = ministack::Server::shared();
    let (_proxy, aws) = account().await;
    let full = aws.create(BUCKET, object().set("bucket", "full")).await;
    aws.create(VERSIONING, object().set("bucket", "full").set("versioning_configuration", versioning("Enabled"))).await;
    for text in ["one", "two"] {
        wire::request("PUT", &format!("{}/full/a/key", server.url()), &[], text).expect("ministack answers");
    }
    let error = aws.delete(BUCKET, &full).await.unwrap_err();
    assert_eq!(error.code, "BucketNotEmpty");
    assert!(error.help.unwrap().contains("force_destroy"));
    let forced = done(aws.update(BUCKET, &full, object().set("force_destroy", true)).await);
    let (id, prior) = (forced.id.clone(), forced.object.clone());
    let delete = Delete { id, prior, private: None, op: operation(BUCKET) };
    aws.connection.delete(BUCKET, delete).await.unwrap();
    assert!(matches!(aws.read(BUCKET, "full", None).await, ReadOutcome::Gone));
}

const STACK: &str = r#"
variable "name" {
  default = "stack-logs"
}

resource "aws_s3_bucket" "logs" {
  bucket = var.name
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = "123456789012" }, Action = "s3:GetObject", Resource = "${aws_s3_bucket.logs.arn}/*" }]
  })
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    expiration {
      days = 30
    }
    noncurrent_version_expiration {
      noncurrent_days = 7
    }
  }

  rule {
    id     = "archive"
    status = "Enabled"
    filter {
      prefix = "archive/"
    }
    transition {
      days          = 90
      storage_class = "GLACIER"
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}
"#;

#[test]
fn a_stack_is_made_once_replaced_and_destroyed() {
    let proxy = Proxy::start(ministack::Server::shared().url());
    let stack = Stack::with("main.tf", STACK);
    let terrane = |arguments: &[&str]| stack.terrane(arguments.iter().copied()).aws(proxy.url(), REGION);
    let kill = KillSwitch::default();
    proxy.on("PUT /stack-logs*?policy*").nth(1).once_answered(kill.hook());
    terrane(&["apply", "-auto-approve"]).kill_switch(&kill).run().killed();
    terrane(&["apply", "-auto-approve"]).run().success();
    terrane(&["plan", "-detailed-exitcode"]).run().success();

    terrane(&["apply", "-auto-approve", "-var", "name=stack-logs-2"]).run().success();
    terrane(&["plan", "-detailed-exitcode", "-var", "name=stack-logs-2"]).run().success();
    terrane(&["apply", "-destroy", "-auto-approve"]).run().success();
}
