//! [`Moment`]: a time as people write it, to the day or to the millisecond.

use std::str::FromStr;

use tickroom_storage::TimestampMs;
use tickroom_storage::candle::{Interval, Span};

/// A day, or a moment in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A whole day in UTC, by its beginning: `2020-01-31`.
    Day(TimestampMs),
    /// RFC 3339: `2020-01-31T12:00:00Z`.
    Exact(TimestampMs),
}

/// A text is no [`Moment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a day such as 2020-01-31, or a time such as 2020-01-31T12:00:00Z")]
pub struct MomentError;

impl Moment {
    /// Where a span that begins with it begins.
    pub fn begin(self) -> TimestampMs {
        match self {
            Self::Day(at) | Self::Exact(at) => at,
        }
    }

    /// Where a span up to it ends: a day is part of it, a moment is not.
    pub fn end(self) -> TimestampMs {
        match self {
            Self::Day(at) => Interval::Day.window(at).until,
            Self::Exact(at) => at,
        }
    }

    /// The span from one to the other, or what is wrong with it.
    ///
    /// # Errors
    ///
    /// When it ends before it begins.
    pub fn span(from: TimestampMs, until: TimestampMs) -> Result<Span, String> {
        let span = Span::new(from, until);
        if span.is_empty() { Err(format!("expected a time after {from}, got {until}")) } else { Ok(span) }
    }
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        // jiff takes more spellings of a day than ISO 8601 has.
        let is_day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        match is_day {
            true => format!("{text}T00:00:00Z").parse().map(Self::Day),
            false => text.parse().map(Self::Exact),
        }
        .map_err(|_| MomentError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_part_of_what_ends_with_it() {
        let day: Moment = "2024-02-29".parse().unwrap();
        assert_eq!(day.begin().to_string(), "2024-02-29T00:00:00.000Z");
        assert_eq!(day.end().to_string(), "2024-03-01T00:00:00.000Z");
        let noon: Moment = "2024-02-29T21:00:00+09:00".parse().unwrap();
        assert_eq!(
            (noon.begin(), noon.end().to_string()),
            (noon.end(), "2024-02-29T12:00:00.000Z".to_owned())
        );
        assert!(Moment::span(noon.end(), day.begin()).is_err());
    }

    #[test]
    fn other_spellings_are_refused() {
        for bad in [
            "",
            "today",
            "2024-02-30",
            "2024-2-9",
            "20240229",
            "29.02.2024",
            "2024-02-29T12:00",
            "1700000000",
        ] {
            assert_eq!(bad.parse::<Moment>(), Err(MomentError), "{bad:?}");
        }
    }
}
