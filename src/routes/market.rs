//! `/api/markets` and `/ws/ticker`: markets and their prices.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use tickroom_actors::session::Dialect;
use tickroom_actors::ticker::Tick;
use tickroom_storage::MarketCode;
use utoipa::ToSchema;

use super::open_socket;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::openapi::{problem, schema};
use crate::socket::Handshake;

/// A market.
#[derive(Serialize, ToSchema)]
pub struct MarketView {
    #[schema(value_type = schema::MarketCode)]
    code: MarketCode,
    korean_name: String,
    english_name: String,
    /// Whether the exchange warns of it.
    warning: bool,
    /// Its last price; none so far has neither this nor what follows.
    #[serde(flatten)]
    price: Option<PriceView>,
}

/// What a market's ticker says, in the exchange's own fields and spelling; what it left out is left out here.
#[derive(Serialize, ToSchema)]
pub struct PriceView {
    /// `PREVIEW`, `ACTIVE` or `DELISTED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    market_state: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Decimal>)]
    trade_price: Option<Box<RawValue>>,
    /// Against the close of the day before, at 00:00 UTC: `RISE`, `EVEN` or `FALL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    change: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Decimal>)]
    signed_change_price: Option<Box<RawValue>>,
    /// 0.01 is one percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Decimal>)]
    signed_change_rate: Option<Box<RawValue>>,
    /// Of the last 24 hours, in the quote currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Decimal>)]
    acc_trade_price_24h: Option<Box<RawValue>>,
    /// Of the last 24 hours, in the base currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Decimal>)]
    acc_trade_volume_24h: Option<Box<RawValue>>,
    /// Epoch milliseconds at the exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    timestamp: Option<Box<RawValue>>,
}

impl PriceView {
    fn new(tick: &Tick) -> Option<Self> {
        let ticker = tick.ticker()?;
        let owned = |raw: Option<&RawValue>| raw.map(ToOwned::to_owned);
        Some(Self {
            market_state: owned(ticker.market_state),
            trade_price: owned(ticker.trade_price),
            change: owned(ticker.change),
            signed_change_price: owned(ticker.signed_change_price),
            signed_change_rate: owned(ticker.signed_change_rate),
            acc_trade_price_24h: owned(ticker.acc_trade_price_24h),
            acc_trade_volume_24h: owned(ticker.acc_trade_volume_24h),
            timestamp: owned(ticker.timestamp),
        })
    }
}

/// The answer to `GET /api/markets`.
#[derive(Serialize, ToSchema)]
pub struct MarketsView {
    markets: Vec<MarketView>,
    /// Whether prices come from a simulated exchange.
    simulated: bool,
    /// Whether no price has come for so long that the known ones mean little.
    stale: bool,
}

/// The markets that are followed, by code, each with its last price.
///
/// # Errors
///
/// 503 while the database is down.
#[utoipa::path(
    get, path = "/api/markets", tag = "market",
    responses((status = 200, body = MarketsView)),
)]
pub async fn list(State(app): State<App>) -> Result<Json<MarketsView>, ApiError> {
    let services = app.tree.services();
    let followed = services.hub.codes();
    let stored = app.markets.list().await?;
    let markets = stored.into_iter().filter(|market| followed.contains(&market.code));
    let markets = markets.map(|market| MarketView {
        price: services.hub.last(&market.code).ok().flatten().as_ref().and_then(PriceView::new),
        code: market.code,
        korean_name: market.korean_name,
        english_name: market.english_name,
        warning: market.warning,
    });
    Ok(Json(MarketsView {
        markets: markets.collect(),
        simulated: app.is_simulated(),
        stale: services
            .config
            .feed
            .as_ref()
            .is_none_or(|feed| services.feed_view.get().is_stale(feed.stale_after)),
    }))
}

/// The last price, in the exchange's fields.
///
/// # Errors
///
/// 404 for a market that is not followed, or without a price so far.
#[utoipa::path(
    get, path = "/api/markets/{code}/ticker", tag = "market",
    params(("code" = schema::MarketCode, Path)),
    responses((status = 200, body = schema::Ticker), problem::NotFound),
)]
pub async fn ticker(
    State(app): State<App>,
    Path(code): Path<String>,
) -> Result<Json<Box<RawValue>>, ApiError> {
    let code = code.parse::<MarketCode>().map_err(|_| ApiError::not_found("market"))?;
    let tick = app.tree.services().hub.last(&code).map_err(|_| ApiError::not_found("market"))?;
    let json = tick.and_then(|tick| tickroom_actors::wire::ticker::json(&tick, true));
    json.map(Json).ok_or_else(|| ApiError::not_found("price so far"))
}

/// A socket that is sent the prices of the markets that it asks for. Open to all.
///
/// # Errors
///
/// As problem documents before the upgrade: 400, 429 and 503. After it as frames.
#[utoipa::path(
    get, path = "/ws/ticker", tag = "market",
    responses((status = 101), problem::Socket),
)]
pub async fn tickers(State(app): State<App>, handshake: Handshake) -> Result<Response, Response> {
    let session = open_socket(&app, None, Dialect::Ticker).map_err(IntoResponse::into_response)?;
    Ok(handshake.accept(session))
}
