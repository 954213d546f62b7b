//! `terrane plan`: shows what would change.

use std::path::{Path, PathBuf};

use super::super::context::{Common, enter, now};
use super::super::error::Failure;
use super::super::view::View;
use super::Call;
use super::planning::{self, Beside, Parallelism, PlanArguments};
use crate::model::Diagnostic;
use crate::ops::plan_file::{self, PlanFile};
use crate::ops::record::Record;
use crate::ops::{Access, Session, generate, saved_steps};
use crate::plan::{Plan as Made, PlanMode};
use crate::state::{Snapshot, private_file};

/// Shows what would change.
///
/// Example: terrane plan -out=change.plan examples/three-tier
#[derive(Debug, clap::Args)]
pub struct Plan {
    #[command(flatten)]
    pub common: Common,

    #[command(flatten)]
    pub view: View,

    #[command(flatten)]
    pub planning: PlanArguments,

    #[command(flatten)]
    pub parallelism: Parallelism,

    /// Saves the plan, for "terrane apply FILE".
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Writes configuration into this new file for imported objects that have none.
    #[arg(long, value_name = "FILE")]
    pub generate_config_out: Option<PathBuf>,

    /// Exits with 2 where there are changes, 0 where there are none, 1 on errors.
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Plan {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        self.view.begin(call.terminal, call.chdir.as_deref())?;
        let place = enter(call.chdir.as_deref(), self.folder.as_deref())?;
        let settings = self.common.settings(call.environment, &place)?;
        let mut options = self.planning.options()?;
        options.generating = self.generate_config_out.is_some();
        let (mut session, mut planned, mut record) =
            planning::make(settings.clone(), Access::Read, &options, self.parallelism, call.terminal)?;
        if let (Some(path), false) = (&self.generate_config_out, planned.plan.errored()) {
            let blocks = generate::blocks(&planned, &session.providers);
            if !blocks.is_empty() {
                write_new(path, &generate::file_text(&blocks))?;
                let name = path.file_name().map_or("generated.tf".into(), |n| n.to_string_lossy());
                let (again, options) = generate::with_file(&session, settings, &name, &blocks, &options)?;
                session = again;
                self.parallelism.limit(&session);
                (planned, record) = planning::plan(&mut session, options, call.terminal);
            }
        }
        planning::show(&planned.plan, &Beside::of(&session), call.terminal);
        if planned.plan.errored() {
            return Ok(1);
        }
        if let Some(out) = &self.out {
            let path = place.start.join(out);
            save(&session, &planned.plan, record, &path)?;
            let shown = out.display();
            call.terminal.say(&format!("\nSaved the plan to: {shown}\n"));
            if !call.environment.in_automation() {
                let next = format!("\nTo carry out exactly this plan, run:\n    terrane apply \"{shown}\"\n");
                call.terminal.say(&next);
            }
        }
        let code = if self.detailed_exitcode && has_changes(&planned.plan) { 2 } else { 0 };
        // The process ends here: to give everything back piece by piece would take a tenth of its time.
        let rows = std::mem::replace(&mut session.snapshot, Snapshot::empty(String::new()));
        std::mem::forget((planned, rows));
        Ok(code)
    }
}

/// What `-detailed-exitcode` counts as changes.
pub fn has_changes(plan: &Made) -> bool {
    match plan.mode {
        PlanMode::RefreshOnly => !plan.drift.is_empty() || plan.has_output_changes(),
        _ => plan.has_changes(),
    }
}

/// Configuration that stands somewhere already is never written over, and no half of it stands there.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    private_file::write_new(path, text.as_bytes()).map_err(|error| {
        Diagnostic::error(format!("cannot write the configuration file \"{}\"", path.display()))
            .detail(error.to_string())
            .help("name a new file in the root module's folder")
            .into()
    })
}

fn save(session: &Session, plan: &Made, record: Record, path: &Path) -> Result<(), Failure> {
    let root = std::env::current_dir().map(|d| d.to_string_lossy().into_owned()).unwrap_or_default();
    let file = PlanFile {
        terrane_version: env!("CARGO_PKG_VERSION").to_string(),
        plan: saved_steps::encode(plan, &session.sources),
        snapshot: session.snapshot.clone(),
        root,
        sources: crate::spec::bundle(&session.loaded.spec),
        record,
        made_at: now(),
        sandbox: session.settings.sandbox.is_some(),
    };
    Ok(plan_file::write(path, &file, &session.plan_encryption)?)
}
