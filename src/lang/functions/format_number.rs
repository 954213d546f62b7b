//! Numbers in the forms of `%d`, `%x`, `%e`, `%f`, `%g` and their like.

use crate::model::Number;

/// What stands between the percent sign and the letter of a verb.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub alternative: bool,
    pub zeros: bool,
    pub left: bool,
    pub plus: bool,
    pub space: bool,
    pub width: Option<usize>,
    pub precision: Option<usize>,
}

/// The number as the verb shows it.
pub fn render(letter: char, flags: &Flags, number: &Number) -> Result<String, String> {
    if number.infinity().is_some() {
        return match letter {
            'd' | 'b' | 'o' | 'x' | 'X' => Err("a whole number is required".to_string()),
            _ => {
                let text = number.to_string();
                Ok(" ".repeat(flags.width.unwrap_or(0).saturating_sub(text.len())) + &text)
            }
        };
    }
    let magnitude = if number.is_negative() { number.negate() } else { number.clone() };
    let (prefix, digits) = match letter {
        'd' => ("", whole(&magnitude, 10)?),
        'b' => (if flags.alternative { "0b" } else { "" }, whole(&magnitude, 2)?),
        'o' => (if flags.alternative { "0" } else { "" }, whole(&magnitude, 8)?),
        'x' => (if flags.alternative { "0x" } else { "" }, whole(&magnitude, 16)?),
        'X' => (if flags.alternative { "0X" } else { "" }, whole(&magnitude, 16)?.to_uppercase()),
        'f' => ("", magnitude.to_fixed(flags.precision.unwrap_or(6))),
        'e' | 'E' => ("", exponent_form(&rounded(&magnitude, flags.precision.unwrap_or(6) + 1), letter)),
        _ => ("", general(&magnitude, flags.precision, letter)),
    };
    let sign = match (number.is_negative(), flags.plus, flags.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    let missing = flags.width.unwrap_or(0).saturating_sub(sign.len() + prefix.len() + digits.len());
    Ok(match flags {
        Flags { left: true, .. } => format!("{sign}{prefix}{digits}{}", " ".repeat(missing)),
        Flags { zeros: true, .. } => format!("{sign}{prefix}{}{digits}", "0".repeat(missing)),
        _ => format!("{}{sign}{prefix}{digits}", " ".repeat(missing)),
    })
}

fn whole(number: &Number, base: u8) -> Result<String, String> {
    number.to_radix(base).ok_or_else(|| "a whole number is required".to_string())
}

/// Decimal digits without leading zeros, and where the point stands: `0.<digits> * 10^point`.
struct Decimal {
    digits: String,
    point: i64,
}

impl Decimal {
    fn parse(text: &str) -> Decimal {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let all = format!("{whole}{fraction}");
        let zeros = all.len() - all.trim_start_matches('0').len();
        let digits = all[zeros..].trim_end_matches('0').to_string();
        let point = if digits.is_empty() { 1 } else { whole.len() as i64 - zeros as i64 };
        Decimal { digits, point }
    }

    /// The power of ten of the first digit.
    fn exponent(&self) -> i64 {
        self.point - 1
    }
}

/// The exact value rounded to so many digits, half to even, filled with zeros.
fn rounded(number: &Number, count: usize) -> Decimal {
    let exact = Decimal::parse(&number.to_exact());
    let mut digits = exact.digits.clone().into_bytes();
    let mut point = exact.point;
    if digits.len() > count {
        let rest = digits.split_off(count);
        let half = rest.first().is_some_and(|d| *d == b'5') && rest.iter().skip(1).all(|d| *d == b'0');
        let odd = digits.last().is_some_and(|d| (d - b'0') % 2 == 1);
        if rest.first().is_some_and(|d| *d >= b'5') && (!half || odd) && carry(&mut digits) {
            digits.insert(0, b'1');
            digits.truncate(count);
            point += 1;
        }
    }
    digits.resize(count, b'0');
    Decimal { digits: digits.into_iter().map(char::from).collect(), point }
}

/// Adds one in the last place; whether it runs over the first.
fn carry(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return false;
        }
        *digit = b'0';
    }
    true
}

fn exponent_form(decimal: &Decimal, letter: char) -> String {
    let (first, rest) = decimal.digits.split_at_checked(1).unwrap_or(("0", ""));
    let point = if rest.is_empty() { "" } else { "." };
    let exponent = if decimal.digits.bytes().all(|d| d == b'0') { 0 } else { decimal.exponent() };
    let sign = if exponent < 0 { '-' } else { '+' };
    let e = if letter.is_ascii_uppercase() { 'E' } else { 'e' };
    format!("{first}{point}{rest}{e}{sign}{:02}", exponent.unsigned_abs())
}

/// `%g`: the exponent form for very small and large numbers, as many digits as needed or asked for.
fn general(number: &Number, precision: Option<usize>, letter: char) -> String {
    let (decimal, mut limit) = match precision {
        None => (Decimal::parse(&number.to_string()), 6),
        Some(count) => {
            let count = count.max(1);
            let decimal = rounded(number, count);
            let digits = decimal.digits.trim_end_matches('0').to_string();
            (Decimal { digits, point: decimal.point }, count as i64)
        }
    };
    let count = decimal.digits.len() as i64;
    if limit > count && count >= decimal.point {
        limit = count;
    }
    if precision.is_none() {
        limit = 6;
    }
    let exponent = decimal.exponent();
    if exponent < -4 || exponent >= limit.max(1) {
        return exponent_form(&decimal, letter);
    }
    let digits = &decimal.digits;
    if decimal.point <= 0 {
        return format!("0.{}{digits}", "0".repeat(decimal.point.unsigned_abs() as usize));
    }
    let point = decimal.point as usize;
    if digits.len() <= point {
        return format!("{digits}{}", "0".repeat(point - digits.len()));
    }
    format!("{}.{}", &digits[..point], &digits[point..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_all_forms() {
        let show = |verb: &str, text: &str| {
            let number = Number::parse(text).unwrap();
            let (flags, letter) = verb.split_at(verb.len() - 1);
            let precision = flags.strip_prefix('.').map(|p| p.parse().unwrap());
            let flags = Flags { precision, ..Flags::default() };
            render(letter.chars().next().unwrap(), &flags, &number).unwrap()
        };
        for (verb, number, text) in [
            ("d", "1e30", "1000000000000000000000000000000"),
            ("e", "1234.5678", "1.234568e+03"),
            ("e", "0", "0.000000e+00"),
            (".0e", "25", "2e+01"),
            (".0e", "35", "4e+01"),
            ("E", "0.00001234", "1.234000E-05"),
            ("f", "1e20", "100000000000000000000.000000"),
            ("g", "1e20", "1e+20"),
            ("g", "100000", "100000"),
            ("g", "1234567", "1.234567e+06"),
            ("g", "0.0001", "0.0001"),
            ("g", "0.00001", "1e-05"),
            ("g", "0", "0"),
            (".3g", "123456", "1.23e+05"),
            (".10g", "0.1", "0.1"),
            ("x", "-255", "-ff"),
        ] {
            assert_eq!(show(verb, number), text, "%{verb} of {number}");
        }
    }
}
