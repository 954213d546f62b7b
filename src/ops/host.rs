//! Files, clock and randomness for functions, as the machine has them.

use std::io;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use rand::Rng;

use crate::lang::functions::{Entry, Host};

/// The machine. `applying` opens the clock and randomness, which a plan must not see.
pub struct Machine {
    pub working_dir: PathBuf,
    pub home_dir: Option<String>,
    /// RFC 3339; fixed for a plan and its apply, not known without one.
    pub plan_timestamp: Option<String>,
    pub applying: std::sync::atomic::AtomicBool,
}

impl Machine {
    fn applies(&self) -> bool {
        self.applying.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.working_dir.join(path)
    }
}

fn kind(metadata: &std::fs::Metadata) -> Entry {
    match () {
        () if metadata.is_file() => Entry::File,
        () if metadata.is_dir() => Entry::Directory,
        () => Entry::Other,
    }
}

impl Host for Machine {
    fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        std::fs::read(self.path(path))
    }

    fn entry(&self, path: &str) -> io::Result<Entry> {
        match std::fs::metadata(self.path(path)) {
            Ok(metadata) => Ok(kind(&metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Entry::Missing),
            Err(error) => Err(error),
        }
    }

    fn list_dir(&self, path: &str) -> io::Result<Vec<(String, Entry)>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(self.path(path))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = std::fs::metadata(entry.path()).map_or(Entry::Other, |m| kind(&m));
            entries.push((name, kind));
        }
        Ok(entries)
    }

    fn working_dir(&self) -> String {
        self.working_dir.to_string_lossy().into_owned()
    }

    fn home_dir(&self) -> Option<String> {
        self.home_dir.clone()
    }

    fn plan_timestamp(&self) -> Option<String> {
        self.plan_timestamp.clone()
    }

    fn now(&self) -> Option<i64> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        self.applies().then_some(since.as_secs() as i64)
    }

    fn random(&self) -> Option<[u8; 16]> {
        self.applies().then(|| rand::rng().random())
    }
}
