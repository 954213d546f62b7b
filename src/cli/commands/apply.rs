//! `terrane apply`: plans, asks, and carries out; or carries out a saved plan.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::super::interrupt;
use super::super::observer::{All, Lines};
use super::super::show;
use super::super::terminal::Terminal;
use super::super::view::View;
use super::Call;
use super::planning::{self, PlanArguments};
use super::show::open_saved;
use crate::apply::{Observer, Outcome, Stop};
use crate::model::{Diagnostic, Marks};
use crate::ops::plan_file::is_plan;
use crate::ops::{Access, Session, SessionError};
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

    /// At most so many calls at once. Without it each service sets its own pace.
    #[arg(long, value_name = "N")]
    pub parallelism: Option<usize>,

    /// The folder of the root module, or a saved plan.
    #[arg(value_name = "DIR|PLAN")]
    pub subject: Option<PathBuf>,
}

const OPERATION: &str = "apply";

impl Apply {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let saved = self.subject.as_deref().filter(|p| p.is_file() || self.in_chdir(call, p).is_file());
        let folder = self.subject.as_deref().filter(|_| saved.is_none());
        self.view.begin(call.terminal, call.chdir.as_deref())?;
        if self.view.json && saved.is_none() && !self.auto_approve {
            return Err(Diagnostic::error("-json can't ask for approval")
                .help("use -auto-approve, or save a plan with \"terrane plan -out=FILE\" and apply that")
                .into());
        }
        let place = enter(call.chdir.as_deref(), folder)?;
        let mut settings = self.common.settings(call.environment, &place)?;
        if let Some(path) = saved {
            if !is_plan(path) {
                return Err(Diagnostic::error(format!("\"{}\" is not a saved plan", path.display()))
                    .help("give the folder of a root module, or a file that \"terrane plan -out\" wrote")
                    .into());
            }
            let (mut session, planned) = open_saved(path, &mut settings, &self.common, call, Access::Claim)?;
            session.claim(&planned, OPERATION)?;
            return carry_out(session, planned, self.parallelism, call.terminal);
        }
        let options = self.planning.options()?;
        let (mut session, mut planned, _) = planning::make(settings, Access::Claim, &options, call.terminal)?;
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
        planning::show(&planned.plan, session, terminal);
        if planned.plan.errored() {
            return Ok(Some(1));
        }
        if !planned.plan.has_changes() && !planned.corrects_state() {
            tell_end(&planned.plan, &nothing_done(&planned.plan), terminal);
            return Ok(Some(0));
        }
        if !self.auto_approve && planned.plan.has_changes() {
            ask(planned, terminal)?;
        }
        Ok(None)
    }

    fn in_chdir(&self, call: &Call, path: &std::path::Path) -> PathBuf {
        call.chdir.as_deref().map_or_else(|| path.to_path_buf(), |dir| dir.join(path))
    }
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
    parallelism: Option<usize>,
    terminal: &Terminal,
) -> Result<u8, Failure> {
    let plan = planned.plan.clone();
    let outcome = execute(&mut session, planned, parallelism, terminal)?;
    tell_end(&plan, &outcome, terminal);
    Ok(if outcome.succeeded() { 0 } else { 1 })
}

/// Runs the steps, showing how they go and what is wrong.
pub fn execute(
    session: &mut Session,
    planned: Planned,
    parallelism: Option<usize>,
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
    let outcome = session.apply(planned, Arc::new(All(observers)), stop, parallelism)?;
    if let Some(lines) = lines {
        lines.finish();
    }
    terminal.diagnostics(&outcome.diagnostics, &session.sources);
    Ok(outcome)
}

/// Tells how it ended, and what the outputs are now.
fn tell_end(plan: &Plan, outcome: &Outcome, terminal: &Terminal) {
    if let Some(stream) = &terminal.stream {
        stream.ended(plan, outcome);
    }
    terminal.say(&format!("\n{}\n", show::ended(plan, outcome)));
    if outcome.succeeded() && plan.mode != PlanMode::Destroy {
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
