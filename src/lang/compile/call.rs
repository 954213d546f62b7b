//! Calls: functions are looked up once, and the forms that are no plain functions get a kind of their own.

use hcl_edit::expr::FuncCall;

use super::Compiler;
use crate::lang::expr::{Call, Expr, ForeignCall, ForeignRef, FunctionRef, Kind, Remembered, Render};
use crate::lang::functions::{self, Found};
use crate::model::{Diagnostic, Span, Str};

/// Forms that look like functions and see their arguments as expressions.
const FORMS: &[&str] = &["can", "templatefile", "templatestring", "try", "type"];

impl Compiler<'_> {
    pub(super) fn call(&mut self, call: &FuncCall, span: Span) -> Expr {
        let mut name = String::new();
        for part in &call.name.namespace {
            name.push_str(part.as_str());
            name.push_str("::");
        }
        name.push_str(call.name.name.as_str());
        let name_span = call.name.namespace.first().map_or_else(
            || self.span_of(&call.name.name),
            |first| self.span_of(first).to(self.span_of(&call.name.name)),
        );
        // The closing parenthesis is not always part of the call's place in the syntax tree.
        let span = span.to(name_span);
        let args: Vec<Expr> = call.args.iter().map(|arg| self.expression(arg)).collect();
        let expand = call.args.expand_final();
        let bare = name.strip_prefix("core::").unwrap_or(&name);
        if FORMS.contains(&bare) {
            return self.form(bare, args, expand, span, name_span);
        }
        let args: Box<[Expr]> = args.into();
        match self.function(&name) {
            Some(Found::Library(function)) => {
                let call = Call { function: FunctionRef(function), name_span, args, expand };
                Expr { kind: Kind::Call(Box::new(call)), span }.folded()
            }
            Some(Found::Foreign(function)) => {
                let call = ForeignCall { function: ForeignRef(function), name_span, args, expand };
                Expr { kind: Kind::Foreign(Box::new(call)), span }.folded()
            }
            None => {
                let diagnostic = unknown_function(&name);
                self.refuse(diagnostic, name_span)
            }
        }
    }

    fn function(&mut self, name: &str) -> Option<Found> {
        match name.strip_prefix("provider::").and_then(|rest| rest.split_once("::")) {
            Some((provider, function)) => self.resolver.provider_function(provider, function),
            None => functions::lookup(name).map(Found::Library),
        }
    }

    fn form(&mut self, name: &str, args: Vec<Expr>, expand: bool, span: Span, name_span: Span) -> Expr {
        if expand {
            let problem = format!("the arguments of \"{name}\" cannot be expanded with \"...\"");
            return self.refuse(Diagnostic::error(problem), span);
        }
        let count = args.len();
        let mut args = args.into_iter();
        let wrong = |takes: &str| {
            Diagnostic::error(format!("wrong number of arguments for \"{name}\""))
                .label(format!("takes {takes}, {count} given"))
        };
        let kind = match (name, count, args.next(), args.next()) {
            ("try", 0, ..) => return self.refuse(wrong("at least one"), name_span),
            ("try", _, first, second) => Kind::Try(first.into_iter().chain(second).chain(args).collect()),
            ("can", 1, Some(only), _) => Kind::Can(Box::new(only)),
            ("type", 1, Some(only), _) => Kind::TypeOf(Box::new(only)),
            ("can" | "type", ..) => return self.refuse(wrong("one"), name_span),
            ("templatefile" | "templatestring", 2, Some(source), Some(variables)) => {
                if self.in_rendered_template {
                    let problem = format!("\"{name}\" cannot be called inside of a template file");
                    return self.refuse(Diagnostic::error(problem), name_span);
                }
                Kind::Render(Box::new(Render {
                    from_file: name == "templatefile",
                    source,
                    variables,
                    compiled: Remembered::default(),
                }))
            }
            _ => return self.refuse(wrong("two: the template and its variables"), name_span),
        };
        Expr { kind, span }
    }
}

fn unknown_function(name: &str) -> Diagnostic {
    let known: Vec<&str> = functions::all().map(|f| f.name).chain(FORMS.iter().copied()).collect();
    let diagnostic = Diagnostic::error(format!("unknown function \"{name}\""));
    if let Some(rest) = name.strip_prefix("provider::") {
        let provider: Str = rest.split("::").next().unwrap_or_default().into();
        return diagnostic.label(format!("provider \"{provider}\" has no function of this name"));
    }
    if let Some((namespace, _)) = name.split_once("::") {
        return diagnostic
            .label(format!("there is no function namespace \"{namespace}\""))
            .help("functions of providers are written provider::name::function");
    }
    diagnostic.label("there is no function of this name").did_you_mean(name, known)
}
