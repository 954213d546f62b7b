//! `random_pet`: a name that people can say and remember.

use async_trait::async_trait;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::pet_words::{ADJECTIVES, ADVERBS, ANIMALS};
use super::{generator, keepers};
use crate::model::{ObjectBuilder, Path};
use crate::provider::schema_words::{number, string};
use crate::provider::{
    Create, Delete, Driver, Outcome, ProviderError, Read, ReadOutcome, RemoteId, ResourceType, Stored, Trace, resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::{no_import, read_kept};

pub fn random_pet() -> ResourceType<Here> {
    resource("random_pet", "A random name made of words, ending with an animal.")
        .with(keepers)
        .attr("length", number().default(2).replaces(), "Number of words; at least 1.")
        .attr("prefix", string().optional().replaces(), "A word in front of the name.")
        .attr("separator", string().default("-").replaces(), "What stands between the words.")
        .attr("id", string().always().repeats("prefix"), "The name.")
        .driver(RandomPet)
}

struct RandomPet;

/// An animal, an adjective before it, and adverbs before that.
fn words(count: usize, rng: &mut StdRng) -> Vec<&'static str> {
    let lists = (0..count).map(|left| match count - left {
        1 => ANIMALS,
        2 => ADJECTIVES,
        _ => ADVERBS,
    });
    lists.filter_map(|list| list.choose(rng).copied()).collect()
}

fn create(request: &Create) -> Result<Stored, ProviderError> {
    let length = request.desired.i64("length").unwrap_or(2);
    let count = usize::try_from(length).ok().filter(|n| (1..=1000).contains(n)).ok_or_else(|| {
        ProviderError::invalid(format!("length is {length}, it must be at least 1 and at most 1000"))
            .path(Path::attr("length"))
    })?;
    let mut parts = words(count, &mut generator(None)?);
    if let Some(prefix) = request.desired.str("prefix").filter(|p| !p.is_empty()) {
        parts.insert(0, prefix);
    }
    let name = parts.join(request.desired.str("separator").unwrap_or("-"));
    let object = ObjectBuilder::from(&request.desired).set("id", name.as_str()).build();
    Ok(Stored::new(name, object))
}

#[async_trait]
impl Driver<Here> for RandomPet {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        read_kept(reads, |_| no_import("random_pet"))
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        create(&request).into()
    }

    async fn delete(&self, _: &Here, _: Delete) -> Result<(), ProviderError> {
        Ok(())
    }

    fn import_id(&self, _: &str) -> Result<RemoteId, ProviderError> {
        no_import("random_pet")
    }
}
