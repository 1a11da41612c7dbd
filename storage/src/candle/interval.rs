//! [`Interval`]: how long a candle is, and when its window begins. The arithmetic is pure, and in UTC as the exchange's:
//! the day turns at 00:00 UTC (09:00 in Seoul), a week begins on Monday, months and years are the calendar's.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Span;
use crate::TimestampMs;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
/// 1970-01-05, the first Monday after the beginning of time.
const MONDAY_MS: i64 = 4 * DAY_MS;

/// The length of a candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// One minute.
    Minute1,
    /// Three minutes.
    Minute3,
    /// Five minutes.
    Minute5,
    /// Ten minutes.
    Minute10,
    /// A quarter of an hour.
    Minute15,
    /// Half an hour.
    Minute30,
    /// An hour.
    Minute60,
    /// Four hours.
    Minute240,
    /// From 00:00 UTC.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
    /// From 1 January.
    Year,
}

/// A text names no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of 1m, 3m, 5m, 10m, 15m, 30m, 60m, 240m, 1d, 1w, 1M, 1y")]
pub struct IntervalError;

impl Interval {
    /// All of them, the shortest first.
    pub const ALL: [Self; 12] = [
        Self::Minute1,
        Self::Minute3,
        Self::Minute5,
        Self::Minute10,
        Self::Minute15,
        Self::Minute30,
        Self::Minute60,
        Self::Minute240,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Year,
    ];

    /// As the API, the command line and databases have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute1 => "1m",
            Self::Minute3 => "3m",
            Self::Minute5 => "5m",
            Self::Minute10 => "10m",
            Self::Minute15 => "15m",
            Self::Minute30 => "30m",
            Self::Minute60 => "60m",
            Self::Minute240 => "240m",
            Self::Day => "1d",
            Self::Week => "1w",
            Self::Month => "1M",
            Self::Year => "1y",
        }
    }

    /// Its length in minutes, if it is shorter than a day.
    pub const fn minutes(self) -> Option<u16> {
        match self {
            Self::Minute1 => Some(1),
            Self::Minute3 => Some(3),
            Self::Minute5 => Some(5),
            Self::Minute10 => Some(10),
            Self::Minute15 => Some(15),
            Self::Minute30 => Some(30),
            Self::Minute60 => Some(60),
            Self::Minute240 => Some(240),
            Self::Day | Self::Week | Self::Month | Self::Year => None,
        }
    }

    /// The window that a moment lies in.
    pub fn window(self, at: TimestampMs) -> Span {
        let from = self.start(at);
        Span::new(from, self.next(from))
    }

    /// The first window that begins at this moment or later.
    pub fn ceil(self, at: TimestampMs) -> TimestampMs {
        let from = self.start(at);
        if from == at { from } else { self.next(from) }
    }

    /// The beginning of the window that is so many before the one that begins at `start`.
    pub fn back(self, start: TimestampMs, windows: u16) -> TimestampMs {
        let windows = i64::from(windows);
        match self.fixed_ms() {
            Some(length) => start.plus_millis(-length.saturating_mul(windows)),
            None => self.shifted(start, -windows),
        }
    }

    /// How many windows begin in a span.
    pub fn count(self, span: Span) -> u64 {
        let (from, until) = (self.ceil(span.from), self.ceil(span.until));
        let count = match self {
            Self::Month => month_number(until) - month_number(from),
            Self::Year => i64::from(day_of(until).year()) - i64::from(day_of(from).year()),
            fixed => until.millis_since(from) / fixed.fixed_ms().unwrap_or(MINUTE_MS),
        };
        u64::try_from(count).unwrap_or(0)
    }

    /// The beginning of the window after the one that begins at `start`.
    fn next(self, start: TimestampMs) -> TimestampMs {
        match self.fixed_ms() {
            Some(length) => start.plus_millis(length),
            None => self.shifted(start, 1),
        }
    }

    fn start(self, at: TimestampMs) -> TimestampMs {
        let floor = |length: i64, phase: i64| {
            let since = at.as_millis().saturating_sub(phase).rem_euclid(length);
            TimestampMs::new(at.as_millis().saturating_sub(since))
        };
        match (self, self.fixed_ms()) {
            (Self::Week, _) => floor(WEEK_MS, MONDAY_MS),
            (_, Some(length)) => floor(length, 0),
            (Self::Year, None) => at_midnight(day_of(at).first_of_year()),
            (_, None) => at_midnight(day_of(at).first_of_month()),
        }
    }

    const fn fixed_ms(self) -> Option<i64> {
        match self {
            Self::Minute1 => Some(MINUTE_MS),
            Self::Minute3 => Some(3 * MINUTE_MS),
            Self::Minute5 => Some(5 * MINUTE_MS),
            Self::Minute10 => Some(10 * MINUTE_MS),
            Self::Minute15 => Some(15 * MINUTE_MS),
            Self::Minute30 => Some(30 * MINUTE_MS),
            Self::Minute60 => Some(60 * MINUTE_MS),
            Self::Minute240 => Some(240 * MINUTE_MS),
            Self::Day => Some(DAY_MS),
            Self::Week => Some(WEEK_MS),
            Self::Month | Self::Year => None,
        }
    }

    /// So many months or years later; the end of the calendar is as far as it goes.
    fn shifted(self, start: TimestampMs, windows: i64) -> TimestampMs {
        // jiff takes no step that is longer than its calendar.
        let windows = windows.clamp(-19_000, 19_000);
        let step = if self == Self::Year { windows.years() } else { windows.months() };
        at_midnight(day_of(start).saturating_add(step))
    }
}

fn month_number(at: TimestampMs) -> i64 {
    let day = day_of(at);
    i64::from(day.year()) * 12 + i64::from(day.month())
}

/// Moments that no calendar has belong to the nearest year that it has all of.
fn day_of(at: TimestampMs) -> Date {
    let (first, last) = (date(-9998, 1, 1), date(9998, 12, 31));
    let day =
        Timestamp::from_millisecond(at.as_millis()).map(|moment| TimeZone::UTC.to_datetime(moment).date());
    day.unwrap_or(if at.as_millis() < 0 { first } else { last }).clamp(first, last)
}

fn at_midnight(day: Date) -> TimestampMs {
    let moment = TimeZone::UTC.to_timestamp(DateTime::from(day));
    TimestampMs::new(moment.unwrap_or(Timestamp::MAX).as_millisecond())
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Self, IntervalError> {
        Self::ALL.into_iter().find(|interval| interval.as_str() == text).ok_or(IntervalError)
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> TimestampMs {
        text.parse().unwrap()
    }

    fn window(interval: Interval, text: &str) -> [String; 2] {
        let Span { from, until } = interval.window(at(text));
        [from, until].map(|moment| moment.to_string().replace(":00.000Z", ""))
    }

    #[test]
    fn windows_are_those_of_the_exchange() {
        for (interval, moment, from, until) in [
            (Interval::Minute1, "2026-03-11T14:40:59.132Z", "2026-03-11T14:40", "2026-03-11T14:41"),
            (Interval::Minute240, "2026-03-11T23:59:59Z", "2026-03-11T20:00", "2026-03-12T00:00"),
            (Interval::Day, "2025-07-29T23:59:59.704Z", "2025-07-29T00:00", "2025-07-30T00:00"),
            (Interval::Week, "2026-03-15T23:59:59Z", "2026-03-09T00:00", "2026-03-16T00:00"),
            (Interval::Week, "2026-03-16T00:00:00Z", "2026-03-16T00:00", "2026-03-23T00:00"),
            (Interval::Month, "2024-02-29T12:00:00Z", "2024-02-01T00:00", "2024-03-01T00:00"),
            (Interval::Month, "2025-12-31T23:59:59Z", "2025-12-01T00:00", "2026-01-01T00:00"),
            (Interval::Year, "2024-12-31T23:59:59Z", "2024-01-01T00:00", "2025-01-01T00:00"),
        ] {
            assert_eq!(window(interval, moment), [from, until], "{interval} {moment}");
        }
    }

    #[test]
    fn calendar_windows_are_counted_and_walked_by_the_calendar() {
        let span = Span::new(at("2020-01-01T00:00:00Z"), at("2025-03-02T00:00:00Z"));
        assert_eq!(Interval::Month.count(span), 63);
        assert_eq!(Interval::Year.count(span), 6);
        assert_eq!(Interval::Day.count(span), 1887);
        assert_eq!(Interval::Month.back(at("2025-03-01T00:00:00Z"), 13), at("2024-02-01T00:00:00Z"));
        assert_eq!(Interval::Year.back(at("2025-01-01T00:00:00Z"), 5), at("2020-01-01T00:00:00Z"));
    }

    #[test]
    fn the_ends_of_time_have_windows_too() {
        for interval in Interval::ALL {
            for moment in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
                let moment = TimestampMs::new(moment);
                let window = interval.window(moment);
                assert!(window.from <= window.until, "{interval} {moment:?}");
                let _ = (interval.ceil(moment), interval.back(moment, u16::MAX), interval.count(window));
            }
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for interval in Interval::ALL {
            assert_eq!(interval.to_string().parse(), Ok(interval));
        }
        for bad in ["", "1", "1h", "1D", "2m", "1mo", "minutes/1"] {
            assert_eq!(bad.parse::<Interval>(), Err(IntervalError));
        }
    }

    fn intervals() -> impl Strategy<Value = Interval> {
        prop::sample::select(Interval::ALL.to_vec())
    }

    proptest! {
        /// Windows tile time: each moment lies in exactly one, and the next begins where it ends.
        #[test]
        fn windows_tile_time(interval in intervals(), millis in -4_000_000_000_000_i64..8_000_000_000_000) {
            let moment = TimestampMs::new(millis);
            let window = interval.window(moment);
            prop_assert!(window.contains(moment));
            for inside in [window.from, window.until.plus_millis(-1)] {
                prop_assert_eq!(interval.window(inside), window);
            }
            prop_assert_eq!(interval.window(window.until).from, window.until);
            prop_assert_eq!(interval.back(window.until, 1), window.from);
            prop_assert_eq!(interval.ceil(window.from), window.from);
            prop_assert_eq!(interval.count(window), 1);
        }

        /// A shorter window never crosses the border of a longer one, but for weeks, which cross months.
        #[test]
        fn longer_windows_are_made_of_whole_shorter_ones(
            short in intervals(), long in intervals(), millis in 0_i64..4_000_000_000_000,
        ) {
            let divides = match (short.minutes(), long.minutes()) {
                (Some(short), Some(long)) => long % short == 0,
                _ => short < long && short != Interval::Week,
            };
            prop_assume!(short < long && divides);
            let (inner, outer) = (short.window(TimestampMs::new(millis)), long.window(TimestampMs::new(millis)));
            prop_assert!(outer.from <= inner.from && inner.until <= outer.until);
        }

        #[test]
        fn going_back_and_counting_agree(interval in intervals(), millis in 0_i64..4_000_000_000_000, n in 0_u16..400) {
            let start = interval.window(TimestampMs::new(millis)).from;
            prop_assert_eq!(interval.count(Span::new(interval.back(start, n), start)), u64::from(n));
        }
    }
}
