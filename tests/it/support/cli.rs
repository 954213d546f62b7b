//! Runs the built command in a folder of its own, with an environment that holds nothing of the machine's.
//!
//! ```ignore
//! let stack = Stack::with("main.tf", "output \"a\" { value = 1 }");
//! let run = stack.terrane(["plan", "-no-color"]).run();
//! insta::assert_snapshot!(run.transcript());
//! ```

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::normalise::Normaliser;
use super::proxy::Call;

/// How long one command may take before the test fails.
const RUN_LIMIT: Duration = Duration::from_secs(300);

/// A temporary folder with the files of a stack, and a home folder that is not the user's.
pub struct Stack {
    root: tempfile::TempDir,
}

impl Stack {
    /// An empty stack.
    pub fn new() -> Stack {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(root.path().join("stack")).expect("a folder in a fresh folder");
        fs::create_dir(root.path().join("home")).expect("a folder in a fresh folder");
        Stack { root }
    }

    /// A stack of one file.
    pub fn with(name: &str, text: &str) -> Stack {
        let stack = Stack::new();
        stack.write(name, text);
        stack
    }

    /// A copy of a folder of the repository, such as `examples/three-tier`.
    pub fn copy_of(folder: &str) -> Stack {
        let stack = Stack::new();
        copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &stack.dir());
        stack
    }

    /// The folder that commands run in.
    pub fn dir(&self) -> PathBuf {
        self.root.path().join("stack")
    }

    /// The home folder that commands see.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Writes a file, making its folders.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.dir().join(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("folders can be made");
        fs::write(path, text).expect("the stack's folder is writable");
    }

    /// Reads a file; a missing one fails the test.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Whether a file is there.
    pub fn has(&self, name: &str) -> bool {
        self.dir().join(name).exists()
    }

    /// A command in the stack's folder, ready to run.
    pub fn terrane<I, A>(&self, arguments: I) -> Terrane
    where
        I: IntoIterator<Item = A>,
        A: AsRef<str>,
    {
        let arguments: Vec<String> = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_terrane"));
        command
            .args(&arguments)
            .current_dir(self.dir())
            .env_clear()
            .env("HOME", self.home())
            .env("TMPDIR", self.home())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("NO_COLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("RUST_BACKTRACE", "1")
            // The metadata service of a cloud machine would answer for credentials that a test left out.
            .env("AWS_EC2_METADATA_DISABLED", "true");
        Terrane { command, arguments, stdin: None, kill: KillSwitch::default(), root: self.root.path().to_owned() }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("folders can be made");
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries {
        let path = entry.expect("the folder is readable").path();
        let name = path.file_name().expect("an entry has a name");
        if path.is_dir() {
            copy_folder(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).expect("a file can be copied");
        }
    }
}

/// A command that has not run yet.
pub struct Terrane {
    command: Command,
    arguments: Vec<String>,
    stdin: Option<String>,
    kill: KillSwitch,
    root: PathBuf,
}

impl Terrane {
    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Points every AWS service at a test server, with credentials that it accepts. Such servers show at once what they
    /// have made.
    pub fn aws(self, url: &str, region: &str) -> Self {
        self.env("AWS_ENDPOINT_URL", url)
            .env("AWS_REGION", region)
            .env("TERRANE_SETTLE_TIME", "0s")
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
    }

    /// Runs in a folder below the stack's.
    pub fn within(mut self, folder: &str) -> Self {
        self.command.current_dir(self.root.join("stack").join(folder));
        self
    }

    /// What the command reads from its standard input; without it, the input is empty.
    pub fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// Lets `switch` end the command while it runs.
    pub fn kill_switch(mut self, switch: &KillSwitch) -> Self {
        self.kill = switch.clone();
        self
    }

    /// Runs the command to its end.
    pub fn run(self) -> Run {
        self.spawn().wait()
    }

    /// Starts the command and returns at once.
    pub fn spawn(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the built command starts");
        self.kill.arm(child.id());
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let stdout = drain(child.stdout.take().expect("stdout is piped"));
        let stderr = drain(child.stderr.take().expect("stderr is piped"));
        if let Some(text) = &self.stdin {
            // The command may end before it has read everything; its answer tells the test enough.
            let _ = stdin.write_all(text.as_bytes());
        }
        Running { child, kill: self.kill, stdout, stderr, arguments: self.arguments, root: self.root }
    }
}

/// A stack whose one object is made until a file is there, in a folder in which `begun` is there before.
pub const HELD: &str = "resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    \
     command = \"touch begun; while [ ! -e go ]; do sleep 0.05; done\"\n  }\n}\n";

/// An apply of [`HELD`] that is at work, with what it holds, until `go` is written.
pub fn held_apply(stack: &Stack) -> Running {
    let apply = stack.terrane(["apply", "-auto-approve", "-no-color"]).spawn();
    while !stack.has("begun") {
        std::thread::sleep(Duration::from_millis(20));
    }
    apply
}

/// What a command writes, as it comes.
struct Drain {
    bytes: Arc<(Mutex<Vec<u8>>, Condvar)>,
    thread: std::thread::JoinHandle<()>,
}

/// Reads a pipe to its end on a thread of its own, so that the command never blocks on a full pipe.
fn drain(mut pipe: impl Read + Send + 'static) -> Drain {
    let bytes = Arc::<(Mutex<Vec<u8>>, Condvar)>::default();
    let shared = Arc::clone(&bytes);
    let thread = std::thread::spawn(move || {
        let mut piece = [0; 4096];
        loop {
            let n = pipe.read(&mut piece).expect("a pipe of ours is readable");
            shared.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&piece[..n]);
            shared.1.notify_all();
            if n == 0 {
                return;
            }
        }
    });
    Drain { bytes, thread }
}

impl Drain {
    fn wait_for(&self, text: &str) {
        let deadline = Instant::now() + RUN_LIMIT;
        let mut bytes = self.bytes.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !String::from_utf8_lossy(&bytes).contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{text:?} was not written within {RUN_LIMIT:?}");
            bytes = self.bytes.1.wait_timeout(bytes, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn end(self) -> String {
        let text = Arc::clone(&self.bytes);
        self.thread.join().expect("reading does not panic");
        String::from_utf8_lossy(&text.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// A command under way. Dropping it kills it.
pub struct Running {
    child: Child,
    kill: KillSwitch,
    stdout: Drain,
    stderr: Drain,
    arguments: Vec<String>,
    root: PathBuf,
}

impl Running {
    /// Asks the command to stop, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.kill.signal("INT");
    }

    /// Ends the command at once, as a crash of the machine would.
    pub fn kill(&self) {
        self.kill.signal("KILL");
    }

    /// Waits until the command has written this to its standard error.
    pub fn wait_for_stderr(&self, text: &str) {
        self.stderr.wait_for(text);
    }

    /// Waits for the end of the command.
    pub fn wait(mut self) -> Run {
        let deadline = Instant::now() + RUN_LIMIT;
        let mut pause = Duration::from_millis(1);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the command is our child") {
                break status;
            }
            if Instant::now() > deadline {
                self.kill();
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        };
        self.kill.disarm();
        let timed_out = Instant::now() > deadline;
        let run = Run {
            status: status.code(),
            stdout: self.stdout.end(),
            stderr: self.stderr.end(),
            arguments: self.arguments,
            root: self.root,
        };
        assert!(!timed_out, "the command took more than {RUN_LIMIT:?}:\n{run}");
        run
    }
}

/// Ends a command from elsewhere: from a hook of the proxy, or from another thread.
#[derive(Clone, Default)]
pub struct KillSwitch {
    process: Arc<Mutex<Option<u32>>>,
}

impl KillSwitch {
    /// A hook for the proxy's `once_arrived` and `once_answered` that kills the command.
    pub fn hook(&self) -> impl Fn(&Call) + Send + Sync + 'static {
        let switch = self.clone();
        move |_| switch.signal("KILL")
    }

    /// A hook that interrupts the command, as Ctrl-C does.
    pub fn interrupt_hook(&self) -> impl Fn(&Call) + Send + Sync + 'static {
        let switch = self.clone();
        move |_| switch.signal("INT")
    }

    /// Sends a signal, such as `TERM`, to the command if it is under way.
    pub fn signal(&self, signal: &str) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = *process {
            // The shell's own `kill`: sending a signal from Rust takes unsafe code or a crate.
            let _ = Command::new("sh").args(["-c", &format!("kill -{signal} {id}")]).stderr(Stdio::null()).status();
        }
    }

    fn arm(&self, id: u32) {
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
    }

    fn disarm(&self) {
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What a command did.
#[derive(Debug)]
pub struct Run {
    /// The exit status; none when a signal ended the command.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    arguments: Vec<String>,
    root: PathBuf,
}

impl Run {
    /// Fails the test, with everything that the command said, unless it exited with this status.
    #[track_caller]
    pub fn expect_status(self, status: i32) -> Run {
        assert_eq!(self.status, Some(status), "{self}");
        self
    }

    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub fn success(self) -> Run {
        self.expect_status(0)
    }

    /// Fails the test unless a signal ended the command.
    #[track_caller]
    pub fn killed(self) -> Run {
        assert_eq!(self.status, None, "{self}");
        self
    }

    /// What stderr says, in one line however it was wrapped.
    pub fn said(&self) -> String {
        self.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The standard output, read as one JSON document.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is no JSON ({error}):\n{self}"))
    }

    /// The standard output, read as one JSON document a line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line} ({error}):\n{self}")))
            .collect()
    }

    /// Command, status, stdout and stderr in one text, without what differs from run to run: for snapshots.
    pub fn transcript(&self) -> String {
        self.transcript_with(&mut Normaliser::new())
    }

    /// As [`transcript`](Run::transcript), numbering ids on from the transcripts before.
    pub fn transcript_with(&self, normaliser: &mut Normaliser) -> String {
        normaliser.hide(&self.root.join("stack").to_string_lossy(), "[STACK]");
        normaliser.hide(&self.root.join("home").to_string_lossy(), "[HOME]");
        normaliser.text(&self.to_string())
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "$ terrane {}", self.arguments.join(" "))?;
        match self.status {
            Some(status) => writeln!(f, "status: {status}")?,
            None => writeln!(f, "status: ended by a signal")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "--- {name} ---\n{text}")?;
                if !text.ends_with('\n') {
                    writeln!(f, "⏎ no line end")?;
                }
            }
        }
        Ok(())
    }
}
