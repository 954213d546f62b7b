//! One row of the state: a resource instance, or an object of it that a replacement left behind.

use std::sync::Arc;

use super::{StoredProvider, body, sensitive, tfstate};
use crate::model::value_json::JsonTypeError;
use crate::model::{Address, Path, ResourceAddress, Str, Type, Value};

/// What names a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    pub address: Address,
    /// Eight hex digits that tell apart the objects of an instance that still have to be deleted.
    pub deposed: Option<Str>,
}

impl RowKey {
    pub fn current(address: Address) -> RowKey {
        RowKey { address, deposed: None }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    #[default]
    Ok,
    /// It exists, but must be replaced: its creation did not end well, or a user said so.
    Tainted,
}

/// A stored object. What many rows have in common is shared between them.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredInstance {
    pub address: Address,
    pub deposed: Option<Str>,
    pub provider: Arc<StoredProvider>,
    pub schema_version: u64,
    /// The provider's id; absent for data sources.
    pub remote_id: Option<Str>,
    /// The attributes as JSON text, in the encoding of [`body`].
    pub attributes: Arc<str>,
    /// Paths into the attributes whose values are never shown.
    pub sensitive: Arc<[Path]>,
    /// Resources whose objects must outlive this one, sorted. A module without a key stands for all its instances:
    /// [`super::Snapshot::dependency`] finds what is meant.
    pub dependencies: Arc<[ResourceAddress]>,
    pub status: Status,
    pub create_before_destroy: bool,
    /// The driver's own memory, as JSON text; with it the identity that Terraform had.
    pub private: Option<Arc<str>>,
    /// The serial of the state at which the row was first written. The store sets it.
    pub created: u64,
    /// The serial of the state at which the row was last written. The store sets it.
    pub updated: u64,
}

impl StoredInstance {
    /// A row of an object whose values may carry marks: the sensitive ones are remembered as paths.
    pub fn new(address: Address, provider: Arc<StoredProvider>, object: &Value, ty: &Type) -> StoredInstance {
        StoredInstance {
            address,
            deposed: None,
            provider,
            schema_version: 0,
            remote_id: None,
            attributes: "{}".into(),
            sensitive: Arc::default(),
            dependencies: Arc::default(),
            status: Status::Ok,
            create_before_destroy: false,
            private: None,
            created: 0,
            updated: 0,
        }
        .with_object(object, ty)
    }

    /// The same row with another object of the schema's type.
    pub fn with_object(mut self, object: &Value, ty: &Type) -> StoredInstance {
        let (bare, paths) = sensitive::split(object);
        self.attributes = body::encode(&bare, ty).into();
        self.sensitive = paths.into();
        self
    }

    pub fn with_private(mut self, private: Option<&serde_json::Value>) -> StoredInstance {
        self.private = private.map(|p| p.to_string().into());
        self
    }

    /// Takes the dependencies in any order.
    pub fn with_dependencies(mut self, dependencies: impl IntoIterator<Item = ResourceAddress>) -> StoredInstance {
        let sorted: std::collections::BTreeSet<_> = dependencies.into_iter().collect();
        self.dependencies = sorted.into_iter().collect();
        self
    }

    pub fn key(&self) -> RowKey {
        RowKey { address: self.address.clone(), deposed: self.deposed.clone() }
    }

    /// Whether both say the same of the object, whenever they were written.
    pub fn holds_the_same(&self, other: &StoredInstance) -> bool {
        let StoredInstance {
            address,
            deposed,
            provider,
            schema_version,
            remote_id,
            attributes,
            sensitive,
            dependencies,
            status,
            create_before_destroy,
            private,
            created: _,
            updated: _,
        } = self;
        *attributes == other.attributes
            && *address == other.address
            && *deposed == other.deposed
            && (Arc::ptr_eq(provider, &other.provider) || provider == &other.provider)
            && *schema_version == other.schema_version
            && *remote_id == other.remote_id
            && *sensitive == other.sensitive
            && *dependencies == other.dependencies
            && *status == other.status
            && *create_before_destroy == other.create_before_destroy
            && *private == other.private
    }

    /// The object without marks, as a value of the schema's type.
    pub fn decode(&self, ty: &Type) -> Result<Value, JsonTypeError> {
        body::decode(&self.attributes, ty)
    }

    /// The object, its sensitive values marked.
    pub fn decode_marked(&self, ty: &Type) -> Result<Value, JsonTypeError> {
        Ok(sensitive::mark(&self.decode(ty)?, &self.sensitive))
    }

    /// The driver's own memory; nothing where there is none or where it is not JSON.
    pub fn private(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&tfstate::without_identity(self.private.as_deref()?)?).ok()
    }
}
