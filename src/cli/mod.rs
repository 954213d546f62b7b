//! The command line: arguments, environment, what is printed, and exit codes. The only room that prints, reads the
//! environment, and exits.

mod arguments;
mod commands;
mod console;
mod context;
mod ended;
mod error;
mod in_flight;
mod interrupt;
mod log;
mod observer;
mod progress;
mod reference;
mod show;
mod stream;
mod terminal;
mod usage;
mod view;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use commands::Command;

use crate::model::SourceMap;

/// Declarative infrastructure: plan and apply stacks written in .tf or YAML.
#[derive(Debug, Parser)]
#[command(name = "terrane", version, disable_help_subcommand = true, args_override_self = true, max_term_width = 100)]
pub struct Cli {
    /// Runs as if started in this folder.
    #[arg(long, global = true, value_name = "DIR")]
    pub chdir: Option<std::path::PathBuf>,

    /// Prints without colour.
    #[arg(long, global = true)]
    pub no_color: bool,

    #[command(subcommand)]
    pub command: Command,
}

/// Runs the command of this process's arguments.
pub fn main() -> ExitCode {
    let environment = context::Environment::read();
    #[cfg(feature = "kill-points")]
    environment.get("TERRANE_KILL_AT").into_iter().for_each(crate::model::kill_point::ask);
    let given: Result<Vec<String>, _> = std::env::args_os().map(std::ffi::OsString::into_string).collect();
    let commands = definition();
    let arguments = match given {
        Ok(given) => arguments::normal(given, &environment, &commands),
        Err(word) => return usage::not_text(&word, &environment),
    };
    let command = arguments::command(&arguments, &commands);
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(problem) => return usage::tell(&problem, &command, &environment),
    };
    let mut terminal = terminal::Terminal::new(&environment, Some(&cli));
    terminal.diagnostics(&log::start(&environment), &SourceMap::default());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), command = command.join(" "), "begins");
    let ended = cli.command.run(cli.chdir, &environment, &mut terminal);
    let code = match ended {
        Ok(code) => code,
        Err(failure) => error::tell(&failure, &terminal),
    };
    tracing::info!(status = code, "ends");
    ExitCode::from(code)
}

/// The definition of all commands, for the reference in the docs.
pub fn definition() -> clap::Command {
    Cli::command()
}
