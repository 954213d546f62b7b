//! Objects of resources, with typed access for drivers.

use std::sync::Arc;

use super::extent::Measured;
use super::{Fields, Number, Path, Str, Type, Value, set};

/// The attributes of one resource object, as one object value. Drivers read it with typed getters: a missing,
/// null or unknown attribute reads as `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Object(Arc<Measured<Fields>>);

impl Object {
    /// Takes an object or map value; anything else is an empty object.
    pub fn new(value: &Value) -> Object {
        match value.bare() {
            Value::Object(fields) => Object(fields.clone()),
            Value::Map(m) => Object(Arc::new(Measured::of_fields(m.entries.clone()))),
            _ => Object(Arc::new(Measured::of_fields(Fields::default()))),
        }
    }

    pub fn value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    pub fn fields(&self) -> &Fields {
        &self.0
    }

    /// The attribute without its marks; nulls and unknowns count as absent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(Value::bare).filter(|v| !v.is_null() && !v.is_unknown())
    }

    /// Whether the attribute is there but not known yet.
    pub fn is_unknown(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Value::is_unknown)
    }

    pub fn at(&self, path: &Path) -> Option<Value> {
        path.get(&self.value())
    }

    pub fn str(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    pub fn string(&self, name: &str) -> Option<String> {
        self.str(name).map(str::to_string)
    }

    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    pub fn number(&self, name: &str) -> Option<&Number> {
        self.get(name)?.as_number()
    }

    pub fn i64(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    pub fn i32(&self, name: &str) -> Option<i32> {
        self.i64(name).and_then(|n| n.try_into().ok())
    }

    /// The texts of a list or set of strings; empty where absent. Nulls inside are left out.
    pub fn strings(&self, name: &str) -> Vec<String> {
        let items = self.get(name).and_then(Value::as_items).unwrap_or(&[]);
        items.iter().filter_map(|v| v.as_str().map(|s| s.to_string())).collect()
    }

    /// The entries of a map of strings; empty where absent. Nulls inside are left out.
    pub fn string_map(&self, name: &str) -> Vec<(String, String)> {
        let Some(fields) = self.get(name).and_then(Value::as_fields) else { return Vec::new() };
        fields.iter().filter_map(|(k, v)| v.as_str().map(|s| (k.to_string(), s.to_string()))).collect()
    }

    /// The nested blocks (or objects in a list or set) of a name; empty where absent.
    pub fn blocks(&self, name: &str) -> Vec<Object> {
        match self.get(name) {
            Some(Value::Object(fields)) => vec![Object(fields.clone())],
            Some(v) => v.as_items().unwrap_or(&[]).iter().map(Object::new).collect(),
            None => Vec::new(),
        }
    }

    /// The only block of a name, where there is one.
    pub fn block(&self, name: &str) -> Option<Object> {
        self.blocks(name).into_iter().next()
    }
}

/// Collects attributes on the way from an API answer to an [`Object`]. Attributes that are not set become
/// null when the object is fitted to its schema.
#[derive(Clone, Debug, Default)]
pub struct ObjectBuilder(Vec<(Str, Value)>);

impl ObjectBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts from what is there already; later settings win.
    pub fn from(object: &Object) -> Self {
        ObjectBuilder(object.fields().iter().cloned().collect())
    }

    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// Sets the attribute where the API gave something.
    pub fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    pub fn strings<S: AsRef<str>>(self, name: &str, items: impl IntoIterator<Item = S>) -> Self {
        let items = items.into_iter().map(|s| Value::string(s.as_ref())).collect();
        self.set(name, Value::list(Type::String, items))
    }

    pub fn string_set<S: AsRef<str>>(self, name: &str, items: impl IntoIterator<Item = S>) -> Self {
        let items = items.into_iter().map(|s| Value::string(s.as_ref())).collect();
        self.set(name, set::set(Type::String, items))
    }

    pub fn string_map<K: AsRef<str>, V: AsRef<str>>(
        self,
        name: &str,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.as_ref().into(), Value::string(v.as_ref())));
        self.set(name, Value::map(Type::String, entries))
    }

    /// Nested blocks, in order; fitting to the schema turns them into the list or set that it says.
    pub fn blocks(self, name: &str, blocks: impl IntoIterator<Item = Object>) -> Self {
        self.set(name, Value::tuple(blocks.into_iter().map(|b| b.value()).collect()))
    }

    pub fn build(self) -> Object {
        Object(Arc::new(Measured::of_fields(Fields::new(self.0))))
    }
}
