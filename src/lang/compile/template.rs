//! Templates: quoted strings, heredocs and template files.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, ForDirective, HeredocTemplate, IfDirective, Template};

use super::Compiler;
use super::pieces::{Form, Pieces};
use super::text::over_lines;
use crate::lang::expr::{Expr, For, Kind};
use crate::model::{Span, Value};

impl Compiler<'_> {
    pub(super) fn quoted_template(&mut self, template: &Template, span: Span) -> Expr {
        for element in template.iter() {
            if matches!(element, Element::Literal(_)) {
                self.check_one_line(element.span());
            }
        }
        let mut pieces = Pieces::of(template, Form::Quoted);
        self.parts(template, &mut pieces, span)
    }

    /// That the text of a quoted string at a place holds no line break.
    pub(super) fn check_one_line(&mut self, place: Option<Range<usize>>) {
        let broken = place.filter(|place| self.text.get(place.clone()).is_some_and(|text| text.contains('\n')));
        if let Some(place) = broken {
            let span = self.span(place);
            self.report(over_lines().at(span));
        }
    }

    pub(super) fn heredoc(&mut self, heredoc: &HeredocTemplate, span: Span) -> Expr {
        let flush = hcl_edit::Span::span(heredoc)
            .and_then(|range| self.text.get(range))
            .is_some_and(|text| text.trim_start().starts_with("<<-"));
        self.lines(&heredoc.template, flush, span)
    }

    /// A template whose literal texts are lines as they stand in the text.
    pub(super) fn lines(&mut self, template: &Template, flush: bool, span: Span) -> Expr {
        let mut pieces = Pieces::of(template, Form::Lines { text: self.text, flush });
        self.parts(template, &mut pieces, span)
    }

    fn parts(&mut self, template: &Template, pieces: &mut Pieces, span: Span) -> Expr {
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            // Nothing around it: the value keeps its type.
            return self.expression(&only.expr);
        }
        let mut parts: Vec<Expr> = Vec::with_capacity(template.len());
        for element in template.iter() {
            let place = self.span_of(element);
            match element {
                Element::Literal(_) => {
                    let text = pieces.next();
                    if !text.is_empty() {
                        parts.push(Expr::constant(Value::string(text), place));
                    }
                }
                Element::Interpolation(part) => parts.push(self.expression(&part.expr)),
                Element::Directive(directive) => parts.push(match &**directive {
                    Directive::If(e) => self.if_directive(e, pieces, place),
                    Directive::For(e) => self.for_directive(e, pieces, place),
                }),
            }
        }
        Expr { kind: Kind::Template(parts.into()), span }.folded()
    }

    fn if_directive(&mut self, e: &IfDirective, pieces: &mut Pieces, span: Span) -> Expr {
        let condition = self.expression(&e.if_expr.cond_expr);
        let yes = self.parts(&e.if_expr.template, pieces, span);
        let no = match &e.else_expr {
            Some(otherwise) => self.parts(&otherwise.template, pieces, span),
            None => Expr::constant(Value::string(""), span),
        };
        Expr { kind: Kind::Conditional(Box::new((condition, yes, no))), span }.folded()
    }

    fn for_directive(&mut self, e: &ForDirective, pieces: &mut Pieces, span: Span) -> Expr {
        let source = self.expression(&e.for_expr.collection_expr);
        let key_binding = e.for_expr.key_var.as_ref().map(|name| self.bind(name.as_str().into()));
        let value_binding = self.bind(e.for_expr.value_var.as_str().into());
        let value = self.parts(&e.for_expr.template, pieces, span);
        self.unbind();
        if key_binding.is_some() {
            self.unbind();
        }
        let parts = For { source, key_binding, value_binding, key: None, value, condition: None, grouping: false };
        let tuple = Expr { kind: Kind::For(Box::new(parts)), span };
        Expr { kind: Kind::Join(Box::new(tuple)), span }
    }
}
