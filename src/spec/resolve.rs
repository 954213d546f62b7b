//! What the names in expressions mean in a module, and what to say of those that mean nothing.

use std::cell::Cell;
use std::collections::HashMap;

use super::module::{Module, Schemas};
use crate::lang::compile::{Resolver, Step};
use crate::lang::functions::{self, Found};
use crate::lang::scope::Slot;
use crate::model::{Diagnostic, Mode, Span, Str};

/// After so many wrong names suggestions stop: each costs a look at all names.
const MAX_SUGGESTIONS: u32 = 100;

/// The names that a module declares, before anything in it is compiled.
#[derive(Debug, Default)]
pub struct Declared {
    pub variables: HashMap<Str, u32>,
    pub locals: HashMap<Str, u32>,
    pub outputs: HashMap<Str, u32>,
    pub calls: HashMap<Str, u32>,
    pub call_facts: Vec<CallFacts>,
    /// By mode, type and name.
    resources: [HashMap<Str, HashMap<Str, u32>>; 3],
    pub resource_facts: Vec<ResourceFacts>,
    /// Provider configurations by local name and alias, and where each stands.
    pub providers: HashMap<(Str, Option<Str>), Span>,
    suggested: Cell<u32>,
}

#[derive(Debug)]
pub struct ResourceFacts {
    pub mode: Mode,
    pub ty: Str,
    pub name: Str,
    pub repeats: Repeats,
    pub span: Span,
    /// It stands in a check, which alone can refer to it.
    pub scoped: bool,
}

#[derive(Debug)]
pub struct CallFacts {
    pub name: Str,
    pub repeats: Repeats,
    pub span: Span,
    /// Where the child is, as it is written or computed.
    pub source: Str,
    /// The child; nothing where it could not be loaded.
    pub child: Option<super::ModuleId>,
}

/// Whether a block makes one instance or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    Once,
    Count,
    ForEach,
}

fn table(mode: Mode) -> usize {
    match mode {
        Mode::Managed => 0,
        Mode::Data => 1,
        Mode::Ephemeral => 2,
    }
}

impl Declared {
    /// Declares a resource; gives the index of an earlier one of the same name.
    pub fn add_resource(&mut self, facts: ResourceFacts) -> Result<u32, u32> {
        let index = self.resource_facts.len() as u32;
        let names = self.resources[table(facts.mode)].entry(facts.ty.clone()).or_default();
        if let Some(earlier) = names.get(&facts.name) {
            return Err(*earlier);
        }
        names.insert(facts.name.clone(), index);
        self.resource_facts.push(facts);
        Ok(index)
    }

    pub fn resource(&self, mode: Mode, ty: &str, name: &str) -> Option<u32> {
        self.resources[table(mode)].get(ty)?.get(name).copied()
    }

    fn may_suggest(&self) -> bool {
        let n = self.suggested.get();
        self.suggested.set(n.saturating_add(1));
        n < MAX_SUGGESTIONS
    }

    fn suggest<'a>(&self, d: Diagnostic, written: &str, names: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        if self.may_suggest() { d.did_you_mean(written, names) } else { d }
    }
}

/// What an expression may use, by the place where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub each: bool,
    pub count: bool,
    pub this: bool,
    /// The resource whose block it stands in.
    pub owner: Option<u32>,
    /// The data source of the check that it stands in.
    pub scope: Option<u32>,
    pub reach: Reach,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Everything,
    /// Variables, locals, `path` and `terraform`: what is known before anything is built.
    Early,
    /// Values that are written out.
    Constants,
    /// `self`, `each.key` and `count.index`: what is left of an object that is destroyed.
    OwnObject,
}

impl Place {
    pub const MODULE: Place =
        Place { each: false, count: false, this: false, owner: None, scope: None, reach: Reach::Everything };
    pub const CONSTANT: Place = Place { reach: Reach::Constants, ..Place::MODULE };
    pub const EARLY: Place = Place { reach: Reach::Early, ..Place::MODULE };

    /// Inside a block that repeats in this way.
    pub fn within(repeats: Repeats, owner: Option<u32>) -> Place {
        let (each, count) = (repeats == Repeats::ForEach, repeats == Repeats::Count);
        Place { each, count, owner, ..Place::MODULE }
    }

    pub fn with_self(self) -> Place {
        Place { this: true, ..self }
    }
}

/// Resolves the names of one module from one place in it.
pub struct Names<'a> {
    pub declared: &'a Declared,
    pub modules: &'a [Module],
    pub schemas: &'a dyn Schemas,
    pub place: Place,
    /// Of each local provider name that `required_providers` maps, the provider's own.
    pub real_names: &'a HashMap<Str, Str>,
}

type Resolved = Result<(Slot, usize), Diagnostic>;

const WORDS: [&str; 10] = ["var", "local", "module", "data", "ephemeral", "each", "count", "self", "path", "terraform"];

impl Resolver for Names<'_> {
    fn resolve(&mut self, root: &str, steps: &[Step], span: Span) -> Resolved {
        self.check_reach(root, steps, span)?;
        match root {
            "var" => self.variable(steps, span),
            "local" => self.local(steps, span),
            "module" => self.module(steps, span),
            "each" => self.each(steps, span),
            "count" => self.count(steps, span),
            "self" if self.place.this => Ok((Slot::SelfObject, 0)),
            "self" => Err(Diagnostic::error("\"self\" cannot be used here")
                .at(span)
                .label("there is no object that it could stand for")
                .help("\"self\" works in postconditions, provisioners and connections")),
            "path" => self.fixed(
                "path",
                steps,
                span,
                &[("module", Slot::PathModule), ("root", Slot::PathRoot), ("cwd", Slot::PathCwd)],
            ),
            "terraform" | "tofu" => {
                self.fixed(root, steps, span, &[("workspace", Slot::Workspace), ("applying", Slot::Applying)])
            }
            "data" => self.typed(Mode::Data, steps, span),
            "ephemeral" => self.typed(Mode::Ephemeral, steps, span),
            "resource" => self.typed(Mode::Managed, steps, span),
            ty => match steps {
                [name, ..] => self.resource(Mode::Managed, ty, name, steps, 1, span),
                [] => Err(self.bare(ty, span)),
            },
        }
    }

    fn provider_function(&mut self, name: &str, function: &str) -> Option<Found> {
        let real = self.real_names.get(name).map_or(name, |real| real);
        let builtin = functions::lookup(&format!("provider::{real}::{function}")).map(Found::Library);
        builtin.or_else(|| self.schemas.function(real, function).map(Found::Foreign))
    }
}

impl Names<'_> {
    fn check_reach(&self, root: &str, steps: &[Step], span: Span) -> Result<(), Diagnostic> {
        let (allowed, only) = match self.place.reach {
            Reach::Everything => return Ok(()),
            Reach::Early => (
                matches!(root, "var" | "local" | "path" | "terraform" | "tofu" | "each"),
                "only variables and locals can be used here",
            ),
            Reach::Constants => (false, "only a constant value can be used here"),
            Reach::OwnObject => (
                matches!(root, "self" | "path" | "terraform" | "tofu")
                    || matches!((root, steps.first().map(|s| &*s.name)), ("each", Some("key")) | ("count", _)),
                "when it is destroyed, only \"self\", \"each.key\" and \"count.index\" are left to use",
            ),
        };
        if allowed {
            return Ok(());
        }
        Err(Diagnostic::error(format!("\"{}\" cannot be used here", written(root, steps, 2))).at(span).label(only))
    }

    fn name<'s>(&self, root: &str, what: &str, steps: &'s [Step], span: Span) -> Result<&'s Step, Diagnostic> {
        steps.first().ok_or_else(|| {
            Diagnostic::error(format!("\"{root}\" alone is no value"))
                .at(span)
                .label(format!("the name of {what} belongs behind it: \"{root}.name\""))
        })
    }

    fn variable(&self, steps: &[Step], span: Span) -> Resolved {
        let step = self.name("var", "a variable", steps, span)?;
        let name = &step.name;
        match self.declared.variables.get(name) {
            Some(i) => Ok((Slot::Variable(*i), 1)),
            None => {
                let error = Diagnostic::error(format!("unknown variable \"{name}\"")).at(step.span);
                let error = error.label("no variable of this name is declared in this module");
                Err(self.declared.suggest(error, name, self.declared.variables.keys().map(|k| &**k)))
            }
        }
    }

    fn local(&self, steps: &[Step], span: Span) -> Resolved {
        let step = self.name("local", "a local", steps, span)?;
        let name = &step.name;
        match self.declared.locals.get(name) {
            Some(i) => Ok((Slot::Local(*i), 1)),
            None => {
                let error = Diagnostic::error(format!("unknown local \"{name}\"")).at(step.span);
                let error = error.label("no local of this name is declared in this module");
                Err(self.declared.suggest(error, name, self.declared.locals.keys().map(|k| &**k)))
            }
        }
    }

    fn module(&self, steps: &[Step], span: Span) -> Resolved {
        let step = self.name("module", "a module", steps, span)?;
        let name = &step.name;
        let Some(index) = self.declared.calls.get(name) else {
            let error = Diagnostic::error(format!("unknown module \"{name}\"")).at(step.span);
            let error = error.label("no module of this name is called in this module");
            return Err(self.declared.suggest(error, name, self.declared.calls.keys().map(|k| &**k)));
        };
        if let (Some(facts), Some(output)) = (self.declared.call_facts.get(*index as usize), steps.get(1)) {
            self.check_single(facts.repeats, &format!("module.{name}"), facts.span, output.span)?;
            if let Some(error) = self.unknown_output(facts, &output.name, output.span) {
                return Err(error);
            }
        }
        Ok((Slot::Module(*index), 1))
    }

    /// What to say of an output that the called module does not have.
    pub fn unknown_output(&self, facts: &CallFacts, output: &str, span: Span) -> Option<Diagnostic> {
        let child = self.modules.get(facts.child?.0 as usize)?;
        if child.names.outputs.contains_key(output) {
            return None;
        }
        let error = Diagnostic::error(format!("unknown output \"{output}\" of module.{}", facts.name)).at(span);
        let error = error.label(format!("the module in \"{}\" has no output of this name", child.dir));
        Some(self.declared.suggest(error, output, child.names.outputs.keys().map(|k| &**k)))
    }

    /// Blocks with `count` or `for_each` have no attributes before one instance is chosen.
    fn check_single(&self, repeats: Repeats, name: &str, block: Span, at: Span) -> Result<(), Diagnostic> {
        let (argument, example) = match repeats {
            Repeats::Once => return Ok(()),
            Repeats::Count => ("count", format!("{name}[0]")),
            Repeats::ForEach => ("for_each", format!("{name}[\"key\"]")),
        };
        Err(Diagnostic::error(format!("\"{name}\" has \"{argument}\", so an instance must be chosen"))
            .at(at)
            .label("many instances have this attribute")
            .help(format!("for example {example}, or {name}[*] for all of them"))
            .related(block, format!("\"{argument}\" is set here")))
    }

    fn each(&self, steps: &[Step], span: Span) -> Resolved {
        if !self.place.each {
            let error = Diagnostic::error("\"each\" cannot be used here").at(span);
            return Err(if self.place.count {
                error.label("the block has \"count\"").help("use \"count.index\"")
            } else {
                error.label("only blocks with \"for_each\" have it")
            });
        }
        self.fixed("each", steps, span, &[("key", Slot::EachKey), ("value", Slot::EachValue)])
    }

    fn count(&self, steps: &[Step], span: Span) -> Resolved {
        if !self.place.count {
            let error = Diagnostic::error("\"count\" cannot be used here").at(span);
            return Err(if self.place.each {
                error.label("the block has \"for_each\"").help("use \"each.key\" or \"each.value\"")
            } else {
                error.label("only blocks with \"count\" have it")
            });
        }
        self.fixed("count", steps, span, &[("index", Slot::CountIndex)])
    }

    fn fixed(&self, root: &str, steps: &[Step], span: Span, known: &[(&str, Slot)]) -> Resolved {
        let names: Vec<String> = known.iter().map(|(name, _)| format!("\"{root}.{name}\"")).collect();
        let Some(step) = steps.first() else {
            let error = Diagnostic::error(format!("\"{root}\" alone is no value")).at(span);
            return Err(error.help(format!("there is {}", names.join(" and "))));
        };
        match known.iter().find(|(name, _)| *name == &*step.name) {
            Some((_, slot)) => Ok((slot.clone(), 1)),
            None => Err(Diagnostic::error(format!("\"{root}\" has no attribute \"{}\"", step.name))
                .at(step.span)
                .help(format!("there is {}", names.join(" and ")))),
        }
    }

    fn typed(&self, mode: Mode, steps: &[Step], span: Span) -> Resolved {
        match steps {
            [ty, name, ..] => self.resource(mode, &ty.name, name, steps, 2, span),
            _ => Err(Diagnostic::error("an incomplete reference")
                .at(span)
                .label("a type and a name are needed")
                .help(format!("write it as \"{}\"", local_name(mode, "type", "name")))),
        }
    }

    fn resource(&self, mode: Mode, ty: &str, name: &Step, steps: &[Step], consumed: usize, span: Span) -> Resolved {
        let Some(index) = self.declared.resource(mode, ty, &name.name) else {
            return Err(self.unknown_resource(mode, ty, name, span));
        };
        if self.place.owner == Some(index) {
            let error =
                Diagnostic::error(format!("\"{}\" refers to itself", local_name(mode, ty, &name.name))).at(span);
            let error = error.label("a block cannot use values of its own object");
            return Err(if self.place.this { error.help("use \"self\" here") } else { error });
        }
        let facts = self.declared.resource_facts.get(index as usize);
        if let Some(facts) = facts.filter(|facts| facts.scoped && self.place.scope != Some(index)) {
            let error = Diagnostic::error(format!("\"{}\" belongs to a check", local_name(mode, ty, &name.name)));
            let error = error.at(name_end(span, name)).label("only the assertions of that check can refer to it");
            return Err(error
                .related(facts.span, "declared here")
                .help("to use it everywhere, move it out of the check"));
        }
        if let (Some(facts), Some(next)) = (facts, steps.get(consumed)) {
            self.check_single(facts.repeats, &local_name(mode, ty, &name.name), facts.span, next.span)?;
            self.check_attribute(mode, ty, next)?;
        }
        Ok((Slot::Resource(index), consumed))
    }

    fn check_attribute(&self, mode: Mode, ty: &str, step: &Step) -> Result<(), Diagnostic> {
        let Some(schema) = self.schemas.resource(mode, ty) else { return Ok(()) };
        let block = &schema.block;
        if block.attribute(&step.name).is_some() || block.nested(&step.name).is_some() {
            return Ok(());
        }
        let names = block.attributes.iter().map(|a| &*a.name).chain(block.blocks.iter().map(|b| &*b.name));
        let error = Diagnostic::error(format!("unknown attribute \"{}\"", step.name)).at(step.span);
        Err(self.declared.suggest(error.label(format!("{ty} has no attribute of this name")), &step.name, names))
    }

    fn unknown_resource(&self, mode: Mode, ty: &str, name: &Step, span: Span) -> Diagnostic {
        let full = local_name(mode, ty, &name.name);
        let types = &self.declared.resources[table(mode)];
        let what = match mode {
            Mode::Managed => "resource",
            Mode::Data => "data source",
            Mode::Ephemeral => "ephemeral resource",
        };
        let error = Diagnostic::error(format!("unknown {what} \"{full}\"")).at(name_end(span, name));
        if mode == Mode::Managed && !types.contains_key(ty) && !ty.contains('_') {
            // Probably a slip in one of the words, or an object that is a variable or local.
            if self.declared.variables.contains_key(ty) {
                return error.label("nothing of this name is declared").help(format!("did you mean \"var.{ty}\"?"));
            }
            if self.declared.locals.contains_key(ty) {
                return error.label("nothing of this name is declared").help(format!("did you mean \"local.{ty}\"?"));
            }
            if let Some(word) = crate::model::diagnostic::nearest(ty, WORDS) {
                return error
                    .label("nothing of this name is declared")
                    .help(format!("did you mean \"{word}.{}\"?", name.name));
            }
        }
        let error = error.label("it is not declared in this module");
        if !self.declared.may_suggest() {
            return error;
        }
        if let Some(names) = types.get(ty)
            && let Some(best) = crate::model::diagnostic::nearest(&name.name, names.keys().map(|k| &**k))
        {
            return error.help(format!("did you mean \"{}\"?", local_name(mode, ty, best)));
        }
        for other in [Mode::Managed, Mode::Data, Mode::Ephemeral] {
            if self.declared.resource(other, ty, &name.name).is_some() {
                return error.help(format!("did you mean \"{}\"?", local_name(other, ty, &name.name)));
            }
        }
        match crate::model::diagnostic::nearest(ty, types.keys().map(|k| &**k)) {
            Some(best) if types.get(best).is_some_and(|names| names.contains_key(&name.name)) => {
                error.help(format!("did you mean \"{}\"?", local_name(mode, best, &name.name)))
            }
            _ => error,
        }
    }

    /// A name that stands alone.
    fn bare(&self, name: &str, span: Span) -> Diagnostic {
        let error = Diagnostic::error(format!("unknown name \"{name}\"")).at(span);
        let error = error.label("a bare name is no value");
        if self.declared.variables.contains_key(name) {
            return error.help(format!("did you mean \"var.{name}\"?"));
        }
        if self.declared.locals.contains_key(name) {
            return error.help(format!("did you mean \"local.{name}\"?"));
        }
        if self.declared.calls.contains_key(name) {
            return error.help(format!("did you mean \"module.{name}\"?"));
        }
        error.help(format!("a text stands between double quotes: \"\\\"{name}\\\"\"").replace("\\\"", "'"))
    }
}

/// From the beginning of a reference to the end of the name.
fn name_end(span: Span, name: &Step) -> Span {
    Span { end: name.span.end.max(span.start), ..span }
}

fn written(root: &str, steps: &[Step], most: usize) -> String {
    let mut text = root.to_string();
    for step in steps.iter().take(most.saturating_sub(1)) {
        text.push('.');
        text.push_str(&step.name);
    }
    text
}

/// `aws_vpc.main`, `data.aws_region.here`.
pub fn local_name(mode: Mode, ty: &str, name: &str) -> String {
    match mode {
        Mode::Managed => format!("{ty}.{name}"),
        Mode::Data => format!("data.{ty}.{name}"),
        Mode::Ephemeral => format!("ephemeral.{ty}.{name}"),
    }
}
