//! Who asked for old candles, and what became of it.

use std::str::FromStr;

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::{Series, Span};
use crate::engine::{Database, Turn};
use crate::limits::BACKFILLS_LISTED;
use crate::{BackfillId, StorageError, TimestampMs};

/// How a backfill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Everything that the exchange has is here.
    Done,
    /// The exchange will not have it, whoever asks again.
    Failed,
    /// Somebody called it off.
    Cancelled,
}

impl Outcome {
    /// As databases and JSON have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A text is no [`Outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the outcome done, failed or cancelled")]
pub struct OutcomeError;

impl FromStr for Outcome {
    type Err = OutcomeError;

    fn from_str(text: &str) -> Result<Self, OutcomeError> {
        let all = [Self::Done, Self::Failed, Self::Cancelled];
        all.into_iter().find(|outcome| outcome.as_str() == text).ok_or(OutcomeError)
    }
}

/// A request for old candles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBackfill {
    /// Which one, fresh from the generator.
    pub id: BackfillId,
    /// Whose candles.
    pub series: Series,
    /// Of which time.
    pub span: Span,
    /// Now.
    pub created_at: TimestampMs,
}

/// A request for old candles, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backfill {
    /// Which one.
    pub id: BackfillId,
    /// Whose candles.
    pub series: Series,
    /// Of which time.
    pub span: Span,
    /// Requests to the exchange so far.
    pub requests: i64,
    /// Candles so far that were new or different.
    pub changes: i64,
    /// When somebody asked.
    pub created_at: TimestampMs,
    /// When it ended, and how.
    pub finished: Option<(TimestampMs, Outcome)>,
    /// Why it failed.
    pub failure: Option<String>,
}

impl FromRow<'_, AnyRow> for Backfill {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let finished_at: Option<TimestampMs> = row.try_get("finished_at")?;
        let outcome: Option<Outcome> = row.try_get("outcome")?;
        Ok(Self {
            id: row.try_get("id")?,
            series: Series { market: row.try_get("market")?, interval: row.try_get("interval_name")? },
            span: Span::new(row.try_get("from_at")?, row.try_get("until_at")?),
            requests: row.try_get("requests")?,
            changes: row.try_get("changes")?,
            created_at: row.try_get("created_at")?,
            finished: finished_at.zip(outcome),
            failure: row.try_get("failure")?,
        })
    }
}

/// A `select` of whole backfills.
macro_rules! select_backfills {
    ($tail:literal) => {
        concat!(
            "select id, market, interval_name, from_at, until_at, requests, changes, created_at, finished_at,
                outcome, failure
            from candle_backfill ",
            $tail
        )
    };
}

const INSERT: &str = "
    insert into candle_backfill (id, market, interval_name, from_at, until_at, requests, changes, created_at)
    values ($1, $2, $3, $4, $5, 0, 0, $6)";

const PROGRESS: &str = "
    update candle_backfill set requests = requests + $1, changes = changes + $2
    where id = $3 and finished_at is null";

const FINISH: &str = "
    update candle_backfill set finished_at = $1, outcome = $2, failure = $3
    where id = $4 and finished_at is null";

const UNFINISHED: &str = "select count(*) from candle_backfill where finished_at is null";

/// All requests for old candles.
#[derive(Clone, Debug)]
pub struct Backfills {
    database: Database,
}

impl Backfills {
    /// The backfills in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Adds one, unless `limit` of them wait already. Says whether it was added.
    ///
    /// # Errors
    ///
    /// `Conflict` when the id is taken.
    pub async fn create(&self, new: &NewBackfill, limit: u16) -> Result<bool, StorageError> {
        let mut transaction = self.database.begin().await?;
        transaction.take(Turn::Candle).await?;
        let unfinished: i64 = self.database.query_scalar(UNFINISHED).fetch_one(&mut *transaction).await?;
        if unfinished >= i64::from(limit) {
            return Ok(false);
        }
        let insert =
            self.database.query(INSERT).bind(new.id).bind(&new.series.market).bind(new.series.interval);
        let insert = insert.bind(new.span.from).bind(new.span.until).bind(new.created_at);
        insert.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The oldest one that has something to do.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn next(&self) -> Result<Option<Backfill>, StorageError> {
        let select = select_backfills!("where finished_at is null order by id limit 1");
        Ok(self.database.query_as(select).fetch_optional(self.database.reader()).await?)
    }

    /// The one with this id.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn get(&self, id: BackfillId) -> Result<Option<Backfill>, StorageError> {
        let select = self.database.query_as(select_backfills!("where id = $1")).bind(id);
        Ok(select.fetch_optional(self.database.reader()).await?)
    }

    /// The newest [`BACKFILLS_LISTED`] of them, the newest first.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn list(&self) -> Result<Vec<Backfill>, StorageError> {
        let select = self.database.query_as(select_backfills!("order by id desc limit $1"));
        Ok(select.bind(i64::from(BACKFILLS_LISTED)).fetch_all(self.database.reader()).await?)
    }

    /// Counts one more request, and what it changed.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn progress(&self, id: BackfillId, changes: u64) -> Result<(), StorageError> {
        let changes = i64::try_from(changes).unwrap_or(i64::MAX);
        let update = self.database.query(PROGRESS).bind(1_i64).bind(changes).bind(id);
        update.execute(self.database.writer()).await?;
        Ok(())
    }

    /// Ends one. Says whether it had something to do until now.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn finish(
        &self,
        id: BackfillId,
        outcome: Outcome,
        failure: Option<&str>,
        now: TimestampMs,
    ) -> Result<bool, StorageError> {
        let update =
            self.database.query(FINISH).bind(now).bind(outcome).bind(failure.map(str::to_owned)).bind(id);
        Ok(update.execute(self.database.writer()).await?.rows_affected() == 1)
    }
}
