//! Where the suite runs: a place for states in each kind of backend, and machines that use it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use terrane::backends::{self, Backend, Configuration, Context, Unsent};
use terrane::model::Str;
use terrane::state::seal::Encryption;
use terrane::state::{
    Clock, Holder, Lease, LeaseRequest, Processes, Scope, StateError, Store, Surroundings, Workspace, lease::TERM,
};
use time::OffsetDateTime;
use time::macros::datetime;

use super::cut::Wire;
use crate::support::moto;
use crate::support::proxy::Proxy;
use crate::support::python::PythonServer;
use crate::support::wire;

/// A fresh place for states, and the way to it.
pub struct Bed {
    pub kind: &'static str,
    pub arguments: BTreeMap<String, Json>,
    pub way: Way,
    _folder: tempfile::TempDir,
}

/// What stands between the backend and its server.
pub enum Way {
    None,
    Http(Proxy),
    Wire(Wire),
}

impl Way {
    /// The server is gone.
    pub fn cut(&self) {
        match self {
            Way::None => panic!("a file is always there"),
            Way::Http(proxy) => proxy.on("*").refuse(),
            Way::Wire(wire) => wire.cut(),
        }
    }

    pub fn mend(&self) {
        match self {
            Way::None => (),
            Way::Http(proxy) => proxy.behave(),
            Way::Wire(wire) => wire.mend(),
        }
    }
}

fn unique() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn server(kind: &'static str, started: &'static OnceLock<PythonServer>) -> &'static str {
    started.get_or_init(|| PythonServer::for_states(kind)).url()
}

fn bed(kind: &'static str, arguments: Json, way: Way) -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let Json::Object(arguments) = arguments else { panic!("arguments have names") };
    Bed { kind, arguments: arguments.into_iter().collect(), way, _folder: folder }
}

/// A file of this machine.
pub fn local() -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db").to_string_lossy().into_owned();
    let others = folder.path().join("others").to_string_lossy().into_owned();
    Bed { _folder: folder, ..bed("local", json!({"path": path, "workspace_dir": others}), Way::None) }
}

/// Amazon S3, as moto plays it.
pub fn s3() -> Bed {
    static BUCKET: OnceLock<()> = OnceLock::new();
    let moto = moto::Server::shared();
    BUCKET.get_or_init(|| {
        let made = wire::request("PUT", &format!("{}/terrane-states", moto.url()), &[], "").unwrap();
        assert!(made.status.is_success(), "{}", made.text());
    });
    let proxy = Proxy::start(moto.url());
    let arguments = json!({
        "bucket": "terrane-states", "key": format!("suite/{}.tfstate", unique()), "region": "us-east-1",
        "access_key": "testing", "secret_key": "testing", "endpoints": {"s3": proxy.url()}, "use_path_style": true,
    });
    bed("s3", arguments, Way::Http(proxy))
}

/// Azure Blob Storage, as Azurite plays it.
pub fn azurerm() -> Bed {
    static AZURITE: OnceLock<PythonServer> = OnceLock::new();
    let proxy = Proxy::start(server("azurite", &AZURITE));
    let arguments = json!({
        "storage_account_name": "devstoreaccount1", "container_name": "states",
        "key": format!("suite/{}.tfstate", unique()),
        // The key that every Azurite has.
        "access_key": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        "blob_endpoint": format!("{}/devstoreaccount1", proxy.url()),
    });
    bed("azurerm", arguments, Way::Http(proxy))
}

/// Google Cloud Storage, as an emulator plays it that keeps objects but looks at no condition.
pub fn gcs() -> Bed {
    static STORAGE: OnceLock<PythonServer> = OnceLock::new();
    let proxy = Proxy::start(server("gcs", &STORAGE));
    let prefix = format!("suite/{}", unique());
    let arguments = json!({"bucket": "states", "prefix": prefix, "storage_custom_endpoint": proxy.url()});
    bed("gcs", arguments, Way::Http(proxy))
}

/// A server that speaks Terraform's HTTP protocol.
pub fn http() -> Bed {
    static STATES: OnceLock<PythonServer> = OnceLock::new();
    let proxy = Proxy::start(server("http", &STATES));
    let address = format!("{}/states/{}", proxy.url(), unique());
    let arguments = json!({
        "address": address, "lock_address": format!("{address}/lock"), "unlock_address": format!("{address}/lock"),
        "username": "ci", "password": "not-a-secret", "retry_max": 0,
    });
    bed("http", arguments, Way::Http(proxy))
}

/// PostgreSQL.
pub fn pg() -> Bed {
    static POSTGRES: OnceLock<PythonServer> = OnceLock::new();
    let port = server("postgres", &POSTGRES).rsplit(':').next().and_then(|p| p.parse().ok());
    let wire = Wire::to(port.expect("a url ends with a port"));
    let arguments = json!({
        "conn_str": format!("postgres://postgres@127.0.0.1:{}/postgres", wire.port()),
        "schema_name": format!("suite \"{}\"", unique()),
    });
    bed("pg", arguments, Way::Wire(wire))
}

impl Bed {
    /// The backend as one machine sees it, which keeps its own files in a folder.
    pub fn backend(&self, data_dir: &Path, around: Surroundings, unsent: Unsent) -> Arc<dyn Backend> {
        let registration = backends::find(self.kind).expect("the kind is registered");
        let (configuration, problems) = Configuration::read(registration, &self.arguments, &BTreeMap::new());
        assert!(!problems.has_errors(), "{problems:?}");
        let context = Context { around, unsent, ..Context::of(data_dir) };
        (registration.connect)(&configuration, &context).unwrap_or_else(|e| panic!("{}: {e}", self.kind))
    }

    /// The backend block that says the same.
    pub fn block(&self) -> String {
        let line = |(name, value): (&String, &Json)| format!("    {name} = {value}\n");
        let lines: String = self.arguments.iter().map(line).collect();
        format!("terraform {{\n  backend \"{}\" {{\n{lines}  }}\n}}\n", self.kind)
    }
}

/// A clock that moves when somebody says so, and is wrong by some time.
pub struct TestClock {
    right: Arc<Mutex<OffsetDateTime>>,
    wrong_by: time::Duration,
}

impl TestClock {
    pub fn pass(&self, duration: Duration) {
        *self.right.lock().unwrap() += duration;
    }

    fn right(&self) -> OffsetDateTime {
        *self.right.lock().unwrap()
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        self.right() + self.wrong_by
    }

    fn steady(&self) -> Duration {
        Duration::try_from(self.right() - OffsetDateTime::UNIX_EPOCH).unwrap()
    }

    fn of_server(&self, _told: OffsetDateTime) -> OffsetDateTime {
        self.right()
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(duration);
    }
}

/// Machines that cannot see each other's processes.
struct Elsewhere;

impl Processes for Elsewhere {
    fn machine(&self) -> Option<Str> {
        None
    }

    fn is_alive(&self, _pid: u32) -> bool {
        true
    }
}

/// A machine with its own folder; all of a test share a clock.
pub struct Machine<'b> {
    bed: &'b Bed,
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
}

impl<'b> Machine<'b> {
    pub fn new(bed: &'b Bed) -> Machine<'b> {
        let right = Arc::new(Mutex::new(datetime!(2026-01-02 03:04:05 UTC)));
        let clock = Arc::new(TestClock { right, wrong_by: time::Duration::ZERO });
        Machine { bed, folder: tempfile::tempdir().unwrap(), clock }
    }

    pub fn another(&self) -> Machine<'b> {
        Machine { bed: self.bed, folder: tempfile::tempdir().unwrap(), clock: self.clock.clone() }
    }

    /// A machine whose clock is wrong.
    pub fn wrong_by(&self, wrong_by: time::Duration) -> Machine<'b> {
        let clock = Arc::new(TestClock { right: self.clock.right.clone(), wrong_by });
        Machine { clock, ..self.another() }
    }

    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    pub fn backend(&self) -> Arc<dyn Backend> {
        self.backend_that(Unsent::Refuse)
    }

    pub fn backend_that(&self, unsent: Unsent) -> Arc<dyn Backend> {
        let around =
            Surroundings { clock: self.clock.clone(), processes: Arc::new(Elsewhere), ..Surroundings::default() };
        self.bed.backend(self.folder.path(), around, unsent)
    }

    /// The backend with states that are encrypted.
    pub fn sealed(&self, encryption: Encryption) -> Arc<dyn Backend> {
        let clock = self.clock.clone();
        let around = Surroundings { clock, processes: Arc::new(Elsewhere), encryption, ..Surroundings::default() };
        self.bed.backend(self.folder.path(), around, Unsent::Refuse)
    }

    /// Where its own files lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The files in which commits wait to be sent.
    pub fn journals(&self) -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let files = std::fs::read_dir(self.folder.path().join("unsent")).into_iter().flatten().flatten();
        files.map(|file| (file.path(), std::fs::read(file.path()).unwrap())).collect()
    }

    /// All bytes of the files in the machine's folder.
    pub fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path().join("unsent")).into_iter().flatten().flatten();
        files.flat_map(|file| std::fs::read(file.path()).unwrap_or_default()).collect()
    }

    pub fn open(&self) -> Arc<dyn Store> {
        self.backend().open(&Workspace::default()).unwrap()
    }

    /// Takes away the lock of a run that is gone, where it does not end by itself.
    pub fn free(&self) {
        if self.bed.kind == "http" {
            let store = self.open();
            for lease in store.leases().wait().unwrap() {
                store.force_unlock(lease.id).wait().unwrap();
            }
        }
    }

    /// The files that were left in the machine's folder.
    pub fn leftovers(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("unsent")).map_or(0, Iterator::count)
    }
}

pub fn take(store: &dyn Store, who: &str) -> Result<Lease, StateError> {
    take_rows(store, who, Scope::Whole)
}

pub fn take_rows(store: &dyn Store, who: &str, scope: Scope) -> Result<Lease, StateError> {
    let holder = Holder { who: who.into(), host: "build-7".into(), machine: None, pid: 7 };
    let request = LeaseRequest { holder, operation: "apply".into(), scope, term: TERM };
    store.try_acquire(request).wait().map(|acquired| acquired.lease)
}

/// Longer than any lease.
pub const LONG: Duration = Duration::from_secs(3600);
