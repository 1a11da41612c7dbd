//! Who keeps order, who is banned or muted, and what was done.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::{Action, Moderation, SanctionKind};
use crate::prose::Reason;
use crate::user::{Author, author_columns};
use crate::{MessageId, ModerationId, RoomName, StorageError, TimestampMs, UserId};

/// That somebody is banned or muted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanction {
    /// The entry by which it was imposed. The list goes on behind it.
    pub id: ModerationId,
    /// Who.
    pub user: Author,
    /// Who imposed it.
    pub by: UserId,
    /// Since when.
    pub created_at: TimestampMs,
    /// Until when; for good if `None`.
    pub ends_at: Option<TimestampMs>,
    /// Why.
    pub reason: Option<Reason>,
}

impl FromRow<'_, AnyRow> for Sanction {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            user: Author::from_row(row)?,
            by: row.try_get("actor_id")?,
            created_at: row.try_get("created_at")?,
            ends_at: row.try_get("ends_at")?,
            reason: row.try_get("reason")?,
        })
    }
}

/// Something that was done to keep order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The list goes on behind this one.
    pub id: ModerationId,
    /// Who did it.
    pub by: Author,
    /// What.
    pub action: Action,
    /// To whom; for a message, who had said it.
    pub target: Option<UserId>,
    /// To which message.
    pub message: Option<MessageId>,
    /// Until when.
    pub ends_at: Option<TimestampMs>,
    /// Of the slow mode.
    pub seconds: Option<i64>,
    /// Why.
    pub reason: Option<Reason>,
    /// When.
    pub created_at: TimestampMs,
}

impl FromRow<'_, AnyRow> for Entry {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            by: Author::from_row(row)?,
            action: row.try_get("action")?,
            target: row.try_get("target_id")?,
            message: row.try_get("message_id")?,
            ends_at: row.try_get("ends_at")?,
            seconds: row.try_get("seconds")?,
            reason: row.try_get("reason")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

const SANCTIONS: &str = concat!(
    "select s.id, m.actor_id, m.created_at, s.ends_at, s.reason, ",
    author_columns!(),
    " from room_sanction s join moderation m on m.id = s.id join users u on u.id = s.user_id
    where s.room = $1 and s.kind = $2 and (s.ends_at is null or s.ends_at > $3) and s.id < $4
    order by s.id desc limit $5"
);

const MODERATORS: &str = concat!(
    "select ",
    author_columns!(),
    " from room_moderator r join users u on u.id = r.user_id where r.room = $1 order by r.created_at, u.id"
);

const ENTRIES: &str = concat!(
    "select m.id, m.action, m.target_id, m.message_id, m.ends_at, m.seconds, m.reason, m.created_at, ",
    author_columns!(),
    " from moderation m join users u on u.id = m.actor_id
    where m.room = $1 and m.id < $2 order by m.id desc limit $3"
);

impl Moderation {
    /// Who is banned or muted in a room at this time, the latest first: up to `limit`, behind the one where another page
    /// ended.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn sanctions(
        &self,
        room: &RoomName,
        kind: SanctionKind,
        now: TimestampMs,
        before: Option<ModerationId>,
        limit: u16,
    ) -> Result<Vec<Sanction>, StorageError> {
        let select = self.database.query_as(SANCTIONS).bind(room).bind(kind).bind(now);
        let select = select.bind(before.unwrap_or(ModerationId::new(i64::MAX))).bind(i64::from(limit));
        Ok(select.fetch_all(self.database.reader()).await?)
    }

    /// Who keeps order in a room, the longest first.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn moderators(&self, room: &RoomName) -> Result<Vec<Author>, StorageError> {
        Ok(self.database.query_as(MODERATORS).bind(room).fetch_all(self.database.reader()).await?)
    }

    /// What was done to keep order in a room, the latest first: up to `limit`, behind the one where another page ended.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn entries(
        &self,
        room: &RoomName,
        before: Option<ModerationId>,
        limit: u16,
    ) -> Result<Vec<Entry>, StorageError> {
        let select = self.database.query_as(ENTRIES).bind(room);
        let select = select.bind(before.unwrap_or(ModerationId::new(i64::MAX))).bind(i64::from(limit));
        Ok(select.fetch_all(self.database.reader()).await?)
    }
}
