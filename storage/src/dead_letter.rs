//! Events that could not be processed, for somebody to look at, to try again or to throw away.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::engine::Database;
use crate::event::{self, Event};
use crate::{EventId, StorageError, TimestampMs};

/// An event and what was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event, as it came.
    pub event: Event,
    /// What was wrong, for people.
    pub reason: Box<str>,
    /// When it was given up.
    pub failed_at: TimestampMs,
}

impl FromRow<'_, AnyRow> for DeadLetter {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            event: Event::from_row(row)?,
            reason: row.try_get::<&str, _>("reason")?.into(),
            failed_at: row.try_get("failed_at")?,
        })
    }
}

/// A `select` of whole dead letters.
macro_rules! select_dead_letters {
    ($condition:literal) => {
        concat!(
            "select id, actor_id, kind, version, payload, occurred_at, reason, failed_at
            from dead_letter where ",
            $condition
        )
    };
}

/// The events that could not be processed.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    database: Database,
}

impl DeadLetters {
    /// Those in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// The newest ones, below `before` if that is given, newest first.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn page(&self, before: Option<EventId>, limit: u16) -> Result<Vec<DeadLetter>, StorageError> {
        let text = select_dead_letters!("id < $1 order by id desc limit $2");
        let before = before.unwrap_or(EventId::new(i64::MAX));
        let select = self.database.query_as(text).bind(before).bind(i64::from(limit));
        Ok(select.fetch_all(self.database.reader()).await?)
    }

    /// Puts an event back into the outbox, to be published once more under its own id.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such dead letter.
    pub async fn replay(&self, id: EventId) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        let select = self.database.query_as::<DeadLetter>(select_dead_letters!("id = $1")).bind(id);
        let letter = select.fetch_optional(&mut *transaction).await?.ok_or_else(not_found)?;
        // Not inserted means that it is under way already.
        event::insert(&mut transaction, &letter.event).await?;
        let delete = self.database.query("delete from dead_letter where id = $1").bind(id);
        delete.execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Throws an event away.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such dead letter.
    pub async fn delete(&self, id: EventId) -> Result<(), StorageError> {
        let delete = self.database.query("delete from dead_letter where id = $1").bind(id);
        let deleted = delete.execute(self.database.writer()).await?.rows_affected();
        if deleted == 0 { Err(not_found()) } else { Ok(()) }
    }
}

fn not_found() -> StorageError {
    StorageError::NotFound { what: "dead letter" }
}
