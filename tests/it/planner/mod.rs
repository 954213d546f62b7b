//! Plans and applies of `terraform_data` stacks through the library: what is chosen, and what conditions say.

mod deep;
mod linear;
mod recovery;
mod selection;

use std::sync::Arc;
use std::time::Duration;

use crate::support::session::settings;
use tempfile::TempDir;
use terrane::apply::{Outcome, Silent, Stop};
use terrane::model::{Address, Diagnostics};
use terrane::ops::plan_file::target;
use terrane::ops::{Access, Session};
use terrane::plan::{Options, Plan, PlanMode};

/// A configuration with its state.
struct Stack {
    folder: TempDir,
    data_dir: TempDir,
}

impl Stack {
    fn new(files: &[(&str, &str)]) -> Stack {
        let stack = Stack { folder: tempfile::tempdir().unwrap(), data_dir: tempfile::tempdir().unwrap() };
        files.iter().for_each(|(name, text)| stack.write(name, text));
        stack
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn session(&self) -> Session {
        let settings = settings(self.folder.path(), self.data_dir.path());
        Session::open(settings, Access::Write("apply")).unwrap()
    }

    fn plan(&self, options: &Options) -> Plan {
        self.session().plan(options.clone()).0.plan
    }

    /// Plans and applies what it comes to.
    #[track_caller]
    fn apply(&self, options: &Options) -> (Plan, Outcome) {
        let mut session = self.session();
        let (planned, _) = session.plan(options.clone());
        let plan = planned.plan.clone();
        assert!(!plan.errored(), "{}", said(&plan.diagnostics));
        let outcome = session.apply(planned, Arc::new(Silent), Stop::default(), None).unwrap();
        (plan, outcome)
    }
}

fn options() -> Options {
    Options { refresh: true, defer: true, ..Options::default() }
}

fn destroying() -> Options {
    Options { mode: PlanMode::Destroy, ..options() }
}

fn targeting(options: Options, targets: &[&str]) -> Options {
    Options { targets: targets.iter().map(|t| target(t).unwrap()).collect(), ..options }
}

fn excluding(options: Options, excludes: &[&str]) -> Options {
    Options { excludes: excludes.iter().map(|t| target(t).unwrap()).collect(), ..options }
}

fn replacing(options: Options, replace: &[&str]) -> Options {
    Options { replace: replace.iter().map(|a| Address::parse(a).unwrap()).collect(), ..options }
}

/// What changes, a line a change.
#[track_caller]
fn changes(plan: &Plan) -> String {
    assert!(!plan.errored(), "{}", said(&plan.diagnostics));
    let outputs = plan.outputs.iter().filter(|o| !o.action.is_noop());
    let outputs = outputs.map(|o| format!("{} output.{}", o.action.codes().join("-"), o.name));
    let changes = plan.changes.iter().filter(|c| !c.action.is_noop());
    let changes = changes.map(|c| format!("{} {}", c.action.codes().join("-"), c.address));
    let deferred = plan.deferred.iter().map(|d| format!("later {}", d.address));
    changes.chain(outputs).chain(deferred).collect::<Vec<_>>().join("\n")
}

/// What was said, a line a problem.
fn said(diagnostics: &Diagnostics) -> String {
    let line = |d: &terrane::model::Diagnostic| {
        let detail = d.detail.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        format!("{} {}{detail}", if d.is_error() { "error" } else { "warning" }, d.summary)
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}
