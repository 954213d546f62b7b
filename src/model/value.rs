//! Values: everything that an expression can evaluate to. Cloning shares the contents.

use std::sync::{Arc, LazyLock};

use super::{Marks, Number, Str, Type};

/// A value of the language. Lists, sets and maps know their element type; tuples and objects take theirs from
/// their elements. Nulls and unknowns are typed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    Null(Type),
    /// Known after apply.
    Unknown(Arc<Unknown>),
    Bool(bool),
    Number(Number),
    /// Always in Unicode normal form C; use [`Value::string`] to make one.
    String(Str),
    List(Arc<Sequence>),
    /// Elements sorted and without repeats; use [`super::set::set`] to make one.
    Set(Arc<Sequence>),
    Map(Arc<Mapping>),
    Tuple(Arc<Vec<Value>>),
    Object(Arc<Fields>),
    /// Never directly around another `Marked`, never with no marks.
    Marked(Arc<Marked>),
}

/// What is known of a value that is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unknown {
    pub ty: Type,
    pub refinement: Refinement,
}

/// Bounds on an unknown value; the default says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Refinement {
    pub not_null: bool,
    /// Known beginning of a string.
    pub prefix: Option<Str>,
    /// Bounds of a number, and whether the bound itself is possible.
    pub min: Option<(Number, bool)>,
    pub max: Option<(Number, bool)>,
    /// Bounds of a collection's length, both inclusive.
    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Sequence {
    pub element: Type,
    pub items: Vec<Value>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Mapping {
    pub element: Type,
    pub entries: Fields,
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Marked {
    pub marks: Marks,
    pub value: Value,
}

/// Names and values, sorted by name, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fields(Vec<(Str, Value)>);

impl Fields {
    /// From entries in any order; of a repeated name the last one stays.
    pub fn new(mut entries: Vec<(Str, Value)>) -> Fields {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.reverse();
            entries.dedup_by(|earlier, last| earlier.0 == last.0);
            entries.reverse();
        }
        Fields(entries)
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.binary_search_by(|(n, _)| (**n).cmp(name)).ok().map(|i| &self.0[i].1)
    }

    pub fn set(&mut self, name: Str, value: Value) {
        match self.0.binary_search_by(|(n, _)| n.cmp(&name)) {
            Ok(i) => self.0[i].1 = value,
            Err(i) => self.0.insert(i, (name, value)),
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.binary_search_by(|(n, _)| (**n).cmp(name)).ok()?;
        Some(self.0.remove(at).1)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, (Str, Value)> {
        self.0.iter()
    }

    pub fn keys(&self) -> impl Iterator<Item = &Str> {
        self.0.iter().map(|(n, _)| n)
    }

    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().map(|(_, v)| v)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same names with each value replaced.
    pub fn map(&self, mut with: impl FnMut(&Str, &Value) -> Value) -> Fields {
        Fields(self.0.iter().map(|(n, v)| (n.clone(), with(n, v))).collect())
    }
}

impl FromIterator<(Str, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Str, Value)>>(iter: I) -> Self {
        Fields::new(iter.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = &'a (Str, Value);
    type IntoIter = std::slice::Iter<'a, (Str, Value)>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Unknowns of the common types are shared: most plans are full of them.
static UNKNOWN_DYNAMIC: LazyLock<Value> = LazyLock::new(|| unknown_of(Type::Dynamic));
static UNKNOWN_STRING: LazyLock<Value> = LazyLock::new(|| unknown_of(Type::String));

fn unknown_of(ty: Type) -> Value {
    Value::Unknown(Arc::new(Unknown { ty, refinement: Refinement::default() }))
}

impl Value {
    pub const TRUE: Value = Value::Bool(true);
    pub const FALSE: Value = Value::Bool(false);
    /// Null of no particular type.
    pub const NULL: Value = Value::Null(Type::Dynamic);

    /// A string value, normalised to NFC.
    pub fn string(text: impl AsRef<str> + Into<Str>) -> Value {
        use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
        let known = text.as_ref();
        if known.is_ascii() || is_nfc_quick(known.chars()) == IsNormalized::Yes {
            return Value::String(text.into());
        }
        Value::String(known.nfc().collect::<String>().into())
    }

    pub fn int(n: i64) -> Value {
        Value::Number(Number::int(n))
    }

    pub fn unknown(ty: Type) -> Value {
        match ty {
            Type::Dynamic => UNKNOWN_DYNAMIC.clone(),
            Type::String => UNKNOWN_STRING.clone(),
            other => unknown_of(other),
        }
    }

    /// An unknown with something known about it.
    pub fn refined(ty: Type, refinement: Refinement) -> Value {
        if refinement == Refinement::default() {
            return Value::unknown(ty);
        }
        Value::Unknown(Arc::new(Unknown { ty, refinement }))
    }

    pub fn list(element: Type, items: Vec<Value>) -> Value {
        Value::List(Arc::new(Sequence { element, items }))
    }

    pub fn map(element: Type, entries: impl IntoIterator<Item = (Str, Value)>) -> Value {
        Value::Map(Arc::new(Mapping { element, entries: entries.into_iter().collect() }))
    }

    pub fn tuple(items: Vec<Value>) -> Value {
        Value::Tuple(Arc::new(items))
    }

    pub fn object<N: Into<Str>>(entries: impl IntoIterator<Item = (N, Value)>) -> Value {
        Value::Object(Arc::new(entries.into_iter().map(|(n, v)| (n.into(), v)).collect()))
    }

    /// Adds marks; marks that are there stay.
    pub fn mark(self, marks: Marks) -> Value {
        if marks.is_empty() {
            return self;
        }
        match self {
            Value::Marked(m) => {
                let all = m.marks | marks;
                if all == m.marks {
                    return Value::Marked(m);
                }
                Value::Marked(Arc::new(Marked { marks: all, value: m.value.clone() }))
            }
            value => Value::Marked(Arc::new(Marked { marks, value })),
        }
    }

    /// The value without its outermost marks, and those marks.
    pub fn unmark(&self) -> (&Value, Marks) {
        match self {
            Value::Marked(m) => (&m.value, m.marks),
            value => (value, Marks::NONE),
        }
    }

    /// The value without its outermost marks.
    pub fn bare(&self) -> &Value {
        self.unmark().0
    }

    /// All marks, at any depth.
    pub fn all_marks(&self) -> Marks {
        let (value, mut marks) = self.unmark();
        value.for_each_child(|v| marks |= v.all_marks());
        marks
    }

    /// Whether a mark stands anywhere in it.
    pub fn has_marks(&self) -> bool {
        matches!(self, Value::Marked(_)) || self.any_child(Value::has_marks)
    }

    /// The value without marks at any depth, and the union of the marks that were there.
    pub fn unmark_deep(&self) -> (Value, Marks) {
        if !self.has_marks() {
            return (self.clone(), Marks::NONE);
        }
        let (value, mut marks) = self.unmark();
        let bare = value.map_children(&mut |v| {
            let (inner, m) = v.unmark_deep();
            marks |= m;
            inner
        });
        (bare, marks)
    }

    /// The type of the value; marks do not show in it.
    pub fn ty(&self) -> Type {
        match self {
            Value::Null(ty) => ty.clone(),
            Value::Unknown(u) => u.ty.clone(),
            Value::Bool(_) => Type::Bool,
            Value::Number(_) => Type::Number,
            Value::String(_) => Type::String,
            Value::List(s) => Type::list(s.element.clone()),
            Value::Set(s) => Type::set(s.element.clone()),
            Value::Map(m) => Type::map(m.element.clone()),
            Value::Tuple(items) => Type::tuple(items.iter().map(Value::ty).collect()),
            Value::Object(fields) => Type::object(fields.iter().map(|(n, v)| (n.clone(), v.ty()))),
            Value::Marked(m) => m.value.ty(),
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.bare(), Value::Null(_))
    }

    /// Whether the value itself is unknown; its elements may be unknown all the same.
    pub fn is_unknown(&self) -> bool {
        matches!(self.bare(), Value::Unknown(_))
    }

    /// Whether nothing in it, at any depth, is unknown.
    pub fn is_wholly_known(&self) -> bool {
        !matches!(self.bare(), Value::Unknown(_)) && !self.bare().any_child(|v| !v.is_wholly_known())
    }

    /// Whether collections are nested in it deeper than this.
    pub fn is_deeper_than(&self, levels: usize) -> bool {
        self.bare().any_child(|v| levels == 0 || v.is_deeper_than(levels - 1))
    }

    pub fn as_str(&self) -> Option<&Str> {
        match self.bare() {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self.bare() {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<&Number> {
        match self.bare() {
            Value::Number(n) => Some(n),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::as_i64)
    }

    /// The elements of a list, set or tuple.
    pub fn as_items(&self) -> Option<&[Value]> {
        match self.bare() {
            Value::List(s) | Value::Set(s) => Some(&s.items),
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map or object.
    pub fn as_fields(&self) -> Option<&Fields> {
        match self.bare() {
            Value::Map(m) => Some(&m.entries),
            Value::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// An attribute of an object or an entry of a map, with the marks of the whole added.
    pub fn attr(&self, name: &str) -> Option<Value> {
        let (value, marks) = self.unmark();
        value.as_fields()?.get(name).map(|v| v.clone().mark(marks))
    }

    /// Calls back for each direct element, looking through marks.
    pub fn for_each_child(&self, f: impl FnMut(&Value)) {
        match self.bare() {
            Value::List(s) | Value::Set(s) => s.items.iter().for_each(f),
            Value::Tuple(items) => items.iter().for_each(f),
            Value::Map(m) => m.entries.values().for_each(f),
            Value::Object(fields) => fields.values().for_each(f),
            _ => (),
        }
    }

    pub fn any_child(&self, f: impl FnMut(&Value) -> bool) -> bool {
        match self.bare() {
            Value::List(s) | Value::Set(s) => s.items.iter().any(f),
            Value::Tuple(items) => items.iter().any(f),
            Value::Map(m) => m.entries.values().any(f),
            Value::Object(fields) => fields.values().any(f),
            _ => false,
        }
    }

    /// The same value with each direct element replaced. Element types of collections stay; sets are sorted
    /// again. Marks around the value stay.
    pub fn map_children(&self, f: &mut dyn FnMut(&Value) -> Value) -> Value {
        match self {
            Value::List(s) => Value::list(s.element.clone(), s.items.iter().map(f).collect()),
            Value::Set(s) => super::set::set(s.element.clone(), s.items.iter().map(f).collect()),
            Value::Tuple(items) => Value::tuple(items.iter().map(f).collect()),
            Value::Map(m) => Value::map(m.element.clone(), m.entries.iter().map(|(n, v)| (n.clone(), f(v)))),
            Value::Object(fields) => Value::Object(Arc::new(fields.map(|_, v| f(v)))),
            Value::Marked(m) => m.value.map_children(f).mark(m.marks),
            leaf => leaf.clone(),
        }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Value::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Value::int(n)
    }
}

impl From<i32> for Value {
    fn from(n: i32) -> Self {
        Value::int(n.into())
    }
}

impl From<Number> for Value {
    fn from(n: Number) -> Self {
        Value::Number(n)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Value::string(s)
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Value::string(s)
    }
}

impl From<Str> for Value {
    fn from(s: Str) -> Self {
        Value::string(s)
    }
}
