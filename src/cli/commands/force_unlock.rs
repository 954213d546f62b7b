//! `terrane force-unlock`: takes a lock away from a run that is surely gone.

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::Call;
use crate::model::Diagnostic;
use crate::ops::backend;

/// Takes the lock of a state away from a run that is surely gone.
///
/// Example: terrane force-unlock 7f3c2a
#[derive(Debug, clap::Args)]
pub struct ForceUnlock {
    /// Does not ask.
    #[arg(long)]
    pub force: bool,

    /// The lock's id, as the error message names it.
    #[arg(value_name = "ID")]
    pub id: String,
}

impl ForceUnlock {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let place = enter(call.chdir.as_deref(), None)?;
        let common = Common { lock: false, lock_timeout: "0s".into(), ..Common::default() };
        let settings = common.settings(call.environment, &place)?;
        if !self.force {
            if !call.terminal.interactive {
                return Err(Diagnostic::error("nobody is there to confirm").help("use -force").into());
            }
            if !call.terminal.confirm("Do you really want to take this lock away? Two runs at once can do harm.") {
                return Err(Diagnostic::error("cancelled, the lock is as it was").into());
            }
        }
        let store = backend::of_folder(&settings)?.open(&settings.workspace)?;
        let lease = store.force_unlock(self.id.as_str().into()).wait()?;
        call.terminal.line(&format!("The lock of {} is taken away.", lease.holder.who));
        Ok(0)
    }
}
