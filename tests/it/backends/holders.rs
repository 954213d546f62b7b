//! Two at one state: what the one who holds no lock may do, and which locks are held together.

use std::time::Duration;

use terrane::model::{Address, ResourceAddress, Value};
use terrane::state::scope::RowScope;
use terrane::state::{Change, Scope, StateError, Store, Workspace, lease::TERM};

use super::beds::{Bed, Machine, Way, take, take_rows};
use super::sealing::key;
use super::suite::{intent, names};
use crate::state_rows::{data_row, put};
use crate::support::proxy::Proxy;

beds!(whoever_has_no_lock_writes_nothing_beside_a_holder: s3, azurerm, http);
beds!(a_wrong_clock_takes_no_live_lock: s3, azurerm, pg);
beds!(a_clock_that_ran_ahead_holds_no_lock_for_ever: s3, pg);
beds!(a_begun_creation_is_known_elsewhere: local, s3, azurerm, http, pg);
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

/// Whether a lock is over is not for the clock of whoever wants it to say.
fn a_wrong_clock_takes_no_live_lock(bed: &Bed) {
    let here = Machine::new(bed);
    for wrong_by in [time::Duration::minutes(7), time::Duration::hours(1), time::Duration::hours(-1)] {
        a_live_lock_stays(&here, &here.wrong_by(wrong_by));
        a_live_lock_stays(&here.wrong_by(wrong_by), &here);
    }
}

fn a_live_lock_stays(holder: &Machine<'_>, other: &Machine<'_>) {
    let (here, anna, ben) = (holder, holder.open(), other.open());
    take(&*anna, "anna").unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let renewing = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                here.clock().pass(Duration::from_millis(50));
                anna.renew(TERM).wait().unwrap();
            }
        });
        let refused = take(&*ben, "ben").unwrap_err();
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(matches!(&refused, StateError::Locked { .. }), "{refused}");
        renewing.join().unwrap();
    });
    anna.commit(vec![put(data_row("a.one", Value::TRUE))]).wait().unwrap();
    // One that nobody renews is taken over, and its holder writes no more.
    here.clock().pass(TERM * 4);
    take(&*ben, "ben").unwrap();
    let lost = anna.commit(vec![put(data_row("a.two", Value::TRUE))]).wait().unwrap_err();
    assert!(matches!(lost, StateError::LockLost { .. }), "{lost}");
    ben.release().wait().unwrap();
}

/// A holder that is gone, whose clock was hours ahead, does not keep the state until the clocks of others get there.
fn a_clock_that_ran_ahead_holds_no_lock_for_ever(bed: &Bed) {
    let here = Machine::new(bed);
    for hours in [5, 1, -1] {
        let wrong = here.wrong_by(time::Duration::hours(hours));
        let anna = wrong.open();
        take(&*anna, "anna").unwrap();
        std::mem::forget(anna);
        here.clock().pass(TERM * 2);
        take(&*here.open(), "ben").unwrap();
    }
}

/// Should the machine that begins it be gone then, everybody else knows of it.
fn a_begun_creation_is_known_elsewhere(bed: &Bed) {
    let here = Machine::new(bed);
    let store = here.open();
    take(&*store, "anna").unwrap();
    store.commit(vec![put(data_row("a.one", Value::TRUE))]).wait().unwrap();
    store.commit(vec![Change::Begin(intent("k"))]).wait().unwrap();
    std::mem::forget(store);
    here.clock().pass(TERM * 4);
    here.free();
    assert_eq!(here.another().open().open_intents().wait().unwrap(), [intent("k")]);
}

/// The bodies of the segments that were sent, in order.
fn segments(proxy: &Proxy) -> Vec<(String, String)> {
    let sent = |call: &crate::support::proxy::Call| call.method == "PUT" && call.path.contains(".terrane/");
    proxy.calls().iter().filter(|call| sent(call)).map(|call| (call.path.clone(), call.body.clone())).collect()
}

/// Puts an object of S3 there, behind everybody's back.
fn put_object(path: &str, body: &str) {
    let url = format!("{}{path}", crate::support::moto::Server::shared().url());
    let made = crate::support::wire::request("PUT", &url, &[], body).unwrap();
    assert!(made.status.is_success(), "{}", made.text());
}

/// What a holder before wrote comes late: it makes nobody's state unreadable, and takes no number from others.
#[test]
fn a_segment_that_comes_late_harms_nobody() {
    let bed = super::beds::s3();
    let Way::Http(proxy) = &bed.way else { panic!("S3 speaks HTTP") };
    let first = Machine::new(&bed);
    let anna = first.open();
    take(&*anna, "anna").unwrap();
    anna.commit(vec![put(data_row("a.one", Value::TRUE))]).wait().unwrap();
    let (path, late) = segments(proxy).pop().unwrap();
    let numbered = |n: u64| path.replace(&format!("{:020}", 1), &format!("{n:020}"));
    let late = late.lines().next().unwrap().replace("a.one", "a.late");
    first.clock().pass(TERM * 20);
    let ben = first.another().open();
    take(&*ben, "ben").unwrap();
    // Before the first of the new holder: it stands on the same document, and tells what was made.
    put_object(&numbered(2), &late);
    ben.commit(vec![put(data_row("a.two", Value::TRUE))]).wait().unwrap();
    let read = |machine: &Machine<'_>| names(&machine.backend().read(&Workspace::default()).unwrap().unwrap());
    assert_eq!(read(&first), ["a.late", "a.one", "a.two"]);
    // After it: passed over.
    put_object(&numbered(4), &late.replace("a.late", "a.later"));
    ben.commit(vec![put(data_row("a.three", Value::TRUE))]).wait().unwrap();
    let all = ["a.late", "a.one", "a.three", "a.two"];
    assert_eq!(read(&first), all);
    ben.release().wait().unwrap();
    put_object(&numbered(6), &late.replace("a.late", "a.latest"));
    put_object(&numbered(1), &late);
    assert_eq!(read(&first), all);
    let carl = first.another().open();
    take(&*carl, "carl").unwrap();
    carl.commit(vec![put(data_row("a.four", Value::TRUE))]).wait().unwrap();
    carl.release().wait().unwrap();
    assert_eq!(read(&first).len(), 5);
    assert_eq!(proxy.count(&format!("DELETE *{:020}", 1)), 2, "what is left over goes");
}

#[test]
fn a_journal_with_a_hole_is_not_read() {
    let bed = super::beds::s3();
    let Way::Http(proxy) = &bed.way else { panic!("S3 speaks HTTP") };
    let machine = Machine::new(&bed);
    let store = machine.open();
    take(&*store, "anna").unwrap();
    for name in ["a.one", "a.two", "a.three"] {
        store.commit(vec![put(data_row(name, Value::TRUE))]).wait().unwrap();
    }
    std::mem::forget(store);
    let read = || machine.another().backend().read(&Workspace::default());
    assert_eq!(read().unwrap().unwrap().rows().len(), 3);
    let (last, body) = segments(proxy).pop().unwrap();
    put_object(&last.replace(&format!("{:020}", 3), &format!("{:020}", 5)), &body);
    let missing = read().unwrap_err().to_string();
    assert!(missing.contains("segment 4 of its journal is missing"), "{missing}");
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
