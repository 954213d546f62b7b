//! What the state must know of its surroundings: the time, whether a process still runs, and what was asked for. Tests
//! bring their own.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::seal::Encryption;
use crate::model::Str;

#[async_trait]
pub trait Clock: Send + Sync {
    fn now(&self) -> OffsetDateTime;

    /// How long the machine has been up: nobody sets this clock, and it goes on while the machine is suspended.
    fn steady(&self) -> Duration {
        Duration::try_from(self.now() - OffsetDateTime::UNIX_EPOCH).unwrap_or_default()
    }

    /// What a server's clock says, where that keeps the state and tells the time.
    fn of_server(&self, told: OffsetDateTime) -> OffsetDateTime {
        told
    }

    async fn sleep(&self, duration: Duration);
}

pub trait Processes: Send + Sync {
    /// Names the set of processes whose ids mean something here: it changes with the machine, its boot and the
    /// container. Nothing where that cannot be known.
    fn machine(&self) -> Option<Str>;
    /// Whether a process of this machine runs; true where that cannot be known.
    fn is_alive(&self, pid: u32) -> bool;
}

#[derive(Clone)]
pub struct Surroundings {
    pub clock: Arc<dyn Clock>,
    pub processes: Arc<dyn Processes>,
    /// How the state is encrypted.
    pub encryption: Encryption,
    /// How many earlier generations are kept.
    pub generations: u64,
}

impl Default for Surroundings {
    fn default() -> Self {
        Surroundings {
            clock: Arc::new(SystemClock),
            processes: Arc::new(SystemProcesses),
            encryption: Encryption::default(),
            generations: super::history::KEPT,
        }
    }
}

pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn steady(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        let uptime = std::fs::read_to_string("/proc/uptime").ok();
        let seconds = uptime.and_then(|text| text.split_whitespace().next()?.parse().ok());
        // Elsewhere the time that a machine was suspended may be missing.
        seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()).unwrap_or_else(|| BEGAN.elapsed())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

pub struct SystemProcesses;

impl SystemProcesses {
    /// The name that this machine has for people.
    pub fn host_name() -> String {
        #[cfg(unix)]
        return rustix::system::uname().nodename().to_string_lossy().into_owned();
        #[cfg(not(unix))]
        return "this machine".to_string();
    }
}

impl Processes for SystemProcesses {
    /// Equal host names are not enough: containers may share one and still not see each other's processes.
    fn machine(&self) -> Option<Str> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
        Some(format!("{} {}", boot.trim(), namespace.display()).into())
    }

    fn is_alive(&self, pid: u32) -> bool {
        #[cfg(unix)]
        {
            if is_zombie(pid) {
                return false;
            }
            let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
            // Any other error, such as a lack of permission, is about a process that is there.
            rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
        }
        #[cfg(not(unix))]
        {
            let _ = pid;
            true
        }
    }
}

/// Whether a process has ended and only its parent has not noticed: a container whose first process reaps no others
/// keeps such for ever. False where that cannot be known.
#[cfg(unix)]
fn is_zombie(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name before it stands in brackets and may hold anything.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
}
