//! The traders: a seeded random walk on the price grid. What they do depends on the generator alone, so a
//! seed repeats a run.

use fastrand::Rng;
use jiff::Timestamp;

use crate::candle::{Interval, SECONDS_PER_DAY};
use crate::decimal::{Price, Volume};
use crate::history::History;
use crate::market::{Market, Side, Trade};
use crate::tick_size::{tick_down, tick_size, tick_up};

/// 41 in 100 recorded trades share their millisecond with the one before: a taker that sweeps several makers.
const SWEEP_PERCENT: u8 = 41;

/// Opens a market at `now`, after yesterday and today as `history` has them. A market that moves by itself begins where
/// its past ends, and so does one that is driven by hand, whose past was moved to end at its start price.
pub(crate) fn open_market(history: &mut History, now: Timestamp, rng: &mut Rng) -> Market {
    let yesterday = Interval::Day.start_of(now.as_second() - SECONDS_PER_DAY);
    let path = history.path();
    let (code, price) = (path.code().to_owned(), path.price_at(now.as_second().div_euclid(60)));
    let close = path.price_at(yesterday / 60);
    let begin = Timestamp::from_second(yesterday).unwrap_or(now);
    let mut market = Market::new(&code, close, path.year_before(now), begin);
    for trade in history.past_trades(yesterday) {
        let at = trade.at;
        market.trade(trade, at);
    }
    let volume = order_size(&code, price, 1, rng);
    history.record(&market.trade(Trade { id: 0, price, volume, side: Side::Bid, at: now }, now));
    market.refresh(now);
    market
}

/// The trades that one taker causes at `at`. The price is drawn to `anchor`, where the market's path is, so
/// that the next run with the same seed goes on near where this one ends.
pub(crate) fn burst(market: &Market, anchor: Price, at: Timestamp, rng: &mut Rng) -> Vec<Trade> {
    let code = &*market.ticker().code;
    let last = market.ticker().last;
    let side = if rng.i128(0..1000) < bid_permille(last, anchor) { Side::Bid } else { Side::Ask };
    let mut price = (0..jump(code, last, rng)).fold(last, |price, _| step(code, price, side));
    let mut trades = Vec::new();
    loop {
        trades.push(Trade { id: 0, price, volume: order_size(code, price, 1, rng), side, at });
        if rng.u8(0..100) >= SWEEP_PERCENT {
            return trades;
        }
        if rng.bool() {
            price = step(code, price, side);
        }
    }
}

/// How likely the next taker buys: even at the anchor, 1 in 10 from 2 % above it on.
fn bid_permille(last: Price, anchor: Price) -> i128 {
    let above_basis_points = (last - anchor).units() * 10_000 / anchor.units();
    (500 - above_basis_points * 2).clamp(100, 900)
}

/// How many price units the first trade of a burst is away from the last: often none, else up to 0.02 %, so
/// that a price of 150,000,000 with a unit of 1,000 moves as visibly as a price of 3,000 with a unit of 1.
fn jump(code: &str, last: Price, rng: &mut Rng) -> i128 {
    let most = (last.units() / tick_size(code, last).units() / 5_000).clamp(1, 50);
    if rng.u8(0..3) == 0 { 0 } else { rng.i128(0..=most) }
}

fn step(code: &str, price: Price, side: Side) -> Price {
    match side {
        Side::Bid => tick_up(code, price),
        Side::Ask => tick_down(code, price),
    }
}

/// A volume of `orders` orders, each worth at least the smallest one, 5,000 KRW; small ones far more often than large
/// ones. In KRW markets price times volume has at most 8 digits after the point, so that sums of candles are exact in
/// the digits that candles are told in.
pub(crate) fn order_size(code: &str, price: Price, orders: i128, rng: &mut Rng) -> Volume {
    let is_krw = code.starts_with("KRW-");
    let smallest_order = if is_krw { 5_000 * Price::ONE } else { Price::ONE / 2_000 };
    let step = if is_krw { (Price::ONE / tick_size(code, price).units()).max(1) } else { 1 };
    let doublings = rng.u32(0..=5) + rng.u32(0..=5);
    let worth = orders * (smallest_order << doublings) * rng.i128(1_000..2_000) / 1_000;
    let units = worth * Volume::ONE / price.units();
    Volume::from_units((units / step).max(1) * step)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::ToSpan;
    use jiff::civil::Date;
    use jiff::tz::Offset;
    use proptest::prelude::{ProptestConfig, prop, prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::decimal::{Rate, Turnover};
    use crate::market::Ticker;
    use crate::path::Path;
    use crate::tick_size::is_on_tick;

    fn start() -> Timestamp {
        "2026-01-30T18:00:00Z".parse().unwrap()
    }

    fn day_of(at: Timestamp) -> Date {
        Offset::UTC.to_datetime(at).date()
    }

    fn market(code: &str, price: Price) -> Market {
        let day = day_of(start());
        Market::new(code, price, [(price, day); 2], start())
    }

    fn turnover<'a>(trades: impl Iterator<Item = &'a Trade>) -> Turnover {
        trades.map(|trade| trade.price * trade.volume).sum()
    }

    /// Holds a ticker against the trades that made it, oldest first, all summed up again from nothing.
    fn check(ticker: &Ticker, start_price: Price, trades: &[Trade]) {
        let (before, today): (Vec<_>, Vec<_>) =
            trades.iter().partition(|trade| day_of(trade.at) < ticker.day);
        let volume_of =
            |side| today.iter().filter(|trade| trade.side == side).map(|trade| trade.volume).sum();
        let close = before.last().map_or(start_price, |trade| trade.price);
        let prices = || today.iter().map(|trade| trade.price);

        assert_eq!(ticker.prev_closing, close);
        assert_eq!(ticker.opening, prices().next().unwrap_or(close));
        assert_eq!(ticker.high, prices().max().unwrap_or(close));
        assert_eq!(ticker.low, prices().min().unwrap_or(close));
        assert_eq!(ticker.last, prices().next_back().unwrap_or(close));
        assert!(ticker.low <= ticker.last && ticker.last <= ticker.high);
        assert!(ticker.low >= ticker.lowest_52_week.0 && ticker.high <= ticker.highest_52_week.0);
        assert!(is_on_tick(&ticker.code, ticker.last));

        assert_eq!(ticker.acc_ask_volume, volume_of(Side::Ask));
        assert_eq!(ticker.acc_bid_volume, volume_of(Side::Bid));
        assert_eq!(ticker.acc_volume(), today.iter().map(|trade| trade.volume).sum());
        assert_eq!(ticker.acc_price, turnover(today.iter().copied()));

        assert_eq!(ticker.change(), ticker.last - ticker.prev_closing);
        let error = ticker.change_rate().units() * close.units() - ticker.change().units() * Rate::ONE;
        assert!(error.abs() * 2 <= close.units(), "the rate is the nearest one");
        assert!(ticker.traded_at <= ticker.updated_at);
    }

    /// The 24 h sums after a refresh at `now`: 1,440 whole minutes, the running one included.
    fn check_last_day(ticker: &Ticker, now: Timestamp, trades: &[Trade]) {
        let minute = |at: Timestamp| at.as_second() / 60;
        let recent = || trades.iter().filter(|trade| minute(trade.at) > minute(now) - 1440);
        assert_eq!(ticker.acc_price_24h, turnover(recent()));
        assert_eq!(ticker.acc_volume_24h, recent().map(|trade| trade.volume).sum());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn a_ticker_is_the_sum_of_its_trades(
            seed: u64,
            price in prop::sample::select(vec!["150000000", "1000000", "3200", "100", "10", "1", "0.0175", "0.00001"]),
            // From a burst in a minute to none in half a day; 400 steps cross many midnights either way.
            longest_gap_seconds in prop::sample::select(vec![600, 7_200, 43_200]),
        ) {
            let mut rng = Rng::with_seed(seed);
            let anchor: Price = price.parse().unwrap();
            let mut market = market("KRW-X", anchor);
            let (mut now, mut trades, mut days) = (start(), Vec::new(), BTreeMap::new());
            for step in 0..400 {
                now += rng.i64(1..=longest_gap_seconds * 1_000).milliseconds();
                let sums = (market.ticker().acc_price_24h, market.ticker().acc_volume_24h);
                for trade in burst(&market, anchor, now, &mut rng) {
                    market.trade(trade.clone(), now);
                    trades.push(trade);
                }
                prop_assert_eq!(sums, (market.ticker().acc_price_24h, market.ticker().acc_volume_24h));
                if step % 3 == 0 {
                    now += rng.i64(0..=longest_gap_seconds).seconds();
                    market.refresh(now);
                    check_last_day(market.ticker(), now, &trades);
                }
                check(market.ticker(), anchor, &trades);
                days.insert(market.ticker().day, market.ticker().prev_closing);
            }
            prop_assert!(days.len() > 1, "the day rolled");
        }
    }

    #[test]
    fn the_walk_stays_near_its_anchor() {
        let mut rng = Rng::with_seed(7);
        let anchor: Price = "3200".parse().unwrap();
        let mut market = market("KRW-XRP", anchor);
        for second in 0..20_000 {
            let at = start() + second.seconds();
            for trade in burst(&market, anchor, at, &mut rng) {
                market.trade(trade, at);
            }
            let last = market.ticker().last.units();
            assert!(last * 2 > anchor.units() && last < anchor.units() * 2, "{last}");
        }
    }

    #[test]
    fn four_in_ten_trades_share_their_moment_with_the_one_before() {
        let mut rng = Rng::with_seed(3);
        let anchor: Price = "150000000".parse().unwrap();
        let market = market("KRW-BTC", anchor);
        let trades: usize = (0..10_000).map(|_| burst(&market, anchor, start(), &mut rng).len()).sum();
        let shared_percent = (trades - 10_000) * 100 / trades;
        assert!((39..=43).contains(&shared_percent), "{shared_percent} %");
    }

    #[test]
    fn a_market_opens_with_a_day_behind_it_and_the_same_one_each_time() {
        let price: Price = "5000000".parse().unwrap();
        let path = Path::new("KRW-ETH", price, 0, 1).through_anchor_at(start().as_second() / 60);
        let open = || open_market(&mut History::new(path.clone(), start()), start(), &mut Rng::with_seed(1));
        let (market, again) = (open(), open());
        let ticker = market.ticker();
        assert_eq!(format!("{ticker:?}"), format!("{:?}", again.ticker()));
        assert_eq!((ticker.last, ticker.day), (price, day_of(start())));
        assert!(ticker.acc_volume() > Volume::ZERO && ticker.acc_volume() < ticker.acc_volume_24h);
        assert!(ticker.acc_price_24h > ticker.acc_price);
    }
}
