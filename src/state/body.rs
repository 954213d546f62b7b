//! Stored values as JSON text and back, without loss of type.
//!
//! The declared type tells how to read JSON. Where it says "any", the value's own type stands beside it:
//! `{"value":["a"],"type":["set","string"]}`, as Terraform's state format 4 does. Nulls of "any" are plain nulls.

use serde_json::Value as Json;

use crate::model::value_json::{
    JsonTypeError, from_json, from_json_typed, number_to_json, type_from_json, type_to_json,
};
use crate::model::{Type, Value, set};

/// The JSON of a value of a declared type, names sorted. Marks are left out; unknowns become null.
pub fn encode(value: &Value, ty: &Type) -> String {
    let mut out = String::new();
    write(value, ty, &mut out);
    out
}

/// Reads JSON text as a value of a declared type.
pub fn decode(text: &str, ty: &Type) -> Result<Value, JsonTypeError> {
    let json: Json = serde_json::from_str(text).map_err(|_| JsonTypeError {
        at: String::new(),
        expected: ty.friendly(),
        found: "text that is not JSON",
    })?;
    read(&json, ty)
}

fn write(value: &Value, ty: &Type, out: &mut String) {
    let bare = value.bare();
    match (bare, ty) {
        (Value::Null(_) | Value::Unknown(_) | Value::Marked(_), _) => out.push_str("null"),
        (_, Type::Dynamic) => {
            let own = bare.ty();
            out.push_str("{\"value\":");
            write(bare, &own, out);
            out.push_str(",\"type\":");
            out.push_str(&type_to_json(&own).to_string());
            out.push('}');
        }
        (Value::Bool(b), _) => out.push_str(if *b { "true" } else { "false" }),
        (Value::Number(n), _) => out.push_str(&number_to_json(n).to_string()),
        (Value::String(s), _) => write_text(s, out),
        (Value::List(_) | Value::Set(_) | Value::Tuple(_), _) => {
            for (i, item) in bare.as_items().unwrap_or(&[]).iter().enumerate() {
                out.push(if i == 0 { '[' } else { ',' });
                match ty {
                    Type::List(t) | Type::Set(t) => write(item, t, out),
                    Type::Tuple(ts) if i < ts.len() => write(item, &ts[i], out),
                    _ => write(item, &item.ty(), out),
                }
            }
            close(bare.as_items().is_none_or(<[_]>::is_empty), "[]", out);
        }
        (Value::Map(_) | Value::Object(_), Type::Object(o)) => {
            let fields = bare.as_fields();
            for (i, (name, t)) in o.attrs.iter().enumerate() {
                write_name(i, name, out);
                match fields.and_then(|f| f.get(name)) {
                    Some(field) => write(field, t, out),
                    None => out.push_str("null"),
                }
            }
            close(o.attrs.is_empty(), "{}", out);
        }
        (Value::Map(_) | Value::Object(_), _) => {
            let fields = bare.as_fields();
            for (i, (name, field)) in fields.into_iter().flatten().enumerate() {
                write_name(i, name, out);
                match ty {
                    Type::Map(t) => write(field, t, out),
                    _ => write(field, &field.ty(), out),
                }
            }
            close(fields.is_none_or(|f| f.is_empty()), "{}", out);
        }
    }
}

fn write_name(i: usize, name: &str, out: &mut String) {
    out.push(if i == 0 { '{' } else { ',' });
    write_text(name, out);
    out.push(':');
}

fn close(empty: bool, brackets: &str, out: &mut String) {
    out.push_str(if empty { brackets } else { &brackets[1..] });
}

/// A JSON string.
pub(super) fn write_text(text: &str, out: &mut String) {
    out.push_str(&Json::from(text).to_string());
}

fn read(json: &Json, ty: &Type) -> Result<Value, JsonTypeError> {
    if !ty.has_dynamic() {
        return from_json_typed(json, ty);
    }
    let all = |items: &[Json], t: &dyn Fn(usize) -> Type| -> Result<Vec<Value>, JsonTypeError> {
        let one = |(i, v)| read(v, &t(i)).map_err(|e| JsonTypeError { at: format!("[{i}]{}", e.at), ..e });
        items.iter().enumerate().map(one).collect()
    };
    let in_field =
        |name: &str, v: &Json, t: &Type| read(v, t).map_err(|e| JsonTypeError { at: format!(".{name}{}", e.at), ..e });
    match (json, ty) {
        (_, Type::Dynamic) => match wrapped(json) {
            Some((value, own)) => read(value, &own),
            None => Ok(from_json(json)),
        },
        (Json::Array(items), Type::List(t)) => Ok(Value::list((**t).clone(), all(items, &|_| (**t).clone())?)),
        (Json::Array(items), Type::Set(t)) => Ok(set::set((**t).clone(), all(items, &|_| (**t).clone())?)),
        (Json::Array(items), Type::Tuple(ts)) if items.len() == ts.len() => {
            Ok(Value::tuple(all(items, &|i| ts[i].clone())?))
        }
        (Json::Object(entries), Type::Map(t)) => {
            let one = |(n, v): (&String, &Json)| Ok((n.as_str().into(), in_field(n, v, t)?));
            Ok(Value::map((**t).clone(), entries.iter().map(one).collect::<Result<Vec<_>, JsonTypeError>>()?))
        }
        (Json::Object(entries), Type::Object(o)) => {
            let one = |(n, t): &(crate::model::Str, Type)| {
                Ok((n.clone(), in_field(n, entries.get(&**n).unwrap_or(&Json::Null), t)?))
            };
            Ok(Value::object(o.attrs.iter().map(one).collect::<Result<Vec<_>, JsonTypeError>>()?))
        }
        // Nulls, and everything that does not fit, for which the error is made in one place.
        _ => from_json_typed(json, ty),
    }
}

/// The value and its type, where a value of "any" was stored with its type.
fn wrapped(json: &Json) -> Option<(&Json, Type)> {
    let entries = json.as_object().filter(|o| o.len() == 2)?;
    Some((entries.get("value")?, type_from_json(entries.get("type")?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(items: &[&str]) -> Vec<Value> {
        items.iter().map(|s| Value::string(*s)).collect()
    }

    #[test]
    fn values_of_any_type_keep_their_exact_type() {
        let ty = Type::object([("any", Type::Dynamic), ("plain", Type::set(Type::String))]);
        let inner = Value::object([
            ("list", Value::list(Type::Number, vec![Value::int(1)])),
            ("map", Value::map(Type::String, [("k".into(), Value::string("v"))])),
            ("null", Value::NULL),
            ("set", set::set(Type::String, texts(&["b", "a"]))),
            ("tuple", Value::tuple(vec![Value::TRUE, Value::Null(Type::String)])),
            ("wrapper-like", Value::object([("type", Value::string("string")), ("value", Value::string("x"))])),
        ]);
        let value = Value::object([("any", inner), ("plain", set::set(Type::String, texts(&["x"])))]);
        assert_eq!(decode(&encode(&value, &ty), &ty).unwrap(), value);
    }

    #[test]
    fn the_encoding_is_that_of_terraform() {
        let ty = Type::object([("id", Type::String), ("input", Type::Dynamic), ("output", Type::Dynamic)]);
        let value = Value::object([("id", Value::string("a")), ("input", set::set(Type::String, texts(&["a"])))]);
        let text = r#"{"id":"a","input":{"value":["a"],"type":["set","string"]},"output":null}"#;
        assert_eq!(encode(&value, &ty), text);
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let ty = Type::object([("a", Type::list(Type::object([("n", Type::Number), ("x", Type::Dynamic)])))]);
        let error = decode(r#"{"a":[{"n":"seven"}]}"#, &ty).unwrap_err();
        assert_eq!(error.to_string(), ".a[0].n: number was expected, found string");
        assert!(decode("{", &ty).is_err());
    }
}
