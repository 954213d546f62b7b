//! `terrane apply`: plans, asks, and carries out; or carries out a saved plan.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::context::{Common, enter};
use super::super::ended::ended;
use super::super::error::Failure;
use super::super::interrupt;
use super::super::observer::{All, Lines};
use super::super::show;
use super::super::terminal::Terminal;
use super::super::view::View;
use super::Call;
use super::planning::{self, Beside, Parallelism, PlanArguments};
use super::show::read_saved;
use crate::apply::{Observer, Outcome, Stop};
use crate::model::{Diagnostic, Marks};
use crate::ops::plan_file::is_plan;
use crate::ops::{Access, Providers, Session, SessionError, Settings, load, rehearsal, saved_plan};
use crate::plan::{Plan, PlanMode, Planned};

/// Carries out changes, after asking.
///
/// Example: terrane apply -auto-approve examples/three-tier
#[derive(Debug, clap::Args)]
pub struct Apply {
    #[command(flatten)]
    pub common: Common,

    #[command(flatten)]
    pub view: View,

    #[command(flatten)]
    pub planning: PlanArguments,

    /// Does not ask before it changes anything.
    #[arg(long)]
    pub auto_approve: bool,

    #[command(flatten)]
    pub parallelism: Parallelism,

    /// The folder of the root module, or a saved plan.
    #[arg(value_name = "DIR|PLAN")]
    pub subject: Option<PathBuf>,
}

const OPERATION: &str = "apply";

impl Apply {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let chdir = call.chdir.as_deref();
        let is_file = |p: &PathBuf| chdir.map_or_else(|| p.is_file(), |dir| dir.join(p).is_file());
        match self.subject.clone().filter(is_file) {
            Some(path) => self.carry_out_saved(&path, call),
            None => self.plan_and_carry_out(call),
        }
    }

    fn carry_out_saved(self, path: &Path, call: &mut Call) -> Result<u8, Failure> {
        if let Some(flag) = self.planning.first_given() {
            return Err(Diagnostic::error(format!("\"{flag}\" does not go with a saved plan"))
                .detail("a saved plan is carried out as it was made")
                .help(format!("leave it out, or make a new plan with it: terrane plan {flag} …"))
                .into());
        }
        self.view.begin(call.terminal, call.chdir.as_deref())?;
        let place = enter(call.chdir.as_deref(), None)?;
        let settings = self.common.settings(call.environment, &place)?;
        let (mut session, planned) = open_saved(path, settings, &self.common, call)?;
        self.parallelism.limit(&session);
        session.claim(&planned, OPERATION)?;
        carry_out(session, planned, self.parallelism, call.terminal)
    }

    /// Makes a plan of the configuration in a folder and carries it out.
    pub fn plan_and_carry_out(self, call: &mut Call) -> Result<u8, Failure> {
        self.view.begin(call.terminal, call.chdir.as_deref())?;
        if self.view.json && !self.auto_approve {
            return Err(Diagnostic::error("-json can't ask for approval")
                .help("use -auto-approve, or save a plan with \"terrane plan -out=FILE\" and apply that")
                .into());
        }
        enter(call.chdir.as_deref(), None)?;
        if let Some(path) = self.subject.as_deref().filter(|p| is_plan(p)) {
            return Err(Diagnostic::error(format!("\"{}\" is a saved plan, and no folder", path.display()))
                .help(format!("terrane apply \"{}\" carries it out", path.display()))
                .help("terrane plan -destroy -out=FILE saves a plan that destroys")
                .into());
        }
        let place = enter(None, self.subject.as_deref())?;
        let settings = self.common.settings(call.environment, &place)?;
        let options = self.planning.options()?;
        let (mut session, mut planned, _) =
            planning::make(settings, Access::Claim, &options, self.parallelism, call.terminal)?;
        if let Some(code) = self.agree(&session, &planned, call.terminal)? {
            return Ok(code);
        }
        match session.claim(&planned, OPERATION) {
            Err(SessionError::Stale(_)) => {
                session.start_again(OPERATION)?;
                (session, planned, _) = planning::settle(session, Access::Write(OPERATION), &options, call.terminal)?;
                call.terminal.say("\nThe state has changed meanwhile. The plan is made anew:\n");
                if let Some(code) = self.agree(&session, &planned, call.terminal)? {
                    return Ok(code);
                }
            }
            other => other?,
        }
        carry_out(session, planned, self.parallelism, call.terminal)
    }

    /// Shows the plan and asks. Gives the exit status where there is nothing to carry out.
    fn agree(&self, session: &Session, planned: &Planned, terminal: &Terminal) -> Result<Option<u8>, Failure> {
        planning::show(&planned.plan, &Beside::of(session), terminal);
        if planned.plan.errored() {
            return Ok(Some(1));
        }
        if !planned.plan.has_changes() && !planned.corrects_state() {
            tell_end(planned.plan.mode, &nothing_done(&planned.plan), terminal);
            return Ok(Some(0));
        }
        if !self.auto_approve && planned.plan.has_changes() {
            ask(planned, terminal)?;
        }
        Ok(None)
    }
}

/// Opens the session that a saved plan is carried out in, where nothing stands against it.
fn open_saved(path: &Path, settings: Settings, common: &Common, call: &Call) -> Result<(Session, Planned), Failure> {
    let (file, sealed) = read_saved(path, &settings)?;
    let version = env!("CARGO_PKG_VERSION");
    if file.terrane_version != version {
        let other = &file.terrane_version;
        return Err(Diagnostic::error(format!("the plan was made by terrane {other}, this is {version}"))
            .help("make a new plan")
            .into());
    }
    // What was given for the plan holds for the apply. Files that are named now lie where the command was started.
    let place = enter(None, Some(Path::new(&file.root)))?;
    let common = Common { sandbox: file.sandbox || common.sandbox, ..common.clone() };
    let mut settings = common.settings(call.environment, &place)?;
    settings.now = file.made_at.clone();
    let sources = file.sources.clone();
    let made_with = &file.record.options;
    let load = |_: &Settings, providers: &Providers| {
        load::load_bundle(sources, providers, &made_with.inputs, &made_with.workspace)
    };
    let mut session = Session::with(settings, Access::Claim, load)?;
    if !sealed && !session.plan_encryption.reads_plain() {
        return Err(Diagnostic::error("the saved plan is not encrypted, and the configuration asks for that")
            .help("make a new plan, or add a fallback to method.unencrypted for plans")
            .into());
    }
    let failed = |diagnostics, session: &Session| Failure { diagnostics, sources: session.sources.clone(), code: 1 };
    let planned = saved_plan::take_up(&mut session, &file).map_err(|problems| failed(problems, &session))?;
    let (changed, mut notes) = session.recover(&planned, &call.terminal.reading())?;
    notes.extend(rehearsal::unused_faults(&session.settings));
    if notes.has_errors() {
        return Err(failed(notes, &session));
    }
    call.terminal.diagnostics(&notes, &session.sources);
    if changed {
        return Err(Diagnostic::error("Saved plan is stale")
            .detail("a run that was interrupted made something that is in the state now")
            .help("make a new plan")
            .into());
    }
    Ok((session, planned))
}

/// Asks whether to go on.
pub fn ask(planned: &Planned, terminal: &Terminal) -> Result<(), Failure> {
    if !terminal.interactive {
        return Err(Diagnostic::error("nobody is there to approve the plan")
            .help("use -auto-approve, or save a plan with \"terrane plan -out=FILE\" and apply that")
            .into());
    }
    let question = match planned.plan.mode {
        PlanMode::Destroy => "\nDo you really want to destroy all of this? There is no undo.",
        PlanMode::RefreshOnly => "\nDo you want to write what was found into the state?",
        PlanMode::Normal => "\nDo you want to carry out these changes?",
    };
    if terminal.confirm(question) { Ok(()) } else { Err(Diagnostic::error("cancelled, nothing was changed").into()) }
}

/// Runs the steps and tells how it went.
pub fn carry_out(
    mut session: Session,
    planned: Planned,
    parallelism: Parallelism,
    terminal: &Terminal,
) -> Result<u8, Failure> {
    let mode = planned.plan.mode;
    let outcome = execute(&mut session, planned, parallelism, terminal)?;
    tell_end(mode, &outcome, terminal);
    Ok(if outcome.succeeded() { 0 } else { 1 })
}

/// Runs the steps, showing how they go and what is wrong.
pub fn execute(
    session: &mut Session,
    planned: Planned,
    parallelism: Parallelism,
    terminal: &Terminal,
) -> Result<Outcome, Failure> {
    let plan = &planned.plan;
    let stop = Stop::default();
    let lines = terminal.talks.then(|| {
        let total = plan.steps.iter().filter(|s| s.kind.change().is_some()).count();
        let lines = Lines::new(terminal.out, terminal.live, Some(total));
        lines.tick(session.runtime());
        lines
    });
    let mut observers: Vec<Arc<dyn Observer>> = Vec::new();
    observers.extend(lines.clone().map(|l| l as Arc<dyn Observer>));
    if let Some(stream) = &terminal.stream {
        stream.tick(session.runtime());
        observers.push(stream.clone());
    }
    interrupt::listen(session.runtime(), stop.clone());
    if plan.has_changes() {
        terminal.say("\n");
    }
    let outcome = session.apply(planned, Arc::new(All(observers)), stop, parallelism.calls())?;
    if let Some(lines) = lines {
        lines.finish();
    }
    terminal.diagnostics(&outcome.diagnostics, &session.sources);
    Ok(outcome)
}

/// Tells how it ended, and what the outputs are now.
fn tell_end(mode: PlanMode, outcome: &Outcome, terminal: &Terminal) {
    if let Some(stream) = &terminal.stream {
        stream.ended(mode, outcome);
    }
    terminal.say(&format!("\n{}\n", ended(mode, outcome)));
    if outcome.succeeded() && mode != PlanMode::Destroy {
        terminal.say(&show::outputs(&outcome.outputs));
    }
}

/// What an apply without anything to do comes to.
fn nothing_done(plan: &Plan) -> Outcome {
    let outputs = plan.outputs.iter().map(|o| {
        let marks = if o.sensitive { Marks::SENSITIVE } else { Marks::NONE };
        (o.name.clone(), o.after.clone().mark(marks))
    });
    Outcome { outputs: outputs.collect(), ..Outcome::default() }
}
