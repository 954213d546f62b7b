//! Damage that is told and mended: rows that changed on the disk, a broken structure, a disk that is full.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use terrane::model::Value;
use terrane::state::repair::{Repair, repair};
use terrane::state::{Change, StateError, Store, Surroundings, read_snapshot};

use super::support::cli::Stack;
use crate::state_rows::{data_row, lease, open, put};

fn mend(path: &Path) -> Repair {
    repair(path, &Surroundings::default(), false).unwrap()
}

/// A state of two generations; only the row 0 has an earlier image.
fn state(folder: &Path) -> PathBuf {
    let path = folder.join("state.db");
    let row = |n: usize, text: &str| put(data_row(&format!("a.b[{n}]"), Value::string(text)));
    let store = open(&path);
    store.commit((0..50).map(|n| row(n, "first")).collect()).wait().unwrap();
    store.commit(vec![Change::BumpSerial, row(0, "second")]).wait().unwrap();
    path
}

fn flip(path: &Path, key: &str) {
    let conn = Connection::open(path).unwrap();
    let sql = "UPDATE instances SET attributes = CAST('{\"x\":1}' AS BLOB) WHERE key = ?1";
    assert_eq!(conn.execute(sql, [key]).unwrap(), 1);
}

#[test]
fn damaged_rows_go_back_or_go_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = state(folder.path());
    assert_eq!(mend(&path).findings, []);
    let before = read_snapshot(&path).unwrap().unwrap();
    flip(&path, "#0");
    flip(&path, "#7");
    let damaged = fs::read(&path).unwrap();
    let seen = repair(&path, &Surroundings::default(), true).unwrap();
    assert_eq!((seen.findings.len(), seen.copy), (2, None));
    assert!(read_snapshot(&path).is_err(), "looking changes nothing");
    let done = mend(&path);
    assert_eq!(done.findings, seen.findings);
    assert!(done.findings[0].what.starts_with("\"a.b[0]\": its checksum is wrong"), "{:?}", done.findings);
    assert!(done.findings[0].remedy.contains("as it was in generation 1"), "{:?}", done.findings);
    assert!(done.findings[1].remedy.contains("import the object again"), "{:?}", done.findings);
    assert_eq!(fs::read(done.copy.unwrap()).unwrap(), damaged);
    let after = read_snapshot(&path).unwrap().unwrap();
    assert_eq!(after.rows().len(), 49);
    assert!(after.rows()[0].attributes.contains("first"), "{}", after.rows()[0].attributes);
    assert_eq!(after.rows()[1..7], before.rows()[1..7]);
    assert_eq!((after.serial, mend(&path).findings), (before.serial + 1, vec![]));
}

#[test]
fn a_broken_structure_is_written_anew_with_what_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let rows = (0..500).map(|n| put(data_row(&format!("a.b[{n}]"), Value::string("x".repeat(300)))));
    open(&path).commit(rows.collect()).wait().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    // A page of rows, found by what stands in it.
    let middle = bytes.windows(300).rposition(|w| w.iter().all(|b| *b == b'x')).unwrap() / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    assert!(read_snapshot(&path).is_err());
    let done = mend(&path);
    assert!(done.findings.iter().any(|f| f.what.contains("structure is broken")), "{:?}", done.findings);
    assert_eq!(fs::read(done.copy.unwrap()).unwrap(), bytes);
    let after = read_snapshot(&path).unwrap().unwrap().rows().len();
    assert!((400..500).contains(&after), "{after} of 500 rows are left");
    open(&path).commit(vec![put(data_row("a.c", Value::TRUE))]).wait().unwrap();
    assert_eq!(mend(&path).findings, []);
}

#[test]
fn a_state_at_work_is_not_mended() {
    let folder = tempfile::tempdir().unwrap();
    let path = state(folder.path());
    let store = open(&path);
    store.try_acquire(lease("apply")).wait().unwrap();
    flip(&path, "#0");
    let refused = repair(&path, &Surroundings::default(), false).unwrap_err();
    assert!(matches!(refused, StateError::Locked { .. }), "{refused}");
}

#[test]
fn the_command_says_what_it_found_and_did() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {\n  input = 1\n}\n");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let whole = stack.terrane(["state", "repair"]).run().success();
    assert_eq!(whole.stdout, "Nothing is wrong with the state.\n");
    flip(&stack.dir().join(".terrane/state.db"), "");
    let refused = stack.terrane(["plan"]).run().expect_status(1);
    assert!(refused.said().contains("terrane state repair"), "{refused}");
    stack.terrane(["state", "repair", "-dry-run"]).run().expect_status(1);
    let mended = stack.terrane(["state", "repair"]).run().success();
    assert!(mended.stdout.contains("1 problem(s) mended. The file as it was: .terrane/state.db.damaged-"), "{mended}");
    stack.terrane(["state", "list"]).run().success();
}

/// The limit of a file's size stands in for a full disk: writing fails in the middle of a run.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing_that_was_written() {
    let text = "resource \"terraform_data\" \"a\" {\n  count = 200\n  input = join(\"\", [for i in range(700) : \"x${count.index}\"])\n}\n";
    let stack = Stack::with("main.tf", text);
    stack.terrane(["state", "list"]).run().success();
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$0\" apply -auto-approve", env!("CARGO_BIN_EXE_terrane")])
        .current_dir(stack.dir())
        .env_clear()
        .env("HOME", stack.home())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stderr).into_owned();
    assert_eq!(limited.status.code(), Some(1), "{said}");
    assert!(said.contains(".terrane/state.db"), "{said}");
    let listed = stack.terrane(["state", "list"]).run().success().stdout.lines().count();
    assert!(listed < 200, "the limit was reached");
    let again = stack.terrane(["apply", "-auto-approve"]).run().success();
    assert!(again.stdout.contains("Apply complete!"), "{again}");
    stack.terrane(["plan", "-detailed-exitcode"]).run().success();
    assert_eq!(stack.terrane(["state", "repair"]).run().success().stdout, "Nothing is wrong with the state.\n");
}
