//! The file that the sandbox lives in: SQLite, with one writer that commits many calls at once.
//!
//! Calls that write are queued; the writer takes all that wait into one transaction and answers them when it is
//! committed. A call that was answered has survived: it is in the write-ahead log, which outlives the process.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::cover::{self, Covered};
use crate::provider::{ErrorKind, ProviderError};

/// `objects.key` is the idempotency key of the create; `parent` is `type/id` of the object that it goes with.
/// `handles` are the texts by which others may refer to an object: id, ARN, name.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS objects (
        type TEXT NOT NULL, scope TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL,
        parent TEXT NOT NULL, ready_at INTEGER NOT NULL, body TEXT NOT NULL);
    CREATE UNIQUE INDEX IF NOT EXISTS objects_id ON objects (type, id, scope);
    CREATE INDEX IF NOT EXISTS objects_key ON objects (key) WHERE key <> '';
    CREATE INDEX IF NOT EXISTS objects_parent ON objects (parent) WHERE parent <> '';
    CREATE TABLE IF NOT EXISTS handles (
        type TEXT NOT NULL, handle TEXT NOT NULL, scope TEXT NOT NULL, id TEXT NOT NULL,
        PRIMARY KEY (type, handle, scope, id)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS handles_id ON handles (type, id, scope);
    CREATE TABLE IF NOT EXISTS refs (
        from_type TEXT NOT NULL, from_scope TEXT NOT NULL, from_id TEXT NOT NULL,
        to_type TEXT NOT NULL, to_scope TEXT NOT NULL, to_id TEXT NOT NULL, holds INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS refs_from ON refs (from_type, from_id, from_scope);
    CREATE INDEX IF NOT EXISTS refs_to ON refs (to_type, to_id, to_scope, holds);
    CREATE TABLE IF NOT EXISTS uniques (
        type TEXT NOT NULL, scope TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
        PRIMARY KEY (type, scope, value)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS uniques_id ON uniques (type, id, scope);
    CREATE TABLE IF NOT EXISTS ranges (
        type TEXT NOT NULL, scope TEXT NOT NULL, parent TEXT NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, id TEXT NOT NULL,
        PRIMARY KEY (type, scope, parent, first)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS ranges_id ON ranges (type, id, scope);
    CREATE TABLE IF NOT EXISTS sealing (key BLOB NOT NULL);
    PRAGMA user_version = 1;";

/// So many calls go into one commit at most.
const BATCH: usize = 1024;

type Answer = Box<dyn FnOnce(Result<(), ProviderError>) + Send>;
type Job = Box<dyn FnOnce(&Connection) -> Answer + Send>;

/// Dropping it waits for the calls that are under way.
pub struct Store {
    path: PathBuf,
    jobs: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    readers: Arc<Mutex<Vec<Connection>>>,
}

impl Store {
    /// Opens the file, or makes it.
    pub fn open(path: &Path) -> Result<Store, ProviderError> {
        let connection = connect(path).and_then(|c| c.execute_batch(TABLES).map(|()| c));
        let connection = connection.map_err(|e| broken(&e).operation(format!("open {}", path.display())))?;
        keep_private(path);
        let (jobs, queue) = channel();
        let writer = std::thread::Builder::new().name("sandbox".to_string());
        let writer = writer
            .spawn(move || serve(connection, &queue))
            .map_err(|e| ProviderError::new(ErrorKind::Other, format!("the sandbox cannot start: {e}")))?;
        Ok(Store { path: path.to_path_buf(), jobs: Some(jobs), writer: Some(writer), readers: Arc::default() })
    }

    /// The key that the file is sealed with, itself sealed.
    pub fn sealed_key(&self) -> Result<Option<Vec<u8>>, ProviderError> {
        connect(&self.path).and_then(|c| cover::sealed_key(&c)).map_err(|e| broken(&e))
    }

    /// Seals the file from here on, and what is in it so far, unless its key is not the known one any more.
    pub fn cover(&self, known: Option<&[u8]>, key: &[u8], covered: &Covered) -> Result<bool, ProviderError> {
        let mut connection = connect(&self.path).map_err(|e| broken(&e))?;
        cover::cover(&mut connection, known, key, covered)
    }

    /// Runs the call in the writer's transaction; answers when it is committed. A call that fails leaves nothing.
    pub async fn write<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> Result<T, ProviderError> + Send + 'static,
    ) -> Result<T, ProviderError> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = in_savepoint(connection, call);
            Box::new(move |committed| {
                // Nobody listens any more when the call was given up.
                let _ = tell.send(committed.and(result));
            })
        });
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(job).map_err(|_| stopped())?;
        told.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Runs the call on a connection that only reads, beside the writer.
    pub async fn read<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> Result<T, ProviderError> + Send + 'static,
    ) -> Result<T, ProviderError> {
        let (path, readers) = (self.path.clone(), self.readers.clone());
        let work = move || {
            let kept = readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = kept.map_or_else(|| connect(&path).map_err(|e| broken(&e)), Ok)?;
            let result = call(&connection);
            readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the writer was told to whoever waited for it.
            let _ = writer.join();
        }
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// The file holds what a cloud would hold, passwords included.
fn keep_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A file of another owner is usable all the same.
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn serve(mut connection: Connection, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut answers = Vec::new();
        let committed = (|| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            answers.push(first(&transaction));
            while answers.len() < BATCH
                && let Ok(job) = queue.try_recv()
            {
                answers.push(job(&transaction));
            }
            transaction.commit()
        })()
        .map_err(|e: rusqlite::Error| broken(&e));
        for answer in answers {
            answer(committed.clone());
        }
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    call: impl FnOnce(&Connection) -> Result<T, ProviderError>,
) -> Result<T, ProviderError> {
    let run = |sql: &str| connection.prepare_cached(sql).and_then(|mut s| s.execute([])).map_err(|e| broken(&e));
    run("SAVEPOINT call")?;
    match call(connection) {
        Ok(value) => run("RELEASE call").map(|_| value),
        Err(error) => {
            run("ROLLBACK TO call")?;
            run("RELEASE call")?;
            Err(error)
        }
    }
}

/// What the file's own errors become.
pub fn broken(error: &rusqlite::Error) -> ProviderError {
    ProviderError::new(ErrorKind::Other, format!("the file of the sandbox: {error}"))
        .help("when the file is damaged, delete it: the sandbox starts empty")
}

fn stopped() -> ProviderError {
    ProviderError::new(ErrorKind::Other, "the sandbox has stopped")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failed_calls_leave_nothing_and_answered_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cloud.db");
        let insert = "INSERT INTO handles VALUES ('t', ?1, '', 'x')";
        let store = Store::open(&path).unwrap();
        let put = |name: &'static str, fail: bool| {
            store.write(move |c| {
                c.execute(insert, [name]).map_err(|e| broken(&e))?;
                if fail { Err(ProviderError::invalid("no")) } else { Ok(()) }
            })
        };
        let (a, b, c) = tokio::join!(put("a", false), put("b", true), put("c", false));
        assert!(a.is_ok() && b.is_err() && c.is_ok());
        // Another process sees what was answered, while this one still runs.
        let other = Store::open(&path).unwrap();
        let names = other.read(|c| {
            let mut s = c.prepare("SELECT handle FROM handles ORDER BY 1").map_err(|e| broken(&e))?;
            let rows = s.query_map([], |r| r.get::<_, String>(0)).map_err(|e| broken(&e))?;
            rows.collect::<Result<Vec<_>, _>>().map_err(|e| broken(&e))
        });
        assert_eq!(names.await.unwrap(), ["a", "c"]);
    }
}
