//! `terrane metadata`: what programs want to know of the language.

use super::super::error::Failure;
use super::Call;
use crate::model::Diagnostic;
use crate::ops::functions::signatures_json;

/// Prints what programs such as editors want to know of the language.
#[derive(Debug, clap::Args)]
pub struct Metadata {
    #[command(subcommand)]
    pub command: MetadataCommand,
}

#[derive(Debug, clap::Subcommand)]
pub enum MetadataCommand {
    /// Prints the signatures of all functions, as one JSON object.
    ///
    /// Example: terrane metadata functions -json
    Functions {
        /// Prints JSON: there is no other form.
        #[arg(long)]
        json: bool,
    },
}

impl Metadata {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let MetadataCommand::Functions { json } = self.command;
        if !json {
            return Err(Diagnostic::error("signatures are printed as JSON only").help("add -json").into());
        }
        call.terminal.line(&signatures_json().to_string());
        Ok(0)
    }
}
