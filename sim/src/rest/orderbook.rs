//! `/v1/orderbook` and `/v1/orderbook/instruments`. <https://docs.upbit.com/kr/reference/list-orderbooks>

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::{Pairs, Parameters, Refusal, lists, number, rows};
use crate::book::{Book, FULL_DEPTH, supported_levels};
use crate::decimal::Price;
use crate::exchange::Hall;
use crate::market::Ticker;
use crate::spelling::{rest_book, shortest};
use crate::tick_size::tick_size;

pub(super) async fn books(State(hall): State<Arc<Hall>>, parameters: Parameters<Pairs>) -> Response {
    let books = || {
        let mut query = lists(parameters)?;
        let level = query.take("level").unwrap_or_else(|| "0".to_owned());
        let level: Price = level.parse().map_err(|_| Refusal::WrongType)?;
        let depth = match number(query.take("count").as_deref())?.map(usize::try_from) {
            None => FULL_DEPTH,
            Some(Ok(depth @ 1..)) => depth.min(FULL_DEPTH),
            Some(_) => return Err(Refusal::Invalid),
        };
        with_tickers(&hall, query.take("markets"), |ticker| {
            // A level that the market does not have gives no row, and no error either.
            Book::of(ticker, depth, level).map(|book| rest_book(&book))
        })
    };
    rows(books())
}

#[derive(Serialize)]
struct InstrumentRow<'a> {
    market: &'a str,
    quote_currency: &'a str,
    tick_size: String,
    supported_levels: Vec<String>,
}

pub(super) async fn instruments(State(hall): State<Arc<Hall>>, parameters: Parameters<Pairs>) -> Response {
    let instruments = || {
        with_tickers(&hall, lists(parameters)?.take("markets"), |ticker| {
            let levels = supported_levels(&ticker.code, ticker.last);
            let row = InstrumentRow {
                market: &ticker.code,
                quote_currency: ticker.code.split('-').next().unwrap_or_default(),
                tick_size: shortest(tick_size(&ticker.code, ticker.last)),
                supported_levels: levels.into_iter().map(shortest).collect(),
            };
            // Strings always serialize.
            serde_json::to_string(&row).ok()
        })
    };
    rows(instruments())
}

/// A row for each market of a list, which may be in lower case here, unlike on the socket.
fn with_tickers(
    hall: &Hall,
    markets: Option<String>,
    row: impl Fn(&Ticker) -> Option<String>,
) -> Result<Vec<String>, Refusal> {
    let markets = markets.ok_or(Refusal::Missing)?.to_uppercase();
    let floor = hall.floor.lock();
    let tickers: Option<Vec<&Ticker>> = markets.split(',').map(|code| floor.ticker(code)).collect();
    Ok(tickers.ok_or(Refusal::UnknownMarket)?.into_iter().filter_map(row).collect())
}
