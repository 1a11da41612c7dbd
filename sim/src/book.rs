//! Order books, invented around the last price. Pure: a book follows from the last trade alone, so that it changes
//! when the market trades and the socket and REST tell the same one.

use std::sync::Arc;

use fastrand::Rng;
use jiff::Timestamp;

use crate::decimal::{Price, Volume};
use crate::market::{Side, Ticker};
use crate::tick_size::{tick_down, tick_size, tick_up};
use crate::walk::order_size;

/// The depth of a whole book, and what any depth means that is not supported.
pub(crate) const FULL_DEPTH: usize = 30;

/// The depths that can be asked for.
const DEPTHS: [usize; 4] = [1, 5, 15, 30];

/// The n-th order to sell and the n-th to buy, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) ask_price: Price,
    pub(crate) bid_price: Price,
    pub(crate) ask_size: Volume,
    pub(crate) bid_size: Volume,
}

/// The book of a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Book {
    pub(crate) code: Arc<str>,
    /// When it last changed.
    pub(crate) at: Timestamp,
    pub(crate) units: Vec<Unit>,
    /// The step that prices are grouped to; zero: not at all.
    pub(crate) level: Price,
}

impl Book {
    /// The book of the market, `depth` units deep; nothing if the market has no such `level`.
    pub(crate) fn of(ticker: &Ticker, depth: usize, level: Price) -> Option<Self> {
        if !supported_levels(&ticker.code, ticker.last).contains(&level) {
            return None;
        }
        let mut unit = Self::best(ticker);
        if level > Price::ZERO {
            unit.ask_price = multiple_from(unit.ask_price, level);
            unit.bid_price = multiple_from(unit.bid_price + Price::from_units(1), level) - level;
        }
        let mut units = Vec::with_capacity(depth);
        for place in 1..=depth {
            let (ask, bid) = next_prices(&ticker.code, &unit, level);
            let next = sized(ticker, ask, bid, place);
            units.push(std::mem::replace(&mut unit, next));
        }
        Some(Self { code: Arc::clone(&ticker.code), at: ticker.traded_at, units, level })
    }

    /// The best orders: the last taker bought at the best ask or sold at the best bid.
    pub(crate) fn best(ticker: &Ticker) -> Unit {
        let ask = match ticker.side {
            Side::Bid => ticker.last,
            Side::Ask => tick_up(&ticker.code, ticker.last),
        };
        sized(ticker, ask, tick_down(&ticker.code, ask), 0)
    }

    pub(crate) fn total_ask_size(&self) -> Volume {
        self.units.iter().map(|unit| unit.ask_size).sum()
    }

    pub(crate) fn total_bid_size(&self) -> Volume {
        self.units.iter().map(|unit| unit.bid_size).sum()
    }
}

/// The depth in a code such as `KRW-BTC.15`.
pub(crate) fn depth_of(code: &str) -> usize {
    let asked = code.split_once('.').and_then(|(_, depth)| depth.parse().ok());
    asked.filter(|depth| DEPTHS.contains(depth)).unwrap_or(FULL_DEPTH)
}

/// The steps that prices can be grouped to: none, and in KRW markets ten price units and its decimal multiples up to
/// the price.
pub(crate) fn supported_levels(code: &str, price: Price) -> Vec<Price> {
    let step = |level: &Price| Some(Price::from_units(level.units() * 10));
    let levels =
        std::iter::successors(step(&tick_size(code, price)), step).take_while(|level| *level <= price);
    let is_krw = code.starts_with("KRW-");
    std::iter::once(Price::ZERO).chain(levels.filter(|_| is_krw)).collect()
}

fn next_prices(code: &str, unit: &Unit, level: Price) -> (Price, Price) {
    if level == Price::ZERO {
        return (tick_up(code, unit.ask_price), tick_down(code, unit.bid_price));
    }
    let lower = unit.bid_price - level;
    (unit.ask_price + level, if lower > Price::ZERO { lower } else { unit.bid_price })
}

/// The lowest multiple of `level` that is not below `price`.
fn multiple_from(price: Price, level: Price) -> Price {
    let steps = (price.units() + level.units() - 1) / level.units();
    Price::from_units(steps * level.units())
}

fn sized(ticker: &Ticker, ask_price: Price, bid_price: Price, place: usize) -> Unit {
    let seed = ticker.trade_id.cast_unsigned().rotate_left(u32::try_from(place).unwrap_or(0));
    let mut rng = Rng::with_seed(seed);
    let mut size = |price| order_size(&ticker.code, price, 1, &mut rng);
    Unit { ask_size: size(ask_price), bid_size: size(bid_price), ask_price, bid_price }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Market, Trade};
    use crate::tick_size::is_on_tick;

    fn ticker(price: &str, side: Side) -> Ticker {
        let at: Timestamp = "2026-03-11T14:40:59Z".parse().unwrap();
        let price: Price = price.parse().unwrap();
        let year = [(price, "2026-01-01".parse().unwrap()); 2];
        let mut market = Market::new("KRW-BTC", price, year, at);
        market.trade(Trade { id: 0, price, volume: Volume::from_units(1), side, at }, at);
        market.ticker().clone()
    }

    #[test]
    fn a_book_has_falling_bids_below_rising_asks_around_the_last_price() {
        for (side, best) in [(Side::Bid, "150000000"), (Side::Ask, "150001000")] {
            let book = Book::of(&ticker("150000000", side), FULL_DEPTH, Price::ZERO).unwrap();
            assert_eq!(book.units.len(), 30);
            assert_eq!(book.units[0].ask_price, best.parse().unwrap());
            assert!(book.units.iter().all(|unit| unit.bid_price < unit.ask_price));
            assert!(book.units.is_sorted_by(|one, next| one.ask_price < next.ask_price));
            assert!(book.units.is_sorted_by(|one, next| one.bid_price > next.bid_price));
            assert!(book.units.iter().all(|unit| is_on_tick("KRW-BTC", unit.bid_price)));
        }
    }

    #[test]
    fn a_grouped_book_stands_on_multiples_of_its_level() {
        let level = "100000".parse().unwrap();
        let book = Book::of(&ticker("150050000", Side::Bid), 5, level).unwrap();
        assert_eq!(book.units[0].ask_price, "150100000".parse().unwrap());
        assert_eq!(book.units[0].bid_price, "150000000".parse().unwrap());
        assert_eq!(book.units[4].ask_price, "150500000".parse().unwrap());
        assert_eq!(Book::of(&ticker("150050000", Side::Bid), 5, "7".parse().unwrap()), None);
    }

    #[test]
    fn levels_are_those_of_the_exchange() {
        let levels = |code, price: &str| -> Vec<String> {
            let levels = supported_levels(code, price.parse().unwrap());
            levels.iter().map(|level| level.to_string().replace(".00000000", "")).collect()
        };
        assert_eq!(
            levels("KRW-BTC", "116539000"),
            ["0", "10000", "100000", "1000000", "10000000", "100000000"]
        );
        assert_eq!(levels("BTC-ETH", "0.03333333"), ["0"]);
    }

    #[test]
    fn an_unsupported_depth_is_the_full_one() {
        for (code, depth) in [("KRW-BTC", 30), ("KRW-BTC.1", 1), ("KRW-BTC.15", 15), ("KRW-BTC.7", 30)] {
            assert_eq!(depth_of(code), depth);
        }
    }
}
