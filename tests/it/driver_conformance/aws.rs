//! The types of AWS, held to the contract against servers that were written by others: moto, and ministack where moto
//! is wrong.

use std::collections::BTreeSet;

use terrane::model::{Object, ObjectBuilder, Type, Value};
use terrane::provider::{Pace, ProviderDef, Stored};
use terrane::providers::aws::Definition;

use super::suite::{Case, check};
use crate::support::aws::{Account, done};
use crate::support::proxy::Proxy;
use crate::support::{ministack, moto};
use crate::{aws_eks, aws_elasticache, aws_iam, aws_rds, aws_s3};

/// An account, the cases that can run in it, and what it stands on.
struct Ground {
    aws: Account,
    cases: Vec<Case>,
    _proxy: Proxy,
    _server: Option<ministack::Server>,
}

impl Ground {
    async fn moto(region: &str) -> Ground {
        Ground::over(moto::Server::shared().proxy(), region, None).await
    }

    async fn ministack() -> Ground {
        let server = ministack::Server::start();
        Ground::over(Proxy::start(server.url()), "eu-west-1", Some(server)).await
    }

    async fn over(proxy: Proxy, region: &str, server: Option<ministack::Server>) -> Ground {
        let aws = Account::connect(proxy.url(), region).await;
        Ground { aws, cases: Vec::new(), _proxy: proxy, _server: server }
    }

    fn with(self, cases: Vec<Case>) -> Ground {
        Ground { cases, ..self }
    }
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new()
}

fn tagged() -> ObjectBuilder {
    object().string_map("tags", [("a", "1")])
}

/// A case whose tags change.
fn retagged(ty: &str, config: ObjectBuilder) -> Case {
    changing(ty, config, "tags", Value::map(Type::String, [("Name".into(), "b".into())]))
}

fn changing(ty: &str, config: ObjectBuilder, name: &'static str, value: impl Into<Value>) -> Case {
    Case { change: Some((name, value.into())), ..Case::of_cloud(ty, config.build()) }
}

/// What is made by a call that takes no key: made again, it is another, or refused.
fn once(case: Case) -> Case {
    Case { is_repeatable: false, ..case }
}

/// Every type of a service keeps the contract in one of the grounds.
async fn hold(service: &str, grounds: Vec<Ground>) {
    let def = Definition::new(Pace::default());
    let of_service = |ty: &&str| def.resource(ty).is_some_and(|info| info.service == service);
    for ty in def.resource_types().into_iter().filter(of_service) {
        let mut cases = grounds.iter().flat_map(|g| g.cases.iter().map(move |case| (g, case)));
        let (ground, case) = cases.find(|(_, case)| case.ty == ty).unwrap_or_else(|| panic!("{ty} has a case"));
        check(&ground.aws.def, ground.aws.connection.as_ref(), case).await;
    }
}

#[test]
fn every_service_is_held_to_the_contract() {
    let def = Definition::new(Pace::default());
    let services = def.resource_types().into_iter().map(|ty| def.resource(ty).unwrap().service.to_string());
    let held = ["ec2", "eks", "elasticache", "iam", "rds", "s3"].map(String::from);
    assert_eq!(services.collect::<BTreeSet<_>>(), BTreeSet::from(held));
}

fn text(stored: &Stored, name: &str) -> String {
    stored.object.string(name).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn networks() {
    let ground = Ground::moto(moto::Server::shared().region()).await;
    let aws = &ground.aws;
    let vpc = aws.create("aws_vpc", object().set("cidr_block", "10.0.0.0/16")).await.id.0;
    let other = done(aws.try_create("aws_vpc", object().set("cidr_block", "10.1.0.0/16"), "other").await).id.0;
    let gateway = aws.create("aws_internet_gateway", object().set("vpc_id", &*vpc)).await.id.0;
    let subnet = object().set("vpc_id", &*vpc).set("cidr_block", "10.0.9.0/24");
    let subnet = aws.create("aws_subnet", subnet).await.id.0;
    let address = aws.create("aws_eip", object().set("domain", "vpc")).await.id.0;
    let table = aws.create("aws_route_table", object().set("vpc_id", &*vpc)).await.id.0;
    let group = aws.create("aws_security_group", object().set("vpc_id", &*vpc).set("name", "holder")).await.id.0;

    let in_vpc = || tagged().set("vpc_id", &*vpc);
    let nat = tagged().set("subnet_id", &*subnet).set("allocation_id", &*address).set("connectivity_type", "public");
    let route = object().set("route_table_id", &*table).set("destination_cidr_block", "198.51.100.0/24");
    let association = object().set("subnet_id", &*subnet).set("route_table_id", &*table);
    let ports = |port: i64| object().set("from_port", port).set("to_port", port).set("security_group_id", &*group);
    let single = || ports(80).set("ip_protocol", "tcp").set("cidr_ipv4", "198.51.100.0/24");
    let bundle = ports(8080).set("protocol", "tcp").set("type", "ingress").strings("cidr_blocks", ["10.9.0.0/16"]);
    let cases = vec![
        changing("aws_vpc", tagged().set("cidr_block", "10.2.0.0/16"), "enable_dns_hostnames", true),
        changing("aws_subnet", in_vpc().set("cidr_block", "10.0.1.0/24"), "map_public_ip_on_launch", true),
        retagged("aws_internet_gateway", tagged().set("vpc_id", &*other)),
        retagged("aws_eip", tagged().set("domain", "vpc")),
        retagged("aws_nat_gateway", nat),
        retagged("aws_route_table", in_vpc()),
        Case {
            import: Some(|made| format!("{}_{}", text(made, "route_table_id"), text(made, "destination_cidr_block"))),
            gone_id: Some("rtb-00000000_10.0.0.0/16".to_string()),
            ..Case::of_cloud("aws_route", route.set("gateway_id", &*gateway).build())
        },
        Case {
            import: Some(|made| format!("{}/{}", text(made, "subnet_id"), text(made, "route_table_id"))),
            gone_id: Some("rtbassoc-00000000".to_string()),
            ..Case::of_cloud("aws_route_table_association", association.build())
        },
        retagged("aws_security_group", in_vpc().set("name", "web").set("description", "web")),
        changing("aws_vpc_security_group_ingress_rule", single(), "to_port", 81),
        changing("aws_vpc_security_group_egress_rule", single(), "to_port", 81),
        Case {
            import: Some(|made| format!("{}_ingress_tcp_8080_8080_10.9.0.0/16", text(made, "security_group_id"))),
            gone_id: Some("sg-00000000_ingress_tcp_1_1_10.9.0.0/16".to_string()),
            // Its parts are the group's, and nothing says which belong together.
            is_listed: false,
            ..changing("aws_security_group_rule", bundle, "description", "api")
        },
    ];
    hold("ec2", vec![ground.with(cases.into_iter().map(once).collect())]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identities() {
    use aws_iam::{allow, issuer, role, trust};
    let ground = Ground::moto("eu-west-1").await;
    for name in ["conform-profiled", "conform-profiled-next", "conform-holder", "conform-attached"] {
        done(ground.aws.try_create("aws_iam_role", role(name), name).await);
    }
    let named = || object().set("name", "conform");
    let policy = named().set("path", "/a/").set("description", "d").set("policy", allow("s3:*"));
    let tags = |config: ObjectBuilder| config.string_map("tags", [("a", "1")]);
    let profile = tags(named().set("role", "conform-profiled"));
    let own = named().set("role", "conform-holder").set("policy", allow("s3:*"));
    let attachment = object().set("role", "conform-attached").set("policy_arn", aws_iam::READ_ONLY);
    let thumbprints = object().strings("thumbprint_list", ["a".repeat(40)]).build();
    let thumbprints = thumbprints.get("thumbprint_list").unwrap().clone();
    let cases = vec![
        changing("aws_iam_role", tags(role("conform")), "assume_role_policy", trust("lambda")),
        changing("aws_iam_policy", tags(policy), "policy", allow("ec2:*")),
        changing("aws_iam_instance_profile", profile, "role", "conform-profiled-next"),
        changing(
            "aws_iam_openid_connect_provider",
            tags(issuer("conform.example.com")),
            "thumbprint_list",
            thumbprints,
        ),
        changing("aws_iam_role_policy", own, "policy", allow("ec2:*")),
        Case::of_cloud("aws_iam_role_policy_attachment", attachment.build()),
    ];
    hold("iam", vec![ground.with(cases)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters() {
    use aws_eks::{cluster, group};
    let ground = Ground::moto(moto::Server::shared().region()).await;
    ground.aws.create("aws_eks_cluster", cluster("b")).await;
    let logs = object().string_set("x", ["api", "audit"]).build().get("x").unwrap().clone();
    let labels = Value::map(Type::String, [("role".into(), "web".into()), ("tier".into(), "1".into())]);
    let cases = vec![
        changing("aws_eks_cluster", cluster("a"), "enabled_cluster_log_types", logs),
        Case {
            gone_id: Some("b:gone".to_string()),
            ..changing("aws_eks_node_group", group("b", "workers"), "labels", labels)
        },
    ];
    hold("eks", vec![ground.with(cases)]).await;
}

/// A group in the first two subnets, then in the first alone.
fn subnet_group(ty: &str, subnets: &[String]) -> Case {
    let fewer = object().string_set("x", &subnets[..1]).build().get("x").unwrap().clone();
    changing(ty, tagged().set("name", "conform").string_set("subnet_ids", subnets), "subnet_ids", fewer)
}

#[tokio::test(flavor = "multi_thread")]
async fn databases() {
    let groups = Ground::ministack().await;
    let subnets = groups.aws.subnets("eu-west-1").await;
    let instance = Case {
        not_imported: &["latest_restorable_time", "password", "skip_final_snapshot"],
        ..changing("aws_db_instance", aws_rds::postgres("conform"), "backup_retention_period", 7)
    };
    let instances = Ground::moto(moto::Server::shared().region()).await.with(vec![instance]);
    hold("rds", vec![groups.with(vec![subnet_group("aws_db_subnet_group", &subnets)]), instances]).await;
}

/// moto never lets a replication group go.
#[tokio::test(flavor = "multi_thread")]
async fn caches() {
    let ground = Ground::ministack().await;
    let subnets = ground.aws.subnets("eu-west-1").await;
    let group = aws_elasticache::redis("conform");
    let cases = vec![
        subnet_group("aws_elasticache_subnet_group", &subnets),
        changing("aws_elasticache_replication_group", group, "snapshot_retention_limit", 3),
    ];
    hold("elasticache", vec![ground.with(cases)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets() {
    let ground = Ground::ministack().await;
    let aws = &ground.aws;
    let bucket = changing("aws_s3_bucket", tagged().set("bucket", "conform"), "force_destroy", true);
    let mut cases = vec![Case { not_imported: &["force_destroy"], ..bucket }];
    for (ty, attribute, first, then) in aws_s3::settings() {
        let bucket = object().set("bucket", format!("conform-{}", ty.len()));
        let bucket = done(aws.try_create("aws_s3_bucket", bucket, &ty.len().to_string()).await);
        let shaped = |value: Value| -> Object { aws.desired(ty, &object().set(attribute, value).build()) };
        let config = object().set("bucket", &*bucket.id.0).set(attribute, first).build();
        let config = ObjectBuilder::from(&aws.desired(ty, &config));
        let then = shaped(then).get(attribute).unwrap().clone();
        // Some of them no bucket is ever without.
        cases.push(Case { is_listed: false, ..changing(ty, config, attribute, then) });
    }
    hold("s3", vec![ground.with(cases)]).await;
}
