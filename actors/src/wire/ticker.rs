//! The price dialect of `GET /ws/ticker`. `docs/protocol/ticker.md` is its manual.
//!
//! Client: `{"market":"KRW-BTC"}` watches a market, `{"market":"KRW-BTC","type":"UNSUBSCRIBE"}` stops.
//! Server: Upbit's ticker fields as they came, each number in the exchange's own spelling, with `received`, `seq` and
//! (from a simulated exchange) `simulated` added; `AGE` frames when prices become stale or fresh, `CLOSED` frames
//! for markets that are not followed any more, `ERROR` frames as in the chat dialect.

use super::{Refusal, frame};
use crate::ticker::Tick;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use tickroom_storage::MarketCode;

/// What a client of this dialect can ask for.
#[derive(Debug, PartialEq, Eq)]
pub enum Watch {
    /// Send this market's prices from now on, the last known one at once.
    Start(MarketCode),
    /// Send no more of this market's prices.
    Stop(MarketCode),
}

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    market: Option<Cow<'a, str>>,
}

const EXAMPLE: &str = r#"{"market":"KRW-BTC"}"#;

/// Reads a client's text.
pub fn decode(text: &str) -> Result<Watch, Refusal> {
    let inbound: Inbound<'_> = super::parse_object(text, EXAMPLE)?;
    let market = inbound.market.unwrap_or_default();
    let code = market
        .parse::<MarketCode>()
        .map_err(|_| Refusal::UnknownMarket(market.chars().take(40).collect()))?;
    match inbound.kind.as_deref() {
        None | Some("SUBSCRIBE") => Ok(Watch::Start(code)),
        Some("UNSUBSCRIBE") => Ok(Watch::Stop(code)),
        Some(other) => Err(Refusal::Malformed {
            example: r#"{"type":"SUBSCRIBE","market":"KRW-BTC"}"#,
            detail: format!("unknown type {:?}", other.chars().take(40).collect::<String>()),
        }),
    }
}

#[derive(Serialize)]
struct Outbound<'a> {
    #[serde(flatten)]
    ticker: &'a crate::feed::upbit::Ticker<'a>,
    /// Epoch milliseconds at which this server read the price from the exchange.
    received: i64,
    /// Counts the prices of this market; a gap tells a reader how many it was spared.
    seq: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    simulated: bool,
}

/// The frame of one price. `snapshot` marks the last known price that a new watcher gets.
pub fn encode(tick: &Tick, snapshot: bool) -> Option<Bytes> {
    json(tick, snapshot).map(|json| frame::text(json.get().as_bytes()))
}

#[derive(Serialize)]
struct Age {
    #[serde(rename = "type")]
    kind: &'static str,
    stale: bool,
}

/// The frame that says that prices have become stale, or are fresh again.
pub fn encode_stale(stale: bool) -> Bytes {
    // A string and a flag always serialize.
    frame::text(&serde_json::to_vec(&Age { kind: "AGE", stale }).unwrap_or_default())
}

#[derive(Serialize)]
struct Closed<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    market: &'a MarketCode,
}

/// The frame that says that a market is not followed any more.
pub fn encode_closed(market: &MarketCode) -> Bytes {
    // Strings always serialize.
    frame::text(&serde_json::to_vec(&Closed { kind: "CLOSED", market }).unwrap_or_default())
}

/// One price as JSON; none if the exchange's fields cannot be read, which was checked when they came.
pub fn json(tick: &Tick, snapshot: bool) -> Option<Box<RawValue>> {
    let mut ticker = tick.ticker()?;
    if snapshot {
        ticker.stream_type = Some("SNAPSHOT".into());
    }
    let (received, seq, simulated) = (tick.received.as_millis(), tick.seq, tick.simulated);
    serde_json::value::to_raw_value(&Outbound { ticker: &ticker, received, seq, simulated }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscribe_is_the_default_and_unsubscribe_is_spelled_out() {
        let code: MarketCode = "KRW-BTC".parse().unwrap();
        assert_eq!(decode(r#"{"market":"KRW-BTC"}"#), Ok(Watch::Start(code.clone())));
        assert_eq!(decode(r#"{"type":"UNSUBSCRIBE","market":"KRW-BTC"}"#), Ok(Watch::Stop(code)));
    }

    #[test]
    fn every_mistake_has_its_code() {
        let cases = [
            ("", "malformed"),
            ("{", "malformed"),
            (r#"{"market":7}"#, "malformed"),
            (r#"{"market":"KRW-BTC","type":"BUY"}"#, "malformed"),
            ("{}", "unknown_market"),
            (r#"{"market":"krw-btc"}"#, "unknown_market"),
            (r#"{"market":"../../etc/passwd"}"#, "unknown_market"),
        ];
        for (text, code) in cases {
            assert_eq!(decode(text).unwrap_err().code(), code, "{text}");
        }
    }
}
