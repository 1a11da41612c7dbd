//! Whose login it is, as that person is now.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::Tokens;
use crate::user::UserName;
use crate::{FamilyId, StorageError, TimestampMs, UserId};

/// Somebody with a login, under the name that she has now: a token may be older than that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub user: UserId,
    /// What others see.
    pub name: UserName,
    /// Where her picture is.
    pub avatar_url: Option<String>,
}

impl FromRow<'_, AnyRow> for Holder {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            user: row.try_get("id")?,
            name: row.try_get("name")?,
            avatar_url: row.try_get("avatar_url")?,
        })
    }
}

const SELECT_HOLDER: &str = "
    select users.id, users.name, users.avatar_url
    from token_family join users on users.id = token_family.user_id
    where token_family.id = $1 and token_family.revoked_at is null and token_family.expires_at > $2";

impl Tokens {
    /// Whose login it is, if it stands: begun, not ended, not expired.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn holder(&self, family: FamilyId, now: TimestampMs) -> Result<Option<Holder>, StorageError> {
        let select = self.database.query_as(SELECT_HOLDER).bind(family).bind(now);
        Ok(select.fetch_optional(self.database.reader()).await?)
    }
}
