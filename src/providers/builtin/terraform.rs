//! The provider of the language itself, and `terraform_data`: keeps a value in the state, and replaces itself when
//! another value changes.
//! <https://developer.hashicorp.com/terraform/language/resources/terraform-data>

use std::sync::Arc;

use async_trait::async_trait;
use rand::Rng;

use super::remote_state::{Reach, terraform_remote_state};
use super::state_only::{PlannedObject, read_kept};
use super::{Builtin, Here};
use crate::model::{Object, ObjectBuilder, Schema, Type, Value};
use crate::provider::connection::Types;
use crate::provider::schema_words::any;
use crate::provider::{
    Create, Delete, Driver, Outcome, PlannedChange, ProviderDef, ProviderError, Read, ReadOutcome, ResourceType,
    Stored, Trace, Update, resource,
};

pub const SOURCE: &str = "terraform.io/builtin/terraform";

pub fn provider() -> Arc<dyn ProviderDef> {
    let reach = Reach::default();
    let types = Types::with_ephemeral(vec![terraform_data()], vec![terraform_remote_state(reach.clone())], Vec::new());
    Arc::new(Builtin {
        name: "terraform",
        source: SOURCE,
        config_schema: Schema::default(),
        types,
        functions: Vec::new,
        reach,
    })
}

fn terraform_data() -> ResourceType<Here> {
    resource("terraform_data", "Keeps a value, and runs through a life cycle of its own.")
        .attr("input", any().optional(), "A value that is stored and given back as output after the apply.")
        .attr("output", any().computed().repeats("input"), "The value of input, known after the apply that stored it.")
        .attr("triggers_replace", any().optional().replaces(), "A value whose change replaces the resource.")
        .import_example("5d9d130a-afdb-4fc1-84da-e16d5818ee7d")
        .driver(TerraformData)
}

/// What a `null_resource` is when it moves here: its triggers replace as they did.
pub(super) fn from_null_resource(object: &Object) -> Object {
    let triggers = match object.fields().get("triggers") {
        Some(map) if !map.is_null() => Value::object(map.as_fields().into_iter().flatten().cloned()),
        _ => Value::NULL,
    };
    let id = object.fields().get("id").cloned().unwrap_or(Value::NULL);
    ObjectBuilder::new().set("id", id).set("triggers_replace", triggers).build()
}

struct TerraformData;

/// A new random UUID in its text form. One fast generator a thread serves them all.
pub(super) fn new_uuid() -> String {
    uuid::Builder::from_random_bytes(rand::rng().random()).into_uuid().to_string()
}

#[async_trait]
impl Driver<Here> for TerraformData {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    /// The output follows the input: unknown when the input changes, as it was when it does not.
    fn plan(&self, change: &mut PlannedChange) {
        let input = change.planned_value("input");
        let output = match change.prior_value("input") {
            // A null that is stored has no type to compare.
            Some(prior) if !change.makes_new() => match prior == input || (prior.is_null() && input.is_null()) {
                true => change.prior_value("output").unwrap_or(Value::NULL),
                false => Value::unknown(Type::Dynamic),
            },
            _ if input.is_null() => Value::NULL,
            _ => Value::unknown(input.ty()),
        };
        change.plan_value("output", output);
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        read_kept(reads, |id| Ok(Stored::new(id, ObjectBuilder::new().set("id", id).build())))
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        let id: crate::model::Str = new_uuid().into();
        let desired = ObjectBuilder::from(&request.desired).set("id", id.clone());
        Outcome::Done(Stored::new(id, with_output(desired, &request.desired)))
    }

    async fn update(&self, _: &Here, request: Update) -> Outcome {
        let desired = ObjectBuilder::from(&request.desired).set("id", request.id.0.clone());
        Outcome::Done(Stored::new(request.id.0, with_output(desired, &request.desired)))
    }

    async fn delete(&self, _: &Here, _: Delete) -> Result<(), ProviderError> {
        Ok(())
    }
}

fn with_output(object: ObjectBuilder, desired: &crate::model::Object) -> crate::model::Object {
    // The provider sees values, not marks: whether the output is secret is the reader's business.
    let output = desired.fields().get("input").map_or(Value::NULL, |v| v.unmark_deep().0);
    object.set("output", output).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Path;

    fn object(id: Value, input: Value, output: Value) -> Value {
        Value::object([("id", id), ("input", input), ("output", output), ("triggers_replace", Value::NULL)])
    }

    fn unknown() -> Value {
        Value::unknown(Type::Dynamic)
    }

    /// The output that is planned for an object with this input, after one with that input and output.
    fn output(prior: Option<(Value, Value)>, input: Value, replace: Vec<Path>) -> Value {
        let prior = prior.map(|(input, output)| object("1".into(), input, output));
        let planned = object("1".into(), input, prior.as_ref().and_then(|p| p.attr("output")).unwrap_or_else(unknown));
        let mut change = PlannedChange { prior, config: planned.clone(), planned, replace, diagnostics: Vec::new() };
        TerraformData.plan(&mut change);
        change.planned.attr("output").unwrap()
    }

    /// As `terraform plan` of 1.11 answers for the same cases.
    #[test]
    fn the_output_follows_the_input() {
        let kept = || Some((Value::from("x"), Value::from("x")));
        let replaced = || vec![Path::attr("triggers_replace")];
        assert_eq!(output(None, Value::NULL, vec![]), Value::NULL);
        assert_eq!(output(None, "x".into(), vec![]), Value::unknown(Type::String));
        assert_eq!(output(None, unknown(), vec![]), unknown());
        assert_eq!(output(kept(), "x".into(), vec![]), "x".into());
        assert_eq!(output(kept(), "y".into(), vec![]), unknown());
        assert_eq!(output(kept(), Value::NULL, vec![]), unknown());
        assert_eq!(output(kept(), unknown(), vec![]), unknown());
        assert_eq!(output(kept(), "x".into(), replaced()), Value::unknown(Type::String));
        assert_eq!(output(Some((Value::NULL, Value::NULL)), Value::NULL, replaced()), Value::NULL);
        assert_eq!(output(Some((Value::NULL, Value::NULL)), Value::Null(Type::String), vec![]), Value::NULL);
    }
}
