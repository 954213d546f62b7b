//! `terrane show`: a saved plan or the state, for people or as JSON.

use std::path::{Path, PathBuf};

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::super::show::{plan_json, state_json, state_text};
use super::Call;
use super::planning::{self, Beside};
use crate::ops::plan_file::{self, PlanFile};
use crate::ops::saved_plan::Shown;
use crate::ops::{Access, Session, SessionError, Settings};

/// Shows a saved plan, or the state where none is given.
///
/// Example: terrane show -json change.plan
#[derive(Debug, clap::Args)]
pub struct Show {
    #[command(flatten)]
    pub common: Common,

    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,

    /// Gives sensitive values in clear, which are covered otherwise. With -json.
    #[arg(long, requires = "json")]
    pub show_sensitive: bool,

    /// A saved plan, or the folder of a root module.
    #[arg(value_name = "PLAN|DIR")]
    pub subject: Option<PathBuf>,
}

impl Show {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let start = enter(call.chdir.as_deref(), None)?;
        if let Some(path) = self.subject.as_deref().filter(|p| p.is_file()) {
            let settings = self.common.settings(call.environment, &start)?;
            let (file, _) = read_saved(path, &settings)?;
            self.show_plan(file, call)?;
            return Ok(0);
        }
        let place = enter(None, self.subject.as_deref())?;
        let session = Session::open(self.common.settings(call.environment, &place)?, Access::Read)?;
        match self.json {
            true => call.terminal.line(&state_json(&session, self.show_sensitive)?),
            false => call.terminal.print(&state_text(&session, None)?),
        }
        Ok(0)
    }

    fn show_plan(&self, file: PlanFile, call: &Call) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().map_err(SessionError::Runtime)?;
        let Shown { plan, loaded, providers, made_at, snapshot } = Shown::of(file, runtime.handle())?;
        let beside =
            Beside { loaded: &loaded, providers: &providers, sources: &loaded.spec.sources, made_at: &made_at };
        match self.json {
            true => call.terminal.line(&plan_json(plan, &beside, &snapshot, self.show_sensitive)),
            false => planning::show(&plan, &beside, call.terminal),
        }
        Ok(())
    }
}

/// Reads a saved plan, and tells whether it is sealed: then the configuration in this folder, or the environment, says
/// how it is opened.
pub fn read_saved(path: &Path, settings: &Settings) -> Result<(PlanFile, bool), Failure> {
    let sealed = plan_file::is_sealed(path);
    let encryption = match sealed {
        true => crate::ops::opening::plan_encryption(settings)?,
        false => Default::default(),
    };
    Ok((plan_file::read(path, &encryption)?, sealed))
}
