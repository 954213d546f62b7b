//! ministack: an AWS emulator with different gaps from moto's: pending values, addons, engine versions work here.

use std::sync::OnceLock;

use super::python::PythonServer;

/// A ministack server of its own. Dropping it ends it.
pub struct Server(PythonServer);

impl Server {
    /// Starts a server on a free port of 127.0.0.1 and waits until it answers.
    pub fn start() -> Server {
        Server(PythonServer::start("ministack", &[], "/_ministack/health"))
    }

    /// One server for all tests of this process; a test that uses it takes names of its own and never resets it.
    pub fn shared() -> &'static Server {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Server::start)
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        self.0.url()
    }

    /// Forgets everything that was made.
    pub fn reset(&self) {
        self.0.post("/_ministack/reset");
    }
}
