//! Infinities: what a division by zero gives, and how operations go on with it.

use super::{Number, NumberError, Repr};

/// What an operation with an infinite operand comes to.
type Answer = Result<Number, NumberError>;

impl Number {
    /// Larger than every other number, or smaller.
    pub const fn infinite(negative: bool) -> Number {
        Number { repr: Repr::Infinite { negative }, precision: super::TEXT_PRECISION }
    }

    /// Whether the number is infinite, and then whether it is negative.
    pub fn infinity(&self) -> Option<bool> {
        match self.repr {
            Repr::Infinite { negative } => Some(negative),
            _ => None,
        }
    }

    /// `+Inf`, `-Inf`.
    pub(super) fn infinity_text(&self) -> Option<&'static str> {
        self.infinity().map(|negative| if negative { "-Inf" } else { "+Inf" })
    }

    /// The sign of the number, that of a zero included.
    fn sign(&self) -> bool {
        self.is_negative() || matches!(self.repr, Repr::NegativeZero)
    }

    /// The sum, where an operand is infinite.
    pub(super) fn add_infinite(&self, other: &Number) -> Option<Answer> {
        Some(match (self.infinity(), other.infinity()) {
            (None, None) => return None,
            (Some(a), Some(b)) if a != b => Err(NumberError::Undefined),
            (Some(negative), _) | (None, Some(negative)) => Ok(Number::infinite(negative)),
        })
    }

    pub(super) fn multiply_infinite(&self, other: &Number) -> Option<Answer> {
        self.infinity().or(other.infinity())?;
        Some(match self.is_zero() || other.is_zero() {
            true => Err(NumberError::Undefined),
            false => Ok(Number::infinite(self.sign() != other.sign())),
        })
    }

    /// The quotient, where an operand is infinite or the divisor is zero.
    pub(super) fn divide_infinite(&self, other: &Number) -> Option<Answer> {
        let negative = self.sign() != other.sign();
        Some(match (self.infinity().is_some(), other.infinity().is_some()) {
            (true, true) => Err(NumberError::Undefined),
            (true, false) => Ok(Number::infinite(negative)),
            (false, true) if negative => Ok(Number::literal(0).negate()),
            (false, true) => Ok(Number::literal(0)),
            (false, false) if !other.is_zero() => return None,
            (false, false) if self.is_zero() => Err(NumberError::Undefined),
            (false, false) => Ok(Number::infinite(negative)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn division_by_zero_is_infinite_and_goes_on() {
        let (plus, minus) = (n("1").divide(&n("0")).unwrap(), n("-1").divide(&n("0")).unwrap());
        assert_eq!((plus.to_string(), minus.to_string()), ("+Inf".into(), "-Inf".into()));
        assert!(plus > n("1e300") && minus < n("-1e300") && plus == plus.clone() && plus != minus);
        assert_eq!(plus.add(&n("5")).unwrap(), plus);
        assert_eq!(plus.multiply(&n("-2")).unwrap(), minus);
        assert_eq!(n("5").divide(&minus).unwrap().to_string(), "-0");
        assert_eq!(plus.negate(), minus);
        assert_eq!((plus.floor(), minus.ceil()), (plus.clone(), minus.clone()));
        for undefined in [plus.subtract(&plus), plus.multiply(&n("0")), plus.divide(&minus), n("0").divide(&n("0"))] {
            assert_eq!(undefined, Err(NumberError::Undefined));
        }
        assert_eq!(n("-5").modulo(&n("0")).unwrap(), n("-5"));
        assert_eq!(n("5").modulo(&plus), Err(NumberError::Undefined));
        assert_eq!(n("-inf"), minus);
        assert_eq!((plus.as_i64(), plus.as_f64(), plus.to_fixed(2)), (None, f64::INFINITY, "+Inf".into()));
    }
}
