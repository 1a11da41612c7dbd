//! What the unit tests of this crate share.

use std::sync::Arc;
use tickroom_storage::message::{Message, Sender};
use tickroom_storage::notification::{About, Notification, NotificationKind};
use tickroom_storage::{EventId, MessageId, NotificationId, Offset, TimestampMs, UserId};

/// A message at an offset of a room.
pub(crate) fn message(room: &str, offset: u64) -> Message {
    Message {
        id: MessageId::new(i64::try_from(offset).unwrap()),
        room: room.parse().unwrap(),
        offset: Offset::new(offset),
        sender: Sender { id: UserId::new(1), name: Arc::from("ann"), profile_url: None },
        content: format!("message {offset}").into(),
        client_id: None,
        deletes: None,
        created_at: TimestampMs::now(),
    }
}

/// A notification of this id for this reader: Bo follows her.
pub(crate) fn notification(id: i64, reader: i64) -> Notification {
    Notification {
        id: NotificationId::new(id),
        reader: UserId::new(reader),
        event: EventId::new(id),
        kind: NotificationKind::Follow,
        actor: UserId::new(2),
        actor_name: Some(Arc::from("bo")),
        actor_avatar_url: None,
        about: About::default(),
        post_title: None,
        created_at: TimestampMs::new(1_714_555_800_000),
        read_at: None,
    }
}
