//! Conditions: validations, preconditions, postconditions and check blocks.

use std::collections::HashSet;

use super::frame::{Frame, Used};
use super::step::{CellId, CellKind, StepKind};
use super::walk::Planner;
use super::world::{ModuleIndex, Repetition, World};
use super::{CheckKind, CheckResult, CheckStatus, PlanMode};
use crate::lang::convert::convert;
use crate::model::{Diagnostic, Diagnostics, Marks, Type, Value};
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
        Some(v) if v.all_marks().contains(Marks::SENSITIVE) => {
            "the message is sensitive: take the secret out of it, or use nonsensitive()".into()
        }
        Some(v) if v.all_marks().contains(Marks::EPHEMERAL) => {
            "the message is ephemeral: take the ephemeral value out of it".into()
        }
        Some(v) => v.as_str().map_or_else(|| "the message is not known yet".into(), |s| s.trim().to_string()),
        None => "the message can't be evaluated".into(),
    }
}

/// What became of several conditions together.
#[derive(Clone, Debug)]
pub struct Judged {
    pub status: CheckStatus,
    /// What the rules say that do not hold.
    pub messages: Vec<String>,
}

impl Judged {
    /// Whether nothing is wrong as far as is known.
    pub fn holds(&self) -> bool {
        matches!(self.status, CheckStatus::Pass | CheckStatus::Unknown)
    }
}

impl Planner<'_> {
    /// Judges rules that stop the plan when they fail.
    pub fn check_rules(
        &mut self,
        module: ModuleIndex,
        repetition: Option<&Repetition>,
        this: Option<&Value>,
        rules: &[CheckRule],
        what: &str,
        name: &str,
    ) -> Judged {
        let (mut judged, problems) = judge_rules(&self.world, module, repetition, this, rules, what, name);
        if self.options.mode != PlanMode::Destroy {
            self.diagnostics.extend(problems);
        } else if !judged.holds() {
            // What is on its way out need not be right.
            judged.status = CheckStatus::Unknown;
        }
        judged
    }

    /// Keeps what became of the rules of something in a module.
    pub fn note_check(&mut self, module: ModuleIndex, kind: CheckKind, local: &str, judged: Judged) {
        let Judged { status, messages } = judged;
        self.checks.push(CheckResult { name: scoped(&self.world, module, local), kind, status, problems: messages });
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

    /// Judges the check blocks that the plan could not, now that more is known. Gives what they warn of.
    pub fn judge_open_checks(&self, planned: &[CheckResult]) -> Vec<Diagnostic> {
        let is_open = |c: &&CheckResult| c.kind == CheckKind::Check && c.status == CheckStatus::Unknown;
        let open: HashSet<&str> = planned.iter().filter(is_open).map(|c| c.name.as_str()).collect();
        if open.is_empty() {
            return Vec::new();
        }
        let mut warnings = Vec::new();
        for module in 0..self.modules.len() as ModuleIndex {
            for i in 0..self.definition(module).checks.len() as u32 {
                if open.contains(&*check_name(self, module, i)) {
                    warnings.extend(self.judge_check(module, i).1);
                }
            }
        }
        warnings
    }
}

fn check_name(world: &World, module: ModuleIndex, i: u32) -> String {
    scoped(world, module, &format!("check.{}", world.definition(module).checks[i as usize].name))
}

/// The problems of the rules that fail now; those that are not known yet give none.
pub fn judge_all(
    world: &World,
    module: ModuleIndex,
    repetition: Option<&Repetition>,
    this: Option<&Value>,
    rules: &[CheckRule],
    what: &str,
    name: &str,
) -> Diagnostics {
    judge_rules(world, module, repetition, this, rules, what, name).1
}

pub(super) fn judge_rules(
    world: &World,
    module: ModuleIndex,
    repetition: Option<&Repetition>,
    this: Option<&Value>,
    rules: &[CheckRule],
    what: &str,
    name: &str,
) -> (Judged, Diagnostics) {
    let mut judged = Judged { status: CheckStatus::Pass, messages: Vec::new() };
    if rules.is_empty() {
        return (judged, Diagnostics::new());
    }
    let mut frame = Frame::new(world, module);
    if let Some(repetition) = repetition {
        frame = frame.repeated(repetition);
    }
    if let Some(this) = this {
        frame = frame.with_self(this);
    }
    let mut found = Diagnostics::new();
    for rule in rules {
        let status = match judge(&frame, rule) {
            Verdict::Holds => CheckStatus::Pass,
            Verdict::Open => CheckStatus::Unknown,
            Verdict::Fails(message) => {
                found.push(
                    Diagnostic::error(format!("a condition of {what} \"{name}\" does not hold"))
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
    (judged, found)
}

fn scoped(world: &World, module: ModuleIndex, local: &str) -> String {
    let path = &world.instance(module).path;
    if path.is_root() { local.to_string() } else { format!("{path}.{local}") }
}
