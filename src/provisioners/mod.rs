//! The provisioners, one file each, and the one that finds them by name.

mod file;
mod local_exec;
mod remote_exec;
mod ssh;

use async_trait::async_trait;

use crate::provider::{Job, ProvisionError, Provisioner};

/// Runs every provisioner of this build.
#[derive(Clone, Debug, Default)]
pub struct Provisioners {
    /// What `~` at the start of a path of this machine stands for.
    pub home_dir: Option<String>,
    /// The socket of the SSH agent, where one runs.
    pub ssh_agent: Option<String>,
}

#[async_trait]
impl Provisioner for Provisioners {
    async fn provision(&self, job: Job) -> Result<(), ProvisionError> {
        let cancel = job.cancel.clone();
        let work = async {
            match &*job.ty {
                "local-exec" => local_exec::run(&job).await,
                "remote-exec" => remote_exec::run(self, &job).await,
                "file" => file::run(self, &job).await,
                other => Err(ProvisionError::new(format!("there is no provisioner \"{other}\""))),
            }
        };
        tokio::select! {
            done = work => done,
            () = cancel.cancelled() => Err(ProvisionError::new("given up, because the run was aborted")),
        }
    }
}

impl Provisioners {
    /// A path of this machine.
    fn path(&self, written: &str) -> std::path::PathBuf {
        match (written.strip_prefix('~'), &self.home_dir) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}").into(),
            _ => written.into(),
        }
    }
}

/// What is said in the place of output that could show a secret.
const SUPPRESSED: &str = "(output suppressed due to sensitive value in config)";

/// Cuts a stream of bytes into lines and tells them; of secret ones only that there is something.
struct Lines<'j> {
    job: &'j Job,
    rest: Vec<u8>,
    /// The end of what was printed, for the message of a failure.
    tail: String,
    suppressed: bool,
}

/// Characters of output that a message of failure repeats at most.
const TAIL: usize = 4000;

impl<'j> Lines<'j> {
    fn new(job: &'j Job) -> Self {
        Lines { job, rest: Vec::new(), tail: String::new(), suppressed: false }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.line(&line);
        }
    }

    fn finish(mut self) -> String {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.line(&rest);
        }
        self.tail
    }

    fn line(&mut self, bytes: &[u8]) {
        if self.job.secret {
            if !std::mem::replace(&mut self.suppressed, true) {
                self.job.output.tell(SUPPRESSED);
            }
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches(['\r', '\n']);
        self.job.output.tell(text);
        self.tail.push_str(text);
        self.tail.push('\n');
        if self.tail.len() > 2 * TAIL {
            let mut from = self.tail.len() - TAIL;
            while !self.tail.is_char_boundary(from) {
                from += 1;
            }
            self.tail.drain(..from);
        }
    }
}

/// The text behind `what failed`, with the output where it may be shown.
fn failure(job: &Job, what: String, printed: &str) -> ProvisionError {
    match () {
        () if job.secret => ProvisionError::new(format!("{what}; its output is not shown, because it may be secret")),
        () if printed.trim().is_empty() => ProvisionError::new(format!("{what}; it printed nothing")),
        () => ProvisionError::new(format!("{what}; output:\n{}", printed.trim_end())),
    }
}
