//! The ephemeral `random_password`: drawn anew in each run, kept nowhere.
//! <https://registry.terraform.io/providers/hashicorp/random/latest/docs/ephemeral-resources/password>

use async_trait::async_trait;

use super::text::{Recipe, hash};
use crate::model::ObjectBuilder;
use crate::provider::ephemeral::{EphemeralDriver, EphemeralType, Hold, Opened, ephemeral_resource};
use crate::provider::schema_words::{boolean, number, string};
use crate::provider::{Config, Operation, ProviderError};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::{compute, secure_generator};

pub fn random_password() -> EphemeralType<Here> {
    let class = || boolean().optional().computed();
    let minimum = || number().optional().computed();
    ephemeral_resource("random_password", "A random text that is kept nowhere.")
        .attr("length", number().required(), "Number of characters; at least 1.")
        .attr("lower", class(), "Use lower-case letters; true unless said otherwise.")
        .attr("upper", class(), "Use upper-case letters; true unless said otherwise.")
        .attr("numeric", class(), "Use digits; true unless said otherwise.")
        .attr("special", class(), "Use special characters; true unless said otherwise.")
        .attr("min_lower", minimum(), "Lower-case letters that it has at least.")
        .attr("min_upper", minimum(), "Upper-case letters that it has at least.")
        .attr("min_numeric", minimum(), "Digits that it has at least.")
        .attr("min_special", minimum(), "Special characters that it has at least.")
        .attr("override_special", string().optional(), "The special characters to choose from.")
        .attr("result", string().always().sensitive(), "The password.")
        .attr("bcrypt_hash", string().always().sensitive(), "A bcrypt hash of the password.")
        .driver(Password)
}

struct Password;

#[async_trait]
impl EphemeralDriver<Here> for Password {
    async fn open(&self, _: &Here, config: &Config, _: &Operation) -> Result<Opened, ProviderError> {
        let recipe = Recipe::of(config)?;
        let draw = move || {
            let text = recipe.draw(&mut secure_generator()?);
            let hashed = hash(&text)?;
            Ok((text, hashed))
        };
        let (text, hashed) = compute(draw).await?;
        let object = ObjectBuilder::from(config).set("result", text).set("bcrypt_hash", hashed);
        let classes = ["lower", "upper", "numeric", "special"];
        let object = classes.iter().fold(object, |object, name| object.set(name, config.bool(name).unwrap_or(true)));
        let minimums = ["min_lower", "min_upper", "min_numeric", "min_special"];
        let object = minimums.iter().fold(object, |object, name| object.set(name, config.i64(name).unwrap_or(0)));
        Ok(Opened { object: object.build(), hold: Hold::default() })
    }
}
