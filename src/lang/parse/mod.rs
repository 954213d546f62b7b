//! From text to syntax trees.
//!
//! The parser refuses some of what the language allows: more than 64 levels, more than 128 operators in a row, a key
//! that stands twice in an object, numbers beyond doubles. Such a text is taken apart: expressions in it are parsed by
//! themselves and put into the tree where they belong. Everything stays at its place, so that all spans of the tree
//! are those of the text. What the tree says of numbers and of the literal texts of heredocs may be made up: they are
//! read from the text. Objects of thousands of entries stand in the tree as lists, see [`entries`].

mod fold;
mod large;
mod outline;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::parser::{Error, parse_body, parse_expr, parse_template};
use hcl_edit::structure::{Body, Structure};
use hcl_edit::template::Template;
use hcl_edit::visit_mut::{VisitMut, visit_expr_mut};

use fold::{Folder, Folds};
pub use large::{Key, entries};
use outline::Outliner;

/// Bytes that may be read again for the sake of parts. Beyond them a text is hostile.
const MAX_WORK: usize = 256 << 20;

/// Digits up to which a number is a double in any case.
const DIGITS: usize = 300;

/// Arguments and blocks.
pub fn body(text: &str) -> Result<Body, Error> {
    parse(text)
}

/// One expression, with nothing around it.
pub fn expression(text: &str) -> Result<Expression, Error> {
    parse(text)
}

/// A template as it stands in a heredoc.
pub fn template(text: &str) -> Result<Template, Error> {
    parse(text)
}

/// Where the first string begins that has no end on its line, in a text of arguments and blocks or of one expression.
pub fn open_string(text: &str) -> Option<usize> {
    let mut outliner = Outliner::lenient(text);
    outliner.code();
    outliner.open_strings.into_iter().min()
}

/// What a text is parsed as.
trait Tree: Sized {
    fn parse(text: &str) -> Result<Self, Error>;
    /// Finds what must be parsed by itself. Nothing where the text does not fit together.
    fn fold(outliner: &mut Outliner<'_>, folder: &mut Folder<'_>) -> Option<()>;
    fn visit(&mut self, parts: &mut Parts);
}

impl Tree for Body {
    fn parse(text: &str) -> Result<Body, Error> {
        parse_body(text)
    }

    fn fold(outliner: &mut Outliner<'_>, folder: &mut Folder<'_>) -> Option<()> {
        folder.body(&outliner.code()?);
        Some(())
    }

    fn visit(&mut self, parts: &mut Parts) {
        parts.visit_body_mut(self);
    }
}

impl Tree for Expression {
    fn parse(text: &str) -> Result<Expression, Error> {
        parse_expr(text)
    }

    fn fold(outliner: &mut Outliner<'_>, folder: &mut Folder<'_>) -> Option<()> {
        folder.whole_expression(&outliner.code()?);
        Some(())
    }

    fn visit(&mut self, parts: &mut Parts) {
        parts.visit_expr_mut(self);
    }
}

impl Tree for Template {
    fn parse(text: &str) -> Result<Template, Error> {
        parse_template(text)
    }

    fn fold(outliner: &mut Outliner<'_>, folder: &mut Folder<'_>) -> Option<()> {
        folder.template(&outliner.template()?);
        Some(())
    }

    fn visit(&mut self, parts: &mut Parts) {
        parts.visit_template_mut(self);
    }
}

fn parse<T: Tree>(text: &str) -> Result<T, Error> {
    if text.len() >= large::TEXT
        && let Some(parsed) = large::parse(text)
    {
        return parsed;
    }
    if may_end_early(text) {
        return taken_apart(text).unwrap_or_else(|| T::parse(text));
    }
    match T::parse(text) {
        Err(error) if is_limit(&error, text) => match taken_apart(text) {
            Some(Ok(tree)) => Ok(tree),
            _ => Err(error),
        },
        parsed => parsed,
    }
}

/// Whether some line begins with the word that ends a heredoc, and goes on: the parser would end the heredoc there.
fn may_end_early(text: &str) -> bool {
    let openings = text.match_indices("<<").filter_map(|(at, _)| {
        let word = text.get(at + 2..)?.lines().next()?;
        let word = word.strip_prefix('-').unwrap_or(word).trim_end();
        (!word.is_empty() && !word.contains(|c: char| !is_word(c))).then_some(word)
    });
    let mut words: Vec<&str> = openings.collect();
    words.sort_unstable();
    words.dedup();
    let goes_on = |line: &str, word: &str| {
        let rest = line.trim_start().strip_prefix(word).map(str::trim_end);
        rest.is_some_and(|rest| rest.starts_with(|c| !is_word(c)))
    };
    !words.is_empty() && text.lines().any(|line| words.iter().any(|word| goes_on(line, word)))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// Whether the text may be right although the parser refuses it.
fn is_limit(error: &Error, text: &str) -> bool {
    const LIMITS: [&str; 3] = ["nested levels", "chained binary operators", "redefined object key"];
    let message = error.message();
    let before = text.get(..error.location().offset()).unwrap_or_default();
    let has_long_number = || text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > DIGITS);
    // The parser stops at the exponent of a number that it does not know, or behind its digits.
    LIMITS.iter().any(|limit| message.contains(limit))
        || before.ends_with(|c: char| c.is_ascii_digit())
        || has_long_number()
}

/// Parses a text part by part. Nothing where that can't help.
fn taken_apart<T: Tree>(text: &str) -> Option<Result<T, Error>> {
    let (mut outliner, mut folder) = (Outliner::new(text), Folder::new(text));
    T::fold(&mut outliner, &mut folder)?;
    let folds = folder.folds()?;
    let rewritten = rewritten(text, &folds, &outliner.false_ends)?;
    put_together(rewritten, folds.parts)
}

/// Parses the parts of a text and then the text, with names in the places of the parts.
fn put_together<T: Tree>(mut text: String, parts: Vec<Range<usize>>) -> Option<Result<T, Error>> {
    let work: usize = parts.iter().map(|part| part.end).sum();
    if work > MAX_WORK {
        return None;
    }
    let mut parsed = Parts(HashMap::with_capacity(parts.len()));
    for part in parts {
        match parsed_part(&text, &part) {
            Ok(expression) => parsed.0.insert((part.start, part.end), expression?),
            Err(error) => return Some(Err(error)),
        };
        text.replace_range(part.clone(), &"x".repeat(part.len()));
    }
    let mut tree = match T::parse(&text) {
        Ok(tree) => tree,
        Err(error) => return Some(Err(error)),
    };
    tree.visit(&mut parsed);
    // Whatever was not found in the tree would be lost.
    parsed.0.is_empty().then_some(Ok(tree))
}

/// The text as the parser takes it: everything at its place, and as long as it was.
fn rewritten(text: &str, folds: &Folds, false_ends: &[usize]) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    for hidden in &folds.hidden {
        let blank = |b: &mut u8| *b = if *b == b'\n' { b'\n' } else { b' ' };
        bytes.get_mut(hidden.clone())?.iter_mut().for_each(blank);
    }
    for number in &folds.numbers {
        for (at, byte) in bytes.get_mut(number.clone())?.iter_mut().enumerate() {
            *byte = if at == 1 { b'.' } else { b'1' };
        }
    }
    for end in false_ends {
        let width = text.get(*end..)?.chars().next()?.len_utf8();
        let other = if bytes.get(*end) == Some(&b'x') { b'y' } else { b'x' };
        bytes.get_mut(*end..end + width)?.fill(other);
    }
    String::from_utf8(bytes).ok()
}

/// Parses a part at its place. What is put before it and behind it has no place in the tree.
fn parsed_part(text: &str, part: &Range<usize>) -> Result<Option<Expression>, Error> {
    let written = text.get(part.clone()).unwrap_or_default();
    let start = part.start;
    let in_brackets = |count: usize| format!("{}{written}{}", "(".repeat(count), ")".repeat(count));
    let (parsed, brackets) = match start {
        0..=2 => (parse_expr(&in_brackets(start))?, start),
        _ => {
            let body = parse_body(&format!("{}x={}", " ".repeat(start - 3), in_brackets(1)))?;
            match body.into_iter().next() {
                Some(Structure::Attribute(attribute)) => (attribute.value, 1),
                _ => return Ok(None),
            }
        }
    };
    let mut inner = Some(parsed);
    for _ in 0..brackets {
        inner = match inner {
            Some(Expression::Parenthesis(outer)) => Some(outer.into_inner()),
            _ => None,
        };
    }
    Ok(inner)
}

/// Parts by their places, to be put where the tree has a name in their place.
struct Parts(HashMap<(usize, usize), Expression>);

impl VisitMut for Parts {
    fn visit_expr_mut(&mut self, expression: &mut Expression) {
        // A part may be nothing but the beginning of a longer one, which is found first.
        while let (Expression::Variable(_), Some(range)) = (&*expression, expression.span()) {
            match self.0.remove(&(range.start, range.end)) {
                Some(part) => *expression = part,
                None => break,
            }
        }
        visit_expr_mut(self, expression);
    }
}
