//! `/v1/trades/ticks`. <https://docs.upbit.com/kr/reference/recent-trades-history>

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Time;
use serde::Deserialize;

use super::{Parameters, Refusal, number, rows};
use crate::candle::{Interval, SECONDS_PER_DAY};
use crate::exchange::Hall;
use crate::spelling::rest_trade;

/// Rows in one answer, at most.
const MAX_COUNT: usize = 500;

/// Trades of so many days before today can be asked for.
const MAX_DAYS_AGO: i64 = 7;

#[derive(Deserialize)]
pub(super) struct TradesOf {
    market: Option<String>,
    to: Option<String>,
    count: Option<String>,
    cursor: Option<String>,
    days_ago: Option<String>,
}

/// The newest trades of a UTC day, today or `days_ago`, before the time of day `to` and the id `cursor`.
pub(super) async fn ticks(State(hall): State<Arc<Hall>>, parameters: Parameters<TradesOf>) -> Response {
    rows(read(&hall, parameters))
}

fn read(hall: &Hall, parameters: Parameters<TradesOf>) -> Result<Vec<String>, Refusal> {
    let Query(query) = parameters.map_err(|_| Refusal::Invalid)?;
    let market = query.market.ok_or(Refusal::Missing)?;
    let count = match number(query.count.as_deref())?.map_or(Ok(1), usize::try_from) {
        Ok(count @ 1..=MAX_COUNT) => count,
        Ok(_) | Err(_) => return Err(Refusal::Invalid),
    };
    let cursor = number(query.cursor.as_deref())?.unwrap_or(i64::MAX);
    let days_ago = match number(query.days_ago.as_deref())? {
        None => 0,
        Some(days @ 1..=MAX_DAYS_AGO) => days,
        Some(_) => return Err(Refusal::Invalid),
    };
    let today = Interval::Day.start_of(Timestamp::now().as_second());
    let day = today - days_ago * SECONDS_PER_DAY;
    let before = match query.to.as_deref() {
        None | Some("") => i64::MAX,
        Some(to) => day + second_of_day(to).ok_or(Refusal::Invalid)?,
    };
    let floor = hall.floor.lock();
    let history = floor.history(&market).ok_or(Refusal::UnknownMarket)?;
    let trades = history.trades_of_day(day, before, cursor, count);
    let yesterday = history.window(Interval::Day, day - SECONDS_PER_DAY);
    let prev_closing = yesterday.map(|candle| candle.last).or(trades.last().map(|trade| trade.price));
    Ok(trades.iter().map(|trade| rest_trade(&market, trade, prev_closing.unwrap_or(trade.price))).collect())
}

/// `HH:mm:ss` or `HHmmss`.
fn second_of_day(text: &str) -> Option<i64> {
    let format = if text.contains(':') { "%H:%M:%S" } else { "%H%M%S" };
    let time = Time::strptime(format, text).ok()?;
    Some(i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second()))
}
