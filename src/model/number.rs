//! Numbers as the language defines them: binary floating point with up to 512 bits of mantissa, rounded to
//! nearest even, and a fast path for integers of machine size.
//!
//! Every number carries a precision in bits. Text has 512; integers that functions compute (a length, an
//! index) have 64. The result of an operation has the larger precision of its operands, which shows in
//! divisions: `length(a) / length(b)` has 64 bits, `1 / 3` has 512.

mod infinity;
mod text;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use dashu_base::{BitTest, DivRem};
use dashu_int::UBig;

/// Precision in bits of numbers that are read from text.
pub const TEXT_PRECISION: u32 = 512;
/// Precision in bits of integers that are computed.
pub const INT_PRECISION: u32 = 64;
/// Precision in bits of results of floating point functions.
pub const DOUBLE_PRECISION: u32 = 53;

/// Exponents beyond this many decimal digits are refused when text is parsed: they cost memory, not meaning.
const MAX_DECIMAL_EXPONENT: i64 = 100_000;
/// Results beyond this binary exponent count as overflow.
const MAX_BINARY_EXPONENT: i64 = 400_000;

use text::{place_point, round_digits};

#[derive(Clone)]
pub struct Number {
    repr: Repr,
    precision: u32,
}

#[derive(Clone)]
enum Repr {
    Int(i64),
    /// Equals zero, but is shown with its sign, and its sign goes on into products and quotients.
    NegativeZero,
    Infinite {
        negative: bool,
    },
    /// Never an integer that fits `i64`.
    Big(Arc<Big>),
}

/// `(-1)^negative * mantissa * 2^exponent`, with an odd mantissa.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Big {
    negative: bool,
    mantissa: UBig,
    exponent: i64,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    #[error("it has no result: zero by zero, infinity by infinity, infinity less itself, or zero times infinity")]
    Undefined,
    #[error("the result is too large")]
    Overflow,
}

impl Number {
    /// An integer that the program computed (precision 64).
    pub const fn int(n: i64) -> Number {
        Number { repr: Repr::Int(n), precision: INT_PRECISION }
    }

    /// An integer as if it stood in the source text (precision 512).
    pub const fn literal(n: i64) -> Number {
        Number { repr: Repr::Int(n), precision: TEXT_PRECISION }
    }

    /// Reads decimal text: `12`, `-1.5`, `2e10`, `inf`. No spaces, no hex.
    pub fn parse(text: &str) -> Option<Number> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        if matches!(digits, "inf" | "Inf") {
            return Some(Number::infinite(negative));
        }
        let (mantissa_text, exponent) = match digits.find(['e', 'E']) {
            Some(at) => (&digits[..at], digits[at + 1..].parse::<i64>().ok()?),
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa_text.split_once('.').unwrap_or((mantissa_text, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let exponent = exponent.checked_sub(fraction.len() as i64)?;
        if exponent == 0
            && all.len() <= 18
            && let Ok(n) = all.parse::<i64>()
        {
            let n = Number::literal(n);
            return Some(if negative { n.negate() } else { n });
        }
        if exponent.abs() > MAX_DECIMAL_EXPONENT {
            return None;
        }
        let mantissa = UBig::from_str_radix(&all, 10).ok()?;
        Some(from_ratio(negative, mantissa, exponent, TEXT_PRECISION))
    }

    /// The nearest number to a double, exactly. Nothing for NaN.
    pub fn from_f64(f: f64) -> Option<Number> {
        if !f.is_finite() {
            return (!f.is_nan()).then(|| Number::infinite(f < 0.0));
        }
        let bits = f.to_bits();
        let raw_exponent = ((bits >> 52) & 0x7ff) as i64;
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, exponent) =
            if raw_exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), raw_exponent - 1075) };
        Some(normalise(f.is_sign_negative(), UBig::from(mantissa), exponent, TEXT_PRECISION))
    }

    /// A double as floating point functions give it: the same number, printed with as many digits as tell it from
    /// other doubles.
    pub fn double(f: f64) -> Option<Number> {
        Number::from_f64(f).map(|n| Number { precision: DOUBLE_PRECISION, ..n })
    }

    pub fn from_u64(n: u64) -> Number {
        normalise(false, UBig::from(n), 0, INT_PRECISION)
    }

    /// An integer from its digits in a base from 2 to 36.
    pub fn from_radix(text: &str, base: u32) -> Option<Number> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        if !(2..=36).contains(&base) || digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
            return None;
        }
        let magnitude = UBig::from_str_radix(digits, base).ok()?;
        let precision = INT_PRECISION.max(u32::try_from(magnitude.bit_len()).unwrap_or(u32::MAX));
        let negative = negative && !magnitude.is_zero();
        Some(normalise(negative, magnitude, 0, precision))
    }

    pub fn as_i64(&self) -> Option<i64> {
        match &self.repr {
            Repr::Int(n) => Some(*n),
            Repr::NegativeZero => Some(0),
            Repr::Big(_) | Repr::Infinite { .. } => None,
        }
    }

    pub fn as_usize(&self) -> Option<usize> {
        self.as_i64().and_then(|n| usize::try_from(n).ok())
    }

    /// The nearest double; infinite where the range ends.
    pub fn as_f64(&self) -> f64 {
        match &self.repr {
            Repr::Int(n) => *n as f64,
            Repr::NegativeZero => -0.0,
            Repr::Big(_) | Repr::Infinite { .. } => self.to_string().parse().unwrap_or(f64::NAN),
        }
    }

    pub fn is_integer(&self) -> bool {
        match &self.repr {
            Repr::Int(_) | Repr::NegativeZero => true,
            Repr::Infinite { .. } => false,
            Repr::Big(big) => big.exponent >= 0,
        }
    }

    pub fn is_zero(&self) -> bool {
        matches!(self.repr, Repr::Int(0) | Repr::NegativeZero)
    }

    pub fn is_negative(&self) -> bool {
        match &self.repr {
            Repr::Int(n) => *n < 0,
            Repr::NegativeZero => false,
            Repr::Infinite { negative } => *negative,
            Repr::Big(big) => big.negative,
        }
    }

    pub fn negate(&self) -> Number {
        match &self.repr {
            Repr::Int(n) if *n != i64::MIN && *n != 0 => Number { repr: Repr::Int(-n), precision: self.precision },
            Repr::Infinite { negative } => Number::infinite(!negative),
            _ => {
                let big = self.big();
                normalise(!big.negative, big.mantissa, big.exponent, self.precision)
            }
        }
    }

    pub fn add(&self, other: &Number) -> Result<Number, NumberError> {
        let precision = self.precision.max(other.precision);
        if let (Repr::Int(a), Repr::Int(b)) = (&self.repr, &other.repr)
            && let Some(sum) = a.checked_add(*b)
        {
            return Ok(Number { repr: Repr::Int(sum), precision });
        }
        if let Some(answer) = self.add_infinite(other) {
            return answer;
        }
        let (a, b) = (self.big(), other.big());
        let exponent = a.exponent.min(b.exponent);
        let x = a.mantissa << shift(a.exponent - exponent)?;
        let y = b.mantissa << shift(b.exponent - exponent)?;
        let (negative, mantissa) = if a.negative == b.negative {
            (a.negative, x + y)
        } else if x == y {
            (false, UBig::ZERO)
        } else if x > y {
            (a.negative, x - y)
        } else {
            (b.negative, y - x)
        };
        checked(rounded(negative, mantissa, exponent, false, precision))
    }

    pub fn subtract(&self, other: &Number) -> Result<Number, NumberError> {
        self.add(&other.negate())
    }

    pub fn multiply(&self, other: &Number) -> Result<Number, NumberError> {
        let precision = self.precision.max(other.precision);
        if let (Repr::Int(a), Repr::Int(b)) = (&self.repr, &other.repr)
            && let Some(product) = a.checked_mul(*b)
            && (product != 0 || *a >= 0 && *b >= 0)
        {
            return Ok(Number { repr: Repr::Int(product), precision });
        }
        if let Some(answer) = self.multiply_infinite(other) {
            return answer;
        }
        let (a, b) = (self.big(), other.big());
        let negative = a.negative != b.negative;
        checked(rounded(negative, a.mantissa * b.mantissa, a.exponent + b.exponent, false, precision))
    }

    pub fn divide(&self, other: &Number) -> Result<Number, NumberError> {
        if let Some(answer) = self.divide_infinite(other) {
            return answer;
        }
        let precision = self.precision.max(other.precision);
        if let (Repr::Int(a), Repr::Int(b)) = (&self.repr, &other.repr)
            && let Some(0) = a.checked_rem(*b)
            && (*a != 0 || *b > 0)
        {
            return Ok(Number { repr: Repr::Int(a / b), precision });
        }
        let (a, b) = (self.big(), other.big());
        let negative = a.negative != b.negative;
        checked(quotient(negative, a.mantissa, b.mantissa, a.exponent - b.exponent, precision))
    }

    /// What is left of the number when it is divided by the other and the quotient is cut to a whole number.
    pub fn modulo(&self, other: &Number) -> Result<Number, NumberError> {
        if self.infinity().or(other.infinity()).is_some() {
            return Err(NumberError::Undefined);
        }
        if other.is_zero() {
            return Ok(self.clone());
        }
        let precision = self.precision.max(other.precision);
        if let (Repr::Int(a), Repr::Int(b)) = (&self.repr, &other.repr) {
            return Ok(Number { repr: Repr::Int(a.checked_rem(*b).unwrap_or(0)), precision });
        }
        // Through the rounded quotient: `5 % 0.2` is 0, although 0.2 is a little more than a fifth.
        let whole = self.divide(other)?.truncate();
        self.subtract(&whole.multiply(other)?)
    }

    /// The largest integer that is not greater.
    pub fn floor(&self) -> Number {
        self.to_integer(|negative, inexact| negative && inexact)
    }

    /// The smallest integer that is not less.
    pub fn ceil(&self) -> Number {
        self.to_integer(|negative, inexact| !negative && inexact)
    }

    /// The integer part, towards zero.
    pub fn truncate(&self) -> Number {
        self.to_integer(|_, _| false)
    }

    fn to_integer(&self, away: impl Fn(bool, bool) -> bool) -> Number {
        match &self.repr {
            Repr::Big(big) if big.exponent < 0 => {
                let bits = usize::try_from(-big.exponent).unwrap_or(usize::MAX);
                let mut whole = big.mantissa.clone() >> bits;
                if away(big.negative, true) {
                    whole += 1u8;
                }
                let negative = big.negative && !whole.is_zero();
                normalise(negative, whole, 0, self.precision)
            }
            Repr::NegativeZero => Number { repr: Repr::Int(0), precision: self.precision },
            _ => self.clone(),
        }
    }

    /// Digits in a base from 2 to 36, for integers.
    pub fn to_radix(&self, base: u8) -> Option<String> {
        if !self.is_integer() || !(2..=36).contains(&base) {
            return None;
        }
        let big = self.big();
        let whole = big.mantissa << usize::try_from(big.exponent).ok()?;
        Some(format!("{}{}", if self.is_negative() { "-" } else { "" }, whole.in_radix(base)))
    }

    /// Rounded to a number of decimals, half to even on the exact value, always with that many decimals.
    pub fn to_fixed(&self, decimals: usize) -> String {
        if let Some(text) = self.infinity_text() {
            return text.to_string();
        }
        let big = self.big();
        let scaled = big.mantissa * UBig::from(10u8).pow(decimals);
        let whole = if big.exponent >= 0 {
            scaled << usize::try_from(big.exponent).unwrap_or(0)
        } else {
            round_shift(scaled, usize::try_from(-big.exponent).unwrap_or(usize::MAX), false)
        };
        place_point(big.negative, whole.to_string(), decimals as i64, true)
    }

    /// At most ten significant digits; in exponent form where the number is large or very small.
    pub fn to_short(&self) -> String {
        const DIGITS: usize = 10;
        if let Some(text) = self.infinity_text() {
            return text.to_string();
        }
        if let Some(n) = self.as_i64()
            && n.unsigned_abs() < 10_u64.pow(10)
        {
            return n.to_string();
        }
        let exact = self.to_exact();
        let unsigned = exact.trim_start_matches('-');
        let sign = &exact[..exact.len() - unsigned.len()];
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = format!("{whole}{fraction}");
        let zeros = all.len() - all.trim_start_matches('0').len();
        let (digits, carried) = round_digits(&all.as_bytes()[zeros..], DIGITS);
        let exponent = whole.len() as i64 - zeros as i64 - 1 + i64::from(carried);
        let digits = digits.trim_end_matches('0');
        if (-4..DIGITS as i64).contains(&exponent) {
            return format!(
                "{sign}{}",
                place_point(false, digits.to_string(), digits.len() as i64 - 1 - exponent, false)
            );
        }
        let (first, rest) = digits.split_at_checked(1).unwrap_or(("0", ""));
        let point = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{point}{rest}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
    }

    /// All decimal digits of the exact value, without rounding.
    pub fn to_exact(&self) -> String {
        let decimals = usize::try_from(-self.big().exponent).unwrap_or(0);
        self.to_fixed(decimals)
    }

    fn big(&self) -> Big {
        match &self.repr {
            Repr::Int(n) => {
                let magnitude = n.unsigned_abs();
                let zeros = if magnitude == 0 { 0 } else { magnitude.trailing_zeros() };
                Big { negative: *n < 0, mantissa: UBig::from(magnitude >> zeros), exponent: i64::from(zeros) }
            }
            // Who asks for the parts of a number has asked before whether it is infinite.
            Repr::NegativeZero | Repr::Infinite { .. } => Big { negative: true, mantissa: UBig::ZERO, exponent: 0 },
            Repr::Big(big) => big.as_ref().clone(),
        }
    }
}

fn shift(by: i64) -> Result<usize, NumberError> {
    if by > 4 * MAX_BINARY_EXPONENT {
        return Err(NumberError::Overflow);
    }
    usize::try_from(by).map_err(|_| NumberError::Overflow)
}

fn checked(number: Number) -> Result<Number, NumberError> {
    match &number.repr {
        Repr::Big(big) if big.exponent.abs() > MAX_BINARY_EXPONENT => Err(NumberError::Overflow),
        _ => Ok(number),
    }
}

/// `mantissa * 10^exponent`, rounded to the precision.
fn from_ratio(negative: bool, mantissa: UBig, exponent: i64, precision: u32) -> Number {
    let power = UBig::from(10u8).pow(exponent.unsigned_abs() as usize);
    if exponent >= 0 {
        rounded(negative, mantissa * power, 0, false, precision)
    } else {
        quotient(negative, mantissa, power, 0, precision)
    }
}

/// `a / b * 2^exponent`, rounded to the precision.
fn quotient(negative: bool, a: UBig, b: UBig, exponent: i64, precision: u32) -> Number {
    let wanted = precision as usize + 2 + b.bit_len();
    let by = wanted.saturating_sub(a.bit_len());
    let (whole, rest) = (a << by).div_rem(&b);
    rounded(negative, whole, exponent - by as i64, !rest.is_zero(), precision)
}

/// Rounds to nearest even; `sticky` says that something non-zero lies below the mantissa.
fn rounded(negative: bool, mantissa: UBig, exponent: i64, sticky: bool, precision: u32) -> Number {
    let bits = mantissa.bit_len();
    let precision_bits = precision as usize;
    if bits <= precision_bits {
        return normalise(negative, mantissa, exponent, precision);
    }
    let cut = bits - precision_bits;
    normalise(negative, round_shift(mantissa, cut, sticky), exponent + cut as i64, precision)
}

fn round_shift(mantissa: UBig, cut: usize, sticky: bool) -> UBig {
    if cut == 0 {
        return mantissa;
    }
    let half = mantissa.bit(cut - 1);
    let below = sticky || mantissa.trailing_zeros().is_some_and(|z| z < cut - 1);
    let mut kept = mantissa >> cut;
    if half && (below || kept.bit(0)) {
        kept += 1u8;
    }
    kept
}

fn normalise(negative: bool, mantissa: UBig, exponent: i64, precision: u32) -> Number {
    let Some(zeros) = mantissa.trailing_zeros() else {
        return Number { repr: if negative { Repr::NegativeZero } else { Repr::Int(0) }, precision };
    };
    let (mantissa, exponent) = (mantissa >> zeros, exponent + zeros as i64);
    if (0..63).contains(&exponent)
        && mantissa.bit_len() as i64 + exponent <= 63
        && let Ok(m) = i64::try_from(&mantissa)
    {
        let n = m << exponent;
        return Number { repr: Repr::Int(if negative { -n } else { n }), precision };
    }
    Number { repr: Repr::Big(Arc::new(Big { negative, mantissa, exponent })), precision }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (&self.repr, &other.repr) {
            (Repr::Int(a), Repr::Int(b)) => a == b,
            (Repr::Big(a), Repr::Big(b)) => a == b,
            _ => self.cmp(other) == Ordering::Equal,
        }
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.repr {
            Repr::Int(n) => n.hash(state),
            // Equal numbers have equal hashes.
            Repr::NegativeZero => 0_i64.hash(state),
            Repr::Infinite { negative } => negative.hash(state),
            Repr::Big(big) => big.hash(state),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Repr::Int(a), Repr::Int(b)) = (&self.repr, &other.repr) {
            return a.cmp(b);
        }
        if self.is_zero() && other.is_zero() {
            return Ordering::Equal;
        }
        // An infinity is beyond all others on its side.
        let side = |n: &Number| n.infinity().map_or(0, |negative| if negative { -1 } else { 1 });
        if side(self) != 0 || side(other) != 0 {
            return side(self).cmp(&side(other));
        }
        let (a, b) = (self.big(), other.big());
        match (a.negative, b.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => magnitude_cmp(&a, &b),
            (true, true) => magnitude_cmp(&b, &a),
        }
    }
}

fn magnitude_cmp(a: &Big, b: &Big) -> Ordering {
    if a.mantissa.is_zero() || b.mantissa.is_zero() {
        return (!a.mantissa.is_zero()).cmp(&!b.mantissa.is_zero());
    }
    let top = |n: &Big| n.mantissa.bit_len() as i64 + n.exponent;
    top(a).cmp(&top(b)).then_with(|| {
        // Equal heights: the difference of exponents is at most the difference of the mantissas' lengths.
        let low = a.exponent.min(b.exponent);
        let x = a.mantissa.clone() << usize::try_from(a.exponent - low).unwrap_or(0);
        let y = b.mantissa.clone() << usize::try_from(b.exponent - low).unwrap_or(0);
        x.cmp(&y)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn text_reads_back_the_same() {
        for text in [
            "0",
            "-1",
            "0.1",
            "1.5",
            "3.14159",
            "123456789012345678901234567890",
            "0.000001",
            "-2.25",
            "9007199254740993",
        ] {
            assert_eq!(n(text).to_string(), text);
        }
        assert_eq!(n("1e3").to_string(), "1000");
        assert_eq!(n("1e-3").to_string(), "0.001");
        assert_eq!(n("1e30").to_string(), "1000000000000000000000000000000");
    }

    #[test]
    fn arithmetic_rounds_to_the_larger_precision() {
        assert_eq!(n("0.1").add(&n("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(
            n("1").divide(&n("3")).unwrap().to_string(),
            "0.33333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333335"
        );
        assert_eq!(Number::int(1).divide(&Number::int(3)).unwrap().to_string(), "0.33333333333333333334");
        assert_eq!(n("7").modulo(&n("-2.5")).unwrap().to_string(), "2");
        assert_eq!(n("5").modulo(&n("0.2")).unwrap().to_string(), "0");
        assert_eq!(Number::double(4611686018427387904.0).unwrap().to_string(), "4611686018427388000");
    }

    #[test]
    fn zero_keeps_its_sign_as_floating_point_does() {
        let zero = n("0").negate();
        assert_eq!(zero.to_string(), "-0");
        assert_eq!(zero, n("0"));
        assert_eq!(zero.add(&n("0")).unwrap().to_string(), "0");
        assert_eq!(zero.add(&zero).unwrap().to_string(), "-0");
        assert_eq!(n("0").divide(&n("-5")).unwrap().to_string(), "-0");
        assert_eq!(n("0").multiply(&n("-0.5")).unwrap().to_string(), "-0");
        assert_eq!(n("-5").add(&n("5")).unwrap().to_string(), "0");
        assert_eq!(n("-0.5").ceil().to_string(), "0");
        assert_eq!(n("-4").modulo(&n("2")).unwrap().to_string(), "0");
    }

    #[test]
    fn comparison_and_integers() {
        assert!(n("1.5") > n("1") && n("-1.5") < n("-1") && n("0") < n("0.5") && n("0") > n("-0.5"));
        assert_eq!(n("-1.5").floor(), n("-2"));
        assert_eq!(n("-1.5").ceil(), n("-1"));
        assert_eq!(n("2.50").to_fixed(1), "2.5");
        assert_eq!(n("2.5").to_fixed(0), "2");
        assert_eq!(n("255").to_radix(16).unwrap(), "ff");
        assert_eq!(Number::from_f64(0.5).unwrap(), n("0.5"));
    }

    proptest::proptest! {
        #[test]
        fn display_then_parse_is_identity(m in proptest::num::i64::ANY, e in -40i64..40) {
            let number = n(&format!("{m}e{e}"));
            proptest::prop_assert_eq!(n(&number.to_string()), number);
        }
    }
}
