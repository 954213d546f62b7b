//! `random_id`: random bytes in the forms that names are made of.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use dashu_int::UBig;

use super::{generator, keepers};
use crate::model::{ObjectBuilder, Path};
use crate::provider::schema_words::{number, string};
use crate::provider::{
    Create, Delete, Driver, Outcome, ProviderError, Read, ReadOutcome, ResourceType, Stored, Trace, resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::read_kept;

pub fn random_id() -> ResourceType<Here> {
    resource("random_id", "A random number of so many bytes, in several notations.")
        .with(keepers)
        .attr("byte_length", number().required().replaces(), "Number of random bytes; at least 1.")
        .attr("prefix", string().optional().replaces(), "Text in front of every notation, used as it is.")
        .attr("b64_std", string().always().repeats("prefix"), "In base64.")
        .attr("b64_url", string().always().repeats("prefix"), "In base64 that is safe in URLs, without padding.")
        .attr("hex", string().always().repeats("prefix"), "In hexadecimal digits, twice as many as bytes.")
        .attr("dec", string().always().repeats("prefix"), "In decimal digits.")
        .import_example("p-9hUg")
        .driver(RandomId)
}

struct RandomId;

fn stored(object: ObjectBuilder, prefix: &str, bytes: &[u8]) -> Stored {
    let id = URL_SAFE_NO_PAD.encode(bytes);
    let object = object
        .set("id", id.as_str())
        .set("b64_url", format!("{prefix}{id}"))
        .set("b64_std", format!("{prefix}{}", STANDARD.encode(bytes)))
        .set("hex", format!("{prefix}{}", hex::encode(bytes)))
        .set("dec", format!("{prefix}{}", UBig::from_be_bytes(bytes)));
    Stored::new(id, object.build())
}

/// Reads `p-9hUg` or `prefix,p-9hUg`.
fn import(written: &str) -> Result<Stored, ProviderError> {
    let (prefix, id) = written.rsplit_once(',').unwrap_or(("", written));
    let bytes = URL_SAFE_NO_PAD.decode(id).map_err(|e| {
        ProviderError::invalid(format!("\"{id}\" is not base64 for URLs: {e}"))
            .help("write the id, or the prefix and the id with a comma between: my-,p-9hUg")
    })?;
    let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let object = ObjectBuilder::new().set("byte_length", length);
    let object = object.maybe("prefix", (!prefix.is_empty()).then_some(prefix));
    Ok(stored(object, prefix, &bytes))
}

fn create(request: &Create) -> Result<Stored, ProviderError> {
    let wrong = |n| ProviderError::invalid(format!("byte_length is {n}, it must be at least 1 and at most 65536"));
    let length = request.desired.i64("byte_length").unwrap_or(0);
    let count = usize::try_from(length).ok().filter(|n| (1..=65536).contains(n));
    let mut bytes = vec![0; count.ok_or_else(|| wrong(length).path(Path::attr("byte_length")))?];
    rand::RngCore::fill_bytes(&mut generator(None)?, &mut bytes);
    let prefix = request.desired.str("prefix").unwrap_or_default();
    Ok(stored(ObjectBuilder::from(&request.desired), prefix, &bytes))
}

#[async_trait]
impl Driver<Here> for RandomId {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notations_are_of_the_same_number() {
        let stored = import("p-9hUg").unwrap();
        let text = |name: &str| stored.object.string(name).unwrap();
        assert_eq!(
            (text("hex"), text("dec"), text("b64_std")),
            ("a7ef6152".into(), "2817483090".into(), "p+9hUg==".into())
        );
        assert_eq!(stored.object.i64("byte_length"), Some(4));
        assert_eq!(import("my-,p-9hUg").unwrap().object.str("hex"), Some("my-a7ef6152"));
        assert!(import("!").is_err());
    }
}
