//! `terrane reference`: writes the pages of the documentation that are made from the program. For its own
//! repository, so it is not shown.

use std::path::PathBuf;

use super::super::error::Failure;
use super::super::reference;
use super::Call;
use crate::model::Diagnostic;

/// Writes the reference pages of the documentation.
///
/// Example: terrane reference docs
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub struct Reference {
    /// The documentation's folder.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

impl Reference {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let folder = self.folder.display();
        let written = reference::write(&self.folder).map_err(|error| {
            Diagnostic::error(format!("cannot write the reference to \"{folder}\"")).detail(error.to_string())
        })?;
        call.terminal.line(&format!("{written} pages are written to {folder}."));
        Ok(0)
    }
}
