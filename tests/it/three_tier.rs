//! The example `three-tier-hcl` from an empty account to an empty account, on moto: the commands a person runs, drift,
//! and a crash at any call.

use std::sync::OnceLock;

use crate::support::boto::{Boto, Inventory, state_inventory};
use crate::support::cli::{KillSwitch, Run, Stack};
use crate::support::moto;
use crate::support::normalise::Normaliser;
use crate::support::proxy::Proxy;

/// The example in a region, and under a name, of its own.
struct Ground {
    proxy: Proxy,
    boto: Boto,
    stack: Stack,
    region: &'static str,
    project: &'static str,
}

impl Ground {
    fn new(example: &str, region: &'static str, project: &'static str) -> Ground {
        static SERVER: OnceLock<moto::Server> = OnceLock::new();
        let server = SERVER.get_or_init(moto::Server::start);
        let (proxy, stack) = (server.proxy(), Stack::copy_of(example));
        Ground { proxy, boto: Boto::new(server.url(), region), stack, region, project }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.killable(arguments, &KillSwitch::default())
    }

    fn killable(&self, arguments: &[&str], kill: &KillSwitch) -> Run {
        let command = self.stack.terrane(arguments).aws(self.proxy.url(), self.region).kill_switch(kill);
        command.env("TF_VAR_region", self.region).env("TF_VAR_project", self.project).run()
    }

    /// Runs a command, one call at a time, again and again, and kills it in the middle each time: now when a call
    /// that changes something was answered, now when it is about to reach the server. Gives how often, until it came
    /// to its end.
    fn crash_until_done(&self, command: &str, writes: &[&str]) -> usize {
        for run in 0..60 {
            self.proxy.behave();
            let kill = KillSwitch::default();
            for operation in writes {
                let call = || self.proxy.on(operation).nth(2 + run % 3);
                if run % 2 == 0 {
                    call().once_answered(kill.hook());
                } else {
                    call().once_arrived(kill.hook());
                    call().refuse();
                }
            }
            let run_to_end = self.killable(&[command, "-auto-approve", "-parallelism=1"], &kill);
            if run_to_end.status.is_some() {
                self.proxy.behave();
                run_to_end.success();
                return run;
            }
        }
        panic!("{command} does not come to an end");
    }

    fn inventory(&self) -> Inventory {
        self.boto.inventory(self.project)
    }

    /// The cloud has what the state has, no less and no more, and there is nothing to do.
    #[track_caller]
    fn is_settled(&self) {
        assert_eq!(self.inventory(), state_inventory(&self.stack));
        let plan = self.run(&["plan", "-detailed-exitcode"]).success();
        assert!(plan.stdout.contains("No changes. Your infrastructure matches the configuration."), "{plan}");
    }
}

#[test]
fn the_example_lives_its_life() {
    let ground = Ground::new("examples/three-tier-hcl", "eu-west-1", "life");
    let planned = ground.run(&["plan", "-detailed-exitcode"]).expect_status(2);
    assert!(planned.stdout.contains("Plan: 50 to add, 0 to change, 0 to destroy."), "{planned}");
    let applied = ground.run(&["apply", "-auto-approve"]).success();
    assert!(applied.stdout.contains("Apply complete! Resources: 50 added, 0 changed, 0 destroyed."), "{applied}");
    assert_eq!(applied.stderr, "");
    ground.is_settled();

    let again = ground.run(&["plan"]).success();
    insta::assert_snapshot!(again.transcript_with(&mut Normaliser::new()));
    let shown = ground.run(&["show"]).success();
    assert!(shown.stdout.contains("# aws_eks_cluster.main:\nresource \"aws_eks_cluster\" \"main\" {"), "{shown}");
    let password = ground.run(&["output", "-raw", "database_url"]).success().stdout;
    assert!(password.starts_with("postgresql://app:"), "{password}");
    let secret = password.split([':', '@']).nth(2).unwrap();
    let outputs = ground.run(&["output"]).success();
    for run in [&planned, &applied, &again, &shown, &outputs] {
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "the password shows: {run}");
    }
    assert_eq!(ground.run(&["output", "-json"]).success().json()["vpc_id"]["sensitive"], false);
    assert_eq!(ground.run(&["state", "list"]).success().stdout.lines().count(), 50 + 3);
    let node_group = ground.run(&["state", "show", "aws_eks_node_group.this[\"system\"]"]).success();
    assert!(node_group.stdout.contains("desired_size = 2"), "{node_group}");
    let graph = ground.run(&["graph"]).success();
    assert!(graph.stdout.starts_with("digraph") && graph.stdout.contains("module.network.aws_vpc.this"), "{graph}");

    let destroyed = ground.run(&["destroy", "-auto-approve"]).success();
    assert!(destroyed.stdout.contains("Destroy complete! Resources: 50 destroyed."), "{destroyed}");
    assert_eq!(ground.inventory(), Inventory::new());
    assert_eq!(ground.run(&["state", "list"]).success().stdout, "");
}

#[test]
fn what_others_changed_is_shown_and_repaired() {
    let ground = Ground::new("examples/three-tier-hcl", "eu-central-1", "drift");
    ground.run(&["apply", "-auto-approve"]).success();
    ground.boto.run(
        r#"
ec2, eks, s3 = client("ec2"), client("eks"), client("s3")
vpc = inventory()["aws_vpc"][0]
ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "renamed"}, {"Key": "owner", "Value": "eve"}])
rule = inventory()["aws_vpc_security_group_egress_rule"][0]
group = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"][0]["GroupId"]
ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[rule])
eks.update_nodegroup_config(clusterName="drift-production", nodegroupName="system",
    scalingConfig={"minSize": 1, "maxSize": 9, "desiredSize": 4}, labels={"addOrUpdateLabels": {"role": "odd"}})
bucket = [b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"].startswith("drift-production-assets")][0]
s3.delete_public_access_block(Bucket=bucket)
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
client("rds").modify_db_instance(DBInstanceIdentifier="drift-production-postgres", BackupRetentionPeriod=1,
    ApplyImmediately=True)
client("iam").detach_role_policy(RoleName="drift-production-nodes", PolicyArn="arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy")
client("elasticache").delete_replication_group(ReplicationGroupId="drift-production-redis")
"#,
    );
    let planned = ground.run(&["plan", "-detailed-exitcode", "-no-color"]).expect_status(2);
    insta::assert_snapshot!(headlines(&planned.stdout));
    let repaired = ground.run(&["apply", "-auto-approve"]).success();
    assert!(repaired.stdout.contains("Apply complete! Resources: 4 added, 4 changed, 0 destroyed."), "{repaired}");
    ground.is_settled();
}

/// What a plan says of each object, without the attributes.
fn headlines(plan: &str) -> String {
    let is_headline = |line: &&str| !line.starts_with("    ") && !line.contains(" resource \"");
    let lines = plan.lines().take_while(|line| *line != "Changes to Outputs:").filter(is_headline);
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_killed_apply_goes_on_where_it_was() {
    let ground = Ground::new("examples/three-tier-hcl", "eu-north-1", "crash");
    let writes = [
        "Create*",
        "Allocate*",
        "A*RolePolicy",
        "A*RouteTable",
        "Authorize*",
        "Modify*",
        "POST /clusters*",
        "PUT /crash*",
    ];
    let kills = ground.crash_until_done("apply", &writes);
    assert!(kills >= 8, "the apply was killed only {kills} times");
    ground.is_settled();
    assert_eq!(ground.run(&["state", "list"]).success().stdout.lines().count(), 50 + 3);
}

#[test]
fn a_killed_destroy_goes_on_where_it_was() {
    let ground = Ground::new("examples/three-tier-hcl", "ap-south-1", "undo");
    ground.run(&["apply", "-auto-approve"]).success();
    let writes = ["Delete*", "DELETE *", "De*RolePolicy", "Dis*", "Release*", "Revoke*"];
    let kills = ground.crash_until_done("destroy", &writes);
    assert!(kills >= 6, "the destroy was killed only {kills} times");
    assert_eq!(ground.inventory(), Inventory::new());
    assert_eq!(ground.run(&["state", "list"]).success().stdout, "");
}
