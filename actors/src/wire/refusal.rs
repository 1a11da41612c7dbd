//! Why a command was not carried out. The codes are an API, in one place, shared by all dialects.

use std::time::Duration;
use tickroom_storage::TimestampMs;

/// A refused command. The socket stays open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not JSON, not an object, or a known key of the wrong type.
    #[error("expected a JSON object such as {example}: {detail}")]
    Malformed {
        /// What a correct message of this dialect looks like.
        example: &'static str,
        /// What the parser met.
        detail: String,
    },
    /// A binary frame on a text protocol.
    #[error("expected a text frame, got a binary one")]
    Binary,
    /// `type` names nothing that a client may send.
    #[error("expected type \"MESSAGE\", got {0:?}")]
    UnknownType(String),
    /// Nothing but white space.
    #[error("content is missing or empty")]
    ContentEmpty,
    /// Too long.
    #[error("content has {length} characters, at most {limit} are allowed")]
    ContentTooLong {
        /// Characters that came.
        length: usize,
        /// Characters that are allowed.
        limit: usize,
    },
    /// A control character that is neither a tab nor a line break.
    #[error("content holds the control character {0:?}")]
    ContentControl(char),
    /// The client's message id cannot be used.
    #[error("id: {0}")]
    InvalidId(String),
    /// More messages than the socket's allowance.
    #[error("too many messages, try again in {} ms", retry_after.as_millis())]
    RateLimited {
        /// When the next message will be taken.
        retry_after: Duration,
    },
    /// The room, or the store behind it, has more work queued than it may hold.
    #[error("the room is overloaded, try again shortly")]
    Overloaded,
    /// Neither the message log nor the local spill file takes messages.
    #[error("messages cannot be stored at the moment, try again later")]
    StorageUnavailable,
    /// The message was taken but its fate is unknown; sending it again with the same id is safe.
    #[error("the message may not have been stored, send it again with the same id")]
    NotStored,
    /// The socket has not joined its room yet.
    #[error("the room is not ready yet, try again shortly")]
    NotJoined,
    /// The user may not be in this room.
    #[error("you are banned from this room")]
    Banned,
    /// The user may not speak in this room.
    #[error("you are muted in this room{}", until.map(|until| format!(" until {until}")).unwrap_or_default())]
    Muted {
        /// Until when; for good if `None`.
        until: Option<TimestampMs>,
    },
    /// Everybody in this room waits between two messages.
    #[error("this room is in slow mode, say the next thing in {} ms", retry_after.as_millis())]
    SlowMode {
        /// When the next message will be taken.
        retry_after: Duration,
    },
    /// The server is about to restart.
    #[error("the server is shutting down, reconnect and try again")]
    ShuttingDown,
    /// No such market.
    #[error("unknown market {0:?}, expected a code such as \"KRW-BTC\"")]
    UnknownMarket(String),
    /// More subscriptions than a socket may hold.
    #[error("at most {0} markets per socket")]
    TooManyMarkets(usize),
}

impl Refusal {
    /// The stable code that programs branch on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::Binary => "binary_not_supported",
            Self::UnknownType(_) => "unknown_type",
            Self::ContentEmpty => "content_empty",
            Self::ContentTooLong { .. } => "content_too_long",
            Self::ContentControl(_) => "content_control_character",
            Self::InvalidId(_) => "invalid_id",
            Self::RateLimited { .. } => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::StorageUnavailable => "storage_unavailable",
            Self::NotStored => "not_stored",
            Self::NotJoined => "not_joined",
            Self::Banned => "banned",
            Self::Muted { .. } => "muted",
            Self::SlowMode { .. } => "slow_mode",
            Self::ShuttingDown => "shutting_down",
            Self::UnknownMarket(_) => "unknown_market",
            Self::TooManyMarkets(_) => "too_many_markets",
        }
    }

    /// When to try again, where the server knows.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::SlowMode { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}
