//! Databases of AWS, against moto, and against ministack where moto is wrong.

use terrane::model::ObjectBuilder;
use terrane::provider::{ErrorKind, Outcome, ReadOutcome};

use crate::support::aws::{Account, done};
use crate::support::proxy::Proxy;
use crate::support::{ministack, moto};

const GROUP: &str = "aws_db_subnet_group";
const INSTANCE: &str = "aws_db_instance";

fn object() -> ObjectBuilder {
    ObjectBuilder::new()
}

pub fn postgres(name: &str) -> ObjectBuilder {
    object()
        .set("identifier", name)
        .set("engine", "postgres")
        .set("engine_version", "15.4")
        .set("instance_class", "db.r6g.large")
        .set("allocated_storage", 100)
        .set("storage_type", "gp3")
        .set("storage_encrypted", true)
        .set("db_name", "shop")
        .set("username", "app")
        .set("password", "a-long-password")
        .set("port", 5432)
        .set("multi_az", true)
        .set("backup_retention_period", 30)
        .set("skip_final_snapshot", true)
        .string_map("tags", [("Name", name)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_lives_its_life() {
    let region = moto::Server::shared().region();
    let aws = Account::connect(moto::Server::shared().url(), region).await;
    let subnets = aws.subnets(region).await;
    let group = object().set("name", "main").string_set("subnet_ids", &subnets);
    let group = aws.create(GROUP, group).await;
    assert_eq!(group.object.str("description"), Some("Managed by Terraform"));
    assert!(group.object.str("arn").unwrap().contains(":subgrp:main"), "{group:?}");

    let made = aws.create(INSTANCE, postgres("shop").set("db_subnet_group_name", "main")).await;
    assert_eq!(&*made.id.0, "shop");
    let text = |name: &str| made.object.string(name).unwrap_or_default();
    assert_eq!(text("status"), "available");
    assert_eq!(text("endpoint"), format!("{}:5432", text("address")));
    assert_eq!(text("id"), text("resource_id"));
    assert_eq!(text("password"), "a-long-password");
    assert_eq!(text("db_subnet_group_name"), "main");
    assert_eq!(made.object.i64("backup_retention_period"), Some(30));
    assert_eq!(made.object.bool("multi_az"), Some(true));

    let ReadOutcome::Found(read) = aws.read(INSTANCE, "shop", Some(made.object.clone())).await else { panic!() };
    assert_eq!(read.object, made.object);
    let ReadOutcome::Found(imported) = aws.read(INSTANCE, "shop", None).await else { panic!() };
    assert!(imported.object.get("password").is_none());
    assert_eq!(imported.object.bool("skip_final_snapshot"), Some(false));
    assert_eq!(imported.object.str("engine_version"), Some("15.4"));
    let listed = aws.connection.list(INSTANCE, &Default::default()).await.unwrap();
    assert_eq!(listed.iter().map(|l| &*l.stored.id.0).collect::<Vec<_>>(), ["shop"]);

    let change = object().set("instance_class", "db.r6g.xlarge").set("apply_immediately", true);
    let change = change.string_map("tags", [("Name", "shop"), ("env", "prod")]);
    let change = change.string_map("tags_all", [("Name", "shop"), ("env", "prod")]);
    let updated = done(aws.update(INSTANCE, &made, change).await);
    assert_eq!(updated.object.str("instance_class"), Some("db.r6g.xlarge"));
    assert_eq!(updated.object.string_map("tags").len(), 2);

    aws.delete(INSTANCE, &updated).await.unwrap();
    assert!(matches!(aws.read(INSTANCE, "shop", None).await, ReadOutcome::Gone));
    aws.delete(INSTANCE, &updated).await.unwrap();
    aws.delete(GROUP, &group).await.unwrap();
    assert!(matches!(aws.read(GROUP, "main", None).await, ReadOutcome::Gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_waited_for_and_found_again() {
    let region = moto::Server::shared().region();
    let proxy = Proxy::start(moto::Server::shared().url());
    let aws = Account::connect(proxy.url(), region).await;
    let creating = "<DBInstanceStatus>creating</DBInstanceStatus>";
    proxy.on("DescribeDBInstances").first(3).rewrite("<DBInstanceStatus>available</DBInstanceStatus>", creating);
    let made = aws.create(INSTANCE, postgres("slow")).await;
    assert_eq!(made.object.str("status"), Some("available"));
    assert_eq!(aws.told(), ["waiting for \"available\", now \"creating\""; 3]);

    // The answer is lost: the instance that was made is found, not made again and not refused.
    proxy.behave();
    proxy.on("CreateDBInstance").nth(1).lose_answer();
    let lost = done(aws.try_create(INSTANCE, postgres("lost"), "lost").await);
    assert_eq!(&*lost.id.0, "lost");
    assert_eq!(proxy.calls_of("CreateDBInstance").iter().filter(|c| c.contains("=lost")).count(), 1);

    // Someone else's instance of the same name is not taken over.
    let Outcome::Failed(error) = aws.try_create(INSTANCE, postgres("lost"), "other").await else { panic!() };
    assert_eq!(error.kind, ErrorKind::AlreadyExists);

    // Many are read with one call; deletion insists while the instance is busy.
    proxy.behave();
    proxy.forget_calls();
    let reads = ["slow", "lost"].repeat(10);
    let reads: Vec<_> = reads
        .into_iter()
        .map(|id| terrane::provider::Read { id: terrane::provider::RemoteId(id.into()), prior: None })
        .collect();
    let outcomes = aws.connection.read_many(INSTANCE, &reads).await;
    assert!(outcomes.iter().all(|o| matches!(o, ReadOutcome::Found(_))));
    assert_eq!(proxy.count("DescribeDBInstances"), 1);
    proxy.on("DeleteDBInstance").first(2).error(400, "InvalidDBInstanceState", "Instance lost is backing up");
    aws.delete(INSTANCE, &lost).await.unwrap();
    assert_eq!(proxy.count("DeleteDBInstance"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_window_counts_as_done() {
    let server = ministack::Server::start();
    let aws = Account::connect(server.url(), "eu-west-1").await;
    let made = aws.create(INSTANCE, postgres("later").set("engine_version", "15")).await;
    assert_eq!(made.object.str("engine_version"), Some("15"));
    let updated = done(aws.update(INSTANCE, &made, object().set("instance_class", "db.r6g.xlarge")).await);
    assert_eq!(updated.object.str("instance_class"), Some("db.r6g.xlarge"));
    let ReadOutcome::Found(read) = aws.read(INSTANCE, "later", Some(updated.object.clone())).await else { panic!() };
    assert_eq!(read.object, updated.object);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_says_what_becomes_of_the_data() {
    let region = moto::Server::shared().region();
    let aws = Account::connect(moto::Server::shared().url(), region).await;
    let made = aws.create(INSTANCE, postgres("kept").set("skip_final_snapshot", false)).await;
    let error = aws.delete(INSTANCE, &made).await.unwrap_err();
    assert!(error.help.unwrap().contains("final_snapshot_identifier"));
    let named = done(aws.update(INSTANCE, &made, object().set("final_snapshot_identifier", "kept-final")).await);
    aws.delete(INSTANCE, &named).await.unwrap();
}
