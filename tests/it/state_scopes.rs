//! Locks of rows: runs that touch different rows go on at the same time, others wait or fail, and a saved plan lasts as
//! long as what it touches.

use std::path::Path;
use std::time::Duration;

use crate::support::session::settings;
use terrane::ops::{Access, Session, SessionError};
use terrane::plan::Options;
use terrane::state::{Change, Workspace};

use super::support::cli::{Run, Stack};
use crate::state_rows::intent;

const TWO: &str = r#"
variable "a" {
  default = "1"
}

variable "b" {
  default = "1"
}

resource "terraform_data" "a" {
  triggers_replace = var.a

  provisioner "local-exec" {
    command = "touch started; while [ -e wait ] && [ ! -e go ]; do sleep 0.02; done"
  }
}

resource "terraform_data" "b" {
  input = var.b
}

resource "terraform_data" "user" {
  input = terraform_data.a.id
}

output "b" {
  value = terraform_data.b.output
}
"#;

fn until(path: &Path) {
    for _ in 0..60_000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the run never came to make {}", path.display());
}

#[test]
fn applies_of_different_rows_run_at_the_same_time() {
    let stack = Stack::with("main.tf", TWO);
    stack.terrane(["apply", "-auto-approve"]).run().success();
    std::fs::remove_file(stack.dir().join("started")).unwrap();
    stack.write("wait", "");
    let slow = stack.terrane(["apply", "-auto-approve", "-var=a=2"]).spawn();
    until(&stack.dir().join("started"));
    let apply = |arguments: &[&str]| -> Run { stack.terrane([&["apply", "-auto-approve"], arguments].concat()).run() };
    let other = apply(&["-var=b=2", "-target=terraform_data.b"]).success();
    assert!(other.stdout.contains("0 added, 1 changed, 0 destroyed."), "{other}");
    let same = apply(&["-replace=terraform_data.user", "-target=terraform_data.user"]).expect_status(1);
    assert!(same.said().contains("is locked by unknown@"), "{same}");
    let listed = stack.terrane(["state", "rm", "terraform_data.b"]).run().expect_status(1);
    assert!(listed.said().contains("for \"apply\" since"), "{listed}");
    stack.write("go", "");
    let slow = slow.wait().success();
    assert!(slow.stdout.contains("1 added, 1 changed, 1 destroyed."), "{slow}");
    // Nothing of either run was lost.
    stack.terrane(["plan", "-detailed-exitcode", "-var=a=2", "-var=b=2"]).run().success();
    assert_eq!(stack.terrane(["output", "-raw", "b"]).run().success().stdout, "2");
}

#[test]
fn a_saved_plan_lasts_while_what_it_touches_is_the_same() {
    let stack = Stack::with("main.tf", TWO);
    stack.terrane(["apply", "-auto-approve"]).run().success();
    for name in ["one.plan", "two.plan"] {
        let out = format!("-out={name}");
        stack.terrane(["plan", "-var=b=7", "-target=terraform_data.b", &out]).run().success();
    }
    stack.terrane(["apply", "-auto-approve", "-var=a=3"]).run().success();
    let applied = stack.terrane(["apply", "one.plan"]).run().success();
    assert!(applied.stdout.contains("0 added, 1 changed, 0 destroyed."), "{applied}");
    assert_eq!(stack.terrane(["output", "-raw", "b"]).run().success().stdout, "7");
    stack.terrane(["plan", "-detailed-exitcode", "-var=a=3", "-var=b=7"]).run().success();
    let stale = stack.terrane(["apply", "two.plan"]).run().expect_status(1);
    assert!(stale.said().contains("Saved plan is stale"), "{stale}");
    assert!(stale.said().contains("terraform_data.b"), "{stale}");
}

fn session(stack: &Stack) -> Session {
    let mut settings = settings(&stack.dir(), &stack.dir().join(".terrane"));
    settings.lock.enabled = true;
    Session::open(settings, Access::Claim).unwrap()
}

/// Another run may begin what is planned here, and be killed, while somebody thinks about the plan.
#[test]
fn a_plan_is_stale_once_another_run_has_left_a_call_without_an_outcome() {
    let stack = Stack::with("main.tf", TWO);
    for (address, stale) in [("terraform_data.b", true), ("terraform_data.elsewhere", false)] {
        let mut session = session(&stack);
        let (planned, _) = session.plan(Options::default());
        assert!(!planned.plan.errored() && planned.plan.has_changes());
        let other = session.backend().open(&Workspace::default()).unwrap();
        other.commit(vec![Change::Begin(intent(address))]).wait().unwrap();
        let claimed = session.claim(&planned, "apply");
        match claimed {
            Err(SessionError::Stale(names)) if stale => assert_eq!(names, [address]),
            other if stale => panic!("{other:?}"),
            other => other.unwrap(),
        }
        drop(session);
        other.commit(vec![Change::End("key".into())]).wait().unwrap();
    }
}
