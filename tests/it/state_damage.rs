//! Files that are no states, or no longer: told clearly, and never touched.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use terrane::model::Value;
use terrane::state::{Change, Intent, Output, SqliteStore, StateError, Store, Surroundings, read_snapshot};

use crate::state_rows::{data_row, intent, open, varied_rows, write};

/// Tries to use the file for writing and for reading; both must say the same and leave it as it is.
fn refuse(path: &Path) -> StateError {
    let before = fs::read(path).ok();
    let reading = read_snapshot(path).unwrap_err();
    let store = SqliteStore::open(path, Surroundings::default());
    let writing = match store {
        Ok(store) => terrane::state::Store::snapshot(&store).wait().unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(reading.to_string(), writing.to_string());
    assert!(reading.to_string().contains(&path.display().to_string()), "{reading}");
    assert_eq!(fs::read(path).ok(), before);
    reading
}

fn state(folder: &Path) -> PathBuf {
    let path = folder.join("state.db");
    write(&path, varied_rows());
    path
}

#[test]
fn files_that_are_no_states_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    assert!(matches!(refuse(&at("text", b"{\"version\": 4}".repeat(100).as_slice())), StateError::NotAState { .. }));
    assert!(matches!(refuse(&at("short", b"x")), StateError::NotAState { .. }));
    assert!(matches!(refuse(&at("empty", b"")), StateError::Damaged { .. }));
    assert!(matches!(refuse(folder.path()), StateError::NotAState { .. }));
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let error = refuse(&other);
    assert!(error.to_string().contains("it is a database of another program"), "{error}");
    let below_file = folder.path().join("text/state.db");
    assert!(SqliteStore::open(&below_file, Surroundings::default()).is_err());
}

#[test]
fn a_state_from_the_future_names_the_version_that_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = state(folder.path());
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("PRAGMA user_version = 9; UPDATE meta SET value = '3.1.0' WHERE name = 'written_by'").unwrap();
    drop(conn);
    let error = refuse(&path);
    assert!(
        error.to_string().ends_with("has format 9, this terrane knows formats up to 3; use terrane 3.1.0 or later")
    );
}

/// Invariant: a row that changed on the disk is never taken for what was written.
#[test]
fn a_changed_row_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = state(folder.path());
    for change in [
        "attributes = CAST('{}' AS BLOB)",
        "tainted = 1",
        "remote_id = NULL",
        "deposed = '99999999'",
        "dependencies = dependencies + 1",
    ] {
        let copy = folder.path().join("copy.db");
        fs::copy(&path, &copy).unwrap();
        let conn = Connection::open(&copy).unwrap();
        let sql = format!(
            "UPDATE instances SET {change} WHERE key = '#2' AND resource =
             (SELECT id FROM resources WHERE address = 'terraform_data.counted')"
        );
        assert_eq!(conn.execute(&sql, []).unwrap(), 1);
        drop(conn);
        let error = read_snapshot(&copy).unwrap_err().to_string();
        assert!(error.starts_with("\"terraform_data.counted[2]\" in the state"), "{change}: {error}");
        assert!(error.contains("is damaged"), "{change}: {error}");
        fs::remove_file(&copy).unwrap();
    }
}

/// Whatever is cut off or overwritten: an error or the same rows, never others and never a panic.
#[test]
fn no_damage_goes_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let rows = |text: &str| (0..200).map(|n| data_row(&format!("a.b[{n}]"), Value::string(text.repeat(300)))).collect();
    write(&path, rows("x"));
    let store = open(&path);
    let output = |text: &str| Some(Output::new(Value::string(text.repeat(900)), false));
    let intents = (0..40).map(|n| Change::Begin(Intent { key: format!("key {n}").into(), ..intent("a.c") }));
    store.commit(vec![Change::Output("o".into(), output("y"))]).wait().unwrap();
    store.commit(intents.chain([Change::Output("o".into(), output("z"))]).collect()).wait().unwrap();
    drop(store);
    write(&path, rows("w"));
    let good = fs::read(&path).unwrap();
    let expected = read_snapshot(&path).unwrap().unwrap();
    let everything = |path: &Path| -> Result<_, StateError> {
        let store = SqliteStore::open(path, Surroundings::default())?;
        let past =
            store.generations().wait()?.iter().map(|g| store.past(g.serial).wait()).collect::<Result<Vec<_>, _>>()?;
        let past: Vec<_> = past.into_iter().flatten().map(|p| (p.generation, p.snapshot)).collect();
        Ok((store.open_intents().wait()?, store.leases().wait()?, format!("{past:?}")))
    };
    let whole = everything(&path).unwrap();
    let copy = folder.path().join("copy.db");
    let mut noticed = 0;
    let mut check = |bytes: &[u8], what: &str| {
        fs::write(&copy, bytes).unwrap();
        match read_snapshot(&copy) {
            Ok(found) => assert_eq!(found.as_ref(), Some(&expected), "{what}"),
            Err(_) => noticed += 1,
        }
        assert_eq!(fs::read(&copy).unwrap(), bytes, "{what}: reading must not write");
        if let Ok(found) = everything(&copy) {
            assert_eq!(found, whole, "{what}");
        }
        for left in ["copy.db-wal", "copy.db-shm"] {
            let _ = fs::remove_file(folder.path().join(left));
        }
    };
    for eighth in 0..8 {
        check(&good[..good.len() * eighth / 8], &format!("cut at {eighth}/8"));
    }
    for at in (0..good.len()).step_by(997) {
        let mut bytes = good.clone();
        let end = (at + 64).min(bytes.len());
        bytes[at..end].fill(0x5a);
        check(&bytes, &format!("overwritten at {at}"));
    }
    println!("{noticed} damages noticed");
    assert!(noticed > 50, "{noticed}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_can_still_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = state(folder.path());
    let mode = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "states hold secrets");
    mode(0o555);
    let may_write_anyway = fs::write(folder.path().join("probe"), b"").is_ok();
    let read = read_snapshot(&path);
    let created = SqliteStore::open(&folder.path().join("new.db"), Surroundings::default());
    mode(0o755);
    assert_eq!(read.unwrap().unwrap().rows().len(), varied_rows().len());
    // Root is not held back by modes.
    if !may_write_anyway {
        assert!(matches!(created.err(), Some(StateError::PermissionDenied { .. })));
    }
}
