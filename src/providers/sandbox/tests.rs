//! What the simulated cloud refuses, keeps and does when faults are ordered, with a provider made for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{Faults, SandboxCloud, wrap};
use crate::model::{Address, Object, ObjectBuilder, Schema, Str, Value};
use crate::provider::connection::{ResourceInfo, Types};
use crate::provider::schema_words::{any, number, one_block, string, string_list};
use crate::provider::{
    Calls, Config, Connection, Create, DataDriver, DataType, Delete, Driver, ErrorKind, Filter, IdempotencyKey,
    Operation, Outcome, PlannedChange, Progress, ProviderDef, ProviderError, Read, ReadOutcome, RemoteId, ResourceType,
    Stored, Update, data_source, resource,
};

/// A driver that must never be reached.
struct Unreachable;

#[async_trait]
impl Driver<()> for Unreachable {
    async fn read_many(&self, _: &(), reads: &[Read]) -> Vec<ReadOutcome> {
        reads.iter().map(|_| ReadOutcome::Failed(ProviderError::invalid("the sandbox let a call through"))).collect()
    }

    async fn create(&self, _: &(), _: Create) -> Outcome {
        Outcome::Failed(ProviderError::invalid("the sandbox let a call through"))
    }

    async fn delete(&self, _: &(), _: Delete) -> Result<(), ProviderError> {
        Err(ProviderError::invalid("the sandbox let a call through"))
    }
}

#[async_trait]
impl DataDriver<()> for Unreachable {
    async fn read(&self, _: &(), _: &Config, _: &Operation) -> Result<Object, ProviderError> {
        Err(ProviderError::invalid("the sandbox let a call through"))
    }
}

struct Def {
    config: Schema,
    types: Arc<Types<()>>,
}

#[async_trait]
impl ProviderDef for Def {
    fn name(&self) -> &'static str {
        "aws"
    }

    fn source(&self) -> &'static str {
        "hashicorp/aws"
    }

    fn config_schema(&self) -> &Schema {
        &self.config
    }

    fn resource_types(&self) -> Vec<&'static str> {
        self.types.resources.keys().copied().collect()
    }

    fn data_types(&self) -> Vec<&'static str> {
        self.types.data.keys().copied().collect()
    }

    fn resource(&self, ty: &str) -> Option<ResourceInfo<'_>> {
        self.types.resource_info(ty)
    }

    fn data_source(&self, ty: &str) -> Option<&Schema> {
        self.types.data.get(ty).map(|t| &t.schema)
    }

    fn plan(&self, ty: &str, _: &Config, change: &mut PlannedChange) {
        self.types.plan(ty, change);
    }

    fn import_id(&self, ty: &str, written: &str) -> Result<RemoteId, ProviderError> {
        self.types.import_id(ty, written)
    }

    async fn connect(&self, _: &Config, _: Calls) -> Result<Arc<dyn Connection>, ProviderError> {
        Err(ProviderError::invalid("the sandbox let a call through"))
    }
}

fn resources() -> Vec<ResourceType<()>> {
    let computed = || string().computed();
    vec![
        resource("aws_vpc", "A network.")
            .attr("cidr_block", string().required(), "Its range.")
            .attr("arn", computed(), "Its ARN.")
            .attr("default_security_group_id", computed(), "The group that it comes with.")
            .tags()
            .driver(Unreachable),
        resource("aws_subnet", "A part of a network.")
            .attr("vpc_id", string().required().replaces(), "The network.")
            .attr("cidr_block", string().required(), "Its range.")
            .attr("availability_zone", string().optional().computed(), "Its zone.")
            .attr("owner_id", computed(), "Whose it is.")
            .tags()
            .driver(Unreachable),
        resource("aws_security_group", "A group.")
            .attr("name", string().optional().computed(), "Its name.")
            .attr("name_prefix", string().optional(), "The beginning of its name.")
            .attr("vpc_id", string().optional().computed(), "The network.")
            .driver(Unreachable),
        resource("aws_iam_role", "A role.")
            .attr("name", string().required(), "Its name.")
            .attr("arn", computed(), "Its ARN.")
            .attr("path", string().default("/"), "Its path.")
            .driver(Unreachable),
        resource("aws_eks_cluster", "A cluster.")
            .attr("name", string().required(), "Its name.")
            .attr("role_arn", string().required(), "Its role.")
            .attr("endpoint", computed(), "Where it answers.")
            .attr("status", computed(), "Its state.")
            .block(
                "vpc_config",
                one_block()
                    .attr("subnet_ids", string_list().required(), "Its subnets.")
                    .attr("vpc_id", computed(), "Its network.")
                    .attr("cluster_security_group_id", computed(), "Its group."),
                "Its network.",
            )
            .block(
                "certificate_authority",
                one_block().computed().attr("data", computed(), "The certificate."),
                "Its authority.",
            )
            .driver(Unreachable),
        resource("aws_thing_nobody_knows", "Anything.")
            .attr("anything", any().optional(), "A value.")
            .attr("count_of", number().computed(), "A number.")
            .attr("password", string().optional().write_only(), "Never kept.")
            .driver(Unreachable),
    ]
}

fn data() -> Vec<DataType<()>> {
    vec![
        data_source("aws_vpc", "A network.")
            .attr("cidr_block", string().optional().computed(), "Its range.")
            .attr("default_security_group_id", string().computed(), "The group that it comes with.")
            .driver(Unreachable),
        data_source("aws_subnets", "Subnets.")
            .attr("ids", string_list().computed(), "Their ids.")
            .block("filter", filter(), "Which.")
            .driver(Unreachable),
        data_source("aws_availability_zones", "Zones.")
            .attr("names", string_list().computed(), "Their names.")
            .attr("state", string().optional(), "Their state.")
            .driver(Unreachable),
    ]
}

fn filter() -> crate::provider::schema_words::BlockWord {
    crate::provider::schema_words::set_block().attr("name", string().required(), "What is looked at.").attr(
        "values",
        string_list().required(),
        "What it may be.",
    )
}

/// A sandbox in a folder that goes away with it.
struct Sandbox {
    folder: tempfile::TempDir,
    connection: Arc<dyn Connection>,
    def: Arc<dyn ProviderDef>,
}

async fn sandbox(faults: &str) -> Sandbox {
    let folder = tempfile::tempdir().unwrap();
    open(folder, faults).await
}

async fn open(folder: tempfile::TempDir, faults: &str) -> Sandbox {
    let cloud = SandboxCloud::open(&folder.path().join("sandbox.db"), Faults::parse(faults).unwrap()).unwrap();
    let def = wrap(Arc::new(Def { config: Schema::default(), types: Types::new(resources(), data()) }), cloud);
    let config = ObjectBuilder::new().set("region", "eu-west-1").set("max_retries", 1).build();
    Sandbox { folder, connection: def.connect(&config, Calls::default()).await.unwrap(), def }
}

fn op() -> Operation {
    Operation {
        address: Address::parse("aws_vpc.main").unwrap(),
        timeout: Duration::from_secs(60),
        cancel: tokio_util::sync::CancellationToken::new(),
        progress: Progress::default(),
    }
}

fn vpc(cidr: &str) -> Object {
    ObjectBuilder::new().set("cidr_block", cidr).build()
}

fn subnet(vpc: &Stored, cidr: &str) -> Object {
    ObjectBuilder::new().set("vpc_id", &*vpc.id.0).set("cidr_block", cidr).build()
}

impl Sandbox {
    async fn try_make(&self, ty: &str, key: &str, desired: Object) -> Outcome {
        let key = IdempotencyKey(key.into());
        self.connection.create(ty, Create { desired, key, op: op() }).await
    }

    async fn make(&self, ty: &str, key: &str, desired: Object) -> Stored {
        match self.try_make(ty, key, desired).await {
            Outcome::Done(stored) => stored,
            other => panic!("{other:?}"),
        }
    }

    async fn refused(&self, ty: &str, key: &str, desired: Object) -> ProviderError {
        match self.try_make(ty, key, desired).await {
            Outcome::Failed(error) => error,
            other => panic!("{other:?}"),
        }
    }

    async fn delete(&self, ty: &str, stored: &Stored) -> Result<(), ProviderError> {
        let request = Delete { id: stored.id.clone(), prior: stored.object.clone(), private: None, op: op() };
        self.connection.delete(ty, request).await
    }
}

#[tokio::test]
async fn objects_get_what_a_cloud_would_choose() {
    let s = sandbox("").await;
    let vpc = s.make("aws_vpc", "k1", vpc("10.0.0.0/16")).await;
    let id = vpc.id.0.to_string();
    assert!(id.starts_with("vpc-") && id.len() == 21, "{id}");
    let arn = format!("arn:aws:ec2:eu-west-1:123456789012:vpc/{id}");
    assert_eq!((vpc.object.str("arn"), vpc.object.str("id")), (Some(arn.as_str()), Some(id.as_str())));
    let subnet = s.make("aws_subnet", "k2", subnet(&vpc, "10.0.1.0/24")).await;
    assert!(subnet.object.str("availability_zone").unwrap().starts_with("eu-west-1"));
    let role = s.make("aws_iam_role", "k3", ObjectBuilder::new().set("name", "eks").set("path", "/").build()).await;
    assert_eq!(role.object.str("arn"), Some("arn:aws:iam::123456789012:role/eks"));
    let config = ObjectBuilder::new().strings("subnet_ids", [&*subnet.id.0]).build();
    let cluster = ObjectBuilder::new().set("name", "prod").set("role_arn", role.object.str("arn").unwrap());
    let cluster = s.make("aws_eks_cluster", "k4", cluster.blocks("vpc_config", [config]).build()).await;
    let network = cluster.object.block("vpc_config").unwrap();
    assert_eq!(network.str("vpc_id"), Some(id.as_str()));
    assert!(network.str("cluster_security_group_id").unwrap().starts_with("sg-"));
    assert_eq!(cluster.object.str("status"), Some("ACTIVE"));
    assert!(cluster.object.str("endpoint").unwrap().ends_with(".gr7.eu-west-1.eks.amazonaws.com"));
    assert!(cluster.object.block("certificate_authority").unwrap().str("data").is_some());
    let anything = Value::list(crate::model::Type::Bool, vec![true.into()]);
    let thing = ObjectBuilder::new().set("anything", anything.clone()).set("password", "secret").build();
    let thing = s.make("aws_thing_nobody_knows", "k5", thing).await;
    assert_eq!(thing.object.get("anything"), Some(&anything));
    assert_eq!((thing.object.get("password"), thing.object.i64("count_of")), (None, Some(0)));
    let prefix = ObjectBuilder::new().set("name_prefix", "web-").set("vpc_id", id.as_str()).build();
    assert!(s.make("aws_security_group", "k6", prefix).await.object.str("name").unwrap().starts_with("web-"));
}

#[tokio::test]
async fn the_rules_of_the_cloud_are_kept() {
    let s = sandbox("quota aws_vpc=2").await;
    let v = s.make("aws_vpc", "v", vpc("10.0.0.0/16")).await;
    let missing = ObjectBuilder::new().set("vpc_id", "vpc-0").set("cidr_block", "10.0.1.0/24").build();
    let error = s.refused("aws_subnet", "x", missing).await;
    assert_eq!((error.code.as_str(), error.kind), ("InvalidVpcID.NotFound", ErrorKind::NotFound));
    assert_eq!(error.path.unwrap().to_string(), "vpc_id");
    let a = s.make("aws_subnet", "a", subnet(&v, "10.0.1.0/24")).await;
    let code = |e: ProviderError| e.code;
    for overlapping in ["10.0.1.0/25", "10.0.0.0/23", "10.0.1.128/28", "10.0.1.0/24", "10.0.0.0/16"] {
        let error = s.refused("aws_subnet", overlapping, subnet(&v, overlapping)).await;
        assert_eq!(code(error), "InvalidSubnet.Conflict", "{overlapping}");
    }
    for outside in ["10.1.0.0/24", "10.0.0.0/8", "10.0.3.0/29"] {
        assert_eq!(code(s.refused("aws_subnet", outside, subnet(&v, outside)).await), "InvalidSubnet.Range");
    }
    s.make("aws_subnet", "b", subnet(&v, "10.0.0.0/24")).await;
    let error = s.delete("aws_vpc", &v).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.kind), ("DependencyViolation", ErrorKind::Conflict));
    assert!(error.message.contains("aws_subnet"), "{}", error.message);
    let role = || ObjectBuilder::new().set("name", "r").set("path", "/").build();
    s.make("aws_iam_role", "r1", role()).await;
    let error = s.refused("aws_iam_role", "r2", role()).await;
    assert_eq!((error.code.as_str(), error.kind), ("EntityAlreadyExists", ErrorKind::AlreadyExists));
    s.make("aws_vpc", "v2", vpc("10.0.0.0/16")).await;
    let error = s.refused("aws_vpc", "v3", vpc("10.0.0.0/16")).await;
    assert_eq!((error.code.as_str(), error.kind), ("VpcLimitExceeded", ErrorKind::Quota));
    // What is gone frees its range, and its holders gone, a network can go with all that came along.
    s.delete("aws_subnet", &a).await.unwrap();
    let again = s.make("aws_subnet", "c", subnet(&v, "10.0.1.0/24")).await;
    for subnet in s.connection.list("aws_subnet", &Filter::default()).await.unwrap() {
        s.delete("aws_subnet", &subnet.stored).await.unwrap();
    }
    s.delete("aws_subnet", &again).await.unwrap();
    let groups = s.connection.list("aws_security_group", &Filter::default()).await.unwrap().len();
    s.delete("aws_vpc", &v).await.unwrap();
    assert_eq!(s.connection.list("aws_security_group", &Filter::default()).await.unwrap().len(), groups - 1);
}

#[tokio::test]
async fn a_lost_answer_is_found_by_its_key_and_by_the_next_process() {
    let s = sandbox("aws_vpc:create=lost@first:1; aws_vpc:create=partial@nth:3").await;
    let error = s.refused("aws_vpc", "k", vpc("10.0.0.0/16")).await;
    assert_eq!(error.kind, ErrorKind::Network);
    let s = open(s.folder, "").await;
    let key = IdempotencyKey("k".into());
    let found = s.connection.find_by_key("aws_vpc", &key, &vpc("10.0.0.0/16")).await.unwrap().unwrap();
    assert_eq!(s.make("aws_vpc", "k", vpc("10.0.0.0/16")).await, found);
    assert_eq!(s.connection.list("aws_vpc", &Filter::default()).await.unwrap().len(), 1);
    assert_eq!(s.connection.find_by_key("aws_vpc", &IdempotencyKey("l".into()), &vpc("x")).await.unwrap(), None);
}

#[tokio::test]
async fn faults_strike_as_they_were_ordered() {
    let s =
        sandbox("aws_vpc:create=throttle@first:1; aws_vpc:create=timeout@nth:2; *:read=denied@nth:1; *sub*=500").await;
    // The throttled call is repeated, and the repeated one does not end in time.
    let outcome = s.try_make("aws_vpc", "k", vpc("10.0.0.0/16")).await;
    assert!(matches!(outcome, Outcome::Partial(_, e) if e.kind == ErrorKind::Timeout));
    let made = s.make("aws_vpc", "k", vpc("10.0.0.0/16")).await;
    let reads = [Read { id: made.id.clone(), prior: None }, Read { id: made.id.clone(), prior: None }];
    let outcomes = s.connection.read_many("aws_vpc", &reads).await;
    assert!(matches!(&outcomes[0], ReadOutcome::Failed(e) if e.kind == ErrorKind::Denied));
    assert!(matches!(&outcomes[1], ReadOutcome::Found(found) if *found == made));
    let error = s.refused("aws_subnet", "s", subnet(&made, "10.0.1.0/24")).await;
    assert_eq!((error.kind, error.operation.as_str()), (ErrorKind::Service, "aws_subnet:create"));
}

#[tokio::test]
async fn waiting_ends_with_the_time_out_and_leaves_what_was_made() {
    let s = sandbox("latency *:create=10s").await;
    let mut op = op();
    op.timeout = Duration::from_millis(20);
    let request = Create { desired: vpc("10.0.0.0/16"), key: IdempotencyKey("k".into()), op };
    let outcome = s.connection.create("aws_vpc", request).await;
    assert!(
        matches!(outcome, Outcome::Partial(stored, e) if e.kind == ErrorKind::Timeout && stored.id.0.starts_with("vpc-"))
    );
}

#[tokio::test]
async fn data_sources_look_among_the_objects() {
    let s = sandbox("").await;
    let v = s.make("aws_vpc", "v", vpc("10.0.0.0/16")).await;
    let other = s.make("aws_vpc", "w", vpc("10.1.0.0/16")).await;
    let a = s.make("aws_subnet", "a", subnet(&v, "10.0.1.0/24")).await;
    s.make("aws_subnet", "b", subnet(&other, "10.1.1.0/24")).await;
    let found = s.connection.read_data("aws_vpc", &vpc("10.0.0.0/16"), &op()).await.unwrap();
    assert_eq!(found.str("id"), v.object.str("id"));
    assert_eq!(found.str("default_security_group_id"), v.object.str("default_security_group_id"));
    let error = s.connection.read_data("aws_vpc", &vpc("10.9.0.0/16"), &op()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let filter = ObjectBuilder::new().set("name", "vpc-id").strings("values", [&*v.id.0]).build();
    let config = ObjectBuilder::new().blocks("filter", [filter]).build();
    let subnets = s.connection.read_data("aws_subnets", &config, &op()).await.unwrap();
    assert_eq!(subnets.strings("ids"), [a.id.0.to_string()]);
    let zones = s.connection.read_data("aws_availability_zones", &ObjectBuilder::new().build(), &op()).await.unwrap();
    assert_eq!(zones.strings("names"), ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
}

#[tokio::test]
async fn updates_change_only_what_was_asked_for() {
    let s = sandbox("").await;
    let v = s.make("aws_vpc", "v", vpc("10.0.0.0/16")).await;
    let desired = ObjectBuilder::from(&v.object).string_map("tags", [("Name", "net")]).set("arn", Value::NULL).build();
    let changed: Vec<Str> = vec!["tags".into()];
    let (id, prior) = (v.id.clone(), v.object.clone());
    let request = Update { id, prior, desired, changed, private: None, op: op() };
    let Outcome::Done(updated) = s.connection.update("aws_vpc", request).await else { panic!() };
    assert_eq!(updated.object.string_map("tags_all"), [("Name".to_string(), "net".to_string())]);
    assert_eq!((updated.object.str("arn"), updated.id), (v.object.str("arn"), v.id.clone()));
    let filter = Filter { tags: vec![("Name".to_string(), "net".to_string())] };
    assert_eq!(s.connection.list("aws_vpc", &filter).await.unwrap()[0].display_name.as_deref(), Some("net"));
    assert_eq!(&*s.def.import_id("aws_vpc", "vpc-1").unwrap().0, "vpc-1");
}

/// Many creates share their commits: one that waited for a commit of its own would take minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_objects_are_made_and_read_quickly() {
    let s = Arc::new(sandbox("").await);
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..10_000 {
        let s = s.clone();
        tasks.spawn(async move { s.make("aws_vpc", &format!("key-{i}"), vpc("10.0.0.0/16")).await });
    }
    let made = tasks.join_all().await;
    let creating = start.elapsed();
    let reads: Vec<Read> = made.iter().map(|m| Read { id: m.id.clone(), prior: None }).collect();
    let start = Instant::now();
    let outcomes = s.connection.read_many("aws_vpc", &reads).await;
    let reading = start.elapsed();
    assert!(outcomes.iter().zip(&made).all(|(o, m)| matches!(o, ReadOutcome::Found(found) if found == m)));
    // Generous: tests are built without optimisation and share the machine.
    assert!(creating < Duration::from_secs(120) && reading < Duration::from_secs(30), "{creating:?} {reading:?}");
    println!("10000 creates {creating:?}, reads {reading:?}");
}
