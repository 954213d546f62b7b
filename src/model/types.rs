//! The types of the language: primitives, collections of one element type, and structures.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::Str;

/// The type of a value, or a constraint on it. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Any type; as the type of a value, one that is not known yet.
    Dynamic,
    Bool,
    Number,
    String,
    List(Arc<Type>),
    Set(Arc<Type>),
    Map(Arc<Type>),
    Tuple(Arc<Vec<Type>>),
    Object(Arc<ObjectType>),
}

/// Attributes sorted by name; those in `optional` may be absent in values that convert to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectType {
    pub attrs: Vec<(Str, Type)>,
    pub optional: BTreeSet<Str>,
}

impl ObjectType {
    pub fn get(&self, name: &str) -> Option<&Type> {
        self.attrs.binary_search_by(|(n, _)| (**n).cmp(name)).ok().map(|i| &self.attrs[i].1)
    }
}

impl Type {
    pub fn list(element: Type) -> Type {
        Type::List(Arc::new(element))
    }

    pub fn set(element: Type) -> Type {
        Type::Set(Arc::new(element))
    }

    pub fn map(element: Type) -> Type {
        Type::Map(Arc::new(element))
    }

    pub fn tuple(elements: Vec<Type>) -> Type {
        Type::Tuple(Arc::new(elements))
    }

    /// An object type; the attributes may come in any order.
    pub fn object<N: Into<Str>>(attrs: impl IntoIterator<Item = (N, Type)>) -> Type {
        Type::object_with_optional(attrs, [])
    }

    pub fn object_with_optional<N: Into<Str>>(
        attrs: impl IntoIterator<Item = (N, Type)>,
        optional: impl IntoIterator<Item = Str>,
    ) -> Type {
        let mut attrs: Vec<(Str, Type)> = attrs.into_iter().map(|(n, t)| (n.into(), t)).collect();
        attrs.sort_by(|a, b| a.0.cmp(&b.0));
        attrs.dedup_by(|later, first| later.0 == first.0);
        Type::Object(Arc::new(ObjectType { attrs, optional: optional.into_iter().collect() }))
    }

    pub fn is_primitive(&self) -> bool {
        matches!(self, Type::Bool | Type::Number | Type::String)
    }

    pub fn is_collection(&self) -> bool {
        matches!(self, Type::List(_) | Type::Set(_) | Type::Map(_))
    }

    /// Whether `Dynamic` stands anywhere in it.
    pub fn has_dynamic(&self) -> bool {
        match self {
            Type::Dynamic => true,
            Type::Bool | Type::Number | Type::String => false,
            Type::List(t) | Type::Set(t) | Type::Map(t) => t.has_dynamic(),
            Type::Tuple(ts) => ts.iter().any(Type::has_dynamic),
            Type::Object(o) => o.attrs.iter().any(|(_, t)| t.has_dynamic()),
        }
    }

    /// The same type with no attribute optional: the type that converted values have.
    pub fn without_optional(&self) -> Type {
        match self {
            Type::List(t) => Type::list(t.without_optional()),
            Type::Set(t) => Type::set(t.without_optional()),
            Type::Map(t) => Type::map(t.without_optional()),
            Type::Tuple(ts) => Type::tuple(ts.iter().map(Type::without_optional).collect()),
            Type::Object(o) => Type::object(o.attrs.iter().map(|(n, t)| (n.clone(), t.without_optional()))),
            primitive => primitive.clone(),
        }
    }

    /// Without the names of attributes: objects are of any type.
    pub fn without_names(&self) -> Type {
        match self {
            Type::List(t) => Type::list(t.without_names()),
            Type::Set(t) => Type::set(t.without_names()),
            Type::Map(t) => Type::map(t.without_names()),
            Type::Tuple(ts) => Type::tuple(ts.iter().map(Type::without_names).collect()),
            Type::Object(_) => Type::Dynamic,
            primitive => primitive.clone(),
        }
    }

    /// For messages: `string`, `list of number`, `object`.
    pub fn friendly(&self) -> String {
        match self {
            Type::Dynamic => "any".into(),
            Type::Bool => "bool".into(),
            Type::Number => "number".into(),
            Type::String => "string".into(),
            Type::List(t) => format!("list of {}", t.friendly()),
            Type::Set(t) => format!("set of {}", t.friendly()),
            Type::Map(t) => format!("map of {}", t.friendly()),
            Type::Tuple(_) => "tuple".into(),
            Type::Object(_) => "object".into(),
        }
    }
}

/// As the type would be written in a variable declaration: `list(object({ a = string }))`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dynamic => f.write_str("any"),
            Type::Bool => f.write_str("bool"),
            Type::Number => f.write_str("number"),
            Type::String => f.write_str("string"),
            Type::List(t) => write!(f, "list({t})"),
            Type::Set(t) => write!(f, "set({t})"),
            Type::Map(t) => write!(f, "map({t})"),
            Type::Tuple(ts) => {
                f.write_str("tuple([")?;
                for (i, t) in ts.iter().enumerate() {
                    write!(f, "{}{t}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("])")
            }
            Type::Object(o) if o.attrs.is_empty() => f.write_str("object({})"),
            Type::Object(o) => {
                f.write_str("object({ ")?;
                for (i, (n, t)) in o.attrs.iter().enumerate() {
                    let sep = if i > 0 { ", " } else { "" };
                    match o.optional.contains(n) {
                        true => write!(f, "{sep}{n} = optional({t})")?,
                        false => write!(f, "{sep}{n} = {t}")?,
                    }
                }
                f.write_str(" })")
            }
        }
    }
}
