//! One embedded, stateful, schema-driven simulated cloud in the place of every provider.
//!
//! [`wrap`] keeps a provider's schemas and puts the sandbox behind its connection. What a provider documents in
//! its schemas is enough: ids, ARNs and computed attributes are minted, references must exist, deletes are
//! refused while something holds the object, names and address ranges are unique, quotas are kept. What is
//! special about a known type stands in a table ([`catalog`], [`references`], [`ranges`]); a type that is in none
//! of them works too.
//!
//! # Ordering faults
//!
//! [`Faults::parse`] reads clauses with `;` or a new line between them:
//!
//! ```text
//! seed=7                                  ids and dice of this run
//! latency aws_eks_cluster:create=2s..5s   how long it takes; without a target: everything
//! quota aws_vpc=5                         objects of a type in a region; quota=defaults for those of the cloud
//! aws_subnet:create=throttle@10%          what goes wrong, and how often
//!
//! TARGET = TYPE[:OP[|OP]]    TYPE with * and ?; OP of create read update delete list find data
//! FAULT  = throttle | 500 | denied | network        nothing happened
//!        | timeout | partial | lost                 it happened; lost: the answer did not arrive
//!        | hang                                     no answer until the caller gives up
//!        | crash-before | crash-after               the process aborts before or after it happened
//! WHEN   = P% | first:N | nth:N | every:N           always where it is left out
//! LENGTH = 200ms | 1.5s | 2m                        or a range: 200ms..2s
//! ```
//!
//! The first rule that strikes holds. A share is drawn anew for every attempt on an object, and the same seed
//! draws the same.

mod body;
mod catalog;
mod connection;
mod cover;
mod data;
mod faults;
mod mint;
mod objects;
mod ranges;
mod references;
mod store;
mod synthesis;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;

pub use connection::SandboxConnection;
pub use cover::Cover;
pub use faults::Faults;

use crate::model::{Object, Schema};
use crate::provider::connection::ResourceInfo;
use crate::provider::limits::CallLimit;
use crate::provider::transport::Transport;
use crate::provider::{
    Calls, Config, Connection, PlannedChange, ProviderDef, ProviderError, ProviderFunction, RemoteId,
};

/// The simulated cloud: one for all providers of a run.
pub struct SandboxCloud {
    store: store::Store,
    dice: faults::Dice,
    transport: Arc<Transport>,
    /// How the file is written; set before the first call.
    covered: OnceLock<cover::Covered>,
}

impl SandboxCloud {
    /// Opens the file that the cloud lives in, or makes it.
    pub fn open(path: &Path, faults: Faults) -> Result<Arc<SandboxCloud>, ProviderError> {
        let (store, dice) = (store::Store::open(path)?, faults::Dice::new(faults));
        Ok(Arc::new(SandboxCloud { store, dice, transport: Transport::new(), covered: OnceLock::new() }))
    }

    /// The key that the file is sealed with, as it was given to [`SandboxCloud::cover`]; nothing where it is in clear.
    pub fn sealed_key(&self) -> Result<Option<Vec<u8>>, ProviderError> {
        self.store.sealed_key()
    }

    /// Seals the file from here on, and what is in it so far. `key` is kept in it, and is sealed itself. Gives whether
    /// that could be done: not where the sealed key is not the `known` one any more.
    pub fn cover(&self, known: Option<&[u8]>, key: &[u8], cover: Arc<dyn Cover>) -> Result<bool, ProviderError> {
        let covered = cover::Covered::by(cover);
        let done = self.store.cover(known, key, &covered)?;
        if done {
            // A run covers the file once.
            let _first = self.covered.set(covered);
        }
        Ok(done)
    }

    fn covered(&self) -> cover::Covered {
        self.covered.get().cloned().unwrap_or_default()
    }
}

/// The same provider with the simulated cloud behind it.
pub fn wrap(def: Arc<dyn ProviderDef>, cloud: Arc<SandboxCloud>) -> Arc<dyn ProviderDef> {
    Arc::new(Wrapped { def, cloud })
}

struct Wrapped {
    def: Arc<dyn ProviderDef>,
    cloud: Arc<SandboxCloud>,
}

#[async_trait]
impl ProviderDef for Wrapped {
    fn name(&self) -> &'static str {
        self.def.name()
    }

    fn source(&self) -> &'static str {
        self.def.source()
    }

    fn config_schema(&self) -> &Schema {
        self.def.config_schema()
    }

    fn resource_types(&self) -> Vec<&'static str> {
        self.def.resource_types()
    }

    fn data_types(&self) -> Vec<&'static str> {
        self.def.data_types()
    }

    fn resource(&self, ty: &str) -> Option<ResourceInfo<'_>> {
        self.def.resource(ty)
    }

    fn data_source(&self, ty: &str) -> Option<&Schema> {
        self.def.data_source(ty)
    }

    fn functions(&self) -> Vec<ProviderFunction> {
        self.def.functions()
    }

    fn limit_calls(&self, limit: &Arc<CallLimit>) {
        self.cloud.transport.limit_calls(limit);
    }

    fn ephemeral_types(&self) -> Vec<&'static str> {
        self.def.ephemeral_types()
    }

    fn ephemeral(&self, ty: &str) -> Option<&Schema> {
        self.def.ephemeral(ty)
    }

    fn move_object(&self, from: &str, to: &str, object: &Object) -> Option<Object> {
        self.def.move_object(from, to, object)
    }

    fn plan(&self, ty: &str, config: &Config, change: &mut PlannedChange) {
        self.def.plan(ty, config, change);
    }

    /// The ids that the sandbox shows are the ids that it reads.
    fn import_id(&self, _ty: &str, written: &str) -> Result<RemoteId, ProviderError> {
        Ok(RemoteId(written.into()))
    }

    async fn connect(&self, config: &Config, calls: Calls) -> Result<Arc<dyn Connection>, ProviderError> {
        Ok(Arc::new(SandboxConnection::new(self.def.clone(), self.cloud.clone(), config, calls)))
    }
}
