//! Schemas: what a provider, resource or data source takes and gives, as data.

use std::sync::OnceLock;

use super::{Fields, Str, Type, Value, set};

/// The schema of one configuration block and of the objects made from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// Rises when stored objects of older versions must be converted.
    pub version: u64,
    pub block: Block,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// What it is, in a sentence or two.
    pub doc: Text,
    pub attributes: Vec<Attribute>,
    pub blocks: Vec<NestedBlock>,
    /// Why not to use it any more, and what instead.
    pub deprecated: Option<Text>,
    /// What [`Block::ty`] found. A copy starts anew, so that it may be changed.
    pub known_type: KnownType,
}

/// The type of a block, once somebody has asked for it.
#[derive(Debug, Default)]
pub struct KnownType(OnceLock<Type>);

impl Clone for KnownType {
    fn clone(&self) -> Self {
        KnownType::default()
    }
}

impl PartialEq for KnownType {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Text that is mostly static.
pub type Text = std::borrow::Cow<'static, str>;

#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub name: Str,
    pub ty: Type,
    pub doc: Text,
    pub required: bool,
    pub optional: bool,
    /// The provider may give it a value where the configuration has none.
    pub computed: bool,
    /// The provider gives it a value in every case: it is never null, also while it is not known yet.
    pub always_set: bool,
    /// Never shown.
    pub sensitive: bool,
    /// The attribute beside it whose value it repeats: as much of it is sensitive.
    pub repeats: Option<Text>,
    /// Taken from the configuration, never stored.
    pub write_only: bool,
    /// A change of it replaces the object.
    pub replaces: bool,
    /// What stands for an absent value.
    pub default: Option<Value>,
    /// When two different values mean the same.
    pub equality: Equality,
    /// The values that are allowed, where there are few.
    pub one_of: Vec<Text>,
    /// Names of siblings of which at most one, with this one, may be set.
    pub conflicts_with: Vec<Text>,
    pub deprecated: Option<Text>,
}

/// When a stored and a configured value of different spelling are the same to the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Equality {
    #[default]
    Exact,
    /// JSON text: white space and key order do not count.
    Json,
    /// An IAM policy document: as JSON, and a single element equals a list of it, lists have no order.
    Policy,
    CaseInsensitive,
    /// A domain name: case and a final dot do not count.
    DomainName,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NestedBlock {
    pub name: Str,
    pub nesting: Nesting,
    pub block: Block,
    pub min: usize,
    /// No limit where 0.
    pub max: usize,
    /// The provider may fill the blocks in where the configuration has none.
    pub computed: bool,
    /// Any change in it replaces the object.
    pub replaces: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object or null.
    Single,
    List,
    Set,
    /// By the block's one label.
    Map,
}

impl Attribute {
    /// Whether a configuration may say it at all.
    pub fn is_settable(&self) -> bool {
        self.required || self.optional
    }
}

impl Block {
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| &*a.name == name)
    }

    pub fn nested(&self, name: &str) -> Option<&NestedBlock> {
        self.blocks.iter().find(|b| &*b.name == name)
    }

    /// All names that a configuration may use, for suggestions.
    pub fn settable_names(&self) -> impl Iterator<Item = &str> {
        let attributes = self.attributes.iter().filter(|a| a.is_settable()).map(|a| &*a.name);
        attributes.chain(self.blocks.iter().map(|b| &*b.name))
    }

    /// The type of the objects of this block; made once, when the block is complete.
    pub fn ty(&self) -> Type {
        let attributes = || self.attributes.iter().map(|a| (a.name.clone(), a.ty.without_optional()));
        let blocks = || self.blocks.iter().map(|b| (b.name.clone(), b.ty()));
        self.known_type.0.get_or_init(|| Type::object(attributes().chain(blocks()))).clone()
    }

    /// Whether sensitive attributes stand anywhere in it.
    pub fn has_sensitive(&self) -> bool {
        self.attributes.iter().any(|a| a.sensitive) || self.blocks.iter().any(|b| b.block.has_sensitive())
    }

    /// Fits an object that a driver made to the schema: absent attributes become typed nulls, sequences become
    /// the list or set that is declared, names that the schema does not have are dropped. Values of the wrong
    /// primitive type stay as they are; the conformance suite finds them.
    pub fn fit(&self, object: &Value) -> Value {
        let empty = Fields::default();
        let fields = object.as_fields().unwrap_or(&empty);
        let attributes = self.attributes.iter().map(|a| (a.name.clone(), fit_type(fields.get(&a.name), &a.ty)));
        let blocks = self.blocks.iter().map(|b| (b.name.clone(), b.fit(fields.get(&b.name))));
        Value::object(attributes.chain(blocks))
    }
}

impl NestedBlock {
    /// The type of the value that stands under the block's name.
    pub fn ty(&self) -> Type {
        let object = self.block.ty();
        // A collection has one element type: with attributes of any type, only a tuple or object can hold them.
        match self.nesting {
            Nesting::Single => object,
            Nesting::List => Type::list(object),
            Nesting::Set => Type::set(object),
            Nesting::Map => Type::map(object),
        }
    }

    /// What stands for no block at all.
    pub fn absent(&self) -> Value {
        match self.nesting {
            Nesting::Single => Value::Null(self.block.ty()),
            Nesting::List => Value::list(self.block.ty(), Vec::new()),
            Nesting::Set => set::set(self.block.ty(), Vec::new()),
            Nesting::Map => Value::map(self.block.ty(), []),
        }
    }

    fn fit(&self, value: Option<&Value>) -> Value {
        let Some(value) = value.filter(|v| !v.is_null()) else { return self.absent() };
        let (bare, marks) = value.unmark();
        if bare.is_unknown() {
            return Value::unknown(self.ty()).mark(marks);
        }
        let items =
            || bare.as_items().unwrap_or(std::slice::from_ref(bare)).iter().map(|v| self.block.fit(v)).collect();
        let fitted = match self.nesting {
            Nesting::Single => match bare.as_items() {
                Some([]) => self.absent(),
                Some([first, ..]) => self.block.fit(first),
                None => self.block.fit(bare),
            },
            Nesting::List => Value::list(self.block.ty(), items()),
            Nesting::Set => set::set(self.block.ty(), items()),
            Nesting::Map => {
                let entries = bare.as_fields().into_iter().flatten();
                Value::map(self.block.ty(), entries.map(|(k, v)| (k.clone(), self.block.fit(v))))
            }
        };
        fitted.mark(marks)
    }
}

/// Fits a value that a driver made to a declared type, without converting primitives.
pub fn fit_type(value: Option<&Value>, ty: &Type) -> Value {
    let Some(value) = value else { return Value::Null(ty.without_optional()) };
    let (bare, marks) = value.unmark();
    let fitted = match (bare, ty) {
        (Value::Null(_), _) => Value::Null(ty.without_optional()),
        (Value::Unknown(_), _) => Value::unknown(ty.without_optional()),
        (_, Type::List(t)) if bare.as_items().is_some() => Value::list(t.without_optional(), fit_items(bare, t)),
        (_, Type::Set(t)) if bare.as_items().is_some() => set::set(t.without_optional(), fit_items(bare, t)),
        (_, Type::Map(t)) if bare.as_fields().is_some() => {
            let entries = bare.as_fields().into_iter().flatten();
            Value::map(t.without_optional(), entries.map(|(k, v)| (k.clone(), fit_type(Some(v), t))))
        }
        (_, Type::Object(o)) if bare.as_fields().is_some() => {
            let fields = bare.as_fields();
            Value::object(o.attrs.iter().map(|(n, t)| (n.clone(), fit_type(fields.and_then(|f| f.get(n)), t))))
        }
        (other, _) => other.clone(),
    };
    fitted.mark(marks)
}

fn fit_items(value: &Value, element: &Type) -> Vec<Value> {
    value.as_items().unwrap_or(&[]).iter().map(|v| fit_type(Some(v), element)).collect()
}
