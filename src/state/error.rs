//! What can go wrong with a state, each with the file and the next step.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::ffi::ErrorCode;

use super::Lease;

#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    #[error(
        "\"{path}\" is not a state: {detail}; it was left as it is: \"terrane state repair\" brings it back where its backup is there, or move it away and adopt the resources again"
    )]
    NotAState { path: PathBuf, detail: String },
    #[error(
        "the state \"{path}\" is damaged: {detail}; it was left as it is: \"terrane state repair\" copies it, and brings back what can be had"
    )]
    Damaged { path: PathBuf, detail: String },
    #[error(
        "the state \"{path}\" is gone, and its backup \"{backup}\" is there; \"terrane state repair\" brings it back, or remove the backup to begin anew"
    )]
    Gone { path: PathBuf, backup: PathBuf },
    #[error(
        "the state \"{path}\" was removed, or another file was put in its place; nothing more is written, run again"
    )]
    Replaced { path: PathBuf },
    #[error(
        "the state at {place} is damaged: {detail}; nothing was written to it: put an earlier version in its place with the tools of its store, and run again"
    )]
    DamagedDocument { place: String, detail: String },
    #[error(
        "commits that an earlier run could not send are in \"{path}\", and that file is damaged: {detail}; \"terrane init -unsent=push\" sends what can be read of it, \"terrane init -unsent=discard\" forgets it, and both keep the file under another name"
    )]
    DamagedJournal { path: PathBuf, detail: String },
    #[error(
        "the journal \"{path}\", in which commits wait until they are sent, can't be written: {detail}; free some space there, or give this user the right to write the file and its folder, and run again"
    )]
    Journal { path: PathBuf, detail: String },
    #[error("{row} in the state \"{path}\" is damaged: {detail}; \"terrane state repair\" tells what can be mended")]
    DamagedRow { path: PathBuf, row: String, detail: String },
    #[error(
        "the state \"{path}\" has format {found}, this terrane knows formats up to {known}; use terrane {written_by} or later"
    )]
    FromTheFuture { path: PathBuf, found: i64, known: i64, written_by: String },
    #[error("the disk is full: the state \"{path}\" could not take the last changes; free some space and run again")]
    DiskFull { path: PathBuf },
    #[error("no permission for \"{path}\" ({detail}); give this user the right to write the file and its folder")]
    PermissionDenied { path: PathBuf, detail: String },
    #[error(
        "the state \"{path}\" can only be read: the file, its folder or the file system does not allow writing ({detail})"
    )]
    ReadOnly { path: PathBuf, detail: String },
    #[error("another process is writing the state \"{path}\" and did not finish in time; run again")]
    Busy { path: PathBuf },
    #[error(
        "the state \"{path}\" can't be used: {detail}; make room for it there, or choose another folder with -data-dir"
    )]
    Io { path: PathBuf, detail: String },
    #[error(
        "the state \"{path}\" is locked by {} (process {} on {}) for \"{}\" since {}; wait for it with -lock-timeout=5m, or, if that run is surely gone, run \"terrane force-unlock {}\"",
        lease.holder.who, lease.holder.pid, lease.holder.host, lease.operation, crate::state::lease::moment(lease.since), lease.id
    )]
    Locked { path: PathBuf, lease: Box<Lease>, waited: Duration },
    #[error(
        "the lock {id} on the state \"{path}\" was lost: {detail}; nothing more is written, run again to see what is left to do"
    )]
    LockLost { path: PathBuf, id: String, detail: String },
    #[error("the state \"{path}\" has no lock \"{id}\"{}", held.as_ref().map(|h| format!("; it is locked by \"{h}\"")).unwrap_or_default())]
    NoSuchLock { path: PathBuf, id: String, held: Option<String> },
    #[error("the state \"{path}\" has no open intent \"{key}\": its outcome is stored already, or it was never begun")]
    NoSuchIntent { path: PathBuf, key: String },
    #[error("the serial {serial} is too large for the state \"{path}\"")]
    TooLarge { path: PathBuf, serial: u64 },
    #[error("the writer of the state \"{path}\" has stopped; run again")]
    WriterStopped { path: PathBuf },
    #[error("the workspace \"default\" cannot be deleted")]
    DefaultWorkspace,
    #[error("{place} keeps one state only; use the workspace \"default\", or another backend")]
    NoWorkspaces { place: String },
    #[error("{place} does not answer: {detail}; run again when it can be reached")]
    Unreachable { place: String, detail: String },
    #[error("{place} can't be used: {detail}")]
    Refused { place: String, detail: String },
    #[error(
        "the state at {place} was written by somebody else meanwhile{}",
        kept.as_ref().map_or_else(|| "; run again".to_string(), |k| format!(
            ", and outcomes of an earlier run are still in \"{}\"; run \"terrane init -unsent=push\" to add them to the newer state, or \"terrane init -unsent=discard\" to forget them", k.display()
        ))
    )]
    Conflict { place: String, kept: Option<PathBuf> },
    #[error(
        "not everything could be sent to {place}: {detail}; {count} commits are in \"{kept}\", and the next plan, apply or init in this folder sends them"
    )]
    Unsent { place: String, count: usize, kept: PathBuf, detail: String },
    #[error(
        "the state \"{path}\" is encrypted with the key {wrap}, and no key is configured; say which in \"terraform {{ encryption {{ … }} }}\" or in TERRANE_ENCRYPTION"
    )]
    NoKey { path: PathBuf, wrap: String },
    #[error(
        "the state \"{path}\" is encrypted with the key {wrap}, which {tried} does not open; nothing was changed: give the right key, or add it as a fallback"
    )]
    WrongKey { path: PathBuf, wrap: String, tried: String },
    #[error("the key {key} for the state \"{path}\" cannot be used: {detail}")]
    KeyUnavailable { path: PathBuf, key: String, detail: String },
    #[error(
        "the state \"{path}\" is not encrypted, and the configuration asks for encryption; to encrypt it, add a fallback to method.unencrypted and apply once"
    )]
    NotSealed { path: PathBuf },
    #[error("{0}")]
    Workspace(#[from] super::workspace::WorkspaceNameError),
}

impl StateError {
    /// A state that can't be sealed or opened.
    pub fn sealed(place: &str, error: &super::seal::envelope::EnvelopeError) -> StateError {
        StateError::Refused { place: place.to_string(), detail: error.to_string() }
    }

    /// What a server said, or failed to, without its name and the next step.
    pub fn reason(&self) -> String {
        match self {
            StateError::Unreachable { detail, .. } | StateError::Refused { detail, .. } => detail.clone(),
            other => other.to_string(),
        }
    }

    /// Whether trying again cannot help.
    pub fn is_final(&self) -> bool {
        use StateError::{Conflict, Damaged, DamagedDocument, DamagedJournal, LockLost};
        matches!(
            self,
            LockLost { .. } | Conflict { .. } | Damaged { .. } | DamagedDocument { .. } | DamagedJournal { .. }
        )
    }

    /// An error of a file that is no state, but the journal of one.
    pub fn of_journal(self) -> StateError {
        match self {
            StateError::NotAState { path, detail } | StateError::Damaged { path, detail } => {
                StateError::DamagedJournal { path, detail }
            }
            StateError::DiskFull { path } => StateError::Journal { path, detail: "the disk is full".to_string() },
            StateError::PermissionDenied { path, detail }
            | StateError::ReadOnly { path, detail }
            | StateError::Io { path, detail } => StateError::Journal { path, detail },
            other => other,
        }
    }

    /// A journal that can't be written, while the store does not take anything either.
    pub fn and_of_store(self, store: &StateError) -> StateError {
        match self {
            StateError::Journal { path, detail } => StateError::Journal {
                path,
                detail: format!("{detail}, and the store does not take them: {}", store.reason()),
            },
            other => other,
        }
    }

    /// Tells what an error of the database means for the user.
    pub fn from_sqlite(path: &Path, error: &rusqlite::Error) -> StateError {
        let path = path.to_path_buf();
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StateError::NotAState { path, detail: "it is not a database".into() },
            Some(ErrorCode::DatabaseCorrupt) => StateError::Damaged { path, detail },
            Some(ErrorCode::DiskFull) => StateError::DiskFull { path },
            Some(ErrorCode::ReadOnly) => StateError::ReadOnly { path, detail },
            Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
                StateError::PermissionDenied { path, detail }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                StateError::Busy { path }
            }
            Some(ErrorCode::CannotOpen) => match std::fs::File::open(&path) {
                Err(error) => StateError::from_io(&path, &error),
                // The file itself can be read: the folder does not take the files that belong to it.
                Ok(_) => StateError::ReadOnly { path, detail },
            },
            Some(_) => StateError::Io { path, detail },
            // Values of the wrong type or missing tables: what is in the file is not what was written.
            None => StateError::Damaged { path, detail },
        }
    }

    /// Tells what an error of the file system means for the user.
    pub fn from_io(path: &Path, error: &std::io::Error) -> StateError {
        use std::io::ErrorKind;
        let (path, detail) = (path.to_path_buf(), error.to_string());
        match error.kind() {
            ErrorKind::PermissionDenied => StateError::PermissionDenied { path, detail },
            ErrorKind::ReadOnlyFilesystem => StateError::ReadOnly { path, detail },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StateError::DiskFull { path },
            _ => StateError::Io { path, detail },
        }
    }
}
