//! What a person reads when a command fails.

use super::terminal::Terminal;
use crate::model::{Diagnostic, Diagnostics, SourceMap};
use crate::ops::plan_file::PlanFileError;
use crate::ops::{SessionError, session_error};

/// Why a command ended early, with the sources that the diagnostics point into.
#[derive(Debug)]
pub struct Failure {
    pub diagnostics: Diagnostics,
    pub sources: SourceMap,
    pub code: u8,
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Failure { diagnostics: diagnostic.into(), sources: SourceMap::default(), code: 1 }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        if let SessionError::Backend(error) = error {
            return error.into();
        }
        session_error::diagnostic(&error).into()
    }
}

impl From<crate::ops::backend::BackendError> for Failure {
    fn from(error: crate::ops::backend::BackendError) -> Self {
        Failure { diagnostics: error.problems, sources: error.sources, code: 1 }
    }
}

impl From<crate::state::StateError> for Failure {
    fn from(error: crate::state::StateError) -> Self {
        SessionError::from(error).into()
    }
}

impl From<PlanFileError> for Failure {
    fn from(error: PlanFileError) -> Self {
        let text = error.to_string();
        let (what, next) = text.split_once("; ").unwrap_or((text.as_str(), ""));
        let problem = Diagnostic::error(what);
        match error {
            PlanFileError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => problem
                .detail("the disk is full")
                .help("free some space there, or name a file elsewhere, and plan again"),
            PlanFileError::Io { source, .. } => problem
                .detail(source.to_string())
                .help("the file must lie in a folder that is there, and may be read and written by this user"),
            PlanFileError::NotAPlan { .. } => {
                problem.help("a saved plan is a file that \"terrane plan -out=FILE\" wrote")
            }
            PlanFileError::OtherFormat { .. } => {
                problem.help("carry it out with the terrane that made it, or make a new plan")
            }
            PlanFileError::Damaged { .. } => problem.help("make a new plan"),
            PlanFileError::Sealed { .. } if next.is_empty() => problem.help("make a new plan"),
            PlanFileError::Sealed { .. } => problem.help(next),
        }
        .into()
    }
}

/// Tells it, and gives the exit status.
pub fn tell(failure: &Failure, terminal: &Terminal) -> u8 {
    terminal.diagnostics(&failure.diagnostics, &failure.sources);
    failure.code
}
