//! Liking a post, each person once.

use super::{Posts, author, rescore};
use crate::engine::{Insert, OnConflict};
use crate::event::{self, Activity, NewEvent};
use crate::{PostId, StorageError, TimestampMs, UserId};

/// What a like or its withdrawal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liked {
    /// Whether it changed anything.
    pub is_new: bool,
    /// People who like it now.
    pub like_count: u64,
}

const INSERT: Insert = Insert {
    table: "post_like",
    columns: &["post_id", "user_id", "created_at"],
    on_conflict: OnConflict::Skip,
};

const DELETE: &str = "delete from post_like where post_id = $1 and user_id = $2";

const COUNT_UP: &str = "update post set like_count = like_count + 1 where id = $1";
const COUNT_DOWN: &str = "update post set like_count = like_count - 1 where id = $1";

/// The count is changed first: that locks the post's row, so that all who like or comment it stand in one line and none
/// of them can wait for another in a circle. If the like turns out to be there already, everything is taken back.
impl Posts {
    /// Notes that somebody likes this post; again, nothing happens.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such post or person.
    pub async fn like(&self, id: PostId, user: UserId, now: TimestampMs) -> Result<Liked, StorageError> {
        let insert = sqlx::query(self.database.insert(&INSERT, 1)).bind(id).bind(user).bind(now);
        let event =
            |author| NewEvent { actor: user, activity: Activity::PostLiked { post: id, author }, time: now };
        self.count_like(id, COUNT_UP, insert, event).await
    }

    /// Takes a like back; without one, nothing happens.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such post.
    pub async fn unlike(&self, id: PostId, user: UserId) -> Result<Liked, StorageError> {
        let delete = self.database.query(DELETE).bind(id).bind(user);
        let now = TimestampMs::now();
        let event = |author| NewEvent {
            actor: user,
            activity: Activity::PostUnliked { post: id, author },
            time: now,
        };
        self.count_like(id, COUNT_DOWN, delete, event).await
    }

    async fn count_like(
        &self,
        id: PostId,
        count: &'static str,
        change: sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments>,
        event: impl FnOnce(UserId) -> NewEvent,
    ) -> Result<Liked, StorageError> {
        let mut transaction = self.database.begin().await?;
        if self.database.query(count).bind(id).execute(&mut *transaction).await?.rows_affected() == 0 {
            return Err(StorageError::NotFound { what: "post" });
        }
        let is_new = change.execute(&mut *transaction).await?.rows_affected() > 0;
        if is_new {
            rescore(&self.database, &mut transaction, id).await?;
            let author = author(&mut transaction, id).await?;
            event::append(&mut transaction, &event(author)).await?;
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        let select = self.database.query_scalar::<i64>("select like_count from post where id = $1").bind(id);
        let like_count = select.fetch_optional(self.database.reader()).await?;
        Ok(Liked { is_new, like_count: like_count.unwrap_or_default().unsigned_abs() })
    }
}
