//! `terrane state rm`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::super::context::Common;
use super::super::super::error::Failure;
use super::super::Call;
use crate::ops::Access;
use crate::ops::elsewhere::OpenState;
use crate::ops::selection::Selection;
use crate::state::Change;

/// Takes objects out of the state. They live on, and Terrane knows nothing of them any more.
///
/// Example: terrane state rm module.old aws_vpc.main
#[derive(Debug, clap::Args)]
pub struct Rm {
    #[command(flatten)]
    pub common: Common,

    /// Only says what would be removed.
    #[arg(long)]
    pub dry_run: bool,

    /// Works on a file: a terraform.tfstate, or a state of Terrane.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Writes the state as it was into a file, in Terraform's format.
    #[arg(long, value_name = "FILE")]
    pub backup: Option<PathBuf>,

    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<String>,
}

const OPERATION: &str = "state rm";

impl Rm {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let mut session = super::open(&self.common, None, Access::Write(OPERATION), call)?;
        let state = match &self.state {
            Some(path) => OpenState::of_file(&mut session, path, OPERATION)?,
            None => OpenState::of_session(&session)?,
        };
        let mut found = BTreeMap::new();
        for text in &self.addresses {
            for row in Selection::parse(text)?.some_rows(&state.snapshot)? {
                found.insert(row.key(), row.clone());
            }
        }
        let mut addresses: Vec<_> = found.keys().map(|key| &key.address).collect();
        addresses.dedup();
        let word = if self.dry_run { "Would remove" } else { "Removed" };
        let mut text: String = addresses.iter().map(|address| format!("{word} {address}\n")).collect();
        if !self.dry_run {
            super::pull::back_up(&session, &state.snapshot, self.backup.as_deref())?;
            text.push_str(&format!("Successfully removed {} resource instance(s).\n", addresses.len()));
            state.commit(found.keys().cloned().map(Change::Remove).collect())?;
        }
        call.terminal.print(&text);
        Ok(0)
    }
}
