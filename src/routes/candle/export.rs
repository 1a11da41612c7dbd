//! Candles as CSV: read and sent a page at a time, so that years of minutes cost no memory.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tickroom_storage::candle::{Candle, CandleBound, Series, Span};
use tickroom_storage::{StorageError, TimestampMs};

use super::page::Page;
use crate::app::App;
use crate::limits::PAGE_CANDLES_MAX;

const HEADER: &str =
    "start,opening_price,high_price,low_price,trade_price,volume,turnover,traded_at,closed\r\n";

/// How far an export has come.
struct Export {
    app: App,
    series: Series,
    /// What is still to be sent.
    rest: Option<Span>,
    is_begun: bool,
}

/// All candles within the bound, oldest first. A failure on the way cuts the body off, which clients notice.
pub(super) fn answer(app: App, series: Series, bound: CandleBound) -> Response {
    let span = match bound {
        CandleBound::In(span) => span,
        CandleBound::Before(until) => Span::new(TimestampMs::new(i64::MIN), until),
    };
    let disposition = format!("attachment; filename=\"{}-{}.csv\"", series.market, series.interval);
    let export = Export { app, series, rest: Some(span), is_begun: false };
    let headers = [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, disposition)];
    (headers, Body::from_stream(stream::try_unfold(export, next))).into_response()
}

async fn next(mut export: Export) -> Result<Option<(Bytes, Export)>, StorageError> {
    let Some(span) = export.rest else { return Ok(None) };
    let page = Page::read(&export.app, &export.series, CandleBound::In(span), PAGE_CANDLES_MAX).await;
    let page = page.inspect_err(|error| tracing::error!(%error, "candles cannot be exported"))?;
    let open = export.series.interval.window(TimestampMs::now()).from;
    let header = if export.is_begun { "" } else { HEADER };
    let rows = page.candles.iter().map(|candle| row(candle, open));
    let text = std::iter::once(header.to_owned()).chain(rows).collect::<String>();
    let rest = page.next_cursor.map(|from| Span::new(from, span.until));
    export = Export { rest: rest.filter(|rest| !rest.is_empty()), is_begun: true, ..export };
    Ok(Some((text.into(), export)))
}

/// RFC 4180; nothing in a row needs quotes.
fn row(candle: &Candle, open: TimestampMs) -> String {
    let Candle { start, opening_price, high_price, low_price, trade_price, volume, turnover, traded_at } =
        candle;
    let closed = *start < open;
    format!(
        "{start},{opening_price},{high_price},{low_price},{trade_price},{volume},{turnover},{traded_at},{closed}\r\n"
    )
}
