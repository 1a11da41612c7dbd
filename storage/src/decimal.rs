//! [`Decimal`]: prices, volumes and sums, exactly as the exchange says them.
//!
//! Upbit's sums reach 14 digits before the point and 16 behind it, which is more than a float keeps (15) and more than
//! 96-bit decimals do (28). A 128-bit integer holds 38, so that is what this is, with the place of the point beside it.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

use crate::limits::{DECIMAL_DIGITS_MAX, DECIMAL_SCALE_MAX, DECIMAL_TEXT_MAX};

/// An exact decimal number. Its text and JSON are the plain spelling: no exponent, no zeros at the end behind the
/// point. Whatever spelling it came in, `0E-8` and `0`, `1.50000000` and `1.5` are one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The number without its point. No zeros at the end that stand behind the point.
    digits: i128,
    /// How many of the digits stand behind the point.
    scale: u8,
}

/// A text is no number, or one that no exchange has a use for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a number of at most {DECIMAL_DIGITS_MAX} digits, {DECIMAL_SCALE_MAX} of them behind the point, got {got:?}"
)]
pub struct DecimalError {
    /// The beginning of what came.
    got: Box<str>,
}

impl Decimal {
    /// Nothing.
    pub const ZERO: Self = Self { digits: 0, scale: 0 };

    /// The sum, unless it has more digits than this type holds.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let digits = self.aligned(scale)?.checked_add(other.aligned(scale)?)?;
        Self::normal(digits, scale)
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// The digits with so many behind the point; `scale` is not less than ours.
    fn aligned(self, scale: u8) -> Option<i128> {
        self.digits.checked_mul(10_i128.pow(u32::from(scale.checked_sub(self.scale)?)))
    }

    /// Drops zeros at the end and holds the result against the limits.
    fn normal(mut digits: i128, mut scale: u8) -> Option<Self> {
        while scale > 0 && digits % 10 == 0 {
            (digits, scale) = (digits / 10, scale - 1);
        }
        let fits = scale <= DECIMAL_SCALE_MAX && digits.unsigned_abs() < 10_u128.pow(DECIMAL_DIGITS_MAX);
        fits.then_some(Self { digits, scale })
    }

    /// The part before the point, and the part behind it in units of the smallest scale.
    fn parts(self) -> (i128, i128) {
        let unit = 10_i128.pow(u32::from(self.scale));
        let rest = 10_i128.pow(u32::from(DECIMAL_SCALE_MAX - self.scale));
        (self.digits / unit, self.digits % unit * rest)
    }

    /// JSON's grammar of numbers (RFC 8259, section 6), give or take zeros in front.
    fn parse(text: &str) -> Option<Self> {
        let (text, exponent) = match text.split_once(['e', 'E']) {
            Some((text, exponent)) => (text, exponent.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let (negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        if whole.is_empty() || fraction.is_empty() {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let digits = whole.bytes().chain(fraction.bytes()).try_fold(0_i128, |digits, byte| {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
            digits.checked_mul(10)?.checked_add(digit)
        })?;
        if digits == 0 {
            return Some(Self::ZERO);
        }
        let scale = i16::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        let digits = if negative { -digits } else { digits };
        match u8::try_from(scale) {
            Ok(scale) => Self::normal(digits, scale),
            Err(_) if scale < 0 => {
                let zeros = u32::from(scale.unsigned_abs());
                Self::normal(digits.checked_mul(10_i128.checked_pow(zeros)?)?, 0)
            }
            Err(_) => None,
        }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let number = (text.len() <= DECIMAL_TEXT_MAX).then(|| Self::parse(text)).flatten();
        number.ok_or_else(|| DecimalError { got: text.chars().take(40).collect::<String>().into() })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let (whole, _) = self.parts();
        write!(f, "{sign}{}", whole.unsigned_abs())?;
        if self.scale == 0 {
            return Ok(());
        }
        let unit = 10_u128.pow(u32::from(self.scale));
        write!(f, ".{:0width$}", self.digits.unsigned_abs() % unit, width = usize::from(self.scale))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A JSON number with all its digits. Only `serde_json` writes one.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(ser::Error::custom)?.serialize(serializer)
    }
}

/// From a JSON number, of which no digit is lost on the way. Only `serde_json` reads one.
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer)?.get().parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn every_spelling_of_the_exchange_is_read_exactly() {
        for (spelled, plain) in [
            ("158219000.00000000", "158219000"),
            ("95078733694.3792000000000000", "95078733694.3792"),
            ("17343033068679.96900000", "17343033068679.969"),
            ("12345678901234.1234567890123456", "12345678901234.1234567890123456"),
            ("0.00000001", "0.00000001"),
            ("0E-8", "0"),
            ("-0", "0"),
            ("1.16539E8", "116539000"),
            ("7.9276E-4", "0.00079276"),
            ("5.0E-4", "0.0005"),
            ("-234000.00000000", "-234000"),
            ("-0.001", "-0.001"),
            ("0", "0"),
        ] {
            assert_eq!(decimal(spelled).to_string(), plain, "{spelled}");
            assert_eq!(serde_json::from_str::<Decimal>(spelled).unwrap(), decimal(plain));
            assert_eq!(serde_json::to_string(&decimal(spelled)).unwrap(), plain);
        }
    }

    #[test]
    fn what_is_no_number_or_an_unreasonable_one_is_refused() {
        let long = "1".repeat(200);
        for bad in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "1e",
            "e5",
            "+1",
            "1 ",
            "0x10",
            "NaN",
            "1e999999999",
            "1e-30",
            "1e40",
            &long,
        ] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad:?}");
        }
        for bad in ["\"1\"", "null", "true", "[1]"] {
            assert!(serde_json::from_str::<Decimal>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sum_that_does_not_fit_is_none_and_not_wrong() {
        let largest = decimal(&"9".repeat(36));
        assert_eq!(largest.checked_add(decimal("1")), None);
        assert_eq!(largest.checked_add(decimal("0.000000000000000001")), None);
    }

    proptest! {
        #[test]
        fn text_json_sums_and_order_are_those_of_integers(
            a in -10_i128.pow(30)..10_i128.pow(30), b in -10_i128.pow(30)..10_i128.pow(30), scale in 0_u8..=16,
        ) {
            let (x, y) = (Decimal::normal(a, scale).unwrap(), Decimal::normal(b, scale).unwrap());
            prop_assert_eq!(x.to_string().parse::<Decimal>().unwrap(), x);
            prop_assert_eq!(serde_json::from_str::<Decimal>(&serde_json::to_string(&x).unwrap()).unwrap(), x);
            prop_assert_eq!(x.checked_add(y), Decimal::normal(a + b, scale));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), number in "-?[0-9]{0,40}[.]?[0-9]{0,40}([eE]-?[0-9]{0,6})?") {
            let _ = text.parse::<Decimal>();
            if let Ok(read) = number.parse::<Decimal>() {
                prop_assert_eq!(read.to_string().parse::<Decimal>().unwrap(), read);
            }
        }
    }
}
