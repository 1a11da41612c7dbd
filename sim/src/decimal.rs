//! Exact decimals: what the exchange counts in.
//!
//! Side volumes must add up to the last digit over millions of trades, so nothing here is ever a float.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};
use std::str::FromStr;

/// A number with exactly `SCALE` digits after the point, held as a count of its smallest unit.
///
/// It spells itself with all of its digits (`158219000.00000000`), as the exchange does; a format
/// precision below `SCALE` cuts the rest off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Decimal<const SCALE: usize>(i128);

/// Quote units for one base unit.
pub(crate) type Price = Decimal<8>;
/// An amount of the base currency.
pub(crate) type Volume = Decimal<8>;
/// Price times volume, which needs the digits of both.
pub(crate) type Turnover = Decimal<16>;
/// A ratio; 0.01 is one percent.
pub(crate) type Rate = Decimal<10>;

/// The text is not a plain decimal of at most `SCALE` digits after the point.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotADecimal;

impl<const SCALE: usize> Decimal<SCALE> {
    pub(crate) const ZERO: Self = Self(0);

    /// The units in 1.
    pub(crate) const ONE: i128 = {
        let (mut one, mut digits) = (1, 0);
        while digits < SCALE {
            one *= 10;
            digits += 1;
        }
        one
    };

    pub(crate) const fn from_units(units: i128) -> Self {
        Self(units)
    }

    pub(crate) const fn units(self) -> i128 {
        self.0
    }

    pub(crate) fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// `part / whole`, rounded half up (away from zero).
    pub(crate) fn ratio(part: Price, whole: Price) -> Self {
        let doubled = part.0 * Self::ONE * 2;
        Self((doubled + doubled.signum() * whole.0) / (whole.0 * 2))
    }
}

impl Price {
    /// A product of two numbers with 8 digits, cut to 8 again.
    pub(crate) fn cut(product: Turnover) -> Self {
        Self(product.0 / Self::ONE)
    }
}

impl<const SCALE: usize> Add for Decimal<SCALE> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl<const SCALE: usize> Sub for Decimal<SCALE> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl<const SCALE: usize> AddAssign for Decimal<SCALE> {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl<const SCALE: usize> SubAssign for Decimal<SCALE> {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl<const SCALE: usize> Sum for Decimal<SCALE> {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::ZERO, Self::add)
    }
}

impl Mul for Decimal<8> {
    type Output = Turnover;

    fn mul(self, other: Self) -> Turnover {
        Decimal(self.0 * other.0)
    }
}

impl<const SCALE: usize> FromStr for Decimal<SCALE> {
    type Err = NotADecimal;

    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > SCALE || !plain(whole) || !plain(fraction) {
            return Err(NotADecimal);
        }
        let units: i128 = format!("{whole}{fraction:0<SCALE$}").parse().map_err(|_| NotADecimal)?;
        Ok(Self(if negative { -units } else { units }))
    }
}

impl<const SCALE: usize> fmt::Display for Decimal<SCALE> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.0.unsigned_abs();
        let one = Self::ONE.unsigned_abs();
        let (whole, fraction) = (units / one, units % one);
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = out.precision().unwrap_or(SCALE);
        write!(out, "{sign}{whole}")?;
        if digits == 0 {
            return Ok(());
        }
        write!(out, ".{:.digits$}", format!("{fraction:0SCALE$}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_every_digit() {
        for text in ["158219000.00000000", "0.00006321", "-19000.00000000"] {
            assert_eq!(text.parse::<Price>().unwrap().to_string(), text);
        }
        assert_eq!("95.5".parse::<Turnover>().unwrap().to_string(), "95.5000000000000000");
        assert_eq!(format!("{:.5}", "331.187169".parse::<Turnover>().unwrap()), "331.18716");
    }

    #[test]
    fn refuses_what_is_not_a_plain_decimal() {
        for text in ["", ".5", "1e5", "1.123456789", "+1", "1.-5", "--1", "1_000"] {
            assert_eq!(text.parse::<Price>(), Err(NotADecimal), "{text}");
        }
    }

    #[test]
    fn a_ratio_rounds_half_up_on_both_sides_of_zero() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        let rate = |part, whole| Rate::ratio(price(part), price(whole)).to_string();
        assert_eq!(rate("1", "3"), "0.3333333333");
        assert_eq!(rate("2", "3"), "0.6666666667");
        assert_eq!(rate("-2", "3"), "-0.6666666667");
        assert_eq!(rate("-0.5", "10000000000"), "-0.0000000001");
    }
}
