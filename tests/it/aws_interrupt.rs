//! Calls in flight are given up when the user asks a second time to stop, and nothing is lost by it: against moto, with
//! the proxy holding a call.

use std::sync::{Mutex, mpsc};

use terrane::model::ObjectBuilder;
use terrane::provider::{Create, Delete, ErrorKind, IdempotencyKey, Operation, Outcome};
use terrane::state::{SqliteStore, Store, Surroundings};

use crate::driver_conformance::suite;
use crate::support::aws::Account;
use crate::support::cli::{KillSwitch, Stack};
use crate::support::moto;
use crate::support::proxy::Proxy;

const VPC: &str = "aws_vpc";

/// Cancels the operation once the call has come to the proxy.
fn cancel_at(proxy: &Proxy, call: &str, op: &Operation) {
    let cancel = op.cancel.clone();
    proxy.on(call).once_arrived(move |_| cancel.cancel());
    proxy.on(call).hang();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_flight_is_given_up() {
    let server = moto::Server::shared();
    let proxy = Proxy::start(server.url());
    let aws = Account::connect(proxy.url(), server.region()).await;
    let config = ObjectBuilder::new().set("cidr_block", "10.0.0.0/16");
    let made = aws.create(VPC, config).await;

    let op = suite::operation(VPC);
    cancel_at(&proxy, "CreateVpc", &op);
    let key = IdempotencyKey("c".repeat(32).as_str().into());
    let desired = aws.desired(VPC, &made.object);
    let Outcome::Failed(error) = aws.connection.create(VPC, Create { desired, key, op }).await else { panic!() };
    assert_eq!((error.kind, &*error.operation), (ErrorKind::Cancelled, "ec2:CreateVpc"));
    assert!(error.leaves_open());

    let op = suite::operation(VPC);
    cancel_at(&proxy, "DeleteVpc", &op);
    let delete = Delete { id: made.id.clone(), prior: made.object.clone(), private: None, op };
    assert_eq!(aws.connection.delete(VPC, delete).await.unwrap_err().kind, ErrorKind::Cancelled);

    // Operations of their own are not touched by the end of another.
    proxy.behave();
    aws.delete(VPC, &made).await.unwrap();
}

#[test]
fn what_a_given_up_call_made_is_found_by_the_next_run() {
    let server = moto::Server::shared();
    let (proxy, region) = (Proxy::start(server.url()), server.region());
    let stack = Stack::with("main.tf", "resource \"aws_vpc\" \"main\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n");
    let terrane = |arguments: &[&str]| stack.terrane(arguments.iter().copied()).aws(proxy.url(), region);

    // moto has made the VPC, and its answer is held until the end of the test.
    let (answered, is_answered) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    proxy.on("CreateVpc").nth(1).once_answered(move |_| {
        let _ = answered.send(());
        let _ = held.lock().map(|held| held.recv());
    });
    let running = terrane(&["apply", "-auto-approve"]).spawn();
    is_answered.recv().expect("the call is answered");
    running.interrupt();
    running.wait_for_stderr("Press Ctrl-C again");
    running.interrupt();
    let run = running.wait().expect_status(1);
    assert!(run.stderr.contains("ec2:CreateVpc: the call was given up"), "{run}");
    assert!(run.stdout.contains("aws_vpc.main is unsettled: not created: "), "{run}");
    drop(release);

    let next = terrane(&["apply", "-auto-approve"]).run().success();
    assert_eq!(proxy.count("CreateVpc"), 1, "{next}");
    terrane(&["plan", "-detailed-exitcode"]).run().success();
}

#[test]
fn asked_once_to_stop_a_run_lets_the_call_in_flight_end_and_begins_nothing_more() {
    let server = moto::Server::shared();
    let (proxy, region) = (Proxy::start(server.url()), server.region());
    let text = r#"
resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_subnet" "main" {
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.0.1.0/24"
}
"#;
    let stack = Stack::with("main.tf", text);
    let terrane = |arguments: &[&str]| stack.terrane(arguments.iter().copied()).aws(proxy.url(), region);

    let (answered, is_answered) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    proxy.on("CreateVpc").nth(1).once_answered(move |_| {
        let _ = answered.send(());
        let _ = held.lock().map(|held| held.recv());
    });
    let running = terrane(&["apply", "-auto-approve", "-json-into=lines"]).spawn();
    is_answered.recv().expect("the call is answered");
    running.interrupt();
    running.wait_for_stderr("Stopping: no new step starts");
    drop(release);
    let run = running.wait().expect_status(1);

    assert!(run.stdout.contains("Apply stopped. Resources: 1 added, 0 changed, 0 destroyed."), "{run}");
    assert!(run.stdout.contains("Not done: 1 not begun.\n  aws_subnet.main (not begun)\n"), "{run}");
    assert!(run.stdout.contains("To finish it, apply again"), "{run}");
    let lines = stack.read("lines");
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["type"], "apply_incomplete");
    assert_eq!((&last["incomplete"]["interrupted"], &last["incomplete"]["not_begun"]), (&true.into(), &1.into()));
    assert_eq!((proxy.count("CreateVpc"), proxy.count("CreateSubnet")), (1, 0), "{run}");
    assert_eq!(terrane(&["state", "list"]).run().success().stdout, "aws_vpc.main\n");

    terrane(&["apply", "-auto-approve"]).run().success();
    assert_eq!((proxy.count("CreateVpc"), proxy.count("CreateSubnet")), (1, 1));
}

/// A VPC whose creation killed the run, so that nobody knows whether it is there; its tags hold a secret.
fn killed_at_its_creation(stack: &Stack, proxy: &Proxy, region: &str) {
    let kill = KillSwitch::default();
    proxy.on("CreateVpc").nth(1).once_answered(kill.hook());
    let apply = stack.terrane(["apply", "-auto-approve"]).aws(proxy.url(), region).env("TF_VAR_token", "hush");
    apply.kill_switch(&kill).run().killed();
}

const MARKED: &str = r#"
variable "token" {
  sensitive = true
}

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
  tags       = { token = var.token, open = "shown" }
}
"#;

#[test]
fn a_saved_plan_is_not_carried_out_while_an_interrupted_create_is_unsettled() {
    let server = moto::Server::shared();
    let (proxy, region) = (Proxy::start(server.url()), server.region());
    let stack = Stack::with("main.tf", MARKED);
    let terrane = |arguments: &[&str]| {
        stack.terrane(arguments.iter().copied()).aws(proxy.url(), region).env("TF_VAR_token", "hush")
    };
    terrane(&["plan", "-out=p"]).run().success();
    killed_at_its_creation(&stack, &proxy, region);
    proxy.on("DescribeVpcs").error(403, "UnauthorizedOperation", "not you");
    let run = terrane(&["apply", "p"]).run().expect_status(1);
    assert!(run.stderr.contains("whether aws_vpc.main was created by an interrupted run is not known"), "{run}");
    assert_eq!(proxy.count("CreateVpc"), 1, "{run}");
    proxy.behave();
    terrane(&["apply", "-auto-approve"]).run().success();
    assert_eq!(proxy.count("CreateVpc"), 1);
    terrane(&["plan", "-detailed-exitcode"]).run().success();
}

#[test]
fn no_secret_is_in_the_journal() {
    let server = moto::Server::shared();
    let (proxy, region) = (Proxy::start(server.url()), server.region());
    let stack = Stack::with("main.tf", MARKED);
    killed_at_its_creation(&stack, &proxy, region);
    let store = SqliteStore::open(&stack.dir().join(".terrane/state.db"), Surroundings::default()).unwrap();
    let intents = store.open_intents().wait().unwrap();
    let desired = intents[0].desired.as_ref().unwrap();
    assert!(intents.len() == 1 && desired.contains("10.0.0.0/16") && !desired.contains("hush"), "{desired}");
}
