//! Encryption of a state that is there: from plain to sealed, to another key, and back.

use std::sync::Arc;

use terrane::model::Value;
use terrane::state::seal::{Encryption, Method, RawKey};
use terrane::state::{Change, Workspace};

use super::beds::{Bed, Machine, Way, take, take_rows};
use super::suite::{intent, names};
use crate::state_rows::{data_row, put};

pub fn key(byte: u8) -> Encryption {
    Encryption::sealed(Arc::new(RawKey::parse(format!("key {byte}"), &[byte; 32]).unwrap()))
}

macro_rules! beds {
    ($($bed:ident),*) => {$(
        #[test]
        fn $bed() {
            super::everything_is_sealed_anew(&super::super::beds::$bed());
        }
    )*};
}

mod everything_is_sealed_anew {
    beds!(local, s3, pg);
}

/// The next who takes the lock seals what is there; then the state opens with the new key alone.
fn everything_is_sealed_anew(bed: &Bed) {
    let here = Machine::new(bed);
    let checks = "[{\"object_kind\":\"check\"}]";
    let store = here.open();
    take(&*store, "anna").unwrap();
    let output = terrane::state::Output::new(Value::string("of an output"), true);
    store
        .commit(vec![
            put(data_row("a.one", Value::string("first"))),
            put(data_row("a.two", Value::TRUE)),
            Change::Output("o".into(), Some(output)),
            Change::CheckResults(Some(checks.into())),
            Change::Begin(intent("k")),
        ])
        .wait()
        .unwrap();
    store.release().wait().unwrap();
    drop(store);
    let turns = [
        (key(1).with_fallback(Method::Plain), key(1)),
        (key(2).with_fallback(key(1).method), key(2)),
        (Encryption::default().with_fallback(key(2).method), Encryption::default()),
    ];
    let before = here.backend().read(&Workspace::default()).unwrap().unwrap();
    for (turning, after) in turns {
        let sealed = !matches!(after.method, Method::Plain);
        let store = here.sealed(turning.clone()).open(&Workspace::default()).unwrap();
        assert!(store.sealing_is_due().wait().unwrap());
        take_rows(&*store, "anna", terrane::state::scope::RowScope::default().scope()).unwrap();
        assert!(!store.sealing_is_due().wait().unwrap());
        store.release().wait().unwrap();
        drop(store);
        let there = here.another();
        let read = there.sealed(after.clone()).read(&Workspace::default()).unwrap().unwrap();
        assert_eq!((names(&read), read.serial, &read.outputs), (names(&before), before.serial, &before.outputs));
        assert_eq!(read.check_results.as_deref(), Some(checks));
        let store = there.sealed(after).open(&Workspace::default()).unwrap();
        assert_eq!(store.open_intents().wait().unwrap(), [intent("k")]);
        assert!(!store.sealing_is_due().wait().unwrap());
        drop(store);
        assert_eq!(here.backend().read(&Workspace::default()).is_err(), sealed);
    }
    if let Way::Http(proxy) = &bed.way {
        let states = proxy.calls().into_iter().filter(|c| c.method == "PUT" && c.path.ends_with(".tfstate")).count();
        assert!(states >= 4, "each turn wrote the document");
    }
}
