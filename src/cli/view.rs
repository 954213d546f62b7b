//! How a run that plans or applies is told: to people, to programs, or to both.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::Failure;
use super::stream::Stream;
use super::terminal::Terminal;
use crate::model::Diagnostic;

/// How the run is told.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct View {
    /// Prints one JSON object a line instead of text.
    #[arg(long)]
    pub json: bool,

    /// Writes the same JSON lines to a file, beside the text.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub json_into: Option<PathBuf>,

    /// Shows warnings in one line each.
    #[arg(long)]
    pub compact_warnings: bool,
}

impl View {
    /// Sets the terminal up before anything is told. `chdir` is where the file's path begins.
    pub fn begin(&self, terminal: &mut Terminal, chdir: Option<&Path>) -> Result<(), Failure> {
        terminal.compact_warnings = self.compact_warnings;
        if self.json {
            terminal.talks = false;
            terminal.stream = Some(Stream::new(Box::new(std::io::stdout())));
        } else if let Some(file) = &self.json_into {
            let path = chdir.map_or_else(|| file.clone(), |dir| dir.join(file));
            let opened = File::create(&path).map_err(|error| {
                Diagnostic::error(format!("cannot write the JSON lines to \"{}\"", file.display()))
                    .detail(error.to_string())
                    .help("give -json-into a file in a folder that is there and can be written to")
            })?;
            terminal.stream = Some(Stream::new(Box::new(opened)));
        }
        Ok(())
    }
}
