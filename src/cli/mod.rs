//! The command line: arguments, environment, what is printed, and exit codes. The only room that prints, reads the
//! environment, and exits.

mod arguments;
mod commands;
mod context;
mod error;
mod interrupt;
mod observer;
mod progress;
mod show;
mod terminal;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use commands::Command;

/// Declarative infrastructure: plan and apply stacks written in .tf or YAML.
#[derive(Debug, Parser)]
#[command(name = "terrane", version, disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    /// Runs as if started in this folder.
    #[arg(long, global = true, value_name = "DIR")]
    pub chdir: Option<std::path::PathBuf>,

    #[command(subcommand)]
    pub command: Command,
}

/// Runs the command of this process's arguments.
pub fn main() -> ExitCode {
    let environment = context::Environment::read();
    let arguments = arguments::normal(std::env::args().collect(), &environment);
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(problem) => return usage(&problem),
    };
    let mut terminal = terminal::Terminal::new(&environment, &cli.command);
    match cli.command.run(cli.chdir, &environment, &mut terminal) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => error::tell(&failure, &terminal),
    }
}

/// The definition of all commands, for the reference in the docs.
pub fn definition() -> clap::Command {
    Cli::command()
}

fn usage(problem: &clap::Error) -> ExitCode {
    // Help and version go to stdout and are no failure. There is nobody to tell where even this fails.
    let _told = problem.print();
    if problem.use_stderr() { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
