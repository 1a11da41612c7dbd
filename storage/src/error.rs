//! What can go wrong, sorted by what the caller can do about it.

use std::error::Error;

use crate::{MessageId, Offset, RoomName};

/// The cause below, for logs. It never shows in the text of a [`StorageError`], which clients may see.
pub(crate) type Source = Box<dyn Error + Send + Sync>;

/// What a caller can do about a [`StorageError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// What was asked for, or what a new record refers to, does not exist.
    NotFound,
    /// Something else has the place already. Trying again does not help.
    Conflict,
    /// The engine is out of reach, full or overrun. Trying again later may help.
    Unavailable,
    /// The engine holds what this program cannot read. A human has to look.
    Corrupt,
    /// The request could never work, e.g. a database URL of an unknown engine.
    Invalid,
    /// A defect of this program.
    Internal,
}

/// Why a store did not do what it was asked. The cause, if there is one, is the [`source`](Error::source).
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no such thing.
    #[error("no such {what}")]
    NotFound {
        /// The noun.
        what: &'static str,
    },
    /// Somebody else has this name, address, ….
    #[error("this {field} is taken")]
    Taken {
        /// The field that must be unique, as the API names it.
        field: &'static str,
    },
    /// Two different messages claim one place of a room: two writers serve it at once.
    #[error("room {room} has another message at offset {offset}")]
    OffsetTaken {
        /// The room.
        room: RoomName,
        /// The place.
        offset: Offset,
    },
    /// Two different messages bear one id: two processes drew the same node bits.
    #[error("message id {id} belongs to another message")]
    MessageIdTaken {
        /// The id.
        id: MessageId,
    },
    /// The engine is out of reach, full or overrun.
    #[error("the storage engine is unavailable")]
    Unavailable(#[source] Source),
    /// The engine holds what this program cannot read.
    #[error("stored data cannot be read")]
    Corrupt(#[source] Source),
    /// The request could never work.
    #[error("{0}")]
    Invalid(String),
    /// A defect of this program, such as a wrong statement.
    #[error("the storage engine refused a statement")]
    Internal(#[source] Source),
}

impl StorageError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Taken { .. } | Self::OffsetTaken { .. } | Self::MessageIdTaken { .. } => {
                ErrorKind::Conflict
            }
            Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::Corrupt(_) => ErrorKind::Corrupt,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// The field whose value is taken, when that is the conflict.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Taken { field } => Some(field),
            _ => None,
        }
    }
}
