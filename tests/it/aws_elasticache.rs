//! Caches of AWS, against ministack: moto never lets a replication group go.

use terrane::model::ObjectBuilder;
use terrane::provider::{ErrorKind, IdempotencyKey, Outcome, ReadOutcome};

use crate::support::aws::{Account, done};
use crate::support::ministack;
use crate::support::proxy::Proxy;

const GROUP: &str = "aws_elasticache_replication_group";
const REGION: &str = "eu-west-1";

fn object() -> ObjectBuilder {
    ObjectBuilder::new()
}

pub fn redis(name: &str) -> ObjectBuilder {
    object()
        .set("replication_group_id", name)
        .set("description", "sessions")
        .set("engine_version", "7.1")
        .set("node_type", "cache.t4g.small")
        .set("num_cache_clusters", 2)
        .set("automatic_failover_enabled", true)
        .set("multi_az_enabled", true)
        .set("at_rest_encryption_enabled", true)
        .set("transit_encryption_enabled", true)
        .set("snapshot_retention_limit", 7)
        .string_map("tags", [("Name", name)])
}

async fn ground(server: &ministack::Server) -> (Proxy, Account) {
    let proxy = Proxy::start(server.url());
    let aws = Account::connect(proxy.url(), REGION).await;
    (proxy, aws)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_is_waited_for_and_found_again() {
    let server = ministack::Server::start();
    let (proxy, aws) = ground(&server).await;
    let creating = "<Status>creating</Status>";
    proxy.on("DescribeReplicationGroups").first(3).rewrite("<Status>available</Status>", creating);
    let made = aws.create(GROUP, redis("slow")).await;
    assert_eq!(aws.told(), ["waiting for \"available\", now \"creating\""; 3]);
    let ReadOutcome::Found(read) = aws.read(GROUP, "slow", Some(made.object.clone())).await else { panic!() };
    assert_eq!(read.object, made.object);

    // The answer is lost: the group that was made is found, not made again and not refused.
    proxy.behave();
    proxy.forget_calls();
    proxy.on("CreateReplicationGroup").nth(1).lose_answer();
    let lost = done(aws.try_create(GROUP, redis("lost"), "lost").await);
    assert_eq!((&*lost.id.0, proxy.count("CreateReplicationGroup")), ("lost", 1));
    let key = |key: &str| IdempotencyKey(format!("{key:0>32}").as_str().into());
    let desired = aws.desired(GROUP, &redis("lost").build());
    let found = aws.connection.find_by_key(GROUP, &key("lost"), &desired).await.unwrap();
    assert_eq!(found.map(|s| s.id), Some(lost.id.clone()));
    assert!(aws.connection.find_by_key(GROUP, &key("other"), &desired).await.unwrap().is_none());

    // Someone else's group of the same name is not taken over.
    let Outcome::Failed(error) = aws.try_create(GROUP, redis("lost"), "other").await else { panic!() };
    assert_eq!(error.kind, ErrorKind::AlreadyExists);

    // An interrupted creation is finished.
    proxy.on("DescribeReplicationGroups").first(1).rewrite("<Status>available</Status>", creating);
    let finished = done(aws.resume(GROUP, &lost, redis("lost")).await);
    assert_eq!(finished.object, lost.object);
    assert_eq!(aws.told().len(), 4);

    // Throttling is waited out; so is a group that is busy when it shall go.
    proxy.behave();
    proxy.forget_calls();
    proxy.on("CreateReplicationGroup").first(2).error(400, "Throttling", "Rate exceeded");
    aws.create(GROUP, redis("throttled")).await;
    assert_eq!(proxy.count("CreateReplicationGroup"), 3);
    proxy.on("DeleteReplicationGroup").first(2).error(400, "InvalidReplicationGroupState", "snapshotting");
    aws.delete(GROUP, &lost).await.unwrap();
    assert_eq!(proxy.count("DeleteReplicationGroup"), 3);
    assert!(matches!(aws.read(GROUP, "lost", None).await, ReadOutcome::Gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_fails_is_kept_and_says_where_to_look() {
    let server = ministack::Server::start();
    let (proxy, aws) = ground(&server).await;
    proxy.on("DescribeReplicationGroups").rewrite("<Status>available</Status>", "<Status>create-failed</Status>");
    let Outcome::Partial(stored, error) = aws.try_create(GROUP, redis("bad"), "bad").await else { panic!() };
    assert_eq!(&*stored.id.0, "bad");
    assert!(error.help.unwrap().contains("events"));
}

/// Replicas come by calls of their own, and before what needs them.
#[tokio::test(flavor = "multi_thread")]
async fn a_cache_is_changed_in_place() {
    let server = ministack::Server::start();
    let (proxy, aws) = ground(&server).await;
    let made = aws.create(GROUP, redis("shop")).await;
    let order = |proxy: &Proxy| -> Vec<String> {
        let changes = ["IncreaseReplicaCount", "DecreaseReplicaCount", "ModifyReplicationGroup"];
        proxy.calls().into_iter().map(|c| c.operation).filter(|o| changes.contains(&o.as_str())).collect()
    };
    let change =
        object().set("num_cache_clusters", 3).set("node_type", "cache.r7g.large").set("apply_immediately", true);
    let grown = done(aws.update(GROUP, &made, change).await);
    assert_eq!(grown.object.i64("num_cache_clusters"), Some(3));
    assert_eq!(grown.object.str("node_type"), Some("cache.r7g.large"));
    assert_eq!(order(&proxy), ["IncreaseReplicaCount", "ModifyReplicationGroup"]);

    proxy.forget_calls();
    let single = object()
        .set("num_cache_clusters", 1)
        .set("automatic_failover_enabled", false)
        .set("multi_az_enabled", false)
        .set("description", "sessions and pages");
    let single = done(aws.update(GROUP, &grown, single).await);
    assert_eq!(single.object.i64("num_cache_clusters"), Some(1));
    assert_eq!(single.object.bool("automatic_failover_enabled"), Some(false));
    assert_eq!(single.object.str("description"), Some("sessions and pages"));
    assert_eq!(order(&proxy), ["ModifyReplicationGroup", "DecreaseReplicaCount"]);

    // Tags alone touch nothing else; a group that is changing takes none for a while.
    proxy.forget_calls();
    proxy.on("AddTagsToResource").first(1).error(400, "InvalidReplicationGroupState", "modifying");
    let tags = object().string_map("tags", [("env", "prod")]).string_map("tags_all", [("env", "prod")]);
    let tagged = done(aws.update(GROUP, &single, tags).await);
    assert_eq!(tagged.object.string_map("tags"), [("env".to_string(), "prod".to_string())]);
    assert_eq!(order(&proxy), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_as_told_and_never_read() {
    let server = ministack::Server::start();
    let (proxy, aws) = ground(&server).await;
    let config = redis("secret").set("auth_token", "a-token-of-sixteen-characters");
    let made = aws.create(GROUP, config).await;
    assert_eq!(made.object.str("auth_token"), Some("a-token-of-sixteen-characters"));
    let ReadOutcome::Found(imported) = aws.read(GROUP, "secret", None).await else { panic!() };
    assert!(imported.object.get("auth_token").is_none());
    let change = object().set("auth_token", "another-token-of-sixteen").set("auth_token_update_strategy", "SET");
    done(aws.update(GROUP, &made, change).await);
    let sent: Vec<Option<String>> = ["AuthToken", "AuthTokenUpdateStrategy"]
        .map(|name| proxy.calls_of("ModifyReplicationGroup")[0].parameter(name))
        .into();
    assert_eq!(sent, [Some("another-token-of-sixteen".to_string()), Some("SET".to_string())]);
}

/// Few are described one by one, many at once.
#[tokio::test(flavor = "multi_thread")]
async fn many_are_read_with_few_calls() {
    let server = ministack::Server::start();
    let (proxy, aws) = ground(&server).await;
    for name in ["a", "b"] {
        done(aws.try_create(GROUP, redis(name), name).await);
    }
    proxy.forget_calls();
    let reads: Vec<_> = ["a", "b"]
        .repeat(10)
        .into_iter()
        .map(|id| terrane::provider::Read { id: terrane::provider::RemoteId(id.into()), prior: None })
        .collect();
    let outcomes = aws.connection.read_many(GROUP, &reads).await;
    assert!(outcomes.iter().all(|o| matches!(o, ReadOutcome::Found(_))));
    assert_eq!((proxy.count("DescribeReplicationGroups"), proxy.count("DescribeCacheClusters")), (1, 1));
}
