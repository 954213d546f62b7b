//! References as they are written, for places where they are names and not values.

use hcl_edit::expr::{Expression, TraversalOperator};

use super::Decoder;
use crate::lang::compile::{Resolver, Step};
use crate::lang::scope::{Reference, Slot};
use crate::lang::text_map::TextMap;
use crate::model::{Address, Diagnostic, Key, Mode, ModulePath, ModuleStep, ResourceAddress, Span, Str};
use crate::spec::module::Target;
use crate::spec::resolve::{Place, local_name};
use crate::spec::syntax::Written;

/// A root name and what follows it.
#[derive(Clone, Debug)]
pub struct Traversal<'e> {
    pub root: Str,
    pub steps: Vec<(TraversalStep<'e>, Span)>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum TraversalStep<'e> {
    Attr(Str),
    Key(Key),
    /// An index that is not a constant.
    Computed(&'e Expression),
    Splat,
}

/// Reads an expression as a traversal; nothing where it is something else.
pub fn traversal<'e>(expression: &'e Expression, map: &TextMap) -> Option<Traversal<'e>> {
    let span_of = |e: &dyn Fn() -> Option<std::ops::Range<usize>>| {
        let range = e().unwrap_or_default();
        map.span(range.start, range.end)
    };
    let span = span_of(&|| hcl_edit::Span::span(expression));
    match expression {
        Expression::Variable(name) => Some(Traversal { root: name.as_str().into(), steps: Vec::new(), span }),
        Expression::Traversal(t) => {
            let root = t.expr.as_variable()?;
            let mut steps = Vec::with_capacity(t.operators.len());
            for operator in &t.operators {
                let at = span_of(&|| hcl_edit::Span::span(operator));
                let step = match operator.value() {
                    TraversalOperator::GetAttr(name) => TraversalStep::Attr(name.as_str().into()),
                    TraversalOperator::LegacyIndex(n) => TraversalStep::Key(Key::Index(*n.value())),
                    TraversalOperator::Index(Expression::String(s)) => TraversalStep::Key(Key::Name(s.as_str().into())),
                    TraversalOperator::Index(Expression::Number(n)) => match n.value().as_u64() {
                        Some(n) => TraversalStep::Key(Key::Index(n)),
                        None => return None,
                    },
                    TraversalOperator::Index(other) => TraversalStep::Computed(other),
                    TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => TraversalStep::Splat,
                };
                steps.push((step, at));
            }
            Some(Traversal { root: root.as_str().into(), steps, span })
        }
        _ => None,
    }
}

/// A target, and the index behind it where that is not a constant.
pub struct WrittenTarget<'e> {
    pub target: Target,
    pub computed_key: Option<&'e Expression>,
    /// The same of modules, by the number of the step.
    pub computed_modules: Vec<(usize, &'e Expression)>,
}

/// Reads `module.net["eu"].aws_subnet.public[0]`. The error says what is wrong with its form.
pub fn target<'e>(written: &Traversal<'e>) -> Result<WrittenTarget<'e>, String> {
    let mut words = Vec::with_capacity(written.steps.len() + 1);
    words.push(TraversalStep::Attr(written.root.clone()));
    words.extend(written.steps.iter().map(|(step, _)| step.clone()));
    let mut words = words.into_iter().peekable();
    let mut modules: Vec<ModuleStep> = Vec::new();
    let mut computed_modules = Vec::new();
    let attr = |step: Option<TraversalStep<'e>>| match step {
        Some(TraversalStep::Attr(name)) => Ok(name),
        _ => Err("a type and a name were expected, such as aws_vpc.main".to_string()),
    };
    while matches!(words.peek(), Some(TraversalStep::Attr(word)) if &**word == "module") {
        words.next();
        let Ok(name) = attr(words.next()) else { return Err("the module's name is missing".into()) };
        let key = match words.peek() {
            Some(TraversalStep::Key(key)) => Some(key.clone()),
            Some(TraversalStep::Computed(e)) => {
                computed_modules.push((modules.len(), *e));
                None
            }
            Some(TraversalStep::Splat) => return Err("one instance of the module must be chosen".into()),
            _ => None,
        };
        if matches!(words.peek(), Some(TraversalStep::Key(_) | TraversalStep::Computed(_))) {
            words.next();
        }
        modules.push(ModuleStep { name, key });
    }
    let module = ModulePath::from_steps(modules);
    if words.peek().is_none() {
        return Ok(WrittenTarget { target: Target::Module(module), computed_key: None, computed_modules });
    }
    let mut ty = attr(words.next())?;
    let mode = match &*ty {
        "data" => Mode::Data,
        "ephemeral" => Mode::Ephemeral,
        _ => Mode::Managed,
    };
    if mode != Mode::Managed || &*ty == "resource" {
        ty = attr(words.next())?;
    }
    let name = attr(words.next())?;
    let (key, computed_key) = match words.next() {
        None => (None, None),
        Some(TraversalStep::Key(key)) => (Some(key), None),
        Some(TraversalStep::Computed(e)) => (None, Some(e)),
        Some(_) => return Err("an attribute has no address of its own".into()),
    };
    if words.next().is_some() {
        return Err("an attribute has no address of its own".into());
    }
    let resource = ResourceAddress { module, mode, ty, name };
    Ok(WrittenTarget { target: Target::Resource(Address { resource, key }), computed_key, computed_modules })
}

impl Decoder<'_> {
    /// `depends_on = [aws_vpc.main, module.net]`
    pub fn depends_on(&mut self, value: Written<'_>, owner: Option<u32>) -> Vec<Reference> {
        let Some(items) = value.items() else {
            let error = Diagnostic::error("\"depends_on\" must be a list of references").at(value.span());
            self.error(error.label("such as [aws_vpc.main, module.net]"));
            return Vec::new();
        };
        items.into_iter().filter_map(|item| self.reference(item, owner)).collect()
    }

    fn reference(&mut self, item: Written<'_>, owner: Option<u32>) -> Option<Reference> {
        let not_a_reference = || {
            let error = Diagnostic::error("a reference was expected").at(item.span());
            error.label("such as aws_vpc.main, data.aws_region.here or module.net")
        };
        let parsed = match item.parsed() {
            Ok(parsed) => parsed,
            Err(error) => {
                self.error(error);
                return None;
            }
        };
        let Some(traversal) = traversal(&parsed.expression, &parsed.map) else {
            self.error(not_a_reference());
            return None;
        };
        let steps: Vec<Step> = leading_names(&traversal);
        // Only the block is looked up; what may follow it is told below.
        let needed = match &*traversal.root {
            "data" | "ephemeral" | "resource" => 2,
            _ => 1,
        };
        let steps = steps.get(..needed).unwrap_or(&steps);
        let place = Place { owner, ..Place::MODULE };
        let resolved = self.values(place).names.resolve(&traversal.root, steps, traversal.span);
        let (slot, consumed) = match resolved {
            Ok(found) => found,
            Err(error) => {
                self.error(error);
                return None;
            }
        };
        let mut rest = traversal.steps.get(consumed..).unwrap_or_default().iter();
        let mut next = rest.next();
        let key = match next {
            Some((TraversalStep::Key(key), _)) if matches!(slot, Slot::Resource(_) | Slot::Module(_)) => {
                next = rest.next();
                Some(key.clone())
            }
            _ => None,
        };
        // An output of a module is an object of its own.
        if let (Some((TraversalStep::Attr(_), _)), Slot::Module(_)) = (next, &slot) {
            next = rest.next();
        }
        if let Some((step, span)) = next {
            let what = if matches!(step, TraversalStep::Attr(_)) { "an attribute" } else { "a part" };
            let error = Diagnostic::error("a dependency on a part of an object").at(*span);
            let error = error.label(format!("this is {what} of it, and \"depends_on\" waits for all of it"));
            self.error(error.help("leave out what follows the name of the block, or its key"));
        }
        Some(Reference { slot, key, output: None, span: traversal.span })
    }

    /// The address in `moved`, `removed` and `import` blocks.
    pub fn take_target(&mut self, value: Written<'_>) -> Option<Target> {
        let parsed = value.parsed().map_err(|e| self.error(e)).ok()?;
        let read = match traversal(&parsed.expression, &parsed.map) {
            Some(traversal) => target(&traversal).and_then(|t| match t.computed_key {
                None if t.computed_modules.is_empty() => Ok(t.target),
                _ => Err("a key must be a constant here".into()),
            }),
            None => Err("such as aws_vpc.main or module.net".into()),
        };
        match read {
            Ok(target) => Some(target),
            Err(why) => {
                let error = Diagnostic::error("an address of a resource or module was expected").at(value.span());
                self.error(error.label(why));
                None
            }
        }
    }
}

/// The attribute names that follow the root directly.
pub fn leading_names(traversal: &Traversal<'_>) -> Vec<Step> {
    let names = traversal.steps.iter().map_while(|(step, span)| match step {
        TraversalStep::Attr(name) => Some(Step { name: name.clone(), span: *span }),
        _ => None,
    });
    names.collect()
}

/// A target as it is written, for messages.
pub fn show(target: &Target) -> String {
    match target {
        Target::Module(path) => path.to_string(),
        Target::Resource(address) if address.resource.module.is_root() && address.key.is_none() => {
            let r = &address.resource;
            local_name(r.mode, &r.ty, &r.name)
        }
        Target::Resource(address) => address.to_string(),
    }
}
