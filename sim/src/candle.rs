//! Candles: what the trades of a window add up to, and where windows begin. Pure.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::decimal::{Price, Turnover, Volume};
use crate::market::Trade;

pub(crate) const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// The units that candles of minutes come in.
pub(crate) const MINUTE_UNITS: [i64; 8] = [1, 3, 5, 10, 15, 30, 60, 240];

/// The length of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Interval {
    Second,
    /// One of [`MINUTE_UNITS`].
    Minutes(i64),
    Day,
    /// From Monday.
    Week,
    Month,
    Year,
}

impl Interval {
    /// The start of the window that an epoch second lies in, as an epoch second. All windows are aligned in UTC.
    pub(crate) fn start_of(self, second: i64) -> i64 {
        let aligned = |length: i64| second.div_euclid(length) * length;
        match self {
            Self::Second => second,
            Self::Minutes(unit) => aligned(unit * 60),
            Self::Day => aligned(SECONDS_PER_DAY),
            Self::Week => {
                let day = second.div_euclid(SECONDS_PER_DAY);
                // The epoch began on a Thursday.
                (day - (day + 3).rem_euclid(7)) * SECONDS_PER_DAY
            }
            Self::Month => second_of(date_of(second).first_of_month()),
            Self::Year => second_of(date_of(second).first_of_year()),
        }
    }

    /// Where the window that starts at `start` ends, which is where the next one starts.
    pub(crate) fn end_of(self, start: i64) -> i64 {
        match self {
            Self::Second => start + 1,
            Self::Minutes(unit) => start + unit * 60,
            Self::Day => start + SECONDS_PER_DAY,
            Self::Week => start + 7 * SECONDS_PER_DAY,
            Self::Month => self.start_of(start + 31 * SECONDS_PER_DAY),
            Self::Year => self.start_of(start + 366 * SECONDS_PER_DAY),
        }
    }
}

fn date_of(second: i64) -> Date {
    let at = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    Offset::UTC.to_datetime(at).date()
}

fn second_of(date: Date) -> i64 {
    Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or(Timestamp::UNIX_EPOCH).as_second()
}

/// The trades of a window, of which there is at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candle {
    pub(crate) opening: Price,
    pub(crate) high: Price,
    pub(crate) low: Price,
    pub(crate) last: Price,
    pub(crate) volume: Volume,
    pub(crate) turnover: Turnover,
    /// When the last trade was.
    pub(crate) traded_at: Timestamp,
}

impl From<&Trade> for Candle {
    fn from(trade: &Trade) -> Self {
        Self {
            opening: trade.price,
            high: trade.price,
            low: trade.price,
            last: trade.price,
            volume: trade.volume,
            turnover: trade.price * trade.volume,
            traded_at: trade.at,
        }
    }
}

impl Candle {
    /// Adds what came after this.
    pub(crate) fn append(&mut self, later: &Self) {
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.last = later.last;
        self.volume += later.volume;
        self.turnover += later.turnover;
        self.traded_at = later.traded_at;
    }
}

/// All `parts` in one, oldest first; nothing if there are none.
pub(crate) fn join(parts: impl IntoIterator<Item = Candle>) -> Option<Candle> {
    parts.into_iter().reduce(|mut sum, later| {
        sum.append(&later);
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn windows_begin_where_the_exchange_lets_them_begin() {
        // A Wednesday.
        let at = second("2026-03-11T14:43:59Z");
        let cases = [
            (Interval::Second, "2026-03-11T14:43:59Z", "2026-03-11T14:44:00Z"),
            (Interval::Minutes(1), "2026-03-11T14:43:00Z", "2026-03-11T14:44:00Z"),
            (Interval::Minutes(3), "2026-03-11T14:42:00Z", "2026-03-11T14:45:00Z"),
            (Interval::Minutes(240), "2026-03-11T12:00:00Z", "2026-03-11T16:00:00Z"),
            (Interval::Day, "2026-03-11T00:00:00Z", "2026-03-12T00:00:00Z"),
            (Interval::Week, "2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z"),
            (Interval::Month, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            (Interval::Year, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ];
        for (interval, start, end) in cases {
            assert_eq!(interval.start_of(at), second(start), "{interval:?}");
            assert_eq!(interval.start_of(second(start)), second(start), "{interval:?}");
            assert_eq!(interval.end_of(second(start)), second(end), "{interval:?}");
        }
    }

    #[test]
    fn months_and_years_end_where_the_next_begins_whatever_their_length() {
        for (interval, start, end) in [
            (Interval::Month, "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            (Interval::Month, "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            (Interval::Year, "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
            (Interval::Year, "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(interval.end_of(second(start)), second(end));
        }
    }
}
