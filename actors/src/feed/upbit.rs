//! Upbit's market data, as far as it is read here: the ticker, the candle of a minute and the list of markets.
//!
//! Parsing is as lenient as the exchange is free: unknown keys are skipped, missing ones stay missing, an array
//! of objects counts as several frames. Numbers keep the exchange's spelling (`158219000.00000000`, `0E-8`), which
//! no float would survive. Source: <https://docs.upbit.com/kr/reference/websocket-ticker>.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use tickroom_storage::MarketCode;
use tickroom_storage::market::Market;

macro_rules! ticker {
    ($($field:ident)*) => {
        /// A ticker frame in DEFAULT format, its fields in wire order, borrowed from the frame's bytes.
        #[derive(Debug, Clone, Deserialize, Serialize)]
        pub struct Ticker<'a> {
            /// Always `ticker`.
            #[serde(rename = "type", borrow)]
            pub kind: Cow<'a, str>,
            /// Market code, such as `KRW-BTC`.
            #[serde(borrow)]
            pub code: Cow<'a, str>,
            $(
                #[allow(missing_docs, reason = "the exchange documents its fields")]
                #[serde(borrow, default, deserialize_with = "as_it_came", skip_serializing_if = "Option::is_none")]
                pub $field: Option<&'a RawValue>,
            )*
            /// `SNAPSHOT` or `REALTIME`.
            #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
            pub stream_type: Option<Cow<'a, str>>,
        }
    };
}

ticker! {
    opening_price high_price low_price trade_price prev_closing_price acc_trade_price
    change change_price signed_change_price change_rate signed_change_rate
    ask_bid trade_volume acc_trade_volume trade_date trade_time trade_timestamp acc_ask_volume acc_bid_volume
    highest_52_week_price highest_52_week_date lowest_52_week_price lowest_52_week_date
    market_state is_trading_suspended delisting_date market_warning
    timestamp acc_trade_price_24h acc_trade_volume_24h
}

/// Keeps a `null` that was sent apart from a key that was not.
fn as_it_came<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

impl Ticker<'_> {
    /// Epoch milliseconds at which the exchange sent the frame; 0 when it did not say.
    pub fn timestamp_ms(&self) -> i64 {
        self.timestamp.and_then(|raw| raw.get().parse().ok()).unwrap_or(0)
    }

    /// The day of the last trade as it is spelled, and the volume since that day began. To compare, not to show: the
    /// volume has lost its last digits.
    pub(crate) fn day_volume(&self) -> Option<(&str, f64)> {
        Some((self.trade_date?.get(), self.acc_trade_volume?.get().parse().ok()?))
    }
}

/// What one text or binary frame of the exchange holds.
#[derive(Debug)]
pub enum Frame<'a> {
    /// Market data, each with its market and the JSON text it was read from, in order.
    Data(Vec<(Kind, MarketCode, &'a str)>),
    /// The exchange refused the request and is about to close.
    Error {
        /// The name that programs branch on; the message's language depends on the host.
        name: String,
        /// The exchange's words.
        message: String,
    },
    /// The answer to a keep-alive, or a type that was not asked for.
    Other,
}

/// What a data frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A price: `ticker`.
    Ticker,
    /// A minute, running or just over: `candle.1m`.
    Minute,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Ticker, Self::Minute];

    /// The exchange's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ticker => "ticker",
            Self::Minute => "candle.1m",
        }
    }
}

/// The bytes were not what the exchange sends.
#[derive(Debug, thiserror::Error)]
#[error("expected a JSON object or an array of them: {0}")]
pub struct BadFrame(#[from] serde_json::Error);

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
    #[serde(default)]
    error: Option<ErrorBody>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorBody {
    name: String,
    message: String,
}

/// Reads a frame. Elements of other types, and of codes that no market can have, are skipped.
pub fn parse(text: &str) -> Result<Frame<'_>, BadFrame> {
    let objects: Vec<&RawValue> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text)?,
        false => vec![serde_json::from_str(text)?],
    };
    let mut data = Vec::with_capacity(objects.len());
    for object in objects {
        let head: Head<'_> = serde_json::from_str(object.get())?;
        if let Some(ErrorBody { name, message }) = head.error {
            return Ok(Frame::Error { name, message });
        }
        let kind = Kind::ALL.into_iter().find(|kind| head.kind.as_deref() == Some(kind.name()));
        if let Some(kind) = kind
            && let Some(Ok(code)) = head.code.map(|code| code.parse())
        {
            data.push((kind, code, object.get()));
        }
    }
    Ok(if data.is_empty() { Frame::Other } else { Frame::Data(data) })
}

/// The request that replaces whatever the socket was subscribed to by all that is read of the markets `codes`.
pub fn subscribe_request(ticket: &str, codes: &[MarketCode]) -> String {
    let [ticker, minute] = Kind::ALL.map(|kind| serde_json::json!({ "type": kind.name(), "codes": codes }));
    serde_json::json!([{ "ticket": ticket }, ticker, minute, { "format": "DEFAULT" }]).to_string()
}

#[derive(Deserialize)]
struct MarketRow {
    market: String,
    #[serde(default)]
    korean_name: String,
    #[serde(default)]
    english_name: String,
    #[serde(default)]
    market_event: Option<MarketEvent>,
}

#[derive(Deserialize)]
struct MarketEvent {
    #[serde(default)]
    warning: bool,
}

/// Reads the answer of `GET /v1/market/all?is_details=true`. Rows whose code is no market code are left out.
pub fn parse_markets(body: &[u8]) -> Result<Vec<Market>, BadFrame> {
    let rows: Vec<MarketRow> = serde_json::from_slice(body)?;
    let market = |row: MarketRow| {
        Some(Market {
            code: row.market.parse().ok()?,
            korean_name: row.korean_name,
            english_name: row.english_name,
            warning: row.market_event.is_some_and(|event| event.warning),
        })
    };
    Ok(rows.into_iter().filter_map(market).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Made up, in the exchange's spelling.
    const FRAME: &str = r#"{"type":"ticker","code":"KRW-BTC","opening_price":100000000.00000000,"trade_price":100100000.00000000,"acc_trade_price":12345678901.2345670000000000,"change":"EVEN","change_price":0E-8,"signed_change_rate":0,"trade_timestamp":1767225600000,"delisting_date":null,"timestamp":1767225600044,"brand_new_key":[1,{"a":2}],"stream_type":"REALTIME"}"#;

    #[test]
    fn numbers_leave_as_they_came() {
        let ticker: Ticker<'_> = serde_json::from_str(FRAME).unwrap();
        assert_eq!(ticker.timestamp_ms(), 1_767_225_600_044);
        let expected = FRAME.replace(r#""brand_new_key":[1,{"a":2}],"#, "");
        assert_eq!(serde_json::to_string(&ticker).unwrap(), expected);
    }

    #[test]
    fn an_array_is_several_frames_and_strangers_are_skipped() {
        let minute = r#"{"type":"candle.1m","code":"KRW-ETH"}"#;
        let text = format!(r#"[{FRAME},{{"type":"trade","code":"KRW-BTC"}},{minute},{FRAME}]"#);
        let Frame::Data(data) = parse(&text).unwrap() else { panic!("no data") };
        let (btc, eth) = ("KRW-BTC".parse().unwrap(), "KRW-ETH".parse().unwrap());
        let ticker = (Kind::Ticker, btc, FRAME);
        assert_eq!(data, [ticker.clone(), (Kind::Minute, eth, minute), ticker]);
    }

    #[test]
    fn errors_keep_their_name_whatever_the_order_of_keys() {
        for text in [
            r#"{"error":{"name":"NO_TICKET","message":"m"}}"#,
            r#"{"error":{"message":"m","name":"NO_TICKET"}}"#,
        ] {
            assert!(matches!(parse(text).unwrap(), Frame::Error { name, .. } if name == "NO_TICKET"));
        }
    }

    #[test]
    fn a_keep_alive_and_an_unknown_type_are_no_prices() {
        for text in [r#"{"status":"UP"}"#, r#"{"type":"orderbook","code":"KRW-BTC"}"#, "[]"] {
            assert!(matches!(parse(text).unwrap(), Frame::Other), "{text}");
        }
    }

    #[test]
    fn the_market_list_reads_with_and_without_details() {
        let body = r#"[{"market":"KRW-BTC","korean_name":"비트코인","english_name":"Bitcoin"},
            {"market":"KRW-X","korean_name":"엑스","english_name":"X","market_event":{"warning":true,"caution":{}}},
            {"market":"not a code"}]"#;
        let markets = parse_markets(body.as_bytes()).unwrap();
        assert_eq!(markets.len(), 2);
        assert!(!markets[0].warning && markets[1].warning);
    }

    proptest! {
        #[test]
        fn no_frame_panics(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn a_frame_cut_anywhere_is_refused_or_harmless(cut in 0..FRAME.len()) {
            prop_assert!(parse(&FRAME[..cut]).is_err());
        }
    }
}
