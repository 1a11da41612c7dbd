//! The end of accounts whose owner never showed that the address is hers.

use super::Accounts;
use crate::engine::Turn;
use crate::limits::PURGE_ROWS;
use crate::{StorageError, TimestampMs, UserId};

/// An account whose address was never proved and that left no trace, by when it was made at the latest.
macro_rules! unproved {
    ($before:literal) => {
        concat!(
            "users.verified_at is null and users.created_at < ",
            $before,
            " and users.deleted_at is null and users.suspended_at is null and users.role = 'user'
            and not exists (select 1 from token_family where token_family.user_id = users.id)
            and not exists (select 1 from follow where follow.follower_id = users.id)
            and not exists (select 1 from post where post.author_id = users.id)
            and not exists (select 1 from comment where comment.author_id = users.id)
            and not exists (select 1 from post_like where post_like.user_id = users.id)
            and not exists (select 1 from comment_like where comment_like.user_id = users.id)
            and not exists (select 1 from idempotency_keys where idempotency_keys.user_id = users.id)"
        )
    };
}

const SELECT: &str = concat!("select users.id from users where ", unproved!("$1"), " limit $2");

const DELETE: &str = concat!("delete from users where ", unproved!("$1"), " and users.id = $2");

impl Accounts {
    /// Deletes accounts that were made before this moment and whose address was never proved, as if they had never been:
    /// whoever mistyped hers, or used another's, does not keep name and address for ever. Those in whose name something
    /// happened, where no proof was asked for then, stay, and so do suspended ones. Says how many that was.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn purge_unproved(&self, before: TimestampMs, now: TimestampMs) -> Result<u64, StorageError> {
        let mut purged = 0;
        loop {
            let page = self.database.query_scalar(SELECT).bind(before).bind(i64::from(PURGE_ROWS));
            let users: Vec<UserId> = page.fetch_all(self.database.reader()).await?;
            let mut gone = 0;
            for user in users {
                gone += self.purge_if_unproved(user, before, now).await?;
            }
            // Those that are left have got a proof meanwhile.
            if gone == 0 {
                return Ok(purged);
            }
            purged += gone;
        }
    }

    async fn purge_if_unproved(
        &self,
        user: UserId,
        before: TimestampMs,
        now: TimestampMs,
    ) -> Result<u64, StorageError> {
        let mut transaction = self.database.begin().await?;
        transaction.take(Turn::Notification).await?;
        self.withdraw(&mut transaction, user, now).await?;
        let delete = self.database.query(DELETE).bind(before).bind(user);
        let gone = delete.execute(&mut *transaction).await?.rows_affected();
        if gone == 0 {
            transaction.rollback().await?;
        } else {
            self.forget(&mut transaction, user).await?;
            transaction.commit().await?;
        }
        Ok(gone)
    }
}
