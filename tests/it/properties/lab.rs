//! A folder with a stack, its state and its simulated cloud, run in this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::support::session::settings;
use serde_json::Value as Json;
use terrane::apply::{Cloud, Input, Observer, Outcome, Silent, Stop};
use terrane::ops::providers::Working;
use terrane::ops::rehearsal::sandbox_path;
use terrane::ops::{Access, Session};
use terrane::plan::{Options, Plan, Planned};
use terrane::providers::sandbox::Faults;
use terrane::provisioners::Provisioners;
use terrane::render::human::{PlanView, plan_text};
use terrane::render::json::{PlanContext, plan_json};
use terrane::state::Workspace;

use super::stack::Stack;
use super::text::Spelling;
use super::write::{Files, files};

pub struct Lab {
    root: tempfile::TempDir,
}

/// What went wrong, as text: property tests print it beside what reproduces it.
pub type Problem = String;

impl Lab {
    pub fn new() -> Lab {
        Lab { root: tempfile::tempdir().expect("a temporary folder") }
    }

    fn stack(&self) -> PathBuf {
        self.root.path().join("stack")
    }

    fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// A second lab with the same state and the same cloud.
    pub fn copy(&self) -> Lab {
        let copy = Lab::new();
        copy_folder(&self.data(), &copy.data());
        copy
    }

    pub fn write(&self, stack: &Stack, spelling: Spelling) {
        self.write_files(&files(stack, spelling));
    }

    pub fn write_files(&self, files: &Files) {
        // Files of the step before must not stay.
        let _ = std::fs::remove_dir_all(self.stack());
        for (name, text) in files {
            let path = self.stack().join(name);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("folders can be made");
            std::fs::write(path, text).expect("the folder is writable");
        }
    }

    pub fn session(&self, faults: &str) -> Result<Session, Problem> {
        let mut settings = settings(&self.stack(), &self.data());
        settings.sandbox = Some(Faults::parse(faults).map_err(|d| d.summary)?);
        Session::open(settings, Access::Write("apply")).map_err(|e| e.to_string())
    }

    /// A plan, made after what an interrupted run left open was settled.
    pub fn plan(&self, session: &mut Session) -> Planned {
        let options = || Options { refresh: true, ..Options::default() };
        let (planned, _) = session.plan(options());
        if planned.plan.errored() {
            return planned;
        }
        let quiet: Arc<dyn Observer> = Arc::new(Silent);
        match session.recover(&planned, &quiet) {
            Ok((true, _)) => session.plan(options()).0,
            _ => planned,
        }
    }

    /// Plans and applies undisturbed. Nothing where the configuration does not allow it.
    pub fn apply(&self, parallelism: Option<usize>) -> Result<Option<Outcome>, Problem> {
        let mut session = self.session("")?;
        let planned = self.plan(&mut session);
        if planned.plan.errored() {
            return Ok(None);
        }
        let outcome = session.apply(planned, Arc::new(Silent), Stop::default(), parallelism);
        outcome.map(Some).map_err(|e| e.to_string())
    }

    /// Applies until all is done, then plans once more: that plan must be empty, and the state must hold what the
    /// cloud holds.
    pub fn converge(&self) -> Result<(), Problem> {
        match self.apply(Some(4))? {
            Some(outcome) if outcome.succeeded() => self.check_settled(),
            Some(outcome) => Err(format!("the next apply fails: {:#?}", outcome.diagnostics)),
            None => {
                let mut session = self.session("")?;
                let planned = self.plan(&mut session);
                Err(format!("the next plan fails: {:#?}", planned.plan.diagnostics))
            }
        }
    }

    pub fn check_settled(&self) -> Result<(), Problem> {
        let mut session = self.session("")?;
        let planned = self.plan(&mut session);
        if planned.plan.errored() {
            return Err(format!("the plan after the apply fails: {:#?}", planned.plan.diagnostics));
        }
        if planned.plan.has_changes() || planned.corrects_state() {
            let shown = plan_text(&planned.plan, &PlanView::default());
            return Err(format!("the plan after the apply is not empty:\n{shown}\n{:#?}", planned.rewrites));
        }
        self.check_inventory(&session)
    }

    /// The state and the cloud must hold the same objects.
    pub fn check_inventory(&self, session: &Session) -> Result<(), Problem> {
        let rows =
            session.snapshot.rows().iter().filter(|r| r.remote_id.is_some() && r.address.ty().starts_with("aws_"));
        let mut state: Vec<(String, String)> = rows
            .map(|r| (r.address.ty().to_string(), r.remote_id.as_deref().unwrap_or_default().to_string()))
            .collect();
        state.sort();
        let cloud = self.inventory();
        if state == cloud {
            return Ok(());
        }
        let lost: Vec<_> = cloud.iter().filter(|o| !state.contains(o)).collect();
        let missing: Vec<_> = state.iter().filter(|o| !cloud.contains(o)).collect();
        Err(format!("in the cloud and not in the state: {lost:?}; in the state and not in the cloud: {missing:?}"))
    }

    /// Type and id of all objects that somebody created.
    pub fn inventory(&self) -> Vec<(String, String)> {
        inventory(&sandbox_path(&Workspace::default().folder(&self.data())))
    }
}

/// Type and id of all objects of a simulated cloud that somebody created.
pub fn inventory(file: &Path) -> Vec<(String, String)> {
    let connection = rusqlite::Connection::open(file).expect("the sandbox's file");
    let mut statement = connection
        .prepare("SELECT type, id FROM objects WHERE parent = '' ORDER BY type, id")
        .expect("the sandbox's table");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("the query runs");
    rows.collect::<Result<_, _>>().expect("rows of two texts")
}

/// What it takes to run the steps of a plan with another cloud than the session's own.
pub fn input(session: &Session, planned: Planned, cloud: Arc<dyn Cloud>, parallelism: usize) -> Input {
    Input {
        planned,
        cloud,
        provisioner: Arc::new(Provisioners { home_dir: None, ssh_agent: None }),
        store: session.store().expect("the session may write").clone(),
        snapshot: session.snapshot.clone(),
        observer: Arc::new(Silent),
        stop: Stop::default(),
        lasting: None,
        parallelism: Some(parallelism),
        plan_id: "test".into(),
    }
}

/// The session's own cloud.
pub fn cloud(session: &Session) -> Arc<dyn Cloud> {
    Arc::new(Working(session.providers.clone()))
}

/// Everything that a plan shows and does, as text.
pub fn everything(plan: &Plan) -> String {
    let context = PlanContext { version: "1", timestamp: "", ..PlanContext::default() };
    let json: Json = plan_json(plan, &context);
    format!("{json:#}\n{}\n{:#?}", plan_text(plan, &PlanView::default()), plan.steps)
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folders can be made");
    let Ok(entries) = std::fs::read_dir(from) else { return };
    for entry in entries.map(|e| e.expect("the folder is readable")) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a file can be copied");
        }
    }
}
