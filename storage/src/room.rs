//! Where people talk: one room per market.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::engine::{Database, Insert, OnConflict};
use crate::limits::INSERT_ROWS_MAX;
use crate::{RoomName, StorageError, TimestampMs};

/// A room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The code of its market.
    pub name: RoomName,
    /// When it was first made.
    pub created_at: TimestampMs,
}

impl FromRow<'_, AnyRow> for Room {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self { name: row.try_get("name")?, created_at: row.try_get("created_at")? })
    }
}

const INSERT: Insert =
    Insert { table: "room", columns: &["name", "created_at"], on_conflict: OnConflict::Skip };

/// All rooms.
#[derive(Clone, Debug)]
pub struct Rooms {
    database: Database,
}

impl Rooms {
    /// The rooms in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Makes those of these rooms that do not exist yet.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn ensure(&self, names: &[RoomName], now: TimestampMs) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        for some in names.chunks(INSERT_ROWS_MAX) {
            let insert = sqlx::query(self.database.insert(&INSERT, some.len())).persistent(false);
            let bound = some.iter().fold(insert, |insert, name| insert.bind(name).bind(now));
            bound.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// All of them, by name.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn list(&self) -> Result<Vec<Room>, StorageError> {
        let select = self.database.query_as("select name, created_at from room order by name");
        Ok(select.fetch_all(self.database.reader()).await?)
    }

    /// The room of this name.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn get(&self, name: &RoomName) -> Result<Option<Room>, StorageError> {
        let select = self.database.query_as("select name, created_at from room where name = $1").bind(name);
        Ok(select.fetch_optional(self.database.reader()).await?)
    }
}
