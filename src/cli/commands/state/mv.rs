//! `terrane state mv`.

use std::path::PathBuf;

use super::super::super::context::Common;
use super::super::super::error::Failure;
use super::super::Call;
use crate::model::{Diagnostic, KillPoint};
use crate::ops::elsewhere::OpenState;
use crate::ops::{Access, Session, moving};

/// Gives objects another address, or moves them to another state. Nothing changes at the providers.
///
/// Example: terrane state mv aws_subnet.a 'aws_subnet.public["a"]'
#[derive(Debug, clap::Args)]
pub struct Mv {
    #[command(flatten)]
    pub common: Common,

    /// Only says what would move.
    #[arg(long)]
    pub dry_run: bool,

    /// Takes the objects from a file: a terraform.tfstate, or a state of Terrane.
    #[arg(long, value_name = "FILE", conflicts_with = "workspace")]
    pub state: Option<PathBuf>,

    /// Moves them to a file. A new one is a state of Terrane where its name ends with .db, else a terraform.tfstate.
    #[arg(long, value_name = "FILE", conflicts_with = "workspace_out")]
    pub state_out: Option<PathBuf>,

    /// Takes the objects from another workspace.
    #[arg(long, value_name = "NAME")]
    pub workspace: Option<String>,

    /// Moves them to another workspace.
    #[arg(long, value_name = "NAME")]
    pub workspace_out: Option<String>,

    /// Writes the state as it was into a file, in Terraform's format.
    #[arg(long, value_name = "FILE")]
    pub backup: Option<PathBuf>,

    #[arg(value_name = "SOURCE")]
    pub source: String,

    #[arg(value_name = "DESTINATION")]
    pub destination: String,
}

const OPERATION: &str = "state mv";

impl Mv {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let mut session = super::open(&self.common, None, Access::Write(OPERATION), call)?;
        let source = self.side(&mut session, self.state.as_ref(), self.workspace.as_deref())?;
        let elsewhere = self.state_out.is_some() || self.workspace_out.is_some();
        let target = match elsewhere {
            true => Some(self.side(&mut session, self.state_out.as_ref(), self.workspace_out.as_deref())?),
            false => None,
        };
        let into = target.as_ref().map_or(&source.snapshot, |t| &t.snapshot);
        let moves = moving::plan(&source.snapshot, into, &self.source, &self.destination)?;
        let what = format!("\"{}\" to \"{}\"", self.source, self.destination);
        if self.dry_run {
            call.terminal.line(&format!("Would move {what}"));
            return Ok(0);
        }
        super::pull::back_up(&session, &source.snapshot, self.backup.as_deref())?;
        match &target {
            None => source.commit(moves.within(&source.snapshot))?,
            Some(target) => {
                // An interruption in between leaves the objects in both states, not in none; the same call again
                // ends it.
                target.commit(moves.arriving())?;
                KillPoint::Copied.here();
                source.commit(moves.leaving())?;
            }
        }
        call.terminal.line(&format!("Move {what}\nSuccessfully moved 1 object(s)."));
        Ok(0)
    }

    fn side(
        &self,
        session: &mut Session,
        file: Option<&PathBuf>,
        workspace: Option<&str>,
    ) -> Result<OpenState, Failure> {
        match (file, workspace) {
            (Some(path), _) => Ok(OpenState::of_file(session, path, OPERATION)?),
            (None, Some(name)) => {
                let workspace = super::workspace(name)?;
                if workspace == session.settings.workspace {
                    return Ok(OpenState::of_session(session)?);
                }
                if !session.workspaces()?.contains(&workspace) {
                    return Err(Diagnostic::error(format!("there is no workspace \"{workspace}\""))
                        .help(format!("make it with: terrane workspace new {workspace}"))
                        .into());
                }
                Ok(OpenState::of_workspace(session, &workspace, OPERATION)?)
            }
            (None, None) => Ok(OpenState::of_session(session)?),
        }
    }
}
