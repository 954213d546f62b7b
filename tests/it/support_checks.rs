//! That the ground which the other tests stand on holds: servers answer, the proxy counts and breaks as told.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::support::proxy::Proxy;
use crate::support::{ministack, moto, wire};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn ec2(url: &str, region: &str, form: &str) -> Result<wire::Answer, String> {
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential=testing/20260101/{region}/ec2/aws4_request, SignedHeaders=host, Signature=0"
    );
    wire::request("POST", &format!("{url}/"), &[FORM, ("authorization", &scope)], &format!("{form}&Version=2016-11-15"))
}

/// A server for these tests alone: regions of the shared one are for the drivers.
fn server() -> &'static moto::Server {
    static SERVER: OnceLock<moto::Server> = OnceLock::new();
    SERVER.get_or_init(moto::Server::start)
}

#[test]
fn moto_keeps_what_is_made_until_reset() {
    let moto = moto::Server::start();
    let made = ec2(moto.url(), "eu-west-1", "Action=CreateVpc&CidrBlock=10.77.0.0%2F16").expect("moto answers");
    assert_eq!(made.status, 200, "{}", made.text());
    let listed = || ec2(moto.url(), "eu-west-1", "Action=DescribeVpcs").expect("moto answers").text();
    assert!(listed().contains("10.77.0.0/16"));
    moto.reset();
    assert!(!listed().contains("10.77.0.0/16"));
}

#[test]
fn moto_ends_when_it_is_dropped() {
    let moto = moto::Server::start();
    let url = moto.url().to_owned();
    drop(moto);
    assert!(wire::request("GET", &format!("{url}/moto-api/"), &[], "").is_err());
}

#[test]
fn ministack_answers() {
    let server = ministack::Server::start();
    let made = ec2(server.url(), "us-east-1", "Action=CreateVpc&CidrBlock=10.78.0.0%2F16").expect("ministack answers");
    assert!(made.text().contains("10.78.0.0/16"), "{}", made.text());
    server.reset();
}

#[test]
fn the_proxy_counts_and_names_calls() {
    let moto = server();
    let region = moto.region();
    let proxy = Proxy::start(moto.url());
    for _ in 0..2 {
        ec2(proxy.url(), region, "Action=DescribeVpcs&Filter.1.Name=vpc-id").expect("the proxy answers");
    }
    wire::request("GET", &format!("{}/clusters/a?x=1", proxy.url()), &[], "").expect("the proxy answers");
    assert_eq!((proxy.count("DescribeVpcs"), proxy.count("Describe*"), proxy.count("*")), (2, 2, 3));
    assert_eq!(proxy.count("GET /clusters/*"), 1);
    let call = &proxy.calls_of("DescribeVpcs")[0];
    assert_eq!((call.service.as_str(), call.region.as_str(), call.status), ("ec2", region, Some(200)));
    assert_eq!(call.parameter("Filter.1.Name").as_deref(), Some("vpc-id"));
}

#[test]
fn the_proxy_injects_errors_by_turn() {
    let moto = server();
    let region = moto.region();
    let proxy = Proxy::start(moto.url());
    proxy.on("DescribeVpcs").first(2).error(503, "RequestLimitExceeded", "slow down");
    let statuses: Vec<u16> =
        (0..3).map(|_| ec2(proxy.url(), region, "Action=DescribeVpcs").expect("an answer").status.as_u16()).collect();
    assert_eq!(statuses, [503, 503, 200]);

    proxy.behave();
    proxy.on("DescribeVpcs").containing("10.1.0.0/16").error(400, "Odd", "odd");
    let odd = ec2(proxy.url(), region, "Action=DescribeVpcs&Filter.1.Value.1=10.1.0.0%2F16").expect("an answer");
    assert!(odd.text().contains("<Code>Odd</Code>"), "{}", odd.text());
    assert_eq!(ec2(proxy.url(), region, "Action=DescribeVpcs").expect("an answer").status, 200);
}

#[test]
fn the_proxy_rewrites_loses_and_cuts_answers() {
    let moto = server();
    let region = moto.region();
    let proxy = Proxy::start(moto.url());
    proxy.on("CreateVpc").nth(1).lose_answer();
    assert!(ec2(proxy.url(), region, "Action=CreateVpc&CidrBlock=10.9.0.0%2F16").is_err());

    proxy.on("DescribeVpcs").first(1).rewrite("<state>available</state>", "<state>pending</state>");
    let held = ec2(proxy.url(), region, "Action=DescribeVpcs").expect("an answer").text();
    assert!(
        held.contains("10.9.0.0/16") && held.contains("<state>pending</state>"),
        "the lost create took place: {held}"
    );
    let free = ec2(proxy.url(), region, "Action=DescribeVpcs").expect("an answer").text();
    assert!(!free.contains("<state>pending</state>"), "{free}");

    proxy.on("DescribeVpcs").cut_answer();
    assert!(ec2(proxy.url(), region, "Action=DescribeVpcs").is_err());
    proxy.behave();
    proxy.on("DescribeVpcs").refuse();
    assert!(ec2(proxy.url(), region, "Action=DescribeVpcs").is_err());
    proxy.behave();
    proxy.on("DescribeVpcs").garbage();
    assert!(ec2(proxy.url(), region, "Action=DescribeVpcs").expect("an answer").text().contains("}{"));
}

#[test]
fn the_proxy_delays_and_runs_hooks() {
    let moto = server();
    let region = moto.region();
    let proxy = Proxy::start(moto.url());
    let (sender, heard) = std::sync::mpsc::channel();
    proxy.on("DescribeVpcs").delay(Duration::from_millis(200));
    proxy.on("DescribeVpcs").nth(2).once_answered(move |call| sender.send(call.status).expect("the test listens"));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| ec2(proxy.url(), region, "Action=DescribeVpcs").expect("an answer"));
        }
        proxy.wait_for("DescribeVpcs", 2);
    });
    assert!(started.elapsed() >= Duration::from_millis(200));
    assert_eq!(proxy.most_at_once(), 2);
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [Some(200)]);
}
