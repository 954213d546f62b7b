//! `terrane console`: evaluates expressions on the state.

use std::io::BufReader;
use std::path::PathBuf;

use super::super::console;
use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::Call;
use crate::model::Diagnostic;
use crate::ops::console::Console as Values;
use crate::ops::{Access, Session};

/// Evaluates expressions on the values of the state.
///
/// Example: terrane console -e 'length(var.zones)'
#[derive(Debug, clap::Args)]
pub struct Console {
    #[command(flatten)]
    pub common: Common,

    /// Plans first, and shows the values that the plan would bring about.
    #[arg(long)]
    pub plan: bool,

    /// Evaluates this expression and leaves. May be repeated.
    #[arg(short = 'e', value_name = "EXPRESSION", allow_hyphen_values = true)]
    pub expressions: Vec<String>,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Console {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let place = enter(call.chdir.as_deref(), self.folder.as_deref())?;
        let settings = self.common.settings(call.environment, &place)?;
        let history = settings.data_dir.join("console_history");
        let (opened, problems, sources) = Values::open(Session::open(settings, Access::Read)?, self.plan);
        let terminal = &*call.terminal;
        terminal.diagnostics(&problems, &sources);
        let Some(mut values) = opened else { return Ok(1) };
        let told = |error: std::io::Error| Diagnostic::error("the input cannot be read").detail(error.to_string());
        if !self.expressions.is_empty() {
            let mut well = true;
            for expression in &self.expressions {
                well &= console::evaluate(&mut values, expression, terminal);
            }
            return Ok(u8::from(!well));
        }
        if !terminal.interactive {
            let well = console::piped(&mut values, &mut BufReader::new(std::io::stdin()), terminal).map_err(told)?;
            return Ok(u8::from(!well));
        }
        console::interactive(values, &history, terminal)
            .map_err(|error| Diagnostic::error("the console broke off").detail(error.to_string()))?;
        Ok(0)
    }
}
