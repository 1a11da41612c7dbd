//! What people are told of: the record, what they do with it, and which kinds they want.
//!
//! Notifications are made by [`activity`](crate::activity). Their ids rise in the order in which they are committed, so
//! whoever has seen one of a reader's has seen all lower ones of that reader: [`NotificationLog::after`] has the rest.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::engine::Database;
use crate::limits::INSERT_ROWS_MAX;
use crate::{
    CommentId, EventId, NotificationId, Offset, PostId, RoomName, StorageError, TimestampMs, UserId,
};

mod purge;
mod setting;

/// Why somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// Somebody follows the reader.
    Follow,
    /// Somebody whom the reader follows wrote a post.
    Post,
    /// Somebody commented on the reader's post.
    Comment,
    /// Somebody replied to the reader's comment.
    Reply,
    /// Somebody likes the reader's post.
    PostLike,
    /// Somebody likes the reader's comment.
    CommentLike,
    /// Somebody named the reader in a post, comment or message.
    Mention,
}

impl NotificationKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Follow,
        Self::Post,
        Self::Comment,
        Self::Reply,
        Self::PostLike,
        Self::CommentLike,
        Self::Mention,
    ];

    /// As databases and JSON have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Post => "post",
            Self::Comment => "comment",
            Self::Reply => "reply",
            Self::PostLike => "post_like",
            Self::CommentLike => "comment_like",
            Self::Mention => "mention",
        }
    }
}

impl fmt::Display for NotificationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text is no [`NotificationKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected follow, post, comment, reply, post_like, comment_like or mention")]
pub struct NotificationKindError;

impl FromStr for NotificationKind {
    type Err = NotificationKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(NotificationKindError)
    }
}

/// What a notification is about, as far as it applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The post, also that of a comment.
    pub post: Option<PostId>,
    /// The comment.
    pub comment: Option<CommentId>,
    /// The place of a chat message.
    pub message: Option<(RoomName, Offset)>,
}

/// Something that somebody is told of, with the names as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Which; higher than all that the reader was told before.
    pub id: NotificationId,
    /// Who is told.
    pub reader: UserId,
    /// Where it comes from; one event tells one reader once.
    pub event: EventId,
    /// Why.
    pub kind: NotificationKind,
    /// Who did it.
    pub actor: UserId,
    /// What that person is called; `None` where the account is gone.
    pub actor_name: Option<Arc<str>>,
    /// That person's picture.
    pub actor_avatar_url: Option<Arc<str>>,
    /// What it is about.
    pub about: About,
    /// The title of the post.
    pub post_title: Option<Arc<str>>,
    /// When it was done.
    pub created_at: TimestampMs,
    /// When the reader took note of it; `None` while unread.
    pub read_at: Option<TimestampMs>,
}

impl FromRow<'_, AnyRow> for Notification {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let room: Option<RoomName> = row.try_get("room")?;
        let offset: Option<Offset> = row.try_get("room_offset")?;
        let about = About {
            post: row.try_get("post_id")?,
            comment: row.try_get("comment_id")?,
            message: room.zip(offset),
        };
        Ok(Self {
            id: row.try_get("id")?,
            reader: row.try_get("user_id")?,
            event: row.try_get("event_id")?,
            kind: row.try_get("kind")?,
            actor: row.try_get("actor_id")?,
            actor_name: row.try_get::<Option<&str>, _>("actor_name")?.map(Into::into),
            actor_avatar_url: row.try_get::<Option<&str>, _>("actor_avatar_url")?.map(Into::into),
            about,
            post_title: row.try_get::<Option<&str>, _>("post_title")?.map(Into::into),
            created_at: row.try_get("created_at")?,
            read_at: row.try_get("read_at")?,
        })
    }
}

/// A `select` of whole notifications.
macro_rules! select_notifications {
    ($tail:literal) => {
        concat!(
            "select n.id, n.user_id, n.event_id, n.kind, n.actor_id, n.post_id, n.comment_id, n.room,
                n.room_offset, n.created_at, n.read_at, u.name as actor_name, u.avatar_url as actor_avatar_url,
                p.title as post_title
            from notification n left join users u on u.id = n.actor_id and u.deleted_at is null
            left join post p on p.id = n.post_id where ",
            $tail
        )
    };
}

const NEWEST: &str = select_notifications!("n.user_id = $1 and n.id < $2 order by n.id desc limit $3");
const NEWEST_UNREAD: &str =
    select_notifications!("n.user_id = $1 and n.id < $2 and n.read_at is null order by n.id desc limit $3");
const AFTER: &str = select_notifications!("n.user_id = $1 and n.id > $2 order by n.id limit $3");
const BY_IDS: &str = select_notifications!("n.id in ");

const LATEST: &str = "select id from notification where user_id = $1 order by id desc limit 1";

const UNREAD: &str = "select count(*) from notification where user_id = $1 and read_at is null";

const UNREAD_OF_MANY: &str =
    "select user_id, count(*) from notification where read_at is null and user_id in ";

/// What live streams read.
#[async_trait]
pub trait NotificationLog: Send + Sync + 'static {
    /// The reader's notifications above this one, oldest first.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    async fn after(
        &self,
        reader: UserId,
        id: NotificationId,
        limit: u16,
    ) -> Result<Vec<Notification>, StorageError>;

    /// Those of these that exist, in the order of their ids.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    async fn by_ids(&self, ids: &[NotificationId]) -> Result<Vec<Notification>, StorageError>;

    /// How many each of these people has not read. Who has none is missing.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    async fn unread_counts(&self, readers: &[UserId]) -> Result<HashMap<UserId, u64>, StorageError>;
}

/// What people are told of.
#[derive(Clone, Debug)]
pub struct Notifications {
    database: Database,
}

impl Notifications {
    /// The notifications in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// The reader's newest notifications, below `before` if that is given, newest first.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn page(
        &self,
        reader: UserId,
        unread_only: bool,
        before: Option<NotificationId>,
        limit: u16,
    ) -> Result<Vec<Notification>, StorageError> {
        let select = self.database.query_as(if unread_only { NEWEST_UNREAD } else { NEWEST });
        let before = before.unwrap_or(NotificationId::new(i64::MAX));
        let select = select.bind(reader).bind(before).bind(i64::from(limit));
        Ok(select.fetch_all(self.database.reader()).await?)
    }

    /// The reader's newest notification.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn latest(&self, reader: UserId) -> Result<Option<NotificationId>, StorageError> {
        let select = self.database.query_scalar(LATEST).bind(reader);
        Ok(select.fetch_optional(self.database.reader()).await?)
    }

    /// How many the reader has not read.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn unread_count(&self, reader: UserId) -> Result<u64, StorageError> {
        let select = self.database.query_scalar(UNREAD).bind(reader);
        let count: i64 = select.fetch_one(self.database.reader()).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Takes note of one; of one that was read before, too.
    ///
    /// # Errors
    ///
    /// `NotFound` when the reader has no such notification.
    pub async fn read(
        &self,
        reader: UserId,
        id: NotificationId,
        now: TimestampMs,
    ) -> Result<(), StorageError> {
        let update = "update notification set read_at = coalesce(read_at, $1) where id = $2 and user_id = $3";
        let update = self.database.query(update).bind(now).bind(id).bind(reader);
        found(update.execute(self.database.writer()).await?.rows_affected())
    }

    /// Takes note of all up to this one, so that none is marked which came after the reader looked. Says how many were
    /// unread.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn read_up_to(
        &self,
        reader: UserId,
        up_to: NotificationId,
        now: TimestampMs,
    ) -> Result<u64, StorageError> {
        let update =
            "update notification set read_at = $1 where user_id = $2 and id <= $3 and read_at is null";
        let update = self.database.query(update).bind(now).bind(reader).bind(up_to);
        Ok(update.execute(self.database.writer()).await?.rows_affected())
    }

    /// Deletes one.
    ///
    /// # Errors
    ///
    /// `NotFound` when the reader has no such notification.
    pub async fn delete(&self, reader: UserId, id: NotificationId) -> Result<(), StorageError> {
        let delete = "delete from notification where id = $1 and user_id = $2";
        let delete = self.database.query(delete).bind(id).bind(reader);
        found(delete.execute(self.database.writer()).await?.rows_affected())
    }
}

fn found(rows: u64) -> Result<(), StorageError> {
    if rows == 0 { Err(StorageError::NotFound { what: "notification" }) } else { Ok(()) }
}

#[async_trait]
impl NotificationLog for Notifications {
    async fn after(
        &self,
        reader: UserId,
        id: NotificationId,
        limit: u16,
    ) -> Result<Vec<Notification>, StorageError> {
        let select = self.database.query_as(AFTER).bind(reader).bind(id).bind(i64::from(limit));
        Ok(select.fetch_all(self.database.reader()).await?)
    }

    async fn by_ids(&self, ids: &[NotificationId]) -> Result<Vec<Notification>, StorageError> {
        let mut notifications: Vec<Notification> = Vec::with_capacity(ids.len());
        for some in ids.chunks(INSERT_ROWS_MAX) {
            let select = sqlx::query_as(self.database.among(BY_IDS, some.len())).persistent(false);
            let select = some.iter().fold(select, |select, id| select.bind(id));
            notifications.append(&mut select.fetch_all(self.database.reader()).await?);
        }
        notifications.sort_unstable_by_key(|notification| notification.id);
        Ok(notifications)
    }

    async fn unread_counts(&self, readers: &[UserId]) -> Result<HashMap<UserId, u64>, StorageError> {
        let mut counts = HashMap::with_capacity(readers.len());
        for some in readers.chunks(INSERT_ROWS_MAX) {
            let list = vec!["?"; some.len()].join(", ");
            let text = self.database.assembled(format!("{UNREAD_OF_MANY}({list}) group by user_id"));
            let select = sqlx::query_as(text).persistent(false);
            let select = some.iter().fold(select, |select, id| select.bind(id));
            let found: Vec<(UserId, i64)> = select.fetch_all(self.database.reader()).await?;
            counts.extend(found.into_iter().map(|(user, count)| (user, u64::try_from(count).unwrap_or(0))));
        }
        Ok(counts)
    }
}
