//! The shapes beside values in plans: what of a value is unknown, what is sensitive, what is known of it.
//!
//! Primitives that are not are left out of objects, and are `false` in lists, where their place counts.

use serde_json::{Map, Value as Json};

use crate::model::value_json::number_to_json;
use crate::model::{Marks, Str, Type, Value};

/// The known parts: unknown attributes are left out, unknown elements are null. Nothing for an unknown value.
/// Ephemeral values belong in no plan: null stands for them.
pub fn known(value: &Value) -> Option<Json> {
    let element = |v: &Value| known(v).unwrap_or(Json::Null);
    if value.unmark().1.contains(Marks::EPHEMERAL) {
        return Some(Json::Null);
    }
    Some(match value.bare() {
        Value::Unknown(_) => return None,
        Value::Null(_) | Value::Marked(_) => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(n) => number_to_json(n),
        Value::String(s) => Json::String(s.to_string()),
        Value::List(s) | Value::Set(s) => s.items.iter().map(element).collect(),
        Value::Tuple(items) => items.iter().map(element).collect(),
        Value::Map(m) => fields(m.entries.iter(), known),
        Value::Object(f) => fields(f.iter(), known),
    })
}

/// `true` where it is unknown; an empty object for a resource that is wholly known.
pub fn unknown(value: &Value) -> Json {
    if value.is_wholly_known() { Json::Object(Map::new()) } else { unknown_in(value) }
}

/// The same of an output, whose shape is `false` where it is wholly known.
pub fn unknown_output(value: &Value) -> Json {
    if value.is_wholly_known() { Json::Bool(false) } else { unknown_in(value) }
}

fn unknown_in(value: &Value) -> Json {
    match value.bare() {
        Value::Unknown(_) => Json::Bool(true),
        Value::List(s) | Value::Set(s) => s.items.iter().map(unknown_in).collect(),
        Value::Tuple(items) => items.iter().map(unknown_in).collect(),
        Value::Map(m) => fields(m.entries.iter(), |v| said(unknown_in(v))),
        Value::Object(f) => fields(f.iter(), |v| said(unknown_in(v))),
        _ => Json::Bool(false),
    }
}

/// `true` where a mark says that it is sensitive, which covers everything below.
pub fn sensitive(value: &Value) -> Json {
    let (bare, marks) = value.unmark();
    if marks.is_secret() {
        return Json::Bool(true);
    }
    match bare {
        Value::Unknown(u) => match &u.ty {
            Type::Map(_) | Type::Object(_) => Json::Object(Map::new()),
            Type::List(_) | Type::Set(_) | Type::Tuple(_) => Json::Array(Vec::new()),
            _ => Json::Bool(false),
        },
        Value::List(s) | Value::Set(s) => s.items.iter().map(sensitive).collect(),
        Value::Tuple(items) => items.iter().map(sensitive).collect(),
        Value::Map(m) => fields(m.entries.iter(), |v| said(sensitive(v))),
        Value::Object(f) => fields(f.iter(), |v| said(sensitive(v))),
        _ => Json::Bool(false),
    }
}

fn said(shape: Json) -> Option<Json> {
    (shape != Json::Bool(false)).then_some(shape)
}

fn fields<'v>(of: impl Iterator<Item = &'v (Str, Value)>, json: impl Fn(&Value) -> Option<Json>) -> Json {
    Json::Object(of.filter_map(|(n, v)| Some((n.to_string(), json(v)?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Value {
        let dynamic = Value::unknown(Type::Dynamic);
        Value::object([
            ("id", Value::unknown(Type::String)),
            (
                "input",
                Value::object([
                    ("emptyl", Value::tuple(vec![])),
                    ("emptym", Value::object::<&str>([])),
                    ("ml", Value::list(Type::String, vec!["a".into()])),
                    ("nul", Value::NULL),
                    ("s", "x".into()),
                    ("sl", Value::tuple(vec![1.into(), Value::object([("a", 1.into())])]).mark(Marks::SENSITIVE)),
                    ("tup", Value::tuple(vec!["k".into(), Value::unknown(Type::String)])),
                ]),
            ),
            ("output", Value::unknown(Type::object([("a", Type::String)]))),
            ("dynamic", dynamic),
            ("triggers_replace", Value::NULL),
        ])
    }

    #[test]
    fn unknown_and_sensitive_have_their_established_shapes() {
        assert_eq!(
            unknown(&sample()),
            json!({"id": true, "dynamic": true, "output": true, "input": {
                "emptyl": [], "emptym": {}, "ml": [false], "sl": [false, {}], "tup": [false, true]}})
        );
        assert_eq!(
            sensitive(&sample()),
            json!({"output": {}, "input": {"emptyl": [], "emptym": {}, "ml": [false], "sl": true, "tup": [false, false]}})
        );
        assert_eq!(
            known(&sample()).unwrap(),
            json!({"triggers_replace": null, "input": {"emptyl": [], "emptym": {}, "ml": ["a"], "nul": null,
                "s": "x", "sl": [1, {"a": 1}], "tup": ["k", null]}})
        );
        assert_eq!((unknown(&Value::NULL), unknown_output(&Value::NULL)), (json!({}), json!(false)));
    }
}
