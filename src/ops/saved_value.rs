//! Values, types and paths in a saved plan: JSON that keeps what is unknown, what is marked, and every type.
//!
//! Texts, booleans, finite numbers and tuples are themselves; everything else is an object of one member that names what
//! it is. Nothing ephemeral is written: what stands for it has its form and no more.

use serde_json::{Map, Value as Json, json};

use crate::model::value::Refinement;
use crate::model::value_json::{number_from_json, number_to_json, type_from_json, type_to_json};
use crate::model::{Fields, Key, Marks, Number, Path, PathStep, Str, Value, set};
use crate::plan::ephemeral::blank;

pub fn write(value: &Value) -> Json {
    let of = |ty, items: &[Value]| json!([type_to_json(ty), items.iter().map(write).collect::<Vec<_>>()]);
    match value {
        Value::Null(ty) => json!({"null": type_to_json(ty)}),
        Value::Unknown(unknown) => json!({"unknown": [type_to_json(&unknown.ty), refinement(&unknown.refinement)]}),
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(n) => match number_to_json(n) {
            Json::String(text) => json!({"number": text}),
            number => number,
        },
        Value::String(text) => Json::String(text.to_string()),
        Value::List(s) => json!({"list": of(&s.element, &s.items)}),
        Value::Set(s) => json!({"set": of(&s.element, &s.items)}),
        Value::Map(m) => json!({"map": [type_to_json(&m.element), write_fields(&m.entries)]}),
        Value::Tuple(items) => items.iter().map(write).collect(),
        Value::Object(fields) => json!({"object": write_fields(fields)}),
        Value::Marked(m) => {
            let bare = if m.marks.contains(Marks::EPHEMERAL) { blank(&m.value) } else { m.value.clone() };
            json!({"marked": [marks_text(m.marks), write(&bare)]})
        }
    }
}

pub fn write_fields(fields: &Fields) -> Json {
    Json::Object(fields.iter().map(|(name, value)| (name.to_string(), write(value))).collect())
}

/// Reads what [`write`] writes.
pub fn read(json: &Json) -> Option<Value> {
    let entries = match json {
        Json::Null => return None,
        Json::Bool(b) => return Some(Value::Bool(*b)),
        Json::Number(n) => return number_from_json(n).map(Value::Number),
        Json::String(text) => return Some(Value::string(text.as_str())),
        Json::Array(items) => return Some(Value::tuple(items.iter().map(read).collect::<Option<_>>()?)),
        Json::Object(entries) => entries,
    };
    let (name, inner) = entries.iter().next()?;
    let items = || inner.get(1)?.as_array()?.iter().map(read).collect::<Option<Vec<_>>>();
    let ty = || type_from_json(inner.get(0)?);
    Some(match name.as_str() {
        "null" => Value::Null(type_from_json(inner)?),
        "unknown" => Value::refined(ty()?, read_refinement(inner.get(1)?)?),
        "number" => Value::Number(Number::parse(inner.as_str()?)?),
        "list" => Value::list(ty()?, items()?),
        "set" => set::set(ty()?, items()?),
        "map" => Value::map(ty()?, read_fields(inner.get(1)?)?.iter().cloned()),
        "object" => Value::object(read_fields(inner)?.iter().cloned()),
        "marked" => read(inner.get(1)?)?.mark(read_marks(inner.get(0)?.as_str()?)?),
        _ => return None,
    })
}

pub fn read_fields(json: &Json) -> Option<Fields> {
    json.as_object()?.iter().map(|(name, value)| Some((Str::from(name.as_str()), read(value)?))).collect::<Option<_>>()
}

const MARKS: [(&str, Marks); 4] = [
    ("sensitive", Marks::SENSITIVE),
    ("ephemeral", Marks::EPHEMERAL),
    ("declared", Marks::DECLARED),
    ("repeated", Marks::REPEATED),
];

fn marks_text(marks: Marks) -> String {
    let names: Vec<&str> = MARKS.iter().filter(|(_, m)| marks.contains(*m)).map(|(name, _)| *name).collect();
    names.join(", ")
}

fn read_marks(text: &str) -> Option<Marks> {
    let mark = |name: &str| MARKS.iter().find(|(n, _)| *n == name).map(|(_, mark)| *mark);
    text.split(", ").try_fold(Marks::NONE, |marks, name| Some(marks | mark(name)?))
}

fn refinement(known: &Refinement) -> Json {
    let bound = |(number, included): &(Number, bool)| json!([number.to_string(), included]);
    let mut json = Map::new();
    let mut add = |name: &str, part: Option<Json>| json.extend(part.map(|part| (name.to_string(), part)));
    add("not_null", known.not_null.then_some(Json::Bool(true)));
    add("prefix", known.prefix.as_ref().map(|p| Json::from(&**p)));
    add("min", known.min.as_ref().map(bound));
    add("max", known.max.as_ref().map(bound));
    add("min_length", known.min_length.map(Json::from));
    add("max_length", known.max_length.map(Json::from));
    Json::Object(json)
}

fn read_refinement(json: &Json) -> Option<Refinement> {
    let bound = |name: &str| match json.get(name) {
        None => Some(None),
        Some(bound) => Some(Some((Number::parse(bound.get(0)?.as_str()?)?, bound.get(1)?.as_bool()?))),
    };
    let length = |name: &str| json.get(name).and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok());
    Some(Refinement {
        not_null: json.get("not_null").is_some(),
        prefix: json.get("prefix").and_then(Json::as_str).map(Str::from),
        min: bound("min")?,
        max: bound("max")?,
        min_length: length("min_length"),
        max_length: length("max_length"),
    })
}

pub fn write_key(key: &Key) -> Json {
    match key {
        Key::Index(n) => (*n).into(),
        Key::Name(name) => (**name).into(),
    }
}

pub fn read_key(json: &Json) -> Option<Key> {
    match json {
        Json::String(name) => Some(Key::Name(name.as_str().into())),
        number => number.as_u64().map(Key::Index),
    }
}

pub fn write_path(path: &Path) -> Json {
    let step = |step: &PathStep| match step {
        PathStep::Attr(name) => json!({"attr": &**name}),
        PathStep::Key(name) => json!({"key": &**name}),
        PathStep::Index(i) => json!({"index": i}),
        PathStep::Element(value) => json!({"element": write(value)}),
    };
    path.0.iter().map(step).collect()
}

pub fn read_path(json: &Json) -> Option<Path> {
    let step = |json: &Json| {
        let (name, value) = json.as_object()?.iter().next()?;
        Some(match name.as_str() {
            "attr" => PathStep::Attr(value.as_str()?.into()),
            "key" => PathStep::Key(value.as_str()?.into()),
            "index" => PathStep::Index(value.as_u64()?.try_into().ok()?),
            "element" => PathStep::Element(read(value)?),
            _ => return None,
        })
    };
    json.as_array()?.iter().map(step).collect::<Option<_>>().map(Path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Type;

    #[test]
    fn values_are_read_as_they_were_written() {
        let bound = (Number::parse("1.5").unwrap(), false);
        let some =
            Refinement { not_null: true, prefix: Some("vpc-".into()), min: Some(bound), ..Refinement::default() };
        for value in [
            Value::Null(Type::list(Type::String)),
            Value::unknown(Type::Dynamic),
            Value::refined(Type::String, some),
            Value::Number(Number::infinite(true)),
            Value::Number(Number::parse("12345678901234567890.125").unwrap()),
            Value::list(Type::Number, vec![]),
            set::set(Type::String, vec!["b".into(), Value::unknown(Type::String), "a".into()]),
            Value::map(Type::String, [("k".into(), Value::from("v").mark(Marks::SENSITIVE))]),
            Value::object([("t", Value::tuple(vec![Value::TRUE, Value::Null(Type::Bool)]).mark(Marks::SENSITIVE))]),
        ] {
            let text = write(&value).to_string();
            assert_eq!(read(&serde_json::from_str(&text).unwrap()), Some(value), "{text}");
        }
    }

    #[test]
    fn of_an_ephemeral_value_only_the_form_is_written() {
        let value = Value::object([("key", Value::from("hush"))]).mark(Marks::SENSITIVE | Marks::EPHEMERAL);
        let json = write(&value);
        assert!(!json.to_string().contains("hush"));
        let blanked = Value::object([("key", Value::from(""))]).mark(Marks::SENSITIVE | Marks::EPHEMERAL);
        assert_eq!(read(&json), Some(blanked));
    }
}
