//! Clusters and node groups of EKS, against moto, with the proxy where EKS takes its time.

use std::sync::LazyLock;

use terrane::model::{Object, ObjectBuilder};
use terrane::provider::{IdempotencyKey, Outcome, PlannedChange, ProviderDef, ReadOutcome, Stored};

use crate::support::aws::{Account, done};
use crate::support::boto::Boto;
use crate::support::cli::Stack;
use crate::support::moto;
use crate::support::proxy::Proxy;

const CLUSTER: &str = "aws_eks_cluster";
const GROUP: &str = "aws_eks_node_group";

fn object() -> ObjectBuilder {
    ObjectBuilder::new()
}

fn network(private: bool, public: bool) -> Object {
    let object = object().string_set("subnet_ids", ["subnet-1", "subnet-2"]);
    object.set("endpoint_private_access", private).set("endpoint_public_access", public).build()
}

pub fn cluster(name: &str) -> ObjectBuilder {
    object()
        .set("name", name)
        .set("role_arn", "arn:aws:iam::123456789012:role/cluster")
        .set("version", "1.31")
        .blocks("vpc_config", [network(false, true)])
        .string_map("tags", [("Name", name)])
}

fn scaling(size: i64) -> Object {
    object().set("desired_size", size).set("max_size", 9).set("min_size", 1).build()
}

fn taint(value: &str) -> Object {
    object().set("key", "dedicated").set("value", value).set("effect", "NO_SCHEDULE").build()
}

pub fn group(cluster: &str, name: &str) -> ObjectBuilder {
    object()
        .set("cluster_name", cluster)
        .set("node_group_name", name)
        .set("node_role_arn", "arn:aws:iam::123456789012:role/nodes")
        .string_set("subnet_ids", ["subnet-1", "subnet-2"])
        .strings("instance_types", ["t3.large"])
        .blocks("scaling_config", [scaling(2)])
        .string_map("labels", [("role", name)])
}

/// One region for all: each test has clusters of its own.
async fn ground() -> (Proxy, Account) {
    static REGION: LazyLock<&str> = LazyLock::new(|| moto::Server::shared().region());
    let proxy = moto::Server::shared().proxy();
    let aws = Account::connect(proxy.url(), *REGION).await;
    (proxy, aws)
}

fn block(stored: &Stored, name: &str) -> Object {
    stored.object.block(name).unwrap_or_else(|| panic!("{name} is not in {:?}", stored.object))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_group_goes_with_its_cluster() {
    let (_proxy, aws) = ground().await;
    assert!(matches!(aws.read(GROUP, "gone:workers", None).await, ReadOutcome::Gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_waited_for_and_found_again() {
    let (proxy, aws) = ground().await;
    proxy.on("GET /clusters/slow").first(3).rewrite("\"status\": \"ACTIVE\"", "\"status\": \"CREATING\"");
    let made = aws.create(CLUSTER, cluster("slow")).await;
    assert_eq!(made.object.str("status"), Some("ACTIVE"));
    assert_eq!(aws.told(), ["waiting for \"ACTIVE\", now \"CREATING\""; 3]);

    // The answer is lost: the cluster that was made is found, not made again and not refused.
    proxy.behave();
    proxy.on("POST /clusters").nth(1).lose_answer();
    let lost = done(aws.try_create(CLUSTER, cluster("lost"), "lost").await);
    assert_eq!(&*lost.id.0, "lost");
    let key = IdempotencyKey(format!("{:0>32}", "lost").as_str().into());
    let found = aws.connection.find_by_key(CLUSTER, &key, &aws.desired(CLUSTER, &cluster("lost").build())).await;
    assert_eq!(found.unwrap().map(|s| s.id), Some(lost.id.clone()));

    // Someone else's cluster of the same name is not taken over.
    let Outcome::Failed(error) = aws.try_create(CLUSTER, cluster("lost"), "other").await else { panic!() };
    assert_eq!(error.code, "ResourceInUseException");
    assert!(
        aws.connection
            .find_by_key(CLUSTER, &IdempotencyKey("0".into()), &cluster("lost").build())
            .await
            .unwrap()
            .is_none()
    );

    // Throttling is waited out.
    proxy.behave();
    proxy.forget_calls();
    proxy.on("POST /clusters").first(2).error(429, "TooManyRequestsException", "slow down");
    aws.create(CLUSTER, cluster("throttled")).await;
    assert_eq!(proxy.count("POST /clusters"), 3);

    // A new role is not known to EKS at once.
    proxy.behave();
    proxy.on("POST /clusters").first(1).error(400, "InvalidParameterException", "Role could not be assumed");
    aws.create(CLUSTER, cluster("patient")).await;

    // Node groups that are on their way out hold the cluster.
    proxy.behave();
    proxy.on("DELETE /clusters/slow").first(2).error(409, "ResourceInUseException", "Cluster has nodegroups attached");
    aws.delete(CLUSTER, &made).await.unwrap();
    assert!(matches!(aws.read(CLUSTER, "slow", None).await, ReadOutcome::Gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_creation_is_finished() {
    let (proxy, aws) = ground().await;
    let made = aws.create(CLUSTER, cluster("half")).await;
    proxy.on("GET /clusters/half").first(2).rewrite("\"status\": \"ACTIVE\"", "\"status\": \"CREATING\"");
    let finished = done(aws.resume(CLUSTER, &made, cluster("half")).await);
    assert_eq!(finished.object, made.object);
    assert_eq!(aws.told(), ["waiting for \"ACTIVE\", now \"CREATING\""; 2]);
    assert_eq!(proxy.count("POST /clusters"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_fails_is_kept_and_says_why() {
    let (proxy, aws) = ground().await;
    proxy.on("GET /clusters/bad").rewrite("\"status\": \"ACTIVE\"", "\"status\": \"FAILED\"");
    let Outcome::Partial(stored, error) = aws.try_create(CLUSTER, cluster("bad"), "bad").await else { panic!() };
    assert_eq!((&*stored.id.0, stored.object.str("status")), ("bad", Some("FAILED")));
    assert!(error.message.contains("EKS could not make the cluster"), "{error}");

    proxy.behave();
    proxy.on("GET /clusters/bad/node-groups/n").rewrite("\"status\": \"ACTIVE\"", "\"status\": \"CREATE_FAILED\"");
    proxy.on("GET /clusters/bad/node-groups/n").rewrite(
        "\"issues\": []",
        "\"issues\": [{\"code\": \"NodeCreationFailure\", \"message\": \"Instances failed to join the cluster\"}]",
    );
    let Outcome::Partial(_, error) = aws.try_create(GROUP, group("bad", "n"), "n").await else { panic!() };
    assert_eq!(
        error.to_string(),
        "NodeCreationFailure: EKS could not make the node group: Instances failed to join the cluster"
    );
}

/// Each part of a cluster is changed by a call of its own, which has a state of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_changed_one_update_after_the_other() {
    let (proxy, aws) = ground().await;
    let made = aws.create(CLUSTER, cluster("c")).await;
    let update =
        |status: &str| format!(r#"{{"update": {{"id": "u-1", "status": "{status}", "type": "VersionUpdate"}}}}"#);
    proxy.on("POST /clusters/c/updates").answer(200, "application/json", &update("InProgress"));
    proxy.on("GET /clusters/c/updates/u-1*").first(2).answer(200, "application/json", &update("InProgress"));
    proxy.on("GET /clusters/c/updates/u-1*").answer(200, "application/json", &update("Successful"));
    proxy.on("GET /clusters/c").rewrite("\"version\": \"1.31\"", "\"version\": \"1.32\"");
    let newer = done(aws.update(CLUSTER, &made, object().set("version", "1.32")).await);
    assert_eq!(newer.object.str("version"), Some("1.32"));
    assert_eq!(aws.told(), ["waiting for \"Successful\", now \"InProgress\""; 2]);

    // Logs and endpoints in one change are two calls: EKS takes one thing at a time, and may be busy with the last.
    proxy.behave();
    proxy.forget_calls();
    proxy.on("POST /clusters/c/update-config").first(1).error(
        409,
        "ResourceInUseException",
        "Cluster is being updated",
    );
    let change = object().string_set("enabled_cluster_log_types", ["api"]).blocks("vpc_config", [network(true, true)]);
    let changed = done(aws.update(CLUSTER, &made, change).await);
    assert_eq!(changed.object.strings("enabled_cluster_log_types"), ["api"]);
    assert_eq!(block(&changed, "vpc_config").bool("endpoint_private_access"), Some(true));
    let calls = proxy.calls_of("POST /clusters/c/update-config");
    let (logging, endpoints) =
        (calls.iter().filter(|c| c.contains("logging")), calls.iter().filter(|c| c.contains("endpointPrivate")));
    assert_eq!((logging.count(), endpoints.count(), calls.len()), (2, 1, 3));
    assert!(calls.iter().all(|c| !c.contains("subnetIds")), "subnets and endpoints cannot be sent together");

    let tagged = object().string_map("tags", [("env", "prod")]).string_map("tags_all", [("env", "prod")]);
    let tagged = done(aws.update(CLUSTER, &changed, tagged).await);
    assert_eq!(tagged.object.string_map("tags"), [("env".to_string(), "prod".to_string())]);

    // An update that EKS gives up names its reason.
    proxy.on("POST /clusters/c/updates").answer(200, "application/json", &update("InProgress"));
    proxy.on("GET /clusters/c/updates/u-1*").answer(
        200,
        "application/json",
        r#"{"update": {"id": "u-1", "status": "Failed", "type": "VersionUpdate", "errors": [{"errorCode": "IpNotAvailable",
            "errorMessage": "no free addresses", "resourceIds": ["subnet-1"]}]}}"#,
    );
    let Outcome::Partial(_, error) = aws.update(CLUSTER, &tagged, object().set("version", "1.33")).await else {
        panic!()
    };
    assert_eq!(
        error.to_string(),
        "IpNotAvailable: eks:DescribeUpdate: EKS did not carry out the VersionUpdate; no free addresses (subnet-1)"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_group_is_changed_in_place() {
    let (proxy, aws) = ground().await;
    aws.create(CLUSTER, cluster("d")).await;
    let update_config = object().set("max_unavailable", 2).build();
    let config = group("d", "workers").blocks("taint", [taint("a")]).blocks("update_config", [update_config]);
    let made = aws.create(GROUP, config).await;
    assert_eq!(&*made.id.0, "d:workers");
    assert_eq!(block(&made, "update_config").i64("max_unavailable"), Some(2));
    assert_eq!(made.object.block("remote_access"), None);

    let change = object()
        .blocks("scaling_config", [scaling(5)])
        .blocks("taint", [taint("b")])
        .blocks("update_config", [object().set("max_unavailable_percentage", 50).build()])
        .string_map("labels", [("tier", "1")]);
    let changed = done(aws.update(GROUP, &made, change).await);
    assert_eq!(block(&changed, "scaling_config").i64("desired_size"), Some(5));
    assert_eq!(block(&changed, "taint").str("value"), Some("b"));
    assert_eq!(block(&changed, "update_config").i64("max_unavailable_percentage"), Some(50));
    assert_eq!(changed.object.string_map("labels"), [("tier".to_string(), "1".to_string())]);
    let calls = proxy.calls_of("POST /clusters/d/node-groups/workers/update-config");
    assert_eq!(calls.len(), 1);
    assert!(
        !calls[0].contains("removeTaints\":[{"),
        "a taint that gets another value is not removed: {}",
        calls[0].body
    );
}

/// The same as a person sees it: a change of the name replaces, what was deleted outside comes back.
#[test]
fn clusters_as_a_person_manages_them() {
    let text = |name: &str| {
        format!(
            r#"
resource "aws_eks_cluster" "main" {{
  name     = "{name}"
  role_arn = "arn:aws:iam::123456789012:role/cluster"
  vpc_config {{
    subnet_ids = ["subnet-1", "subnet-2"]
  }}
}}

resource "aws_eks_node_group" "main" {{
  cluster_name    = aws_eks_cluster.main.name
  node_group_name = "workers"
  node_role_arn   = "arn:aws:iam::123456789012:role/nodes"
  subnet_ids      = ["subnet-1"]
  scaling_config {{
    desired_size = 1
    max_size     = 1
    min_size     = 1
  }}
}}
"#
        )
    };
    let (proxy, region) = (moto::Server::shared().proxy(), moto::Server::shared().region());
    let stack = Stack::with("main.tf", &text("one"));
    let run = |arguments: &[&str]| stack.terrane(arguments).aws(proxy.url(), region).run();
    let apply = |summary: &str| {
        let applied = run(&["apply", "-auto-approve"]).success();
        assert!(applied.stdout.contains(summary), "{applied}");
        run(&["plan", "-detailed-exitcode"]).success();
    };
    apply("Apply complete! Resources: 2 added, 0 changed, 0 destroyed.");

    stack.write("main.tf", &text("two"));
    let planned = run(&["plan"]).success().stdout;
    assert!(planned.contains("\"one\" -> \"two\" # forces replacement"), "{planned}");
    apply("Apply complete! Resources: 2 added, 0 changed, 2 destroyed.");

    let boto = Boto::new(moto::Server::shared().url(), region);
    boto.run("client('eks').delete_nodegroup(clusterName='two', nodegroupName='workers')");
    let planned = run(&["plan", "-detailed-exitcode"]).expect_status(2).stdout;
    assert!(planned.contains("aws_eks_node_group.main has been deleted"), "{planned}");
    apply("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.");

    let destroyed = run(&["destroy", "-auto-approve"]).success();
    assert!(destroyed.stdout.contains("Destroy complete! Resources: 2 destroyed."), "{destroyed}");
    assert!(boto.inventory("none of mine").is_empty());
}

/// Encryption can be added to a cluster, and never be changed or taken away.
#[tokio::test(flavor = "multi_thread")]
async fn encryption_is_added_in_place_and_kept() {
    let (proxy, aws) = ground().await;
    let made = aws.create(CLUSTER, cluster("plain")).await;
    let key = |arn: &str| {
        let provider = object().set("key_arn", arn).build();
        object().string_set("resources", ["secrets"]).blocks("provider", [provider]).build()
    };
    let update = r#"{"update": {"id": "u-2", "status": "Successful", "type": "AssociateEncryptionConfig"}}"#;
    proxy.on("POST /clusters/plain/encryption-config/associate").answer(200, "application/json", update);
    proxy.on("GET /clusters/plain/updates/u-2*").answer(200, "application/json", update);
    let encrypted = object().blocks("encryption_config", [key("arn:aws:kms:eu-west-1:123456789012:key/1")]);
    done(aws.update(CLUSTER, &made, encrypted).await);
    let sent = proxy.calls_of("POST /clusters/plain/encryption-config/associate");
    assert!(sent.len() == 1 && sent[0].contains("key/1"), "{sent:?}");

    let plan = |was: &[Object], now: &[Object]| {
        let with = |blocks: &[Object]| object().blocks("encryption_config", blocks.to_vec()).build().value();
        let (prior, planned) = (Some(with(was)), with(now));
        let mut change =
            PlannedChange { prior, config: planned.clone(), planned, replace: Vec::new(), diagnostics: Vec::new() };
        aws.def.plan(CLUSTER, &object().build(), &mut change);
        change.replace
    };
    let (one, two) = (key("arn:1"), key("arn:2"));
    let slice = std::slice::from_ref;
    assert_eq!(plan(&[], slice(&one)), []);
    assert_eq!(plan(slice(&one), slice(&one)), []);
    assert_eq!(plan(slice(&one), &[two]).len(), 1);
    assert_eq!(plan(&[one], &[]).len(), 1);
}
