//! The REST calls.

use reqwest::StatusCode;
use serde_json::Value;
use tickroom_sim::{Config, Exchange, Limits};

use crate::harness::{exchange, get, get_with, quiet};

/// Every call that fails: path, status, body.
const REFUSED: [(&str, u16, &str); 8] = [
    ("/ticker?markets=KRW-NOPE", 404, r#"{"error":{"name":404,"message":"Code not found"}}"#),
    ("/ticker?markets=KRW-BTC,KRW-NOPE", 404, r#"{"error":{"name":404,"message":"Code not found"}}"#),
    ("/ticker?markets=", 404, r#"{"error":{"name":404,"message":"Code not found"}}"#),
    (
        "/ticker",
        400,
        r#"{"error":{"name":400,"message":"Missing request parameter error. Check the required parameters!"}}"#,
    ),
    (
        "/ticker/all",
        400,
        r#"{"error":{"name":400,"message":"Missing request parameter error. Check the required parameters!"}}"#,
    ),
    (
        "/market/all?is_details=abc",
        400,
        r#"{"error":{"name":400,"message":"Type mismatch error. Check the parameters type!"}}"#,
    ),
    (
        "/market/all?is_details=true&is_details=true",
        400,
        r#"{"error":{"name":400,"message":"Invalid parameter. Check the given value!"}}"#,
    ),
    ("/nope", 404, r#"{"error":{"name":"not_found","message":"no Route matched with those values"}}"#),
];

async fn rows(exchange: &Exchange, path: &str) -> Vec<Value> {
    let response = get(exchange, path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.json().await.unwrap()
}

#[tokio::test]
async fn markets_are_listed_with_and_without_details() {
    let exchange = exchange(quiet()).await;
    let plain = get(&exchange, "/market/all").await.text().await.unwrap();
    let first =
        r#"[{"market":"KRW-BTC","korean_name":"비트코인","english_name":"Bitcoin"},{"market":"KRW-ETH","#;
    assert!(plain.starts_with(first), "{plain}");
    let detailed = get(&exchange, "/market/all?is_details=true").await.text().await.unwrap();
    let event = concat!(
        r#""english_name":"Bitcoin","market_event":{"warning":false,"caution":{"PRICE_FLUCTUATIONS":false,"#,
        r#""TRADING_VOLUME_SOARING":false,"DEPOSIT_AMOUNT_SOARING":false,"GLOBAL_PRICE_DIFFERENCES":false,"#,
        r#""CONCENTRATION_OF_SMALL_ACCOUNTS":false}}}"#
    );
    assert!(detailed.contains(event), "{detailed}");
}

#[tokio::test]
async fn tickers_come_by_market_in_the_order_asked_for() {
    let exchange = exchange(quiet()).await;
    exchange.trade("KRW-BTC", "150001000", "0.25").unwrap();
    let rows = rows(&exchange, "/ticker?markets=BTC-ETH,KRW-BTC").await;
    assert_eq!((&rows[0]["market"], &rows[1]["market"]), (&"BTC-ETH".into(), &"KRW-BTC".into()));
    assert_eq!((&rows[1]["trade_price"], &rows[1]["trade_volume"]), (&150_001_000.0.into(), &0.25.into()));
    assert!(rows[0].get("ask_bid").is_none());
    let repeated = get(&exchange, "/ticker?markets=BTC-ETH&markets=KRW-BTC").await;
    assert_eq!(repeated.json::<Vec<Value>>().await.unwrap(), rows, "a list may be spelled as pyupbit does");
}

#[tokio::test]
async fn tickers_come_by_quote_currency() {
    let exchange = exchange(quiet()).await;
    for (quotes, count) in [("KRW", 2), ("BTC", 1), ("KRW,BTC", 3), ("USDT", 0)] {
        let rows = rows(&exchange, &format!("/ticker/all?quote_currencies={quotes}")).await;
        assert_eq!(rows.len(), count, "{quotes}");
    }
}

#[tokio::test]
async fn refused_calls_have_the_texts_of_the_exchange() {
    let exchange = exchange(quiet()).await;
    for (path, status, body) in REFUSED {
        let response = get(&exchange, path).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        let is_limited = response.headers().contains_key("remaining-req");
        assert_eq!(is_limited, path != "/nope", "{path}: the gateway counts nothing");
        assert_eq!(response.text().await.unwrap(), body, "{path}");
    }
}

#[tokio::test]
async fn each_group_counts_down_by_itself_and_then_refuses() {
    let limits = Limits { rest_per_second: 2, refusals_before_block: 2, ..Limits::default() };
    let exchange = exchange(Config { limits, ..quiet() }).await;
    let calls = [
        ("/ticker?markets=KRW-BTC", 200, "group=ticker; min=600; sec=1"),
        ("/market/all", 200, "group=market; min=600; sec=1"),
        ("/ticker/all?quote_currencies=BTC", 200, "group=ticker; min=600; sec=0"),
    ];
    for (path, status, remaining) in calls {
        let response = get(&exchange, path).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(response.headers()["remaining-req"], remaining);
        assert_eq!(response.headers()["limit-by-ip"], "Yes");
        assert_eq!(response.headers()["content-type"], "application/json;charset=UTF-8");
    }
}

#[tokio::test]
async fn over_the_limit_comes_plain_text_and_then_a_teapot() {
    let limits = Limits { rest_per_second: 0, refusals_before_block: 2, ..Limits::default() };
    let exchange = exchange(Config { limits, ..quiet() }).await;
    let refused = get(&exchange, "/market/all").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(refused.text().await.unwrap(), "Too many API requests.");
    assert_eq!(get(&exchange, "/market/all").await.status(), StatusCode::IM_A_TEAPOT);
}

#[tokio::test]
async fn browsers_get_one_call_in_ten_seconds() {
    let exchange = exchange(Config { limits: Limits::default(), ..quiet() }).await;
    let call = async || get_with(&exchange, "/market/all", Some("http://localhost")).await;
    assert_eq!(call().await.headers()["remaining-req"], "group=origin; min=6; sec=0");
    assert_eq!(call().await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(get(&exchange, "/market/all").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_injected_status_answers_every_call() {
    let exchange = exchange(quiet()).await;
    exchange.faults().rest_status(Some(500));
    let response = get(&exchange, "/ticker?markets=KRW-BTC").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.json::<Value>().await.unwrap()["error"]["name"], 500);
    exchange.faults().rest_status(None);
    assert_eq!(get(&exchange, "/ticker?markets=KRW-BTC").await.status(), StatusCode::OK);
}
