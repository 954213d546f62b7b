//! Objects of thousands of entries. The parser compares each key of an object with all before it; so it is given a
//! large object as a list of keys and values, written in the same place: `{ a = 1 }` as `[ a , 1 ]`.

use std::ops::Range;

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::parser::Error;
use hcl_edit::{Decorated, Ident, Span as _};

use super::fold::{Folder, Folds};
use super::outline::{Bracket, Kind, Node, Outliner};
use super::{Tree, put_together, rewritten};

/// Bytes from which on a text is looked through for large objects.
pub(super) const TEXT: usize = 64 << 10;
/// Entries up to which an object is left to the parser.
pub(super) const ENTRIES: usize = 1000;
/// Entries of unusual form that are looked at one by one.
const MAX_UNUSUAL: usize = 8;

/// What stands before the `=` of an entry.
#[derive(Clone, Copy, Debug)]
pub enum Key<'e> {
    Name(&'e Decorated<Ident>),
    Expression(&'e Expression),
}

/// Keys and values of an object, large ones too. Nothing where the expression is none.
pub fn entries<'e>(expression: &'e Expression, text: &str) -> Option<Vec<(Key<'e>, &'e Expression)>> {
    match expression {
        Expression::Object(object) => {
            let entry = |(key, value): (&'e ObjectKey, &'e hcl_edit::expr::ObjectValue)| match key {
                ObjectKey::Ident(name) => (Key::Name(name), value.expr()),
                ObjectKey::Expression(key) => (Key::Expression(key), value.expr()),
            };
            Some(object.iter().map(entry).collect())
        }
        Expression::Array(array) => {
            let start = array.span()?.start;
            if text.as_bytes().get(start) != Some(&b'{') {
                return None;
            }
            let mut items = array.iter();
            let mut entries = Vec::with_capacity(array.len() / 2);
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                let key = match key {
                    Expression::Variable(name) => Key::Name(name),
                    other => Key::Expression(other),
                };
                entries.push((key, value));
            }
            Some(entries)
        }
        _ => None,
    }
}

/// Where a large object and its entries stand, and what is written in its place.
#[derive(Debug)]
pub(super) struct LargeObject {
    place: Range<usize>,
    entries: Vec<Range<usize>>,
    /// Places of commas, each with the blanks that stand before it: comments may.
    commas: Vec<Range<usize>>,
    is_closed: bool,
    /// Entries that may be no entries.
    unusual: Vec<usize>,
}

impl LargeObject {
    pub fn new(text: &str, object: &Node, nodes: &[Node]) -> LargeObject {
        let is_closed = text.get(object.range()).is_some_and(|text| text.ends_with('}'));
        let mut large = LargeObject {
            place: object.range(),
            entries: Vec::new(),
            commas: Vec::new(),
            is_closed,
            unusual: Vec::new(),
        };
        let mut rest = nodes;
        while !rest.is_empty() {
            let end = rest.iter().position(|n| matches!(n.kind, Kind::Comma | Kind::Newline));
            let (entry, behind) = rest.split_at(end.unwrap_or(rest.len()));
            let separator = behind.first();
            if let (Some(first), Some(last)) = (entry.first(), entry.last()) {
                large.entry(first.start..last.end, entry);
                if let Some(line_break) = separator.filter(|n| matches!(n.kind, Kind::Newline)) {
                    large.commas.push(last.end..line_break.end);
                }
            }
            rest = behind.get(1..).unwrap_or_default();
        }
        large
    }

    fn entry(&mut self, place: Range<usize>, nodes: &[Node]) {
        let sign = nodes.iter().position(|n| matches!(n.kind, Kind::Assign | Kind::Colon));
        let is_key = |node: &Node| {
            matches!(node.kind, Kind::Word | Kind::Number | Kind::Template(_) | Kind::Group(Bracket::Round, _))
        };
        match (sign.and_then(|at| nodes.get(at)), nodes) {
            (Some(sign), [key, ..])
                if is_key(key) && nodes.len() > 2 && nodes.get(1).is_some_and(|n| n.start == sign.start) =>
            {
                self.commas.push(sign.range());
            }
            _ => self.unusual.push(place.start),
        }
        self.entries.push(place);
    }

    /// Writes the object as a list.
    fn write_list(&self, bytes: &mut [u8]) -> Option<()> {
        *bytes.get_mut(self.place.start)? = b'[';
        if self.is_closed {
            *bytes.get_mut(self.place.end - 1)? = b']';
        }
        for comma in &self.commas {
            let (last, blanks) = bytes.get_mut(comma.clone())?.split_last_mut()?;
            *last = b',';
            blanks.fill(b' ');
        }
        Some(())
    }

    /// Leaves only the entries around a place.
    fn write_around(&self, at: usize, bytes: &mut [u8]) -> Option<()> {
        let next = self.entries.partition_point(|entry| entry.start <= at);
        let (first, behind) = (next.saturating_sub(2), next + 1);
        let start = self.entries.first()?.start;
        blank(bytes.get_mut(start..self.entries.get(first)?.start)?);
        if let Some(behind) = self.entries.get(behind) {
            let end = if self.is_closed { self.place.end - 1 } else { self.place.end };
            blank(bytes.get_mut(behind.start..end)?);
        }
        Some(())
    }
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Parses a text with large objects in it. Nothing where there are none, or where it can't be done so.
pub(super) fn parse<T: Tree>(text: &str) -> Option<Result<T, Error>> {
    let (mut outliner, mut folder) = (Outliner::lenient(text), Folder::new(text));
    T::fold(&mut outliner, &mut folder)?;
    let folds = folder.folds().filter(|folds| !folds.large.is_empty())?;
    let plain = rewritten(text, &folds, &outliner.false_ends)?;
    let unusual: Vec<usize> = folds.large.iter().flat_map(|large| large.unusual.iter().copied()).collect();
    if unusual.len() > MAX_UNUSUAL {
        // The first of them is likely to be where the text is wrong.
        let first = unusual.iter().copied().min()?;
        return T::parse(&around(&plain, &folds, first)?).err().map(Err);
    }
    for at in unusual {
        if let Err(error) = T::parse(&around(&plain, &folds, at)?) {
            return Some(Err(error));
        }
    }
    let mut bytes = plain.clone().into_bytes();
    for large in &folds.large {
        large.write_list(&mut bytes)?;
    }
    match put_together(String::from_utf8(bytes).ok()?, folds.parts.clone())? {
        Ok(tree) => Some(Ok(tree)),
        // What the parser expected there is not what it would have expected in an object.
        Err(error) => T::parse(&around(&plain, &folds, error.location().offset())?).err().map(Err),
    }
}

/// The text with large objects as lists, but for those around a place: they keep the entries that are next to it.
fn around(text: &str, folds: &Folds, at: usize) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let holds = |large: &&LargeObject| large.place.start <= at && at <= large.place.end;
    for large in folds.large.iter().filter(|large| !holds(large)) {
        large.write_list(&mut bytes)?;
    }
    for large in folds.large.iter().filter(holds) {
        large.write_around(at, &mut bytes)?;
    }
    String::from_utf8(bytes).ok()
}
