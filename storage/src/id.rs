//! The words that signatures are made of: ids, offsets, names and times, each its own type.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

mod generator;
mod text;
mod time;

pub use generator::IdGenerator;
pub use text::{ClientMessageId, ClientMessageIdError, MarketCode, RoomName, SymbolError};
pub use time::{TimestampMs, TimestampMsError};

pub(crate) use text::text_type;

/// Defines the ids that an [`IdGenerator`] makes.
///
/// In JSON they are strings: they exceed 2^53, and JavaScript would round a number.
macro_rules! number_ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The id with this number.
            pub const fn new(id: i64) -> Self {
                Self(id)
            }

            /// The number, as databases keep it.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl From<i64> for $name {
            fn from(id: i64) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )+};
}

number_ids! {
    /// Somebody's request for old candles.
    BackfillId;
    /// A person with an account.
    UserId;
    /// One chat message, in whichever room.
    MessageId;
    /// One login on one device: the family of all refresh tokens that descend from it.
    FamilyId;
    /// That one person follows another.
    FollowId;
    /// One post.
    PostId;
    /// One comment, or a reply to one.
    CommentId;
    /// One thing that somebody did.
    EventId;
    /// One thing that somebody is told of.
    NotificationId;
    /// One thing that was done to keep order in a room.
    ModerationId;
}

/// The place of a message in its room. The first message of a room has offset 1, each next one 1 more, so that
/// [`Offset::ZERO`] means "before everything".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(u64);

impl Offset {
    /// Before the first message.
    pub const ZERO: Self = Self(0);

    /// The offset with this number.
    pub const fn new(offset: u64) -> Self {
        Self(offset)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The offset that follows.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// As databases keep it. No room reaches 2^63; a client may still ask for a page there, and gets the end.
    pub(crate) fn to_bigint(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

impl From<u64> for Offset {
    fn from(offset: u64) -> Self {
        Self(offset)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_survive_text_and_json(number: i64) {
            let id = MessageId::new(number);
            prop_assert_eq!(id.to_string().parse::<MessageId>().unwrap(), id);
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(&json, &format!("\"{number}\""));
            prop_assert_eq!(serde_json::from_str::<MessageId>(&json).unwrap(), id);
        }
    }

    #[test]
    fn an_id_is_never_read_from_a_json_number() {
        assert!(serde_json::from_str::<UserId>("7213").is_err());
    }

    #[test]
    fn an_offset_is_a_json_number_that_rises_by_one() {
        assert_eq!(serde_json::to_string(&Offset::ZERO.next().next()).unwrap(), "2");
        assert_eq!(serde_json::from_str::<Offset>("7").unwrap(), Offset::new(7));
    }
}
