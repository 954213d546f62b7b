//! Buckets of AWS and their settings, against ministack, and against moto where the API's own rules matter.

use terrane::model::{Object, ObjectBuilder};
use terrane::provider::ReadOutcome;

use crate::support::aws::{Account, done};
use crate::support::moto;

const BUCKET: &str = "aws_s3_bucket";
const VERSIONING: &str = "aws_s3_bucket_versioning";

fn object() -> ObjectBuilder {
    ObjectBuilder::new()
}

fn versioning(bucket: &str, status: &str) -> ObjectBuilder {
    let configuration: Object = object().set("status", status).build();
    object().set("bucket", bucket).blocks("versioning_configuration", [configuration])
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_kept_and_suspended() {
    let proxy = moto::Server::shared().proxy();
    let aws = Account::connect(proxy.url(), "eu-west-1").await;
    aws.create(BUCKET, object().set("bucket", "versions")).await;
    let made = aws.create(VERSIONING, versioning("versions", "Enabled")).await;
    let status = |o: &Object| o.block("versioning_configuration").unwrap().string("status").unwrap();
    assert_eq!(status(&made.object), "Enabled");
    let change = object().set(
        "versioning_configuration",
        versioning("versions", "Suspended").build().get("versioning_configuration").unwrap().clone(),
    );
    let changed = done(aws.update(VERSIONING, &made, change).await);
    assert_eq!(status(&changed.object), "Suspended");
    aws.delete(VERSIONING, &changed).await.unwrap();
    let ReadOutcome::Found(left) = aws.read(VERSIONING, "versions", None).await else { panic!() };
    assert_eq!(status(&left.object), "Suspended", "a bucket that kept versions never goes back to none");
}
