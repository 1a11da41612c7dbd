//! Candles: what was traded in each window of time, and for which time that is known completely.
//!
//! The exchange leaves out windows without a trade, and so do we: that a window has no row says nothing. What is known
//! is kept beside the candles, as spans of time that were read ([`Candles::coverage`]). A gap is time that no span
//! covers, which makes collecting resumable at any point, and a second run of it find nothing to do.

use std::collections::HashMap;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, FromRow, Row};

use crate::engine::{Database, Insert, OnConflict, Transaction, Turn};
use crate::limits::{INSERT_COLUMNS_MAX, INSERT_ROWS_MAX};
use crate::{Decimal, MarketCode, StorageError, TimestampMs};

mod backfill;
mod interval;
mod span;

pub use backfill::{Backfill, Backfills, NewBackfill, Outcome, OutcomeError};
pub use interval::{Interval, IntervalError};
pub use span::Span;

/// The candles of one market and one length.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// The market.
    pub market: MarketCode,
    /// The length.
    pub interval: Interval,
}

/// What was traded in one window, in the state of the last trade that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candle {
    /// The beginning of the window.
    pub start: TimestampMs,
    /// Price of the first trade.
    pub opening_price: Decimal,
    /// Highest price.
    pub high_price: Decimal,
    /// Lowest price.
    pub low_price: Decimal,
    /// Price of the last trade.
    pub trade_price: Decimal,
    /// What was traded, in the base currency.
    pub volume: Decimal,
    /// What was paid for it, in the quote currency.
    pub turnover: Decimal,
    /// When the last trade was.
    pub traded_at: TimestampMs,
}

impl Candle {
    /// The candle of a longer window that begins at `start`, from those of its parts, the oldest first. `None` without
    /// a part, or when the sums have more digits than a [`Decimal`] holds.
    pub fn fold<'a>(start: TimestampMs, parts: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let first = Self { start, ..parts.next()?.clone() };
        parts.try_fold(first, |whole, part| {
            Some(Self {
                start,
                opening_price: whole.opening_price,
                high_price: whole.high_price.max(part.high_price),
                low_price: whole.low_price.min(part.low_price),
                trade_price: part.trade_price,
                volume: whole.volume.checked_add(part.volume)?,
                turnover: whole.turnover.checked_add(part.turnover)?,
                traded_at: whole.traded_at.max(part.traded_at),
            })
        })
    }
}

impl FromRow<'_, AnyRow> for Candle {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            start: row.try_get("starts_at")?,
            opening_price: row.try_get("opening_price")?,
            high_price: row.try_get("high_price")?,
            low_price: row.try_get("low_price")?,
            trade_price: row.try_get("trade_price")?,
            volume: row.try_get("volume")?,
            turnover: row.try_get("turnover")?,
            traded_at: row.try_get("traded_at")?,
        })
    }
}

/// Candles of one series to be stored, and what is known by them.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Whose.
    pub series: Series,
    /// The candles, each window once.
    pub candles: Vec<Candle>,
    /// The time for which these are all the closed windows there are.
    pub covered: Option<Span>,
}

/// Which end of a series a page lies at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandleBound {
    /// The newest candles that begin before this moment.
    Before(TimestampMs),
    /// The oldest candles that begin in this span.
    In(Span),
}

const INSERT: Insert = Insert {
    table: "candle",
    columns: &[
        "market",
        "interval_name",
        "starts_at",
        "opening_price",
        "high_price",
        "low_price",
        "trade_price",
        "volume",
        "turnover",
        "traded_at",
    ],
    on_conflict: OnConflict::Skip,
};

const _: () = assert!(INSERT.columns.len() <= INSERT_COLUMNS_MAX);

const UPDATE: &str = "
    update candle set opening_price = $1, high_price = $2, low_price = $3, trade_price = $4, volume = $5,
        turnover = $6, traded_at = $7
    where market = $8 and interval_name = $9 and starts_at = $10";

/// A `select` of whole candles of a series.
macro_rules! select_candles {
    ($tail:literal) => {
        concat!(
            "select starts_at, opening_price, high_price, low_price, trade_price, volume, turnover, traded_at
            from candle where market = $1 and interval_name = $2 ",
            $tail
        )
    };
}

const BETWEEN: &str = select_candles!("and starts_at >= $3 and starts_at <= $4");
const BEFORE: &str = select_candles!("and starts_at < $3 order by starts_at desc limit $4");
const IN: &str = select_candles!("and starts_at >= $3 and starts_at < $4 order by starts_at limit $5");

const COVERAGE: &str = "
    select from_at, until_at from candle_coverage where market = $1 and interval_name = $2 order by from_at";

const ALL_COVERAGE: &str = "
    select market, interval_name, from_at, until_at from candle_coverage order by market, interval_name, from_at";

const TOUCHING: &str = "
    select from_at, until_at from candle_coverage
    where market = $1 and interval_name = $2 and from_at <= $3 and until_at >= $4 order by from_at";

const UNCOVER: &str = "delete from candle_coverage where market = $1 and interval_name = $2 and from_at = $3";

const COVER: &str =
    "insert into candle_coverage (market, interval_name, from_at, until_at) values ($1, $2, $3, $4)";

/// All candles.
#[derive(Clone, Debug)]
pub struct Candles {
    database: Database,
}

impl Candles {
    /// The candles in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Stores candles and what is known by them, all or nothing, and says how many were new or different. What is
    /// there already in the same or a later state stays, so that storing something twice changes nothing.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn put(&self, batches: &[Batch]) -> Result<u64, StorageError> {
        let mut transaction = self.database.begin().await?;
        // Spans that two add at once would not see each other, and touch.
        transaction.take(Turn::Candle).await?;
        let mut changes = 0;
        for Batch { series, candles, covered } in batches {
            for some in candles.chunks(INSERT_ROWS_MAX) {
                changes += self.put_some(&mut transaction, series, some).await?;
            }
            if let Some(span) = covered {
                self.cover(&mut transaction, series, *span).await?;
            }
        }
        transaction.commit().await?;
        Ok(changes)
    }

    /// A page of a series, the oldest candle first.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn page(
        &self,
        series: &Series,
        bound: CandleBound,
        limit: u16,
    ) -> Result<Vec<Candle>, StorageError> {
        let select = match bound {
            CandleBound::Before(before) => self.select(BEFORE, series).bind(before).bind(i64::from(limit)),
            CandleBound::In(Span { from, until }) => {
                self.select(IN, series).bind(from).bind(until).bind(i64::from(limit))
            }
        };
        let mut candles = select.fetch_all(self.database.reader()).await?;
        if matches!(bound, CandleBound::Before(_)) {
            candles.reverse();
        }
        Ok(candles)
    }

    /// For which time a series is known, the oldest first; these spans never touch.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn coverage(&self, series: &Series) -> Result<Vec<Span>, StorageError> {
        let select = self.database.query_as::<(TimestampMs, TimestampMs)>(COVERAGE);
        let select = select.bind(&series.market).bind(series.interval);
        let spans = select.fetch_all(self.database.reader()).await?;
        Ok(spans.into_iter().map(|(from, until)| Span::new(from, until)).collect())
    }

    /// What is known of everything.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn all_coverage(&self) -> Result<HashMap<Series, Vec<Span>>, StorageError> {
        let select = self.database.query_as::<(MarketCode, Interval, TimestampMs, TimestampMs)>(ALL_COVERAGE);
        let mut coverage: HashMap<Series, Vec<Span>> = HashMap::new();
        for (market, interval, from, until) in select.fetch_all(self.database.reader()).await? {
            coverage.entry(Series { market, interval }).or_default().push(Span::new(from, until));
        }
        Ok(coverage)
    }

    /// What is not known of a series within a span, the oldest first.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn gaps(&self, series: &Series, span: Span) -> Result<Vec<Span>, StorageError> {
        Ok(span.without(&self.coverage(series).await?))
    }

    /// One statement finds what is there and one inserts what is not. Rows that differ are few: a window that has
    /// gone on since, or was corrected.
    async fn put_some(
        &self,
        transaction: &mut Transaction,
        series: &Series,
        candles: &[Candle],
    ) -> Result<u64, StorageError> {
        let starts = || candles.iter().map(|candle| candle.start);
        let (Some(first), Some(last)) = (starts().min(), starts().max()) else { return Ok(0) };
        let select = self.select(BETWEEN, series).bind(first).bind(last);
        let present = select.fetch_all(&mut **transaction).await?;
        let present: HashMap<TimestampMs, Candle> =
            present.into_iter().map(|candle| (candle.start, candle)).collect();
        let (there, new): (Vec<_>, Vec<_>) =
            candles.iter().partition(|candle| present.contains_key(&candle.start));
        let is_news = |candle: &&Candle| {
            let old = present.get(&candle.start);
            old.is_some_and(|old| old != *candle && old.traded_at <= candle.traded_at)
        };
        let mut changes = self.insert(transaction, series, &new).await?;
        for candle in there.into_iter().filter(is_news) {
            let update = bind_figures(self.database.query(UPDATE), candle);
            let update = update.bind(&series.market).bind(series.interval).bind(candle.start);
            changes += update.execute(&mut **transaction).await?.rows_affected();
        }
        Ok(changes)
    }

    async fn insert(
        &self,
        transaction: &mut Transaction,
        series: &Series,
        candles: &[&Candle],
    ) -> Result<u64, StorageError> {
        if candles.is_empty() {
            return Ok(0);
        }
        // One at a time is how a chart grows, and worth keeping prepared; pages come in all sizes.
        let is_usual = candles.len() == 1;
        let insert = sqlx::query(self.database.insert(&INSERT, candles.len())).persistent(is_usual);
        let bound = candles.iter().fold(insert, |insert, candle| {
            let insert = insert.bind(&series.market).bind(series.interval).bind(candle.start);
            bind_figures(insert, candle)
        });
        Ok(bound.execute(&mut **transaction).await?.rows_affected())
    }

    async fn cover(
        &self,
        transaction: &mut Transaction,
        series: &Series,
        span: Span,
    ) -> Result<(), StorageError> {
        let touching = self.database.query_as::<(TimestampMs, TimestampMs)>(TOUCHING);
        let touching = touching.bind(&series.market).bind(series.interval).bind(span.until).bind(span.from);
        let touching = touching.fetch_all(&mut **transaction).await?;
        let mut known: Vec<Span> = touching.into_iter().map(|(from, until)| Span::new(from, until)).collect();
        for old in &known {
            let delete = self.database.query(UNCOVER).bind(&series.market).bind(series.interval);
            delete.bind(old.from).execute(&mut **transaction).await?;
        }
        span.join(&mut known);
        for whole in known {
            let insert = self.database.query(COVER).bind(&series.market).bind(series.interval);
            insert.bind(whole.from).bind(whole.until).execute(&mut **transaction).await?;
        }
        Ok(())
    }

    fn select<'q>(
        &self,
        text: &'static str,
        series: &'q Series,
    ) -> sqlx::query::QueryAs<'q, Any, Candle, AnyArguments> {
        self.database.query_as::<Candle>(text).bind(&series.market).bind(series.interval)
    }
}

/// Binds what a candle holds beside its key, in the order of [`INSERT`] and [`UPDATE`].
fn bind_figures<'q>(query: Query<'q, Any, AnyArguments>, candle: &Candle) -> Query<'q, Any, AnyArguments> {
    query
        .bind(candle.opening_price)
        .bind(candle.high_price)
        .bind(candle.low_price)
        .bind(candle.trade_price)
        .bind(candle.volume)
        .bind(candle.turnover)
        .bind(candle.traded_at)
}
