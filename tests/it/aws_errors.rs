//! What a cloud can do wrong: each failure is told with operation, code, message, request id and what to do, nothing
//! that exists is forgotten, and the next run goes on.

use std::time::Duration;

use crate::support::boto::{Boto, state_inventory};
use crate::support::cli::Stack;
use crate::support::moto;
use crate::support::proxy::{Matching, Proxy};

const STACK: &str = r#"
provider "aws" {
  max_retries = 1
}

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_subnet" "main" {
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.0.1.0/24"
}
"#;

/// What is done to a call, and what must be said then.
type Failure = (fn(Matching<'_>), &'static [&'static str]);

const FAILURES: [Failure; 8] = [
    (
        |call| call.error(403, "UnauthorizedOperation", "You are not authorized to perform this operation."),
        &[
            "UnauthorizedOperation: ec2:CreateSubnet: You are not authorized",
            "00000000-0000-4000-8000-000000000000",
            "help: grant the identity \"ec2:CreateSubnet\"",
        ],
    ),
    (
        |call| call.error(404, "InvalidVpcID.NotFound", "The vpc ID does not exist"),
        &["InvalidVpcID.NotFound: ec2:CreateSubnet: The vpc ID does not exist", "help: what it refers to is not there"],
    ),
    (
        |call| call.error(429, "TooManyRequestsException", "Rate exceeded"),
        &["TooManyRequestsException: ec2:CreateSubnet: Rate exceeded", "help: the service takes no more calls now"],
    ),
    (
        |call| call.error(503, "RequestLimitExceeded", "Request limit exceeded."),
        &["RequestLimitExceeded: ec2:CreateSubnet: Request limit exceeded.", "help: the service takes no more calls"],
    ),
    (
        |call| call.error(500, "InternalError", "An internal error has occurred"),
        &["InternalError: ec2:CreateSubnet: An internal error has occurred", "help: run the same command again"],
    ),
    (
        |call| call.error(400, "SubnetLimitExceeded", "The maximum number of subnets has been reached."),
        &["SubnetLimitExceeded: ec2:CreateSubnet: The maximum number", "help: ask for a higher quota"],
    ),
    (
        |call| call.garbage(),
        &["ec2:CreateSubnet: the answer (HTTP 200) cannot be read", "help: check that the endpoint"],
    ),
    (|call| call.refuse(), &["ec2:CreateSubnet: no connection: ", "help: run the same command again"]),
];

fn ground(text: &str) -> (Stack, Proxy, &'static str) {
    let moto = moto::Server::shared();
    (Stack::with("main.tf", text), moto.proxy(), moto.region())
}

/// The text on one line, as the terminal's folding is no part of what is said.
fn unfolded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_failure_is_told_and_nothing_is_lost() {
    let (stack, proxy, region) = ground(STACK);
    let run = |arguments: &[&str]| stack.terrane(arguments).aws(proxy.url(), region).run();
    for (n, (fail, expected)) in FAILURES.into_iter().enumerate() {
        fail(proxy.on("CreateSubnet"));
        let failed = run(&["apply", "-auto-approve"]).expect_status(1);
        let said = unfolded(&failed.stderr);
        assert!(said.starts_with("Error: aws_subnet.main was not created"), "{failed}");
        for words in expected {
            assert!(said.contains(words), "{words:?} is not said: {failed}");
        }
        let added = usize::from(n == 0);
        let end = format!("Apply did not complete. Resources: {added} added, 0 changed, 0 destroyed.");
        assert!(failed.stdout.contains(&end), "{failed}");
        assert_eq!(run(&["state", "list"]).success().stdout, "aws_vpc.main\n");
        proxy.behave();
    }
    let done = run(&["apply", "-auto-approve"]).success();
    assert!(done.stdout.contains("Apply complete! Resources: 1 added, 0 changed, 0 destroyed."), "{done}");
    assert_eq!(proxy.count("CreateVpc"), 1);

    // What can't be read can't be planned, and stays in the state.
    let unreadable: [fn(Matching<'_>); 2] =
        [|call| call.error(403, "UnauthorizedOperation", "no"), |call| call.garbage()];
    for fail in unreadable {
        fail(proxy.on("DescribeVpcs"));
        let failed = run(&["plan"]).expect_status(1);
        assert!(unfolded(&failed.stderr).contains("Error: aws_vpc.main could not be read"), "{failed}");
        proxy.behave();
    }
    assert_eq!(run(&["state", "list"]).success().stdout, "aws_subnet.main\naws_vpc.main\n");
    run(&["destroy", "-auto-approve"]).success();
}

/// What is done to a read, an update or a deletion, and what is told of the call.
const REFUSALS: [Failure; 4] = [
    (|call| call.error(403, "UnauthorizedOperation", "no"), &["UnauthorizedOperation: ", "help: grant the identity"]),
    (|call| call.error(429, "TooManyRequestsException", "Rate exceeded"), &["TooManyRequestsException: "]),
    (|call| call.error(500, "InternalError", "oh"), &["InternalError: ", "help: run the same command again"]),
    (|call| call.hang(), &["no answer within 3s", "help: run the same command again"]),
];

/// A command fails at a call in every way, one after the other; each is told, and the state stays as it is.
fn fails_at(call: &str, told: &str, arguments: &[&str], (stack, proxy, region): (&Stack, &Proxy, &str)) {
    let known = stack.terrane(["state", "list"]).run().success().stdout;
    for (fail, expected) in REFUSALS {
        fail(proxy.on(call));
        let limited = stack.terrane(arguments).env("TERRANE_CALL_TIMEOUT", "3s");
        let failed = limited.aws(proxy.url(), region).run().expect_status(1);
        let said = unfolded(&failed.stderr);
        let named = format!("ec2:{call}: ");
        for words in expected.iter().copied().chain([told, &named]) {
            assert!(said.contains(words), "{words:?} is not said: {failed}");
        }
        assert_eq!(stack.terrane(["state", "list"]).run().success().stdout, known, "{failed}");
        proxy.behave();
    }
}

#[test]
fn failures_of_reads_updates_and_deletions_are_told_and_lose_nothing() {
    let (stack, proxy, region) = ground(STACK);
    let at = (&stack, &proxy, region);
    let run = |arguments: &[&str]| stack.terrane(arguments).aws(proxy.url(), region).run().success();
    run(&["apply", "-auto-approve"]);
    fails_at("DescribeSubnets", "aws_subnet.main could not be read", &["plan"], at);

    let public = STACK.replace("\"10.0.1.0/24\"", "\"10.0.1.0/24\"\n  map_public_ip_on_launch = true");
    stack.write("main.tf", &public);
    fails_at("ModifySubnetAttribute", "aws_subnet.main was not updated", &["apply", "-auto-approve"], at);
    // An answer without sense, and what it was the answer to did not happen.
    proxy.on("ModifySubnetAttribute").garbage();
    let ignored = stack.terrane(["apply", "-auto-approve"]).aws(proxy.url(), region).run().expect_status(1);
    let said = unfolded(&ignored.stderr);
    assert!(said.contains("aws_subnet.main was not updated"), "{ignored}");
    assert!(said.contains("yet afterwards \"map_public_ip_on_launch\" is as before"), "{ignored}");
    proxy.behave();
    // Gone while it was about to be changed.
    proxy.on("ModifySubnetAttribute").error(404, "InvalidSubnetID.NotFound", "The subnet ID does not exist");
    let gone = stack.terrane(["apply", "-auto-approve"]).aws(proxy.url(), region).run().expect_status(1);
    assert!(unfolded(&gone.stderr).contains("InvalidSubnetID.NotFound: ec2:ModifySubnetAttribute"), "{gone}");
    proxy.behave();
    let changed = run(&["apply", "-auto-approve"]);
    assert!(changed.stdout.contains("Apply complete! Resources: 0 added, 1 changed, 0 destroyed."), "{changed}");

    fails_at("DeleteSubnet", "aws_subnet.main was not deleted", &["destroy", "-auto-approve"], at);
    let destroyed = run(&["destroy", "-auto-approve"]);
    assert!(destroyed.stdout.contains("Destroy complete! Resources: 2 destroyed."), "{destroyed}");
}

#[test]
fn a_time_for_calls_that_is_none_is_refused() {
    for (time, said) in [("0s", "TERRANE_CALL_TIMEOUT leaves calls no time"), ("soon", "\"soon\" is no duration")] {
        let run = Stack::with("main.tf", "").terrane(["plan"]).env("TERRANE_CALL_TIMEOUT", time).run();
        assert!(run.expect_status(1).stderr.contains(said), "{time}");
    }
}

/// Ctrl-C lets calls in flight end; a second one gives up what never ends, and the next run finds out about it.
#[test]
fn a_call_that_hangs_is_given_up_and_settled_by_the_next_run() {
    let (stack, proxy, region) = ground(STACK);
    let command = |arguments: &[&str]| stack.terrane(arguments).aws(proxy.url(), region);
    proxy.on("CreateSubnet").nth(1).hang();
    let running = command(&["apply", "-auto-approve"]).spawn();
    proxy.wait_for("CreateSubnet", 1);
    running.interrupt();
    running.wait_for_stderr("Press Ctrl-C again");
    running.interrupt();
    let stopped = running.wait().expect_status(1);
    assert!(stopped.stdout.contains("Apply stopped. Resources: 1 added"), "{stopped}");
    assert!(unfolded(&stopped.stderr).contains("found out by the next run"), "{stopped}");
    assert_eq!(command(&["state", "list"]).run().success().stdout, "aws_vpc.main\n");
    proxy.behave();
    command(&["apply", "-auto-approve"]).run().success();
    let boto = Boto::new(moto::Server::shared().url(), region);
    let (mut there, known) = (boto.inventory("none of mine"), state_inventory(&stack));
    there.retain(|ty, _| known.contains_key(ty));
    assert_eq!(there, known);
}

/// The answer to a create is lost or cut on the way: the object is found, and is there once.
#[test]
fn a_lost_answer_makes_nothing_twice() {
    let (stack, proxy, region) = ground(STACK);
    proxy.on("CreateVpc").nth(1).lose_answer();
    proxy.on("CreateSubnet").nth(1).cut_answer();
    stack.terrane(["apply", "-auto-approve"]).aws(proxy.url(), region).run().success();
    assert_eq!((proxy.count("CreateVpc"), proxy.count("CreateSubnet")), (1, 1));
    assert_eq!(stack.terrane(["state", "list"]).run().success().stdout, "aws_subnet.main\naws_vpc.main\n");
}

/// A service that takes a call and says nothing is not waited for forever.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_service_is_a_network_error() {
    use crate::support::aws::Account;
    use terrane::provider::{Calls, ErrorKind, ReadOutcome};
    let (_, proxy, region) = ground("");
    let calls = Calls { attempt: Duration::from_millis(100) };
    let aws = Account::connect_with(proxy.url(), region, calls, |config| config.set("max_retries", 1)).await;
    proxy.on("DescribeVpcs").hang();
    let ReadOutcome::Failed(error) = aws.read("aws_vpc", "vpc-1", None).await else { panic!() };
    assert_eq!(error.kind, ErrorKind::Network);
    assert!(error.to_string().contains("ec2:DescribeVpcs: no answer within 100ms"), "{error}");
    assert_eq!(proxy.count("DescribeVpcs"), 2, "it is asked once again");
}

/// The service knows a token again for a day, and refuses one that comes with other parameters.
#[test]
fn a_create_that_failed_is_never_repeated_with_its_token() {
    let (stack, proxy, region) = ground("");
    let with = |name: &str| {
        let vpc = "resource \"aws_vpc\" \"main\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n";
        let table = format!(
            "resource \"aws_route_table\" \"main\" {{\n  vpc_id = aws_vpc.main.id\n  tags = {{ Name = \"{name}\" }}\n}}\n"
        );
        let provider = "provider \"aws\" {\n  max_retries = 1\n}\n";
        stack.write("main.tf", &format!("{provider}{vpc}{}", if name.is_empty() { "" } else { &table }));
    };
    let apply = || stack.terrane(["apply", "-auto-approve"]).env("TERRANE_CALL_TIMEOUT", "3s");
    let run = || apply().aws(proxy.url(), region).run();
    let tokens = || {
        let calls = proxy.calls_of("CreateRouteTable");
        let mut tokens: Vec<String> = calls.iter().filter_map(|call| call.parameter("ClientToken")).collect();
        proxy.forget_calls();
        tokens.dedup();
        assert_eq!(tokens.len(), 1);
        tokens.remove(0)
    };
    with("");
    run().success();
    with("one");
    let mut used = std::collections::BTreeSet::new();
    for _ in 0..2 {
        proxy.on("CreateRouteTable").error(400, "RouteTableLimitExceeded", "no more");
        run().expect_status(1);
        assert!(used.insert(tokens()), "what became of the first call is known");
        proxy.behave();
    }
    with("two");
    proxy.on("CreateRouteTable").hang();
    run().expect_status(1);
    let unsettled = tokens();
    assert!(used.insert(unsettled.clone()));
    proxy.behave();
    run().success();
    assert_eq!(tokens(), unsettled, "what became of that one is known to the service alone");
    stack.terrane(["destroy", "-auto-approve"]).aws(proxy.url(), region).run().success();
}
