//! What is committed reads back the same, whatever it was and whatever happens in between.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use terrane::model::{Address, Type, Value, set};
use terrane::state::{
    Change, Intent, IntentOperation, Output, RowKey, Snapshot, StateError, Store, StoredInstance, read_snapshot,
};
use time::macros::datetime;

use crate::state_rows::{builtin, data_row, data_type, open, put, varied_rows, write};

/// Rows without what the store sets.
fn contents(snapshot: &Snapshot) -> Vec<StoredInstance> {
    snapshot.rows().iter().map(|row| StoredInstance { created: 0, updated: 0, ..(**row).clone() }).collect()
}

fn sorted(mut rows: Vec<StoredInstance>) -> Vec<StoredInstance> {
    rows.sort_by_key(StoredInstance::key);
    rows
}

fn intent(key: &str) -> Intent {
    Intent {
        key: key.into(),
        plan: "plan-1".into(),
        address: Address::parse("aws_vpc.main[0]").unwrap(),
        deposed: None,
        operation: IntentOperation::Create,
        provider: builtin(),
        remote_id: None,
        desired: Some("{\"cidr_block\":\"10.0.0.0/16\"}".into()),
        began: datetime!(2026-01-02 03:04:05 UTC),
    }
}

#[test]
fn rows_outputs_and_checks_survive_closing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/state.db");
    let outputs = BTreeMap::from([
        ("s".into(), Output::new(Value::string("x"), true)),
        ("set".into(), Output::new(set::set(Type::Number, vec![Value::int(1)]), false)),
        ("typed_null".into(), Output::new(Value::Null(Type::String), false)),
    ]);
    let store = open(&path);
    let checks: Option<Arc<str>> = Some("[{\"object_kind\":\"check\"}]".into());
    let changes = vec![Change::Outputs(outputs.clone()), Change::CheckResults(checks.clone())];
    store.commit(varied_rows().into_iter().map(put).chain(changes).collect()).wait().unwrap();
    drop(store);
    let snapshot = read_snapshot(&path).unwrap().unwrap();
    assert_eq!(contents(&snapshot), sorted(varied_rows()));
    assert_eq!((snapshot.outputs, snapshot.check_results), (outputs, checks));
    let leftovers = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(leftovers, 2, "only the state itself and its backup stay behind");
}

#[test]
fn a_snapshot_finds_rows_by_address() {
    let snapshot = Snapshot::empty("x").with_rows(varied_rows().into_iter().map(Arc::new).collect());
    let at = |text: &str| Address::parse(text).unwrap();
    let plain = snapshot.get(&at("terraform_data.plain")).unwrap();
    assert_eq!(plain.deposed, None);
    assert_eq!(snapshot.deposed(&at("terraform_data.plain")).count(), 1);
    assert_eq!(snapshot.deposed(&at("terraform_data.counted[2]")).count(), 0);
    let counted = snapshot.instances(&at("terraform_data.counted").resource);
    let keys: Vec<String> = counted.iter().map(|r| r.address.to_string()).collect();
    assert_eq!(keys, ["terraform_data.counted[0]", "terraform_data.counted[2]", "terraform_data.counted[10]"]);
    assert!(snapshot.get(&at("terraform_data.counted")).is_none());
    assert!(snapshot.get(&at("terraform_data.other")).is_none());
    let marked = snapshot.get(&at("module.m[\"a.b\"].terraform_data.in[\"k\"]")).unwrap();
    assert!(marked.decode_marked(&data_type()).unwrap().attr("input").unwrap().has_marks());
    assert!(!marked.decode(&data_type()).unwrap().has_marks());
}

#[test]
fn the_serial_rises_once_a_run_and_rows_remember_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    write(&path, vec![data_row("a.b", Value::TRUE)]);
    let store = open(&path);
    assert_eq!(store.snapshot().wait().unwrap().serial, 1, "opening changes nothing");
    for input in [1, 2] {
        store.commit(vec![put(data_row("a.b", Value::int(input))), put(data_row("a.c", Value::TRUE))]).wait().unwrap();
    }
    let snapshot = store.snapshot().wait().unwrap();
    assert_eq!(snapshot.serial, 2);
    let stamps: Vec<_> = snapshot.rows().iter().map(|r| (r.created, r.updated)).collect();
    assert_eq!(stamps, [(1, 2), (2, 2)]);
    store.commit(vec![Change::BumpSerial]).wait().unwrap();
    assert_eq!(store.snapshot().wait().unwrap().serial, 3);
}

#[test]
fn an_intent_is_open_until_its_outcome_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = open(&path);
    store.commit(vec![Change::Begin(intent("k1"))]).wait().unwrap();
    store.commit(vec![Change::Begin(intent("k1")), Change::Begin(intent("k2"))]).wait().unwrap();
    drop(store);
    let store = open(&path);
    assert_eq!(store.open_intents().wait().unwrap(), [intent("k1"), intent("k2")]);
    store.commit(vec![put(data_row("a.b", Value::TRUE)), Change::End("k1".into())]).wait().unwrap();
    assert_eq!(store.open_intents().wait().unwrap(), [intent("k2")]);
    let again = store.commit(vec![put(data_row("a.c", Value::TRUE)), Change::End("k1".into())]).wait().unwrap_err();
    assert!(matches!(again, StateError::NoSuchIntent { .. }), "{again}");
    assert_eq!(store.snapshot().wait().unwrap().rows().len(), 1, "a commit is made as a whole or not at all");
}

#[test]
fn a_refused_commit_does_not_touch_the_others_of_its_group() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("state.db"));
    let commit = |n: usize| {
        let row = put(data_row(&format!("a.r{n}[0]"), Value::TRUE));
        let wrong = n.is_multiple_of(3).then(|| Change::End("never begun".into()));
        store.commit([row].into_iter().chain(wrong).collect())
    };
    let answers: Vec<_> = (0..300).map(commit).collect();
    let results: Vec<bool> = answers.into_iter().map(|a| a.wait().is_ok()).collect();
    assert_eq!(results, (0..300).map(|n: usize| !n.is_multiple_of(3)).collect::<Vec<_>>());
    assert_eq!(store.snapshot().wait().unwrap().rows().len(), 200);
}

#[test]
fn commits_that_wait_share_a_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("state.db"));
    let commit = |n: usize| store.commit(vec![put(data_row(&format!("a.b[{n}]"), Value::TRUE))]);
    let answers: Vec<_> = (0..2000).map(commit).collect();
    answers.into_iter().for_each(|a| a.wait().unwrap());
    let transactions = store.transactions();
    println!("2000 commits in {transactions} transactions");
    assert!(transactions < 200, "{transactions}");
}

#[tokio::test]
async fn answers_can_be_awaited() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(open(&folder.path().join("state.db")));
    let commits = (0..50).map(|n| store.commit(vec![put(data_row(&format!("a.b[{n}]"), Value::TRUE))]));
    futures::future::try_join_all(commits.collect::<Vec<_>>()).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().rows().len(), 50);
}

/// Invariant: the cost of a change does not grow with the state.
#[test]
fn one_changed_row_writes_little_in_a_large_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let all = (0..100_000).map(|n| {
        let address = format!("a.r{}[{}]", n / 1000, n % 1000);
        Arc::new(data_row(&address, Value::string("some text that makes the row as long as others are")))
    });
    let snapshot = Snapshot::empty("x").with_rows(all.collect());
    open(&path).commit(vec![Change::Replace(Arc::new(snapshot))]).wait().unwrap();
    let store = open(&path);
    let on_disk = || {
        let wal = fs::metadata(folder.path().join("state.db-wal")).map_or(0, |m| m.len());
        fs::metadata(&path).unwrap().len() + wal
    };
    let before = on_disk();
    store.commit(vec![put(data_row("a.r57[123]", Value::string("another text")))]).wait().unwrap();
    let written = on_disk() - before;
    println!("{before} bytes before, {written} bytes written");
    assert!(written > 0 && written < 100_000, "{written}");
}

/// Invariant: what rows share is stored once.
#[test]
fn dependencies_that_many_rows_share_cost_little() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let names: BTreeSet<_> = (0..500).map(|n| format!("aws_instance.with_a_long_name_{n}")).collect();
    let parsed = names.iter().map(|n| terrane::model::ResourceAddress::parse(n).unwrap());
    let first = data_row("a.b", Value::TRUE).with_dependencies(parsed);
    let rows =
        (0..1000).map(|n| StoredInstance { address: Address::parse(&format!("a.b[{n}]")).unwrap(), ..first.clone() });
    write(&path, rows.collect());
    let size = fs::metadata(&path).unwrap().len();
    assert!(size < 500_000, "{size}");
    let snapshot = read_snapshot(&path).unwrap().unwrap();
    let shared = &snapshot.rows()[0].dependencies;
    assert_eq!(shared.len(), 500);
    assert!(snapshot.rows().iter().all(|r| Arc::ptr_eq(&r.dependencies, shared)));
}

/// One thing that can be done to a state, small enough that sequences meet again and again.
#[derive(Clone, Debug)]
enum Step {
    Put(usize, bool, i64),
    Remove(usize, bool),
    Output(usize, i64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6usize, any::<bool>(), any::<i64>()).prop_map(|(at, deposed, n)| Step::Put(at, deposed, n)),
        2 => (0..6usize, any::<bool>()).prop_map(|(at, deposed)| Step::Remove(at, deposed)),
        1 => (0..3usize, any::<i64>()).prop_map(|(at, n)| Step::Output(at, n)),
        1 => Just(Step::Reopen),
    ]
}

const ADDRESSES: [&str; 6] = ["a.b", "a.b[0]", "a.b[1]", "a.b[\"0\"]", "module.m[2].a.b", "data.a.b[\"x\"]"];

fn row_of(at: usize, deposed: bool, n: i64) -> StoredInstance {
    StoredInstance { deposed: deposed.then(|| "0123abcd".into()), ..data_row(ADDRESSES[at], Value::int(n)) }
}

fn changes_of(steps: &[Step]) -> Vec<Change> {
    let change = |step: &Step| match *step {
        Step::Put(at, deposed, n) => Some(put(row_of(at, deposed, n))),
        Step::Remove(at, deposed) => Some(Change::Remove(row_of(at, deposed, 0).key())),
        Step::Output(at, n) => {
            let output = Output::new(Value::int(n), n % 2 == 0);
            Some(Change::Outputs([(ADDRESSES[at].into(), output)].into()))
        }
        Step::Reopen => None,
    };
    steps.iter().filter_map(change).collect()
}

fn rows_after(steps: &[Step]) -> BTreeMap<RowKey, StoredInstance> {
    let mut rows = BTreeMap::new();
    for step in steps {
        match *step {
            Step::Put(at, deposed, n) => drop(rows.insert(row_of(at, deposed, n).key(), row_of(at, deposed, n))),
            Step::Remove(at, deposed) => drop(rows.remove(&row_of(at, deposed, 0).key())),
            Step::Output(..) | Step::Reopen => (),
        }
    }
    rows
}

/// Copies a state as a crash would leave it: the file and its log, while they are in use.
fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in ["state.db", "state.db-wal"] {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_sequence_of_changes_reads_back_the_same(steps in prop::collection::vec(step(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let mut store = open(&path);
        for one in &steps {
            if matches!(one, Step::Reopen) {
                drop(store);
                store = open(&path);
            }
            store.commit(changes_of(std::slice::from_ref(one))).wait().unwrap();
        }
        let snapshot = store.snapshot().wait().unwrap();
        prop_assert_eq!(contents(&snapshot), rows_after(&steps).into_values().collect::<Vec<_>>());
        let in_memory = Snapshot::empty("x").with_changes(&changes_of(&steps));
        prop_assert_eq!(contents(&in_memory), contents(&snapshot));
        prop_assert_eq!(in_memory.outputs, snapshot.outputs);
    }

    /// Invariant: a crash leaves the state before or after a commit, never between.
    #[test]
    fn a_crash_leaves_a_state_before_or_after(
        before in prop::collection::vec(step(), 1..12),
        during in prop::collection::vec(step(), 1..12),
        torn in 0.0..1.0f64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        let store = open(&live.join("state.db"));
        store.commit(changes_of(&before)).wait().unwrap();
        let acknowledged = folder.path().join("acknowledged");
        copy_files(&live, &acknowledged);
        let log = live.join("state.db-wal");
        let start = fs::metadata(&log).unwrap().len();
        store.commit(changes_of(&during)).wait().unwrap();
        let crashed = folder.path().join("crashed");
        copy_files(&live, &crashed);
        // The log was cut anywhere in the last commit, as when the power fails in the middle of the write.
        let end = fs::metadata(&log).unwrap().len();
        let cut = start + ((end - start) as f64 * torn) as u64;
        fs::OpenOptions::new().write(true).open(crashed.join("state.db-wal")).unwrap().set_len(cut).unwrap();

        let first = rows_after(&before).into_values().collect::<Vec<_>>();
        let second = rows_after(&[before, during].concat()).into_values().collect::<Vec<_>>();
        let kept = open(&acknowledged.join("state.db")).snapshot().wait().unwrap();
        prop_assert_eq!(contents(&kept), first.clone());
        let found = contents(&open(&crashed.join("state.db")).snapshot().wait().unwrap());
        prop_assert!(found == first || found == second, "{} rows", found.len());
    }
}
