//! What compiled references point at, and where their values come from.

use super::functions::Host;
use crate::model::{Diagnostic, Key, Span, Str, Value};

/// A reference, resolved when the spec was compiled. Numbers are indexes into the tables of the module that
/// the expression stands in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    Variable(u32),
    Local(u32),
    /// A managed, data or ephemeral resource block.
    Resource(u32),
    /// A call of a child module.
    Module(u32),
    EachKey,
    EachValue,
    CountIndex,
    /// The object that a provisioner, postcondition or connection belongs to.
    SelfObject,
    PathModule,
    PathRoot,
    PathCwd,
    Workspace,
    /// Whether this run applies: `terraform.applying`.
    Applying,
}

/// One use of a slot in an expression, as the graph and the planner need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub slot: Slot,
    /// The instance, where a constant key follows: `foo["a"]`, `module.m[0]`.
    pub key: Option<Key>,
    /// The output, where the slot is a module and one is named.
    pub output: Option<Str>,
    pub span: Span,
}

/// Gives values to slots. Lookups are exact: one instance, one output, never more than was asked for, so that
/// whoever implements this knows what an expression really used.
pub trait Scope {
    /// The value of a variable, local, `each`, `count`, `self`, path or workspace slot; for a resource all its
    /// instances (the object itself, a tuple by `count`, an object by `for_each`); for a module all its outputs
    /// likewise.
    fn value(&self, slot: &Slot, span: Span) -> Result<Value, Diagnostic>;

    /// One instance of a resource with `count` or `for_each`. For a resource without them this is the attribute
    /// or element of its object under the key.
    fn instance(&self, resource: u32, key: &Key, span: Span) -> Result<Value, Diagnostic>;

    /// One output of a module call, or of one instance of it.
    fn output(&self, module: u32, key: Option<&Key>, output: &Str, span: Span) -> Result<Value, Diagnostic>;

    /// Files, clock and randomness for functions.
    fn host(&self) -> &dyn Host;
}
