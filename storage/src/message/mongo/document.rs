//! Messages as documents, and as much of a document as it takes to recognise one.

use std::borrow::Cow;

use mongodb::bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::message::{Message, Sender};
use crate::{ClientMessageId, MessageId, Offset, RoomName, StorageError, TimestampMs, UserId};

/// What a sender calls a message, and in which room: unique where there is one.
pub(super) type ClientName = (RoomName, UserId, Option<ClientMessageId>);

pub(super) fn name_of(message: &Message) -> ClientName {
    (message.room.clone(), message.sender.id, message.client_id.clone())
}

/// As much of a stored message as it takes to recognise it.
#[derive(Deserialize)]
pub(super) struct Known {
    #[serde(rename = "_id")]
    id: i64,
    pub(super) room: RoomName,
    offset: u64,
    sender: KnownSender,
    client_id: Option<ClientMessageId>,
}

#[derive(Deserialize)]
struct KnownSender {
    id: i64,
}

impl Known {
    pub(super) fn id(&self) -> MessageId {
        MessageId::new(self.id)
    }

    pub(super) fn offset(&self) -> Offset {
        Offset::new(self.offset)
    }

    pub(super) fn sender(&self) -> UserId {
        UserId::new(self.sender.id)
    }

    pub(super) fn name(&self) -> ClientName {
        (self.room.clone(), self.sender(), self.client_id.clone())
    }
}

/// A message as a document.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored<'a> {
    #[serde(rename = "_id")]
    id: i64,
    room: Cow<'a, str>,
    offset: i64,
    sender: StoredSender<'a>,
    content: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deletes: Option<i64>,
    created_at: DateTime,
}

#[derive(Serialize, Deserialize)]
struct StoredSender<'a> {
    id: i64,
    name: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile_url: Option<Cow<'a, str>>,
}

impl<'a> From<&'a Message> for Stored<'a> {
    fn from(message: &'a Message) -> Self {
        let Message { id, room, offset, sender, content, client_id, deletes, created_at } = message;
        Self {
            id: id.get(),
            room: room.as_str().into(),
            offset: offset.to_bigint(),
            sender: StoredSender {
                id: sender.id.get(),
                name: (&*sender.name).into(),
                profile_url: sender.profile_url.as_deref().map(Into::into),
            },
            content: (&**content).into(),
            client_id: client_id.as_ref().map(|id| id.as_str().into()),
            deletes: deletes.map(MessageId::get),
            created_at: DateTime::from_millis(created_at.get()),
        }
    }
}

impl TryFrom<Stored<'_>> for Message {
    type Error = StorageError;

    fn try_from(stored: Stored<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: MessageId::new(stored.id),
            room: stored.room.parse().map_err(corrupt)?,
            offset: Offset::new(u64::try_from(stored.offset).map_err(corrupt)?),
            sender: Sender {
                id: UserId::new(stored.sender.id),
                name: stored.sender.name.into(),
                profile_url: stored.sender.profile_url.map(Into::into),
            },
            content: stored.content.into(),
            client_id: stored.client_id.as_deref().map(str::parse).transpose().map_err(corrupt)?,
            deletes: stored.deletes.map(MessageId::new),
            created_at: TimestampMs::new(stored.created_at.timestamp_millis()),
        })
    }
}

fn corrupt(error: impl std::error::Error + Send + Sync + 'static) -> StorageError {
    StorageError::Corrupt(error.into())
}
