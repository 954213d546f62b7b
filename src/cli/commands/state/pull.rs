//! `terrane state pull`.

use std::path::{Path, PathBuf};

use super::super::super::context::Common;
use super::super::super::error::Failure;
use super::super::Call;
use crate::model::Diagnostic;
use crate::ops::{Access, Session, elsewhere};
use crate::state::{Snapshot, tfstate};

/// Prints the whole state in Terraform's format 4.
///
/// Example: terrane state pull > terraform.tfstate
#[derive(Debug, clap::Args)]
pub struct Pull {
    #[command(flatten)]
    pub common: Common,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Pull {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let session = super::open(&self.common, self.folder, Access::Read, call)?;
        call.terminal.print(&tfstate::export(&session.snapshot));
        Ok(0)
    }
}

/// What `-backup=FILE` asks for; "-" asks for none.
pub fn back_up(session: &Session, snapshot: &Snapshot, path: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = path.filter(|p| *p != Path::new("-")) else { return Ok(()) };
    if session.settings.around.encryption.is_on() {
        return Err(Diagnostic::error("a backup would hold in clear what the state encrypts")
            .help("leave out -backup: earlier generations are in \"terrane history\"")
            .into());
    }
    elsewhere::write_tfstate(path, snapshot).map_err(|error| {
        Diagnostic::error(format!("cannot write the backup \"{}\"", path.display())).detail(error.to_string()).into()
    })
}
