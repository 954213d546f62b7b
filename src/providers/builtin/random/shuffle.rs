//! `random_shuffle`: a random order of a list, or a part of it.

use async_trait::async_trait;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::{generator, keepers};
use crate::model::{ObjectBuilder, Path};
use crate::provider::schema_words::{number, string, string_list};
use crate::provider::{
    Create, Delete, Driver, Outcome, ProviderError, Read, ReadOutcome, ResourceType, Stored, Trace, resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::{no_import, read_kept};

pub fn random_shuffle() -> ResourceType<Here> {
    resource("random_shuffle", "A random order of a list of texts.")
        .with(keepers)
        .attr("input", string_list().required().replaces(), "The texts to choose from.")
        .attr(
            "result_count",
            number().optional().replaces(),
            "How many to give: all of them unless said otherwise; beyond that some come again.",
        )
        .attr("seed", string().optional().replaces(), "Gives always the same order for the same text.")
        .attr("result", string_list().always().repeats("input"), "The texts in their order.")
        .driver(RandomShuffle)
}

struct RandomShuffle;

/// So many of the texts: every text comes once before one comes again.
fn draw(input: &[String], count: usize, rng: &mut StdRng) -> Vec<String> {
    let mut drawn = Vec::new();
    while drawn.len() < count && !input.is_empty() {
        let mut round = input.to_vec();
        round.shuffle(rng);
        round.truncate(count - drawn.len());
        drawn.append(&mut round);
    }
    drawn
}

fn create(request: &Create) -> Result<Stored, ProviderError> {
    let input = request.desired.strings("input");
    let count = match request.desired.i64("result_count") {
        None => input.len(),
        Some(n) => usize::try_from(n).ok().filter(|n| *n <= 1_000_000).ok_or_else(|| {
            let message = format!("result_count is {n}, it must be between 0 and 1000000");
            ProviderError::invalid(message).path(Path::attr("result_count"))
        })?,
    };
    let drawn = draw(&input, count, &mut generator(request.desired.str("seed"))?);
    let object = ObjectBuilder::from(&request.desired).strings("result", drawn).set("id", "-").build();
    Ok(Stored::new("-", object))
}

#[async_trait]
impl Driver<Here> for RandomShuffle {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        read_kept(reads, |_| no_import("random_shuffle"))
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        create(&request).into()
    }

    async fn delete(&self, _: &Here, _: Delete) -> Result<(), ProviderError> {
        Ok(())
    }

    fn import_id(&self, _: &str) -> Result<crate::provider::RemoteId, ProviderError> {
        no_import("random_shuffle")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_once_before_one_comes_again() {
        let input: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        let mut rng = generator(Some("seed")).unwrap();
        let drawn = draw(&input, 7, &mut rng);
        assert_eq!(drawn.len(), 7);
        for round in drawn.chunks_exact(3) {
            let mut round = round.to_vec();
            round.sort();
            assert_eq!(round, input);
        }
        assert_eq!(drawn, draw(&input, 7, &mut generator(Some("seed")).unwrap()));
        assert!(draw(&[], 7, &mut rng).is_empty());
    }
}
