//! One market: what its trades add up to. Pure: time comes in with each call, and there is no randomness.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::decimal::{Price, Rate, Turnover, Volume};

const MINUTES_PER_DAY: i64 = 24 * 60;

/// What the taker of a trade did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Sold.
    Ask,
    /// Bought.
    Bid,
}

/// One trade, before the market has booked it.
#[derive(Clone, Debug)]
pub(crate) struct Trade {
    /// Unique in its market: milliseconds times 10,000 plus a count. The market gives the next free one.
    pub(crate) id: i64,
    pub(crate) price: Price,
    pub(crate) volume: Volume,
    pub(crate) side: Side,
    pub(crate) at: Timestamp,
}

/// Everything that a ticker frame says, as numbers. Days turn at 00:00 UTC.
#[derive(Clone, Debug)]
pub(crate) struct Ticker {
    pub(crate) code: Arc<str>,
    /// The UTC day that the day's numbers belong to.
    pub(crate) day: Date,
    /// First trade of the day; until there is one, the previous close.
    pub(crate) opening: Price,
    pub(crate) high: Price,
    pub(crate) low: Price,
    pub(crate) last: Price,
    pub(crate) prev_closing: Price,
    pub(crate) acc_price: Turnover,
    pub(crate) acc_ask_volume: Volume,
    pub(crate) acc_bid_volume: Volume,
    /// Side, size and time of the last trade.
    pub(crate) side: Side,
    pub(crate) volume: Volume,
    pub(crate) traded_at: Timestamp,
    pub(crate) trade_id: i64,
    pub(crate) highest_52_week: (Price, Date),
    pub(crate) lowest_52_week: (Price, Date),
    /// The 24 h sums as of the last refresh: trades do not move them.
    pub(crate) acc_price_24h: Turnover,
    pub(crate) acc_volume_24h: Volume,
    /// When the market last had something to say.
    pub(crate) updated_at: Timestamp,
}

impl Ticker {
    /// Volume of the day, both sides.
    pub(crate) fn acc_volume(&self) -> Volume {
        self.acc_ask_volume + self.acc_bid_volume
    }

    /// Difference to the previous close, with its sign.
    pub(crate) fn change(&self) -> Price {
        self.last - self.prev_closing
    }

    /// The same as a share of the previous close.
    pub(crate) fn change_rate(&self) -> Rate {
        Rate::ratio(self.change(), self.prev_closing)
    }

    /// Books a trade into the numbers of its day.
    fn add(&mut self, trade: &Trade) {
        if self.acc_volume() == Volume::ZERO {
            (self.opening, self.high, self.low) = (trade.price, trade.price, trade.price);
        }
        self.high = self.high.max(trade.price);
        self.low = self.low.min(trade.price);
        self.last = trade.price;
        self.acc_price += trade.price * trade.volume;
        match trade.side {
            Side::Ask => self.acc_ask_volume += trade.volume,
            Side::Bid => self.acc_bid_volume += trade.volume,
        }
        (self.side, self.volume, self.traded_at) = (trade.side, trade.volume, trade.at);
        self.trade_id = trade.id;
        self.extend_year(trade.price);
    }

    fn extend_year(&mut self, price: Price) {
        if price > self.highest_52_week.0 {
            self.highest_52_week = (price, self.day);
        }
        if price < self.lowest_52_week.0 {
            self.lowest_52_week = (price, self.day);
        }
    }

    /// Begins the day `day`. A day without a trade yet stands at the previous close.
    fn begin_day(&mut self, day: Date) {
        self.day = day;
        self.prev_closing = self.last;
        (self.opening, self.high, self.low) = (self.last, self.last, self.last);
        self.acc_price = Turnover::ZERO;
        (self.acc_ask_volume, self.acc_bid_volume) = (Volume::ZERO, Volume::ZERO);
    }
}

/// The sums of the last 24 hours, forgotten minute by minute.
#[derive(Debug, Default)]
struct LastDay {
    /// (minute since 1970, turnover and volume in it), oldest first. At most 1,441 of them.
    minutes: VecDeque<(i64, Turnover, Volume)>,
    price: Turnover,
    volume: Volume,
}

impl LastDay {
    fn add(&mut self, trade: &Trade) {
        let (minute, price) = (minute_of(trade.at), trade.price * trade.volume);
        match self.minutes.back_mut() {
            Some((last, prices, volumes)) if *last == minute => {
                *prices += price;
                *volumes += trade.volume;
            }
            _ => self.minutes.push_back((minute, price, trade.volume)),
        }
        self.price += price;
        self.volume += trade.volume;
    }

    /// Drops the minutes that began 24 hours or more before that of `now`.
    fn forget_before(&mut self, now: Timestamp) {
        let first_kept = minute_of(now) - MINUTES_PER_DAY + 1;
        while let Some((_, price, volume)) = self.minutes.pop_front_if(|(minute, ..)| *minute < first_kept) {
            self.price -= price;
            self.volume -= volume;
        }
    }
}

/// A market and its day.
#[derive(Debug)]
pub(crate) struct Market {
    ticker: Ticker,
    last_day: LastDay,
    /// The latest time seen. Nothing happens before it, so that a day once begun stays begun.
    latest: Timestamp,
}

impl Market {
    /// A market whose previous close is `price`, without a trade so far. `year` is its highest and its lowest price
    /// in the 52 weeks before.
    pub(crate) fn new(code: &str, price: Price, year: [(Price, Date); 2], now: Timestamp) -> Self {
        let day = day_of(now);
        let [highest_52_week, lowest_52_week] = year;
        let ticker = Ticker {
            code: code.into(),
            day,
            opening: price,
            high: price,
            low: price,
            last: price,
            prev_closing: price,
            acc_price: Turnover::ZERO,
            acc_ask_volume: Volume::ZERO,
            acc_bid_volume: Volume::ZERO,
            side: Side::Bid,
            volume: Volume::ZERO,
            traded_at: now,
            trade_id: trade_id_at(now),
            highest_52_week,
            lowest_52_week,
            acc_price_24h: Turnover::ZERO,
            acc_volume_24h: Volume::ZERO,
            updated_at: now,
        };
        Self { ticker, last_day: LastDay::default(), latest: now }
    }

    pub(crate) fn ticker(&self) -> &Ticker {
        &self.ticker
    }

    /// Books `trade`, made public at `now`. A trade that claims to be older than what has happened is moved
    /// up, and returned as it was booked.
    pub(crate) fn trade(&mut self, mut trade: Trade, now: Timestamp) -> Trade {
        trade.at = trade.at.max(self.latest);
        trade.id = trade_id_at(trade.at).max(self.ticker.trade_id + 1);
        self.roll_to(trade.at);
        self.ticker.add(&trade);
        self.last_day.add(&trade);
        self.ticker.updated_at = now.max(trade.at);
        trade
    }

    /// Brings the 24 h sums, and the day, up to `now`. False if nothing changed by it.
    pub(crate) fn refresh(&mut self, now: Timestamp) -> bool {
        let day = self.ticker.day;
        self.roll_to(now.max(self.latest));
        self.last_day.forget_before(self.latest);
        let sums = (self.last_day.price, self.last_day.volume);
        if sums == (self.ticker.acc_price_24h, self.ticker.acc_volume_24h) && day == self.ticker.day {
            return false;
        }
        (self.ticker.acc_price_24h, self.ticker.acc_volume_24h) = sums;
        self.ticker.updated_at = self.latest;
        true
    }

    fn roll_to(&mut self, now: Timestamp) {
        self.latest = now;
        let day = day_of(now);
        if day != self.ticker.day {
            self.ticker.begin_day(day);
        }
    }
}

/// The id of the first trade in the millisecond of `at`.
pub(crate) fn trade_id_at(at: Timestamp) -> i64 {
    at.as_millisecond() * 10_000
}

/// The UTC day of an instant.
fn day_of(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn day() -> Date {
        day_of(at("2025-10-25T00:00:00Z"))
    }

    fn market_after(prices: &[&str]) -> Market {
        let year = [("160".parse().unwrap(), day()), ("58".parse().unwrap(), day())];
        let mut market = Market::new("KRW-X", "100".parse().unwrap(), year, at("2026-03-01T23:59:00Z"));
        for price in prices {
            let trade = Trade {
                id: 0,
                price: price.parse().unwrap(),
                volume: Volume::from_units(1),
                side: Side::Bid,
                at: at("2026-03-01T23:59:59.999Z"),
            };
            market.trade(trade, at("2026-03-02T00:00:00.030Z"));
        }
        market
    }

    #[test]
    fn the_last_millisecond_belongs_to_the_old_day_though_its_frame_leaves_in_the_new_one() {
        let market = market_after(&["104", "103"]);
        assert_eq!(market.ticker().day.to_string(), "2026-03-01");
        assert_eq!(market.ticker().prev_closing.to_string(), "100.00000000");
    }

    #[test]
    fn a_day_without_a_trade_stands_at_the_close() {
        let mut market = market_after(&["104", "103"]);
        assert!(market.refresh(at("2026-03-02T00:00:01Z")));
        let ticker = market.ticker();
        assert_eq!((ticker.opening, ticker.high, ticker.low), (ticker.last, ticker.last, ticker.last));
        assert_eq!((ticker.prev_closing, ticker.acc_price), (ticker.last, Turnover::ZERO));
        assert_eq!(ticker.change_rate(), Rate::ZERO);
        assert!(!market.refresh(at("2026-03-02T00:00:02Z")), "nothing moved");
    }

    #[test]
    fn a_late_trade_does_not_bring_yesterday_back() {
        let mut market = market_after(&["104"]);
        market.refresh(at("2026-03-02T00:00:01Z"));
        let late = Trade {
            id: 0,
            price: "105".parse().unwrap(),
            volume: Volume::from_units(1),
            side: Side::Bid,
            at: at("2026-03-01T23:59:59Z"),
        };
        market.trade(late, at("2026-03-02T00:00:02Z"));
        assert_eq!(market.ticker().day.to_string(), "2026-03-02");
        assert_eq!(market.ticker().traded_at, at("2026-03-02T00:00:01Z"));
    }

    #[test]
    fn a_new_extreme_is_one_of_the_year() {
        let market = market_after(&["161", "57"]);
        assert_eq!(market.ticker().highest_52_week, ("161".parse().unwrap(), market.ticker().day));
        assert_eq!(market.ticker().lowest_52_week, ("57".parse().unwrap(), market.ticker().day));
    }
}
