//! Two at one state: what the one who holds no lock may do, and which locks are held together.

use terrane::model::{Address, ResourceAddress, Value};
use terrane::state::scope::RowScope;
use terrane::state::{Change, Scope, StateError, Store, Workspace, lease::TERM};

use super::beds::{Bed, Machine, take, take_rows};
use super::sealing::key;
use super::suite::{intent, names};
use crate::state_rows::{data_row, put};

macro_rules! beds {
    ($duty:ident: $($bed:ident),*) => {
        mod $duty {$(
            #[test]
            fn $bed() {
                super::$duty(&super::super::beds::$bed());
            }
        )*}
    };
}

beds!(whoever_has_no_lock_writes_nothing_beside_a_holder: s3, azurerm, http);
beds!(scopes_that_do_not_meet_are_held_together: local, pg);

/// A document is written as a whole: whoever does so while somebody else holds the lock takes what he adds from him.
fn whoever_has_no_lock_writes_nothing_beside_a_holder(bed: &Bed) {
    let here = Machine::new(bed);
    let there = here.another();
    let anna = here.sealed(key(1)).open(&Workspace::default()).unwrap();
    take(&*anna, "anna").unwrap();
    anna.commit(vec![put(data_row("a.one", Value::TRUE))]).wait().unwrap();
    let ben = there.sealed(key(1)).open(&Workspace::default()).unwrap();
    ben.commit(Vec::new()).wait().unwrap();
    let refused = ben.commit(vec![put(data_row("a.two", Value::TRUE))]).wait().unwrap_err();
    assert!(matches!(&refused, StateError::Locked { lease, .. } if &*lease.holder.who == "anna"), "{refused}");
    anna.commit(vec![put(data_row("a.three", Value::TRUE))]).wait().unwrap();
    anna.release().wait().unwrap();
    ben.commit(vec![put(data_row("a.two", Value::TRUE))]).wait().unwrap();
    let read = there.sealed(key(1)).read(&Workspace::default()).unwrap().unwrap();
    assert_eq!(names(&read), ["a.one", "a.three", "a.two"]);
}

fn rows(writes: &[&str], reads: &[&str]) -> Scope {
    let mut rows = RowScope::default();
    writes.iter().for_each(|w| rows.write(&Address::parse(w).unwrap()));
    reads.iter().for_each(|r| rows.read(&ResourceAddress::parse(r).unwrap()));
    rows.scope()
}

/// Invariant: what one run writes, no other reads or writes at the same time.
fn scopes_that_do_not_meet_are_held_together(bed: &Bed) {
    let first = Machine::new(bed);
    let [anna, ben, carl] = [first.open(), first.another().open(), first.another().open()];
    let held = take_rows(&*anna, "anna", rows(&["t.a"], &["t.base"])).unwrap();
    take_rows(&*ben, "ben", rows(&["t.b"], &["t.base"])).unwrap();
    for scope in [rows(&["t.base"], &[]), rows(&["t.c"], &["t.a"]), rows(&["t.a"], &[]), Scope::Whole] {
        let refused = take_rows(&*carl, "carl", scope).unwrap_err();
        assert!(matches!(refused, StateError::Locked { .. }), "{refused}");
    }
    let leases = carl.leases().wait().unwrap();
    assert_eq!((leases.len(), &leases[0].scope), (2, &held.scope));
    // Both write, each with its own lock, and neither takes the other's call for one that was interrupted.
    let row = |name: &str| put(data_row(&format!("t.{name}"), Value::TRUE));
    anna.commit(vec![Change::Begin(intent("k"))]).wait().unwrap();
    let open = |store: &dyn Store| store.open_intents().wait().unwrap().len();
    assert_eq!([open(&*anna), open(&*ben), open(&*carl)], [1, 0, 0]);
    ben.commit(vec![row("b")]).wait().unwrap();
    ben.renew(TERM).wait().unwrap();
    anna.commit(vec![row("a"), Change::End("k".into())]).wait().unwrap();
    assert_eq!(names(&ben.snapshot().wait().unwrap()), ["t.a", "t.b"]);
    anna.commit(vec![Change::Begin(intent("left"))]).wait().unwrap();
    anna.release().wait().unwrap();
    assert_eq!(open(&*carl), 1, "nobody is at it any more");
    take_rows(&*carl, "carl", rows(&["t.c"], &["t.a"])).unwrap();
    assert!(take_rows(&*carl, "carl", Scope::Whole).is_err(), "ben is still at work");
    // A holder that slept past its lease loses it to whoever wants what it covers, and nobody else does.
    first.clock().pass(TERM * 2);
    carl.renew(TERM).wait().unwrap();
    let dora = first.another().open();
    let taken = take_rows(&*dora, "dora", rows(&["t.b"], &[])).unwrap();
    assert!(taken.token > held.token);
    let lost = ben.commit(vec![row("b")]).wait().unwrap_err();
    assert!(matches!(lost, StateError::LockLost { .. }), "{lost}");
    carl.commit(vec![row("c")]).wait().unwrap();
}
