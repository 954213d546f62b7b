//! The lock: one holder at a time, and nobody waits for one that is gone.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use terrane::model::{Str, Value};
use terrane::state::lease::{self, TERM};
use terrane::state::{
    Clock, Holder, Lease, LeaseRequest, Processes, Scope, SqliteStore, StateError, Store, Surroundings, SystemProcesses,
};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::state_rows::{data_row, put};
use crate::support::cli::{HELD, Stack, held_apply};

/// A clock that moves when somebody sleeps.
struct TestClock(Mutex<OffsetDateTime>);

impl TestClock {
    fn pass(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(duration);
    }
}

/// A machine on which all processes run but number 13.
struct TestProcesses;

impl Processes for TestProcesses {
    fn machine(&self) -> Option<Str> {
        Some("here".into())
    }

    fn is_alive(&self, pid: u32) -> bool {
        pid != 13
    }
}

struct Ground {
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
}

impl Ground {
    fn new() -> Ground {
        let clock = Arc::new(TestClock(Mutex::new(datetime!(2026-01-02 03:04:05.678 UTC))));
        Ground { folder: tempfile::tempdir().unwrap(), clock }
    }

    fn open(&self) -> SqliteStore {
        let around =
            Surroundings { clock: self.clock.clone(), processes: Arc::new(TestProcesses), ..Surroundings::default() };
        SqliteStore::open(&self.folder.path().join("state.db"), around).unwrap()
    }
}

fn request(who: &str, machine: &str, pid: u32) -> LeaseRequest {
    let (host, machine) = ("build-7".into(), Some(machine.into()));
    LeaseRequest {
        holder: Holder { who: who.into(), host, machine, pid },
        operation: "apply".into(),
        scope: Scope::Whole,
        term: TERM,
    }
}

fn take(store: &SqliteStore, who: &str, machine: &str, pid: u32) -> Result<Lease, StateError> {
    store.try_acquire(request(who, machine, pid)).wait().map(|a| a.lease)
}

#[test]
fn a_held_lock_says_who_holds_it_and_what_to_do() {
    let ground = Ground::new();
    let (anna, ben) = (ground.open(), ground.open());
    let lease = take(&anna, "anna@build-7", "here", 7).unwrap();
    let error = take(&ben, "ben@laptop", "there", 8).unwrap_err();
    let path = ground.folder.path().join("state.db");
    assert_eq!(
        error.to_string(),
        format!(
            "the state \"{}\" is locked by anna@build-7 (process 7 on build-7) for \"apply\" since \
             2026-01-02T03:04:05Z; wait for it with -lock-timeout=5m, or, if that run is surely gone, run \
             \"terrane force-unlock {}\"",
            path.display(),
            lease.id
        )
    );
    assert_eq!(ben.leases().wait().unwrap()[0].id, lease.id);
    anna.release().wait().unwrap();
    let next = take(&ben, "ben@laptop", "there", 8).unwrap();
    assert!(next.token > lease.token);
}

/// A clock that is set back makes no lock end early, and lets none last longer than a term from its next renewal.
#[test]
fn a_clock_that_is_set_back_harms_no_lock() {
    let ground = Ground::new();
    let (anna, ben) = (ground.open(), ground.open());
    take(&anna, "anna", "there", 7).unwrap();
    *ground.clock.0.lock().unwrap() -= Duration::from_secs(3600);
    assert!(matches!(take(&ben, "ben", "here", 8), Err(StateError::Locked { .. })));
    anna.commit(vec![put(data_row("a.b", Value::TRUE))]).wait().unwrap();
    anna.renew(TERM).wait().unwrap();
    assert!(matches!(take(&ben, "ben", "here", 8), Err(StateError::Locked { .. })));
    ground.clock.pass(TERM + Duration::from_secs(1));
    take(&ben, "ben", "here", 8).unwrap();
    assert!(matches!(anna.commit(vec![put(data_row("a.c", Value::TRUE))]).wait(), Err(StateError::LockLost { .. })));
}

#[test]
fn dropping_a_store_gives_up_its_lock() {
    let ground = Ground::new();
    let anna = ground.open();
    take(&anna, "anna", "here", 7).unwrap();
    drop(anna);
    assert!(ground.open().leases().wait().unwrap().is_empty());
}

#[test]
fn the_lock_of_a_process_that_is_gone_is_taken_over() {
    let ground = Ground::new();
    let (dead, live) = (ground.open(), ground.open());
    let lost = take(&dead, "anna", "here", 13).unwrap();
    let acquired = live.try_acquire(request("ben", "here", 8)).wait().unwrap();
    assert_eq!(acquired.taken_over.iter().map(|l| &l.id).collect::<Vec<_>>(), [&lost.id]);
}

#[test]
fn process_ids_of_another_machine_mean_nothing() {
    let ground = Ground::new();
    let (far, near) = (ground.open(), ground.open());
    take(&far, "anna", "a container with its own processes", 13).unwrap();
    assert!(matches!(take(&near, "ben", "here", 8), Err(StateError::Locked { .. })));
}

#[test]
fn an_expired_lock_is_taken_over_and_its_holder_can_write_no_more() {
    let ground = Ground::new();
    let (slow, quick) = (ground.open(), ground.open());
    let lost = take(&slow, "anna", "there", 7).unwrap();
    let write = |store: &SqliteStore, name: &str| store.commit(vec![put(data_row(name, Value::TRUE))]).wait();
    write(&slow, "a.first").unwrap();
    ground.clock.pass(TERM - Duration::from_secs(1));
    assert!(take(&quick, "ben", "here", 8).is_err());
    slow.renew(TERM).wait().unwrap();
    ground.clock.pass(Duration::from_secs(2));
    assert!(take(&quick, "ben", "here", 8).is_err(), "it was renewed");
    ground.clock.pass(TERM);
    take(&quick, "ben", "here", 8).unwrap();
    let error = write(&slow, "a.second").unwrap_err();
    assert!(error.to_string().contains(&format!("the lock {}", lost.id)), "{error}");
    assert!(error.to_string().contains("was lost: ben took it over at 2026-01-02T"), "{error}");
    assert!(slow.renew(TERM).wait().is_err());
    write(&quick, "a.third").unwrap();
    let rows = quick.snapshot().wait().unwrap();
    assert_eq!(rows.rows().len(), 2);
    drop(slow);
    assert_eq!(quick.leases().wait().unwrap().len(), 1, "the loser must not give up the winner's lock");
}

#[test]
fn force_unlock_takes_the_id_that_was_told() {
    let ground = Ground::new();
    let (anna, ben) = (ground.open(), ground.open());
    let lease = take(&anna, "anna", "there", 7).unwrap();
    let wrong = ben.force_unlock("x".into()).wait().unwrap_err();
    assert!(wrong.to_string().ends_with(&format!("has no lock \"x\"; it is locked by \"{}\"", lease.id)), "{wrong}");
    assert_eq!(ben.force_unlock(lease.id.clone()).wait().unwrap().holder.who, "anna".into());
    let error = anna.commit(vec![put(data_row("a.b", Value::TRUE))]).wait().unwrap_err();
    assert!(matches!(error, StateError::LockLost { .. }), "{error}");
}

#[tokio::test]
async fn waiting_ends_when_the_lock_is_free_or_patience_is_over() {
    let ground = Ground::new();
    let (anna, ben) = (ground.open(), ground.open());
    anna.try_acquire(request("anna", "there", 7)).await.unwrap();
    let want = request("ben", "here", 8);
    let patience = Duration::from_secs(30);
    let began = ground.clock.now();
    let error = lease::acquire(&ben, &want, patience, &*ground.clock).await.unwrap_err();
    assert!(matches!(error, StateError::Locked { waited, .. } if waited == patience), "{error:?}");
    assert_eq!(ground.clock.now() - began, patience);
    // The holder never renews: its lease ends while we wait.
    let acquired = lease::acquire(&ben, &want, TERM, &*ground.clock).await.unwrap();
    assert_eq!(acquired.taken_over.len(), 1);
}

/// A machine that was suspended finds out whether its lock is still its own before it calls anybody.
#[tokio::test]
async fn a_holder_that_was_asleep_looks_for_its_lock_first() {
    let ground = Ground::new();
    let (anna, ben) = (ground.open(), ground.open());
    let lease = anna.try_acquire(request("anna", "there", 7)).await.unwrap().lease;
    let lasting = lease::Lasting::new(ground.clock.clone(), TERM, ground.clock.steady());
    lasting.ensure(&anna).await.unwrap();
    assert_eq!(ben.leases().await.unwrap()[0].expires, lease.expires, "nothing had to be asked");
    ground.clock.pass(TERM + Duration::from_secs(1));
    lasting.ensure(&anna).await.unwrap();
    assert!(ben.leases().await.unwrap()[0].expires > lease.expires, "nobody has taken it: it is renewed");
    ground.clock.pass(TERM + Duration::from_secs(1));
    ben.try_acquire(request("ben", "here", 8)).await.unwrap();
    let lost = lasting.ensure(&anna).await.unwrap_err();
    assert!(matches!(lost, StateError::LockLost { .. }), "{lost}");
}

/// A clock that is set back while it waits.
struct Falling(Arc<TestClock>);

#[async_trait]
impl Clock for Falling {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-01-02 03:04:05 UTC) - (self.0.now() - OffsetDateTime::UNIX_EPOCH)
    }

    fn steady(&self) -> Duration {
        self.0.steady()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.pass(duration);
    }
}

#[tokio::test]
async fn waiting_ends_whatever_the_clock_says() {
    let ground = Ground::new();
    let (anna, ben) = (ground.open(), ground.open());
    anna.try_acquire(request("anna", "there", 7)).await.unwrap();
    let patience = Duration::from_secs(30);
    let falling = Falling(ground.clock.clone());
    let error = lease::acquire(&ben, &request("ben", "here", 8), patience, &falling).await.unwrap_err();
    assert!(matches!(error, StateError::Locked { waited, .. } if waited == patience), "{error:?}");
}

/// What is written to a file that nobody will find is lost.
#[test]
fn a_file_that_is_removed_or_replaced_takes_no_commits() {
    let ground = Ground::new();
    let path = ground.folder.path().join("state.db");
    let anna = ground.open();
    anna.commit(vec![put(data_row("a.b", Value::TRUE))]).wait().unwrap();
    for replaced in [false, true] {
        let kept = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        if replaced {
            std::fs::write(&path, kept).unwrap();
        }
        let refused = anna.commit(vec![put(data_row("a.c", Value::TRUE))]).wait().unwrap_err();
        assert!(matches!(refused, StateError::Replaced { .. }), "{refused}");
        assert!(matches!(take(&anna, "anna", "here", 7), Err(StateError::Replaced { .. })));
        if !replaced {
            std::fs::write(&path, b"for the next turn").unwrap();
        }
    }
}

#[tokio::test]
async fn keeping_a_lock_renews_it_until_it_is_lost() {
    let ground = Ground::new();
    let anna = Arc::new(ground.open());
    let lease = anna.try_acquire(request("anna", "there", 7)).await.unwrap().lease;
    let lasting = lease::Lasting::new(ground.clock.clone(), TERM, ground.clock.steady());
    let keeping = tokio::spawn(lease::keep(anna.clone(), lasting));
    let ben = ground.open();
    while ben.leases().await.unwrap()[0].expires < lease.expires + TERM {
        tokio::task::yield_now().await;
    }
    ben.force_unlock(lease.id).await.unwrap();
    assert!(matches!(keeping.await.unwrap(), StateError::LockLost { .. }));
}

#[test]
fn the_system_knows_which_processes_run() {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    assert!(SystemProcesses.is_alive(std::process::id()));
    assert!(!SystemProcesses.is_alive(child.id()));
    assert!(!SystemProcesses::host_name().is_empty());
    if Path::new("/proc/self/ns/pid").exists() {
        assert_eq!(SystemProcesses.machine(), SystemProcesses.machine());
        assert!(SystemProcesses.machine().is_some());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_ended_is_gone_before_its_parent_notices() {
    let mut child = std::process::Command::new("sh").stdin(std::process::Stdio::piped()).spawn().unwrap();
    assert!(SystemProcesses.is_alive(child.id()));
    drop(child.stdin.take());
    while SystemProcesses.is_alive(child.id()) {
        std::thread::yield_now();
    }
    assert!(child.try_wait().unwrap().is_some());
}

#[test]
fn who_waits_for_a_lock_says_for_whom_and_goes_on_when_it_is_free() {
    let stack = Stack::with("main.tf", HELD);
    let first = held_apply(&stack);
    let waiting = stack.terrane(["apply", "-auto-approve", "-lock-timeout=60s"]).spawn();
    waiting.wait_for_stderr("Waiting for the lock that ");
    stack.write("go", "");
    first.wait().success();
    let second = waiting.wait().success();
    assert!(second.stderr.contains("holds for \"apply\" since "), "{second}");
    assert!(second.stdout.contains("0 added, 0 changed, 0 destroyed"), "planned again: {second}");
}

#[test]
fn a_lock_that_is_taken_away_ends_the_run_that_had_it() {
    let stack = Stack::with("main.tf", HELD);
    let first = held_apply(&stack);
    let refused = stack.terrane(["apply", "-auto-approve"]).run().expect_status(1).said();
    let id = refused.split("force-unlock").nth(1).and_then(|rest| rest.split(['"', '\n']).next()).unwrap().trim();
    let unlock = |id: &str| stack.terrane(["force-unlock", "-force", id]).run();
    assert!(unlock("another").expect_status(1).said().contains(id));
    unlock(id).success();
    unlock(id).expect_status(1);
    stack.write("go", "");
    let lost = first.wait().expect_status(1);
    assert!(lost.said().contains("it was removed by force"), "{lost}");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    stack.terrane(["plan", "-detailed-exitcode"]).run().success();
}
