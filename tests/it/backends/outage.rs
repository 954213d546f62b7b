//! The server goes away in the middle of a run: the run goes on, and nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use terrane::backends::Unsent;
use terrane::model::Value;
use terrane::state::{Change, Snapshot, StateError, Store, Workspace, lease::TERM};

use super::beds::{self, Bed, Machine, Way, take};
use super::suite::intent;
use crate::state_rows::{data_row, put};

/// Longer than a store leaves a server alone that did not answer.
const PAUSE: Duration = Duration::from_secs(30);

macro_rules! outages {
    ($($bed:ident),*) => {$(
        mod $bed {
            #[test]
            fn outcomes_are_sent_when_the_server_is_back() {
                super::outcomes_are_sent_when_the_server_is_back(&super::beds::$bed());
            }

            #[test]
            fn outcomes_that_could_not_be_sent_are_sent_by_the_next_run() {
                super::outcomes_that_could_not_be_sent_are_sent_by_the_next_run(&super::beds::$bed());
            }

            #[test]
            fn a_journal_that_was_sent_and_not_cleared_is_no_conflict() {
                super::a_journal_that_was_sent_and_not_cleared_is_no_conflict(&super::beds::$bed());
            }

            #[test]
            fn a_state_that_was_read_again_has_what_waits() {
                super::a_state_that_was_read_again_has_what_waits(&super::beds::$bed());
            }

            #[test]
            fn somebody_elses_newer_state_is_not_overwritten() {
                super::somebody_elses_newer_state_is_not_overwritten(&super::beds::$bed());
            }
        }
    )*};
}

outages!(s3, azurerm, http, pg);

macro_rules! leases {
    ($($bed:ident),*) => {$(
        #[test]
        fn $bed() {
            super::nothing_is_begun_without_a_lock_that_lasts(&super::super::beds::$bed());
        }
    )*};
}

mod nothing_is_begun_without_a_lock_that_lasts {
    leases!(s3, azurerm, pg);
}

/// Others may hold the lock by then, and can't see what this run begins.
fn nothing_is_begun_without_a_lock_that_lasts(bed: &Bed) {
    let here = Machine::new(bed);
    let store = here.open();
    take(&*store, "anna").unwrap();
    store.commit(vec![Change::Begin(intent("k1"))]).wait().unwrap();
    bed.way.cut();
    store.commit(vec![Change::Begin(intent("k2"))]).wait().unwrap();
    here.clock().pass(TERM + Duration::from_secs(1));
    let refused = store.commit(vec![Change::Begin(intent("k3"))]).wait().unwrap_err();
    assert!(matches!(refused, StateError::LockLost { .. }), "{refused}");
    assert!(refused.to_string().contains("ran out"), "{refused}");
    store.commit(vec![Change::End("k1".into()), put(data_row("a.one", Value::TRUE))]).wait().unwrap();
    drop(store);
    bed.way.mend();
    assert_eq!(names(&here), ["a.one"], "what was done is kept");
    let open = here.open().open_intents().wait().unwrap();
    assert_eq!(open, [intent("k2")]);
}

fn write(store: &Arc<dyn Store>, name: &str) {
    store.commit(vec![put(data_row(name, Value::TRUE))]).wait().unwrap();
}

fn names(machine: &Machine<'_>) -> Vec<String> {
    let read = machine.backend().read(&Workspace::default()).unwrap().unwrap();
    read.rows().iter().map(|row| row.address.to_string()).collect()
}

fn outcomes_are_sent_when_the_server_is_back(bed: &Bed) {
    let here = Machine::new(bed);
    let store = here.open();
    take(&*store, "anna").unwrap();
    write(&store, "a.before");
    bed.way.cut();
    store.commit(vec![Change::Begin(intent("k1"))]).wait().unwrap();
    store.commit(vec![Change::End("k1".into()), put(data_row("a.during", Value::TRUE))]).wait().unwrap();
    bed.way.mend();
    here.clock().pass(PAUSE);
    write(&store, "a.after");
    store.flush().wait().unwrap();
    assert_eq!(names(&here.another()), ["a.after", "a.before", "a.during"]);
    assert!(store.open_intents().wait().unwrap().is_empty());
    drop(store);
    assert_eq!(here.leftovers(), 0);
}

fn outcomes_that_could_not_be_sent_are_sent_by_the_next_run(bed: &Bed) {
    let here = Machine::new(bed);
    let store = here.open();
    take(&*store, "anna").unwrap();
    write(&store, "a.before");
    store.flush().wait().unwrap();
    bed.way.cut();
    write(&store, "a.during");
    let error = store.flush().wait().unwrap_err();
    let told = error.to_string();
    assert!(told.contains("1 commits are in") && told.contains("the next plan, apply or init"), "{told}");
    assert!(!told.contains("not-a-secret"), "{told}");
    drop(store);
    bed.way.mend();
    here.clock().pass(beds::LONG);
    here.free();
    assert_eq!(names(&here), ["a.before", "a.during"], "looking at it sends them");
    assert_eq!(names(&here.another()), ["a.before", "a.during"]);
    assert_eq!(here.leftovers(), 0);
}

/// A process that ends between sending its commits and forgetting them leaves its journal as it was.
fn a_journal_that_was_sent_and_not_cleared_is_no_conflict(bed: &Bed) {
    let here = Machine::new(bed);
    let store = here.open();
    take(&*store, "anna").unwrap();
    write(&store, "a.before");
    store.flush().wait().unwrap();
    bed.way.cut();
    store.commit(vec![Change::Begin(intent("k1"))]).wait().unwrap();
    store.commit(vec![Change::End("k1".into()), put(data_row("a.during", Value::TRUE))]).wait().unwrap();
    let journals = here.journals();
    bed.way.mend();
    here.clock().pass(PAUSE);
    store.flush().wait().unwrap();
    drop(store);
    let serial = here.backend().read(&Workspace::default()).unwrap().unwrap().serial;
    for (path, bytes) in journals {
        std::fs::write(path, bytes).unwrap();
    }
    let read = here.backend().read(&Workspace::default()).unwrap().unwrap();
    assert_eq!((read.rows().len(), read.serial), (2, serial));
    assert_eq!(here.leftovers(), 0);
    assert!(here.open().open_intents().wait().unwrap().is_empty());
}

/// A whole state that could not be written in an outage takes nothing along of what was told to be durable.
fn a_state_that_was_read_again_has_what_waits(bed: &Bed) {
    let here = Machine::new(bed);
    let store = here.open();
    take(&*store, "anna").unwrap();
    write(&store, "a.before");
    store.flush().wait().unwrap();
    match (&bed.way, bed.kind) {
        // The lock can be looked at, and nothing be written.
        (Way::Http(proxy), "s3" | "azurerm") => {
            proxy.on("PUT *.terrane/*").refuse();
            proxy.on("PUT *.tfstate").refuse();
        }
        (way, _) => way.cut(),
    }
    write(&store, "a.during");
    let whole = Snapshot::empty("another");
    assert!(store.commit(vec![Change::Replace(Arc::new(whole))]).wait().is_err());
    bed.way.mend();
    here.clock().pass(PAUSE);
    write(&store, "a.after");
    store.flush().wait().unwrap();
    drop(store);
    assert_eq!(names(&here.another()), ["a.after", "a.before", "a.during"]);
    assert_eq!(here.leftovers(), 0);
}

fn somebody_elses_newer_state_is_not_overwritten(bed: &Bed) {
    let here = Machine::new(bed);
    let there = here.another();
    let store = here.open();
    take(&*store, "anna").unwrap();
    write(&store, "a.before");
    store.flush().wait().unwrap();
    bed.way.cut();
    write(&store, "a.during");
    assert!(store.flush().wait().is_err());
    drop(store);
    bed.way.mend();
    here.clock().pass(beds::LONG);
    here.free();
    let other = there.open();
    take(&*other, "ben").unwrap();
    write(&other, "a.meanwhile");
    other.release().wait().unwrap();
    let refused = here.backend().read(&Workspace::default()).unwrap_err();
    assert!(matches!(refused, StateError::Conflict { kept: Some(_), .. }), "{refused}");
    assert!(refused.to_string().contains("terrane init -unsent=push"), "{refused}");
    let pushed = here.backend_that(Unsent::Push).read(&Workspace::default()).unwrap().unwrap();
    assert_eq!(pushed.rows().len(), 3);
    assert_eq!(names(&there), ["a.before", "a.during", "a.meanwhile"]);
    assert_eq!(here.leftovers(), 0);
}
