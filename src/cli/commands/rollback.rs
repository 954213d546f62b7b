//! `terrane rollback`: plans back to an earlier generation.

use std::path::PathBuf;

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::Call;
use super::apply::{ask, carry_out};
use super::history::changes;
use super::planning::{self, Parallelism};
use crate::model::Diagnostic;
use crate::ops::elsewhere::OpenState;
use crate::ops::{Access, Session, load, rollback};
use crate::plan::Options;

/// Plans back to the configuration and the inputs of an earlier generation, and carries that out after asking.
///
/// Example: terrane rollback 12
#[derive(Debug, clap::Args)]
pub struct Rollback {
    #[command(flatten)]
    pub common: Common,

    /// Does not ask before it changes anything.
    #[arg(long)]
    pub auto_approve: bool,

    /// Only lets the state say again what it said: no object is changed.
    #[arg(long)]
    pub state_only: bool,

    #[command(flatten)]
    pub parallelism: Parallelism,

    /// The generation's number, as "terrane history" lists it.
    #[arg(value_name = "N")]
    pub serial: u64,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

const OPERATION: &str = "rollback";

impl Rollback {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let place = enter(call.chdir.as_deref(), self.folder.as_deref())?;
        let settings = self.common.settings(call.environment, &place)?;
        if self.state_only {
            return self.state_only(Session::open(settings, Access::Write(OPERATION))?, call);
        }
        let (made, present) = {
            let session = Session::open(settings.clone(), Access::Read)?;
            let made = rollback::made(&*session.store_to_look()?, self.serial).map_err(Diagnostic::from)?;
            (made, session.loaded.spec.clone())
        };
        let sources = made.sources;
        let inputs = made.inputs.clone();
        let load = |settings: &crate::ops::Settings, providers: &crate::ops::Providers| {
            load::load_bundle(sources, providers, &inputs, settings.workspace.name())
        };
        let mut session = Session::going_back(settings, Access::Write(OPERATION), &present, load)?;
        session.fixed_inputs = Some(made.inputs);
        self.parallelism.limit(&session);
        let (session, planned, _) =
            planning::settle(session, Access::Write(OPERATION), &Options::default(), call.terminal)?;
        planning::show(&planned.plan, &planning::Beside::of(&session), call.terminal);
        if planned.plan.errored() {
            return Ok(1);
        }
        if !planned.plan.has_changes() && planned.rewrites.is_empty() {
            return Ok(0);
        }
        if !self.auto_approve && planned.plan.has_changes() {
            ask(&planned, call.terminal)?;
        }
        carry_out(session, planned, self.parallelism, call.terminal)
    }

    fn state_only(&self, session: Session, call: &mut Call) -> Result<u8, Failure> {
        let past = rollback::past(&*session.store_to_look()?, self.serial).map_err(Diagnostic::from)?;
        let found = rollback::difference(&session.snapshot, &past.snapshot);
        let lines = changes(&found);
        if lines.is_empty() {
            call.terminal.line(&format!("The state says what it said in generation {}.", self.serial));
            return Ok(0);
        }
        call.terminal.print(&format!("The state would change:\n{lines}"));
        if !self.auto_approve {
            if !call.terminal.interactive {
                return Err(Diagnostic::error("nobody is there to approve this").help("use -auto-approve").into());
            }
            if !call.terminal.confirm("\nDo you want the state to say this? No object is changed.") {
                return Err(Diagnostic::error("cancelled, nothing was changed").into());
            }
        }
        OpenState::of_session(&session)?.commit(rollback::restore(&session.snapshot, &past.snapshot))?;
        call.terminal.line(&format!("The state says again what it said in generation {}.", self.serial));
        Ok(0)
    }
}
