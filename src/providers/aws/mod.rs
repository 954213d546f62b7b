//! Amazon Web Services: the provider `hashicorp/aws` by its names and meanings.
//!
//! A folder a service, a file a resource type. All calls go through [`Aws::call`], all waits through [`Aws::wait`],
//! all tags through [`tags`].

pub mod cloud;
mod config;
pub mod ec2;
pub mod eks;
pub mod elasticache;
mod ending;
mod endpoints;
mod errors;
mod functions;
mod http;
pub mod iam;
mod lenient;
mod named;
mod policy_text;
pub mod rds;
pub mod s3;
mod schema;
pub mod tags;
mod web_identity;
mod whereabouts;

use std::sync::Arc;

use async_trait::async_trait;

pub use cloud::Aws;

use crate::model::Schema;
use crate::provider::connection::{ResourceInfo, Types};
use crate::provider::limits::CallLimit;
use crate::provider::transport::Transport;
use crate::provider::{
    Calls, Config, Connected, Connection, DataType, Pace, PlannedChange, ProviderDef, ProviderError, ProviderFunction,
    RemoteId, ResourceType,
};

/// The provider. All connections made from one definition share its rate limits.
pub fn definition() -> Definition {
    Definition::new(Pace::default())
}

/// All resource types, a line a service.
fn resources() -> Vec<ResourceType<Aws>> {
    [ec2::resources(), eks::resources(), elasticache::resources(), iam::resources(), rds::resources(), s3::resources()]
        .into_iter()
        .flatten()
        .collect()
}

/// All data sources, a line a service.
fn data_sources() -> Vec<DataType<Aws>> {
    [ec2::data_sources(), iam::data_sources(), whereabouts::data_sources()].into_iter().flatten().collect()
}

/// See [`definition`].
pub struct Definition {
    schema: Schema,
    types: Arc<Types<Aws>>,
    transport: Arc<Transport>,
    pace: Pace,
}

impl Definition {
    /// A provider that looks at another pace while it waits, as tests do.
    #[doc(hidden)]
    pub fn new(pace: Pace) -> Self {
        let types = Types::new(resources(), data_sources());
        Definition { schema: schema::config(), types, transport: Transport::new(), pace }
    }
}

#[async_trait]
impl ProviderDef for Definition {
    fn name(&self) -> &'static str {
        "aws"
    }

    fn source(&self) -> &'static str {
        "hashicorp/aws"
    }

    fn config_schema(&self) -> &Schema {
        &self.schema
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

    fn plan(&self, ty: &str, config: &Config, change: &mut PlannedChange) {
        self.types.plan(ty, change);
        tags::plan(config, change);
    }

    fn import_id(&self, ty: &str, written: &str) -> Result<RemoteId, ProviderError> {
        self.types.import_id(ty, written)
    }

    fn functions(&self) -> Vec<ProviderFunction> {
        functions::functions()
    }

    fn limit_calls(&self, limit: &Arc<CallLimit>) {
        self.transport.limit_calls(limit);
    }

    async fn connect(&self, config: &Config, calls: Calls) -> Result<Arc<dyn Connection>, ProviderError> {
        let cloud = config::connect(config, self.transport.clone(), self.pace, calls).await?;
        Ok(Arc::new(Connected { cloud, types: self.types.clone() }))
    }
}
