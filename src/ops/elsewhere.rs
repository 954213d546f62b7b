//! States other than the one of the session: of another workspace, or in a file of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Session, SessionError};
use crate::model::Diagnostic;
use crate::state::{Change, Intent, Snapshot, SqliteStore, StateError, Store, Workspace, read_snapshot_with};
use crate::state::{private_file, tfstate};

/// A state that a command works on.
pub struct OpenState {
    pub snapshot: Snapshot,
    place: Place,
}

enum Place {
    Store(Arc<dyn Store>),
    /// A `terraform.tfstate`.
    Tfstate(PathBuf),
}

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ElsewhereError {
    #[error("{0}")]
    Session(#[from] SessionError),
    #[error("\"{path}\": {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("\"{path}\" cannot be read: {source}")]
    Tfstate { path: PathBuf, source: tfstate::TfstateError },
    #[error(
        "the file \"{0}\" is a state that Terraform writes, which cannot be encrypted; name a file that ends with \".db\""
    )]
    NotSealed(PathBuf),
}

impl From<StateError> for ElsewhereError {
    fn from(error: StateError) -> Self {
        ElsewhereError::Session(error.into())
    }
}

impl OpenState {
    /// The state of the session, which must be open for writing.
    pub fn of_session(session: &Session) -> Result<OpenState, ElsewhereError> {
        let closed = || StateError::WriterStopped { path: session.settings.data_dir.clone() };
        let store: Arc<dyn Store> = session.store().ok_or_else(closed)?.clone();
        Ok(OpenState { snapshot: session.snapshot.clone(), place: Place::Store(store) })
    }

    /// The state of another workspace, locked until the session ends.
    pub fn of_workspace(
        session: &mut Session,
        workspace: &Workspace,
        operation: &'static str,
    ) -> Result<OpenState, ElsewhereError> {
        let store: Arc<dyn Store> = session.open_store(workspace, operation)?;
        Ok(OpenState { snapshot: store.snapshot().wait()?, place: Place::Store(store) })
    }

    /// The state in a file: Terraform's format, or Terrane's where the name ends with `.db`. A missing one is empty.
    pub fn of_file(session: &mut Session, path: &Path, operation: &'static str) -> Result<OpenState, ElsewhereError> {
        if is_tfstate(path)? {
            if session.settings.around.encryption.is_on() {
                return Err(ElsewhereError::NotSealed(path.to_path_buf()));
            }
            let snapshot = read_tfstate(path)?.unwrap_or_else(|| Snapshot::empty(uuid::Uuid::new_v4().to_string()));
            return Ok(OpenState { snapshot, place: Place::Tfstate(path.to_path_buf()) });
        }
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path, session.settings.around.clone())?);
        session.lock(store.clone(), operation)?;
        Ok(OpenState { snapshot: store.snapshot().wait()?, place: Place::Store(store) })
    }

    /// The calls whose outcome is not known.
    pub fn open_intents(&self) -> Result<Vec<Intent>, ElsewhereError> {
        match &self.place {
            Place::Store(store) => Ok(store.open_intents().wait()?),
            Place::Tfstate(_) => Ok(Vec::new()),
        }
    }

    /// Makes the changes, all or none of them.
    pub fn commit(&self, changes: Vec<Change>) -> Result<(), ElsewhereError> {
        if changes.is_empty() {
            return Ok(());
        }
        match &self.place {
            Place::Store(store) => {
                store.commit(changes).wait()?;
                Ok(store.flush().wait()?)
            }
            Place::Tfstate(path) => {
                let mut after = self.snapshot.with_changes(&changes);
                after.serial = self.snapshot.serial + 1;
                back_up(path).and_then(|()| write_tfstate(path, &after)).map_err(|e| io(path, e))
            }
        }
    }
}

fn io(path: &Path, source: std::io::Error) -> ElsewhereError {
    ElsewhereError::Io { path: path.to_path_buf(), source }
}

/// Reads a state that is only looked at; nothing where there is no file.
pub fn read(session: &Session, path: &Path) -> Result<Option<Snapshot>, ElsewhereError> {
    match is_tfstate(path)? {
        true => read_tfstate(path),
        false => Ok(read_snapshot_with(path, &session.settings.around.encryption)?),
    }
}

/// What a file is goes by how it begins; of a new one by its name.
fn is_tfstate(path: &Path) -> Result<bool, ElsewhereError> {
    let mut start = [0; 6];
    match std::fs::File::open(path).and_then(|mut file| std::io::Read::read(&mut file, &mut start)) {
        Ok(0) => Ok(path.extension().is_none_or(|e| e != "db")),
        Ok(_) => Ok(start != *b"SQLite"),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(path.extension().is_none_or(|e| e != "db")),
        Err(e) => Err(io(path, e)),
    }
}

fn read_tfstate(path: &Path) -> Result<Option<Snapshot>, ElsewhereError> {
    match std::fs::read_to_string(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(io(path, e)),
        Ok(text) => match tfstate::import(&text) {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(source) => Err(ElsewhereError::Tfstate { path: path.to_path_buf(), source }),
        },
    }
}

/// Keeps the file as it was under the name `FILE.backup`.
fn back_up(path: &Path) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_os_string();
    name.push(".backup");
    match std::fs::read(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(bytes) => private_file::write(Path::new(&name), &bytes),
    }
}

/// Writes a state in Terraform's format, whole or not at all; only its owner may read it.
pub fn write_tfstate(path: &Path, snapshot: &Snapshot) -> std::io::Result<()> {
    private_file::write(path, tfstate::export(snapshot).as_bytes())
}

impl From<ElsewhereError> for Diagnostic {
    fn from(error: ElsewhereError) -> Self {
        match error {
            ElsewhereError::Session(error) => super::session_error::diagnostic(&error),
            other => match other.to_string().split_once("; ") {
                Some((what, next)) => Diagnostic::error(what).help(next),
                None => Diagnostic::error(other.to_string()),
            },
        }
    }
}
