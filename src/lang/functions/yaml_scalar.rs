//! What a plain scalar of YAML means: null, bools in their YAML 1.1 spellings, numbers, times, or text.

use super::dates::Time;
use crate::model::{Number, Value};

/// A number that values cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("infinity and NaN are not supported")]
pub struct NotFinite;

/// The value of a plain scalar.
pub fn resolve(text: &str) -> Result<Value, NotFinite> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::NULL,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => true.into(),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => false.into(),
        _ => match text.strip_prefix(['+', '-']).unwrap_or(text) {
            ".inf" | ".Inf" | ".INF" => return Err(NotFinite),
            ".nan" | ".NaN" | ".NAN" if !text.starts_with(['+', '-']) => return Err(NotFinite),
            _ => match number(text) {
                Some(n) => Value::Number(n),
                None => timestamp(text).map_or_else(|| text.into(), Value::from),
            },
        },
    })
}

/// Decimal numbers, and whole ones in hexadecimal (`0x1f`) and octal (`0o17`) digits.
pub fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return Number::from_radix(digits, 16).filter(|_| !digits.starts_with(['+', '-']));
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return Number::from_radix(digits, 8).filter(|_| !digits.starts_with(['+', '-']));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, _) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, ""));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    Number::parse(text)
}

/// A date, or a date and time, in RFC 3339.
pub fn timestamp(text: &str) -> Option<String> {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some((&text[at..=at], &text[at + 1..]))),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = parts.next().filter(|y| y.len() == 4)?;
    let date = (digits(year)?, short(parts.next()?)?, short(parts.next()?)?);
    if parts.next().is_some() {
        return None;
    }
    let Some((separator, time)) = time else { return Some(Time::from_parts(date, (0, 0, 0), 0)?.rfc3339()) };
    let zone_at = time.find(['Z', '+', '-']);
    let (clock, zone) = match (separator, zone_at) {
        (" ", Some(_)) => return None,
        (" ", None) => (time, "Z"),
        (_, at) => time.split_at(at?),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    digits(fraction)?;
    let mut parts = clock.split(':');
    let clock = (short(parts.next()?)?, short(parts.next()?)?, short(parts.next()?)?);
    if parts.next().is_some() {
        return None;
    }
    Some(Time::from_parts(date, clock, super::dates::parse_offset(zone)?)?.rfc3339())
}

fn digits(text: &str) -> Option<i64> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // Fractions may be long; only their digits matter.
    all.then(|| text.get(..text.len().min(9)).and_then(|t| t.parse().ok()))?
}

/// A number of one or two digits.
fn short(text: &str) -> Option<i64> {
    digits(text).filter(|_| text.len() <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars() {
        let number = |text: &str| Ok(Value::Number(Number::parse(text).unwrap()));
        assert_eq!(resolve("0x1f"), number("31"));
        assert_eq!(resolve("017"), number("17"));
        assert_eq!(resolve("1.e5"), number("100000"));
        assert_eq!(resolve("+.5"), number("0.5"));
        for text in ["0b101", "1_000", ".e5", ".", "+", "-0x1f", "0X1F", "1:30", "1e", "2020-13-01", "yEs"] {
            assert_eq!(resolve(text), Ok(text.into()), "{text}");
        }
        assert_eq!(resolve("2020-1-1"), Ok("2020-01-01T00:00:00Z".into()));
        assert_eq!(resolve("2001-12-14t21:59:43.10-05:00"), Ok("2001-12-14T21:59:43-05:00".into()));
        assert_eq!(resolve("2020-01-01 10:00:00 +2"), Ok("2020-01-01 10:00:00 +2".into()));
        assert_eq!(resolve("-.inf"), Err(NotFinite));
    }
}
