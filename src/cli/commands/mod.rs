//! The commands, one file each. Registration is the enum.

mod apply;
mod destroy;
mod force_unlock;
mod graph;
mod init;
mod output;
mod plan;
mod planning;
mod refresh;
mod show;
mod state;
mod taint;
mod validate;
mod version;
mod workspace;

use std::path::PathBuf;

use clap::Subcommand;

use super::context::Environment;
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
    Taint(taint::Taint),
    Untaint(taint::Untaint),
    Workspace(workspace::Workspace),
    Graph(graph::Graph),
    Refresh(refresh::Refresh),
    Init(init::Init),
    ForceUnlock(force_unlock::ForceUnlock),
    Version(version::Version),
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
            Command::Taint(c) => c.run(&mut call),
            Command::Untaint(c) => c.run(&mut call),
            Command::Workspace(c) => c.run(&mut call),
            Command::Graph(c) => c.run(&mut call),
            Command::Refresh(c) => c.run(&mut call),
            Command::Init(c) => c.run(&mut call),
            Command::ForceUnlock(c) => c.run(&mut call),
            Command::Version(c) => c.run(&mut call),
        }
    }

    pub fn no_color(&self) -> bool {
        match self {
            Command::Plan(c) => c.common.no_color,
            Command::Apply(c) => c.common.no_color,
            Command::Destroy(c) => c.common.no_color,
            Command::Validate(c) => c.common.no_color,
            Command::Show(c) => c.common.no_color,
            Command::Output(c) => c.common.no_color,
            Command::Refresh(c) => c.common.no_color,
            Command::Graph(c) => c.common.no_color,
            Command::State(c) => c.no_color(),
            Command::Taint(c) => c.marked.common.no_color,
            Command::Untaint(c) => c.marked.common.no_color,
            Command::Workspace(c) => c.no_color(),
            Command::Init(c) => c.common.no_color,
            Command::ForceUnlock(_) | Command::Version(_) => false,
        }
    }
}
