//! `time_sleep`: waits when it is created and when it is destroyed.

use std::time::Duration;

use async_trait::async_trait;

use super::moment;
use crate::model::{Diagnostic, Object, ObjectBuilder, Path};
use crate::provider::schema_words::{string, string_map};
use crate::provider::{
    Create, Delete, Driver, ErrorKind, Operation, Outcome, PlannedChange, ProviderError, Read, ReadOutcome,
    ResourceType, Stored, Trace, Update, resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::{PlannedObject, read_kept};

pub fn time_sleep() -> ResourceType<Here> {
    resource("time_sleep", "Waits when it is created and when it is destroyed.")
        .attr("create_duration", string().optional(), "How long to wait on create, such as 30s.")
        .attr("destroy_duration", string().optional(), "How long to wait on destroy, such as 1m30s.")
        .attr("triggers", string_map().optional().replaces(), "Values whose change replaces the resource.")
        .import_example("30s,")
        .driver(TimeSleep)
}

struct TimeSleep;

/// Reads numbers with units one after the other: `90s`, `1m30s`, `1.5h`, `250ms`.
fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let scale = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * scale;
        rest = after;
    }
    if text.is_empty() { None } else { Duration::try_from_secs_f64(seconds).ok() }
}

fn duration(config: &Object, name: &str) -> Result<Duration, ProviderError> {
    let Some(text) = config.str(name) else { return Ok(Duration::ZERO) };
    parse(text).ok_or_else(|| wrong(text).path(Path::attr(name)))
}

fn wrong(text: &str) -> ProviderError {
    ProviderError::invalid(format!("\"{text}\" is not a duration"))
        .help("write a number and a unit of ms, s, m or h, such as 30s or 1m30s")
}

async fn wait(duration: Duration, op: &Operation) -> Result<(), ProviderError> {
    if duration.is_zero() {
        return Ok(());
    }
    op.progress.tell(&format!("waiting for {duration:?}"));
    tokio::select! {
        () = tokio::time::sleep(duration) => Ok(()),
        () = tokio::time::sleep(op.timeout) => {
            let message = format!("{duration:?} of waiting are longer than the time-out of {:?}", op.timeout);
            Err(ProviderError::new(ErrorKind::Timeout, message))
        }
        () = op.cancel.cancelled() => Err(ProviderError::new(ErrorKind::Cancelled, "the wait was given up")),
    }
}

/// Reads `create,destroy`; either may be empty.
fn import(written: &str) -> Result<Stored, ProviderError> {
    let shape = || {
        ProviderError::invalid(format!("\"{written}\" is not the id of a time_sleep"))
            .help("write the duration of create and of destroy with a comma between: 30s, or ,30s or 30s,1m")
    };
    let (create, destroy) = written.split_once(',').ok_or_else(shape)?;
    let part = |text: &str| (!text.is_empty()).then(|| text.to_string());
    let object =
        ObjectBuilder::new().maybe("create_duration", part(create)).maybe("destroy_duration", part(destroy)).build();
    duration(&object, "create_duration")?;
    duration(&object, "destroy_duration")?;
    Ok(stored(&object))
}

fn stored(object: &Object) -> Stored {
    let id = moment::text(moment::now());
    Stored::new(id.as_str(), ObjectBuilder::from(object).set("id", id.as_str()).build())
}

#[async_trait]
impl Driver<Here> for TimeSleep {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    fn plan(&self, change: &mut PlannedChange) {
        for name in ["create_duration", "destroy_duration"] {
            if let Some(text) = change.planned_value(name).as_str()
                && parse(text).is_none()
            {
                let told = wrong(text);
                let diagnostic = Diagnostic::error(told.message).path(Path::attr(name));
                change.diagnostics.push(diagnostic.help(told.help.unwrap_or_default()));
            }
        }
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        read_kept(reads, import)
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        let waited = match duration(&request.desired, "create_duration") {
            Ok(duration) => wait(duration, &request.op).await,
            Err(e) => Err(e),
        };
        waited.map(|()| stored(&request.desired)).into()
    }

    async fn update(&self, _: &Here, request: Update) -> Outcome {
        let object = ObjectBuilder::from(&request.desired).set("id", request.id.0.clone()).build();
        Outcome::Done(Stored { id: request.id, object, private: None })
    }

    async fn delete(&self, _: &Here, request: Delete) -> Result<(), ProviderError> {
        wait(duration(&request.prior, "destroy_duration")?, &request.op).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        assert_eq!(parse("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(parse("1.5h"), Some(Duration::from_secs(5400)));
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        for wrong in ["", "30", "s", "30 s", "-3s", "1d", "1..5s", "s30"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
