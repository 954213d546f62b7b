//! `terrane validate`: checks a configuration without asking any provider.

use std::path::PathBuf;

use super::super::context::{Common, enter, load_here};
use super::super::error::Failure;
use super::Call;
use crate::ops::{Providers, typed};
use crate::render::json::validate_json;
use crate::spec;

/// Checks a configuration without asking any provider.
///
/// Example: terrane validate -json examples/three-tier
#[derive(Debug, clap::Args)]
pub struct Validate {
    #[command(flatten)]
    pub common: Common,

    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,

    /// Test files are not checked; accepted for scripts that pass it.
    #[arg(long, hide = true)]
    pub no_tests: bool,

    #[arg(long, hide = true, value_name = "DIR")]
    pub test_directory: Option<PathBuf>,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Validate {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        enter(call.chdir.as_deref(), self.folder.as_deref())?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(crate::ops::SessionError::from)?;
        let providers = Providers::new(runtime.handle().clone(), None);
        let here = std::path::Path::new(".");
        let mut loaded = load_here(call.environment, &providers);
        loaded.diagnostics.extend(spec::bare(&loaded.spec));
        if !loaded.diagnostics.has_errors() {
            let home = call.environment.get("HOME").map(str::to_string);
            let more = typed::check(&loaded.spec, here, home, &providers);
            loaded.diagnostics.extend(more);
            loaded.diagnostics = loaded.diagnostics.sorted();
        }
        let code = u8::from(loaded.diagnostics.has_errors());
        if self.json {
            call.terminal.line(&format!("{:#}", validate_json(&loaded.diagnostics, &loaded.spec.sources)));
            return Ok(code);
        }
        call.terminal.diagnostics(&loaded.diagnostics, &loaded.spec.sources);
        if code == 0 {
            let but = if loaded.diagnostics.is_empty() { "" } else { ", but there are warnings" };
            call.terminal.line(&format!("Success! The configuration is valid{but}."));
        }
        Ok(code)
    }
}
