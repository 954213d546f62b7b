//! Values of expressions that are needed before anything is planned, such as a backend's arguments.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::lang::functions::{Host, Isolated};
use crate::lang::scope::{Scope, Slot};
use crate::model::{Diagnostic, Key, Span, Str, Value};
use crate::plan::cells::variable_value;
use crate::spec::Module;

/// Locals that are evaluated within each other: each costs stack.
const MAX_CHAIN: usize = 200;

/// Variables, locals and paths of the root module.
pub struct Early<'m> {
    root: &'m Module,
    inputs: &'m HashMap<Str, Value>,
    workspace: &'m str,
    /// Whether variables have a value by now.
    has_variables: bool,
    /// The locals that are being evaluated, from the outside in.
    open: RefCell<Vec<u32>>,
}

impl<'m> Early<'m> {
    pub fn new(root: &'m Module, inputs: &'m HashMap<Str, Value>, workspace: &'m str) -> Early<'m> {
        Early { root, inputs, workspace, has_variables: true, open: RefCell::default() }
    }

    /// The same for a module whose callers are not known yet.
    pub fn without_variables(self) -> Early<'m> {
        Early { has_variables: false, ..self }
    }

    fn variable(&self, number: u32, span: Span) -> Result<Value, Diagnostic> {
        let Some(variable) = self.root.variables.get(number as usize) else { return Err(not_here(span)) };
        if !self.has_variables {
            let error = Diagnostic::error(format!("the value of \"var.{}\" is not known here", variable.name)).at(span);
            return Err(error.label("a module is loaded once for all of its callers, before their values are known"));
        }
        let given = match (self.inputs.get(&variable.name), &variable.default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => default.eval(self).map_err(|problems| first(problems, span))?,
            (None, None) => {
                let error = Diagnostic::error(format!("variable \"{}\" has no value", variable.name)).at(span);
                return Err(error.help(format!("give it with -var '{0}=…' or in TF_VAR_{0}", variable.name)));
            }
        };
        variable_value(variable, Some(given), None)
    }

    fn local(&self, number: u32, span: Span) -> Result<Value, Diagnostic> {
        let Some(local) = self.root.locals.get(number as usize) else { return Err(not_here(span)) };
        if self.open.borrow().contains(&number) {
            return Err(Diagnostic::error(format!("local.{} refers to itself", local.name)).at(span));
        }
        if self.open.borrow().len() >= MAX_CHAIN {
            let error = Diagnostic::error("locals refer to locals in too long a chain").at(span);
            return Err(error.label(format!("more than {MAX_CHAIN} follow each other here")));
        }
        self.open.borrow_mut().push(number);
        let value = local.value.eval(self).map_err(|problems| first(problems, span));
        self.open.borrow_mut().pop();
        value
    }
}

impl Scope for Early<'_> {
    fn value(&self, slot: &Slot, span: Span) -> Result<Value, Diagnostic> {
        match slot {
            Slot::Variable(number) => self.variable(*number, span),
            Slot::Local(number) => self.local(*number, span),
            Slot::PathModule | Slot::PathRoot | Slot::PathCwd => Ok(Value::string(".")),
            Slot::Workspace => Ok(Value::string(self.workspace)),
            _ => Err(not_here(span)),
        }
    }

    fn instance(&self, _resource: u32, _key: &Key, span: Span) -> Result<Value, Diagnostic> {
        Err(not_here(span))
    }

    fn output(&self, _module: u32, _key: Option<&Key>, _output: &Str, span: Span) -> Result<Value, Diagnostic> {
        Err(not_here(span))
    }

    fn host(&self) -> &dyn Host {
        &Isolated
    }
}

fn not_here(span: Span) -> Diagnostic {
    Diagnostic::error("only variables and locals can be used here").at(span)
}

fn first(problems: crate::model::Diagnostics, span: Span) -> Diagnostic {
    problems.iter().next().cloned().unwrap_or_else(|| not_here(span))
}
