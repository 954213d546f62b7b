//! The schedule: starts steps as their predecessors end, and keeps the values that later steps use.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::cloud::Cloud;
use super::event::Observer;
use super::outcome::Outcome;
use super::prepare::Preparation;
use super::provision::Question;
use super::rows;
use super::steps::{Ended, Shared, Task};
use super::turns::{self, Turns};
use super::unfinished::{Failure, unfinished};
use crate::model::{Diagnostic, Diagnostics, Marks, Mode, Severity, Str, Value};
use crate::plan::{DataObject, PlanMode, Planned, StepId, StepKind};
use crate::provider::Provisioner;
use crate::provider::ephemeral::Held;
use crate::state::lease::Lasting;
use crate::state::{self, Output, Snapshot, Store};

/// How a run is stopped from outside.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// No new step starts; those in flight end.
    pub finish: CancellationToken,
    /// Calls in flight are given up.
    pub abort: CancellationToken,
}

pub struct Input {
    pub planned: Planned,
    pub cloud: Arc<dyn Cloud>,
    pub provisioner: Arc<dyn Provisioner>,
    pub store: Arc<dyn Store>,
    /// The state that was planned from.
    pub snapshot: Snapshot,
    pub observer: Arc<dyn Observer>,
    pub stop: Stop,
    /// Until when the lock on the store holds; nothing where nobody locks.
    pub lasting: Option<Lasting>,
    /// At most so many calls at once; where nothing is said, each type has its own limit.
    pub parallelism: Option<usize>,
    /// Names the plan in the journal.
    pub plan_id: Str,
}

/// Runs all steps. Whatever happens, the state tells what exists when it returns.
pub async fn run(input: Input) -> Outcome {
    let mut run = Run::new(input);
    if let Err(problem) = run.write_rewrites().await {
        run.outcome.diagnostics.push(problem);
        run.note_unfinished();
        return run.outcome;
    }
    run.schedule().await;
    run.finish().await;
    run.outcome
}

struct Run {
    planned: Planned,
    preparation: Preparation,
    shared: Shared,
    stop: Stop,
    limit: usize,
    waiting: Vec<u32>,
    users: Vec<Vec<StepId>>,
    /// What became of each step.
    done: Vec<Option<Done>>,
    ready: VecDeque<StepId>,
    turns: Turns,
    in_flight: JoinSet<(StepId, Ended)>,
    /// The steps of these tasks.
    begun: HashSet<StepId>,
    /// What went wrong where a failure began.
    failures: BTreeMap<StepId, Failure>,
    /// Steps ask for the provisioners of their objects here.
    questions: mpsc::UnboundedReceiver<Question>,
    /// Ephemeral resources that are open.
    held: Vec<Held>,
    outcome: Outcome,
}

/// A step that ended: well, or with the step at whose failure it all began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Well,
    Failed(StepId),
}

impl Run {
    fn new(input: Input) -> Run {
        let steps = &input.planned.plan.steps;
        let mut users = vec![Vec::new(); steps.len()];
        for (i, step) in steps.iter().enumerate() {
            step.after.iter().for_each(|need| users[need.0 as usize].push(StepId(i as u32)));
        }
        let waiting: Vec<u32> = steps.iter().map(|s| s.after.len() as u32).collect();
        let ready = (0..steps.len() as u32).map(StepId).filter(|s| waiting[s.0 as usize] == 0).collect();
        let done = vec![None; steps.len()];
        let (ask, questions) = mpsc::unbounded_channel();
        let mut planned = input.planned;
        planned.world.applying = true;
        Run {
            preparation: Preparation::new(input.cloud.clone(), input.snapshot, input.plan_id),
            shared: Shared {
                cloud: input.cloud,
                store: input.store,
                observer: input.observer,
                provisioner: input.provisioner,
                ask,
                lasting: input.lasting,
                abort: input.stop.abort.clone(),
            },
            planned,
            stop: input.stop,
            limit: input.parallelism.unwrap_or(usize::MAX).max(1),
            waiting,
            users,
            done,
            ready,
            turns: Turns::new(turns::MOST),
            in_flight: JoinSet::new(),
            begun: HashSet::new(),
            failures: BTreeMap::new(),
            questions,
            held: Vec::new(),
            outcome: Outcome::default(),
        }
    }

    /// What moves, refreshing and data sources found is true whatever happens next.
    async fn write_rewrites(&mut self) -> Result<(), Diagnostic> {
        let cloud = &self.shared.cloud;
        let schema = |row: &state::StoredInstance| {
            cloud.schema(&row.provider.short_name().into(), Mode::Managed, row.address.ty())
        };
        let mut changes = rows::rewrites(&self.planned.rewrites, &self.preparation.snapshot, schema);
        let data_schema = |d: &DataObject| cloud.schema(&d.provider.name, Mode::Data, d.address.ty());
        changes.extend(rows::data(&self.planned, data_schema));
        if changes.is_empty() {
            return Ok(());
        }
        let written = self.shared.store.commit(changes).await;
        written.map_err(|e| Diagnostic::error("the state could not be written").detail(e.to_string()))
    }

    async fn schedule(&mut self) {
        loop {
            while self.in_flight.len() < self.limit && !self.stop.finish.is_cancelled() {
                let Some(step) = self.ready.pop_front() else { break };
                self.start(step);
            }
            let stopped = self.stop.finish.is_cancelled();
            if self.in_flight.is_empty() && (self.ready.is_empty() || stopped) {
                break;
            }
            let joined = tokio::select! {
                joined = self.in_flight.join_next() => joined,
                Some(question) = self.questions.recv() => {
                    question.answer(&self.planned);
                    continue;
                }
            };
            match joined {
                Some(Ok((step, ended))) => self.end(step, ended),
                Some(Err(panic)) => self.outcome.diagnostics.push(
                    Diagnostic::error("a driver broke down").detail(panic.to_string()).help(
                        "run again: the journal knows what was under way; and please report it, this is a defect of Terrane",
                    ),
                ),
                None => (),
            }
        }
        // What broke down has told nobody which step it was.
        for id in std::mem::take(&mut self.begun) {
            let cause = "a driver broke down".to_string();
            self.failures.insert(id, Failure { address: None, cause, is_open: true });
            self.pass(id, Done::Failed(id));
        }
    }

    fn start(&mut self, id: StepId) {
        match self.planned.plan.steps[id.0 as usize].kind.clone() {
            StepKind::Join => self.pass(id, Done::Well),
            StepKind::Evaluate { cell } => match self.planned.world.evaluate_again(cell) {
                Ok(()) => self.pass(id, Done::Well),
                Err(problems) => self.fail(id, problems),
            },
            StepKind::Judge { module, of } => {
                let problems = self.planned.world.judge_again(module, of);
                self.pass_unless(id, problems);
            }
            StepKind::Open { module, resource, position } => {
                let place = (module, resource, position);
                match super::ephemeral::prepare(&self.planned, &self.shared, place) {
                    Ok(opening) => {
                        let shared = self.shared.clone();
                        self.begun.insert(id);
                        self.in_flight.spawn(async move { (id, super::ephemeral::open(opening, shared).await) });
                    }
                    Err(problems) => self.fail(id, problems),
                }
            }
            kind => {
                if self.ty(&kind).is_some_and(|ty| !self.turns.enter(&ty, id)) {
                    return;
                }
                match self.preparation.task(&self.planned, &kind) {
                    Ok(task) => self.launch(id, task),
                    Err(problems) => {
                        self.leave(&kind);
                        self.fail(id, problems);
                    }
                }
            }
        }
    }

    /// The type of what a step is about.
    fn ty(&self, kind: &StepKind) -> Option<Str> {
        let change = self.planned.plan.changes.get(kind.change()? as usize)?;
        Some(change.address.ty().clone())
    }

    fn leave(&mut self, kind: &StepKind) {
        let next = self.ty(kind).and_then(|ty| self.turns.leave(&ty));
        next.into_iter().for_each(|step| self.ready.push_front(step));
    }

    fn launch(&mut self, id: StepId, task: Task) {
        let shared = self.shared.clone();
        self.begun.insert(id);
        self.in_flight.spawn(async move { (id, task.run(shared).await) });
    }

    fn end(&mut self, id: StepId, ended: Ended) {
        self.begun.remove(&id);
        let kind = self.planned.plan.steps[id.0 as usize].kind.clone();
        let change = kind.change().unwrap_or(u32::MAX);
        self.leave(&kind);
        match ended {
            Ended::Made(value) => {
                let problems = self.made(change, value);
                self.count(&kind);
                self.pass_unless(id, problems);
            }
            Ended::Opened(value, held) => {
                self.held.push(*held);
                let StepKind::Open { module, resource, position } = kind else { return };
                let problems = self.planned.world.take_opened(module, resource, position, value);
                self.pass_unless(id, problems);
            }
            Ended::Gone => {
                self.count(&kind);
                self.pass(id, Done::Well);
            }
            Ended::Failed(problem) if self.is_of_check(change) => {
                self.outcome.diagnostics.push(Diagnostic { severity: Severity::Warning, ..problem });
                self.pass(id, Done::Well);
            }
            Ended::Failed(problem) => self.fail(id, problem.into()),
            Ended::Unsettled(problem) => {
                self.failures.insert(id, Failure { is_open: true, ..Failure::of(&problem) });
                self.fail(id, problem.into());
            }
            Ended::Partial(value, problem) => {
                self.failures.insert(id, Failure::of(&problem));
                let problems = self.made(change, value);
                self.outcome.diagnostics.push(problem);
                self.fail(id, problems);
            }
        }
    }

    /// Whether a step reads for a check block, which never stops anything.
    fn is_of_check(&self, change: u32) -> bool {
        let Planned { plan, world, .. } = &self.planned;
        plan.changes.get(change as usize).is_some_and(|change| world.serves_check(&change.address))
    }

    /// Goes on from a step that did what it should, unless that is wrong of it.
    fn pass_unless(&mut self, id: StepId, problems: Diagnostics) {
        if problems.has_errors() {
            return self.fail(id, problems);
        }
        self.outcome.diagnostics.extend(problems);
        self.pass(id, Done::Well);
    }

    fn fail(&mut self, id: StepId, problems: Diagnostics) {
        if let Some(first) = problems.iter().find(|p| p.is_error()) {
            self.failures.entry(id).or_insert_with(|| Failure::of(first));
        }
        self.outcome.diagnostics.extend(problems);
        self.pass(id, Done::Failed(id));
    }

    /// Others see the object from now on. Gives what does not hold of it.
    fn made(&mut self, change: u32, value: Value) -> Diagnostics {
        let Planned { plan, world, .. } = &mut self.planned;
        plan.changes.get(change as usize).map(|c| world.take(c, value)).unwrap_or_default()
    }

    fn count(&mut self, kind: &StepKind) {
        let tally = &mut self.outcome.tally;
        match kind {
            StepKind::Create { .. } => tally.added += 1,
            StepKind::Update { .. } => tally.changed += 1,
            StepKind::Delete { .. } => tally.destroyed += 1,
            StepKind::Forget { .. } => tally.forgotten += 1,
            StepKind::Import { .. } => tally.imported += 1,
            StepKind::Read { .. }
            | StepKind::Open { .. }
            | StepKind::Evaluate { .. }
            | StepKind::Judge { .. }
            | StepKind::Join => (),
        }
    }

    /// Notes how a step ended and hands on: to the ready ones, or the failure to all that wait for it.
    fn pass(&mut self, id: StepId, done: Done) {
        let mut open = vec![(id, done)];
        while let Some((id, done)) = open.pop() {
            if self.done[id.0 as usize].is_some() {
                continue;
            }
            self.done[id.0 as usize] = Some(done);
            for user in &self.users[id.0 as usize] {
                if done != Done::Well {
                    open.push((*user, done));
                    continue;
                }
                let left = &mut self.waiting[user.0 as usize];
                *left -= 1;
                if *left == 0 && self.done[user.0 as usize].is_none() {
                    self.ready.push_back(*user);
                }
            }
        }
    }

    async fn finish(&mut self) {
        let problems = super::ephemeral::close_all(std::mem::take(&mut self.held), &self.shared).await;
        self.outcome.diagnostics.extend(problems);
        self.outcome.interrupted = self.stop.finish.is_cancelled() && self.done.iter().any(|d| *d != Some(Done::Well));
        self.note_unfinished();
        if !self.outcome.interrupted {
            self.outcome.diagnostics.extend(self.planned.world.judge_open_checks(&self.planned.plan));
        }
        let outputs = self.outputs();
        let kept = outputs.iter().filter(|(_, v)| !v.is_null());
        let stored: BTreeMap<Str, Output> = kept.map(|(name, value)| (name.clone(), Output::of(value))).collect();
        let wanted = self.planned.plan.mode != PlanMode::RefreshOnly || !self.outcome.diagnostics.has_errors();
        // One by one: another run may write others at the same time.
        let before = &self.preparation.snapshot.outputs;
        let gone =
            before.keys().filter(|name| !stored.contains_key(*name)).map(|n| state::Change::Output(n.clone(), None));
        let new = stored.iter().filter(|(name, output)| before.get(*name) != Some(*output));
        let new = new.map(|(name, output)| state::Change::Output(name.clone(), Some(output.clone())));
        let changes: Vec<_> = gone.chain(new).collect();
        if !changes.is_empty()
            && wanted
            && let Err(error) = self.shared.store.commit(changes).await
        {
            let problem = Diagnostic::error("the outputs could not be written").detail(error.to_string());
            self.outcome.diagnostics.push(problem);
        }
        self.outcome.outputs = outputs;
        self.outcome.diagnostics = std::mem::take(&mut self.outcome.diagnostics).sorted();
    }

    fn note_unfinished(&mut self) {
        self.outcome.unfinished = unfinished(&self.planned.plan, &self.done, &self.failures);
    }

    /// The outputs of the root module: those that are known now, else as they were before.
    fn outputs(&mut self) -> Vec<(Str, Value)> {
        let before = &self.preparation.snapshot.outputs;
        if self.planned.plan.mode == PlanMode::Destroy && self.outcome.succeeded() {
            let deleted = |name: &Str| self.planned.plan.outputs.iter().any(|o| o.name == *name);
            let kept = before.iter().filter(|(name, _)| !deleted(name));
            return kept.map(|(name, o)| (name.clone(), o.marked())).collect();
        }
        let m = self.planned.world.definition(0);
        let cells = &self.planned.world.instance(0).outputs;
        let mut outputs = Vec::new();
        for (output, cell) in m.outputs.iter().zip(cells) {
            let value = cell.value.clone().filter(Value::is_wholly_known);
            let marks = if output.sensitive { Marks::SENSITIVE } else { Marks::NONE };
            let old = || before.get(&output.name).map(Output::marked);
            if let Some(value) = value.or_else(old) {
                outputs.push((output.name.clone(), value.mark(marks)));
            }
        }
        outputs.sort_by(|a, b| a.0.cmp(&b.0));
        outputs
    }
}
