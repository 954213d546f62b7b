//! Starts the Python test servers, waits until they answer, and ends them.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::wire;

/// How long a server may take until it answers; a loaded machine needs several seconds for the imports.
const START_LIMIT: Duration = Duration::from_secs(90);

/// A running server process. Dropping it ends the process.
pub struct PythonServer {
    child: Child,
    url: String,
}

impl PythonServer {
    /// Starts `kind` ("moto" or "ministack") with `env` and waits until `probe`, a path, is answered.
    pub fn start(kind: &str, env: &[(&str, &str)], probe: &str) -> PythonServer {
        let (mut server, log) = PythonServer::launch("serve.py", kind, env);
        server.wait_until_answering(kind, probe, log.path());
        server
    }

    /// Starts a server for states: "azurite", "gcs", "http" or "postgres". It answers when it has said its port.
    pub fn for_states(kind: &str) -> PythonServer {
        let (server, log) = PythonServer::launch("state_servers.py", kind, &[]);
        let said = std::fs::read_to_string(log.path()).unwrap_or_default();
        assert!(!server.url.ends_with(':'), "{kind} did not start; its log:\n{said}");
        server
    }

    fn launch(script: &str, kind: &str, env: &[(&str, &str)]) -> (PythonServer, tempfile::NamedTempFile) {
        let log = tempfile::NamedTempFile::new().expect("a temporary file for the server's log");
        let mut child = Command::new(python())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support").join(script))
            .arg(kind)
            .env_remove("AWS_PROFILE")
            .envs(env.iter().copied())
            // An open pipe that nobody writes to: it closes when this process ends, however it ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.reopen().expect("the log opens a second time"))
            .spawn()
            .expect("the test server's python starts");
        let mut port = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut port).expect("the server's stdout is readable");
        let url = format!("http://127.0.0.1:{}", port.trim());
        (PythonServer { child, url }, log)
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends `POST path` and panics unless the answer is a success.
    pub fn post(&self, path: &str) {
        let answer = wire::request("POST", &format!("{}{path}", self.url), &[], "").expect("the test server answers");
        assert!(answer.status.is_success(), "POST {path} gave {}: {}", answer.status, answer.text());
    }

    fn wait_until_answering(&mut self, kind: &str, probe: &str, log: &Path) {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let ended = self.child.try_wait().expect("the server is our child");
            if ended.is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                panic!("{kind} did not start ({ended:?}); its log:\n{log}");
            }
            if self.accepts() && wire::request("GET", &format!("{}{probe}", self.url), &[], "").is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn accepts(&self) -> bool {
        TcpStream::connect(self.url.trim_start_matches("http://")).is_ok()
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The interpreter of the virtual environment that holds the test servers.
pub fn python() -> PathBuf {
    let folder = match std::env::var_os("TERRANE_TEST_VENV") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/terrane/venv"),
    };
    let python = folder.join("bin/python");
    assert!(
        python.exists(),
        "no test servers at \"{}\": `make test` installs them (or set TERRANE_TEST_VENV to a virtual environment \
         with the packages of tests/requirements.txt)",
        folder.display()
    );
    python
}
