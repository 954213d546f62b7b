//! `terrane state import-tfstate`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::super::super::context::{Common, enter};
use super::super::super::error::Failure;
use super::super::Call;
use crate::model::{Diagnostic, Diagnostics, Mode};
use crate::ops::elsewhere::OpenState;
use crate::ops::{Access, Session, adopting};
use crate::spec::Schemas;
use crate::state::Snapshot;

/// Adopts a terraform.tfstate: everything that it has is Terrane's from now on. The file stays as it is.
///
/// Example: terrane state import-tfstate terraform.tfstate
#[derive(Debug, clap::Args)]
pub struct ImportTfstate {
    #[command(flatten)]
    pub common: Common,

    /// Replaces what the present state has.
    #[arg(long)]
    pub force: bool,

    /// The file; - reads standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

impl ImportTfstate {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        // The file's path begins where the command works.
        enter(call.chdir.take().as_deref(), None)?;
        let new = super::push::read(&self.file)?;
        let session = super::open(&self.common, None, Access::Write("state import-tfstate"), call)?;
        let count = new.rows().len();
        call.terminal.diagnostics(&unknown_types(&new, &session), &session.sources);
        let Some(change) = adopting::adopt(&session.snapshot, new, self.force)? else {
            call.terminal.line("The state has all of it already.");
            return Ok(0);
        };
        OpenState::of_session(&session)?.commit(vec![change])?;
        call.terminal
            .line(&format!("Adopted {count} resource instance(s). See what Terrane makes of them: terrane plan"));
        Ok(0)
    }
}

/// Types that no provider here has: their objects are kept, and cannot be planned.
fn unknown_types(state: &Snapshot, session: &Session) -> Diagnostics {
    let known = |mode: Mode, ty: &str| Schemas::resource(&*session.providers, mode, ty).is_some();
    let rows = state.rows().iter().map(|r| (r.address.resource.mode, r.address.ty()));
    let unknown: BTreeSet<_> = rows.filter(|(mode, ty)| !known(*mode, ty)).collect();
    let warn = |(_, ty): (Mode, &crate::model::Str)| {
        Diagnostic::warning(format!("no provider here has the type \"{ty}\""))
            .detail("its objects are kept in the state, and cannot be planned")
            .help("manage them elsewhere: terrane state rm takes them out, terrane state mv to another state")
    };
    let mut warnings = Diagnostics::new();
    warnings.extend(unknown.into_iter().map(warn));
    warnings
}
