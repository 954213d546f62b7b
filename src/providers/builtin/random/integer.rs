//! `random_integer`: a whole number between two bounds, both included.

use async_trait::async_trait;
use rand::Rng;

use super::{generator, keepers};
use crate::model::{Diagnostic, ObjectBuilder, Path};
use crate::provider::schema_words::{number, string};
use crate::provider::{
    Create, Delete, Driver, Outcome, PlannedChange, ProviderError, Read, ReadOutcome, ResourceType, Stored, Trace,
    resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::{PlannedObject, read_kept};

pub fn random_integer() -> ResourceType<Here> {
    resource("random_integer", "A random whole number.")
        .with(keepers)
        .attr("min", number().required().replaces(), "The smallest number that it may be.")
        .attr("max", number().required().replaces(), "The largest number that it may be.")
        .attr("seed", string().optional().replaces(), "Gives always the same number for the same text.")
        .attr("result", number().always(), "The number.")
        .import_example("15390,1,50000")
        .driver(RandomInteger)
}

struct RandomInteger;

fn stored(object: ObjectBuilder, result: i64) -> Stored {
    Stored::new(result.to_string(), object.set("result", result).set("id", result.to_string()).build())
}

/// Reads `result,min,max` or `result,min,max,seed`.
fn import(written: &str) -> Result<Stored, ProviderError> {
    let wrong = || {
        ProviderError::invalid(format!("\"{written}\" is not the id of a random_integer"))
            .help("write result,min,max or result,min,max,seed, such as 15390,1,50000")
    };
    let mut parts = written.splitn(4, ',');
    let mut next = || parts.next().and_then(|p| p.trim().parse::<i64>().ok()).ok_or_else(wrong);
    let (result, min, max) = (next()?, next()?, next()?);
    let object = ObjectBuilder::new().set("min", min).set("max", max).maybe("seed", parts.next());
    Ok(stored(object, result))
}

fn create(request: &Create) -> Result<Stored, ProviderError> {
    let bound = |name: &str| {
        let wrong =
            || ProviderError::invalid(format!("{name} must be a whole number of 64 bits")).path(Path::attr(name));
        request.desired.i64(name).ok_or_else(wrong)
    };
    let (min, max) = (bound("min")?, bound("max")?);
    if max < min {
        return Err(ProviderError::invalid(too_small(min, max)).path(Path::attr("max")));
    }
    let result = generator(request.desired.str("seed"))?.random_range(min..=max);
    Ok(stored(ObjectBuilder::from(&request.desired), result))
}

fn too_small(min: i64, max: i64) -> String {
    format!("max is {max}, it must not be smaller than min, which is {min}")
}

#[async_trait]
impl Driver<Here> for RandomInteger {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    fn plan(&self, change: &mut PlannedChange) {
        let bounds = (change.planned_value("min").as_i64(), change.planned_value("max").as_i64());
        if let (Some(min), Some(max)) = bounds
            && max < min
        {
            change.diagnostics.push(Diagnostic::error(too_small(min, max)).path(Path::attr("max")));
        }
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
