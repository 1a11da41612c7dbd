//! What people did, to look back at, and what follows from it for others.
//!
//! An event is carried out in one transaction: its row in the log, under the event's id, and all of its [`Effects`]. An
//! event that is delivered again finds its row and changes nothing. What is too long for a transaction, as telling a
//! hundred thousand followers, leaves a *job*, whose pages are carried out one by one between other events.

use async_trait::async_trait;

use crate::engine::{Database, Insert, OnConflict, Transaction, Turn};
use crate::event::Event;
use crate::limits::{ACTIVITY_DAYS, INSERT_COLUMNS_MAX, PURGE_ROWS};
use crate::notification::{About, NotificationKind};
use crate::{EventId, IdGenerator, NotificationId, StorageError, TimestampMs, UserId};

mod job;
mod tell;

pub(crate) use tell::delete_notifications;

/// What follows from an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Who is told, and why. Of several reasons for one person the first counts.
    pub tell: Vec<(UserId, NotificationKind)>,
    /// What they are told about.
    pub about: About,
    /// A notification that is withdrawn unless it was read: it said the opposite.
    pub withdraw: Option<(UserId, NotificationKind)>,
    /// What is left to do page by page.
    pub job: Option<Task>,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Tells all followers of the actor about the post.
    TellFollowers,
    /// Withdraws all notifications about the post, and tells no more followers of it.
    WithdrawPost,
    /// Withdraws all notifications about the comment.
    WithdrawComment,
}

/// An event and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What was done.
    pub event: Event,
    /// What follows.
    pub effects: Effects,
}

/// What has changed for readers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New notifications, in the order of their ids.
    pub told: Vec<(UserId, NotificationId)>,
    /// People who have lost unread ones.
    pub recount: Vec<UserId>,
}

/// The log, and what follows from what is in it.
#[async_trait]
pub trait ActivityLog: Send + Sync + 'static {
    /// Carries out events in one transaction; those that were carried out before are skipped.
    ///
    /// # Errors
    ///
    /// On any error nothing has happened. `Unavailable` passes; other kinds are about one of the events.
    async fn carry_out(&self, events: &[Planned]) -> Result<Changes, StorageError>;

    /// Events with a job that is not done, the oldest first.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    async fn jobs(&self, limit: u16) -> Result<Vec<EventId>, StorageError>;

    /// Does one page of an event's job.
    ///
    /// # Errors
    ///
    /// On any error nothing has happened.
    async fn step(&self, job: EventId) -> Result<Changes, StorageError>;

    /// Puts an event aside that cannot be carried out. Twice is once.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    async fn bury(&self, event: &Event, reason: &str, now: TimestampMs) -> Result<(), StorageError>;
}

/// The log in a relational database.
#[derive(Clone, Debug)]
pub struct SqlActivityLog {
    database: Database,
}

const INSERT: Insert = Insert {
    table: "activity",
    columns: &["id", "user_id", "kind", "version", "payload", "occurred_at"],
    on_conflict: OnConflict::Skip,
};

const _: () = assert!(INSERT.columns.len() <= INSERT_COLUMNS_MAX);

/// A `select` of what somebody did, as the events that told of it.
const PAGE: &str = "
    select id, user_id as actor_id, kind, version, payload, occurred_at from activity
    where user_id = $1 and id < $2 order by id desc limit $3";

const OLD: &str = "select id from activity where id < $1 order by id limit $2";

const BURY: Insert = Insert {
    table: "dead_letter",
    columns: &["id", "actor_id", "kind", "version", "payload", "occurred_at", "reason", "failed_at"],
    on_conflict: OnConflict::Skip,
};

impl SqlActivityLog {
    /// The log in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// What this person did, newest first, below `before` if that is given.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn page(
        &self,
        user: UserId,
        before: Option<EventId>,
        limit: u16,
    ) -> Result<Vec<Event>, StorageError> {
        let before = before.unwrap_or(EventId::new(i64::MAX));
        let select = self.database.query_as(PAGE).bind(user).bind(before).bind(i64::from(limit));
        Ok(select.fetch_all(self.database.reader()).await?)
    }

    /// Deletes what was done more than [`ACTIVITY_DAYS`] ago. Says how many.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn purge(&self, now: TimestampMs) -> Result<u64, StorageError> {
        let bound = IdGenerator::least_at::<i64>(now.plus_millis(-ACTIVITY_DAYS * 24 * 60 * 60 * 1000));
        let mut purged = 0;
        loop {
            let old = self.database.query_scalar(OLD).bind(bound).bind(i64::from(PURGE_ROWS));
            let old: Vec<EventId> = old.fetch_all(self.database.reader()).await?;
            let Some(last) = old.last() else { return Ok(purged) };
            let delete = self.database.query("delete from activity where id <= $1").bind(*last);
            purged += delete.execute(self.database.writer()).await?.rows_affected();
        }
    }

    /// Whether the event is new.
    async fn log(&self, transaction: &mut Transaction, event: &Event) -> Result<bool, StorageError> {
        let insert = sqlx::query(self.database.insert(&INSERT, 1))
            .bind(event.id)
            .bind(event.actor)
            .bind(&*event.kind)
            .bind(event.version)
            .bind(&*event.payload)
            .bind(event.time);
        Ok(insert.execute(&mut **transaction).await?.rows_affected() == 1)
    }
}

#[async_trait]
impl ActivityLog for SqlActivityLog {
    async fn carry_out(&self, events: &[Planned]) -> Result<Changes, StorageError> {
        let mut transaction = self.database.begin().await?;
        transaction.take(Turn::Notification).await?;
        let mut changes = Changes::default();
        for Planned { event, effects } in events {
            if self.log(&mut transaction, event).await? {
                tell::withdraw(&mut transaction, event, effects, &mut changes).await?;
                if tell::is_there(&mut transaction, effects).await? {
                    tell::tell(&mut transaction, event, effects, &mut changes).await?;
                    job::begin(&mut transaction, event, effects).await?;
                }
            }
        }
        transaction.commit().await?;
        Ok(changes)
    }

    async fn jobs(&self, limit: u16) -> Result<Vec<EventId>, StorageError> {
        let text = "select event_id from notification_job order by event_id limit $1";
        let select = self.database.query_scalar(text).bind(i64::from(limit));
        Ok(select.fetch_all(self.database.reader()).await?)
    }

    async fn step(&self, job: EventId) -> Result<Changes, StorageError> {
        let mut transaction = self.database.begin().await?;
        transaction.take(Turn::Notification).await?;
        let mut changes = Changes::default();
        job::step(&mut transaction, job, &mut changes).await?;
        transaction.commit().await?;
        Ok(changes)
    }

    async fn bury(&self, event: &Event, reason: &str, now: TimestampMs) -> Result<(), StorageError> {
        let insert = sqlx::query(self.database.insert(&BURY, 1))
            .bind(event.id)
            .bind(event.actor)
            .bind(&*event.kind)
            .bind(event.version)
            .bind(&*event.payload)
            .bind(event.time)
            .bind(reason)
            .bind(now);
        insert.execute(self.database.writer()).await?;
        Ok(())
    }
}
