//! [`Page`]: what the database has, with what is newer in memory laid over it.

use std::collections::BTreeMap;

use tickroom_storage::candle::{Candle, CandleBound, Series, Span};
use tickroom_storage::{StorageError, TimestampMs};

use crate::app::App;

/// Candles of one series, oldest first.
pub(super) struct Page {
    pub(super) candles: Vec<Candle>,
    /// Whether no window is missing between the first and the last of them.
    pub(super) complete: bool,
    /// Where the next page begins, or, going backwards, ends.
    pub(super) next_cursor: Option<TimestampMs>,
}

impl Page {
    /// Reads a page. What turns out to be missing is asked for, so that it will be there soon.
    pub(super) async fn read(
        app: &App,
        series: &Series,
        bound: CandleBound,
        limit: u16,
    ) -> Result<Self, StorageError> {
        let services = app.tree.services();
        // Before the database: what is in neither of them would be a hole.
        let recent = services.candles.recent(series, &services.hub);
        let stored = app.candles.page(series, bound, limit).await?;
        let known = app.candles.coverage(series).await?;
        let open = series.interval.window(TimestampMs::now()).from;

        let size = usize::from(limit);
        let (candles, next_cursor) = cut(lay_over(stored, recent, bound), bound, size);
        let from = match (bound, candles.first()) {
            (CandleBound::In(span), _) => series.interval.ceil(span.from),
            (CandleBound::Before(until), None) => series.interval.back(until.min(open), limit),
            (CandleBound::Before(_), Some(first)) => first.start,
        };
        let until = candles.last().map_or(open, |last| last.start.min(open));
        let complete = Span::new(from, until).without(&known).is_empty() && !known.is_empty();
        if !complete {
            services.candles.want(series);
        }
        Ok(Self { candles, complete, next_cursor })
    }
}

/// Of two states of a window, the later one; in memory are the corrected ones.
fn lay_over(stored: Vec<Candle>, recent: Vec<Candle>, bound: CandleBound) -> BTreeMap<TimestampMs, Candle> {
    let is_wanted = |start: TimestampMs| match bound {
        CandleBound::Before(until) => start < until,
        CandleBound::In(span) => span.contains(start),
    };
    let mut candles: BTreeMap<_, _> = stored.into_iter().map(|candle| (candle.start, candle)).collect();
    for candle in recent.into_iter().filter(|candle| is_wanted(candle.start)) {
        if candles.get(&candle.start).is_none_or(|stored| stored.traded_at <= candle.traded_at) {
            candles.insert(candle.start, candle);
        }
    }
    candles
}

/// As many as fit, from the side that the page is read from.
fn cut(
    candles: BTreeMap<TimestampMs, Candle>,
    bound: CandleBound,
    size: usize,
) -> (Vec<Candle>, Option<TimestampMs>) {
    let mut candles: Vec<_> = candles.into_values().collect();
    let is_full = candles.len() >= size;
    match bound {
        CandleBound::Before(_) => {
            candles.drain(..candles.len().saturating_sub(size));
            let next = candles.first().filter(|_| is_full).map(|first| first.start);
            (candles, next)
        }
        CandleBound::In(_) => {
            candles.truncate(size);
            let next = candles.last().filter(|_| is_full).map(|last| last.start.plus_millis(1));
            (candles, next)
        }
    }
}
