//! Which markets are followed.

use reqwest::Method;
use serde_json::Value;
use tickroom_storage::user::Role;

use crate::harness::{Answer, TestServer, User, eventually};

const BTC: &str = "KRW-BTC";
const ETH: &str = "KRW-ETH";

async fn decide(user: &User, method: Method, market: &str) -> Answer {
    user.send(method, &format!("/api/admin/markets/{market}/activation")).await
}

async fn codes(server: &TestServer) -> Vec<String> {
    let view = server.get("/api/markets").await.expect_status(200).json();
    let markets = view["markets"].as_array().unwrap();
    markets.iter().map(|market| market["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn defect_54_an_administrator_decides_which_markets_are_followed() {
    let server = TestServer::start().await;
    let admin = server.promoted("root", Role::Admin).await;
    let view = admin.get("/api/admin/markets").await.expect_status(200).json();
    let shown = |market: &Value| {
        (
            market["code"].clone(),
            market["active"].clone(),
            market["decided_by"].clone(),
            market["listed"].clone(),
        )
    };
    let (yes, no, config) = (Value::from(true), Value::from(false), Value::from("config"));
    let all: Vec<_> = view["markets"].as_array().unwrap().iter().map(shown).collect();
    assert_eq!(
        all,
        [
            (BTC.into(), yes.clone(), config.clone(), yes.clone()),
            (ETH.into(), yes.clone(), config, yes.clone()),
        ]
    );
    assert!(view["markets"][0]["last_tick_age_ms"].as_i64() >= Some(0), "{view}");

    let mut socket = server.watch_prices().await;
    socket.watch(BTC).await;
    for _ in 0..2 {
        let decided = decide(&admin, Method::DELETE, BTC).await.expect_status(200).json();
        assert_eq!((&decided["active"], &decided["decided_by"]), (&no, &"admin".into()));
    }
    assert_eq!(socket.next_of("CLOSED").await["market"], BTC);
    eventually("it is gone", async || codes(&server).await == [ETH]).await;
    server.get("/api/markets/KRW-BTC/ticker").await.expect_problem(404, "not_found");
    server.get("/api/rooms/KRW-BTC").await.expect_status(200);

    decide(&admin, Method::PUT, BTC).await.expect_status(200);
    socket.next_price(BTC).await;
    assert_eq!(codes(&server).await, [BTC, ETH]);
    assert_eq!(server.exchange().connects_total(), 1, "the connection stood all the time");
}

#[tokio::test]
async fn defect_54_a_market_that_the_exchange_does_not_list_cannot_be_followed() {
    let server = TestServer::start().await;
    let admin = server.promoted("root", Role::Admin).await;
    for market in ["KRW-NOBODY", "krw-btc", "..%2Fetc", "%00", "KRW-BTC%20"] {
        for method in [Method::PUT, Method::DELETE] {
            decide(&admin, method, market).await.expect_problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn defect_54_nobody_else_decides() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    for method in [Method::PUT, Method::DELETE] {
        decide(&ann, method.clone(), BTC).await.expect_status(403);
        let nobody = server.request(method, &format!("/api/admin/markets/{BTC}/activation"));
        Answer::of(nobody).await.expect_problem(401, "unauthenticated");
    }
    ann.get("/api/admin/markets").await.expect_status(403);
    assert_eq!(codes(&server).await, [BTC, ETH]);
}

#[tokio::test]
async fn without_a_feed_there_is_nothing_to_follow() {
    let server = TestServer::without_prices(&[]).await;
    let admin = server.promoted("root", Role::Admin).await;
    let view = admin.get("/api/admin/markets").await.expect_status(200).json();
    assert_eq!(view["markets"], serde_json::json!([]));
    decide(&admin, Method::PUT, BTC).await.expect_problem(404, "not_found");
}
