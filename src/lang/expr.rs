//! Compiled expressions.
//!
//! Names are gone: references are slots, local names (of `for` expressions, splats and `dynamic` iterators) are
//! numbers that count from the outermost binding, functions are pointers into the library.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::functions::{Foreign, Function};
use super::scope::{Reference, Slot};
use crate::model::{Key, Span, Str, Value};

/// A compiled expression and where it stands.
#[derive(Clone, Debug)]
pub struct Expr {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Literal(Value),
    /// What could not be compiled; the compiler has said why. Evaluates to an unknown of any type.
    Invalid,
    /// Parts whose texts are joined. Never one interpolation alone.
    Template(Box<[Expr]>),
    /// The elements of a tuple, each converted to text and joined: a `for` directive.
    Join(Box<Expr>),
    Slot(Slot),
    /// One instance of a resource.
    Instance(u32, Box<Expr>),
    Output(Box<OutputOf>),
    Binding(u32),
    Attr(Box<AttrOf>),
    Index(Box<IndexOf>),
    Splat(Box<Splat>),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<(Expr, Expr)>),
    Conditional(Box<(Expr, Expr, Expr)>),
    Tuple(Box<[Expr]>),
    /// Keys constant, sorted and distinct.
    Object(Box<[(Str, Expr)]>),
    /// Some key must be evaluated.
    ComputedObject(Box<[(Expr, Expr)]>),
    For(Box<For>),
    Call(Box<Call>),
    Foreign(Box<ForeignCall>),
    /// The first that can be evaluated.
    Try(Box<[Expr]>),
    Can(Box<Expr>),
    TypeOf(Box<Expr>),
    Render(Box<Render>),
}

/// A call of a function of the library.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub function: FunctionRef,
    pub name_span: Span,
    pub args: Box<[Expr]>,
    /// The last argument is a list whose elements are the last arguments.
    pub expand: bool,
}

/// A call of a provider's function.
#[derive(Clone, Debug)]
pub(super) struct ForeignCall {
    pub function: ForeignRef,
    pub name_span: Span,
    pub args: Box<[Expr]>,
    pub expand: bool,
}

#[derive(Clone)]
pub(super) struct ForeignRef(pub Arc<dyn Foreign>);

impl fmt::Debug for ForeignRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

#[derive(Clone, Copy)]
pub(super) struct FunctionRef(pub &'static Function);

impl fmt::Debug for FunctionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

/// `templatefile(path, variables)` or `templatestring(text, variables)`.
#[derive(Clone, Debug)]
pub(super) struct Render {
    pub from_file: bool,
    /// The path, or the text of the template.
    pub source: Expr,
    pub variables: Expr,
    pub compiled: Remembered,
}

/// The template that a call rendered last, compiled: most calls render the same text again and again.
#[derive(Clone, Default)]
pub(super) struct Remembered(Arc<Mutex<Option<Template>>>);

#[derive(Clone)]
struct Template {
    text: Str,
    names: Vec<Str>,
    compiled: Arc<Expr>,
}

impl Remembered {
    /// What the text was compiled to under these names, if it was the last.
    pub fn get(&self, text: &str, names: &[Str]) -> Option<Arc<Expr>> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|t| &*t.text == text && t.names == names).map(|t| t.compiled.clone())
    }

    pub fn set(&self, text: Str, names: Vec<Str>, compiled: Arc<Expr>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Template { text, names, compiled });
    }
}

/// What is remembered is no part of what the expression says.
impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// `module.name.output`, `module.name[key].output`.
#[derive(Clone, Debug)]
pub(super) struct OutputOf {
    pub module: u32,
    pub key: Option<Expr>,
    pub name: Str,
}

#[derive(Clone, Debug)]
pub(super) struct AttrOf {
    pub base: Expr,
    pub name: Str,
    pub name_span: Span,
}

#[derive(Clone, Debug)]
pub(super) struct IndexOf {
    pub base: Expr,
    pub key: Expr,
}

/// `source[*].each`, `source.*.each`: `each` refers to the element as the binding.
#[derive(Clone, Debug)]
pub(super) struct Splat {
    pub source: Expr,
    pub binding: u32,
    pub each: Expr,
}

#[derive(Clone, Debug)]
pub(super) struct For {
    pub source: Expr,
    pub key_binding: Option<u32>,
    pub value_binding: u32,
    /// Makes an object where there is one, a tuple otherwise.
    pub key: Option<Expr>,
    pub value: Expr,
    pub condition: Option<Expr>,
    /// `...` after the value: values of the same key are collected.
    pub grouping: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnaryOp {
    Not,
    Negate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinaryOp {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl BinaryOp {
    /// Whether it gives a number.
    pub fn is_arithmetic(self) -> bool {
        matches!(self, Self::Add | Self::Subtract | Self::Multiply | Self::Divide | Self::Modulo)
    }
}

impl Expr {
    /// A constant.
    pub fn constant(value: Value, span: Span) -> Expr {
        Expr { kind: Kind::Literal(value), span }
    }

    /// Stands for what could not be compiled.
    pub fn invalid(span: Span) -> Expr {
        Expr { kind: Kind::Invalid, span }
    }

    /// A tuple of expressions, for front ends whose lists are not written in the expression language.
    pub fn tuple(items: Vec<Expr>, span: Span) -> Expr {
        Expr { kind: Kind::Tuple(items.into()), span }.folded()
    }

    /// An object of expressions with constant keys, of which the last of a name counts.
    pub fn object(mut entries: Vec<(Str, Expr)>, span: Span) -> Expr {
        entries.reverse();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|later, first| later.0 == first.0);
        Expr { kind: Kind::Object(entries.into()), span }.folded()
    }

    /// An object whose keys are expressions too, in the order of the sources.
    pub fn computed_object(entries: Vec<(Expr, Expr)>, span: Span) -> Expr {
        let constant = |key: &Expr| match key.literal() {
            Some(Value::String(name)) => Some(name.clone()),
            Some(Value::Bool(b)) => Some(Str::from(if *b { "true" } else { "false" })),
            Some(Value::Number(n)) => Some(Str::from(n.to_string())),
            _ => None,
        };
        let names: Option<Vec<Str>> = entries.iter().map(|(key, _)| constant(key)).collect();
        match names {
            Some(names) => Expr::object(names.into_iter().zip(entries.into_iter().map(|(_, v)| v)).collect(), span),
            None => Expr { kind: Kind::ComputedObject(entries.into()), span },
        }
    }

    /// A use of a slot.
    pub fn slot(slot: Slot, span: Span) -> Expr {
        Expr { kind: Kind::Slot(slot), span }
    }

    pub fn span(&self) -> Span {
        self.span
    }

    /// The value, where it is constant.
    pub fn literal(&self) -> Option<&Value> {
        match &self.kind {
            Kind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// What stands between the parentheses of `type(…)`, where the expression is that and nothing more.
    pub fn asked_type(&self) -> Option<&Expr> {
        match &self.kind {
            Kind::TypeOf(of) => Some(of),
            _ => None,
        }
    }

    pub fn is_invalid(&self) -> bool {
        matches!(self.kind, Kind::Invalid)
    }

    /// The one slot that the expression is, with nothing around or behind it.
    pub fn as_slot(&self) -> Option<&Slot> {
        match &self.kind {
            Kind::Slot(slot) => Some(slot),
            _ => None,
        }
    }

    /// Calls back for every use of a slot, in the order of the sources.
    pub fn references(&self, found: &mut dyn FnMut(Reference)) {
        match &self.kind {
            Kind::Slot(slot) => found(Reference { slot: slot.clone(), key: None, output: None, span: self.span }),
            Kind::Instance(resource, key) => {
                let constant = key.literal().and_then(instance_key);
                found(Reference { slot: Slot::Resource(*resource), key: constant, output: None, span: self.span });
                key.references(found);
            }
            Kind::Output(of) => {
                let constant = of.key.as_ref().and_then(Expr::literal).and_then(instance_key);
                found(Reference {
                    slot: Slot::Module(of.module),
                    key: constant,
                    output: Some(of.name.clone()),
                    span: self.span,
                });
                if let Some(key) = &of.key {
                    key.references(found);
                }
            }
            _ => self.for_each_child(&mut |child| child.references(found)),
        }
    }

    /// Calls back for each direct part of the expression.
    pub(super) fn for_each_child(&self, f: &mut dyn FnMut(&Expr)) {
        match &self.kind {
            Kind::Literal(_) | Kind::Invalid | Kind::Slot(_) | Kind::Binding(_) => (),
            Kind::Template(items) | Kind::Tuple(items) | Kind::Try(items) => items.iter().for_each(f),
            Kind::Call(call) => call.args.iter().for_each(f),
            Kind::Foreign(call) => call.args.iter().for_each(f),
            Kind::Render(render) => [&render.source, &render.variables].into_iter().for_each(f),
            Kind::Join(e) | Kind::Unary(_, e) | Kind::Instance(_, e) | Kind::Can(e) | Kind::TypeOf(e) => f(e),
            Kind::Output(of) => of.key.iter().for_each(f),
            Kind::Attr(of) => f(&of.base),
            Kind::Index(of) => [&of.base, &of.key].into_iter().for_each(f),
            Kind::Splat(splat) => [&splat.source, &splat.each].into_iter().for_each(f),
            Kind::Binary(_, pair) => [&pair.0, &pair.1].into_iter().for_each(f),
            Kind::Conditional(parts) => [&parts.0, &parts.1, &parts.2].into_iter().for_each(f),
            Kind::Object(entries) => entries.iter().for_each(|(_, e)| f(e)),
            Kind::ComputedObject(entries) => entries.iter().for_each(|(k, v)| {
                f(k);
                f(v);
            }),
            Kind::For(e) => {
                f(&e.source);
                e.key.iter().for_each(&mut *f);
                f(&e.value);
                e.condition.iter().for_each(f);
            }
        }
    }
}

/// The instance key that a value means: a whole number that is not negative, or a text.
pub fn instance_key(value: &Value) -> Option<Key> {
    match value.bare() {
        Value::String(name) => Some(Key::Name(name.clone())),
        Value::Number(n) => n.as_i64().and_then(|n| u64::try_from(n).ok()).map(Key::Index),
        _ => None,
    }
}
