//! Calls of functions, and the forms that take expressions: `try`, `templatefile`, `templatestring`.

use std::sync::Arc;

use super::{Env, Evaluated};
use crate::lang::compile::{Compiler, Resolver, Step};
use crate::lang::convert::convert;
use crate::lang::expr::{Call, Expr, ForeignCall, Render};
use crate::lang::functions::CallError;
use crate::lang::scope::Slot;
use crate::lang::text_map::TextMap;
use crate::model::{Diagnostic, Diagnostics, Marks, SourceFile, SourceId, Span, Str, Type, Value};

impl Expr {
    pub(super) fn call(&self, call: &Call, env: &mut Env) -> Evaluated {
        let args = match self.arguments(&call.args, call.expand, env)? {
            Ok(args) => args,
            Err(unknown) => return Ok(unknown),
        };
        call.function
            .0
            .call(&args, env.scope.host())
            .map_err(|e| self.not_applied(call.function.0.name, call.name_span, &call.args, e))
    }

    /// A provider's function: it is pure, so that unknown arguments leave the result unknown.
    pub(super) fn foreign(&self, call: &ForeignCall, env: &mut Env) -> Evaluated {
        let args = match self.arguments(&call.args, call.expand, env)? {
            Ok(args) => args,
            Err(unknown) => return Ok(unknown),
        };
        let marks = args.iter().fold(Marks::NONE, |marks, arg| marks | arg.all_marks());
        let bare: Vec<Value> = args.iter().map(|arg| arg.unmark_deep().0).collect();
        let function = &call.function.0;
        if !bare.iter().all(Value::is_wholly_known) {
            return Ok(Value::unknown(function.returns()).mark(marks));
        }
        match function.call(&bare) {
            Ok(value) => Ok(value.mark(marks)),
            Err(e) => {
                let e = if marks.is_empty() { e } else { e.hidden() };
                Err(self.not_applied(function.name(), call.name_span, &call.args, e))
            }
        }
    }

    /// The values of arguments; the value of the whole call where even their number is not known yet.
    fn arguments(
        &self,
        written: &[Expr],
        expand: bool,
        env: &mut Env,
    ) -> Result<Result<Vec<Value>, Value>, Box<Diagnostic>> {
        let mut args = written.iter().map(|arg| arg.value(env)).collect::<Result<Vec<Value>, _>>()?;
        if expand && let Some(last) = args.pop() {
            match written.last().unwrap_or(self).expand(&last)? {
                Some(items) => args.extend(items),
                None => {
                    let marks = args.iter().fold(last.all_marks(), |marks, arg| marks | arg.all_marks());
                    return Ok(Err(Value::unknown(Type::Dynamic).mark(marks)));
                }
            }
        }
        Ok(Ok(args))
    }

    fn not_applied(&self, name: &str, name_span: Span, args: &[Expr], e: CallError) -> Box<Diagnostic> {
        let span = match e.argument {
            Some(n) => args.get(n).or(args.last()).map_or(self.span, |arg| arg.span),
            None if args.is_empty() => name_span,
            None => self.span,
        };
        let problem = Diagnostic::error(format!("\"{name}\" cannot be applied here"));
        Box::new(problem.at(span).label(e.message))
    }

    /// The arguments that a last argument with `...` stands for; nothing where they are not known yet.
    fn expand(&self, value: &Value) -> Result<Option<Vec<Value>>, Box<Diagnostic>> {
        let (bare, marks) = value.unmark();
        match bare {
            Value::List(_) | Value::Set(_) | Value::Tuple(_) => {
                let items = bare.as_items().unwrap_or(&[]);
                Ok(Some(items.iter().map(|item| item.clone().mark(marks)).collect()))
            }
            Value::Null(_) => Err(self.problem("the argument before \"...\" is null")),
            Value::Unknown(u) if !u.ty.is_primitive() => Ok(None),
            other => {
                let problem = Diagnostic::error("the argument before \"...\" must be a list, set or tuple");
                Err(Box::new(problem.at(self.span).label(format!("found {}", other.ty().friendly()))))
            }
        }
    }

    pub(super) fn try_each(&self, candidates: &[Expr], env: &mut Env) -> Evaluated {
        let mut problems = Vec::new();
        for candidate in candidates {
            match candidate.value(env) {
                Ok(value) if value.is_wholly_known() => return Ok(value),
                // It may still turn out wrong, and then another is taken.
                Ok(value) => return Ok(Value::unknown(Type::Dynamic).mark(value.all_marks())),
                Err(problem) => problems.push(problem),
            }
        }
        let mut all = Diagnostic::error("no argument of \"try\" can be evaluated").at(self.span);
        for problem in problems {
            let text = match &problem.label {
                Some(label) => format!("{}: {label}", problem.summary),
                None => problem.summary.clone(),
            };
            all = all.related(problem.span.unwrap_or(self.span), text);
        }
        Err(Box::new(all))
    }

    pub(super) fn render(&self, render: &Render, env: &mut Env) -> Evaluated {
        let source = render.source.value(env)?;
        let variables = render.variables.value(env)?;
        let ((source, mut marks), (bare, variable_marks)) = (source.unmark(), variables.unmark());
        marks |= variable_marks;
        if source.is_unknown() || bare.is_unknown() {
            return Ok(Value::unknown(Type::Dynamic).mark(marks | bare.all_marks()));
        }
        let source = match convert(source, &Type::String) {
            Ok(Value::String(text)) => text,
            _ if render.from_file => return Err(render.source.problem("the path of the template must be a string")),
            _ => return Err(render.source.problem("the template must be a string")),
        };
        let Some(fields) = bare.as_fields() else {
            return Err(render.variables.problem("the variables of a template must be a map or an object"));
        };
        let (name, text) = if render.from_file {
            (source.clone(), render.source.read(&source, env)?)
        } else {
            (Str::from("the template"), source)
        };
        let names: Vec<Str> = fields.keys().cloned().collect();
        let template = match render.compiled.get(&text, &names) {
            Some(known) => known,
            None => {
                let compiled = Arc::new(self.compile_template(&name, &text, &names)?);
                render.compiled.set(text.clone(), names, compiled.clone());
                compiled
            }
        };
        let bindings = fields.values().cloned().collect();
        let mut inner = Env { scope: env.scope, bindings, depth: env.depth, rounds: env.rounds, again: env.again };
        let rendered = template.value(&mut inner);
        env.rounds = inner.rounds;
        match rendered {
            Ok(value) => Ok(value.mark(marks)),
            Err(problem) => Err(self.in_template(&name, &text, *problem)),
        }
    }

    fn read(&self, path: &str, env: &Env) -> Result<Str, Box<Diagnostic>> {
        let wrong =
            |label: String| Box::new(Diagnostic::error(format!("cannot read \"{path}\"")).at(self.span).label(label));
        let bytes = env.scope.host().read_file(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => wrong("there is no such file".into()),
            _ => wrong(e.to_string()),
        })?;
        String::from_utf8(bytes).map(Str::from).map_err(|_| wrong("the file is not UTF-8 text".into()))
    }

    fn compile_template(&self, name: &str, text: &str, names: &[Str]) -> Result<Expr, Box<Diagnostic>> {
        let mut diagnostics = Diagnostics::new();
        let mut resolver = TemplateNames { names };
        // Places inside of the template are told in words: it is no source of the configuration.
        let map = TextMap::offset(SourceId(u32::MAX), 0);
        let compiled = Compiler::new(text, map, &mut resolver, &mut diagnostics)
            .with_bindings(names)
            .for_rendered_template()
            .template_text(text);
        match diagnostics.into_iter().find(Diagnostic::is_error) {
            Some(problem) => Err(self.in_template(name, text, problem)),
            None => Ok(compiled),
        }
    }

    /// A problem inside of a template that the expression renders, told at the expression.
    fn in_template(&self, name: &str, text: &str, problem: Diagnostic) -> Box<Diagnostic> {
        let place = problem.span.map(|span| {
            let at = SourceFile::new(name, text).position(span.start);
            format!("{name}:{}:{}: ", at.line, at.column)
        });
        let label = problem.label.map(|label| format!(", {label}")).unwrap_or_default();
        let detail = format!("{}{}{label}", place.unwrap_or_default(), problem.summary);
        let mut outer = Diagnostic::error("the template cannot be rendered").at(self.span).detail(detail);
        outer.help = problem.help;
        Box::new(outer)
    }
}

/// In a template only its variables have names, and those are local bindings.
struct TemplateNames<'a> {
    names: &'a [Str],
}

impl Resolver for TemplateNames<'_> {
    fn resolve(&mut self, root: &str, _: &[Step], span: Span) -> Result<(Slot, usize), Diagnostic> {
        let problem = Diagnostic::error(format!("unknown variable \"{root}\"")).at(span);
        let problem = problem.label("the template is not given a variable of this name");
        Err(problem.did_you_mean(root, self.names.iter().map(|n| &**n)))
    }
}
