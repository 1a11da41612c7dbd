//! What is traded.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::engine::{Database, Insert, OnConflict};
use crate::limits::INSERT_ROWS_MAX;
use crate::{MarketCode, StorageError, TimestampMs};

/// A market as the exchange lists it (`GET /v1/market/all` of Upbit).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    /// `KRW-BTC`.
    pub code: MarketCode,
    /// `비트코인`.
    pub korean_name: String,
    /// `Bitcoin`.
    pub english_name: String,
    /// Whether the exchange warns against trading it.
    pub warning: bool,
}

impl FromRow<'_, AnyRow> for Market {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            code: row.try_get("code")?,
            korean_name: row.try_get("korean_name")?,
            english_name: row.try_get("english_name")?,
            warning: row.try_get::<i64, _>("warning")? != 0,
        })
    }
}

const UPSERT: Insert = Insert {
    table: "market",
    columns: &["code", "korean_name", "english_name", "warning"],
    on_conflict: OnConflict::Replace { key: "code" },
};

const LIST: &str = "select code, korean_name, english_name, warning from market order by code";

const DECIDE: Insert = Insert {
    table: "market_activation",
    columns: &["code", "active", "decided_at"],
    on_conflict: OnConflict::Replace { key: "code" },
};

const DECIDED: &str = "select code, active from market_activation order by code";

/// All markets that were ever listed.
#[derive(Clone, Debug)]
pub struct Markets {
    database: Database,
}

impl Markets {
    /// The markets in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Adds these markets, or brings them up to date, all or none. The codes must differ from each other.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn upsert(&self, markets: &[Market]) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        for some in markets.chunks(INSERT_ROWS_MAX) {
            let upsert = sqlx::query(self.database.insert(&UPSERT, some.len())).persistent(false);
            let bound = some.iter().fold(upsert, |upsert, market| {
                upsert
                    .bind(&market.code)
                    .bind(&*market.korean_name)
                    .bind(&*market.english_name)
                    .bind(i16::from(market.warning))
            });
            bound.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// All of them, by code.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn list(&self) -> Result<Vec<Market>, StorageError> {
        Ok(self.database.query_as(LIST).fetch_all(self.database.reader()).await?)
    }

    /// Remembers that somebody wants this market to be followed, or not to be. Twice is once.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn decide(
        &self,
        code: &MarketCode,
        active: bool,
        now: TimestampMs,
    ) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        let insert = sqlx::query(self.database.insert(&DECIDE, 1));
        insert.bind(code).bind(i16::from(active)).bind(now).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// The markets that somebody decided about, by code, and whether they are to be followed.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn decided(&self) -> Result<Vec<(MarketCode, bool)>, StorageError> {
        let rows: Vec<(MarketCode, i64)> =
            self.database.query_as(DECIDED).fetch_all(self.database.reader()).await?;
        Ok(rows.into_iter().map(|(code, active)| (code, active != 0)).collect())
    }
}
