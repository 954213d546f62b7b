//! The settings of a session that stands in a test's own folders and needs nothing from outside.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use terrane::ops::{Settings, lock};
use terrane::state::Workspace;

/// Without a lock and without waiting; a test changes what it is about.
pub fn settings(folder: &Path, data_dir: &Path) -> Settings {
    Settings {
        folder: folder.to_path_buf(),
        started_in: folder.to_path_buf(),
        data_dir: data_dir.to_path_buf(),
        workspace: Workspace::default(),
        sandbox: None,
        given: Vec::new(),
        home_dir: None,
        ssh_agent: None,
        now: "2024-01-01T00:00:00Z".to_string(),
        lock: lock::Settings { enabled: false, timeout: Duration::ZERO, who: "test".to_string() },
        lookup: std::sync::Arc::new(|_| None),
        environment: Default::default(),
        notices: Arc::new(|_| ()),
        around: Default::default(),
        unsent: Default::default(),
        patience: Duration::ZERO,
        calls: Default::default(),
    }
}
