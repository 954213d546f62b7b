//! The words in which schemas are written: `string().required().replaces()`, `list_block(…)`.

use crate::model::schema::Text;
use crate::model::{Attribute, Block, Equality, NestedBlock, Nesting, Schema, Type, Value};

/// An attribute that has no name yet.
#[derive(Clone, Debug)]
pub struct AttributeWord(Attribute);

/// A nested block that has no name yet.
#[derive(Clone, Debug)]
pub struct BlockWord(NestedBlock);

pub fn of_type(ty: Type) -> AttributeWord {
    AttributeWord(Attribute {
        name: "".into(),
        ty,
        doc: Text::Borrowed(""),
        required: false,
        optional: false,
        computed: false,
        always_set: false,
        sensitive: false,
        repeats: None,
        write_only: false,
        replaces: false,
        default: None,
        equality: Equality::Exact,
        one_of: Vec::new(),
        conflicts_with: Vec::new(),
        deprecated: None,
    })
}

pub fn string() -> AttributeWord {
    of_type(Type::String)
}

pub fn boolean() -> AttributeWord {
    of_type(Type::Bool)
}

pub fn number() -> AttributeWord {
    of_type(Type::Number)
}

/// A value of any type.
pub fn any() -> AttributeWord {
    of_type(Type::Dynamic)
}

pub fn string_list() -> AttributeWord {
    of_type(Type::list(Type::String))
}

pub fn string_set() -> AttributeWord {
    of_type(Type::set(Type::String))
}

pub fn string_map() -> AttributeWord {
    of_type(Type::map(Type::String))
}

/// JSON text, compared by meaning.
pub fn json() -> AttributeWord {
    string().equality(Equality::Json)
}

/// An IAM policy document, compared by meaning.
pub fn policy() -> AttributeWord {
    string().equality(Equality::Policy)
}

impl AttributeWord {
    pub fn required(mut self) -> Self {
        self.0.required = true;
        self
    }

    pub fn optional(mut self) -> Self {
        self.0.optional = true;
        self
    }

    pub fn computed(mut self) -> Self {
        self.0.computed = true;
        self
    }

    /// Computed, and never null.
    pub fn always(mut self) -> Self {
        self.0.computed = true;
        self.0.always_set = true;
        self
    }

    /// A change of it replaces the object.
    pub fn replaces(mut self) -> Self {
        self.0.replaces = true;
        self
    }

    pub fn sensitive(mut self) -> Self {
        self.0.sensitive = true;
        self
    }

    /// Computed from the attribute of this name, whose text can be read in it: as much of it is sensitive.
    pub fn repeats(mut self, name: &'static str) -> Self {
        self.0.repeats = Some(name.into());
        self
    }

    pub fn write_only(mut self) -> Self {
        self.0.write_only = true;
        self
    }

    /// Optional, with this value where nothing is said.
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.0.optional = true;
        self.0.default = Some(value.into());
        self
    }

    pub fn equality(mut self, equality: Equality) -> Self {
        self.0.equality = equality;
        self
    }

    pub fn one_of(mut self, values: &[&'static str]) -> Self {
        self.0.one_of = values.iter().map(|v| Text::Borrowed(*v)).collect();
        self
    }

    pub fn conflicts_with(mut self, siblings: &[&'static str]) -> Self {
        self.0.conflicts_with = siblings.iter().map(|v| Text::Borrowed(*v)).collect();
        self
    }

    pub fn deprecated(mut self, instead: &'static str) -> Self {
        self.0.deprecated = Some(instead.into());
        self
    }

    pub(super) fn named(mut self, name: &'static str, doc: &'static str) -> Attribute {
        self.0.name = name.into();
        self.0.doc = doc.into();
        self.0
    }
}

fn block(nesting: Nesting, max: usize) -> BlockWord {
    BlockWord(NestedBlock {
        name: "".into(),
        nesting,
        block: Block::default(),
        min: 0,
        max,
        computed: false,
        replaces: false,
    })
}

/// A block that may stand once and is stored as a list of at most one, as most providers do.
pub fn one_block() -> BlockWord {
    block(Nesting::List, 1)
}

/// A block that may stand once and is stored as an object.
pub fn single_block() -> BlockWord {
    block(Nesting::Single, 1)
}

/// A block that may be repeated; the order counts.
pub fn list_block() -> BlockWord {
    block(Nesting::List, 0)
}

/// A block that may be repeated; the order does not count.
pub fn set_block() -> BlockWord {
    block(Nesting::Set, 0)
}

impl BlockWord {
    pub fn attr(mut self, name: &'static str, word: AttributeWord, doc: &'static str) -> Self {
        self.0.block.attributes.push(word.named(name, doc));
        self
    }

    pub fn block(mut self, name: &'static str, word: BlockWord, doc: &'static str) -> Self {
        self.0.block.blocks.push(word.named(name, doc));
        self
    }

    /// At least one must stand.
    pub fn required(mut self) -> Self {
        self.0.min = 1;
        self
    }

    pub fn at_most(mut self, max: usize) -> Self {
        self.0.max = max;
        self
    }

    /// The provider may fill it in where the configuration has none.
    pub fn computed(mut self) -> Self {
        self.0.computed = true;
        self
    }

    /// Any change in it replaces the object.
    pub fn replaces(mut self) -> Self {
        self.0.replaces = true;
        self
    }

    /// The schema of a provider's own configuration block.
    pub fn into_schema(self, doc: &'static str) -> Schema {
        Schema { version: 0, block: self.named("", doc).block }
    }

    pub(super) fn named(mut self, name: &'static str, doc: &'static str) -> NestedBlock {
        self.0.name = name.into();
        self.0.block.doc = doc.into();
        self.0
    }
}

/// The block that lets users set how long operations may take: `timeouts { create = "30m" }`.
pub(super) fn timeouts_block() -> NestedBlock {
    let duration = || string().optional();
    single_block()
        .attr("create", duration(), "How long creating may take, such as 30m.")
        .attr("delete", duration(), "How long deleting may take.")
        .attr("read", duration(), "How long reading may take.")
        .attr("update", duration(), "How long updating may take.")
        .named("timeouts", "How long operations may take.")
}
