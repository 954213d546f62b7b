//! Evaluates expressions that somebody types, on the values of the state or of a plan.

use super::functions;
use super::planning::Session;
use crate::lang::expr::Expr;
use crate::lang::scope::Scope;
use crate::model::{Diagnostics, SourceMap, Type, Value};
use crate::plan::frame::Frame;
use crate::plan::world::World;
use crate::plan::{Options, PlanMode};
use crate::spec::inspect::{self, Inspector};

/// What an expression comes to.
#[derive(Clone, Debug)]
pub enum Answer {
    Value(Value),
    /// Of `type(…)`.
    Type(Type),
}

/// The values that expressions see, and the sources that their problems point into.
pub struct Console {
    session: Session,
    world: World,
    pub sources: SourceMap,
}

impl Console {
    /// Gathers the values: with `planned` those that a plan would bring about, otherwise those of the state. The
    /// diagnostics say what cannot be seen, and why; where there is nothing to see at all there is no console.
    pub fn open(mut session: Session, planned: bool) -> (Option<Console>, Diagnostics, SourceMap) {
        let mode = if planned { PlanMode::Normal } else { PlanMode::RefreshOnly };
        let (made, _) = session.plan(Options { mode, refresh: planned, ..Options::default() });
        session.open_clock();
        let problems = made.plan.diagnostics.clone();
        let sources = session.sources.clone();
        let mut world = made.world;
        if world.modules.is_empty() {
            return (None, problems, sources);
        }
        world.applying = true;
        (Some(Console { session, world, sources: sources.clone() }), problems, sources)
    }

    /// Evaluates one expression.
    pub fn evaluate(&mut self, text: &str) -> Result<Answer, Diagnostics> {
        let source = self.sources.add("<console>", text);
        let inspector = Inspector::new(&self.session.loaded.spec, &*self.session.providers);
        let (compiled, problems) = inspector.compile(text, source);
        if problems.has_errors() {
            return Err(problems);
        }
        let frame = Frame::new(&self.world, 0);
        answer(&compiled, &frame)
    }

    /// Words that may follow what is typed: names of the configuration and functions, or the attributes of the value
    /// before the last dot.
    pub fn completions(&mut self, word: &str) -> Vec<String> {
        let mut found: Vec<String> = self.names().into_iter().filter(|name| name.starts_with(word)).collect();
        if let Some((base, begun)) = word.rsplit_once('.')
            && let Ok(Answer::Value(value)) = self.evaluate(base)
        {
            let fields = value.bare().as_fields().into_iter().flatten();
            let attributes = fields.map(|(name, _)| &**name).filter(|name| name.starts_with(begun));
            found.extend(attributes.map(|name| format!("{base}.{name}")));
        }
        found.sort();
        found.dedup();
        found
    }

    fn names(&self) -> Vec<String> {
        let mut names = inspect::names(&self.session.loaded.spec);
        names.extend(functions::signatures().iter().filter(|s| !s.name.contains("::")).map(|s| format!("{}(", s.name)));
        names.push("type(".into());
        names.extend(self.provider_functions());
        names
    }

    /// The functions of providers, by the names that the configuration has for these.
    fn provider_functions(&self) -> Vec<String> {
        let providers = &self.session.providers;
        let required = self.session.loaded.spec.root().map_or(&[][..], |root| &root.settings.required_providers);
        let mut names = Vec::new();
        for def in providers.names().filter_map(|name| providers.definition(name)) {
            let mut local: Vec<&str> =
                required.iter().filter(|r| r.real_name() == def.name()).map(|r| &*r.name).collect();
            if local.is_empty() {
                local.push(def.name());
            }
            let functions = functions::of_provider(&**def);
            let short = functions.iter().map(|s| functions::short_name(&s.name));
            names.extend(short.flat_map(|f| local.iter().map(move |p| format!("provider::{p}::{f}("))));
        }
        names
    }
}

fn answer(compiled: &Expr, scope: &dyn Scope) -> Result<Answer, Diagnostics> {
    match compiled.asked_type() {
        Some(of) => Ok(Answer::Type(of.eval(scope)?.bare().ty())),
        None => Ok(Answer::Value(compiled.eval(scope)?)),
    }
}
