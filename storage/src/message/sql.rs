//! The message log in a relational database.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, Connection, FromRow, Row, SqlStr};

use super::{Appended, Message, MessageLog, PageBound, Place, Sender, deleted, mention, recognise};
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
        "deletes",
        "created_at",
    ],
    on_conflict: OnConflict::Skip,
};

const _: () = assert!(INSERT.columns.len() <= INSERT_COLUMNS_MAX);

/// Rows per statement. A batch of any size is cut into these, so that every connection keeps these few statements
/// prepared instead of one for each size of a batch.
const INSERT_ROWS: [usize; 5] = [INSERT_ROWS_MAX, 64, 16, 4, 1];

/// A `select` of whole messages of a room.
macro_rules! select_messages {
    ($tail:literal) => {
        concat!(
            "select id, room, room_offset, sender_id, sender_name, sender_profile_url, content, client_id, deletes,
                created_at
            from message where room = $1 ",
            $tail
        )
    };
}

const LATEST: &str = select_messages!("order by room_offset desc limit $2");
const BEFORE: &str = select_messages!("and room_offset < $2 order by room_offset desc limit $3");
const AFTER: &str = select_messages!("and room_offset > $2 order by room_offset limit $3");

const LATEST_SAID: &str = select_messages!("and content <> '' order by room_offset desc limit $2");
const SAID_BEFORE: &str =
    select_messages!("and room_offset < $2 and content <> '' order by room_offset desc limit $3");
const SAID_AFTER: &str =
    select_messages!("and room_offset > $2 and content <> '' order by room_offset limit $3");

const SAID: &str = select_messages!("and id = $2 and content <> ''");

/// The words go; what it takes to recognise the message stays.
const REDACT: &str = "update message set content = '' where id = $1";

const TAIL: &str = "select room_offset from message where room = $1 order by room_offset desc limit 1";

const PLACES: &str = "select id, room, room_offset, sender_id from message where id in ";

const BY_CLIENT_ID: &str =
    "select id, room_offset from message where room = $1 and sender_id = $2 and client_id = $3";

/// A message of a batch, and what became of it.
struct Entry<'a> {
    message: &'a Message,
    outcome: Appended,
}

/// The message log in the SQL database. A batch is one transaction.
#[derive(Clone, Debug)]
pub struct SqlMessageLog {
    database: Database,
    /// The `insert` for each of [`INSERT_ROWS`], written once.
    inserts: [(usize, SqlStr); INSERT_ROWS.len()],
}

impl SqlMessageLog {
    /// The log in this database.
    pub fn new(database: Database) -> Self {
        let inserts = INSERT_ROWS.map(|rows| (rows, database.insert(&INSERT, rows)));
        Self { database, inserts }
    }

    /// Inserts these messages, or gives up half way if one of them collides with what is there. Says which.
    async fn insert(
        &self,
        connection: &mut AnyConnection,
        messages: &[&Message],
    ) -> Result<bool, StorageError> {
        let mut rest = messages;
        while let Some((rows, text)) = self.inserts.iter().find(|(rows, _)| *rows <= rest.len()) {
            let (head, tail) = rest.split_at(*rows);
            let insert = head.iter().fold(sqlx::query(text.clone()), bind_message);
            let inserted = insert.execute(&mut *connection).await?.rows_affected();
            if u64::try_from(*rows) != Ok(inserted) {
                return Ok(false);
            }
            rest = tail;
        }
        Ok(true)
    }

    /// Inserts all of these messages, or none if one of them collides with what is there. Says which.
    async fn insert_or_undo(
        &self,
        transaction: &mut Transaction,
        messages: &[&Message],
    ) -> Result<bool, StorageError> {
        let mut savepoint = transaction.begin().await?;
        let inserted = self.insert(&mut savepoint, messages).await?;
        if inserted {
            savepoint.commit().await?
        } else {
            savepoint.rollback().await?
        }
        Ok(inserted)
    }

    /// Sorts out a batch that did not go in as a whole.
    async fn insert_new(
        &self,
        transaction: &mut Transaction,
        entries: &mut [Entry<'_>],
    ) -> Result<(), StorageError> {
        let ids: Vec<MessageId> = entries.iter().map(|entry| entry.message.id).collect();
        let stored = self.places(transaction, &ids).await?;
        let mut unknown = Vec::with_capacity(entries.len());
        for entry in entries {
            match stored.get(&entry.message.id) {
                Some(place) => entry.outcome = recognise(entry.message, place)?,
                None => unknown.push(entry),
            }
        }
        // What is left to do, the next part on top. A part that collides is tried again in quarters, down to the
        // messages that do.
        let mut parts: Vec<&mut [&mut Entry<'_>]> = unknown.rchunks_mut(INSERT_ROWS_MAX).collect();
        while let Some(part) = parts.pop() {
            let messages: Vec<&Message> = part.iter().map(|entry| entry.message).collect();
            if self.insert_or_undo(transaction, &messages).await? {
                continue;
            }
            match part {
                [entry] => entry.outcome = self.find_rival(transaction, entry.message).await?,
                several => parts.extend(several.rchunks_mut(messages.len().div_ceil(4))),
            }
        }
        Ok(())
    }

    /// Where those of these messages are that are stored.
    async fn places(
        &self,
        transaction: &mut Transaction,
        ids: &[MessageId],
    ) -> Result<HashMap<MessageId, Place>, StorageError> {
        let mut places = HashMap::new();
        for some in ids.chunks(INSERT_ROWS_MAX) {
            let select = sqlx::query_as(self.database.among(PLACES, some.len())).persistent(false);
            let select = some.iter().fold(select, |select, id| select.bind(id));
            let found: Vec<(MessageId, RoomName, Offset, UserId)> =
                select.fetch_all(&mut **transaction).await?;
            places.extend(found.into_iter().map(|(id, room, offset, sender)| (id, (room, offset, sender))));
        }
        Ok(places)
    }

    /// Why this message could not be inserted.
    async fn find_rival(
        &self,
        transaction: &mut Transaction,
        message: &Message,
    ) -> Result<Appended, StorageError> {
        if let Some(place) = self.places(transaction, &[message.id]).await?.get(&message.id) {
            return recognise(message, place);
        }
        let select = self.database.query_as::<(MessageId, Offset)>(BY_CLIENT_ID);
        let select = select.bind(&message.room).bind(message.sender.id).bind(message.client_id.as_ref());
        match select.fetch_optional(&mut **transaction).await? {
            Some((id, offset)) => Ok(Appended::Duplicate { id, offset }),
            None => Err(StorageError::OffsetTaken { room: message.room.clone(), offset: message.offset }),
        }
    }

    /// Nearly always every message is new, and the counts of inserted rows say so: then nothing else is asked, and no
    /// savepoint is kept, for which SQLite would copy every page before it changes it.
    async fn append_all(&self, batch: &[Arc<Message>]) -> Result<Vec<Appended>, StorageError> {
        let messages: Vec<&Message> = batch.iter().map(|message| &**message).collect();
        let mut transaction = self.database.begin().await?;
        if self.insert(&mut transaction, &messages).await? {
            self.redact(&mut transaction, batch).await?;
            mention::tell(&mut transaction, messages.into_iter()).await?;
            transaction.commit().await?;
            return Ok(vec![Appended::Stored; batch.len()]);
        }
        transaction.rollback().await?;
        let mut entries: Vec<Entry<'_>> =
            messages.iter().map(|message| Entry { message, outcome: Appended::Stored }).collect();
        let mut transaction = self.database.begin().await?;
        self.insert_new(&mut transaction, &mut entries).await?;
        self.redact(&mut transaction, batch).await?;
        mention::tell(&mut transaction, stored(&entries)).await?;
        transaction.commit().await?;
        Ok(entries.into_iter().map(|entry| entry.outcome).collect())
    }

    /// Takes the words out of what this batch takes back.
    async fn redact(
        &self,
        transaction: &mut Transaction,
        batch: &[Arc<Message>],
    ) -> Result<(), StorageError> {
        for id in deleted(batch) {
            self.database.query(REDACT).bind(id).execute(&mut **transaction).await?;
        }
        Ok(())
    }

    /// A page, by a statement for each bound: the latest, before, after.
    async fn read(
        &self,
        [latest, before, after]: [&'static str; 3],
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError> {
        let limit = i64::from(limit);
        let select = match bound {
            PageBound::Latest => self.database.query_as(latest).bind(room),
            PageBound::Before(offset) => self.database.query_as(before).bind(room).bind(offset),
            PageBound::After(offset) => self.database.query_as(after).bind(room).bind(offset),
        };
        let mut messages: Vec<Message> = select.bind(limit).fetch_all(self.database.reader()).await?;
        if !matches!(bound, PageBound::After(_)) {
            messages.reverse();
        }
        Ok(messages)
    }
}

/// The messages that are new.
fn stored<'a>(entries: &[Entry<'a>]) -> impl Iterator<Item = &'a Message> {
    entries.iter().filter(|entry| entry.outcome == Appended::Stored).map(|entry| entry.message)
}

#[async_trait]
impl MessageLog for SqlMessageLog {
    async fn append(&self, batch: &[Arc<Message>]) -> Result<Vec<Appended>, StorageError> {
        self.database.in_time(self.append_all(batch)).await
    }

    async fn tail(&self, room: &RoomName) -> Result<Option<Offset>, StorageError> {
        let select = self.database.query_scalar(TAIL).bind(room);
        let tail = select.fetch_optional(self.database.reader());
        self.database.in_time(async { Ok(tail.await?) }).await
    }

    async fn page(
        &self,
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError> {
        self.database.in_time(self.read([LATEST, BEFORE, AFTER], room, bound, limit)).await
    }

    async fn messages(
        &self,
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError> {
        let statements = [LATEST_SAID, SAID_BEFORE, SAID_AFTER];
        self.database.in_time(self.read(statements, room, bound, limit)).await
    }

    async fn find(&self, room: &RoomName, id: MessageId) -> Result<Option<Message>, StorageError> {
        let select = self.database.query_as(SAID).bind(room).bind(id);
        let found = select.fetch_optional(self.database.reader());
        self.database.in_time(async { Ok(found.await?) }).await
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.database.in_time(self.database.ping()).await
    }
}

/// Binds a message's columns in the order of [`INSERT`].
fn bind_message<'q>(
    insert: Query<'q, Any, AnyArguments>,
    message: &&Message,
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
        .bind(message.deletes)
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
                profile_url: row.try_get::<Option<&str>, _>("sender_profile_url")?.map(Into::into),
            },
            content: row.try_get::<&str, _>("content")?.into(),
            client_id: row.try_get("client_id")?,
            deletes: row.try_get("deletes")?,
            created_at: row.try_get("created_at")?,
        })
    }
}
