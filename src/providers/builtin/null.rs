//! `null_resource`: does nothing, replaces itself when its triggers change.
//! <https://registry.terraform.io/providers/hashicorp/null/latest/docs/resources/resource>

use std::sync::Arc;

use async_trait::async_trait;
use rand::Rng;

use super::state_only::read_kept;
use super::{Here, define};
use crate::model::ObjectBuilder;
use crate::provider::schema_words::string_map;
use crate::provider::{
    Create, Delete, Driver, Outcome, ProviderDef, ProviderError, Read, ReadOutcome, ResourceType, Stored, Trace,
    resource,
};

pub const SOURCE: &str = "hashicorp/null";

pub fn provider() -> Arc<dyn ProviderDef> {
    define("null", SOURCE, vec![null_resource()], Vec::new())
}

fn null_resource() -> ResourceType<Here> {
    resource("null_resource", "Does nothing; carries provisioners and triggers.")
        .attr("triggers", string_map().optional().replaces(), "Values whose change replaces the resource.")
        .import_example("5577006791947779410")
        .driver(NullResource)
}

struct NullResource;

#[async_trait]
impl Driver<Here> for NullResource {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        read_kept(reads, |id| Ok(Stored::new(id, ObjectBuilder::new().set("id", id).build())))
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        let id = (rand::rng().random::<u64>() >> 1).to_string();
        let object = ObjectBuilder::from(&request.desired).set("id", id.as_str()).build();
        Outcome::Done(Stored::new(id, object))
    }

    async fn delete(&self, _: &Here, _: Delete) -> Result<(), ProviderError> {
        Ok(())
    }
}
