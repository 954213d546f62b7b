//! Two runs in one folder whose state is kept elsewhere: each leaves the journal of the other alone while it is at work,
//! and takes over what is left in it afterwards.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use terrane::model::Value;
use terrane::state::{Change, StateError, Store, Surroundings, Workspace};

use super::beds::{Bed, Way, take};
use super::suite::{intent, names};
use crate::state_rows::{data_row, put};
use crate::support::cli::{HELD, Stack, held_apply};

beds!(a_plan_beside_an_apply_is_not_refused: s3, pg);
beds!(what_one_could_not_send_the_next_has: s3, pg);

/// An apply that has begun and not ended, in another process.
fn a_plan_beside_an_apply_is_not_refused(bed: &Bed) {
    let stack = Stack::with("main.tf", HELD);
    stack.write("backend.tf", &bed.block());
    let apply = held_apply(&stack);
    for _ in 0..3 {
        let planned = stack.terrane(["plan", "-no-color", "-lock=false"]).run().success();
        assert!(!planned.stderr.contains("could not send"), "{planned}");
    }
    let refused = stack.terrane(["apply", "-auto-approve"]).run().expect_status(1);
    assert!(refused.said().contains("is locked by"), "{refused}");
    stack.write("go", "");
    apply.wait().success();
    stack.terrane(["plan", "-detailed-exitcode"]).run().success();
    assert_eq!(std::fs::read_dir(stack.dir().join(".terrane/unsent")).map_or(0, Iterator::count), 0);
}

/// The first ends with outcomes that the store did not take, at the moment at which the second gets the lock.
fn what_one_could_not_send_the_next_has(bed: &Bed) {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let backend = bed.backend(folder.path(), Surroundings::default(), Default::default());
        backend.open(&Workspace::default()).unwrap()
    };
    let first = open();
    take(&*first, "anna").unwrap();
    first.commit(vec![put(data_row("a.before", Value::TRUE)), Change::Begin(intent("k"))]).wait().unwrap();
    match &bed.way {
        // The lock can be given up, and nothing else be written.
        Way::Http(proxy) => {
            proxy.on("PUT *.terrane/*").refuse();
            proxy.on("PUT *.tfstate").refuse();
        }
        way => way.cut(),
    }
    first.commit(vec![put(data_row("a.made", Value::TRUE)), Change::End("k".into())]).wait().unwrap();
    let (tell, told) = channel();
    std::thread::scope(|scope| {
        let second = scope.spawn(move || {
            told.recv().unwrap();
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(60) {
                let store: Arc<dyn Store> = open();
                match take(&*store, "ben") {
                    Ok(_) => return (store.snapshot().wait().unwrap(), store.open_intents().wait().unwrap()),
                    Err(StateError::Locked { .. }) => std::thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
            panic!("the lock is not given up");
        });
        let unsent = first.release().wait();
        bed.way.mend();
        tell.send(()).unwrap();
        if matches!(bed.way, Way::Wire(_)) {
            // Its lock could not be given up: it is still this process's.
            for lease in open().leases().wait().unwrap() {
                open().force_unlock(lease.id).wait().unwrap();
            }
        }
        assert!(matches!(unsent, Err(StateError::Unsent { .. })), "{unsent:?}");
        let (snapshot, open_intents) = second.join().unwrap();
        assert_eq!(names(&snapshot), ["a.before", "a.made"]);
        assert!(open_intents.is_empty(), "{open_intents:?}");
    });
    drop(first);
}
