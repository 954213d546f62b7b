//! `random_uuid`: a version 4 UUID.

use async_trait::async_trait;

use super::{generator, keepers};
use crate::model::ObjectBuilder;
use crate::provider::schema_words::string;
use crate::provider::{
    Create, Delete, Driver, Outcome, ProviderError, Read, ReadOutcome, ResourceType, Stored, Trace, resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::read_kept;

pub fn random_uuid() -> ResourceType<Here> {
    resource("random_uuid", "A random UUID.")
        .with(keepers)
        .attr("result", string().always(), "The UUID in its text form.")
        .import_example("aabbccdd-eeff-4011-a233-445566778899")
        .driver(RandomUuid)
}

struct RandomUuid;

fn stored(object: ObjectBuilder, uuid: &str) -> Stored {
    Stored::new(uuid, object.set("result", uuid).set("id", uuid).build())
}

fn import(written: &str) -> Result<Stored, ProviderError> {
    let uuid = uuid::Uuid::try_parse(written)
        .map_err(|e| ProviderError::invalid(format!("\"{written}\" is not a UUID: {e}")))?;
    Ok(stored(ObjectBuilder::new(), &uuid.to_string()))
}

fn create(request: &Create) -> Result<Stored, ProviderError> {
    let mut bytes = [0; 16];
    rand::RngCore::fill_bytes(&mut generator(None)?, &mut bytes);
    let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
    Ok(stored(ObjectBuilder::from(&request.desired), &uuid.to_string()))
}

#[async_trait]
impl Driver<Here> for RandomUuid {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        read_kept(reads, import)
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        create(&request).into()
    }

    async fn delete(&self, _: &Here, _: Delete) -> Result<(), ProviderError> {
        Ok(())
    }
}
