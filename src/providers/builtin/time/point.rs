//! `time_static`: a moment that stays: the one of the first apply, or one that is written.

use async_trait::async_trait;

use super::moment::{self, moment, now, plan_parts, set_parts};
use crate::model::{Diagnostic, ObjectBuilder, Path};
use crate::provider::schema_words::string;
use crate::provider::{
    Create, Delete, Driver, Outcome, PlannedChange, ProviderError, Read, ReadOutcome, ResourceType, Stored, Trace,
    resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::{PlannedObject, read_kept};

pub fn time_static() -> ResourceType<Here> {
    resource("time_static", "A moment that stays.")
        .with(moment)
        .attr(
            "rfc3339",
            string().optional().computed().replaces(),
            "The moment as RFC 3339 writes it; the time of the first apply unless said otherwise.",
        )
        .import_example("2020-02-12T06:36:13Z")
        .driver(TimeStatic)
}

struct TimeStatic;

fn stored(object: ObjectBuilder, written: Option<&str>) -> Result<Stored, ProviderError> {
    let moment = written.map_or_else(|| Ok(now()), |text| moment::parse(text, "rfc3339"))?;
    // What the user wrote stays as it is, in its own time zone.
    let text = written.map_or_else(|| moment::text(moment), str::to_string);
    let object = set_parts(object, moment).set("rfc3339", text.as_str()).set("id", text.as_str());
    Ok(Stored::new(text, object.build()))
}

#[async_trait]
impl Driver<Here> for TimeStatic {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    fn plan(&self, change: &mut PlannedChange) {
        let written = change.planned_value("rfc3339");
        let Some(text) = written.as_str().filter(|_| change.makes_new()) else { return };
        match moment::parse(text, "rfc3339") {
            Ok(moment) => plan_parts(change, Some(moment)),
            Err(e) => change.diagnostics.push(Diagnostic::error(e.message).path(Path::attr("rfc3339"))),
        }
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        read_kept(reads, |written| stored(ObjectBuilder::new(), Some(written)))
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        stored(ObjectBuilder::from(&request.desired), request.desired.str("rfc3339")).into()
    }

    async fn delete(&self, _: &Here, _: Delete) -> Result<(), ProviderError> {
        Ok(())
    }
}
