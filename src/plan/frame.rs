//! A frame: the place that an expression is evaluated in, and a record of the work that its values follow.

use std::cell::RefCell;

use super::work::WorkId;
use super::world::{Cell, Expansion, ModuleIndex, RepeatKind, Repetition, World, no_such_instance};
use crate::lang::functions::Host;
use crate::lang::scope::{Scope, Slot};
use crate::model::{Diagnostic, Key, Marks, Span, Str, Type, Value};

/// Evaluates expressions of one module instance.
pub struct Frame<'w> {
    world: &'w World,
    module: ModuleIndex,
    repetition: &'w Repetition,
    /// What `self` stands for.
    this: Option<&'w Value>,
    /// Resources are looked up as they were before the planned changes.
    before: bool,
    used: RefCell<Vec<WorkId>>,
    /// Resources whose instances were used all together.
    used_whole: RefCell<Vec<(ModuleIndex, u32)>>,
    /// Calls whose instances were used all together.
    used_calls: RefCell<Vec<(ModuleIndex, u32)>>,
}

static ONCE: Repetition = Repetition::Once;

impl<'w> Frame<'w> {
    pub fn new(world: &'w World, module: ModuleIndex) -> Self {
        Frame {
            world,
            module,
            repetition: &ONCE,
            this: None,
            before: false,
            used: RefCell::default(),
            used_whole: RefCell::default(),
            used_calls: RefCell::default(),
        }
    }

    pub fn repeated(mut self, repetition: &'w Repetition) -> Self {
        self.repetition = repetition;
        self
    }

    pub fn with_self(mut self, this: &'w Value) -> Self {
        self.this = Some(this);
        self
    }

    /// Looks resources up as they were before the planned changes.
    pub fn as_before(mut self) -> Self {
        self.before = true;
        self
    }

    /// The work that was used, and the resources and module calls that were used as a whole.
    pub fn used(self) -> Used {
        let (whole, calls) = (self.used_whole.into_inner(), self.used_calls.into_inner());
        Used { work: self.used.into_inner(), whole, calls }
    }

    fn note(&self, work: &[WorkId]) {
        if !work.is_empty() {
            self.used.borrow_mut().extend_from_slice(work);
        }
    }

    fn read(&self, cell: Option<&Cell>) -> Value {
        match cell {
            Some(cell) => {
                self.note(&cell.producers);
                cell.value.clone().unwrap_or_else(|| Value::unknown(Type::Dynamic))
            }
            None => Value::unknown(Type::Dynamic),
        }
    }

    fn whole_resource(&self, resource: u32) -> Value {
        let Some(cell) = self.world.instance(self.module).resources.get(resource as usize) else {
            return Value::unknown(Type::Dynamic);
        };
        if !cell.expanded {
            self.note(cell.later.as_slice());
            return Value::unknown(Type::Dynamic);
        }
        match cell.kind {
            RepeatKind::Once => cell.instances.iter().for_each(|i| self.note(&i.producers)),
            _ => self.used_whole.borrow_mut().push((self.module, resource)),
        }
        if self.before { cell.whole_before() } else { cell.whole() }
    }

    fn whole_module(&self, call: u32) -> Value {
        if let Some(expansion) = self.world.call(self.module, call) {
            self.note(expansion.later.as_slice());
            match expansion.instances.as_slice() {
                [one] => self.world.instance(*one).outputs.iter().for_each(|o| self.note(&o.producers)),
                _ => self.used_calls.borrow_mut().push((self.module, call)),
            }
        }
        self.world.call_value(self.module, call)
    }

    fn repetition_value(&self, slot: &Slot, span: Span) -> Result<Value, Diagnostic> {
        match (slot, self.repetition) {
            (Slot::EachKey, Repetition::Each(name, _)) => Ok(Value::String(name.clone())),
            (Slot::EachValue, Repetition::Each(_, value)) => Ok(value.clone()),
            (Slot::CountIndex, Repetition::Count(n)) => Ok(Value::int(*n as i64)),
            (Slot::EachKey, Repetition::Unknown) => Ok(Value::unknown(Type::String)),
            (Slot::EachValue, Repetition::Unknown) => Ok(Value::unknown(Type::Dynamic)),
            (Slot::CountIndex, Repetition::Unknown) => Ok(Value::unknown(Type::Number)),
            (Slot::CountIndex, _) => Err(Diagnostic::error("\"count\" is not available here")
                .at(span)
                .label("only blocks that set \"count\" can use count.index")),
            _ => Err(Diagnostic::error("\"each\" is not available here")
                .at(span)
                .label("only blocks that set \"for_each\" can use each.key and each.value")),
        }
    }
}

/// What an evaluation used.
#[derive(Debug, Default)]
pub struct Used {
    pub work: Vec<WorkId>,
    pub whole: Vec<(ModuleIndex, u32)>,
    pub calls: Vec<(ModuleIndex, u32)>,
}

impl Scope for Frame<'_> {
    fn value(&self, slot: &Slot, span: Span) -> Result<Value, Diagnostic> {
        let instance = self.world.instance(self.module);
        Ok(match slot {
            Slot::Variable(i) => self.read(instance.variables.get(*i as usize)),
            Slot::Local(i) => self.read(instance.locals.get(*i as usize)),
            Slot::Resource(i) => self.whole_resource(*i),
            Slot::Module(i) => self.whole_module(*i),
            Slot::EachKey | Slot::EachValue | Slot::CountIndex => return self.repetition_value(slot, span),
            Slot::SelfObject => match self.this {
                Some(this) => this.clone(),
                None => return Err(Diagnostic::error("\"self\" is not available here").at(span)),
            },
            Slot::PathModule => Value::String(self.world.definition(self.module).dir.clone()),
            Slot::PathRoot => Value::String(self.world.definition(0).dir.clone()),
            Slot::PathCwd => Value::String(self.world.cwd.clone()),
            Slot::Workspace => Value::String(self.world.workspace.clone()),
            Slot::Applying => Value::Bool(self.world.applying).mark(Marks::EPHEMERAL),
        })
    }

    fn instance(&self, resource: u32, key: &Key, span: Span) -> Result<Value, Diagnostic> {
        let Some(cell) = self.world.instance(self.module).resources.get(resource as usize) else {
            return Ok(Value::unknown(Type::Dynamic));
        };
        if !cell.expanded {
            self.note(cell.later.as_slice());
            return Ok(Value::unknown(Type::Dynamic));
        }
        if cell.kind == RepeatKind::Once {
            return attribute(&self.whole_resource(resource), key, span);
        }
        match cell.position(Some(key)).and_then(|p| cell.instances.get(p)) {
            Some(instance) => {
                self.note(&instance.producers);
                Ok(if self.before { instance.before.clone() } else { instance.value.clone() })
            }
            None => {
                let name = self.world.resource_block(self.module, resource).local_name();
                Err(no_such_instance(&name, key, span))
            }
        }
    }

    fn output(&self, module: u32, key: Option<&Key>, output: &Str, span: Span) -> Result<Value, Diagnostic> {
        let Some(expansion) = self.world.call(self.module, module) else {
            return Ok(Value::unknown(Type::Dynamic));
        };
        if expansion.later.is_some() {
            self.note(expansion.later.as_slice());
            return Ok(Value::unknown(Type::Dynamic));
        }
        let name = || format!("module.{}", self.world.definition(self.module).calls[module as usize].name);
        let Some(child) = self.world.child(expansion, key) else {
            return Err(match key {
                Some(key) => no_such_instance(&name(), key, span),
                None => needs_key(&name(), expansion, span),
            });
        };
        match self.world.definition(child).names.outputs.get(output) {
            Some(index) => Ok(self.read(self.world.instance(child).outputs.get(*index as usize))),
            None => Err(Diagnostic::error(format!("{} has no output \"{output}\"", name())).at(span)),
        }
    }

    fn host(&self) -> &dyn Host {
        &*self.world.host
    }
}

fn needs_key(name: &str, expansion: &Expansion, span: Span) -> Diagnostic {
    let example = if expansion.kind == RepeatKind::Count { "[0]" } else { "[\"key\"]" };
    Diagnostic::error(format!("{name} has several instances"))
        .at(span)
        .label("one of them must be chosen")
        .help(format!("write {name}{example}, or values({name})[*] for all of them"))
}

/// An attribute or element of a resource object that has no instance keys.
fn attribute(object: &Value, key: &Key, span: Span) -> Result<Value, Diagnostic> {
    let (value, marks) = object.unmark();
    if value.is_unknown() {
        return Ok(Value::unknown(Type::Dynamic).mark(marks));
    }
    let found = match key {
        Key::Name(name) => value.as_fields().and_then(|f| f.get(name)),
        Key::Index(n) => value.as_items().and_then(|items| items.get(usize::try_from(*n).ok()?)),
    };
    match found {
        Some(value) => Ok(value.clone().mark(marks)),
        None => Err(Diagnostic::error(format!("{key} leads nowhere"))
            .at(span)
            .label("the resource has neither count nor for_each, so it has no instances to choose from")),
    }
}
