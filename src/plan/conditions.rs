//! Conditions: validations, preconditions, postconditions and check blocks.

use std::collections::HashSet;
use std::sync::Arc;

use super::cells::own_repetition;
use super::change::Reason;
use super::frame::{Frame, Used};
use super::step::{CellId, CellKind, Ruled, StepKind};
use super::walk::Planner;
use super::work::Producers;
use super::world::{InstanceCell, ModuleIndex, Repetition, World};
use super::{CheckKind, CheckResult, CheckStatus, Plan, PlanMode};
use crate::graph::StaticModuleId;
use crate::lang::convert::convert;
use crate::model::{Diagnostic, Diagnostics, Marks, Mode, Severity, Type, Value};
use crate::spec::CheckRule;

/// What became of one condition.
pub enum Verdict {
    Holds,
    /// The message of the rule.
    Fails(String),
    /// Not known yet.
    Open,
    Invalid(Diagnostics),
}

/// Judges one condition.
pub fn judge(frame: &Frame, rule: &CheckRule) -> Verdict {
    let condition = match rule.condition.eval(frame) {
        Ok(value) => value,
        Err(problems) => return Verdict::Invalid(problems),
    };
    if condition.is_unknown() {
        return Verdict::Open;
    }
    let truth = convert(&condition, &Type::Bool).ok();
    match truth.as_ref().and_then(Value::as_bool) {
        Some(true) => Verdict::Holds,
        Some(false) => Verdict::Fails(message(frame, rule)),
        None => {
            Verdict::Invalid(Diagnostic::error("a condition must be true or false").at(rule.condition.span()).into())
        }
    }
}

fn message(frame: &Frame, rule: &CheckRule) -> String {
    let value = rule.error_message.eval(frame).ok();
    match value {
        Some(v) if v.all_marks().is_secret() => {
            "the message is sensitive: take the secret out of it, or use nonsensitive()".into()
        }
        Some(v) if v.all_marks().contains(Marks::EPHEMERAL) => {
            "the message is ephemeral: take the ephemeral value out of it".into()
        }
        Some(v) => v.as_str().map_or_else(|| "the message is not known yet".into(), |s| s.trim().to_string()),
        None => "the message can't be evaluated".into(),
    }
}

/// Conditions, and what they are of.
#[derive(Clone, Copy)]
pub struct Rules<'r> {
    pub module: ModuleIndex,
    pub repetition: Option<&'r Repetition>,
    /// What `self` is.
    pub this: Option<&'r Value>,
    pub rules: &'r [CheckRule],
    /// Such as `resource`.
    pub what: &'static str,
    pub name: &'r str,
    /// How bad it is where one does not hold.
    pub severity: Severity,
}

impl<'r> Rules<'r> {
    /// None yet.
    pub fn of(module: ModuleIndex, what: &'static str, name: &'r str) -> Self {
        Rules { module, repetition: None, this: None, rules: &[], what, name, severity: Severity::Error }
    }
}

/// What became of several conditions together.
#[derive(Debug)]
pub struct Judged {
    pub status: CheckStatus,
    /// What the rules say that do not hold.
    pub messages: Vec<String>,
    /// What they were judged by.
    pub used: Used,
}

impl Judged {
    /// Whether nothing is wrong as far as is known.
    pub fn holds(&self) -> bool {
        matches!(self.status, CheckStatus::Pass | CheckStatus::Unknown)
    }

    /// Both together.
    pub fn and(mut self, mut other: Judged) -> Judged {
        self.used.work.append(&mut other.used.work);
        self.used.whole.append(&mut other.used.whole);
        self.used.calls.append(&mut other.used.calls);
        self.messages.append(&mut other.messages);
        Judged { status: self.status.worse(other.status), ..self }
    }
}

impl Planner<'_> {
    /// Judges rules that stop the plan when they fail.
    pub fn check_rules(&mut self, rules: &Rules) -> Judged {
        let (mut judged, problems) = judge_rules(&self.world, rules);
        if self.options.mode != PlanMode::Destroy {
            self.diagnostics.extend(problems);
        } else if !judged.holds() {
            // What is on its way out need not be right.
            judged.status = CheckStatus::Unknown;
        }
        judged
    }

    /// Judges the postconditions of an instance (module, block, position) after its preconditions. What is kept as it
    /// is, or was read while planning, has no step of its own that would judge it.
    pub fn check_after(
        &mut self,
        (module, resource, position): (ModuleIndex, u32, u32),
        cell: InstanceCell,
        before: Judged,
        is_kept: bool,
    ) -> InstanceCell {
        let lifecycle = &self.world.resource_block(module, resource).lifecycle;
        if lifecycle.preconditions.is_empty() && lifecycle.postconditions.is_empty() {
            return cell;
        }
        let name = self.world.resource_address(module, resource).instance(cell.repetition.key()).to_string();
        let (spec, graph) = (self.world.spec.clone(), self.world.graph.clone());
        let of = StaticModuleId(self.world.instance(module).of);
        let block = &graph.tree.definition(&spec, of).resources[resource as usize];
        let judged = before.and(self.check_rules(&Rules {
            repetition: own_repetition(&cell.repetition),
            this: Some(&cell.value),
            rules: &block.lifecycle.postconditions,
            severity: self.world.severity(module, resource),
            ..Rules::of(module, what_is(block.mode), &name)
        }));
        let (status, problems) = (judged.status, judged.messages.clone());
        self.checks.push(CheckResult { name, kind: CheckKind::Resource, status, problems });
        if !is_kept {
            return cell;
        }
        let producers =
            self.judge_later(module, Ruled::Instance { resource, position }, judged, cell.producers.clone());
        InstanceCell { producers, ..cell }
    }

    /// Lets the apply judge what is not known yet. Gives what to follow in the place of the producers.
    pub fn judge_later(&mut self, module: ModuleIndex, of: Ruled, judged: Judged, producers: Producers) -> Producers {
        if judged.status != CheckStatus::Unknown || self.options.mode != PlanMode::Normal {
            return producers;
        }
        let mut work = self.work_of(judged.used);
        work.extend_from_slice(&producers);
        if self.work.is_deferred(&work) {
            return producers;
        }
        Arc::from([self.work.add(StepKind::Judge { module, of }, work)])
    }

    /// Keeps what became of the rules of something in a module.
    pub fn note_check(&mut self, module: ModuleIndex, kind: CheckKind, local: &str, judged: &Judged) {
        let (status, problems) = (judged.status, judged.messages.clone());
        self.checks.push(CheckResult { name: scoped(&self.world, module, local), kind, status, problems });
    }

    /// A check block never stops anything: what fails is a warning.
    pub fn plan_check(&mut self, module: ModuleIndex, i: u32) {
        let (result, warnings, used) = self.world.judge_check(module, i);
        if result.status == CheckStatus::Unknown && self.options.mode == PlanMode::Normal {
            // Applying brings what it refers to into being, and judges it at the end.
            let work = self.work_of(used);
            let cell = CellId { module, kind: CellKind::Check(i) };
            if !self.work.is_deferred(&work) {
                self.work.add(StepKind::Evaluate { cell }, work);
            }
        }
        self.checks.push(result);
        self.diagnostics.extend(warnings);
    }
}

impl World {
    fn judge_check(&self, module: ModuleIndex, i: u32) -> (CheckResult, Vec<Diagnostic>, Used) {
        let check = &self.definition(module).checks[i as usize];
        let frame = Frame::new(self, module);
        let mut status = CheckStatus::Pass;
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        for rule in &check.asserts {
            match judge(&frame, rule) {
                Verdict::Holds => (),
                Verdict::Open => status = status.worse(CheckStatus::Unknown),
                Verdict::Fails(message) => {
                    status = status.worse(CheckStatus::Fail);
                    warnings.push(
                        Diagnostic::warning(format!("check \"{}\" failed", check.name))
                            .at(rule.condition.span())
                            .detail(message.clone()),
                    );
                    problems.push(message);
                }
                Verdict::Invalid(invalid) => {
                    status = status.worse(CheckStatus::Error);
                    let softer = |d| Diagnostic { severity: crate::model::Severity::Warning, ..d };
                    warnings.extend(invalid.into_iter().map(softer));
                }
            }
        }
        let name = check_name(self, module, i);
        (CheckResult { name, kind: CheckKind::Check, status, problems }, warnings, frame.used())
    }

    /// Judges what the plan could not, now that more is known.
    pub fn judge_again(&self, module: ModuleIndex, of: Ruled) -> Diagnostics {
        let definition = self.definition(module);
        match of {
            Ruled::Variable(i) => {
                let variable = &definition.variables[i as usize];
                let of = Rules::of(module, "variable", &variable.name);
                judge_rules(self, &Rules { rules: &variable.validations, ..of }).1
            }
            Ruled::Output(i) => {
                let output = &definition.outputs[i as usize];
                let of = Rules::of(module, "output", &output.name);
                judge_rules(self, &Rules { rules: &output.preconditions, ..of }).1
            }
            Ruled::Instance { resource, position } => self.judge_instance(module, resource, position as usize),
        }
    }

    fn judge_instance(&self, module: ModuleIndex, resource: u32, position: usize) -> Diagnostics {
        let block = self.resource_block(module, resource);
        let cell = &self.instance(module).resources[resource as usize];
        let Some(instance) = cell.instances.get(position) else { return Diagnostics::new() };
        let name = self.resource_address(module, resource).instance(instance.repetition.key()).to_string();
        let before = Rules {
            repetition: own_repetition(&instance.repetition),
            rules: &block.lifecycle.preconditions,
            severity: self.severity(module, resource),
            ..Rules::of(module, what_is(block.mode), &name)
        };
        let after = Rules { this: Some(&instance.value), rules: &block.lifecycle.postconditions, ..before };
        let mut problems = judge_rules(self, &before).1;
        problems.extend(judge_rules(self, &after).1);
        problems
    }

    /// Judges the check blocks that the plan could not, now that more is known, and those whose data was read again.
    /// Gives what they warn of.
    pub fn judge_open_checks(&self, plan: &Plan) -> Vec<Diagnostic> {
        let is_open = |c: &&CheckResult| c.kind == CheckKind::Check && c.status == CheckStatus::Unknown;
        let open: HashSet<&str> = plan.checks.iter().filter(is_open).map(|c| c.name.as_str()).collect();
        let are_read_again = plan.changes.iter().any(|c| c.reason == Some(Reason::ReadBecauseCheckNested));
        if open.is_empty() && !are_read_again {
            return Vec::new();
        }
        let mut warnings = Vec::new();
        for module in 0..self.modules.len() as ModuleIndex {
            for i in 0..self.definition(module).checks.len() as u32 {
                let has_data = self.definition(module).checks[i as usize].data.is_some();
                if (are_read_again && has_data) || open.contains(&*check_name(self, module, i)) {
                    warnings.extend(self.judge_check(module, i).1);
                }
            }
        }
        warnings
    }
}

/// What an object is called where a condition of it does not hold.
pub fn what_is(mode: Mode) -> &'static str {
    match mode {
        Mode::Managed => "resource",
        Mode::Data => "data source",
        Mode::Ephemeral => "ephemeral resource",
    }
}

fn check_name(world: &World, module: ModuleIndex, i: u32) -> String {
    scoped(world, module, &format!("check.{}", world.definition(module).checks[i as usize].name))
}

pub(super) fn judge_rules(world: &World, of: &Rules) -> (Judged, Diagnostics) {
    let mut judged = Judged { status: CheckStatus::Pass, messages: Vec::new(), used: Used::default() };
    if of.rules.is_empty() {
        return (judged, Diagnostics::new());
    }
    let mut frame = Frame::new(world, of.module);
    if let Some(repetition) = of.repetition {
        frame = frame.repeated(repetition);
    }
    if let Some(this) = of.this {
        frame = frame.with_self(this);
    }
    let mut found = Diagnostics::new();
    for rule in of.rules {
        let status = match judge(&frame, rule) {
            Verdict::Holds => CheckStatus::Pass,
            Verdict::Open => CheckStatus::Unknown,
            Verdict::Fails(message) => {
                found.push(
                    Diagnostic::error(format!("a condition of {} \"{}\" does not hold", of.what, of.name))
                        .at(rule.condition.span())
                        .label("this is false")
                        .detail(message.clone()),
                );
                judged.messages.push(message);
                CheckStatus::Fail
            }
            Verdict::Invalid(problems) => {
                found.extend(problems);
                CheckStatus::Error
            }
        };
        judged.status = judged.status.worse(status);
    }
    judged.used = frame.used();
    let graded = found.into_iter().map(|problem| Diagnostic { severity: of.severity, ..problem });
    (judged, graded.collect())
}

fn scoped(world: &World, module: ModuleIndex, local: &str) -> String {
    let path = &world.instance(module).path;
    if path.is_root() { local.to_string() } else { format!("{path}.{local}") }
}
