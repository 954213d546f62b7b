//! A real OpenSSH server on 127.0.0.1, as the current user, with keys and settings of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const START_LIMIT: Duration = Duration::from_secs(20);

pub struct Sshd {
    folder: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Sshd {
    /// Starts a server that lets the owner of [`Sshd::private_key`] in, and waits until it answers.
    pub fn start() -> Sshd {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for key in ["host", "user"] {
            keygen(&folder.path().join(key), &["-t", "ed25519", "-N", "", "-C", key]);
        }
        let port = free_port();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             AllowTcpForwarding yes\nLogLevel ERROR\nMaxStartups 100\n",
            path("host"),
            path("user.pub"),
        );
        fs::write(folder.path().join("config"), config).expect("the folder is writable");
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/opt/homebrew/sbin/sshd"]
            .into_iter()
            .find(|p| Path::new(p).exists());
        let program = program.expect("an SSH server: apt-get install openssh-server, or what installs it here");
        // Only root needs it, and only root may make it.
        let _ = fs::create_dir_all("/run/sshd");
        let child = Command::new(program)
            .args(["-D", "-e", "-f", &path("config")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).expect("the folder is writable"))
            .spawn()
            .expect("sshd starts");
        let server = Sshd { folder, port, child };
        server.wait();
        server
    }

    fn wait(&self) {
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "sshd does not answer: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file of a key that may log in.
    pub fn private_key(&self) -> PathBuf {
        self.folder.path().join("user")
    }

    /// The server's public key, as `host_key` takes it.
    pub fn host_key(&self) -> String {
        fs::read_to_string(self.folder.path().join("host.pub")).expect("the key was made").trim().to_owned()
    }

    /// A key that the server does not know.
    pub fn other_key(&self) -> PathBuf {
        let path = self.folder.path().join("other");
        if !path.exists() {
            keygen(&path, &["-t", "ecdsa", "-N", ""]);
        }
        path
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An SSH agent that holds one key. Dropping it ends it.
pub struct Agent {
    socket: PathBuf,
    _folder: tempfile::TempDir,
    child: Child,
}

impl Agent {
    pub fn with(key: &Path) -> Agent {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = folder.path().join("agent");
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ssh-agent starts");
        let agent = Agent { socket, _folder: folder, child };
        let deadline = Instant::now() + START_LIMIT;
        let add = || {
            Command::new("ssh-add")
                .arg("-q")
                .arg(key)
                .env("SSH_AUTH_SOCK", agent.socket())
                .stderr(Stdio::null())
                .status()
        };
        while !add().expect("ssh-add runs").success() {
            assert!(Instant::now() < deadline, "the agent takes no key");
            std::thread::sleep(Duration::from_millis(20));
        }
        agent
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keygen(path: &Path, arguments: &[&str]) {
    let status = Command::new("ssh-keygen").arg("-q").arg("-f").arg(path).args(arguments).status();
    assert!(status.expect("ssh-keygen runs").success());
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}
