//! `/v1/candles/…`. <https://docs.upbit.com/kr/reference/list-candles-minutes> and its siblings.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::Deserialize;

use super::{Parameters, Refusal, json, number};
use crate::candle::{Candle, Interval, MINUTE_UNITS};
use crate::decimal::Price;
use crate::exchange::Hall;
use crate::spelling::{DayExtras, rest_candle};

/// Rows in one answer, at most.
const MAX_COUNT: usize = 200;

type Rows = Vec<(i64, Candle)>;

/// Everything below `/v1/candles`.
pub(super) fn routes() -> Router<Arc<Hall>> {
    Router::new()
        .route("/candles/seconds", get(async |hall, query| page(Interval::Second, hall, query).await))
        .route("/candles/minutes/{unit}", get(minutes))
        .route("/candles/days", get(days))
        .route("/candles/weeks", get(async |hall, query| page(Interval::Week, hall, query).await))
        .route("/candles/months", get(async |hall, query| page(Interval::Month, hall, query).await))
        .route("/candles/years", get(async |hall, query| page(Interval::Year, hall, query).await))
}

#[derive(Deserialize)]
struct CandlesOf {
    market: Option<String>,
    to: Option<String>,
    count: Option<String>,
    converting_price_unit: Option<String>,
}

/// What a call asks for, checked.
struct Wanted {
    market: String,
    /// Windows before this epoch second.
    before: i64,
    count: usize,
    is_converted: bool,
}

impl Wanted {
    fn of(parameters: Parameters<CandlesOf>) -> Result<Self, Refusal> {
        let Query(query) = parameters.map_err(|_| Refusal::Invalid)?;
        let is_converted = match query.converting_price_unit.as_deref() {
            None | Some("") => false,
            Some("KRW") => true,
            Some(_) => return Err(Refusal::Invalid),
        };
        Ok(Self {
            market: query.market.ok_or(Refusal::Missing)?,
            before: match query.to.as_deref() {
                None | Some("") => i64::MAX,
                Some(to) => first_second_not_before(parse_to(to).ok_or(Refusal::Invalid)?),
            },
            count: match number(query.count.as_deref())?.map_or(Ok(1), usize::try_from) {
                Ok(count @ 1..=MAX_COUNT) => count,
                Ok(_) | Err(_) => return Err(Refusal::Invalid),
            },
            is_converted,
        })
    }
}

/// An instant with its zone, or one without, which is UTC.
fn parse_to(text: &str) -> Option<Timestamp> {
    let local = || text.parse::<DateTime>().ok().and_then(|at| Offset::UTC.to_timestamp(at).ok());
    text.parse().ok().or_else(local)
}

/// Windows begin at whole seconds: one that begins in the second of `at` is before it if `at` is not whole.
fn first_second_not_before(at: Timestamp) -> i64 {
    let second = at.as_millisecond().div_euclid(1_000);
    second + i64::from(at.as_millisecond() > second * 1_000)
}

async fn minutes(
    unit: Result<Path<i64>, PathRejection>,
    hall: State<Arc<Hall>>,
    parameters: Parameters<CandlesOf>,
) -> Response {
    match unit {
        Ok(Path(unit)) if MINUTE_UNITS.contains(&unit) => {
            page(Interval::Minutes(unit), hall, parameters).await
        }
        Ok(_) => Refusal::Invalid.into_response(),
        Err(_) => Refusal::WrongType.into_response(),
    }
}

async fn page(
    interval: Interval,
    State(hall): State<Arc<Hall>>,
    parameters: Parameters<CandlesOf>,
) -> Response {
    let rows = async {
        let wanted = Wanted::of(parameters)?;
        let rows = read(&hall, &wanted.market, interval, wanted.before, wanted.count).await?;
        Ok((wanted, rows))
    };
    let (wanted, rows) = match rows.await {
        Ok(found) => found,
        Err(refusal) => return Refusal::into_response(refusal),
    };
    let spelled =
        rows.iter().map(|(start, candle)| rest_candle(&wanted.market, interval, *start, candle, None));
    array(spelled)
}

async fn days(State(hall): State<Arc<Hall>>, parameters: Parameters<CandlesOf>) -> Response {
    let rows = async {
        let wanted = Wanted::of(parameters)?;
        // One more, for the previous close of the oldest.
        let rows = read(&hall, &wanted.market, Interval::Day, wanted.before, wanted.count + 1).await?;
        let rates = if wanted.is_converted { won_rates(&hall, &wanted).await? } else { HashMap::new() };
        Ok((wanted, rows, rates))
    };
    let (wanted, rows, rates) = match rows.await {
        Ok(found) => found,
        Err(refusal) => return Refusal::into_response(refusal),
    };
    let previous = rows.iter().skip(1).map(|(_, candle)| candle.last).map(Some).chain([None]);
    let spelled = rows.iter().zip(previous).take(wanted.count).map(|((start, candle), previous)| {
        let converted = match wanted.market.starts_with("KRW-") {
            true => Some(candle.last),
            false => rates.get(start).map(|rate| Price::cut(candle.last * *rate)),
        };
        let extras = DayExtras {
            prev_closing: previous.unwrap_or(candle.opening),
            converted: converted.filter(|_| wanted.is_converted),
        };
        rest_candle(&wanted.market, Interval::Day, *start, candle, Some(extras))
    });
    array(spelled)
}

/// The closes in KRW of the currency that the market is priced in, by day.
async fn won_rates(hall: &Arc<Hall>, wanted: &Wanted) -> Result<HashMap<i64, Price>, Refusal> {
    let quote = wanted.market.split('-').next().unwrap_or_default();
    match read(hall, &format!("KRW-{quote}"), Interval::Day, wanted.before, wanted.count).await {
        Ok(rows) => Ok(rows.into_iter().map(|(start, candle)| (start, candle.last)).collect()),
        // KRW itself, or a currency that is not traded against it.
        Err(Refusal::UnknownMarket) => Ok(HashMap::new()),
        Err(refusal) => Err(refusal),
    }
}

/// Long pages add up a year of minutes, which is no work for a thread that serves sockets.
async fn read(
    hall: &Hall,
    market: &str,
    interval: Interval,
    before: i64,
    count: usize,
) -> Result<Rows, Refusal> {
    let page = hall.floor.lock().page(market, interval, before, count, Timestamp::now());
    let page = page.ok_or(Refusal::UnknownMarket)?;
    // It only fails when the runtime ends.
    tokio::task::spawn_blocking(move || page.rows(count)).await.map_err(|_| Refusal::Invalid)
}

fn array(rows: impl Iterator<Item = String>) -> Response {
    json(format!("[{}]", rows.collect::<Vec<_>>().join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_to_is_one_moment() {
        let at = parse_to("2025-06-24T04:56:53Z").unwrap();
        for text in [
            "2025-06-24 04:56:53",
            "2025-06-24T04:56:53",
            "2025-06-24T13:56:53+09:00",
            "2025-06-24T04:56:53.000Z",
            "2025-06-24 04:56:53Z",
        ] {
            assert_eq!(parse_to(text), Some(at), "{text}");
        }
        for text in ["yesterday", "2025-06-24T13:56:53 09:00", "20250624T", "1750740000"] {
            assert_eq!(parse_to(text), None, "{text}");
        }
    }

    #[test]
    fn a_window_that_began_within_the_second_is_before_its_end() {
        let at = |text: &str| first_second_not_before(text.parse().unwrap());
        assert_eq!(at("2025-06-24T00:00:00Z"), at("2025-06-23T23:59:59.001Z"));
        assert_eq!(at("2025-06-24T00:00:00.001Z"), at("2025-06-24T00:00:00Z") + 1);
    }
}
