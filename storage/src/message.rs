//! What people said: the record, the log that keeps it, and the file that stands in while the log is down.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{ClientMessageId, MessageId, Offset, RoomName, StorageError, TimestampMs, UserId};

mod import;
mod mention;
mod mongo;
mod original;
mod spill;
mod sql;

pub use crate::page::PageBound;
pub use import::{Import, Report, Skipped};
pub use mention::TellingMentions;
pub use mongo::MongoMessageLog;
pub use original::{Found, OriginalMessage, OriginalMessages, Unfit};
pub use spill::{Spill, SpillError};
pub use sql::SqlMessageLog;

/// Who said it, as they were at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The person.
    pub id: UserId,
    /// The name that the message shows.
    pub name: Arc<str>,
    /// The picture that the message shows.
    pub profile_url: Option<Arc<str>>,
}

/// One chat message, in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Made once, by whoever took the message in; a retry bears the same.
    pub id: MessageId,
    /// Where it was said.
    pub room: RoomName,
    /// Its place in the room.
    pub offset: Offset,
    /// Who said it.
    pub sender: Sender,
    /// The words. Nothing that is said is empty: an empty message was taken back, or takes one back.
    pub content: Box<str>,
    /// What the sender calls it, so that sending it twice stores it once.
    pub client_id: Option<ClientMessageId>,
    /// The message that this entry of the log takes back, in the name of its sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletes: Option<MessageId>,
    /// When the room took it in.
    pub created_at: TimestampMs,
}

/// What became of one message of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log now.
    Stored,
    /// This very message (same id) was there already: a retry.
    AlreadyStored,
    /// The sender had stored the same client id in this room before, under this id and offset. The new message is
    /// not in the log.
    Duplicate {
        /// The message that is in the log.
        id: MessageId,
        /// Its place.
        offset: Offset,
    },
}

/// Every message of every room, durable.
#[async_trait]
pub trait MessageLog: Send + Sync + 'static {
    /// Stores a batch and says what became of each message, in order. What it reports is durable.
    ///
    /// # Errors
    ///
    /// On `Unavailable` nothing is known, and the caller repeats the whole batch: messages that are there already
    /// are recognised by id. On `Conflict` two different messages claim one offset or one id, and repeating does
    /// not help; whether the others were stored depends on the engine, and each can be appended by itself.
    ///
    /// An entry that takes a message back is stored like any other, and the words of that message are gone when this
    /// returns, also if the two come in one batch. The message keeps its id, its place and its client id, so that it is
    /// recognised when it comes again.
    async fn append(&self, batch: &[Arc<Message>]) -> Result<Vec<Appended>, StorageError>;

    /// The highest offset stored for a room.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    async fn tail(&self, room: &RoomName) -> Result<Option<Offset>, StorageError>;

    /// Up to `limit` entries, always in ascending order of offset; the bound itself is not among them. Those that were
    /// taken back, or take back, are.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    async fn page(&self, room: &RoomName, bound: PageBound, limit: u16)
    -> Result<Vec<Message>, StorageError>;

    /// As [`page`](Self::page), of what was said and not taken back.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    async fn messages(
        &self,
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError>;

    /// A message of this room that was not taken back.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    async fn find(&self, room: &RoomName, id: MessageId) -> Result<Option<Message>, StorageError>;

    /// Whether the log answers.
    ///
    /// # Errors
    ///
    /// `Unavailable` when it does not.
    async fn ping(&self) -> Result<(), StorageError>;
}

/// The messages that a batch takes back.
fn deleted(batch: &[Arc<Message>]) -> Vec<MessageId> {
    batch.iter().filter_map(|entry| entry.deletes).collect()
}

/// Where a stored message is: what tells a retry from another message that bears its id by mistake.
type Place = (RoomName, Offset, UserId);

/// A message whose id is stored is a retry, unless it claims another place.
fn recognise(message: &Message, (room, offset, sender): &Place) -> Result<Appended, StorageError> {
    if (room, *offset, *sender) == (&message.room, message.offset, message.sender.id) {
        Ok(Appended::AlreadyStored)
    } else {
        Err(StorageError::MessageIdTaken { id: message.id })
    }
}
