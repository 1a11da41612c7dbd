//! Telling whom messages name. The SQL log does so in the transaction that stores them; any other log through
//! [`TellingMentions`].

use std::sync::Arc;

use async_trait::async_trait;

use super::import::NOBODY;
use super::{Appended, Message, MessageLog, PageBound};
use crate::engine::{Database, Transaction};
use crate::event::{self, Activity, NewEvent};
use crate::{EventId, MessageId, Offset, RoomName, StorageError, mention};

/// The messages among these that may name somebody. Few have an `@` in them, and only those cost anything. What was
/// imported was said long ago, and tells nobody.
fn suspects<'a>(messages: impl Iterator<Item = &'a Message>) -> Vec<&'a Message> {
    messages.filter(|message| message.content.contains('@') && message.sender.id != NOBODY).collect()
}

/// Adds an event for each of these messages that names somebody, unless it was told of. A repeated message finds its
/// event waiting under its own id, or finds it carried out.
pub(super) async fn tell(
    transaction: &mut Transaction,
    messages: impl Iterator<Item = &Message>,
) -> Result<(), StorageError> {
    let suspects = suspects(messages);
    if suspects.is_empty() {
        return Ok(());
    }
    let texts: Vec<&str> = suspects.iter().map(|message| &*message.content).collect();
    let mentioned = mention::resolve(transaction, &texts).await?;
    for (message, mentioned) in suspects.into_iter().zip(mentioned) {
        if !mentioned.is_empty() {
            let activity = Activity::MessageMentioned {
                message: message.id,
                room: message.room.clone(),
                offset: message.offset,
                mentioned,
            };
            let event = NewEvent { actor: message.sender.id, activity, time: message.created_at };
            event::append_as(transaction, EventId::new(message.id.get()), &event).await?;
        }
    }
    Ok(())
}

/// A log outside of the relational database, whose mentions are told inside of it.
///
/// They are told once the messages are stored. When that fails the batch is reported as not stored, so that it is
/// repeated: then its messages are recognised, and those that were stored before are told of as well.
#[derive(Clone, Debug)]
pub struct TellingMentions<L> {
    log: L,
    database: Database,
}

impl<L: MessageLog> TellingMentions<L> {
    /// This log, with events in this database.
    pub fn new(log: L, database: Database) -> Self {
        Self { log, database }
    }
}

#[async_trait]
impl<L: MessageLog> MessageLog for TellingMentions<L> {
    async fn append(&self, batch: &[Arc<Message>]) -> Result<Vec<Appended>, StorageError> {
        let outcomes = self.log.append(batch).await?;
        let stored = batch.iter().zip(&outcomes).filter_map(|(message, outcome)| {
            matches!(outcome, Appended::Stored | Appended::AlreadyStored).then_some(&**message)
        });
        let suspects = suspects(stored);
        if !suspects.is_empty() {
            let mut transaction = self.database.begin().await?;
            tell(&mut transaction, suspects.into_iter()).await?;
            transaction.commit().await?;
        }
        Ok(outcomes)
    }

    async fn tail(&self, room: &RoomName) -> Result<Option<Offset>, StorageError> {
        self.log.tail(room).await
    }

    async fn page(
        &self,
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError> {
        self.log.page(room, bound, limit).await
    }

    async fn messages(
        &self,
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError> {
        self.log.messages(room, bound, limit).await
    }

    async fn find(&self, room: &RoomName, id: MessageId) -> Result<Option<Message>, StorageError> {
        self.log.find(room, id).await
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.log.ping().await
    }
}
