//! Expansion: `count`, `for_each` and `enabled` become instances.

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

impl Planner<'_> {
    /// The instances of a repeated block and the work that their number follows; nothing where it has an error.
    pub fn expand(
        &mut self,
        module: ModuleIndex,
        repeat: &Repeat,
    ) -> (Option<(RepeatKind, Vec<Repetition>)>, Vec<WorkId>) {
        let (expr, read): (&Expr, fn(&Value, &Expr) -> Result<_, Diagnostic>) = match repeat {
            Repeat::Once => return (Some((RepeatKind::Once, vec![Repetition::Once])), Vec::new()),
            Repeat::Count(e) => (e, counted),
            Repeat::ForEach(e) => (e, each),
            Repeat::Enabled(e) => (e, enabled),
        };
        let (value, work) = self.evaluate(module, None, expr);
        let expanded = value.and_then(|value| match read(&value, expr) {
            Ok(instances) => Some(instances),
            Err(problem) => {
                if !self.tolerates_unknown_repetition(&value) {
                    self.diagnostics.push(problem);
                }
                None
            }
        });
        (expanded, work)
    }

    /// When everything is destroyed, what was never known does not matter.
    fn tolerates_unknown_repetition(&self, value: &Value) -> bool {
        self.options.mode == super::PlanMode::Destroy && !value.is_wholly_known()
    }

    /// Makes the instances of a called module in each instance of its caller.
    pub fn expand_module(&mut self, of: StaticModuleId) {
        let (spec, graph) = (self.world.spec.clone(), self.world.graph.clone());
        let Some((parent, call)) = graph.tree.call(&spec, of) else { return };
        let Some((_, number)) = graph.tree.get(of).parent else { return };
        for module in self.world.by_static[parent.index()].clone() {
            let (expanded, mut work) = self.expand(module, &call.repeat);
            work.extend(self.depends_on_work(module, &call.depends_on));
            work.extend_from_slice(&self.world.instance(module).gate.clone());
            let gate = self.work.producers(work);
            let Some((kind, repetitions)) = expanded else { continue };
            let add = |r| self.world.add_module(of, Some(module), r, gate.clone());
            let instances = repetitions.into_iter().map(add).collect();
            self.world.modules[module as usize].calls[number as usize] = Some(Expansion { kind, instances });
        }
    }
}

fn counted(value: &Value, expr: &Expr) -> Result<(RepeatKind, Vec<Repetition>), Diagnostic> {
    refuse_hidden(value, expr, "count")?;
    let wrong = |what: String| Diagnostic::error(what).at(expr.span()).label("count is a whole number, 0 or more");
    if value.is_null() {
        return Err(wrong("\"count\" is null".into()));
    }
    let number = convert(value, &Type::Number).map_err(|e| wrong(format!("\"count\" is no number: {}", e.message)))?;
    let count = number.as_i64().and_then(|n| u64::try_from(n).ok());
    match count {
        Some(n) if n <= MAX_INSTANCES => Ok((RepeatKind::Count, (0..n).map(Repetition::Count).collect())),
        Some(n) => Err(wrong(format!("\"count\" is {n}, more than {MAX_INSTANCES}"))),
        None => Err(wrong("\"count\" is negative or not a whole number".into())),
    }
}

fn each(value: &Value, expr: &Expr) -> Result<(RepeatKind, Vec<Repetition>), Diagnostic> {
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
                    other => return Err(wrong(format!("\"for_each\" holds a {}", other.ty().friendly()))),
                }
            }
            repetitions
        }
        Value::Null(_) => return Err(wrong("\"for_each\" is null".into())),
        other => return Err(wrong(format!("\"for_each\" is a {}", other.ty().friendly()))),
    };
    Ok((RepeatKind::Each, repetitions))
}

fn enabled(value: &Value, expr: &Expr) -> Result<(RepeatKind, Vec<Repetition>), Diagnostic> {
    refuse_hidden(value, expr, "enabled")?;
    match convert(value, &Type::Bool).ok().as_ref().and_then(Value::as_bool) {
        Some(true) => Ok((RepeatKind::Once, vec![Repetition::Once])),
        Some(false) => Ok((RepeatKind::Once, Vec::new())),
        None => Err(Diagnostic::error("\"enabled\" is neither true nor false").at(expr.span())),
    }
}

/// The keys of instances are shown everywhere, and they must be known to plan.
fn refuse_hidden(value: &Value, expr: &Expr, argument: &str) -> Result<(), Diagnostic> {
    let (bare, marks) = value.unmark();
    if marks.contains(Marks::SENSITIVE) {
        return Err(Diagnostic::error(format!("\"{argument}\" is sensitive"))
            .at(expr.span())
            .label("instance keys are shown in every output")
            .help("use nonsensitive() on the part that is no secret, such as the keys"));
    }
    if bare.is_unknown() { Err(unknown(expr, argument)) } else { Ok(()) }
}

fn unknown(expr: &Expr, argument: &str) -> Diagnostic {
    Diagnostic::error(format!("\"{argument}\" is only known after apply"))
        .at(expr.span())
        .label("how many instances there are must be known to plan")
        .help("use keys that are written in the configuration, and put what is known later into the values")
        .help("or apply what it depends on first, with -target")
}
