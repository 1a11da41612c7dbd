//! What is too old, or too much for one reader, goes.

use super::Notifications;
use crate::limits::{NOTIFICATION_DAYS, NOTIFICATIONS_KEPT, PURGE_ROWS};
use crate::{IdGenerator, NotificationId, StorageError, TimestampMs, UserId};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

const OLD: &str = "select id from notification where id < $1 order by id limit $2";

const HOARDERS: &str =
    "select user_id from notification group by user_id having count(*) > $1 order by user_id limit $2";

const EXCESS: &str = "select id from notification where user_id = $1 order by id desc limit $2 offset $3";

impl Notifications {
    /// Deletes notifications older than [`NOTIFICATION_DAYS`], and of each reader all but the newest
    /// [`NOTIFICATIONS_KEPT`]. In small transactions. Says how many.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn purge(&self, now: TimestampMs) -> Result<u64, StorageError> {
        let bound = IdGenerator::least_at::<i64>(now.plus_millis(-NOTIFICATION_DAYS * DAY_MS));
        let mut purged = 0;
        loop {
            let old = self.database.query_scalar(OLD).bind(bound).bind(i64::from(PURGE_ROWS));
            let old: Vec<NotificationId> = old.fetch_all(self.database.reader()).await?;
            if old.is_empty() {
                break;
            }
            purged += self.delete_all(&old).await?;
        }
        Ok(purged + self.purge_excess().await?)
    }

    async fn purge_excess(&self) -> Result<u64, StorageError> {
        let (kept, rows) = (i64::from(NOTIFICATIONS_KEPT), i64::from(PURGE_ROWS));
        let mut purged = 0;
        loop {
            let readers = self.database.query_scalar(HOARDERS).bind(kept).bind(rows);
            let readers: Vec<UserId> = readers.fetch_all(self.database.reader()).await?;
            if readers.is_empty() {
                return Ok(purged);
            }
            for reader in readers {
                let excess = self.database.query_scalar(EXCESS).bind(reader).bind(rows).bind(kept);
                let excess: Vec<NotificationId> = excess.fetch_all(self.database.reader()).await?;
                purged += self.delete_all(&excess).await?;
            }
        }
    }

    async fn delete_all(&self, ids: &[NotificationId]) -> Result<u64, StorageError> {
        let mut transaction = self.database.begin().await?;
        let deleted = crate::activity::delete_notifications(&mut transaction, ids).await?;
        transaction.commit().await?;
        Ok(deleted)
    }
}
