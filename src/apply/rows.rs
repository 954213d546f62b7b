//! Rows of the state: what is written for an object, and what a plan changes without touching objects.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::model::{Address, Object, ResourceAddress, Schema, Str, Value};
use crate::plan::prior::{mark_paths, mark_schema, sensitive_paths};
use crate::plan::{Change, DataObject, Planned, ProviderName, Rewrite};
use crate::provider::{IdempotencyKey, RemoteId, Stored};
use crate::state::{self, RowKey, Snapshot, Status, StoredInstance, StoredProvider};

/// The provider as the state writes it.
pub fn stored_provider(provider: &ProviderName) -> StoredProvider {
    let builtin = provider.source.starts_with("terraform.io/") || provider.source.matches('/').count() >= 2;
    let source: Str = match builtin {
        true => provider.source.clone(),
        false => format!("registry.terraform.io/{}", provider.source).into(),
    };
    StoredProvider { module: provider.module.clone(), source, alias: provider.alias.clone(), key: provider.key.clone() }
}

/// Names one intended call; the same when it is tried again from the same state, whose serial rises with each call that
/// succeeded or failed. What the call is sent with is no part of it: a secret could be guessed from a digest.
pub fn idempotency_key(
    lineage: &str,
    serial: u64,
    address: &Address,
    deposed: Option<&str>,
    verb: &str,
) -> IdempotencyKey {
    let (serial, address) = (serial.to_string(), address.to_string());
    let mut hash = Sha256::new();
    for part in [lineage, &serial, &address, verb].into_iter().chain(deposed) {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    IdempotencyKey(hex::encode(&hash.finalize()[..16]).into())
}

/// Eight hex digits for the predecessor of a create-first replacement.
pub fn deposed_key(key: &IdempotencyKey) -> Str {
    key.0.chars().take(8).collect::<String>().into()
}

/// Makes the predecessor of a create-first replacement the current object again: there is no successor.
pub fn reinstated(old: &StoredInstance) -> [state::Change; 2] {
    let back = StoredInstance { deposed: None, ..old.clone() };
    [state::Change::Remove(old.key()), state::Change::Put(Arc::new(back))]
}

/// The object with the marks of the plan and the schema.
pub fn marked(object: &Object, planned: &Value, schema: &Schema) -> Value {
    mark_schema(mark_paths(object.value(), &sensitive_paths(planned)), &schema.block)
}

/// What a row is made of besides the object.
#[derive(Clone)]
pub struct RowParts {
    pub address: Address,
    pub provider: Arc<StoredProvider>,
    pub schema: Arc<Schema>,
    pub dependencies: Arc<[ResourceAddress]>,
    pub create_before_destroy: bool,
}

impl RowParts {
    /// The row of a data source's object.
    pub fn data_row(&self, value: &Value) -> StoredInstance {
        let ty = self.schema.block.ty();
        let mut row = StoredInstance::new(self.address.clone(), self.provider.clone(), value, &ty);
        row.schema_version = self.schema.version;
        row
    }

    pub fn row(&self, stored: &Stored, value: &Value, tainted: bool) -> StoredInstance {
        let ty = self.schema.block.ty();
        let mut row = StoredInstance::new(self.address.clone(), self.provider.clone(), value, &ty);
        row.remote_id = Some(stored.id.0.clone());
        row.schema_version = self.schema.version;
        row.dependencies = self.dependencies.clone();
        row.create_before_destroy = self.create_before_destroy;
        row.status = if tainted { Status::Tainted } else { Status::Ok };
        row.with_private(stored.private.as_ref())
    }
}

/// The changes of the state that moves and refreshing ask for.
pub fn rewrites(
    rewrites: &[Rewrite],
    snapshot: &Snapshot,
    schema: impl Fn(&StoredInstance) -> Option<Arc<Schema>>,
) -> Vec<state::Change> {
    let mut removed = Vec::new();
    let mut put = Vec::new();
    for rewrite in rewrites {
        let key = RowKey { address: rewrite.from.clone(), deposed: rewrite.deposed.clone() };
        let Some(row) = snapshot.row(&key) else { continue };
        if rewrite.from != rewrite.to || rewrite.object.is_none() {
            removed.push(state::Change::Remove(key));
        }
        let Some(object) = &rewrite.object else { continue };
        let mut moved = StoredInstance::clone(row);
        moved.address = rewrite.to.clone();
        if let Some(dependencies) = &rewrite.dependencies {
            moved.dependencies = dependencies.clone();
        }
        if let Some(provider) = &rewrite.provider {
            moved.provider = Arc::new(stored_provider(provider));
        }
        let Some(schema) = schema(&moved) else { continue };
        if rewrite.provider.is_some() {
            moved.schema_version = schema.version;
        }
        put.push(state::Change::Put(Arc::new(moved.with_object(object, &schema.block.ty()))));
    }
    // Chains of moves: every old address is free before the first new one is taken.
    removed.into_iter().chain(put).collect()
}

/// The rows of data sources that were read while planning, and the end of those that are no more.
pub fn data(planned: &Planned, schema: impl Fn(&DataObject) -> Option<Arc<Schema>>) -> Vec<state::Change> {
    let gone = planned.unread.iter().map(|address| state::Change::Remove(RowKey::current(address.clone())));
    let put = planned.reads.iter().filter_map(|data| {
        let parts = RowParts {
            address: data.address.clone(),
            provider: Arc::new(stored_provider(&data.provider)),
            schema: schema(data)?,
            dependencies: Arc::default(),
            create_before_destroy: false,
        };
        Some(state::Change::Put(Arc::new(parts.data_row(&data.object))))
    });
    gone.chain(put).collect()
}

/// The row that a change starts from, under the address that it has after moves.
pub fn prior_row(change: &Change, snapshot: &Snapshot) -> Option<StoredInstance> {
    let address = change.previous_address.as_ref().unwrap_or(&change.address);
    let key = RowKey { address: address.clone(), deposed: change.deposed.clone() };
    let mut row = StoredInstance::clone(snapshot.row(&key)?);
    row.address = change.address.clone();
    Some(row)
}

/// The id of the object before a change: what the state or the import has, else its `id` attribute.
pub fn remote_id(row: Option<&StoredInstance>, change: &Change) -> RemoteId {
    let imported = || change.importing.as_ref().map(|i| i.remote_id.clone());
    let stored = row.and_then(|r| r.remote_id.clone()).or_else(imported);
    let own = || change.before.attr("id").and_then(|v| v.as_str().cloned());
    RemoteId(stored.or_else(own).unwrap_or_default())
}
