//! `provider::time::…`: durations and moments as objects.
//! <https://registry.terraform.io/providers/hashicorp/time/latest/docs/functions/duration_parse>

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::model::duration::signed_nanoseconds;
use crate::model::{Number, Type, Value};
use crate::provider::function::text;
use crate::provider::{FunctionParam, ProviderFunction};

pub fn functions() -> Vec<ProviderFunction> {
    vec![
        ProviderFunction {
            name: "duration_parse",
            doc: "A duration in hours, in minutes, and in each smaller unit: the whole of it, not its parts.",
            params: vec![FunctionParam::string("duration", "The duration, such as \"1h30m\" or \"-1.5s\".")],
            returns: Type::object(DURATION.map(|name| (name, Type::Number))),
            body: |args| duration(text(args, 0)),
        },
        ProviderFunction {
            name: "rfc3339_parse",
            doc: "The parts of a time, by the clock of its own zone.",
            params: vec![FunctionParam::string("timestamp", "The time in RFC 3339, such as 2026-01-31T10:00:00Z.")],
            returns: moment_type("unix", Type::Number),
            body: |args| rfc3339(text(args, 0)),
        },
        ProviderFunction {
            name: "unix_timestamp_parse",
            doc: "The parts of a time in UTC.",
            params: vec![FunctionParam {
                name: "unix_timestamp",
                doc: "Seconds since 1970-01-01T00:00:00Z.",
                ty: Type::Number,
            }],
            returns: moment_type("rfc3339", Type::String),
            body: |args| unix(args.first().and_then(Value::as_number)),
        },
    ]
}

const DURATION: [&str; 6] = ["hours", "microseconds", "milliseconds", "minutes", "nanoseconds", "seconds"];

/// The attributes of a moment that are numbers, and those that are names.
const NUMBERS: [&str; 10] =
    ["year", "year_day", "day", "month", "weekday", "hour", "minute", "second", "iso_year", "iso_week"];
const WORDS: [&str; 2] = ["month_name", "weekday_name"];

fn moment_type(instant: &'static str, ty: Type) -> Type {
    let numbers = NUMBERS.map(|name| (name, Type::Number));
    let words = WORDS.map(|name| (name, Type::String));
    Type::object(numbers.into_iter().chain(words).chain([(instant, ty)]))
}

fn duration(text: &str) -> Result<Value, String> {
    let wrong = || format!("\"{text}\" is no duration such as \"1h30m\" or \"-10s\"");
    let nanoseconds = signed_nanoseconds(text).and_then(|n| i64::try_from(n).ok()).ok_or_else(wrong)?;
    // Whole units and the rest apart, as the sum of two doubles is what others give.
    let of = |unit: i64| {
        let sum = (nanoseconds / unit) as f64 + (nanoseconds % unit) as f64 / unit as f64;
        Number::double(sum).map_or(Value::NULL, Value::Number)
    };
    Ok(Value::object([
        ("hours", of(3_600_000_000_000)),
        ("minutes", of(60_000_000_000)),
        ("seconds", of(1_000_000_000)),
        ("milliseconds", Value::int(nanoseconds / 1_000_000)),
        ("microseconds", Value::int(nanoseconds / 1_000)),
        ("nanoseconds", Value::int(nanoseconds)),
    ]))
}

fn rfc3339(text: &str) -> Result<Value, String> {
    let moment = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|e| format!("\"{text}\" is not a time as RFC 3339 writes it: {e}"))?;
    Ok(parts(moment, ("unix", Value::int(moment.unix_timestamp()))))
}

fn unix(seconds: Option<&Number>) -> Result<Value, String> {
    let seconds = seconds.and_then(Number::as_i64).ok_or("a whole number is required")?;
    let moment = OffsetDateTime::from_unix_timestamp(seconds).ok().filter(|m| (0..=9999).contains(&m.year()));
    let moment = moment.ok_or("the time lies outside of the years that can be written")?.to_offset(UtcOffset::UTC);
    Ok(parts(moment, ("rfc3339", super::moment::text(moment).into())))
}

fn parts(moment: OffsetDateTime, instant: (&'static str, Value)) -> Value {
    let small = |n: u8| Value::int(i64::from(n));
    let (iso_year, iso_week, _) = moment.to_iso_week_date();
    let numbers = [
        Value::int(i64::from(moment.year())),
        Value::int(i64::from(moment.ordinal())),
        small(moment.day()),
        small(moment.month().into()),
        small(moment.weekday().number_days_from_sunday()),
        small(moment.hour()),
        small(moment.minute()),
        small(moment.second()),
        Value::int(i64::from(iso_year)),
        small(iso_week),
    ];
    let words = [moment.month().to_string(), moment.weekday().to_string()].map(Value::from);
    let named = NUMBERS.into_iter().zip(numbers).chain(WORDS.into_iter().zip(words));
    Value::object(named.chain([instant]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value_json::to_json;

    fn call(name: &str, arg: Value) -> Result<String, String> {
        let function = functions().into_iter().find(|f| f.name == name).unwrap();
        let value = (function.body)(&[arg])?;
        assert_eq!(value.ty(), function.returns, "{name}");
        Ok(to_json(&value).to_string())
    }

    #[test]
    fn durations_are_given_in_each_unit() {
        let expected = r#"{"hours":1.5,"microseconds":5400000000,"milliseconds":5400000,"minutes":90,"nanoseconds":5400000000000,"seconds":5400}"#;
        assert_eq!(call("duration_parse", "1h30m".into()).unwrap(), expected);
        let expected = r#"{"hours":-0.3333333333333333,"microseconds":-1200000000,"milliseconds":-1200000,"minutes":-20,"nanoseconds":-1200000000000,"seconds":-1200}"#;
        assert_eq!(call("duration_parse", "-20m".into()).unwrap(), expected);
        let small = call("duration_parse", "1.5us".into()).unwrap();
        assert!(small.contains(r#""microseconds":1,"milliseconds":0"#), "{small}");
        assert!(small.contains(r#""nanoseconds":1500,"seconds":0.0000015"#), "{small}");
        for wrong in ["", "1d", "5"] {
            assert!(call("duration_parse", wrong.into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn moments_are_taken_apart_in_their_own_zone() {
        let expected = r#"{"day":1,"hour":1,"iso_week":52,"iso_year":2022,"minute":30,"month":1,"month_name":"January","second":5,"unix":1672529405,"weekday":0,"weekday_name":"Sunday","year":2023,"year_day":1}"#;
        assert_eq!(call("rfc3339_parse", "2023-01-01T01:30:05+02:00".into()).unwrap(), expected);
        let expected = r#"{"day":31,"hour":23,"iso_week":52,"iso_year":2022,"minute":30,"month":12,"month_name":"December","rfc3339":"2022-12-31T23:30:05Z","second":5,"weekday":6,"weekday_name":"Saturday","year":2022,"year_day":365}"#;
        assert_eq!(call("unix_timestamp_parse", 1_672_529_405.into()).unwrap(), expected);
        assert!(call("rfc3339_parse", "2023-01-01".into()).is_err());
        let half = Number::parse("1.5").unwrap();
        for wrong in [Value::Number(half), i64::MAX.into()] {
            assert!(call("unix_timestamp_parse", wrong).is_err());
        }
    }
}
