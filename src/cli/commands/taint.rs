//! `terrane taint` and `terrane untaint`: whether the next apply replaces an object.

use std::sync::Arc;

use super::super::context::Common;
use super::super::error::Failure;
use super::Call;
use crate::model::{Diagnostic, Diagnostics, Mode};
use crate::ops::elsewhere::OpenState;
use crate::ops::{Access, Session, selection};
use crate::state::{Change, Status, StoredInstance};

/// Marks an object as one that the next apply replaces.
///
/// Example: terrane taint 'aws_instance.web[0]'
#[derive(Debug, clap::Args)]
pub struct Taint {
    #[command(flatten)]
    pub marked: Marked,
}

/// Takes the mark of "terrane taint" or of a failed creation from an object.
///
/// Example: terrane untaint 'aws_instance.web[0]'
#[derive(Debug, clap::Args)]
pub struct Untaint {
    #[command(flatten)]
    pub marked: Marked,
}

#[derive(Debug, clap::Args)]
pub struct Marked {
    #[command(flatten)]
    pub common: Common,

    /// Succeeds where there is no such object.
    #[arg(long)]
    pub allow_missing: bool,

    #[arg(value_name = "ADDRESS")]
    pub address: String,
}

impl Taint {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let Some((session, row)) = self.marked.find("taint", call)? else { return Ok(0) };
        let address = &row.address;
        if address.resource.mode != Mode::Managed {
            return Err(Diagnostic::error(format!("{address} is a data source, which is read anew anyway")).into());
        }
        set(&session, &row, Status::Tainted)?;
        call.terminal.line(&format!("Resource instance {address} has been marked as tainted."));
        Ok(0)
    }
}

impl Untaint {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let Some((session, row)) = self.marked.find("untaint", call)? else { return Ok(0) };
        let address = &row.address;
        if row.status != Status::Tainted {
            return Err(Diagnostic::error(format!("{address} is not tainted")).into());
        }
        set(&session, &row, Status::Ok)?;
        call.terminal.line(&format!("Resource instance {address} has been successfully untainted."));
        Ok(0)
    }
}

impl Marked {
    fn find(
        &self,
        operation: &'static str,
        call: &mut Call,
    ) -> Result<Option<(Session, Arc<StoredInstance>)>, Failure> {
        let session = super::state::open(&self.common, None, Access::Write(operation), call)?;
        match selection::instance(&self.address, &session.snapshot).cloned() {
            Ok(row) => Ok(Some((session, row))),
            Err(problem) if self.allow_missing && !problem.summary.ends_with("is no address") => {
                let warning = Diagnostic::warning(format!("Resource instance {} was not found", self.address))
                    .detail("this is not an error because -allow-missing was set");
                call.terminal.diagnostics(&Diagnostics::from(warning), &session.sources);
                Ok(None)
            }
            Err(problem) => Err(problem.into()),
        }
    }
}

fn set(session: &Session, row: &StoredInstance, status: Status) -> Result<(), Failure> {
    let row = StoredInstance { status, ..row.clone() };
    Ok(OpenState::of_session(session)?.commit(vec![Change::Put(Arc::new(row))])?)
}
