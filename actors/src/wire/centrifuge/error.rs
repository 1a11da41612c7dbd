//! The error codes of the protocol. Clients branch on the number and on `temporary`.

use super::message::Error;
use crate::wire::Refusal;

impl Error {
    fn new(code: u32, message: &str) -> Self {
        Self { code, message: message.to_owned(), temporary: matches!(code, 100 | 111) }
    }

    /// 100: it went wrong here; trying again may help.
    pub fn internal() -> Self {
        Self::new(100, "internal server error")
    }

    /// 102: there is no such channel.
    pub fn unknown_channel() -> Self {
        Self::new(102, "unknown channel")
    }

    /// 103: not for this client.
    pub fn permission_denied() -> Self {
        Self::new(103, "permission denied")
    }

    /// 105: the client has this channel already.
    pub fn already_subscribed() -> Self {
        Self::new(105, "already subscribed")
    }

    /// 106: as many channels as a socket may have.
    pub fn limit_exceeded() -> Self {
        Self::new(106, "limit exceeded")
    }

    /// 107: the command makes no sense.
    pub fn bad_request() -> Self {
        Self::new(107, "bad request")
    }

    /// 108: this channel or server does not do that.
    pub fn not_available() -> Self {
        Self::new(108, "not available")
    }

    /// 109: a new token is needed.
    pub fn token_expired() -> Self {
        Self::new(109, "token expired")
    }

    /// 111: later.
    pub fn too_many_requests() -> Self {
        Self::new(111, "too many requests")
    }

    /// 112: what came after this position is not known any more.
    pub fn unrecoverable_position() -> Self {
        Self::new(112, "unrecoverable position")
    }
}

/// With the words of the refusal, which say more than those of the protocol.
impl From<&Refusal> for Error {
    fn from(refusal: &Refusal) -> Self {
        let code = match refusal {
            Refusal::Malformed { .. }
            | Refusal::Binary
            | Refusal::UnknownType(_)
            | Refusal::ContentEmpty
            | Refusal::ContentTooLong { .. }
            | Refusal::ContentControl(_)
            | Refusal::InvalidId(_) => 107,
            Refusal::Banned | Refusal::Muted { .. } => 103,
            Refusal::RateLimited { .. } | Refusal::SlowMode { .. } | Refusal::Overloaded => 111,
            Refusal::StorageUnavailable | Refusal::NotStored | Refusal::NotJoined | Refusal::ShuttingDown => {
                100
            }
            Refusal::UnknownMarket(_) => 102,
            Refusal::TooManyMarkets(_) => 106,
        };
        Self::new(code, &refusal.to_string())
    }
}
