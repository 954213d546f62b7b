//! How many calls are in flight at a time: no more than asked for, and fewer once the service refuses for load.

use std::time::Duration;

use futures::future::join_all;
use terrane::model::ObjectBuilder;

use crate::driver_conformance::suite::operation;
use crate::support::aws::Account;
use crate::support::cli::Stack;
use crate::support::moto;
use crate::support::proxy::Call;

/// The greatest number of these calls that were under way at one moment.
fn most_in_flight(calls: &[Call]) -> usize {
    let is_under_way = |call: &Call, at| call.started <= at && call.finished.is_none_or(|end| end > at);
    let at = |one: &Call| calls.iter().filter(|call| is_under_way(call, one.started)).count();
    calls.iter().map(at).max().unwrap_or(0)
}

const ADDRESSES: &str = r#"
resource "aws_eip" "a" {
  count  = 12
  domain = "vpc"
}
"#;

#[test]
fn parallelism_bounds_the_calls_in_flight() {
    let moto = moto::Server::shared();
    let (proxy, region) = (moto.proxy(), moto.region());
    let stack = Stack::with("main.tf", ADDRESSES);
    let run = |arguments: &[&str]| stack.terrane(arguments).aws(proxy.url(), region).run().success();
    for operation in ["AllocateAddress", "ReleaseAddress"] {
        proxy.on(operation).delay(Duration::from_millis(200));
    }
    run(&["apply", "-auto-approve", "-parallelism=3"]);
    assert_eq!(proxy.most_at_once(), 3);
    proxy.forget_calls();
    run(&["destroy", "-auto-approve"]);
    assert!(proxy.most_at_once() > 3, "unless it is said, what is independent runs at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_refuses_for_load_gets_fewer_calls_at_a_time() {
    const CALLS: usize = 64;
    let moto = moto::Server::shared();
    let proxy = moto.proxy();
    let aws = Account::connect(proxy.url(), moto.region()).await;
    let zones = "DescribeAvailabilityZones";
    proxy.on(zones).delay(Duration::from_millis(500));
    proxy.on(zones).first(CALLS).error(503, "RequestLimitExceeded", "Request limit exceeded.");
    let (ty, config) = ("aws_availability_zones", ObjectBuilder::new().build());
    let reads = (0..CALLS).map(|_| async { aws.connection.read_data(ty, &config, &operation("aws_vpc")).await });
    let read = join_all(reads).await;
    assert!(read.iter().all(Result::is_ok), "what is refused is asked again");
    let calls = proxy.calls_of(zones);
    let (refused, answered) = calls.split_at(CALLS);
    let (before, after) = (most_in_flight(refused), most_in_flight(answered));
    assert!(before > CALLS * 3 / 4 && after <= CALLS * 5 / 8, "{before} were in flight, then {after}");
}
