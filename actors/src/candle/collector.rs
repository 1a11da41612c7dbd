//! [`Collector`]: reads what is missing, a page at a time, and stores it with what is known by it.

use super::client::{Client, FetchError};
use super::upbit::PAGE_CANDLES;
use super::{CandleConfig, Series, closed_until};
use crate::metrics::CANDLE_CHANGES;
use metrics::counter;
use tickroom_storage::candle::{Batch, Candle, Candles, Interval, Span};
use tickroom_storage::{StorageError, TimestampMs};

/// Why a page could not be read or stored.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The exchange.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The database.
    #[error("candles cannot be stored")]
    Storage(#[from] StorageError),
}

/// What one request brought.
#[derive(Debug)]
pub struct Page {
    /// Closed windows that are known now, from the end of the gap backwards.
    pub covered: Span,
    /// The candles in them, oldest first.
    pub candles: Vec<Candle>,
    /// How many candles were new or different, those of running windows among them.
    pub changes: u64,
}

/// Reads candles from the exchange into the database.
#[derive(Debug)]
pub struct Collector {
    client: Client,
    candles: Candles,
}

impl Collector {
    /// A collector that has read nothing yet.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(config: &CandleConfig, candles: Candles) -> Result<Self, reqwest::Error> {
        Ok(Self { client: Client::new(config)?, candles })
    }

    /// Reads the newest page of what is missing of a series within `span`. `None` when nothing is.
    ///
    /// # Errors
    ///
    /// See [`CollectError`]; what was read before is stored.
    pub async fn step(
        &mut self,
        series: &Series,
        span: Span,
        now: TimestampMs,
    ) -> Result<Option<Page>, CollectError> {
        let span = closed(series.interval, span, now);
        match self.candles.gaps(series, span).await?.pop() {
            Some(gap) => self.read(series, gap, now).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads the newest page of a gap, which ends where a window does, and before the running one. If it reaches up to
    /// now, the running window is read along.
    ///
    /// # Errors
    ///
    /// See [`CollectError`].
    pub async fn read(&mut self, series: &Series, gap: Span, now: TimestampMs) -> Result<Page, CollectError> {
        let interval = series.interval;
        let reaches_now = gap.until >= closed_until(interval, now);
        let to = if reaches_now { interval.window(now).until } else { gap.until };
        let windows = interval.count(Span::new(gap.from, to));
        let count = u16::try_from(windows).unwrap_or(PAGE_CANDLES).clamp(1, PAGE_CANDLES);
        let mut candles = self.client.candles(series, to, count).await?;
        candles.retain(|candle| candle.start >= gap.from && candle.start < to);
        candles.sort_by_key(|candle| candle.start);
        candles.dedup_by_key(|candle| candle.start);
        // A page that is not full reaches back to the beginning of the gap: nothing was traded before its first window.
        let is_full = candles.len() >= usize::from(count);
        let oldest = candles.first().filter(|_| is_full).map_or(gap.from, |candle| candle.start);
        let covered = Span::new(oldest.min(gap.until), gap.until);
        let batch = Batch { series: series.clone(), candles, covered: Some(covered) };
        let changes = self.candles.put(std::slice::from_ref(&batch)).await?;
        counter!(CANDLE_CHANGES).increment(changes);
        let mut candles = batch.candles;
        candles.retain(|candle| candle.start < gap.until);
        Ok(Page { covered, candles, changes })
    }
}

/// The closed windows of a span: it begins and ends where windows do.
pub fn closed(interval: Interval, span: Span, now: TimestampMs) -> Span {
    let until = interval.ceil(span.until).min(closed_until(interval, now));
    Span::new(interval.ceil(span.from), until)
}
