//! All candles of a market: those of its path up to the moment at which the exchange opened, and those of the trades
//! since.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::candle::{Candle, Interval, SECONDS_PER_DAY, join};
use crate::market::Trade;
use crate::path::{Path, three_months_before};

/// Trades are kept second by second for an hour, and minute by minute for a week. Beyond the hour the seconds of a
/// minute are told as one, that of its last trade; beyond the week the exchange remembers the market's path. A week
/// of a market that trades every minute takes 1.5 MB.
const SECONDS_KEPT: i64 = 3_600;
const MINUTES_KEPT: i64 = 7 * SECONDS_PER_DAY;

/// Days of the path that were added up before. At the limit all are forgotten; ten years are 3,653.
const DAYS_KEPT: usize = 4_000;

/// Trades kept one by one. Those between them and the past are not told any more.
const TRADES_KEPT: usize = 2_000;

/// The past of a market before the exchange opened.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) path: Path,
    /// Days by their first second: the long windows are made of them.
    days: Mutex<HashMap<i64, Option<Candle>>>,
}

impl Past {
    fn new(path: Path) -> Self {
        Self { path, days: Mutex::default() }
    }

    /// What was traded from one epoch second up to, not including, another.
    fn span(&self, from: i64, to: i64) -> Option<Candle> {
        let mut at = from.max(self.path.listed() * 60);
        join(
            std::iter::from_fn(|| {
                (at < to).then(|| {
                    let start = at;
                    if start % SECONDS_PER_DAY == 0 && start + SECONDS_PER_DAY <= to {
                        at = start + SECONDS_PER_DAY;
                        self.day(start)
                    } else {
                        at = Interval::Minutes(1).end_of(Interval::Minutes(1).start_of(start)).min(to);
                        self.within_minute(start, at)
                    }
                })
            })
            .flatten(),
        )
    }

    fn day(&self, start: i64) -> Option<Candle> {
        if let Some(known) = self.days.lock().get(&start) {
            return *known;
        }
        let minutes = (start / 60)..(start + SECONDS_PER_DAY) / 60;
        let day = join(minutes.flat_map(|minute| self.path.trades(minute)).map(|trade| (&trade).into()));
        let mut days = self.days.lock();
        if days.len() >= DAYS_KEPT {
            days.clear();
        }
        days.insert(start, day);
        day
    }

    fn within_minute(&self, from: i64, to: i64) -> Option<Candle> {
        let trades = self.path.trades(from.div_euclid(60));
        let is_inside = |trade: &Trade| (from..to).contains(&trade.at.as_second());
        join(trades.filter(is_inside).map(|trade| (&trade).into()))
    }
}

/// What was traded in a piece of time, under the epoch second of its first trade (of its last, for whole minutes).
type Piece = (i64, Candle);

/// The candles of one market.
#[derive(Debug)]
pub(crate) struct History {
    past: Arc<Past>,
    /// The epoch second up to which the past counts; from there on it is the trades that were recorded.
    past_until: i64,
    minutes: VecDeque<Piece>,
    seconds: VecDeque<Piece>,
    /// The newest trades one by one, oldest first.
    trades: VecDeque<Trade>,
}

/// What is needed to tell candles without the floor.
#[derive(Debug)]
pub(crate) struct Page {
    past: Arc<Past>,
    past_until: i64,
    interval: Interval,
    /// Windows before this epoch second.
    before: i64,
    /// No window before this epoch second.
    not_before: i64,
    /// What was recorded, by the start of the window.
    recorded: BTreeMap<i64, Candle>,
}

impl History {
    /// The history of a market that opens at `now` and did what `path` says until then.
    pub(crate) fn new(path: Path, now: Timestamp) -> Self {
        Self {
            past: Arc::new(Past::new(path)),
            past_until: now.as_second(),
            minutes: VecDeque::new(),
            seconds: VecDeque::new(),
            trades: VecDeque::new(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.past.path
    }

    /// The trades of the past from an epoch second on, oldest first.
    pub(crate) fn past_trades(&self, from: i64) -> impl DoubleEndedIterator<Item = Trade> {
        let until = self.past_until;
        let minutes = from.div_euclid(60)..until.div_euclid(60) + 1;
        minutes
            .flat_map(|minute| self.path().trades(minute).collect::<Vec<_>>())
            .filter(move |trade| (from..until).contains(&trade.at.as_second()))
    }

    /// The newest `count` trades of the day that begins at the epoch second `day`, those with an id below `cursor` and
    /// before the epoch second `before`, newest first.
    pub(crate) fn trades_of_day(&self, day: i64, before: i64, cursor: i64, count: usize) -> Vec<Trade> {
        let end = before.min(Interval::Day.end_of(day));
        let is_wanted = |trade: &Trade| (day..end).contains(&trade.at.as_second()) && trade.id < cursor;
        let past_end = end.min(self.past_until);
        let minutes = (day.div_euclid(60)..(past_end + 59).div_euclid(60)).rev();
        let past = minutes
            .flat_map(|minute| self.path().trades(minute).collect::<Vec<_>>().into_iter().rev())
            .filter(|trade| trade.at.as_second() < past_end);
        self.trades.iter().rev().cloned().chain(past).filter(is_wanted).take(count).collect()
    }

    /// Adds a trade, which is not older than the one before.
    pub(crate) fn record(&mut self, trade: &Trade) {
        if self.trades.len() == TRADES_KEPT {
            self.trades.pop_front();
        }
        self.trades.push_back(trade.clone());
        let second = trade.at.as_second();
        match self.seconds.back_mut() {
            Some((last, candle)) if *last == second => candle.append(&trade.into()),
            _ => {
                self.seconds.push_back((second, trade.into()));
                self.compact(second);
            }
        }
    }

    fn compact(&mut self, now: i64) {
        let minute = |second: i64| Interval::Minutes(1).start_of(second);
        let seconds_from = minute(now - SECONDS_KEPT);
        while let Some((second, candle)) = self.seconds.pop_front_if(|(second, _)| *second < seconds_from) {
            match self.minutes.back_mut() {
                Some((last, sum)) if minute(*last) == minute(second) => {
                    sum.append(&candle);
                    *last = second;
                }
                _ => self.minutes.push_back((second, candle)),
            }
        }
        let minutes_from = minute(now - MINUTES_KEPT);
        while self.minutes.pop_front_if(|(second, _)| *second < minutes_from).is_some() {
            self.past_until = minutes_from;
        }
    }

    /// The window that starts at `start`, as far as it has been traded.
    pub(crate) fn window(&self, interval: Interval, start: i64) -> Option<Candle> {
        let end = interval.end_of(start);
        let recorded = self.recorded(start).take_while(|(second, _)| *second < end).map(|(_, candle)| candle);
        join(self.past.span(start, end.min(self.past_until)).into_iter().chain(recorded))
    }

    /// The newest `count` windows that begin before the epoch second `before`.
    pub(crate) fn page(&self, interval: Interval, before: i64, count: usize, now: Timestamp) -> Page {
        let before = before.min(now.as_second() + 1);
        let mut recorded = BTreeMap::<i64, Candle>::new();
        for (second, candle) in self.pieces_newest_first() {
            let start = interval.start_of(second);
            if start >= before {
                continue;
            }
            if let Some(sum) = recorded.get_mut(&start) {
                let later = std::mem::replace(sum, candle);
                sum.append(&later);
            } else if recorded.len() < count {
                recorded.insert(start, candle);
            } else {
                break;
            }
        }
        let not_before = match interval {
            Interval::Second => three_months_before(now).as_second(),
            _ => i64::MIN,
        };
        let (past, past_until) = (Arc::clone(&self.past), self.past_until);
        Page { past, past_until, interval, before, not_before, recorded }
    }

    fn recorded(&self, from: i64) -> impl Iterator<Item = Piece> {
        let tail = |pieces: &VecDeque<Piece>| pieces.partition_point(|(second, _)| *second < from);
        self.minutes.range(tail(&self.minutes)..).chain(self.seconds.range(tail(&self.seconds)..)).copied()
    }

    fn pieces_newest_first(&self) -> impl Iterator<Item = Piece> {
        self.seconds.iter().rev().chain(self.minutes.iter().rev()).copied()
    }
}

impl Page {
    /// The windows with trades and their starts, newest first, at most `count`. Windows without a trade do not exist.
    pub(crate) fn rows(mut self, count: usize) -> Vec<(i64, Candle)> {
        let first = self.not_before.max(self.interval.start_of(self.past.path.listed() * 60));
        let mut rows = Vec::with_capacity(count);
        let mut next = self.interval.start_of(self.before - 1);
        while rows.len() < count && next >= first {
            let end = self.interval.end_of(next).min(self.past_until);
            let parts = self.past.span(next, end).into_iter().chain(self.recorded.remove(&next));
            rows.extend(join(parts).map(|candle| (next, candle)));
            next = self.interval.start_of(next - 1);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candle::MINUTE_UNITS;
    use crate::decimal::Volume;
    use crate::market::Side;

    /// A Wednesday, not at the start of anything.
    fn opened() -> Timestamp {
        "2026-03-11T14:40:59.132Z".parse().unwrap()
    }

    fn history() -> History {
        History::new(Path::new("KRW-ETH", "5000000".parse().unwrap(), 2, 9), opened())
    }

    fn trade(second: i64, price: &str) -> Trade {
        let at = Timestamp::from_second(opened().as_second() + second).unwrap();
        Trade { id: 0, price: price.parse().unwrap(), volume: Volume::from_units(7), side: Side::Bid, at }
    }

    /// All windows of `interval` in the span, joined.
    fn joined(history: &History, interval: Interval, from: i64, to: i64) -> Option<Candle> {
        let windows = std::iter::successors(Some(from), |start| Some(interval.end_of(*start)));
        join(windows.take_while(|start| *start < to).filter_map(|start| history.window(interval, start)))
    }

    fn now(second: i64) -> Timestamp {
        Timestamp::from_second(opened().as_second() + second).unwrap()
    }

    #[test]
    fn short_windows_add_up_to_long_ones_to_the_last_digit() {
        let mut history = history();
        for second in 0..900 {
            history.record(&trade(
                second,
                ["5001000", "5003000", "4999000"][usize::try_from(second % 3).unwrap()],
            ));
        }
        let at = opened().as_second();
        for long in [Interval::Minutes(60), Interval::Minutes(240), Interval::Day, Interval::Week] {
            let start = long.start_of(at);
            let whole = history.window(long, start);
            for short in [Interval::Second, Interval::Minutes(1), Interval::Minutes(5)] {
                let end = long.end_of(start).min(at + 1_000);
                assert_eq!(joined(&history, short, start, end), whole, "{short:?} in {long:?}");
            }
        }
        let month = Interval::Month.start_of(at);
        let days = joined(&history, Interval::Day, month, Interval::Month.end_of(month));
        assert_eq!(days, history.window(Interval::Month, month));
    }

    #[test]
    fn candles_keep_their_invariants() {
        let history = history();
        for interval in MINUTE_UNITS.map(Interval::Minutes) {
            let rows = history.page(interval, i64::MAX, 200, now(1)).rows(200);
            assert_eq!(rows.len(), 200);
            assert!(rows.is_sorted_by(|(newer, _), (older, _)| newer > older));
            for (start, candle) in rows {
                assert_eq!(start, interval.start_of(start));
                assert!(candle.low <= candle.opening.min(candle.last));
                assert!(candle.high >= candle.opening.max(candle.last));
                let at = candle.traded_at.as_second();
                assert!((start..interval.end_of(start)).contains(&at));
                let worth = |price| price * candle.volume;
                assert!(worth(candle.low) <= candle.turnover && candle.turnover <= worth(candle.high));
            }
        }
    }

    #[test]
    fn a_page_ends_before_its_end_and_goes_on_where_the_last_one_stopped() {
        let history = history();
        let page = |before, count| history.page(Interval::Minutes(1), before, count, now(1)).rows(count);
        let whole = page(i64::MAX, 90);
        let (mut before, mut pages) = (i64::MAX, Vec::new());
        while pages.len() < 90 {
            pages.extend(page(before, 30));
            before = pages.last().unwrap().0;
        }
        assert_eq!(pages, whole);
        assert_eq!(page(whole[10].0, 1), [whole[11]], "the end is not in it");
    }

    #[test]
    fn before_the_listing_there_is_nothing() {
        let history = history();
        let listed = history.path().listed() * 60;
        let all = history.page(Interval::Year, i64::MAX, 200, now(1)).rows(200);
        assert_eq!(all.last().unwrap().0, Interval::Year.start_of(listed));
        assert_eq!(all.len(), 10, "2017 to 2026");
        assert_eq!(history.page(Interval::Day, listed - SECONDS_PER_DAY, 200, now(1)).rows(200), []);
    }

    #[test]
    fn seconds_reach_back_three_months() {
        let page = |before: &str| {
            let before = before.parse::<Timestamp>().unwrap().as_second();
            history().page(Interval::Second, before, 200, now(1)).rows(200).len()
        };
        assert_eq!(page("2025-12-13T00:00:00Z"), 200);
        assert_eq!(page("2025-12-11T00:00:00Z"), 0);
    }

    #[test]
    fn old_seconds_become_minutes_and_old_minutes_become_the_path() {
        let mut history = history();
        for minute in 0..24 * 60 * 8 {
            history.record(&trade(minute * 60 + 1, "5000000"));
            history.record(&trade(minute * 60 + 2, "5001000"));
        }
        assert!(history.seconds.len() <= 2 * 62 && history.minutes.len() <= 7 * 24 * 60);
        let at = opened().as_second();
        let recent =
            history.window(Interval::Minutes(1), Interval::Minutes(1).start_of(at + 86_400 * 7)).unwrap();
        assert_eq!((recent.opening, recent.volume.units()), (recent.low, 14));
        let joined_day = joined(
            &history,
            Interval::Minutes(1),
            Interval::Day.start_of(at + 86_400),
            Interval::Day.start_of(at + 2 * 86_400),
        );
        assert_eq!(joined_day, history.window(Interval::Day, Interval::Day.start_of(at + 86_400)));
    }
}
