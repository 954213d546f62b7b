//! `terrane output`: the root module's outputs.

use std::path::PathBuf;

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::super::show::output_values;
use super::Call;
use crate::model::Diagnostic;
use crate::ops::{Access, Session};
use crate::render::outputs::{output_json, output_raw, output_text, outputs_json, outputs_text};

/// Shows the outputs of the root module.
///
/// Example: terrane output -raw cluster_endpoint
#[derive(Debug, clap::Args)]
pub struct Output {
    #[command(flatten)]
    pub common: Common,

    /// Prints JSON.
    #[arg(long, conflicts_with = "raw")]
    pub json: bool,

    /// Prints the text of one output without quotes.
    #[arg(long, requires = "name")]
    pub raw: bool,

    /// One output.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// The folder of the root module.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Output {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        // A folder where the name would stand is what the other commands take there.
        let named_folder = self.name.as_deref().map(PathBuf::from).filter(|p| p.is_dir());
        let folder = self.folder.clone().or(named_folder.clone());
        let place = enter(call.chdir.as_deref(), folder.as_deref())?;
        let name = self.name.filter(|_| named_folder.is_none());
        let session = Session::open(self.common.settings(call.environment, &place)?, Access::Read)?;
        let outputs = output_values(&session);
        let Some(name) = name else {
            match self.json {
                true => call.terminal.line(&format!("{:#}", outputs_json(&outputs))),
                false if outputs.is_empty() => call.terminal.line("There are no outputs."),
                false => call.terminal.print(&outputs_text(&outputs)),
            }
            return Ok(0);
        };
        let Some(output) = outputs.iter().find(|o| *o.name == *name) else {
            return Err(Diagnostic::error(format!("there is no output \"{name}\""))
                .did_you_mean(&name, outputs.iter().map(|o| &*o.name))
                .help("outputs are stored by apply: after adding one, apply first")
                .into());
        };
        match (self.json, self.raw) {
            (true, _) => call.terminal.line(&output_json(output).to_string()),
            (_, true) => {
                let raw = output_raw(output).map_err(|error| Diagnostic::error(error.to_string()))?;
                call.terminal.print(&raw);
            }
            _ => call.terminal.print(&output_text(output)),
        }
        Ok(0)
    }
}
