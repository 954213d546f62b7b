//! The commands, one file each. Registration is the enum.

mod apply;
mod console;
mod destroy;
mod force_unlock;
mod graph;
mod history;
mod import;
mod init;
mod metadata;
mod output;
mod plan;
pub mod planning;
mod providers;
mod reference;
mod refresh;
mod rollback;
mod show;
mod state;
mod taint;
mod validate;
mod version;
mod workspace;

use std::path::PathBuf;

use clap::Subcommand;

use super::context::{Common, Environment};
use super::error::Failure;
use super::terminal::Terminal;

#[derive(Debug, Subcommand)]
pub enum Command {
    Plan(plan::Plan),
    Apply(apply::Apply),
    Destroy(destroy::Destroy),
    Validate(validate::Validate),
    Show(show::Show),
    Output(output::Output),
    State(state::State),
    History(history::History),
    Rollback(rollback::Rollback),
    Taint(taint::Taint),
    Untaint(taint::Untaint),
    Workspace(workspace::Workspace),
    Graph(graph::Graph),
    Console(console::Console),
    Refresh(refresh::Refresh),
    Import(import::Import),
    Init(init::Init),
    ForceUnlock(force_unlock::ForceUnlock),
    Providers(providers::Providers),
    Metadata(metadata::Metadata),
    Version(version::Version),
    #[command(hide = true)]
    Reference(reference::Reference),
}

/// What a command needs: where it was started from, the environment, and where to write.
pub struct Call<'c> {
    pub chdir: Option<PathBuf>,
    pub environment: &'c Environment,
    pub terminal: &'c mut Terminal,
}

impl Command {
    /// Runs the command and gives the exit status.
    pub fn run(
        self,
        chdir: Option<PathBuf>,
        environment: &Environment,
        terminal: &mut Terminal,
    ) -> Result<u8, Failure> {
        let mut call = Call { chdir, environment, terminal };
        match self {
            Command::Plan(c) => c.run(&mut call),
            Command::Apply(c) => c.run(&mut call),
            Command::Destroy(c) => c.run(&mut call),
            Command::Validate(c) => c.run(&mut call),
            Command::Show(c) => c.run(&mut call),
            Command::Output(c) => c.run(&mut call),
            Command::State(c) => c.run(&mut call),
            Command::History(c) => c.run(&mut call),
            Command::Rollback(c) => c.run(&mut call),
            Command::Taint(c) => c.run(&mut call),
            Command::Untaint(c) => c.run(&mut call),
            Command::Workspace(c) => c.run(&mut call),
            Command::Graph(c) => c.run(&mut call),
            Command::Console(c) => c.run(&mut call),
            Command::Refresh(c) => c.run(&mut call),
            Command::Import(c) => c.run(&mut call),
            Command::Init(c) => c.run(&mut call),
            Command::ForceUnlock(c) => c.run(&mut call),
            Command::Providers(c) => c.run(&mut call),
            Command::Metadata(c) => c.run(&mut call),
            Command::Version(c) => c.run(&mut call),
            Command::Reference(c) => c.run(&mut call),
        }
    }

    /// The options that the command shares with most, where it has them.
    pub fn common(&self) -> Option<&Common> {
        match self {
            Command::Plan(c) => Some(&c.common),
            Command::Apply(c) => Some(&c.common),
            Command::Destroy(c) => Some(&c.common),
            Command::Validate(c) => Some(&c.common),
            Command::Show(c) => Some(&c.common),
            Command::Output(c) => Some(&c.common),
            Command::Refresh(c) => Some(&c.common),
            Command::Import(c) => Some(&c.common),
            Command::Graph(c) => Some(&c.common),
            Command::Console(c) => Some(&c.common),
            Command::Providers(c) => Some(&c.common),
            Command::State(c) => Some(c.common()),
            Command::History(c) => Some(c.common()),
            Command::Rollback(c) => Some(&c.common),
            Command::Taint(c) => Some(&c.marked.common),
            Command::Untaint(c) => Some(&c.marked.common),
            Command::Workspace(c) => Some(c.common()),
            Command::Init(c) => Some(&c.common),
            Command::ForceUnlock(_) | Command::Metadata(_) | Command::Reference(_) | Command::Version(_) => None,
        }
    }
}
