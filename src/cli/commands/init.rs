//! `terrane init`: makes the data folder. Providers are built in, so there is nothing to download.

use std::path::PathBuf;

use super::super::context::enter;
use super::super::error::Failure;
use super::Call;
use crate::model::Diagnostic;

/// Prepares a folder. Providers are built in: there is nothing to download, and running it is optional.
///
/// Example: terrane init
#[derive(Debug, clap::Args)]
pub struct Init {
    /// Accepted for scripts that were written for other tools; has no effect.
    #[arg(long, hide = true)]
    pub upgrade: bool,

    /// Accepted for scripts that were written for other tools; has no effect.
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub input: Option<String>,

    /// Accepted for scripts that were written for other tools; has no effect.
    #[arg(long, hide = true)]
    pub no_color: bool,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Init {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        enter(call.chdir.as_deref(), self.folder.as_deref())?;
        let folder = call.environment.setting("DATA_DIR").unwrap_or(".terrane");
        std::fs::create_dir_all(folder).map_err(|error| {
            Diagnostic::error(format!("cannot make the folder \"{folder}\"")).detail(error.to_string())
        })?;
        call.terminal.line("Terrane has been initialized: all providers are built in.");
        Ok(0)
    }
}
