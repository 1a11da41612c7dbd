//! `/v1/candles/…` over HTTP.

use std::collections::HashMap;

use reqwest::StatusCode;
use serde_json::Value;
use serde_json::value::RawValue;
use tickroom_sim::{Config, Exchange, Limits};

use crate::harness::{exchange, get, quiet};

const ALL: [&str; 6] = ["seconds", "minutes/1", "days", "weeks", "months", "years"];

async fn rows(exchange: &Exchange, path: &str) -> Vec<Value> {
    let response = get(exchange, path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.json().await.unwrap()
}

/// The keys of the first row, in the order in which they were sent.
async fn keys(exchange: &Exchange, path: &str) -> Vec<String> {
    let text = get(exchange, path).await.text().await.unwrap();
    let rows: Vec<Box<RawValue>> = serde_json::from_str(&text).unwrap();
    let members = rows[0].get().trim_matches(['{', '}']).split(",\"");
    members.map(|member| member.trim_start_matches('"').split('"').next().unwrap().to_owned()).collect()
}

/// The values of the first row as they were spelled: the same number may be `1e9` or `1000000000.00000000`, and
/// serde_json's reading of a long spelling may be a neighbour of the nearest double.
async fn spellings(exchange: &Exchange, path: &str) -> HashMap<String, Box<RawValue>> {
    let text = get(exchange, path).await.text().await.unwrap();
    let mut rows: Vec<HashMap<String, Box<RawValue>>> = serde_json::from_str(&text).unwrap();
    rows.swap_remove(0)
}

#[tokio::test]
async fn every_kind_has_its_fields_in_the_order_of_the_exchange() {
    let exchange = exchange(quiet()).await;
    let common = [
        "market",
        "candle_date_time_utc",
        "candle_date_time_kst",
        "opening_price",
        "high_price",
        "low_price",
        "trade_price",
        "timestamp",
        "candle_acc_trade_price",
        "candle_acc_trade_volume",
    ];
    let day = ["prev_closing_price", "change_price", "change_rate"];
    let cases: [(&str, &[&str]); 8] = [
        ("seconds?market=KRW-BTC", &[]),
        ("minutes/1?market=KRW-BTC", &["unit"]),
        ("minutes/240?market=KRW-BTC", &["unit"]),
        ("days?market=KRW-BTC", &day),
        ("days?market=KRW-BTC&converting_price_unit=KRW", &[&day[..], &["converted_trade_price"]].concat()),
        ("weeks?market=KRW-BTC", &["first_day_of_period"]),
        ("months?market=KRW-BTC", &["first_day_of_period"]),
        ("years?market=KRW-BTC", &["first_day_of_period"]),
    ];
    for (path, more) in cases {
        let expected = [&common[..], more].concat();
        assert_eq!(keys(&exchange, &format!("/candles/{path}")).await, expected, "{path}");
    }
}

#[tokio::test]
async fn numbers_are_spelled_with_eight_decimals_and_rates_with_ten() {
    let exchange = exchange(quiet()).await;
    exchange.trade("KRW-BTC", "150001000", "0.25").unwrap();
    let text = get(&exchange, "/candles/days?market=KRW-BTC").await.text().await.unwrap();
    let decimals = |key: &str| {
        let value = text.split(&format!("\"{key}\":")).nth(1).unwrap();
        let digits = value.split([',', '}']).next().unwrap().split_once('.').unwrap().1;
        digits.len()
    };
    for key in ["opening_price", "trade_price", "candle_acc_trade_price", "candle_acc_trade_volume"] {
        assert_eq!(decimals(key), 8, "{key}: {text}");
    }
    assert_eq!(decimals("change_rate"), 10, "{text}");
}

#[tokio::test]
async fn to_is_exclusive_in_each_of_its_spellings() {
    let exchange = exchange(quiet()).await;
    for to in [
        "2026-03-11T14:40:00Z",
        "2026-03-11%2014:40:00",
        "2026-03-11T14:40:00",
        "2026-03-11T23:40:00%2B09:00",
        "2026-03-11T14:40:00.000Z",
    ] {
        let row = &rows(&exchange, &format!("/candles/minutes/1?market=KRW-BTC&to={to}")).await[0];
        assert_eq!(row["candle_date_time_utc"], "2026-03-11T14:39:00", "{to}");
        assert_eq!(row["candle_date_time_kst"], "2026-03-11T23:39:00", "{to}");
    }
    let row = &rows(&exchange, "/candles/days?market=KRW-BTC&to=2026-03-11T14:40:00Z").await[0];
    assert_eq!(row["candle_date_time_utc"], "2026-03-11T00:00:00", "a day that began before is there whole");
}

#[tokio::test]
async fn windows_begin_on_monday_on_the_first_and_in_january() {
    let exchange = exchange(quiet()).await;
    let cases = [
        ("weeks", "2026-03-09T00:00:00"),
        ("months", "2026-03-01T00:00:00"),
        ("years", "2026-01-01T00:00:00"),
    ];
    for (kind, start) in cases {
        let path = format!("/candles/{kind}?market=KRW-BTC&to=2026-03-11T14:40:00Z");
        let row = &rows(&exchange, &path).await[0];
        assert_eq!(row["candle_date_time_utc"], start);
        assert_eq!(row["first_day_of_period"], start[..10]);
    }
}

#[tokio::test]
async fn days_follow_each_other_in_their_closes() {
    let exchange = exchange(quiet()).await;
    let days = rows(&exchange, "/candles/days?market=KRW-ETH&count=50&converting_price_unit=KRW").await;
    for pair in days.windows(2) {
        assert_eq!(pair[0]["prev_closing_price"], pair[1]["trade_price"]);
        assert_eq!(pair[0]["converted_trade_price"], pair[0]["trade_price"]);
        assert!(pair[0]["candle_date_time_utc"].as_str() > pair[1]["candle_date_time_utc"].as_str());
    }
}

#[tokio::test]
async fn a_price_in_bitcoin_is_converted_to_won() {
    let exchange = exchange(quiet()).await;
    let bitcoin = rows(&exchange, "/candles/days?market=KRW-BTC").await[0]["trade_price"].as_f64().unwrap();
    let row = &rows(&exchange, "/candles/days?market=BTC-ETH&converting_price_unit=KRW").await[0];
    let expected = row["trade_price"].as_f64().unwrap() * bitcoin;
    assert!((row["converted_trade_price"].as_f64().unwrap() - expected).abs() < 0.01, "{row}");
}

#[tokio::test]
async fn a_trade_moves_the_running_candle_of_every_length() {
    let exchange = exchange(quiet()).await;
    let path = |kind: &str| format!("/candles/{kind}?market=KRW-BTC&count=2");
    exchange.trade("KRW-BTC", "200000000", "0.5").unwrap();
    for kind in ALL {
        let after = rows(&exchange, &path(kind)).await;
        assert_eq!(after[0]["high_price"], 200_000_000.0, "{kind}");
        assert_eq!(after[0]["trade_price"], 200_000_000.0, "{kind}");
    }
    let day = spellings(&exchange, &path("days")).await;
    let ticker = spellings(&exchange, "/ticker?markets=KRW-BTC").await;
    for (candle, tick) in [
        ("opening_price", "opening_price"),
        ("low_price", "low_price"),
        ("candle_acc_trade_volume", "acc_trade_volume"),
        ("candle_acc_trade_price", "acc_trade_price"),
        ("prev_closing_price", "prev_closing_price"),
    ] {
        let (day, ticker) = (day[candle].get(), ticker[tick].get());
        let number = |spelling: &str| spelling.parse::<f64>().unwrap();
        assert_eq!(number(day), number(ticker), "the day's candle: {day}, the ticker's {tick}: {ticker}");
    }
}

#[tokio::test]
async fn the_same_seed_tells_the_same_history_to_everyone() {
    let path = "/candles/minutes/15?market=KRW-ETH&count=200&to=2026-03-11T14:40:00Z";
    let walking = |seed| Config { seed, trades_per_minute: 1, ..quiet() };
    let (one, other) = (exchange(walking(5)).await, exchange(walking(5)).await);
    let stranger = exchange(walking(6)).await;
    let history = rows(&one, path).await;
    assert_eq!(history, rows(&other, path).await);
    assert_ne!(history, rows(&stranger, path).await);
}

#[tokio::test]
async fn refused_calls_have_the_texts_of_the_exchange() {
    let exchange = exchange(quiet()).await;
    let invalid = (400, r#"{"error":{"name":400,"message":"Invalid parameter. Check the given value!"}}"#);
    let mismatch =
        (400, r#"{"error":{"name":400,"message":"Type mismatch error. Check the parameters type!"}}"#);
    let missing = (
        400,
        r#"{"error":{"name":400,"message":"Missing request parameter error. Check the required parameters!"}}"#,
    );
    let unknown = (404, r#"{"error":{"name":404,"message":"Code not found"}}"#);
    let cases = [
        ("minutes/1", missing),
        ("minutes/1?market=KRW-NOPE", unknown),
        ("minutes/2?market=KRW-BTC", invalid),
        ("minutes/x?market=KRW-BTC", mismatch),
        ("days?market=KRW-BTC&count=0", invalid),
        ("days?market=KRW-BTC&count=201", invalid),
        ("days?market=KRW-BTC&count=-1", invalid),
        ("days?market=KRW-BTC&count=abc", mismatch),
        ("days?market=KRW-BTC&to=yesterday", invalid),
        ("days?market=KRW-BTC&to=2025-06-24T13:56:53+09:00", invalid),
        ("days?market=KRW-BTC&converting_price_unit=USD", invalid),
    ];
    for (path, (status, body)) in cases {
        let response = get(&exchange, &format!("/candles/{path}")).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(response.text().await.unwrap(), body, "{path}");
    }
}

#[tokio::test]
async fn all_kinds_of_candles_share_one_limit() {
    let limits = Limits { rest_per_second: 6, ..Limits::default() };
    let exchange = exchange(Config { limits, ..quiet() }).await;
    for (kind, left) in ALL.into_iter().zip((0..6).rev()) {
        let response = get(&exchange, &format!("/candles/{kind}?market=KRW-BTC")).await;
        assert_eq!(response.headers()["remaining-req"], format!("group=candles; min=600; sec={left}"));
    }
    let refused = get(&exchange, "/candles/days?market=KRW-BTC").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.headers().contains_key("retry-after"));
}
