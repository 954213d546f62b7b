//! Dates and times in the form of RFC 3339.

use super::call::not_null;
use super::{Call, CallError, Function, Kind, Needs, param, plain};
use crate::model::duration::signed_nanoseconds;
use crate::model::{Type, Value};

type Answer = Result<Value, CallError>;

pub static FUNCTIONS: &[Function] = &[
    plain(
        "formatdate",
        "A time in another form.",
        &[
            param("format", Kind::String, "The form, such as \"DD MMM YYYY hh:mm ZZZ\"; text between ' stays."),
            param("time", Kind::String, "The time in RFC 3339, such as 2026-01-31T10:00:00Z."),
        ],
        Kind::String,
        |call| {
            let time = time_at(call, 1)?;
            Ok(format_date(call.str(0)?, &time).map_err(|e| CallError::at(0, e))?.into())
        },
    ),
    plain("plantimestamp", "The time of the plan, the same in its apply.", &[], Kind::String, |call| {
        Ok(call.host.plan_timestamp().map_or_else(|| not_null(Type::String), Value::from))
    })
    .with_needs(Needs::Outer),
    plain(
        "timeadd",
        "A time later, or earlier, by a duration.",
        &[
            param("timestamp", Kind::String, "The time in RFC 3339."),
            param("duration", Kind::String, "The duration, such as \"1h30m\", \"-10s\" or \"1.5h\"."),
        ],
        Kind::String,
        timeadd,
    ),
    plain(
        "timecmp",
        "-1, 0 or 1: whether a time is before, at or behind another.",
        &[param("timestamp_a", Kind::String, "A time in RFC 3339."), param("timestamp_b", Kind::String, "Another.")],
        Kind::Number,
        |call| {
            let (a, b) = (time_at(call, 0)?, time_at(call, 1)?);
            Ok(Value::int((a.instant(), a.nanos).cmp(&(b.instant(), b.nanos)) as i64))
        },
    ),
    plain("timestamp", "The time of the apply, in UTC.", &[], Kind::String, |call| {
        let now = call.host.now().map(|seconds| Time { local: seconds, nanos: 0, offset: 0 });
        Ok(now.map_or_else(|| not_null(Type::String), |t| t.rfc3339().into()))
    })
    .with_needs(Needs::Outer),
];

/// A point in time as a place sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Seconds since 1970-01-01 00:00 by the local clock.
    local: i64,
    nanos: u32,
    /// Minutes that the local clock is ahead of UTC.
    offset: i64,
}

struct Fields {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    /// From 0 for Sunday.
    weekday: i64,
}

impl Time {
    /// Reads RFC 3339: upper case T and Z, two digits for all but the year.
    pub fn parse(text: &str) -> Option<Time> {
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| -> Option<i64> {
            let digits = text.get(from..to)?;
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let shaped = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if !shaped.iter().all(|(i, b)| bytes.get(*i) == Some(b)) {
            return None;
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let in_range = (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        let mut rest = text.get(19..)?;
        let mut nanos = 0;
        if let Some(after) = rest.strip_prefix('.') {
            let count = after.bytes().take_while(u8::is_ascii_digit).count();
            let digits: String = after.get(..count)?.chars().chain("000000000".chars()).take(9).collect();
            nanos = if count == 0 { return None } else { digits.parse().ok()? };
            rest = after.get(count..)?;
        }
        let offset = parse_offset(rest)?;
        let local = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        in_range.then_some(Time { local, nanos, offset })
    }

    /// From a date and a time of day in UTC or with an offset in minutes; no check of the ranges.
    pub fn from_parts(date: (i64, i64, i64), time: (i64, i64, i64), offset: i64) -> Option<Time> {
        let ((year, month, day), (hour, minute, second)) = (date, time);
        let valid = (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second);
        let local = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        valid.then_some(Time { local, nanos: 0, offset })
    }

    fn instant(&self) -> i64 {
        self.local - self.offset * 60
    }

    fn fields(&self) -> Fields {
        let days = self.local.div_euclid(86_400);
        let rest = self.local.rem_euclid(86_400);
        let (year, month, day) = civil_from_days(days);
        let weekday = (days + 4).rem_euclid(7);
        Fields { year, month, day, hour: rest / 3_600, minute: rest / 60 % 60, second: rest % 60, weekday }
    }

    /// Without a fraction of the second.
    pub fn rfc3339(&self) -> String {
        let f = self.fields();
        let zone = if self.offset == 0 { "Z".to_string() } else { self.zone(":") };
        format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{zone}", f.year, f.month, f.day, f.hour, f.minute, f.second)
    }

    fn zone(&self, separator: &str) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs();
        format!("{sign}{:02}{separator}{:02}", minutes / 60, minutes % 60)
    }
}

/// Minutes from `Z`, `+02:00` or `-08:00`.
pub fn parse_offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let two = |s: &str| s.parse::<i64>().ok().filter(|_| s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit()));
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar. Years start in March here, so that the leap day is the last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

fn time_at(call: &Call<'_>, i: usize) -> Result<Time, CallError> {
    let text = call.str(i)?;
    let wrong = || CallError::at(i, format!("\"{text}\" is no time in RFC 3339, such as 2026-01-31T10:00:00Z"));
    Time::parse(text).ok_or_else(wrong)
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn format_date(format: &str, time: &Time) -> Result<String, String> {
    let fields = time.fields();
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            rest = literal(&rest[1..], &mut out)?;
            continue;
        }
        let length = rest.find(|c| c != first).unwrap_or(rest.len());
        let (verb, after) = rest.split_at(length);
        if first.is_ascii_alphabetic() {
            out.push_str(&date_verb(verb, first, &fields, time)?);
        } else {
            out.push_str(verb);
        }
        rest = after;
    }
    Ok(out)
}

/// Text behind a quote up to the next single one; a double one is a quote.
fn literal<'f>(text: &'f str, out: &mut String) -> Result<&'f str, String> {
    let mut rest = text;
    loop {
        let end = rest.find('\'').ok_or("a quote ' is not closed")?;
        out.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                out.push('\'');
                rest = after;
            }
            None => return Ok(rest),
        }
    }
}

fn date_verb(verb: &str, letter: char, f: &Fields, time: &Time) -> Result<String, String> {
    let hour12 = if f.hour % 12 == 0 { 12 } else { f.hour % 12 };
    let name =
        |names: &[&'static str], i: i64| usize::try_from(i).ok().and_then(|i| names.get(i).copied()).unwrap_or("");
    let month = name(&MONTHS, f.month - 1);
    let weekday = name(&WEEKDAYS, f.weekday);
    Ok(match verb {
        "YYYY" => format!("{:04}", f.year),
        "YY" => format!("{:02}", f.year.rem_euclid(100)),
        "MMMM" => month.to_string(),
        "MMM" => month.chars().take(3).collect(),
        "MM" => format!("{:02}", f.month),
        "M" => f.month.to_string(),
        "DD" => format!("{:02}", f.day),
        "D" => f.day.to_string(),
        "EEEE" => weekday.to_string(),
        "EEE" => weekday.chars().take(3).collect(),
        "hh" => format!("{:02}", f.hour),
        "h" => f.hour.to_string(),
        "HH" => format!("{hour12:02}"),
        "H" => hour12.to_string(),
        "AA" => if f.hour < 12 { "AM" } else { "PM" }.to_string(),
        "aa" => if f.hour < 12 { "am" } else { "pm" }.to_string(),
        "mm" => format!("{:02}", f.minute),
        "m" => f.minute.to_string(),
        "ss" => format!("{:02}", f.second),
        "s" => f.second.to_string(),
        "Z" if time.offset == 0 => "Z".to_string(),
        "Z" | "ZZZZZ" => time.zone(":"),
        "ZZZ" if time.offset == 0 => "UTC".to_string(),
        "ZZZ" | "ZZZZ" => time.zone(""),
        _ => return Err(unknown_verb(verb, letter)),
    })
}

fn unknown_verb(verb: &str, letter: char) -> String {
    let known = match letter {
        'Y' => "a year is YY or YYYY",
        'M' => "a month is M, MM, MMM or MMMM",
        'D' => "a day is D or DD",
        'E' => "a day of the week is EEE or EEEE",
        'h' | 'H' => "an hour is h, hh, H or HH",
        'a' | 'A' => "the half of the day is aa or AA",
        'm' => "a minute is m or mm",
        's' => "a second is s or ss",
        'Z' => "a time zone is Z, ZZZ, ZZZZ or ZZZZZ",
        _ => "put text between single quotes",
    };
    format!("\"{verb}\" means nothing in a date: {known}")
}

fn timeadd(call: &Call<'_>) -> Answer {
    let time = time_at(call, 0)?;
    let text = call.str(1)?;
    let wrong = || CallError::at(1, format!("\"{text}\" is no duration such as \"1h30m\" or \"-10s\""));
    let nanos = signed_nanoseconds(text).ok_or_else(wrong)?;
    let total = i128::from(time.local) * 1_000_000_000 + i128::from(time.nanos) + nanos;
    let local = i64::try_from(total.div_euclid(1_000_000_000)).map_err(|_| wrong())?;
    Ok(Time { local, nanos: 0, ..time }.rfc3339().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_goes_round() {
        for days in (-800_000..800_000).step_by(97) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), days);
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
    }
}
