//! Conversion of values between types, as variables, arguments and conditionals need it.
//!
//! Primitives convert through their text; lists, sets and tuples into each other element by element; maps and
//! objects likewise. Marks stay at their place, unknowns stay unknown with what is still known about them, nulls
//! become nulls of the wanted type. Where the wanted type has `any` inside a collection, the elements decide: they
//! are brought to the one type that all convert to (see [`super::unify`]).

use crate::model::value::Refinement;
use crate::model::{Fields, Number, Path, PathStep, Str, Type, Value, set};
use std::fmt;

pub use super::unify::unify;

/// A value does not fit a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConvertError {
    /// Where in the value.
    pub path: Path,
    /// What is wrong there, such as `string required, found list of number`.
    pub message: String,
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl ConvertError {
    fn new(message: impl Into<String>) -> Self {
        ConvertError { path: Path::root(), message: message.into() }
    }

    fn mismatch(to: &Type, from: &Type) -> Self {
        Self::new(format!("{} required, found {}", to.friendly(), from.friendly()))
    }

    /// The same without the text of the value, where that must not be shown.
    pub fn without_value(mut self) -> Self {
        if let Some(at) = self.message.find(", found \"") {
            self.message.truncate(at);
        }
        self
    }

    fn below(mut self, step: PathStep) -> Self {
        self.path.0.insert(0, step);
        self
    }
}

type Converted = Result<Value, ConvertError>;

/// The value as one of the given type. Optional attributes that are absent become null.
pub fn convert(value: &Value, to: &Type) -> Converted {
    match value {
        Value::Marked(m) => {
            return Ok(convert(&m.value, to).map_err(ConvertError::without_value)?.mark(m.marks));
        }
        Value::Null(from) => return convert_absent(from, to).map(Value::Null),
        Value::Unknown(u) => {
            let ty = convert_absent(&u.ty, to)?;
            return Ok(Value::refined(ty.clone(), kept_refinement(&u.refinement, &u.ty, &ty)));
        }
        _ => (),
    }
    match (value, to) {
        (_, Type::Dynamic) => Ok(value.clone()),
        (Value::Bool(_), Type::Bool) | (Value::Number(_), Type::Number) | (Value::String(_), Type::String) => {
            Ok(value.clone())
        }
        (Value::Bool(b), Type::String) => Ok(Value::string(if *b { "true" } else { "false" })),
        (Value::Number(n), Type::String) => Ok(Value::string(n.to_string())),
        (Value::String(s), Type::Number) => number_from_text(s),
        (Value::String(s), Type::Bool) => bool_from_text(s),
        (Value::List(s), Type::List(t)) if s.element == **t && !s.element.has_dynamic() => Ok(value.clone()),
        (Value::Set(s), Type::Set(t)) if s.element == **t && !s.element.has_dynamic() => Ok(value.clone()),
        (Value::Map(m), Type::Map(t)) if m.element == **t && !m.element.has_dynamic() => Ok(value.clone()),
        (Value::List(s) | Value::Set(s), Type::List(t)) => {
            let (element, items) = collect_items(&s.items, Some(&s.element), t, to)?;
            Ok(Value::list(element, items))
        }
        (Value::List(s) | Value::Set(s), Type::Set(t)) => {
            let (element, items) = collect_items(&s.items, Some(&s.element), t, to)?;
            Ok(set::set(element, items))
        }
        (Value::Tuple(items), Type::List(t)) => {
            let (element, items) = collect_items(items, None, t, to)?;
            Ok(Value::list(element, items))
        }
        (Value::Tuple(items), Type::Set(t)) => {
            let (element, items) = collect_items(items, None, t, to)?;
            Ok(set::set(element, items))
        }
        (Value::Tuple(items), Type::Tuple(types)) => convert_tuple(items, types),
        (Value::Map(m), Type::Map(t)) => convert_map(&m.entries, Some(&m.element), t, to),
        (Value::Object(fields), Type::Map(t)) => convert_map(fields, None, t, to),
        (Value::Object(fields), Type::Object(_)) => convert_object(fields, to, PathStep::Attr),
        (Value::Map(m), Type::Object(_)) => convert_object(&m.entries, to, PathStep::Key),
        _ => Err(ConvertError::mismatch(to, &value.ty())),
    }
}

/// Whether values of one type may convert to another; a text that is no number shows only when it is converted.
pub fn can_convert(from: &Type, to: &Type) -> bool {
    result_type(from, to).is_some()
}

/// The type that a value of type `from` has once it is converted to `to`: `to` with each `any` filled in.
pub fn result_type(from: &Type, to: &Type) -> Option<Type> {
    match (from, to) {
        (_, Type::Dynamic) => Some(from.clone()),
        (Type::Dynamic, _) => Some(to.without_optional()),
        (Type::Bool | Type::Number | Type::String, Type::String) => Some(Type::String),
        (Type::Number | Type::String, Type::Number) => Some(Type::Number),
        (Type::Bool | Type::String, Type::Bool) => Some(Type::Bool),
        (Type::List(f) | Type::Set(f), Type::List(t)) => Some(Type::list(result_type(f, t)?)),
        (Type::List(f) | Type::Set(f), Type::Set(t)) => Some(Type::set(result_type(f, t)?)),
        (Type::Tuple(fs), Type::List(t)) => Some(Type::list(element_type(fs.iter(), t)?)),
        (Type::Tuple(fs), Type::Set(t)) => Some(Type::set(element_type(fs.iter(), t)?)),
        (Type::Tuple(fs), Type::Tuple(ts)) if fs.len() == ts.len() => {
            let types: Option<Vec<Type>> = fs.iter().zip(ts.iter()).map(|(f, t)| result_type(f, t)).collect();
            Some(Type::tuple(types?))
        }
        (Type::Map(f), Type::Map(t)) => Some(Type::map(result_type(f, t)?)),
        (Type::Object(o), Type::Map(t)) => Some(Type::map(element_type(o.attrs.iter().map(|(_, f)| f), t)?)),
        (Type::Map(f), Type::Object(o)) => {
            let attrs = o.attrs.iter().map(|(n, t)| Some((n.clone(), result_type(f, t)?)));
            Some(Type::object(attrs.collect::<Option<Vec<_>>>()?))
        }
        (Type::Object(f), Type::Object(o)) => {
            let attrs = o.attrs.iter().map(|(n, t)| match f.get(n) {
                Some(from) => Some((n.clone(), result_type(from, t)?)),
                None if o.optional.contains(n) => Some((n.clone(), t.without_optional())),
                None => None,
            });
            Some(Type::object(attrs.collect::<Option<Vec<_>>>()?))
        }
        _ => None,
    }
}

/// The one type of the elements of a collection made from elements of these types.
fn element_type<'t>(from: impl Iterator<Item = &'t Type>, to: &Type) -> Option<Type> {
    let types: Vec<Type> = from.map(|f| result_type(f, to)).collect::<Option<_>>()?;
    if types.is_empty() || !to.has_dynamic() { Some(to.without_optional()) } else { unify(&types) }
}

/// The type of a null or an unknown after conversion.
fn convert_absent(from: &Type, to: &Type) -> Result<Type, ConvertError> {
    result_type(from, to).ok_or_else(|| ConvertError::mismatch(to, from))
}

/// What stays true of an unknown when its type changes.
fn kept_refinement(known: &Refinement, from: &Type, to: &Type) -> Refinement {
    if from == to {
        return known.clone();
    }
    let mut kept = Refinement { not_null: known.not_null, ..Refinement::default() };
    if from.is_collection() && to.is_collection() {
        // Elements may turn out equal in a set.
        let into_set = matches!(to, Type::Set(_));
        kept.min_length = known.min_length.map(|n| if into_set { n.min(1) } else { n });
        kept.max_length = known.max_length;
    }
    kept
}

fn number_from_text(text: &Str) -> Converted {
    let wrong = || ConvertError::new(format!("number required, found \"{text}\""));
    Number::parse(text).map(Value::Number).ok_or_else(wrong)
}

fn bool_from_text(text: &Str) -> Converted {
    match &**text {
        "true" | "1" => Ok(Value::Bool(true)),
        "false" | "0" => Ok(Value::Bool(false)),
        "True" | "TRUE" | "False" | "FALSE" => {
            Err(ConvertError::new(format!("bool required, found \"{text}\"; write {}", text.to_lowercase())))
        }
        _ => Err(ConvertError::new(format!("bool required, found \"{text}\""))),
    }
}

/// The elements of a list or set converted, and their type.
fn collect_items(
    items: &[Value],
    from: Option<&Type>,
    element: &Type,
    whole: &Type,
) -> Result<(Type, Vec<Value>), ConvertError> {
    refuse_empty(items.len(), from, element)?;
    let converted = |(i, v): (usize, &Value)| convert(v, element).map_err(|e| e.below(PathStep::Index(i)));
    let items: Vec<Value> = items.iter().enumerate().map(converted).collect::<Result<_, _>>()?;
    if !element.has_dynamic() {
        return Ok((element.without_optional(), items));
    }
    let ty = common_type(items.iter(), from, element, whole)?;
    let items = items.iter().map(|v| bring_to(v, &ty, whole)).collect::<Result<_, _>>()?;
    Ok((ty, items))
}

/// Refuses a collection without elements where its elements would never convert, whatever they were.
fn refuse_empty(count: usize, from: Option<&Type>, to: &Type) -> Result<(), ConvertError> {
    match from.filter(|from| count == 0 && !can_convert(from, to)) {
        Some(from) => {
            Err(ConvertError::new(format!("elements of type {} required, found {}", to.friendly(), from.friendly())))
        }
        None => Ok(()),
    }
}

fn convert_map(fields: &Fields, from: Option<&Type>, element: &Type, whole: &Type) -> Converted {
    refuse_empty(fields.len(), from, element)?;
    let converted = |(n, v): &(Str, Value)| match convert(v, element) {
        Ok(v) => Ok((n.clone(), v)),
        Err(e) => Err(e.below(PathStep::Key(n.clone()))),
    };
    let entries: Vec<(Str, Value)> = fields.iter().map(converted).collect::<Result<_, _>>()?;
    if !element.has_dynamic() {
        return Ok(Value::map(element.without_optional(), entries));
    }
    let known: Vec<&Value> = entries.iter().map(|(_, v)| v).filter(|v| !is_untyped_null(v)).collect();
    if known.len() < entries.len() && !comes_to_one(&known) {
        return Err(no_single_type(whole));
    }
    let ty = common_type(known.into_iter(), from, element, whole)?;
    let bring = |(n, v): &(Str, Value)| Ok((n.clone(), bring_to(v, &ty, whole)?));
    Ok(Value::map(ty.clone(), entries.iter().map(bring).collect::<Result<Vec<_>, _>>()?))
}

/// Whether values beside an untyped null are primitive, or of one type, as in Terraform.
fn comes_to_one(known: &[&Value]) -> bool {
    let types: Vec<Type> = known.iter().map(|value| value.ty()).collect();
    types.iter().all(Type::is_primitive) || types.iter().all(|ty| Some(ty) == types.first())
}

fn is_untyped_null(value: &Value) -> bool {
    matches!(value.bare(), Value::Null(Type::Dynamic))
}

/// The one type of values that an `any` inside a collection stands for.
fn common_type<'v>(
    items: impl Iterator<Item = &'v Value>,
    from: Option<&Type>,
    element: &Type,
    whole: &Type,
) -> Result<Type, ConvertError> {
    let types: Vec<Type> = items.map(Value::ty).collect();
    match (types.first(), from) {
        (None, Some(from)) => Ok(result_type(from, element).unwrap_or_else(|| element.without_optional())),
        (None, None) => Ok(element.without_optional()),
        (Some(first), _) if types.iter().all(|t| t == first) => Ok(first.clone()),
        _ => unify(&types).ok_or_else(|| no_single_type(whole)),
    }
}

/// An element as the common type. A common type with `any` in it leaves elements as they are: they have to agree.
fn bring_to(value: &Value, ty: &Type, whole: &Type) -> Converted {
    let converted = convert(value, ty).map_err(|_| no_single_type(whole))?;
    if converted.ty() != *ty && converted.is_wholly_known() { Err(no_single_type(whole)) } else { Ok(converted) }
}

fn no_single_type(whole: &Type) -> ConvertError {
    let kind = match whole {
        Type::List(_) => "list",
        Type::Set(_) => "set",
        _ => "map",
    };
    ConvertError::new(format!("the elements of a {kind} must all have one type, these cannot be brought to any"))
}

fn convert_tuple(items: &[Value], types: &[Type]) -> Converted {
    if items.len() != types.len() {
        let message = format!("tuple of {} elements required, found {}", types.len(), items.len());
        return Err(ConvertError::new(message));
    }
    let converted = |(i, (v, t)): (usize, (&Value, &Type))| convert(v, t).map_err(|e| e.below(PathStep::Index(i)));
    Ok(Value::tuple(items.iter().zip(types).enumerate().map(converted).collect::<Result<_, _>>()?))
}

fn convert_object(fields: &Fields, to: &Type, step: fn(Str) -> PathStep) -> Converted {
    let Type::Object(o) = to else { return Err(ConvertError::new("object required")) };
    let mut out = Vec::with_capacity(o.attrs.len());
    for (name, ty) in &o.attrs {
        let value = match fields.get(name) {
            Some(value) => convert(value, ty).map_err(|e| e.below(step(name.clone())))?,
            None if o.optional.contains(name) => Value::Null(ty.without_optional()),
            None => return Err(ConvertError::new(format!("attribute \"{name}\" is required"))),
        };
        out.push((name.clone(), value));
    }
    Ok(Value::fields(Fields::new(out)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Marks;

    fn tuple(items: impl IntoIterator<Item = Value>) -> Value {
        Value::tuple(items.into_iter().collect())
    }

    #[test]
    fn primitives_convert_through_text() {
        assert_eq!(convert(&"1e3".into(), &Type::Number), Ok(Value::int(1000)));
        assert_eq!(convert(&Value::Bool(true), &Type::String), Ok("true".into()));
        assert_eq!(convert(&"0".into(), &Type::Bool), Ok(Value::Bool(false)));
        let error = convert(&Value::list(Type::Number, vec![]), &Type::String).unwrap_err();
        assert_eq!(error.message, "string required, found list of number");
        assert!(convert(&Value::int(1), &Type::Bool).is_err());
        assert!(convert(&" 1".into(), &Type::Number).is_err());
    }

    #[test]
    fn any_in_a_collection_is_decided_by_the_elements() {
        let any_list = Type::list(Type::Dynamic);
        let mixed = convert(&tuple([Value::int(1), "a".into()]), &any_list).unwrap();
        assert_eq!(mixed, Value::list(Type::String, vec!["1".into(), "a".into()]));
        assert!(convert(&tuple([Value::int(1), true.into()]), &any_list).is_err());
        let with_null = convert(&tuple([Value::int(1), Value::NULL]), &any_list).unwrap();
        assert_eq!(with_null.ty(), Type::list(Type::Number));
        // As in Terraform, an untyped null does not take the type of a structure.
        assert!(convert(&tuple([Value::NULL, tuple([Value::int(1)])]), &any_list).is_err());
        assert_eq!(convert(&tuple([]), &any_list).unwrap().ty(), any_list);
    }

    #[test]
    fn absent_optional_attributes_become_null() {
        let to = Type::object_with_optional([("a", Type::String), ("b", Type::Number)], ["b".into()]);
        let value = convert(&Value::object([("a", Value::int(1)), ("c", true.into())]), &to).unwrap();
        assert_eq!(value, Value::object([("a", "1".into()), ("b", Value::Null(Type::Number))]));
        let error = convert(&Value::object([("b", Value::int(1))]), &to).unwrap_err();
        assert_eq!(error.to_string(), "attribute \"a\" is required");
    }

    #[test]
    fn errors_say_where() {
        let to = Type::list(Type::object([("port", Type::Number)]));
        let error = convert(&tuple([Value::object([("port", "x".into())])]), &to).unwrap_err();
        assert_eq!(error.to_string(), "[0].port: number required, found \"x\"");
    }

    #[test]
    fn marks_and_unknowns_stay() {
        let secret = Value::int(1).mark(Marks::SENSITIVE);
        let list = convert(&tuple([secret, Value::unknown(Type::Dynamic)]), &Type::list(Type::String)).unwrap();
        let items = list.as_items().unwrap();
        assert_eq!(items[0], Value::from("1").mark(Marks::SENSITIVE));
        assert_eq!(items[1], Value::unknown(Type::String));
        let set = convert(&list, &Type::set(Type::String)).unwrap();
        assert_eq!(set.unmark().1, Marks::SENSITIVE);
    }
}
