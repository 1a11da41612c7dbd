//! Where the price of a market was at any time: a function of seed, market and minute.
//!
//! Nothing of it is stored, so that years of history cost no memory, every page of candles gives the same rows each
//! time, and so does the next run with the same seed. A minute holds at most four trades; every candle before the
//! exchange opened is the sum of such trades, whatever its length, so that intervals agree to the last digit.

use std::sync::Arc;

use fastrand::Rng;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

use crate::decimal::Price;
use crate::market::{Side, Trade, trade_id_at};
use crate::tick_size::floor_to_tick;
use crate::walk::order_size;

/// Waves of noise, each four times as long and twice as high as the one before, as those of a random walk are:
/// from one minute to two years.
const WAVES: u32 = 11;

/// Height of the shortest wave in millionths of the price. The longest is a quarter of the price, all together
/// are half of it.
const SHORTEST_PPM: i64 = 244;

const ONE_PPM: i64 = 1_000_000;

/// A price never falls below this share of its anchor.
const LOWEST_PPM: i64 = 50_000;

/// Digits of the noise after the point.
const NOISE_BITS: u32 = 20;

/// Orders behind each trade of the first market; the second has half of it, the third a third. With it the volume
/// of a past minute is about that of a minute of the walk.
const TOP_WEIGHT: i128 = 48;

/// Of a hundred minutes of the n-th market, 4·(n-1) have no trade, up to this many.
const MOST_QUIET_PERCENT: u8 = 60;

/// Monday, 2017-09-25, the day after Upbit opened: the first markets of the list have candles since then, in epoch
/// minutes.
const FIRST_LISTING: i64 = 1_506_297_600 / 60;

/// Each market after the third was listed so many minutes after the one before, but none later than [`MOST_LATE`].
const LISTING_STEP: i64 = 45 * 24 * 60;
const MOST_LATE: i64 = 2_000 * 24 * 60;

const MS_PER_MINUTE: i64 = 60_000;

/// The past of one market.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    code: Arc<str>,
    /// The price around which the market moves.
    anchor: Price,
    /// What the noise begins with; another one for each market.
    seed: u64,
    /// Taken off the noise, so that the price is the anchor at a certain minute.
    shift: i64,
    quiet_percent: u8,
    weight: i128,
    /// The first minute that has trades.
    listed: i64,
}

impl Path {
    /// The past of the market that is `rank`-th in the list, counted from 0.
    pub(crate) fn new(code: &str, anchor: Price, rank: usize, seed: u64) -> Self {
        let code_seed = code.bytes().fold(seed, |seed, byte| mix(seed ^ u64::from(byte)));
        let quiet = u8::try_from(rank.saturating_mul(4)).unwrap_or(u8::MAX).min(MOST_QUIET_PERCENT);
        let rank = i64::try_from(rank).unwrap_or(i64::MAX);
        Self {
            code: code.into(),
            anchor,
            seed: code_seed,
            shift: 0,
            quiet_percent: quiet,
            weight: (TOP_WEIGHT / (i128::from(rank) + 1)).max(1),
            listed: FIRST_LISTING + (rank - 2).max(0).saturating_mul(LISTING_STEP).min(MOST_LATE),
        }
    }

    /// The same past, moved up or down so that the price is the anchor at `minute`.
    pub(crate) fn through_anchor_at(self, minute: i64) -> Self {
        Self { shift: self.noise(minute), ..self }
    }

    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// The epoch minute of the first trade that there can be.
    pub(crate) fn listed(&self) -> i64 {
        self.listed
    }

    /// The price at the beginning of an epoch minute, on the grid.
    pub(crate) fn price_at(&self, minute: i64) -> Price {
        self.on_grid(self.share_at(minute))
    }

    /// The highest and the lowest price of the 52 weeks before `now` at the hour, with their days.
    pub(crate) fn year_before(&self, now: Timestamp) -> [(Price, Date); 2] {
        let hour = now.as_second().div_euclid(3_600);
        let hours = hour - 52 * 7 * 24..=hour;
        let shares = || hours.clone().map(|hour| (self.share_at(hour * 60), hour));
        [shares().max(), shares().min()].map(|extreme| {
            let (share, hour) = extreme.unwrap_or((ONE_PPM, hour));
            let at = Timestamp::from_second(hour * 3_600).unwrap_or(now);
            (self.on_grid(share), Offset::UTC.to_datetime(at).date())
        })
    }

    /// The trades of an epoch minute, in order. There may be none.
    pub(crate) fn trades(&self, minute: i64) -> impl Iterator<Item = Trade> {
        let mut rng = Rng::with_seed(mix(self.seed ^ minute.cast_unsigned()));
        let is_quiet = minute < self.listed || rng.u8(0..100) < self.quiet_percent;
        let count = if is_quiet { 0 } else { rng.i64(1..=4) };
        let shares = self.shares(minute, count, &mut rng);
        let slot = MS_PER_MINUTE / count.max(1);
        let mut before = None;
        shares.into_iter().flatten().zip(0..).map(move |(share, place)| {
            let price = self.on_grid(share);
            let at = minute * MS_PER_MINUTE + place * slot + rng.i64(0..slot);
            let side = match before.replace(price) {
                Some(before) if price < before => Side::Ask,
                Some(before) if price > before => Side::Bid,
                _ if rng.bool() => Side::Bid,
                _ => Side::Ask,
            };
            let volume = order_size(&self.code, price, self.weight, &mut rng);
            let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
            Trade { id: trade_id_at(at), price, volume, side, at }
        })
    }

    /// The prices of a minute as shares of the anchor: first, extremes, last, as many as there are trades.
    fn shares(&self, minute: i64, count: i64, rng: &mut Rng) -> [Option<i64>; 4] {
        if count == 0 {
            return [None; 4];
        }
        let (first, last) = (self.share_at(minute), self.share_at(minute + 1));
        let swing = (first - last).abs() / 2 + first / 8_192;
        let high = Some(first.max(last) + rng.i64(0..=swing));
        let low = Some(first.min(last) - rng.i64(0..=swing));
        let (one, other) = if rng.bool() { (high, low) } else { (low, high) };
        match count {
            1 => [Some(first), None, None, None],
            2 => [Some(first), Some(last), None, None],
            3 => [Some(first), one, Some(last), None],
            _ => [Some(first), one, other, Some(last)],
        }
    }

    fn on_grid(&self, share_ppm: i64) -> Price {
        let units = self.anchor.units() * i128::from(share_ppm) / i128::from(ONE_PPM);
        floor_to_tick(&self.code, Price::from_units(units))
    }

    fn share_at(&self, minute: i64) -> i64 {
        (ONE_PPM + self.noise(minute) - self.shift).max(LOWEST_PPM)
    }

    /// The sum of all waves at `minute`, in millionths of the anchor: value noise, straight between its points.
    fn noise(&self, minute: i64) -> i64 {
        let wave = |octave: u32| {
            let bits = 2 * octave;
            let (place, into) = (minute >> bits, minute & ((1 << bits) - 1));
            let (from, to) = (self.point(octave, place), self.point(octave, place + 1));
            (from + (((to - from) * into) >> bits)) << octave
        };
        ((0..WAVES).map(wave).sum::<i64>() * SHORTEST_PPM) >> NOISE_BITS
    }

    /// A number from -1 to 1, with [`NOISE_BITS`] digits after the point, for each point of each wave.
    fn point(&self, octave: u32, place: i64) -> i64 {
        let hash = mix(self.seed ^ (u64::from(octave + 1) << 56) ^ place.cast_unsigned());
        (hash >> (63 - NOISE_BITS)).cast_signed() - (1 << NOISE_BITS)
    }
}

/// The finalizer of splitmix64: neighbours become strangers.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// Three months before `now`, as far as candles of seconds reach back.
pub(crate) fn three_months_before(now: Timestamp) -> Timestamp {
    let day = Offset::UTC.to_datetime(now);
    day.checked_sub(3.months())
        .ok()
        .and_then(|day| Offset::UTC.to_timestamp(day).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tick_size::is_on_tick;

    fn path(seed: u64) -> Path {
        Path::new("KRW-BTC", "150000000".parse().unwrap(), 0, seed)
    }

    /// 2026-03-11 14:40 UTC.
    const MINUTE: i64 = 1_773_240_000 / 60;

    #[test]
    fn a_seed_has_one_past_and_another_seed_another() {
        let prices = |seed| (0..100).map(|step| path(seed).price_at(MINUTE + step * 999)).collect::<Vec<_>>();
        assert_eq!(prices(1), prices(1));
        assert_ne!(prices(1), prices(2));
    }

    #[test]
    fn trades_lie_in_their_minute_in_order_and_on_the_grid() {
        let path = path(3);
        for minute in MINUTE..MINUTE + 2_000 {
            let trades: Vec<Trade> = path.trades(minute).collect();
            assert!((1..=4).contains(&trades.len()), "the first market trades every minute");
            assert!(trades.iter().all(|trade| trade.at.as_second().div_euclid(60) == minute));
            assert!(trades.is_sorted_by(|one, next| one.at < next.at));
            assert!(trades.iter().all(|trade| is_on_tick("KRW-BTC", trade.price)));
        }
    }

    #[test]
    fn a_minute_moves_by_little_and_a_year_by_much() {
        let path = path(4);
        let price = |minute: i64| path.price_at(minute).units();
        let steps = (0..100_000).map(|step| (price(MINUTE + step + 1) - price(MINUTE + step)).abs());
        let steepest = steps.max().unwrap() * 1_000 / price(MINUTE);
        assert!(steepest < 10, "{steepest} permille in a minute");
        let year = (0..365).map(|day| price(MINUTE - day * 1_440));
        let (low, high) = (year.clone().min().unwrap(), year.max().unwrap());
        assert!(high * 10 > low * 11, "from {low} to {high}");
    }

    #[test]
    fn a_shifted_past_ends_at_the_anchor() {
        let anchor = "150000000".parse().unwrap();
        assert_eq!(path(5).through_anchor_at(MINUTE).price_at(MINUTE), anchor);
    }

    #[test]
    fn a_market_low_in_the_list_has_quiet_minutes_and_a_later_listing() {
        let path = Path::new("KRW-ZIL", "15.4".parse().unwrap(), 11, 0);
        let quiet = (0..1_000).filter(|step| path.trades(MINUTE + step).next().is_none()).count();
        assert!((390..490).contains(&quiet), "{quiet} of 1000");
        assert!(path.listed() > FIRST_LISTING);
        assert_eq!((path.listed() - 5_000..path.listed()).filter_map(|at| path.trades(at).next()).count(), 0);
    }

    #[test]
    fn three_months_are_three_months() {
        let now = "2026-05-31T12:00:00Z".parse().unwrap();
        assert_eq!(three_months_before(now).to_string(), "2026-02-28T12:00:00Z");
    }
}
