//! What every backend must do: keep everything, lose no update, lock, and forget holders that are gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use terrane::model::{Address, Value, set};
use terrane::state::seal::{Encryption, RawKey};
use terrane::state::{
    Change, Intent, IntentOperation, Output, RowKey, Snapshot, StateError, Store, StoredInstance, Workspace,
    lease::TERM, tfstate,
};
use time::macros::datetime;

use super::beds::{self, Bed, Machine, take};
use crate::state_rows::{builtin, data_row, put, varied_rows};

/// One module a backend, one test a duty.
macro_rules! suite {
    ($($bed:ident),*) => {$(
        mod $bed {
            #[test]
            fn everything_that_is_written_reads_back_elsewhere() {
                super::everything_that_is_written_reads_back_elsewhere(&super::beds::$bed());
            }

            #[test]
            fn the_lock_has_one_holder_and_ends() {
                super::the_lock_has_one_holder_and_ends(&super::beds::$bed());
            }

            #[test]
            fn no_update_is_lost() {
                super::no_update_is_lost(&super::beds::$bed());
            }

            #[test]
            fn a_run_that_crashed_left_everything_behind() {
                super::a_run_that_crashed_left_everything_behind(&super::beds::$bed());
            }

            #[test]
            fn many_rows_are_kept() {
                super::many_rows_are_kept(&super::beds::$bed());
            }

            #[test]
            fn nothing_is_readable_without_the_key() {
                super::nothing_is_readable_without_the_key(&super::beds::$bed());
            }
        }
    )*};
}

suite!(local, s3, azurerm, http, pg);

/// The emulator of Google Cloud Storage looks at no condition: what it can't prove is looked at as it is sent.
mod gcs {
    use super::beds::{self, Machine, Way, take};
    use super::{TERM, data_row, put};
    use terrane::model::Value;

    #[test]
    fn everything_that_is_written_reads_back_elsewhere() {
        super::everything_that_is_written_reads_back_elsewhere(&beds::gcs());
    }

    #[test]
    fn many_rows_are_kept() {
        super::many_rows_are_kept(&beds::gcs());
    }

    #[test]
    fn every_write_has_a_condition() {
        let bed = beds::gcs();
        let Way::Http(proxy) = &bed.way else { panic!("it speaks HTTP") };
        let machine = Machine::new(&bed);
        let write = |name: &str| {
            let store = machine.open();
            take(&*store, "anna").unwrap();
            store.commit(vec![put(data_row(name, Value::TRUE))]).wait().unwrap();
            store.renew(TERM).wait().unwrap();
            store.release().wait().unwrap();
        };
        write("a.one");
        let condition = |call: &crate::support::proxy::Call| {
            let generation = call.header("x-goog-if-generation-match").map(str::to_string);
            let path = percent_encoding::percent_decode_str(&call.path).decode_utf8_lossy().into_owned();
            (path.rsplit('/').next().unwrap_or_default().to_string(), generation)
        };
        let sent = |from: usize| {
            proxy.calls().iter().skip(from).filter(|c| c.method == "PUT").map(condition).collect::<Vec<_>>()
        };
        let first = sent(0);
        let absent = |name: &str| (name.to_string(), Some("0".to_string()));
        let segment = format!("{:020}", 1);
        for created in [absent("default.tflock"), absent(&segment), absent("default.tfstate")] {
            assert!(first.contains(&created), "{created:?} in {first:?}");
        }
        assert!(first.iter().all(|(_, condition)| condition.is_some()), "{first:?}");
        let before = proxy.calls().len();
        write("a.two");
        let second = sent(before);
        let changes = |name: &str| {
            second.iter().any(|(n, c)| n == name && c.as_deref().is_some_and(|c| c != "0" && c.parse::<u64>().is_ok()))
        };
        assert!(changes("default.tflock") && changes("default.tfstate"), "{second:?}");
    }
}

pub fn intent(key: &str) -> Intent {
    Intent {
        key: key.into(),
        plan: "plan-1".into(),
        address: Address::parse("aws_vpc.main[0]").unwrap(),
        deposed: None,
        operation: IntentOperation::Create,
        provider: builtin(),
        remote_id: None,
        desired: Some("{\"cidr_block\":\"10.0.0.0/16\"}".into()),
        began: datetime!(2026-01-02 03:04:05.25 UTC),
    }
}

/// Rows without what the store sets.
fn contents(snapshot: &Snapshot) -> Vec<StoredInstance> {
    snapshot.rows().iter().map(|row| StoredInstance { created: 0, updated: 0, ..(**row).clone() }).collect()
}

pub fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.rows().iter().map(|row| row.address.to_string()).collect()
}

fn everything_that_is_written_reads_back_elsewhere(bed: &Bed) {
    let here = Machine::new(bed);
    let there = here.another();
    assert_eq!(there.backend().read(&Workspace::default()).unwrap().filter(|s| !s.is_empty()), None);
    let outputs = BTreeMap::from([
        ("s".into(), Output::new(Value::string("x"), true)),
        ("set".into(), Output::new(set::set(terrane::model::Type::Number, vec![Value::int(1)]), false)),
    ]);
    let checks: Option<Arc<str>> = Some("[{\"object_kind\":\"check\"}]".into());
    let store = here.open();
    take(&*store, "anna").unwrap();
    store.commit(varied_rows().into_iter().map(put).collect()).wait().unwrap();
    store.commit(vec![Change::Outputs(outputs.clone()), Change::CheckResults(checks.clone())]).wait().unwrap();
    store.commit(vec![Change::Begin(intent("k1"))]).wait().unwrap();
    store.commit(vec![Change::Begin(intent("k2")), Change::End("k1".into())]).wait().unwrap();
    let again = store.commit(vec![put(data_row("a.x", Value::TRUE)), Change::End("k1".into())]).wait().unwrap_err();
    assert!(matches!(again, StateError::NoSuchIntent { .. }), "{again}");
    store.commit(vec![put(data_row("a.gone", Value::TRUE))]).wait().unwrap();
    store.commit(vec![Change::Remove(RowKey::current(Address::parse("a.gone").unwrap()))]).wait().unwrap();
    store.flush().wait().unwrap();
    let own = store.snapshot().wait().unwrap();
    drop(store);
    assert_eq!(here.leftovers(), 0, "what was sent needs no journal");

    let read = there.backend().read(&Workspace::default()).unwrap().expect("there is a state");
    let mut wanted = varied_rows();
    wanted.sort_by_key(StoredInstance::key);
    assert_eq!(contents(&read), wanted);
    assert_eq!((&read.outputs, &read.check_results, read.serial), (&outputs, &checks, 1));
    assert_eq!(tfstate::export(&read), tfstate::export(&own));
    let store = there.open();
    take(&*store, "ben").unwrap();
    assert_eq!(store.open_intents().wait().unwrap(), [intent("k2")]);
    store.commit(vec![Change::End("k2".into()), put(data_row("a.b", Value::TRUE))]).wait().unwrap();
    store.release().wait().unwrap();
    let last = here.backend().read(&Workspace::default()).unwrap().unwrap();
    assert_eq!((last.serial, last.rows().len(), &last.lineage), (2, wanted.len() + 1, &read.lineage));
    take(&*store, "ben").unwrap();
    store.commit(vec![Change::Begin(intent("k3"))]).wait().unwrap();
    store.commit(vec![Change::End("k3".into()), Change::Spend]).wait().unwrap();
    store.release().wait().unwrap();
    let spent = here.backend().read(&Workspace::default()).unwrap().unwrap();
    assert_eq!((spent.serial, contents(&spent)), (3, contents(&last)), "the key of a call that failed is spent");
}

fn the_lock_has_one_holder_and_ends(bed: &Bed) {
    let here = Machine::new(bed);
    let (elsewhere, third) = (here.another(), here.another());
    let (anna, ben) = (here.open(), elsewhere.open());
    let write = |store: &Arc<dyn Store>, name: &str| store.commit(vec![put(data_row(name, Value::TRUE))]).wait();
    let lost = take(&*anna, "anna@build-7").unwrap();
    write(&anna, "a.first").unwrap();
    let refused = take(&*ben, "ben@laptop").unwrap_err();
    assert!(matches!(&refused, StateError::Locked { lease, .. } if *lease == Box::new(lost.clone())), "{refused}");
    assert_eq!(ben.leases().wait().unwrap(), std::slice::from_ref(&lost));
    here.clock().pass(TERM - Duration::from_secs(1));
    assert!(take(&*ben, "ben").is_err());
    anna.renew(TERM).wait().unwrap();
    here.clock().pass(Duration::from_secs(2));
    assert!(take(&*ben, "ben").is_err(), "it was renewed");
    here.clock().pass(TERM);
    if bed.kind == "http" {
        // That protocol knows no renewal: the lock of a run that may be alive does not end.
        assert!(take(&*ben, "ben").is_err());
        third.free();
    }
    let won = take(&*ben, "ben").unwrap();
    assert!(won.token > lost.token, "{won:?} comes after {lost:?}");
    if bed.kind != "http" {
        let error = write(&anna, "a.second").unwrap_err();
        assert!(error.to_string().contains("was lost: ben took it over at 2026-01-02T"), "{error}");
        assert!(anna.renew(TERM).wait().is_err());
    }
    write(&ben, "a.third").unwrap();
    drop(anna);
    assert_eq!(ben.leases().wait().unwrap().len(), 1, "the loser must not give up the winner's lock");
    ben.flush().wait().unwrap();
    let wrong = third.open().force_unlock("x".into()).wait().unwrap_err();
    assert!(wrong.to_string().ends_with(&format!("it is locked by \"{}\"", won.id)), "{wrong}");
    assert_eq!(&*third.open().force_unlock(won.id.clone()).wait().unwrap().holder.who, "ben");
    if bed.kind != "http" {
        let error = write(&ben, "a.fourth").unwrap_err();
        assert!(matches!(error, StateError::LockLost { .. }), "{error}");
    }
    drop(ben);
    let carl = third.open();
    take(&*carl, "carl").unwrap();
    let rows = names(&carl.snapshot().wait().unwrap());
    assert!(rows.contains(&"a.third".to_string()), "{rows:?}");
    drop(carl);
    assert!(third.open().leases().wait().unwrap().is_empty(), "dropping a store gives up its lock");
}

/// Writers without a lock, at the same time: each commit that was acknowledged is there.
fn no_update_is_lost(bed: &Bed) {
    let first = Machine::new(bed);
    let machines: Vec<_> = (0..4).map(|_| first.another()).collect();
    let acknowledged: Vec<String> = std::thread::scope(|scope| {
        let write = |(n, machine): (usize, &Machine<'_>)| {
            let store = machine.open();
            let name = |i| format!("a.r{n}x{i}");
            let stored = |i| store.commit(vec![put(data_row(&name(i), Value::TRUE))]).wait();
            (0..3).filter(|i| stored(*i).is_ok()).map(name).collect::<Vec<_>>()
        };
        let threads: Vec<_> = machines.iter().enumerate().map(|one| scope.spawn(move || write(one))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(!acknowledged.is_empty());
    let rows = names(&first.backend().read(&Workspace::default()).unwrap().unwrap());
    // Nobody locks, and that protocol has no condition for a write: the last writer wins.
    if bed.kind != "http" {
        let missing: Vec<_> = acknowledged.iter().filter(|name| !rows.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?} of {acknowledged:?} are lost");
    }
}

/// A store that is never closed is what a killed process leaves.
fn a_run_that_crashed_left_everything_behind(bed: &Bed) {
    let here = Machine::new(bed);
    let store = here.open();
    take(&*store, "anna").unwrap();
    store.commit(vec![put(data_row("a.one", Value::TRUE)), Change::Begin(intent("k1"))]).wait().unwrap();
    store.commit(vec![put(data_row("a.two", Value::TRUE))]).wait().unwrap();
    std::mem::forget(store);
    here.clock().pass(TERM * 2);
    here.free();
    // The journal of the machine that crashed is needed only where the store takes no small writes.
    let next = if bed.kind == "http" { here.open() } else { here.another().open() };
    take(&*next, "ben").unwrap();
    assert_eq!(names(&next.snapshot().wait().unwrap()), ["a.one", "a.two"]);
    assert_eq!(next.open_intents().wait().unwrap(), [intent("k1")]);
    next.commit(vec![Change::End("k1".into())]).wait().unwrap();
    next.release().wait().unwrap();
    let read = here.another().backend().read(&Workspace::default()).unwrap().unwrap();
    assert_eq!((names(&read), read.serial), (vec!["a.one".to_string(), "a.two".to_string()], 1));
}

/// How many rows a large state has here; `TERRANE_TEST_ROWS` says another number.
fn large() -> usize {
    std::env::var("TERRANE_TEST_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(5_000)
}

/// One change of a large state writes little where the store takes rows or segments.
fn many_rows_are_kept(bed: &Bed) {
    let rows = large();
    let here = Machine::new(bed);
    let row = |n: usize| Arc::new(data_row(&format!("a.r[{n}]"), Value::string("x".repeat(100))));
    let mut all = Snapshot::empty("large").with_rows((0..rows).map(row).collect());
    all.serial = 7;
    let store = here.open();
    take(&*store, "anna").unwrap();
    store.commit(vec![Change::Replace(Arc::new(all))]).wait().unwrap();
    let wrote = |from: usize| match &bed.way {
        beds::Way::Http(proxy) => {
            let calls = proxy.calls();
            calls.iter().skip(from).filter(|c| c.method == "PUT").map(|c| c.body.len()).sum::<usize>()
        }
        _ => 0,
    };
    let before = match &bed.way {
        beds::Way::Http(proxy) => proxy.calls().len(),
        _ => 0,
    };
    store.commit(vec![put(data_row("a.r[3]", Value::TRUE))]).wait().unwrap();
    if bed.kind != "http" {
        assert!(wrote(before) < 4_096, "one row of {rows} wrote {} bytes", wrote(before));
    }
    store.release().wait().unwrap();
    let read = here.another().backend().read(&Workspace::default()).unwrap().unwrap();
    assert_eq!((read.rows().len(), read.serial, &*read.lineage), (rows, 7, "large"));
    let changed = read.get(&Address::parse("a.r[3]").unwrap()).unwrap();
    assert!(changed.attributes.contains("true"), "{}", changed.attributes);
}

/// Encrypted states: neither the server nor the journal of an outage holds the secret.
fn nothing_is_readable_without_the_key(bed: &Bed) {
    const SECRET: &str = "canary-7f3c2a";
    let key = |byte| Encryption::sealed(Arc::new(RawKey::parse("key", &[byte; 32]).unwrap()));
    let here = Machine::new(bed);
    let store = here.sealed(key(1)).open(&Workspace::default()).unwrap();
    take(&*store, "anna").unwrap();
    store.commit(vec![put(data_row("a.one", Value::string(SECRET)))]).wait().unwrap();
    let remote = !matches!(bed.way, beds::Way::None);
    if remote {
        bed.way.cut();
        store.commit(vec![put(data_row("a.two", Value::string(SECRET)))]).wait().unwrap();
        let kept = here.bytes();
        assert!(!kept.is_empty() && !kept.windows(SECRET.len()).any(|w| w == SECRET.as_bytes()));
        bed.way.mend();
        here.clock().pass(Duration::from_secs(30));
    }
    store.flush().wait().unwrap();
    drop(store);
    if let beds::Way::Http(proxy) = &bed.way {
        assert!(!proxy.calls().iter().any(|call| call.body.contains(SECRET)));
    }
    let there = here.another();
    let read = there.sealed(key(1)).read(&Workspace::default()).unwrap().unwrap();
    assert_eq!(read.rows().len(), if remote { 2 } else { 1 });
    assert!(read.rows()[0].attributes.contains(SECRET));
    for refused in [there.sealed(key(2)), there.backend()] {
        let error = refused.read(&Workspace::default()).unwrap_err().to_string();
        assert!(error.contains("encrypted") && !error.contains(SECRET), "{error}");
    }
}
