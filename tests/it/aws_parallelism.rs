//! `-parallelism` against moto: it holds for what is read as for what is made.

use std::time::Duration;

use crate::support::cli::Stack;
use crate::support::moto;

#[test]
fn the_number_of_calls_at_once_holds_for_reads() {
    let moto = moto::Server::shared();
    let (proxy, region) = (moto.proxy(), moto.region());
    let text = r#"
resource "aws_iam_role" "r" {
  count              = 3
  name               = "at-once-${count.index}"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}

resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
"#;
    let stack = Stack::with("main.tf", text);
    let run = |arguments: &[&str]| stack.terrane(arguments).aws(proxy.url(), region).run().success();
    run(&["apply", "-auto-approve"]);
    for operation in ["GetRole", "DescribeVpcs", "DescribeVpcAttribute", "ListRoleTags", "ListRolePolicies"] {
        proxy.on(operation).delay(Duration::from_millis(100));
    }
    let most = |arguments: &[&str]| {
        proxy.forget_calls();
        run(arguments);
        proxy.most_at_once()
    };
    assert!(most(&["plan"]) > 2);
    assert_eq!(most(&["plan", "-parallelism=1"]), 1);
    assert_eq!(most(&["plan", "-parallelism=2"]), 2);
    run(&["destroy", "-auto-approve", "-parallelism=2"]);
}
