//! `/v1/trades/ticks`.

use serde_json::Value;
use tickroom_sim::Exchange;

use crate::harness::{Client, exchange, get, quiet};

async fn rows(exchange: &Exchange, query: &str) -> Vec<Value> {
    let response = get(exchange, &format!("/trades/ticks?market=KRW-BTC{query}")).await;
    assert_eq!(
        response.headers()["remaining-req"].to_str().unwrap().split(';').next(),
        Some("group=crix-trades")
    );
    response.json().await.unwrap()
}

#[tokio::test]
async fn trades_are_told_newest_first_and_with_the_ids_of_the_socket() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.subscribe("trade", &["KRW-BTC"], r#","is_only_realtime":true"#, "DEFAULT").await;
    client.assert_silent(&exchange).await;
    let mut ids = Vec::new();
    for price in ["150001000", "150002000", "150003000"] {
        exchange.trade("KRW-BTC", price, "0.25").unwrap();
        ids.push(client.next().await["sequential_id"].clone());
    }
    ids.reverse();
    let told: Vec<_> =
        rows(&exchange, "&count=3").await.iter().map(|row| row["sequential_id"].clone()).collect();
    assert_eq!(told, ids);
    let older = rows(&exchange, &format!("&count=1&cursor={}", ids[1])).await;
    assert_eq!(older[0]["sequential_id"], ids[2], "the cursor is not in the next page");
}

#[tokio::test]
async fn a_day_ago_ends_at_the_time_of_day_asked_for() {
    let exchange = exchange(quiet()).await;
    for to in ["12:00:00", "120000"] {
        let rows = rows(&exchange, &format!("&count=500&days_ago=3&to={to}")).await;
        assert_eq!(rows.len(), 500);
        assert!(rows.iter().all(|row| row["trade_time_utc"].as_str() < Some("12:00:00")));
        assert!(rows.iter().all(|row| row["trade_date_utc"] == rows[0]["trade_date_utc"]));
        assert!(rows.is_sorted_by(|newer, older| newer["timestamp"].as_i64() >= older["timestamp"].as_i64()));
    }
}

#[tokio::test]
async fn a_wrong_call_is_refused() {
    let exchange = exchange(quiet()).await;
    for query in ["", "market=KRW-BTC&count=501", "market=KRW-BTC&days_ago=8", "market=KRW-BTC&to=noon"] {
        assert_eq!(get(&exchange, &format!("/trades/ticks?{query}")).await.status().as_u16(), 400, "{query}");
    }
    assert_eq!(get(&exchange, "/trades/ticks?market=KRW-NOPE").await.status().as_u16(), 404);
}
