//! The literal texts of a template as its strip markers and its flush heredoc leave them.
//!
//! A template is a tree of directives, but stripping and dedenting see it as one sequence of texts and markers. So
//! the texts are collected in the order that they are written, changed, and taken out again in the same order.

use std::collections::VecDeque;

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, Strip, Template};

/// The literal texts of a template, one for each literal element, in order.
pub(super) struct Pieces(VecDeque<String>);

/// How literal texts are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form<'t> {
    /// Between quotes: the parser has resolved the escapes, and a strip marker takes all of the white space.
    Quoted,
    /// As lines of the given text: a strip marker takes white space of its own line only.
    Lines { text: &'t str, flush: bool },
}

enum Piece {
    Text(String),
    /// The last piece of a literal element: the next text belongs to another.
    End,
    Marker {
        strip_before: bool,
        strip_after: bool,
    },
}

impl Pieces {
    pub(super) fn of(template: &Template, form: Form) -> Pieces {
        let mut pieces = Vec::new();
        collect(template, form, &mut pieces);
        strip(&mut pieces);
        if let Form::Lines { flush: true, .. } = form {
            dedent(&mut pieces);
        }
        let mut texts = VecDeque::new();
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(more) => text.push_str(&more),
                Piece::End => texts.push_back(std::mem::take(&mut text)),
                Piece::Marker { .. } => (),
            }
        }
        Pieces(texts)
    }

    /// The text of the next literal element.
    pub(super) fn next(&mut self) -> String {
        self.0.pop_front().unwrap_or_default()
    }
}

fn collect(template: &Template, form: Form, out: &mut Vec<Piece>) {
    for element in template.iter() {
        match element {
            Element::Literal(literal) => {
                match form {
                    Form::Quoted => out.push(Piece::Text(literal.value().clone())),
                    Form::Lines { text, .. } => {
                        let written = literal.span().and_then(|range| text.get(range));
                        let text = written.map_or_else(|| literal.value().clone(), unescape);
                        out.extend(text.split_inclusive('\n').map(|line| Piece::Text(line.to_string())));
                    }
                }
                out.push(Piece::End);
            }
            Element::Interpolation(part) => out.push(marker(part.strip)),
            Element::Directive(directive) => match &**directive {
                Directive::If(e) => {
                    out.push(marker(e.if_expr.strip));
                    collect(&e.if_expr.template, form, out);
                    if let Some(otherwise) = &e.else_expr {
                        out.push(marker(otherwise.strip));
                        collect(&otherwise.template, form, out);
                    }
                    out.push(marker(e.endif_expr.strip));
                }
                Directive::For(e) => {
                    out.push(marker(e.for_expr.strip));
                    collect(&e.for_expr.template, form, out);
                    out.push(marker(e.endfor_expr.strip));
                }
            },
        }
    }
}

fn marker(strip: Strip) -> Piece {
    Piece::Marker { strip_before: strip.strip_start(), strip_after: strip.strip_end() }
}

/// Heredocs and template files know no backslash escapes, only doubled markers.
fn unescape(text: &str) -> String {
    text.replace("$${", "${").replace("%%{", "%{")
}

fn strip(pieces: &mut [Piece]) {
    for at in 0..pieces.len() {
        let Some(&Piece::Marker { strip_before, strip_after }) = pieces.get(at) else { continue };
        if strip_before
            && let Some(Piece::End) = at.checked_sub(1).and_then(|i| pieces.get(i))
            && let Some(Piece::Text(text)) = at.checked_sub(2).and_then(|i| pieces.get_mut(i))
        {
            text.truncate(text.trim_end().len());
        }
        if strip_after && let Some(Piece::Text(text)) = pieces.get_mut(at + 1) {
            *text = text.trim_start().to_string();
        }
    }
}

/// Takes the smallest indentation off every line. Lines of white space alone stay as they are and do not count,
/// nor does what follows a marker that took the line break away.
fn dedent(pieces: &mut [Piece]) {
    let mut indents: Vec<usize> = Vec::new();
    let mut starts: Vec<usize> = Vec::new();
    let mut line_start = true;
    for (i, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => {
                let blank = text.ends_with('\n') && text.trim().is_empty();
                if line_start && !blank {
                    indents.push(indent(text));
                    starts.push(i);
                }
                line_start = text.ends_with('\n');
            }
            Piece::Marker { .. } => {
                if line_start {
                    indents.push(0);
                }
                line_start = false;
            }
            Piece::End => (),
        }
    }
    let width = indents.into_iter().min().unwrap_or(0);
    for i in starts {
        if let Some(Piece::Text(text)) = pieces.get_mut(i) {
            *text = text.chars().skip(width).collect();
        }
    }
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace() && *c != '\n').count()
}
