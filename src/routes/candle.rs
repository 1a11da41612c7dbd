//! `/api/markets/{code}/candles` and `/ws/minute`: what was traded in windows of time.

mod export;
mod page;

use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tickroom_actors::session::Dialect;
use tickroom_storage::candle::{Candle, CandleBound, Interval, Series};
use tickroom_storage::{Decimal, MarketCode, TimestampMs};
use utoipa::{IntoParams, ToSchema};

use self::page::Page;
use super::open_socket;
use crate::app::App;
use crate::error::{ApiError, Violation, Violations};
use crate::extract::{Path, Query};
use crate::limits::{CLOSED_CANDLES_MAX_AGE, PAGE_CANDLES, PAGE_CANDLES_MAX, RUNNING_CANDLES_MAX_AGE};
use crate::moment::Moment;
use crate::openapi::{problem, schema};
use crate::socket::Handshake;

/// The query of `GET /api/markets/{code}/candles`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CandlesQuery {
    #[param(value_type = Option<schema::Interval>)]
    interval: Option<String>,
    #[param(value_type = Option<schema::Moment>)]
    from: Option<String>,
    #[param(value_type = Option<schema::Moment>)]
    to: Option<String>,
    #[param(value_type = Option<schema::CandlesLimit>)]
    limit: Option<u16>,
    #[param(value_type = Option<schema::CandleFormat>)]
    format: Option<String>,
}

/// How candles are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
}

/// A query that makes sense.
struct Wanted {
    interval: Interval,
    bound: CandleBound,
    limit: u16,
    format: Format,
}

/// One window, as the API has it. Prices and sums are JSON numbers with all their digits.
#[derive(Serialize, ToSchema)]
pub struct CandleView {
    /// The beginning of the window.
    #[schema(value_type = schema::Time)]
    start: TimestampMs,
    #[schema(value_type = schema::Decimal)]
    opening_price: Decimal,
    #[schema(value_type = schema::Decimal)]
    high_price: Decimal,
    #[schema(value_type = schema::Decimal)]
    low_price: Decimal,
    #[schema(value_type = schema::Decimal)]
    trade_price: Decimal,
    /// In the base currency.
    #[schema(value_type = schema::Decimal)]
    volume: Decimal,
    /// In the quote currency.
    #[schema(value_type = schema::Decimal)]
    turnover: Decimal,
    /// When the last trade in it was.
    #[schema(value_type = schema::Time)]
    traded_at: TimestampMs,
    /// Whether the window is over.
    closed: bool,
}

impl CandleView {
    fn new(candle: Candle, open: TimestampMs) -> Self {
        let Candle { start, opening_price, high_price, low_price, trade_price, volume, turnover, traded_at } =
            candle;
        let closed = start < open;
        Self { start, opening_price, high_price, low_price, trade_price, volume, turnover, traded_at, closed }
    }
}

/// A page of candles, oldest first.
#[derive(Serialize, ToSchema)]
pub struct CandlesView {
    #[schema(value_type = schema::MarketCode)]
    market: MarketCode,
    #[schema(value_type = schema::Interval)]
    interval: Interval,
    /// Whether they come from a simulated exchange.
    simulated: bool,
    /// Whether no window is missing between the first and the last of the page. If not, recent ones are on their way;
    /// old ones take a backfill.
    complete: bool,
    candles: Vec<CandleView>,
    /// What to pass as `to` (or as `from`, if that was asked for) to go on; absent at the end.
    #[schema(value_type = Option<schema::Time>)]
    next_cursor: Option<TimestampMs>,
}

impl CandlesQuery {
    fn check(&self, headers: &HeaderMap) -> Result<Wanted, ApiError> {
        let mut violations = Violations::default();
        let interval = self.interval.as_deref().unwrap_or("1m").parse::<Interval>();
        let interval = violations.check("interval", interval.map_err(invalid));
        let limit = self.limit.unwrap_or(PAGE_CANDLES);
        if !(1..=PAGE_CANDLES_MAX).contains(&limit) {
            let detail = format!("expected 1 to {PAGE_CANDLES_MAX}, got {limit}");
            violations.add("limit", Violation { code: "out_of_range", detail: detail.into() });
        }
        let format = violations.check("format", self.format(headers));
        let from = moment(&mut violations, "from", self.from.as_deref());
        let to = moment(&mut violations, "to", self.to.as_deref());
        let until = to.map_or(TimestampMs::new(i64::MAX), Moment::end);
        let bound = match from {
            None => Ok(CandleBound::Before(until)),
            Some(from) => Moment::span(from.begin(), until).map(CandleBound::In),
        };
        let out_of_range = |detail: String| Violation { code: "out_of_range", detail: detail.into() };
        let bound = violations.check("to", bound.map_err(out_of_range));
        match (interval, bound, format) {
            (Some(interval), Some(bound), Some(format)) => {
                violations.into_result().map(|()| Wanted { interval, bound, limit, format })
            }
            _ => Err(violations.into()),
        }
    }

    /// What the query says, or else what the client accepts.
    fn format(&self, headers: &HeaderMap) -> Result<Format, Violation> {
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match self.format.as_deref() {
            Some("json") => Ok(Format::Json),
            Some("csv") => Ok(Format::Csv),
            None if accept.split(',').any(|range| range.trim().starts_with("text/csv")) => Ok(Format::Csv),
            None => Ok(Format::Json),
            Some(_) => Err(invalid("expected json or csv")),
        }
    }
}

pub(super) fn invalid(detail: impl ToString) -> Violation {
    Violation { code: "invalid", detail: detail.to_string().into() }
}

/// A time that may be left out.
pub(super) fn moment(violations: &mut Violations, field: &'static str, text: Option<&str>) -> Option<Moment> {
    text.and_then(|text| violations.check(field, text.parse::<Moment>().map_err(invalid)))
}

/// The newest candles before `to`, or the oldest ones since `from`; oldest first. With `format=csv`, or `Accept:
/// text/csv`, all of them as a file.
///
/// # Errors
///
/// 404 for a market that is not followed, 422 for a query that makes no sense, 503 while the database is down.
#[utoipa::path(
    get, path = "/api/markets/{code}/candles", tag = "candle",
    params(("code" = schema::MarketCode, Path), CandlesQuery),
    responses(
        (status = 200, content((CandlesView = "application/json"), (String = "text/csv; charset=utf-8"))),
        (status = 304),
        problem::NotFound,
    ),
)]
pub async fn list(
    State(app): State<App>,
    Path(code): Path<String>,
    Query(query): Query<CandlesQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let market = find(&app, &code)?;
    let Wanted { interval, bound, limit, format } = query.check(&headers)?;
    let series = Series { market, interval };
    if format == Format::Csv {
        return Ok(export::answer(app, series, bound));
    }
    let page = Page::read(&app, &series, bound, limit).await?;
    answer(&app, series, page, &headers)
}

fn answer(app: &App, series: Series, page: Page, headers: &HeaderMap) -> Result<Response, ApiError> {
    let open = series.interval.window(TimestampMs::now()).from;
    let is_settled = page.complete && page.next_cursor.is_some_and(|next| next <= open);
    let is_settled = is_settled && page.candles.iter().all(|candle| candle.start < open);
    let candles = page.candles.into_iter().map(|candle| CandleView::new(candle, open)).collect();
    let (complete, next_cursor, simulated) = (page.complete, page.next_cursor, app.is_simulated());
    let Series { market, interval } = series;
    let view = CandlesView { market, interval, simulated, complete, candles, next_cursor };
    let body = serde_json::to_vec(&view).map_err(ApiError::internal)?;
    let max_age = if is_settled { CLOSED_CANDLES_MAX_AGE } else { RUNNING_CANDLES_MAX_AGE };
    let tag = tag(&body);
    let caching = [(CACHE_CONTROL, format!("public, max-age={}", max_age.as_secs())), (ETAG, tag.clone())];
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if known.split(',').any(|known| known.trim() == tag) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(CONTENT_TYPE, "application/json")], body).into_response())
}

/// Weak: the same candles may be sent compressed.
fn tag(body: &[u8]) -> String {
    let hex: String = Sha256::digest(body).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hex}\"")
}

/// The market with this code, if prices of it are followed.
pub(super) fn find(app: &App, code: &str) -> Result<MarketCode, ApiError> {
    let code = code.parse::<MarketCode>().ok();
    let code = code.filter(|code| app.tree.services().hub.last(code).is_ok());
    code.ok_or_else(|| ApiError::not_found("market"))
}

/// A socket that is sent the candles of the markets that it asks for. Open to all.
///
/// # Errors
///
/// As problem documents before the upgrade: 400, 429 and 503. After it as frames.
#[utoipa::path(
    get, path = "/ws/minute", tag = "candle",
    responses((status = 101), problem::Socket),
)]
pub async fn minutes(State(app): State<App>, handshake: Handshake) -> Result<Response, Response> {
    let session = open_socket(&app, None, Dialect::Candle).map_err(IntoResponse::into_response)?;
    Ok(handshake.accept(session))
}
