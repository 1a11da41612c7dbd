//! The admin port.

use reqwest::{Client as Http, Method, StatusCode};
use serde_json::{Value, json};
use tickroom_sim::{Config, Exchange};

use crate::harness::{Client, exchange, get, quiet, refused};

async fn with_admin() -> Exchange {
    exchange(Config { admin: Some("127.0.0.1:0".parse().unwrap()), ..quiet() }).await
}

async fn call(exchange: &Exchange, method: Method, path: &str, body: &str) -> (StatusCode, String) {
    // A second install of the same provider is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let request = Http::new().request(method, format!("{}{path}", exchange.admin_url().unwrap()));
    let answer =
        request.header("content-type", "application/json").body(body.to_owned()).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn trades_and_markets_are_made_by_hand() {
    let exchange = with_admin().await;
    let mut client = Client::connect(&exchange).await;
    client.follow(&["KRW-BTC"]).await;
    let trade = r#"{"market":"KRW-BTC","price":"150001000","volume":"0.5"}"#;
    assert_eq!(call(&exchange, Method::POST, "/trades", trade).await.0, StatusCode::NO_CONTENT);
    assert_eq!(client.next().await["trade_price"], 150_001_000.0);
    let off_tick = trade.replace("150001000", "150000500");
    let (status, why) = call(&exchange, Method::POST, "/trades", &off_tick).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && why.contains("price grid"), "{why}");

    let spec = r#"{"code":"KRW-NEW","korean_name":"새","english_name":"New","start_price":"1000"}"#;
    assert_eq!(call(&exchange, Method::POST, "/markets", spec).await.0, StatusCode::NO_CONTENT);
    assert_eq!(get(&exchange, "/candles/days?market=KRW-NEW").await.status(), StatusCode::OK);
    call(&exchange, Method::DELETE, "/markets/KRW-NEW", "").await;
    assert_eq!(get(&exchange, "/candles/days?market=KRW-NEW").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn faults_are_set_shown_and_cleared() {
    let exchange = with_admin().await;
    let faults = json!({ "connect_status": 429, "rest_status": 418, "muted": ["KRW-ETH"] });
    assert_eq!(call(&exchange, Method::PUT, "/faults", &faults.to_string()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(refused(&exchange, &[]).await.0, 429);
    assert_eq!(get(&exchange, "/market/all").await.status(), StatusCode::IM_A_TEAPOT);
    let shown: Value = serde_json::from_str(&call(&exchange, Method::GET, "/faults", "").await.1).unwrap();
    assert_eq!((&shown["muted"][0], &shown["connect_status"]), (&"KRW-ETH".into(), &429.into()));
    let unknown = call(&exchange, Method::PUT, "/faults", r#"{"staled":true}"#).await;
    assert_eq!(unknown.0, StatusCode::UNPROCESSABLE_ENTITY, "a misspelled fault is no fault");
    call(&exchange, Method::DELETE, "/faults", "").await;
    assert_eq!(get(&exchange, "/market/all").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn frames_errors_and_drops_reach_every_socket() {
    let exchange = with_admin().await;
    let mut client = Client::connect(&exchange).await;
    call(&exchange, Method::POST, "/raw", r#"{"type":"brand new"}"#).await;
    assert_eq!(client.next_text().await, r#"{"type":"brand new"}"#);
    call(&exchange, Method::POST, "/error", r#"{"name":"TOO_TIRED","message":"later"}"#).await;
    assert_eq!(client.next_text().await, r#"{"error":{"name":"TOO_TIRED","message":"later"}}"#);
    client.assert_closed().await;

    let mut client = Client::connect(&exchange).await;
    call(&exchange, Method::POST, "/drop", "").await;
    client.assert_cut().await;
    let status: Value = serde_json::from_str(&call(&exchange, Method::GET, "/", "").await.1).unwrap();
    assert_eq!(status["connects_total"], 2);
}
