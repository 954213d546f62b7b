//! What differs between two sequences: elements of lists and sets, lines of texts.

use std::collections::HashMap;
use std::hash::Hash;

use similar::{Algorithm, DiffOp};

use super::delta::{Delta, Forced, Item, Line, Sign, whole};
use crate::model::{Value, set};
use crate::render::quote;

/// Equal elements that stay beside a change, for the place to be recognised.
const CONTEXT: usize = 1;
/// The same of text, where a line says less.
const LINE_CONTEXT: usize = 3;
/// Comparing costs the square of the differences. Sequences that are longer than this together, without their
/// equal ends, are compared by position where less than half of them is in both.
const MAX_LENGTH: usize = 2_000;
/// Beyond this length they always are.
const MAX_COMPARED: usize = 20_000;

/// How one element is compared with the one in its place; see [`super::delta::delta`].
pub type Compare<'c> = &'c dyn Fn(Option<&Value>, Option<&Value>, &Forced) -> Delta;

/// The elements of two lists or tuples.
pub fn list(before: &[Value], after: &[Value], forced: &Forced, compare: Compare) -> Vec<Item> {
    let element = |old: Option<usize>, new: Option<usize>| {
        let at = new.or(old).unwrap_or_default();
        Part::Differs(compare(old.and_then(|i| before.get(i)), new.and_then(|i| after.get(i)), &forced.index(at)))
    };
    let mut items = Vec::new();
    for op in operations(before, after) {
        match op {
            DiffOp::Equal { old_index, len, .. } => {
                items.extend(before.iter().skip(old_index).take(len).map(Part::Same));
            }
            DiffOp::Delete { old_index, old_len, .. } => {
                items.extend((old_index..old_index + old_len).map(|i| element(Some(i), None)));
            }
            DiffOp::Insert { new_index, new_len, .. } => {
                items.extend((new_index..new_index + new_len).map(|i| element(None, Some(i))));
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                let old = |k: usize| (k < old_len).then_some(old_index + k);
                let new = |k: usize| (k < new_len).then_some(new_index + k);
                items.extend((0..old_len.max(new_len)).map(|k| element(old(k), new(k))));
            }
        }
    }
    folded(items)
}

/// The elements of two sets, each of which is there or not.
pub fn set(before: &[Value], after: &[Value], compare: Compare) -> Vec<Item> {
    let none = Forced::default();
    let (mut b, mut a) = (before.iter().peekable(), after.iter().peekable());
    let mut parts = Vec::new();
    loop {
        let order = match (b.peek(), a.peek()) {
            (Some(x), Some(y)) if x == y => std::cmp::Ordering::Equal,
            // Elements that only compare as equal, such as two unknowns, still are two.
            (Some(x), Some(y)) => set::compare(x, y).then(std::cmp::Ordering::Less),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => break,
        };
        match (order, order.is_le().then(|| b.next()).flatten(), order.is_ge().then(|| a.next()).flatten()) {
            (std::cmp::Ordering::Equal, Some(v), _) => parts.push(Part::Same(v)),
            (_, Some(v), _) => parts.push(Part::Differs(compare(Some(v), None, &none))),
            (_, None, Some(v)) => parts.push(Part::Differs(compare(None, Some(v), &none))),
            (_, None, None) => break,
        }
    }
    // Sets have no places: equal elements beside a change say nothing.
    let same = parts.iter().filter(|p| matches!(p, Part::Same(_))).count();
    let mut items: Vec<Item> = parts.into_iter().filter_map(Part::difference).map(Item::Element).collect();
    if same > 0 {
        items.push(Item::Hidden(same));
    }
    items
}

/// The lines of two texts.
pub fn lines(before: &str, after: &str) -> Vec<Line> {
    let (before, after) = (quote::printable(before), quote::printable(after));
    let (b, a): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut parts = Vec::new();
    for op in operations(&b, &a) {
        let (old, new) = (op.old_range(), op.new_range());
        if let DiffOp::Equal { .. } = op {
            parts.extend(b.iter().skip(old.start).take(old.len()).map(|l| (Sign::Same, *l)));
            continue;
        }
        parts.extend(b.iter().skip(old.start).take(old.len()).map(|l| (Sign::Remove, *l)));
        parts.extend(a.iter().skip(new.start).take(new.len()).map(|l| (Sign::Add, *l)));
    }
    let keep = near_changes(&parts.iter().map(|(s, _)| *s != Sign::Same).collect::<Vec<_>>(), LINE_CONTEXT);
    let mut lines = Vec::new();
    for ((sign, text), keep) in parts.into_iter().zip(keep) {
        match (keep, lines.last_mut()) {
            (true, _) => lines.push(Line::Text(sign, text.to_string())),
            (false, Some(Line::Hidden(n))) => *n += 1,
            (false, _) => lines.push(Line::Hidden(1)),
        }
    }
    lines
}

enum Part<'v> {
    Same(&'v Value),
    Differs(Delta),
}

impl Part<'_> {
    fn difference(self) -> Option<Delta> {
        match self {
            Part::Same(_) => None,
            Part::Differs(delta) => Some(delta),
        }
    }
}

/// Hides the equal elements that are far from any change.
fn folded(parts: Vec<Part>) -> Vec<Item> {
    let keep = near_changes(&parts.iter().map(|p| matches!(p, Part::Differs(_))).collect::<Vec<_>>(), CONTEXT);
    let mut items = Vec::new();
    for (part, keep) in parts.into_iter().zip(keep) {
        match (part, keep, items.last_mut()) {
            (Part::Differs(delta), ..) => items.push(Item::Element(delta)),
            // An equal structure beside a change would be many lines of nothing new.
            (Part::Same(v), true, _) if v.as_items().is_none() && v.as_fields().is_none() => {
                items.push(Item::Element(whole(v, Sign::Same)));
            }
            (Part::Same(_), _, Some(Item::Hidden(n))) => *n += 1,
            (Part::Same(_), ..) => items.push(Item::Hidden(1)),
        }
    }
    items
}

/// Which parts are changes or at most `context` away from one. A gap of a single part is kept: saying that it
/// is hidden would take the same line.
fn near_changes(differs: &[bool], context: usize) -> Vec<bool> {
    let mut keep = vec![false; differs.len()];
    let mut last: Option<usize> = None;
    for (i, _) in differs.iter().enumerate().filter(|(_, d)| **d) {
        let from = match last {
            Some(l) if i - l <= 2 * context + 2 => l,
            _ => i.saturating_sub(context),
        };
        keep.iter_mut().take((i + context + 1).min(differs.len())).skip(from).for_each(|k| *k = true);
        last = Some(i);
    }
    keep
}

/// The shortest way from one sequence to the other. Elements are compared as numbers, one for each distinct
/// element, so that large elements are hashed once.
fn operations<T: Hash + Eq>(before: &[T], after: &[T]) -> Vec<DiffOp> {
    let start = before.iter().zip(after).take_while(|(b, a)| b == a).count();
    let (b, a) = (&before[start..], &after[start..]);
    let end = b.iter().rev().zip(a.iter().rev()).take_while(|(x, y)| x == y).count();
    let (b, a) = (&b[..b.len() - end], &a[..a.len() - end]);
    let mut ops = Vec::new();
    if start > 0 {
        ops.push(DiffOp::Equal { old_index: 0, new_index: 0, len: start });
    }
    let mut numbers: HashMap<&T, u32> = HashMap::new();
    let mut number = |v| {
        let next = numbers.len() as u32;
        *numbers.entry(v).or_insert(next)
    };
    let old: Vec<u32> = b.iter().map(&mut number).collect();
    let first_new = old.iter().max().map_or(0, |n| n + 1);
    let new: Vec<u32> = a.iter().map(&mut number).collect();
    let shared = new.iter().filter(|n| **n < first_new).count();
    let length = old.len() + new.len();
    if length > MAX_COMPARED || (length > MAX_LENGTH && shared * 4 < length) {
        ops.push(DiffOp::Replace { old_index: start, old_len: b.len(), new_index: start, new_len: a.len() });
    } else {
        ops.extend(similar::capture_diff_slices(Algorithm::Myers, &old, &new).into_iter().map(|op| shifted(op, start)));
    }
    if end > 0 {
        ops.push(DiffOp::Equal { old_index: before.len() - end, new_index: after.len() - end, len: end });
    }
    ops
}

fn shifted(op: DiffOp, by: usize) -> DiffOp {
    match op {
        DiffOp::Equal { old_index, new_index, len } => {
            DiffOp::Equal { old_index: old_index + by, new_index: new_index + by, len }
        }
        DiffOp::Delete { old_index, old_len, new_index } => {
            DiffOp::Delete { old_index: old_index + by, old_len, new_index: new_index + by }
        }
        DiffOp::Insert { old_index, new_index, new_len } => {
            DiffOp::Insert { old_index: old_index + by, new_index: new_index + by, new_len }
        }
        DiffOp::Replace { old_index, old_len, new_index, new_len } => {
            DiffOp::Replace { old_index: old_index + by, old_len, new_index: new_index + by, new_len }
        }
    }
}
