//! Values as JSON and back: the encoding of state, plans and `jsonencode`.

use serde_json::{Map, Value as Json};

use super::{Number, Type, Value, set};

/// The JSON of a value without its marks. Unknowns become null: say elsewhere where they stand.
pub fn to_json(value: &Value) -> Json {
    match value.bare() {
        Value::Null(_) | Value::Unknown(_) | Value::Marked(_) => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(n) => number_to_json(n),
        Value::String(s) => Json::String(s.to_string()),
        Value::List(s) | Value::Set(s) => Json::Array(s.items.iter().map(to_json).collect()),
        Value::Tuple(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(m) => Json::Object(m.entries.iter().map(|(k, v)| (k.to_string(), to_json(v))).collect()),
        Value::Object(f) => Json::Object(f.iter().map(|(k, v)| (k.to_string(), to_json(v))).collect()),
    }
}

/// The number with all its digits. JSON has no infinities: they become texts, which are read back where a number is
/// expected.
pub fn number_to_json(n: &Number) -> Json {
    match n.as_i64() {
        Some(i) => Json::from(i),
        // The text of any other number is a JSON number.
        None => serde_json::from_str(&n.to_string()).unwrap_or_else(|_| Json::String(n.to_string())),
    }
}

pub fn number_from_json(n: &serde_json::Number) -> Option<Number> {
    Number::parse(&n.to_string())
}

/// The value that JSON means on its own: arrays are tuples, objects are objects.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::NULL,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => number_from_json(n).map_or(Value::NULL, Value::Number),
        Json::String(s) => Value::string(s.as_str()),
        Json::Array(items) => Value::tuple(items.iter().map(from_json).collect()),
        Json::Object(entries) => Value::object(entries.iter().map(|(k, v)| (k.as_str(), from_json(v)))),
    }
}

/// JSON does not fit the type that it should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {expected} was expected, found {found}")]
pub struct JsonTypeError {
    pub at: String,
    pub expected: String,
    pub found: &'static str,
}

/// Reads JSON as a value of exactly this type. `Dynamic` takes what the JSON means on its own; attributes that
/// are absent become null; names that the type does not have are dropped.
pub fn from_json_typed(json: &Json, ty: &Type) -> Result<Value, JsonTypeError> {
    let wrong = || JsonTypeError { at: String::new(), expected: ty.friendly(), found: kind(json) };
    match (json, ty) {
        (_, Type::Dynamic) => Ok(from_json(json)),
        (Json::Null, _) => Ok(Value::Null(ty.clone())),
        (Json::Bool(b), Type::Bool) => Ok(Value::Bool(*b)),
        (Json::Number(n), Type::Number) => number_from_json(n).map(Value::Number).ok_or_else(wrong),
        (Json::String(s), Type::Number) if matches!(s.as_str(), "+Inf" | "-Inf") => {
            Number::parse(s).map(Value::Number).ok_or_else(wrong)
        }
        (Json::String(s), Type::String) => Ok(Value::string(s.as_str())),
        (Json::Array(items), Type::List(t)) => Ok(Value::list((**t).clone(), read_items(items, |_| t)?)),
        (Json::Array(items), Type::Set(t)) => Ok(set::set((**t).clone(), read_items(items, |_| t)?)),
        (Json::Array(items), Type::Tuple(ts)) if items.len() == ts.len() => {
            Ok(Value::tuple(read_items(items, |i| &ts[i])?))
        }
        (Json::Object(entries), Type::Map(t)) => {
            let read = |(k, v): (&String, &Json)| Ok((k.as_str().into(), in_field(k, from_json_typed(v, t))?));
            Ok(Value::map((**t).clone(), entries.iter().map(read).collect::<Result<Vec<_>, _>>()?))
        }
        (Json::Object(entries), Type::Object(o)) => {
            let null = Json::Null;
            let read = |(n, t): &(super::Str, Type)| {
                let v = entries.get(&**n).unwrap_or(&null);
                Ok((n.clone(), in_field(n, from_json_typed(v, t))?))
            };
            Ok(Value::object(o.attrs.iter().map(read).collect::<Result<Vec<_>, _>>()?))
        }
        _ => Err(wrong()),
    }
}

fn read_items<'t>(items: &[Json], ty: impl Fn(usize) -> &'t Type) -> Result<Vec<Value>, JsonTypeError> {
    let read = |(i, v): (usize, &Json)| {
        from_json_typed(v, ty(i)).map_err(|e| JsonTypeError { at: format!("[{i}]{}", e.at), ..e })
    };
    items.iter().enumerate().map(read).collect()
}

fn in_field(name: &str, read: Result<Value, JsonTypeError>) -> Result<Value, JsonTypeError> {
    read.map_err(|e| JsonTypeError { at: format!(".{name}{}", e.at), ..e })
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// A type in the JSON form that schemas and states use: `"string"`, `["list","string"]`,
/// `["object",{"a":"number"}]`.
pub fn type_to_json(ty: &Type) -> Json {
    let of = |word: &str, t: &Type| Json::Array(vec![word.into(), type_to_json(t)]);
    match ty {
        Type::Dynamic => "dynamic".into(),
        Type::Bool => "bool".into(),
        Type::Number => "number".into(),
        Type::String => "string".into(),
        Type::List(t) => of("list", t),
        Type::Set(t) => of("set", t),
        Type::Map(t) => of("map", t),
        Type::Tuple(ts) => Json::Array(vec!["tuple".into(), ts.iter().map(type_to_json).collect()]),
        Type::Object(o) => {
            let attrs: Map<String, Json> = o.attrs.iter().map(|(n, t)| (n.to_string(), type_to_json(t))).collect();
            let mut parts = vec!["object".into(), Json::Object(attrs)];
            if !o.optional.is_empty() {
                parts.push(o.optional.iter().map(|n| Json::from(&**n)).collect());
            }
            Json::Array(parts)
        }
    }
}

/// Reads what [`type_to_json`] writes.
pub fn type_from_json(json: &Json) -> Option<Type> {
    match json {
        Json::String(word) => match word.as_str() {
            "dynamic" => Some(Type::Dynamic),
            "bool" => Some(Type::Bool),
            "number" => Some(Type::Number),
            "string" => Some(Type::String),
            _ => None,
        },
        Json::Array(parts) => match (parts.first()?.as_str()?, parts.get(1)?) {
            ("list", t) => Some(Type::list(type_from_json(t)?)),
            ("set", t) => Some(Type::set(type_from_json(t)?)),
            ("map", t) => Some(Type::map(type_from_json(t)?)),
            ("tuple", Json::Array(ts)) => Some(Type::tuple(ts.iter().map(type_from_json).collect::<Option<_>>()?)),
            ("object", Json::Object(attrs)) => {
                let attrs = attrs.iter().map(|(n, t)| Some((n.as_str(), type_from_json(t)?)));
                let optional = parts.get(2).and_then(Json::as_array).into_iter().flatten();
                let optional: Vec<super::Str> = optional.filter_map(|n| n.as_str().map(Into::into)).collect();
                Some(Type::object_with_optional(attrs.collect::<Option<Vec<_>>>()?, optional))
            }
            _ => None,
        },
        _ => None,
    }
}
