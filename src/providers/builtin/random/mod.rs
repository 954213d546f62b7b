//! The random provider: values that are drawn once and kept in the state until their keepers change.
//! <https://registry.terraform.io/providers/hashicorp/random/latest/docs>

mod bytes;
mod ephemeral;
mod id;
mod integer;
mod pet;
mod pet_words;
mod shuffle;
mod text;
mod uuid;

use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};

use super::define_with;
use super::state_only::secure_generator;
use crate::provider::resource::ResourceBuilder;
use crate::provider::schema_words::string_map;
use crate::provider::{ProviderDef, ProviderError};

pub const SOURCE: &str = "hashicorp/random";

pub fn provider() -> Arc<dyn ProviderDef> {
    let resources = vec![
        bytes::random_bytes(),
        id::random_id(),
        integer::random_integer(),
        pet::random_pet(),
        shuffle::random_shuffle(),
        text::random_password(),
        text::random_string(),
        uuid::random_uuid(),
    ];
    define_with("random", SOURCE, resources, Vec::new(), vec![ephemeral::random_password()], Vec::new)
}

fn keepers(resource: ResourceBuilder) -> ResourceBuilder {
    resource.attr("keepers", string_map().optional().replaces(), "Values whose change draws a new one.")
}

/// A generator that always gives the same for the same seed, or one that nobody can predict without a seed.
fn generator(seed: Option<&str>) -> Result<StdRng, ProviderError> {
    match seed.filter(|s| !s.is_empty()) {
        Some(seed) => Ok(StdRng::from_seed(Sha256::digest(seed.as_bytes()).into())),
        None => secure_generator(),
    }
}
