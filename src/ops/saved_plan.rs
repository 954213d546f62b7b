//! A saved plan is shown as it stands in its file, and carried out where what it covers is as it was.

use super::claim;
use super::load::{self, Loaded};
use super::plan_file::PlanFile;
use super::variables::{self, Given};
use super::{Providers, Session, saved_steps};
use crate::model::{Diagnostic, Diagnostics, SourceMap};
use crate::plan::cells::variable_value;
use crate::plan::{Plan, Planned};
use crate::state::{Snapshot, tfstate};

/// A saved plan with what showing it needs. No state is read, and no provider is asked.
pub struct Shown {
    pub plan: Plan,
    pub loaded: Loaded,
    pub providers: Providers,
    pub made_at: String,
    /// The state that it was made from.
    pub snapshot: Snapshot,
}

impl Shown {
    pub fn of(file: PlanFile, runtime: &tokio::runtime::Handle) -> Result<Shown, Diagnostic> {
        let providers = Providers::new(runtime.clone(), None);
        let made_with = &file.record.options;
        let loaded = load::load_bundle(file.sources, &providers, &made_with.inputs, &made_with.workspace);
        let plan = saved_steps::decode(&file.plan, &loaded.spec.sources).ok_or_else(damaged)?;
        Ok(Shown { plan, loaded, providers, made_at: file.made_at, snapshot: file.snapshot })
    }
}

/// Takes up a saved plan in a session of its configuration: gives its steps with the values that they go on with, or why
/// it can't be carried out.
///
/// The values come from making the plan once more from the state and the answers that it was made from, which asks
/// nobody. What is carried out is what the file says.
pub fn take_up(session: &mut Session, file: &PlanFile) -> Result<Planned, Diagnostics> {
    refuse_other_values(session, file)?;
    let now = session.snapshot.clone();
    if now.lineage != file.snapshot.lineage && file.snapshot.serial > 0 {
        return Err(stale("the state is another one than the plan was made from").into());
    }
    session.snapshot = match file.snapshot.serial {
        0 => Snapshot::empty(now.lineage.clone()),
        _ => file.snapshot.clone(),
    };
    let mut planned = session.replay(&file.record);
    if planned.plan.errored() {
        return Err(planned.plan.diagnostics);
    }
    let moved_on = now.serial != file.snapshot.serial;
    if moved_on {
        let changed = claim::scope(&planned, &session.snapshot).differing(&session.snapshot, &as_saved(&now));
        if !changed.is_empty() {
            let shown = changed.iter().take(10).map(|name| format!("\n  {name}")).collect::<String>();
            return Err(stale(&format!("what it touches has changed since it was made:{shown}")).into());
        }
    }
    if !saved_steps::do_the_same(&saved_steps::encode(&planned.plan, &SourceMap::default()), &file.plan) {
        return Err(Diagnostic::error("the saved plan does not come to the same steps any more")
            .detail("a file that the configuration reads is not what it was")
            .help("make a new plan")
            .into());
    }
    planned.plan = saved_steps::decode(&file.plan, &session.loaded.spec.sources).ok_or_else(damaged)?;
    session.snapshot = now;
    Ok(planned)
}

/// The state in the form that a plan file keeps.
fn as_saved(now: &Snapshot) -> Snapshot {
    if now.serial == 0 {
        return now.clone();
    }
    tfstate::import(&tfstate::export(now)).unwrap_or_else(|_| now.clone())
}

/// The command line may say again what the plan was made with, and give what a plan does not keep.
fn refuse_other_values(session: &Session, file: &PlanFile) -> Result<(), Diagnostics> {
    let Some(root) = session.loaded.spec.root() else { return Ok(()) };
    let written = |given: &&Given| match given {
        Given::Text { origin, .. } => origin == "-var",
        Given::File { required, .. } => *required,
    };
    let given: Vec<Given> = session.settings.given.iter().filter(written).cloned().collect();
    let (values, _) = variables::read(&given, root, &mut session.sources.clone());
    let mut problems = Diagnostics::new();
    for variable in root.variables.iter().filter(|v| !file.record.options.withheld.contains(&v.name)) {
        let Some(value) = values.get(&variable.name) else { continue };
        let converted = |value| variable_value(variable, value, None).ok();
        let kept = file.record.options.inputs.get(&variable.name).cloned();
        if converted(Some(value.clone())) != converted(kept) {
            problems.push(
                Diagnostic::error(format!("the saved plan was made with another value of \"{}\"", variable.name))
                    .detail("a saved plan keeps the values of its variables, and is carried out with them")
                    .help("leave the variable out, or make a new plan"),
            );
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.sorted()) }
}

fn damaged() -> Diagnostic {
    Diagnostic::error("the saved plan is damaged: a part of it cannot be read").help("make a new plan")
}

fn stale(why: &str) -> Diagnostic {
    Diagnostic::error("Saved plan is stale").detail(why).help("make a new plan")
}
