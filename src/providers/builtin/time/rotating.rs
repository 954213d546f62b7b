//! `time_rotating`: a moment that is replaced by a new one when it has grown old. The age is looked at when the
//! object is read: an old one counts as gone, and the plan makes a new one.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::moment::{self, Span, moment, now, plan_parts, set_parts};
use crate::model::{Diagnostic, Object, ObjectBuilder, Path, Type, Value};
use crate::provider::resource::ResourceBuilder;
use crate::provider::schema_words::{number, string};
use crate::provider::{
    Create, Delete, Driver, Outcome, PlannedChange, ProviderError, Read, ReadOutcome, ResourceType, Stored, Trace,
    Update, resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::{PlannedObject, read_kept};

const UNITS: [&str; 5] = ["rotation_years", "rotation_months", "rotation_days", "rotation_hours", "rotation_minutes"];
const NEEDS_ONE: &str = "one of rotation_years, rotation_months, rotation_days, rotation_hours, rotation_minutes and \
                         rotation_rfc3339 must be set";

pub fn time_rotating() -> ResourceType<Here> {
    let units = |resource: ResourceBuilder| {
        let docs = ["Years until it is replaced.", "Months.", "Days.", "Hours.", "Minutes."];
        UNITS
            .into_iter()
            .zip(docs)
            .fold(resource, |resource, (name, doc)| resource.attr(name, number().optional(), doc))
    };
    resource("time_rotating", "A moment that is replaced by a new one when it has grown old.")
        .with(moment)
        .with(units)
        .attr(
            "rfc3339",
            string().optional().computed().replaces(),
            "The moment to start from; the time of the apply that made it unless said otherwise.",
        )
        .attr("rotation_rfc3339", string().optional().computed(), "The moment from which on it counts as old.")
        .import_example("2020-02-12T06:36:13Z,0,0,30,0,0")
        .driver(TimeRotating)
}

struct TimeRotating;

/// The end that the configured units or the configured moment give, from this base.
fn end_of(base: OffsetDateTime, config: &Object) -> Result<OffsetDateTime, ProviderError> {
    let span = moment::span("rotation", |name| config.i64(name));
    match config.str("rotation_rfc3339") {
        _ if span != Span::default() => moment::add(base, span),
        Some(text) => moment::parse(text, "rotation_rfc3339"),
        None => Err(ProviderError::invalid(NEEDS_ONE)),
    }
}

fn stored(config: &Object) -> Result<Stored, ProviderError> {
    let written = config.str("rfc3339");
    let base = written.map_or_else(|| Ok(now()), |text| moment::parse(text, "rfc3339"))?;
    let base_text = written.map_or_else(|| moment::text(base), str::to_string);
    let end = end_of(base, config)?;
    let units_say_it = UNITS.iter().any(|name| config.get(name).is_some());
    let end_text = config.string("rotation_rfc3339").filter(|_| !units_say_it).unwrap_or_else(|| moment::text(end));
    let object = set_parts(ObjectBuilder::from(config), base)
        .set("rotation_rfc3339", end_text)
        .set("rfc3339", base_text.as_str())
        .set("id", base_text.as_str());
    Ok(Stored::new(base_text, object.build()))
}

/// Reads `base,years,months,days,hours,minutes` or `base,end`.
fn import(written: &str) -> Result<Stored, ProviderError> {
    let wrong = || {
        ProviderError::invalid(format!("\"{written}\" is not the id of a time_rotating"))
            .help("write the base, then years, months, days, hours, minutes: 2020-02-12T06:36:13Z,0,0,30,0,0")
            .help("or the base and the end: 2020-02-12T06:36:13Z,2020-02-13T06:36:13Z")
    };
    let parts: Vec<&str> = written.split(',').collect();
    let [base, rest @ ..] = parts.as_slice() else { return Err(wrong()) };
    let mut object = ObjectBuilder::new().set("rfc3339", *base);
    match rest {
        [end] => object = object.set("rotation_rfc3339", *end),
        units if units.len() == UNITS.len() => {
            for (name, unit) in UNITS.iter().zip(units) {
                let unit: i64 = unit.parse().map_err(|_| wrong())?;
                object = object.maybe(name, (unit != 0).then_some(unit));
            }
        }
        _ => return Err(wrong()),
    }
    stored(&object.build())
}

fn is_old(object: &Object, now: OffsetDateTime) -> bool {
    let end = object.str("rotation_rfc3339").and_then(|text| moment::parse(text, "rotation_rfc3339").ok());
    end.is_some_and(|end| end <= now)
}

#[async_trait]
impl Driver<Here> for TimeRotating {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    fn plan(&self, change: &mut PlannedChange) {
        let units = UNITS.map(|name| change.planned_value(name));
        let config_end = change.config_value("rotation_rfc3339");
        if config_end.is_null() && units.iter().all(Value::is_null) {
            change.diagnostics.push(Diagnostic::error(NEEDS_ONE));
            return;
        }
        if units.iter().any(Value::is_unknown) || config_end.is_unknown() {
            if config_end.is_null() {
                change.plan_value("rotation_rfc3339", Value::unknown(Type::String));
            }
            return;
        }
        let planned = Object::new(&change.planned);
        let Some(base) = planned.str("rfc3339") else { return };
        let config = ObjectBuilder::from(&planned).set("rotation_rfc3339", config_end.clone()).build();
        match moment::parse(base, "rfc3339").and_then(|base| Ok((base, end_of(base, &config)?))) {
            Ok((base, end)) => {
                plan_parts(change, Some(base));
                if config_end.is_null() {
                    change.plan_value("rotation_rfc3339", Value::string(moment::text(end)));
                }
            }
            Err(e) => {
                let path = e.path.unwrap_or_else(|| Path::attr("rfc3339"));
                change.diagnostics.push(Diagnostic::error(e.message).path(path));
            }
        }
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        let now = now();
        let old_is_gone = |outcome| match outcome {
            ReadOutcome::Found(stored) if is_old(&stored.object, now) => ReadOutcome::Gone,
            other => other,
        };
        read_kept(reads, import).into_iter().map(old_is_gone).collect()
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        stored(&request.desired).into()
    }

    async fn update(&self, _: &Here, request: Update) -> Outcome {
        stored(&ObjectBuilder::from(&request.desired).maybe("rfc3339", request.prior.str("rfc3339")).build()).into()
    }

    async fn delete(&self, _: &Here, _: Delete) -> Result<(), ProviderError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_moment_is_gone() {
        let stored = import("2020-02-12T06:36:13Z,0,0,30,0,0").unwrap();
        assert_eq!(stored.object.str("rotation_rfc3339"), Some("2020-03-13T06:36:13Z"));
        assert!(is_old(&stored.object, now()));
        assert!(!is_old(&stored.object, moment::parse("2020-03-13T06:36:12Z", "x").unwrap()));
        assert!(import("2020-02-12T06:36:13Z,30").is_err());
        assert!(stored_without_end().is_err());
    }

    fn stored_without_end() -> Result<Stored, ProviderError> {
        super::stored(&ObjectBuilder::new().build())
    }
}
