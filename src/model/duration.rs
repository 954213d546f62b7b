//! Lengths of time as configurations write them.

use std::time::Duration;

/// Reads durations such as `90s`, `1h30m`, `500ms`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let nanoseconds = signed_nanoseconds(text.trim())?;
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

/// Nanoseconds of a duration of numbers with units (ns, us, ms, s, m, h), behind an optional sign; no unit is needed for
/// 0. At most 292 years, which is what Go holds: far enough from the end of clocks that adding it to a moment is safe.
pub fn signed_nanoseconds(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let count = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, after) = rest.split_at(count);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let unit: i128 = match &after[..end] {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(scaled(number, unit)?)?;
        rest = &after[end..];
    }
    i64::try_from(total).ok().map(|n| sign * i128::from(n))
}

/// A decimal number times a unit, rounded down.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: String = fraction.chars().take(18).collect();
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    whole.checked_mul(unit)?.checked_add(part * unit / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_up_to_what_a_clock_can_reach() {
        assert_eq!(parse_duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse_duration("0.5s250ms"), Some(Duration::from_millis(750)));
        for longest in ["", "5", "h", "2600000h", "5000000000000000h5000000000000000h", "9e9h"] {
            assert_eq!(parse_duration(longest), None, "{longest}");
        }
        assert_eq!(parse_duration("-1s"), None);
        let far = parse_duration("2500000h").unwrap();
        assert!(std::time::Instant::now().checked_add(far).is_some());
    }

    #[test]
    fn nanoseconds_are_exact_and_signed() {
        assert_eq!(signed_nanoseconds("1h30m"), Some(5_400_000_000_000));
        assert_eq!(signed_nanoseconds("-1.5h"), Some(-5_400_000_000_000));
        assert_eq!(signed_nanoseconds(".5m"), Some(30_000_000_000));
        for wrong in ["", "10", "1d", "1h 5m", "h", "1..5s", "-", "."] {
            assert_eq!(signed_nanoseconds(wrong), None, "{wrong}");
        }
    }
}
