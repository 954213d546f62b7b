//! What is wrong with a configuration whatever its variables are: every expression is evaluated once, while of
//! variables and objects nothing is known but their types.

use std::path::Path;

use super::host::Machine;
use crate::lang::body::Body;
use crate::lang::body_eval;
use crate::lang::convert::convert;
use crate::lang::expr::Expr;
use crate::lang::functions::Host;
use crate::lang::scope::{Scope, Slot};
use crate::model::{Block, Diagnostic, Diagnostics, Key, Marks, Mode, Span, Str, Type, Value};
use crate::plan::cells::variable_value;
use crate::spec::{CheckRule, Module, ModuleCall, Provisioner, Repeat, Resource, Schemas, Spec, provisioner};

/// Evaluates everything in the modules of a configuration that loads without errors. Files are read from `folder`.
pub fn check(spec: &Spec, folder: &Path, home_dir: Option<String>, schemas: &dyn Schemas) -> Diagnostics {
    let host = Machine {
        working_dir: folder.to_path_buf(),
        home_dir,
        plan_timestamp: None,
        applying: std::sync::atomic::AtomicBool::new(false),
    };
    let mut checker = Checker { spec, schemas, host: &host, outputs: Vec::new(), diagnostics: Diagnostics::new() };
    checker.outputs.resize_with(spec.modules.len(), || None);
    checker.module(0);
    checker.diagnostics
}

struct Checker<'s> {
    spec: &'s Spec,
    schemas: &'s dyn Schemas,
    host: &'s dyn Host,
    /// The outputs of the module definitions that have been evaluated.
    outputs: Vec<Option<Vec<Value>>>,
    diagnostics: Diagnostics,
}

impl<'s> Checker<'s> {
    /// Evaluates a module after the modules that it calls. The loader bounds how deep calls go.
    fn module(&mut self, id: usize) {
        let Some(module) = self.spec.modules.get(id) else { return };
        if self.outputs.get(id).is_none_or(Option::is_some) {
            return;
        }
        self.outputs[id] = Some(vec![Value::unknown(Type::Dynamic); module.outputs.len()]);
        module.calls.iter().for_each(|call| self.module(call.module.0 as usize));
        let mut scope = Typed::new(self, module);
        for local in order(module) {
            let expr = &module.locals[local as usize].value;
            scope.locals[local as usize] = self.value(expr, &scope);
        }
        let outputs = module.outputs.iter().map(|output| {
            self.rules(&output.preconditions, &scope);
            self.value(&output.value, &scope)
        });
        let outputs = outputs.collect();
        for variable in &module.variables {
            self.rules(&variable.validations, &scope);
        }
        module.resources.iter().for_each(|resource| self.resource(resource, &mut scope));
        module.calls.iter().for_each(|call| self.call(call, &scope));
        for provider in &module.providers {
            provider.for_each.iter().for_each(|expr| drop(self.value(expr, &scope)));
            let name = crate::graph::real_name(module, &provider.name);
            self.body(&provider.body, self.schemas.provider_config(&name).map(|s| &s.block), &scope);
        }
        module.checks.iter().for_each(|check| self.rules(&check.asserts, &scope));
        for import in &module.imports {
            [&import.for_each, &import.id].into_iter().flatten().for_each(|expr| drop(self.value(expr, &scope)));
        }
        self.outputs[id] = Some(outputs);
    }

    fn resource(&mut self, resource: &Resource, scope: &mut Typed<'s>) {
        self.repeat(&resource.repeat, scope);
        let schema = self.schemas.resource(resource.mode, &resource.ty).map(|s| &s.block);
        self.body(&resource.body, schema, scope);
        self.rules(&resource.lifecycle.preconditions, scope);
        scope.this = Value::unknown(schema.map_or(Type::Dynamic, Block::ty));
        self.rules(&resource.lifecycle.postconditions, scope);
        resource.connection.iter().for_each(|body| self.body(body, Some(provisioner::connection()), scope));
        resource.provisioners.iter().for_each(|provisioner| self.provisioner(provisioner, scope));
    }

    fn provisioner(&mut self, written: &Provisioner, scope: &Typed<'s>) {
        self.body(&written.body, provisioner::schema(&written.ty), scope);
        written.connection.iter().for_each(|body| self.body(body, Some(provisioner::connection()), scope));
    }

    fn call(&mut self, call: &ModuleCall, scope: &Typed<'s>) {
        self.repeat(&call.repeat, scope);
        let variables = self.spec.module(call.module).map_or(&[][..], |m| &m.variables);
        for (_, index, expr) in &call.arguments {
            let value = self.value(expr, scope);
            if let Some(variable) = variables.get(*index as usize) {
                self.told(variable_value(variable, Some(value), Some(expr)));
            }
        }
    }

    fn repeat(&mut self, repeat: &Repeat, scope: &Typed<'s>) {
        match repeat {
            Repeat::Once => (),
            Repeat::ForEach(expr) => drop(self.value(expr, scope)),
            Repeat::Count(expr) => self.converted(expr, &Type::Number, "\"count\" must be a number", scope),
            Repeat::Enabled(expr) => self.converted(expr, &Type::Bool, "\"enabled\" must be a bool", scope),
        }
    }

    fn rules(&mut self, rules: &[CheckRule], scope: &Typed<'s>) {
        for rule in rules {
            self.converted(&rule.condition, &Type::Bool, "the condition must be a bool", scope);
            self.converted(&rule.error_message, &Type::String, "the error message must be a string", scope);
        }
    }

    fn body(&mut self, body: &Body, schema: Option<&Block>, scope: &Typed<'s>) {
        if let Some(schema) = schema {
            self.diagnostics.extend(body_eval::evaluate(body, schema, scope).1);
        }
    }

    fn converted(&mut self, expr: &Expr, ty: &Type, wrong: &str, scope: &Typed<'s>) {
        let value = self.value(expr, scope);
        let problem = |e: crate::lang::convert::ConvertError| {
            let e = if value.has_marks() { e.without_value() } else { e };
            Diagnostic::error(wrong).at(expr.span()).label(e.to_string())
        };
        self.told(convert(&value, ty).map_err(problem));
    }

    fn value(&mut self, expr: &Expr, scope: &Typed<'s>) -> Value {
        expr.eval(scope).unwrap_or_else(|problems| {
            self.diagnostics.extend(problems);
            Value::unknown(Type::Dynamic)
        })
    }

    fn told(&mut self, result: Result<Value, Diagnostic>) {
        if let Err(problem) = result {
            self.diagnostics.push(problem);
        }
    }
}

/// The locals of a module, each after those that it refers to. Those that refer to each other in a circle are an
/// error of the graph.
fn order(module: &Module) -> Vec<u32> {
    let mut done = vec![false; module.locals.len()];
    let mut ordered = Vec::with_capacity(done.len());
    for first in 0..module.locals.len() as u32 {
        // A local stands on the stack twice: before those that it needs are looked at, and after.
        let mut stack = vec![(first, false)];
        while let Some((local, ready)) = stack.pop() {
            if ready {
                ordered.push(local);
            } else if let Some(place) = done.get_mut(local as usize).filter(|done| !**done) {
                *place = true;
                stack.push((local, true));
                module.locals[local as usize].value.references(&mut |reference| {
                    if let Slot::Local(needed) = reference.slot {
                        stack.push((needed, false));
                    }
                });
            }
        }
    }
    ordered
}

/// The scope of a module's expressions: values of unknown variables and objects.
struct Typed<'s> {
    module: &'s Module,
    schemas: &'s dyn Schemas,
    host: &'s dyn Host,
    locals: Vec<Value>,
    /// The outputs of each call, as one instance of the module has them.
    calls: Vec<Vec<(Str, Value)>>,
    this: Value,
}

impl<'s> Typed<'s> {
    fn new(checker: &Checker<'s>, module: &'s Module) -> Typed<'s> {
        let outputs = |call: &ModuleCall| {
            let names = checker.spec.module(call.module).map_or(&[][..], |m| &m.outputs);
            let values = checker.outputs.get(call.module.0 as usize).and_then(Option::as_ref);
            names.iter().map(|o| o.name.clone()).zip(values.into_iter().flatten().cloned()).collect()
        };
        Typed {
            module,
            schemas: checker.schemas,
            host: checker.host,
            locals: vec![Value::unknown(Type::Dynamic); module.locals.len()],
            calls: module.calls.iter().map(outputs).collect(),
            this: Value::unknown(Type::Dynamic),
        }
    }

    fn variable(&self, number: u32) -> Value {
        let Some(variable) = self.module.variables.get(number as usize) else { return Value::unknown(Type::Dynamic) };
        let sensitive = if variable.sensitive { Marks::SENSITIVE } else { Marks::NONE };
        let ephemeral = if variable.ephemeral { Marks::EPHEMERAL } else { Marks::NONE };
        Value::unknown(variable.ty.ty.without_optional()).mark(sensitive | ephemeral)
    }

    fn resource(&self, number: u32) -> Value {
        let ty = self.module.resources.get(number as usize).and_then(|resource| match resource.repeat {
            Repeat::Once => Some(self.schemas.resource(resource.mode, &resource.ty)?.block.ty()),
            _ => None,
        });
        let ephemeral = self.module.resources.get(number as usize).is_some_and(|r| r.mode == Mode::Ephemeral);
        let marks = if ephemeral { Marks::EPHEMERAL } else { Marks::NONE };
        Value::unknown(ty.unwrap_or(Type::Dynamic)).mark(marks)
    }

    fn call(&self, number: u32) -> Value {
        match self.module.calls.get(number as usize).map(|call| &call.repeat) {
            Some(Repeat::Once) => Value::object(self.calls[number as usize].iter().cloned()),
            _ => Value::unknown(Type::Dynamic),
        }
    }
}

impl Scope for Typed<'_> {
    fn value(&self, slot: &Slot, _: Span) -> Result<Value, Diagnostic> {
        let unknown = || Value::unknown(Type::Dynamic);
        Ok(match slot {
            Slot::Variable(number) => self.variable(*number),
            Slot::Local(number) => self.locals.get(*number as usize).cloned().unwrap_or_else(unknown),
            Slot::Resource(number) => self.resource(*number),
            Slot::Module(number) => self.call(*number),
            Slot::EachKey | Slot::Workspace | Slot::PathCwd => Value::unknown(Type::String),
            Slot::EachValue => unknown(),
            Slot::CountIndex => Value::unknown(Type::Number),
            Slot::SelfObject => self.this.clone(),
            Slot::PathModule => Value::String(self.module.dir.clone()),
            Slot::PathRoot => Value::string("."),
            Slot::Applying => Value::unknown(Type::Bool).mark(Marks::EPHEMERAL),
        })
    }

    fn instance(&self, resource: u32, _: &Key, _: Span) -> Result<Value, Diagnostic> {
        let repeated = self.module.resources.get(resource as usize).filter(|r| !matches!(r.repeat, Repeat::Once));
        let schema = repeated.and_then(|r| self.schemas.resource(r.mode, &r.ty));
        Ok(Value::unknown(schema.map_or(Type::Dynamic, |s| s.block.ty())))
    }

    fn output(&self, module: u32, _: Option<&Key>, output: &Str, _: Span) -> Result<Value, Diagnostic> {
        let outputs = self.calls.get(module as usize).into_iter().flatten();
        let found = outputs.into_iter().find(|(name, _)| name == output).map(|(_, value)| value.clone());
        Ok(found.unwrap_or_else(|| Value::unknown(Type::Dynamic)))
    }

    fn host(&self) -> &dyn Host {
        self.host
    }
}
