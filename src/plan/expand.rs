//! Expansion: `count`, `for_each` and `enabled` become instances.

use super::outside::Outside;
use super::walk::Planner;
use super::work::WorkId;
use super::world::{Expansion, ModuleIndex, RepeatKind, Repetition};
use crate::graph::StaticModuleId;
use crate::lang::convert::convert;
use crate::lang::expr::Expr;
use crate::model::{Diagnostic, Marks, Type, Value};
use crate::spec::Repeat;

/// More instances of one block than this are taken for a mistake.
const MAX_INSTANCES: u64 = 1_000_000;

/// What became of a block that repeats.
pub(super) enum Expanded {
    Instances(RepeatKind, Vec<Repetition>),
    /// How many there are is left for a later plan.
    Later(RepeatKind),
    /// It has an error, or its number does not matter.
    Nothing,
}

/// Why a value says no number of instances.
pub(super) enum Trouble {
    Wrong(Diagnostic),
    /// It is not known yet.
    Unknown(Diagnostic),
}

impl From<Diagnostic> for Trouble {
    fn from(problem: Diagnostic) -> Self {
        Trouble::Wrong(problem)
    }
}

type Read = fn(&Value, &Expr) -> Result<(RepeatKind, Vec<Repetition>), Trouble>;

impl Planner<'_> {
    /// The instances of a repeated block and the work that their number follows.
    pub fn expand(&mut self, module: ModuleIndex, repeat: &Repeat) -> (Expanded, Vec<WorkId>) {
        match repeat {
            Repeat::Once => (Expanded::Instances(RepeatKind::Once, vec![Repetition::Once]), Vec::new()),
            Repeat::Count(e) => self.repetitions(module, e, counted),
            Repeat::ForEach(e) => self.repetitions(module, e, each),
            Repeat::Enabled(e) => self.repetitions(module, e, enabled),
        }
    }

    pub fn repetitions(&mut self, module: ModuleIndex, expr: &Expr, read: Read) -> (Expanded, Vec<WorkId>) {
        let (value, work) = self.evaluate(module, None, expr);
        let Some(value) = value else { return (Expanded::Nothing, work) };
        let expanded = match read(&value, expr) {
            Ok((kind, instances)) => Expanded::Instances(kind, instances),
            Err(Trouble::Wrong(problem)) => {
                self.diagnostics.push(problem);
                Expanded::Nothing
            }
            // When everything is destroyed or only looked at, what was never known does not matter.
            Err(Trouble::Unknown(_)) if self.options.mode != super::PlanMode::Normal => Expanded::Nothing,
            Err(Trouble::Unknown(problem)) if self.options.defer => {
                self.open.push(problem);
                Expanded::Later(kind_of(read))
            }
            Err(Trouble::Unknown(problem)) => {
                self.diagnostics.push(problem);
                Expanded::Nothing
            }
        };
        (expanded, work)
    }

    /// Makes the instances of a called module in each instance of its caller.
    pub fn expand_module(&mut self, of: StaticModuleId, outside: &dyn Outside) {
        let (spec, graph) = (self.world.spec.clone(), self.world.graph.clone());
        let Some((parent, call)) = graph.tree.call(&spec, of) else { return };
        let Some((_, number)) = graph.tree.get(of).parent else { return };
        for module in self.world.by_static[parent.index()].clone() {
            let (expanded, mut work) = self.expand(module, &call.repeat);
            work.extend(self.depends_on_work(module, &call.depends_on));
            work.extend_from_slice(&self.world.instance(module).gate.clone());
            let gate = self.work.producers(work);
            let (kind, repetitions) = match expanded {
                Expanded::Instances(kind, repetitions) => (kind, repetitions),
                Expanded::Later(kind) => {
                    self.defer_module(of, module, number, kind, outside);
                    continue;
                }
                Expanded::Nothing => continue,
            };
            let add = |r| self.world.add_module(of, Some(module), r, gate.clone());
            let instances = repetitions.into_iter().map(add).collect();
            self.world.modules[module as usize].calls[number as usize] = Some(Expansion::new(kind, instances));
        }
    }
}

/// The kind of expansion that a reader makes.
fn kind_of(read: Read) -> RepeatKind {
    match () {
        () if std::ptr::fn_addr_eq(read, counted as Read) => RepeatKind::Count,
        () if std::ptr::fn_addr_eq(read, each as Read) => RepeatKind::Each,
        () => RepeatKind::Once,
    }
}

fn counted(value: &Value, expr: &Expr) -> Result<(RepeatKind, Vec<Repetition>), Trouble> {
    refuse_hidden(value, expr, "count")?;
    let wrong = |what: String| Diagnostic::error(what).at(expr.span()).label("count is a whole number, 0 or more");
    if value.is_null() {
        return Err(wrong("\"count\" is null".into()).into());
    }
    let number = convert(value, &Type::Number).map_err(|e| wrong(format!("\"count\" is no number: {}", e.message)))?;
    let count = number.as_i64().and_then(|n| u64::try_from(n).ok());
    match count {
        Some(n) if n <= MAX_INSTANCES => Ok((RepeatKind::Count, (0..n).map(Repetition::Count).collect())),
        Some(n) => Err(wrong(format!("\"count\" is {n}, more than {MAX_INSTANCES}")).into()),
        None => Err(wrong("\"count\" is negative or not a whole number".into()).into()),
    }
}

pub(super) fn each(value: &Value, expr: &Expr) -> Result<(RepeatKind, Vec<Repetition>), Trouble> {
    refuse_hidden(value, expr, "for_each")?;
    let wrong = |what: String| {
        Diagnostic::error(what)
            .at(expr.span())
            .label("for_each is a map, an object or a set of strings")
            .help("toset([...]) makes a set of a list of strings")
    };
    let repetitions = match value.bare() {
        Value::Map(m) => m.entries.iter().map(|(k, v)| Repetition::Each(k.clone(), v.clone())).collect(),
        Value::Object(f) => f.iter().map(|(k, v)| Repetition::Each(k.clone(), v.clone())).collect(),
        Value::Set(s) => {
            let mut repetitions = Vec::with_capacity(s.items.len());
            for item in &s.items {
                match item {
                    Value::String(name) => repetitions.push(Repetition::Each(name.clone(), item.clone())),
                    Value::Unknown(_) => return Err(unknown(expr, "for_each")),
                    other => return Err(wrong(format!("\"for_each\" holds a {}", other.ty().friendly())).into()),
                }
            }
            repetitions
        }
        Value::Null(_) => return Err(wrong("\"for_each\" is null".into()).into()),
        other => return Err(wrong(format!("\"for_each\" is a {}", other.ty().friendly())).into()),
    };
    Ok((RepeatKind::Each, repetitions))
}

fn enabled(value: &Value, expr: &Expr) -> Result<(RepeatKind, Vec<Repetition>), Trouble> {
    refuse_hidden(value, expr, "enabled")?;
    match convert(value, &Type::Bool).ok().as_ref().and_then(Value::as_bool) {
        Some(true) => Ok((RepeatKind::Once, vec![Repetition::Once])),
        Some(false) => Ok((RepeatKind::Once, Vec::new())),
        None => Err(Diagnostic::error("\"enabled\" is neither true nor false").at(expr.span()).into()),
    }
}

/// The keys of instances are shown everywhere, and they must be known to plan.
fn refuse_hidden(value: &Value, expr: &Expr, argument: &str) -> Result<(), Trouble> {
    let (bare, marks) = value.unmark();
    if marks.contains(Marks::SENSITIVE) {
        return Err(Diagnostic::error(format!("\"{argument}\" is sensitive"))
            .at(expr.span())
            .label("instance keys are shown in every output")
            .help("use nonsensitive() on the part that is no secret, such as the keys")
            .into());
    }
    if marks.contains(Marks::EPHEMERAL) {
        return Err(Diagnostic::error(format!("\"{argument}\" is ephemeral"))
            .at(expr.span())
            .label("which instances there are is kept in the plan and the state")
            .into());
    }
    if bare.is_unknown() { Err(unknown(expr, argument)) } else { Ok(()) }
}

fn unknown(expr: &Expr, argument: &str) -> Trouble {
    let problem = Diagnostic::error(format!("\"{argument}\" is only known after apply"))
        .at(expr.span())
        .label("how many instances there are must be known to plan")
        .help("use keys that are written in the configuration, and put what is known later into the values")
        .help("or apply what it depends on first, with -target");
    Trouble::Unknown(problem)
}
