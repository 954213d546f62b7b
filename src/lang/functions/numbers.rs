//! Numbers: rounding, extremes, powers and logarithms.

use super::{Call, CallError, Function, Kind, param, plain};
use crate::lang::convert::convert;
use crate::model::{Number, Type, Value};

type Answer = Result<Value, CallError>;

pub static FUNCTIONS: &[Function] = &[
    plain("abs", "The distance from zero.", NUM, Kind::Number, |call| {
        let n = call.number(0)?;
        // Rounding takes the sign off a zero.
        Ok(Value::Number(if n.is_negative() {
            n.negate()
        } else if n.is_zero() {
            n.ceil()
        } else {
            n.clone()
        }))
    }),
    plain("ceil", "The smallest whole number that is not less.", NUM, Kind::Number, |call| {
        Ok(Value::Number(call.number(0)?.ceil()))
    }),
    plain("floor", "The largest whole number that is not greater.", NUM, Kind::Number, |call| {
        Ok(Value::Number(call.number(0)?.floor()))
    }),
    plain(
        "log",
        "The logarithm of a number in a base.",
        &[param("num", Kind::Number, "The number."), param("base", Kind::Number, "The base.")],
        Kind::Number,
        log,
    ),
    plain("max", "The greatest of the numbers.", &[], Kind::Number, |call| extreme(call, |a, b| a > b))
        .with_variadic(param("numbers", Kind::Number, "At least one number.")),
    plain("min", "The least of the numbers.", &[], Kind::Number, |call| extreme(call, |a, b| a < b))
        .with_variadic(param("numbers", Kind::Number, "At least one number.")),
    plain(
        "parseint",
        "The whole number that a text means in a base.",
        &[
            param("number", Kind::Any, "The digits, behind an optional sign."),
            param("base", Kind::Number, "The base, from 2 to 62; above 36 upper case letters follow lower case ones."),
        ],
        Kind::Number,
        parseint,
    ),
    plain(
        "pow",
        "A number raised to a power.",
        &[param("num", Kind::Number, "The number."), param("power", Kind::Number, "The exponent.")],
        Kind::Number,
        |call| {
            let (x, y) = (double(call, 0)?, double(call, 1)?);
            from_double(power(x, y))
        },
    ),
    plain("signum", "-1, 0 or 1: the sign of a whole number.", NUM, Kind::Number, |call| {
        Ok(Value::int(call.int(0)?.signum()))
    }),
    plain(
        "sum",
        "All numbers added up.",
        &[param("list", Kind::Any, "A list, set or tuple of at least one number.")],
        Kind::Number,
        sum,
    ),
];

const NUM: &[super::Param] = &[param("num", Kind::Number, "The number.")];

fn double(call: &Call<'_>, i: usize) -> Result<f64, CallError> {
    Ok(call.number(i)?.as_f64())
}

fn from_double(f: f64) -> Answer {
    Number::double(f).map(Value::Number).ok_or_else(|| CallError::new("there is no such number"))
}

fn log(call: &Call<'_>) -> Answer {
    let (x, base) = (double(call, 0)?, double(call, 1)?);
    from_double(libm::log(x) / libm::log(base))
}

/// `x` to the `y`. Whole powers are multiplied out by squaring on mantissa and exponent, and only the fraction of
/// the exponent goes through the logarithm: other implementations of the language do so, and the last digit shows it.
fn power(x: f64, y: f64) -> f64 {
    if y == 0.5 {
        return x.sqrt();
    }
    if y == -0.5 {
        return 1.0 / x.sqrt();
    }
    let (mut whole, mut fraction) = (y.abs().trunc(), y.abs().fract());
    if !x.is_finite()
        || !y.is_finite()
        || x == 0.0
        || x.abs() == 1.0
        || y == 0.0
        || x < 0.0 && fraction != 0.0
        || whole >= 2_f64.powi(63)
    {
        return x.powf(y);
    }
    let mut result = 1.0;
    if fraction != 0.0 {
        if fraction > 0.5 {
            fraction -= 1.0;
            whole += 1.0;
        }
        result = (fraction * libm::log(x)).exp();
    }
    let (mut mantissa, mut exponent) = split(x);
    let mut result_exponent: i64 = 0;
    let mut left = whole as i64;
    while left != 0 {
        if !(-(1 << 12)..=1 << 12).contains(&exponent) {
            // Far beyond any double, whatever follows.
            return x.powf(y);
        }
        if left & 1 == 1 {
            result *= mantissa;
            result_exponent += exponent;
        }
        mantissa *= mantissa;
        exponent *= 2;
        if mantissa.abs() < 0.5 {
            mantissa += mantissa;
            exponent -= 1;
        }
        left >>= 1;
    }
    if y < 0.0 {
        result = 1.0 / result;
        result_exponent = -result_exponent;
    }
    scale(result, result_exponent)
}

/// A mantissa from 0.5 to 1, and the power of two that gives the number again.
fn split(x: f64) -> (f64, i64) {
    const MANTISSA: u64 = (1 << 52) - 1;
    let (x, shift) = if x.abs() < f64::MIN_POSITIVE { (x * 2_f64.powi(54), -54) } else { (x, 0) };
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1022;
    let half = bits & (MANTISSA | 1 << 63) | 1022 << 52;
    (f64::from_bits(half), exponent + shift)
}

/// The number times a power of two.
fn scale(x: f64, exponent: i64) -> f64 {
    let step = |e: i64| 2_f64.powi(i32::try_from(e.clamp(-1000, 1000)).unwrap_or(0));
    let half = exponent / 2;
    x * step(half) * step(exponent - half)
}

fn extreme(call: &Call<'_>, better: fn(&Number, &Number) -> bool) -> Answer {
    if call.args.is_empty() {
        return Err(CallError::new("at least one number is required"));
    }
    let mut best = call.number(0)?;
    for i in 1..call.args.len() {
        let n = call.number(i)?;
        if better(n, best) {
            best = n;
        }
    }
    Ok(Value::Number(best.clone()))
}

fn parseint(call: &Call<'_>) -> Answer {
    let text = call.arg(0)?.as_str();
    let text = text.ok_or_else(|| {
        let found = call.args.first().map_or_else(String::new, |v| v.ty().friendly());
        CallError::at(0, format!("a string is required, found {found}"))
    })?;
    let base = u32::try_from(call.int(1)?).ok().filter(|b| (2..=62).contains(b));
    let base = base.ok_or_else(|| CallError::at(1, "the base must be a whole number from 2 to 62"))?;
    let wrong = || CallError::at(0, format!("\"{text}\" is no whole number in base {base}"));
    let parsed = if base <= 36 { Number::from_radix(text, base) } else { large_base(text, base) };
    parsed.map(Value::Number).ok_or_else(wrong)
}

/// Digits of a base above 36: lower case letters are 10 to 35, upper case ones 36 to 61.
fn large_base(text: &str, base: u32) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let factor = Number::literal(base.into());
    let mut number = Number::literal(0);
    for c in digits.chars() {
        let digit = match c {
            '0'..='9' => c as u32 - '0' as u32,
            'a'..='z' => c as u32 - 'a' as u32 + 10,
            'A'..='Z' => c as u32 - 'A' as u32 + 36,
            _ => return None,
        };
        if digit >= base {
            return None;
        }
        number = number.multiply(&factor).ok()?.add(&Number::literal(digit.into())).ok()?;
    }
    Some(if negative { number.negate() } else { number })
}

fn sum(call: &Call<'_>) -> Answer {
    let value = call.arg(0)?;
    if !matches!(value, Value::List(_) | Value::Set(_) | Value::Tuple(_)) {
        let found = value.ty().friendly();
        return Err(CallError::at(0, format!("a list, set or tuple of numbers is required, found {found}")));
    }
    let mut total: Option<Number> = None;
    for (i, item) in call.items(0)?.iter().enumerate() {
        let number = convert(item, &Type::Number).map_err(|e| CallError::at(0, format!("element {i}: {e}")))?;
        let number = number.as_number().ok_or_else(|| CallError::at(0, format!("element {i} is null")))?;
        total = Some(match total {
            None => number.clone(),
            Some(so_far) => so_far.add(number).map_err(|e| CallError::new(e.to_string()))?,
        });
    }
    total.map(Value::Number).ok_or_else(|| CallError::at(0, "an empty list has no sum"))
}
