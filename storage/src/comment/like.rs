//! Liking a comment, each person once.

use super::Comments;
use crate::engine::{Insert, OnConflict};
use crate::event::{self, Activity, NewEvent};
use crate::post::Liked;
use crate::{CommentId, PostId, StorageError, TimestampMs, UserId};

const INSERT: Insert = Insert {
    table: "comment_like",
    columns: &["comment_id", "user_id", "created_at"],
    on_conflict: OnConflict::Skip,
};

const DELETE: &str = "delete from comment_like where comment_id = $1 and user_id = $2";

const COUNT_UP: &str = "update comment set like_count = like_count + 1 where id = $1 and deleted_at is null";
const COUNT_DOWN: &str =
    "update comment set like_count = like_count - 1 where id = $1 and deleted_at is null";

const POST_AND_AUTHOR: &str = "select post_id, author_id from comment where id = $1";

/// The count is changed first, as with posts.
impl Comments {
    /// Notes that somebody likes this comment; again, nothing happens.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such comment or person.
    pub async fn like(&self, id: CommentId, user: UserId, now: TimestampMs) -> Result<Liked, StorageError> {
        let insert = sqlx::query(self.database.insert(&INSERT, 1)).bind(id).bind(user).bind(now);
        let event = |post, author| {
            let activity = Activity::CommentLiked { comment: id, post, author };
            NewEvent { actor: user, activity, time: now }
        };
        self.count_like(id, COUNT_UP, insert, event).await
    }

    /// Takes a like back; without one, nothing happens.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such comment.
    pub async fn unlike(&self, id: CommentId, user: UserId) -> Result<Liked, StorageError> {
        let delete = self.database.query(DELETE).bind(id).bind(user);
        let now = TimestampMs::now();
        let event = |post, author| {
            let activity = Activity::CommentUnliked { comment: id, post, author };
            NewEvent { actor: user, activity, time: now }
        };
        self.count_like(id, COUNT_DOWN, delete, event).await
    }

    async fn count_like(
        &self,
        id: CommentId,
        count: &'static str,
        change: sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments>,
        event: impl FnOnce(PostId, UserId) -> NewEvent,
    ) -> Result<Liked, StorageError> {
        let mut transaction = self.database.begin().await?;
        if self.database.query(count).bind(id).execute(&mut *transaction).await?.rows_affected() == 0 {
            return Err(StorageError::NotFound { what: "comment" });
        }
        let is_new = change.execute(&mut *transaction).await?.rows_affected() > 0;
        if is_new {
            let select = self.database.query_as(POST_AND_AUTHOR).bind(id);
            let (post, author) = select.fetch_one(&mut *transaction).await?;
            event::append(&mut transaction, &event(post, author)).await?;
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        let select =
            self.database.query_scalar::<i64>("select like_count from comment where id = $1").bind(id);
        let like_count = select.fetch_optional(self.database.reader()).await?;
        Ok(Liked { is_new, like_count: like_count.unwrap_or_default().unsigned_abs() })
    }
}
