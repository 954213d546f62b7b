//! `local-exec`: runs a command on this machine.

use std::io::Read;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::{Lines, failure};
use crate::provider::{Job, ProvisionError};

/// How long output is read on after the command has ended: what it left running in the background may hold the
/// pipe for ever.
const LINGER: Duration = Duration::from_secs(2);

pub async fn run(job: &Job) -> Result<(), ProvisionError> {
    let config = &job.config;
    let command = config.str("command").unwrap_or_default();
    if command.is_empty() {
        return Err(ProvisionError::new("the command is empty"));
    }
    let mut arguments = config.strings("interpreter");
    if arguments.is_empty() {
        let shell = if cfg!(windows) { ["cmd", "/C"] } else { ["/bin/sh", "-c"] };
        arguments.extend(shell.map(String::from));
    }
    arguments.push(command.to_string());
    announce(job, &arguments);
    let (program, rest) = arguments.split_first().ok_or_else(|| ProvisionError::new("the command is empty"))?;
    let mut process = Command::new(program);
    process.args(rest).envs(config.string_map("environment")).stdin(Stdio::null()).kill_on_drop(true);
    if let Some(folder) = config.str("working_dir").filter(|f| !f.is_empty()) {
        process.current_dir(folder);
    }
    let (status, printed) = follow(job, process).await.map_err(|error| {
        let named = if job.secret { "the command".to_string() } else { format!("\"{program}\"") };
        ProvisionError::new(format!("{named} could not be run: {error}"))
            .help("check that the interpreter is installed here, and that working_dir exists")
    })?;
    match status.success() {
        true => Ok(()),
        false if job.secret => Err(failure(job, format!("the command ended with {}", ending(status)), "")),
        false => Err(failure(job, format!("\"{command}\" ended with {}", ending(status)), &printed)),
    }
}

/// The line that says what is run, in the words that are established.
fn announce(job: &Job, arguments: &[String]) {
    if job.config.bool("quiet") == Some(true) {
        return job.output.tell("local-exec: Executing: Suppressed by quiet=true");
    }
    let quoted: Vec<String> = arguments.iter().map(|a| format!("{a:?}")).collect();
    if !job.secret {
        job.output.tell(&format!("Executing: [{}]", quoted.join(" ")));
    }
}

/// Runs the process and tells what it prints, both streams in the order in which they were written.
async fn follow(job: &Job, mut process: Command) -> std::io::Result<(ExitStatus, String)> {
    let (reader, writer) = std::io::pipe()?;
    process.stdout(writer.try_clone()?).stderr(writer);
    let mut child = process.spawn()?;
    // The command's ends of the pipe are its own from here on.
    drop(process);
    let mut output = read(reader);
    let mut lines = Lines::new(job);
    let status = loop {
        tokio::select! {
            biased;
            Some(bytes) = output.recv() => lines.push(&bytes),
            status = child.wait() => break status?,
        }
    };
    let rest = async {
        while let Some(bytes) = output.recv().await {
            lines.push(&bytes);
        }
    };
    // Where the pipe stays open, what was printed so far is all.
    let _open = tokio::time::timeout(LINGER, rest).await;
    Ok((status, lines.finish()))
}

/// Reads the pipe on a thread of its own, which ends with the last process that holds the other end.
fn read(mut pipe: std::io::PipeReader) -> UnboundedReceiver<Vec<u8>> {
    let (send, receive) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(n @ 1..) = pipe.read(&mut buffer) {
            let bytes = buffer.get(..n).unwrap_or_default().to_vec();
            if send.send(bytes).is_err() {
                return;
            }
        }
    });
    receive
}

fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit status {code}"),
        None => "a signal".to_string(),
    }
}
