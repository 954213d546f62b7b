//! Arguments of all commands that plan, and how a plan is made and shown.

use std::sync::Arc;

use clap::ArgAction;
use clap::builder::BoolishValueParser;

use super::super::error::Failure;
use super::super::observer::{All, Lines};
use super::super::terminal::Terminal;
use crate::apply::Observer;
use crate::model::{Address, Diagnostic, Schema, SourceMap};
use crate::ops::plan_file::target;
use crate::ops::record::Record;
use crate::ops::variables::Given;
use crate::ops::{Access, Loaded, Providers, Session, Settings};
use crate::plan::{Options, Plan, PlanMode, Planned};
use crate::render::human::{PlanView, plan_text};
use crate::spec::Schemas;

/// What to plan.
#[derive(Clone, Debug, clap::Args)]
pub struct PlanArguments {
    /// Plans to destroy everything.
    #[arg(long)]
    pub destroy: bool,

    /// Only looks at what changed outside, and changes nothing but the state.
    #[arg(long, conflicts_with = "destroy")]
    pub refresh_only: bool,

    #[command(flatten)]
    pub part: PartArguments,

    /// Whether parts whose count or for_each is not known yet are left for a later plan; else they are errors.
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, default_missing_value = "true", require_equals = true, action = ArgAction::Set)]
    pub allow_deferral: bool,

    /// Replaces this instance. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<String>,
}

/// What of the configuration and the state to plan, and from what.
#[derive(Clone, Debug, clap::Args)]
pub struct PartArguments {
    /// Whether live objects are read before planning.
    #[arg(long, value_name = "BOOL", default_value_t = true, value_parser = BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", require_equals = true, action = ArgAction::Set)]
    pub refresh: bool,

    /// Plans only this module, resource or instance and what it needs. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,

    /// Leaves out this module, resource or instance and what needs it. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<String>,
}

impl Default for PlanArguments {
    fn default() -> Self {
        let part = PartArguments { refresh: true, target: Vec::new(), exclude: Vec::new() };
        PlanArguments { destroy: false, refresh_only: false, part, allow_deferral: true, replace: Vec::new() }
    }
}

impl PlanArguments {
    pub fn options(&self) -> Result<Options, Failure> {
        let mode = match (self.destroy, self.refresh_only) {
            (true, _) => PlanMode::Destroy,
            (_, true) => PlanMode::RefreshOnly,
            _ => PlanMode::Normal,
        };
        if self.refresh_only && !self.part.refresh {
            let problem = Diagnostic::error("-refresh-only and -refresh=false leave nothing to do");
            return Err(problem.help("take one of them away").into());
        }
        let targets = |texts: &[String], flag: &str| {
            let read = |text: &String| {
                target(text).ok_or_else(|| {
                    Diagnostic::error(format!("\"{flag} {text}\" is no address"))
                        .help("write it like aws_vpc.main, aws_subnet.public[\"a\"] or module.network")
                })
            };
            texts.iter().map(read).collect::<Result<Vec<_>, _>>()
        };
        let replace =
            self.replace.iter().map(|text| Address::parse(text).map_err(|error| Diagnostic::error(error.to_string())));
        Ok(Options {
            mode,
            refresh: self.part.refresh,
            defer: self.allow_deferral,
            targets: targets(&self.part.target, "-target")?,
            excludes: targets(&self.part.exclude, "-exclude")?,
            replace: replace.collect::<Result<_, _>>()?,
            ..Options::default()
        })
    }

    /// The first flag that says what to plan: a saved plan says that itself.
    pub fn first_given(&self) -> Option<&'static str> {
        let given = [
            ("-destroy", self.destroy),
            ("-refresh-only", self.refresh_only),
            ("-refresh=false", !self.part.refresh),
            ("-target", !self.part.target.is_empty()),
            ("-exclude", !self.part.exclude.is_empty()),
            ("-allow-deferral=false", !self.allow_deferral),
            ("-replace", !self.replace.is_empty()),
        ];
        given.into_iter().find(|(_, is)| *is).map(|(flag, _)| flag)
    }
}

/// How much is done at the same time.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Parallelism {
    /// At most so many calls at once, those that only read among them. Without it, or with 0, each service sets its own pace.
    #[arg(long, value_name = "N", value_parser = calls)]
    parallelism: Option<usize>,
}

fn calls(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "the number of calls at once is a whole number, and not below 0".to_string())
}

impl Parallelism {
    /// Nothing where there is no limit.
    pub fn calls(self) -> Option<usize> {
        self.parallelism.filter(|calls| *calls > 0)
    }

    /// Lets a session keep to it.
    pub fn limit(self, session: &Session) {
        if let Some(calls) = self.calls() {
            session.providers.limit_calls(calls);
        }
    }
}

/// Opens a session and plans. What an interrupted run left open is settled first where the session may write.
pub fn make(
    settings: Settings,
    access: Access,
    options: &Options,
    parallelism: Parallelism,
    terminal: &Terminal,
) -> Result<(Session, Planned, Record), Failure> {
    let session = Session::open(settings, access)?;
    parallelism.limit(&session);
    settle(session, access, options, terminal)
}

/// The same in a session that is open.
pub fn settle(
    mut session: Session,
    access: Access,
    options: &Options,
    terminal: &Terminal,
) -> Result<(Session, Planned, Record), Failure> {
    ask_for_variables(&mut session, terminal);
    let (mut planned, mut record) = plan(&mut session, options.clone(), terminal);
    if matches!(access, Access::Write(_) | Access::Claim) && !planned.plan.errored() {
        let lines = terminal.talks.then(|| Lines::new(terminal.out, terminal.live, None));
        if let Some(lines) = &lines {
            lines.tick(session.runtime());
        }
        let observer = lines.clone().map_or_else(|| terminal.reading(), |lines| lines as Arc<dyn Observer>);
        let (changed, notes) = session.recover(&planned, &observer)?;
        if let Some(lines) = &lines {
            lines.finish();
        }
        let (errors, notes): (Vec<_>, Vec<_>) = notes.into_iter().partition(Diagnostic::is_error);
        terminal.diagnostics(&notes.into_iter().collect(), &session.sources);
        if changed {
            (planned, record) = plan(&mut session, options.clone(), terminal);
        }
        planned.plan.diagnostics.extend(errors);
    }
    Ok((session, planned, record))
}

/// Plans, and tells what is read and waited for meanwhile.
pub fn plan(session: &mut Session, options: Options, terminal: &Terminal) -> (Planned, Record) {
    let Some(lines) = terminal.talks.then(|| Lines::reading(terminal.out, terminal.live)) else {
        session.watch(terminal.reading());
        return session.plan(options);
    };
    lines.tick(session.runtime());
    session.watch(Arc::new(All(vec![lines.clone(), terminal.reading()])));
    let made = session.plan(options);
    lines.finish();
    session.watch(terminal.reading());
    made
}

/// Asks for the variables that have no value, where somebody is there to answer. Without an answer they stay
/// without a value, which is an error of the plan.
fn ask_for_variables(session: &mut Session, terminal: &Terminal) {
    if !terminal.interactive || session.fixed_inputs.is_some() || session.loaded.diagnostics.has_errors() {
        return;
    }
    for (name, doc) in session.unset_variables() {
        let doc = doc.map(|d| format!("\n  {}", d.trim_end().replace('\n', "\n  "))).unwrap_or_default();
        let Some(text) = terminal.ask(&format!("var.{name}{doc}")) else { return };
        session.settings.given.push(Given::Text { name, text, origin: "the answer".to_string() });
    }
}

/// What showing a plan needs beside it.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    pub loaded: &'a Loaded,
    pub providers: &'a Providers,
    pub sources: &'a SourceMap,
    pub made_at: &'a str,
}

impl<'a> Beside<'a> {
    pub fn of(session: &'a Session) -> Beside<'a> {
        let Session { loaded, providers, sources, settings, .. } = session;
        Beside { loaded, providers, sources, made_at: &settings.now }
    }

    /// The schema of an instance's type.
    pub fn schema(&self, address: &Address) -> Option<&'a Schema> {
        Schemas::resource(self.providers, address.resource.mode, address.ty())
    }
}

/// Shows a plan: the plan on stdout, what is wrong with it on stderr.
pub fn show(plan: &Plan, beside: &Beside, terminal: &Terminal) {
    if !plan.errored() {
        if let Some(stream) = &terminal.stream {
            stream.plan(plan);
        }
        let schema = |address: &Address| beside.schema(address);
        let written = |address: &Address, name: &str| beside.loaded.written(address, name);
        let view = PlanView { style: terminal.out, schemas: Some(&schema), written: Some(&written), sources: None };
        terminal.say(&plan_text(plan, &view));
    }
    terminal.diagnostics(&plan.diagnostics, beside.sources);
}
