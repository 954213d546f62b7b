//! Files that are written where something is interrupted.

use std::path::PathBuf;

use super::{BRIEF, CANARY, ENCRYPTION, VARIABLES, assert_hidden, files_with, with_canaries};
use crate::backends::beds::{self, Way};
use crate::support::cli::Stack;

const TWO: &str = "resource \"terraform_data\" \"first\" {\n  input = var.secret\n}\n\
                   resource \"terraform_data\" \"second\" {\n  input = [terraform_data.first.output, var.secret]\n}\n\
                   output \"told\" {\n  value = terraform_data.second.output\n  sensitive = true\n}\n";

/// The store goes away in the middle: what could not be sent waits in a journal here.
#[test]
fn what_waits_to_be_sent_is_sealed() {
    let bed = beds::s3();
    let Way::Http(proxy) = &bed.way else { panic!("S3 speaks HTTP") };
    let stack = Stack::with("main.tf", &format!("{VARIABLES}{TWO}"));
    stack.write("backend.tf", &bed.block());
    stack.write("encryption.tf", ENCRYPTION);
    let run = |arguments: &[&str]| {
        let run = with_canaries(&stack, arguments).env("TERRANE_SANDBOX", "").run();
        assert_hidden(&run, &[CANARY, BRIEF]);
        run
    };
    proxy.on("PUT *.terrane/*").after(1).refuse();
    proxy.on("PUT *.tfstate").refuse();
    let cut = run(&["apply", "-auto-approve"]).expect_status(1);
    assert!(cut.stderr.contains("not everything could be sent"), "{cut}");
    let journals = std::fs::read_dir(stack.dir().join(".terrane/unsent")).unwrap().count();
    assert!(journals > 0, "something waits to be sent");
    assert_eq!(files_with(&stack.dir(), CANARY), Vec::<PathBuf>::new());
    proxy.behave();
    run(&["plan", "-detailed-exitcode"]).expect_status(0);
    assert_eq!(files_with(&stack.dir(), CANARY), Vec::<PathBuf>::new());
}

const DATABASE: &str = "provider \"aws\" {\n  region = \"eu-west-1\"\n}\n\
    resource \"aws_db_instance\" \"main\" {\n  identifier = \"main\"\n  engine = \"postgres\"\n  instance_class = \"db.t4g.micro\"\n  \
    allocated_storage = 20\n  username = \"me\"\n  password = var.secret\n  skip_final_snapshot = true\n}\n";

/// A simulated cloud that was there in clear is sealed with the state, and goes on as it was.
#[test]
fn a_simulated_cloud_in_clear_is_sealed_when_encryption_is_turned_on() {
    let stack = Stack::with("main.tf", &format!("{VARIABLES}{DATABASE}"));
    with_canaries(&stack, &["apply", "-auto-approve"]).run().success();
    let cloud = stack.dir().join(".terrane/sandbox.db");
    assert!(files_with(&stack.dir(), CANARY).contains(&cloud), "a cloud knows the passwords of its objects");
    let fallback = "method = method.aes_gcm.main\n      fallback {\n        method = method.unencrypted.plain\n      }";
    let settings = ENCRYPTION.replacen("method = method.aes_gcm.main", fallback, 1);
    stack.write("encryption.tf", &settings.replace("state {", "method \"unencrypted\" \"plain\" {}\n    state {"));
    let applied = with_canaries(&stack, &["apply", "-auto-approve"]).run().success();
    assert!(applied.stdout.contains("Resources: 0 added, 0 changed, 0 destroyed"), "{applied}");
    assert_eq!(files_with(&stack.dir(), CANARY), Vec::<PathBuf>::new());
    // Nobody reads it without the key, and nothing is taken for gone.
    std::fs::remove_file(stack.dir().join("encryption.tf")).unwrap();
    let refused = with_canaries(&stack, &["plan"]).run().expect_status(1);
    assert!(refused.said().contains("the file of the sandbox cannot be opened"), "{refused}");
}

/// A killed run leaves a write-ahead log and an open intent.
#[test]
fn what_a_killed_run_leaves_is_sealed() {
    let stack = Stack::with("main.tf", &format!("{VARIABLES}{DATABASE}"));
    stack.write("encryption.tf", ENCRYPTION);
    let crash = with_canaries(&stack, &["apply", "-auto-approve"])
        .env("TERRANE_SANDBOX_FAULTS", "aws_db_instance:create=crash-after")
        .run();
    assert!(crash.status != Some(0), "{crash}");
    assert_hidden(&crash, &[CANARY, BRIEF]);
    assert_eq!(files_with(&stack.dir(), CANARY), Vec::<PathBuf>::new());
    let next = with_canaries(&stack, &["apply", "-auto-approve"]).env("TERRANE_SETTLE_TIME", "0s").run().success();
    assert_hidden(&next, &[CANARY, BRIEF]);
}
