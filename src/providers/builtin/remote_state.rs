//! The data source `terraform_remote_state`: the outputs of another configuration, from its state.
//! <https://developer.hashicorp.com/terraform/language/state/remote-state-data>

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;

use super::Here;
use super::state_only::compute;
use crate::model::{Object, ObjectBuilder, Path, Str, Value};
use crate::provider::schema_words::{any, string};
use crate::provider::{Config, DataDriver, DataType, ErrorKind, Operation, ProviderError, States, data_source};

/// The way to the states of others, which is there once the run knows its own.
pub(super) type Reach = Arc<OnceLock<Arc<dyn States>>>;

pub(super) fn terraform_remote_state(reach: Reach) -> DataType<Here> {
    data_source("terraform_remote_state", "The outputs of another configuration, as its state has them.")
        .attr("backend", string().required(), "The type of the backend that keeps the state, such as s3 or local.")
        .attr("config", any().optional(), "The arguments of that backend, as an object.")
        .attr(
            "workspace",
            string().optional(),
            "The workspace whose state is read; the default one where nothing is said.",
        )
        .attr("defaults", any().optional(), "Values of outputs that the state does not have, as an object.")
        .attr("outputs", any().computed(), "The outputs of the root module of that configuration, as an object.")
        .driver(RemoteState(reach))
}

struct RemoteState(Reach);

#[async_trait]
impl DataDriver<Here> for RemoteState {
    async fn read(&self, _: &Here, config: &Config, _: &Operation) -> Result<Object, ProviderError> {
        let states = self.0.get().cloned();
        let states = states.ok_or_else(|| ProviderError::new(ErrorKind::Other, "no states can be read here"))?;
        let config = config.clone();
        compute(move || {
            let backend = config.str("backend").unwrap_or_default();
            let arguments = config.get("config").cloned().unwrap_or(Value::NULL);
            let outputs = states.outputs(backend, &arguments, config.str("workspace"))?.ok_or_else(|| {
                let error = ProviderError::new(ErrorKind::NotFound, "the backend has no state of this workspace");
                error.help("apply the configuration that it belongs to first")
            })?;
            let mut all = defaults(&config)?;
            all.extend(outputs);
            Ok(ObjectBuilder::from(&config).set("outputs", Value::object(all)).build())
        })
        .await
    }
}

fn defaults(config: &Config) -> Result<Vec<(Str, Value)>, ProviderError> {
    let Some(defaults) = config.get("defaults") else { return Ok(Vec::new()) };
    let fields = defaults.as_fields().ok_or_else(|| {
        ProviderError::invalid("\"defaults\" must be an object of outputs").path(Path::attr("defaults"))
    })?;
    Ok(fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
}
