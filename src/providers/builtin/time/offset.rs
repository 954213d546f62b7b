//! `time_offset`: a moment so much before or after another.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::moment::{self, Span, moment, now, plan_parts, set_parts};
use crate::model::{Diagnostic, Object, ObjectBuilder, Path, Type, Value};
use crate::provider::schema_words::{number, string};
use crate::provider::{
    Create, Delete, Driver, Outcome, PlannedChange, ProviderError, Read, ReadOutcome, ResourceType, Stored, Trace,
    Update, resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::{PlannedObject, read_kept};

const UNITS: [&str; 6] = ["years", "months", "days", "hours", "minutes", "seconds"];

pub fn time_offset() -> ResourceType<Here> {
    let units = |resource| {
        let docs = [
            ("offset_years", "Years to add."),
            ("offset_months", "Months to add."),
            ("offset_days", "Days to add."),
            ("offset_hours", "Hours to add."),
            ("offset_minutes", "Minutes to add."),
            ("offset_seconds", "Seconds to add."),
        ];
        docs.into_iter().fold(resource, |resource: crate::provider::resource::ResourceBuilder, (name, doc)| {
            resource.attr(name, number().optional(), doc)
        })
    };
    resource("time_offset", "A moment so much before or after another.")
        .with(moment)
        .with(units)
        .attr(
            "base_rfc3339",
            string().optional().computed().replaces(),
            "The moment to start from; the time of the first apply unless said otherwise.",
        )
        .attr("rfc3339", string().always(), "The moment with the offset added.")
        .import_example("2020-02-12T06:36:13Z,0,0,7,0,0,0")
        .driver(TimeOffset)
}

struct TimeOffset;

fn stored(config: &Object) -> Result<Stored, ProviderError> {
    let written = config.str("base_rfc3339");
    let base = written.map_or_else(|| Ok(now()), |text| moment::parse(text, "base_rfc3339"))?;
    let base_text = written.map_or_else(|| moment::text(base), str::to_string);
    let end = moment::add(base, moment::span("offset", |name| config.i64(name)))?;
    let object = set_parts(ObjectBuilder::from(config), end)
        .set("rfc3339", moment::text(end))
        .set("base_rfc3339", base_text.as_str())
        .set("id", base_text.as_str());
    Ok(Stored::new(base_text, object.build()))
}

/// Reads the base and the six offsets, with commas between.
fn import(written: &str) -> Result<Stored, ProviderError> {
    let wrong = || {
        ProviderError::invalid(format!("\"{written}\" is not the id of a time_offset"))
            .help("write the base, then years, months, days, hours, minutes, seconds: 2020-02-12T06:36:13Z,0,0,7,0,0,0")
    };
    let parts: Vec<&str> = written.split(',').collect();
    let [base, offsets @ ..] = parts.as_slice() else { return Err(wrong()) };
    if offsets.len() != UNITS.len() {
        return Err(wrong());
    }
    let mut object = ObjectBuilder::new().set("base_rfc3339", *base);
    for (unit, offset) in UNITS.iter().zip(offsets) {
        let offset: i64 = offset.parse().map_err(|_| wrong())?;
        object = object.maybe(&format!("offset_{unit}"), (offset != 0).then_some(offset));
    }
    stored(&object.build())
}

/// The moment where everything that it comes from is known.
fn planned_end(planned: &Object) -> Option<Result<OffsetDateTime, ProviderError>> {
    let base = planned.str("base_rfc3339")?;
    if UNITS.iter().any(|unit| planned.is_unknown(&format!("offset_{unit}"))) {
        return None;
    }
    let span: Span = moment::span("offset", |name| planned.i64(name));
    Some(moment::parse(base, "base_rfc3339").and_then(|base| moment::add(base, span)))
}

#[async_trait]
impl Driver<Here> for TimeOffset {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    fn plan(&self, change: &mut PlannedChange) {
        match planned_end(&Object::new(&change.planned)) {
            Some(Ok(end)) => {
                plan_parts(change, Some(end));
                change.plan_value("rfc3339", Value::string(moment::text(end)));
            }
            Some(Err(e)) => {
                let path = e.path.unwrap_or_else(|| Path::attr("base_rfc3339"));
                change.diagnostics.push(Diagnostic::error(e.message).path(path));
            }
            None => {
                plan_parts(change, None);
                change.plan_value("rfc3339", Value::unknown(Type::String));
            }
        }
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        read_kept(reads, import)
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        stored(&request.desired).into()
    }

    async fn update(&self, _: &Here, request: Update) -> Outcome {
        let base = request.prior.str("base_rfc3339");
        stored(&ObjectBuilder::from(&request.desired).maybe("base_rfc3339", base).build()).into()
    }

    async fn delete(&self, _: &Here, _: Delete) -> Result<(), ProviderError> {
        Ok(())
    }
}
