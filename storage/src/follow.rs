//! Who follows whom.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::engine::{Database, Insert, OnConflict, Transaction};
use crate::event::{self, Activity, NewEvent};
use crate::limits::FOLLOWING_MAX;
use crate::user::{Profile, select_profiles};
use crate::{FollowId, StorageError, TimestampMs, UserId};

/// What became of a wish to follow somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// It begins now.
    Begun,
    /// It was so before.
    Already,
    /// One follows as many people as one may; see [`FOLLOWING_MAX`].
    TooMany,
}

/// One entry of a list of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// The list goes on behind this one.
    pub id: FollowId,
    /// The other person.
    pub profile: Profile,
}

impl FromRow<'_, AnyRow> for Follow {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self { id: row.try_get("follow_id")?, profile: Profile::from_row(row)? })
    }
}

const EXISTS: &str = "select id from users where id = $1 and deleted_at is null";

const INSERT: Insert = Insert {
    table: "follow",
    columns: &["id", "follower_id", "followee_id", "created_at"],
    on_conflict: OnConflict::Skip,
};

const PRESENT: &str = "select id from follow where follower_id = $1 and followee_id = $2";

const DELETE: &str = "delete from follow where follower_id = $1 and followee_id = $2";

const FOLLOW_ONE_MORE: &str = "
    update users set following_count = following_count + 1
    where id = $1 and following_count < $2 and deleted_at is null";

const FOLLOW_ONE_LESS: &str = "update users set following_count = following_count - 1 where id = $1";

const FOLLOWED_BY_ONE_MORE: &str =
    "update users set follower_count = follower_count + 1 where id = $1 and deleted_at is null";

const FOLLOWED_BY_ONE_LESS: &str = "update users set follower_count = follower_count - 1 where id = $1";

const FOLLOWERS: &str = select_profiles!(
    "follow.id as follow_id,",
    "from follow join users on users.id = follow.follower_id
    where follow.followee_id = $2 and follow.id < $3 order by follow.id desc limit $4"
);

const FOLLOWING: &str = select_profiles!(
    "follow.id as follow_id,",
    "from follow join users on users.id = follow.followee_id
    where follow.follower_id = $2 and follow.id < $3 order by follow.id desc limit $4"
);

const FOLLOWERS_AFTER: &str = "
    select follower_id from follow where followee_id = $1 and follower_id > $2 order by follower_id limit $3";

/// Everybody whose counts change when somebody goes, herself included.
const CONCERNED: &str = "
    select id from users where id = $1 or id in (select follower_id from follow where followee_id = $2)
        or id in (select followee_id from follow where follower_id = $3)
    order by id";

const FORGET_READERS: &str = "
    update users set following_count = following_count - 1
    where id in (select follower_id from follow where followee_id = $1)";

const FORGET_READ: &str = "
    update users set follower_count = follower_count - 1
    where id in (select followee_id from follow where follower_id = $1)";

const FORGET_ROWS: [&str; 2] =
    ["delete from follow where followee_id = $1", "delete from follow where follower_id = $1"];

const FORGET_COUNTS: &str = "update users set follower_count = 0, following_count = 0 where id = $1";

/// Who follows whom.
#[derive(Clone, Debug)]
pub struct Follows {
    database: Database,
    following_max: u32,
}

/// The counts are changed first, in the order of ids: that locks the people's rows, so that all who change what is between
/// them stand in one line, and nobody waits in a circle. If there turns out to be nothing to change, everything is taken
/// back.
impl Follows {
    /// The follows in this database.
    pub fn new(database: Database) -> Self {
        Self { database, following_max: FOLLOWING_MAX }
    }

    /// With room for so many people to follow; a test cannot make ten thousand.
    #[must_use]
    pub fn with_room_for(self, following_max: u32) -> Self {
        Self { following_max, ..self }
    }

    /// Lets one person follow another, under an id fresh from the generator. Doing so again changes nothing.
    ///
    /// # Errors
    ///
    /// `NotFound` when one of the two does not exist, `Invalid` when they are one.
    pub async fn follow(
        &self,
        id: FollowId,
        follower: UserId,
        followee: UserId,
        now: TimestampMs,
    ) -> Result<Followed, StorageError> {
        if follower == followee {
            return Err(StorageError::Invalid("nobody follows herself".to_owned()));
        }
        let mut transaction = self.database.begin().await?;
        for user in in_order(follower, followee) {
            let update = if user == follower {
                self.database.query(FOLLOW_ONE_MORE).bind(user).bind(i64::from(self.following_max))
            } else {
                self.database.query(FOLLOWED_BY_ONE_MORE).bind(user)
            };
            match update.execute(&mut *transaction).await?.rows_affected() {
                0 if user == follower => {
                    return self.not_one_more(&mut transaction, follower, followee).await;
                }
                0 => return Err(NO_USER),
                _ => {}
            }
        }
        let insert = sqlx::query(self.database.insert(&INSERT, 1)).bind(id).bind(follower);
        let inserted = insert.bind(followee).bind(now).execute(&mut *transaction).await?;
        if inserted.rows_affected() == 0 {
            return Ok(Followed::Already);
        }
        let activity = Activity::UserFollowed { user: followee };
        event::append(&mut transaction, &NewEvent { actor: follower, activity, time: now }).await?;
        transaction.commit().await?;
        Ok(Followed::Begun)
    }

    /// Lets one person follow another no more. Says whether she did.
    ///
    /// # Errors
    ///
    /// `NotFound` when the other person does not exist.
    pub async fn unfollow(&self, follower: UserId, followee: UserId) -> Result<bool, StorageError> {
        let mut transaction = self.database.begin().await?;
        self.expect_user(&mut transaction, followee).await?;
        for user in in_order(follower, followee) {
            let text = if user == follower { FOLLOW_ONE_LESS } else { FOLLOWED_BY_ONE_LESS };
            self.database.query(text).bind(user).execute(&mut *transaction).await?;
        }
        let delete = self.database.query(DELETE).bind(follower).bind(followee);
        if delete.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let activity = Activity::UserUnfollowed { user: followee };
        let event = NewEvent { actor: follower, activity, time: TimestampMs::now() };
        event::append(&mut transaction, &event).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Those who follow a person, newest first: up to `limit` of them, behind the one where another page ended.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such person.
    pub async fn followers(
        &self,
        of: UserId,
        viewer: Option<UserId>,
        before: Option<FollowId>,
        limit: u16,
    ) -> Result<Vec<Follow>, StorageError> {
        self.page(FOLLOWERS, of, viewer, before, limit).await
    }

    /// Those whom a person follows, newest first: up to `limit` of them, behind the one where another page ended.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such person.
    pub async fn following(
        &self,
        of: UserId,
        viewer: Option<UserId>,
        before: Option<FollowId>,
        limit: u16,
    ) -> Result<Vec<Follow>, StorageError> {
        self.page(FOLLOWING, of, viewer, before, limit).await
    }

    /// Those who follow a person, by id, to walk through all of them: up to `limit` that are greater than `after`.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn followers_after(
        &self,
        of: UserId,
        after: Option<UserId>,
        limit: u16,
    ) -> Result<Vec<UserId>, StorageError> {
        let after = after.unwrap_or(UserId::new(i64::MIN));
        let select = self.database.query_scalar(FOLLOWERS_AFTER).bind(of).bind(after).bind(i64::from(limit));
        Ok(select.fetch_all(self.database.reader()).await?)
    }

    async fn page(
        &self,
        text: &'static str,
        of: UserId,
        viewer: Option<UserId>,
        before: Option<FollowId>,
        limit: u16,
    ) -> Result<Vec<Follow>, StorageError> {
        let before = before.unwrap_or(FollowId::new(i64::MAX));
        let select = self.database.query_as(text).bind(viewer).bind(of).bind(before).bind(i64::from(limit));
        let page: Vec<Follow> = select.fetch_all(self.database.reader()).await?;
        if page.is_empty() {
            let exists = self.database.query_scalar::<UserId>(EXISTS).bind(of);
            exists.fetch_optional(self.database.reader()).await?.ok_or(NO_USER)?;
        }
        Ok(page)
    }

    /// Why somebody does not follow one more.
    async fn not_one_more(
        &self,
        transaction: &mut Transaction,
        follower: UserId,
        followee: UserId,
    ) -> Result<Followed, StorageError> {
        self.expect_user(transaction, follower).await?;
        self.expect_user(transaction, followee).await?;
        let present = self.database.query_scalar::<FollowId>(PRESENT).bind(follower).bind(followee);
        let is_present = present.fetch_optional(&mut **transaction).await?.is_some();
        Ok(if is_present { Followed::Already } else { Followed::TooMany })
    }

    async fn expect_user(&self, transaction: &mut Transaction, user: UserId) -> Result<(), StorageError> {
        let exists = self.database.query_scalar::<UserId>(EXISTS).bind(user);
        exists.fetch_optional(&mut **transaction).await?.map(|_| ()).ok_or(NO_USER)
    }
}

const NO_USER: StorageError = StorageError::NotFound { what: "user" };

fn in_order(one: UserId, other: UserId) -> [UserId; 2] {
    [one.min(other), one.max(other)]
}

/// Lets all wait who would follow or unfollow a person, or be followed by her. To be called before anything of hers is
/// changed, so that rows are locked in the order of ids here, too. Who begins to follow her in this moment is locked later,
/// out of that order: then one of the two gets `Unavailable`, and may repeat.
///
/// # Errors
///
/// Only the engine's.
pub(crate) async fn lock(
    database: &Database,
    transaction: &mut Transaction,
    user: UserId,
) -> Result<(), StorageError> {
    let select = sqlx::query_scalar::<_, UserId>(database.locking(CONCERNED)).bind(user);
    select.bind(user).bind(user).fetch_all(&mut **transaction).await?;
    Ok(())
}

/// Removes a person from all lists, in both directions, and from the counts of the others.
///
/// # Errors
///
/// Only the engine's.
pub(crate) async fn forget(
    database: &Database,
    transaction: &mut Transaction,
    user: UserId,
) -> Result<(), StorageError> {
    let statements = [FORGET_READERS, FORGET_READ].into_iter().chain(FORGET_ROWS).chain([FORGET_COUNTS]);
    for statement in statements {
        database.query(statement).bind(user).execute(&mut **transaction).await?;
    }
    Ok(())
}
