//! The network types of AWS from creation to deletion, against moto: every object is created, read by its id alone
//! as an import does, listed, updated where it can be, and deleted.

use std::sync::Arc;
use std::time::Duration;

use terrane::model::{Address, Object, ObjectBuilder};
use terrane::provider::{
    Calls, Connection, Create, Delete, Filter, IdempotencyKey, Operation, Outcome, Pace, Progress, ProviderDef, Read,
    ReadOutcome, RemoteId, Stored, Update,
};
use terrane::providers::aws::Definition;
use tokio_util::sync::CancellationToken;

use super::support::cli::Stack;
use super::support::moto;

struct Cloud(Arc<dyn Connection>);

fn new() -> ObjectBuilder {
    ObjectBuilder::new()
}

fn operation(ty: &str) -> Operation {
    Operation {
        address: Address::parse(&format!("{ty}.test")).unwrap(),
        timeout: Duration::from_secs(20),
        cancel: CancellationToken::new(),
        progress: Progress::default(),
    }
}

impl Cloud {
    async fn connect(server: &moto::Server) -> Cloud {
        let pace = Pace { first: Duration::from_millis(5), longest: Duration::from_millis(50) };
        let urls = ["ec2", "sts"].iter().fold(new(), |o, service| o.set(service, server.url()));
        let default_tags = new().string_map("tags", [("team", "net")]).build();
        let config = new()
            .set("region", server.region())
            .set("access_key", "test")
            .set("secret_key", "test")
            .blocks("endpoints", [urls.build()])
            .blocks("default_tags", [default_tags])
            .build();
        Cloud(Definition::new(pace).connect(&config, Calls::default()).await.unwrap())
    }

    async fn create(&self, ty: &str, desired: ObjectBuilder) -> Stored {
        let key = IdempotencyKey(format!("{:032x}", rand::random::<u128>()).into());
        let desired = desired.build();
        let request = Create { desired: desired.clone(), key: key.clone(), op: operation(ty) };
        let stored = done(ty, self.0.create(ty, request).await);
        let recovered = self.0.find_by_key(ty, &key, &desired).await.unwrap();
        assert_eq!(recovered.as_ref().map(|s| &s.id), Some(&stored.id), "{ty}: a lost creation is found again");
        stored
    }

    async fn read(&self, ty: &str, id: &str, prior: Option<&Object>) -> Option<Stored> {
        let read = Read { id: RemoteId(id.into()), prior: prior.cloned() };
        match self.0.read_many(ty, &[read]).await.remove(0) {
            ReadOutcome::Found(stored) => Some(stored),
            ReadOutcome::Gone => None,
            ReadOutcome::Failed(error) => panic!("{ty}: {error}"),
        }
    }

    /// Reads as a refresh and as an import do, and lists: all must give what the creation gave.
    async fn same_everywhere(&self, ty: &str, stored: &Stored, import: &str) {
        let id = &*stored.id.0;
        assert_eq!(self.read(ty, id, Some(&stored.object)).await.as_ref(), Some(stored), "{ty}: refresh");
        assert_eq!(self.read(ty, import, None).await.as_ref(), Some(stored), "{ty}: import");
        if ty != "aws_security_group_rule" {
            let listed = self.0.list(ty, &Filter::default()).await.unwrap();
            assert!(listed.iter().any(|l| l.stored.id == stored.id), "{ty}: list");
        }
    }

    async fn update(&self, ty: &str, prior: &Stored, set: ObjectBuilder) -> Stored {
        let set = set.build();
        let desired = set.fields().iter().fold(ObjectBuilder::from(&prior.object), |o, (n, v)| o.set(n, v.clone()));
        let changed = set.fields().keys().cloned().collect();
        let (id, prior) = (prior.id.clone(), prior.object.clone());
        let request = Update { id, prior, desired: desired.build(), changed, private: None, op: operation(ty) };
        done(ty, self.0.update(ty, request).await)
    }

    async fn delete(&self, ty: &str, stored: &Stored) {
        for _ in 0..2 {
            let (id, prior) = (stored.id.clone(), stored.object.clone());
            let request = Delete { id, prior, private: None, op: operation(ty) };
            self.0.delete(ty, request).await.unwrap_or_else(|e| panic!("{ty}: {e}"));
        }
        assert_eq!(self.read(ty, &stored.id.0, Some(&stored.object)).await, None, "{ty}: gone");
    }
}

fn done(ty: &str, outcome: Outcome) -> Stored {
    match outcome {
        Outcome::Done(stored) => stored,
        Outcome::Partial(_, error) | Outcome::Failed(error) => panic!("{ty}: {error}"),
    }
}

fn text<'a>(stored: &'a Stored, name: &str) -> &'a str {
    stored.object.str(name).unwrap_or_else(|| panic!("{name} is not set in {:?}", stored.object))
}

/// What every test needs: a connection and a VPC.
async fn network() -> (Cloud, Stored) {
    let cloud = Cloud::connect(moto::Server::shared()).await;
    let vpc = cloud.create("aws_vpc", new().set("cidr_block", "10.0.0.0/16").set("enable_dns_support", true)).await;
    (cloud, vpc)
}

async fn subnet(cloud: &Cloud, vpc: &Stored) -> Stored {
    cloud.create("aws_subnet", new().set("vpc_id", &*vpc.id.0).set("cidr_block", "10.0.1.0/24")).await
}

#[tokio::test]
async fn vpcs() {
    let (cloud, vpc) = network().await;
    assert_eq!(text(&vpc, "cidr_block"), "10.0.0.0/16");
    assert!(text(&vpc, "arn").ends_with(&format!(":vpc/{}", vpc.id.0)));
    for name in ["main_route_table_id", "default_security_group_id", "default_network_acl_id", "dhcp_options_id"] {
        assert!(!text(&vpc, name).is_empty());
    }
    assert_eq!(vpc.object.string_map("tags_all"), [("team".to_string(), "net".to_string())], "no key shows");
    cloud.same_everywhere("aws_vpc", &vpc, &vpc.id.0).await;
    let changed = new().set("enable_dns_hostnames", true).string_map("tags", [("Name", "a")]);
    let vpc = cloud.update("aws_vpc", &vpc, changed).await;
    assert_eq!(vpc.object.bool("enable_dns_hostnames"), Some(true));
    assert_eq!(vpc.object.string_map("tags"), [("Name".to_string(), "a".to_string())]);
    let both = cloud
        .0
        .read_many("aws_vpc", &["vpc-00000000", &vpc.id.0].map(|id| Read { id: RemoteId(id.into()), prior: None }))
        .await;
    assert!(matches!(both[..], [ReadOutcome::Gone, ReadOutcome::Found(_)]), "one that is gone does not fail others");
    cloud.delete("aws_vpc", &vpc).await;
}

#[tokio::test]
async fn subnets() {
    let (cloud, vpc) = network().await;
    let made = subnet(&cloud, &vpc).await;
    assert_eq!(made.object.bool("map_public_ip_on_launch"), Some(false));
    cloud.same_everywhere("aws_subnet", &made, &made.id.0).await;
    let made = cloud.update("aws_subnet", &made, new().set("map_public_ip_on_launch", true)).await;
    assert_eq!(made.object.bool("map_public_ip_on_launch"), Some(true));
    cloud.delete("aws_subnet", &made).await;
}

#[tokio::test]
async fn gateways_and_addresses() {
    let (cloud, vpc) = network().await;
    let igw = cloud.create("aws_internet_gateway", new().set("vpc_id", &*vpc.id.0)).await;
    assert_eq!(text(&igw, "vpc_id"), &*vpc.id.0);
    cloud.same_everywhere("aws_internet_gateway", &igw, &igw.id.0).await;
    let igw = cloud.update("aws_internet_gateway", &igw, new().string_map("tags", [("Name", "out")])).await;

    let eip = cloud.create("aws_eip", new().set("domain", "vpc")).await;
    assert!(!text(&eip, "public_ip").is_empty());
    cloud.same_everywhere("aws_eip", &eip, &eip.id.0).await;
    let eip = cloud.update("aws_eip", &eip, new().string_map("tags", [("Name", "nat")])).await;

    let subnet = subnet(&cloud, &vpc).await;
    let desired = new().set("subnet_id", &*subnet.id.0).set("allocation_id", &*eip.id.0);
    let nat = cloud.create("aws_nat_gateway", desired.set("connectivity_type", "public")).await;
    assert_eq!(text(&nat, "allocation_id"), &*eip.id.0);
    cloud.same_everywhere("aws_nat_gateway", &nat, &nat.id.0).await;
    let nat = cloud.update("aws_nat_gateway", &nat, new().string_map("tags", [("Name", "nat")])).await;
    for (ty, stored) in
        [("aws_nat_gateway", &nat), ("aws_eip", &eip), ("aws_subnet", &subnet), ("aws_internet_gateway", &igw)]
    {
        if ty != "aws_nat_gateway" {
            cloud.delete(ty, stored).await;
            continue;
        }
        let request = Delete { id: nat.id.clone(), prior: nat.object.clone(), private: None, op: operation(ty) };
        cloud.0.delete(ty, request).await.unwrap();
    }
}

#[tokio::test]
async fn routes() {
    let (cloud, vpc) = network().await;
    let igw = cloud.create("aws_internet_gateway", new().set("vpc_id", &*vpc.id.0)).await;
    let route = |cidr: &str| new().set("cidr_block", cidr).set("gateway_id", &*igw.id.0).build();
    let desired = new().set("vpc_id", &*vpc.id.0).blocks("route", [route("0.0.0.0/0")]);
    let table = cloud.create("aws_route_table", desired).await;
    assert_eq!(table.object.blocks("route").len(), 1);
    assert_eq!(table.object.block("route").unwrap().str("gateway_id"), Some(&*igw.id.0));
    cloud.same_everywhere("aws_route_table", &table, &table.id.0).await;
    let table = cloud.update("aws_route_table", &table, new().blocks("route", [route("192.0.2.0/24")])).await;
    assert_eq!(table.object.block("route").unwrap().str("cidr_block"), Some("192.0.2.0/24"));

    let desired = new().set("route_table_id", &*table.id.0).set("destination_cidr_block", "198.51.100.0/24");
    let single = cloud.create("aws_route", desired.set("gateway_id", &*igw.id.0)).await;
    assert_eq!(text(&single, "state"), "active");
    cloud.same_everywhere("aws_route", &single, &format!("{}_198.51.100.0/24", table.id.0)).await;
    cloud.delete("aws_route", &single).await;

    let subnet = subnet(&cloud, &vpc).await;
    let desired = new().set("subnet_id", &*subnet.id.0).set("route_table_id", &*table.id.0);
    let association = cloud.create("aws_route_table_association", desired).await;
    let import = format!("{}/{}", subnet.id.0, table.id.0);
    cloud.same_everywhere("aws_route_table_association", &association, &import).await;
    let other = cloud.create("aws_route_table", new().set("vpc_id", &*vpc.id.0)).await;
    let moved = new().set("route_table_id", &*other.id.0);
    let association = cloud.update("aws_route_table_association", &association, moved).await;
    assert_eq!(text(&association, "route_table_id"), &*other.id.0);
    cloud.delete("aws_route_table_association", &association).await;
    cloud.delete("aws_route_table", &other).await;
    cloud.delete("aws_route_table", &table).await;
}

#[tokio::test]
async fn security_groups() {
    let (cloud, vpc) = network().await;
    let rule = |cidr: &str| {
        let ports = new().set("protocol", "tcp").set("from_port", 443).set("to_port", 443);
        ports.strings("cidr_blocks", [cidr]).set("self", false).build()
    };
    let desired = new().set("vpc_id", &*vpc.id.0).set("name", "web").set("description", "web");
    let desired = desired.set("revoke_rules_on_delete", false).blocks("ingress", [rule("10.0.0.0/8")]);
    let group = cloud.create("aws_security_group", desired).await;
    assert_eq!((group.object.blocks("ingress").len(), group.object.blocks("egress").len()), (1, 0));
    cloud.same_everywhere("aws_security_group", &group, &group.id.0).await;
    let changed = new().blocks("ingress", [rule("192.0.2.0/24")]);
    let group = cloud.update("aws_security_group", &group, changed).await;
    assert_eq!(group.object.block("ingress").unwrap().strings("cidr_blocks"), ["192.0.2.0/24"]);

    for ty in ["aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"] {
        let ports = new().set("ip_protocol", "tcp").set("from_port", 80).set("to_port", 80);
        let desired = ports.set("security_group_id", &*group.id.0).set("cidr_ipv4", "198.51.100.0/24");
        let single = cloud.create(ty, desired).await;
        cloud.same_everywhere(ty, &single, &single.id.0).await;
        let single = cloud.update(ty, &single, new().set("to_port", 81)).await;
        assert_eq!(single.object.i64("to_port"), Some(81));
        cloud.delete(ty, &single).await;
    }

    let ports = new().set("protocol", "tcp").set("from_port", 8080).set("to_port", 8080).set("type", "ingress");
    let desired = ports.set("security_group_id", &*group.id.0).strings("cidr_blocks", ["10.9.0.0/16"]);
    let ty = "aws_security_group_rule";
    let bundle = cloud.create(ty, desired.set("self", false)).await;
    cloud.same_everywhere(ty, &bundle, &format!("{}_ingress_tcp_8080_8080_10.9.0.0/16", group.id.0)).await;
    let bundle = cloud.update(ty, &bundle, new().set("description", "api")).await;
    cloud.delete(ty, &bundle).await;
    cloud.delete("aws_security_group", &group).await;
}

#[tokio::test]
async fn data_sources() {
    let cloud = Cloud::connect(moto::Server::shared()).await;
    let read = async |ty: &str| cloud.0.read_data(ty, &new().build(), &operation("aws_vpc")).await.unwrap();
    assert!(read("aws_availability_zones").await.strings("names").len() >= 2);
    assert_eq!(read("aws_caller_identity").await.str("account_id"), Some("123456789012"));
    assert!(read("aws_region").await.str("name").is_some());
    assert_eq!(read("aws_partition").await.str("dns_suffix"), Some("amazonaws.com"));
}

#[tokio::test]
async fn vpcs_and_subnets_that_are_there_are_found() {
    let (cloud, vpc) = network().await;
    let subnet = subnet(&cloud, &vpc).await;
    let read = async |ty: &str, config: ObjectBuilder| cloud.0.read_data(ty, &config.build(), &operation(ty)).await;
    let by_vpc = || new().set("name", "vpc-id").string_set("values", [&*vpc.id.0]).build();

    let found = read("aws_vpc", new().string_map("tags", [("team", "net")]).set("id", &*vpc.id.0)).await.unwrap();
    assert_eq!((found.str("cidr_block"), found.bool("default")), (Some("10.0.0.0/16"), Some(false)));
    assert_eq!(found.blocks("cidr_block_associations").len(), 1);
    assert_eq!(found.str("main_route_table_id"), vpc.object.str("main_route_table_id"));
    assert!(read("aws_vpc", new().set("default", true)).await.unwrap().str("id") != Some(&*vpc.id.0));

    let found = read("aws_subnet", new().blocks("filter", [by_vpc()])).await.unwrap();
    assert_eq!((found.str("id"), found.str("vpc_id")), (Some(&*subnet.id.0), Some(&*vpc.id.0)));
    assert_eq!(found.string_map("tags"), [("team".to_string(), "net".to_string())], "no key shows");
    let found = read("aws_subnets", new().blocks("filter", [by_vpc()])).await.unwrap();
    assert_eq!(found.strings("ids"), [&*subnet.id.0]);

    let none = read("aws_subnet", new().set("cidr_block", "192.0.2.0/24")).await.unwrap_err();
    assert_eq!(none.message, "there is no subnet that matches");
    let many = read("aws_vpc", new().set("state", "available")).await.unwrap_err();
    assert_eq!(many.message, "2 VPCs match");
}

const INLINE: &str = r#"

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_security_group" "web" {
  name   = "inline"
  vpc_id = aws_vpc.main.id
  INGRESS
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id
  ROUTE
}
"#;

#[test]
fn inline_rules_and_routes_are_blocks_or_lists() {
    let (server, stack) = (moto::Server::shared(), Stack::new());
    let region = server.region();
    let run = |ingress: &str, route: &str, arguments: &[&str]| {
        stack.write("main.tf", &INLINE.replace("INGRESS", ingress).replace("ROUTE", route));
        stack.terrane(arguments.iter().copied()).aws(server.url(), region).run()
    };
    let apply = |ingress, route| run(ingress, route, &["apply", "-auto-approve"]).success();
    let plan = |ingress, route| run(ingress, route, &["plan", "-detailed-exitcode"]);
    let ingress = "ingress {\n    protocol = \"TCP\"\n    from_port = 443\n    to_port = 443\n    cidr_blocks = [\"10.0.0.0/8\"]\n  }";
    let route = "route {\n    cidr_block = \"0.0.0.0/0\"\n    gateway_id = aws_internet_gateway.main.id\n  }";
    apply(ingress, route);
    plan(ingress, route).success();
    let list =
        "ingress = [{ protocol = \"6\", from_port = 443, to_port = 443, cidr_blocks = [\"10.0.0.0/8\"], self = false,
        description = null, ipv6_cidr_blocks = [], prefix_list_ids = null, security_groups = [] }]";
    plan(list, route).success();
    plan("", "").success();

    plan("ingress = []", "route = []").expect_status(2);
    let emptied = apply("ingress = []", "route = []");
    assert!(emptied.stdout.contains("Resources: 0 added, 2 changed, 0 destroyed."), "{emptied}");
    plan("ingress = []", "route = []").success();
    plan("", "").success();
}
