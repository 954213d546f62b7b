//! The simulated cloud in the place of the providers: where it is kept, and what is said of it.

use std::path::{Path, PathBuf};

use super::providers::Wrap;
use super::{SessionError, Settings};
use crate::model::Diagnostic;
use crate::providers::sandbox::{self, Faults, SandboxCloud};

/// Puts the simulated cloud of the workspace behind every provider.
pub fn wrap(settings: &Settings, faults: Faults) -> Result<Wrap, SessionError> {
    let folder = settings.workspace.folder(&settings.data_dir);
    std::fs::create_dir_all(&folder)?;
    let cloud = SandboxCloud::open(&sandbox_path(&folder), faults)?;
    Ok(Box::new(move |def| sandbox::wrap(def, cloud.clone())))
}

/// Where the simulated cloud of a workspace is kept.
pub fn sandbox_path(folder: &Path) -> PathBuf {
    folder.join("sandbox.db")
}

/// Faults that were asked for strike the simulated cloud alone.
pub fn unused_faults(settings: &Settings) -> Option<Diagnostic> {
    let asked = settings.environment.get("TERRANE_SANDBOX_FAULTS").is_some_and(|faults| !faults.trim().is_empty());
    (asked && settings.sandbox.is_none()).then(|| {
        Diagnostic::warning("TERRANE_SANDBOX_FAULTS has no effect")
            .detail("only the sandbox has such faults, and this run works on the real providers")
            .help("use -sandbox to rehearse, or unset the variable")
    })
}
