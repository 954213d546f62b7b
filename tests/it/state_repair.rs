//! Damage that is told and mended: rows that changed on the disk, a broken structure, a disk that is full.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use terrane::model::Value;
use terrane::state::repair::{Repair, repair};
use terrane::state::{
    Change, Intent, Output, Run, Snapshot, SqliteStore, StateError, Store, Surroundings, read_snapshot, tfstate,
};

use super::support::cli::Stack;
use crate::state_rows::{data_row, intent, lease, open, put};

fn mend(path: &Path) -> Repair {
    repair(path, &Surroundings::default(), false).unwrap()
}

fn row(n: usize, text: &str) -> Change {
    put(data_row(&format!("a.b[{n}]"), Value::string(text)))
}

/// A state of two generations; only the row 0 has an earlier image.
fn state(folder: &Path) -> PathBuf {
    let path = folder.join("state.db");
    let store = open(&path);
    store.commit((0..50).map(|n| row(n, "first")).collect()).wait().unwrap();
    store.commit(vec![Change::BumpSerial, row(0, "second")]).wait().unwrap();
    path
}

/// Leaves the state without the file that everything comes back from.
fn forget_backup(path: &Path) {
    fs::remove_file(path.with_extension("db.backup")).unwrap();
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
    forget_backup(&path);
    let damaged = fs::read(&path).unwrap();
    let seen = repair(&path, &Surroundings::default(), true).unwrap();
    assert_eq!((seen.findings.len(), seen.mended, seen.copy), (2, false, None));
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
    forget_backup(&path);
    assert!(read_snapshot(&path).is_err());
    let done = mend(&path);
    assert!(done.findings.iter().any(|f| f.what.contains("structure is broken")), "{:?}", done.findings);
    assert_eq!(fs::read(done.copy.unwrap()).unwrap(), bytes);
    let after = read_snapshot(&path).unwrap().unwrap().rows().len();
    assert!((400..500).contains(&after), "{after} of 500 rows are left");
    open(&path).commit(vec![put(data_row("a.c", Value::TRUE))]).wait().unwrap();
    assert_eq!(mend(&path).findings, []);
}

/// A state that has everything that a state can have.
fn full_state(folder: &Path) -> PathBuf {
    let path = state(folder);
    let store = open(&path);
    store.try_acquire(lease("apply")).wait().unwrap();
    let output = |text: &str| Some(Output::new(Value::string(text), true));
    let run = Run { sources: vec![("main.tf".to_string(), "# one\n".into())], inputs: serde_json::json!({}) };
    store.commit(vec![Change::Describe(run.into())]).wait().unwrap();
    store.commit(vec![Change::Output("o".into(), output("first")), row(3, "third")]).wait().unwrap();
    store.commit(vec![Change::BumpSerial, Change::Output("o".into(), output("second"))]).wait().unwrap();
    let open = Intent { remote_id: Some("id-1".into()), desired: Some("{}".into()), ..intent("a.b[4]") };
    store.commit(vec![Change::Begin(open), Change::CheckResults(Some("[]".into()))]).wait().unwrap();
    store.release().wait().unwrap();
    path
}

/// Everything that a state says, with its history; or why it cannot be read.
fn told(path: &Path) -> Result<String, StateError> {
    let store = SqliteStore::open(path, Surroundings::default())?;
    let snapshot = store.snapshot().wait()?;
    let mut text = format!("{:?}\n{:?}\n", tfstate::export(&snapshot), store.open_intents().wait()?);
    text += &format!("{:?}\n", snapshot.rows().iter().map(|r| (r.created, r.updated)).collect::<Vec<_>>());
    for generation in store.generations().wait()? {
        let past = store.past(generation.serial).wait()?.unwrap();
        text += &format!("{generation:?} {:?} {:?}\n", tfstate::export(&past.snapshot), past.run);
    }
    let next = store.try_acquire(lease("look")).wait()?;
    store.release().wait()?;
    Ok(format!("{text}{}", next.lease.token))
}

/// Wherever the file is cut or overwritten, all comes back: objects, outputs, open intents, fencing token, history.
#[test]
fn everything_comes_back_from_the_backup() {
    let folder = tempfile::tempdir().unwrap();
    let path = full_state(folder.path());
    let backup = path.with_extension("db.backup");
    let (good, kept) = (fs::read(&path).unwrap(), fs::read(&backup).unwrap());
    let expected = told(&path).unwrap();
    let mut damages: Vec<Vec<u8>> = (0..8).map(|eighth| good[..good.len() * eighth / 8].to_vec()).collect();
    for at in (0..good.len()).step_by(6_100) {
        let mut bytes = good.clone();
        let end = (at + 64).min(bytes.len());
        bytes[at..end].fill(0x5a);
        damages.push(bytes);
    }
    for (n, bytes) in damages.iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        fs::write(&backup, &kept).unwrap();
        mend(&path);
        assert_eq!(told(&path).unwrap(), expected, "damage {n}");
        assert_eq!(mend(&path).findings, [], "damage {n}");
    }
}

#[test]
fn a_state_that_is_gone_is_not_begun_anew_while_its_backup_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = full_state(folder.path());
    let expected = told(&path).unwrap();
    fs::remove_file(&path).unwrap();
    for refused in [read_snapshot(&path).err(), SqliteStore::open(&path, Surroundings::default()).err()] {
        assert!(matches!(refused, Some(StateError::Gone { .. })), "{refused:?}");
    }
    let done = mend(&path);
    assert_eq!((done.findings[0].what.as_str(), done.copy), ("the file is gone", None));
    let next = |text: &str| text.rsplit_once('\n').unwrap().0.to_string();
    assert_eq!(next(&told(&path).unwrap()), next(&expected));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for file in [&path, &path.with_extension("db.backup")] {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        }
    }
    for file in [&path, &path.with_extension("db.backup")] {
        fs::remove_file(file).unwrap();
    }
    assert!(read_snapshot(&path).unwrap().is_none());
}

/// Without a backup, what can be read stays.
#[test]
fn what_can_be_read_stays_without_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let path = full_state(folder.path());
    let store = open(&path);
    store.commit(vec![Change::Begin(Intent { key: "other".into(), ..intent("a.c") })]).wait().unwrap();
    let before = (store.snapshot().wait().unwrap(), store.generations().wait().unwrap().len());
    let token = store.try_acquire(lease("x")).wait().unwrap().lease.token;
    drop(store);
    forget_backup(&path);
    let conn = Connection::open(&path).unwrap();
    let changed = conn.execute("UPDATE intents SET address = 'a.d' WHERE key = 'other'", []).unwrap();
    assert_eq!(changed, 1);
    conn.execute("UPDATE generations SET who = 'somebody' WHERE serial = 1", []).unwrap();
    conn.execute("UPDATE meta SET value = '2' WHERE name = 'serial'", []).unwrap();
    drop(conn);
    let refused = told(&path).unwrap_err();
    assert!(refused.to_string().contains("terrane state repair"), "{refused}");
    let done = mend(&path);
    assert_eq!(done.findings.len(), 3, "{:?}", done.findings);
    let store = open(&path);
    let after = store.snapshot().wait().unwrap();
    let contents = |s: &Snapshot| (s.lineage.clone(), s.outputs.clone(), s.rows().to_vec(), s.check_results.clone());
    assert_eq!(contents(&after), contents(&before.0));
    assert!(after.serial > before.0.serial, "{} follows {}", after.serial, before.0.serial);
    let open = store.open_intents().wait().unwrap();
    assert_eq!(open.iter().map(|i| &*i.key).collect::<Vec<_>>(), ["key"]);
    assert_eq!(store.generations().wait().unwrap().len(), before.1, "one lost, one begun");
    assert!(store.past(2).wait().unwrap().unwrap().snapshot.rows().len() == 50);
    assert!(store.try_acquire(lease("y")).wait().unwrap().lease.token > token);
}

/// The backup follows all writers, and is made again where one of them ended between two steps.
#[test]
fn the_backup_follows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let backup = path.with_extension("db.backup");
    let stores = [open(&path), open(&path), open(&path)];
    for n in 0..60 {
        stores[n % 3].commit(vec![row(n, "x")]).wait().unwrap();
        if n % 20 == 7 {
            let cut = fs::read(&backup).unwrap();
            fs::write(&backup, &cut[..cut.len() - 9]).unwrap();
        }
        if n == 45 {
            fs::remove_file(&backup).unwrap();
        }
    }
    drop(stores);
    let expected = told(&path).unwrap();
    fs::write(&path, b"").unwrap();
    mend(&path);
    assert_eq!(told(&path).unwrap().lines().next(), expected.lines().next());
    // Another state in the file's place is another state.
    let other = folder.path().join("other.db");
    open(&other).commit(vec![row(7, "of the other")]).wait().unwrap();
    fs::copy(&other, &path).unwrap();
    open(&path).commit(vec![row(8, "more")]).wait().unwrap();
    let expected = told(&path).unwrap();
    fs::write(&path, b"").unwrap();
    mend(&path);
    assert_eq!(told(&path).unwrap().lines().next(), expected.lines().next());
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
    let path = stack.dir().join(".terrane/state.db");
    flip(&path, "");
    let refused = stack.terrane(["plan"]).run().expect_status(1);
    assert!(refused.said().contains("terrane state repair"), "{refused}");
    stack.terrane(["state", "repair", "-dry-run"]).run().expect_status(1);
    let mended = stack.terrane(["state", "repair"]).run().success();
    assert!(mended.stdout.contains("1 problem(s) mended. The file as it was: .terrane/state.db.damaged-"), "{mended}");
    stack.terrane(["state", "list"]).run().success();
}

/// The backend says which file it is; where there is none, the state is read.
#[test]
fn the_file_that_the_configuration_names_is_mended() {
    let bed = crate::backends::beds::local();
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {\n  input = 1\n}\n");
    stack.write("backend.tf", &bed.block());
    stack.terrane(["apply", "-auto-approve"]).run().success();
    flip(Path::new(bed.arguments["path"].as_str().unwrap()), "");
    let mended = stack.terrane(["state", "repair"]).run().success();
    assert!(mended.stdout.contains("1 problem(s) mended."), "{mended}");
    assert!(!stack.has(".terrane/state.db"), "no other state is begun");
    assert_eq!(stack.terrane(["state", "list"]).run().success().stdout, "terraform_data.a\n");

    let bed = crate::backends::beds::s3();
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {\n  input = 1\n}\n");
    stack.write("backend.tf", &bed.block());
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let whole = stack.terrane(["state", "repair"]).run().success();
    assert_eq!(whole.stdout, "Nothing is wrong with the state.\n");
    assert!(!stack.has(".terrane/state.db"));
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
