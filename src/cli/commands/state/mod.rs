//! `terrane state`: looks at the state and changes it by hand. One file a subcommand.

mod import_tfstate;
mod list;
mod mv;
mod pull;
mod push;
mod repair;
mod replace_provider;
mod rm;
mod show;

use std::path::PathBuf;

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::Call;
use crate::ops::elsewhere::{self, ElsewhereError};
use crate::ops::{Access, Session};
use crate::state::{Snapshot, Workspace};

/// Looks at the state, and changes it by hand.
#[derive(Debug, clap::Args)]
pub struct State {
    #[command(subcommand)]
    pub command: StateCommand,
}

#[derive(Debug, clap::Subcommand)]
pub enum StateCommand {
    List(list::List),
    Show(show::Show),
    Mv(mv::Mv),
    Rm(rm::Rm),
    Pull(pull::Pull),
    Push(push::Push),
    Repair(repair::Repair),
    ImportTfstate(import_tfstate::ImportTfstate),
    ReplaceProvider(replace_provider::ReplaceProvider),
}

impl State {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        match self.command {
            StateCommand::List(c) => c.run(call),
            StateCommand::Show(c) => c.run(call),
            StateCommand::Mv(c) => c.run(call),
            StateCommand::Rm(c) => c.run(call),
            StateCommand::Pull(c) => c.run(call),
            StateCommand::Push(c) => c.run(call),
            StateCommand::Repair(c) => c.run(call),
            StateCommand::ImportTfstate(c) => c.run(call),
            StateCommand::ReplaceProvider(c) => c.run(call),
        }
    }

    /// The options that all of them share.
    pub fn common(&self) -> &Common {
        match &self.command {
            StateCommand::List(c) => &c.common,
            StateCommand::Show(c) => &c.common,
            StateCommand::Mv(c) => &c.common,
            StateCommand::Rm(c) => &c.common,
            StateCommand::Pull(c) => &c.common,
            StateCommand::Push(c) => &c.common,
            StateCommand::Repair(c) => &c.common,
            StateCommand::ImportTfstate(c) => &c.common,
            StateCommand::ReplaceProvider(c) => &c.common,
        }
    }
}

impl From<ElsewhereError> for Failure {
    fn from(error: ElsewhereError) -> Self {
        crate::model::Diagnostic::from(error).into()
    }
}

/// A session in the folder that is named, or in the present one.
pub fn open(common: &Common, folder: Option<PathBuf>, access: Access, call: &mut Call) -> Result<Session, Failure> {
    let place = enter(call.chdir.as_deref(), folder.as_deref())?;
    Ok(Session::open(common.settings(call.environment, &place)?, access)?)
}

/// The state to look at: that of the session, or of a file that was named.
fn snapshot(session: &Session, file: Option<&std::path::Path>) -> Result<Snapshot, Failure> {
    let Some(path) = file else { return Ok(session.snapshot.clone()) };
    Ok(elsewhere::read(session, path)?.unwrap_or_else(|| Snapshot::empty("")))
}

/// A workspace by its name.
pub fn workspace(name: &str) -> Result<Workspace, Failure> {
    Workspace::parse(name).map_err(|error| crate::model::Diagnostic::error(error.to_string()).into())
}
