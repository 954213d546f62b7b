//! Runs one command as a child and tells its wall time, CPU time and greatest resident memory.
//!
//! The kernel tells resource use for all children of a process together, so each command runs below a process of its
//! own: this program started again with [`MEASURE`], whose only child the command is.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

/// The first argument of this program when it measures: what follows is where stderr goes, and the command.
pub const MEASURE: &str = "--measure";

/// What a command took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Usage {
    pub succeeded: bool,
    pub wall: Duration,
    /// User and system time of all threads.
    pub cpu: Duration,
    /// Greatest resident set, in bytes.
    pub memory: u64,
}

impl Usage {
    /// The median of each number. Of one run it is that run.
    pub fn median(runs: Vec<Usage>) -> Usage {
        fn middle<T: Ord + Copy>(runs: &[Usage], of: impl Fn(&Usage) -> T) -> Option<T> {
            let mut numbers: Vec<T> = runs.iter().map(of).collect();
            numbers.sort_unstable();
            numbers.get(numbers.len() / 2).copied()
        }
        Usage {
            succeeded: runs.iter().all(|run| run.succeeded),
            wall: middle(&runs, |run| run.wall).unwrap_or_default(),
            cpu: middle(&runs, |run| run.cpu).unwrap_or_default(),
            memory: middle(&runs, |run| run.memory).unwrap_or_default(),
        }
    }
}

/// Runs a command in a folder and measures it. The error is what the command said before it failed.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<Usage, String> {
    let log = folder.join("bench.log");
    let output = Command::new(std::env::current_exe().map_err(|error| error.to_string())?)
        .arg(MEASURE)
        .arg(&log)
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("TF_IN_AUTOMATION", "1")
        .env("CHECKPOINT_DISABLE", "1")
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| error.to_string())?;
    let usage: Usage = serde_json::from_slice(&output.stdout).map_err(|error| format!("no measurement: {error}"))?;
    if usage.succeeded {
        return Ok(usage);
    }
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    let tail: Vec<&str> = said.lines().rev().take(12).collect();
    Err(tail.into_iter().rev().collect::<Vec<_>>().join("\n"))
}

/// The measuring process: runs the command and prints its [`Usage`] as JSON.
pub fn measure(mut arguments: impl Iterator<Item = String>) -> io::Result<()> {
    let mut next = || arguments.next().ok_or_else(|| io::Error::other("no log file or no command"));
    let log = File::create(next()?)?;
    let mut command = Command::new(next()?);
    command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let started = Instant::now();
    let status = command.status()?;
    let wall = started.elapsed();
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let usage = Usage {
        succeeded: status.success(),
        wall,
        cpu: duration(used.user_time()) + duration(used.system_time()),
        memory: resident_bytes(used.max_rss()),
    };
    println!("{}", serde_json::to_string(&usage)?);
    Ok(())
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec()).unwrap_or_default())
}

/// Linux tells kibibytes, macOS bytes.
fn resident_bytes(told: i64) -> u64 {
    let told = u64::try_from(told).unwrap_or_default();
    if cfg!(target_os = "macos") { told } else { told * 1024 }
}
