//! States other than the one of the session: of another workspace, or in a file of their own.

use std::fs::{File, TryLockError};
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
    Tfstate(Tfstate),
}

/// A `terraform.tfstate`.
struct Tfstate {
    path: PathBuf,
    /// What stood in it; nothing where there is none.
    was: Option<Vec<u8>>,
    /// Keeps others of us from it.
    _lock: Option<File>,
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
    #[error("another process is at work on the file \"{0}\"; wait until it is done, and run again")]
    InUse(PathBuf),
    #[error("the file \"{0}\" was written by somebody else meanwhile; it was left as it is, run again")]
    Changed(PathBuf),
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
            let file = Tfstate::take(path)?;
            let snapshot = file.was.as_deref().map(|bytes| import(path, bytes)).transpose()?;
            let snapshot = snapshot.unwrap_or_else(|| Snapshot::empty(uuid::Uuid::new_v4().to_string()));
            return Ok(OpenState { snapshot, place: Place::Tfstate(file) });
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
            Place::Tfstate(file) => {
                let mut after = self.snapshot.with_changes(&changes);
                after.serial = self.snapshot.serial + 1;
                file.write(&after)
            }
        }
    }
}

impl Tfstate {
    fn take(path: &Path) -> Result<Tfstate, ElsewhereError> {
        let path = path.to_path_buf();
        let mut file = match File::options().read(true).write(true).open(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Tfstate { path, was: None, _lock: None }),
            other => other.map_err(|e| io(&path, e))?,
        };
        // Not every file system has locks; what somebody else has written is noticed there, too.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(ElsewhereError::InUse(path));
        }
        let mut was = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut was).map_err(|e| io(&path, e))?;
        Ok(Tfstate { path, was: Some(was), _lock: Some(file) })
    }

    /// Writes it whole or not at all, unless it is another one by now. The file as it was is kept as `FILE.backup`.
    fn write(&self, after: &Snapshot) -> Result<(), ElsewhereError> {
        let (path, failed) = (&self.path, |e| io(&self.path, e));
        let Some(was) = &self.was else {
            let draft = private_file::draft(path).map_err(failed)?;
            let written =
                std::fs::write(&draft, tfstate::export(after)).and_then(|()| private_file::name_new(&draft, path));
            // Gone already where it has its name.
            let _removed = std::fs::remove_file(&draft);
            return match written.map_err(failed)? {
                true => Ok(()),
                false => Err(ElsewhereError::Changed(path.clone())),
            };
        };
        if std::fs::read(path).map_err(failed)? != *was {
            return Err(ElsewhereError::Changed(path.clone()));
        }
        private_file::write(&private_file::beside(path, ".backup"), was).map_err(failed)?;
        write_tfstate(path, after).map_err(failed)
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
    match std::fs::read(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(io(path, e)),
        Ok(bytes) => import(path, &bytes).map(Some),
    }
}

fn import(path: &Path, bytes: &[u8]) -> Result<Snapshot, ElsewhereError> {
    tfstate::import(&String::from_utf8_lossy(bytes))
        .map_err(|source| ElsewhereError::Tfstate { path: path.to_path_buf(), source })
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
