//! What other configurations keep in their states, for the data source that gives it.

use super::ProviderError;
use crate::model::{Str, Value};

/// Reads states of others. The calls block.
pub trait States: Send + Sync {
    /// The outputs in the state of a workspace, where it has a state. `config` is what a `backend` block of that type
    /// would say, as an object.
    fn outputs(
        &self,
        backend: &str,
        config: &Value,
        workspace: Option<&str>,
    ) -> Result<Option<Vec<(Str, Value)>>, ProviderError>;
}
