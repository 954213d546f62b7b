//! `terrane state push`.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::super::super::context::{Common, enter};
use super::super::super::error::Failure;
use super::super::Call;
use crate::model::Diagnostic;
use crate::ops::elsewhere::OpenState;
use crate::ops::{Access, adopting};
use crate::state::{Snapshot, tfstate};

/// Puts a state in Terraform's format 4 in the place of the present one.
///
/// Example: terrane state push repaired.tfstate
#[derive(Debug, clap::Args)]
pub struct Push {
    #[command(flatten)]
    pub common: Common,

    /// Takes a state of another lineage, or an older one.
    #[arg(long)]
    pub force: bool,

    /// The file; - reads standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

impl Push {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        // The file's path begins where the command works.
        enter(call.chdir.take().as_deref(), None)?;
        let new = read(&self.file)?;
        let session = super::open(&self.common, None, Access::Write("state push"), call)?;
        if let Some(change) = adopting::replace(&session.snapshot, new, self.force)? {
            OpenState::of_session(&session)?.commit(vec![change])?;
        }
        Ok(0)
    }
}

/// Reads a state in Terraform's format from a file or from standard input.
pub fn read(path: &Path) -> Result<Snapshot, Failure> {
    let stdin = path == Path::new("-");
    let text = match stdin {
        true => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        false => std::fs::read_to_string(path),
    };
    let name = if stdin { "the standard input".to_string() } else { format!("\"{}\"", path.display()) };
    let text = text.map_err(|e| Diagnostic::error(format!("cannot read {name}")).detail(e.to_string()))?;
    tfstate::import(&text).map_err(|e| Diagnostic::error(format!("{name} cannot be used")).detail(e.to_string()).into())
}
