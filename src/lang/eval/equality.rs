//! `==`: values are equal if they have the same type and the same contents.

use super::unknown_not_null;
use crate::model::value::Refinement;
use crate::model::{Type, Value};

/// Whether two values are equal, as a bool that is unknown where that is not certain yet. Marks at any depth move
/// to the result.
pub(super) fn equals(a: &Value, b: &Value) -> Value {
    let ((a, left), (b, right)) = (a.unmark_deep(), b.unmark_deep());
    let result = match compare(&a, &b, false) {
        Some(equal) => Value::Bool(equal),
        None => unknown_not_null(Type::Bool),
    };
    result.mark(left | right)
}

/// `alike` says that the types are known to be the same, at any depth.
fn compare(a: &Value, b: &Value, alike: bool) -> Option<bool> {
    match (a, b) {
        (Value::Null(_), Value::Null(_)) => return Some(true),
        (Value::Null(_), Value::Unknown(u)) | (Value::Unknown(u), Value::Null(_)) => {
            return if u.refinement.not_null { Some(false) } else { None };
        }
        (Value::Null(_), _) | (_, Value::Null(_)) => return Some(false),
        (Value::Bool(x), Value::Bool(y)) => return Some(x == y),
        (Value::Number(x), Value::Number(y)) => return Some(x == y),
        (Value::String(x), Value::String(y)) => return Some(x == y),
        (Value::Unknown(u), other) | (other, Value::Unknown(u)) => return compare_unknown(&u.ty, u, other),
        _ => (),
    }
    if a.is_wholly_known() && a.shares_contents_with(b) {
        return Some(true);
    }
    if alike {
        return contents(a, b, true);
    }
    let (left, right) = (a.ty(), b.ty());
    if left != right {
        let undecided = (left.has_dynamic() || right.has_dynamic()) && !(a.is_wholly_known() && b.is_wholly_known());
        // Whatever the types turn out to be, what differs in number is not equal.
        let apart = Refinement::of(a).excludes(&Refinement::of(b));
        return if undecided && !apart { None } else { Some(false) };
    }
    contents(a, b, !left.has_dynamic())
}

fn compare_unknown(ty: &Type, unknown: &crate::model::value::Unknown, other: &Value) -> Option<bool> {
    let theirs = other.ty();
    if !ty.has_dynamic() && !theirs.has_dynamic() && *ty != theirs {
        return Some(false);
    }
    let known = match other {
        // A known text is longer than what it begins with: the other cannot begin with more.
        Value::String(text) => match &unknown.refinement.prefix {
            Some(prefix) if !text.starts_with(&**prefix) => return Some(false),
            _ => return None,
        },
        other => Refinement::of(other),
    };
    unknown.refinement.excludes(&known).then_some(false)
}

/// Compares values of one type. Of a sequence the first difference decides, and so does the first part that is not
/// known; names have no order, and any difference decides.
fn contents(a: &Value, b: &Value, alike: bool) -> Option<bool> {
    if let (Value::Set(x), Value::Set(y)) = (a, b) {
        if a.is_wholly_known() && b.is_wholly_known() {
            return Some(x.items == y.items);
        }
        return Refinement::of(a).excludes(&Refinement::of(b)).then_some(false);
    }
    if let (Some(x), Some(y)) = (a.as_items(), b.as_items()) {
        if x.len() != y.len() {
            return Some(false);
        }
        return all(x.iter().zip(y), alike);
    }
    if let (Some(x), Some(y)) = (a.as_fields(), b.as_fields()) {
        if x.len() != y.len() || !x.keys().eq(y.keys()) {
            return Some(false);
        }
        let parts: Vec<Option<bool>> = x.values().zip(y.values()).map(|(x, y)| compare(x, y, alike)).collect();
        return match parts.contains(&Some(false)) {
            true => Some(false),
            false => (!parts.contains(&None)).then_some(true),
        };
    }
    Some(false)
}

fn all<'v>(mut pairs: impl Iterator<Item = (&'v Value, &'v Value)>, alike: bool) -> Option<bool> {
    pairs
        .find_map(|(x, y)| match compare(x, y, alike) {
            Some(true) => None,
            decided => Some(decided),
        })
        .unwrap_or(Some(true))
}
