//! The `-json` line stream of a run: on stdout instead of text, or in a file beside it.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::in_flight::InFlight;
use super::observer::doing;
use super::show::FORMAT_VERSION;
use crate::apply::{self, Observer, Outcome, Verb};
use crate::model::{Address, Diagnostics, Marks, SourceMap, Str};
use crate::plan::{Counts, Plan, PlanMode};
use crate::render::json::{Event, Hook, Provision, StreamOutput, stream_line};
use crate::render::progress_text::Doing;

pub struct Stream(Mutex<State>);

struct State {
    out: Box<dyn Write + Send>,
    in_flight: InFlight,
    /// The provisioner that runs on an object now.
    provisioners: HashMap<Address, Str>,
}

impl Stream {
    /// Begins a stream with its first line.
    pub fn new(out: Box<dyn Write + Send>) -> Arc<Stream> {
        let state = State { out, in_flight: InFlight::default(), provisioners: HashMap::new() };
        let stream = Arc::new(Stream(Mutex::new(state)));
        stream.put(&Event::Version { format: FORMAT_VERSION, version: env!("CARGO_PKG_VERSION") });
        stream
    }

    fn put(&self, event: &Event) {
        self.state().line(event);
    }

    /// Errors before warnings, as for people.
    pub fn diagnostics(&self, diagnostics: &Diagnostics, sources: &SourceMap) {
        let (errors, warnings): (Vec<_>, Vec<_>) = diagnostics.iter().partition(|d| d.is_error());
        for diagnostic in errors.into_iter().chain(warnings) {
            self.put(&Event::Diagnostic(diagnostic, sources));
        }
    }

    /// What a plan would do.
    pub fn plan(&self, plan: &Plan) {
        for drift in &plan.drift {
            self.put(&Event::ResourceDrift(drift));
        }
        let told =
            |c: &&crate::plan::Change| !c.action.is_noop() || c.previous_address.is_some() || c.importing.is_some();
        for change in plan.changes.iter().filter(told) {
            self.put(&Event::PlannedChange(change));
        }
        self.put(&Event::PlanSummary(&plan.counts()));
        if !plan.outputs.is_empty() {
            self.put(&Event::PlannedOutputs(plan));
        }
    }

    /// How an apply ended. One that failed has no summary: its diagnostics say what happened.
    pub fn ended(&self, mode: PlanMode, outcome: &Outcome) {
        if !outcome.succeeded() {
            return;
        }
        let counts = Counts::from(outcome.tally);
        match mode {
            PlanMode::Destroy => return self.put(&Event::DestroySummary(&counts)),
            PlanMode::Normal | PlanMode::RefreshOnly => self.put(&Event::ApplySummary(&counts)),
        }
        let output = |(name, value): &(Str, crate::model::Value)| {
            let sensitive = value.all_marks().contains(Marks::SENSITIVE);
            StreamOutput { name: name.clone(), value: value.clone(), sensitive }
        };
        let outputs: Vec<StreamOutput> = outcome.outputs.iter().map(output).collect();
        if !outputs.is_empty() {
            self.put(&Event::Outputs(&outputs));
        }
    }

    /// Tells of what takes long until the run ends.
    pub fn tick(self: &Arc<Self>, runtime: &tokio::runtime::Handle) {
        let stream = Arc::downgrade(self);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let Some(stream) = stream.upgrade() else { return };
                stream.state().still(Instant::now());
            }
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn line(&mut self, event: &Event) {
        let now = OffsetDateTime::now_utc();
        let now = now.replace_nanosecond(now.microsecond() * 1000).unwrap_or(now);
        let line = stream_line(event, &now.format(&Rfc3339).unwrap_or_default());
        // A reader that went away is no failure of the run.
        let _written = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
    }

    fn still(&mut self, now: Instant) {
        for still in self.in_flight.due(now) {
            let hook = Hook { address: &still.address, doing: still.doing, id: None };
            if still.doing != Doing::Refresh {
                self.line(&Event::ApplyProgress(hook, still.elapsed, still.waiting.as_deref()));
            }
        }
    }

    fn started(&mut self, address: &Address, verb: Verb, id: Option<&Str>) {
        let doing = doing(verb);
        self.in_flight.start(address, doing, Instant::now());
        let hook = Hook { address, doing, id: id.map(|i| &**i) };
        self.line(&match verb {
            Verb::Refresh => Event::RefreshStart(hook),
            _ => Event::ApplyStart(hook),
        });
    }

    fn provisioning(&mut self, address: Address, provisioner: Str) {
        self.provisioned(&address, true);
        self.line(&Event::ProvisionStart(Provision { address: &address, provisioner: &provisioner }));
        self.provisioners.insert(address, provisioner);
    }

    /// The end of a provisioner shows in what comes after it.
    fn provisioned(&mut self, address: &Address, well: bool) {
        if let Some(provisioner) = self.provisioners.remove(address) {
            let provision = Provision { address, provisioner: &provisioner };
            self.line(&if well { Event::ProvisionComplete(provision) } else { Event::ProvisionErrored(provision) });
        }
    }

    fn done(&mut self, address: &Address, verb: Verb, id: Option<&Str>) {
        self.provisioned(address, true);
        let Some((doing, elapsed)) = self.in_flight.end(address, Instant::now()) else { return };
        let hook = Hook { address, doing, id: id.map(|i| &**i) };
        self.line(&match verb {
            Verb::Refresh => Event::RefreshComplete(hook),
            _ => Event::ApplyComplete(hook, elapsed),
        });
    }

    fn failed(&mut self, address: &Address, verb: Verb) {
        self.provisioned(address, false);
        let Some((doing, elapsed)) = self.in_flight.end(address, Instant::now()) else { return };
        // The format has no line for a refresh that failed; the diagnostic tells it.
        if verb != Verb::Refresh {
            self.line(&Event::ApplyErrored(Hook { address, doing, id: None }, elapsed));
        }
    }
}

impl Observer for Stream {
    fn tell(&self, event: apply::Event) {
        let mut state = self.state();
        match event {
            // Forgetting touches no object, and what is ephemeral is no part of the plan: no lines.
            apply::Event::Started { verb: Verb::Forget | Verb::Open | Verb::Close, .. }
            | apply::Event::Done { verb: Verb::Forget | Verb::Open | Verb::Close, .. }
            | apply::Event::Failed { verb: Verb::Forget | Verb::Open | Verb::Close, .. } => (),
            apply::Event::Started { address, verb, id, .. } => state.started(&address, verb, id.as_ref()),
            apply::Event::Waiting { address, what } => state.in_flight.waiting(&address, &what),
            apply::Event::Provisioning { address, provisioner } => state.provisioning(address, provisioner),
            apply::Event::Provisioned { address, provisioner, line } => {
                let provision = Provision { address: &address, provisioner: &provisioner };
                state.line(&Event::ProvisionProgress(provision, &line));
            }
            apply::Event::Done { address, verb, id, .. } => state.done(&address, verb, id.as_ref()),
            apply::Event::Failed { address, verb, .. } => state.failed(&address, verb),
        }
    }
}
