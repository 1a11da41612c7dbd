//! Price units: the grid that every price of a market lies on.

use crate::decimal::Price;

/// The KRW table in force since 2025-07-31, highest band first: (price from, unit), in units of 1e-8.
/// <https://docs.upbit.com/kr/docs/krw-market-info>
const KRW_BANDS: [(i128, i128); 16] = [
    (1_000_000 * WON, 1_000 * WON),
    (500_000 * WON, 500 * WON),
    (100_000 * WON, 100 * WON),
    (50_000 * WON, 50 * WON),
    (10_000 * WON, 10 * WON),
    (5_000 * WON, 5 * WON),
    (1_000 * WON, WON),
    (100 * WON, WON),
    (10 * WON, WON / 10),
    (WON, WON / 100),
    (WON / 10, WON / 1_000),
    (WON / 100, WON / 10_000),
    (WON / 1_000, WON / 100_000),
    (WON / 10_000, WON / 1_000_000),
    (WON / 100_000, WON / 10_000_000),
    (0, SMALLEST),
];

const WON: i128 = Price::ONE;
const SMALLEST: i128 = 1;

/// The price unit of market `code` at `price`. Other quotes than KRW use the unit of the BTC market, 1e-8.
pub(crate) fn tick_size(code: &str, price: Price) -> Price {
    let krw_band = KRW_BANDS.iter().find(|(from, _)| price.units() >= *from);
    let unit = match krw_band {
        Some((_, unit)) if code.starts_with("KRW-") => *unit,
        _ => SMALLEST,
    };
    Price::from_units(unit)
}

/// Whether `price` is above zero and on the grid of market `code`.
pub(crate) fn is_on_tick(code: &str, price: Price) -> bool {
    price > Price::ZERO && price.units() % tick_size(code, price).units() == 0
}

/// The next price above.
pub(crate) fn tick_up(code: &str, price: Price) -> Price {
    price + tick_size(code, price)
}

/// The next price below, or `price` itself at the bottom. At the foot of a band the step is that of the band
/// below.
pub(crate) fn tick_down(code: &str, price: Price) -> Price {
    let unit = tick_size(code, price - Price::from_units(SMALLEST));
    if price > unit { price - unit } else { price }
}

/// The highest on-tick price that is not above `price`.
pub(crate) fn floor_to_tick(code: &str, price: Price) -> Price {
    let unit = tick_size(code, price).units();
    Price::from_units((price.units() / unit).max(1) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn every_band_has_its_unit() {
        let table = [
            ("2000000", "1000"),
            ("1000000", "1000"),
            ("999500", "500"),
            ("100000", "100"),
            ("99950", "50"),
            ("10000", "10"),
            ("9995", "5"),
            ("4999", "1"),
            ("999", "1"),
            ("99.9", "0.1"),
            ("9.99", "0.01"),
            ("0.999", "0.001"),
            ("0.0999", "0.0001"),
            ("0.00999", "0.00001"),
            ("0.000999", "0.000001"),
            ("0.0000999", "0.0000001"),
            ("0.00000999", "0.00000001"),
        ];
        for (at, unit) in table {
            assert_eq!(tick_size("KRW-X", price(at)), price(unit), "at {at}");
            assert!(is_on_tick("KRW-X", price(at)), "{at}");
        }
        assert_eq!(tick_size("BTC-X", price("0.5")), price("0.00000001"));
    }

    #[test]
    fn a_step_down_and_up_again_comes_back() {
        for start in ["1000000", "500000", "100000", "1000", "100", "10", "1", "0.1", "152345000"] {
            let start = price(start);
            assert_eq!(tick_up("KRW-X", tick_down("KRW-X", start)), start);
        }
        assert_eq!(tick_down("KRW-X", price("1000000")), price("999500"));
        assert_eq!(tick_down("KRW-X", price("0.00000001")), price("0.00000001"), "never zero");
    }

    #[test]
    fn off_tick_is_seen_and_floored() {
        assert!(!is_on_tick("KRW-X", price("1000500")));
        assert!(!is_on_tick("KRW-X", price("0")));
        assert!(!is_on_tick("KRW-X", price("-1000")));
        assert_eq!(floor_to_tick("KRW-X", price("1000999")), price("1000000"));
    }
}
