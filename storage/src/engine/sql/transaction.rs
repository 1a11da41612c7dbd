//! [`Transaction`]: a unit of work that may also tell what was done.

use std::fmt;
use std::ops::{Deref, DerefMut};

use sqlx::{Any, AnyConnection};

use super::Database;
use crate::StorageError;

/// Changes of which only one is under way at a time, whoever makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Of candles, what is known of them, and who asked for old ones.
    Candle,
    /// Of notifications: their ids rise in the order of the commits.
    Notification,
}

impl Turn {
    /// As the table `turn` has it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Candle => "candle",
            Self::Notification => "notification",
        }
    }
}

/// A unit of work: all of its writes happen, or none. Dropped without a commit it is rolled back.
pub(crate) struct Transaction {
    inner: sqlx::Transaction<'static, Any>,
    database: Database,
    has_events: bool,
}

impl Transaction {
    pub(super) fn new(inner: sqlx::Transaction<'static, Any>, database: Database) -> Self {
        Self { inner, database, has_events: false }
    }

    /// Where it takes place.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Waits for other units in which this turn was taken, and lets later ones wait until this one ends. To be called before
    /// anything else is locked. On SQLite all units go one by one anyway.
    pub(crate) async fn take(&mut self, turn: Turn) -> Result<(), StorageError> {
        if self.database.dialect.is_remote() {
            let text = self.database.locking("select name from turn where name = $1");
            let select = sqlx::query_scalar::<_, String>(text).bind(turn.as_str());
            select.fetch_one(&mut *self.inner).await?;
        }
        Ok(())
    }

    /// An id for something that is made in this unit.
    pub(crate) fn next_id<I: From<i64>>(&self) -> I {
        self.database.events.ids.next()
    }

    /// There are events in this unit: whoever waits for them hears of it after the commit.
    pub(crate) fn has_events(&mut self) {
        self.has_events = true;
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.inner.commit().await?;
        if self.has_events {
            self.database.events.committed.notify_one();
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<(), sqlx::Error> {
        self.inner.rollback().await
    }
}

impl Deref for Transaction {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("has_events", &self.has_events).finish_non_exhaustive()
    }
}
