//! Sets and products.

use std::collections::HashSet;

use super::{Call, CallError, Function, Kind, Needs, Returns, param, plain, structural};
use crate::lang::convert::{convert, unify};
use crate::model::set::set;
use crate::model::value::Refinement;
use crate::model::{Type, Value};

type Answer = Result<Value, CallError>;

pub static FUNCTIONS: &[Function] = &[
    set_function(
        "setintersection",
        "The elements that are in all of the sets.",
        &[param("first_set", Kind::AnySet, "A set.")],
        |call| {
            combine(call, |a, b| {
                let b: HashSet<&Value> = b.iter().collect();
                a.into_iter().filter(|v| b.contains(v)).collect()
            })
        },
    )
    .with_variadic(param("other_sets", Kind::AnySet, "Further sets.")),
    structural(
        "setproduct",
        "All combinations of one element of each argument.",
        &[],
        |_| Ok(Value::unknown(Type::Dynamic)),
        setproduct,
    )
    .with_variadic(param("sets", Kind::Any, "Sets, lists or tuples; at least two.")),
    set_function(
        "setsubtract",
        "The elements of the first set that are not in the second.",
        &[param("a", Kind::AnySet, "The set to take from."), param("b", Kind::AnySet, "What to take away.")],
        |call| {
            combine(call, |a, b| {
                let b: HashSet<&Value> = b.iter().collect();
                a.into_iter().filter(|v| !b.contains(v)).collect()
            })
        },
    ),
    set_function(
        "setunion",
        "The elements that are in any of the sets.",
        &[param("first_set", Kind::AnySet, "A set.")],
        |call| {
            combine(call, |mut a, b| {
                a.extend_from_slice(b);
                a
            })
        },
    )
    .with_variadic(param("other_sets", Kind::AnySet, "Further sets."))
    .returning(Returns::Depends(Kind::AnySet, united_later)),
];

const fn set_function(
    name: &'static str,
    doc: &'static str,
    params: &'static [super::Param],
    body: fn(&Call<'_>) -> Answer,
) -> Function {
    let mut function = plain(name, doc, params, Kind::AnySet, body);
    function.returns = Returns::Depends(Kind::AnySet, |call| Ok(super::call::not_null(common_set(call)?)));
    function.needs = Needs::All;
    function
}

/// The set type that all arguments convert to. An empty set of no particular type fits any.
fn common_set(call: &Call<'_>) -> Result<Type, CallError> {
    let untyped = |v: &&Value| v.ty() == Kind::AnySet.ty() && v.as_items().is_some_and(<[Value]>::is_empty);
    let types: Vec<Type> = call.args.iter().filter(|v| !untyped(v)).map(Value::ty).collect();
    match types.is_empty() {
        true => Ok(Kind::AnySet.ty()),
        false => {
            unify(&types).ok_or_else(|| CallError::new("the sets must have elements of types that convert to one"))
        }
    }
}

/// The union of sets that are not all known: not smaller than any of them, and not larger than all together.
fn united_later(call: &Call<'_>) -> Answer {
    let known: Vec<Refinement> = call.args.iter().map(Refinement::of).collect();
    let min_length = known.iter().filter_map(|r| r.min_length).max();
    let max_length = known.iter().map(|r| r.max_length).sum();
    let refinement = Refinement { not_null: true, min_length, max_length, ..Refinement::default() };
    Ok(Value::refined(common_set(call)?, refinement))
}

fn combine(call: &Call<'_>, step: fn(Vec<Value>, &[Value]) -> Vec<Value>) -> Answer {
    let ty = common_set(call)?;
    let mut all: Option<Vec<Value>> = None;
    for (i, arg) in call.args.iter().enumerate() {
        let arg = convert(arg, &ty).map_err(|e| CallError::at(i, e.to_string()))?;
        let items = arg.as_items().unwrap_or(&[]);
        all = Some(match all {
            None => items.to_vec(),
            Some(so_far) => step(so_far, items),
        });
    }
    let Type::Set(element) = ty else { return Err(CallError::new("a set is required")) };
    Ok(set((*element).clone(), all.unwrap_or_default()))
}

fn setproduct(call: &Call<'_>) -> Answer {
    if call.args.len() < 2 {
        return Err(CallError::new("at least two arguments are required"));
    }
    let mut element_types = Vec::new();
    let mut factors: Vec<Vec<Value>> = Vec::new();
    let mut ordered = true;
    for (i, arg) in call.args.iter().enumerate() {
        let Some(items) = arg.as_items() else { return Err(CallError::at(i, "a list, set or tuple is required")) };
        ordered &= !matches!(arg, Value::Set(_));
        let list = convert(&Value::tuple(items.to_vec()), &Kind::AnyList.ty())
            .map_err(|_| CallError::at(i, "the elements must be of types that convert to one"))?;
        let Type::List(element) = list.ty() else { return Err(CallError::at(i, "a list is required")) };
        let element = match arg {
            Value::List(s) | Value::Set(s) => s.element.clone(),
            _ => (*element).clone(),
        };
        element_types.push(element);
        factors.push(list.as_items().unwrap_or(&[]).to_vec());
    }
    let count = factors.iter().fold(1_u64, |count, factor| count.saturating_mul(factor.len() as u64));
    super::call::fits(count.saturating_mul(factors.len() as u64 + 1), 0)?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for factor in &factors {
        rows = rows.iter().flat_map(|row| factor.iter().map(|v| extended(row, v))).collect();
    }
    let (element, rows) = (Type::tuple(element_types), rows.into_iter().map(Value::tuple).collect());
    Ok(if ordered { Value::list(element, rows) } else { set(element, rows) })
}

fn extended(row: &[Value], value: &Value) -> Vec<Value> {
    let mut longer = Vec::with_capacity(row.len() + 1);
    longer.extend_from_slice(row);
    longer.push(value.clone());
    longer
}
