//! What people did: written in the transaction of the change itself, published afterwards, acted upon once.
//!
//! `append` adds a row to the outbox of the change's own `Transaction`, so that there is an event if and only if
//! there is a change. The relay takes rows from [`Outbox::waiting`], publishes them and calls
//! [`Outbox::forget`]; a row that was published and not forgotten is published again, under the same id.
//!
//! An [`Event`] carries its details as JSON under a kind and a version. Whoever cannot read them ([`Event::activity`])
//! can still pass it on or put it aside.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::engine::{Database, Insert, OnConflict, Transaction};
use crate::limits::{EVENT_ID_TRIES, INSERT_ROWS_MAX};
use crate::{CommentId, EventId, MessageId, Offset, PostId, RoomName, StorageError, TimestampMs, UserId};

/// The version of every payload that this program writes. One that changes its shape gets a higher one.
pub const VERSION: i16 = 1;

/// What somebody did, with all that is needed to tell others. `mentioned` are the people whom the text names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
pub enum Activity {
    /// Follows somebody.
    UserFollowed {
        /// Whom.
        user: UserId,
    },
    /// Does not follow somebody any more.
    UserUnfollowed {
        /// Whom.
        user: UserId,
    },
    /// Wrote a post.
    PostCreated {
        /// Which.
        post: PostId,
        /// People named in its title or body.
        mentioned: Vec<UserId>,
    },
    /// Deleted a post.
    PostDeleted {
        /// Which.
        post: PostId,
    },
    /// Commented on a post, or replied to a comment.
    CommentCreated {
        /// The new comment.
        comment: CommentId,
        /// The post it stands under.
        post: PostId,
        /// Who wrote the post.
        post_author: UserId,
        /// For a reply: what it answers.
        reply_to: Option<ReplyTo>,
        /// People named in it.
        mentioned: Vec<UserId>,
    },
    /// Deleted a comment.
    CommentDeleted {
        /// Which.
        comment: CommentId,
        /// The post it stood under.
        post: PostId,
    },
    /// Likes a post.
    PostLiked {
        /// Which.
        post: PostId,
        /// Who wrote it.
        author: UserId,
    },
    /// Does not like a post any more.
    PostUnliked {
        /// Which.
        post: PostId,
        /// Who wrote it.
        author: UserId,
    },
    /// Likes a comment.
    CommentLiked {
        /// Which.
        comment: CommentId,
        /// The post it stands under.
        post: PostId,
        /// Who wrote the comment.
        author: UserId,
    },
    /// Does not like a comment any more.
    CommentUnliked {
        /// Which.
        comment: CommentId,
        /// The post it stands under.
        post: PostId,
        /// Who wrote the comment.
        author: UserId,
    },
    /// Named people in a chat message.
    MessageMentioned {
        /// The message.
        message: MessageId,
        /// Where it was said.
        room: RoomName,
        /// Its place there.
        offset: Offset,
        /// People named in it.
        mentioned: Vec<UserId>,
    },
}

/// The comment that a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    /// Which.
    pub comment: CommentId,
    /// Who wrote it.
    pub author: UserId,
}

/// Something that is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Who does it.
    pub actor: UserId,
    /// What.
    pub activity: Activity,
    /// Now.
    pub time: TimestampMs,
}

/// Something that was done, as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Names it for good; what is delivered twice bears the same.
    pub id: EventId,
    /// Who did it. The events of one actor arrive in their order.
    pub actor: UserId,
    /// What kind of thing, possibly one that this program does not know.
    pub kind: Box<str>,
    /// The shape of the payload.
    pub version: i16,
    /// The details, a JSON object.
    pub payload: Box<str>,
    /// When.
    pub time: TimestampMs,
}

/// This program cannot read an event.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableEvent {
    /// It was written by a newer program.
    #[error("expected version {VERSION}, got {0}")]
    Version(i16),
    /// An unknown kind, or a payload of another shape.
    #[error("{0}")]
    Shape(#[source] serde_json::Error),
}

/// What an event is taken apart into, and put together from.
#[derive(Serialize, Deserialize)]
struct Spelled<'a, P> {
    kind: &'a str,
    payload: P,
}

impl Event {
    /// The details.
    ///
    /// # Errors
    ///
    /// When it is of a kind, version or shape that this program does not know.
    pub fn activity(&self) -> Result<Activity, UnreadableEvent> {
        if self.version != VERSION {
            return Err(UnreadableEvent::Version(self.version));
        }
        let payload: &RawValue = serde_json::from_str(&self.payload).map_err(UnreadableEvent::Shape)?;
        let spelled = serde_json::to_value(Spelled { kind: &self.kind, payload });
        spelled.and_then(serde_json::from_value).map_err(UnreadableEvent::Shape)
    }
}

impl FromRow<'_, AnyRow> for Event {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            actor: row.try_get("actor_id")?,
            kind: row.try_get::<&str, _>("kind")?.into(),
            version: row.try_get("version")?,
            payload: row.try_get::<&str, _>("payload")?.into(),
            time: row.try_get("occurred_at")?,
        })
    }
}

/// Adds what is being done to the outbox under an id of the caller, unless it is there already: for what may be told
/// of twice. If it has left the outbox it is added again, and whoever carries it out knows its id.
///
/// # Errors
///
/// Only the engine's.
pub(crate) async fn append_as(
    transaction: &mut Transaction,
    id: EventId,
    event: &NewEvent,
) -> Result<(), StorageError> {
    let (kind, payload) = spell(&event.activity)?;
    let event = Event {
        id,
        actor: event.actor,
        kind: kind.into(),
        version: VERSION,
        payload: payload.into(),
        time: event.time,
    };
    insert(transaction, &event).await.map(|_| ())
}

/// Adds what is being done to the outbox, in the transaction that does it.
///
/// # Errors
///
/// Only the engine's; the change must then not be committed either.
pub(crate) async fn append(transaction: &mut Transaction, event: &NewEvent) -> Result<(), StorageError> {
    let (kind, payload) = spell(&event.activity)?;
    // Another process may have drawn the same id; the next one is as good.
    for _ in 0..EVENT_ID_TRIES {
        let event = Event {
            id: transaction.next_id(),
            actor: event.actor,
            kind: kind.as_str().into(),
            version: VERSION,
            payload: payload.as_str().into(),
            time: event.time,
        };
        if insert(transaction, &event).await? {
            return Ok(());
        }
    }
    Err(StorageError::Taken { field: "id" })
}

fn spell(activity: &Activity) -> Result<(String, String), StorageError> {
    #[derive(Deserialize)]
    struct Parts {
        kind: String,
        payload: Box<RawValue>,
    }
    let text = serde_json::to_string(activity).map_err(internal)?;
    let Parts { kind, payload } = serde_json::from_str(&text).map_err(internal)?;
    Ok((kind, payload.get().to_owned()))
}

fn internal(error: serde_json::Error) -> StorageError {
    StorageError::Internal(error.into())
}

const INSERT: Insert = Insert {
    table: "event",
    columns: &["id", "actor_id", "kind", "version", "payload", "occurred_at"],
    on_conflict: OnConflict::Skip,
};

/// Adds an event that has its id. Says whether the id was free.
pub(crate) async fn insert(transaction: &mut Transaction, event: &Event) -> Result<bool, StorageError> {
    transaction.has_events();
    let text = transaction.database().insert(&INSERT, 1);
    let insert = sqlx::query(text)
        .bind(event.id)
        .bind(event.actor)
        .bind(&*event.kind)
        .bind(event.version)
        .bind(&*event.payload)
        .bind(event.time);
    Ok(insert.execute(&mut **transaction).await?.rows_affected() == 1)
}

const WAITING: &str =
    "select id, actor_id, kind, version, payload, occurred_at from event order by id limit $1";

/// Events that have happened and are not published yet.
#[async_trait]
pub trait Outbox: Send + Sync + 'static {
    /// The oldest ones, in order.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    async fn waiting(&self, limit: u16) -> Result<Vec<Event>, StorageError>;

    /// These are published: takes them out.
    ///
    /// # Errors
    ///
    /// Only the engine's; then they are published again.
    async fn forget(&self, ids: &[EventId]) -> Result<(), StorageError>;

    /// Completes when this process has committed events since the last time. A commit while nobody waited completes
    /// the next wait at once.
    async fn committed(&self);
}

/// The outbox in the database that the changes are made in.
#[derive(Clone, Debug)]
pub struct SqlOutbox {
    database: Database,
}

impl SqlOutbox {
    /// The outbox of this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Outbox for SqlOutbox {
    async fn waiting(&self, limit: u16) -> Result<Vec<Event>, StorageError> {
        let select = self.database.query_as(WAITING).bind(i64::from(limit));
        Ok(select.fetch_all(self.database.reader()).await?)
    }

    async fn forget(&self, ids: &[EventId]) -> Result<(), StorageError> {
        for some in ids.chunks(INSERT_ROWS_MAX) {
            let text = self.database.among("delete from event where id in ", some.len());
            let delete = some.iter().fold(sqlx::query(text).persistent(false), |delete, id| delete.bind(id));
            delete.execute(self.database.writer()).await?;
        }
        Ok(())
    }

    async fn committed(&self) {
        self.database.events_committed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, version: i16, payload: &str) -> Event {
        Event {
            id: EventId::new(1),
            actor: UserId::new(7),
            kind: kind.into(),
            version,
            payload: payload.into(),
            time: TimestampMs::new(0),
        }
    }

    #[test]
    fn a_payload_is_a_json_object_under_its_kind() {
        let liked = Activity::PostLiked { post: PostId::new(5), author: UserId::new(8) };
        let (kind, payload) = spell(&liked).unwrap();
        assert_eq!((&*kind, &*payload), ("post_liked", r#"{"post":"5","author":"8"}"#));
        assert_eq!(event(&kind, VERSION, &payload).activity().unwrap(), liked);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let read = |kind, version, payload| event(kind, version, payload).activity().unwrap_err().to_string();
        assert_eq!(read("post_liked", 9, "{}"), "expected version 1, got 9");
        assert!(read("post_shared", VERSION, "{}").contains("unknown variant `post_shared`"));
        assert!(read("post_liked", VERSION, r#"{"post":"5"}"#).contains("missing field `author`"));
        assert!(read("post_liked", VERSION, "{").contains("EOF"));
    }
}
