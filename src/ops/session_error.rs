//! Why a session can't go on, and how that is told.

use super::backend;
use crate::model::Diagnostic;
use crate::state::StateError;

/// Why a session can't go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("{0}")]
    State(#[from] StateError),
    #[error(transparent)]
    Backend(#[from] backend::BackendError),
    #[error("the state changed since the plan was made ({}); run again", .0.join(", "))]
    Stale(Vec<String>),
    #[error("{}", .0.summary)]
    Encryption(Box<Diagnostic>),
    #[error("the run could not be set up: {0}")]
    Runtime(#[from] std::io::Error),
    #[error("the sandbox can't be used: {0}")]
    Sandbox(#[from] crate::provider::ProviderError),
}

/// A problem of the session as something to show.
pub fn diagnostic(error: &SessionError) -> Diagnostic {
    match error {
        SessionError::State(error) => backend::state_problem(error),
        SessionError::Encryption(problem) => (**problem).clone(),
        SessionError::Sandbox(problem) => {
            let help = problem.help.iter();
            help.fold(Diagnostic::error(error.to_string()), |told, help| told.help(help.as_str()))
        }
        other => Diagnostic::error(other.to_string()),
    }
}
