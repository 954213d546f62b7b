//! `terrane show`: a saved plan or the state, for people or as JSON.

use std::path::{Path, PathBuf};

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::super::show::state_text;
use super::Call;
use super::planning;
use crate::model::Diagnostic;
use crate::ops::{Access, Session, Settings, claim, load, plan_file};
use crate::plan::Planned;

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

    /// A saved plan, or the folder of a root module.
    #[arg(value_name = "PLAN|DIR")]
    pub subject: Option<PathBuf>,
}

impl Show {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let saved = self.subject.as_deref().filter(|p| p.is_file());
        let folder = self.subject.as_deref().filter(|_| saved.is_none());
        let place = enter(call.chdir.as_deref(), folder)?;
        let mut settings = self.common.settings(call.environment, &place)?;
        if let Some(path) = saved {
            let (session, planned) = open_saved(path, &mut settings, &self.common, call, Access::Read)?;
            match self.json {
                true => call.terminal.line(&super::super::show::plan_json(&planned.plan, &session)),
                false => planning::show(&planned.plan, &session, call.terminal),
            }
            return Ok(0);
        }
        let session = Session::open(settings, Access::Read)?;
        match self.json {
            true => call.terminal.line(&super::super::show::state_json(&session)?),
            false => call.terminal.print(&state_text(&session, None)?),
        }
        Ok(0)
    }
}

/// Opens a saved plan and makes it again; refuses one that is stale or of another terrane.
pub fn open_saved(
    path: &Path,
    settings: &mut Settings,
    common: &Common,
    call: &Call,
    access: Access,
) -> Result<(Session, Planned), Failure> {
    // The key to a sealed plan is what the configuration in this folder, or the environment, says.
    let sealed = plan_file::is_sealed(path);
    let encryption = match sealed {
        true => crate::ops::planning::plan_encryption(settings)?,
        false => Default::default(),
    };
    let file = plan_file::read(path, &encryption)?;
    let version = env!("CARGO_PKG_VERSION");
    if file.terrane_version != version {
        return Err(Diagnostic::error(format!(
            "the plan was made by terrane {}, this is {version}",
            file.terrane_version
        ))
        .help("make a new plan")
        .into());
    }
    let place = enter(None, Some(Path::new(&file.root)))?;
    // What was given for the plan holds for the apply.
    *settings =
        Common { sandbox: file.sandbox || common.sandbox, ..common.clone() }.settings(call.environment, &place)?;
    settings.now = file.made_at.clone();
    let sources = file.sources.clone();
    let mut session =
        Session::with(settings.clone(), access, |_, providers| load::load_bundle(sources, ".", providers))?;
    if !sealed && !session.plan_encryption.reads_plain() {
        return Err(Diagnostic::error("the saved plan is not encrypted, and the configuration asks for that")
            .help("make a new plan, or add a fallback to method.unencrypted for plans")
            .into());
    }
    let now = session.snapshot.clone();
    let moved_on = now.serial != file.serial;
    if now.lineage != file.lineage && file.serial > 0 {
        return Err(stale("the state is another one than the plan was made from"));
    }
    if moved_on {
        let before = session.snapshot_at(file.serial);
        session.snapshot = before.ok_or_else(|| stale("the state has changed since the plan was made"))?;
    }
    let mut planned = session.replay(&file.record);
    let changed = claim::scope(&planned, &session.snapshot).differing(&session.snapshot, &now);
    if !changed.is_empty() {
        let shown = changed.iter().take(10).map(|name| format!("\n  {name}")).collect::<String>();
        return Err(stale(&format!("what it touches has changed since it was made:{shown}")));
    }
    if plan_file::digest(&planned.plan) != file.digest && moved_on {
        return Err(stale("the state has changed since the plan was made"));
    }
    if plan_file::digest(&planned.plan) != file.digest {
        return Err(Diagnostic::error("the saved plan does not come to the same steps any more")
            .detail("a file that the configuration reads, or the state, is not what it was")
            .help("make a new plan")
            .into());
    }
    if access != Access::Read && planned.plan.errored() {
        return Err(Failure { diagnostics: planned.plan.diagnostics, sources: session.sources.clone(), code: 1 });
    }
    if access != Access::Read {
        let (changed, notes) = session.recover(&planned, &call.terminal.reading())?;
        planned.plan.diagnostics.extend(notes);
        if changed {
            return Err(Diagnostic::error("Saved plan is stale")
                .detail("a run that was interrupted made something that is in the state now")
                .help("make a new plan")
                .into());
        }
    }
    Ok((session, planned))
}

fn stale(why: &str) -> Failure {
    Diagnostic::error("Saved plan is stale").detail(why).help("make a new plan").into()
}
