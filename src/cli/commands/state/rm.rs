//! `terrane state rm`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::super::context::Common;
use super::super::super::error::Failure;
use super::super::Call;
use crate::model::Address;
use crate::ops::Access;
use crate::ops::elsewhere::OpenState;
use crate::ops::selection::Selection;
use crate::state::Change;

/// Takes objects out of the state. They live on, and Terrane knows nothing of them any more.
///
/// What an interrupted run may have created at the address is not looked for any more either.
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
        let intents = state.open_intents()?;
        let mut found = BTreeMap::new();
        let mut open = BTreeMap::new();
        for text in &self.addresses {
            let selection = Selection::parse(text)?;
            let covered: Vec<_> = intents.iter().filter(|intent| selection.covers(&intent.address)).collect();
            let rows = match covered.is_empty() {
                true => selection.some_rows(&state.snapshot)?,
                false => selection.rows(&state.snapshot),
            };
            open.extend(covered.into_iter().map(|intent| (&intent.key, &intent.address)));
            found.extend(rows.into_iter().map(|row| (row.key(), row.clone())));
        }
        let text = self.told(found.keys().map(|key| &key.address), open.values().copied());
        if !self.dry_run {
            super::pull::back_up(&session, &state.snapshot, self.backup.as_deref())?;
            let ends = open.keys().map(|key| Change::End((*key).clone()));
            state.commit(found.keys().cloned().map(Change::Remove).chain(ends).collect())?;
        }
        call.terminal.print(&text);
        Ok(0)
    }

    fn told<'a>(&self, rows: impl Iterator<Item = &'a Address>, open: impl Iterator<Item = &'a Address>) -> String {
        let mut addresses: Vec<&Address> = rows.collect();
        addresses.dedup();
        let (removed, settled) = match self.dry_run {
            true => ("Would remove", "Would not look any more for"),
            false => ("Removed", "Not looking any more for"),
        };
        let mut text: String = addresses.iter().map(|address| format!("{removed} {address}\n")).collect();
        for address in open {
            text.push_str(&format!("{settled} what an interrupted run may have made of {address}\n"));
        }
        if !self.dry_run {
            text.push_str(&format!("Successfully removed {} resource instance(s).\n", addresses.len()));
        }
        text
    }
}
