//! `terrane state repair`.

use std::path::PathBuf;

use super::super::super::context::Common;
use super::super::super::error::Failure;
use super::super::Call;
use crate::ops::Access;
use crate::state::repair;

/// Looks for damage in a state file, tells it, and mends what can be mended. The file is copied first. A state that is
/// kept elsewhere is only looked at.
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
        let Some(path) = self.state.or_else(|| session.backend().file(&settings.workspace)) else {
            // Where there is no file of ours, reading checks all that there is.
            session.backend().read(&settings.workspace)?;
            call.terminal.print("Nothing is wrong with the state.\n");
            return Ok(0);
        };
        let done = repair::repair(&path, &settings.around, self.dry_run)?;
        let mut text = String::new();
        for finding in &done.findings {
            text.push_str(&format!("{}\n    {}\n", finding.what, finding.remedy));
        }
        match (done.mended, done.findings.len()) {
            (_, 0) => text.push_str("Nothing is wrong with the state.\n"),
            (false, found) => text.push_str(&format!("\n{found} problem(s) found, nothing was changed.\n")),
            (true, found) => {
                text.push_str(&format!("\n{found} problem(s) mended."));
                if let Some(copy) = &done.copy {
                    text.push_str(&format!(" The file as it was: {}", copy.display()));
                }
                text.push_str("\nSee what differs from the real objects: terrane plan\n");
            }
        }
        call.terminal.print(&text);
        Ok(if self.dry_run && !done.findings.is_empty() { 1 } else { 0 })
    }
}
