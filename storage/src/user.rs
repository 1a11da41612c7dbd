//! People with an account.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, FromRow, Row};

use crate::engine::{Database, Transaction};
use crate::limits::INSERT_ROWS_MAX;
use crate::{StorageError, TimestampMs, UserId};

mod author;
mod detail;
mod name;
mod profile;
mod search;

pub use author::Author;
pub use detail::{BirthYear, DetailError, Interest, Intro, Region};
pub use name::{Email, EmailError, UserName, UserNameError};
pub use profile::{DetailVisibility, Profile, ProfileChange, Visibility};
pub use search::{Hit, SearchPlace};

pub(crate) use author::author_columns;
pub(crate) use name::is_invisible;
pub(crate) use profile::{forget as forget_profile, select_profiles};

/// What a person may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read and write.
    #[default]
    User,
    /// Everything, also to others' things.
    Admin,
}

impl Role {
    /// As databases and JSON have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

/// A text is no [`Role`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the role user or admin")]
pub struct RoleError;

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::User, Self::Admin].into_iter().find(|role| role.as_str() == text).ok_or(RoleError)
    }
}

/// A person with an account.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// What others see.
    pub name: UserName,
    /// What the person logs in with.
    pub email: Email,
    /// Argon2id in PHC string format. It stays out of `Debug`.
    pub password_hash: String,
    /// What the person may do.
    pub role: Role,
    /// When the address was proved; `None` until then.
    pub verified_at: Option<TimestampMs>,
    /// What the person says about herself.
    pub intro: Option<String>,
    /// Where her picture is.
    pub avatar_url: Option<String>,
    /// Since when she may not log in; `None` while she may.
    pub suspended_at: Option<TimestampMs>,
    /// When the account was deleted. The rest is what is left for what she wrote: the name is a placeholder, the
    /// address nobody's.
    pub deleted_at: Option<TimestampMs>,
    /// When the account was made.
    pub created_at: TimestampMs,
}

/// A person who registers.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Who, fresh from the generator.
    pub id: UserId,
    /// What others will see; unique whatever its letter case.
    pub name: UserName,
    /// What the person logs in with; unique.
    pub email: Email,
    /// Argon2id in PHC string format. It stays out of `Debug`.
    pub password_hash: String,
    /// What the person may do.
    pub role: Role,
    /// When the address was proved, if that has happened already.
    pub verified_at: Option<TimestampMs>,
    /// Now.
    pub created_at: TimestampMs,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, role, .. } = self;
        f.debug_struct("User").field("id", id).field("name", name).field("role", role).finish_non_exhaustive()
    }
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, role, .. } = self;
        f.debug_struct("NewUser")
            .field("id", id)
            .field("name", name)
            .field("role", role)
            .finish_non_exhaustive()
    }
}

impl FromRow<'_, AnyRow> for User {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            email: row.try_get("email")?,
            password_hash: row.try_get("password_hash")?,
            role: row.try_get("role")?,
            verified_at: row.try_get("verified_at")?,
            intro: row.try_get("intro")?,
            avatar_url: row.try_get("avatar_url")?,
            suspended_at: row.try_get("suspended_at")?,
            deleted_at: row.try_get("deleted_at")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// A `select` of whole users.
macro_rules! select_users {
    ($condition:literal) => {
        concat!(
            "select id, name, email, password_hash, role, verified_at, intro, avatar_url, suspended_at, deleted_at,
                created_at
            from users where ",
            $condition
        )
    };
}

const INSERT: &str = "
    insert into users (id, name, name_folded, email, password_hash, role, verified_at, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

const SEARCH_ACCOUNTS: &str = select_users!(
    "deleted_at is null and id < $1 and (name_folded like $2 escape '!' or email like $3 escape '!')
    order by id desc limit $4"
);

/// All people with an account.
#[derive(Clone, Debug)]
pub struct Users {
    database: Database,
}

impl Users {
    /// The people in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Adds a person.
    ///
    /// # Errors
    ///
    /// `Conflict` when the name (in any letter case) or the address is taken; its
    /// [`field`](StorageError::field) says which, `"name"` or `"email"`.
    pub async fn create(&self, user: &NewUser) -> Result<User, StorageError> {
        let mut transaction = self.database.begin().await?;
        let user = self.insert(&mut transaction, user).await?;
        transaction.commit().await?;
        Ok(user)
    }

    /// Adds a person as part of a larger change.
    pub(crate) async fn insert(
        &self,
        transaction: &mut Transaction,
        user: &NewUser,
    ) -> Result<User, StorageError> {
        let insert = self.bind_new(user).execute(&mut **transaction).await;
        insert.map_err(|error| self.name_conflict(error))?;
        search::index_name(&self.database, transaction, user.id, &user.name).await?;
        let NewUser { id, name, email, password_hash, role, verified_at, created_at } = user.clone();
        Ok(User {
            id,
            name,
            email,
            password_hash,
            role,
            verified_at,
            intro: None,
            avatar_url: None,
            suspended_at: None,
            deleted_at: None,
            created_at,
        })
    }

    /// The person with this id, also if her account was deleted: what she wrote still names her.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn by_id(&self, id: UserId) -> Result<Option<User>, StorageError> {
        let select = self.database.query_as(select_users!("id = $1")).bind(id);
        Ok(select.fetch_optional(self.database.reader()).await?)
    }

    /// The person with this address.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn by_email(&self, email: &Email) -> Result<Option<User>, StorageError> {
        let select = self.database.query_as(select_users!("email = $1 and deleted_at is null")).bind(email);
        Ok(select.fetch_optional(self.database.reader()).await?)
    }

    /// Those of these people who exist, in no particular order, each once; those with a deleted account among them.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StorageError> {
        let mut unique = ids.to_vec();
        unique.sort_unstable();
        unique.dedup();
        let mut users = Vec::with_capacity(unique.len());
        for some in unique.chunks(INSERT_ROWS_MAX) {
            users.append(&mut self.by_unique_ids(some).await?);
        }
        Ok(users)
    }

    /// People whose name or address holds `part`, in any letter case, the newest account first, from those older than
    /// `before` on. No deleted accounts. It reads all of them, which an administrator may ask for now and then.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn search_accounts(
        &self,
        part: &str,
        before: Option<UserId>,
        limit: u16,
    ) -> Result<Vec<User>, StorageError> {
        let (name, email) = (containing(&name::fold(part)), containing(&part.to_lowercase()));
        if part.contains('\0') {
            return Ok(Vec::new());
        }
        let before = before.unwrap_or(UserId::new(i64::MAX));
        let select = self
            .database
            .query_as(SEARCH_ACCOUNTS)
            .bind(before)
            .bind(name)
            .bind(email)
            .bind(i64::from(limit));
        Ok(select.fetch_all(self.database.reader()).await?)
    }

    fn bind_new(&self, user: &NewUser) -> Query<'_, Any, AnyArguments> {
        self.database
            .query(INSERT)
            .bind(user.id)
            .bind(&user.name)
            .bind(user.name.folded())
            .bind(&user.email)
            .bind(&*user.password_hash)
            .bind(user.role)
            .bind(user.verified_at)
            .bind(user.created_at)
    }

    fn name_conflict(&self, error: sqlx::Error) -> StorageError {
        if self.database.is_taken(&error, "users", "name_folded") {
            StorageError::Taken { field: "name" }
        } else if self.database.is_taken(&error, "users", "email") {
            StorageError::Taken { field: "email" }
        } else {
            error.into()
        }
    }

    async fn by_unique_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StorageError> {
        let text = self.database.among(select_users!("id in "), ids.len());
        let select = sqlx::query_as(text).persistent(false);
        let select = ids.iter().fold(select, |select, id| select.bind(id));
        Ok(select.fetch_all(self.database.reader()).await?)
    }
}

/// The `like` pattern for texts with `part` in them, which may hold the pattern's own signs.
fn containing(part: &str) -> String {
    let mut pattern = String::from("%");
    for sign in part.chars() {
        if matches!(sign, '!' | '%' | '_') {
            pattern.push('!');
        }
        pattern.push(sign);
    }
    pattern.push('%');
    pattern
}
