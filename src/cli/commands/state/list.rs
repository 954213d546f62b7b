//! `terrane state list`.

use std::path::PathBuf;

use super::super::super::context::Common;
use super::super::super::error::Failure;
use super::super::Call;
use crate::ops::Access;
use crate::ops::selection::Selection;

/// Lists the addresses of all objects, or of those at the given addresses.
///
/// Example: terrane state list module.network
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    pub common: Common,

    /// Only objects that have this id at their provider.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,

    /// Looks into a file: a terraform.tfstate, or a state of Terrane.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// The folder of the root module, or addresses.
    #[arg(value_name = "DIR|ADDRESS")]
    pub addresses: Vec<String>,
}

impl List {
    pub fn run(mut self, call: &mut Call) -> Result<u8, Failure> {
        let folder = self.addresses.first().map(PathBuf::from).filter(|p| p.is_dir());
        if folder.is_some() {
            self.addresses.remove(0);
        }
        let session = super::open(&self.common, folder, Access::Read, call)?;
        let snapshot = super::snapshot(&session, self.state.as_deref())?;
        let mut wanted = Vec::new();
        for text in &self.addresses {
            let selection = Selection::parse(text)?;
            selection.some_rows(&snapshot)?;
            wanted.push(selection);
        }
        let has_id = |id: &str| self.id.as_deref().is_none_or(|w| w == id);
        let rows = snapshot.rows().iter().filter(|r| {
            r.deposed.is_none()
                && has_id(r.remote_id.as_deref().unwrap_or_default())
                && (wanted.is_empty() || wanted.iter().any(|w| w.covers(&r.address)))
        });
        let lines: String = rows.map(|r| format!("{}\n", r.address)).collect();
        call.terminal.print(&lines);
        Ok(0)
    }
}
