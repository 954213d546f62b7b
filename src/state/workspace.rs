//! Workspaces: several states of one configuration, and where their files lie.

use std::fmt;
use std::path::{Path, PathBuf};

/// A workspace's name, which is safe as the name of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workspace(String);

/// A name that no workspace can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" cannot be the name of a workspace: use letters, digits and \"-\", \"_\", \".\", \"~\", \"+\", \"=\", \"@\", at most 90 bytes"
)]
pub struct WorkspaceNameError(pub String);

const DEFAULT: &str = "default";

impl Workspace {
    pub fn parse(name: &str) -> Result<Workspace, WorkspaceNameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.~+=@".contains(c);
        let good = !name.is_empty() && name.len() <= 90 && name.chars().all(allowed) && name != "." && name != "..";
        if good { Ok(Workspace(name.to_string())) } else { Err(WorkspaceNameError(name.to_string())) }
    }

    pub fn name(&self) -> &str {
        &self.0
    }

    pub fn is_default(&self) -> bool {
        self.0 == DEFAULT
    }

    /// The folder of the workspace's own files: `.terrane` for the default, `.terrane/workspaces/NAME` for others.
    pub fn folder(&self, data_dir: &Path) -> PathBuf {
        match self.is_default() {
            true => data_dir.to_path_buf(),
            false => data_dir.join("workspaces").join(&self.0),
        }
    }

    /// The state's file.
    pub fn state_path(&self, data_dir: &Path) -> PathBuf {
        self.folder(data_dir).join("state.db")
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Workspace(DEFAULT.to_string())
    }
}

impl fmt::Display for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_data_folder() {
        for name in ["", ".", "..", "a/b", "a\\b", "a b", "ä", "a\0"] {
            assert!(Workspace::parse(name).is_err(), "{name:?}");
        }
        let data = Path::new(".terrane");
        assert_eq!(Workspace::default().state_path(data), Path::new(".terrane/state.db"));
        let blue = Workspace::parse("prod-1.eu").unwrap();
        assert_eq!(blue.state_path(data), Path::new(".terrane/workspaces/prod-1.eu/state.db"));
    }
}
