//! How a creation, a change or a deletion ends: by what is there now.

use crate::model::ObjectBuilder;
use crate::provider::{Config, ErrorKind, Outcome, ProviderError, Stored};

/// What is there, or that it could not be read.
pub type Seen = Result<Option<Stored>, ProviderError>;

/// Ends a creation; `rest` is how the steps after the first call went. It was made, so it is never told as missing.
pub fn made(seen: Seen, id: &str, desired: &Config, rest: Result<(), ProviderError>) -> Outcome {
    match (seen, rest) {
        (Ok(Some(stored)), Ok(())) => Outcome::Done(stored),
        (Ok(Some(stored)), Err(error)) => Outcome::Partial(stored, error),
        (Ok(None), Ok(())) => Outcome::Partial(as_desired(id, desired), gone_again(id)),
        (Err(error), Ok(())) | (_, Err(error)) => Outcome::Partial(as_desired(id, desired), error),
    }
}

/// Ends a change whose steps went like `steps`. Where they failed and nobody can see how far they came, the object is
/// what it was before: the next look tells.
pub fn changed(seen: Seen, id: &str, desired: &Config, steps: Result<(), ProviderError>) -> Outcome {
    match (seen, steps) {
        (Ok(Some(stored)), Ok(())) => Outcome::Done(stored),
        (Ok(Some(stored)), Err(error)) => Outcome::Partial(stored, error),
        (Ok(None), Ok(())) => Outcome::Failed(gone_again(id)),
        (Ok(None) | Err(_), Err(error)) => Outcome::Failed(error),
        (Err(error), Ok(())) => Outcome::Partial(as_desired(id, desired), error),
    }
}

/// "Already gone" is what a delete wants.
pub fn gone_is_fine(result: Result<(), ProviderError>) -> Result<(), ProviderError> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        other => other,
    }
}

fn as_desired(id: &str, desired: &Config) -> Stored {
    Stored::new(id, ObjectBuilder::from(desired).set("id", id).build())
}

fn gone_again(id: &str) -> ProviderError {
    ProviderError::new(ErrorKind::NotFound, format!("\"{id}\" is gone again"))
}
