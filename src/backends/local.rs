//! States in files of this machine: in the data folder, one file a workspace, or where the configuration says.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Argument, Backend, Configuration, Context, Registration};
use crate::state::tfstate::{self, TfstateError};
use crate::state::{Snapshot, SqliteStore, StateError, Store, Surroundings, Workspace, read_snapshot_with};

pub const REGISTRATION: Registration = Registration {
    name: "local",
    about: "A file of this machine.",
    arguments: &[
        Argument::text("path", "The file of the default workspace; in the data folder where nothing is said."),
        Argument::text("workspace_dir", "The folder of the other workspaces' states."),
    ],
    connect: |configuration, context| Ok(Arc::new(Local::configured(configuration, context))),
};

/// What files of SQLite begin with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// States in files of this machine.
#[derive(Clone)]
pub struct Local {
    /// The file of the default workspace.
    default: PathBuf,
    /// Where the other workspaces have a folder each.
    others: PathBuf,
    around: Surroundings,
}

impl Local {
    /// The states under a data folder, which is `.terrane` unless the user says otherwise.
    pub fn new(data_dir: impl Into<PathBuf>, around: Surroundings) -> Local {
        let data_dir = data_dir.into();
        Local { default: Workspace::default().state_path(&data_dir), others: data_dir.join("workspaces"), around }
    }

    fn configured(configuration: &Configuration, context: &Context) -> Local {
        let plain = Local::new(&context.data_dir, context.around.clone());
        Local {
            default: configuration.text("path").map_or(plain.default, PathBuf::from),
            others: configuration.text("workspace_dir").map_or(plain.others, PathBuf::from),
            ..plain
        }
    }

    pub fn state_path(&self, workspace: &Workspace) -> PathBuf {
        match workspace.is_default() {
            true => self.default.clone(),
            false => self.others.join(workspace.name()).join("state.db"),
        }
    }
}

impl Backend for Local {
    fn place(&self, workspace: &Workspace) -> String {
        self.state_path(workspace).display().to_string()
    }

    fn file(&self, workspace: &Workspace) -> Option<PathBuf> {
        Some(self.state_path(workspace))
    }

    fn open(&self, workspace: &Workspace) -> Result<Arc<dyn Store>, StateError> {
        Ok(Arc::new(SqliteStore::open(&self.state_path(workspace), self.around.clone())?))
    }

    fn look(&self, workspace: &Workspace) -> Result<Arc<dyn Store>, StateError> {
        Ok(Arc::new(SqliteStore::look(&self.state_path(workspace), self.around.clone())?))
    }

    fn read(&self, workspace: &Workspace) -> Result<Option<Snapshot>, StateError> {
        read_snapshot_with(&self.state_path(workspace), &self.around.encryption)
    }

    fn workspaces(&self) -> Result<Vec<Workspace>, StateError> {
        let folder = self.others.clone();
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

    fn create(&self, workspace: &Workspace) -> Result<(), StateError> {
        if workspace.is_default() {
            return Ok(());
        }
        let folder = self.others.join(workspace.name());
        fs::create_dir_all(&folder).map_err(|e| StateError::Io { path: folder, detail: e.to_string() })
    }

    fn delete(&self, workspace: &Workspace) -> Result<(), StateError> {
        if workspace.is_default() {
            return Err(StateError::DefaultWorkspace);
        }
        let folder = self.others.join(workspace.name());
        match fs::remove_dir_all(&folder) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(StateError::Io { path: folder, detail: e.to_string() }),
            _ => Ok(()),
        }
    }
}

/// Reads a state that belongs to another configuration, and that Terraform may have written.
pub fn read_of_others(
    configuration: &Configuration,
    context: &Context,
    workspace: &Workspace,
) -> Result<Option<Snapshot>, StateError> {
    let ours = Local::configured(configuration, context).state_path(workspace);
    let theirs = match workspace.is_default() {
        true => PathBuf::from(configuration.text("path").unwrap_or("terraform.tfstate")),
        false => {
            let others = configuration.text("workspace_dir").unwrap_or("terraform.tfstate.d");
            PathBuf::from(others).join(workspace.name()).join("terraform.tfstate")
        }
    };
    for path in [ours, theirs] {
        let failed = |e: std::io::Error| StateError::Io { path: path.clone(), detail: e.to_string() };
        let mut file = match fs::File::open(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            other => other.map_err(failed)?,
        };
        let mut bytes = Vec::new();
        file.by_ref().take(SQLITE.len() as u64).read_to_end(&mut bytes).map_err(failed)?;
        if bytes == SQLITE {
            return read_snapshot_with(&path, &context.around.encryption);
        }
        file.read_to_end(&mut bytes).map_err(failed)?;
        let text = String::from_utf8_lossy(&bytes);
        if !text.trim().is_empty() {
            let wrong = |e: TfstateError| StateError::NotAState { path: path.clone(), detail: e.to_string() };
            return tfstate::import(&text).map(Some).map_err(wrong);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn workspaces_have_states_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let local = Local::new(folder.path().join(".terrane"), Surroundings::default());
        let blue = Workspace::parse("blue").unwrap();
        assert_eq!(local.workspaces().unwrap(), [Workspace::default()]);
        assert_eq!(local.read(&blue).unwrap(), None);
        let store = local.open(&blue).unwrap();
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
