//! [`Minutes`]: the recent minutes of one market, of which all longer windows up to four hours are made. Pure.

use crate::limits::CANDLE_MINUTES_KEPT_MS;
use std::collections::BTreeMap;
use tickroom_storage::TimestampMs;
use tickroom_storage::candle::{Candle, Interval, Span};

/// The minutes since the beginning of the four hours before, with and without corrections.
#[derive(Debug, Default)]
pub(super) struct Minutes {
    minutes: BTreeMap<TimestampMs, Candle>,
    /// From this moment on no minute is missing.
    complete_from: Option<TimestampMs>,
}

/// From when on minutes are kept: the running window of four hours, and for a while the one before.
pub(super) fn kept_from(now: TimestampMs) -> TimestampMs {
    Interval::Minute240.window(now.plus_millis(-CANDLE_MINUTES_KEPT_MS)).from
}

impl Minutes {
    /// Takes a state of a minute from the stream. Says whether it is news: late duplicates and minutes that are long
    /// gone are not.
    pub(super) fn take(&mut self, candle: Candle, now: TimestampMs) -> bool {
        let kept_from = kept_from(now);
        self.minutes = self.minutes.split_off(&kept_from);
        let is_late = |known: &Candle| known.traded_at > candle.traded_at || *known == candle;
        if candle.start < kept_from || self.minutes.get(&candle.start).is_some_and(is_late) {
            return false;
        }
        self.minutes.insert(candle.start, candle);
        true
    }

    /// Replaces what lies in `span` by what the exchange says it was. Returns the minutes that are different now.
    pub(super) fn correct(&mut self, span: Span, candles: &[Candle]) -> Vec<TimestampMs> {
        let mut old = self.minutes.split_off(&span.from);
        let mut behind = old.split_off(&span.until.max(span.from));
        let mut changed = Vec::new();
        for candle in candles.iter().filter(|candle| span.contains(candle.start)) {
            if old.remove(&candle.start).as_ref() != Some(candle) {
                changed.push(candle.start);
            }
            self.minutes.insert(candle.start, candle.clone());
        }
        changed.extend(old.into_keys());
        self.minutes.append(&mut behind);
        changed
    }

    /// From this moment on no closed minute is missing.
    pub(super) fn complete_from(&mut self, from: TimestampMs) {
        self.complete_from = Some(from);
    }

    /// The window of this length that begins at `start`, if all of its minutes are known; no candle if nothing was
    /// traded in it.
    pub(super) fn window(&self, interval: Interval, start: TimestampMs) -> Option<Candle> {
        if interval == Interval::Minute1 {
            return self.minutes.get(&start).cloned();
        }
        self.complete_from.filter(|from| *from <= start)?;
        let until = interval.window(start).until;
        Candle::fold(start, self.minutes.range(start..until).map(|(_, minute)| minute))
    }

    /// All windows of this length that are known as a whole, oldest first.
    pub(super) fn windows(&self, interval: Interval) -> Vec<Candle> {
        let mut starts: Vec<_> = self.minutes.keys().map(|minute| interval.window(*minute).from).collect();
        starts.dedup();
        starts.into_iter().filter_map(|start| self.window(interval, start)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE_MS: i64 = 60_000;
    /// The beginning of a window of every length.
    const START: i64 = 1_714_521_600_000;

    fn at(minute: i64) -> TimestampMs {
        TimestampMs::new(START + minute * MINUTE_MS)
    }

    fn candle(minute: i64, price: u32, state: i64) -> Candle {
        let price = price.to_string().parse().unwrap();
        Candle {
            start: at(minute),
            opening_price: price,
            high_price: price,
            low_price: price,
            trade_price: price,
            volume: "0.00000001".parse().unwrap(),
            turnover: price,
            traded_at: at(minute).plus_millis(state),
        }
    }

    #[test]
    fn a_late_duplicate_changes_nothing() {
        let mut minutes = Minutes::default();
        assert!(minutes.take(candle(0, 5, 100), at(0)));
        assert!(minutes.take(candle(0, 6, 200), at(0)));
        assert!(!minutes.take(candle(0, 6, 200), at(1)), "twice");
        assert!(!minutes.take(candle(0, 5, 100), at(1)), "overtaken");
        assert!(!minutes.take(candle(-1_000, 5, 100), at(1)), "long gone");
        assert_eq!(minutes.window(Interval::Minute1, at(0)), Some(candle(0, 6, 200)));
    }

    #[test]
    fn longer_windows_need_all_of_their_minutes() {
        let mut minutes = Minutes::default();
        minutes.take(candle(4, 5, 0), at(4));
        assert_eq!(minutes.windows(Interval::Minute5), []);
        assert_eq!(minutes.windows(Interval::Minute1).len(), 1);
        minutes.correct(Span::new(at(0), at(4)), &[candle(1, 9, 0)]);
        minutes.complete_from(at(0));
        let five = minutes.window(Interval::Minute5, at(0)).unwrap();
        assert_eq!(
            (five.opening_price, five.low_price),
            (candle(1, 9, 0).low_price, candle(1, 5, 0).low_price)
        );
        assert_eq!(five.volume.to_string(), "0.00000002");
    }

    #[test]
    fn a_correction_names_what_it_changed_and_removes_what_the_exchange_does_not_have() {
        let mut minutes = Minutes::default();
        for minute in 0..4 {
            minutes.take(candle(minute, 5, 0), at(minute));
        }
        let changed = minutes.correct(Span::new(at(0), at(3)), &[candle(0, 5, 0), candle(2, 6, 0)]);
        assert_eq!(changed, [at(2), at(1)]);
        assert_eq!(minutes.windows(Interval::Minute1), [candle(0, 5, 0), candle(2, 6, 0), candle(3, 5, 0)]);
        assert_eq!(minutes.correct(Span::new(at(0), at(3)), &[candle(0, 5, 0), candle(2, 6, 0)]), []);
    }

    proptest! {
        /// However states come, what is kept is the latest of each minute, and sums are those of single minutes.
        #[test]
        fn the_latest_state_of_each_minute_counts(states in prop::collection::vec((0_i64..30, 0_i64..10), 1..80)) {
            let mut minutes = Minutes::default();
            let mut latest = BTreeMap::<i64, i64>::new();
            for (minute, state) in states {
                minutes.take(candle(minute, 7, state), at(29));
                let known = latest.entry(minute).or_insert(state);
                *known = state.max(*known);
            }
            minutes.complete_from(at(0));
            let hour = minutes.window(Interval::Minute30, at(0)).unwrap();
            prop_assert_eq!(hour.turnover.to_string(), (latest.len() * 7).to_string());
            let expected: Vec<_> = latest.iter().map(|(minute, state)| candle(*minute, 7, *state)).collect();
            prop_assert_eq!(minutes.windows(Interval::Minute1), expected);
        }
    }
}
