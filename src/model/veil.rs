//! Hides secrets in texts that others wrote: what a provider says of a call may repeat what it was given.

use std::collections::BTreeSet;

use super::{Block, Diagnostic, Fields, Str, Value};

/// What stands in the place of a secret.
pub const HIDDEN: &str = "(sensitive value)";

/// Secrets of fewer characters are hidden where they stand alone: as parts of words they tell nothing, and a text
/// without every "a" could not be read.
const SHORT: usize = 4;

/// The texts that must not be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Veil {
    /// The longest first, so that none is left in half.
    texts: Vec<Str>,
}

impl Veil {
    /// Hides what is marked sensitive or ephemeral in the values.
    pub fn of<'v>(values: impl IntoIterator<Item = &'v Value>) -> Veil {
        let mut found = BTreeSet::new();
        values.into_iter().for_each(|value| marked(value, &mut found));
        Veil::made_of(found)
    }

    /// Hides what is marked in an object, and what its schema calls sensitive or write-only.
    pub fn of_object(object: &Value, block: &Block) -> Veil {
        let mut found = BTreeSet::new();
        marked(object, &mut found);
        declared(object, block, &mut found);
        Veil::made_of(found)
    }

    /// Hides what either hides.
    #[must_use]
    pub fn and(self, other: Veil) -> Veil {
        Veil::made_of(self.texts.into_iter().chain(other.texts).collect())
    }

    fn made_of(found: BTreeSet<Str>) -> Veil {
        let mut texts: Vec<Str> = found.into_iter().collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Veil { texts }
    }

    /// Whether the text holds a secret.
    pub fn hides(&self, text: &str) -> bool {
        self.texts.iter().any(|secret| next(text, secret, 0).is_some())
    }

    /// The text without the secrets.
    pub fn text(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_string(), |text, secret| without(&text, secret))
    }

    /// The problem without the secrets. The lines of the source that it shows are not the provider's.
    pub fn diagnostic(&self, problem: Diagnostic) -> Diagnostic {
        if self.texts.is_empty() {
            return problem;
        }
        Diagnostic {
            summary: self.text(&problem.summary),
            detail: problem.detail.map(|detail| self.text(&detail)),
            label: problem.label.map(|label| self.text(&label)),
            help: problem.help.iter().map(|help| self.text(help)).collect(),
            ..problem
        }
    }
}

fn marked(value: &Value, found: &mut BTreeSet<Str>) {
    if !value.has_marks() {
        return;
    }
    match value {
        Value::Marked(m) => all(&m.value, found),
        other => children(other, &mut |_, child| marked(child, found)),
    }
}

fn declared(object: &Value, block: &Block, found: &mut BTreeSet<Str>) {
    for (name, value) in object.bare().as_fields().into_iter().flat_map(Fields::iter) {
        match (block.attribute(name), block.nested(name)) {
            (Some(attribute), _) if attribute.sensitive || attribute.write_only => all(value, found),
            (_, Some(nested)) => match value.bare() {
                Value::Object(_) => declared(value, &nested.block, found),
                _ => children(value.bare(), &mut |_, child| declared(child, &nested.block, found)),
            },
            _ => (),
        }
    }
}

/// Every text of a value. The names in an object are part of what is secret.
fn all(value: &Value, found: &mut BTreeSet<Str>) {
    let mut add = |text: &str| {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        found.extend(lines.map(Str::from));
        if !text.trim().is_empty() {
            found.insert(text.into());
        }
    };
    match value.bare() {
        Value::String(text) => add(text),
        Value::Number(number) => add(&number.to_string()),
        other => children(other, &mut |name, child| {
            found.extend(name.filter(|name| name.chars().count() >= SHORT).cloned());
            all(child, found);
        }),
    }
}

fn children(value: &Value, each: &mut dyn FnMut(Option<&Str>, &Value)) {
    match value.bare() {
        Value::Object(fields) => fields.iter().for_each(|(name, child)| each(Some(name), child)),
        Value::Map(map) => map.entries.iter().for_each(|(name, child)| each(Some(name), child)),
        other => other.as_items().unwrap_or(&[]).iter().for_each(|child| each(None, child)),
    }
}

fn without(text: &str, secret: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(at) = next(text, secret, from) {
        out.push_str(&text[from..at]);
        out.push_str(HIDDEN);
        from = at + secret.len();
    }
    out + &text[from..]
}

/// Where the secret stands next.
fn next(text: &str, secret: &str, from: usize) -> Option<usize> {
    let is_short = secret.chars().count() < SHORT;
    let part_of_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let rest = &text[from..];
    let mut found = rest.match_indices(secret).map(|(at, _)| from + at);
    found.find(|at| {
        let (before, after) = (text[..*at].chars().next_back(), text[at + secret.len()..].chars().next());
        !is_short || !(part_of_word(before) || part_of_word(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Marks, Number};

    fn secret(value: impl Into<Value>) -> Value {
        value.into().mark(Marks::SENSITIVE)
    }

    #[test]
    fn secrets_are_hidden_wherever_a_text_repeats_them() {
        let key = Value::object([("hush-key", Value::from("hush"))]).mark(Marks::EPHEMERAL);
        let object = Value::object([
            ("open", Value::from("plain")),
            ("list", Value::tuple(vec![secret("hush-hush"), key])),
            ("port", secret(Value::Number(Number::from_u64(4711)))),
            ("lines", secret("first line\nsecond line\n")),
            ("short", secret("ab")),
        ]);
        let veil = Veil::of([&object]);
        let told = veil.text("plain hush-hush, \"hush\"; hush-key on 4711: second line, ab, cab");
        let hidden = HIDDEN;
        assert_eq!(told, format!("plain {hidden}, \"{hidden}\"; {hidden} on {hidden}: {hidden}, {hidden}, cab"));
        assert!(veil.hides("hush") && !veil.hides("plain"));
        assert_eq!(Veil::of([&Value::from("open")]), Veil::default());
    }

    #[test]
    fn a_problem_keeps_its_place_and_loses_the_secret() {
        let problem = Diagnostic::error("no hush").detail("hush").label("hush").help("not hush");
        let told = Veil::of([&secret("hush")]).diagnostic(problem.clone());
        assert_eq!(told.summary, format!("no {HIDDEN}"));
        assert_eq!((told.detail, told.label), (Some(HIDDEN.to_string()), Some(HIDDEN.to_string())));
        assert_eq!((told.help, told.span), (vec![format!("not {HIDDEN}")], problem.span));
    }
}
