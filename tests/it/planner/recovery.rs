//! What a killed run left open is settled all at once, however much it is.

use std::sync::atomic::{AtomicUsize, Ordering};

use terrane::apply::{self, Input, Observer, Stop, deposed_key};
use terrane::model::Str;
use terrane::ops::providers::Working;
use terrane::ops::recover;
use terrane::provider::IdempotencyKey;
use terrane::provisioners::Provisioners;
use terrane::state::lease::Lasting;
use terrane::state::{
    Acquired, Answer, Change, Generation, Intent, IntentOperation, Lease, LeaseRequest, Past, RowKey, Snapshot, Store,
    StoredInstance, SystemClock,
};

use super::*;

/// A store that counts how often it is read and written.
struct Counting {
    store: Arc<dyn Store>,
    reads: AtomicUsize,
    writes: AtomicUsize,
}

impl Store for Counting {
    fn snapshot(&self) -> Answer<Snapshot> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.store.snapshot()
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<()> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.store.commit(changes)
    }

    fn open_intents(&self) -> Answer<Vec<Intent>> {
        self.store.open_intents()
    }

    fn try_acquire(&self, request: LeaseRequest) -> Answer<Acquired> {
        self.store.try_acquire(request)
    }

    fn renew(&self, term: Duration) -> Answer<Lease> {
        self.store.renew(term)
    }

    fn release(&self) -> Answer<()> {
        self.store.release()
    }

    fn leases(&self) -> Answer<Vec<Lease>> {
        self.store.leases()
    }

    fn force_unlock(&self, id: Str) -> Answer<Lease> {
        self.store.force_unlock(id)
    }

    fn flush(&self) -> Answer<()> {
        self.store.flush()
    }

    fn sealing_is_due(&self) -> Answer<bool> {
        self.store.sealing_is_due()
    }

    fn generations(&self) -> Answer<Vec<Generation>> {
        self.store.generations()
    }

    fn past(&self, serial: u64) -> Answer<Option<Past>> {
        self.store.past(serial)
    }
}

#[test]
fn many_open_calls_are_settled_with_one_look_at_the_state_and_one_commit() {
    let stack = Stack::new(&[("main.tf", "resource \"terraform_data\" \"a\" {\n  count = 40\n}\n")]);
    stack.apply(&options());
    let mut session = stack.session();
    let store = session.store().unwrap().clone();
    // The first twenty were to be replaced, and the run was killed before anything took their places.
    let rows: Vec<Arc<StoredInstance>> = session.snapshot.rows().to_vec();
    let mut left = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let key: Str = format!("key-{n}").into();
        let operation = if n < 30 { IntentOperation::Create } else { IntentOperation::Delete };
        left.push(Change::Begin(Intent { operation, ..intent(row, &key) }));
        if n < 20 {
            let deposed = Some(deposed_key(&IdempotencyKey(key)));
            left.push(Change::Remove(row.key()));
            left.push(Change::Put(Arc::new(StoredInstance { deposed, ..(**row).clone() })));
        }
    }
    store.commit(left).wait().unwrap();
    let (planned, _) = session.plan(options());
    let counting = Counting { store: store.clone(), reads: AtomicUsize::new(0), writes: AtomicUsize::new(0) };
    let observer: Arc<dyn Observer> = Arc::new(Silent);
    let cloud = Working(session.providers.clone());
    let settling = recover::settle(&counting, &cloud, &planned, &observer, Duration::ZERO);
    let settled = session.runtime().block_on(settling).unwrap();
    assert!(settled.changed);
    assert_eq!((counting.reads.into_inner(), counting.writes.into_inner()), (1, 1));
    assert!(store.open_intents().wait().unwrap().is_empty());
    let after = store.snapshot().wait().unwrap();
    let keys = |rows: &[Arc<StoredInstance>]| rows.iter().map(|row| row.key()).collect::<Vec<RowKey>>();
    assert_eq!(keys(after.rows()), keys(&rows), "each is where it was");
}

/// Who was suspended between announcing a call and making it may not have the lock any more.
#[test]
fn nothing_is_called_without_the_lock() {
    let stack = Stack::new(&[("main.tf", "resource \"terraform_data\" \"a\" {\n}\n")]);
    let mut session = stack.session();
    let store = session.store().unwrap().clone();
    let (planned, _) = session.plan(options());
    // Nobody holds a lock here: what lasted as long as this is over, and can't be renewed.
    let lasting = Lasting::new(Arc::new(SystemClock), Duration::from_millis(1), Duration::ZERO);
    let input = Input {
        planned,
        cloud: Arc::new(Working(session.providers.clone())),
        provisioner: Arc::new(Provisioners { home_dir: None, ssh_agent: None }),
        store: store.clone(),
        snapshot: session.snapshot.clone(),
        observer: Arc::new(Silent),
        stop: Stop::default(),
        lasting: Some(lasting),
        parallelism: None,
        plan_id: "test".into(),
    };
    let outcome = session.runtime().block_on(apply::run(input));
    let told: Vec<_> = outcome.diagnostics.iter().map(|d| d.summary.clone()).collect();
    assert_eq!(told, ["terraform_data.a was left as it was"]);
    assert_eq!(store.snapshot().wait().unwrap().rows(), []);
    assert_eq!(store.open_intents().wait().unwrap().len(), 1, "the next run sees what was announced");
}

fn intent(row: &StoredInstance, key: &Str) -> Intent {
    let provider = row.provider.clone();
    Intent { address: row.address.clone(), key: key.clone(), provider, ..crate::state_rows::intent("a.b") }
}
