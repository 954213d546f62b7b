//! Resources that live in the state or on this machine alone: terraform_data, null_resource, random_*, time_*,
//! local files, tls_*. They need no account and no credentials.

mod local;
mod null;
mod random;
mod remote_state;
mod state_only;
mod terraform;
mod time;
mod tls;

use std::sync::Arc;

use async_trait::async_trait;

use super::Registration;
use crate::model::{Object, Schema};
use crate::provider::connection::ResourceInfo;
use crate::provider::ephemeral::EphemeralType;
use crate::provider::{
    Calls, Config, Connected, Connection, DataType, Operation, PlannedChange, ProviderDef, ProviderError,
    ProviderFunction, RemoteId, ResourceType, States, Stoppable,
};

use crate::provider::connection::Types;

/// Every builtin provider. A new one is a folder and a line here.
pub const REGISTRATIONS: &[Registration] = &[
    registration("terraform", terraform::SOURCE, terraform::provider),
    registration("null", null::SOURCE, null::provider),
    registration("random", random::SOURCE, random::provider),
    registration("time", time::SOURCE, time::provider),
    registration("local", local::SOURCE, local::provider),
    registration("tls", tls::SOURCE, tls::provider),
];

const fn registration(name: &'static str, source: &'static str, build: fn() -> Arc<dyn ProviderDef>) -> Registration {
    Registration { name, source, build, builtin: true }
}

/// The connection of the builtin providers: there is nothing to connect to.
pub struct Here;

impl Stoppable for Here {
    /// No calls are made from here.
    fn within(&self, _op: &Operation) -> Here {
        Here
    }
}

/// A provider without configuration.
struct Builtin {
    name: &'static str,
    source: &'static str,
    config_schema: Schema,
    types: Arc<Types<Here>>,
    functions: fn() -> Vec<ProviderFunction>,
    reach: remote_state::Reach,
}

fn define(
    name: &'static str,
    source: &'static str,
    resources: Vec<ResourceType<Here>>,
    data: Vec<DataType<Here>>,
) -> Arc<dyn ProviderDef> {
    define_with(name, source, resources, data, Vec::new(), Vec::new)
}

/// The same with ephemeral resources and functions.
fn define_with(
    name: &'static str,
    source: &'static str,
    resources: Vec<ResourceType<Here>>,
    data: Vec<DataType<Here>>,
    ephemeral: Vec<EphemeralType<Here>>,
    functions: fn() -> Vec<ProviderFunction>,
) -> Arc<dyn ProviderDef> {
    let types = Types::with_ephemeral(resources, data, ephemeral);
    let (config_schema, reach) = (Schema::default(), remote_state::Reach::default());
    Arc::new(Builtin { name, source, config_schema, types, functions, reach })
}

#[async_trait]
impl ProviderDef for Builtin {
    fn name(&self) -> &'static str {
        self.name
    }

    fn source(&self) -> &'static str {
        self.source
    }

    fn config_schema(&self) -> &Schema {
        &self.config_schema
    }

    fn resource_types(&self) -> Vec<&'static str> {
        self.types.resources.keys().copied().collect()
    }

    fn data_types(&self) -> Vec<&'static str> {
        self.types.data.keys().copied().collect()
    }

    fn resource(&self, ty: &str) -> Option<ResourceInfo<'_>> {
        self.types.resource_info(ty)
    }

    fn data_source(&self, ty: &str) -> Option<&Schema> {
        self.types.data.get(ty).map(|t| &t.schema)
    }

    fn functions(&self) -> Vec<ProviderFunction> {
        (self.functions)()
    }

    fn reach_states(&self, states: &Arc<dyn States>) {
        self.reach.get_or_init(|| states.clone());
    }

    fn ephemeral_types(&self) -> Vec<&'static str> {
        self.types.ephemeral.keys().copied().collect()
    }

    fn ephemeral(&self, ty: &str) -> Option<&Schema> {
        self.types.ephemeral.get(ty).map(|t| &t.schema)
    }

    fn plan(&self, ty: &str, _config: &Config, change: &mut PlannedChange) {
        self.types.plan(ty, change);
    }

    fn import_id(&self, ty: &str, written: &str) -> Result<RemoteId, ProviderError> {
        self.types.import_id(ty, written)
    }

    fn move_object(&self, from: &str, to: &str, object: &Object) -> Option<Object> {
        match (from, to) {
            ("null_resource", "terraform_data") => Some(terraform::from_null_resource(object)),
            _ => None,
        }
    }

    async fn connect(&self, _config: &Config, _calls: Calls) -> Result<Arc<dyn Connection>, ProviderError> {
        Ok(Arc::new(Connected { cloud: Here, types: self.types.clone() }))
    }
}
