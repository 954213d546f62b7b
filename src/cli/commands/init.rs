//! `terrane init`: chooses where the state is kept. Providers are built in, so there is nothing to download.

use std::path::PathBuf;

use clap::ArgAction;

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::Call;
use crate::backends::{Backend, Unsent};
use crate::model::Diagnostic;
use crate::ops::backend::{self, BackendError, Choice};
use crate::ops::migrate::{MigrateError, migrate};
use crate::ops::{SessionError, Settings, opening};
use crate::spec::Spec;

/// Prepares a folder: chooses the backend that keeps its state. Providers are built in, there is nothing to download.
///
/// Example: terrane init -backend-config=bucket=states -migrate-state
#[derive(Debug, clap::Args)]
pub struct Init {
    #[command(flatten)]
    pub common: Common,

    /// An argument of the backend (name=value), or a file of them. May be repeated.
    #[arg(long, value_name = "NAME=VALUE|FILE")]
    pub backend_config: Vec<String>,

    /// Moves the states of all workspaces to the backend that the configuration says now.
    #[arg(long, conflicts_with = "reconfigure")]
    pub migrate_state: bool,

    /// Uses the backend that the configuration says now, and leaves the states of the old one where they are.
    #[arg(long)]
    pub reconfigure: bool,

    /// With -migrate-state, writes over a state that is there already.
    #[arg(long)]
    pub force_copy: bool,

    /// What becomes of outcomes that an earlier run could not send, where the state is newer than they are: "push" adds
    /// them to it, "discard" forgets them.
    #[arg(long, value_name = "WHAT", value_parser = ["push", "discard"])]
    pub unsent: Option<String>,

    /// Whether the backend is looked at.
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, default_missing_value = "true", require_equals = true, action = ArgAction::Set)]
    pub backend: bool,

    /// Accepted for scripts that were written for other tools; has no effect.
    #[arg(long, hide = true)]
    pub upgrade: bool,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Init {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let place = enter(call.chdir.as_deref(), self.folder.as_deref())?;
        let mut settings = self.common.settings(call.environment, &place)?;
        settings.unsent = match self.unsent.as_deref() {
            Some("push") => Unsent::Push,
            Some("discard") => Unsent::Discard,
            _ => Unsent::Refuse,
        };
        std::fs::create_dir_all(&settings.data_dir).map_err(|error| {
            let folder = settings.data_dir.display();
            Diagnostic::error(format!("cannot make the folder \"{folder}\"")).detail(error.to_string())
        })?;
        if self.backend {
            let given = backend::given(&self.backend_config, &place.start)?;
            self.choose(&settings, given, call)?;
        }
        call.terminal.line("Terrane has been initialized: all providers are built in.");
        Ok(0)
    }

    fn choose(&self, settings: &Settings, given: backend::Arguments, call: &Call) -> Result<(), Failure> {
        let spec = backend::spec_of(settings)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(SessionError::from)?;
        let settings = &opening::encrypted(settings, &spec, runtime.handle())?;
        let told = |problem: Diagnostic| BackendError { problems: problem.into(), sources: spec.sources.clone() };
        let before = match self.reconfigure {
            true => None,
            false => backend::remembered(&settings.data_dir).map_err(told)?,
        };
        let mut arguments = before.as_ref().map(|b| b.given_to(&spec)).unwrap_or_default();
        arguments.extend(given);
        let choice = backend::choose(settings, &spec, arguments)?;
        let chosen = choice.connect(settings).map_err(told)?;
        if !self.reconfigure {
            let old: Option<(String, std::sync::Arc<dyn Backend>)> = match before {
                Some(before) if before == choice.remembered() => None,
                Some(before) => {
                    let problems = |problems| BackendError { problems, sources: spec.sources.clone() };
                    let old = before.connect(settings, &choice).map_err(problems)?;
                    Some((before.name().to_string(), old))
                }
                None => {
                    let plain = backend::local(settings);
                    let moves = !choice.is_plain() && backend::has_states(&plain)?;
                    moves.then(|| ("local".to_string(), std::sync::Arc::new(plain) as std::sync::Arc<dyn Backend>))
                }
            };
            if let Some((name, old)) = old {
                self.leave(&name, &*old, &*chosen, &choice, settings, &spec, call)?;
            }
        }
        // This shows whether the backend answers at all, and sends what an earlier run could not.
        if !choice.is_plain() {
            chosen.read(&settings.workspace)?;
        }
        backend::remember(&settings.data_dir, &choice).map_err(told)?;
        if !choice.is_plain() {
            let (name, at) = (choice.registration.name, chosen.place(&settings.workspace));
            call.terminal.line(&format!("The backend \"{name}\" keeps the state at {at}."));
        }
        Ok(())
    }

    /// Moves the states, if that was asked for.
    #[allow(clippy::too_many_arguments, reason = "both sides, and what they are called")]
    fn leave(
        &self,
        name: &str,
        old: &dyn Backend,
        new: &dyn Backend,
        choice: &Choice,
        settings: &Settings,
        spec: &Spec,
        call: &Call,
    ) -> Result<(), Failure> {
        if !self.migrate_state {
            let problems = backend::changed(name, choice).into();
            return Err(BackendError { problems, sources: spec.sources.clone() }.into());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(SessionError::from)?;
        let moved = migrate(old, new, self.force_copy, &runtime, &settings.lock)?;
        for one in &moved {
            let (workspace, objects, hash) = (&one.workspace, one.objects, &one.hash);
            call.terminal.line(&format!("Moved the state of \"{workspace}\": {objects} objects, SHA-256 {hash}."));
        }
        if moved.is_empty() {
            call.terminal.line("There was no state to move.");
        }
        Ok(())
    }
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::State(error) => error.into(),
            other => {
                let text = other.to_string();
                let (what, next) = text.split_once("; ").unwrap_or((&text, ""));
                Diagnostic::error(what).help(next).into()
            }
        }
    }
}
