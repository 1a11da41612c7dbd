//! Upbit's candles, as REST and the socket spell them: the same fields in both.
//! Sources: <https://docs.upbit.com/kr/reference/list-candles-days> and its siblings,
//! <https://docs.upbit.com/kr/reference/websocket-candle>.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use tickroom_storage::candle::{Candle, Interval, Series};
use tickroom_storage::{Decimal, TimestampMs};

/// Candles that the exchange gives in one answer at most.
pub const PAGE_CANDLES: u16 = 200;

/// A candle that cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum BadCandle {
    /// A key is missing or of another type.
    #[error("expected a candle: {0}")]
    Json(#[from] serde_json::Error),
    /// The window is not one of this length.
    #[error("expected a window of {interval}, got {start:?}")]
    Window {
        /// What was asked for.
        interval: Interval,
        /// What came.
        start: String,
    },
    /// The prices contradict each other.
    #[error("expected low <= open, close <= high and no negative sums at {0}")]
    Figures(TimestampMs),
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    candle_date_time_utc: Cow<'a, str>,
    opening_price: Decimal,
    high_price: Decimal,
    low_price: Decimal,
    trade_price: Decimal,
    candle_acc_trade_volume: Decimal,
    candle_acc_trade_price: Decimal,
    timestamp: i64,
}

/// Reads one candle, of REST or of the socket. Keys that are not needed may be there or not.
///
/// # Errors
///
/// What no window of this interval can have held.
pub fn parse(json: &str, interval: Interval) -> Result<Candle, BadCandle> {
    let row: Row<'_> = serde_json::from_str(json)?;
    // The exchange leaves out the zone, which is UTC.
    let start = format!("{}Z", row.candle_date_time_utc).parse::<TimestampMs>().ok();
    let start = start.filter(|start| interval.window(*start).from == *start).ok_or_else(|| {
        BadCandle::Window { interval, start: row.candle_date_time_utc.chars().take(40).collect() }
    })?;
    let candle = Candle {
        start,
        opening_price: row.opening_price,
        high_price: row.high_price,
        low_price: row.low_price,
        trade_price: row.trade_price,
        volume: row.candle_acc_trade_volume,
        turnover: row.candle_acc_trade_price,
        traded_at: TimestampMs::new(row.timestamp),
    };
    if is_possible(&candle) { Ok(candle) } else { Err(BadCandle::Figures(start)) }
}

/// Reads the answer of `GET /v1/candles/…`, newest first.
///
/// # Errors
///
/// When it is no list of candles of this interval: an answer with a hole in it is of no use.
pub fn parse_page(body: &[u8], interval: Interval) -> Result<Vec<Candle>, BadCandle> {
    let rows: Vec<&RawValue> = serde_json::from_slice(body)?;
    rows.into_iter().map(|row| parse(row.get(), interval)).collect()
}

fn is_possible(candle: &Candle) -> bool {
    let Candle { opening_price, high_price, low_price, trade_price, volume, turnover, .. } = candle;
    let prices = [opening_price, trade_price];
    prices.into_iter().all(|price| low_price <= price && price <= high_price)
        && ![low_price, volume, turnover].into_iter().any(|number| number.is_negative())
}

/// The path and query of the candles of a series that begin before `to`, newest first.
pub fn path(series: &Series, to: TimestampMs, count: u16) -> String {
    let Series { market, interval } = series;
    let kind = match interval {
        Interval::Day => "days".to_owned(),
        Interval::Week => "weeks".to_owned(),
        Interval::Month => "months".to_owned(),
        Interval::Year => "years".to_owned(),
        minutes => format!("minutes/{}", minutes.minutes().unwrap_or(1)),
    };
    // Whole seconds, as the exchange takes them; a colon has to be encoded.
    let to = to.to_string().replace(".000Z", "Z").replace(':', "%3A");
    format!("/candles/{kind}?market={market}&to={to}&count={count}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: &str = r#"{"type":"candle.1m","code":"KRW-BTC","candle_date_time_utc":"2026-07-30T07:46:00","candle_date_time_kst":"2026-07-30T16:46:00","opening_price":91157000.00000000,"high_price":9.1157E7,"low_price":91133000.00000000,"trade_price":91157000.00000000,"candle_acc_trade_volume":0.80044670,"candle_acc_trade_price":72957159.3459600000000000,"timestamp":1785397618309,"new_key":[],"stream_type":"REALTIME"}"#;

    #[test]
    fn a_candle_is_read_with_every_digit() {
        let candle = parse(FRAME, Interval::Minute1).unwrap();
        assert_eq!(candle.start.to_string(), "2026-07-30T07:46:00.000Z");
        assert_eq!(candle.high_price.to_string(), "91157000");
        assert_eq!(
            (candle.volume.to_string(), candle.turnover.to_string()),
            ("0.8004467".into(), "72957159.34596".into())
        );
        assert_eq!(candle.traded_at.as_millis(), 1_785_397_618_309);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (from, to) in [
            ("07:46:00", "07:46:01"),
            ("2026-07-30T07", "yesterday"),
            (r#""low_price":91133000"#, r#""low_price":91158000"#),
            (r#""trade_price":91157000"#, r#""trade_price":"91157000""#),
            (r#"volume":0.8"#, r#"volume":-0.8"#),
            (r#""timestamp":1785397618309,"#, ""),
        ] {
            let text = FRAME.replacen(from, to, 1);
            assert_ne!(text, FRAME);
            assert!(parse(&text, Interval::Minute1).is_err(), "{to}");
        }
        assert!(parse(FRAME, Interval::Minute3).is_err(), "07:46 begins no three minutes");
        assert!(parse_page(format!("[{FRAME},{{}}]").as_bytes(), Interval::Minute1).is_err());
    }

    #[test]
    fn a_path_is_encoded() {
        let series = |interval| Series { market: "KRW-BTC".parse().unwrap(), interval };
        let to = "2026-07-30T07:46:00Z".parse().unwrap();
        assert_eq!(
            path(&series(Interval::Minute240), to, 200),
            "/candles/minutes/240?market=KRW-BTC&to=2026-07-30T07%3A46%3A00Z&count=200"
        );
        assert!(path(&series(Interval::Month), to, 1).starts_with("/candles/months?"));
    }

    proptest! {
        #[test]
        fn no_answer_panics(text in any::<String>(), cut in 0..FRAME.len()) {
            let _ = parse_page(text.as_bytes(), Interval::Day);
            prop_assert!(parse(&FRAME[..cut], Interval::Minute1).is_err());
        }
    }
}
