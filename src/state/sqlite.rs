//! The embedded store: an SQLite file, and one thread that owns the connection.
//!
//! The thread takes all commits that are waiting into one transaction, which reaches the disk once, and then answers
//! all of them. A commit that is refused does not touch the others of its group.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::backup::Backup;
use super::file::Place;
use super::lease_table::{self, Held};
use super::load::Loading;
use super::seal::{Encryption, Keyring};
use super::write::{self, Interned, WriteError, Writing};
use super::{
    Acquired, Answer, Change, Generation, Intent, Lease, LeaseRequest, Past, Run, Scope, Snapshot, StateError, Store,
    Surroundings, file, history, load, reseal,
};
use crate::model::{KillPoint, Str};

type Reply<T> = oneshot::Sender<Result<T, StateError>>;

/// A state file that is open for writing. Dropping it waits for what is under way and gives up the lock.
pub struct SqliteStore {
    path: PathBuf,
    work: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    transactions: Arc<AtomicU64>,
}

enum Work {
    Commit(Vec<Change>, Reply<()>),
    Call(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// The most commits that share a transaction: more would make the first wait too long.
const GROUP: usize = 4096;

/// Reads a state without opening it for writing; nothing where there is no file.
pub fn read_snapshot(path: &Path) -> Result<Option<Snapshot>, StateError> {
    read_snapshot_with(path, &Encryption::default())
}

/// The same for a state that may be encrypted.
pub fn read_snapshot_with(path: &Path, encryption: &Encryption) -> Result<Option<Snapshot>, StateError> {
    let keys = Keyring::new(encryption.clone());
    file::open_to_read(path)?.map(|conn| load::snapshot(&conn, path, &keys)).transpose()
}

impl SqliteStore {
    /// Opens a state, creating it and its folder where there is none.
    pub fn open(path: &Path, around: Surroundings) -> Result<SqliteStore, StateError> {
        let (conn, place) = file::open_in_place(path)?;
        if around.encryption.is_on() {
            // What was written in clear must not stay behind in free pages.
            conn.pragma_update(None, "secure_delete", "ON").map_err(|e| StateError::from_sqlite(path, &e))?;
        }
        let backup = Backup::attach(&conn, path).map_err(|e| StateError::from_sqlite(path, &e))?;
        SqliteStore::start(conn, place, backup, path, around)
    }

    /// Opens a state that is only looked at: no file is made or changed, and every commit is refused.
    pub fn look(path: &Path, around: Surroundings) -> Result<SqliteStore, StateError> {
        let (conn, place) = file::open_to_look(path)?;
        SqliteStore::start(conn, place, Backup::untouched(path), path, around)
    }

    fn start(
        conn: Connection,
        place: Place,
        backup: Backup,
        path: &Path,
        around: Surroundings,
    ) -> Result<SqliteStore, StateError> {
        let transactions = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            conn,
            place,
            backup,
            path: path.to_path_buf(),
            keys: Keyring::new(around.encryption.clone()),
            run: None,
            around,
            interned: Interned::default(),
            held: None,
            serial_is_new: false,
            read: None,
            transactions: transactions.clone(),
        };
        let (work, waiting) = channel();
        let thread = std::thread::Builder::new().name("state".into()).spawn(move || writer.run(&waiting));
        let thread = thread.map_err(|e| StateError::from_io(path, &e))?;
        Ok(SqliteStore { path: path.to_path_buf(), work: Some(work), thread: Some(thread), transactions })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many transactions with changes were committed: how well the commits share them.
    pub fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    fn send(&self, work: Work) {
        // Where the writer has stopped, the reply is dropped with the work, which is the answer.
        let _ = self.work.as_ref().map(|to| to.send(work));
    }

    fn call<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Writer) -> Result<T, StateError> + Send + 'static,
    ) -> Answer<T> {
        let (reply, answer) = Answer::channel(self.path.clone());
        self.send(Work::Call(Box::new(move |writer| {
            // Nobody waits any more: fine.
            let _ = reply.send(run(writer));
        })));
        answer
    }
}

impl Store for SqliteStore {
    fn snapshot(&self) -> Answer<Snapshot> {
        self.call(Writer::snapshot)
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<()> {
        let (reply, answer) = Answer::channel(self.path.clone());
        self.send(Work::Commit(changes, reply));
        answer
    }

    fn open_intents(&self) -> Answer<Vec<Intent>> {
        self.call(|w| {
            let others = lease_table::at_work(&w.conn, w.held.as_ref(), &w.around);
            let others = others.map_err(|e| StateError::from_sqlite(&w.path, &e))?;
            load::intents(&w.loading(), &others)
        })
    }

    fn try_acquire(&self, request: LeaseRequest) -> Answer<Acquired> {
        self.call(|w| w.acquire(request))
    }

    fn renew(&self, term: Duration) -> Answer<Lease> {
        self.call(move |w| w.renew(term))
    }

    fn release(&self) -> Answer<()> {
        self.call(Writer::release)
    }

    fn leases(&self) -> Answer<Vec<Lease>> {
        self.call(|w| lease_table::all(&w.conn).map_err(|e| StateError::from_sqlite(&w.path, &e)))
    }

    fn force_unlock(&self, id: Str) -> Answer<Lease> {
        self.call(move |w| w.in_transaction(|conn, path| lease_table::force_unlock(conn, path, &id)))
    }

    fn flush(&self) -> Answer<()> {
        self.call(|_| Ok(()))
    }

    fn sealing_is_due(&self) -> Answer<bool> {
        self.call(Writer::sealing_is_due)
    }

    fn generations(&self) -> Answer<Vec<Generation>> {
        self.call(|w| history::list(&w.loading()))
    }

    fn past(&self, serial: u64) -> Answer<Option<Past>> {
        self.call(move |w| history::past(&w.loading(), serial))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the writer was told to whoever waited for it.
            let _ = thread.join();
        }
    }
}

struct Writer {
    conn: Connection,
    place: Place,
    backup: Backup,
    path: PathBuf,
    around: Surroundings,
    keys: Keyring,
    /// What the next generation is made from.
    run: Option<Arc<Run>>,
    interned: Interned,
    held: Option<Held>,
    /// Whether the serial was raised since the state was opened.
    serial_is_new: bool,
    /// What was read last, and the file's version then, until this writer changes something.
    read: Option<(i64, Snapshot)>,
    transactions: Arc<AtomicU64>,
}

impl Writer {
    fn run(mut self, waiting: &Receiver<Work>) {
        let mut next = waiting.recv().ok();
        while let Some(work) = next.take() {
            match work {
                Work::Call(run) => run(&mut self),
                Work::Commit(changes, reply) => {
                    let mut group = vec![(changes, reply)];
                    while group.len() < GROUP {
                        match waiting.try_recv() {
                            Ok(Work::Commit(changes, reply)) => group.push((changes, reply)),
                            Ok(other) => {
                                next = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.commit(group);
                }
            }
            next = next.or_else(|| waiting.recv().ok());
        }
        // A lock that cannot be given up now is taken over when the process is gone.
        let _ = self.release();
    }

    /// Everything that is committed. What nobody has written since is not read twice.
    fn snapshot(&mut self) -> Result<Snapshot, StateError> {
        // SQLite gives another number once another connection has committed.
        let version = self.conn.query_row("PRAGMA data_version", [], |r| r.get(0));
        let version: i64 = version.map_err(|e| StateError::from_sqlite(&self.path, &e))?;
        if let Some((_, snapshot)) = self.read.as_ref().filter(|(then, _)| *then == version) {
            return Ok(snapshot.clone());
        }
        let snapshot = load::snapshot(&self.conn, &self.path, &self.keys)?;
        self.read = Some((version, snapshot.clone()));
        Ok(snapshot)
    }

    fn loading(&self) -> Loading<'_> {
        Loading { path: &self.path, conn: &self.conn, keys: &self.keys }
    }

    fn commit(&mut self, group: Vec<(Vec<Change>, Reply<()>)>) {
        let (changes, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let results = match self.write(&changes) {
            Ok(results) => results,
            Err(error) => {
                self.interned = Interned::default();
                self.keys.forget();
                let told = error.told(&self.path);
                changes.iter().map(|_| Err(told.clone())).collect()
            }
        };
        for (reply, result) in replies.into_iter().zip(results) {
            // Nobody waits any more: the changes are made all the same.
            let _ = reply.send(result);
        }
    }

    /// One transaction for all; the inner results are those of each.
    fn write(&mut self, group: &[Vec<Change>]) -> Result<Vec<Result<(), StateError>>, WriteError> {
        for change in group.iter().flatten() {
            if let Change::Describe(run) = change {
                self.run = Some(run.clone());
            }
        }
        let mut described = group.iter().flatten().map(|change| matches!(change, Change::Describe(_))).peekable();
        if described.peek().is_some() && described.all(|d| d) {
            return Ok(group.iter().map(|_| Ok(())).collect());
        }
        self.read = None;
        let mut tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.place.check(&self.path)?;
        if let Some(held) = &self.held {
            lease_table::check(&tx, &self.path, held)?;
        }
        self.backup.begin(&tx);
        self.keys.prepare(&tx, &self.path)?;
        let mut writing = Writing {
            path: &self.path,
            serial: write::meta_number(&tx, &self.path, "serial")?,
            token: self.held.as_ref().map_or(0, |h| h.token),
            interned: &mut self.interned,
            keys: &mut self.keys,
            who: self.held.as_ref().map_or(("", ""), |h| (&*h.who, &*h.operation)),
            now: self.around.clock.now(),
            run: self.run.clone(),
            kept: self.around.generations,
        };
        // What a run that is at work writes and reads must not change its key under its hands.
        let alone = || lease_table::at_work(&tx, self.held.as_ref(), &self.around).map(|others| others.is_empty());
        let sealed_anew = reseal::is_due(&tx, writing.keys)? && alone()?;
        if sealed_anew {
            reseal::all(&tx, &mut writing)?;
            writing.token = self.held.as_ref().map_or(0, |h| h.token);
        }
        let all = || group.iter().flatten();
        let sets_serial = all().any(|c| matches!(c, Change::BumpSerial | Change::Replace(_)));
        let mut serial_is_new = self.serial_is_new || sets_serial;
        if !serial_is_new && all().any(Change::is_content) {
            writing.apply(&tx, &[Change::BumpSerial])?;
            serial_is_new = true;
        }
        write::set_meta(&tx, "written_by", env!("CARGO_PKG_VERSION"))?;
        let mut results = Vec::with_capacity(group.len());
        for changes in group {
            let before = writing.serial;
            let part = tx.savepoint()?;
            let result = writing.apply(&part, changes);
            match result {
                Ok(()) => part.commit()?,
                Err(ref refused @ WriteError::Refused(_)) => {
                    drop(part);
                    writing.serial = before;
                    *writing.interned = Interned::default();
                    results.push(Err(refused.told(writing.path)));
                    continue;
                }
                // The disk is full, or worse: SQLite may have given up the whole transaction.
                Err(error) => return Err(error),
            }
            results.push(Ok(()));
        }
        commit(tx, &mut self.backup)?;
        if serial_is_new {
            self.run = None;
        }
        self.serial_is_new = serial_is_new;
        self.transactions.fetch_add(1, Ordering::Relaxed);
        if sealed_anew {
            self.forget_old_pages();
        }
        Ok(results)
    }

    /// What was sealed otherwise, or not at all, is gone from the file and its log. Where there is no room for that now,
    /// it is overwritten in time.
    fn forget_old_pages(&mut self) {
        let _ = self.conn.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
        self.backup.forget();
        let written = self.in_transaction(|_, _| Ok(()));
        tracing::debug!(error = written.err().map(tracing::field::display), "the backup is written anew");
    }

    /// A key that is made for this is written with the first commit only.
    fn sealing_is_due(&mut self) -> Result<bool, StateError> {
        let with = "SELECT value FROM meta WHERE name = 'sealed_with'";
        let with: Option<String> = self.conn.query_row(with, [], |r| r.get(0)).optional().unwrap_or_default();
        let plain = with.unwrap_or_default().is_empty();
        if plain || !self.around.encryption.is_on() {
            return Ok(plain == self.around.encryption.is_on());
        }
        let tx = self.conn.unchecked_transaction().map_err(|e| StateError::from_sqlite(&self.path, &e))?;
        let due = self.keys.prepare(&tx, &self.path).and_then(|()| reseal::is_due(&tx, &self.keys));
        drop(tx);
        self.keys.forget();
        due.map_err(|e| e.told(&self.path))
    }

    /// Seals everything as it is to be sealed, where it is not.
    fn seal(&mut self) -> Result<(), StateError> {
        if !self.sealing_is_due()? {
            return Ok(());
        }
        self.write(&[vec![]]).map(drop).map_err(|e| {
            self.keys.forget();
            e.told(&self.path)
        })
    }

    fn acquire(&mut self, mut request: LeaseRequest) -> Result<Acquired, StateError> {
        let around = self.around.clone();
        if self.sealing_is_due()? {
            request.scope = Scope::Whole;
        }
        let acquired = self.in_transaction(|conn, path| lease_table::acquire(conn, path, request, &around))?;
        let token = i64::try_from(acquired.lease.token).unwrap_or(i64::MAX);
        self.held = Some(Held {
            id: acquired.lease.id.clone(),
            token,
            who: acquired.lease.holder.who.clone(),
            operation: acquired.lease.operation.clone(),
        });
        // What others wrote before is of another run.
        self.serial_is_new = false;
        if let Err(error) = self.seal() {
            // Whoever cannot write the state has no use for its lock.
            self.release()?;
            return Err(error);
        }
        Ok(acquired)
    }

    fn renew(&mut self, term: Duration) -> Result<Lease, StateError> {
        let expires = self.around.clock.now() + term;
        let Some(held) = self.held.clone() else {
            return Err(StateError::NoSuchLock { path: self.path.clone(), id: String::new(), held: None });
        };
        self.in_transaction(|conn, path| lease_table::renew(conn, path, &held, expires))
    }

    fn release(&mut self) -> Result<(), StateError> {
        let Some(held) = self.held.clone() else { return Ok(()) };
        self.in_transaction(|conn, _| lease_table::release(conn, &held))?;
        self.backup.sync();
        self.held = None;
        Ok(())
    }

    fn in_transaction<T>(
        &mut self,
        run: impl FnOnce(&Connection, &Path) -> Result<T, WriteError>,
    ) -> Result<T, StateError> {
        let (path, place) = (self.path.clone(), self.place.clone());
        let once = |conn: &mut Connection, backup: &mut Backup| -> Result<T, WriteError> {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            place.check(&path)?;
            backup.begin(&tx);
            let done = run(&tx, &path)?;
            commit(tx, backup)?;
            Ok(done)
        };
        once(&mut self.conn, &mut self.backup).map_err(|e| e.told(&self.path))
    }
}

/// Commits a transaction, and has the backup follow.
fn commit(tx: Transaction<'_>, backup: &mut Backup) -> rusqlite::Result<()> {
    let announced = backup.announce(&tx)?;
    KillPoint::CommitReady.here();
    match tx.commit() {
        Ok(()) => {
            KillPoint::Committed.here();
            backup.confirm(announced);
        }
        Err(error) => {
            backup.doubt();
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Type, Value};
    use crate::state::{StoredInstance, StoredProvider};

    fn row(n: usize, text: &str) -> Change {
        let object = Value::object([("x", Value::string(text))]);
        let provider = Arc::new(StoredProvider::of_source("p/q/r"));
        let address = Address::parse(&format!("a.b[{n}]")).unwrap();
        Change::Put(Arc::new(StoredInstance::new(address, provider, &object, &Type::object([("x", Type::String)]))))
    }

    #[test]
    fn a_full_disk_fails_the_commit_and_keeps_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let store = SqliteStore::open(&path, Surroundings::default()).unwrap();
        store.commit(vec![row(0, "kept")]).wait().unwrap();
        let full = |pages: i64| {
            store
                .call(move |w| {
                    w.conn
                        .pragma_update(None, "max_page_count", pages)
                        .map_err(|e| StateError::from_sqlite(&w.path, &e))
                })
                .wait()
        };
        // SQLite answers as it does on a full disk when the file may not grow.
        full(1).unwrap();
        let large = (1..500).map(|n| store.commit(vec![row(n, &"x".repeat(1000))])).collect::<Vec<_>>();
        let results: Vec<_> = large.into_iter().map(Answer::wait).collect();
        let stored = results.iter().filter(|r| r.is_ok()).count();
        assert!(stored < results.len());
        assert!(results.iter().all(|r| matches!(r, Ok(()) | Err(StateError::DiskFull { .. }))), "{results:?}");
        let snapshot = store.snapshot().wait().unwrap();
        assert!(snapshot.rows().len() > stored, "what was acknowledged is there, and what was there before");
        full(1_000_000).unwrap();
        store.commit(vec![row(1000, &"x".repeat(1000))]).wait().unwrap();
        let rows = store.snapshot().wait().unwrap();
        assert_eq!(rows.rows().len(), stored + 2);
        assert_eq!(&*rows.rows()[0].attributes, "{\"x\":\"kept\"}");
    }

    #[test]
    fn a_writer_that_stopped_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("state.db"), Surroundings::default()).unwrap();
        let answer = store.call(|_| -> Result<(), StateError> { panic!("a defect of the writer") });
        assert!(matches!(answer.wait(), Err(StateError::WriterStopped { .. })));
        assert!(matches!(store.commit(vec![row(0, "x")]).wait(), Err(StateError::WriterStopped { .. })));
    }
}
