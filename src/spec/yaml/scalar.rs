//! What a plain scalar means: the core schema of YAML 1.2, in which `no` is a string and dates are strings.

use crate::model::Number;
use crate::spec::node::NodeKind;

/// The null, bool or number that a plain scalar is; nothing where it is a string. The error says why a number
/// cannot be used.
pub fn core(text: &str) -> Result<Option<NodeKind>, &'static str> {
    Ok(Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => NodeKind::Null,
        "true" | "True" | "TRUE" => NodeKind::Bool(true),
        "false" | "False" | "FALSE" => NodeKind::Bool(false),
        _ if is_infinite(text) => NodeKind::Number(Number::infinite(text.starts_with('-'))),
        ".nan" | ".NaN" | ".NAN" => {
            return Err("\"not a number\" is no value; write a string between quotes if it is meant");
        }
        _ => return Ok(number(text).map(NodeKind::Number)),
    }))
}

fn is_infinite(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(text, ".inf" | ".Inf" | ".INF")
}

/// A whole number of base 10, 8 or 16, or a decimal fraction.
pub fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0o") {
        let good = !digits.is_empty() && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
        return good.then(|| Number::from_radix(digits, 8)).flatten();
    }
    if let Some(digits) = text.strip_prefix("0x") {
        let good = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        return good.then(|| Number::from_radix(&digits.to_ascii_lowercase(), 16)).flatten();
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((m, e)) => (m, Some(e)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let exponent_digits = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    let good = all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_digits.is_none_or(|e| !e.is_empty() && all_digits(e));
    if !good {
        return None;
    }
    // Rewritten without the spellings that only YAML has: a bare dot, leading zeros, a plus sign.
    let whole = whole.trim_start_matches('0');
    let mut clean = String::with_capacity(text.len() + 2);
    clean.push_str(if negative { "-" } else { "" });
    clean.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        clean.push('.');
        clean.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        clean.push('e');
        clean.push_str(exponent.strip_prefix('+').unwrap_or(exponent));
    }
    // An integer has one zero.
    Number::parse(&clean).map(|n| if n.is_zero() { Number::literal(0) } else { n })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_the_core_schema_says() {
        let show = |text: &str| match core(text) {
            Ok(Some(NodeKind::Null)) => "null".to_string(),
            Ok(Some(NodeKind::Bool(b))) => b.to_string(),
            Ok(Some(NodeKind::Number(n))) => n.to_string(),
            Ok(_) => "string".to_string(),
            Err(_) => "error".to_string(),
        };
        let cases = [
            ("", "null"),
            ("~", "null"),
            ("no", "string"),
            ("yes", "string"),
            ("on", "string"),
            ("True", "true"),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("017", "17"),
            ("+1", "1"),
            ("-0", "0"),
            ("1.", "1"),
            (".5", "0.5"),
            ("1e3", "1000"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            (".inf", "+Inf"),
            ("-.Inf", "-Inf"),
            (".nan", "error"),
            ("2001-01-01", "string"),
            ("1_000", "string"),
            ("1.2.3", "string"),
            ("-", "string"),
            ("0o8", "string"),
            ("e3", "string"),
            (".", "string"),
            ("0b1", "string"),
            ("12:30", "string"),
        ];
        for (text, means) in cases {
            assert_eq!(show(text), means, "{text}");
        }
    }
}
