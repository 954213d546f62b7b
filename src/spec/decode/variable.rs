//! `variable` blocks.

use super::Decoder;
use crate::lang::compile::Compiler;
use crate::lang::convert::convert;
use crate::lang::expr::Expr;
use crate::lang::scope::Slot;
use crate::lang::type_expr::TypeConstraint;
use crate::model::{Diagnostic, Span, Value};
use crate::spec::module::{CheckRule, Variable};
use crate::spec::node::{Node, NodeKind, Text};
use crate::spec::resolve::Place;
use crate::spec::syntax::{Argument, Block, Shape, Written};

/// Names that mean something in a module block, so that no variable can have them.
const RESERVED: [&str; 8] =
    ["source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"];
const ARGUMENTS: [&str; 7] = ["type", "default", "description", "sensitive", "ephemeral", "nullable", "deprecated"];

/// What a default must keep to.
#[derive(Clone, Copy)]
struct Kind {
    nullable: bool,
    /// Whether no message may show it.
    hidden: bool,
    header: Span,
}

impl Decoder<'_> {
    pub(super) fn variable(&mut self, block: &Block<'_>) -> Variable {
        let (name, name_span) = block.label(0);
        if RESERVED.contains(&&*name) {
            let error = Diagnostic::error(format!("a variable cannot have the name \"{name}\"")).at(name_span);
            self.error(error.label("it means something else in a module block"));
        }
        let mut content = self.content(block, Shape::of(&[("validation", 0)]));
        let ty = match content.take("type") {
            Some(argument) => self.type_of(&argument),
            None => TypeConstraint::any(),
        };
        let mut flag = |name, otherwise| self.take_bool(&mut content, name).unwrap_or(otherwise);
        let (nullable, sensitive, ephemeral) =
            (flag("nullable", true), flag("sensitive", false), flag("ephemeral", false));
        let kind = Kind { nullable, hidden: sensitive || ephemeral, header: block.header };
        let default = content.take("default").and_then(|argument| self.default(&argument, &ty, kind));
        let variable = Variable {
            ty,
            default,
            description: self.take_text(&mut content, "description"),
            sensitive,
            ephemeral,
            nullable,
            deprecated: self.take_text(&mut content, "deprecated"),
            validations: content.take_blocks("validation").iter().map(|b| self.validation(b, &name)).collect(),
            span: block.header,
            name,
        };
        content.finish("a variable block", &ARGUMENTS, &["validation"], self.diagnostics);
        variable
    }

    /// A rule that the variable's values must keep: it looks at them.
    fn validation(&mut self, block: &Block<'_>, name: &str) -> CheckRule {
        let before = self.diagnostics.len();
        let rule = self.rule(block, Place::MODULE);
        let own = self.declared.variables.get(name);
        let mut refers = false;
        rule.condition.references(&mut |found| refers |= matches!(&found.slot, Slot::Variable(i) if Some(i) == own));
        if !refers && self.diagnostics.len() == before {
            let error = Diagnostic::error(format!("a validation that does not look at \"var.{name}\""));
            let error =
                error.at(rule.condition.span()).label("its condition must refer to the variable that it checks");
            self.error(error.help("what is checked of other values is a precondition, or a check block"));
        }
        rule
    }

    fn type_of(&mut self, argument: &Argument<'_>) -> TypeConstraint {
        // The old form put the type between quotes.
        let quoted = matches!(argument.value, Written::Hcl(..)).then(|| argument.value.plain_text()).flatten();
        if let Some(text) = quoted {
            let old = ["string", "list", "map"].contains(&&*text);
            let error = Diagnostic::error("a type is written without quotes").at(argument.value.span());
            self.error(if old { error.help(format!("write type = {}", modern(&text))) } else { error });
            return TypeConstraint::any();
        }
        match argument.value.parsed() {
            Ok(parsed) => {
                let sources = self.sources;
                let file = || sources.get(parsed.map.source()).map(|file| file.text.clone());
                let text = parsed.text.clone().or_else(file).unwrap_or_default();
                let mut values = self.values(Place::CONSTANT);
                let map = parsed.map.clone();
                let mut compiler = Compiler::new(&text, map, &mut values.names, values.diagnostics);
                TypeConstraint::compile(&parsed.expression, &mut compiler)
            }
            Err(error) => {
                self.error(error);
                TypeConstraint::any()
            }
        }
    }

    /// The default, converted once to see that it fits; the expression keeps what was written.
    fn default(&mut self, argument: &Argument<'_>, ty: &TypeConstraint, kind: Kind) -> Option<Expr> {
        let span = argument.value.span();
        let value = match argument.value {
            // In JSON a default is taken as it stands.
            Written::Node(node) if self.is_json(node) => Some(literal(node)),
            _ => self.constant(argument),
        }?;
        if value.is_null() && !kind.nullable {
            let error = Diagnostic::error("the default is null, but the variable is not nullable").at(span);
            self.error(error);
        }
        let completed = ty.apply_defaults(&value);
        if let Err(why) = convert(&completed, &ty.ty) {
            let error = Diagnostic::error("the default does not fit the variable's type");
            self.error(match kind.hidden {
                true => error.at(kind.header).label(why.without_value().to_string()),
                false => error.at(span).label(why.to_string()),
            });
        }
        Some(Expr::constant(value, span))
    }

    fn is_json(&self, node: &Node) -> bool {
        self.json_sources.contains(&node.span.source)
    }
}

fn modern(text: &str) -> &str {
    match text {
        "list" => "list(string)",
        "map" => "map(string)",
        other => other,
    }
}

/// The value of data in which strings are no templates.
fn literal(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Null => Value::NULL,
        NodeKind::Bool(b) => Value::Bool(*b),
        NodeKind::Number(n) => Value::Number(n.clone()),
        NodeKind::Text(Text { text, .. }) => Value::string(text.clone()),
        NodeKind::List(items) => Value::tuple(items.iter().map(|item| literal(item)).collect()),
        NodeKind::Map(entries) => Value::object(entries.iter().map(|e| (e.key.clone(), literal(&e.value)))),
    }
}
