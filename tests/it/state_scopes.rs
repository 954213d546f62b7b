//! Locks of rows: runs that touch different rows go on at the same time, others wait or fail, and a saved plan lasts as
//! long as what it touches.

use std::path::Path;
use std::time::Duration;

use terrane::model::{Address, ResourceAddress};
use terrane::state::scope::RowScope;
use terrane::state::{Change, LeaseRequest, Scope, StateError, Store};

use super::support::cli::{Run, Stack};
use crate::state_rows::{data_row, intent, lease, open, put};

fn rows(writes: &[&str], reads: &[&str]) -> Scope {
    let mut rows = RowScope::default();
    writes.iter().for_each(|w| rows.write(&Address::parse(w).unwrap()));
    reads.iter().for_each(|r| rows.read(&ResourceAddress::parse(r).unwrap()));
    rows.scope()
}

fn asking(scope: Scope) -> LeaseRequest {
    LeaseRequest { scope, ..lease("apply") }
}

/// Invariant: what one run writes, no other reads or writes at the same time.
#[test]
fn scopes_that_do_not_meet_are_held_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let [anna, ben, carl] = [(); 3].map(|()| open(&path));
    let first = anna.try_acquire(asking(rows(&["t.a"], &["t.base"]))).wait().unwrap().lease;
    ben.try_acquire(asking(rows(&["t.b"], &["t.base"]))).wait().unwrap();
    for scope in [rows(&["t.base"], &[]), rows(&["t.c"], &["t.a"]), rows(&["t.a"], &[]), Scope::Whole] {
        let refused = carl.try_acquire(asking(scope)).wait().unwrap_err();
        assert!(matches!(refused, StateError::Locked { .. }), "{refused}");
    }
    assert_eq!(carl.leases().wait().unwrap().len(), 2);
    assert_eq!(carl.leases().wait().unwrap()[0].scope, first.scope);
    // Both write, each with its own lock, and neither takes the other's call for one that was interrupted.
    let row = |name: &str| put(data_row(&format!("terraform_data.{name}"), terrane::model::Value::TRUE));
    anna.commit(vec![Change::Begin(intent("terraform_data.a"))]).wait().unwrap();
    assert_eq!(ben.open_intents().wait().unwrap().len(), 0);
    assert_eq!(anna.open_intents().wait().unwrap().len(), 1);
    ben.commit(vec![row("b")]).wait().unwrap();
    anna.commit(vec![row("a"), Change::End("key".into())]).wait().unwrap();
    assert_eq!(ben.snapshot().wait().unwrap().rows().len(), 2);
    anna.release().wait().unwrap();
    carl.try_acquire(asking(rows(&["t.c"], &["t.a"]))).wait().unwrap();
    assert!(carl.try_acquire(asking(Scope::Whole)).wait().is_err(), "ben is still at work");
}

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
