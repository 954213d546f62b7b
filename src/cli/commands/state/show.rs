//! `terrane state show`.

use std::path::PathBuf;

use super::super::super::context::Common;
use super::super::super::error::Failure;
use super::super::super::show::state_text;
use super::super::Call;
use crate::ops::{Access, selection};

/// Shows one object.
///
/// Example: terrane state show 'aws_subnet.public["a"]'
#[derive(Debug, clap::Args)]
pub struct Show {
    #[command(flatten)]
    pub common: Common,

    /// Looks into a file: a terraform.tfstate, or a state of Terrane.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    #[arg(value_name = "ADDRESS")]
    pub address: String,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Show {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let mut session = super::open(&self.common, self.folder, Access::Read, call)?;
        session.snapshot = super::snapshot(&session, self.state.as_deref())?;
        let address = selection::instance(&self.address, &session.snapshot)?.address.clone();
        call.terminal.print(&state_text(&session, Some(&address))?);
        Ok(0)
    }
}
