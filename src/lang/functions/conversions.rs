//! Conversion to a wanted type, and what is secret or short-lived about a value.

use super::call::not_null;
use super::{Call, CallError, Function, Kind, MarkPolicy, Needs, Returns, nullable};
use crate::lang::convert::convert;
use crate::model::{Marks, Type, Value};

type Answer = Result<Value, CallError>;

pub static FUNCTIONS: &[Function] = &[
    own(
        "ephemeralasnull",
        "The value with each short-lived part replaced by null.",
        &[nullable("value", Kind::Any, "Any value.")],
        |call| Ok(without_ephemeral(call.arg(0)?)),
    ),
    own("issensitive", "Whether a value is sensitive.", &[nullable("value", Kind::Any, "Any value.")], issensitive),
    own(
        "nonsensitive",
        "The same value, shown from now on. Use it only where nothing secret is left in it.",
        &[nullable("value", Kind::Any, "A sensitive value.")],
        nonsensitive,
    ),
    own("sensitive", "The same value, never shown.", &[nullable("value", Kind::Any, "Any value.")], |call| {
        Ok(call.arg(0)?.clone().mark(Marks::SENSITIVE))
    }),
    own("tobool", "The value as a bool.", VALUE, |call| to(call, Kind::Bool)),
    own("tolist", "The value as a list.", VALUE, |call| to(call, Kind::AnyList)),
    own("tomap", "The value as a map.", VALUE, |call| to(call, Kind::AnyMap)),
    own("tonumber", "The value as a number.", VALUE, |call| to(call, Kind::Number)),
    own("toset", "The value as a set: no element twice.", VALUE, |call| to(call, Kind::AnySet)),
    own("tostring", "The value as a string.", VALUE, |call| to(call, Kind::String)),
];

const VALUE: &[super::Param] = &[nullable("v", Kind::Any, "The value to convert.")];

const fn own(
    name: &'static str,
    doc: &'static str,
    params: &'static [super::Param],
    body: fn(&Call<'_>) -> Answer,
) -> Function {
    let returns = Returns::Depends(Kind::Any, |_| Ok(Value::unknown(Type::Dynamic)));
    Function { name, doc, params, variadic: None, returns, marks: MarkPolicy::Own, needs: Needs::Nothing, body }
}

fn to(call: &Call<'_>, kind: Kind) -> Answer {
    let value = call.arg(0)?;
    convert(value, &kind.ty()).map_err(|e| {
        let secret = value.all_marks().is_secret();
        let message =
            if secret { format!("this sensitive value is no {}", kind.ty().friendly()) } else { e.to_string() };
        CallError::at(0, message)
    })
}

fn issensitive(call: &Call<'_>) -> Answer {
    let (bare, marks) = call.arg(0)?.unmark();
    if marks.contains(Marks::SENSITIVE) {
        return Ok(true.into());
    }
    // What is not known yet may turn out sensitive.
    Ok(if bare.is_unknown() { not_null(Type::Bool) } else { false.into() })
}

fn nonsensitive(call: &Call<'_>) -> Answer {
    let (bare, marks) = call.arg(0)?.unmark();
    Ok(bare.clone().mark(marks.without(Marks::SENSITIVE | Marks::REPEATED)))
}

fn without_ephemeral(value: &Value) -> Value {
    let (bare, marks) = value.unmark();
    if marks.contains(Marks::EPHEMERAL) {
        return Value::Null(bare.ty()).mark(marks.without(Marks::EPHEMERAL));
    }
    bare.map_children(&mut |v| without_ephemeral(v)).mark(marks)
}
