//! The single type that values of several types can all be brought to.

use super::convert::result_type;
use crate::model::{Str, Type};

/// The type that values of all these types convert to, if there is one: the branches of a conditional, the
/// elements of a collection. `Dynamic` is the answer when that shows only with the values.
///
/// Objects with the same attributes unify attribute by attribute, others become maps; tuples of the same
/// length element by element, others become lists.
pub fn unify(types: &[Type]) -> Option<Type> {
    let mut distinct: Vec<&Type> = Vec::new();
    for ty in types {
        if !distinct.contains(&ty) {
            distinct.push(ty);
        }
    }
    let (dynamic, known): (Vec<&Type>, Vec<&Type>) = distinct.into_iter().partition(|t| **t == Type::Dynamic);
    let Some(first) = known.first() else { return Some(Type::Dynamic) };
    let has = |is: fn(&Type) -> bool| known.iter().any(|t| is(t));
    let all = |is: fn(&Type) -> bool| known.iter().all(|t| is(t));

    if all(|t| matches!(t, Type::Tuple(_) | Type::List(_))) && has(is_list) && has(is_tuple) {
        return unify_lists_and_tuples(&known);
    }
    if all(|t| matches!(t, Type::Object(_) | Type::Map(_))) && has(is_map) && has(is_object) {
        return Some(Type::map(unify_each(&known)?));
    }
    if !dynamic.is_empty() {
        if all(|t| is_object(t) || is_tuple(t)) && has(is_object) && has(is_tuple) {
            return None;
        }
        let primitive = if all(Type::is_primitive) { unify_convertible(&known) } else { None };
        return Some(primitive.unwrap_or(Type::Dynamic));
    }
    if known.len() == 1 {
        return Some((*first).clone());
    }
    if all(is_object) {
        return unify_objects(&known);
    }
    if all(is_tuple) {
        return unify_tuples(&known);
    }
    if all(is_list) {
        return Some(Type::list(unify_children(&known)?));
    }
    if all(is_map) {
        return Some(Type::map(unify_children(&known)?));
    }
    if all(is_set) {
        return Some(Type::set(unify_children(&known)?));
    }
    unify_convertible(&known)
}

fn is_list(t: &Type) -> bool {
    matches!(t, Type::List(_))
}

fn is_set(t: &Type) -> bool {
    matches!(t, Type::Set(_))
}

fn is_map(t: &Type) -> bool {
    matches!(t, Type::Map(_))
}

fn is_tuple(t: &Type) -> bool {
    matches!(t, Type::Tuple(_))
}

fn is_object(t: &Type) -> bool {
    matches!(t, Type::Object(_))
}

/// Whether a structure has no parts, which can be of any type then.
fn is_empty(t: &Type) -> bool {
    match t {
        Type::Tuple(ts) => ts.is_empty(),
        Type::Object(o) => o.attrs.is_empty(),
        _ => false,
    }
}

/// Tuples are taken for lists, each by itself; where one makes none, all must convert to one that is there.
fn unify_lists_and_tuples(types: &[&Type]) -> Option<Type> {
    if types.iter().any(|t| matches!(t, Type::Tuple(ts) if !makes_a_list(ts))) {
        return unify_convertible(types);
    }
    Some(Type::list(unify_each(types)?))
}

/// The element types of all of them, each brought to one before they are unified.
fn unify_each(types: &[&Type]) -> Option<Type> {
    let each = types.iter().filter(|t| !is_empty(t)).map(|t| unify_children(&[t]));
    unify(&each.collect::<Option<Vec<Type>>>()?)
}

/// The element types of all of them, unified.
fn unify_children(types: &[&Type]) -> Option<Type> {
    let mut children = Vec::new();
    for ty in types {
        match ty {
            Type::List(t) | Type::Set(t) | Type::Map(t) => children.push((**t).clone()),
            Type::Tuple(ts) => children.extend(ts.iter().cloned()),
            Type::Object(o) => children.extend(o.attrs.iter().map(|(_, t)| t.clone())),
            _ => (),
        }
    }
    unify(&children)
}

fn unify_objects(types: &[&Type]) -> Option<Type> {
    let objects: Vec<_> = types.iter().filter_map(|t| if let Type::Object(o) = t { Some(o) } else { None }).collect();
    let first = objects.first()?;
    let same = |names: &[(Str, Type)]| names.iter().map(|a| &a.0).eq(first.attrs.iter().map(|a| &a.0));
    if !objects.iter().all(|o| same(&o.attrs)) {
        return Some(Type::map(unify_children(types)?));
    }
    let attr = |i: usize| {
        let column: Vec<Type> = objects.iter().filter_map(|o| o.attrs.get(i)).map(|a| a.1.clone()).collect();
        unify(&column)
    };
    let attrs = first.attrs.iter().enumerate().map(|(i, (n, _))| Some((n.clone(), attr(i)?)));
    Some(Type::object(attrs.collect::<Option<Vec<_>>>()?))
}

fn unify_tuples(types: &[&Type]) -> Option<Type> {
    let tuples: Vec<_> = types.iter().filter_map(|t| if let Type::Tuple(ts) = t { Some(ts) } else { None }).collect();
    let length = tuples.first()?.len();
    if tuples.iter().any(|ts| ts.len() != length) {
        let element = unify_children(types)?;
        let fits = element != Type::Dynamic || tuples.iter().all(|ts| makes_a_list(ts));
        return fits.then(|| Type::list(element));
    }
    let column = |i: usize| unify(&tuples.iter().filter_map(|ts| ts.get(i).cloned()).collect::<Vec<_>>());
    Some(Type::tuple((0..length).map(column).collect::<Option<_>>()?))
}

/// Whether elements of these types make a list of `any`. Where one has no type, as a null, the others must be primitive.
fn makes_a_list(types: &[Type]) -> bool {
    let known: Vec<Type> = types.iter().filter(|ty| **ty != Type::Dynamic).cloned().collect();
    (known.len() == types.len() || known.iter().all(Type::is_primitive)) && unify(&known).is_some()
}

/// The first of the types, the more general ones tried first, that all the others convert to.
fn unify_convertible(types: &[&Type]) -> Option<Type> {
    let generality = |t: &&Type| match t {
        Type::String => 0,
        Type::Number | Type::Bool => 1,
        Type::List(_) => 2,
        Type::Set(_) => 3,
        Type::Map(_) => 4,
        _ => 5,
    };
    let mut candidates = types.to_vec();
    candidates.sort_by_key(generality);
    candidates.into_iter().find(|to| types.iter().all(|from| result_type(from, to).is_some())).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_of_different_shape_become_collections() {
        let object = |n: &str, t: Type| Type::object([(n, t)]);
        assert_eq!(unify(&[object("a", Type::Number), object("a", Type::String)]), Some(object("a", Type::String)));
        assert_eq!(unify(&[object("a", Type::Number), object("b", Type::String)]), Some(Type::map(Type::String)));
        assert_eq!(
            unify(&[Type::tuple(vec![Type::Number]), Type::tuple(vec![Type::Number, Type::String])]),
            Some(Type::list(Type::String))
        );
        assert_eq!(unify(&[Type::Bool, Type::Number]), None);
        assert_eq!(unify(&[Type::Bool, Type::String, Type::Number]), Some(Type::String));
        assert_eq!(unify(&[Type::Dynamic, Type::Number]), Some(Type::Number));
        assert_eq!(unify(&[Type::Dynamic, Type::tuple(vec![])]), Some(Type::Dynamic));
        assert_eq!(unify(&[Type::set(Type::Number), Type::list(Type::String)]), Some(Type::list(Type::String)));
    }
}
