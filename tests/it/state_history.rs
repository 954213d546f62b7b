//! Earlier generations: what is kept of them, what it costs, and the way back.

use std::fs;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rusqlite::Connection;
use terrane::backends::Unsent;
use terrane::model::Value;
use terrane::state::lease::TERM;
use terrane::state::{Change, RowKey, Run, SqliteStore, Store, Surroundings, Workspace};

use super::support::cli::Stack;
use super::support::disk::Disk;
use crate::backends::beds::{self, Bed, Machine, take};
use crate::backends::sealing::key;
use crate::state_rows::{data_row, open, put};

/// Invariant: a generation that is kept is what the state was.
#[test]
fn every_generation_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    every_generation_comes_back(&open(&folder.path().join("state.db")));
}

#[test]
fn every_generation_comes_back_from_postgres() {
    let bed = crate::backends::beds::pg();
    let machine = crate::backends::beds::Machine::new(&bed);
    let key = crate::backends::sealing::key;
    let workspace = terrane::state::Workspace::default();
    every_generation_comes_back(&*machine.sealed(key(1)).open(&workspace).unwrap());
    // What is kept is sealed anew, too.
    let turning = machine.sealed(key(2).with_fallback(key(1).method)).open(&workspace).unwrap();
    crate::backends::beds::take(&*turning, "anna").unwrap();
    drop(turning);
    let store = machine.sealed(key(2)).open(&workspace).unwrap();
    let past = store.past(6).wait().unwrap().unwrap();
    assert_eq!(past.snapshot.rows().len(), 2);
    assert_eq!(store.past(2).wait().unwrap().unwrap().run.unwrap().inputs["n"], 2);
}

fn every_generation_comes_back(store: &dyn Store) {
    let row = |n: usize, text: &str| data_row(&format!("terraform_data.r[{n}]"), Value::string(text));
    let key = |n: usize| RowKey::current(row(n, "").address);
    let output = |text: &str| terrane::state::Output::new(Value::string(text), false);
    let steps = [
        vec![put(row(0, "a")), put(row(1, "a"))],
        vec![put(row(0, "b")), Change::Output("o".into(), Some(output("x")))],
        vec![Change::Remove(key(0)), put(row(2, "c"))],
        vec![put(row(0, "again")), put(row(2, "d")), Change::Output("o".into(), Some(output("y")))],
        vec![put(row(2, "e")), put(row(2, "f")), Change::Remove(key(1))],
        vec![Change::Output("o".into(), None)],
    ];
    let mut expected = Vec::new();
    for (n, step) in steps.into_iter().enumerate() {
        let run = terrane::state::Run {
            sources: vec![("main.tf".to_string(), format!("# {}", n / 2).into())],
            inputs: serde_json::json!({"n": n + 1}),
        };
        let described = vec![Change::Describe(run.into()), Change::BumpSerial];
        store.commit([described, step].concat()).wait().unwrap();
        expected.push(store.snapshot().wait().unwrap());
    }
    let say = |s: &terrane::state::Snapshot| {
        let rows: Vec<_> = s.rows().iter().map(|r| (r.address.to_string(), r.attributes.clone(), r.created)).collect();
        (s.serial, rows, s.outputs.clone())
    };
    for was in &expected {
        let past = store.past(was.serial).wait().unwrap().unwrap();
        assert_eq!(say(&past.snapshot), say(was));
        let run = past.run.unwrap();
        assert_eq!(
            (&run.inputs["n"], &*run.sources[0].1),
            (&was.serial.into(), &*format!("# {}", (was.serial - 1) / 2))
        );
    }
    let listed = store.generations().wait().unwrap();
    let counts: Vec<_> = listed.iter().rev().map(|g| (g.serial, g.added, g.changed, g.removed)).collect();
    assert_eq!(
        counts,
        [(1, 2, 0, 0), (2, 0, 1, 0), (3, 1, 0, 1), (4, 1, 1, 0), (5, 0, 1, 1), (6, 0, 0, 0)],
        "added, changed, removed"
    );
    assert!(store.past(77).wait().unwrap().is_none());
    // A state that is replaced as a whole keeps what it was.
    let mut other = terrane::state::Snapshot::empty("another");
    other.serial = 20;
    store.commit(vec![Change::Replace(std::sync::Arc::new(other))]).wait().unwrap();
    let past = store.past(6).wait().unwrap().unwrap();
    assert_eq!(say(&past.snapshot).1, say(&expected[5]).1);
}

#[test]
fn old_generations_go_when_there_are_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let around = Surroundings { generations: 3, ..Surroundings::default() };
    let store = SqliteStore::open(&path, around.clone()).unwrap();
    ten_generations(&store);
    drop(store);
    let conn = Connection::open(&path).unwrap();
    let count =
        |table: &str| conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get::<_, i64>(0)).unwrap();
    assert_eq!((count("history"), count("sources")), (2, 2), "only what the kept ones need");
    let bed = crate::backends::beds::pg();
    let postgres = bed.backend(folder.path(), around, Default::default());
    ten_generations(&*postgres.open(&terrane::state::Workspace::default()).unwrap());
}

fn ten_generations(store: &dyn Store) {
    for n in 0..10 {
        let run = terrane::state::Run {
            sources: vec![("main.tf".to_string(), format!("# {}", n / 2).into())],
            inputs: serde_json::json!({}),
        };
        let row = data_row("terraform_data.a", Value::int(n));
        store.commit(vec![Change::Describe(std::sync::Arc::new(run)), Change::BumpSerial, put(row)]).wait().unwrap();
    }
    let serials: Vec<u64> = store.generations().wait().unwrap().iter().map(|g| g.serial).collect();
    assert_eq!(serials, [10, 9, 8]);
    let past = store.past(8).wait().unwrap().unwrap();
    assert!(past.snapshot.rows()[0].attributes.contains("\"value\":7"), "{}", past.snapshot.rows()[0].attributes);
    assert_eq!(&*past.run.unwrap().sources[0].1, "# 3");
    assert!(store.past(7).wait().unwrap().is_none());
}

/// What a change costs does not grow with the state: the whole run of one change, locking and history included.
#[test]
fn one_change_of_a_large_state_writes_little() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let rows = (0..100_000).map(|n| put(data_row(&format!("terraform_data.r[{n}]"), Value::string("x".repeat(100)))));
    open(&path).commit(rows.collect()).wait().unwrap();
    let before = fs::read(&path).unwrap();
    let backup = || fs::metadata(folder.path().join("state.db.backup")).unwrap().len();
    let backed_up = backup();
    // As much as the log grows, and then what the file takes over from it.
    let store = open(&path);
    let request = crate::state_rows::lease("apply");
    store.try_acquire(request).wait().unwrap();
    let run = terrane::state::Run {
        sources: vec![("main.tf".to_string(), "# one\n".repeat(200).into())],
        inputs: serde_json::json!({}),
    };
    store.commit(vec![Change::Describe(std::sync::Arc::new(run))]).wait().unwrap();
    store.commit(vec![Change::Begin(crate::state_rows::intent("terraform_data.r[50000]"))]).wait().unwrap();
    let row = data_row("terraform_data.r[50000]", Value::string("y".repeat(100)));
    store.commit(vec![put(row), Change::End("key".into())]).wait().unwrap();
    store.release().wait().unwrap();
    let log = fs::metadata(folder.path().join("state.db-wal")).unwrap().len();
    drop(store);
    let after = fs::read(&path).unwrap();
    let pages = |bytes: &[u8]| bytes.chunks(4096).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (old, new) = (pages(&before), pages(&after));
    let changed = new.iter().enumerate().filter(|(i, page)| old.get(*i) != Some(*page)).count() as u64 * 4096;
    let more = backup() - backed_up;
    println!("{log} bytes of log, {changed} bytes of the file, {more} bytes of the backup");
    assert!(log + changed + more < 100_000, "{log} + {changed} + {more}");
}

/// The state is opened as the present configuration says, whatever the earlier one did.
#[test]
fn a_rollback_goes_across_a_rotation_of_the_key() {
    let text = |used: &str, more: &str, input: u32| {
        let key = |name: &str| {
            format!(
                "    key_provider \"file\" \"{name}\" {{\n      path = \"{name}.key\"\n    }}\n    \
                 method \"aes_gcm\" \"{name}\" {{\n      keys = key_provider.file.{name}\n    }}\n"
            )
        };
        format!(
            "terraform {{\n  encryption {{\n{}{}    state {{\n      method = method.aes_gcm.{used}\n{more}    }}\n  }}\n}}\n\
             resource \"terraform_data\" \"a\" {{\n  input = {input}\n}}\n",
            key("a"),
            key("b"),
        )
    };
    let fallback = "      fallback {\n        method = method.aes_gcm.a\n      }\n";
    let stack = Stack::with("main.tf", &text("a", "", 1));
    stack.write("a.key", &"5a".repeat(32));
    stack.write("b.key", &"77".repeat(32));
    stack.terrane(["apply", "-auto-approve"]).run().success();
    for (more, input) in [(fallback, 2), ("", 3)] {
        stack.write("main.tf", &text("b", more, input));
        stack.terrane(["apply", "-auto-approve"]).run().success();
    }
    let back = stack.terrane(["rollback", "-auto-approve", "1"]).run().success();
    assert!(back.stdout.contains("1 changed, 0 destroyed."), "{back}");
    let pulled = stack.terrane(["state", "pull"]).run().success().json();
    assert_eq!(pulled["resources"][0]["instances"][0]["attributes"]["input"]["value"], 1);
}

const TWO: &str = r#"
variable "size" {
  type    = number
  default = 1
}

resource "terraform_data" "kept" {
  input = var.size
}
"#;

#[test]
fn a_rollback_plans_back_to_configuration_and_inputs() {
    let stack = Stack::with("main.tf", TWO);
    stack.terrane(["apply", "-auto-approve", "-var=size=5"]).run().success();
    stack.write("main.tf", "resource \"terraform_data\" \"other\" {\n  input = \"new\"\n}\n");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    stack.terrane(["state", "rm", "terraform_data.other"]).run().success();
    let history = stack.terrane(["history", "-json"]).run().success().json();
    let told: Vec<_> = history["generations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| (g["serial"].as_u64().unwrap(), g["operation"].as_str().unwrap().to_string()))
        .collect();
    assert_eq!(told, [(3, "state rm".to_string()), (2, "apply".to_string()), (1, "apply".to_string())]);
    let shown = stack.terrane(["history", "show", "2"]).run().success().stdout;
    assert!(shown.contains("  - terraform_data.kept\n  + terraform_data.other\n"), "{shown}");
    assert!(shown.contains("Made from: main.tf"), "{shown}");
    let unapproved = stack.terrane(["rollback", "1"]).run().expect_status(1);
    assert!(unapproved.stdout.contains("Plan: 1 to add, 0 to change, 0 to destroy."), "{unapproved}");
    assert!(unapproved.stderr.contains("nobody is there to approve the plan"), "{unapproved}");
    stack.terrane(["rollback", "-state-only", "-auto-approve", "2"]).run().success();
    assert_eq!(stack.terrane(["state", "list"]).run().success().stdout, "terraform_data.other\n");
    let back = stack.terrane(["rollback", "-auto-approve", "1"]).run().success();
    assert!(back.stdout.contains("Apply complete! Resources: 1 added, 0 changed, 1 destroyed."), "{back}");
    let pulled = stack.terrane(["state", "pull"]).run().success().json();
    assert_eq!(pulled["resources"][0]["instances"][0]["attributes"]["input"]["value"], 5);
    let gone = stack.terrane(["rollback", "99"]).run().expect_status(1);
    assert!(gone.stderr.contains("the state keeps no generation 99"), "{gone}");
}

#[test]
fn a_state_in_a_bucket_has_its_history_beside_it() {
    remote_history(&beds::s3());
}

#[test]
fn a_state_behind_http_carries_its_history() {
    remote_history(&beds::http());
}

fn remote_history(bed: &Bed) {
    let stack = Stack::with("main.tf", TWO);
    stack.write("backend.tf", &bed.block());
    stack.terrane(["apply", "-auto-approve", "-var=size=5"]).run().success();
    stack.write("main.tf", "resource \"terraform_data\" \"other\" {\n  input = \"new\"\n}\n");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    stack.terrane(["state", "rm", "terraform_data.other"]).run().success();
    // Nothing to do is no generation.
    stack.write("main.tf", "");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let history = stack.terrane(["history", "-json"]).run().success().json();
    let told = |g: &serde_json::Value| {
        let counts = ["added", "changed", "removed"].map(|name| g[name].as_u64().unwrap());
        (g["serial"].as_u64().unwrap(), g["operation"].as_str().unwrap().to_string(), counts)
    };
    let told: Vec<_> = history["generations"].as_array().unwrap().iter().map(told).collect();
    let expected = [(3, "state rm", [0, 0, 1]), (2, "apply", [1, 0, 1]), (1, "apply", [1, 0, 0])];
    assert_eq!(told, expected.map(|(serial, operation, counts)| (serial, operation.to_string(), counts)));
    let shown = stack.terrane(["history", "show", "2"]).run().success().stdout;
    assert!(shown.contains("  - terraform_data.kept\n  + terraform_data.other\n"), "{shown}");
    assert!(shown.contains("main.tf"), "{shown}");
    let back = stack.terrane(["rollback", "-auto-approve", "1"]).run().success();
    assert!(back.stdout.contains("Apply complete! Resources: 1 added, 0 changed, 0 destroyed."), "{back}");
    let pulled = stack.terrane(["state", "pull"]).run().success().json();
    assert_eq!(pulled["resources"][0]["instances"][0]["attributes"]["input"]["value"], 5);
}

#[test]
fn generations_in_a_store_of_documents_are_sealed_and_pruned() {
    for bed in [beds::s3(), beds::azurerm(), beds::http()] {
        let folder = tempfile::tempdir().unwrap();
        let open = |encryption: terrane::state::seal::Encryption| {
            let around = Surroundings { generations: 2, encryption, ..Surroundings::default() };
            bed.backend(folder.path(), around, Unsent::Refuse).open(&Workspace::default()).unwrap()
        };
        for n in 1..5 {
            let store = open(key(1));
            take(&*store, "anna").unwrap();
            let run = Run { sources: vec![("main.tf".to_string(), format!("# {n}").into())], inputs: n.into() };
            let row = put(data_row(&format!("terraform_data.r[{n}]"), Value::int(n)));
            store.commit(vec![Change::Describe(run.into()), row]).wait().unwrap();
            store.release().wait().unwrap();
        }
        let turning = open(key(2).with_fallback(key(1).method));
        take(&*turning, "ben").unwrap();
        turning.release().wait().unwrap();
        drop(turning);
        let store = open(key(2));
        let listed = store.generations().wait().unwrap();
        let told: Vec<_> = listed.iter().map(|g| (g.serial, &*g.who, &*g.operation, g.added, g.has_run)).collect();
        assert_eq!(told, [(4, "anna", "apply", 1, true), (3, "anna", "apply", 1, true)]);
        let past = store.past(4).wait().unwrap().unwrap();
        assert_eq!((past.snapshot.rows().len(), past.before.unwrap().rows().len()), (4, 3));
        assert_eq!((past.run.as_ref().unwrap().inputs.as_i64(), &*past.run.unwrap().sources[0].1), (Some(4), "# 4"));
        assert!(store.past(3).wait().unwrap().unwrap().before.is_none());
        assert!(store.past(2).wait().unwrap().is_none());
        assert!(open(key(1)).generations().wait().is_err(), "the list is sealed");
    }
}

/// A document that carries them must not grow with every run.
#[test]
fn generations_within_a_document_go_when_they_outgrow_the_state() {
    let bed = beds::http();
    let folder = tempfile::tempdir().unwrap();
    let open =
        || bed.backend(folder.path(), Surroundings::default(), Unsent::Refuse).open(&Workspace::default()).unwrap();
    let mut random = StdRng::seed_from_u64(1);
    for n in 1..10 {
        let store = open();
        take(&*store, "anna").unwrap();
        let text: String = (0..100_000).map(|_| char::from(random.random_range(b'a'..b'c'))).collect();
        store.commit(vec![put(data_row(&format!("terraform_data.r[{n}]"), text.into()))]).wait().unwrap();
        store.release().wait().unwrap();
    }
    let serials: Vec<u64> = open().generations().wait().unwrap().iter().map(|g| g.serial).collect();
    assert!(serials.len() > 1 && serials.len() < 9 && serials[0] == 9, "{serials:?}");
    for serial in &serials {
        assert_eq!(open().past(*serial).wait().unwrap().unwrap().snapshot.rows().len() as u64, *serial);
    }
}

/// The next run tells of a run that did not come to its end.
#[test]
fn a_run_that_crashed_leaves_its_generation_to_the_next() {
    let bed = beds::s3();
    let machine = Machine::new(&bed);
    for (n, who) in [(1, "anna"), (2, "ben")] {
        let machine = machine.another();
        let store = machine.open();
        take(&*store, who).unwrap();
        store.commit(vec![put(data_row(&format!("terraform_data.r[{n}]"), Value::TRUE))]).wait().unwrap();
        match who {
            "anna" => std::mem::forget(store),
            _ => store.release().wait().unwrap(),
        }
        machine.clock().pass(TERM * 20);
    }
    let store = machine.open();
    let listed = store.generations().wait().unwrap();
    assert_eq!(listed.iter().map(|g| (g.serial, &*g.who)).collect::<Vec<_>>(), [(2, "ben"), (1, "")]);
    assert_eq!(store.past(1).wait().unwrap().unwrap().snapshot.rows().len(), 1);
}

/// Whoever only looks changes nothing, and needs no leave to.
#[test]
fn what_can_only_be_read_is_looked_at() {
    let stack = Stack::with("main.tf", "output \"o\" {\n  value = 1\n}\n");
    let run = |arguments: &[&str]| stack.terrane(arguments.iter().copied()).run();
    assert!(run(&["history"]).success().stdout.ends_with("0 generation(s) kept.\n"));
    assert!(!stack.dir().join(".terrane/state.db").exists(), "looking makes no state");
    let Some(disk) = Disk::at(&stack.dir().join(".terrane"), 4096) else { return };
    run(&["apply", "-auto-approve"]).success();
    let looks: [&[&str]; 8] = [
        &["history"],
        &["history", "show", "1"],
        &["output"],
        &["show"],
        &["state", "list"],
        &["state", "pull"],
        &["workspace", "list"],
        &["plan", "-lock=false"],
    ];
    let seen = || looks.map(|arguments| run(arguments).success().stdout);
    let before = seen();
    disk.only_to_be_read();
    assert_eq!(seen(), before);
    let refused = run(&["rollback", "-state-only", "-auto-approve", "1"]).expect_status(1);
    assert!(refused.said().contains("state.db"), "{refused}");
}
