//! Numbers as decimal text: the shortest that reads back the same, fixed and exact forms.

use std::cmp::Ordering;
use std::fmt;

use dashu_base::BitTest;
use dashu_int::UBig;

use super::{Big, DOUBLE_PRECISION, INT_PRECISION, Number, Repr};

/// The shortest decimal that reads back as the same number at its precision; never in exponent form.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repr {
            // Integers of machine size need all their digits unless the precision is smaller.
            Repr::Int(n) if self.precision >= INT_PRECISION || n.unsigned_abs() <= 1 << DOUBLE_PRECISION => {
                write!(f, "{n}")
            }
            Repr::NegativeZero => f.write_str("-0"),
            Repr::Infinite { negative } => f.write_str(if *negative { "-Inf" } else { "+Inf" }),
            Repr::Int(_) => f.write_str(&shortest(&self.big(), self.precision)),
            Repr::Big(big) => f.write_str(&shortest(big, self.precision)),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Finds the shortest digits between the midpoints to the neighbouring floats.
///
/// Everything is scaled to integers: value, low and high share the denominator `2^-scale`. Digits are taken
/// from the value until the remaining digits can be dropped without leaving the interval.
fn shortest(big: &Big, precision: u32) -> String {
    let bits = big.mantissa.bit_len();
    let pad = (precision as usize).saturating_sub(bits) + 2;
    let value = big.mantissa.clone() << pad;
    let exponent = big.exponent - pad as i64;
    // One unit in the last place is 4 after padding, half of it 2. Below a power of two the gap is half as wide,
    // which other implementations of the language do not heed.
    let (low, high) = (&value - UBig::from(2u8), &value + UBig::from(2u8));
    let inclusive = !(big.mantissa.clone() << (pad - 2)).bit(0);
    let (value, low, high, decimals) = if exponent >= 0 {
        let by = exponent as usize;
        (value << by, low << by, high << by, 0)
    } else {
        // x / 2^k = x * 5^k / 10^k
        let k = (-exponent) as usize;
        let five = UBig::from(5u8).pow(k);
        (value * &five, low * &five, high * five, k as i64)
    };
    let (digits, low, high) = (value.to_string(), low.to_string(), high.to_string());
    let width = digits.len().max(high.len());
    // A format has no room for widths beyond 65,535.
    let fill = |text: &str| ("0".repeat(width - text.len()) + text).into_bytes();
    let (digits, low, high) = (fill(&digits), fill(&low), fill(&high));
    let (kept, point_shift) = shortest_digits(&digits, &low, &high, inclusive);
    let text = String::from_utf8(kept).unwrap_or_default();
    place_point(big.negative, text, decimals - point_shift, false)
}

/// The kept digits and how many positions were dropped behind them.
fn shortest_digits(digits: &[u8], low: &[u8], high: &[u8], inclusive: bool) -> (Vec<u8>, i64) {
    let width = digits.len();
    let mut high_beyond = false;
    for i in 0..width {
        let at_low = low[i];
        let at = digits[i];
        // Rounding down to i+1 digits is allowed if low is below it, or equal to it and inclusive.
        let down_ok = at_low != at && digits[..i] >= low[..i]
            || digits[..=i] > low[..=i]
            || inclusive && digits[..=i] == low[..=i] && low[i + 1..].iter().all(|d| *d == b'0');
        // Rounding up is allowed if the result stays below high.
        if high[i] != at {
            high_beyond = true;
        }
        let up_ok = high_beyond && {
            let raised = raise(&digits[..=i]);
            let bound = &high[..=i];
            match raised.as_slice().cmp(bound) {
                Ordering::Less => raised.len() == bound.len(),
                Ordering::Equal => inclusive || high[i + 1..].iter().any(|d| *d != b'0'),
                Ordering::Greater => false,
            }
        };
        let dropped = (width - i - 1) as i64;
        if down_ok && up_ok {
            let round_up = should_round_up(digits, i + 1);
            return (if round_up { raise(&digits[..=i]) } else { digits[..=i].to_vec() }, dropped);
        }
        if down_ok {
            return (digits[..=i].to_vec(), dropped);
        }
        if up_ok {
            return (raise(&digits[..=i]), dropped);
        }
    }
    (digits.to_vec(), 0)
}

/// The first digits, rounded half to even, and whether a carry made the number one digit longer.
pub(super) fn round_digits(digits: &[u8], count: usize) -> (String, bool) {
    let kept = &digits[..digits.len().min(count)];
    let up = digits.len() > count && should_round_up(digits, count);
    let rounded = if up { raise(kept) } else { kept.to_vec() };
    let carried = rounded.len() > kept.len();
    (rounded.into_iter().map(char::from).collect(), carried)
}

fn should_round_up(digits: &[u8], kept: usize) -> bool {
    match digits.get(kept) {
        None => false,
        Some(b'5') if digits[kept + 1..].iter().all(|d| *d == b'0') => !(digits[kept - 1] - b'0').is_multiple_of(2),
        Some(d) => *d >= b'5',
    }
}

fn raise(digits: &[u8]) -> Vec<u8> {
    let mut out = digits.to_vec();
    for i in (0..out.len()).rev() {
        if out[i] < b'9' {
            out[i] += 1;
            return out;
        }
        out[i] = b'0';
    }
    out.insert(0, b'1');
    out
}

/// Places the decimal point `decimals` digits from the right (to the right of the end where negative).
pub(super) fn place_point(negative: bool, digits: String, decimals: i64, keep_zeros: bool) -> String {
    let mut text = digits.trim_start_matches('0').to_string();
    if decimals <= 0 {
        if text.is_empty() {
            return "0".to_string();
        }
        text.push_str(&"0".repeat(usize::try_from(-decimals).unwrap_or(0)));
    } else {
        let decimals = decimals as usize;
        if text.len() <= decimals {
            text = format!("{}{}", "0".repeat(decimals + 1 - text.len()), text);
        }
        text.insert(text.len() - decimals, '.');
        if !keep_zeros {
            text = text.trim_end_matches('0').trim_end_matches('.').to_string();
        }
    }
    let zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    if negative && !zero { format!("-{text}") } else { text }
}
