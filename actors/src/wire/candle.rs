//! The candle dialect of `GET /ws/minute`. `docs/protocol/candle.md` is its manual.
//!
//! Client: `{"market":"KRW-BTC"}` watches a market's minutes, `"interval":"5m"` longer windows, and
//! `{"market":"KRW-BTC","type":"UNSUBSCRIBE"}` stops. Server: JSON arrays of candles, newest first, in Upbit's fields;
//! `ERROR` frames as in the chat dialect.

use super::{Refusal, frame};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use tickroom_storage::candle::{Candle, Interval, Series};
use tickroom_storage::{Decimal, MarketCode, TimestampMs};

/// What a client of this dialect can ask for.
#[derive(Debug, PartialEq, Eq)]
pub enum Watch {
    /// Send the candles of this series from now on, the recent ones at once.
    Start(Series),
    /// Send no more of them.
    Stop(Series),
}

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    market: Option<Cow<'a, str>>,
    #[serde(borrow)]
    interval: Option<Cow<'a, str>>,
}

const EXAMPLE: &str = r#"{"market":"KRW-BTC"}"#;

/// Reads a client's text.
pub fn decode(text: &str) -> Result<Watch, Refusal> {
    let inbound: Inbound<'_> = super::parse_object(text, EXAMPLE)?;
    let name = inbound.market.unwrap_or_default();
    let market =
        name.parse::<MarketCode>().map_err(|_| Refusal::UnknownMarket(name.chars().take(40).collect()))?;
    let interval = inbound.interval.as_deref().unwrap_or("1m");
    let interval = interval.parse::<Interval>().map_err(|error| Refusal::Malformed {
        example: r#"{"market":"KRW-BTC","interval":"5m"}"#,
        detail: error.to_string(),
    })?;
    let series = Series { market, interval };
    match inbound.kind.as_deref() {
        None | Some("SUBSCRIBE") => Ok(Watch::Start(series)),
        Some("UNSUBSCRIBE") => Ok(Watch::Stop(series)),
        Some(other) => Err(Refusal::Malformed {
            example: r#"{"type":"SUBSCRIBE","market":"KRW-BTC"}"#,
            detail: format!("unknown type {:?}", other.chars().take(40).collect::<String>()),
        }),
    }
}

/// A candle in Upbit's fields, those of REST and those of the socket, so that clients of either find theirs.
#[derive(Debug, Serialize)]
pub struct CandleFields<'a> {
    #[serde(rename = "type")]
    kind: String,
    code: &'a MarketCode,
    market: &'a MarketCode,
    candle_date_time_utc: String,
    candle_date_time_kst: String,
    opening_price: Decimal,
    high_price: Decimal,
    low_price: Decimal,
    trade_price: Decimal,
    timestamp: i64,
    candle_acc_trade_price: Decimal,
    candle_acc_trade_volume: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<u16>,
    stream_type: &'static str,
    /// Whether the window is over. A correction of a closed window is closed, too.
    closed: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    simulated: bool,
}

impl<'a> CandleFields<'a> {
    fn new(
        series: &'a Series,
        candle: &Candle,
        stream_type: &'static str,
        closed: bool,
        simulated: bool,
    ) -> Self {
        let Series { market, interval } = series;
        Self {
            kind: format!("candle.{interval}"),
            code: market,
            market,
            candle_date_time_utc: date_time(candle.start),
            candle_date_time_kst: date_time(candle.start.plus_millis(KST_MS)),
            opening_price: candle.opening_price,
            high_price: candle.high_price,
            low_price: candle.low_price,
            trade_price: candle.trade_price,
            timestamp: candle.traded_at.as_millis(),
            candle_acc_trade_price: candle.turnover,
            candle_acc_trade_volume: candle.volume,
            unit: interval.minutes(),
            stream_type,
            closed,
            simulated,
        }
    }
}

/// Korea is nine hours ahead, all year.
const KST_MS: i64 = 9 * 60 * 60 * 1000;

/// Without a zone, as Upbit writes it: `2026-03-11T14:40:00`.
fn date_time(at: TimestampMs) -> String {
    at.to_string().chars().take_while(|character| *character != '.').collect()
}

/// One state of one window, as an array of one: clients of the original expect an array.
pub fn frame(series: &Series, candle: &Candle, closed: bool, simulated: bool) -> Bytes {
    encode(&[CandleFields::new(series, candle, "REALTIME", closed, simulated)])
}

/// What is known when somebody starts to watch. `recent`: oldest first; windows that begin before `open` are closed.
pub fn snapshot(series: &Series, recent: &[Candle], open: TimestampMs, simulated: bool) -> Bytes {
    let fields =
        |candle: &Candle| CandleFields::new(series, candle, "SNAPSHOT", candle.start < open, simulated);
    encode(&recent.iter().rev().map(fields).collect::<Vec<_>>())
}

fn encode(candles: &[CandleFields<'_>]) -> Bytes {
    // Texts and numbers: there is nothing in it that could fail to be JSON.
    frame::text(&serde_json::to_vec(candles).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(interval: Interval) -> Series {
        Series { market: "KRW-BTC".parse().unwrap(), interval }
    }

    #[test]
    fn minutes_are_the_default_and_longer_windows_are_spelled_out() {
        assert_eq!(decode(r#"{"market":"KRW-BTC"}"#), Ok(Watch::Start(series(Interval::Minute1))));
        assert_eq!(
            decode(r#"{"market":"KRW-BTC","interval":"1M"}"#),
            Ok(Watch::Start(series(Interval::Month)))
        );
        assert_eq!(
            decode(r#"{"type":"UNSUBSCRIBE","market":"KRW-BTC","interval":"5m"}"#),
            Ok(Watch::Stop(series(Interval::Minute5)))
        );
    }

    #[test]
    fn every_mistake_has_its_code() {
        let cases = [
            ("", "malformed"),
            ("[]", "malformed"),
            (r#"{"market":7}"#, "malformed"),
            (r#"{"market":"KRW-BTC","interval":"2m"}"#, "malformed"),
            (r#"{"market":"KRW-BTC","type":"BUY"}"#, "malformed"),
            ("{}", "unknown_market"),
            (r#"{"market":"krw-btc"}"#, "unknown_market"),
        ];
        for (text, code) in cases {
            assert_eq!(decode(text).unwrap_err().code(), code, "{text}");
        }
    }

    #[test]
    fn times_are_written_as_the_exchange_writes_them() {
        let at = "2026-03-11T14:40:00Z".parse::<TimestampMs>().unwrap();
        assert_eq!(date_time(at), "2026-03-11T14:40:00");
        assert_eq!(date_time(at.plus_millis(KST_MS)), "2026-03-11T23:40:00");
    }
}
