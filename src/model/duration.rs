//! Lengths of time as configurations write them.

use std::time::Duration;

/// What Go holds, 292 years: far enough from the end of clocks that adding it to a moment is safe.
const LONGEST: Duration = Duration::from_nanos(i64::MAX.cast_unsigned());

/// Reads durations such as `90s`, `1h30m`, `500ms`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit() || c == '.').map_or(rest.len(), |n| digits + n);
        let seconds = match &rest[digits..unit_end] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = &rest[unit_end..];
    }
    Some(total).filter(|total| *total <= LONGEST)
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
        let far = parse_duration("2500000h").unwrap();
        assert!(std::time::Instant::now().checked_add(far).is_some());
    }
}
