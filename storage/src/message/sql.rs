//! The message log in a relational database.

use std::iter;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Connection, FromRow, Row, SqlStr};

use super::{Appended, Message, MessageLog, PageBound, Sender};
use crate::engine::{Database, Insert, OnConflict, Transaction};
use crate::limits::{INSERT_COLUMNS_MAX, INSERT_ROWS_MAX};
use crate::{MessageId, Offset, RoomName, StorageError, UserId};

const INSERT: Insert = Insert {
    table: "message",
    columns: &[
        "id",
        "room",
        "room_offset",
        "sender_id",
        "sender_name",
        "sender_profile_url",
        "content",
        "client_id",
        "created_at",
    ],
    on_conflict: OnConflict::Skip,
};

const _: () = assert!(INSERT.columns.len() <= INSERT_COLUMNS_MAX);

/// Rows per statement: each a quarter of the one before. A batch of any size is cut into these, so that every
/// connection keeps these few statements prepared instead of one for each size of a batch.
const INSERT_ROWS: [usize; 5] = [INSERT_ROWS_MAX, 64, 16, 4, 1];
const _: () = assert!(INSERT_ROWS_MAX == 256);

/// A `select` of whole messages of a room.
macro_rules! select_messages {
    ($tail:literal) => {
        concat!(
            "select id, room, room_offset, sender_id, sender_name, sender_profile_url, content, client_id, created_at
            from message where room = $1 ",
            $tail
        )
    };
}

const LATEST: &str = select_messages!("order by room_offset desc limit $2");
const BEFORE: &str = select_messages!("and room_offset < $2 order by room_offset desc limit $3");
const AFTER: &str = select_messages!("and room_offset > $2 order by room_offset limit $3");

const TAIL: &str = "select room_offset from message where room = $1 order by room_offset desc limit 1";

const BY_ID: &str = "select room, room_offset, sender_id from message where id = $1";

const BY_CLIENT_ID: &str =
    "select id, room_offset from message where room = $1 and sender_id = $2 and client_id = $3";

/// The message log in the SQL database. A batch is one transaction.
#[derive(Clone, Debug)]
pub struct SqlMessageLog {
    database: Database,
    /// The `insert` for each of [`INSERT_ROWS`], written once.
    inserts: [(usize, SqlStr); 5],
}

impl SqlMessageLog {
    /// The log in this database.
    pub fn new(database: Database) -> Self {
        let inserts = INSERT_ROWS.map(|rows| (rows, database.insert(&INSERT, rows)));
        Self { database, inserts }
    }

    /// Inserts as many of the first messages as the largest fitting statement takes. Says how many it tried, and
    /// whether all were new; otherwise none is stored.
    async fn insert_head(
        &self,
        transaction: &mut Transaction,
        messages: &[Arc<Message>],
    ) -> Result<Option<(usize, bool)>, StorageError> {
        let fitting = self.inserts.iter().find(|(rows, _)| *rows <= messages.len());
        let Some((rows, text)) = fitting else {
            return Ok(None);
        };
        let insert = messages
            .iter()
            .take(*rows)
            .fold(sqlx::query(text.clone()), bind_message);
        let mut savepoint = transaction.begin().await?;
        let inserted = insert.execute(&mut *savepoint).await?.rows_affected();
        let all_new = u64::try_from(*rows) == Ok(inserted);
        if all_new {
            savepoint.commit().await?
        } else {
            savepoint.rollback().await?
        }
        Ok(Some((*rows, all_new)))
    }

    /// Why this message could not be inserted.
    async fn find_rival(
        &self,
        transaction: &mut Transaction,
        message: &Message,
    ) -> Result<Appended, StorageError> {
        let by_id = self
            .database
            .query_as::<(RoomName, Offset, UserId)>(BY_ID)
            .bind(message.id);
        if let Some((room, offset, sender_id)) = by_id.fetch_optional(&mut **transaction).await? {
            return if (&room, offset, sender_id) == (&message.room, message.offset, message.sender.id) {
                Ok(Appended::AlreadyStored)
            } else {
                Err(StorageError::MessageIdTaken { id: message.id })
            };
        }
        let by_client_id = self
            .database
            .query_as::<(MessageId, Offset)>(BY_CLIENT_ID)
            .bind(&message.room)
            .bind(message.sender.id)
            .bind(&message.client_id);
        match by_client_id.fetch_optional(&mut **transaction).await? {
            Some((id, offset)) => Ok(Appended::Duplicate { id, offset }),
            None => Err(StorageError::OffsetTaken {
                room: message.room.clone(),
                offset: message.offset,
            }),
        }
    }
}

#[async_trait]
impl MessageLog for SqlMessageLog {
    /// Nearly always every message is new, and the count of inserted rows says so. Otherwise the statement is taken
    /// back and tried again in quarters, down to the single messages that are there already.
    async fn append(&self, batch: &[Arc<Message>]) -> Result<Vec<Appended>, StorageError> {
        let mut transaction = self.database.begin().await?;
        let mut outcomes = Vec::with_capacity(batch.len());
        // What is left to do, the next part on top.
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            let Some((rows, all_new)) = self.insert_head(&mut transaction, part).await? else {
                continue;
            };
            let (head, rest) = part.split_at(rows);
            parts.push(rest);
            match head {
                _ if all_new => outcomes.extend(iter::repeat_n(Appended::Stored, rows)),
                [message] => outcomes.push(self.find_rival(&mut transaction, message).await?),
                several => parts.extend(several.rchunks(rows / 4)),
            }
        }
        transaction.commit().await?;
        Ok(outcomes)
    }

    async fn tail(&self, room: &RoomName) -> Result<Option<Offset>, StorageError> {
        let select = self.database.query_scalar(TAIL).bind(room);
        Ok(select.fetch_optional(self.database.reader()).await?)
    }

    async fn page(
        &self,
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError> {
        let limit = i64::from(limit);
        let select = match bound {
            PageBound::Latest => self.database.query_as(LATEST).bind(room),
            PageBound::Before(offset) => self.database.query_as(BEFORE).bind(room).bind(offset),
            PageBound::After(offset) => self.database.query_as(AFTER).bind(room).bind(offset),
        };
        let mut messages: Vec<Message> = select.bind(limit).fetch_all(self.database.reader()).await?;
        if !matches!(bound, PageBound::After(_)) {
            messages.reverse();
        }
        Ok(messages)
    }
}

/// Binds a message's columns in the order of [`INSERT`].
fn bind_message<'q>(
    insert: Query<'q, Any, AnyArguments>,
    message: &Arc<Message>,
) -> Query<'q, Any, AnyArguments> {
    insert
        .bind(message.id)
        .bind(&message.room)
        .bind(message.offset)
        .bind(message.sender.id)
        .bind(&*message.sender.name)
        .bind(message.sender.profile_url.as_deref())
        .bind(&*message.content)
        .bind(message.client_id.as_ref())
        .bind(message.created_at)
}

impl FromRow<'_, AnyRow> for Message {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            room: row.try_get("room")?,
            offset: row.try_get("room_offset")?,
            sender: Sender {
                id: row.try_get("sender_id")?,
                name: row.try_get::<&str, _>("sender_name")?.into(),
                profile_url: row
                    .try_get::<Option<&str>, _>("sender_profile_url")?
                    .map(Into::into),
            },
            content: row.try_get::<&str, _>("content")?.into(),
            client_id: row.try_get("client_id")?,
            created_at: row.try_get("created_at")?,
        })
    }
}
