//! Who wrote something, as she is now: what posts and comments show beside their text.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::{User, UserName};
use crate::{TimestampMs, UserId};

/// Who wrote something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The person.
    pub id: UserId,
    /// What others see.
    pub name: UserName,
    /// Where her picture is.
    pub avatar_url: Option<String>,
    /// Whether the account was deleted; then the name is a placeholder.
    pub is_deleted: bool,
}

impl From<User> for Author {
    fn from(user: User) -> Self {
        let User { id, name, avatar_url, deleted_at, .. } = user;
        Self { id, name, avatar_url, is_deleted: deleted_at.is_some() }
    }
}

/// The columns of an [`Author`], of a query that calls the table of people `u`.
macro_rules! author_columns {
    () => {
        "u.id as author_id, u.name as author_name, u.avatar_url as author_avatar_url, u.deleted_at as author_deleted_at"
    };
}

pub(crate) use author_columns;

impl FromRow<'_, AnyRow> for Author {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("author_id")?,
            name: row.try_get("author_name")?,
            avatar_url: row.try_get("author_avatar_url")?,
            is_deleted: row.try_get::<Option<TimestampMs>, _>("author_deleted_at")?.is_some(),
        })
    }
}
