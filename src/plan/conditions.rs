//! Conditions: validations, preconditions, postconditions and check blocks.

use super::frame::Frame;
use super::walk::Planner;
use super::world::{ModuleIndex, Repetition, World};
use super::{CheckKind, CheckResult, CheckStatus};
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

impl Planner<'_> {
    /// Judges rules that stop the plan when they fail. Gives whether none does.
    pub fn check_rules(
        &mut self,
        module: ModuleIndex,
        repetition: Option<&Repetition>,
        this: Option<&Value>,
        rules: &[CheckRule],
        what: &str,
        name: &str,
    ) -> bool {
        if rules.is_empty() {
            return true;
        }
        let problems = judge_all(&self.world, module, repetition, this, rules, what, name);
        let holds = !problems.has_errors();
        if self.options.mode == super::PlanMode::Destroy {
            return true;
        }
        self.diagnostics.extend(problems);
        holds
    }

    /// A check block never stops anything: what fails is a warning.
    pub fn plan_check(&mut self, module: ModuleIndex, i: u32) {
        let world = &self.world;
        let check = &world.definition(module).checks[i as usize];
        let frame = Frame::new(world, module);
        let mut result = CheckResult {
            name: scoped(world, module, &format!("check.{}", check.name)),
            kind: CheckKind::Check,
            status: CheckStatus::Pass,
            problems: Vec::new(),
        };
        let mut warnings = Vec::new();
        for rule in &check.asserts {
            match judge(&frame, rule) {
                Verdict::Holds => (),
                Verdict::Open => result.status = CheckStatus::Unknown,
                Verdict::Fails(message) => {
                    result.status = CheckStatus::Fail;
                    warnings.push(
                        Diagnostic::warning(format!("check \"{}\" failed", check.name))
                            .at(rule.condition.span())
                            .detail(message.clone()),
                    );
                    result.problems.push(message);
                }
                Verdict::Invalid(problems) => {
                    result.status = CheckStatus::Error;
                    warnings.extend(
                        problems.into_iter().map(|d| Diagnostic { severity: crate::model::Severity::Warning, ..d }),
                    );
                }
            }
        }
        self.checks.push(result);
        self.diagnostics.extend(warnings);
    }
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
    let mut frame = Frame::new(world, module);
    if let Some(repetition) = repetition {
        frame = frame.repeated(repetition);
    }
    if let Some(this) = this {
        frame = frame.with_self(this);
    }
    let mut found = Diagnostics::new();
    for rule in rules {
        match judge(&frame, rule) {
            Verdict::Holds | Verdict::Open => (),
            Verdict::Fails(message) => found.push(
                Diagnostic::error(format!("a condition of {what} \"{name}\" does not hold"))
                    .at(rule.condition.span())
                    .label("this is false")
                    .detail(message),
            ),
            Verdict::Invalid(problems) => found.extend(problems),
        }
    }
    found
}

fn scoped(world: &World, module: ModuleIndex, local: &str) -> String {
    let path = &world.instance(module).path;
    if path.is_root() { local.to_string() } else { format!("{path}.{local}") }
}
