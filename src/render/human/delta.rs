//! What differs between two values, as a tree that can be written line by line.
//!
//! Equal parts are counted, not built, so that the cost follows the changes. Sensitive values end the descent:
//! nothing below a mark ever enters the tree.

use std::borrow::Cow;

use super::sequence;
use crate::model::{Fields, Path, PathStep, Str, Value, value_json};
use crate::render::quote::{self, quoted};
use crate::render::value_text::{UNKNOWN, concealed};

/// What happens to one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Same,
    Add,
    Remove,
    Change,
}

/// One value and what happens to it.
#[derive(Debug, PartialEq)]
pub struct Delta {
    pub sign: Sign,
    pub body: Body,
    /// What stands behind it as a comment, such as `forces replacement`.
    pub notes: Vec<Cow<'static, str>>,
}

#[derive(Debug, PartialEq)]
pub enum Body {
    /// One piece of text on one line.
    Text(Cow<'static, str>),
    Fields {
        entries: Vec<Entry>,
        hidden: Hidden,
    },
    Items(Vec<Item>),
    /// JSON text, compared by what it says.
    Json(Box<Delta>),
    /// Text of several lines.
    Lines(Vec<Line>),
    /// One thing in the place of another: `before -> after`.
    Turned(Box<Delta>, Box<Delta>),
}

/// A named part of an object, map or block.
#[derive(Debug, PartialEq)]
pub struct Entry {
    /// As it is written: quoted where it must be.
    pub name: String,
    pub kind: EntryKind,
    pub delta: Delta,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// `name = value`
    Argument,
    /// `name { … }`
    Block,
}

/// An element of a list, set or tuple, or a run of equal ones that is folded.
#[derive(Debug, PartialEq)]
pub enum Item {
    Element(Delta),
    Hidden(usize),
}

/// A line of a text, or a run of equal ones that is folded.
#[derive(Debug, PartialEq)]
pub enum Line {
    Text(Sign, String),
    Hidden(usize),
}

/// How much is equal and not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    pub attributes: usize,
    /// Entries of a map, which are called elements.
    pub elements: usize,
    pub blocks: usize,
    /// Attributes and blocks of a new object that the configuration leaves to the provider.
    pub unknown: usize,
}

/// The ways below a value whose change forces a replacement.
#[derive(Clone, Debug, Default)]
pub struct Forced<'p>(Vec<&'p [PathStep]>);

impl<'p> Forced<'p> {
    pub fn new(paths: &'p [Path]) -> Self {
        Forced(paths.iter().map(|p| &p.0[..]).collect())
    }

    /// Those that lead through the named part.
    pub fn field(&self, name: &str) -> Forced<'p> {
        self.below(|step| matches!(step, PathStep::Attr(n) | PathStep::Key(n) if **n == *name))
    }

    pub fn index(&self, at: usize) -> Forced<'p> {
        self.below(|step| matches!(step, PathStep::Index(i) if *i == at))
    }

    fn below(&self, through: impl Fn(&PathStep) -> bool) -> Forced<'p> {
        Forced(
            self.0.iter().filter_map(|p| p.split_first().filter(|(s, _)| through(s)).map(|(_, rest)| rest)).collect(),
        )
    }

    /// Whether this very value forces it.
    pub fn here(&self) -> bool {
        self.0.iter().any(|p| p.is_empty())
    }

    /// Whether this value or something in it forces it.
    pub fn any(&self) -> bool {
        !self.0.is_empty()
    }
}

pub const FORCES: Cow<'static, str> = Cow::Borrowed("forces replacement");

impl Delta {
    pub fn new(sign: Sign, body: Body) -> Delta {
        Delta { sign, body, notes: Vec::new() }
    }

    pub fn text(sign: Sign, text: impl Into<Cow<'static, str>>) -> Delta {
        Delta::new(sign, Body::Text(text.into()))
    }

    pub fn note(mut self, note: impl Into<Cow<'static, str>>) -> Delta {
        self.notes.push(note.into());
        self
    }

    fn forced(self, forced: bool) -> Delta {
        if forced { self.note(FORCES) } else { self }
    }
}

/// What becomes of a value; `None` where there is none on that side. At least one side should be there.
pub fn delta(before: Option<&Value>, after: Option<&Value>, forced: &Forced) -> Delta {
    match (before, after) {
        (Some(b), Some(a)) if b == a => whole(b, Sign::Same).forced(forced.here()),
        (Some(b), Some(a)) => changed(b, a, forced),
        (None, Some(a)) => whole(a, Sign::Add).forced(forced.any()),
        (Some(b), None) => whole(b, Sign::Remove).forced(forced.any()),
        (None, None) => Delta::text(Sign::Same, "null"),
    }
}

/// A value all of which is the same, added or removed.
pub fn whole(value: &Value, sign: Sign) -> Delta {
    let (bare, marks) = value.unmark();
    if let Some(instead) = concealed(marks) {
        return Delta::text(sign, instead);
    }
    let body = match bare {
        Value::Null(_) => Body::Text("null".into()),
        Value::Unknown(_) => Body::Text(UNKNOWN.into()),
        Value::Bool(b) => Body::Text(if *b { "true" } else { "false" }.into()),
        Value::Number(n) => Body::Text(n.to_string().into()),
        Value::String(s) => string_body(s, sign),
        Value::List(_) | Value::Set(_) | Value::Tuple(_) => {
            let items = bare.as_items().unwrap_or(&[]);
            Body::Items(items.iter().map(|v| Item::Element(whole(v, sign))).collect())
        }
        Value::Map(_) | Value::Object(_) => {
            let entry = |(name, v): &(Str, Value)| Entry::argument(entry_name(bare, name), whole(v, sign));
            let entries = bare.as_fields().into_iter().flatten().map(entry).collect();
            Body::Fields { entries, hidden: Hidden::default() }
        }
        // Marks never stand around marks.
        Value::Marked(_) => Body::Text(crate::render::value_text::SENSITIVE.into()),
    };
    Delta::new(sign, body)
}

fn string_body(text: &str, sign: Sign) -> Body {
    if let Some(json) = as_json(text) {
        return Body::Json(Box::new(whole(&json, sign)));
    }
    match text.contains('\n') {
        true => Body::Lines(quote::printable(text).lines().map(|l| Line::Text(sign, l.to_string())).collect()),
        false => Body::Text(quoted(text).into()),
    }
}

/// Two values that are not equal.
fn changed(before: &Value, after: &Value, forced: &Forced) -> Delta {
    let ((b, b_marks), (a, a_marks)) = (before.unmark(), after.unmark());
    if let Some(instead) = concealed(b_marks | a_marks) {
        let mut delta = Delta::text(Sign::Change, instead).forced(forced.any());
        let turns = |from, to| concealed(from).is_none() && concealed(to).is_some();
        if turns(b_marks, a_marks) {
            delta = delta.note("becomes sensitive");
        } else if turns(a_marks, b_marks) {
            delta = delta.note("no longer sensitive");
        }
        return delta;
    }
    let body = match (b, a) {
        (Value::String(x), Value::String(y)) => return strings(x, y).forced(forced.any()),
        (Value::Set(_), Value::Set(_)) => {
            let items = sequence::set(b.as_items().unwrap_or(&[]), a.as_items().unwrap_or(&[]), &delta);
            return Delta::new(Sign::Change, Body::Items(items)).forced(forced.any());
        }
        _ => match (b.as_items(), a.as_items(), b.as_fields(), a.as_fields()) {
            (Some(x), Some(y), ..) => Some(Body::Items(sequence::list(x, y, forced, &delta))),
            (.., Some(x), Some(y)) => Some(fields(b, x, a, y, forced)),
            _ => None,
        },
    };
    match body {
        Some(body) => Delta::new(Sign::Change, body).forced(forced.here()),
        None => turned(b, a).forced(forced.any()),
    }
}

fn turned(before: &Value, after: &Value) -> Delta {
    let sides = (Box::new(whole(before, Sign::Remove)), Box::new(whole(after, Sign::Add)));
    Delta::new(Sign::Change, Body::Turned(sides.0, sides.1))
}

fn strings(before: &str, after: &str) -> Delta {
    if let (Some(b), Some(a)) = (as_json(before), as_json(after)) {
        if b == a {
            let same = Body::Json(Box::new(whole(&a, Sign::Same)));
            return Delta::new(Sign::Change, same).note("white space changes");
        }
        // Of two JSON texts of different shape, such as a list and an object, each is shown whole.
        let inner = changed(&b, &a, &Forced::default());
        if !matches!(inner.body, Body::Turned(..)) {
            return Delta::new(Sign::Change, Body::Json(Box::new(inner)));
        }
    } else if before.contains('\n') && after.contains('\n') {
        let delta = Delta::new(Sign::Change, Body::Lines(sequence::lines(before, after)));
        return match before.ends_with('\n') == after.ends_with('\n') {
            true => delta,
            false => delta.note("the last line break changes"),
        };
    }
    turned(&Value::String(before.into()), &Value::String(after.into()))
}

/// The parts of two maps or objects.
fn fields(b: &Value, before: &Fields, a: &Value, after: &Fields, forced: &Forced) -> Body {
    let is_map = matches!(a, Value::Map(_)) || matches!(b, Value::Map(_));
    let mut hidden = Hidden::default();
    let mut entries = Vec::new();
    for (name, before, after) in merged(before, after) {
        let below = forced.field(name);
        let same = before.is_some() && before == after;
        if same && !below.any() && (is_map || !is_identity(name)) {
            let count = if is_map { &mut hidden.elements } else { &mut hidden.attributes };
            *count += 1;
            continue;
        }
        entries.push(Entry::argument(entry_name(a, name), delta(before, after, &below)));
    }
    Body::Fields { entries, hidden }
}

/// Attributes that say which object it is, and so are shown even where they are equal.
pub fn is_identity(name: &str) -> bool {
    matches!(name, "id" | "name")
}

/// JSON that is worth to be shown by its parts.
fn as_json(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(value_json::from_json(&json))
}

impl Entry {
    pub fn argument(name: String, delta: Delta) -> Entry {
        Entry { name, kind: EntryKind::Argument, delta }
    }
}

/// Keys of maps are always quoted, names of attributes where they must be.
fn entry_name(of: &Value, name: &str) -> String {
    match of {
        Value::Map(_) => quoted(name),
        _ => quote::name(name).into_owned(),
    }
}

/// The entries of both by name, each name once.
pub fn merged<'v>(
    before: &'v Fields,
    after: &'v Fields,
) -> impl Iterator<Item = (&'v Str, Option<&'v Value>, Option<&'v Value>)> {
    let (mut b, mut a) = (before.iter().peekable(), after.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (b.peek(), a.peek()) {
            (Some(x), Some(y)) => x.0.cmp(&y.0),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return None,
        };
        let old = if order.is_le() { b.next() } else { None };
        let new = if order.is_ge() { a.next() } else { None };
        let name = old.or(new).map(|(n, _)| n)?;
        Some((name, old.map(|(_, v)| v), new.map(|(_, v)| v)))
    })
}
