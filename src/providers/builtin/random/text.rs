//! `random_password` and `random_string`: characters drawn from chosen classes, with a minimum of each.

use async_trait::async_trait;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use super::keepers;
use crate::model::{Diagnostic, Object, ObjectBuilder, Path, Value};
use crate::provider::resource::ResourceBuilder;
use crate::provider::schema_words::{boolean, number, string};
use crate::provider::{
    Create, Delete, Driver, Outcome, PlannedChange, ProviderError, Read, ReadOutcome, ResourceType, Stored, Trace,
    resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::{PlannedObject, compute, read_kept, secure_generator};

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMERIC: &str = "0123456789";
const SPECIAL: &str = "!@#$%&*()-_=+[]{}<>:?";
/// bcrypt looks at no more bytes than these.
const BCRYPT_BYTES: usize = 72;
const BCRYPT_COST: u32 = 10;

pub fn random_password() -> ResourceType<Here> {
    resource("random_password", "A random text that is kept secret.")
        .with(characters)
        .attr("result", string().always().sensitive(), "The password.")
        .attr(
            "bcrypt_hash",
            string().always().sensitive(),
            "A bcrypt hash of the password, or of its first 72 bytes where it is longer.",
        )
        .import_example("securepassword")
        .driver(Text { is_password: true })
}

pub fn random_string() -> ResourceType<Here> {
    resource("random_string", "A random text that is not secret.")
        .with(characters)
        .attr("result", string().always(), "The text.")
        .import_example("test")
        .driver(Text { is_password: false })
}

fn characters(resource: ResourceBuilder) -> ResourceBuilder {
    let class = || boolean().default(true).replaces();
    let minimum = || number().default(0).replaces();
    keepers(resource)
        .attr("length", number().required().replaces(), "Number of characters; at least 1.")
        .attr("lower", class(), "Use lower-case letters.")
        .attr("upper", class(), "Use upper-case letters.")
        .attr("numeric", boolean().optional().computed().replaces(), "Use digits; true unless said otherwise.")
        .attr(
            "number",
            boolean().optional().computed().replaces().deprecated("use \"numeric\" instead"),
            "The older name of numeric.",
        )
        .attr("special", class(), "Use special characters.")
        .attr("min_lower", minimum(), "Lower-case letters that it has at least.")
        .attr("min_upper", minimum(), "Upper-case letters that it has at least.")
        .attr("min_numeric", minimum(), "Digits that it has at least.")
        .attr("min_special", minimum(), "Special characters that it has at least.")
        .attr("override_special", string().optional().replaces(), "The special characters to choose from.")
}

struct Text {
    is_password: bool,
}

/// The classes to draw from, each with the number that must appear.
pub(super) struct Recipe {
    length: usize,
    classes: Vec<(Vec<char>, usize)>,
}

impl Recipe {
    pub(super) fn of(config: &Object) -> Result<Recipe, Wrong> {
        let on = |name: &str| config.bool(name).unwrap_or(true);
        let numeric = config.bool("numeric").or(config.bool("number")).unwrap_or(true);
        let special = config.str("override_special").filter(|s| !s.is_empty()).unwrap_or(SPECIAL);
        let mut classes = Vec::new();
        for (use_it, characters, minimum) in [
            (on("lower"), LOWER, "min_lower"),
            (on("upper"), UPPER, "min_upper"),
            (numeric, NUMERIC, "min_numeric"),
            (on("special"), special, "min_special"),
        ] {
            let least = natural(config, minimum)?;
            if use_it || least > 0 {
                classes.push((if use_it { characters } else { "" }, characters, least));
            }
        }
        let length = natural(config, "length")?;
        let least: usize = classes.iter().map(|c| c.2).sum();
        if length < 1 {
            return Err(Wrong::new("length", "length must be at least 1".into()));
        }
        if length < least {
            return Err(Wrong::new("length", format!("length is {length}, the minimums add up to {least}")));
        }
        if classes.iter().all(|c| c.0.is_empty()) && length > least {
            return Err(Wrong::new("length", "there is no class of characters left to choose from".into()));
        }
        // A class that is switched off serves its minimum and nothing more.
        let all: Vec<char> = classes.iter().flat_map(|c| c.0.chars()).collect();
        let mut parts: Vec<_> = classes.iter().map(|c| (c.1.chars().collect(), c.2)).collect();
        parts.push((all, length - least));
        Ok(Recipe { length, classes: parts })
    }

    pub(super) fn draw(&self, rng: &mut StdRng) -> String {
        let mut drawn: Vec<char> = Vec::with_capacity(self.length);
        for (characters, count) in &self.classes {
            drawn.extend((0..*count).filter_map(|_| characters.choose(rng).copied()));
        }
        drawn.shuffle(rng);
        drawn.into_iter().collect()
    }
}

pub(super) struct Wrong {
    attribute: &'static str,
    message: String,
}

impl Wrong {
    fn new(attribute: &'static str, message: String) -> Self {
        Wrong { attribute, message }
    }
}

impl From<Wrong> for ProviderError {
    fn from(wrong: Wrong) -> Self {
        ProviderError::invalid(wrong.message).path(Path::attr(wrong.attribute))
    }
}

fn natural(config: &Object, name: &'static str) -> Result<usize, Wrong> {
    let written = config.i64(name).unwrap_or(0);
    usize::try_from(written).map_err(|_| Wrong::new(name, format!("{name} is {written}, it cannot be negative")))
}

#[async_trait]
impl Driver<Here> for Text {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    fn plan(&self, change: &mut PlannedChange) {
        let numeric = [change.config_value("numeric"), change.config_value("number")];
        let numeric = numeric.into_iter().find(|v| !v.is_null()).unwrap_or(Value::Bool(true));
        change.plan_replacing("numeric", numeric.clone());
        change.plan_replacing("number", numeric);
        if !change.makes_new() {
            return;
        }
        let planned = Object::new(&change.planned);
        if characters_known(&planned)
            && let Err(wrong) = Recipe::of(&planned)
        {
            change.diagnostics.push(Diagnostic::error(wrong.message).path(Path::attr(wrong.attribute)));
        }
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        read_kept(reads, |written| {
            let length = i64::try_from(written.chars().count()).unwrap_or(i64::MAX);
            let object = ["lower", "upper", "numeric", "number", "special"]
                .into_iter()
                .fold(ObjectBuilder::new().set("length", length), |object, class| object.set(class, true));
            let object = ["min_lower", "min_upper", "min_numeric", "min_special"]
                .into_iter()
                .fold(object, |object, minimum| object.set(minimum, 0));
            self.finish(object, written)
        })
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        let is_password = self.is_password;
        let draw = move || {
            let recipe = Recipe::of(&request.desired)?;
            let text = recipe.draw(&mut secure_generator()?);
            let numeric = request.desired.bool("numeric").or(request.desired.bool("number")).unwrap_or(true);
            let object = ObjectBuilder::from(&request.desired).set("numeric", numeric).set("number", numeric);
            Text { is_password }.finish(object, &text)
        };
        compute(draw).await.into()
    }

    async fn delete(&self, _: &Here, _: Delete) -> Result<(), ProviderError> {
        Ok(())
    }
}

impl Text {
    fn finish(&self, object: ObjectBuilder, text: &str) -> Result<Stored, ProviderError> {
        let object = object.set("result", text);
        if !self.is_password {
            return Ok(Stored::new(text, object.set("id", text).build()));
        }
        let hashed = hash(text)?;
        // The id must not tell the secret.
        Ok(Stored::new("none", object.set("bcrypt_hash", hashed).set("id", "none").build()))
    }
}

/// The bcrypt hash of a password, or of its first 72 bytes where it is longer.
pub(super) fn hash(text: &str) -> Result<String, ProviderError> {
    let bytes = text.as_bytes();
    bcrypt::hash(bytes.get(..BCRYPT_BYTES).unwrap_or(bytes), BCRYPT_COST)
        .map_err(|e| ProviderError::invalid(format!("the password cannot be hashed: {e}")))
}

fn characters_known(planned: &Object) -> bool {
    let drawn = ["result", "bcrypt_hash", "id", "keepers"];
    planned.fields().iter().all(|(name, value)| drawn.contains(&&**name) || !value.is_unknown())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(config: ObjectBuilder) -> Result<String, String> {
        let recipe = Recipe::of(&config.build()).map_err(|w| w.message)?;
        Ok(recipe.draw(&mut secure_generator().unwrap()))
    }

    #[test]
    fn every_class_appears_as_often_as_asked() {
        let config = ObjectBuilder::new().set("length", 40).set("min_upper", 10).set("min_special", 25);
        let text = drawn(config.set("override_special", "%").set("lower", false)).unwrap();
        assert_eq!(text.chars().count(), 40);
        assert!(text.matches('%').count() >= 25 && text.chars().filter(char::is_ascii_uppercase).count() >= 10);
        assert!(!text.contains(|c: char| c.is_ascii_lowercase()));
        let digits = ObjectBuilder::new().set("length", 8).set("lower", false).set("upper", false);
        assert!(drawn(digits.set("special", false)).unwrap().chars().all(|c| c.is_ascii_digit()));
    }

    #[test]
    fn impossible_recipes_are_refused() {
        assert_eq!(drawn(ObjectBuilder::new().set("length", 0)).unwrap_err(), "length must be at least 1");
        let short = ObjectBuilder::new().set("length", 3).set("min_lower", 4);
        assert_eq!(drawn(short).unwrap_err(), "length is 3, the minimums add up to 4");
        let none = ["lower", "upper", "numeric", "special"];
        let none = none.iter().fold(ObjectBuilder::new().set("length", 3), |o, c| o.set(c, false));
        assert!(drawn(none).unwrap_err().contains("no class"));
        assert!(drawn(ObjectBuilder::new().set("length", 3).set("min_lower", -1)).unwrap_err().contains("negative"));
    }
}
