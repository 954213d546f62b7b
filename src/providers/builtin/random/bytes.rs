//! `random_bytes`: random bytes as key material, kept secret.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{generator, keepers};
use crate::model::{ObjectBuilder, Path};
use crate::provider::schema_words::{number, string};
use crate::provider::{
    Create, Delete, Driver, Outcome, ProviderError, Read, ReadOutcome, ResourceType, Stored, Trace, resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::read_kept;

pub fn random_bytes() -> ResourceType<Here> {
    resource("random_bytes", "Random bytes that are kept secret.")
        .with(keepers)
        .attr("length", number().required().replaces(), "Number of bytes; at least 1.")
        .attr("base64", string().always().sensitive(), "The bytes in base64.")
        .attr("hex", string().always().sensitive(), "The bytes in hexadecimal digits.")
        .import_example("8/fu3q+2DcgSJ19i0jZ5Cw==")
        .driver(RandomBytes)
}

struct RandomBytes;

fn stored(object: ObjectBuilder, bytes: &[u8]) -> Stored {
    let object = object.set("base64", STANDARD.encode(bytes)).set("hex", hex::encode(bytes));
    // The id must not tell the secret.
    Stored::new("none", object.set("id", "none").build())
}

fn import(written: &str) -> Result<Stored, ProviderError> {
    let bytes = STANDARD
        .decode(written)
        .map_err(|e| ProviderError::invalid(format!("the import id of random_bytes is not base64: {e}")))?;
    let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    Ok(stored(ObjectBuilder::new().set("length", length), &bytes))
}

fn create(request: &Create) -> Result<Stored, ProviderError> {
    let wrong = |n| ProviderError::invalid(format!("length is {n}, it must be at least 1 and at most 65536"));
    let length = request.desired.i64("length").unwrap_or(0);
    let count = usize::try_from(length).ok().filter(|n| (1..=65536).contains(n));
    let mut bytes = vec![0; count.ok_or_else(|| wrong(length).path(Path::attr("length")))?];
    rand::RngCore::fill_bytes(&mut generator(None)?, &mut bytes);
    Ok(stored(ObjectBuilder::from(&request.desired), &bytes))
}

#[async_trait]
impl Driver<Here> for RandomBytes {
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
