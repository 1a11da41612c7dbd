//! What people show of themselves, and how they change it.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Encode, FromRow, Row, Type};

use super::detail::{BirthYear, Interest, Intro, Region};
use super::{User, UserName, Users, search};
use crate::engine::{Database, Transaction};
use crate::picture;
use crate::{StorageError, TimestampMs, UserId};

/// A person as others see her, and the details that she may keep to herself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Who.
    pub id: UserId,
    /// What others see.
    pub name: UserName,
    /// What she says about herself.
    pub intro: Option<Intro>,
    /// Where her picture is, relative to the server.
    pub avatar_url: Option<String>,
    /// When the account was made.
    pub created_at: TimestampMs,
    /// When it was deleted, after which there is nothing more to know.
    pub deleted_at: Option<TimestampMs>,
    /// When she was born.
    pub birth_year: Option<BirthYear>,
    /// Where she lives.
    pub region: Option<Region>,
    /// What she cares for.
    pub interests: Vec<Interest>,
    /// Which of these three everybody may see.
    pub visibility: DetailVisibility,
    /// How many follow her.
    pub follower_count: u64,
    /// How many she follows.
    pub following_count: u64,
    /// Whether the one who asked follows her.
    pub is_followed: bool,
}

impl Profile {
    /// The profile of somebody who has just registered.
    pub fn of_newcomer(user: &User) -> Self {
        Self {
            id: user.id,
            name: user.name.clone(),
            intro: None,
            avatar_url: None,
            created_at: user.created_at,
            deleted_at: user.deleted_at,
            birth_year: None,
            region: None,
            interests: Vec::new(),
            visibility: DetailVisibility::default(),
            follower_count: 0,
            following_count: 0,
            is_followed: false,
        }
    }
}

/// Who sees a detail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Nobody else.
    #[default]
    Private,
    /// Everybody.
    Public,
}

/// Who sees which detail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DetailVisibility {
    /// Of the year of birth.
    pub birth_year: Visibility,
    /// Of the region.
    pub region: Visibility,
    /// Of the interests.
    pub interests: Visibility,
}

/// What changes of a profile. The outer `None` leaves a field as it is, the inner one empties it.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// A name cannot be given up, only changed.
    pub name: Option<UserName>,
    /// What she says about herself.
    pub intro: Option<Option<Intro>>,
    /// When she was born.
    pub birth_year: Option<Option<BirthYear>>,
    /// Where she lives.
    pub region: Option<Option<Region>>,
    /// What she cares for; empty for nothing.
    pub interests: Option<Vec<Interest>>,
    /// Who sees the year of birth.
    pub birth_year_visibility: Option<Visibility>,
    /// Who sees the region.
    pub region_visibility: Option<Visibility>,
    /// Who sees the interests.
    pub interests_visibility: Option<Visibility>,
}

/// A `select` of profiles for the viewer `$1`, with what else the row shall hold.
macro_rules! select_profiles {
    ($more:literal, $tail:literal) => {
        concat!(
            "select ",
            $more,
            " users.id, users.name, users.intro, users.avatar_url, users.created_at, users.deleted_at,
                users.birth_year, users.region, users.interests, users.birth_year_public, users.region_public,
                users.interests_public, users.follower_count, users.following_count,
                (select count(*) from follow as mine
                 where mine.follower_id = $1 and mine.followee_id = users.id) as is_followed ",
            $tail
        )
    };
}

pub(crate) use select_profiles;

const SELECT: &str = select_profiles!("", "from users where users.id = $2");

const RENAME: &str = "update users set name = $1, name_folded = $2 where id = $3 and deleted_at is null";

/// The row's lock comes first: of two who change one picture at once, the second sees what the first has put there.
const LOCK: &str = "update users set avatar_url = avatar_url where id = $1 and deleted_at is null";

const FORGET: &str = "
    update users set intro = null, avatar_url = null, birth_year = null, region = null, interests = null,
        birth_year_public = 0, region_public = 0, interests_public = 0
    where id = $1";

impl Users {
    /// The profile of a person, seen by somebody or by nobody in particular; also of a deleted
    /// account.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn profile(&self, id: UserId, viewer: Option<UserId>) -> Result<Option<Profile>, StorageError> {
        let select = self.database.query_as(SELECT).bind(viewer).bind(id);
        Ok(select.fetch_optional(self.database.reader()).await?)
    }

    /// Changes a profile as a whole or, when the name is taken, not at all.
    ///
    /// # Errors
    ///
    /// `Conflict` in the field `"name"` when somebody else has it, `NotFound` when there is no such person.
    pub async fn change_profile(&self, id: UserId, change: ProfileChange) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        if let Some(name) = &change.name {
            self.rename(&mut transaction, id, name).await?;
        }
        let visible = |visibility: Option<Visibility>| visibility.map(Visibility::to_smallint);
        let mut row = UserRow { database: &self.database, transaction: &mut transaction, id };
        row.set("update users set intro = $1 where id = $2 and deleted_at is null", change.intro).await?;
        row.set("update users set birth_year = $1 where id = $2 and deleted_at is null", change.birth_year)
            .await?;
        row.set("update users set region = $1 where id = $2 and deleted_at is null", change.region).await?;
        let interests = change.interests.map(|interests| interests_to_json(&interests)).transpose()?;
        row.set("update users set interests = $1 where id = $2 and deleted_at is null", interests).await?;
        let shown = visible(change.birth_year_visibility);
        row.set("update users set birth_year_public = $1 where id = $2 and deleted_at is null", shown)
            .await?;
        let shown = visible(change.region_visibility);
        row.set("update users set region_public = $1 where id = $2 and deleted_at is null", shown).await?;
        let shown = visible(change.interests_visibility);
        row.set("update users set interests_public = $1 where id = $2 and deleted_at is null", shown).await?;
        Ok(transaction.commit().await?)
    }

    /// Replaces the picture of a person, or takes it away. The files of the old one are left to
    /// [`Pictures::sweep`](crate::picture::Pictures::sweep).
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such person.
    pub async fn set_avatar(
        &self,
        id: UserId,
        url: Option<&str>,
        now: TimestampMs,
    ) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        release_avatar(&self.database, &mut transaction, id, now).await?;
        let mut row = UserRow { database: &self.database, transaction: &mut transaction, id };
        row.set(
            "update users set avatar_url = $1 where id = $2 and deleted_at is null",
            Some(url.map(str::to_owned)),
        )
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn rename(
        &self,
        transaction: &mut Transaction,
        id: UserId,
        name: &UserName,
    ) -> Result<(), StorageError> {
        let update = self.database.query(RENAME).bind(name).bind(name.folded()).bind(id);
        let updated = update.execute(&mut **transaction).await;
        let updated = updated.map_err(|error| self.name_conflict(error))?;
        found(updated.rows_affected())?;
        search::index_name(&self.database, transaction, id, name).await
    }
}

/// Removes all that a person told of herself, and herself from the search. Her name stays: what becomes of it is the
/// caller's business.
///
/// # Errors
///
/// `NotFound` when there is no such person.
pub(crate) async fn forget(
    database: &Database,
    transaction: &mut Transaction,
    id: UserId,
    now: TimestampMs,
) -> Result<(), StorageError> {
    release_avatar(database, transaction, id, now).await?;
    database.query(FORGET).bind(id).execute(&mut **transaction).await?;
    search::forget_name(database, transaction, id).await
}

/// Says that a picture may be of no use any more, before its owner gets another one.
async fn release_avatar(
    database: &Database,
    transaction: &mut Transaction,
    id: UserId,
    now: TimestampMs,
) -> Result<(), StorageError> {
    found(database.query(LOCK).bind(id).execute(&mut **transaction).await?.rows_affected())?;
    let select = database.query_scalar::<Option<String>>("select avatar_url from users where id = $1");
    match select.bind(id).fetch_optional(&mut **transaction).await?.flatten() {
        Some(old) => picture::mark_unused(database, transaction, &old, now).await,
        None => Ok(()),
    }
}

/// The row of one person, inside a transaction.
struct UserRow<'a> {
    database: &'a Database,
    transaction: &'a mut Transaction,
    id: UserId,
}

impl UserRow<'_> {
    /// Sets one column, if there is something to set.
    async fn set<V>(&mut self, update: &'static str, value: Option<V>) -> Result<(), StorageError>
    where
        V: for<'q> Encode<'q, Any> + Type<Any> + Send,
    {
        let Some(value) = value else {
            return Ok(());
        };
        let update = self.database.query(update).bind(value).bind(self.id);
        found(update.execute(&mut **self.transaction).await?.rows_affected())
    }
}

fn found(rows: u64) -> Result<(), StorageError> {
    if rows == 0 { Err(StorageError::NotFound { what: "user" }) } else { Ok(()) }
}

impl Visibility {
    fn to_smallint(self) -> i16 {
        match self {
            Self::Private => 0,
            Self::Public => 1,
        }
    }

    fn read(row: &AnyRow, column: &str) -> Result<Self, sqlx::Error> {
        let is_public = row.try_get::<i64, _>(column)? != 0;
        Ok(if is_public { Self::Public } else { Self::Private })
    }
}

fn interests_to_json(interests: &[Interest]) -> Result<String, StorageError> {
    serde_json::to_string(interests).map_err(|error| StorageError::Internal(error.into()))
}

fn interests_of_json(row: &AnyRow) -> Result<Vec<Interest>, sqlx::Error> {
    let json: Option<&str> = row.try_get("interests")?;
    let interests = json.map(serde_json::from_str).transpose();
    Ok(interests.map_err(|error| sqlx::Error::Decode(error.into()))?.unwrap_or_default())
}

fn count(row: &AnyRow, column: &str) -> Result<u64, sqlx::Error> {
    let count: i64 = row.try_get(column)?;
    u64::try_from(count).map_err(|error| sqlx::Error::Decode(error.into()))
}

impl FromRow<'_, AnyRow> for Profile {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            intro: row.try_get("intro")?,
            avatar_url: row.try_get("avatar_url")?,
            created_at: row.try_get("created_at")?,
            deleted_at: row.try_get("deleted_at")?,
            birth_year: row.try_get("birth_year")?,
            region: row.try_get("region")?,
            interests: interests_of_json(row)?,
            visibility: DetailVisibility {
                birth_year: Visibility::read(row, "birth_year_public")?,
                region: Visibility::read(row, "region_public")?,
                interests: Visibility::read(row, "interests_public")?,
            },
            follower_count: count(row, "follower_count")?,
            following_count: count(row, "following_count")?,
            is_followed: count(row, "is_followed")? != 0,
        })
    }
}
