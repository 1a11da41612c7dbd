//! Looking at a post: each viewer counts once in a day.

use super::{Posts, rescore};
use crate::engine::{Insert, OnConflict, Transaction};
use crate::limits::{PURGE_ROWS_MAX, VIEW_WINDOW};
use crate::{PostId, StorageError, TimestampMs, UserId};

/// Who looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Somebody with an account.
    User(UserId),
    /// Somebody without: a name for a day that says nothing about who it is.
    Anonymous(String),
}

impl Viewer {
    fn key(&self) -> String {
        match self {
            Self::User(id) => format!("u{id}"),
            Self::Anonymous(name) => format!("a{name}"),
        }
    }
}

const INSERT: Insert =
    Insert { table: "post_view", columns: &["post_id", "viewer", "seen_at"], on_conflict: OnConflict::Skip };

const SEEN: &str = "select seen_at from post_view where post_id = $1 and viewer = $2";

const SEE_AGAIN: &str =
    "update post_view set seen_at = $1 where post_id = $2 and viewer = $3 and seen_at <= $4";

const COUNT_UP: &str = "update post set view_count = view_count + 1 where id = $1";

/// The derived table is for MySQL, which cannot delete from what it reads otherwise.
const PURGE: &str = "
    delete from post_view where seen_at <= $1 and (post_id, viewer) in (
        select post_id, viewer from (
            select post_id, viewer from post_view where seen_at <= $2 order by seen_at limit $3
        ) oldest
    )";

impl Posts {
    /// Notes that somebody looks at this post. Says whether that counted: the next look counts when the one that
    /// counted last is a day old.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such post.
    pub async fn view(&self, id: PostId, viewer: &Viewer, now: TimestampMs) -> Result<bool, StorageError> {
        let viewer = viewer.key();
        let start = now.minus(VIEW_WINDOW);
        // Most looks are second ones, and those need not wait for the writer.
        let seen = self.database.query_scalar::<TimestampMs>(SEEN).bind(id).bind(&*viewer);
        if seen.fetch_optional(self.database.reader()).await?.is_some_and(|seen| seen > start) {
            return Ok(false);
        }
        let mut transaction = self.database.begin().await?;
        let counted = self.database.query(COUNT_UP).bind(id).execute(&mut *transaction).await?;
        if counted.rows_affected() == 0 {
            return Err(StorageError::NotFound { what: "post" });
        }
        if !self.see(&mut transaction, id, &viewer, now).await? {
            // Somebody with the same name was faster.
            transaction.rollback().await?;
            return Ok(false);
        }
        rescore(&self.database, &mut transaction, id).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn see(
        &self,
        transaction: &mut Transaction,
        id: PostId,
        viewer: &str,
        now: TimestampMs,
    ) -> Result<bool, StorageError> {
        let insert = sqlx::query(self.database.insert(&INSERT, 1)).bind(id).bind(viewer).bind(now);
        if insert.execute(&mut **transaction).await?.rows_affected() > 0 {
            return Ok(true);
        }
        let start = now.minus(VIEW_WINDOW);
        let update = self.database.query(SEE_AGAIN).bind(now).bind(id).bind(viewer).bind(start);
        Ok(update.execute(&mut **transaction).await?.rows_affected() > 0)
    }

    /// Forgets who looked, a day later. Returns how many rows that were.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn purge_views(&self, now: TimestampMs) -> Result<u64, StorageError> {
        let start = now.minus(VIEW_WINDOW);
        let mut purged = 0;
        loop {
            let delete = self.database.query(PURGE).bind(start).bind(start).bind(i64::from(PURGE_ROWS_MAX));
            let rows = delete.execute(self.database.writer()).await?.rows_affected();
            purged += rows;
            if rows < u64::from(PURGE_ROWS_MAX) {
                return Ok(purged);
            }
        }
    }
}
