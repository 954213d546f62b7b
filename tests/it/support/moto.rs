//! moto: an AWS emulator with strict request validation and everything active at once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::proxy::Proxy;
use super::python::PythonServer;

/// Regions in which moto knows at least two zones.
const REGIONS: &[&str] = &[
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-east-1",
    "me-south-1",
    "af-south-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "mx-central-1",
    "us-east-1",
];

/// A moto server of its own. Dropping it ends it.
pub struct Server {
    python: PythonServer,
    /// How many of the regions were given away.
    taken: AtomicUsize,
}

impl Server {
    /// Starts a server on a free port of 127.0.0.1, AWS managed policies included, and waits until it answers.
    pub fn start() -> Server {
        let python = PythonServer::start("moto", &[("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")], "/moto-api/");
        Server { python, taken: AtomicUsize::new(0) }
    }

    /// One server for all tests of this process.
    ///
    /// Tests run side by side, so one that uses it takes a [`region`](Server::region) of its own and never
    /// [`reset`](Server::reset)s. IAM and S3 know no regions there: use names of your own.
    pub fn shared() -> &'static Server {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Server::start)
    }

    /// A region of this server that no other test of this process has been given.
    pub fn region(&self) -> &'static str {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        REGIONS.get(taken).copied().expect("all regions of the server are taken: start a server of your own")
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        self.python.url()
    }

    /// A proxy before this server.
    pub fn proxy(&self) -> Proxy {
        Proxy::start(self.url())
    }

    /// Forgets everything that was made, in all regions.
    pub fn reset(&self) {
        self.python.post("/moto-api/reset");
    }

    /// Makes the ids that follow the same in each run.
    pub fn seed(&self, seed: u32) {
        self.python.post(&format!("/moto-api/seed?a={seed}"));
    }
}
