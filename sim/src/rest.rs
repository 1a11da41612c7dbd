//! The REST calls. <https://docs.upbit.com/kr/reference/rest-api-guide>

mod candle;
mod orderbook;
mod trade;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};

use crate::config::MarketSpec;
use crate::exchange::Hall;
use crate::floor::Floor;
use crate::guard;
use crate::limit::Group;
use crate::market::Ticker;
use crate::spelling::rest_ticker;

type Parameters<T> = Result<Query<T>, QueryRejection>;

/// Everything below `/v1`.
pub(crate) fn routes(hall: &Arc<Hall>) -> Router<Arc<Hall>> {
    let limited = |group| from_fn_with_state((Arc::clone(hall), group), guard::rest);
    let market = Router::new().route("/market/all", get(market_all)).route_layer(limited(Group::Market));
    let ticker = Router::new()
        .route("/ticker", get(ticker))
        .route("/ticker/all", get(ticker_all))
        .route_layer(limited(Group::Ticker));
    let candle = candle::routes().route_layer(limited(Group::Candle));
    let trade = Router::new().route("/trades/ticks", get(trade::ticks)).route_layer(limited(Group::Trade));
    let orderbook = Router::new()
        .route("/orderbook", get(orderbook::books))
        .route("/orderbook/instruments", get(orderbook::instruments))
        .route_layer(limited(Group::Orderbook));
    market.merge(ticker).merge(candle).merge(trade).merge(orderbook)
}

/// A path that nobody serves. The gateway answers it, so there are no limits on it.
pub(crate) async fn no_route() -> Response {
    let body = r#"{"error":{"name":"not_found","message":"no Route matched with those values"}}"#;
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

#[derive(Deserialize)]
struct MarketAll {
    is_details: Option<String>,
}

async fn market_all(State(hall): State<Arc<Hall>>, parameters: Parameters<MarketAll>) -> Response {
    let Ok(Query(MarketAll { is_details })) = parameters else {
        return Refusal::Invalid.into_response();
    };
    let Ok(detailed) = is_details.as_deref().unwrap_or("false").parse() else {
        return Refusal::WrongType.into_response();
    };
    let floor = hall.floor.lock();
    let rows: Vec<MarketRow<'_>> = floor.specs().map(|spec| MarketRow::new(spec, detailed)).collect();
    // Strings and booleans always serialize.
    json(serde_json::to_string(&rows).unwrap_or_default())
}

async fn ticker(State(hall): State<Arc<Hall>>, parameters: Parameters<Pairs>) -> Response {
    let tickers = |floor: &Floor| {
        let markets = lists(parameters)?.take("markets").ok_or(Refusal::Missing)?;
        // One unknown market fails the whole list.
        let tickers = markets.split(',').map(|code| floor.ticker(code).map(rest_ticker)).collect();
        Option::<Vec<String>>::ok_or(tickers, Refusal::UnknownMarket)
    };
    rows(tickers(&hall.floor.lock()))
}

async fn ticker_all(State(hall): State<Arc<Hall>>, parameters: Parameters<Pairs>) -> Response {
    let tickers = |floor: &Floor| {
        let quotes = lists(parameters)?.take("quote_currencies").ok_or(Refusal::Missing)?;
        let is_quoted = |ticker: &&Ticker| {
            let quote = ticker.code.split('-').next();
            quotes.split(',').any(|wanted| quote == Some(wanted))
        };
        Ok(floor.tickers().filter(is_quoted).map(rest_ticker).collect())
    };
    rows(tickers(&hall.floor.lock()))
}

/// The parameters as they came.
type Pairs = Vec<(String, String)>;

/// Parameters of which each may be a list: `markets=A,B`, or `markets=A&markets=B` as pyupbit spells it.
struct Lists(HashMap<String, String>);

fn lists(parameters: Parameters<Pairs>) -> Result<Lists, Refusal> {
    let Query(pairs) = parameters.map_err(|_| Refusal::Invalid)?;
    let mut lists = HashMap::<String, String>::new();
    for (name, value) in pairs {
        let list = lists.entry(name).and_modify(|list| list.push(',')).or_default();
        list.push_str(&value);
    }
    Ok(Lists(lists))
}

impl Lists {
    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }
}

fn rows(rows: Result<Vec<String>, Refusal>) -> Response {
    match rows {
        Ok(rows) => json(format!("[{}]", rows.join(","))),
        Err(refusal) => refusal.into_response(),
    }
}

fn json(body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json;charset=UTF-8"),
        (header::CACHE_CONTROL, "no-cache, no-store, max-age=0, must-revalidate"),
        (header::PRAGMA, "no-cache"),
        (header::EXPIRES, "0"),
        (header::VARY, "origin,access-control-request-method,access-control-request-headers,accept-encoding"),
    ];
    (headers, body).into_response()
}

/// A parameter that is an integer, if it is there.
fn number(text: Option<&str>) -> Result<Option<i64>, Refusal> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| Refusal::WrongType),
    }
}

/// Why a call is answered with an error.
enum Refusal {
    Missing,
    WrongType,
    Invalid,
    UnknownMarket,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::Missing => {
                (StatusCode::BAD_REQUEST, "Missing request parameter error. Check the required parameters!")
            }
            Self::WrongType => (StatusCode::BAD_REQUEST, "Type mismatch error. Check the parameters type!"),
            Self::Invalid => (StatusCode::BAD_REQUEST, "Invalid parameter. Check the given value!"),
            Self::UnknownMarket => (StatusCode::NOT_FOUND, "Code not found"),
        };
        guard::error(status, message)
    }
}

/// One row of `market/all`.
#[derive(Serialize)]
struct MarketRow<'a> {
    market: &'a str,
    korean_name: &'a str,
    english_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    market_event: Option<MarketEvent>,
}

/// Warnings about a market. Here all is always well.
#[derive(Default, Serialize)]
struct MarketEvent {
    warning: bool,
    caution: Caution,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct Caution {
    price_fluctuations: bool,
    trading_volume_soaring: bool,
    deposit_amount_soaring: bool,
    global_price_differences: bool,
    concentration_of_small_accounts: bool,
}

impl<'a> MarketRow<'a> {
    fn new(spec: &'a MarketSpec, detailed: bool) -> Self {
        Self {
            market: &spec.code,
            korean_name: &spec.korean_name,
            english_name: &spec.english_name,
            market_event: detailed.then(MarketEvent::default),
        }
    }
}
