//! A resource type and a data source as a provider registers them: schema, docs and driver in one value.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::schema_words::{AttributeWord, BlockWord};
use super::{Config, Driver, Operation, ProviderError};
use crate::model::schema::Text;
use crate::model::{Attribute, Block, Equality, Object, Schema, Type};

/// How long each operation may take unless the user says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub create: Duration,
    pub read: Duration,
    pub update: Duration,
    pub delete: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let usual = Duration::from_secs(20 * 60);
        Timeouts { create: usual, read: usual, update: usual, delete: usual }
    }
}

/// One resource type of a provider whose connection is a `C`.
pub struct ResourceType<C: Send + Sync> {
    pub name: &'static str,
    pub schema: Schema,
    pub timeouts: Timeouts,
    /// The attribute that is the id in the API's sense; `id` unless said otherwise.
    pub id_attribute: &'static str,
    /// How to write an import id, for messages and docs: `vpc-0123abcd`.
    pub import_example: &'static str,
    /// The API service whose rate limits it shares; the provider's name where there is only one.
    pub service: &'static str,
    pub driver: Arc<dyn Driver<C>>,
}

/// Collects the schema of a resource type; [`ResourceBuilder::driver`] ends it.
pub struct ResourceBuilder {
    name: &'static str,
    schema: Schema,
    timeouts: Timeouts,
    has_timeouts: bool,
    id_attribute: &'static str,
    import_example: &'static str,
    service: &'static str,
}

/// Starts a resource type. Every type has a computed string attribute `id`, unless one is declared.
pub fn resource(name: &'static str, doc: &'static str) -> ResourceBuilder {
    let service = name.split('_').next().unwrap_or(name);
    ResourceBuilder {
        name,
        schema: Schema { version: 0, block: Block { doc: doc.into(), ..Block::default() } },
        timeouts: Timeouts::default(),
        has_timeouts: false,
        id_attribute: "id",
        import_example: "",
        service,
    }
}

impl ResourceBuilder {
    pub fn attr(mut self, name: &'static str, word: AttributeWord, doc: &'static str) -> Self {
        self.schema.block.attributes.push(word.named(name, doc));
        self
    }

    pub fn block(mut self, name: &'static str, word: BlockWord, doc: &'static str) -> Self {
        self.schema.block.blocks.push(word.named(name, doc));
        self
    }

    /// Adds many attributes at once, as types that share a part do.
    pub fn with(self, add: impl FnOnce(Self) -> Self) -> Self {
        add(self)
    }

    /// `tags` as written and `tags_all` with the provider's default tags merged in.
    pub fn tags(self) -> Self {
        use super::schema_words::string_map;
        self.attr("tags", string_map().optional(), "Tags of the object.").attr(
            "tags_all",
            string_map().optional().computed(),
            "All tags of the object, with the provider's default_tags.",
        )
    }

    pub fn version(mut self, version: u64) -> Self {
        self.schema.version = version;
        self
    }

    /// Allows a `timeouts` block and sets what holds without one.
    pub fn timeouts(mut self, create: Duration, update: Duration, delete: Duration) -> Self {
        self.timeouts = Timeouts { create, update, delete, ..self.timeouts };
        self.has_timeouts = true;
        self
    }

    pub fn id_attribute(mut self, name: &'static str) -> Self {
        self.id_attribute = name;
        self
    }

    pub fn import_example(mut self, example: &'static str) -> Self {
        self.import_example = example;
        self
    }

    pub fn service(mut self, service: &'static str) -> Self {
        self.service = service;
        self
    }

    pub fn driver<C: Send + Sync>(self, driver: impl Driver<C> + 'static) -> ResourceType<C> {
        let mut schema = self.schema;
        add_id(&mut schema.block);
        sort(&mut schema.block);
        if self.has_timeouts {
            schema.block.blocks.push(super::schema_words::timeouts_block());
        }
        ResourceType {
            name: self.name,
            schema,
            timeouts: self.timeouts,
            id_attribute: self.id_attribute,
            import_example: self.import_example,
            service: self.service,
            driver: Arc::new(driver),
        }
    }
}

fn add_id(block: &mut Block) {
    if block.attribute("id").is_some() {
        return;
    }
    block.attributes.push(Attribute {
        name: "id".into(),
        ty: Type::String,
        doc: Text::Borrowed("The provider's id of the object."),
        required: false,
        optional: false,
        computed: true,
        always_set: true,
        sensitive: false,
        repeats: None,
        write_only: false,
        replaces: false,
        default: None,
        equality: Equality::Exact,
        one_of: Vec::new(),
        conflicts_with: Vec::new(),
        deprecated: None,
    });
}

fn sort(block: &mut Block) {
    block.attributes.sort_by(|a, b| a.name.cmp(&b.name));
    block.blocks.sort_by(|a, b| a.name.cmp(&b.name));
    block.blocks.iter_mut().for_each(|b| sort(&mut b.block));
}

/// Reads one data source.
#[async_trait]
pub trait DataDriver<C: Send + Sync>: Send + Sync {
    /// The complete object, configuration included. Nothing found is an error that says what was looked for.
    async fn read(&self, cloud: &C, config: &Config, op: &Operation) -> Result<Object, ProviderError>;
}

/// One data source of a provider whose connection is a `C`.
pub struct DataType<C: Send + Sync> {
    pub name: &'static str,
    pub schema: Schema,
    pub service: &'static str,
    pub driver: Arc<dyn DataDriver<C>>,
}

/// Collects the schema of a data source; [`DataBuilder::driver`] ends it.
pub struct DataBuilder(ResourceBuilder);

pub fn data_source(name: &'static str, doc: &'static str) -> DataBuilder {
    DataBuilder(resource(name, doc))
}

impl DataBuilder {
    pub fn attr(self, name: &'static str, word: AttributeWord, doc: &'static str) -> Self {
        DataBuilder(self.0.attr(name, word, doc))
    }

    pub fn block(self, name: &'static str, word: BlockWord, doc: &'static str) -> Self {
        DataBuilder(self.0.block(name, word, doc))
    }

    pub fn service(self, service: &'static str) -> Self {
        DataBuilder(self.0.service(service))
    }

    /// The name and the schema, whose attributes stand in order.
    pub(super) fn into_schema(self) -> (&'static str, Schema) {
        let mut schema = self.0.schema;
        add_id(&mut schema.block);
        sort(&mut schema.block);
        (self.0.name, schema)
    }

    pub fn driver<C: Send + Sync>(self, driver: impl DataDriver<C> + 'static) -> DataType<C> {
        let service = self.0.service;
        let (name, schema) = self.into_schema();
        DataType { name, schema, service, driver: Arc::new(driver) }
    }
}
