//! What the unit tests of this crate share.

use std::sync::Arc;
use tickroom_storage::message::{Message, Sender};
use tickroom_storage::{MessageId, Offset, TimestampMs, UserId};

/// A message at an offset of a room.
pub(crate) fn message(room: &str, offset: u64) -> Message {
    Message {
        id: MessageId::new(i64::try_from(offset).unwrap()),
        room: room.parse().unwrap(),
        offset: Offset::new(offset),
        sender: Sender { id: UserId::new(1), name: Arc::from("ann"), profile_url: None },
        content: format!("message {offset}").into(),
        client_id: None,
        created_at: TimestampMs::now(),
    }
}
