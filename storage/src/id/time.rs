//! Time as the whole system keeps it: milliseconds since 1970, UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment, in milliseconds since 1970-01-01 UTC. Text and JSON are RFC 3339 in UTC with milliseconds,
/// `2024-05-01T09:30:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimestampMs(i64);

impl TimestampMs {
    /// The moment so many milliseconds after 1970-01-01 UTC.
    pub const fn new(millis: i64) -> Self {
        Self(millis)
    }

    /// What the system clock says.
    pub fn now() -> Self {
        Self(Timestamp::now().as_millisecond())
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The same as [`get`](Self::get), for places that should show the unit.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment so much later, or earlier when negative.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The moment so long before.
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// How long after `earlier` this is; negative if it is before it.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for TimestampMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Moments beyond the year 9999 have no RFC 3339 text; the nearest that has one stands for them.
        let nearest = if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let moment = Timestamp::from_millisecond(self.0).unwrap_or(nearest);
        write!(f, "{moment:.3}")
    }
}

/// A text is no RFC 3339 time.
#[derive(Debug, thiserror::Error)]
#[error("expected a time like 2024-05-01T09:30:00.000Z: {0}")]
pub struct TimestampMsError(#[source] jiff::Error);

impl FromStr for TimestampMs {
    type Err = TimestampMsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment: Timestamp = text.parse().map_err(TimestampMsError)?;
        Ok(Self(moment.as_millisecond()))
    }
}

impl Serialize for TimestampMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimestampMs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_rfc_3339_with_milliseconds() {
        let moment = TimestampMs::new(1_714_555_800_000);
        assert_eq!(moment.to_string(), "2024-05-01T09:30:00.000Z");
        assert_eq!("2024-05-01T18:30:00+09:00".parse::<TimestampMs>().unwrap(), moment);
        assert!("yesterday".parse::<TimestampMs>().is_err());
    }

    #[test]
    fn moments_without_a_text_show_the_nearest_that_has_one() {
        assert!(TimestampMs::new(i64::MAX).to_string().starts_with("9999-12-30T"));
        assert!(TimestampMs::new(i64::MIN).to_string().starts_with("-009999-01-02T"));
    }

    proptest! {
        #[test]
        fn json_keeps_every_millisecond(millis in -62_135_596_800_000_i64..253_402_207_200_000) {
            let moment = TimestampMs::new(millis);
            let json = serde_json::to_string(&moment).unwrap();
            prop_assert_eq!(serde_json::from_str::<TimestampMs>(&json).unwrap(), moment);
        }
    }
}
