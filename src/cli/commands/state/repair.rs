//! `terrane state repair`.

use std::path::PathBuf;

use super::super::super::context::Common;
use super::super::super::error::Failure;
use super::super::Call;
use crate::ops::Access;
use crate::state::repair;

/// Looks for damage in a state file, tells it, and mends what can be mended. The file is copied first.
///
/// Example: terrane state repair -dry-run
#[derive(Debug, clap::Args)]
pub struct Repair {
    #[command(flatten)]
    pub common: Common,

    /// Only says what is wrong.
    #[arg(long)]
    pub dry_run: bool,

    /// The file; that of the workspace where nothing is said.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

impl Repair {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let session = super::open(&self.common, None, Access::Nothing, call)?;
        let settings = &session.settings;
        let path = self.state.unwrap_or_else(|| settings.workspace.state_path(&settings.data_dir));
        let done = repair::repair(&path, &settings.around, self.dry_run)?;
        let mut text = String::new();
        for finding in &done.findings {
            text.push_str(&format!("{}\n    {}\n", finding.what, finding.remedy));
        }
        match (&done.copy, done.findings.len()) {
            (_, 0) => text.push_str("Nothing is wrong with the state.\n"),
            (None, found) => text.push_str(&format!("\n{found} problem(s) found, nothing was changed.\n")),
            (Some(copy), found) => text.push_str(&format!(
                "\n{found} problem(s) mended. The file as it was: {}\nSee what differs from the real objects: terrane plan\n",
                copy.display()
            )),
        }
        call.terminal.print(&text);
        Ok(if self.dry_run && !done.findings.is_empty() { 1 } else { 0 })
    }
}
