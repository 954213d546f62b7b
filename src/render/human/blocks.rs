//! What differs between two objects of a resource: like any two objects, but absent attributes do not show,
//! what says which object it is stays, and nested blocks stand as blocks where the schema is known.

use super::delta::{Body, Delta, Entry, EntryKind, Forced, Hidden, Item, Sign, delta, is_identity, merged, whole};
use super::sequence;
use crate::model::{Block, Fields, Marks, NestedBlock, Nesting, Value};
use crate::render::quote::{self, quoted};
use crate::render::value_text::{UNKNOWN, WRITE_ONLY, concealed};

/// The expression that the configuration gives an argument or a block; empty where it is long or not one expression.
/// Nothing where the configuration does not say it.
pub type Written<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What becomes of an object; null stands for none. Where it is known what is `written`, what a new object leaves to
/// the provider is counted and not listed, and other unknown values tell where they come from.
pub fn object(
    before: Option<&Value>,
    after: Option<&Value>,
    schema: Option<&Block>,
    forced: &Forced,
    written: Option<&Written>,
) -> Delta {
    let present = |v: Option<&Value>| v.filter(|v| !v.is_null()).cloned();
    let (before, after) = (present(before), present(after));
    let sign = match (&before, &after) {
        (None, Some(_)) => Sign::Add,
        (Some(_), None) => Sign::Remove,
        (b, a) if b == a => Sign::Same,
        _ => Sign::Change,
    };
    let marks = |v: &Option<Value>| v.as_ref().map_or(Marks::NONE, |v| v.unmark().1);
    if let Some(instead) = concealed(marks(&before) | marks(&after)) {
        return Delta::text(sign, instead);
    }
    if after.as_ref().is_some_and(Value::is_unknown) {
        return Delta::text(sign, UNKNOWN);
    }
    let empty = Fields::default();
    let fields = |v: &'_ Option<Value>| v.as_ref().and_then(Value::as_fields).cloned().unwrap_or_default();
    let (b, a) = (fields(&before), fields(&after));
    let mut inside = Inside { entries: Vec::new(), hidden: Hidden::default(), written };
    inside.attributes(&b, &a, schema, forced);
    for nested in schema.map_or(&[][..], |s| &s.blocks) {
        let (b, a) = (&b, &a);
        let of = |fields: &Fields| fields.get(&nested.name).filter(|v| !v.is_null()).cloned();
        inside.nested(nested, of(if before.is_some() { b } else { &empty }), of(a), &forced.field(&nested.name));
    }
    let delta = Delta::new(sign, Body::Fields { entries: inside.entries, hidden: inside.hidden });
    if forced.here() { delta.note(super::delta::FORCES) } else { delta }
}

struct Inside<'w> {
    entries: Vec<Entry>,
    hidden: Hidden,
    written: Option<&'w Written<'w>>,
}

impl Inside<'_> {
    fn attributes(&mut self, before: &Fields, after: &Fields, schema: Option<&Block>, forced: &Forced) {
        for (name, before, after) in merged(before, after) {
            if schema.is_some_and(|s| s.nested(name).is_some()) {
                continue;
            }
            let attribute = schema.and_then(|s| s.attribute(name));
            if attribute.is_some_and(|a| a.write_only) {
                self.write_only(name, before, after);
                continue;
            }
            let secret = attribute.is_some_and(|a| a.sensitive);
            let shown = |v: Option<&Value>| {
                let v = v.filter(|v| !v.is_null())?.clone();
                Some(if secret { v.mark(Marks::SENSITIVE) } else { v })
            };
            let (before, after) = (shown(before), shown(after));
            let forced = forced.field(name);
            if before.is_none() && after.is_none() {
                continue;
            }
            let mut origin = None;
            if before.is_none()
                && after.as_ref().is_some_and(Value::is_unknown)
                && let Some(written) = self.written
            {
                origin = written(name);
                if origin.is_none() {
                    self.hidden.unknown += 1;
                    continue;
                }
            }
            let differs = before != after || forced.any();
            let delta = match before {
                Some(v) if !differs && &**name == "tags" => identifying_tag(&v),
                Some(v) if !differs => is_identity(name).then(|| whole(&v, Sign::Same)),
                before => Some(delta(before.as_ref(), after.as_ref(), &forced)),
            };
            match delta {
                Some(delta) => {
                    // Nothing stands beside a concealed value: the expression may hold a part of it.
                    let plain = matches!(&delta.body, Body::Text(text) if text == UNKNOWN);
                    let origin = origin.filter(|text| plain && !text.is_empty());
                    let delta = origin.into_iter().fold(delta, Delta::note);
                    self.entries.push(Entry::argument(quote::name(name).into_owned(), delta));
                }
                None => self.hidden.attributes += 1,
            }
        }
    }

    /// Values of write-only attributes are in no plan; a mark on the null tells that one is given. Whether a given
    /// one changes cannot be known, so it only shows where there was none.
    fn write_only(&mut self, name: &str, before: Option<&Value>, after: Option<&Value>) {
        let given = |v: Option<&Value>| v.is_some_and(|v| !v.is_null() || !v.unmark().1.is_empty());
        if given(after) && before != after {
            let delta = Delta::text(if given(before) { Sign::Change } else { Sign::Add }, WRITE_ONLY);
            self.entries.push(Entry::argument(quote::name(name).into_owned(), delta));
        }
    }

    fn nested(&mut self, nested: &NestedBlock, before: Option<Value>, after: Option<Value>, forced: &Forced) {
        if before == after && !forced.any() {
            self.hidden.blocks += before.map_or(0, |v| count(nested, &v));
            return;
        }
        let marks = |v: &Option<Value>| v.as_ref().map_or(Marks::NONE, |v| v.unmark().1);
        let left_open = before.is_none() && after.as_ref().is_some_and(Value::is_unknown);
        if left_open && self.written.is_some_and(|written| written(&nested.name).is_none()) {
            self.hidden.unknown += 1;
            return;
        }
        let instead = concealed(marks(&before) | marks(&after));
        let unknown = after.as_ref().is_some_and(Value::is_unknown).then_some(UNKNOWN);
        if let Some(instead) = instead.or(unknown) {
            let sign = if before.is_some() { Sign::Change } else { Sign::Add };
            self.block(nested, None, Delta::text(sign, instead));
            return;
        }
        let compare = |b: Option<&Value>, a: Option<&Value>, f: &Forced| object(b, a, Some(&nested.block), f, None);
        let items = |v: &Option<Value>| v.as_ref().and_then(Value::as_items).unwrap_or(&[]).to_vec();
        let found = match nested.nesting {
            Nesting::Single => vec![Item::Element(compare(before.as_ref(), after.as_ref(), forced))],
            Nesting::List => sequence::list(&items(&before), &items(&after), forced, &compare),
            Nesting::Set => sequence::set(&items(&before), &items(&after), &compare),
            Nesting::Map => return self.labelled(nested, before, after, forced),
        };
        // Which of a set's blocks forces it cannot be told: then all that differ are noted.
        let all_force = nested.nesting == Nesting::Set && forced.any();
        for item in found {
            match item {
                Item::Hidden(n) => self.hidden.blocks += n,
                Item::Element(delta) if all_force => self.block(nested, None, delta.note(super::delta::FORCES)),
                Item::Element(delta) => self.block(nested, None, delta),
            }
        }
    }

    fn labelled(&mut self, nested: &NestedBlock, before: Option<Value>, after: Option<Value>, forced: &Forced) {
        let fields = |v: Option<Value>| v.as_ref().and_then(Value::as_fields).cloned().unwrap_or_default();
        let (before, after) = (fields(before), fields(after));
        for (label, b, a) in merged(&before, &after) {
            let forced = forced.field(label);
            match b == a && !forced.any() {
                true => self.hidden.blocks += 1,
                false => self.block(nested, Some(label), object(b, a, Some(&nested.block), &forced, None)),
            }
        }
    }

    fn block(&mut self, nested: &NestedBlock, label: Option<&str>, delta: Delta) {
        let label = label.map(|l| format!(" {}", quoted(l))).unwrap_or_default();
        self.entries.push(Entry { name: format!("{}{label}", nested.name), kind: EntryKind::Block, delta });
    }
}

fn count(nested: &NestedBlock, value: &Value) -> usize {
    match nested.nesting {
        Nesting::Single => 1,
        Nesting::List | Nesting::Set => value.as_items().map_or(1, <[Value]>::len),
        Nesting::Map => value.as_fields().map_or(1, Fields::len),
    }
}

/// Of equal tags only the name, which is how people know the object.
fn identifying_tag(tags: &Value) -> Option<Delta> {
    if concealed(tags.unmark().1).is_some() {
        return None;
    }
    let fields = tags.as_fields()?;
    let entry = Entry::argument(quoted("Name"), whole(fields.get("Name")?, Sign::Same));
    let hidden = Hidden { elements: fields.len() - 1, ..Hidden::default() };
    Some(Delta::new(Sign::Same, Body::Fields { entries: vec![entry], hidden }))
}
