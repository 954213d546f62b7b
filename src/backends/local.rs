//! States in the data folder of the working directory, one file a workspace.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::state::{Snapshot, SqliteStore, StateError, Surroundings, Workspace, read_snapshot};

/// The states under a data folder, which is `.terrane` unless the user says otherwise.
#[derive(Clone, Debug)]
pub struct Local {
    data_dir: PathBuf,
}

impl Local {
    pub fn new(data_dir: impl Into<PathBuf>) -> Local {
        Local { data_dir: data_dir.into() }
    }

    pub fn state_path(&self, workspace: &Workspace) -> PathBuf {
        workspace.state_path(&self.data_dir)
    }

    /// Opens a workspace's state for writing, creating it where there is none.
    pub fn open(&self, workspace: &Workspace, around: Surroundings) -> Result<SqliteStore, StateError> {
        SqliteStore::open(&self.state_path(workspace), around)
    }

    /// Reads a workspace's state; nothing where it has none.
    pub fn read(&self, workspace: &Workspace) -> Result<Option<Snapshot>, StateError> {
        read_snapshot(&self.state_path(workspace))
    }

    /// All workspaces, sorted; the default one is always there.
    pub fn workspaces(&self) -> Result<Vec<Workspace>, StateError> {
        let folder = self.data_dir.join("workspaces");
        let failed = |e| StateError::Io { path: folder.clone(), detail: std::io::Error::to_string(&e) };
        let mut found = vec![Workspace::default()];
        let entries = match fs::read_dir(&folder) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(found),
            other => other.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            // Folders that cannot be workspaces are somebody else's.
            let name = entry.file_name().to_str().and_then(|n| Workspace::parse(n).ok());
            found.extend(name.filter(|w| !w.is_default() && entry.path().is_dir()));
        }
        found.sort();
        Ok(found)
    }

    /// Adds a workspace without a state.
    pub fn create(&self, workspace: &Workspace) -> Result<(), StateError> {
        let folder = workspace.folder(&self.data_dir);
        fs::create_dir_all(&folder).map_err(|e| StateError::Io { path: folder, detail: e.to_string() })
    }

    /// Removes a workspace with its state. Whether that state is empty is for the caller to ask.
    pub fn delete(&self, workspace: &Workspace) -> Result<(), StateError> {
        let folder = workspace.folder(&self.data_dir);
        if workspace.is_default() {
            let detail = "the default workspace cannot be deleted".to_string();
            return Err(StateError::Io { path: folder, detail });
        }
        match fs::remove_dir_all(&folder) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(StateError::Io { path: folder, detail: e.to_string() }),
            _ => Ok(()),
        }
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Store;

    #[test]
    fn workspaces_have_states_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let local = Local::new(folder.path().join(".terrane"));
        let blue = Workspace::parse("blue").unwrap();
        assert_eq!(local.workspaces().unwrap(), [Workspace::default()]);
        assert_eq!(local.read(&blue).unwrap(), None);
        let store = local.open(&blue, Surroundings::default()).unwrap();
        let lineage = store.snapshot().wait().unwrap().lineage;
        drop(store);
        assert_eq!(local.workspaces().unwrap(), [blue.clone(), Workspace::default()]);
        assert_eq!(local.read(&blue).unwrap().unwrap().lineage, lineage);
        assert_eq!(local.read(&Workspace::default()).unwrap(), None);
        local.delete(&blue).unwrap();
        assert_eq!(local.workspaces().unwrap(), [Workspace::default()]);
        assert!(local.delete(&Workspace::default()).is_err());
    }
}
