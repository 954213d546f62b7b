//! Values: everything that an expression can evaluate to. Cloning shares the contents.

use std::sync::{Arc, LazyLock};

use super::extent::{Extent, Measured};
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
    List(Arc<Measured<Sequence>>),
    /// Elements sorted and without repeats; use [`super::set::set`] to make one.
    Set(Arc<Measured<Sequence>>),
    Map(Arc<Measured<Mapping>>),
    Tuple(Arc<Measured<Vec<Value>>>),
    /// Use [`Value::fields`] or [`Value::object`] to make one.
    Object(Arc<Measured<Fields>>),
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

impl Refinement {
    /// The one length that the bounds leave.
    fn exact_length(&self) -> Option<usize> {
        self.min_length.filter(|min| self.max_length == Some(*min) && *min <= 1024)
    }

    /// What is certain of a value: of a known one all that a refinement can say.
    pub fn of(value: &Value) -> Refinement {
        let length = |n: usize| Refinement { min_length: Some(n), max_length: Some(n), ..Refinement::NOT_NULL };
        match value.bare() {
            Value::Null(_) => Refinement::default(),
            Value::Unknown(unknown) => unknown.refinement.clone(),
            Value::Bool(_) | Value::Object(_) | Value::Tuple(_) => Refinement::NOT_NULL,
            Value::Number(n) => {
                let bound = Some((n.clone(), true));
                Refinement { min: bound.clone(), max: bound, ..Refinement::NOT_NULL }
            }
            Value::String(text) => Refinement { prefix: Some(text.clone()), ..Refinement::NOT_NULL },
            Value::List(s) => length(s.items.len()),
            // Elements that are not known may turn out the same.
            Value::Set(s) if !s.extent.known => {
                Refinement { min_length: Some(s.items.len().min(1)), ..length(s.items.len()) }
            }
            Value::Set(s) => length(s.items.len()),
            Value::Map(m) => length(m.entries.len()),
            Value::Marked(_) => Refinement::default(),
        }
    }

    const NOT_NULL: Refinement =
        Refinement { not_null: true, prefix: None, min: None, max: None, min_length: None, max_length: None };

    /// What is certain of a value of which either holds.
    pub fn either(self, other: Refinement) -> Refinement {
        // A bound that does not include itself is the closer one.
        let lower = |a: (Number, bool), b: (Number, bool)| if (&a.0, !a.1) <= (&b.0, !b.1) { a } else { b };
        let upper = |a: (Number, bool), b: (Number, bool)| if (&a.0, a.1) >= (&b.0, b.1) { a } else { b };
        Refinement {
            not_null: self.not_null && other.not_null,
            prefix: self.prefix.zip(other.prefix).and_then(|(a, b)| common_prefix(&a, &b)),
            min: self.min.zip(other.min).map(|(a, b)| lower(a, b)),
            max: self.max.zip(other.max).map(|(a, b)| upper(a, b)),
            min_length: self.min_length.zip(other.min_length).map(|(a, b)| a.min(b)),
            max_length: self.max_length.zip(other.max_length).map(|(a, b)| a.max(b)),
        }
    }

    /// Whether each number that it allows is less than each that the other allows (`Some(true)`), or none is.
    pub fn less(&self, other: &Refinement, or_equal: bool) -> Option<bool> {
        let below = |high: &Option<(Number, bool)>, low: &Option<(Number, bool)>, or_equal: bool| {
            let (Some((high, at_high)), Some((low, at_low))) = (high, low) else { return false };
            high < low || high == low && (or_equal || !(*at_high && *at_low))
        };
        if below(&self.max, &other.min, or_equal) {
            return Some(true);
        }
        below(&other.max, &self.min, !or_equal).then_some(false)
    }

    /// Whether no value fits both.
    pub fn excludes(&self, other: &Refinement) -> bool {
        let apart = match (&self.prefix, &other.prefix) {
            (Some(a), Some(b)) => !a.starts_with(&**b) && !b.starts_with(&**a),
            _ => false,
        };
        let longer = |a: &Refinement, b: &Refinement| a.min_length.zip(b.max_length).is_some_and(|(a, b)| a > b);
        let strictly = self.less(other, false) == Some(true) || other.less(self, false) == Some(true);
        (self.not_null || other.not_null) && (apart || strictly || longer(self, other) || longer(other, self))
    }
}

/// The text that both begin with. Its last character may still combine with what follows, unless it is plain.
fn common_prefix(a: &str, b: &str) -> Option<Str> {
    let mut text: String = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c).collect();
    while text.chars().last().is_some_and(|c| !c.is_ascii()) {
        text.pop();
    }
    text.pop();
    (!text.is_empty()).then(|| text.into())
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
        // How long it is says all of a list but its elements.
        if let (Type::List(element), Some(length), true) = (&ty, refinement.exact_length(), refinement.not_null) {
            return Value::list((**element).clone(), vec![Value::unknown((**element).clone()); length]);
        }
        Value::Unknown(Arc::new(Unknown { ty, refinement }))
    }

    pub fn list(element: Type, items: Vec<Value>) -> Value {
        Value::List(measured(element, items))
    }

    pub fn map(element: Type, entries: impl IntoIterator<Item = (Str, Value)>) -> Value {
        let entries: Fields = entries.into_iter().collect();
        let extent = Extent::of_fields(&entries);
        Value::Map(Arc::new(Measured::new(Mapping { element, entries }, extent)))
    }

    pub fn tuple(items: Vec<Value>) -> Value {
        let extent = Extent::of_items(&items);
        Value::Tuple(Arc::new(Measured::new(items, extent)))
    }

    /// An object of these fields.
    pub fn fields(fields: Fields) -> Value {
        Value::Object(Arc::new(Measured::of_fields(fields)))
    }

    pub fn object<N: Into<Str>>(entries: impl IntoIterator<Item = (N, Value)>) -> Value {
        Value::fields(entries.into_iter().map(|(n, v)| (n.into(), v)).collect())
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
        self.extent().marks
    }

    /// How much is in it.
    pub fn extent(&self) -> Extent {
        match self {
            Value::Null(_) | Value::Bool(_) | Value::Number(_) => Extent::leaf(0, true),
            Value::Unknown(_) => Extent::leaf(0, false),
            Value::String(text) => Extent::leaf(text.len(), true),
            Value::List(s) | Value::Set(s) => s.extent,
            Value::Map(m) => m.extent,
            Value::Tuple(items) => items.extent,
            Value::Object(fields) => fields.extent,
            Value::Marked(m) => {
                let inner = m.value.extent();
                Extent { marks: inner.marks | m.marks, ..inner }
            }
        }
    }

    /// Whether a mark stands anywhere in it.
    pub fn has_marks(&self) -> bool {
        !self.all_marks().is_empty()
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
        self.extent().known
    }

    /// Whether both are one collection in memory: then they are equal, however large they are.
    pub fn shares_contents_with(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::List(a), Value::List(b)) | (Value::Set(a), Value::Set(b)) => Arc::ptr_eq(a, b),
            (Value::Map(a), Value::Map(b)) => Arc::ptr_eq(a, b),
            (Value::Tuple(a), Value::Tuple(b)) => Arc::ptr_eq(a, b),
            (Value::Object(a), Value::Object(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Whether collections are nested in it deeper than this.
    pub fn is_deeper_than(&self, levels: usize) -> bool {
        self.extent().levels as usize > levels
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
            Value::Object(fields) => Value::fields(fields.map(|_, v| f(v))),
            Value::Marked(m) => m.value.map_children(f).mark(m.marks),
            leaf => leaf.clone(),
        }
    }
}

/// The elements of a list or set.
pub(super) fn measured(element: Type, items: Vec<Value>) -> Arc<Measured<Sequence>> {
    let extent = Extent::of_items(&items);
    Arc::new(Measured::new(Sequence { element, items }, extent))
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
