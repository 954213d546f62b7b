//! Moments: RFC 3339 texts, calendar arithmetic, and the attributes that a moment is shown in.

use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, Month, OffsetDateTime, UtcOffset};

use crate::model::{ObjectBuilder, Path, Value};
use crate::provider::resource::ResourceBuilder;
use crate::provider::schema_words::{number, string_map};
use crate::provider::{PlannedChange, ProviderError};
use crate::providers::builtin::state_only::PlannedObject;

/// The attributes of a moment that are numbers.
const PARTS: [&str; 7] = ["day", "hour", "minute", "month", "second", "unix", "year"];

/// A distance in the units of the calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub years: i64,
    pub months: i64,
    pub days: i64,
    pub hours: i64,
    pub minutes: i64,
    pub seconds: i64,
}

pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

pub fn parse(text: &str, attribute: &str) -> Result<OffsetDateTime, ProviderError> {
    let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|e| {
        ProviderError::invalid(format!("\"{text}\" is not a time as RFC 3339 writes it: {e}"))
            .path(Path::attr(attribute))
            .help("write it like 2020-02-12T06:36:13Z")
    })?;
    Ok(parsed.to_offset(UtcOffset::UTC))
}

pub fn text(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_default()
}

/// The moment so much later. Years and months are added first; a day that the month does not have runs over
/// into the next month, as in Go's `AddDate`.
pub fn add(moment: OffsetDateTime, span: Span) -> Result<OffsetDateTime, ProviderError> {
    let out_of_range = || ProviderError::invalid("the time lies outside of the years that can be written");
    let months = span.years.checked_mul(12).and_then(|m| m.checked_add(span.months)).ok_or_else(out_of_range)?;
    let month = i64::from(moment.year()) * 12 + i64::from(u8::from(moment.month())) - 1;
    let month = month.checked_add(months).ok_or_else(out_of_range)?;
    let year = i32::try_from(month.div_euclid(12)).map_err(|_| out_of_range())?;
    let number = u8::try_from(month.rem_euclid(12) + 1).map_err(|_| out_of_range())?;
    let first = Month::try_from(number).ok().and_then(|m| Date::from_calendar_date(year, m, 1).ok());
    let days = i64::from(moment.day()) - 1;
    let rest = [(days, 86_400), (span.days, 86_400), (span.hours, 3_600), (span.minutes, 60), (span.seconds, 1)];
    let seconds = rest
        .into_iter()
        .try_fold(0_i64, |sum, (n, unit)| sum.checked_add(n.checked_mul(unit)?))
        .ok_or_else(out_of_range)?;
    let start = moment.replace_date(first.ok_or_else(out_of_range)?);
    let end = start.checked_add(Duration::seconds(seconds)).filter(|end| (0..=9999).contains(&end.year()));
    end.ok_or_else(out_of_range)
}

/// The values of [`PARTS`].
fn parts(moment: OffsetDateTime) -> [(&'static str, Value); 7] {
    let small = |n: u8| Value::int(i64::from(n));
    let values = [
        small(moment.day()),
        small(moment.hour()),
        small(moment.minute()),
        small(u8::from(moment.month())),
        small(moment.second()),
        Value::int(moment.unix_timestamp()),
        Value::int(i64::from(moment.year())),
    ];
    let mut named = PARTS.map(|name| (name, Value::NULL));
    for (slot, value) in named.iter_mut().zip(values) {
        slot.1 = value;
    }
    named
}

pub fn set_parts(object: ObjectBuilder, moment: OffsetDateTime) -> ObjectBuilder {
    parts(moment).into_iter().fold(object, |object, (name, value)| object.set(name, value))
}

/// Plans the parts of a moment that is known already; leaves them unknown where it is not.
pub fn plan_parts(change: &mut PlannedChange, moment: Option<OffsetDateTime>) {
    for (name, value) in parts(moment.unwrap_or(OffsetDateTime::UNIX_EPOCH)) {
        let value = if moment.is_some() { value } else { Value::unknown(value.ty()) };
        change.plan_value(name, value);
    }
}

/// The attributes that every resource of a moment has.
pub fn moment(resource: ResourceBuilder) -> ResourceBuilder {
    let part = || number().always();
    resource
        .attr("triggers", string_map().optional().replaces(), "Values whose change replaces the resource.")
        .attr("day", part(), "The day of the month.")
        .attr("hour", part(), "The hour.")
        .attr("minute", part(), "The minute.")
        .attr("month", part(), "The month, 1 to 12.")
        .attr("second", part(), "The second.")
        .attr("unix", part(), "Seconds since 1970-01-01T00:00:00Z.")
        .attr("year", part(), "The year.")
}

/// The span that attributes with this prefix say: `offset_days`, `rotation_months`.
pub fn span(prefix: &str, number: impl Fn(&str) -> Option<i64>) -> Span {
    let of = |unit: &str| number(&format!("{prefix}_{unit}")).unwrap_or(0);
    Span {
        years: of("years"),
        months: of("months"),
        days: of("days"),
        hours: of("hours"),
        minutes: of("minutes"),
        seconds: of("seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_arithmetic_runs_over_month_ends() {
        let after = |start: &str, span: Span| add(parse(start, "x").unwrap(), span).map(text);
        let month = Span { months: 1, ..Span::default() };
        assert_eq!(after("2021-01-31T10:00:00Z", month).unwrap(), "2021-03-03T10:00:00Z");
        assert_eq!(after("2020-12-15T10:00:00+02:00", month).unwrap(), "2021-01-15T08:00:00Z");
        let back = Span { years: -1, days: -1, seconds: -1, ..Span::default() };
        assert_eq!(after("2020-01-01T00:00:00Z", back).unwrap(), "2018-12-30T23:59:59Z");
        assert!(after("2020-01-01T00:00:00Z", Span { years: 8000, ..Span::default() }).is_err());
        assert!(after("2020-01-01T00:00:00Z", Span { hours: i64::MAX, ..Span::default() }).is_err());
        assert!(parse("yesterday", "x").is_err());
    }
}
